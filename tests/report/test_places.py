"""Paths as GitHub and GitLab know them, and what a finding is known by from one run to the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migration_gate.findings import Evidence, Finding
from migration_gate.report.places import fingerprints, from_root, worst_first
from tests.conftest import Gate, alembic_project, revision
from tests.under_git import BAD, Work

PLACE = "services/shop/migrations/versions/a.py"


@pytest.fixture
def monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a folder of a repository."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    work = Work(tmp_path / "repository")
    alembic_project(work.root / "services/shop", "None", {"a": revision("a", BAD)})
    work.git("init", "--quiet")
    return work.root


@pytest.mark.parametrize("start", ["", "services", "services/shop", "services/shop/migrations"])
def test_a_path_begins_at_the_repositorys_root_wherever_the_gate_is_started(
    start: str, gate: Gate, monorepo: Path
) -> None:
    words = [f"--output={form}={monorepo}/report.{form}" for form in ("sarif", "gitlab", "github", "markdown")]
    assert gate("lint", *words, cwd=monorepo / start).status == 1
    (result,) = json.loads((monorepo / "report.sarif").read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": PLACE, "uriBaseId": "%SRCROOT%"}
    (entry,) = json.loads((monorepo / "report.gitlab").read_text())
    assert entry["location"]["path"] == PLACE
    assert f"::error file={PLACE},line=10," in (monorepo / "report.github").read_text()
    assert f"<code>{PLACE}:10</code>" in (monorepo / "report.markdown").read_text()


def test_without_git_the_service_says_what_it_checked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert from_root("a.py") == "a.py"
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    assert from_root("a.py") == "shop/a.py"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "shop"))
    assert from_root("a.py") == "a.py"
    assert from_root("../a.py") == "../a.py"
    assert from_root("a\0.py") == "a\0.py"


FOUND = Finding("r", "m at line 3", "a.py", 3, "a1", end=4)
SOURCE = "# one\n# two\nop.add_column(\n  'users')\n"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(SOURCE)
    (one,) = fingerprints([FOUND])
    return one


def test_a_fingerprint_stays_when_the_line_moves(known: str) -> None:
    Path("a.py").write_text(f"# more\n\n{SOURCE}".replace("  'users'", "      'users'"))
    moved = FOUND._replace(line=5, end=6, message="m at line 5", remedy="another", evidence=(Evidence("e", "t"),))
    assert fingerprints([moved]) == [known]


@pytest.mark.parametrize("changed", [{"rule": "s"}, {"path": "b.py"}, {"revision": "b1"}, {"end": 3}])
def test_and_is_another_one_of_another_finding(changed: dict[str, str], known: str) -> None:
    Path("b.py").write_text(SOURCE)
    assert fingerprints([FOUND._replace(**changed)]) != [known]


def test_it_is_of_the_message_where_there_is_no_statement(known: str) -> None:
    one, other, same = (Finding("r", text) for text in ("m, line 3", "n, line 3", "m, line 4"))
    first, second, third = (fingerprints([finding])[0] for finding in (one, other, same))
    assert first == third != second


def test_all_of_a_run_are_different_and_the_first_of_equals_is_what_it_would_be_alone(known: str) -> None:
    first, second, third = fingerprints([FOUND, FOUND, FOUND])
    assert first == known
    assert len({first, second, third}) == 3


def test_a_name_that_is_not_utf_8_has_one() -> None:
    assert len(fingerprints([Finding("r", "m\udcff", "\udcff.py", 1)])) == 1


def test_the_worst_comes_first() -> None:
    seen = Finding("rewrites-table", "m", evidence=(Evidence("lock", "t"),))
    order = [Finding("fails-on-rows", "m"), seen, Finding("renames", "m"), Finding("drift", "m")]
    assert worst_first(order[::-1]) == order


def test_drift_stays_in_the_order_in_which_its_remedies_run() -> None:
    table, index = Finding("drift", "table t"), Finding("drift", "index i", evidence=(Evidence("models", "i (a)"),))
    assert worst_first([table, index]) == [table, index]
