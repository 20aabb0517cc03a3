"""The report for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from migration_gate import report
from migration_gate.findings import Finding, Verdict
from migration_gate.report.json_ import render
from tests.conftest import Gate
from tests.report.conftest import FINDING, HOSTILE, VERDICT, hostile

SCHEMA = json.loads((Path(report.__file__).parent / "schema.json").read_text())


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
    assert document["title"] == VERDICT.title
    assert document["facts"] == list(VERDICT.facts)
    assert document["stages"][2] == {"name": "drift", "passed": None, "text": "not compared"}
    assert finding["evidence"] == [{"kind": "error", "text": 'column "phone" contains null values'}]


def test_an_empty_verdict_is_open():
    assert json.loads(render(Verdict())) == {
        "version": 1,
        "verdict": "open",
        "title": "",
        "facts": [],
        "stages": [],
        "findings": [],
        "allowed": [],
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


@pytest.mark.parametrize("text", ["x", *HOSTILE])
def test_the_committed_schema_describes_it(text: str):
    for verdict in (Verdict(), VERDICT, hostile(text)):
        assert list(Draft202012Validator(SCHEMA).iter_errors(json.loads(render(verdict)))) == []


@pytest.mark.parametrize("words", [["lint", "--plan"], ["heads"], ["lint", "gone.py"]])
@pytest.mark.parametrize("name", ["shop", "broken/shop", "broken/graph", "multidb"])
def test_and_what_commands_write(words: list[str], name: str, gate: Gate, example: Callable[[str], Path]):
    said = gate(*words, "--format", "json", cwd=example(name))
    assert list(Draft202012Validator(SCHEMA).iter_errors(said.json)) == []


def test_the_schema_is_one_and_names_every_key():
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(render(hostile("x")))
    named = SCHEMA["$defs"]
    assert document.keys() == SCHEMA["properties"].keys() == {*SCHEMA["required"], "plan", "commands", "graph"}
    (planned,) = document["plan"]
    (step, *_) = planned["steps"]
    for found, name in (
        (document["stages"][0], "stage"),
        (document["findings"][0], "finding"),
        (document["notes"][0], "note"),
        (planned, "planned"),
        (step, "step"),
        (step["held"][0], "held"),
        (document["graph"][0], "graph"),
        (document["graph"][0]["revisions"][0], "revision"),
    ):
        assert found.keys() == named[name]["properties"].keys() == set(named[name]["required"]), name
    assert document["allowed"][0].keys() == {*named["finding"]["required"], "reason"}


@pytest.mark.parametrize("broken", [{"version": 2}, {"verdict": "maybe"}, {"findings": [{}]}, {"notes": None}])
def test_the_schema_refuses_what_is_no_verdict(broken: dict[str, object]):
    assert list(Draft202012Validator(SCHEMA).iter_errors(json.loads(render(VERDICT)) | broken))
