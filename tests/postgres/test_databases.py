"""Databases on a server: made empty or as forks, and only our own dropped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server


def test_a_fork_has_what_its_template_has(server: Server) -> None:
    databases.create(server, server.prefix + "one")
    with databases.connect(server, server.prefix + "one") as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")
    databases.create(server, server.prefix + "two", template=server.prefix + "one")
    with databases.connect(server, server.prefix + "two") as connection:
        assert connection.execute("SELECT n FROM t").fetchone() == (7,)


def test_drop_all_takes_those_in_use_and_no_others(server: Server, names: Callable[[], set[str]]) -> None:
    other = server._replace(prefix="migration%gate_")
    databases.create(other, other.prefix + "x")
    databases.create(server, server.prefix + "used")
    with databases.connect(server, server.prefix + "used"):
        databases.drop_all(server)
    assert other.prefix + "x" in names()
    databases.drop_all(other)
    assert names() == {"postgres", "template0", "template1"}


@pytest.mark.parametrize("name", ["production", "", "x" * 60])
def test_a_name_without_the_prefix_or_too_long_is_refused(server: Server, name: str) -> None:
    whole = server.prefix + name if len(name) == 60 else name
    with pytest.raises(ValueError, match="begins with"):
        databases.create(server, whole)


def test_what_postgresql_refuses_is_one_line(server: Server) -> None:
    with pytest.raises(CannotJudge, match=r'template database "none" does not exist$'):
        databases.create(server, server.prefix + "three", template="none")
    with pytest.raises(CannotJudge, match="cannot connect to database nowhere"):
        databases.connect(server, "nowhere")


@pytest.mark.parametrize(
    ("server_", "driver", "url"),
    [
        (
            ("db", 5432, "u", "p@/ä", "16", "", ""),
            None,
            "postgresql://u:p%40%2F%C3%A4@db:5432/d%20b",
        ),
        (("::1", 5, "u", "", "16", "", ""), "psycopg", "postgresql+psycopg://u@[::1]:5/d%20b"),
        (
            ("/run/pg", 5, "u", "", "16", "", "", "m", "sslmode=require"),
            "asyncpg",
            "postgresql+asyncpg://u@/d%20b?host=%2Frun%2Fpg&port=5",
        ),
        (
            ("db", 5, "u", "", "16", "", "", "m", "sslmode=require"),
            "psycopg2",
            "postgresql+psycopg2://u@db:5/d%20b?sslmode=require",
        ),
    ],
)
def test_urls(server_: tuple[str, ...], driver: str | None, url: str) -> None:
    assert Server(*server_).url("d b", driver) == url  # type: ignore[arg-type]


@pytest.mark.parametrize(("version", "major"), [("16.4", 16), ("9.6.1", 9), ("19beta1", 19)])
def test_majors(server: Server, version: str, major: int) -> None:
    assert server._replace(version=version).major == major
