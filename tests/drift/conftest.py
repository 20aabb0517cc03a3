"""One database with something of everything, for all that is tried on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration_gate.postgres.server import Server
from tests.drift.stage import Stage, staged


@pytest.fixture(scope="session")
def stage(server: Server) -> Iterator[Stage]:
    with staged(server) as one:
        yield one
