"""Each single difference is seen and named, and what mends it, run by Alembic, leaves none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration_gate.postgres.catalog_differences import DRIFT, differences, said
from migration_gate.postgres.catalog_remedies import mends
from migration_gate.postgres.server import Server
from tests.drift.cases import CASES, Case
from tests.drift.models import written
from tests.drift.stage import Stage, staged


@pytest.fixture(scope="module")
def stage(server: Server) -> Iterator[Stage]:
    with staged(server) as one:
        yield one


@pytest.fixture(params=CASES, ids=[one.name for one in CASES])
def case(stage: Stage, request: pytest.FixtureRequest) -> Case:
    one: Case = request.param
    if reason := stage.why_not(one):
        pytest.skip(reason)
    return one


def test_each_has_a_name_of_its_own() -> None:
    assert len({one.name for one in CASES}) == len(CASES)


def test_a_difference_is_seen_and_named_and_mended(stage: Stage, case: Case) -> None:
    with stage.migrated(case) as migrated:
        found = differences(migrated, stage.declared)
        assert case.kind in {one.kind for one in found}
        sentences = "\n".join(said(one, DRIFT) for one in found)
        for name in case.names:
            assert written(name, stage.role, stage.extension) in sentences
        lines = mends(found, migrated, stage.declared)
        stage.run(lines)
        left = differences(stage.schema(), stage.declared)
        assert [said(one) for one in left] == [], "\n".join(lines)


@pytest.mark.slow  # the same statements, in the other direction
def test_what_was_changed_can_be_mended_the_other_way(stage: Stage, case: Case) -> None:
    if case.name == "index INVALID":
        pytest.skip("nothing makes an index invalid on purpose")
    with stage.migrated(case) as migrated:
        pass
    lines = mends(differences(stage.declared, migrated), stage.declared, migrated)
    with stage.connection.begin() as transaction:
        stage.run(lines)
        left = differences(stage.schema(), migrated)
        transaction.rollback()
    assert [said(one) for one in left] == [], "\n".join(lines)
