"""A container, where an engine answers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres import databases, docker

from .conftest import Gate

pytestmark = pytest.mark.docker

# An image that is at hand, where the registry is not.
IMAGE = os.environ.get("MIGRATION_GATE_TEST_IMAGE", docker.DEFAULT_IMAGE)


@pytest.fixture(autouse=True)
def _engine() -> None:
    try:
        docker._ask_engine()
    except CannotJudge as reason:
        pytest.skip(str(reason))


def containers() -> set[str]:
    from testcontainers.core.docker_client import DockerClient

    found = DockerClient().client.containers.list(all=True)
    return {one.name for one in found if one.name.startswith("migration-gate-")}


def test_a_container_serves_and_is_gone_afterwards() -> None:
    before = containers()
    with docker.container(IMAGE) as server:
        assert server.major >= 12
        assert server.password not in server.origin
        databases.create(server, server.prefix + "a")
        assert len(containers()) == len(before) + 1
    assert containers() == before


def test_an_image_that_is_not_there() -> None:
    with (
        pytest.raises(CannotJudge, match="Docker cannot run localhost/no-such-image:1"),
        docker.container("localhost/no-such-image:1"),
    ):
        pass


def test_nothing_is_left_when_the_gate_is_killed(start_gate: Callable[..., Gate]) -> None:
    before = containers()
    gate = start_gate("docker", IMAGE)
    os.kill(gate.process.pid, signal.SIGKILL)
    limit = time.monotonic() + 20
    while containers() != before and time.monotonic() < limit:
        time.sleep(0.1)
    assert containers() == before
