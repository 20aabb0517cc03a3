"""The environment that the project's upgrade runs in: the usual variables lead to the throwaway database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server
from migration_gate.project.model import Project

# What Flask, FastAPI and most hosts call it; others are named by the setting `environment`.
USUAL = ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URL")


def variables(
    project: Project, server: Server, database: str, folder: str, own: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The child's whole environment. libpq's own variables name the throwaway server too, so that a connection without
    parameters goes there. An environment of its ``own`` stays as it is, but for those that would lead libpq past what
    is said in a call.
    """
    if own is not None:
        misleading = ("PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR")
        return _guarded({name: value for name, value in own.items() if name not in misleading}, project, folder)
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
    for name, value in project.settings.environment:
        given[name] = filled(value, server, database)
    return _guarded(given, project, folder)


def _guarded(given: dict[str, str], project: Project, folder: str) -> dict[str, str]:
    """With what puts the guards up in every process, and without what is the gate's own."""
    inside = str(Path(__file__).parent / "injected")
    given["PYTHONPATH"] = os.pathsep.join(filter(None, (inside, given.get("PYTHONPATH"))))
    given["PATH"] = os.pathsep.join(filter(None, (os.path.dirname(interpreter(project)), given.get("PATH"))))
    given["MIGRATION_GATE_JOB"] = folder
    given["PYTHONUNBUFFERED"] = "1"
    given.pop("MIGRATION_GATE_POSTGRES_URL", None)  # it may have a password, and is none of the project's business
    given.pop("MIGRATION_GATE_SANDBOX", None)
    return given


def filled(text: str, server: Server, database: str) -> str:
    """A setting's text with {url} and its parts filled in; other braces stay."""
    parts = {
        "{url}": server.url(database),
        "{host}": server.host,
        "{port}": str(server.port),
        "{user}": server.user,
        "{password}": server.password,
        "{database}": database,
    }
    for part, value in parts.items():
        text = text.replace(part, value)
    return text


def url_for(project: Project, server: Server, database: str) -> str:
    """The throwaway database's URL, for a driver that the project can use."""
    return server.url(database, driver_for(project))


def interpreter(project: Project) -> str:
    """The Python that has the project's packages: the gate's own, unless the settings name another."""
    named = project.settings.python
    return os.path.join(project.settings_folder, os.path.expanduser(named)) if named else sys.executable


@cache
def _installed(python: str) -> frozenset[str]:
    """Which of the drivers that a URL may have to name can be imported there."""
    names = ("asyncpg", "psycopg", "psycopg2")
    if python == sys.executable:
        return frozenset(name for name in names if find_spec(name))
    code = f"import importlib.util as u; print(*(n for n in {names!r} if u.find_spec(n)))"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotJudge(f"cannot run {python}, which the setting `python` names: {error}") from None
    return frozenset(done.stdout.split())


def driver_for(project: Project) -> str | None:
    """The one that the ini file's own URL names, asyncpg where env.py is async, else SQLAlchemy's default where it is
    installed, else psycopg.
    """
    installed = _installed(interpreter(project))
    if (named := _named(project)) in installed:
        return named
    try:
        text = (project.directory / "env.py").read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    words = ("async_engine_from_config", "create_async_engine", "AsyncEngine")
    if "asyncpg" in installed and any(word in text for word in words):
        return "asyncpg"
    return "psycopg" if "psycopg2" not in installed and "psycopg" in installed else None


def _named(project: Project) -> str | None:
    """The driver of ``sqlalchemy.url`` in the project's section of its ini file."""
    if project.config_file is None:
        return None
    import configparser

    ini = configparser.RawConfigParser(strict=False)
    with suppress(configparser.Error, OSError, UnicodeDecodeError):
        ini.read(project.config_file, encoding="utf-8")
    return _driver_of(ini.get(project.section, "sqlalchemy.url", fallback=None))


def _driver_of(url: str | None) -> str | None:
    scheme = (url or "").partition("://")[0]
    return scheme.partition("+")[2] or None if scheme.startswith("postgres") else None
