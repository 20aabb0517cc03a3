"""A column is set NOT NULL, and nothing before it fills the NULLs that it may hold.

PostgreSQL reads the whole table to prove that no NULL is left, and refuses with `column "…" of relation "…"
contains null values` (23502) if it finds one. On an empty laptop there is none. A primary key makes its columns
NOT NULL in the same way.

Refused:

    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)

or, in SQL:

    op.execute("ALTER TABLE users ALTER COLUMN email SET NOT NULL")

Fill them first, in the same revision or an earlier new one.

Write instead:

    op.execute("UPDATE users SET email = '' WHERE email IS NULL")
    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)

On a large table the UPDATE belongs in a revision of its own, in batches, and a CHECK (column IS NOT NULL), added NOT
VALID and validated apart, lets SET NOT NULL skip its scan.

Silent where an UPDATE of all NULLs of that column or a DELETE on that table comes before it (one that may leave
some, for its WHERE, a MERGE or an ON CONFLICT, is a note), where a valid CHECK proves it, where the column was added
with a server default or is NOT NULL already, and on tables that a new revision creates (rows that it has put in since
make a note). A CHECK that is validated on rows with NULL stops there itself, with 23514, and this rule says nothing
of it. Of a primary key's columns it is sure only where a revision has made them nullable; else it makes a note.

Source: PostgreSQL's documentation, ALTER TABLE, SET NOT NULL; measured on a table with rows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeRows,
    CreateTable,
    DropColumn,
    DropNotNull,
    NotRead,
    Operation,
    SetNotNull,
    Table,
    ValidateConstraint,
)
from migration_gate.rules.base import Hazard, Migration, backwards, is_empty, not_read_about
from migration_gate.rules.remedies import (
    execute,
    in_batch,
    out_of_batch,
    python_call,
    quoted,
    sql_name,
    statement,
    tidy,
)


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        for target in _targets(operation):
            earlier = migration.earlier(operation)
            if is_empty(target.table, earlier) or _filled(target, earlier):
                continue
            not_null = _is_not_null(target, migration.shipped() + earlier)
            if not_null is not True:
                hazard = _hazard(migration, target, earlier, isinstance(operation, AddConstraint))
                # Most columns that join a key are NOT NULL already; who says `nullable=False` says that they were not.
                unsure = isinstance(operation, AddConstraint) and not_null is None
                yield hazard._replace(sure=hazard.sure and not unsure)


def _targets(operation: Operation) -> tuple[SetNotNull, ...]:
    """The columns that it sets NOT NULL; those of a primary key are."""
    if isinstance(operation, AddConstraint) and operation.kind == "primary key":
        return tuple(SetNotNull(operation.at, operation.call, operation.table, one) for one in operation.columns)
    return (operation,) if isinstance(operation, SetNotNull) else ()


def _hazard(migration: Migration, target: SetNotNull, earlier: tuple[Operation, ...], in_key: bool) -> Hazard:
    table, column = target.table, target.column
    partly = _partly_filled(target, earlier)
    rows = _put_in(table, earlier, in_key)
    unread = not_read_about(table, earlier, target.at.path)
    before = "nothing before it fills the NULLs that it may hold"
    if partly:
        before = f"the UPDATE of {_place(partly)} may leave NULLs behind"
    elif rows:
        before = f"the rows that {_place(rows)} puts into {table} may hold NULL"
    elif unread:
        before = f"what {_place(unread)} does to the NULLs that it may hold could not be read"
    message = (
        f"{table}.{column} is set NOT NULL{' by the primary key' * in_key}, and {before}. PostgreSQL reads all of "
        f"{table} to look for one, and refuses the migration if it finds it."
    )
    return migration.hazard(target, message, _remedy(target), not (partly or rows or unread), table)


def _filled(target: SetNotNull, earlier: tuple[Operation, ...]) -> bool:
    """Whether no NULL can be left."""
    validated: set[str] = set()
    for one, column in backwards(target.table, earlier, target.column):
        match one:
            case ChangeRows(verb="DELETE" | "TRUNCATE"):
                return True
            case ChangeRows(verb="UPDATE") if column in one.to_null:
                return False
            case ChangeRows(verb="UPDATE"):
                if not one.columns or (column in one.columns and (one.every_null is None or column in one.every_null)):
                    return True
            case AddColumn() if one.column.name == column:
                return bool(one.column.fills_itself) or one.column.default not in (None, "NULL")
            case ValidateConstraint():
                validated.add(one.name)
            case AddConstraint() if column in one.proves_not_null and (one.valid or one.name in validated):
                return True
    return False


def _is_not_null(target: SetNotNull, earlier: tuple[Operation, ...]) -> bool | None:
    """Whether the column is NOT NULL already, as the revisions before it say: many a change of type repeats it. None
    where they say nothing of it.
    """
    for one, column in backwards(target.table, earlier, target.column):
        match one:
            case SetNotNull() if one.column == column:
                return True
            case AddConstraint(kind="primary key") if column in one.columns:
                return True
            case DropNotNull() | DropColumn() if one.column == column:
                return False
            case AddColumn() if one.column.name == column:
                return one.column.not_null
            case CreateTable():
                for made in one.columns:
                    if made.name == column and (made.not_null or not one.if_not_exists):
                        return made.not_null
                if not one.if_not_exists:
                    return None
    return None


def _partly_filled(target: SetNotNull, earlier: tuple[Operation, ...]) -> ChangeRows | None:
    """An UPDATE that sets the column in some rows, and nobody can say by reading whether these are all."""
    for one, column in backwards(target.table, earlier, target.column):
        if isinstance(one, ChangeRows) and one.verb == "UPDATE" and column in one.columns:
            return None if column in one.to_null else one
    return None


def _put_in(table: Table, earlier: tuple[Operation, ...], in_key: bool) -> ChangeRows | CreateTable | None:
    """What puts rows into a table that is surely new: they may well be without NULL. Who sets a column of a query's
    NOT NULL says that it was not; a primary key is no such word.
    """
    found = None
    for one, _ in backwards(table, earlier):
        match one:
            case ChangeRows(verb="INSERT"):
                found = one
            case CreateTable(if_not_exists=True):
                return None
            case CreateTable(from_query=True):
                return one if in_key else None
            case CreateTable():
                return found
    return None


def _place(one: ChangeRows | CreateTable | NotRead) -> str:
    return f"{one.at.path.name}:{one.at.line}"


def _remedy(operation: SetNotNull) -> str:
    table, column = operation.table, operation.column
    sql = f"UPDATE {sql_name(table)} SET {quoted(column)} = … WHERE {quoted(column)} IS NULL"
    call = python_call(operation.call)
    if call is None:
        return f"{execute(sql)}\n{statement(operation)}"
    if in_batch(call):
        return f"# outside of the batch:\n{execute(sql)}\n{ast.unparse(out_of_batch(call, table))}"
    return f"{execute(sql)}\n{tidy(operation.call)}"
