"""Making, forking, opening and dropping databases on a throwaway server."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server

CONNECT_SECONDS = 10


def connect(server: Server, database: str) -> psycopg.Connection:
    """A connection to ``database`` in autocommit mode; CannotJudge when it cannot be made."""
    # Said here, so that a PGSSLMODE meant for another server does not decide.
    defaults = {"connect_timeout": CONNECT_SECONDS, "sslmode": "prefer"}
    missing: dict[str, Any] = {k: v for k, v in defaults.items() if k not in server.query}
    try:
        return psycopg.connect(server.url(database), autocommit=True, **missing)
    except psycopg.Error as error:
        raise _refused(f"cannot connect to database {database}", server, error) from None


def create(server: Server, name: str, template: str | None = None) -> None:
    """Make database ``name``, empty and in UTF-8, or as a fork of database ``template``.

    ``name`` is the whole name: it begins with ``server.prefix`` and has at most 63 bytes, else
    ValueError. Nobody may be connected to ``template`` meanwhile: CannotJudge.
    """
    if not name.startswith(server.prefix) or len(name.encode()) > 63:
        raise ValueError(f"a database here begins with {server.prefix} and has 63 bytes: {name}")
    with connect(server, server.maintenance) as connection:
        how = _how(connection, template)
        if server.major >= 15:
            # Copies files and does not write them into the log as well: 7 ms for an empty database.
            how = sql.SQL("{} STRATEGY file_copy").format(how)
        try:
            connection.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), how))
        except psycopg.Error as error:
            raise _refused(f"cannot make database {name}", server, error) from None


def end_sessions(server: Server, name: str) -> None:
    """End every session that is connected to a database of the gate's: it is about to be copied, which nobody may
    watch. CannotJudge where the server refuses.
    """
    with connect(server, server.maintenance) as connection:
        try:
            wait = ", 5000" if server.major >= 14 else ""  # milliseconds
            question = sql.SQL("SELECT pg_terminate_backend(pid" + wait + ") FROM pg_stat_activity WHERE datname = {}")
            connection.execute(question.format(sql.Literal(name)))
        except psycopg.Error as error:
            raise _refused(f"cannot end the sessions of database {name}", server, error) from None


def _how(connection: psycopg.Connection, template: str | None) -> sql.Composable:
    if template is not None:
        return sql.SQL("TEMPLATE {}").format(sql.Identifier(template))
    # template0 alone may take another encoding, and nobody has put anything into it.
    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template0'"
    ).fetchone()
    if row == ("UTF8",):
        return sql.SQL("TEMPLATE template0 ENCODING 'UTF8'")
    # The server's own locale belongs to its own encoding; C goes with every encoding.
    return sql.SQL("TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")


def drop(server: Server, name: str) -> None:
    """Drop a database of the gate's. CannotJudge where the server refuses."""
    with connect(server, server.maintenance) as connection:
        try:
            _drop(connection, name, server.major)
        except psycopg.Error as error:
            raise _refused(f"cannot drop database {name}", server, error) from None


def drop_all(server: Server) -> None:
    """Drop the databases whose names begin with ``server.prefix``, in use or not, and no others.

    CannotJudge names what could not be dropped.
    """
    left = []
    with connect(server, server.maintenance) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [server.prefix]
        ).fetchall()
        for (name,) in names:
            try:
                _drop(connection, name, server.major)
            except psycopg.Error as error:
                left.append(f"{name} ({one_line(error, server.password)})")
    if left:
        raise CannotJudge(f"databases left behind on {server.origin}: {', '.join(left)}")


def _drop(connection: psycopg.Connection, name: str, major: int) -> None:
    force = sql.SQL("WITH (FORCE)" if major >= 13 else "")
    if major < 13:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} {}").format(sql.Identifier(name), force))


def _refused(what: str, server: Server, error: psycopg.Error) -> CannotJudge:
    return CannotJudge(f"{what} on {server.origin}: {one_line(error, server.password)}")


def one_line(error: object, password: str = "") -> str:
    """The first line of an error's text, without the password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.replace(password, "***") if password else text
