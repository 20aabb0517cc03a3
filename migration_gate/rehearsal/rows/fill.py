"""Fills every table of a database with a few rows, from the catalog alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows import insert
from migration_gate.rehearsal.rows.aside import aside
from migration_gate.rehearsal.rows.catalog import Catalog, Column, Table, count, read
from migration_gate.rehearsal.rows.circle import fill_circle
from migration_gate.rehearsal.rows.make import Plan, Row, plan, rows
from migration_gate.rehearsal.rows.order import groups
from migration_gate.rehearsal.rows.pointing import Work, is_late, leaves, missing_parent, point_late, see_parents
from migration_gate.rehearsal.rows.sequences import move
from migration_gate.rehearsal.rows.values import draw, guesses
from migration_gate.rehearsal.rows.wants import ANYTHING

SECONDS = 20  # for one statement: a function in a CHECK may hang
ATTEMPTS = (1, 4, 10)  # candidates for each row that is wanted, attempt after attempt


class Filled(NamedTuple):
    """``tables``: "schema.table" → the rows it has now; ``not_filled``: "schema.table" → the reason, in one line."""

    tables: dict[str, int]
    not_filled: dict[str, str]


def fill(connection: psycopg.Connection, rows: int = 20, leave: Collection[str] = ("alembic_version",)) -> Filled:
    """Put about ``rows`` rows into every ordinary and partitioned table, but for those that ``leave`` names ("table" or
    "schema.table"). The schema is afterwards what it was; sequences have moved past what was put in.

    One transaction, or part of the caller's, whose statement_timeout and constraints' mode it then leaves changed. The
    same rows in every run. Never raises on account of a schema: what stays empty is named with its reason.
    """
    catalog = read(connection, leave)
    work = Work(connection, catalog, rows, {}, {}, set(), {}, [])
    with connection.transaction():
        connection.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with aside(connection, catalog.tables.values()):
            for group in _groups(catalog):
                _fill_group(work, group)
            for table, key in work.late:
                point_late(work, table, key)
            move(connection, catalog)
            counts = count(connection, catalog.tables.values())
    return _report(work, counts)


def _report(work: Work, counts: dict[int, int]) -> Filled:
    tables = {table.label: counts[oid] for oid, table in work.catalog.tables.items() if counts[oid]}
    empty = {
        table.label: work.reasons.get(oid, "no row could be made for it")
        for oid, table in work.catalog.tables.items()
        if not counts[oid]
    }
    return Filled(tables, empty)


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _groups(catalog: Catalog) -> list[list[int]]:
    """Roots in the order of their foreign keys; partitions are filled with their root."""
    roots = [oid for oid, one in catalog.tables.items() if catalog.root(one) is one]
    hard: dict[int, set[int]] = {oid: set() for oid in roots}
    soft: dict[int, set[int]] = {oid: set() for oid in roots}
    for table in catalog.tables.values():
        here = catalog.root(table).oid
        for key in table.foreign_keys:
            if key.target in catalog.tables:
                there = catalog.root(catalog.tables[key.target]).oid
                must = all(table.column(name).not_null for name in key.columns)
                (hard if must else soft)[here].add(there)
    return groups(roots, hard, soft)


# ── one table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fill_group(work: Work, group: Sequence[int]) -> None:
    if len(group) > 1:
        fill_circle(work, group)
        return
    for oid in group:
        root = work.catalog.tables[oid]
        found = leaves(work.catalog, root)
        each = max(2, -(-work.wanted // max(1, len(found))))
        for table in found:
            _fill_table(work, table, root, each)
        if not found:
            work.reasons[oid] = "it has no partition that could hold a row"
        work.done.add(oid)


def _fill_table(work: Work, table: Table, root: Table, wanted: int) -> None:
    """Rows for one table, which go in through its root."""
    if not table.columns or all(one.generated for one in table.columns):
        _insert_defaults(work, table, wanted)
        return
    table = _own_root(table, root)
    see_parents(work, table)
    missing = missing_parent(work, table)
    if missing:
        work.reasons.setdefault(table.oid, missing)
        return
    numbered = {column for _, oid, column in work.catalog.sequences if oid in (table.oid, root.oid)}
    here = plan(table, *_unknown(work, table), numbered)
    done = 0
    for attempt, times in enumerate(ATTEMPTS):
        if done >= max(2, wanted // 2):
            break
        start = _start(work, table, root, here)
        candidates = rows(here, work.parents, start, wanted * times, attempt)
        work.used[root.oid] = work.used.get(root.oid, 0) + wanted * times
        more = _insert(work, here, root, candidates, wanted - done)
        if done and not more:
            break
        done += more
    work.late.extend((table, key) for key in table.foreign_keys if is_late(work, table, key))


def _own_root(table: Table, root: Table) -> Table:
    """A partition whose rows point to rows of the whole table finds them in itself."""
    keys = (one._replace(target=table.oid) if one.target == root.oid else one for one in table.foreign_keys)
    return table._replace(foreign_keys=tuple(keys))


def _insert(work: Work, here: Plan, root: Table, candidates: Sequence[Row], most: int) -> int:
    """How many of the candidates went in. Remembers why when none did."""
    connection, table = work.connection, here.table
    if not candidates:
        work.reasons.setdefault(table.oid, _impossible(here))
        return 0
    try:
        done = insert.tried(connection, insert.sieved(table, root, here.columns, candidates, most))
    except psycopg.Error as error:
        return _insert_singly(work, here, root, candidates[: 3 * most], most, error)
    if not done:
        work.reasons.setdefault(table.oid, insert.refused(connection, here, candidates))
    return done


def _impossible(here: Plan) -> str:
    """Which column or check leaves no values at all, as far as it was understood."""
    for column in here.columns:
        if column.not_null and not here.guessed.get(column.name, True):
            return f"no value is known for {column.name}, whose type is {column.type.name}"
    for name, expression in here.table.checks:
        alone = here.table._replace(checks=((name, expression),), foreign_keys=(), keys=())
        if not rows(plan(alone, here.guessed), {}, 0, 1):
            return f"CHECK {name} could not be satisfied"
    return "no values were found for it that its keys and checks allow together"


def _insert_singly(
    work: Work, here: Plan, root: Table, candidates: Sequence[Row], most: int, reason: psycopg.Error
) -> int:
    done, error = insert.one_by_one(work.connection, root, here.columns, candidates, most)
    if not done:
        columns, short = insert.lean(here, candidates)
        if columns:
            done, _ = insert.one_by_one(work.connection, root, columns, short, most)
    if not done:
        work.reasons.setdefault(here.table.oid, insert.why(error or reason))
    return done


def _insert_defaults(work: Work, table: Table, wanted: int) -> None:
    for _ in range(wanted):
        try:
            insert.tried(work.connection, sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table.quoted))
        except psycopg.Error as error:
            work.reasons.setdefault(table.oid, insert.why(error))
            return


def _start(work: Work, table: Table, root: Table, here: Plan) -> int:
    """The number of the first row to make: behind those that were there, and were made, before."""
    used = work.used.get(root.oid, 0)
    if not work.catalog.rows[root.oid] or used:
        return used
    numbers = [
        one.name for one in here.columns if one.name in here.distinct and one.type.base in ("int2", "int4", "int8")
    ]
    most = work.catalog.rows[root.oid]
    if numbers:
        greatest = sql.SQL("SELECT GREATEST({}) FROM {}").format(
            sql.SQL(", ").join(sql.SQL("max({})").format(sql.Identifier(name)) for name in numbers), root.quoted
        )
        row = work.connection.execute(greatest).fetchone()
        most = max(most, (row and row[0]) or 0)
    work.used[root.oid] = most
    return most


def _unknown(work: Work, table: Table) -> tuple[dict[str, list[str]], list[str]]:
    """Columns of types that nobody here knows: the guesses that PostgreSQL takes for them; those left to a DEFAULT."""
    guessed, left_out = {}, []
    for column in table.columns:
        if column.generated or column.type.kind == "e" or draw(column.type, ANYTHING, 1) is not None:
            continue
        if column.type.checks and draw(column.type._replace(checks=()), ANYTHING, 1) is not None:
            continue
        if column.default is not None:
            left_out.append(column.name)
        else:
            guessed[column.name] = _guesses(work, column)
    return guessed, left_out


def _guesses(work: Work, column: Column) -> list[str]:
    taken = []
    for text in guesses(1):
        query = sql.SQL("SELECT {}::{}").format(sql.Literal(text), sql.SQL(column.type.cast))
        try:
            insert.tried(work.connection, query)
        except psycopg.Error:
            continue
        taken.append(text)
    return taken
