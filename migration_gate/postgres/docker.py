"""A PostgreSQL in a container, by testcontainers: for a production image with its extensions."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterator
from typing import Any

from migration_gate.findings import CannotJudge
from migration_gate.postgres import databases
from migration_gate.postgres.minder import minded
from migration_gate.postgres.server import OLDEST, Server, new_prefix

DEFAULT_IMAGE = "postgres:16"
ANSWER_SECONDS = 5  # for an engine to say that it is there
COMMAND = "postgres -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off"


@contextlib.contextmanager
def container(image: str = DEFAULT_IMAGE) -> Iterator[Server]:
    """A server from ``image``, which is pulled if need be; CannotJudge when it cannot be had.

    testcontainers' own reaper (ryuk) is left out: it is one more image to pull, wants the engine's
    socket mounted, and is often forbidden. A minder removes the container when the gate is killed.
    Were both killed, or the machine, a container named migration-gate-… stays.
    """
    _ask_engine()
    name = f"migration-gate-{secrets.token_hex(6)}"
    password = secrets.token_urlsafe(24)
    with minded("migration_gate.postgres.docker:remove", name):
        made = None
        try:
            try:
                made = _prepare(image, name, password)
                server = _start(made, image, password)
            except CannotJudge:
                raise
            except Exception as error:
                # The engine, its client and testcontainers each raise their own.
                said = getattr(error, "explanation", None) or f"{type(error).__name__}: {error}"
                text = databases.one_line(said, password)
                raise CannotJudge(f"Docker cannot run {image}: {text}") from None
            yield server
        finally:
            if made is not None:
                with contextlib.suppress(Exception):
                    made.stop()


def _ask_engine() -> None:
    try:
        from testcontainers.core.docker_client import DockerClient
    except ImportError:
        raise CannotJudge("testcontainers is not installed") from None
    try:
        client = DockerClient(timeout=ANSWER_SECONDS).client
        client.ping()
        client.close()
    except Exception:  # the engine's client, its HTTP library and sockets each raise their own
        raise CannotJudge("no Docker engine answers (see DOCKER_HOST)") from None


def _prepare(image: str, name: str, password: str) -> Any:
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.config import testcontainers_config

    logging.getLogger("testcontainers").setLevel(logging.WARNING)
    testcontainers_config.ryuk_disabled = True
    made: Any = PostgresContainer(image, username="postgres", password=password, dbname="postgres", driver=None)
    made.with_name(name).with_command(COMMAND)
    client = made.get_docker_client()
    is_here = client.get_connection_mode().name == "docker_host" and client.host() == "localhost"
    if is_here:
        made.ports = {"5432/tcp": ("127.0.0.1",)}  # else it would be open to the whole network
    return made


def _start(made: Any, image: str, password: str) -> Server:
    made.start()
    host = made.get_container_host_ip()
    host = "127.0.0.1" if host == "localhost" else host  # "localhost" may mean ::1
    port = int(made.get_exposed_port(5432))
    server = Server(host, port, "postgres", password, "0", f"docker {image}", new_prefix())
    with databases.connect(server, "postgres") as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    server = server._replace(version=row[0].split()[0])
    if server.major < OLDEST:
        text = f"{image} is PostgreSQL {server.version}: the gate needs {OLDEST} or newer"
        raise CannotJudge(text)
    return server


def remove(name: str) -> None:
    """What the minder calls: remove the container ``name`` and its volumes, if there is one."""
    from testcontainers.core.docker_client import DockerClient

    DockerClient().client.containers.get(name).remove(force=True, v=True)
