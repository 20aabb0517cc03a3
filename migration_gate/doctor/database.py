"""What a real database says of itself: where versions are kept, and who holds locks now.

Source: PostgreSQL's documentation, "System Catalogs" (pg_class, pg_locks), "pg_stat_activity", "Explicit Locking".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, get_args

import psycopg
from psycopg import sql

from migration_gate.doctor.url import looking
from migration_gate.findings import CannotJudge
from migration_gate.operations.model import Lock, Table

LONG = 60.0  # seconds after which a transaction is told of although it holds no lock that matters

_LOCKS: tuple[Lock, ...] = get_args(Lock)
# pg_locks' own names: "AccessExclusiveLock".
_MODES = {"".join(word.title() for word in one.split()) + "Lock": one for one in _LOCKS}
# "Conflicting Lock Modes" in "Explicit Locking": what is asked for, and what it waits for.
_CONFLICTS: dict[Lock, frozenset[Lock]] = {
    "ACCESS SHARE": frozenset(_LOCKS[7:]),
    "ROW SHARE": frozenset(_LOCKS[6:]),
    "ROW EXCLUSIVE": frozenset(_LOCKS[4:]),
    "SHARE UPDATE EXCLUSIVE": frozenset(_LOCKS[3:]),
    "SHARE": frozenset((*_LOCKS[2:4], *_LOCKS[5:])),
    "SHARE ROW EXCLUSIVE": frozenset(_LOCKS[2:]),
    "EXCLUSIVE": frozenset(_LOCKS[1:]),
    "ACCESS EXCLUSIVE": frozenset(_LOCKS),
}


class VersionTable(NamedTuple):
    """A table that Alembic keeps versions in, this project's or another's. ``rows`` is None where this role may not
    read it; ``visible`` is true where the search path finds it.
    """

    schema: str
    name: str
    rows: tuple[str, ...] | None
    visible: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Database(NamedTuple):
    """``schema`` is where a name without one is made; ``tables`` counts those that are no version table."""

    version: str
    role: str
    schema: str | None
    standby: bool
    sees_others: bool  # whether what other roles' sessions do is shown to it
    versions: tuple[VersionTable, ...]
    tables: int


class Holder(NamedTuple):
    """A session that holds a lock, or has been in a transaction for long. No text of its statements: it may hold
    somebody's data. ``seconds`` is the age of its transaction; it and ``state`` are None where that is not shown.
    """

    pid: int | None  # None: a prepared transaction
    application: str
    state: str | None
    seconds: float | None
    table: Table | None = None
    lock: Lock | None = None


_ABOUT = """
SELECT current_setting('server_version'), current_user::text, current_schema()::text, pg_is_in_recovery(),
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
"""
_OWN = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
# A table of Alembic's has one column, version_num (alembic.runtime.migration: MigrationContext._version).
_IS_VERSION = """
EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'version_num')
AND 1 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
"""
_VERSIONS = f"""
SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid),
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND {_OWN} AND {_IS_VERSION} ORDER BY 1, 2
"""
_TABLES = f"""
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND {_OWN} AND NOT ({_IS_VERSION})
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
"""
_HOLDERS = """
SELECT l.pid, coalesce(a.application_name, ''), a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       n.nspname::text, c.relname::text, l.mode
  FROM pg_locks l
  JOIN pg_class c ON c.oid = l.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
 ORDER BY a.xact_start, l.pid
"""
_LONG = """
SELECT pid, coalesce(application_name, ''), state, extract(epoch FROM clock_timestamp() - xact_start)::float8
  FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - %s * interval '1 s'
   AND backend_type = 'client backend'
 ORDER BY xact_start
"""


def read(connection: psycopg.Connection) -> Database:
    """What is asked first. Raises psycopg.Error where the database cannot be asked."""
    with looking(connection):
        version, role, schema, standby, sees = connection.execute(_ABOUT).fetchone() or ("", "", None, False, False)
        found = connection.execute(_VERSIONS).fetchall()
        (tables,) = connection.execute(_TABLES).fetchone() or (0,)
    versions = []
    for schema_of, name, visible, may in found:
        rows = _rows(connection, schema_of, name) if may else None
        versions.append(VersionTable(schema_of, name, rows, visible))
    return Database(version.split()[0], role, schema, standby, sees, tuple(versions), tables)


def _rows(connection: psycopg.Connection, schema: str, name: str) -> tuple[str, ...] | None:
    """None too where row security keeps this role from it. Raises CannotJudge where somebody has locked it."""
    try:
        with looking(connection):
            query = sql.SQL("SELECT version_num::text FROM {}").format(sql.Identifier(schema, name))
            return tuple(sorted(one for (one,) in connection.execute(query)))
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.errors.LockNotAvailable:
        wanted: tuple[Table, Lock] = Table(name, schema), "ACCESS SHARE"
        who = "; ".join(map(holder_words, in_the_way([wanted], holders(connection, None)))) or "somebody"
        raise CannotJudge(f"{schema}.{name} is locked, by an upgrade as it seems: {who}") from None


def holders(connection: psycopg.Connection, default: str | None) -> tuple[Holder, ...]:
    """Who holds locks on tables now, and who has been in a transaction for long, the oldest first."""
    with looking(connection):
        held = connection.execute(_HOLDERS).fetchall()
        long = connection.execute(_LONG, [LONG]).fetchall()
    found = [
        Holder(pid, application, state, seconds, Table(name, None if schema in (default, "public") else schema), lock)
        for pid, application, state, seconds, schema, name, mode in held
        if (lock := _MODES.get(mode))
    ]
    return (*found, *(Holder(*row) for row in long))


def in_the_way(wanted: Sequence[tuple[Table, Lock]], held: Collection[Holder]) -> tuple[Holder, ...]:
    """Whom the locks of a plan would wait for."""
    locks = {(one.schema or "public", one.name): lock for one, lock in wanted}
    found = []
    for one in held:
        lock = locks.get((one.table.schema or "public", one.table.name)) if one.table else None
        if lock and one.lock in _CONFLICTS[lock]:
            found.append(one)
    return tuple(found)


def holder_words(one: Holder) -> str:
    """ "pid 4711 (web), idle in transaction for 12 min, ROW EXCLUSIVE on orders"."""
    who = (
        f"pid {one.pid}" + (f" ({one.application})" if one.application else "") if one.pid else "a prepared transaction"
    )
    since = f" for {_age(one.seconds)}" if one.seconds is not None else ""
    state = f", {one.state or 'in a transaction'}{since}" if one.state or since else ""
    return who + state + (f", {one.lock} on {one.table}" if one.table else "")


def _age(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
