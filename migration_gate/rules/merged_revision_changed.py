"""A revision that the base branch has is edited by this branch: what its upgrade() does, or what it comes after.

A database runs a revision once. One that has run it never learns of the edit, and one that is made from nothing
tomorrow gets another schema than production has: the models fit one of the two. An edited `down_revision` can also
put a revision below one that production is at already, where it is never run.

Take the edit back, and make the change in a new revision.

Silent on comments, formatting, docstrings, annotations, unused imports, and on downgrade(); on a file that was
moved or renamed; on edits that the base itself has made since this branch left it. Where git cannot tell whose edit
it is, as in a shallow clone, it is a note.

A revision that fails everywhere, and so has been run nowhere, may be mended in its place: allow the rule on the
line that it names, with that reason.

Source: Alembic's tutorial, "Running our First Migration": a revision is applied where the version table does not
show it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migration_gate.project.base import Base, Past
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rules.base import Hazard

if TYPE_CHECKING:
    from migration_gate.operations.essence import Difference

WIDTH = 90


def check(project: Project, history: History) -> Iterator[Hazard]:
    base = history.base
    if base is None:
        return
    for ident, text in base.past.texts.items():
        one = history.revisions.get(ident)
        now = history.contents.get(one.path) if one else None
        if one is None or now is None:
            continue
        edit = _edit(base.past.revisions[ident], text, one, now)
        if edit is None:
            continue
        fork = base.fork()
        if fork and not _edited_since(fork, one, now):
            continue
        yield _hazard(base, one, *edit, sure=fork is not None)


def _edited_since(fork: Past, one: Revision, now: bytes) -> bool:
    """Whether this branch edited a revision, which may have come to the base by another way than through the fork."""
    before = fork.revisions.get(one.id)
    if before is None:
        return True
    text = fork.texts.get(one.id)
    return text is not None and _edit(before, text, one, now) is not None


def _hazard(base: Base, one: Revision, what: str, line: int, sure: bool) -> Hazard:
    message = f"{base.name} has {one.id} already, and here {what}"
    if not sure:
        reason = "Git cannot tell here whose edit that is: a clone with its whole history can (git fetch --unshallow)."
        return Hazard(f"{' '.join(message.split())} {reason}", one.path, line, line, one.id, sure=False)
    return Hazard(
        message=f"{message}\nA database that has run it never runs it again: production stays as it is, and only "
        "databases that are made anew get this.",
        path=one.path,
        line=line,
        end=line,
        revision=one.id,
        remedy=f"{_take_back(base, one)}\n# and make the change in a new revision",
    )


def _take_back(base: Base, one: Revision) -> str:
    from shlex import quote

    there = base.past.revisions[one.id].path
    here = quote(os.path.relpath(one.path).replace(os.sep, "/"))
    if there == one.path:
        return f"git restore --source={quote(base.ref)} -- {here}"
    return f"git show {quote(f'{base.ref}:{there.relative_to(base.top).as_posix()}')} > {here}"


def _edit(before: Revision, old: bytes, one: Revision, now: bytes) -> tuple[str, int] | None:
    """What was edited, in words, and its line here. None where nothing was that matters."""
    for name, was, is_, line in (
        ("down_revision", before.down, one.down, one.down_line),
        ("depends_on", before.depends_on, one.depends_on, one.depends_line),
        ("branch_labels", before.labels, one.labels, one.line),
    ):
        if set(was) != set(is_):
            return f"its {name} is {_ids(is_)} in place of {_ids(was)}.", line
    from migration_gate.operations.essence import difference  # only where the text is another

    try:
        found = difference(old, now)
    except RecursionError:
        return "it has another text, which is nested too deeply to compare.", one.line
    return (_said(found), found.line) if found else None


def _said(found: Difference) -> str:
    step = found.new or found.old
    where = "upgrade()" if step and step.inside else "the code that upgrade() needs"
    if found.old and found.new:
        return f"{where} has\n    {_short(found.new.code)}\nin place of\n    {_short(found.old.code)}"
    if found.new:
        return f"{where} has in addition\n    {_short(found.new.code)}"
    return f"{where} no longer has\n    {_short(found.old.code if found.old else '')}"


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _ids(ids: tuple[str, ...]) -> str:
    return ", ".join(f'"{one}"' for one in ids) or "None"
