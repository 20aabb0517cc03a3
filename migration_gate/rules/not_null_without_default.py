"""A NOT NULL column without a server default is added to a table that may have rows.

PostgreSQL has nothing to put into the rows that the table already has, and refuses: `column "…" of relation "…"
contains null values` (23502). On an empty table, a laptop's or a test's, the same statement passes.

`default=` does not help: Python fills it in for rows that the application inserts, and ALTER TABLE never sees it.
Nor does `server_default=sa.text("NULL")`. A column with `primary_key=True` is NOT NULL too.

Refused:

    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=False))

or, with a default of Python's:

    op.add_column("users", sa.Column("settings", sa.JSON(), nullable=False, default=dict))

Write instead:

    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))

or, where the value differs from row to row, add it nullable, fill it, and set it NOT NULL:

    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=True))
    op.execute("UPDATE users SET active = email IS NOT NULL WHERE active IS NULL")
    op.alter_column("users", "active", existing_type=sa.Boolean(), nullable=False)

A constant or STABLE server default costs nothing since PostgreSQL 11: it is stored once in the catalog, and no row
is rewritten.

Silent on a server default, on Identity, Computed and serial columns, and on tables that a new revision creates or
has just emptied, as long as nothing puts rows into them. `CREATE TABLE … AS` puts rows in, and `IF NOT EXISTS` may
mean an old table. What is computed, `nullable=REQUIRED`, is a note.

Source: PostgreSQL's documentation, ALTER TABLE, ADD COLUMN; measured on a table with rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.model import AddColumn, AddConstraint, Column, NotRead, Operation
from migration_gate.rules.base import Hazard, Migration, is_empty, same
from migration_gate.rules.remedies import (
    add_column,
    column_with,
    execute,
    in_batch,
    literal,
    makes_enum,
    not_null_in_steps,
    out_of_batch,
    python_call,
    quoted,
    schema_keyword,
    sql_name,
)

_LAPTOP = "An empty laptop does not show it."


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, AddColumn):
            continue
        column = operation.column
        if column.not_null is False or column.fills_itself or column.default not in (None, "NULL"):
            continue
        earlier = migration.earlier(operation)
        if is_empty(operation.table, earlier):
            continue
        if column.not_null is None or column.fills_itself is None:
            message = (
                f"whether {operation.table}.{column.name} {_not_known(column)} could not be read. If it is NOT "
                f"NULL without one, PostgreSQL refuses it as soon as {operation.table} has a row."
            )
            yield migration.hazard(operation, message, sure=False)
            continue
        unread = _maybe_emptied(operation, earlier)
        lacks = "its server default is NULL" if column.default else "has no server default"
        message = (
            f"{operation.table}.{column.name} is NOT NULL and {lacks}. PostgreSQL has nothing to put into the "
            f"rows that {operation.table} already has, and refuses the migration as soon as there is one. "
            + (f"Line {unread.at.line} may delete them all; it was not read." if unread else _LAPTOP)
        )
        yield migration.hazard(operation, message, _remedy(operation, migration), unread is None)


def _not_known(column: Column) -> str:
    if column.fills_itself is False:
        return "is NOT NULL"
    return "has a server default" if column.not_null else "is NOT NULL and has a server default"


def _maybe_emptied(operation: AddColumn, earlier: tuple[Operation, ...]) -> NotRead | None:
    """A deletion in the same file that could not be read, through the ORM as a rule."""
    for one in earlier:
        if not isinstance(one, NotRead) or one.at.path != operation.at.path:
            continue
        if re.search(r"delete|truncate", one.call, re.IGNORECASE):
            return one
    return None


def _has_foreign_key(operation: AddColumn, migration: Migration) -> bool:
    """Whether the revision lets the column refer to another table: then no constant is a value for it."""
    return any(
        isinstance(one, AddConstraint)
        and one.kind == "foreign key"
        and same(one.table, operation.table)
        and operation.column.name in one.columns
        for one in migration.operations
    )


def _remedy(operation: AddColumn, migration: Migration) -> str:
    column = operation.column
    written = python_call(operation.call)
    if written is None:
        return _sql_remedy(operation, migration)
    batch = in_batch(written)
    call = add_column(operation)
    suggested = _suggest(None if _has_foreign_key(operation, migration) else column.type)
    apart = out_of_batch(call, operation.table) if in_batch(call) else call
    outside = " outside of the batch" * batch
    remedy = "\n".join(
        [
            "# with the value that the rows which are there are to have:",
            column_with(call, server_default=suggested, nullable="False"),
            *_in_steps(operation, migration, column_with(apart, server_default=None, nullable="True"), outside),
        ]
    )
    remedy = makes_enum(operation.call) + remedy
    lacks_sa = re.search(r"\bsa\.", remedy) and not re.search(r"\bsa\.", operation.call)
    return f"# import sqlalchemy as sa\n{remedy}" if lacks_sa else remedy


def _sql_remedy(operation: AddColumn, migration: Migration) -> str:
    column = operation.column
    added = f"ALTER TABLE {sql_name(operation.table)} ADD COLUMN {quoted(column.name)} {column.type or '…'}"
    also = any(one.call == operation.call and one is not operation for one in migration.operations)
    return "\n".join(
        [
            f"# with a value that suits every row{', beside what else the statement says' * also}:",
            execute(f"{added} NOT NULL DEFAULT …"),
            *_in_steps(operation, migration, execute(added)),
        ]
    )


def _in_steps(operation: AddColumn, migration: Migration, added: str, outside: str = "") -> list[str]:
    """The column without a value, its values, and NOT NULL. On a large table none of these may wait for another."""
    table, column = operation.table, operation.column
    name = quoted(column.name)
    fill = execute(f"UPDATE {sql_name(table)} SET {name} = … WHERE {name} IS NULL")
    in_sql = python_call(operation.call) is None
    type_ = None if in_sql else column.type
    differs = "# or, where the value differs from row to row, in"
    if migration.size(table) == "large":
        version = migration.project.settings.postgres_version
        return [
            f"{differs} steps{outside}, each of which is deployed before the next:",
            added,
            "# then, some thousand rows at a time:",
            fill,
            "# then, when all that runs gives new rows a value:",
            not_null_in_steps(table, column.name, type_, version),
        ]
    existing = f", existing_type={type_}" if type_ else ""
    names = f"{literal(table.name)}, {literal(column.name)}"
    required = f"op.alter_column({names}{existing}, nullable=False{schema_keyword(table)})"
    if in_sql:
        required = execute(f"ALTER TABLE {sql_name(table)} ALTER COLUMN {name} SET NOT NULL")
    return [f"{differs} three steps{outside}:", added, fill, required]


_SUGGESTIONS = (
    (("json", "array"), "sa.text(\"'{}'\")"),
    (("bool",), "sa.false()"),
    (("datetime", "timestamp"), "sa.func.now()"),
    (("date",), 'sa.text("CURRENT_DATE")'),
    (("int", "float", "numeric", "double", "real"), 'sa.text("0")'),
    (("string", "text", "varchar", "unicode"), "sa.text(\"''\")"),
)


def _suggest(type_: str | None) -> str:
    """A default that the type can hold; an ellipsis where only the author knows one."""
    name = (type_ or "").partition("(")[0].lower()
    for words, default in _SUGGESTIONS:
        if any(word in name for word in words):
            return default
    return 'sa.text("…")'
