"""Databases at any revision of a project, for tests of one's own: rows before it, upgrade, assert after.

Each revision is reached once, by the project's env.py in its guarded process, on the throwaway server. What a test gets
is a fork of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migration_gate.findings import CannotJudge
from migration_gate.postgres.databases import connect, create, drop, end_sessions
from migration_gate.postgres.server import Server
from migration_gate.postgres.throwaway import without_libpq_variables
from migration_gate.project import history
from migration_gate.project.model import Project
from migration_gate.rehearsal import start
from migration_gate.rehearsal.child import Command, Session
from migration_gate.rehearsal.environment import url_for
from migration_gate.rehearsal.outcome import outcome
from migration_gate.rehearsal.rows.fill import Filled, fill
from migration_gate.report.clean import clean
from migration_gate.rules.judging import shown

if TYPE_CHECKING:
    from sqlalchemy import Engine

IDLE = 5  # seconds before the end of its time in which the project's process is rather started anew


class MigrationFails(Exception):  # noqa: N818 (it is a statement, as CannotJudge is)
    """A migration that did not go through, in one line; the database is as the failure left it.

    ``revision`` is the one that ran, ``code`` PostgreSQL's SQLSTATE, ``statement`` what it refused; each of them None
    where there is none.
    """

    def __init__(self, text: str, revision: str | None, code: str | None, statement: str | None) -> None:
        super().__init__(text)
        self.revision, self.code, self.statement = revision, code, statement


class Workshop:
    """What the tests of one session share of one project: its process, and a template for each revision."""

    def __init__(self, project: Project, server: Server, number: int) -> None:
        # As `alembic` and `flask db` run it: an upgrade-command of its own knows no single revisions.
        self.project = project._replace(settings=project.settings._replace(upgrade_command=None))
        self.server, self.prefix = server, f"{server.prefix}{number}"
        self.history = history.load_headers(project)
        self.templates: dict[str, str] = {}
        self.count = 0
        self.version_tables = {("public", "alembic_version")}
        self.session = self._session()

    def close(self) -> None:
        """End the process. The databases go with the server."""
        self.session.__exit__()

    def fork(self, revision: str) -> str:
        """A database of its own at a revision. Raises MigrationFails, CannotJudge."""
        __tracebackhide__ = True
        if revision not in self.templates:
            self.templates[revision] = self._built(revision)
        source, target = self.templates[revision], self._name()
        for suffix in self._suffixes(source):
            end_sessions(self.server, source + suffix)
            create(self.server, target + suffix, source + suffix)
            self.session.made.add(target + suffix)
        return target

    def drop(self, name: str) -> None:
        for suffix in self._suffixes(name):
            drop(self.server, name + suffix)
            self.session.made.discard(name + suffix)

    def run(self, command: Command, name: str) -> None:
        """Obey one command on a database. Raises MigrationFails, and CannotJudge where it could not be tried."""
        __tracebackhide__ = True
        self._awake()
        ran = self.session.run(command, name)
        self.version_tables |= {
            (one["version_table_schema"] or "public", one["version_table"]) for one in ran.of("configured")
        }
        if not ran.status:
            return
        judged = outcome(self.project, self.history, ran)
        error = ran.ended_by
        if judged.problems or error is None:
            raise CannotJudge(clean(judged.problems[0] if judged.problems else f"{self.project.name} did not go on"))
        place = f" at {shown(Path(error['path']))}:{error['line']}" if error["path"] else ""
        words = next((one for one in error["message"].split("\n") if one.strip()), error["type"])
        text = f"{error['revision'] or self.project.name} fails{place}: {words}"
        raise MigrationFails(clean(text), error["revision"], error["code"], error.get("sql"))

    def _built(self, revision: str) -> str:
        __tracebackhide__ = True
        name, settings = self._name(), self.project.settings
        self._make(name)
        self.session.made.add(name)
        if settings.start_from and settings.start_from != "create_all":
            start.run_file(self.project.settings_folder / settings.start_from, self.server, name)
        self.run(Command(to=() if revision == "base" else (revision,), begin=True), name)
        return name

    def _name(self) -> str:
        self.count += 1
        return f"{self.prefix}p{self.count}"

    def _make(self, name: str) -> None:
        create(self.server, name)
        if self.project.settings.setup_sql:
            start.run_file(self.project.settings_folder / self.project.settings.setup_sql, self.server, name)

    def _suffixes(self, name: str) -> list[str]:
        """Of a database and of the others that the project has asked for beside it."""
        others = [f"_{one}" for one in self.session.others()]
        return ["", *(one for one in others if name + one in self.session.made)]

    def _session(self) -> Session:
        return Session(self.project, self.server, self._make, lambda event: None).__enter__()

    def _awake(self) -> None:
        """The time limit is for one command, and not for all that a session's tests do between two."""
        old = self.session
        if old.process and (old.process.poll() is not None or old.deadline - time.monotonic() < IDLE):
            old.__exit__()
            self.session = self._session()
            self.session.made, self.session.asked = old.made, old.asked
        self.session.deadline = time.monotonic() + self.project.settings.time_limit


class Database:
    """A throwaway database at a revision, of one test alone.

    ``url`` is for SQLAlchemy, with the driver that the project's env.py uses, and the password.
    """

    def __init__(self, shop: Workshop, name: str) -> None:
        self._shop, self._name = shop, name
        self.url = url_for(shop.project, shop.server, name)

    def __repr__(self) -> str:
        return f"<Database of {self._shop.project.name} at {self.revision}>"

    @cached_property
    def engine(self) -> Engine:
        """A synchronous SQLAlchemy engine, of psycopg, without a pool: no connection stays open behind the test."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        return create_engine(self._shop.server.url(self._name, "psycopg"), poolclass=NullPool)

    @property
    def revision(self) -> str | None:
        """Where the database is; None at the beginning, several heads with commas between them."""
        found: list[str] = []
        with self._connected() as connection:
            for schema, table in sorted(self._shop.version_tables):
                name = sql.Identifier(schema, table)
                if connection.execute("SELECT to_regclass(%s)", [name.as_string(connection)]).fetchone() != (None,):
                    rows = connection.execute(sql.SQL("SELECT version_num FROM {} ORDER BY 1").format(name)).fetchall()
                    found += [one for (one,) in rows]
        return ", ".join(found) or None

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Put rows into a table, "orders" or "sales.orders", each a mapping of its columns. A dict goes in as JSON."""
        __tracebackhide__ = True
        into = sql.Identifier(*table.split("."))
        with self._connected() as connection, connection.transaction():
            for row in rows:
                columns = sql.SQL(", ").join(map(sql.Identifier, row))
                values = sql.SQL(", ").join([sql.Placeholder()] * len(row))
                given = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
                connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(into, columns, values), given)

    def execute(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Any]:
        """Run SQL, committed at once, with psycopg's placeholders where there are parameters; the rows of a query."""
        __tracebackhide__ = True
        with self._connected() as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def fill(self, rows: int | None = None) -> Filled:
        """Put made-up rows into every table, by its columns, keys and CHECKs: as many as the setting ``rows``, if no
        number is given. ``tables`` of what is given back has how many each table has, ``not_filled`` why one has none.
        """
        leave = [f"{schema}.{table}" for schema, table in self._shop.version_tables]
        with self._connected() as connection:
            return fill(connection, rows or self._shop.project.settings.rows, leave)

    def upgrade(self, to: str = "heads") -> None:
        """As `alembic upgrade`. Raises MigrationFails where a revision does not go through."""
        __tracebackhide__ = True
        self._migrate(Command(to=(to,)))

    def downgrade(self, to: str) -> None:
        """As `alembic downgrade`. Raises MigrationFails where a revision does not go through."""
        __tracebackhide__ = True
        self._migrate(Command("downgrade", (to,)))

    def _migrate(self, command: Command) -> None:
        __tracebackhide__ = True
        with self._connected() as connection:
            row = connection.execute(
                "SELECT query FROM pg_stat_activity WHERE datname = %s AND state LIKE 'idle in transaction%%'",
                [self._name],
            ).fetchone()
        if row:
            raise CannotJudge(
                f"a transaction of the test's is still open, and the migration would wait for it: end it first. Its "
                f"last statement: {clean(row[0].strip().splitlines()[0])}"
            )
        with without_libpq_variables():
            self._shop.run(command, self._name)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with without_libpq_variables(), connect(self._shop.server, self._name) as connection:
            yield connection


class Migrations:
    """What a test gets: databases at the revisions that it names. They are dropped when it has ended."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._made: list[str] = []

    def at(self, revision: str = "heads") -> Database:
        """A new database, upgraded to a revision as `alembic upgrade` takes it: an id or the beginning of one, a label,
        "heads"; "base" is where the settings begin. Raises MigrationFails where one up to there does not go through.
        """
        __tracebackhide__ = True
        with without_libpq_variables():
            self._made.append(self._shop.fork(revision))
        return Database(self._shop, self._made[-1])

    def close(self) -> None:
        with without_libpq_variables():
            while self._made:
                self._shop.drop(self._made.pop())
