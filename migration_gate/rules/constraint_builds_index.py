"""A UNIQUE, PRIMARY KEY or EXCLUDE constraint builds its index while reads and writes of the table wait.

Such a constraint stands on an index. ADD CONSTRAINT builds it under ACCESS EXCLUSIVE, which is more than CREATE INDEX
takes: SELECT waits too, until the whole table is read and sorted. Build the index first, CONCURRENTLY, and give it to
the constraint with USING INDEX; that takes the same lock for a moment.

Refused:

    op.create_unique_constraint("users_email_key", "users", ["email"])

or, with a column:

    op.execute("ALTER TABLE users ADD COLUMN handle text UNIQUE")

Write instead:

    with op.get_context().autocommit_block():
        op.drop_index("users_email_key", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("users_email_key", "users", ["email"], unique=True, postgresql_concurrently=True)
    # the next revision
    op.execute("ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key")

An EXCLUDE constraint has no such form: add it when nobody needs the table, with a `lock_timeout`.

Silent on tables that a new revision creates.

Source: PostgreSQL's documentation, ALTER TABLE, "ADD table_constraint_using_index"; measured on 14 to 18.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.effects import effects
from migration_gate.operations.model import AddColumn, AddConstraint
from migration_gate.rules.base import Hazard, Migration, is_new, same
from migration_gate.rules.remedies import (
    added_without,
    execute,
    in_autocommit_block,
    literal,
    python_call,
    quoted,
    schema_keyword,
    sql_name,
)

_WORDS = {"unique": "UNIQUE", "primary key": "PRIMARY KEY", "exclude": "EXCLUDE"}


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, AddConstraint) or operation.kind not in _WORDS:
            continue
        (effect, *_) = effects(operation)
        if effect.work != "index build" or is_new(operation.table, migration.earlier(operation)):
            continue
        table, word = operation.table, _WORDS[operation.kind]
        what = f"{operation.name}, {word}," if operation.name else f"a {word} constraint"
        message = (
            f"{what} is added to {table}, and PostgreSQL builds its index under ACCESS EXCLUSIVE: reads and writes of "
            f"{table} wait until all of it has been read and sorted."
        )
        yield migration.hazard(operation, message, _remedy(operation, _with_columns(migration, operation)), table=table)


def _with_columns(migration: Migration, operation: AddConstraint) -> bool:
    """Whether the same revision adds one of its columns, so that the index has to come after it."""
    return operation.inline or any(
        isinstance(one, AddColumn) and same(one.table, operation.table) and one.column.name in operation.columns
        for one in migration.earlier(operation)
    )


def _remedy(operation: AddConstraint, with_columns: bool) -> str | None:
    table = operation.table
    if operation.kind == "exclude":
        return (
            "# an exclusion constraint cannot take over an index. Let it give up instead of making others wait:\n"
            + execute("SET LOCAL lock_timeout = '3s'")
        )
    ending = "pkey" if operation.kind == "primary key" else "key"
    columns = operation.columns if operation.kind == "unique" else ()
    name = operation.name or "_".join([table.name, *columns, ending])
    listed = ", ".join(map(literal, operation.columns)) or "…"
    where = f"table_name={literal(table.name)}{schema_keyword(table)}"
    of_index, of_constraint = _options(operation)
    index = f"{literal(name)}, {literal(table.name)}, [{listed}], unique=True{schema_keyword(table)}{of_index}"
    constraint = f"ADD CONSTRAINT {quoted(name)} {_WORDS[operation.kind]} USING INDEX {quoted(name)}{of_constraint}"
    added = added_without(operation, "unique", "primary_key")
    return "\n".join(
        [
            *added,
            "# in a revision of its own" + (", once the column is there:" if with_columns or added else ":"),
            in_autocommit_block(
                f"op.drop_index({literal(name)}, {where}, if_exists=True, postgresql_concurrently=True)",
                f"op.create_index({index}, postgresql_concurrently=True)",
            ),
            "# and in the next one:",
            execute(f"ALTER TABLE {sql_name(table)} {constraint}"),
        ]
    )


def _options(operation: AddConstraint) -> tuple[str, str]:
    """What the user's own says besides the columns: of the index, as op.create_index() has it, and of the constraint.
    USING INDEX takes the first over with the index, and the second has to be said again.
    """
    call = python_call(operation.call)
    return _of_sql(operation) if call is None else _of_call(call)


def _of_call(call: ast.Call) -> tuple[str, str]:
    words = {one.arg: one.value for one in call.keywords}
    name = "postgresql_nulls_not_distinct"
    of_index = f", {name}={ast.unparse(words[name])}" if name in words else ""
    waits = {one: ast.unparse(words[one]) for one in ("deferrable", "initially") if one in words}
    return of_index, _deferred(waits.get("deferrable") == "True", waits.get("initially", ""))


def _of_sql(operation: AddConstraint) -> tuple[str, str]:
    """From the constraint's columns up to the next command of the statement."""
    columns = r"\s*,\s*".join(rf'"?{re.escape(one)}"?' for one in operation.columns)
    own = re.search(rf"\(\s*{columns}\s*\)((?:[^,()]|\([^()]*\))*)", operation.call, re.IGNORECASE)
    if own is None or operation.inline:
        return "", ""
    text = re.sub(r"\s+", " ", own[1]).upper()
    included = re.search(r"\bINCLUDE ?\(([^()]*)\)", own[1], re.IGNORECASE)
    include = [literal(one.strip().strip('"')) for one in included[1].split(",")] if included else []
    before = re.sub(r"\s+", " ", operation.call[: own.start()]).upper()
    of_index = f", postgresql_include=[{', '.join(include)}]" if include else ""
    of_index += ", postgresql_nulls_not_distinct=True" * before.rstrip().endswith("NULLS NOT DISTINCT")
    return of_index, _deferred("DEFERRABLE" in text.replace("NOT DEFERRABLE", ""), text)


def _deferred(deferrable: bool, initially: str) -> str:
    deferred = "DEFERRED" in initially.upper()
    return " DEFERRABLE" * (deferrable or deferred) + " INITIALLY DEFERRED" * deferred
