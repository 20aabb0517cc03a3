"""A constraint is added NOT VALID and validated in one transaction, so that the first one's lock is still held.

NOT VALID, then VALIDATE CONSTRAINT, is the way to add a constraint to a large table: the first takes a strong lock
for a moment, the second reads all the rows under a weak one. PostgreSQL keeps every lock to the end of the
transaction. In one transaction the strong lock (ACCESS EXCLUSIVE for a CHECK, SHARE ROW EXCLUSIVE for a foreign key)
is held while the rows are read, and nothing has been gained.

Another revision is not another transaction: Alembic runs all revisions that are pending in one, unless env.py says
`transaction_per_migration=True`. Two revisions that are deployed together share their locks.

Refused:

    op.create_check_constraint("age_positive", "users", "age >= 0", postgresql_not_valid=True)
    op.execute("ALTER TABLE users VALIDATE CONSTRAINT age_positive")

or, where env.py leaves all in one transaction:

    op.create_foreign_key(
        "memberships_user_id_fkey", "memberships", "users", ["user_id"], ["id"], postgresql_not_valid=True
    )
    # the next revision
    op.execute("ALTER TABLE memberships VALIDATE CONSTRAINT memberships_user_id_fkey")

Write instead:

    op.create_check_constraint("age_positive", "users", "age >= 0", postgresql_not_valid=True)
    # the next revision
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT age_positive")

Silent with `transaction_per_migration=True`, where an autocommit block or a deployment stands between the two, and on
tables that a new revision creates.

Source: Alembic's documentation, EnvironmentContext.configure, `transaction_per_migration`; PostgreSQL's
documentation, 13.3.1, "Table-Level Locks"; measured with Alembic 1.20 on 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.model import AddConstraint, ValidateConstraint
from migration_gate.rules.base import Hazard, Migration, is_new, same
from migration_gate.rules.remedies import execute, in_autocommit_block, quoted, sql_name


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, ValidateConstraint) or is_new(operation.table, migration.earlier(operation)):
            continue
        transaction = migration.together(operation)
        for added in transaction.operations:
            if isinstance(added, AddConstraint) and not added.valid and _is(added, operation):
                yield _hazard(migration, operation, added, transaction.autocommit is not None)
                break


def _is(added: AddConstraint, validated: ValidateConstraint) -> bool:
    return same(added.table, validated.table) and added.name in (validated.name, None)


def _hazard(migration: Migration, operation: ValidateConstraint, added: AddConstraint, in_transaction: bool) -> Hazard:
    table = operation.table
    elsewhere = added.at.path != operation.at.path
    place = f"{added.at.path.name}:{added.at.line}" if elsewhere else f"line {added.at.line}"
    lock, waits = (
        ("ACCESS EXCLUSIVE", "reads and writes") if added.kind == "check" else ("SHARE ROW EXCLUSIVE", "writes")
    )
    message = (
        f"{operation.name} is validated in the transaction that adds it ({place}): {lock} on {table} is still held "
        "while "
        f"PostgreSQL reads all of it, and {waits} of {table} wait until that has ended."
    )
    if elsewhere:
        message += " Alembic runs all pending revisions in one transaction, unless env.py says otherwise."
    validate = execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {quoted(operation.name)}")
    remedy = "\n".join(
        [
            "# in a revision of its own; the block commits what came before it:",
            in_autocommit_block(validate),
            "# or without the block, where env.py gives each revision a transaction of its own:",
            "context.configure(…, transaction_per_migration=True)",
        ]
    )
    known = migration.environment().transaction_per_migration is not None or not elsewhere
    return migration.hazard(operation, message, remedy, known and in_transaction and added.name is not None, table)
