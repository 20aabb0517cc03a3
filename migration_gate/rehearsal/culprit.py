"""Which operation of the new revisions is to blame for what PostgreSQL says of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import At, Operation, Table
from migration_gate.operations.modules import modules_of
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision


class Culprit(NamedTuple):
    """The operation, by its revision and its place."""

    revision: Revision
    at: At


Done = Sequence[tuple[Revision, Operation]]


def operations(project: Project, revisions: Sequence[Revision]) -> Done:
    """What revisions do, in the order in which they are given."""
    modules = modules_of(project)
    found: list[tuple[Revision, Operation]] = []
    for one in revisions:
        with suppress(OSError):
            found += [(one, operation) for operation in read_upgrade(one.path, one.path.read_bytes(), modules)]
    return found


def culprit(done: Done, table: Table, column: str, words: str) -> Culprit | None:
    """The last operation that names the table and the column (or, where there is none, something that PostgreSQL's
    ``words`` put in quotes); else one that names the column or the table alone. None where none does.
    """
    named = [column] if column else [one for one in re.findall(r'"([^"]+)"', words) if one != table.name]
    best: tuple[int, Culprit] | None = None
    for revision, operation in done:
        score = _score(operation, table, named)
        if score and (best is None or score >= best[0]):
            best = score, Culprit(revision, operation.at)
    return best[1] if best else None


def _score(operation: Operation, table: Table, named: Sequence[str]) -> int:
    """How likely it is: 3 for the table and the column, 2 for something else that is named, 1 for the table alone."""
    text = operation.call
    on = getattr(operation, "table", None)
    is_on = on.name == table.name if isinstance(on, Table) else _has(text, table.name)
    column = getattr(operation, "column", None)
    names = {column if isinstance(column, str) else getattr(column, "name", None)}
    speaks = any(one in names or _has(text, one) for one in named)
    return 3 if is_on and speaks else 2 if speaks and not isinstance(on, Table) else 1 if is_on else 0


def _has(text: str, name: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))
