"""A foreign key or CHECK is added to a table that is there, and all its rows are read before anybody may go on.

ADD CHECK holds ACCESS EXCLUSIVE while PostgreSQL reads the whole table to see that each row agrees: reads and writes
wait. ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while each row is looked up in the other: writes to
both wait. With NOT VALID the lock is the same and held for a moment: rows that come from now on are judged, those
that are there are not read. VALIDATE CONSTRAINT then reads them under a lock that neither reads nor writes wait for,
in a transaction of its own.

Refused:

    op.create_check_constraint("age_positive", "users", "age >= 0")

or:

    op.create_foreign_key("memberships_user_id_fkey", "memberships", "users", ["user_id"], ["id"])

or, with its column:

    op.execute("ALTER TABLE users ADD COLUMN height integer CHECK (height > 0)")

Write instead:

    op.create_check_constraint("age_positive", "users", "age >= 0", postgresql_not_valid=True)

or:

    op.create_foreign_key(
        "memberships_user_id_fkey", "memberships", "users", ["user_id"], ["id"], postgresql_not_valid=True
    )

and, in a revision that is deployed after it, or with `transaction_per_migration=True` in env.py:

    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")

Silent on tables that a new revision creates, and on a foreign key that ALTER TABLE adds together with its column: the
rows hold NULL there, and PostgreSQL does not look.

Source: PostgreSQL's documentation, ALTER TABLE, "ADD table_constraint" and Notes; measured on 14 to 18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.effects import effects
from migration_gate.operations.model import AddConstraint
from migration_gate.rules.base import Hazard, Migration, is_new
from migration_gate.rules.remedies import directive, execute, literal, quoted, source, sql_name, with_keywords


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, AddConstraint) or operation.kind not in ("check", "foreign key"):
            continue
        (effect, *_) = effects(operation)
        if effect.work != "scan" or is_new(operation.table, migration.earlier(operation)):
            continue
        yield migration.hazard(operation, _message(operation), _remedy(operation), table=operation.table)


def _message(operation: AddConstraint) -> str:
    table, name = operation.table, operation.name or "it"
    if operation.kind == "check":
        return (
            f"{operation.name or 'a CHECK'} is added to {table}, and PostgreSQL reads all of {table} under ACCESS "
            "EXCLUSIVE "
            f"to see that each row agrees: reads and writes of {table} wait until that has ended."
        )
    other = f" and of {operation.references}" if operation.references else ""
    to = f" to {operation.references}" if operation.references else ""
    return (
        f"{operation.name or 'a foreign key'} is added from {table}{to}, and PostgreSQL looks up each row of {table} "
        "before "
        f"{name} stands: INSERT, UPDATE and DELETE of {table}{other} wait until that has ended."
    )


def _remedy(operation: AddConstraint) -> str:
    table = operation.table
    name = operation.name or _default_name(operation)
    call = directive(operation, "create_check_constraint", "create_foreign_key")
    if call is not None:
        added = source(with_keywords(call, postgresql_not_valid="True"))
        if operation.name is None:
            added = re.sub(r"\(None, |constraint_name=None", lambda one: _named(one[0], name), added, count=1)
    else:
        added = execute(_sql(operation, name))
    return "\n".join(
        [
            added,
            "# and, in a revision that is deployed after it, or with transaction_per_migration=True in env.py:",
            execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {quoted(name)}"),
        ]
    )


def _named(argument: str, name: str) -> str:
    return argument.replace("None", literal(name))


def _default_name(operation: AddConstraint) -> str:
    """As PostgreSQL would call it (ChooseConstraintName)."""
    ending = {"check": "check", "foreign key": "fkey"}[operation.kind]
    columns = operation.columns if operation.kind == "foreign key" or operation.inline else ()
    return "_".join([operation.table.name, *columns, ending])


def _sql(operation: AddConstraint, name: str) -> str:
    """The statement that adds the constraint alone, as far as it is known."""
    head = f"ALTER TABLE {sql_name(operation.table)} ADD CONSTRAINT {quoted(name)}"
    if operation.kind == "check":
        return f"{head} CHECK ({operation.condition or '…'}) NOT VALID"
    columns = ", ".join(map(quoted, operation.columns)) or "…"
    other = sql_name(operation.references) if operation.references else "…"
    return f"{head} FOREIGN KEY ({columns}) REFERENCES {other} NOT VALID"
