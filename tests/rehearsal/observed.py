"""Runs a project's upgrade in a child process, as `ci` does, with some of its revisions watched by observe.py."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project import discovery
from migration_gate.rehearsal import child
from tests.conftest import revision, write

_numbers = count()

SYNC = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine("postgresql+{driver}://app@db.internal/app"{more})
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
    engine = create_async_engine("postgresql+{driver}://app@db.internal/app"{more})
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()

asyncio.run(main())
"""
# Drivers as a project uses them: the name, and env.py's form.
DRIVERS = {
    "psycopg": ("psycopg", SYNC),
    "psycopg2": ("psycopg2", SYNC),
    "pg8000": ("pg8000", SYNC),
    "asyncpg": ("asyncpg", ASYNC),
    "psycopg async": ("psycopg", ASYNC),
}
UPGRADE = """
from alembic.config import main
from migration_gate_inside import observe

observe.begin({revisions!r})
main(["--raiseerr", "upgrade", "head"])
observe.end()
"""


def project(folder: Path, bodies: list[str], driver: str = "psycopg", options: str = "", more: str = "") -> Path:
    """An Alembic project; each body is that of the upgrade() of a revision r0, r1, r2 …, the first of which shipped."""
    name, env = DRIVERS[driver]
    files = {
        "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
        "migrations/env.py": env.format(driver=name, options=options, more=more),
        "upgrade.py": UPGRADE.format(revisions=[f"r{number}" for number in range(1, len(bodies))]),
        "pyproject.toml": f'[tool.migration-gate]\nupgrade-command = "{sys.executable} upgrade.py"\n',
    }
    for number, body in enumerate(bodies):
        down = f"r{number - 1}" if number else None
        files[f"migrations/versions/r{number}.py"] = revision(f"r{number}", body, down)
    return write(folder, files)


def upgrade(folder: Path, server: Server, database: str | None = None) -> child.Ran:
    """What the upgrade reported."""
    (found,) = discovery.find_around(folder, ())
    name = database or f"{server.prefix}observed_{next(_numbers)}"
    databases.create(server, name)
    return child.upgrade(found, server, name, lambda one: databases.create(server, one), lambda event: None)
