"""What `ci` says of projects that cannot be upgraded, and when it may say that the gate is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Gate, alembic_project, often, revision

ENGINE = 'create_engine("postgresql+psycopg://app@db.internal/app")'
Example = Callable[[str], Path]


def settings(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f'[tool.migration-gate]\nignore = ["drift"]\n{text}\n')


def problem(gate: Gate, project: Path, *words: str) -> str:
    """The one line that says why the gate could not judge."""
    said = gate("ci", "--format", "json", *words, cwd=project)
    assert (said.status, said.json["verdict"], said.json["findings"]) == (2, "not judged", [])
    (one,) = said.json["problems"]
    assert "\n" not in one
    assert "Traceback" not in said.out + said.err
    return str(one)


CREATE = revision("a1", 'op.execute("CREATE TABLE t (id int)")')


def test_an_env_py_that_raises(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before='raise ValueError("no such tenant")')
    assert problem(gate, project).startswith(
        "migrations cannot be upgraded: ValueError: no such tenant (migrations/env.py:5)"
    )


def test_an_env_py_that_needs_a_variable(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before='import os\nos.environ["SHOP_URL"]')
    said = problem(gate, project)
    assert "KeyError: 'SHOP_URL' (migrations/env.py:6)" in said
    assert 'under [tool.migration-gate]: environment = { SHOP_URL = "{url}" }' in said
    settings(project, 'environment = { SHOP_URL = "{url}" }')
    assert gate("ci", cwd=project).status == 0


def test_an_env_py_that_calls_sys_exit(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before="import sys\nsys.exit(0)")
    assert problem(gate, project) == (
        "migrations: the project's code called sys.exit(0) before the upgrade had ended (migrations/env.py:6)"
    )


def test_an_env_py_that_ends_the_process(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before="import os\nos._exit(0)")
    assert "no revision ran" in problem(gate, project)


@pytest.mark.parametrize("raised", often(["NotImplementedError", 'NotImplementedError("")']))
def test_an_exception_without_words_is_named_once(raised: str, tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", f"raise {raised}")})
    (finding,) = gate("ci", "--format", "json", cwd=project).json["findings"]
    assert finding["message"] == "a1 fails: NotImplementedError"


def test_a_sentence_ends_with_one_full_stop(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before='raise ValueError("see the documentation.")')
    assert problem(gate, project) == (
        "migrations cannot be upgraded: ValueError: see the documentation (migrations/env.py:5)."
    )


def test_an_env_py_with_a_syntax_error(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before="def (")
    assert "SyntaxError" in problem(gate, project)


def test_a_module_that_is_not_installed(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before="import shop_of_nobody")
    said = problem(gate, project)
    assert "No module named 'shop_of_nobody'" in said
    assert "pip install --editable ." in said


@pytest.mark.slow
def test_a_migration_that_sleeps_for_ever(tmp_path: Path, gate: Gate) -> None:
    sleeper = revision("b2", "import time\ntime.sleep(3600)", down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE, "b2": sleeper})
    said = problem(gate, project, "--time-limit", "3")
    assert said.startswith("migrations did not end within 3 s: it was in revision b2 at migrations/versions/b2.py:11")


@pytest.mark.slow
def test_a_migration_that_waits_for_a_lock_of_its_own(tmp_path: Path, gate: Gate) -> None:
    body = """
engine = sa.create_engine("postgresql+psycopg://app@db.internal/app")
op.execute("LOCK TABLE t")
with engine.connect() as other:
    other.execute(sa.text("SELECT * FROM t"))
"""
    project = alembic_project(
        tmp_path, ENGINE, {"a1": CREATE, "b2": revision("b2", body, down="a1")}, before="import sqlalchemy as sa"
    )
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("=target_metadata)", "=target_metadata, transaction_per_migration=True)"))
    assert "in revision b2 at migrations/versions/b2.py:13" in problem(gate, project, "--time-limit", "4")


def test_a_wrong_password_of_an_external_server_is_not_shown(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    said = gate("ci", "--postgres", "postgresql://app:hunter2@127.0.0.1:1/app", cwd=project)
    assert said.status == 2
    assert "hunter2" not in said.out + said.err


def test_a_url_in_an_error_loses_its_password(tmp_path: Path, gate: Gate) -> None:
    before = 'raise RuntimeError("cannot reach postgresql://app:hunter2@db.internal/app")'
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE}, before=before)
    said = problem(gate, project)
    assert "postgresql://app:***@db.internal/app" in said


def test_a_module_that_a_flask_app_lacks_is_named(example: Example, gate: Gate) -> None:
    project = example("shop")
    (project / ".flaskenv").unlink()
    (project / "wsgi.py").write_text("import stripe_of_nobody\n")
    said = problem(gate, project)
    assert "While importing 'wsgi', an ImportError was raised: " in said
    assert "No module named 'stripe_of_nobody'." in said
    assert "pip install --editable ." in said


def test_a_flask_project_without_an_app_says_how_to_name_it(example: Example, gate: Gate) -> None:
    project = example("shop")
    (project / ".flaskenv").unlink()
    said = problem(gate, project)
    assert "Flask finds no application" in said
    assert 'flask-app = "shop:create_app"' in said
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nflask-app = "shop:create_app"\n')
    assert gate("ci", cwd=project).status == 0


@pytest.mark.parametrize("word", ["docker", "embedded", "local"])
def test_naming_a_kind_of_server_that_is_not_one(word: str, tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    said = gate("ci", "--postgres", word + "s", cwd=project)
    assert said.status == 2
    assert "cannot read the choice of PostgreSQL" in said.err


def test_exit_zero_opens_the_gate_on_findings_and_never_on_what_was_not_judged(tmp_path: Path, gate: Gate) -> None:
    add = revision("b2", 'op.add_column("t", sa.Column("a", sa.Integer(), nullable=False))', down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE, "b2": add})
    assert gate("ci", cwd=project).status == 1
    assert gate("ci", "--exit-zero", cwd=project).status == 0
    env = project / "migrations/env.py"
    env.write_text("raise RuntimeError('no')\n" + env.read_text())
    assert gate("ci", "--exit-zero", cwd=project).status == 2


def test_rules_that_are_off_make_no_green_of_what_was_not_judged(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("SELEKT 1")')})
    settings(project, "")
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nignore = ["drift", "upgrade-fails"]\n')
    assert "so nothing after it was judged" in problem(gate, project)
    (project / "migrations/versions/a1.py").write_text("def (")
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nignore = ["drift", "unreadable-revision"]\n')
    assert "not rehearsed, because Alembic cannot load" in problem(gate, project)
