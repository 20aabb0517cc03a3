"""What the rehearsal's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration_gate.postgres.server import Server
from tests.rehearsal.observed import Process, running


@pytest.fixture(scope="module")
def process(server: Server) -> Iterator[Process]:
    """One process for all upgrades of a file's tests."""
    with running(server) as one:
        yield one
