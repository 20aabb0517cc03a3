"""The environment that the project's upgrade runs in: the usual variables lead to the throwaway database."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from migration_gate.postgres.server import Server
from migration_gate.project.model import Project

# What Flask, FastAPI and most hosts call it; others are named by the setting `environment`.
USUAL = ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URL")


def variables(project: Project, server: Server, database: str, folder: str) -> dict[str, str]:
    """The child's whole environment. libpq's own variables name the throwaway server too, so that a connection without
    parameters goes there.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PGTZ"}
    given |= {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGPASSWORD": server.password,
        "PGDATABASE": database,
        "PGPASSFILE": os.devnull,
        "PGSERVICEFILE": os.devnull,
    }
    for name in USUAL:
        given[name] = server.url(database, _driver_of(given.get(name)) or driver_for(project))
    parts = {
        "{url}": server.url(database),
        "{host}": server.host,
        "{port}": str(server.port),
        "{user}": server.user,
        "{password}": server.password,
        "{database}": database,
    }
    for name, value in project.settings.environment:
        for part, text in parts.items():
            value = value.replace(part, text)
        given[name] = value
    inside = str(Path(__file__).parent / "injected")
    given["PYTHONPATH"] = os.pathsep.join(filter(None, (inside, given.get("PYTHONPATH"))))
    given["PATH"] = os.pathsep.join(filter(None, (os.path.dirname(sys.executable), given.get("PATH"))))
    given["MIGRATION_GATE_JOB"] = folder
    given["PYTHONUNBUFFERED"] = "1"
    given.pop("MIGRATION_GATE_POSTGRES_URL", None)  # it may have a password, and is none of the project's business
    given.pop("MIGRATION_GATE_SANDBOX", None)
    return given


def url_for(project: Project, server: Server, database: str) -> str:
    """The throwaway database's URL, for a driver that the project can use."""
    return server.url(database, driver_for(project))


def driver_for(project: Project) -> str | None:
    """asyncpg where env.py is async, else SQLAlchemy's default where it is installed, else psycopg."""
    try:
        text = (project.directory / "env.py").read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    if ("async_engine_from_config" in text or "create_async_engine" in text or "AsyncEngine" in text) and find_spec(
        "asyncpg"
    ):
        return "asyncpg"
    return None if find_spec("psycopg2") else "psycopg"


def _driver_of(url: str | None) -> str | None:
    scheme = (url or "").partition("://")[0]
    return scheme.partition("+")[2] or None if scheme.startswith("postgres") else None
