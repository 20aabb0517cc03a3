"""migration-gate explain: every rule has a page, and a name that is none gets the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.rules import ALL, ALLOWS, DRIFT, GRAPH, OPERATIONS, REHEARSAL, module
from migration_gate.rules.pages import page
from tests.conftest import Gate


@pytest.mark.parametrize("rule", ALL)
def test_every_rule_has_a_page(rule: str, gate: Gate, tmp_path: Path):
    said = gate("explain", rule, cwd=tmp_path)
    assert (said.status, said.err) == (0, "")
    title, blank, first, *rest = said.out.splitlines()
    assert (title, blank) == (rule, "")
    assert first[0].isupper()
    assert first.endswith(".")
    assert rest[0] == ""
    assert len([one for one in said.out.split("\n\n") if one.strip()]) >= 3  # the name, the sentence, and more
    assert max(map(len, said.out.splitlines())) <= 120
    assert ("To allow it on one line" in said.out) == (rule in (*GRAPH, *OPERATIONS))


@pytest.mark.parametrize("rule", ALL)
def test_a_page_is_its_parts(rule: str):
    one = page(rule)
    assert " ".join(part.text for part in one.parts).split() == one.text.split()


@pytest.mark.parametrize("rule", [*GRAPH, *OPERATIONS])
def test_every_rule_of_the_reader_can_be_asked(rule: str):
    assert callable(module(rule).check)


def test_all_rules_are_listed_once_with_their_first_line(gate: Gate, tmp_path: Path):
    said = gate("explain", cwd=tmp_path)
    assert said.status == 0
    assert [line.split()[0] for line in said.out.splitlines()] == list(ALL)
    assert all(line.endswith(".") for line in said.out.splitlines())
    assert len(set(ALL)) == len(ALL) == len((*GRAPH, *OPERATIONS, *REHEARSAL, *DRIFT, *ALLOWS))


def test_every_module_that_checks_is_a_rule():
    folder = Path(module(ALL[0]).__file__ or "").parent
    names = {one.stem.replace("_", "-") for one in folder.glob("*.py")} - {"--init--"}
    assert {one for one in names if hasattr(module(one), "check")} == {*GRAPH, *OPERATIONS}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("not-nul-without-default", "did you mean not-null-without-default?"),
        ("multiple_heads", "did you mean multiple-heads?"),
        ("zzz", "`migration-gate explain` lists them all"),
        ("", "`migration-gate explain` lists them all"),
        ("../judging", "`migration-gate explain` lists them all"),
    ],
)
def test_an_unknown_rule_gets_the_nearest(name: str, said: str, gate: Gate, tmp_path: Path):
    answer = gate("explain", name, cwd=tmp_path)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("migration-gate: no rule is called ")
    assert answer.err.endswith(f"{said}\n")


def test_explain_needs_no_project(gate: Gate, tmp_path: Path):
    assert gate("explain", "drift", cwd=tmp_path).status == 0
