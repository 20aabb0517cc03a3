"""What rules are given, what they say, and the few questions that several of them ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
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
    # The operations of the shipped revisions that it comes after, read when a rule asks: that takes a while.
    shipped: Callable[[], tuple[Operation, ...]] = tuple

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


def not_read_about(table: Table, earlier: tuple[Operation, ...], path: Path) -> NotRead | None:
    """The first operation that could not be read and may have to do with the table: any of the same file, and of
    another one that names the table.
    """
    for one in earlier:
        if isinstance(one, NotRead) and (one.at.path == path or re.search(rf"\b{re.escape(table.name)}\b", one.call)):
            return one
    return None


def quoted(name: str) -> str:
    """A name as SQL takes it: in quotes where it is a reserved word or not in small letters."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) and name not in RESERVED else f'"{name}"'


def sql_name(table: Table) -> str:
    """A table's name as SQL takes it."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def tidy(call: str) -> str:
    """A call of several lines as one, where that is short enough to read."""
    try:
        line = ast.unparse(ast.parse(call, mode="eval"))
    except (SyntaxError, ValueError):
        return call
    return line if len(line) <= 110 else call


def execute(sql: str) -> str:
    """The call that runs a statement in a migration."""
    return f"op.execute('{sql}')" if '"' in sql else f'op.execute("{sql}")'


# PostgreSQL's documentation, appendix C: reserved, also those that may be a function's or a type's name.
RESERVED = frozenset(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch "
    "for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer "
    "overlaps placing primary references returning right select session_user similar some symmetric table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with".split()
)
