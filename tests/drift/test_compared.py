"""Autogenerate and the catalogs together: each single difference is a finding that names it, what is no drift none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration_gate.postgres.server import Server
from tests.drift.cases import CASES, Case
from tests.drift.judged import judged
from tests.drift.models import declared, written
from tests.drift.stage import Stage, staged


@pytest.fixture(scope="module")
def stage(server: Server) -> Iterator[Stage]:
    with staged(server) as one:
        yield one


@pytest.mark.parametrize("case", CASES, ids=[one.name for one in CASES])
def test_a_difference_is_a_finding_that_names_it(stage: Stage, case: Case) -> None:
    if reason := stage.why_not(case):
        pytest.skip(reason)
    metadata = declared(stage.role, stage.extension)
    with stage.migrated(case) as migrated:
        found = judged(stage.connection, metadata, migrated, stage.declared, stage.empty)
    said = "\n".join(one.message for one in found.findings)
    print(said, *(one.message for one in found.notes), sep="\n")
    for name in case.names:
        assert written(name, stage.role, stage.extension) in said
    assert len({one.message for one in found.findings}) == len(found.findings)
