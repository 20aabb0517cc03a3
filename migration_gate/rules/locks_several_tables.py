"""One transaction takes strong locks on several tables, one after the other, and holds the first while it waits.

A statement that needs a lock waits for the queries that are running on its table, and everybody who comes later waits
behind it. With a second table in the same transaction, the first stays locked while the second is waited for: traffic
on both stands still for the sum of the two. And where the application uses both tables in one transaction in the
other order, the two wait for each other: PostgreSQL ends one of them with `deadlock detected` (40P01), and it may be
yours.

On tables that are not busy none of this matters, so it is a note, unless the settings call one of them large:

    [tool.migration-gate]
    large-tables = ["orders", "events*"]

Refused:

    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("phone", sa.Text(), nullable=True))

Write instead:

    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))

with the other table in a revision of its own, and `transaction_per_migration=True` in env.py: without that Alembic
runs both revisions in one transaction, when they are deployed together.

Silent on tables that a new revision creates, and on one statement that needs two tables, as a foreign key does.

Source: PostgreSQL's documentation, 13.3.4, "Deadlocks"; measured on 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.effects import blocks, effects
from migration_gate.operations.model import Operation, Table
from migration_gate.rules.base import Hazard, Migration, is_new, same

_ORDER = ("large", "unknown", "small")


def check(migration: Migration) -> Iterator[Hazard]:
    """At most one for a revision: where a second table is locked by a statement of its own."""
    for operation in migration.operations:
        mine = _locked(operation, migration)
        if not mine:
            continue
        transaction = migration.together(operation)
        for one in transaction.operations if transaction.autocommit is False else ():
            theirs = _locked(one, migration)
            others = [table for table in theirs if not any(same(table, other) for other in mine)]
            if others and not any(same(table, other) for table in theirs for other in mine):
                yield _hazard(migration, operation, mine[0], one, others[0])
                return


def _locked(operation: Operation, migration: Migration) -> list[Table]:
    """The existing tables whose traffic waits for what the operation locks."""
    tables = [one.table for one in effects(operation) if blocks(one.lock)]
    if not tables:
        return []
    earlier = migration.earlier(operation)
    return [table for table in tables if not is_new(table, earlier)]


def _hazard(migration: Migration, operation: Operation, table: Table, before: Operation, other: Table) -> Hazard:
    own = before.at.path == operation.at.path
    place = f"line {before.at.line}" if own else f"{before.at.path.name}:{before.at.line}"
    message = (
        f"{other} is locked from {place} on, and stays so while {table} is waited for and locked: traffic on both "
        "stands "
        "still, and an application that uses them in the other order is one side of a deadlock."
    )
    if not own:
        message += " Alembic runs all pending revisions in one transaction, unless env.py says otherwise."
    remedy = (
        f"# what concerns {table} in a revision of its own, and in env.py:\n"
        "context.configure(…, transaction_per_migration=True)"
    )
    known = migration.environment().transaction_per_migration is not None or own
    decides = min((table, other), key=lambda one: _ORDER.index(migration.size(one)))
    return migration.hazard(operation, message, remedy, known, decides)
