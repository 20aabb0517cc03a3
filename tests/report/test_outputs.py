"""--format and --output: which report goes where."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from migration_gate.cli import parser
from migration_gate.commands.emit import emit, hand_out
from migration_gate.findings import Evidence, Finding, Verdict
from migration_gate.report import DRAWINGS, FORMATS, OF_A_VERDICT
from tests.conftest import Gate, alembic_project, revision
from tests.under_git import BAD

CLOSED = "1 finding: the gate is closed."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return alembic_project(tmp_path, "None", {"a": revision("a", BAD)})


def test_each_output_adds_a_report_and_the_text_is_still_there(gate: Gate, project: Path) -> None:
    said = gate("lint", *(f"--output={form}=out.{form}" for form in OF_A_VERDICT), cwd=project)
    assert said.status == 1
    assert CLOSED in said.out
    for form in OF_A_VERDICT:
        assert "not-null-without-default" in (project / f"out.{form}").read_text()


def test_the_format_is_that_of_standard_output(gate: Gate, project: Path) -> None:
    said = gate("lint", "--format", "github", "--output", "markdown=summary.md", cwd=project)
    assert said.out.startswith("::error file=migrations/versions/a.py")
    assert (project / "summary.md").read_text().startswith("## migration-gate: 1 finding: the gate is closed")


def test_a_dash_is_standard_output(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "sarif=gate.sarif", "--output", "markdown=-", cwd=project)
    assert said.out.startswith("## migration-gate")
    assert CLOSED not in said.out
    assert json.loads((project / "gate.sarif").read_text())["version"] == "2.1.0"
    assert gate("lint", "--format", "json", "--output", "-", cwd=project).json["verdict"] == "closed"


def test_a_file_alone_takes_the_report_from_standard_output(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "report", "--output", "json=report.json", cwd=project)
    assert said.out == ""
    assert CLOSED in (project / "report").read_text()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--output", "serif=a"], "this command has no format serif, but text, json, "),
        (["--output", "dot=a"], "this command has no format dot, but text, json, "),
        (["--output", "sarif="], "it names no file"),
        (["--output", ""], "it names no file"),
        (["--output", "sarif=a", "--output", "json=a"], "another report goes there already"),
        (["--output", "sarif=-", "--output", "-"], "another report goes there already"),
    ],
)
def test_what_is_no_output_is_said_before_anything_is_judged(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args(["lint", *words])
    assert left.value.code == 2
    assert why in capsys.readouterr().err


def test_a_file_whose_name_looks_like_a_format(gate: Gate, project: Path) -> None:
    assert gate("lint", "--output", "./serif=a", cwd=project).out == ""
    assert CLOSED in (project / "serif=a").read_text()


def test_a_graph_is_folded_whole_or_absent_as_each_format_shows_it(gate: Gate, tmp_path: Path) -> None:
    links = {f"r{number}": revision(f"r{number}", "pass", f"r{number - 1}" if number else None) for number in range(50)}
    place = alembic_project(tmp_path, "None", links)
    words = [f"--output={form}=out.{form}" for form in FORMATS if form != "text"]
    said = gate("heads", *words, cwd=place)
    assert (said.status, "r49" in said.out, "r48" in said.out) == (0, True, False)
    written = {form: (place / f"out.{form}").read_text() for form in FORMATS if form != "text"}
    assert len(json.loads(written["json"])["graph"][0]["revisions"]) == 50
    assert all("46 revisions" in written[form] and "r25" not in written[form] for form in DRAWINGS)
    assert '"#8230; 48 earlier revisions"' in written["markdown"]
    assert 'name="multiple-heads" />' in written["junit"]
    assert "multiple-heads" in written["sarif"]
    assert "r25" in gate("heads", "--graph", "--format", "dot", cwd=place).out


def test_of_a_database_there_are_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["doctor", "--output", "json=a"]).output == [("json", "a")]
    for words in (["--format", "sarif"], ["--output", "junit=a"]):
        with pytest.raises(SystemExit):
            parser().parse_args(["doctor", *words])


def test_one_that_cannot_be_written_keeps_no_other_from_being(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "sarif=none/x", "--output", "json=report.json", "--exit-zero", cwd=project)
    assert said.status == 2
    assert said.err == "migration-gate: cannot write none/x: No such file or directory\n"
    assert CLOSED in said.out
    assert json.loads((project / "report.json").read_text())["verdict"] == "closed"


def test_what_cannot_judge_at_all_says_so_in_every_file(gate: Gate, project: Path) -> None:
    words = [f"--output={form}=out.{form}" for form in OF_A_VERDICT]
    said = gate("lint", *words, "gone.py", cwd=project)
    assert (said.status, said.out, said.err) == (2, "", "migration-gate: no such file: gone.py\n")
    for form in OF_A_VERDICT:
        assert "no such file: gone.py" in (project / f"out.{form}").read_text()


def test_the_plan_is_in_the_text_only_where_that_was_asked_for(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "markdown=summary.md", cwd=project)
    assert "ACCESS EXCLUSIVE" in (project / "summary.md").read_text()
    assert "ACCESS EXCLUSIVE" not in said.out
    assert "ACCESS EXCLUSIVE" in gate("lint", "--output", "markdown=summary.md", "--plan", cwd=project).out


@pytest.mark.parametrize("form", OF_A_VERDICT)
def test_every_report_shows_both_definitions_of_what_differs_and_cuts_long_ones(form: str) -> None:
    render = import_module(f"migration_gate.report.{FORMATS[form]}").render
    both = (Evidence("models", "models      numeric(12,2)"), Evidence("migrations", "migrations  numeric(10,2)"))
    said = render(Verdict(findings=(Finding("drift", "column t.c differs", remedy="paste this", evidence=both),)))
    assert re.search(r"models +numeric\(12,2\)(.|\n)*migrations +numeric\(10,2\)", said)
    assert "paste this" in said or form == "gitlab"
    long = tuple(one._replace(text=one.text * 999) for one in both)
    said = render(Verdict(findings=(Finding("drift", "column t.c differs", remedy="paste this", evidence=long),)))
    assert said.count(" characters)") == (0 if form == "json" else 2)
    assert "paste this" in said or form == "gitlab"


# ── standard output that has something else ──────────────────────────────────────────────────────────────


def test_a_dry_run_has_a_diff_to_write_and_no_report(gate: Gate, project: Path) -> None:
    said = gate("heads", "--merge", "--dry-run", "--output", "json=report.json", cwd=project)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("migration-gate: --dry-run judges nothing, and shows a diff: --output FILE takes that")
    assert json.loads((project / "report.json").read_text())["verdict"] == "not judged"


@pytest.mark.parametrize("words", [[], ["--output=json=report.json"], ["--output=-"]])
def test_where_it_has_the_suggestion_the_report_goes_to_standard_error(
    words: list[str], project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    options = parser().parse_args(["ci", "--suggest", "-", *words])
    assert emit(Verdict(findings=(Finding("drift", "m"),)), options) == 1
    said = capfd.readouterr()
    assert (said.out, CLOSED in said.err) == ("", True)
    assert Path("report.json").exists() is bool(words and "json" in words[0])


def test_what_a_program_reads_is_as_it_was_but_where_a_person_or_a_runner_sees_it(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    text = b"+::error::x\x1b[2J\xff\r\n ::error::y\n"
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    hand_out(text, "-")
    assert capfdbinary.readouterr().out == text
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hand_out(text, "-")
    assert capfdbinary.readouterr().out.decode() == "+::error::x\\x1b[2J�\n : :error::y\n"
    hand_out(text, str(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == text
