"""A value is added to an enum and used in the same transaction.

PostgreSQL lets ALTER TYPE … ADD VALUE run in a transaction (since 12), and refuses every use of the value until that is
committed: `unsafe use of new value "archived" of enum type order_status` (55P04). A use is an UPDATE or INSERT that
writes it, a WHERE or CHECK that compares with it, a default. This does not depend on rows.

Another revision is not another transaction: Alembic runs all revisions that are pending in one, unless env.py says
`transaction_per_migration=True`.

Refused:

    op.execute("ALTER TYPE order_status ADD VALUE 'archived'")
    op.execute("UPDATE orders SET status = 'archived' WHERE created_at < '2020-01-01'")

or, where env.py leaves all in one transaction:

    op.execute("ALTER TYPE order_status ADD VALUE 'archived'")
    # the next revision
    op.alter_column("orders", "status", server_default="archived")

Write instead:

    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'archived'")
    op.execute("UPDATE orders SET status = 'archived' WHERE created_at < '2020-01-01'")

IF NOT EXISTS lets the revision be tried again when what follows the block fails.

Silent where the column that the value is compared with, or written to, is of another type as the history has it; a
comparison of the column's text, `status::text = 'archived'`, is no use. A type that the same transaction has made is a
note: PostgreSQL takes the value there since 17, and refuses it before.

Source: PostgreSQL's documentation, ALTER TYPE, "Notes"; measured on 14 to 18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterTable,
    ChangeRows,
    ChangeType,
    Column,
    CreateIndex,
    CreateTable,
    NotRead,
    Operation,
    Other,
    SetDefault,
    SqlType,
    Table,
)
from migration_gate.rules.base import Hazard, Migration, backwards, maybe_no_transaction, recorded_type
from migration_gate.rules.remedies import add_value, in_autocommit_block, python_call


def check(migration: Migration) -> Iterator[Hazard]:
    said: set[tuple[Table, str]] = set()
    if not any(isinstance(one, AddEnumValue) for one in migration.before + migration.operations):
        return
    for one in migration.operations:
        transaction = migration.together(one)
        for added in transaction.operations:
            if not isinstance(added, AddEnumValue) or (added.type, added.value) in said:
                continue
            uses = _uses(one, added, migration)
            if uses is not False:
                said.add((added.type, added.value))
                yield _hazard(migration, one, added, uses is True and transaction.autocommit is not None)


def _hazard(migration: Migration, use: Operation, added: AddEnumValue, sure: bool) -> Hazard:
    here = added.at.path == use.at.path
    place = f"line {added.at.line}" if here else f"{added.at.path.name}:{added.at.line}"
    used = f"line {use.at.line}" if here else f"this line of {migration.revision.id}"
    message = (
        f"'{added.value}' is added to {added.type} at {place} and used at {used} in the same transaction. PostgreSQL "
        "refuses a new value of an enum until it is committed (55P04)."
    )
    if not here:
        message += " Alembic runs all pending revisions in one transaction, unless env.py says otherwise."
        sure = sure and migration.environment().transaction_per_migration is not None
    if _made_here(added, migration):
        message += f" {added.type} is made in this transaction too: there PostgreSQL takes it since 17."
        sure = False
    elif doubt := maybe_no_transaction(migration.environment()):
        message += doubt
        sure = False
    remedy = in_autocommit_block(add_value(added))
    return migration.hazard(added if here else use, message, remedy if here else f"# at {place}:\n{remedy}", sure)


def _uses(one: Operation, added: AddEnumValue, migration: Migration) -> bool | None:
    """Whether an operation uses the value; None where that could not be read."""
    match one:
        case AddEnumValue():
            return False
        case AddColumn():
            return _as_default(one.column, one.call, added)
        case CreateTable():
            return any(_as_default(column, one.call, added) for column in one.columns)
        case SetDefault():
            wanted = _is_default(one.default, one.call, added.value)
            return wanted and _is_of(_type(one.table, one.column, one, migration), added)
        case ChangeType():
            return one.using is not None and _literal(added.value, "").search(one.using) is not None
        case AddConstraint(kind="check"):
            return _in_sql(one.condition or one.call, one.table, one, added, migration)
        case ChangeRows() | CreateIndex():
            return _in_sql(one.call, one.table, one, added, migration)
        case NotRead() | AlterTable() if _literal(added.value, "").search(one.call):
            return None if not isinstance(one, AlterTable) or one.what != "COMMENT" else False
        case Other():
            if _literal(added.value, rf"\s*::\s*{re.escape(added.type.name)}").search(one.call):
                return True
            views = re.match(r"\s*CREATE\b.*?\bVIEW\b", one.call, re.IGNORECASE | re.DOTALL)
            return None if views and _literal(added.value, "").search(one.call) else False
    return False


def _literal(value: str, after: str) -> re.Pattern[str]:
    return re.compile(rf"'{re.escape(value.replace(chr(39), chr(39) * 2))}'{after}", re.IGNORECASE if after else 0)


def _is_default(default: str | None, call: str, value: str) -> bool:
    """Whether a server default is the value. Of SQL the reader says only that there is one."""
    if default is None:
        return False
    text = call if python_call(call) is None else default
    return _literal(value, "").search(text) is not None


def _as_default(column: Column, call: str, added: AddEnumValue) -> bool:
    return _is_default(column.default, call, added.value) and _is_of(column.sql_type, added)


def _is_of(type_: SqlType | None, added: AddEnumValue) -> bool:
    """Whether a column of that type may hold values of the enum; one of a type that is not known may."""
    return type_ is None or type_.name.rpartition(".")[2].strip('"') == added.type.name


def _type(table: Table, column: str, before: Operation, migration: Migration) -> SqlType | None:
    return recorded_type(table, column, migration.shipped() + migration.earlier(before))[0]


# A column, or its text, and what it is compared with or set to; other values of a list may stand before the value.
_COMPARED = (
    r"(?<!\w)(\w{1,63})['\"]?(\s*::\s*(?:text|varchar)\b\s*\)?)?"
    r"\s*(?:=|<>|!=|:|==|\bIN\s*\(|\bin_\(\[?)\s*(?:'[^']*'\s*,\s*)*"
)


def _in_sql(text: str, table: Table, one: Operation, added: AddEnumValue, migration: Migration) -> bool:
    """Whether a statement, SQL or a call of Core's, speaks of the value, and may mean the enum's."""
    value = re.escape(added.value)
    quotes = "'" + value.replace("'", "''") + "'"
    if python_call(text) is not None:
        quotes = rf"(?:'{value}'|\"{value}\")"
    found = len(re.findall(quotes, text))
    if not found:
        return False
    columns = re.findall(_COMPARED + quotes, text, re.IGNORECASE)
    texts = len(re.findall(rf"{quotes}\s*::\s*(?:text|varchar)\b", text, re.IGNORECASE))
    others = [name for name, cast in columns if cast or not _is_of(_type(table, name, one, migration), added)]
    if len(others) + texts >= found:
        return False
    return len(columns) > len(others) or _may_have_one(table, one, added, migration)


def _may_have_one(table: Table, one: Operation, added: AddEnumValue, migration: Migration) -> bool:
    """Whether a table may have a column of the enum's type, as far as the history tells."""
    for other, _ in backwards(table, migration.shipped() + migration.earlier(one)):
        match other:
            case AddColumn() if _is_of(other.column.sql_type, added):
                return True
            case ChangeType() if _is_of(other.to_type, added):
                return True
            case CreateTable():
                return not other.columns or any(_is_of(column.sql_type, added) for column in other.columns)
    return True


def _made_here(added: AddEnumValue, migration: Migration) -> bool:
    """Whether the enum is made in the transaction that adds the value."""
    name = re.escape(added.type.name)
    created = rf"CREATE\s+TYPE\s+(?:\S+\.)?\"?{name}\"?\s+AS\s+ENUM|\bname=['\"]{name}['\"].*\.create\("
    made = re.compile(created, re.IGNORECASE | re.DOTALL)
    own = migration if any(one is added for one in migration.operations) else None
    earlier = own.together(added).operations if own else _before(added, migration.before)
    return any(made.search(one.call) or _makes(one, added) for one in earlier)


def _before(added: Operation, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    return operations[: next((at for at, one in enumerate(operations) if one is added), 0)]


def _makes(one: Operation, added: AddEnumValue) -> bool:
    """A new table makes the enums of its columns, as Alembic renders it."""
    return (
        isinstance(one, CreateTable)
        and "create_type=False" not in one.call
        and python_call(one.call) is not None
        and any(column.sql_type is not None and _is_of(column.sql_type, added) for column in one.columns)
    )
