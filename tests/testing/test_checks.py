"""What one verdict says of each check."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from migration_gate.findings import Finding, Note, Stage, Verdict
from migration_gate.project.model import Project
from migration_gate.project.settings import Settings
from migration_gate.rehearsal.stages import NOTHING_NEW
from migration_gate.rules import ALL, OFF
from migration_gate.testing.checks import checks, said

UPGRADE = Stage("upgrade", True, "2 revisions")


def project(**settings: tuple[str, ...]) -> Project:
    here = Path.cwd()
    return Project(
        "shop", here, here, (here,), False, False, "alembic", None, "alembic", None, here, Settings(**settings), here
    )


def test_every_rule_that_is_on_has_one_check() -> None:
    found = checks(project(extend_select=OFF))
    assert sorted(rule for check in found for rule in check.rules) == sorted(ALL)


def test_rules_that_are_off_have_none() -> None:
    assert [one.name for one in checks(project(select=("renames", "downgrade-fails")))] == [
        "upgrade",
        "back",
        "renames",
    ]
    names = [one.name for one in checks(project(ignore=("drift", "downgrade-fails", "multiple-heads")))]
    assert {"back", "single head"} <= {*names}
    assert "drift" not in names


@pytest.mark.parametrize("off", [(), ("drift",), ("upgrade-fails", "fails-on-rows", "renames")])
def test_all_are_well_where_the_gate_is_open_and_nowhere_else(off: tuple[str, ...]) -> None:
    places = (None, True, False, "absent")
    rules = [one for one in ("drift", "renames", "fails-on-rows") if one not in off]
    for history, upgrade, rows, problem, rule in product(places, places, places, (False, True), ("", *rules)):
        stages = tuple(
            Stage(name, passed, "so")  # type: ignore[arg-type]
            for name, passed in (("history", history), ("upgrade", upgrade), ("rows", rows))
            if passed != "absent"
        )
        findings = (Finding(rule, "it is so"),) if rule else ()
        verdict = Verdict(findings, (), ("nobody knows",) if problem else (), stages=stages)
        found = said(project(ignore=off), verdict)
        if verdict.word == "open" and upgrade is not True:
            continue  # an upgrade that did not go through is a finding or a problem
        assert all(one.well for one in found.values()) == (verdict.word == "open"), verdict


def test_what_was_not_tried_says_why() -> None:
    old = Stage("old code", None, "base's code could not be loaded")
    found = said(project(), Verdict(stages=(UPGRADE, old), notes=(Note(f"shop: {NOTHING_NEW}"),)))
    assert (found["old code"].state, found["old code"].why) == ("not tried", old.text)
    assert (found["rows"].state, found["rows"].why) == ("not tried", NOTHING_NEW)


def test_what_could_not_be_judged_is_not_left_out() -> None:
    drift = Stage("drift", None, "not compared")
    found = said(project(), Verdict(problems=("no models",), stages=(UPGRADE, drift)))
    assert found["drift"].state == "not judged"
    assert "no models" in found["drift"].text
    assert found["renames"].state == found["upgrade"].state == "open"
    found = said(project(ignore=("drift",)), Verdict(problems=("no models",), stages=(UPGRADE, drift)))
    assert found["upgrade"].state == "not judged"
    assert "no models" in found["upgrade"].text


def test_notes_stand_where_they_belong_and_the_last_line_nowhere() -> None:
    notes = (Note("renames: it is new", rule="renames"), Note("autogenerate compared all"))
    found = said(project(), Verdict(stages=(UPGRADE,), notes=notes, facts=("2 revisions",)))
    assert found["renames"].text == "note: renames: it is new"
    assert found["upgrade"].text == "✓ upgrade   2 revisions\n\n  note: autogenerate compared all"
    assert found["drops-in-use"].text == ""
