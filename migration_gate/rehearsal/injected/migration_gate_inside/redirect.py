"""Takes every PostgreSQL connection that SQLAlchemy makes to a throwaway database, and refuses those of other dialects.

The class-level ``do_connect`` event sees every connection of every engine, sync or async, before it is made
(SQLAlchemy's documentation, "Fully Replacing the DBAPI connect() function"; tried with psycopg, psycopg2, pg8000 and
asyncpg). A connection of ``create_engine(creator=…)`` does not pass here; guard.py refuses it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any
from weakref import WeakSet

from migration_gate_inside import guard
from migration_gate_inside.job import emit, job

# What says where a server is and how to be let in, for any of the drivers. The rest (options, server_settings,
# application_name, connection_factory …) is the project's own and stays.
_WHERE = {
    "host", "hostaddr", "port", "user", "password", "passwd", "dbname", "database", "dsn", "conninfo", "service",
    "servicefile", "passfile", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "sslpassword",
    "sslnegotiation", "sslcompression", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version", "ssl",
    "ssl_context", "direct_tls", "target_session_attrs", "channel_binding", "require_auth", "gssencmode", "gsslib",
    "krbsrvname", "load_balance_hosts", "unix_sock", "token", "async_creator_fn", "sock", "source_address",
    "requirepeer",
}  # fmt: skip
_names: dict[str, str] = {}
_only: list[str] = []
_asked_by: dict[int, str] = {}  # a DBAPI connection's id → which database the project asked for
_engines: Any = None  # a WeakSet of those that have connected


def forget() -> None:
    """Between two commands: their databases are others, so no pool may keep a connection. Closing one may want an event
    loop that has ended; the gate closes what is left, from the server's side.
    """
    _names.clear()
    for engine in list(_engines or ()):
        with suppress(Exception):
            engine.dispose(close=False)


@contextmanager
def only(database: str) -> Iterator[None]:
    """Inside, every connection is to one database of the gate's, whatever is asked for."""
    _only.append(database)
    guard.also.add(database)
    try:
        yield
    finally:
        _only.pop()


def install(sqlalchemy: ModuleType) -> None:
    """Called when SQLAlchemy has been imported."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    global _engines
    _engines = WeakSet()
    event.listen(Engine, "do_connect", _connect)
    event.listen(Engine, "engine_connect", lambda connection, *_: _engines.add(connection.engine))


def _connect(dialect: Any, record: Any, args: list[Any], parameters: dict[str, Any]) -> Any:
    if dialect.name != "postgresql":
        raise guard.refuse(
            f"{dialect.name}:{parameters.get('database') or parameters.get('db') or ''}".rstrip(":"),
            f"an engine for {dialect.name}, and the gate rehearses on PostgreSQL only. Give it any postgresql:// URL, "
            "in its configuration or by a variable: in pyproject.toml, under [tool.migration-gate], "
            'environment = { DATABASE_URL = "{url}" }',
        )
    asked = _asked(args, parameters)
    name = _only[-1] if _only else database_for(*asked)
    target = job()
    if target.own:
        _keep(_which(*asked), dialect.driver, args, parameters)
    kept = {key: value for key, value in parameters.items() if key not in _WHERE}
    libpq = dialect.driver.startswith("psycopg")
    kept |= {"dbname": name, **target.query} if libpq else {"database": name}
    with _without_libpq_variables():
        made = dialect.connect(host=target.host, port=target.port, user=target.user, password=target.password, **kept)
    _asked_by[id(made)] = _which(*asked)
    return made


def which(connection: Any) -> str | None:
    """Which database a connection of SQLAlchemy's was asked for, as the event "database" names it."""
    with suppress(Exception):
        return _asked_by.get(id(connection.connection.dbapi_connection))
    return None


@contextmanager
def _without_libpq_variables() -> Iterator[None]:
    """Where the environment is the project's own, its PG… variables are about the server that it asked for."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if job().own and name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(taken)


def _which(host: str, port: str, database: str) -> str:
    return hashlib.sha256(f"{host}\0{port}\0{database}".encode()).hexdigest()[:16]


def _keep(asked: str, driver: str, args: list[Any], parameters: dict[str, Any]) -> None:
    """Leave for the gate how the project would have connected, password included: in a file of the private folder, and
    in no event.
    """
    dsn = next((one for one in args if isinstance(one, str)), None)
    plain = {key: value for key, value in parameters.items() if isinstance(value, str | int | bool | dict)}
    other = [key for key, value in parameters.items() if key not in plain and value is not None]
    with suppress(FileExistsError):
        handle = os.open(os.path.join(job().folder, f"asked-{asked}"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump({"driver": driver, "dsn": dsn, "parameters": plain, "other": other}, file, default=str)


def _asked(args: list[Any], parameters: dict[str, Any]) -> tuple[str, str, str]:
    """The host, port and database that the project's engine wants, as text; several hosts stay one text."""
    given = dict(parameters)
    text = next(
        (one for one in (*args, given.get("dsn"), given.get("conninfo")) if isinstance(one, str)),
        "",
    )
    if text:
        given = {
            **_from_dsn(text),
            **{key: value for key, value in given.items() if value is not None},
        }
    host = given.get("host") or given.get("hostaddr") or given.get("unix_sock") or os.environ.get("PGHOST", "")
    port = given.get("port") or os.environ.get("PGPORT", "5432")
    database = given.get("dbname") or given.get("database") or os.environ.get("PGDATABASE") or given.get("user") or ""
    return str(host), str(port), str(database)


def _from_dsn(text: str) -> dict[str, Any]:
    if "://" in text:
        from sqlalchemy.engine import make_url

        url = make_url(text)
        return {"host": url.host, "port": url.port, "dbname": url.database, "user": url.username}
    pairs = (one.partition("=") for one in text.split())
    return {key: value.strip("'") for key, _, value in pairs}


def database_for(host: str, port: str, database: str) -> str:
    """The throwaway database that stands for one that the project asks for. The gate makes it when it is asked for the
    first time, by whichever process; see rehearsal/child.py.
    """
    asked = _which(host, port, database)
    key = f"{job().number}-{asked}"
    if key in _names:
        return _names[key]
    own = host in guard.own_hosts() and port == str(job().port) and database == job().primary
    emit("database", key=key, which=asked, asked=f"{host}:{port}/{database}", own=own)
    path = os.path.join(job().folder, "database-" + key)
    while time.time() < job().deadline:
        try:
            with open(path, encoding="utf-8") as file:
                _names[key] = file.read()
                return _names[key]
        except FileNotFoundError:
            time.sleep(0.002)
    raise TimeoutError("migration-gate did not make a database in time")
