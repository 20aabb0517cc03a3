"""GitLab's code quality report."""

from __future__ import annotations

import json

import jsonschema
import pytest

from migration_gate.findings import Finding, Note, Verdict
from migration_gate.report.gitlab import render
from tests.report.conftest import FINDING, HOSTILE, VERDICT, hostile

# What GitLab's parser wants of an entry (its validator "codeclimate"), and its documentation of the values.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)(?!/)."},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer"}}},
                },
            },
        },
    },
}


@pytest.mark.parametrize("verdict", [Verdict(), VERDICT, *map(hostile, HOSTILE)])
def test_it_is_what_gitlab_reads(verdict: Verdict) -> None:
    entries = json.loads(render(verdict))
    jsonschema.validate(entries, SCHEMA)
    assert len({one["fingerprint"] for one in entries}) == len(entries)


def test_a_finding() -> None:
    (one, _) = json.loads(render(VERDICT))
    assert one["check_name"] == FINDING.rule
    assert one["description"] == f'{FINDING.message}\ncolumn "phone" contains null values'
    assert one["severity"] == "blocker"
    assert one["location"] == {"path": "migrations/versions/a1.py", "lines": {"begin": 3}}


def test_nothing_found_is_an_empty_array_and_not_judged_is_none() -> None:
    assert json.loads(render(Verdict(notes=(Note("n"),)))) == []
    (one,) = json.loads(render(Verdict(problems=("no PostgreSQL",))))
    assert (one["check_name"], one["description"]) == ("not-judged", "no PostgreSQL")
    assert one["location"] == {"path": "pyproject.toml", "lines": {"begin": 1}}


def test_a_finding_without_a_path() -> None:
    (one,) = json.loads(render(Verdict(findings=(Finding("drift", "m"),), home="shop/migrations/env.py")))
    assert one["location"] == {"path": "shop/migrations/env.py", "lines": {"begin": 1}}
