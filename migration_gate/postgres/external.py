"""A server of the user's, by its URL: only databases with this run's prefix are dropped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from migration_gate.findings import CannotJudge
from migration_gate.postgres import databases
from migration_gate.postgres.minder import minded
from migration_gate.postgres.server import OLDEST, Server, new_prefix

# What a newer libpq reports though nobody set it, and an older one, of the project's own driver, does not know.
_IMPLIED = {"sslcertmode": "allow"}
_OWN_FIELDS = {"host", "hostaddr", "port", "user", "password", "dbname"}


@contextlib.contextmanager
def external(url: str) -> Iterator[Server]:
    """The server behind ``url``; CannotJudge when it does not answer or may not be used.

    After the block, and also when the gate is killed, this run's databases are dropped. A run that
    dies together with its machine leaves ``migration_gate_…`` databases behind: no other run can
    know that they are not in use, so they are never swept.
    """
    server = _examine(url)
    with minded("migration_gate.postgres.external:drop", list(server)):
        try:
            yield server
        finally:
            databases.drop_all(server)


def drop(*fields: Any) -> None:
    """What the minder calls with the fields of a Server, as JSON gave them back."""
    databases.drop_all(Server(*fields[0]))


def _examine(url: str) -> Server:
    parameters = _read(url)
    password = parameters.get("password", "")
    where = f"{parameters.get('host', 'localhost')}:{parameters.get('port', 5432)}"
    parameters.setdefault("connect_timeout", databases.CONNECT_SECONDS)
    try:
        with psycopg.connect(**parameters, autocommit=True) as connection:
            return _describe(connection, where)
    except psycopg.Error as error:
        text = databases.one_line(error, password)
        raise CannotJudge(f"the PostgreSQL at {where} does not serve: {text}") from None


def _read(url: str) -> dict[str, Any]:
    """What libpq makes of the URL. An unreadable one is not repeated: it may hold a password."""
    scheme, _, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    # An unescaped "@" or "/" in a password moves the rest of it into the host's name or the port.
    if authority.count("@") <= 1 and "@" not in tail.partition("?")[0]:
        with contextlib.suppress(psycopg.Error):
            return dict(conninfo_to_dict(f"postgresql://{authority}{slash}{tail}"))
    raise CannotJudge(
        f"cannot read the PostgreSQL URL ({scheme.partition('+')[0]}://…): write "
        "postgresql://user:password@host:5432/database, with %40 for @ and %2F for / in a password"
    )


def _describe(connection: psycopg.Connection, where: str) -> Server:
    info = connection.info
    row = connection.execute(
        "SELECT current_setting('server_version'), pg_is_in_recovery(), current_user,"
        " (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)"
    ).fetchone()
    assert row is not None
    version, standby, role, may_create = row
    if info.server_version < OLDEST * 10000:
        raise CannotJudge(f"PostgreSQL {version} at {where}: the gate needs {OLDEST} or newer")
    if standby:
        raise CannotJudge(f"the PostgreSQL at {where} is a standby, which takes no new databases")
    if not may_create:
        raise CannotJudge(
            f"role {role} may not create databases at {where}: ALTER ROLE {role} CREATEDB, or name another role"
        )
    # Password files, services and PG… variables have had their say; nothing later needs them.
    settings = {k: v for k, v in info.get_parameters().items() if k not in _OWN_FIELDS and _IMPLIED.get(k) != v}
    return Server(
        host=info.host,
        port=info.port,
        user=info.user,
        password=info.password,
        version=version.split()[0],
        origin=f"external server {where}",
        prefix=new_prefix(),
        maintenance=info.dbname,
        query="&".join(f"{key}={quote(value, safe='')}" for key, value in settings.items()),
    )
