"""Which operation of the new revisions is to blame for what PostgreSQL says of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import At, Operation, Table
from migration_gate.project.revision import Revision


class Culprit(NamedTuple):
    """The operation, by its revision and its place."""

    revision: Revision
    at: At


def culprit(revisions: Sequence[Revision], table: Table, column: str, words: str) -> Culprit | None:
    """The last operation that names the table and the column (or, where it has none, something that PostgreSQL's
    ``words`` put in quotes); else the last that names the table. None where no
    operation does.
    """
    named = [column] if column else [one for one in re.findall(r'"([^"]+)"', words) if one != table.name]
    best: tuple[int, Culprit] | None = None
    for revision, operation in _operations(revisions):
        score = _score(operation, table, named)
        if score and (best is None or score >= best[0]):
            best = score, Culprit(revision, operation.at)
    return best[1] if best else None


def _operations(revisions: Sequence[Revision]) -> Iterator[tuple[Revision, Operation]]:
    for revision in revisions:
        try:
            source = revision.path.read_bytes()
        except OSError:
            continue
        for operation in read_upgrade(revision.path, source):
            yield revision, operation


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
