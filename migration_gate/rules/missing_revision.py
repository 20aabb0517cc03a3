"""A revision names a parent or a dependency that no file has.

Alembic cannot load such a history at all: every command stops with "Can't locate revision identified by …" or a
KeyError. The file was deleted, was never committed, stands on another branch, or its id was edited.

Bring the file back, or name another parent. Alembic takes whole ids: an abbreviated one, which its command line
accepts, is not one. It takes a branch label in `depends_on` alone; in `down_revision` that is a KeyError.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from migration_gate.project.git import commit_with, file_with, tracked
from migration_gate.project.history import History, Missing
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision, read
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    yield from _not_in_git(project, history)
    for one in history.missing:
        reason, remedy = _explain(project, history, one)
        yield Hazard(
            message=f"{one.revision.id} names {one.named!r} in its {one.field}, and no file of {project.name} has "
            f"that revision. {reason}\nAlembic cannot load this history: every command stops.",
            path=one.revision.path,
            line=one.line,
            end=one.line,
            revision=one.revision.id,
            remedy=remedy,
        )


def _not_in_git(project: Project, history: History) -> Iterator[Hazard]:
    """A revision that git has, after one that only this machine has: everybody else misses it."""
    in_git = tracked(project.directory)
    if in_git is None:
        return
    merged = history.base.past.revisions if history.base else {}

    def has(ident: str, one: Revision) -> bool:
        return (ident in merged and merged[ident].path == one.path) or in_git(one.path)

    known = {ident: has(ident, one) for ident, one in history.revisions.items()}
    for ident, one in history.revisions.items():
        for parent in (*history.parents[ident], *history.dependencies[ident]):
            if known[ident] and not known[parent]:
                path = os.path.relpath(history.revisions[parent].path).replace(os.sep, "/")
                yield Hazard(
                    message=f"{ident} comes after {parent}, whose file git does not have: {path}. For everybody else "
                    "that revision is missing, and every command of Alembic's stops.",
                    path=one.path,
                    line=one.down_line,
                    end=one.down_line,
                    revision=ident,
                    remedy=f"git add {path}",
                )


def _explain(project: Project, history: History, one: Missing) -> tuple[str, str]:
    for other in history.revisions.values():
        if one.named in other.labels:
            return (
                f"It is the branch label of {other.id}, and Alembic takes labels in `depends_on` alone.",
                f'{one.field} = "{other.id}"',
            )
    longer = [ident for ident in history.revisions if ident.startswith(one.named)]
    if len(longer) == 1:
        return (
            "It abbreviates an id, which Alembic takes on its command line only.",
            f'{one.field} = "{longer[0]}"',
        )
    elsewhere = _elsewhere(project, history, one.named) or file_with(project.root, one.named)
    if elsewhere:
        return f"{elsewhere} has it, and is in none of this project's version locations.", (
            "# add its folder to version_locations; where code does that, in pyproject.toml, all of them:\n"
            '[tool.migration-gate]\nversion-locations = ["…", "…"]'
        )
    found = commit_with(project.directory, one.named)
    if found:
        from shlex import quote  # as the import below: only where something is missing

        return (
            f"It is in git: {found.path}, commit {found.commit} ({found.author}, {found.when}).",
            f"git restore --staged --worktree --source={found.commit} -- {quote(found.path)}",
        )
    from difflib import get_close_matches  # 3 ms, only where something is missing

    near = get_close_matches(one.named, history.revisions, n=1, cutoff=0.7)
    if near:
        return f"The nearest id is {near[0]}.", f'{one.field} = "{near[0]}"'
    return (
        "Git knows no commit that has it.",
        f'# bring the file of {one.named} back, or name the revision that this one really follows:\n{one.field} = "…"',
    )


def _elsewhere(project: Project, history: History, ident: str) -> str | None:
    """A file of the project's folder that has this id and that Alembic does not load, relative to where we are."""
    loaded = history.paths
    for folder, folders, names in os.walk(project.directory):
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__pycache__")))
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(".py") and not name.startswith((".#", "__init__")) and path.resolve() not in loaded:
                found = read(path)
                if isinstance(found, Revision) and found.id == ident:
                    return os.path.relpath(path).replace(os.sep, "/")
    return None
