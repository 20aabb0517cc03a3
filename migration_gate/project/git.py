"""What git knows, asked of git itself: no checkout, no change."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SECONDS = 10


class Found(NamedTuple):
    """A commit that has a revision's file. ``source`` is what `git restore --source` takes to bring it back."""

    commit: str
    source: str
    author: str
    when: str
    path: str


def commit_with(folder: Path, ident: str) -> Found | None:
    """The newest commit on any branch, remote or stash in which a file below ``folder`` had this revision id."""
    import re

    if not re.fullmatch(r"[\w.]+", ident):
        return None
    pattern = rf"^revision[^=]*=.*[\"']{re.escape(ident)}[\"']"
    log = _git(
        folder,
        "log",
        "--all",
        "-1",
        "--format=%h%x00%an%x00%ar",
        "--name-status",
        "-G",
        pattern,
        "--",
        ".",
    )
    if not log:
        return None
    head, _, names = log.partition("\n\n")
    commit, author, when = head.split("\0")
    status, _, path = names.strip().splitlines()[0].partition("\t")
    source = f"{commit}^" if status.startswith("D") else commit
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top:
        with suppress(ValueError):
            path = str((Path(top.strip()) / path.rpartition("\t")[2]).relative_to(Path.cwd()))
    return Found(commit, source, author, when, path)


def _git(folder: Path, *words: str) -> str | None:
    """Git's output, None where there is no git, no repository, or no answer in time."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
