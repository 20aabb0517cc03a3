"""Which database is looked at, and a read-only way into it: no statement of the gate's can write there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migration_gate.findings import CannotJudge
from migration_gate.postgres.databases import CONNECT_SECONDS, one_line

# Milliseconds. Short: whoever waits behind the gate's own ACCESS SHARE waits no longer than this.
STATEMENT, LOCK, IDLE = 15_000, 2_000, 60_000
_LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": STATEMENT,
    "lock_timeout": LOCK,
    "idle_in_transaction_session_timeout": IDLE,
}
_KNOWN = frozenset(one.keyword.decode() for one in psycopg.pq.Conninfo.get_defaults())
# What asyncpg and pg8000 call what libpq calls otherwise.
_OTHER_NAMES = {"database": "dbname", "passwd": "password", "unix_sock": "host", "ssl": "sslmode"}


class Target(NamedTuple):
    """A database, by libpq's parameters, the password among them: nothing prints one whole. What is not there, libpq's
    own variables and files say.
    """

    parameters: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Target({self.shown})"

    @property
    def shown(self) -> str:
        """As people write it, the password hidden: "postgresql://app:***@db.internal/shop"."""
        given = self.parameters
        user = given.get("user", "")
        login = f"{user}{':***' if given.get('password') else ''}@" if user else ""
        host, port = given.get("host") or given.get("hostaddr") or "", given.get("port", "")
        if host.startswith("/") or not host:
            where, query = "", f"?host={host}" + (f"&port={port}" if port else "") if host else ""
        else:
            where, query = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else ""), ""
        return f"postgresql://{login}{where}/{given.get('dbname', '')}{query}"


def from_url(url: str) -> Target:
    """A URL as SQLAlchemy or libpq takes it: ``postgresql+driver://…``. Raises CannotJudge, without its text: it may
    hold a password.
    """
    scheme, _, rest = url.partition("://")
    kind, _, driver = scheme.partition("+")
    authority, _, tail = rest.partition("/")
    plain = kind in ("postgres", "postgresql") and (not driver or driver.isalnum())
    # An unescaped "@" or "/" in a password moves the rest of it into the host's name or the port.
    if plain and authority.count("@") <= 1 and "@" not in tail.partition("?")[0]:
        path, _, query = tail.partition("?")
        with suppress(psycopg.Error):
            given = conninfo_to_dict(f"postgresql://{authority}/{path}")
            return Target(_libpq(given | dict(parse_qsl(query))))
    raise CannotJudge(
        "cannot read the URL: write postgresql://user:password@host:5432/database, with %40 for @ and %2F for / in a "
        "password"
    )


def from_asked(asked: Mapping[str, Any]) -> Target:
    """What the project's own engine was made with, as ``Session.told`` has it."""
    given = dict(asked["parameters"])
    text = asked.get("dsn") or given.pop("dsn", None) or given.pop("conninfo", None)
    if isinstance(text, str):
        try:
            given = {**(from_url(text).parameters if "://" in text else conninfo_to_dict(text)), **given}
        except psycopg.Error:
            raise CannotJudge("cannot read how env.py connects: name the database by --url") from None
    if "ssl" not in given and {"ssl", "ssl_context"} & set(asked.get("other", ())):
        given["ssl"] = True
    return Target(_libpq(given))


def completed(target: Target, environment: Mapping[str, str]) -> Target:
    """With what libpq's variables say of the parameters that the target leaves out: PGHOST, PGSERVICE and their like,
    as they were before a throwaway server took them away.
    """
    names = {one.envvar.decode(): one.keyword.decode() for one in psycopg.pq.Conninfo.get_defaults() if one.envvar}
    said = {key: environment[name] for name, key in names.items() if environment.get(name)}
    return Target({**said, **target.parameters})


def _libpq(given: Mapping[str, Any]) -> dict[str, str]:
    """The parameters under libpq's names, those left out that only another driver knows."""
    found: dict[str, str] = {}
    for name, value in given.items():
        key = _OTHER_NAMES.get(name, name)
        if name in ("ssl", "ssl_context"):
            text = str(value).lower()
            found.setdefault("sslmode", {"true": "require", "false": "disable"}.get(text, text))
        elif name == "server_settings" and isinstance(value, dict):
            options = [f"-c {one}={_escaped(str(text))}" for one, text in value.items()]
            found["options"] = " ".join(filter(None, (found.get("options"), *options)))
        elif key in _KNOWN and key not in ("application_name", "connect_timeout") and value not in (None, ""):
            found[key] = str(value)
    make_conninfo(**found)
    return found


def _escaped(value: str) -> str:
    """As libpq's ``options`` want blanks (PostgreSQL's documentation, "Parameter Key Words")."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


@contextmanager
def opened(target: Target) -> Iterator[psycopg.Connection]:
    """A connection whose every transaction is read-only and short. Raises CannotJudge, in one line, where it fails.

    The limits are said as the session begins, which wins over what ALTER ROLE … SET says. A pooler that takes no such
    options (PgBouncer) hands its server sessions on to others, so nothing is set there but inside a transaction.
    """
    options = " ".join(f"-c {name}={value}" for name, value in _LIMITS.items())
    own = target.parameters.get("options")
    asked: dict[str, Any] = {
        **target.parameters,
        "options": f"{own} {options}" if own else options,
        "application_name": "migration-gate doctor",
        "connect_timeout": CONNECT_SECONDS,
    }
    try:
        try:
            connection = psycopg.connect(**asked, autocommit=True, prepare_threshold=None)
        except psycopg.OperationalError as error:
            if "startup parameter" not in str(error):
                raise
            asked = {key: value for key, value in asked.items() if key != "options"}
            connection = psycopg.connect(**asked, autocommit=True, prepare_threshold=None)
    except (psycopg.Error, UnicodeError) as error:
        password = target.parameters.get("password") or os.environ.get("PGPASSWORD", "")
        raise CannotJudge(f"cannot connect to {target.shown}: {one_line(error, password)}") from None
    with connection:
        connection.read_only = True
        yield connection


@contextmanager
def looking(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """One read-only transaction with its limits, which ends by being rolled back."""
    with connection.transaction(force_rollback=True):
        for name, value in list(_LIMITS.items())[1:]:
            connection.execute(f"SET LOCAL {name} = {value}".encode())
        yield connection
