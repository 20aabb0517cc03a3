"""Watches what PostgreSQL does with each statement of the revisions that are rehearsed, from inside their connection.

SQLAlchemy's class-level events tell of every statement of every engine. After each one, the question below is asked on
the same DBAPI connection, by a second cursor of the dialect's own, in the same transaction: a backend sees its own
uncommitted changes of the catalog, its own locks, and its own counters of scans at once (PostgreSQL's documentation,
"pg_locks" and "Viewing Statistics"). That the counters tell of every scan that the server speaks of at
client_min_messages=debug1, on empty tables too, was measured on 14 to 18. A statement is 0.7 to 1 ms slower for it.

What is asked must not be noticed by who is watched:

- it is asked between SAVEPOINT and ROLLBACK TO SAVEPOINT, so that neither its failure nor its own ``statement_timeout``
  outlives it; a savepoint in which nothing is written takes no transaction id and leaves nothing in the catalog;
- it is not asked where it would begin a transaction that the statement has not begun, nor right after statements that
  take no snapshot (SET, BEGIN …), because ``SET TRANSACTION`` is refused after a query;
- it reads ``pg_catalog`` only, whatever the project's search_path and role.

What goes past SQLAlchemy (``connection.connection.cursor()``) raises no event: its locks are told with the next
statement's, or as "unseen" with the revision's end.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from typing import Any

from migration_gate_inside.errors import code, message, place_in_frames
from migration_gate_inside.job import emit, job

LONGEST = 5_000  # characters of a statement's text

# Since when a relation is the migration's own is told by what was there before: relations below 16384 are the system's
# (src/include/access/transam.h, FirstNormalObjectId).
_RELATIONS = """
SELECT c.oid::pg_catalog.int8, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text,
       c.relfilenode::pg_catalog.int8, i.indrelid::pg_catalog.int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
# Only what the transaction has locked can it have scanned, rewritten or built; what it has dropped is locked and gone.
# The first row is the transaction itself.
_QUESTION = """
WITH mine AS MATERIALIZED (
  SELECT relation, virtualxid, mode FROM pg_catalog.pg_locks
  WHERE pid = pg_catalog.pg_backend_pid() AND granted AND locktype IN ('relation', 'virtualxid')
), held AS (
  SELECT relation, pg_catalog.string_agg(mode, ',') AS modes FROM mine WHERE relation >= 16384 GROUP BY relation
)
SELECT NULL::pg_catalog.int8, (SELECT virtualxid FROM mine WHERE virtualxid IS NOT NULL LIMIT 1), NULL::pg_catalog.text,
       NULL::pg_catalog.int8, NULL::pg_catalog.int8, NULL::pg_catalog.int8, NULL::pg_catalog.int8
UNION ALL
SELECT held.relation::pg_catalog.int8, held.modes, coalesce(c.relkind::pg_catalog.text, '-'),
       c.relfilenode::pg_catalog.int8, i.indrelid::pg_catalog.int8,
       pg_catalog.pg_stat_get_xact_numscans(held.relation),
       pg_catalog.pg_stat_get_xact_tuples_inserted(held.relation)
       + pg_catalog.pg_stat_get_xact_tuples_updated(held.relation)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(held.relation)
FROM held
LEFT JOIN pg_catalog.pg_class c ON c.oid = held.relation
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE c.oid IS NULL OR c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I')
"""
# The counters of an earlier transaction may still be there when the next one begins.
_COUNTERS = """
SELECT * FROM (
  SELECT c.oid::pg_catalog.int8, pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
         pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
         + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS changed
  FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i')
) AS counted
WHERE scans > 0 OR changed > 0
"""
_SAVEPOINT = "migration_gate_observes"
_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
_NAMES = {mode: re.sub(r"(?<!^)(?=[A-Z])", " ", mode[: -len("Lock")]).upper() for mode in _MODES}

_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n?|/\*.*?\*/|\()+", re.DOTALL)
_NO_SNAPSHOT = re.compile(
    r"(SET|RESET|SHOW|BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION|DISCARD|DEALLOCATE|"
    r"LISTEN|UNLISTEN|NOTIFY)\b",
    re.IGNORECASE,
)
# How these read a table is the planner's choice, and it reads a small one whole whatever they ask for.
_PLANNED = re.compile(
    r"(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE|COPY|EXPLAIN|EXECUTE|FETCH)\b", re.IGNORECASE
)
_CHANGES = re.compile(r"(INSERT|UPDATE|DELETE|MERGE|WITH|COPY)\b", re.IGNORECASE)
_HOLDS_ANY = re.compile(r"(DO|CALL)\b|.*;\s*\S", re.IGNORECASE | re.DOTALL)  # or several statements
_BEGINS_ONE = re.compile(r"(SET\s+TRANSACTION|BEGIN|START)\b", re.IGNORECASE)
_PASSWORD = re.compile(r"(PASSWORD\s+)'(?:[^']|'')*'", re.IGNORECASE)
_IDLE, _OPEN, _FAILED = "idle", "open", "failed"  # a connection's transaction

Names = dict[int, tuple[str, str, str, "int | None"]]  # oid → schema, name, kind, and of an index: its table's oid


class Known:
    """The relations of one database as they were before the revisions that are watched began."""

    def __init__(self, rows: list[Any]) -> None:
        self.names: Names = {oid: (schema, name, kind, table) for oid, schema, name, kind, _, table in rows}
        self.files: dict[int, set[int]] = {oid: {file} for oid, _, _, _, file, _ in rows}
        self.built: set[int] = set()  # new indexes that have been told of


class State:
    """What was last seen of one connection."""

    def __init__(self) -> None:
        self.virtual: str | None = None  # its transaction, as pg_locks names it
        self.held: dict[int, int] = {}  # oid → position in _MODES
        self.scans: dict[int, int] = {}  # oid → how often it was read whole, or an index used
        self.changed: dict[int, int] = {}  # oid → rows inserted, updated and deleted
        self.database: str | None = None
        self.step = 0  # the revision that it was last asked in, as they are counted
        self.new_at = 0  # the revision that began on it outside of a transaction
        self.off = False

    def forget(self) -> None:
        """Its transaction has ended."""
        self.virtual, self.held, self.scans, self.changed = None, {}, {}, {}


class Answer:
    """What PostgreSQL answered after a statement; ``before`` differs from it by what the statement did."""

    def __init__(self, rows: list[Any]) -> None:
        self.virtual: str | None = rows[0][1]
        self.rows = rows[1:]
        self.held = {row[0]: max(_MODES.index(one) for one in row[1].split(",")) for row in self.rows}
        self.scans = {row[0]: row[5] for row in self.rows}
        self.changed = {row[0]: row[6] for row in self.rows}


_watched: frozenset[str] = frozenset()
_revision: str | None = None  # the one that runs
_known: dict[str, Known] = {}  # by database
_round = 0  # how often watching has begun
_step = 0
_number = 0
_transactions = 0
_started = 0.0
_listening = False


# ── what the command and Alembic's steps tell ────────────────────────────────────────────────────────────


def begin(revisions: list[str]) -> None:
    """Watch these revisions until ``end``. What is in a database when the first of them begins, is there before."""
    global _watched, _revision, _round, _number, _transactions, _listening
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    end()
    _watched, _revision, _number, _transactions = frozenset(revisions), None, 0, 0
    _round += 1
    _known.clear()
    for name, listener in _listeners():
        event.listen(Engine, name, listener)
    _listening = True


def end() -> None:
    """Watch no longer."""
    global _watched, _revision, _listening
    if _listening:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        for name, listener in _listeners():
            event.remove(Engine, name, listener)
    _watched, _revision, _listening = frozenset(), None, False


def enter(revision: str, connection: Any) -> None:
    """Alembic begins a revision on a connection; watch.py tells."""
    global _revision, _step
    _revision = revision if revision in _watched else None
    _step += 1
    if _revision is None or connection is None:
        return
    with suppress(Exception):
        state = _state_of(connection)
        if _status(connection) == _OPEN:
            _look_before(connection, state)
        else:
            state.forget()
            state.new_at = _step


def leave() -> None:
    """The revision has ended, its row in the version table included."""
    global _revision
    _revision = None


def _listeners() -> tuple[tuple[str, Any], ...]:
    return ("before_cursor_execute", _before), ("after_cursor_execute", _after), ("handle_error", _failed)


# ── what SQLAlchemy tells ────────────────────────────────────────────────────────────────────────────────


def _before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    global _started
    if _revision is None:
        return
    with suppress(Exception):  # whatever it is, it is not the migration's
        state = _state_of(connection)
        if _status(connection) == _IDLE:
            state.forget()
        text = _begins(statement)
        if not (_takes_no_snapshot(text) or _BEGINS_ONE.match(text)):
            _look_before(connection, state)
    _started = time.perf_counter()


def _after(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    seconds = time.perf_counter() - _started
    if _revision is None:
        return
    with suppress(Exception):
        place = _place()
        said = _what_it_did(connection, statement)
        if place is None:
            _tell_unseen(statement, said)
        elif not _is_a_look(statement):
            _tell(place, statement, seconds, said | {"rows": _rows(cursor, statement)})


def _failed(context: Any) -> None:
    seconds = time.perf_counter() - _started
    if _revision is None or context.statement is None:
        return
    with suppress(Exception):
        place = _place()
        if place is not None:
            state = _state_of(context.connection) if context.connection is not None else State()
            raised = context.original_exception
            said = {
                "autocommit": state.virtual is None and _is_autocommit(context.connection),
                "transaction": None if state.virtual is None else _transactions,
                "held": _locks(state.held, _known[state.database]) if state.database in _known else [],
                "error": code(raised) or type(raised).__name__,
                "message": message(raised, raised).strip().split("\n")[0],
            }
            _tell(place, context.statement, seconds, said)


def _tell(place: dict[str, Any], statement: str, seconds: float, said: dict[str, Any]) -> None:
    global _number
    _number += 1
    nothing: dict[str, Any] = {
        "locks": [], "held": [], "rewrote": [], "scanned": [], "built": [], "changed": [], "rows": 0, "error": None,
        "message": "", "autocommit": False, "transaction": None, "asked": False,
    }  # fmt: skip
    text = _PASSWORD.sub(r"\1'***'", statement[:LONGEST])
    emit("statement", revision=_revision, number=_number, sql=text, seconds=seconds, **place, **(nothing | said))


def _tell_unseen(statement: str, said: dict[str, Any]) -> None:
    """Where Alembic's own statement has another table locked than the version table that it names, something before it
    did that, past SQLAlchemy.
    """
    words = set(re.findall(r"\w+", statement))
    locks = [one for one in said.get("locks", ()) if words.isdisjoint((one["name"], (one["index_of"] or [""])[-1]))]
    rewrote = said.get("rewrote", [])
    if locks or rewrote:
        emit("unseen", revision=_revision, locks=locks, rewrote=rewrote)


def teller(statement: str) -> str | None:
    """The revision that a statement, which is about to run, will be told of; None of one that will not be."""
    return _revision if _revision and not _is_a_look(statement) and _place() is not None else None


def _place() -> dict[str, Any] | None:
    """The migration's line that is running; None of what Alembic and env.py do by themselves. With asyncpg the whole
    of it runs inside one greenlet, whose frames go on to the migration (measured).
    """
    place = place_in_frames(sys._getframe(2))
    if place["path"] is None:
        return None
    roots = [os.path.realpath(one) + os.sep for one in job().version_locations]
    return place if place["path"].startswith(tuple(roots)) else None


def _begins(statement: str) -> str:
    """A statement's text from its first word on, ASCII spaces, comments and parentheses aside."""
    found = _COMMENTS.match(statement)
    return statement[found.end() :] if found else statement


def _takes_no_snapshot(text: str) -> bool:
    return _NO_SNAPSHOT.match(text) is not None and not _HOLDS_ANY.match(text)


def _is_a_look(statement: str) -> bool:
    """A question about the catalog, such as SQLAlchemy's inspector asks."""
    return statement.startswith("SELECT") and ("pg_catalog." in statement or "information_schema." in statement)


def _rows(cursor: Any, statement: str) -> int:
    return max(cursor.rowcount, 0) if _CHANGES.match(_begins(statement)) else 0


# ── what PostgreSQL tells ────────────────────────────────────────────────────────────────────────────────


def _look_before(connection: Any, state: State) -> None:
    """Read what is there, once for a database, and where the counters of a transaction begin, once for each and for
    each revision: the server adds them to the shared ones at some transaction's end, and begins anew.
    """
    if state.off:
        return
    try:
        if state.database is None:
            state.database = str(_ask(connection, "SELECT pg_catalog.current_database()::pg_catalog.text")[0][0][0])
        if state.database not in _known:
            _known[state.database] = Known(_ask(connection, _RELATIONS)[0])
        alone = _status(connection) == _IDLE and _is_autocommit(connection)
        if not alone and (state.virtual is None or state.step != _step):
            _look_at_transaction(connection, state, _known[state.database])
    except Exception as error:
        if _status(connection) != _FAILED:
            _give_up(state, error)


def _look_at_transaction(connection: Any, state: State, known: Known) -> None:
    rows, counters = _ask(connection, _QUESTION, _COUNTERS)
    answer = Answer(rows)
    if state.new_at == _step:  # no statement has been heard of since, so nothing may be locked yet
        _tell_unseen("", {"locks": _locks(answer.held, known)})
    state.new_at = 0
    _remember(state, answer)
    state.scans = {oid: scans for oid, scans, _ in counters}
    state.changed = {oid: changed for oid, _, changed in counters}


def _give_up(state: State, error: Exception) -> None:
    """Ask this connection no more, and say why."""
    state.off = True
    emit("unobserved", revision=_revision, reason=f"{type(error).__name__}: {error}".split("\n")[0][:300])


def _what_it_did(connection: Any, statement: str) -> dict[str, Any]:
    state = _state_of(connection)
    text = _begins(statement)
    known = _known.get(state.database or "")
    if _takes_no_snapshot(text):
        held = _locks(state.held, known) if known else []
        return {"transaction": _transactions + (state.virtual is None), "held": held, "asked": True}
    if state.off or known is None:
        return {}
    status = _status(connection)
    if status == _FAILED:
        return {}
    if status == _IDLE:
        return _outside(connection, state, known, text)
    try:
        answer = Answer(_ask(connection, _QUESTION)[0])
    except Exception as error:
        _give_up(state, error)
        return {}
    same = answer.virtual == state.virtual
    said = _difference(answer, known, text, state if same else State())
    _remember(state, answer)
    return said | {"transaction": _transactions, "asked": True}


def _outside(connection: Any, state: State, known: Known, text: str) -> dict[str, Any]:
    """After a statement that was committed by itself: its locks are gone, new files and indexes are there. A
    connection that would begin a transaction is not asked.
    """
    autocommit = _is_autocommit(connection)
    state.forget()
    if not autocommit or _PLANNED.match(text):
        return {"autocommit": autocommit}
    (rows,) = _ask(connection, _RELATIONS)
    rewrote = [oid for oid, _, _, _, file, _ in rows if _has_new_file(known, oid, file)]
    built = [(oid, table) for oid, _, _, kind, _, table in rows if kind in "iI" and _is_new_index(known, oid, table)]
    return {"autocommit": True, "asked": True} | _files(known, rewrote, built)


def _difference(answer: Answer, known: Known, text: str, before: State) -> dict[str, Any]:
    """What one statement added to what its transaction had done before."""
    taken = {oid: mode for oid, mode in answer.held.items() if mode > before.held.get(oid, -1)}
    rewrote, built, scanned, rows = [], [], set(), []
    for oid, _, kind, file, table, *_ in answer.rows:
        if _has_new_file(known, oid, file):
            rewrote.append(oid)
        if kind in "iI" and _is_new_index(known, oid, table):
            built.append((oid, table))
        if answer.scans[oid] > before.scans.get(oid, 0):  # by an index, a check of a constraint reads its table too
            scanned.add(table or oid)
        if oid in known.names and kind in "rpmf" and answer.changed[oid] > before.changed.get(oid, 0):
            rows.append([*_name(known, oid), answer.changed[oid] - before.changed.get(oid, 0)])
    if _PLANNED.match(text) and not _HOLDS_ANY.match(text):
        scanned = set()
    elif _HOLDS_ANY.match(text):  # queries too: what is read by a change of the schema is locked by it
        scanned = {oid for oid in scanned if taken.get(oid, -1) >= _MODES.index("ShareLock")}
    return {
        "locks": _locks(taken, known),
        "held": _locks(answer.held, known),
        "scanned": [_name(known, oid) for oid in sorted(scanned) if oid in known.names],
        "changed": rows,
    } | _files(known, rewrote, built)


def _has_new_file(known: Known, oid: int, file: int | None) -> bool:
    """Whether a relation that was there has a file that it never had: all of it was written anew, or emptied."""
    if file is None or oid not in known.files or file in known.files[oid]:
        return False
    known.files[oid].add(file)  # a rollback may bring back an earlier one, and that is no rewrite
    return True


def _is_new_index(known: Known, oid: int, table: int | None) -> bool:
    if oid in known.names or oid in known.built or table not in known.names:
        return False
    known.built.add(oid)
    return True


def _files(known: Known, rewrote: list[int], built: list[tuple[int, int]]) -> dict[str, Any]:
    """Tables and views that were rewritten, and tables that an index was built on, each existing index anew as well."""
    tables = {oid for oid in rewrote if known.names[oid][2] not in "iI"}
    owners = {known.names[oid][3] for oid in rewrote if known.names[oid][2] in "iI"}
    owners |= {table for _, table in built}
    return {
        "rewrote": [_name(known, oid) for oid in sorted(tables)],
        "built": [_name(known, oid) for oid in sorted(owner for owner in owners if owner in known.names)],
    }


def _name(known: Known, oid: int) -> list[str]:
    schema, name, _, _ = known.names[oid]
    return [schema, name]


def _locks(held: dict[int, int], known: Known) -> list[dict[str, Any]]:
    """The strongest lock on each relation that was there, with the names that it had then. ACCESS SHARE is left out."""
    found = []
    for oid, mode in sorted(held.items()):
        if oid in known.names and mode:
            schema, name, kind, table = known.names[oid]
            lock: dict[str, Any] = {"schema": schema, "name": name, "mode": _NAMES[_MODES[mode]]}
            lock |= {"kind": kind, "index_of": None}
            if kind in "iI" and table in known.names:
                lock["index_of"] = _name(known, table)
            found.append(lock)
    return found


def _remember(state: State, answer: Answer) -> None:
    global _transactions
    if answer.virtual != state.virtual:
        _transactions += 1
    state.virtual, state.held, state.step = answer.virtual, answer.held, _step
    state.scans |= answer.scans
    state.changed |= answer.changed


# ── the connection ───────────────────────────────────────────────────────────────────────────────────────


def _state_of(connection: Any) -> State:
    """Kept with the pool's record of the DBAPI connection: gone as soon as it is."""
    key = f"migration_gate_observes_{_round}"  # a pool may keep a connection longer than it is watched
    state: State = connection.info.setdefault(key, State())
    return state


def _ask(connection: Any, *questions: str) -> list[list[Any]]:
    """The rows of each answer; in a transaction, without a trace of having asked. Raises what the driver raises."""
    cursor = connection.connection.dbapi_connection.cursor()
    try:
        if _is_autocommit(connection) and _status(connection) == _IDLE:
            return [_rows_of(cursor, one) for one in questions]
        _run(connection, cursor, f"SAVEPOINT {_SAVEPOINT}", "SET LOCAL statement_timeout = 0")
        try:
            return [_rows_of(cursor, one) for one in questions]
        finally:
            _run(connection, cursor, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", f"RELEASE SAVEPOINT {_SAVEPOINT}")
    finally:
        cursor.close()


def _run(connection: Any, cursor: Any, *statements: str) -> None:
    """In one message, where the driver sends a text without parameters as it is: asyncpg prepares everything."""
    for one in statements if connection.dialect.driver == "asyncpg" else ("; ".join(statements),):
        cursor.execute(one)


def _rows_of(cursor: Any, question: str) -> list[Any]:
    cursor.execute(question)
    return list(cursor.fetchall())


def _is_autocommit(connection: Any) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


def _status(connection: Any) -> str:
    """The state of a connection's transaction, as its driver heard it last: no question is asked for it."""
    driver = connection.connection.driver_connection
    info = getattr(driver, "info", None)
    if hasattr(info, "transaction_status"):  # psycopg, psycopg2: libpq's PQtransactionStatus
        return {0: _IDLE, 3: _FAILED}.get(int(info.transaction_status), _OPEN)  # type: ignore[union-attr]
    if hasattr(driver, "is_in_transaction"):  # asyncpg
        return _OPEN if driver.is_in_transaction() else _IDLE
    status = getattr(driver, "_transaction_status", None)  # pg8000: the byte of ReadyForQuery
    return {b"T": _OPEN, b"E": _FAILED}.get(status, _IDLE)  # type: ignore[arg-type]
