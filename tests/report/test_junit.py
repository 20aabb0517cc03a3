"""JUnit's XML, as those who read it see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import junitparser
import pytest

from migration_gate.findings import Allowed, Finding, Note, Verdict
from migration_gate.report.junit import render
from tests.conftest import Gate
from tests.report.conftest import FINDING, HOSTILE, MARKUP, VERDICT, hostile

RULES = ("multiple-heads", "not-null-without-default")


def cases(verdict: Verdict, notes: bool = False) -> dict[str, ElementTree.Element]:
    """The tests by name; what the suite counts is what there is."""
    suite = ElementTree.fromstring(render(verdict, notes=notes).encode()).find("testsuite")
    assert suite is not None
    found = {str(one.get("name")): one for one in suite.iter("testcase")}
    assert int(suite.get("tests", "")) == len(found)
    assert int(suite.get("failures", "")) == sum(one.find("failure") is not None for one in found.values())
    assert int(suite.get("errors", "")) == sum(one.find("error") is not None for one in found.values())
    return found


def test_a_rule_is_a_test_that_fails_with_what_it_found() -> None:
    found = cases(VERDICT._replace(findings=(FINDING, FINDING._replace(line=9)), rules=RULES, problems=()))
    assert list(found) == ["all could be judged", *RULES]
    failure = found[FINDING.rule].find("failure")
    assert failure is not None
    assert failure.get("message") == "users.phone is NOT NULL."
    assert "migrations/versions/a1.py:3: users.phone" in str(failure.text)
    assert "migrations/versions/a1.py:9: users.phone" in str(failure.text)
    assert 'Write instead:\nop.add_column("users", …)' in str(failure.text)
    assert list(found["multiple-heads"]) == []


def test_what_could_not_be_judged_is_an_error() -> None:
    error = cases(Verdict(problems=("no PostgreSQL", "nor that")))["all could be judged"].find("error")
    assert error is not None
    assert (error.get("message"), error.text) == ("no PostgreSQL", "no PostgreSQL\n\nnor that")


def test_there_is_a_test_where_nothing_was_found() -> None:
    assert [list(one) for one in cases(Verdict()).values()] == [[]]


def test_what_is_allowed_and_the_notes_are_the_suites_output() -> None:
    verdict = Verdict(allowed=(Allowed(FINDING, "it is empty"),), notes=(Note("a word"),))
    assert "allowed: migrations/versions/a1.py:3: not-null-without-default: it is empty" in render(verdict)
    assert "a word" not in render(verdict)
    assert "note: a word" in render(verdict, notes=True)


def test_a_long_finding_is_there_as_a_whole() -> None:
    assert "z" in render(Verdict(findings=(Finding("r", "x" * 3_000, remedy="y" * 2_000 + "z"),)))


@pytest.mark.parametrize("verdict", [VERDICT._replace(rules=RULES), hostile("".join((*HOSTILE, *MARKUP)))])
def test_junitparser_reads_it(verdict: Verdict) -> None:
    (suite,) = junitparser.JUnitXml.fromstring(render(verdict).encode())
    results = {one.name: [type(result).__name__ for result in one.result] for one in suite}
    assert results["all could be judged"] == ["Error"]
    assert results["multiple-heads"] == []
    assert results[verdict.findings[0].rule] == ["Failure"]
    before = suite.tests, suite.failures, suite.errors
    suite.update_statistics()
    assert (suite.tests, suite.failures, suite.errors) == before


def test_what_was_not_tried_is_no_test_that_passes(gate: Gate, example: Callable[[str], Path]) -> None:
    said = gate("ci", "--format", "junit", cwd=example("broken/fails")).out
    names = {one.get("name") for one in ElementTree.fromstring(said.encode()).iter("testcase")}
    assert "upgrade-fails" in names
    assert names.isdisjoint({"drift", "fails-on-rows", "downgrade-fails"})
