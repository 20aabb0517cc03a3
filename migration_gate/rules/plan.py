"""What will run, transaction by transaction: the locks, what waits for them, and the work under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from migration_gate.findings import Held, Planned, Step
from migration_gate.operations.effects import STRENGTH, Known, blocks, effects
from migration_gate.operations.model import ChangeType, NotRead, Operation, SetNotNull
from migration_gate.operations.transactions import transactions
from migration_gate.project.sizes import Sizes
from migration_gate.rules.base import Migration, column_type, is_new, is_proven
from migration_gate.rules.judging import shown

LONGEST = 100  # characters of a statement


def plan(name: str, migrations: Sequence[Migration], alone: bool) -> Iterator[Planned]:
    """The transactions of a project's new revisions. With ``alone`` each revision is looked at as if it alone were new;
    else all of them run one after the other, as an upgrade would run them.
    """
    runs = [[one] for one in migrations] if alone else [list(migrations)] if migrations else []
    for run in runs:
        owner = {id(operation): one for one in run for operation in one.operations}
        per_migration = bool(run[0].environment().transaction_per_migration)
        for one in transactions([operation for each in run for operation in each.operations], per_migration):
            steps = tuple(_step(operation, owner[id(operation)]) for operation in one.operations)
            if one.autocommit is False:
                steps = tuple(_carried(steps))
            revisions = dict.fromkeys(owner[id(operation)].revision.id for operation in one.operations)
            yield Planned(name, tuple(revisions), one.autocommit, steps)


def sized(plans: Iterable[Planned], sizes: Sizes | None) -> Iterator[Planned]:
    """The plans, with the sizes of the tables that they lock, as far as these are known."""
    for one in plans:
        steps = (step._replace(held=tuple(_sized(held, sizes) for held in step.held)) for step in one.steps)
        yield one._replace(steps=tuple(steps)) if sizes else one


def _sized(held: Held, sizes: Sizes | None) -> Held:
    size = sizes.of(held.table) if sizes else None
    return held._replace(rows=size.rows, bytes=size.bytes) if size else held


def _carried(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a transaction, each with the locks of earlier ones that somebody still waits for."""
    still: dict[str, Held] = {}
    for step in steps:
        own = {one.table: one for one in step.held}
        stronger = {
            table: one
            for table, one in still.items()
            if table not in own or STRENGTH[one.lock] > STRENGTH[own[table].lock]
        }
        yield step._replace(held=(*step.held, *stronger.values()))
        place = f"{Path(step.path).name}:{step.line}"
        taken = {table: one._replace(work="", since=place) for table, one in own.items() if one.blocks}
        still = stronger | {table: one for table, one in taken.items() if table not in stronger}


def _step(operation: Operation, migration: Migration) -> Step:
    earlier = migration.earlier(operation)
    known = Known(
        existing=column_type(migration, operation) if isinstance(operation, ChangeType) else None,
        proven=is_proven(operation, earlier) if isinstance(operation, SetNotNull) else False,
    )
    held = tuple(
        Held(str(one.table), one.lock, blocks(one.lock), one.work)
        for one in effects(operation, known)
        if not is_new(one.table, earlier)
    )
    text = " ".join(operation.call.split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    reason = operation.reason if isinstance(operation, NotRead) else ""
    return Step(shown(operation.at.path) or "", operation.at.line, text, held, reason, migration.revision.id)
