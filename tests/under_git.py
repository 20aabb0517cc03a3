"""A project under git, for tests of what git says: branches, clones, worktrees, all of them real."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import revision

VERSIONS = "migrations/versions"
BAD = 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))'
RULE = "not-null-without-default"  # what BAD is found by, wherever it is new
PROJECT = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": "from alembic import context\n",
    f"{VERSIONS}/a.py": revision("a", BAD),
    f"{VERSIONS}/b.py": revision("b", BAD, "a"),
}
C = {f"{VERSIONS}/c.py": revision("c", BAD, "b")}
OWN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


class Work(NamedTuple):
    """A work tree."""

    root: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), "-c", "protocol.file.allow=always", *words],
            capture_output=True,
            text=True,
            env=os.environ | OWN,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Files from their text; None deletes one."""
        for name, text in files.items():
            path = self.root / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str | None] | None = None) -> str:
        """Everything that there is; gives the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, at: str = "HEAD") -> None:
        self.git("switch", "--quiet", "-c", name, at)

    def clone(self, folder: Path, *words: str) -> Work:
        """By a URL: git takes no shallow clone of a plain path."""
        self.git("clone", "--quiet", *words, self.root.as_uri(), str(folder))
        return Work(folder)


def start(root: Path, files: Mapping[str, str | None] = PROJECT, *words: str) -> Work:
    """A repository whose branch main has these files, and where a branch of its own, "feature", is checked out."""
    root.mkdir(parents=True, exist_ok=True)
    work = Work(root)
    work.git("init", "--quiet", "-b", "main", *words)
    work.commit(files)
    work.branch("feature")
    return work


def said(report: Mapping[str, Any], rule: str) -> Iterator[Mapping[str, Any]]:
    """The findings of one rule."""
    return (one for one in report["findings"] if one["rule"] == rule)
