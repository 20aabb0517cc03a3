"""Each single difference is one finding that names it, and what mends it leaves none."""

from __future__ import annotations

import pytest

from migration_gate.mending.plan import mends
from migration_gate.postgres.catalog_differences import differences, said
from tests.drift.cases import CASES, Case
from tests.drift.judged import judged
from tests.drift.models import declared, written
from tests.drift.stage import Stage

# All of them take a minute. Two of five are always tried; the others by `make slow`, and by whoever changes what they
# are about.
OFTEN = (0, 2)
# What is the same under another name is a note, and so is what no model can say.
NOTES = ("PRIMARY KEY of another name", "owner")


def _params() -> list[object]:
    return [
        pytest.param(one, id=one.name, marks=() if number % 5 in OFTEN else pytest.mark.slow)
        for number, one in enumerate(CASES)
    ]


def test_each_has_a_name_of_its_own() -> None:
    assert len({one.name for one in CASES}) == len(CASES)


@pytest.mark.parametrize("case", _params())
def test_a_difference_is_named_once_and_can_be_mended(stage: Stage, case: Case) -> None:
    if reason := stage.why_not(case):
        pytest.skip(reason)
    with stage.migrated(case) as migrated:
        found = judged(stage.connection, declared(stage.role, stage.extension), migrated, stage.declared, stage.empty)
        lines = mends(differences(migrated, stage.declared), migrated, stage.declared)
        stage.run(lines)
        left = differences(stage.schema(), stage.declared)
    told = found.notes if case.name in NOTES else found.findings
    sentences = [one.message for one in told]
    for name in case.names:
        assert written(name, stage.role, stage.extension) in "\n".join(sentences)
    assert len(set(sentences)) == len(sentences)
    assert all(one.remedy for one in found.findings)
    assert [said(one) for one in left] == [], "\n".join(lines)
