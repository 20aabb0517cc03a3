"""What foreign keys may point to, read once from the tables that are filled already; and keys that could not point
anywhere before.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows.catalog import Catalog, ForeignKey, Table
from migration_gate.rehearsal.rows.insert import tried

SEEN = 200  # rows of a table that foreign keys choose from


class Work(NamedTuple):
    """What filling remembers from one table to the next."""

    connection: psycopg.Connection
    catalog: Catalog
    wanted: int
    parents: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]]
    used: dict[int, int]  # rows that were made for a table, by its root's oid
    done: set[int]
    reasons: dict[int, str]
    late: list[tuple[Table, ForeignKey]]  # foreign keys that are NULL until what they point to has rows


def see_parents(work: Work, table: Table) -> None:
    """Read the rows that a table's foreign keys may point to, as texts; each table's once."""
    for key in table.foreign_keys:
        known = (key.target, key.referenced)
        if key.target == table.oid or known in work.parents or not is_there(work, key):
            continue
        work.parents[known] = _keys_of(work, key)


def _keys_of(work: Work, key: ForeignKey) -> list[tuple[str, ...]]:
    columns = [sql.Identifier(name) for name in key.referenced]
    target = work.catalog.tables.get(key.target)
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(one) for one in columns),
        target.only if target else sql.Identifier(*key.place),
        sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(one) for one in columns),
        sql.Literal(SEEN),
    )
    return work.connection.execute(query).fetchall()


def is_there(work: Work, key: ForeignKey) -> bool:
    """Whether what a key points to has been filled, as far as it will be."""
    target = work.catalog.tables.get(key.target)
    return target is None or work.catalog.root(target).oid in work.done


def missing_parent(work: Work, table: Table) -> str | None:
    for key in table.foreign_keys:
        must = all(table.column(name).not_null for name in key.columns)
        if must and key.target != table.oid and not work.parents.get((key.target, key.referenced)):
            return f"its foreign key {key.name} needs a row of {'.'.join(key.place)}, which has none"
    return None


def is_late(work: Work, table: Table, key: ForeignKey) -> bool:
    return key.target != table.oid and not is_there(work, key)


def point_late(work: Work, table: Table, key: ForeignKey) -> None:
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
            table.quoted,
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(chosen[name])) for name in free
            ),
            sql.Literal(oid),
            sql.Literal(row),
        )
        try:
            tried(work.connection, update)
        except psycopg.Error:  # the key is unique, or a check forbids it: the row is as good as it was
            continue


def leaves(catalog: Catalog, root: Table) -> list[Table]:
    """The tables that really hold a root's rows: itself, or its partitions that are not partitioned themselves."""
    if not root.partitioned:
        return [root]
    return [
        one
        for one in catalog.tables.values()
        if not one.partitioned and one.parent is not None and catalog.root(one) is root
    ]
