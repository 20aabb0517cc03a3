"""A column, table, enum value, schema or other name that running code uses is changed.

The code that is running goes on with the old name: each SELECT and INSERT of that class fails, with `column users.bio
does not exist` (42703), `relation "users" does not exist` (42P01) or `invalid input value for enum` (22P02), from the
moment of the migration until the last process of the old release is gone. The new release fails in the same way if it
starts before the migration, and after a rollback. No order of the two is right.

Refused:

    op.alter_column("users", "bio", new_column_name="about")

or:

    op.rename_table("groups", "teams")

or:

    op.execute("ALTER TYPE order_status RENAME VALUE 'new' TO 'open'")

or:

    op.execute("ALTER SCHEMA crm RENAME TO sales")

Write instead:

    op.add_column("users", sa.Column("about", sa.Text(), nullable=True))
    op.execute("UPDATE users SET about = bio")

for a column: this release writes both, the next one reads the new one alone, the one after drops the old one.
For a table, a view keeps the old name; PostgreSQL writes through it:

    op.rename_table("groups", "teams")
    op.execute("CREATE VIEW groups AS SELECT * FROM teams")

For an enum, a new value beside the old one:

    op.execute("ALTER TYPE order_status ADD VALUE 'open'")

Often only Python needs the new name. `about: Mapped[str] = mapped_column("bio")`, or `about = Column("bio", Text)`,
renames it in the model alone, and there is no migration.

Silent where the table or column is new, where the same revision gives the old name to a view or to something else in
the same transaction, and on constraints, indexes, sequences, triggers and policies, which queries do not name.

Source: PostgreSQL's documentation, ALTER TABLE, ALTER TYPE, CREATE VIEW ("Updatable Views"); SQLAlchemy's, "Naming
Declarative Mapped Columns Explicitly"; measured: the old queries after the rename, and through the view.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    Column,
    CreateTable,
    Operation,
    Rename,
    RenameColumn,
    RenameTable,
    Table,
)
from migration_gate.rules.base import Hazard, Migration, backwards
from migration_gate.rules.names import after, as_written, shipped_as, taken_again
from migration_gate.rules.remedies import execute, literal, python_call, quoted, schema_keyword, sql_name, statement

# Queries name these. They name no sequence: a default knows it by its number (PostgreSQL's documentation, 8.1.4).
_IN_QUERIES = frozenset("enum value,schema,view,column,type,function,attribute".split(","))


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        earlier = migration.earlier(operation)
        match operation:
            case RenameColumn(table=table, column=column, to=to) if column != to:
                if shipped_as(table, column, earlier) and not taken_again(migration, operation, table, column):
                    yield _column(migration, operation)
            case RenameTable(table=table, to=to_table) if table != to_table:
                if shipped_as(table, "", earlier) and not taken_again(migration, operation, table):
                    yield _table(migration, operation)
            case Rename(kind=kind) if kind in _IN_QUERIES and not _is_new(operation, earlier):
                if kind == "enum value" or not any(_made(one.call, operation) for one in after(migration, operation)):
                    yield _other(migration, operation)


def _column(migration: Migration, one: RenameColumn) -> Hazard:
    table, column, to = one.table, one.column, one.to
    message = (
        f"{table}.{column} is renamed to {to}. Code that is running names {column} in each query of that class, and "
        "these fail from this migration on until no process of it is left."
    )
    kind = _type_of(migration, one)
    names = f"{literal(table.name)}, sa.Column({literal(to)}, {kind}, nullable=True){schema_keyword(table)}"
    copy = execute(f"UPDATE {sql_name(table)} SET {quoted(to)} = {quoted(column)}")
    return migration.hazard(
        one,
        message,
        f"# only in Python: the model says {to} = mapped_column({literal(column)}), and there is no migration.\n"
        f"# in the database too: add {to}, write both from this release on, drop {column} two releases later.\n"
        f"op.add_column({names})\n{copy}",
        table=table,
    )


def _type_of(migration: Migration, one: RenameColumn) -> str:
    """The column's type as source text, where its own call or the history says it; else a gap to fill."""
    call = python_call(one.call)
    for keyword in call.keywords if call else ():
        if keyword.arg == "existing_type":
            return ast.unparse(keyword.value)
    for operation, name in backwards(one.table, migration.shipped() + migration.earlier(one), one.column):
        declared: tuple[Column, ...] = ()
        if isinstance(operation, AddColumn):
            declared = (operation.column,)
        elif isinstance(operation, CreateTable):
            declared = operation.columns
        for made in declared:
            if made.name == name and made.type and "(" in made.type and made.type.startswith(("sa.", "postgresql.")):
                return made.type
    return "…"


def _table(migration: Migration, one: RenameTable) -> Hazard:
    old, new = one.table, one.to
    schema = new.schema or old.schema
    done = f"renamed to {new.name}" if schema == old.schema else f"moved to {new}"
    message = (
        f"{old} is {done}. Code that is running names {old} in each query of that class, and these fail from this "
        "migration on until no process of it is left."
    )
    view = f"CREATE VIEW {sql_name(old)} AS SELECT * FROM {sql_name(Table(new.name, schema))}"
    call = python_call(one.call)
    if call is None:
        return migration.hazard(one, message, f"{statement(one)}\n{execute(view)}", table=old)
    return migration.hazard(one, message, f"{as_written(one.call)}\n{execute(view)}", table=old)


def _other(migration: Migration, one: Rename) -> Hazard:
    of = f" of {one.of}" if one.of else ""
    message = (
        f"The {one.kind} {one.name}{of} is renamed to {one.to}. Code that is running still uses {one.name}, and its "
        "queries fail from this migration on until no process of it is left."
    )
    remedy = None
    if one.kind == "enum value" and one.of:
        value = one.to.replace("'", "''")
        add = f"ALTER TYPE {sql_name(one.of)} ADD VALUE IF NOT EXISTS '{value}'"
        remedy = execute(add)
    elif one.kind == "view":
        old = Table(one.name, one.of.schema if one.of else None)
        new = Table(one.to, old.schema)
        remedy = execute(f"CREATE VIEW {sql_name(new)} AS SELECT * FROM {sql_name(old)}")
    return migration.hazard(one, message, remedy)


def _is_new(one: Rename, earlier: tuple[Operation, ...]) -> bool:
    """Whether a new revision has made what is renamed, or named it so."""
    for before in reversed(earlier):
        if isinstance(before, Rename) and (before.kind, before.to) == (one.kind, one.name):
            return True
        if _made(before.call, one):
            return True
    return False


def _made(call: str, one: Rename) -> bool:
    """Whether a statement makes it: CREATE with its name, or ADD VALUE."""
    name = re.escape(one.of.name if one.of and one.kind == "enum value" else one.name)
    made = rf"\s*create\s+(?:or\s+replace\s+)?[a-z ]*(?:if\s+not\s+exists\s+)?(?:[\w\"$]+\.)?\"?{name}(?![\w$])"
    value = rf".*\badd\s+value\s+(?:if\s+not\s+exists\s+)?'{re.escape(one.name)}'"
    return bool(re.match(made, call, re.IGNORECASE)) or (
        one.kind == "enum value" and bool(re.match(value, call, re.IGNORECASE | re.DOTALL))
    )
