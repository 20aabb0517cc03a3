"""Tables whose foreign keys point to each other in a circle, none of which may be NULL.

PostgreSQL checks foreign keys at the end of a statement: one statement that fills all tables of the circle
(data-modifying WITH) satisfies them, deferrable or not, without any privilege.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows import insert
from migration_gate.rehearsal.rows.catalog import Table
from migration_gate.rehearsal.rows.make import Plan, Row, plan, rows
from migration_gate.rehearsal.rows.pointing import Work, leaves, see_parents
from migration_gate.rehearsal.rows.values import draw

START = 1000  # the first row's number: rows that were there before have, as a rule, the lower ones


def fill_circle(work: Work, group: Sequence[int]) -> None:
    """Fill a circle's tables together: with fewer rows where all of them are refused."""
    plans = {oid: plan(_holder(work, work.catalog.tables[oid]), {}, (), _numbered(work, oid)) for oid in group}
    reason = ""
    for count in dict.fromkeys((work.wanted, 3, 1)):
        made = _made(work, plans, count)
        empty = [oid for oid, candidates in made.items() if not candidates]
        if empty:
            reason = (
                f"it stands in a circle of foreign keys with {work.catalog.tables[empty[0]].label}, which stays empty"
            )
            continue
        try:
            insert.tried(work.connection, _together(work, plans, made))
        except psycopg.Error as error:
            reason = f"it stands in a circle of foreign keys, and {insert.why(error)}"
            continue
        break
    else:
        work.reasons.update(dict.fromkeys(group, reason))
    for oid in group:
        work.done.add(oid)
        for known in [one for one in work.parents if one[0] == oid]:  # promises; from now on there are rows
            del work.parents[known]


def _numbered(work: Work, table: int) -> set[str]:
    return {column for _, oid, column in work.catalog.sequences if oid == table}


def _holder(work: Work, root: Table) -> Table:
    found = leaves(work.catalog, root)
    return found[0] if found else root


def _made(work: Work, plans: dict[int, Plan], count: int) -> dict[int, list[Row]]:
    """The rows of each table. What others point to is promised before its rows are made."""
    promised: dict[int, list[Row]] = {oid: [{} for _ in range(count)] for oid in plans}
    for one in plans.values():
        see_parents(work, one.table)
        for key in one.table.foreign_keys:
            if key.target in plans and key.target != one.table.oid:
                values = [_promise(plans[key.target], key.referenced, place) for place in range(count)]
                work.parents[key.target, key.referenced] = [known for known in values if known is not None]
                for row, known in zip(promised[key.target], values, strict=True):
                    row.update(zip(key.referenced, known or (), strict=False))
    return {oid: rows(one, work.parents, START, count, 0, promised[oid]) for oid, one in plans.items()}


def _promise(target: Plan, names: tuple[str, ...], number: int) -> tuple[str, ...] | None:
    """Values of a key for the row of this number."""
    way = target.ways[0]
    values = [draw(target.table.column(name).type, way.want(name), START + number, True) for name in names]
    return None if None in values else tuple(one for one in values if one is not None)


def _together(work: Work, plans: dict[int, Plan], made: dict[int, list[Row]]) -> sql.Composed:
    parts = []
    for place, (oid, one) in enumerate(plans.items()):
        root = work.catalog.tables[oid]
        filled = insert.sieved(one.table, root, one.columns, made[oid], len(made[oid]))
        parts.append(sql.SQL("{} AS ({})").format(sql.Identifier(f"filled {place}"), filled))
    return sql.SQL("WITH {} SELECT 1").format(sql.SQL(", ").join(parts))
