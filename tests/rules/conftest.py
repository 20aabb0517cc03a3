"""What the rules' tests share: small projects, what the rules say of them, and what PostgreSQL says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from migration_gate.findings import Finding, Verdict
from migration_gate.postgres.databases import create
from migration_gate.postgres.server import Server
from migration_gate.project import discovery, history
from migration_gate.project.settings import Settings
from migration_gate.rules.judging import judge_history, judge_operations, select
from tests.conftest import write
from tests.rules.watch import Lab, Seen, fork, project, upgrade

INI = "[alembic]\nscript_location = migrations\n"
VERSIONS = "migrations/versions"

# A small production without keys between its tables. `email` may be NULL, and is. The whole one is in production.py.
TABLES = """
    CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, email text, bio text);
    CREATE TABLE "order" (id serial PRIMARY KEY, email text);
    CREATE TABLE "Users" (id serial PRIMARY KEY, email text);
    CREATE SCHEMA crm;
    CREATE TABLE crm.users (id serial PRIMARY KEY, name text NOT NULL, email text);
    CREATE TABLE groups (id serial PRIMARY KEY);
"""
ROWS = """
    INSERT INTO users (name, email) VALUES ('Ana', NULL), ('Bo', 'bo@example.org');
    INSERT INTO "order" (email) VALUES (NULL);
    INSERT INTO "Users" (email) VALUES (NULL);
    INSERT INTO crm.users (name, email) VALUES ('Ana', NULL), ('Bo', 'bo@example.org');
    INSERT INTO groups (id) VALUES (1);
"""


class Repository(NamedTuple):
    """A repository with one Alembic project, for the rules to judge."""

    root: Path

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Files of the version folder, from their content."""
        for name, content in files.items():
            path = self.root / VERSIONS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def judge(self, **settings: Any) -> Verdict:
        """What the rules say of everything that is there."""
        project = discovery.find(self.root)[0]._replace(settings=Settings(**settings))
        graph = history.load(project)
        said = [judge_history(project, graph), judge_operations(project, select(project, graph, None))]
        return Verdict(
            tuple(one for each in said for one in each.findings),
            tuple(one for each in said for one in each.notes),
        )

    def findings(self, **settings: Any) -> tuple[Finding, ...]:
        return self.judge(**settings).findings

    def only(self, **settings: Any) -> Finding:
        """The one finding that there must be."""
        (finding,) = self.findings(**settings)
        return finding


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"alembic.ini": INI, "migrations/env.py": "from alembic import context\n"})
    return Repository(tmp_path)


Run = Callable[..., str | None]


@pytest.fixture(scope="session")
def connection(server: Server) -> Iterator[Connection]:
    """A connection to a database that holds the tables above, empty."""
    name = f"{server.prefix}rules"
    create(server, name)
    engine = create_engine(server.url(name, "psycopg"))
    with engine.connect() as one:
        one.execute(text(TABLES))
        one.commit()
        yield one
    engine.dispose()


@pytest.fixture
def run(connection: Connection) -> Run:
    """Run a revision file's upgrade() as Alembic does, with or without rows in the tables, and undo it all.

    None where it went through, else PostgreSQL's SQLSTATE. ``before`` is SQL that production has seen as well.
    """

    def migrate(source: str, rows: bool, before: str = "") -> str | None:
        with connection.begin() as transaction:
            if before:
                connection.execute(text(before))
            if rows:
                connection.execute(text(ROWS))
            module: dict[str, Any] = {"__name__": "revision"}
            try:
                with Operations.context(MigrationContext.configure(connection)):
                    exec(compile(source, "revision.py", "exec"), module)
                    module["upgrade"]()
            except DBAPIError as error:
                return str(getattr(error.orig, "sqlstate", error.orig))
            finally:
                transaction.rollback()
        return None

    return migrate


Watch = Callable[..., Seen]


@pytest.fixture
def watch(lab: Lab, tmp_path: Path) -> Watch:
    """Run upgrades, one revision for each body, on a fork of production: ``watch("op.add_column(…)")`` → Seen."""

    def run(*bodies: str, rows: bool = True, per_migration: bool = False, **how: Any) -> Seen:
        folder = project(tmp_path / "watched", *bodies, per_migration=per_migration)
        with fork(lab, rows) as database:
            return upgrade(lab, database, folder, **how)

    return run
