"""A statement waits for a strong lock without a limit, and everybody who comes after it waits behind it.

ALTER TABLE waits until each query that is running on the table has ended: one report of ten minutes is enough. While
it waits, PostgreSQL lets no later query past it, SELECT neither, so that the table is as good as gone for as long.
With `lock_timeout` the statement gives up instead (`canceling statement due to lock timeout`, 55P03), the transaction
is undone, and the deployment is tried again a moment later.

Off by default: a project that sets it for all migrations has it in env.py, and one that does not hears of it in one
note.

    [tool.migration-gate]
    extend-select = ["missing-lock-timeout"]

Refused:

    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))

Write instead:

    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))

or once for all of them, within `with context.begin_transaction()`:

    # env.py
    connection.execute(sa.text("SET LOCAL lock_timeout = '3s'"))

Silent where env.py or the ini file beside it speaks of `lock_timeout`, and on tables that a new revision creates.

Source: PostgreSQL's documentation, 20.11.1, `lock_timeout`; measured on 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.effects import blocks, effects
from migration_gate.operations.model import Set
from migration_gate.rules.base import Hazard, Migration, is_new
from migration_gate.rules.remedies import execute


def check(migration: Migration) -> Iterator[Hazard]:
    """At most one for a revision: its first statement that could wait."""
    if migration.environment().lock_timeout:
        return
    for operation in migration.operations:
        if isinstance(operation, Set) and operation.name == "lock_timeout":
            return
        for effect in effects(operation):
            if blocks(effect.lock) and not is_new(effect.table, migration.earlier(operation)):
                message = (
                    f"nothing sets lock_timeout before {effect.table} is locked. While the statement waits for a long "
                    "query "
                    f"on {effect.table} to end, all that come after it wait behind it, reads too."
                )
                remedy = (
                    execute("SET LOCAL lock_timeout = '3s'")
                    + "\n# or for all revisions, in env.py, within context.begin_transaction():\n"
                    "connection.execute(sa.text(\"SET LOCAL lock_timeout = '3s'\"))"
                )
                yield migration.hazard(operation, message, remedy, table=effect.table)
                return
