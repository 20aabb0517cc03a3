"""The report for programs."""

from __future__ import annotations

import json

import pytest

from migration_gate.findings import Finding, Verdict
from migration_gate.report.json_ import render
from tests.report.conftest import FINDING, HOSTILE, VERDICT, hostile


def test_every_field_of_a_verdict_is_there():
    document = json.loads(render(VERDICT))
    assert document["version"] == 1
    assert document["verdict"] == "closed"
    assert document["problems"] == list(VERDICT.problems)
    assert document["notes"] == [
        {"message": "not read: the SQL is computed", "path": "migrations/versions/a1.py", "line": 4, "rule": None},
        {"message": "a word", "path": None, "line": None, "rule": None},
    ]
    (finding,) = document["findings"]
    assert finding["rule"] == FINDING.rule
    assert finding["message"] == FINDING.message
    assert (finding["path"], finding["line"], finding["revision"]) == (FINDING.path, FINDING.line, FINDING.revision)
    assert finding["remedy"] == FINDING.remedy
    assert finding["evidence"] == [{"kind": "error", "text": 'column "phone" contains null values'}]


def test_an_empty_verdict_is_open():
    assert json.loads(render(Verdict())) == {
        "version": 1,
        "verdict": "open",
        "findings": [],
        "notes": [],
        "problems": [],
    }


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(Verdict(problems=("p",)), "not judged"), (Verdict(findings=(Finding("r", "m"),), problems=("p",)), "closed")],
)
def test_the_verdict_is_a_word(verdict: Verdict, word: str):
    assert json.loads(render(verdict))["verdict"] == word


@pytest.mark.parametrize("text", [*HOSTILE, "größe", '"\\', "\udcff"])
def test_every_text_comes_back_as_it_was_and_lines_begin_with_json(text: str):
    rendered = render(hostile(text))
    assert json.loads(rendered)["findings"][0]["message"] == f"users{text} is"
    assert rendered.isascii()
    assert "##[" not in rendered
    assert all(line.strip()[:1] in '{}[]"' for line in rendered.splitlines())
