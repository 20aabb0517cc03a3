"""Operations grouped into transactions, as Alembic will really run them.

By default Alembic runs all pending revisions in one transaction; with ``transaction_per_migration`` each has its own
(docs: "EnvironmentContext.configure"). An autocommit block commits what came before it, runs each statement by itself,
and a new transaction begins after it (docs: "MigrationContext.autocommit_block"; both measured on 1.20).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from migration_gate.operations.model import Boundary, Operation


class Transaction(NamedTuple):
    """Operations that are committed together, in the order in which they run. ``autocommit`` is true of the statements
    of an autocommit block, each of which is committed by itself, and None after a COMMIT of the migration's own:
    whether there is a transaction then depends on the driver.
    """

    operations: tuple[Operation, ...]
    autocommit: bool | None = False


def transactions(operations: Sequence[Operation], per_migration: bool) -> list[Transaction]:
    """Operations of one or several revisions, in order, as transactions; boundaries themselves are left out, and so are
    transactions in which nothing is done.
    """
    found: list[Transaction] = []
    current: list[Operation] = []
    autocommit: bool | None = False

    def end() -> None:
        if current:
            found.append(Transaction(tuple(current), autocommit))
            current.clear()

    before: Operation | None = None
    for one in operations:
        if per_migration and before and before.at.path != one.at.path:
            end()
            autocommit = False
        before = one
        if isinstance(one, Boundary):
            end()
            autocommit = {"autocommit": True, "end of autocommit": False, "commit": None}[one.kind]
        else:
            current.append(one)
    end()
    return found


def together(operations: Sequence[Operation], operation: Operation, per_migration: bool) -> Transaction:
    """What runs before an operation in its own transaction; nothing where it is committed by itself."""
    for one in transactions(operations, per_migration):
        for position, other in enumerate(one.operations):
            if other is operation:
                return one._replace(operations=() if one.autocommit else one.operations[:position])
    return Transaction(())
