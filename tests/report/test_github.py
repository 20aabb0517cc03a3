"""GitHub's annotations: what is escaped, how many there are."""

from __future__ import annotations

import os

import pytest

from migration_gate.findings import Finding, Note, Verdict
from migration_gate.report.github import render
from tests.report.conftest import FINDING, VERDICT


def test_findings_and_problems_are_errors_and_notes_are_notices():
    assert render(VERDICT).splitlines() == [
        "::error file=migrations/versions/a1.py,line=3,title=not-null-without-default::users.phone is NOT NULL.%0AIt "
        'has no server default.%0Acolumn "phone" contains null values%0A%0A'
        'Write instead:%0Aop.add_column("users", …)%0A# or%0Aop.execute("UPDATE …")',
        "::error title=not judged::no PostgreSQL to rehearse on",
        "::notice file=migrations/versions/a1.py,line=4,title=migration-gate::not read: the SQL is computed",
        "::notice title=migration-gate::a word",
        "migration-gate: the gate is closed. 214 revisions, 1 new · 41 ms",
    ]


@pytest.mark.parametrize(
    ("message", "escaped"),
    [
        ("100%", "100%25"),
        ("a\nb", "a%0Ab"),
        ("%0A::error::x", "%250A::error::x"),
        ("a::b", "a::b"),
        ("a\rb", "a\\x0db"),
    ],
)
def test_data_is_escaped(message: str, escaped: str):
    (line, _) = render(Verdict(findings=(Finding("r", message),))).splitlines()
    assert line == f"::error title=r::{escaped}"


@pytest.mark.parametrize(
    ("path", "escaped"),
    [
        ("a,line=9.py", "a%2Cline=9.py"),
        ("a::error::b.py", "a%3A%3Aerror%3A%3Ab.py"),
        ("100%.py", "100%25.py"),
        ("a\nb.py", "a%0Ab.py"),
        ("a b.py", "a b.py"),
    ],
)
def test_properties_are_escaped(path: str, escaped: str):
    (line, _) = render(Verdict(findings=(Finding("r", "m", path, 3),))).splitlines()
    assert line == f"::error file={escaped},line=3,title=r::m"


def test_a_path_that_no_file_can_have(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", os.getcwd())
    (line, _) = render(Verdict(findings=(Finding("r", "m", "a\0.py", 3),))).splitlines()
    assert line == "::error file=a\\x00.py,line=3,title=r::m"


def test_a_line_needs_a_path():
    (line, _) = render(Verdict(findings=(Finding("r", "m", None, 3),))).splitlines()
    assert line == "::error title=r::m"


@pytest.mark.parametrize(("count", "shown", "more"), [(9, 9, None), (10, 10, None), (11, 9, 2), (500, 9, 491)])
def test_ten_errors_at_most_and_the_rest_is_counted(count: int, shown: int, more: int | None):
    verdict = Verdict(findings=tuple(Finding("r", f"m{number}") for number in range(count)))
    errors = [line for line in render(verdict).splitlines() if line.startswith("::error")]
    assert len(errors) == min(count, 10)
    assert errors[:shown] == [f"::error title=r::m{number}" for number in range(shown)]
    if more:
        assert errors[-1] == f"::error title=migration-gate::{more} more: see the log"


def test_problems_count_as_errors():
    verdict = Verdict(findings=(FINDING,) * 8, problems=("p",) * 8)
    errors = [line for line in render(verdict).splitlines() if line.startswith("::error")]
    assert len(errors) == 10
    assert errors[-1].endswith("::7 more: see the log")


def test_ten_notices_at_most_and_the_rest_is_counted():
    verdict = Verdict(notes=tuple(Note(f"n{number}") for number in range(30)))
    notices = [line for line in render(verdict).splitlines() if line.startswith("::notice")]
    assert len(notices) == 10
    assert notices[-1] == "::notice title=migration-gate::21 more: see the log"


def test_the_worst_is_shown():
    findings = (*(Finding("drift", f"m{number}") for number in range(30)), FINDING, Finding("fails-on-rows", "first"))
    first, second, *_ = render(Verdict(findings=findings)).splitlines()
    assert first == "::error title=fails-on-rows::first"
    assert ",title=not-null-without-default::" in second
