"""--format and --output: which report goes where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migration_gate.cli import parser
from migration_gate.report import FORMATS
from tests.conftest import Gate, alembic_project, revision
from tests.under_git import BAD

CLOSED = "1 finding: the gate is closed."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return alembic_project(tmp_path, "None", {"a": revision("a", BAD)})


def test_each_output_adds_a_report_and_the_text_is_still_there(gate: Gate, project: Path) -> None:
    said = gate("lint", *(f"--output={form}=out.{form}" for form in FORMATS), cwd=project)
    assert said.status == 1
    assert CLOSED in said.out
    for form in FORMATS:
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
        (["--output", "serif=a"], "no format is called serif: text, json, "),
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


def test_one_that_cannot_be_written_keeps_no_other_from_being(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "sarif=none/x", "--output", "json=report.json", "--exit-zero", cwd=project)
    assert said.status == 2
    assert said.err == "migration-gate: cannot write none/x: No such file or directory\n"
    assert CLOSED in said.out
    assert json.loads((project / "report.json").read_text())["verdict"] == "closed"


def test_what_cannot_judge_at_all_says_so_in_every_file(gate: Gate, project: Path) -> None:
    words = [f"--output={form}=out.{form}" for form in FORMATS]
    said = gate("lint", *words, "gone.py", cwd=project)
    assert (said.status, said.out, said.err) == (2, "", "migration-gate: no such file: gone.py\n")
    for form in FORMATS:
        assert "no such file: gone.py" in (project / f"out.{form}").read_text()


def test_the_plan_is_in_the_text_only_where_that_was_asked_for(gate: Gate, project: Path) -> None:
    said = gate("lint", "--output", "markdown=summary.md", cwd=project)
    assert "ACCESS EXCLUSIVE" in (project / "summary.md").read_text()
    assert "ACCESS EXCLUSIVE" not in said.out
    assert "ACCESS EXCLUSIVE" in gate("lint", "--output", "markdown=summary.md", "--plan", cwd=project).out
