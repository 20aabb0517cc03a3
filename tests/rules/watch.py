"""Runs migrations as Alembic does, on a fork of production, and tells what PostgreSQL did, statement by statement.

Locks are read from ``pg_locks`` by a second connection, rewrites from the tables' files, and scans and index builds
from what the server itself says at ``client_min_messages=debug1``, which it says on empty tables too. Of a statement
outside of a transaction those locks are sure to be seen that writes wait for; others may be over too soon.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, get_args

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from migration_gate.operations.model import Lock
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from tests.conftest import revision, write
from tests.rules.production import MODELS, ROWS, SCHEMA

SHIPPED = "production"  # the revision that production stands at
ENV = """
import sqlalchemy as sa
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=None, transaction_per_migration={per_migration})
with context.begin_transaction():
    {begins}
    context.run_migrations()
"""

Locks = frozenset[tuple[str, Lock]]  # ("users", "ACCESS EXCLUSIVE"), ("crm.users", "SHARE"), ("ix_users_name", …)


class Statement(NamedTuple):
    """One statement of an upgrade, or several that were sent as one text.

    Tables, views and indexes are those that production had before, named without their schema where it is public.
    """

    sql: str
    locks: Locks = frozenset()  # that it took itself, ACCESS SHARE aside
    held: Locks = frozenset()  # that its transaction held at its end
    rewrote: frozenset[str] = frozenset()  # what has another file since: tables, views, indexes
    scanned: frozenset[str] = frozenset()  # tables that were read whole for a constraint
    built: frozenset[str] = frozenset()  # tables that an index was built on
    rows: int = 0  # that it changed
    transaction: int | None = None  # numbered from 1; None outside of a transaction
    lock_timeout: str = "0"
    said: tuple[str, ...] = ()  # the server's own words
    passed: frozenset[str] = frozenset()  # which of the probes went through after it
    error: str | None = None


class Seen(NamedTuple):
    """``error`` is a SQLSTATE, or the name of what Python raised."""

    statements: tuple[Statement, ...]
    error: str | None = None
    message: str = ""
    indexes: frozenset[str] = frozenset()  # which of the names above are indexes


class Lab(NamedTuple):
    """A server with databases to fork: production with rows, and the same without, as on a laptop."""

    server: Server
    control: psycopg.Connection
    engine: Engine  # what it learns of the server, it learns once; see _connected
    numbers: Iterator[int]
    used: list[str]  # forks that are to be dropped

    def template(self, rows: bool) -> str:
        return f"{self.server.prefix}{'production' if rows else 'laptop'}"


@contextmanager
def laboratory(server: Server) -> Iterator[Lab]:
    """Make both databases on a server; they go with it."""
    with connect(server, server.maintenance) as control:
        engine = create_engine(server.url(server.maintenance, "psycopg"), poolclass=NullPool)
        lab = Lab(server, control, engine, count(), [])
        for rows in (False, True):
            create(server, lab.template(rows))
            with connect(server, lab.template(rows)) as connection:
                connection.execute(SCHEMA + ROWS * rows)
                connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
                connection.execute("INSERT INTO alembic_version VALUES (%s)", [SHIPPED])
        yield lab


@contextmanager
def fork(lab: Lab, rows: bool = True) -> Iterator[str]:
    """The name of a database of one's own. It is dropped by the next but one: PostgreSQL waits 100 ms for a session
    that is still ending.
    """
    name = f"{lab.server.prefix}{next(lab.numbers)}"
    strategy = " STRATEGY file_copy" if lab.server.major >= 15 else ""
    into, of = sql.Identifier(name), sql.Identifier(lab.template(rows))
    lab.control.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}" + strategy).format(into, of))
    while len(lab.used) > 1:
        lab.control.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(lab.used.pop(0))))
    try:
        yield name
    finally:
        lab.used.append(name)


def ask(lab: Lab, database: str, question: str) -> list[tuple[Any, ...]] | str:
    """The rows of an answer, or the SQLSTATE of a refusal; nothing of it stays."""
    return answers(lab, database, question)[0]


def answers(lab: Lab, database: str, *questions: str) -> list[list[tuple[Any, ...]] | str]:
    """The same for several, none of which sees what another one did."""
    with connect(lab.server, database) as connection:
        return [_answer(connection, one) for one in questions]


def _answer(connection: psycopg.Connection, question: str) -> list[tuple[Any, ...]] | str:
    try:
        with connection.transaction(force_rollback=True):
            found = connection.execute(question)
            return found.fetchall() if found.description else []
    except psycopg.Error as error:
        return error.sqlstate or type(error).__name__


def project(
    folder: Path, *bodies: str, per_migration: bool = False, application: str = MODELS, begins: str = "pass"
) -> Path:
    """An Alembic project whose first revision has shipped, with a new one for each body of an upgrade().

    A body may also be the text of whole functions, ``def upgrade():`` and ``def downgrade():``. ``begins`` is code of
    env.py's, where its transaction begins.
    """
    files = {f"{SHIPPED}.py": revision(SHIPPED, f"op.execute('''{SCHEMA}''')")}
    down = SHIPPED
    for number, body in enumerate(bodies, 1):
        files[f"new{number}.py"] = _revision(f"new{number}", body, down)
        down = f"new{number}"
    return write(
        folder,
        {
            "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\npath_separator = os\n",
            "migrations/env.py": ENV.format(per_migration=per_migration, begins=begins.replace("\n", "\n    ")),
            "app/__init__.py": "",
            "app/models.py": application,
        }
        | {f"migrations/versions/{name}": text for name, text in files.items()},
    )


def _revision(ident: str, body: str, down: str) -> str:
    dialect = "from sqlalchemy.dialects import postgresql\n"
    if "def upgrade(" in body:
        head = revision(ident, "pass", down).partition("def upgrade(")[0]
        return f"{head}{dialect}\n\n{body}\n"
    text = revision(ident, body, down)
    return (
        text.replace("from alembic import op\n", f"from alembic import op\n{dialect}") if "postgresql" in body else text
    )


def upgrade(
    lab: Lab,
    database: str,
    folder: Path,
    *,
    stop_before: int | None = None,
    cancel: bool = False,
    probes: Collection[str] = (),
    to: str = "head",
    traffic: bool = True,
) -> Seen:
    """Upgrade (or go down ``to``) a database, and watch.

    ``stop_before`` raises before the statement of that position, as a deployment that is killed; ``cancel`` cancels
    what waits for another session outside of a transaction, as a statement timeout would. ``probes`` are tried after
    every statement, in its own session, and undone. Without ``traffic``, which takes a session for each table, the
    locks of statements outside of a transaction are not seen.
    """
    config = Config(folder / "alembic.ini", attributes={"configure_logger": False})
    config.set_main_option("script_location", str(folder / "migrations"))
    error, message = None, ""
    with ExitStack() as stack:
        stack.enter_context(_importable(folder))
        connection = stack.enter_context(_connected(lab, database))
        observer = stack.enter_context(_Observer(lab, database, connection, stop_before, cancel, probes, traffic))
        config.attributes["connection"] = connection
        try:
            (command.upgrade if to == "head" else command.downgrade)(config, to)
        except DBAPIError as raised:
            error, message = getattr(raised.orig, "sqlstate", None) or type(raised.orig).__name__, str(raised.orig)
        except Exception as raised:
            error, message = type(raised).__name__, str(raised)
    return Seen(tuple(observer.statements), error, message, frozenset(observer.indexes))


@contextmanager
def _connected(lab: Lab, database: str) -> Iterator[Connection]:
    """A connection of the lab's engine, to a database of its own."""

    def there(_dialect: Any, _record: Any, _words: Any, parameters: dict[str, Any]) -> None:
        parameters["dbname"] = database

    event.listen(lab.engine, "do_connect", there)
    try:
        with lab.engine.connect() as connection:
            yield connection
    finally:
        event.remove(lab.engine, "do_connect", there)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    _forget_app()  # another test's
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget_app()


def _forget_app() -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == "app"]:
        del sys.modules[name]


class StoppedError(Exception):
    """The deployment was stopped here."""


_MODES: dict[str, Lock] = {one.title().replace(" ", "") + "Lock": one for one in get_args(Lock)}  # as in pg_locks
_RELATIONS = """
    SELECT c.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
           c.relname, pg_relation_filenode(c.oid), c.relkind IN ('i', 'I'),
           CASE WHEN c.relkind IN ('r', 'p') THEN c.oid::regclass::text END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I') AND c.relname NOT LIKE 'alembic_version%'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
_LOCKS = """
    SELECT relation, mode, virtualtransaction FROM pg_locks
    WHERE pid = %s AND (locktype = 'virtualxid' OR (locktype = 'relation' AND mode <> 'AccessShareLock'))
"""


def _own(statement: str) -> bool:
    """Whether a statement is Alembic's or SQLAlchemy's own: the version table, a look at the catalog."""
    return "alembic_version" in statement or statement.startswith("SELECT pg_catalog.")


class _Observer:
    """Hears of every statement of a connection, and asks PostgreSQL what it did."""

    def __init__(
        self,
        lab: Lab,
        database: str,
        connection: Connection,
        stop_before: int | None,
        cancel: bool,
        probes: Collection[str],
        traffic: bool,
    ) -> None:
        self.statements: list[Statement] = []
        self.lab, self.database, self.connection = lab, database, connection
        self.stop_before, self.cancel, self.probes = stop_before, cancel, probes
        self.messages: list[str] = []
        self.virtual = ""  # the transaction that the last statement ran in, as pg_locks names it
        self.transactions = 0
        self.begins = True  # whether the next statement is the first of its transaction
        self.held: Locks = frozenset()
        self.with_traffic = traffic
        self.traffic: _Traffic | None = None

    def __enter__(self) -> _Observer:
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self.driver = driver
        driver.add_notice_handler(lambda one: self.messages.append(one.message_primary or ""))
        driver.execute("SET client_min_messages = debug1")
        self.names: dict[int, str] = {}
        self.files: dict[int, int | None] = {}
        self.short: dict[str, list[str]] = {}
        self.tables: dict[int, str] = {}  # as SQL has them
        self.indexes: set[str] = set()
        self.scans: dict[int, int] = {}
        for oid, name, short, file, is_index, table in driver.execute(_RELATIONS):
            self.names[oid], self.files[oid] = name, file
            self.indexes |= {name} if is_index else set()
            self.short.setdefault(short, []).append(name)
            if table:
                self.tables[oid] = table
        driver.commit()
        for name, listener in self.listeners():
            event.listen(self.connection.engine, name, listener)
        return self

    def __exit__(self, *_: object) -> None:
        for name, listener in self.listeners():
            event.remove(self.connection.engine, name, listener)
        if self.traffic:
            self.traffic.close()

    def listeners(self) -> tuple[tuple[str, Any], ...]:
        return (
            ("before_cursor_execute", self.before),
            ("after_cursor_execute", self.after),
            ("handle_error", self.failed),
        )

    def before(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.begins |= self.driver.info.transaction_status == TransactionStatus.IDLE
        if _own(statement):
            return
        if self.stop_before == len(self.statements):
            raise StoppedError
        self.messages.clear()
        if self.driver.autocommit and self.with_traffic:
            self.traffic = self.traffic or _Traffic(self)
            self.traffic.begin()

    def after(self, _c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if _own(statement):
            return
        said = tuple(self.messages)
        locks, transaction = self.took()
        built = self.named(r'building index ".*" on table "(.*)"', said, locks)
        row = self.driver.execute("SELECT current_setting('lock_timeout')").fetchone()
        self.statements.append(
            Statement(
                statement,
                locks,
                self.held,
                self.rewritten(),
                self.scanned(said, locks) | (self.read(statement, locks) - built),
                built,
                max(cursor.rowcount, 0) if re.match(r"\s*(UPDATE|DELETE|INSERT|MERGE|WITH)", statement, re.I) else 0,
                transaction,
                row[0] if row else "",
                said,
                frozenset(one for one in self.probes if self.passes(one)),
            )
        )

    def failed(self, context: Any) -> None:
        if context.statement is None or _own(context.statement):
            return
        said = tuple(self.messages)
        transaction: int | None = self.transactions + self.begins
        locks: Locks = frozenset()
        if self.driver.autocommit:
            locks, transaction = self.traffic.end() if self.traffic else frozenset(), None
        error = getattr(context.original_exception, "sqlstate", None)
        self.statements.append(
            Statement(context.statement, locks, locks, transaction=transaction, said=said, error=error)
        )

    def took(self) -> tuple[Locks, int | None]:
        """The locks that the last statement took, and the number of its transaction."""
        if self.driver.autocommit:
            self.held = self.traffic.end() if self.traffic else frozenset()
            return self.held, None
        held, virtual = self.locks()
        earlier = self.held if virtual == self.virtual else frozenset()
        if virtual and virtual != self.virtual:  # after a COMMIT of the migration's own there is none
            self.transactions += 1
        self.virtual, self.held, self.begins = virtual, held, not virtual
        return held - earlier, self.transactions

    def locks(self) -> tuple[Locks, str]:
        rows = self.lab.control.execute(_LOCKS, [self.driver.info.backend_pid]).fetchall()
        found = {(self.names[oid], _MODES[mode]) for oid, mode, _ in rows if oid in self.names}
        return frozenset(found), rows[0][2] if rows else ""

    def rewritten(self) -> frozenset[str]:
        """What has another file since it was last asked; only its own session sees that before it commits."""
        question = "SELECT oid::int8, pg_relation_filenode(oid) FROM pg_class WHERE oid = ANY(%s)"
        now = dict(self.driver.execute(question, [list(self.files)]).fetchall())
        found = frozenset(self.names[oid] for oid, file in now.items() if file != self.files[oid])
        self.files.update(now)
        return found

    def scanned(self, said: tuple[str, ...], locks: Locks) -> frozenset[str]:
        keys = [found[1] for one in said if (found := re.match(r'validating foreign key constraint "(.*)"', one))]
        tables = self.driver.execute(
            "SELECT conrelid::int8 FROM pg_constraint WHERE contype = 'f' AND conname = ANY(%s)", [keys]
        ).fetchall()
        return self.named(r'verifying table "(.*)"', said, locks) | {self.names.get(oid, "") for (oid,) in tables} - {
            ""
        }

    def read(self, statement: str, locks: Locks) -> frozenset[str]:
        """What a statement read whole that is no query, of the tables that it locked exclusively: PostgreSQL is silent
        about a default partition that it searches for rows of a new one.
        """
        question = "SELECT relid::int8, seq_scan FROM pg_stat_xact_user_tables WHERE relid = ANY(%s)"
        now = dict(self.driver.execute(question, [list(self.names)]).fetchall())
        # The counters go on from one transaction to the next, until the server takes them to heart and begins anew.
        before = {oid: scans for oid, scans in self.scans.items() if scans <= now.get(oid, 0)}
        more = {self.names[oid] for oid, scans in now.items() if scans > before.get(oid, 0)}
        self.scans = now
        if re.match(r"\s*(CREATE TABLE|ALTER TABLE)", statement, re.I) is None:
            return frozenset()
        return frozenset(more & {name for name, mode in locks if mode == "ACCESS EXCLUSIVE"})

    def named(self, pattern: str, said: tuple[str, ...], locks: Locks) -> frozenset[str]:
        """The tables that messages name. Where a name is that of several, those that the statement locked, or else its
        transaction.
        """
        found: set[str] = set()
        for short in {match[1] for one in said if (match := re.match(pattern, one))}:
            names = set(self.short.get(short, ()))
            own, held = ({name for name, _ in some} & names for some in (locks, self.held))
            found |= names if len(names) == 1 else own or held
        return frozenset(found)

    def passes(self, probe: str) -> bool:
        """Whether a statement goes through here; undone."""
        try:
            with self.driver.transaction(force_rollback=True):
                self.driver.execute(probe)
        except psycopg.Error:
            return False
        return True


class _Traffic:
    """Sessions that each have written to one table, for statements that run outside of a transaction: what waits for
    one of them shows its locks while it waits, and then is let through.
    """

    def __init__(self, observer: _Observer) -> None:
        self.observer = observer
        self.writers: dict[int, tuple[psycopg.Connection, sql.Composed]] = {}
        for name in observer.tables.values():
            writer = connect(observer.lab.server, observer.database)
            locking = sql.SQL("BEGIN; LOCK TABLE ONLY {} IN ROW EXCLUSIVE MODE").format(sql.SQL(name))
            self.writers[writer.info.backend_pid] = writer, locking

    def begin(self) -> None:
        for writer, locking in self.writers.values():
            with suppress(psycopg.errors.UndefinedTable):
                writer.execute(locking)
        self.locks: set[tuple[str, Lock]] = set()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self) -> None:
        look, pid = self.observer.lab.control, self.observer.driver.info.backend_pid
        while not self.done.wait(0.001):
            self.locks |= self.observer.locks()[0]
            (blocking,) = look.execute("SELECT pg_blocking_pids(%s)", [pid]).fetchone() or ([],)
            if blocking and self.observer.cancel:
                look.execute("SELECT pg_cancel_backend(%s)", [pid])
            # Seen again: it may have begun to wait only after the locks were read.
            self.locks |= self.observer.locks()[0]
            for one in blocking:
                if one in self.writers:
                    self.writers[one][0].rollback()

    def end(self) -> Locks:
        self.done.set()
        self.thread.join()
        for writer, _ in self.writers.values():
            writer.rollback()
        return frozenset(self.locks)

    def close(self) -> None:
        for writer, _ in self.writers.values():
            writer.close()
