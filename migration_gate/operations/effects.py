"""What PostgreSQL does to the tables that are there: the locks that an operation takes, and the work under them.

The facts are PostgreSQL's documentation's (ALTER TABLE, CREATE INDEX, 13.3 "Explicit Locking") and measured: a test
runs each statement on a real server and compares. docs/facts.md is the table that this makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, get_args

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    AlterTable,
    AttachPartition,
    ChangeRows,
    ChangeType,
    CreateIndex,
    CreateTable,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropNotNull,
    DropTable,
    Lock,
    Operation,
    RefreshView,
    Reindex,
    Rename,
    RenameColumn,
    RenameTable,
    RewriteTable,
    SetDefault,
    SetNotNull,
    SqlType,
    Table,
    ValidateConstraint,
)
from migration_gate.operations.types import rewrites

Work = Literal["", "scan", "index build", "rewrite", "rows"]
STRENGTH = {lock: strength for strength, lock in enumerate(get_args(Lock))}


class Effect(NamedTuple):
    """A lock on one table, held to the end of the transaction, and what is done meanwhile by the statement that takes
    it: time that grows with the table. ``work`` is None where that is not known. "rows": each row that it is about
    is written.
    """

    table: Table
    lock: Lock
    work: Work | None = ""


class Known(NamedTuple):
    """What a statement does not say and its effects depend on. ``existing`` is the column's type before a change of it,
    ``proven`` whether a valid CHECK shows a column to be NOT NULL, so that SET NOT NULL need not look.
    """

    existing: SqlType | None = None
    proven: bool = False


NOTHING = Known()


def effects(operation: Operation, known: Known = NOTHING) -> tuple[Effect, ...]:
    """The effects of an operation on tables that were there before it; none where it touches none of them."""
    reader = _EFFECTS.get(type(operation))
    return tuple(reader(operation, known)) if reader else ()


def blocks(lock: Lock) -> Literal["reads and writes", "writes", ""]:
    """What of an application's traffic waits for a lock: SELECT takes ACCESS SHARE, and INSERT, UPDATE and DELETE take
    ROW EXCLUSIVE (13.3.1, table 13.2).
    """
    if lock == "ACCESS EXCLUSIVE":
        return "reads and writes"
    return "writes" if STRENGTH[lock] >= STRENGTH["SHARE"] else ""


def _add_column(one: AddColumn, known: Known) -> Iterator[Effect]:
    work: Work | None = None if one.column.writes is None else "rewrite" if one.column.writes else ""
    yield Effect(one.table, "ACCESS EXCLUSIVE", work)


def _set_not_null(one: SetNotNull, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, "ACCESS EXCLUSIVE", "" if known.proven else "scan")


def _change_type(one: ChangeType, known: Known) -> Iterator[Effect]:
    rewrite = rewrites(known.existing or one.existing_type, one.to_type, one.using, one.column)
    yield Effect(one.table, "ACCESS EXCLUSIVE", None if rewrite is None else "rewrite" if rewrite else "")


def _add_constraint(one: AddConstraint, known: Known) -> Iterator[Effect]:
    work: Work = ""
    if one.kind == "foreign key":
        # One that comes with its column is about rows that hold NULL there.
        lock: Lock = "ACCESS EXCLUSIVE" if one.inline else "SHARE ROW EXCLUSIVE"
        yield Effect(one.table, lock, "scan" if one.valid and not one.inline else "")
        if one.references:
            yield Effect(one.references, "SHARE ROW EXCLUSIVE")
        return
    if one.kind == "check":
        work = "scan" if one.valid else ""
    elif one.using_index is None:
        work = "index build"
    yield Effect(one.table, "ACCESS EXCLUSIVE", work)


def _create_index(one: CreateIndex, known: Known) -> Iterator[Effect]:
    work: Work = "" if one.only else "index build"
    yield Effect(one.table, "SHARE UPDATE EXCLUSIVE" if one.concurrently else "SHARE", work)


def _drop_index(one: DropIndex, known: Known) -> Iterator[Effect]:
    if one.table:
        yield Effect(one.table, "SHARE UPDATE EXCLUSIVE" if one.concurrently else "ACCESS EXCLUSIVE")


def _reindex(one: Reindex, known: Known) -> Iterator[Effect]:
    if one.table:  # its indexes are locked ACCESS EXCLUSIVE, and most reads want one of them
        yield Effect(one.table, "SHARE UPDATE EXCLUSIVE" if one.concurrently else "SHARE", "index build")


def _rewrite_table(one: RewriteTable, known: Known) -> Iterator[Effect]:
    if one.table:
        yield Effect(one.table, "ACCESS EXCLUSIVE", "rewrite")


def _refresh_view(one: RefreshView, known: Known) -> Iterator[Effect]:
    if one.concurrently:  # its rows are compared, and those that differ are written
        yield Effect(one.table, "EXCLUSIVE", "rows")
    else:
        yield Effect(one.table, "ACCESS EXCLUSIVE", "rewrite")


def _create_table(one: CreateTable, known: Known) -> Iterator[Effect]:
    if one.partition_of:
        yield Effect(one.partition_of, "ACCESS EXCLUSIVE")
    for table in one.references:
        yield Effect(table, "SHARE ROW EXCLUSIVE")


def _attach(one: AttachPartition, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, "SHARE UPDATE EXCLUSIVE")
    yield Effect(one.partition, "ACCESS EXCLUSIVE", "" if known.proven else "scan")


def _detach(one: DetachPartition, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, "SHARE UPDATE EXCLUSIVE" if one.concurrently else "ACCESS EXCLUSIVE")
    yield Effect(one.partition, "ACCESS EXCLUSIVE")


def _change_rows(one: ChangeRows, known: Known) -> Iterator[Effect]:
    if one.verb == "TRUNCATE":
        yield Effect(one.table, "ACCESS EXCLUSIVE", "rewrite")
    else:
        yield Effect(one.table, "ROW EXCLUSIVE", "rows" if one.verb in ("UPDATE", "DELETE") else "")


def _validate(one: ValidateConstraint, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, "SHARE UPDATE EXCLUSIVE", "scan")


def _alter_table(one: AlterTable, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, one.lock)


def _rename(one: Rename, known: Known) -> Iterator[Effect]:
    if one.kind == "constraint" and one.of:
        yield Effect(one.of, "ACCESS EXCLUSIVE")


def _exclusive(one: Any, known: Known) -> Iterator[Effect]:
    yield Effect(one.table, "ACCESS EXCLUSIVE")


_EFFECTS: dict[type, Callable[[Any, Known], Iterator[Effect]]] = {
    AddColumn: _add_column,
    AddConstraint: _add_constraint,
    AlterTable: _alter_table,
    AttachPartition: _attach,
    ChangeRows: _change_rows,
    ChangeType: _change_type,
    CreateIndex: _create_index,
    CreateTable: _create_table,
    DetachPartition: _detach,
    DropColumn: _exclusive,
    DropConstraint: _exclusive,
    DropIndex: _drop_index,
    DropNotNull: _exclusive,
    DropTable: _exclusive,
    RefreshView: _refresh_view,
    Reindex: _reindex,
    Rename: _rename,
    RenameColumn: _exclusive,
    RenameTable: _exclusive,
    RewriteTable: _rewrite_table,
    SetDefault: _exclusive,
    SetNotNull: _set_not_null,
    ValidateConstraint: _validate,
}
