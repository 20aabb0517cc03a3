"""A statement makes PostgreSQL write every row of a table anew, under a lock that reads and writes wait for.

A rewrite copies the whole table and builds all its indexes again, and ACCESS EXCLUSIVE is held until the transaction
ends: SELECT waits as well. It takes as long as the table is large, and as much disk again. What asks for one:

- a new column with a value of its own in each row: serial, identity, GENERATED … STORED, or a VOLATILE default such
  as gen_random_uuid() or clock_timestamp(). A constant or STABLE default (now()) is stored once, since PostgreSQL 11;
- a new column of a domain that has a CHECK or NOT NULL;
- a change of type that is more than a promise: integer to bigint, a shorter varchar, another numeric scale. To a
  longer varchar or to text nothing is written;
- SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD, CLUSTER, VACUUM FULL;
- REFRESH MATERIALIZED VIEW without CONCURRENTLY: readers of the view wait.

Refused:

    op.add_column("orders", sa.Column("token", sa.Uuid(), server_default=sa.text("gen_random_uuid()")))

or:

    op.alter_column("memberships", "user_id", existing_type=sa.Integer(), type_=sa.BigInteger())

or:

    op.execute("REFRESH MATERIALIZED VIEW order_totals")

Write instead:

    op.add_column("orders", sa.Column("token", sa.Uuid(), nullable=True))
    op.alter_column("orders", "token", existing_type=sa.Uuid(), server_default=sa.text("gen_random_uuid()"))

and fill the rows that are there in a revision of its own, some thousand at a time; or:

    op.alter_column("users", "nickname", existing_type=sa.String(50), type_=sa.String(200))

or:

    op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals")

For another type, add a column of that type, let the application write both, fill it, and switch over; a later release
drops the old one.

Silent on tables that a new revision creates. Where the type before is not known, from `existing_type` or from the
revisions before, or where nobody can tell whether a function is VOLATILE, it makes a note; so does timestamp to
timestamptz, which is free only where the session's TimeZone is UTC.

Source: PostgreSQL's documentation, ALTER TABLE, Notes; measured on 14 to 18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.effects import Known, effects
from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeType,
    CreateTable,
    Operation,
    Other,
    RefreshView,
    RewriteTable,
    SqlType,
)
from migration_gate.operations.type_names import BUILT_IN, casts_of
from migration_gate.rules.base import Hazard, Migration, backwards, column_type, is_enum, is_new
from migration_gate.rules.remedies import (
    add_column,
    column_with,
    execute,
    in_batch,
    literal,
    out_of_batch,
    python_call,
    quoted,
    schema_keyword,
    sql_name,
)

_WAIT = "Reads and writes of {table} wait until that has ended: the larger it is, the longer."
_COLUMNS = {
    "serial": "is a serial column",
    "identity": "is an identity column",
    "generated": "is GENERATED … STORED",
    "volatile default": "has a VOLATILE default",
}
_CHARACTERS = ("character varying", "character")


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if isinstance(operation, AddColumn | ChangeType | RewriteTable | RefreshView):
            if operation.table and is_new(operation.table, migration.earlier(operation)):
                continue
            said = _said(operation, migration)
            if said:
                sure, message, remedy = said
                yield migration.hazard(operation, message, remedy, sure, operation.table)


def _said(operation: Operation, migration: Migration) -> tuple[bool, str, str | None] | None:
    """Whether it is sure, the message and the remedy; None where no row is written."""
    match operation:
        case AddColumn():
            said = _column(operation, migration.project.settings.postgres_version)
            return said or _of_domain(operation, migration)
        case ChangeType():
            existing = column_type(migration, operation)
            to_enum = _becomes_enum(operation, existing, migration)
            return _type(operation, existing, _is_key(operation, migration), to_enum)
        case RewriteTable(table=table, how=how):
            name = str(table) if table else "every table"
            return (
                True,
                f"{how} writes {name} anew under ACCESS EXCLUSIVE. {_WAIT.format(table=name)}",
                _REWRITES.get(how),
            )
        case RefreshView(concurrently=False, table=table):
            remedy = f"# once {table} has a unique index:\n" + execute(
                f"REFRESH MATERIALIZED VIEW CONCURRENTLY {sql_name(table)}"
            )
            return True, f"{table} is filled anew under ACCESS EXCLUSIVE. {_WAIT.format(table=table)}", remedy
    return None


_REWRITES = {
    "VACUUM FULL": "# pg_repack does the same without the lock; a plain VACUUM gives the space back to the table:\n"
    "# run it outside of migrations",
    "CLUSTER": "# pg_repack orders a table without the lock, outside of migrations",
}


def _column(operation: AddColumn, version: int) -> tuple[bool, str, str | None] | None:
    table, column = operation.table, operation.column
    if column.writes == "":
        return None
    name = f"{table}.{column.name}"
    if column.writes is None and column.default is None and "Computed(" in operation.call:
        return (
            False,
            f"{name} is computed, and the call leaves open whether it is STORED: with any PostgreSQL before 18, or "
            f"SQLAlchemy before 2.1, it is, and PostgreSQL writes all of {table} anew. persisted= says which is meant.",
            None,
        )
    if column.writes is None:
        return (
            False,
            f"whether the default of {name} is VOLATILE is not known. If it is, PostgreSQL writes all of {table} anew "
            "to "
            "give each row a value of its own.",
            None,
        )
    message = (
        f"{name} {_COLUMNS[column.writes]}: PostgreSQL gives each row that {table} has a value of its own, and writes "
        f"the whole table and its indexes anew under ACCESS EXCLUSIVE. {_WAIT.format(table=table)}"
    )
    return True, message, _column_remedy(operation, version)


def _of_domain(operation: AddColumn, migration: Migration) -> tuple[bool, str, str | None] | None:
    """A column of a domain that has constraints: these are tried on each row, and PostgreSQL does so by a rewrite."""
    table, type_ = operation.table, operation.column.sql_type
    if type_ is None or type_.name in BUILT_IN:
        return None
    made = re.compile(rf"\bcreate\s+domain\s+{re.escape(type_.name)}\s.*\b(?:check|not\s+null)\b", re.I | re.DOTALL)
    for one in migration.shipped() + migration.earlier(operation):
        if isinstance(one, Other) and one.what == "CreateDomain" and made.search(one.call):
            message = (
                f"{table}.{operation.column.name} is of the domain {type_}, which has constraints "
                f"({one.at.path.name}:{one.at.line}): PostgreSQL tries them on each row, and writes all of {table} and "
                f"its indexes anew under ACCESS EXCLUSIVE. {_WAIT.format(table=table)}"
            )
            remedy = "# a column of the domain's own base type, and its CHECK as one of the table, NOT VALID at first"
            return True, message, remedy
    return None


def _column_remedy(operation: AddColumn, version: int) -> str | None:
    table, column = operation.table, operation.column
    default = _default(operation)
    value = default if column.writes == "volatile default" and default else "…"
    later = "\n".join([_LATER, _fill(operation, value), *_required(operation)])
    if column.writes == "volatile default" and default:
        names = f"{literal(table.name)}, {literal(column.name)}"
        if python_call(operation.call) is None:
            type_ = f" {column.type}" if column.type else ""
            added = f"ALTER TABLE {sql_name(table)} ADD COLUMN {quoted(column.name)}{type_}"
            altered = f"ALTER TABLE {sql_name(table)} ALTER COLUMN {quoted(column.name)} SET DEFAULT {default}"
            return f"{execute(added)}\n{execute(altered)}\n{later}"
        call = add_column(operation)
        apart = out_of_batch(call, table) if in_batch(call) else call
        alter = f"op.alter_column({names}, server_default=sa.text({literal(default)}){schema_keyword(table)})"
        return f"{column_with(apart, server_default=None, nullable='True')}\n{alter}\n{later}"
    if column.writes == "generated":
        return (
            "# a plain column that the application or a trigger fills, and\n"
            + later
            + "\n# or, computed when it is read: GENERATED ALWAYS AS (…) VIRTUAL" * (version >= 18)
        )
    sequence = quoted(f"{table.name}_{column.name}_seq")
    named = f"{quoted(table.schema)}.{sequence}" if table.schema else sequence
    return "\n".join(
        [
            execute(f"ALTER TABLE {sql_name(table)} ADD COLUMN {quoted(column.name)} {column.sql_type or 'bigint'}"),
            execute(f"CREATE SEQUENCE {named} OWNED BY {sql_name(table)}.{quoted(column.name)}"),
            execute(f"ALTER TABLE {sql_name(table)} ALTER COLUMN {quoted(column.name)} SET DEFAULT nextval('{named}')"),
            _LATER,
            _fill(operation, f"nextval('{named}')"),
            *_required(operation),
        ]
    )


_LATER = "# then, in a revision of its own, some thousand rows at a time:"


def _fill(operation: AddColumn, value: str) -> str:
    name = quoted(operation.column.name)
    return execute(f"UPDATE {sql_name(operation.table)} SET {name} = {value} WHERE {name} IS NULL")


def _required(operation: AddColumn) -> list[str]:
    """The last step, where the column was to be NOT NULL; serial and identity columns are so without saying it."""
    table, column = operation.table, operation.column
    if not column.not_null and column.writes not in ("serial", "identity"):
        return []
    names = f"{literal(table.name)}, {literal(column.name)}"
    return [
        "# and, in the next one, once no row is without a value:",
        f"op.alter_column({names}, nullable=False{schema_keyword(table)})",
    ]


def _default(operation: AddColumn) -> str | None:
    default = operation.column.default
    return None if default in (None, "NULL", "an expression") else default


_ANEW = "PostgreSQL writes all of {table} anew under ACCESS EXCLUSIVE."
# No other type is stored as one of these is (pg_cast: none is binary coercible to it).
_ALONE = frozenset("json,jsonb,uuid,boolean,smallint,bigint,real,double precision,date".split(","))


def _doubt(operation: ChangeType, existing: SqlType | None) -> str:
    """What the change would have to be so that the rows stay as they are."""
    new = operation.to_type
    to = new or " ".join((operation.to or "another type").split())
    if existing is None and new and new.name in _ALONE and not new.array:
        return f"to {to}, and what it was is not known: unless it was {new.name} before"
    if existing is None:
        return f"to {to}, and what it was is not known: unless that is a longer varchar, a text, or the same again"
    if new and new.name not in BUILT_IN:
        return f"from {existing} to {to}: unless that is a domain of the same type, or the same again"
    return f"from {existing} to {to}: unless that is a longer varchar, a text, or the same again"


def _type(
    operation: ChangeType, existing: SqlType | None, is_key: bool, to_enum: bool
) -> tuple[bool, str, str | None] | None:
    (effect,) = effects(operation, Known(existing=existing))
    work = "rewrite" if effect.work is None and to_enum else effect.work
    if work == "":
        return None
    table, name, to = operation.table, f"{operation.table}.{operation.column}", operation.to_type or operation.to
    if work is None and existing and operation.to_type and "time zone" in existing.name:
        return (
            False,
            f"the type of {name} changes from {existing} to {to}: unless the session's TimeZone is UTC, "
            f"{_ANEW.format(table=table)}",
            None,
        )
    if work is None:
        return False, f"the type of {name} changes {_doubt(operation, existing)}, {_ANEW.format(table=table)}", None
    using = " by a USING expression" if operation.using else ""
    message = (
        f"the type of {name} changes from {existing or 'another type'} to {to}{using}: PostgreSQL writes all of "
        f"{table} "
        f"and its indexes anew under ACCESS EXCLUSIVE. {_WAIT.format(table=table)}"
    )
    return True, message, _type_remedy(operation, existing, is_key)


def _is_key(operation: ChangeType, migration: Migration) -> bool:
    """Whether the column is of the table's primary key, as far as the revisions before tell."""
    for one, column in backwards(operation.table, migration.shipped() + migration.before, operation.column):
        match one:
            case CreateTable():
                return any(made.name == column and made.key for made in one.columns)
            case AddConstraint(kind="primary key"):
                return column in one.columns
    return False


def _becomes_enum(operation: ChangeType, existing: SqlType | None, migration: Migration) -> bool:
    """Whether the values of another type, or of another enum, become an enum's: each is looked up by its text."""
    to = operation.to_type
    casts = casts_of(operation.using, operation.column) if operation.using is not None else ()
    others = [existing, *(casts if isinstance(casts, tuple) else ())]
    if not to or to.name in BUILT_IN or all(one in (None, to) for one in others):
        return False
    return is_enum(to, migration.shipped() + migration.earlier(operation), operation.to)


def _type_remedy(operation: ChangeType, existing: SqlType | None, is_key: bool) -> str:
    table, column, new = operation.table, quoted(operation.column), quoted(f"{operation.column}_new")
    in_sql = python_call(operation.call) is None
    to = str(operation.to_type or (operation.to if in_sql else None) or "…")
    if is_key:
        end = [
            f"# {operation.column} is of the primary key: before it goes, the key, and the foreign keys that point to "
            "it, move to the new column",
            "# (CREATE UNIQUE INDEX CONCURRENTLY, then PRIMARY KEY USING INDEX), in revisions of their own.",
        ]
    else:
        end = [
            f"# and in a later release, when nothing uses {operation.column} any more:",
            f"op.drop_column({literal(table.name)}, {literal(operation.column)}{schema_keyword(table)})",
        ]
    value = _converted(operation, existing, to)
    return "\n".join(
        [
            "# a column of the new type beside it; the application writes both, and reads the new one once it is "
            "filled:",
            execute(f"ALTER TABLE {sql_name(table)} ADD COLUMN {new} {to}"),
            "# then, in a revision of its own, some thousand rows at a time:",
            execute(f"UPDATE {sql_name(table)} SET {new} = {value} WHERE {new} IS NULL AND {column} IS NOT NULL"),
            *end,
        ]
    )


def _converted(operation: ChangeType, existing: SqlType | None, to: str) -> str:
    """The value of the new type: the user's own USING, else a cast, which cuts what is longer only where it says so."""
    column, new = quoted(operation.column), operation.to_type
    if operation.using is not None:
        return operation.using
    if new and new.name in _CHARACTERS and new.modifiers and not new.array:
        text = column if existing and existing.name in ("text", *_CHARACTERS) else f"{column}::text"
        return f"left({text}, {new.modifiers[0]})"
    return f"{column}::{to}"
