"""migration-gate lint, from the command line to the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Gate, alembic_project, revision, write

BAD = 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))'
RULE = "not-null-without-default"
A, B, C = (f"migrations/versions/{name}.py" for name in "abc")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three revisions in a line: the second and third are bad."""
    return alembic_project(
        tmp_path,
        "None",
        {"a": revision("a", "pass"), "b": revision("b", BAD, down="a"), "c": revision("c", BAD, down="b")},
    )


def settings(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.migration-gate]\n{text}\n")


def judged(gate: Gate, project: Path, *words: str) -> list[str]:
    """The files that findings of the operations' rule name."""
    said = gate("lint", "--format", "json", *words, cwd=project)
    assert {one["rule"] for one in said.json["findings"]} <= {RULE}
    assert said.status == (1 if said.json["findings"] else 0)
    return [one["path"] for one in said.json["findings"]]


# ── which files ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_files_every_revision_is_judged(gate: Gate, project: Path):
    assert judged(gate, project) == [B, C]


@pytest.mark.parametrize(("files", "found"), [([A], []), ([B], [B]), ([A, C], [C]), ([B, C], [B, C])])
def test_files_choose_what_is_judged(files: list[str], found: list[str], gate: Gate, project: Path):
    assert judged(gate, project, *files) == found


def test_the_graph_stays_whole_whatever_files_are_chosen(gate: Gate, project: Path):
    write(project, {"migrations/versions/d.py": revision("d", "pass", down="a")})
    said = gate("lint", "--format", "json", A, cwd=project)
    assert said.rules == ["multiple-heads"]


def test_a_file_may_be_named_in_any_way(gate: Gate, project: Path):
    assert judged(gate, project, str(project / B)) == [B]
    assert judged(gate, project, f"./migrations/../{B}") == [B]
    (project / "link.py").symlink_to(project / B)
    assert judged(gate, project, "link.py") == [B]


def test_paths_are_relative_to_where_the_gate_was_started(gate: Gate, project: Path):
    said = gate("lint", "--format", "json", "versions/b.py", cwd=project / "migrations")
    assert [one["path"] for one in said.json["findings"]] == ["versions/b.py"]
    elsewhere = project / "tools"
    elsewhere.mkdir()
    said = gate("lint", "--format", "json", "--project", "../migrations", cwd=elsewhere)
    assert [one["path"] for one in said.json["findings"]] == [f"../{B}", f"../{C}"]


def test_a_version_folder_behind_a_link_is_judged(gate: Gate, project: Path):
    (project / "migrations/versions").rename(project / "kept")
    (project / "migrations/versions").symlink_to(project / "kept")
    said = gate("lint", "--format", "json", B, cwd=project)
    assert said.rules == [RULE]


@pytest.mark.parametrize(
    "name", ["README.md", "shop/models.py", "migrations/env.py", "migrations/versions/__init__.py"]
)
def test_a_file_that_is_no_revision_is_passed_over(name: str, gate: Gate, project: Path):
    write(project, {name: "x = 1\n"})
    assert judged(gate, project, name) == []


def test_a_syntax_error_counts_in_a_chosen_file(gate: Gate, project: Path):
    write(project, {B: revision("b", "if", down="a")})
    said = gate("lint", "--format", "json", B, cwd=project)
    assert "unreadable-revision" in said.rules


@pytest.mark.parametrize("folder", ["migrations/versions", "migrations/versions/", "migrations", "."])
def test_a_folder_stands_for_the_files_below_it(folder: str, gate: Gate, project: Path):
    assert judged(gate, project, folder) == [B, C]
    assert judged(gate, project, folder, A) == [B, C]


def test_a_folder_stands_for_no_other_files(gate: Gate, project: Path):
    write(project, {"alembic.ini": "[alembic]\nscript_location = migrations\nrecursive_version_locations = true\n"})
    (project / "migrations/versions/2026").mkdir()
    (project / C).rename(project / "migrations/versions/2026/c.py")
    assert judged(gate, project, "migrations/versions/2026") == ["migrations/versions/2026/c.py"]


def test_a_folder_is_entered_through_links_and_once(gate: Gate, project: Path):
    (project / "migrations/versions").rename(project / "kept")
    (project / "migrations/versions").symlink_to(project / "kept")
    (project / "migrations/again").symlink_to(project / "migrations")
    assert judged(gate, project, "migrations") == ["kept/b.py", "kept/c.py"]


@pytest.mark.parametrize("files", [{}, {"old/x.py": revision("x", BAD)}, {"old/models.py": "x = 1\n"}])
def test_a_folder_without_a_revision_is_no_pass(files: dict[str, str], gate: Gate, project: Path):
    (project / "old").mkdir()
    write(project, files)
    said = gate("lint", "--format", "json", "old", A, cwd=project)
    assert said.status == 2
    (problem,) = said.json["problems"]
    assert problem.startswith("no revisions below old: ")


# ── exit 2: it could not judge ───────────────────────────────────────────────────────────────────────────


def refused(gate: Gate, project: Path, *words: str) -> str:
    said = gate("lint", *words, cwd=project)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("migration-gate: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("name", ["gone.py", "migrations/versions/gone.py", "a\nb.py", "größe.py"])
def test_a_file_that_is_not_there(name: str, gate: Gate, project: Path):
    said = gate("lint", A, name, cwd=project)
    assert (said.status, said.out) == (2, "")
    assert "no such file" in said.err


def test_a_revision_of_no_project(gate: Gate, project: Path):
    write(project, {"old/versions/x.py": revision("x", BAD)})
    said = gate("lint", "--format", "json", "old/versions/x.py", cwd=project)
    assert said.status == 2
    (problem,) = said.json["problems"]
    assert problem.startswith("old/versions/x.py looks like a revision, and no project holds it.")


def test_a_revision_of_a_folder_that_settings_leave_out_is_passed_over(gate: Gate, project: Path):
    settings(project, 'exclude = ["old/*"]')
    write(project, {"old/versions/x.py": revision("x", BAD)})
    assert judged(gate, project, "old/versions/x.py") == []


def test_a_finding_weighs_more_than_a_file_that_nobody_judged(gate: Gate, project: Path):
    write(project, {"old/versions/x.py": revision("x", BAD)})
    assert gate("lint", B, "old/versions/x.py", cwd=project).status == 1


def test_no_project(gate: Gate, tmp_path: Path):
    assert "no migrations found" in refused(gate, tmp_path)


def test_a_project_without_revisions(gate: Gate, tmp_path: Path):
    assert "no revisions in migrations/versions" in refused(gate, alembic_project(tmp_path, "None", {}))


@pytest.mark.parametrize("key", ["select", "ignore"])
@pytest.mark.parametrize(
    ("rule", "hint"), [("multiple-head", "did you mean multiple-heads?"), ("zzz", "The rules are multiple-heads, ")]
)
def test_an_unknown_rule_in_settings_gets_the_nearest(key: str, rule: str, hint: str, gate: Gate, project: Path):
    settings(project, f'{key} = "{rule}"')
    said = refused(gate, project)
    assert f"names the rule {rule!r}, which is not one" in said
    assert hint in said


def test_an_unknown_rule_in_settings_is_no_pass_where_nothing_is_judged(gate: Gate, project: Path):
    settings(project, 'select = "zzz"')
    assert "zzz" in refused(gate, project, A)


@pytest.mark.parametrize("words", [["--format", "yaml"], ["--nonsense"]])
def test_usage(words: list[str], gate: Gate, project: Path):
    with pytest.raises(SystemExit) as left:
        gate("lint", *words, cwd=project)
    assert left.value.code == 2


@pytest.mark.parametrize("name", ["none/report.txt", ".", "migrations"])
def test_a_report_that_cannot_be_written(name: str, gate: Gate, project: Path):
    assert refused(gate, project, "--output", name).startswith(f"migration-gate: cannot write {name}: ")


@pytest.mark.parametrize("words", [["--output", "migrations"], ["gone.py"], ["--project", "gone"]])
def test_exit_zero_opens_no_gate_that_could_not_judge(words: list[str], gate: Gate, project: Path):
    assert gate("lint", "--exit-zero", *words, cwd=project).status == 2


# ── settings and options ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("start", "found"), [("a", [B, C]), ("b", [C]), ("c", [])])
def test_only_what_comes_after_start_after_is_judged(start: str, found: list[str], gate: Gate, project: Path):
    settings(project, f'start-after = "{start}"')
    assert judged(gate, project) == found
    assert judged(gate, project, A, B, C) == found


def test_start_after_may_be_abbreviated(gate: Gate, tmp_path: Path):
    project = alembic_project(tmp_path, "None", {"a": revision("a1b2c3d4", BAD)})
    settings(project, 'start-after = "a1b2"')
    assert judged(gate, project) == []


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("gone", ": no revision of migrations"),
        ("ab", ": the beginning of several revisions of migrations, abc1, abd2"),
        ("head", ", which every new revision becomes, so that none would ever be judged: name the revision that it is"),
        ("heads", ""),
    ],
)
def test_start_after_that_names_no_revision_is_refused(start: str, why: str, gate: Gate, tmp_path: Path):
    project = alembic_project(
        tmp_path, "None", {"a": revision("abc1", "pass"), "b": revision("abd2", "pass", down="abc1")}
    )
    settings(project, f'start-after = "{start}"')
    assert f"start-after names {start!r}{why}" in refused(gate, project)


def test_a_table_that_another_new_revision_made_is_new(gate: Gate, tmp_path: Path):
    create = 'op.create_table("users", sa.Column("id", sa.Integer()))'
    project = alembic_project(
        tmp_path,
        "None",
        {"a": revision("a", "pass"), "b": revision("b", create, down="a"), "c": revision("c", BAD, down="b")},
    )
    settings(project, 'start-after = "a"')
    assert judged(gate, project) == []
    settings(project, 'start-after = "b"')
    assert judged(gate, project) == [C]


def test_select_and_ignore(gate: Gate, project: Path):
    settings(project, f'select = ["{RULE}"]')
    assert judged(gate, project) == [B, C]
    settings(project, f'ignore = ["{RULE}"]')
    assert judged(gate, project) == []
    settings(project, 'select = ["multiple-heads"]')
    assert judged(gate, project) == []


def test_exit_zero_reports_and_leaves_the_gate_open(gate: Gate, project: Path):
    said = gate("lint", "--exit-zero", cwd=project)
    assert said.status == 0
    assert "2 findings: the gate is closed." in said.out


def test_the_report_goes_to_a_file(gate: Gate, project: Path):
    said = gate("lint", "--format", "json", "--output", "report.json", cwd=project)
    assert (said.status, said.out) == (1, "")
    assert json.loads((project / "report.json").read_text())["verdict"] == "closed"


@pytest.mark.parametrize("form", ["text", "github"])
def test_a_file_name_that_is_not_utf_8_is_reported(form: str, gate: Gate, project: Path):
    os.rename(os.fsencode(project / B), os.fsencode(project / "migrations/versions") + b"/b\xff.py")
    assert gate("lint", "--format", form, "--output", "report", cwd=project).status == 1
    assert RULE in (project / "report").read_text(errors="replace")


@pytest.mark.parametrize(("body", "status"), [("pass", 0), (BAD, 1), ('op.execute("nonsense")', 0)])
def test_the_exit_status_of_the_command(body: str, status: int, tmp_path: Path):
    project = alembic_project(tmp_path, "None", {"a": revision("a", body)})
    done = subprocess.run([sys.executable, "-m", "migration_gate", "lint"], cwd=project, capture_output=True)
    assert (done.returncode, done.stderr) == (status, b"")


def test_what_is_not_read_is_a_note_with_its_place(gate: Gate, tmp_path: Path):
    project = alembic_project(tmp_path, "None", {"a": revision("a", 'op.execute("nonsense")')})
    (note,) = gate("lint", "--format", "json", cwd=project).json["notes"]
    assert (note["path"], note["line"]) == (A, 10)
    assert note["message"].startswith("not read: PostgreSQL cannot parse this SQL: syntax error")
    assert "1 of them SQL that PostgreSQL cannot parse" in gate("lint", cwd=project).out


def test_the_summary_counts_what_was_read(gate: Gate, project: Path):
    write(project, {A: revision("a", 'op.execute("nonsense")\nop.execute("SELECT 1")')})
    last = gate("lint", cwd=project).out.splitlines()[-1]
    assert "3 revisions, 3 judged (each as if it alone were new) · 3 operations read, 1 not · " in last


# ── what it leaves alone ─────────────────────────────────────────────────────────────────────────────────

LOADED = """
import sys
from migration_gate.cli import main
status = main(["lint"])
print(status, sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "body", ["pass", BAD, 'op.execute("ALTER TABLE users ADD phone text NOT NULL")'], ids=["nothing", "Python", "SQL"]
)
def test_lint_imports_and_runs_nothing_of_the_project(body: str, tmp_path: Path):
    project = alembic_project(
        tmp_path, "None", {"a": revision("a", body)}, before='open("ran", "w")\nimport flask, sqlalchemy'
    )
    path = project / A
    path.write_text(path.read_text() + '\nopen("ran", "w")\n')
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=project, capture_output=True, text=True)
    status, _, modules = done.stderr.partition(" ")
    assert status == str(int(body != "pass")), done.stderr
    for name in ("alembic", "sqlalchemy", "flask", "flask_migrate", "psycopg", "testcontainers", "rich"):
        assert f"'{name}'" not in modules
    assert ("'pgparse'" in modules) is ("ALTER" in body)
    assert not (project / "ran").exists()
    assert sorted(one.name for one in project.rglob("*") if one.name.endswith(".pyc")) == []


def test_a_folder_without_migrations_stands_for_its_repository(tmp_path: Path, gate: Gate):
    alembic_project(tmp_path, "None", {"a1": revision("a1", 'op.execute("SELECT 1")')})
    (tmp_path / "app").mkdir()
    assert gate("lint", cwd=tmp_path / "app").status == 2
    (tmp_path / ".git").mkdir()
    said = gate("lint", cwd=tmp_path / "app")
    assert (said.status, "1 revision" in said.out) == (0, True)


@pytest.mark.parametrize("name", ["migration_gate", "migrationgate"])
def test_a_table_of_settings_by_another_name_is_told(name: str, tmp_path: Path, gate: Gate):
    alembic_project(tmp_path, "None", {"a1": revision("a1", 'op.execute("SELECT 1")')})
    (tmp_path / "pyproject.toml").write_text(f'[tool.{name}]\nstart-after = "a1"\n')
    said = gate("lint", cwd=tmp_path)
    assert said.status == 2
    assert f"[tool.{name}], which nobody reads" in said.err


def test_one_table_of_settings_may_name_the_shipped_revisions_of_several_projects(tmp_path: Path, gate: Gate):
    hazard = 'op.add_column("t", sa.Column("a", sa.Text(), nullable=False))'
    for name in ("one", "two"):
        alembic_project(tmp_path / name, "None", {"a": revision(f"{name}1", hazard)})
        (tmp_path / name / "pyproject.toml").unlink()
    said = gate("lint", cwd=tmp_path)
    assert said.status == 1
    line = next(word for word in said.out.splitlines() if "start-after = " in word)
    listed = line.partition("start-after = ")[2].partition("]")[0] + "]"
    (tmp_path / "pyproject.toml").write_text(f"[tool.migration-gate]\nstart-after = {listed}\n")
    assert gate("lint", cwd=tmp_path).status == 0
    (tmp_path / "pyproject.toml").write_text('[tool.migration-gate]\nstart-after = ["one1"]\n')
    said = gate("lint", cwd=tmp_path)
    assert (said.status, "start-after names 'one1': no revision of two" in said.err) == (2, True)


@pytest.mark.parametrize("words", [["lint"], ["heads"], ["lint", "--format", "json", "gone.py"], ["explain"]])
def test_a_full_disk_is_one_line_and_no_verdict(words: list[str], project: Path):
    with open("/dev/full", "wb") as full:
        gate = [sys.executable, "-m", "migration_gate", *words]
        done = subprocess.run(gate, cwd=project, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("words", [["lint"], ["heads"], ["lint", A], ["lint", "migrations/versions/pipe.py"]])
def test_a_pipe_among_the_revisions_is_not_opened(words: list[str], gate: Gate, project: Path):
    os.mkfifo(project / "migrations/versions/pipe.py")
    said = gate(*words, "--format", "json", cwd=project)
    (one,) = [one for one in said.json["findings"] if one["rule"] == "unreadable-revision"]
    assert (one["path"], said.status) == ("migrations/versions/pipe.py", 1)
    assert "pipe.py is no file" in one["message"]


def test_a_dangling_link_is_named_and_what_it_leads_to(gate: Gate, project: Path):
    (project / "migrations/versions/d.py").symlink_to("/no/such/place.py")
    (one,) = gate("heads", "--format", "json", cwd=project).json["findings"]
    assert one["path"] == "migrations/versions/d.py"
    assert "d.py is a link to /no/such/place.py, which cannot be read: No such file or directory" in one["message"]


def test_findings_come_by_line_whatever_rule_they_are_of(gate: Gate, tmp_path: Path):
    body = f'op.create_index("i", "users", ["name"])\n{BAD}\nop.drop_table("users")'
    project = alembic_project(tmp_path, "None", {"a": revision("a", body), "b": revision("b", "pass")})
    found = gate("lint", "--format", "json", cwd=project).json["findings"]
    assert [(one["rule"], one["line"]) for one in found] == [
        ("multiple-heads", 6),
        ("index-without-concurrently", 10),
        (RULE, 11),
        ("drops-in-use", 12),
    ]
