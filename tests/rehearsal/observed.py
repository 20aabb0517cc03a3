"""Runs new revisions in a child process on a fork of production, as `ci` does, with observe.py watching them.

A session of the rehearsal's runs any number of upgrades. Here one runs those of a whole file's projects, one project
after the other: to start Python and to import Alembic would take most of the time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from psycopg import sql

from migration_gate.commands import lint
from migration_gate.findings import Verdict
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project import discovery, history
from migration_gate.project.model import Project
from migration_gate.rehearsal import child
from tests.conftest import write
from tests.rules import watch
from tests.rules.production import ROWS, SCHEMA

SYNC = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine("postgresql+{driver}://app@db.internal/app"{engine})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None{options})
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def run(connection):
    context.configure(connection=connection, target_metadata=None{options})
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine("postgresql+{driver}://app@db.internal/app"{engine})
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()

asyncio.run(main())
"""
# Drivers as projects use them: the name, and env.py's form.
DRIVERS = {
    "psycopg": ("psycopg", SYNC),
    "psycopg2": ("psycopg2", SYNC),
    "pg8000": ("pg8000", SYNC),
    "asyncpg": ("asyncpg", ASYNC),
    "psycopg async": ("psycopg", ASYNC),
}
INI = "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = .\npath_separator = os\n"
TEMPLATE = "observed_production"
_numbers = count()


def project(
    folder: Path, *bodies: str, driver: str = "psycopg", engine: str = "", per_migration: bool = False,
    settings: str = "",
) -> Path:  # fmt: skip
    """An Alembic project on production.py, with a new revision for each body of an upgrade(): new1, new2 …

    ``engine`` is what else create_engine() is given, ``settings`` lines of the gate's own.
    """
    watch.project(folder, *bodies)
    name, env = DRIVERS[driver]
    options = ", transaction_per_migration=True" if per_migration else ""
    gate = f'[tool.migration-gate]\nstart-after = "{watch.SHIPPED}"\nignore = ["drift"]\n{settings}\n'
    return write(
        folder,
        {
            "alembic.ini": INI,
            "migrations/env.py": env.format(driver=name, engine=engine, options=options),
            "pyproject.toml": gate,
        },
    )


def production(server: Server) -> None:
    """Make the database that others are forked from, unless it is there."""
    name = f"{server.prefix}{TEMPLATE}"
    with databases.connect(server, server.maintenance) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
    databases.create(server, name)
    with databases.connect(server, name) as connection:
        connection.execute(SCHEMA + ROWS)
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [watch.SHIPPED])


def fork(server: Server, *statements: str) -> str:
    """A database of one's own, with more of production in it."""
    production(server)
    name = f"{server.prefix}observed_{next(_numbers)}"
    databases.create(server, name, f"{server.prefix}{TEMPLATE}")
    with databases.connect(server, name) as connection:
        for one in statements:
            connection.execute(one)
    return name


class Process:
    """Where the upgrades run; it starts with the first of them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session: child.Session | None = None

    def upgrade(self, folder: Path, database: str, watched: bool = True) -> child.Ran:
        """Upgrade a database as the project in ``folder`` does, and tell what was reported."""
        one = found(folder)
        if self.session is None:
            make = partial(databases.create, self.server)
            self.session = child.Session(one, self.server, make, lambda event: None).__enter__()
        self.session.project = one
        self.session.deadline = time.monotonic() + one.settings.time_limit
        new = tuple(known.id for known in history.load(one).in_order() if known.id != watch.SHIPPED)
        return self.session.run(child.Command(watch=new if watched else ()), database)


@contextmanager
def running(server: Server) -> Iterator[Process]:
    """A process, until the block's end."""
    one = Process(server)
    try:
        yield one
    finally:
        if one.session:
            one.session.__exit__()


def found(folder: Path) -> Project:
    (one,) = discovery.find_around(folder, ())
    return one


def read(folder: Path) -> Verdict:
    """What `lint` says of it."""
    one = found(folder)
    return lint.judge([(one, history.load(one))], None)


def drop(server: Server, database: str) -> None:
    with databases.connect(server, server.maintenance) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
