"""What a table or column is called by the code that runs now, and whether it is there under that name afterwards."""

from __future__ import annotations

import re

from migration_gate.operations.model import (
    AddColumn,
    Boundary,
    CreateTable,
    DropColumn,
    DropTable,
    Operation,
    RenameColumn,
    RenameTable,
    Table,
)
from migration_gate.rules.base import Migration, same
from migration_gate.rules.remedies import tidy


def shipped_as(table: Table, column: str, earlier: tuple[Operation, ...]) -> tuple[Table, str] | None:
    """A table's name, and its column's ("" for the table alone), before what is new; None where it is new itself."""
    for one in reversed(earlier):
        match one:
            case RenameTable() if same(one.to, table):
                table = one.table
            case RenameColumn() if same(one.table, table) and one.to == column:
                column = one.column
            case AddColumn() if same(one.table, table) and one.column.name == column:
                return None
            case CreateTable() if same(one.table, table) and not one.if_not_exists:
                return None
            case DropTable() if same(one.table, table):
                return None
    return table, column


def taken_again(migration: Migration, operation: Operation, table: Table, column: str = "") -> Operation | None:
    """What gives the name to something else later in the same revision and transaction, so that code which uses it
    still finds it: a new table or column, one that is renamed to it, or a view. No generated column is like it, since
    none can be written.
    """
    for one in after(migration, operation):
        match one:
            case Boundary():
                return None
            case RenameTable(to=to) if not column and same(to, table):
                return one
            case CreateTable(table=made) if not column and same(made, table):
                return one
            case AddColumn() if same(one.table, table) and one.column.name == column:
                return None if one.column.writes == "generated" else one
            case RenameColumn(to=to) if same(one.table, table) and to == column:
                return one
            case DropTable() | DropColumn() | RenameTable() | RenameColumn():
                continue
            case _ if not column and _makes_view(one.call, table):
                return one
    return None


def stands_again(table: Table, column: str, earlier: tuple[Operation, ...]) -> bool:
    """Whether what is new has already given a name to something else, after it was renamed away: code that uses the
    name finds that, whatever becomes of what had it.
    """
    for one in reversed(earlier):
        match one:
            case AddColumn() if same(one.table, table) and one.column.name == column:
                return one.column.writes != "generated"
            case CreateTable() if same(one.table, table):
                return not column or column in [made.name for made in one.columns]
            case RenameColumn() if same(one.table, table) and column in (one.column, one.to):
                return one.to == column
            case RenameTable() if same(one.table, table):
                return False
            case RenameTable() if same(one.to, table):
                return not column
    return False


def after(migration: Migration, operation: Operation) -> tuple[Operation, ...]:
    """What comes after one of a revision's operations in it."""
    for position, one in enumerate(migration.operations):
        if one is operation:
            return migration.operations[position + 1 :]
    return ()


def mentions(text: str, table: Table) -> bool:
    """Whether some SQL or Python speaks of a table."""
    return re.search(rf"(?<![\w$]){re.escape(table.name)}(?![\w$])", text) is not None


def as_written(call: str) -> str:
    """A call of one line as it is, one of several as ``tidy`` has it."""
    return tidy(call) if "\n" in call else call


def _makes_view(sql: str, table: Table) -> bool:
    made = re.match(
        r'\s*create\s+(?:or\s+replace\s+)?view\s+(?:"?([\w$]+)"?\s*\.\s*)?("?)([\w$]+)\2', sql, re.IGNORECASE
    )
    if not made:
        return False
    schema, quote, name = made.groups()
    return same(Table(name if quote else name.lower(), schema), table)
