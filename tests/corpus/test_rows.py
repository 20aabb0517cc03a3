"""Schemas that PyPI packages build for themselves, on PostgreSQL, filled with rows: `make corpus`.

Each package is installed once, with what it depends on, into an environment of its own below .corpus/.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from migration_gate.rehearsal.rows.fill import Filled, fill

from .test_histories import STORE

ALEMBIC = """
import os, sys, {package}
from alembic import command
from alembic.config import Config
os.chdir(os.path.dirname({package}.__file__))
config = Config("alembic.ini")
config.set_main_option("script_location", {folder!r})
config.set_main_option("sqlalchemy.url", sys.argv[1])
command.upgrade(config, "head")
"""


class Package(NamedTuple):
    """What a package is installed with, and the program that builds its schema, at the URL in its first argument."""

    name: str
    program: str
    more: tuple[str, ...] = ("psycopg2-binary", "psycopg[binary]")
    variable: str = ""  # one that holds the URL
    scheme: str = "postgresql+psycopg2"


PACKAGES = (
    Package(
        "aiida-core",
        """
import importlib, pkgutil, sys
import sqlalchemy as sa
from aiida.storage.psql_dos import models
for one in pkgutil.iter_modules(models.__path__):
    importlib.import_module(f"{models.__name__}.{one.name}")
from aiida.storage.psql_dos.models.base import Base
Base.metadata.create_all(sa.create_engine(sys.argv[1]))
""",
    ),
    Package(
        "argilla-server",
        ALEMBIC.format(package="argilla_server", folder="alembic"),
        ("asyncpg", "psycopg2-binary"),
        "ARGILLA_DATABASE_URL",
        "postgresql+asyncpg",
    ),
    Package(
        "dagster",
        """
import sys
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
for one in (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata):
    one.create_all(sa.create_engine(sys.argv[1]))
""",
    ),
    Package(
        "keystone",
        "from keystone.cmd.manage import main; import sys; sys.argv = ['keystone-manage', 'db_sync']; main()",
        variable="OS_DATABASE__CONNECTION",
    ),
    Package(
        "mlflow",
        """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine
_initialize_tables(create_sqlalchemy_engine(sys.argv[1]))
""",
    ),
    Package("optuna", "import optuna, sys; optuna.storages.RDBStorage(sys.argv[1])"),
)
HEADING = ("package", "version", "tables", "filled", "rows", "seconds")


@pytest.mark.corpus
def test_tables_are_filled(server: Server, capsys: pytest.CaptureFixture[str]):
    rows: list[tuple[object, ...]] = []
    empty: list[str] = []
    for number, package in enumerate(PACKAGES):
        python = installed(package)
        database = f"{server.prefix}corpus_{number}"
        create(server, database)
        build(package, python, server, database)
        with connect(server, database) as connection:
            started = time.perf_counter()
            filled = fill(connection)
            took = time.perf_counter() - started
        rows.append((package.name, version(package, python), *counted(filled), f"{took:.2f}"))
        empty += [f"{package.name}: {table}: {reason}" for table, reason in filled.not_filled.items()]
    with capsys.disabled():
        show_rows(rows)
        print("\n".join(empty))
    assert all(int(str(row[3])) > 0 for row in rows)
    assert len(empty) <= 0.05 * sum(int(str(row[2])) for row in rows)


def counted(filled: Filled) -> tuple[int, int, int]:
    return len(filled.tables) + len(filled.not_filled), len(filled.tables), sum(filled.tables.values())


def installed(package: Package) -> Path:
    """The Python of the package's own environment."""
    folder = STORE / "environments" / package.name
    python = folder / "bin/python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", package.name, *package.more], check=True)
        (folder / "made").touch()
    return python


def version(package: Package, python: Path) -> str:
    code = f"from importlib.metadata import version; print(version({package.name!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def build(package: Package, python: Path, server: Server, database: str) -> None:
    url = server.url(database).replace("postgresql", package.scheme, 1)
    environment = {**os.environ, package.variable: url} if package.variable else dict(os.environ)
    environment.pop("PYTHONPATH", None)
    words = [str(python), "-c", package.program, url]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=STORE)
    assert done.returncode == 0, f"{package.name}: {done.stderr[-2000:]}"


def show_rows(rows: list[tuple[object, ...]]) -> None:
    total = ("", f"{len(rows)} packages", *(sum(int(str(row[place])) for row in rows) for place in (2, 3, 4)), "")
    table = [[str(cell) for cell in row] for row in (HEADING, *rows, total)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print()
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
