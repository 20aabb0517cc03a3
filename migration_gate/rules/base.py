"""What rules are given, what they say, and the few questions that several of them ask."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from migration_gate.operations.model import CreateTable, NotRead, Operation, RenameTable, Table
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision


class Hazard(NamedTuple):
    """What a rule found, before allow comments are applied."""

    message: str
    path: Path | None
    line: int | None
    end: int | None
    revision: str | None = None
    remedy: str | None = None
    sure: bool = True  # False: something that could not be read may well make it harmless; a note


class Migration(NamedTuple):
    """One revision for the rules of operations. ``before`` holds the operations of the new revisions that it comes
    after, in order; empty where each revision is judged as if it alone were new.
    """

    project: Project
    revision: Revision
    operations: tuple[Operation, ...]
    before: tuple[Operation, ...] = ()

    def earlier(self, operation: Operation) -> tuple[Operation, ...]:
        """All that runs before an operation of this revision and is as new as it."""
        for position, one in enumerate(self.operations):
            if one is operation:
                return self.before + self.operations[:position]
        return self.before


def same(one: Table | None, other: Table | None) -> bool:
    """Whether two names can mean one table: without a schema a name means the search path's, "public" by default."""
    if one is None or other is None:
        return False
    return one.name == other.name and (one.schema or "public") == (other.schema or "public")


def is_new(table: Table, earlier: tuple[Operation, ...]) -> bool:
    """Whether the table was made by what ran earlier and is new: then it is empty in production."""
    for operation in reversed(earlier):
        if isinstance(operation, CreateTable) and same(operation.table, table):
            return True
        if isinstance(operation, RenameTable) and same(operation.to, table):
            table = operation.table
    return False


def not_read_in(earlier: tuple[Operation, ...]) -> NotRead | None:
    """The first operation that could not be read, if there is one."""
    return next((one for one in earlier if isinstance(one, NotRead)), None)
