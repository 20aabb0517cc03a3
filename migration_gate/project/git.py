"""What git knows, asked of git itself: no checkout, no change."""

from __future__ import annotations

import os
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
    line = rf"^revision *(:[^=]*)?= *[\"']{re.escape(ident)}[\"']"
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
