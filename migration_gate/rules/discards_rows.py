"""Rows, or whatever depends on something, are thrown away.

TRUNCATE, a DELETE without WHERE, and a column or table that is dropped and made again leave nothing of what production
has; the database of a developer or of a test has nothing to lose, so that nobody sees it there. DROP … CASCADE takes
everything that depends on the thing with it, the views, the foreign keys of other tables, the columns of that type,
without naming any of it: what it takes is known on the day it runs.

Refused:

    op.execute("DELETE FROM memberships")

or:

    op.execute("TRUNCATE memberships")

or:

    op.execute("DROP TABLE users CASCADE")

or:

    op.drop_table("memberships")
    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer()),
        sa.Column("group_id", sa.Integer()),
    )

Write instead:

    op.execute("DELETE FROM memberships WHERE user_id IS NULL")

if some rows are meant, and without CASCADE, so that PostgreSQL itself says what depends on it:

    op.execute("DROP TABLE memberships")

and where a type changes that ALTER COLUMN cannot change in place, the values go into a new column:

    op.add_column("users", sa.Column("age_range", sa.Text(), nullable=True))
    op.execute("UPDATE users SET age_range = age / 10 * 10 || '+'")

Silent on tables that a new revision makes or has emptied before. Where a statement before it copies the rows somewhere
else, it is a note. A plain DROP TABLE or DROP COLUMN is for drops-in-use.

Source: PostgreSQL's documentation, TRUNCATE, DELETE, "Dependency Tracking"; measured: the rows and dependents after.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    ChangeRows,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropTable,
    NotRead,
    Operation,
    RenameColumn,
    RenameTable,
    Table,
)
from migration_gate.rules.base import Hazard, Migration, is_empty, is_new, same
from migration_gate.rules.names import after, as_written, mentions, shipped_as
from migration_gate.rules.remedies import (
    execute,
    literal,
    method,
    python_call,
    quoted,
    schema_keyword,
    sql_name,
    statement,
)


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        earlier = migration.earlier(operation)
        match operation:
            case ChangeRows(verb="DELETE" | "TRUNCATE", whole=True, table=table):
                if not is_new(table, earlier) and not is_empty(table, earlier):
                    yield _emptied(migration, operation)
            case ChangeRows(verb="DELETE", table=table) if _joins_without_where(operation.call):
                if not is_new(table, earlier) and not is_empty(table, earlier):
                    yield _emptied(migration, operation)
            case DropTable(table=table) | DropColumn(table=table) | DropConstraint(table=table):
                if is_new(table, earlier):
                    continue
                if operation.cascade:
                    yield _cascade(migration, operation)
                elif not isinstance(operation, DropConstraint) and not is_empty(table, earlier):
                    yield from _made_again(migration, operation)


def _joins_without_where(call: str) -> bool:
    """DELETE … USING without a WHERE: every row, as soon as the other table has one."""
    return re.search(r"\busing\b", call, re.IGNORECASE) is not None and not re.search(r"\bwhere\b", call, re.IGNORECASE)


def _emptied(migration: Migration, one: ChangeRows) -> Hazard:
    copied = _copied(one.table, migration.earlier(one))
    message = (
        f"{one.verb} takes all rows of {one.table}: in production these are everybody's, and nothing brings them back."
    )
    if copied:
        message = f"{message} {copied.at.path.name}:{copied.at.line} may have copied them before."
    kept = Table(f"{one.table.name}_before_{migration.revision.id}"[:63], one.table.schema)
    copy = f"CREATE TABLE {sql_name(kept)} AS SELECT * FROM {sql_name(one.table)}"
    remedy = f"{execute(copy)}\n{statement(one) if python_call(one.call) is None else as_written(one.call)}"
    return migration.hazard(one, message, remedy, sure=copied is None, table=one.table)


def _cascade(migration: Migration, one: DropTable | DropColumn | DropConstraint) -> Hazard:
    what = {
        DropTable: f"{one.table}",
        DropColumn: f"{one.table}.{getattr(one, 'column', '')}",
        DropConstraint: f"the constraint {getattr(one, 'name', '')} of {one.table}",
    }[type(one)]
    message = (
        f"CASCADE drops with {what} all that depends on it, views and foreign keys of other tables too, and names none "
        "of it. Without CASCADE PostgreSQL refuses, and lists them."
    )
    plain = re.sub(r"(?<!delete)(?<!update)\s+cascade\b", "", one.call, flags=re.IGNORECASE)
    remedy = execute(plain.rstrip("; ")) if plain != one.call and python_call(one.call) is None else None
    return migration.hazard(one, message, remedy, table=one.table)


def _made_again(migration: Migration, one: DropTable | DropColumn) -> Iterator[Hazard]:
    """What is dropped, and then made with the same name and nothing in it."""
    earlier = migration.earlier(one)
    column = one.column if isinstance(one, DropColumn) else ""
    if shipped_as(one.table, column, earlier) is None:
        return
    made = _again(after(migration, one), one.table, column)
    if made is None:
        return
    copied = _copied(one.table, earlier)
    what = f"{one.table}.{column}" if column else str(one.table)
    lost = "values" if column else "rows"
    message = f"{what} is dropped and made again in line {made.at.line}: it comes back without its {lost}."
    if copied:
        message += f" {copied.at.path.name}:{copied.at.line} may have copied them before."
    yield migration.hazard(one, message, _changed(one, made), sure=copied is None, table=one.table)


def _again(later: tuple[Operation, ...], table: Table, column: str) -> AddColumn | CreateTable | None:
    for one in later:
        match one:
            case AddColumn() if column and same(one.table, table) and one.column.name == column:
                return one
            case CreateTable(from_query=False) if not column and same(one.table, table):
                return one
            case RenameColumn(to=to) if same(one.table, table) and to == column:
                return None
            case RenameTable(to=to_table) if same(to_table, table):
                return None
    return None


def _copied(table: Table, earlier: tuple[Operation, ...]) -> Operation | None:
    """What may have taken the rows elsewhere: an INSERT into another table, CREATE TABLE AS, an UPDATE of it, or the
    ORM.
    """
    for one in reversed(earlier):
        match one:
            case ChangeRows(verb="INSERT") | CreateTable(from_query=True):
                if not same(one.table, table) and (mentions(one.call, table) or _from_a_variable(one.call)):
                    return one
            case ChangeRows(verb="UPDATE"):
                if mentions(one.call, table):
                    return one
            case NotRead(reason=reason) if reason.startswith("rows changed through the ORM"):
                return one
    return None


def _from_a_variable(call: str) -> bool:
    """Whether rows that Python holds are put in, from wherever they come: ``op.bulk_insert(archive, rows)``."""
    tree = python_call(call)
    if tree is None:
        return False
    rows = tree.args if method(tree).startswith("bulk_save") else tree.args[1:]  # before them, the table
    return any(isinstance(one, ast.Name) for one in rows)


def _changed(one: DropTable | DropColumn, made: AddColumn | CreateTable) -> str | None:
    """The column's type changed in place, as its own calls are written."""
    if not isinstance(one, DropColumn) or not isinstance(made, AddColumn):
        return None
    table, column, new = one.table, one.column, made.column
    cast = f"{quoted(column)}::{new.sql_type or '…'}"
    if python_call(one.call) is None or python_call(made.call) is None or new.type is None:
        written = new.sql_type or "…"
        changed = f"ALTER TABLE {sql_name(table)} ALTER COLUMN {quoted(column)} TYPE {written} USING {cast}"
        return f"{execute(changed)}  # in the place of both"
    names = f"{literal(table.name)}, {literal(column)}"
    using = f"postgresql_using={literal(cast)}{schema_keyword(table)}"
    return f"op.alter_column({names}, type_={new.type}, {using})  # in the place of both"
