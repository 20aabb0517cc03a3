"""Rows are changed or read in a transaction that holds a table under ACCESS EXCLUSIVE.

PostgreSQL keeps a lock to the end of the transaction. After an ALTER TABLE, which needs ACCESS EXCLUSIVE for a
moment, each statement that follows in the same transaction lets everybody wait, reads too, for as long as it takes:
an UPDATE of all rows, a DELETE, a scan. SET NOT NULL brings its own: it reads the whole table, unless a valid CHECK
shows that there is no NULL.

On a small table none of this matters, so it is a note, unless the settings call the table large:

    [tool.migration-gate]
    large-tables = ["orders", "events*"]

Refused:

    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=True))
    op.execute("UPDATE users SET active = true")

or:

    op.alter_column("orders", "total", existing_type=sa.Numeric(10, 2), nullable=False)

Write instead:

    op.add_column("users", sa.Column("active", sa.Boolean(), nullable=True))

with the UPDATE in a revision of its own, some thousand rows at a time, and `transaction_per_migration=True` in
env.py. For SET NOT NULL, in three revisions:

    op.create_check_constraint("orders_total_not_null", "orders", "total IS NOT NULL", postgresql_not_valid=True)
    # the next revision
    with op.get_context().autocommit_block():
        op.execute("UPDATE orders SET total = 0 WHERE total IS NULL")
        op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_not_null")
    # the next revision
    op.alter_column("orders", "total", existing_type=sa.Numeric(10, 2), nullable=False)
    op.drop_constraint("orders_total_not_null", "orders", type_="check")

Silent on tables that a new revision creates, and where a valid CHECK proves SET NOT NULL. The scan of a new
constraint, an index and a rewrite are other rules' business.

Source: PostgreSQL's documentation, 13.3.1, "Table-Level Locks", and ALTER TABLE, SET NOT NULL; measured on 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.effects import effects
from migration_gate.operations.model import ChangeRows, Operation, SetNotNull, Table, ValidateConstraint
from migration_gate.rules.base import Hazard, Migration, is_new, is_proven, same
from migration_gate.rules.remedies import not_null_in_steps


def check(migration: Migration) -> Iterator[Hazard]:
    said: list[Table] = []
    for operation in migration.operations:
        found = _held(migration, operation)
        if found and not any(same(found[0], table) for table in said):
            said.append(found[0])
            yield _hazard(migration, operation, *found)


def _held(migration: Migration, operation: Operation) -> tuple[Table, Operation] | None:
    """The table that is locked while the operation works, and the operation that locked it; None where there is "
    "none."""
    if not isinstance(operation, SetNotNull | ValidateConstraint | ChangeRows):
        return None
    if isinstance(operation, ChangeRows) and operation.verb not in ("UPDATE", "DELETE"):
        return None
    earlier = migration.earlier(operation)
    if is_new(operation.table, earlier):
        return None
    transaction = migration.together(operation)
    if isinstance(operation, SetNotNull):
        return None if is_proven(operation, earlier) else (operation.table, operation)
    if transaction.autocommit is None:
        return None
    for one in transaction.operations:
        for effect in effects(one):
            if effect.lock == "ACCESS EXCLUSIVE" and not is_new(effect.table, earlier):
                return effect.table, one
    return None


def _hazard(migration: Migration, operation: Operation, table: Table, locked: Operation) -> Hazard:
    if isinstance(operation, SetNotNull):
        message = (
            f"{table}.{operation.column} is set NOT NULL: PostgreSQL reads all of {table} under ACCESS EXCLUSIVE to "
            "see that "
            f"no NULL is left, and reads and writes of {table} wait until that has ended."
        )
        version = migration.project.settings.postgres_version
        return migration.hazard(
            operation,
            message,
            not_null_in_steps(operation.table, operation.column, operation.type, version),
            table=table,
        )
    own = locked.at.path == operation.at.path
    place = f"line {locked.at.line}" if own else f"{locked.at.path.name}:{locked.at.line}"
    about = operation.table  # type: ignore[union-attr]
    does = (
        f"{operation.verb} changes rows of {about}"
        if isinstance(operation, ChangeRows)
        else f"{about} is read to validate a constraint"
    )
    message = (
        f"{does} while {table} is locked ACCESS EXCLUSIVE, from {place} to the end of the transaction: reads and "
        "writes of "
        f"{table} wait for it."
    )
    remedy = (
        "# move it to a revision of its own, and let env.py give each revision a transaction of its own:\n"
        "context.configure(…, transaction_per_migration=True)"
    )
    return migration.hazard(operation, message, remedy, table=table)
