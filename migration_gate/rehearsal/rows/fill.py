"""Fills every table of a database with a few rows, from the catalog alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows import insert
from migration_gate.rehearsal.rows.aside import aside
from migration_gate.rehearsal.rows.catalog import Catalog, Column, ForeignKey, Table, count, read
from migration_gate.rehearsal.rows.make import Plan, Row, plan, rows
from migration_gate.rehearsal.rows.order import groups
from migration_gate.rehearsal.rows.values import draw, guesses
from migration_gate.rehearsal.rows.wants import ANYTHING

SECONDS = 20  # for one statement: a function in a CHECK may hang
ATTEMPTS = (1, 4, 16)  # candidates for each row that is wanted, attempt after attempt
SEEN = 200  # rows of a table that foreign keys choose from


class Filled(NamedTuple):
    """``tables``: "schema.table" → the rows it has now; ``not_filled``: "schema.table" → the reason, in one line."""

    tables: dict[str, int]
    not_filled: dict[str, str]


class _Work(NamedTuple):
    """What filling remembers from one table to the next."""

    connection: psycopg.Connection
    catalog: Catalog
    wanted: int
    parents: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]]
    used: dict[int, int]  # rows that were made for a table, by its root's oid
    done: set[int]
    reasons: dict[int, str]
    late: list[tuple[Table, ForeignKey]]  # foreign keys that are NULL until what they point to has rows


def fill(connection: psycopg.Connection, rows: int = 20, leave: Collection[str] = ("alembic_version",)) -> Filled:
    """Put about ``rows`` rows into every ordinary and partitioned table, but for those that ``leave`` names ("table" or
    "schema.table"). The schema is afterwards what it was; sequences have moved past what was put in.

    The same rows in every run. Never raises on account of a schema: what stays empty is named with its reason.
    """
    catalog = read(connection, leave)
    work = _Work(connection, catalog, rows, {}, {}, set(), {}, [])
    with connection.transaction():
        connection.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with aside(connection, catalog.tables.values()):
            for group in _groups(catalog):
                _fill_group(work, group)
            for table, key in work.late:
                _point_late(work, table, key)
        _move_sequences(work)
        counts = count(connection, catalog.tables.values())
    return _report(work, counts)


def _report(work: _Work, counts: dict[int, int]) -> Filled:
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


def _leaves(catalog: Catalog, root: Table) -> list[Table]:
    """The tables that really hold a root's rows: itself, or its partitions that are not partitioned themselves."""
    if not root.partitioned:
        return [root]
    return [
        one
        for one in catalog.tables.values()
        if not one.partitioned and one.parent is not None and catalog.root(one) is root
    ]


# ── one table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fill_group(work: _Work, group: Sequence[int]) -> None:
    for oid in group:
        root = work.catalog.tables[oid]
        leaves = _leaves(work.catalog, root)
        each = max(2, -(-work.wanted // max(1, len(leaves))))
        for table in leaves:
            _fill_table(work, table, root, each)
        if not leaves:
            work.reasons[oid] = "it has no partition that could hold a row"
        work.done.add(oid)


def _fill_table(work: _Work, table: Table, root: Table, wanted: int) -> None:
    """Rows for one table, which go in through its root."""
    if not table.columns or all(one.generated for one in table.columns):
        _insert_defaults(work, table, wanted)
        return
    _see_parents(work, table)
    missing = _missing_parent(work, table)
    if missing:
        work.reasons[table.oid] = missing
        return
    here = plan(table, *_unknown(work, table))
    done = 0
    for attempt, times in enumerate(ATTEMPTS):
        if done >= max(2, wanted // 2):
            break
        start = _start(work, table, root, here)
        candidates = rows(here, work.parents, start, wanted * times, attempt)
        work.used[root.oid] = work.used.get(root.oid, 0) + wanted * times
        done += _insert(work, here, root, candidates, wanted - done)
    work.late.extend((table, key) for key in table.foreign_keys if _is_late(work, table, key))


def _insert(work: _Work, here: Plan, root: Table, candidates: Sequence[Row], most: int) -> int:
    """How many of the candidates went in. Remembers why when none did."""
    connection, table = work.connection, here.table
    if not candidates:
        work.reasons[table.oid] = "no values were found for it that its keys and checks allow"
        return 0
    try:
        with connection.transaction():
            done = connection.execute(insert.sieved(table, root, here.columns, candidates, most)).rowcount
    except psycopg.Error as error:
        return _insert_singly(work, here, root, candidates[: 3 * most], most, error)
    if not done:
        work.reasons[table.oid] = insert.refused(connection, here, candidates)
    return done


def _insert_singly(
    work: _Work, here: Plan, root: Table, candidates: Sequence[Row], most: int, reason: psycopg.Error
) -> int:
    done, error = insert.one_by_one(work.connection, root, here.columns, candidates, most)
    if not done:
        columns, short = insert.lean(here, candidates)
        if columns:
            done, _ = insert.one_by_one(work.connection, root, columns, short, most)
    if not done:
        work.reasons[here.table.oid] = insert.why(error or reason)
    return done


def _insert_defaults(work: _Work, table: Table, wanted: int) -> None:
    for _ in range(wanted):
        try:
            with work.connection.transaction():
                work.connection.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table.sql))
        except psycopg.Error as error:
            work.reasons[table.oid] = insert.why(error)
            return


def _start(work: _Work, table: Table, root: Table, here: Plan) -> int:
    """The number of the first row to make: behind those that were there, and were made, before."""
    used = work.used.get(root.oid, 0)
    if not work.catalog.rows[root.oid] or used:
        return used
    numbers = [one.name for one in here.columns if one.name in here.distinct and one.type.base in ("int2", "int4", "int8")]
    most = work.catalog.rows[root.oid]
    if numbers:
        greatest = sql.SQL("SELECT GREATEST({}) FROM {}").format(
            sql.SQL(", ").join(sql.SQL("max({})").format(sql.Identifier(name)) for name in numbers), root.sql
        )
        row = work.connection.execute(greatest).fetchone()
        most = max(most, (row and row[0]) or 0)
    work.used[root.oid] = most
    return most


def _unknown(work: _Work, table: Table) -> tuple[dict[str, list[str]], list[str]]:
    """Columns of types that nobody here knows: the guesses that PostgreSQL takes for them, and those left to a DEFAULT."""
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


def _guesses(work: _Work, column: Column) -> list[str]:
    taken = []
    for text in guesses(1):
        query = sql.SQL("SELECT {}::{}").format(sql.Literal(text), sql.SQL(column.type.cast))  # type: ignore[arg-type]
        try:
            with work.connection.transaction():
                work.connection.execute(query)
        except psycopg.Error:
            continue
        taken.append(text)
    return taken


# ── foreign keys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _see_parents(work: _Work, table: Table) -> None:
    """Read the rows that a table's foreign keys may point to, as texts; each table's once."""
    for key in table.foreign_keys:
        known = (key.target, key.referenced)
        if key.target == table.oid or known in work.parents or not _is_there(work, key):
            continue
        work.parents[known] = _keys_of(work, key)


def _keys_of(work: _Work, key: ForeignKey) -> list[tuple[str, ...]]:
    columns = [sql.Identifier(name) for name in key.referenced]
    target = work.catalog.tables.get(key.target)
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(one) for one in columns),
        target.only if target else sql.Identifier(*key.place),
        sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(one) for one in columns),
        sql.Literal(SEEN),
    )
    return work.connection.execute(query).fetchall()


def _is_there(work: _Work, key: ForeignKey) -> bool:
    """Whether what a key points to has been filled, as far as it will be."""
    target = work.catalog.tables.get(key.target)
    return target is None or work.catalog.root(target).oid in work.done


def _missing_parent(work: _Work, table: Table) -> str | None:
    for key in table.foreign_keys:
        must = all(table.column(name).not_null for name in key.columns)
        if must and key.target != table.oid and not work.parents.get((key.target, key.referenced)):
            return f"its foreign key {key.name} needs a row of {'.'.join(key.place)}, which has none"
    return None


def _is_late(work: _Work, table: Table, key: ForeignKey) -> bool:
    return key.target != table.oid and not _is_there(work, key)


def _point_late(work: _Work, table: Table, key: ForeignKey) -> None:
    """Let rows whose foreign key had nothing to point to point to something now; every third stays as it is."""
    choices = work.parents.get((key.target, key.referenced)) or _keys_of(work, key)
    free = [name for name in key.columns if not table.column(name).not_null]
    query = sql.SQL("SELECT tableoid, ctid::text, {} FROM {} ORDER BY 1, ctid").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in key.columns), table.only
    )
    for place, (oid, row, *values) in enumerate(work.connection.execute(query).fetchall()):
        fitting = [one for one in choices if all(a is None or a == b for a, b in zip(values, one, strict=True))]
        if not fitting or place == 0 or place % 3 == 2 or None not in values:
            continue
        chosen = dict(zip(key.columns, fitting[place // 2 % len(fitting)], strict=True))
        update = sql.SQL("UPDATE {} SET {} WHERE tableoid = {} AND ctid = {}").format(
            table.sql,
            sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(chosen[name])) for name in free),
            sql.Literal(oid),
            sql.Literal(row),
        )
        try:
            with work.connection.transaction():
                work.connection.execute(update)
        except psycopg.Error:  # the key is unique, or a check forbids it: the row is as good as it was
            continue


# ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _move_sequences(work: _Work) -> None:
    """Move each sequence past what its column holds, so that the next row of a migration's own gets a number that is
    free.
    """
    for sequence, oid, column in work.catalog.sequences:
        table = work.catalog.tables[oid]
        move = sql.SQL("""SELECT setval({0}::oid::regclass, m.most) FROM (SELECT max({1})::int8 AS most FROM {2}) m,
            pg_sequence s WHERE s.seqrelid = {0} AND s.seqincrement > 0 AND m.most BETWEEN s.seqmin AND s.seqmax
            AND m.most >= COALESCE(pg_sequence_last_value({0}), s.seqmin)""")
        try:
            with work.connection.transaction():
                work.connection.execute(move.format(sql.Literal(sequence), sql.Identifier(column), table.sql))
        except psycopg.Error:  # a column of texts, made from the sequence's numbers
            continue
