"""Migrations that Alembic runs on a real PostgreSQL, and what it sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, text

from migration_gate.postgres.databases import create
from migration_gate.postgres.server import Server
from tests.operations.reading import HEAD, upgrade

ENV = """
from alembic import context
connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""
IDENTITY = "revision = 'a'\ndown_revision = None\n"
Migrate = Callable[..., list[str]]


@pytest.fixture(scope="session")
def engine(server: Server) -> Iterator[Engine]:
    name = f"{server.prefix}order"
    create(server, name)
    made = create_engine(server.url(name, "psycopg"))
    yield made
    made.dispose()


@pytest.fixture
def migrate(engine: Engine, tmp_path: Path) -> Migrate:
    """Run an upgrade() with this body on a table t(a, b) with a row, and one named u; the SQL that was sent."""

    def run(body: str, head: str = HEAD) -> list[str]:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS t, u, v, alembic_version"))
            connection.execute(text("CREATE TABLE t (a serial PRIMARY KEY, b text)"))
            connection.execute(text("CREATE TABLE u (a serial PRIMARY KEY, b text)"))
            connection.execute(text("INSERT INTO t (b) VALUES ('one')"))
        (tmp_path / "versions").mkdir()
        (tmp_path / "env.py").write_text(ENV)
        (tmp_path / "versions" / "a.py").write_text(upgrade(body, head + IDENTITY))
        config = Config()
        config.set_main_option("script_location", str(tmp_path))
        sent: list[str] = []
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            event.listen(connection, "before_cursor_execute", lambda *what: sent.append(what[2]))
            command.upgrade(config, "head")
        return [one for one in sent if "alembic_version" not in one]

    return run
