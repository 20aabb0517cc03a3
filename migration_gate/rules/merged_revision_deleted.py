"""A revision that the base branch has is deleted by this branch, or its id is changed.

Databases remember the id of the revision that they are at. One that is at a deleted revision stops with "Can't
locate revision identified by …", whatever is asked of it, and whoever deploys next has to mend it by hand. One that
has not come that far will never run it.

Bring the file back, and undo what it does in a new revision. A file may be moved or renamed freely: its id counts,
not its name.

A history may be squashed on purpose, once every database has run what is to go. Turn the rule off for that pull
request:

    [tool.migration-gate]
    ignore = ["merged-revision-deleted"]

Silent on revisions that the base has added since this branch left it, and on those that the base itself has
deleted. Where git cannot tell them apart, as in a shallow clone, it is a note.

Source: Alembic, `script/base.py`: `ScriptDirectory._catch_revision_errors` raises "Can't locate revision identified
by".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rules.base import Hazard

SHOWN = 10


def check(project: Project, history: History) -> Iterator[Hazard]:
    base = history.base
    if base is None:
        return
    unread = {one.path for one in history.unreadable}
    gone = [one for ident, one in base.past.revisions.items() if ident not in history.revisions]
    gone = [one for one in gone if one.path not in unread]
    fork = base.fork() if gone else None
    if fork:
        gone = [one for one in gone if one.id in fork.revisions]
    if not gone:
        return
    several = f"{len(gone)} revisions" if len(gone) > 1 else f"the revision {gone[0].id}"
    them, they = ("them", "these files") if len(gone) > 1 else ("it", "this file")
    if fork is None:
        message = (
            f"{base.name} has {several}, and this branch has not. Git cannot tell here who of the two changed that"
        )
        yield Hazard(
            f"{message}: a clone with its whole history can (git fetch --unshallow).", None, None, None, sure=False
        )
        return
    now = {one.path: one for one in history.revisions.values()}
    first = gone[0]
    renamed = now.get(first.path) if len(gone) == 1 else None
    yield Hazard(
        message=f"{base.name} has {several}, and this branch has {them} no longer:\n{_listed(gone, now)}\n"
        f"A database that is at {'one of them' if len(gone) > 1 else 'it'} stops with \"Can't locate revision "
        f"identified by '{first.id}'\", and one that has not come so far will never run {them}.",
        path=first.path if len(gone) == 1 else None,
        line=renamed.line if renamed else None,
        end=renamed.line if renamed else None,
        revision=first.id,
        remedy=f"{_restore(base.ref, base.top, gone)}\n# and undo what {they} did in a new revision",
    )


def _listed(gone: list[Revision], now: dict[Path, Revision]) -> str:
    lines = []
    for one in gone[:SHOWN]:
        here = now.get(one.path)
        where = f"{_near(one.path)}, which has the id {here.id} here" if here else _near(one.path)
        lines.append(f"    {one.id}  {one.message}  {where}")
    if len(gone) > SHOWN:
        lines.append(f"    and {len(gone) - SHOWN} more")
    return "\n".join(lines)


def _restore(ref: str, top: Path, gone: list[Revision]) -> str:
    """The command that brings the files back. It names each: of a whole folder git would delete what is new in it."""
    from shlex import quote

    restore = f"restore --staged --worktree --source={quote(ref)} --"
    if len(gone) <= SHOWN:
        return f"git {restore} {' '.join(quote(_near(one.path)) for one in gone)}"
    git = f"git -C {quote(_near(top))}"
    names = sorted({quote(one.path.parent.relative_to(top).as_posix()) for one in gone})
    return (
        f"{git} diff -z --name-only --no-renames --diff-filter=D {quote(ref)} -- {' '.join(names)} |\n"
        f"    xargs -0 {git} {restore}"
    )


def _near(path: Path) -> str:
    return os.path.relpath(path).replace(os.sep, "/")
