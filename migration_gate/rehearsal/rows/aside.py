"""What stands between made-up rows and their tables, put aside for a while: triggers, rules, row security."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows.catalog import Table
from migration_gate.rehearsal.rows.insert import tried


class _Obstacle(NamedTuple):
    away: sql.Composed
    back: sql.Composed


@contextlib.contextmanager
def aside(connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[None]:
    """Inside, the tables' triggers, rules and forced row security are off; afterwards each is as it was.

    Foreign keys go on to be checked: their triggers are the system's. Runs within the caller's transaction, in which
    no check may be pending at the end, or ALTER TABLE refuses.
    """
    found = [*_triggers(connection, tables), *_rules(connection, tables), *_row_security(connection, tables)]
    away = [one for one in found if _went(connection, one.away)]
    yield
    if away:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for one in away:
        connection.execute(one.back)


def _went(connection: psycopg.Connection, statement: sql.Composed) -> bool:
    """Whether something let itself be put aside: what belongs to another role does not, and may be in nobody's way."""
    try:
        tried(connection, statement)
    except psycopg.Error:
        return False
    return True


_BACK = {"O": "ENABLE", "A": "ENABLE ALWAYS"}


def _triggers(connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[_Obstacle]:
    """ONLY, because a partitioned table's triggers have copies at its partitions, each in a state of its own."""
    # Before PostgreSQL 15 the copies pass for the system's own.
    query = """SELECT tgrelid, tgname, tgenabled::text FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid
    WHERE (NOT tgisinternal OR (tgparentid <> 0 AND p.pronamespace <> 'pg_catalog'::regnamespace))
    AND tgenabled IN ('O', 'A')"""
    found = connection.execute(query).fetchall()
    known = {one.oid: one for one in tables}
    for oid, name, state in found:
        if oid in known:
            yield _altered(known[oid], "ONLY ", "TRIGGER", name, state)


def _rules(connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[_Obstacle]:
    query = "SELECT ev_class, rulename, ev_enabled::text FROM pg_rewrite WHERE ev_enabled IN ('O', 'A')"
    known = {one.oid: one for one in tables}
    for oid, name, state in connection.execute(query).fetchall():
        if oid in known:
            yield _altered(known[oid], "", "RULE", name, state)


def _altered(table: Table, only: str, kind: str, name: str, state: str) -> _Obstacle:
    def alter(how: str) -> sql.Composed:
        words = sql.SQL(" ").join([sql.SQL(how), sql.SQL(kind)])
        return sql.SQL("ALTER TABLE {}{} {} {}").format(sql.SQL(only), table.quoted, words, sql.Identifier(name))

    return _Obstacle(alter("DISABLE"), alter(_BACK[state]))


def _row_security(connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[_Obstacle]:
    """A table's owner is above its policies, unless they are forced; a superuser always is."""
    query = """SELECT c.oid FROM pg_class c WHERE relforcerowsecurity
    AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)"""
    known = {one.oid: one for one in tables}
    for (oid,) in connection.execute(query).fetchall():
        if oid in known:
            forced = sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY")
            yield _Obstacle(
                forced.format(known[oid].quoted, sql.SQL("NO FORCE")),
                forced.format(known[oid].quoted, sql.SQL("FORCE")),
            )
