"""A server of somebody else's: the session's own plays it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres import databases
from migration_gate.postgres.external import external
from migration_gate.postgres.server import Server

from .conftest import Gate

PASSWORD = "p@ss/w:rd?#%"


@pytest.fixture(scope="module")
def role(server: Server) -> Iterator[str]:
    with databases.connect(server, "postgres") as connection:
        connection.execute(f"CREATE ROLE app LOGIN CREATEDB PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE precious")
        yield "app"
        connection.execute("DROP DATABASE precious")
        connection.execute("DROP ROLE app")


def url(server: Server, role: str, database: str = "postgres") -> str:
    return server._replace(user=role, password=PASSWORD).url(database)


def test_drops_its_own_databases_and_no_others(server: Server, role: str, names: Callable[[], set[str]]) -> None:
    before = names()
    with external(url(server, role, "precious")) as found:
        assert (found.version, found.maintenance) == (server.version, "precious")
        databases.create(found, found.prefix + "a")
        databases.create(found, found.prefix + "b", template=found.prefix + "a")
        assert names() == before | {found.prefix + "a", found.prefix + "b"}
    assert names() == before


def test_a_sqlalchemy_url_will_do(server: Server, role: str) -> None:
    plain = url(server, role) + "?application_name=me&sslmode=disable"
    with external(plain.replace("postgresql://", "postgresql+asyncpg://")) as found:
        assert "sslmode=disable" in found.url("x")
        with databases.connect(found, "postgres") as connection:
            assert connection.execute("SHOW application_name").fetchone() == ("me",)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_drops_its_own_databases_when_the_gate_is_killed(
    server: Server,
    role: str,
    names: Callable[[], set[str]],
    start_gate: Callable[..., Gate],
    number: signal.Signals,
) -> None:
    before = names()
    gate = start_gate(url(server, role))
    assert names() == before | {gate.server.prefix + "work"}
    os.kill(gate.process.pid, number)
    limit = time.monotonic() + 10
    while names() != before and time.monotonic() < limit:
        time.sleep(0.05)
    assert names() == before


def test_a_role_that_may_not_create_databases(server: Server, role: str) -> None:
    with databases.connect(server, "postgres") as connection:
        connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        try:
            with (
                pytest.raises(CannotJudge, match="reader may not create databases") as caught,
                external(url(server, "reader")),
            ):
                pass
        finally:
            connection.execute("DROP ROLE reader")
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        "postgresql://app:SECRET-{pw}@127.0.0.1:{port}/postgres",  # wrong password
        "postgresql://app:SECRET@127.0.0.1:1/postgres",  # nobody listens
        "postgresql://app:SECRET@127.0.0.1:{port}/nowhere",
        "postgresql://app:SEC/RET@127.0.0.1:{port}/postgres",
        "postgresql://app:12/SECRET@127.0.0.1:{port}/postgres",
        "postgresql://app:SEC@RET@127.0.0.1:{port}/postgres",
        "postgresql://app:SECRET@127.0.0.1:port/postgres",
        "postgresql://app:SECRET%zz@127.0.0.1/postgres",
        "postgresql://app:SECRET@127.0.0.1:{port}/postgres?nosuch=1",
        "postgresql://app@127.0.0.1:{port}/postgres?password=SECRET",
    ],
)
def test_no_message_has_the_password(server: Server, role: str, broken: str) -> None:
    text = broken.format(port=server.port, pw=quote(PASSWORD, safe=""))
    with pytest.raises(CannotJudge) as caught, external(text):
        pass
    message = str(caught.value)
    assert not any(part in message for part in ("SEC", "RET", PASSWORD, quote(PASSWORD)))
    assert "12" not in message.replace("127.0.0.1", "").replace(str(server.port), "")
    assert "\n" not in message
