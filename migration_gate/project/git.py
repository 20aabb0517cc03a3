"""What git knows, asked of git itself: no checkout, no change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SECONDS = 10


class Found(NamedTuple):
    """A commit that has a revision's file. ``path`` is relative to the working directory."""

    commit: str
    author: str
    when: str
    path: str


def commit_with(folder: Path, ident: str) -> Found | None:
    """The newest commit on any branch, remote or stash in which a file below ``folder`` has this revision id."""
    import re

    if not re.fullmatch(r"[\w.]+", ident):
        return None
    line = _revision_line(ident)
    # The newest commit that added or removed the line: where it removed it, the one before has it.
    changed = _git(folder, "log", "--all", "-1", "--format=%h", "--no-textconv", "-G", line, "--", ".")
    if not changed:
        return None
    for commit in (changed.strip(), f"{changed.strip()}^"):
        names = _git(folder, "grep", "-l", "-z", "--no-color", "--no-full-name", "-E", line, commit, "--", ".")
        if names:
            name = names.split("\0")[0].partition(":")[2]
            last = _git(folder, "log", "-1", "--format=%h%x00%an%x00%ar", commit, "--", name)
            if last:
                short, author, when = last.strip().split("\0")
                return Found(short, author, when, os.path.relpath(folder / name).replace(os.sep, "/"))
    return None


def file_with(folder: Path, ident: str) -> str | None:
    """A file below ``folder`` that git has, with this revision id; its path is relative to the working directory."""
    names = _git(folder, "grep", "-l", "-z", "--no-color", "--no-full-name", "-E", _revision_line(ident), "--", "*.py")
    return os.path.relpath(folder / names.split("\0")[0]).replace(os.sep, "/") if names else None


def _revision_line(ident: str) -> str:
    """A pattern of git's for the line that gives a file its revision id."""
    import re

    return rf"^revision *(:[^=]*)?= *[\"']{re.escape(ident)}[\"']"


_TRUNKS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


def newer(folder: Path, one: Path, other: Path) -> Path | None:
    """Which of two files came later, and so has been seen by fewer: the one that is not in git, or not on the trunk, or
    whose first commit comes after the other's. None where git cannot tell.
    """
    added = {
        path: _git(folder, "log", "--diff-filter=A", "--format=%H", "-1", "HEAD", "--", str(path))
        for path in (one, other)
    }
    for trunk in _TRUNKS:
        there = [path for path in (one, other) if _git(folder, "ls-tree", "--name-only", trunk, "--", str(path))]
        if len(there) == 1:
            return other if there == [one] else one
    first, second = ((added[path] or "").strip() for path in (one, other))
    if bool(first) != bool(second):
        return other if first else one
    if first and first != second:
        if _git(folder, "merge-base", "--is-ancestor", first, second) is not None:
            return other
        if _git(folder, "merge-base", "--is-ancestor", second, first) is not None:
            return one
    return None


def tracked(folder: Path) -> Callable[[Path], bool] | None:
    """A function that says whether git's index has a file, read from the index itself: a process would cost a hook more
    than all the rest. None where there is no repository, or its index is of a form that hides its paths.
    """
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    if top is None:
        return None
    place = top / ".git"
    try:
        if place.is_file():  # a worktree or submodule: "gitdir: …"
            place = top / place.read_text("utf-8").partition(":")[2].strip()
        index = Path(os.environ.get("GIT_INDEX_FILE") or place / "index")
        content = (index if index.is_absolute() else top / index).read_bytes()
    except (OSError, ValueError):
        return None
    # gitformat-index: "DIRC", then the version; version 4 shortens each path by what it shares with the one before.
    if content[:4] != b"DIRC" or int.from_bytes(content[4:8], "big") not in (2, 3):
        return None
    return lambda path: path.is_relative_to(top) and path.relative_to(top).as_posix().encode() + b"\0" in content


def _git(folder: Path, *words: str) -> str | None:
    """Git's output, None where there is no git, no repository, or no answer in time."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-c", "log.showSignature=false", "-C", str(folder), *words],
            capture_output=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None
