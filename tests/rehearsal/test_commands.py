"""Projects that are upgraded in a way of their own: by a command, or with another Python."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import Gate, alembic_project, revision, write
from tests.rehearsal.test_ci import CREATE, ENGINE, problem, settings

COMMAND = """
import sys
from alembic import command
from alembic.config import Config

config = Config()
config.set_main_option("script_location", "migrations")
command.{0}
"""


def test_a_command_of_the_projects_own_upgrades(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    (project / "alembic.ini").unlink()
    write(project, {"manage.py": COMMAND.format('upgrade(config, "head")')})
    settings(project, f'upgrade-command = "{sys.executable} manage.py"')
    said = gate("ci", "--format", "json", cwd=project)
    assert (said.status, said.json["problems"]) == (0, [])


def test_a_command_that_starts_another_python_is_watched_too(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("SELEKT 1")')})
    write(project, {"manage.py": COMMAND.format('upgrade(config, "head")')})
    settings(project, f"""upgrade-command = "sh -c 'exec {sys.executable} manage.py'" """)
    said = gate("ci", "--format", "json", cwd=project)
    (finding,) = said.json["findings"]
    assert (finding["rule"], finding["path"], finding["line"]) == ("upgrade-fails", "migrations/versions/a1.py", 10)


def test_a_command_that_stamps_has_rehearsed_nothing(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    write(project, {"manage.py": COMMAND.format('stamp(config, "head")')})
    settings(project, f'upgrade-command = "{sys.executable} manage.py"')
    assert "no revision ran" in problem(gate, project)


def test_a_command_that_fails_says_its_last_words(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    settings(project, f"""upgrade-command = "{sys.executable} -c 'raise SystemExit(\\"no such command\\")'" """)
    said = problem(gate, project)
    assert "ended with status 1" in said
    assert "no such command" in said


def test_a_command_that_is_not_there(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    settings(project, 'upgrade-command = "no-such-program db upgrade"')
    said = gate("ci", cwd=project)
    assert said.status == 2
    assert "cannot start `no-such-program`: No such file or directory" in said.err


def test_what_ran_has_to_be_what_was_read(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path / "checkout", ENGINE, {"a1": CREATE})
    installed = alembic_project(tmp_path / "installed", ENGINE, {"a1": CREATE})
    write(
        project,
        {"manage.py": COMMAND.format('upgrade(config, "head")').replace('"migrations"', f'"{installed}/migrations"')},
    )
    settings(project, f'upgrade-command = "{sys.executable} manage.py"')
    said = problem(gate, project)
    assert f"what ran is {installed}/migrations/versions/a1.py, not migrations/versions/a1.py" in said
    assert "pip install --editable ." in said


def test_a_command_that_upgrades_some_of_it_is_not_blamed_on_env_py(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(
        tmp_path, ENGINE, {"a1": CREATE, "b2": revision("b2", 'op.execute("SELECT 1")', down="a1")}
    )
    write(project, {"manage.py": COMMAND.format('upgrade(config, "a1")')})
    settings(project, f'upgrade-command = "{sys.executable} manage.py"')
    assert problem(gate, project) == "migrations: 1 of 2 revisions did not run: b2"


def test_a_command_is_given_the_url(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, "create_engine(context.config.attributes['url'])", {"a1": CREATE})
    manage = COMMAND.format('upgrade(config, "head")').replace(
        "command.", "config.attributes['url'] = sys.argv[1].replace('://', '+psycopg://')\ncommand."
    )
    write(project, {"manage.py": manage})
    settings(project, f'upgrade-command = "{sys.executable} manage.py {{url}}"')
    assert gate("ci", cwd=project).status == 0


def test_a_refusal_is_told_where_the_command_only_says_that_it_failed(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, 'create_engine("sqlite:///real.db")', {"a1": CREATE})
    write(project, {"manage.py": COMMAND.format('upgrade(config, "head")').replace(
        'command.upgrade(config, "head")',
        "try:\n    command.upgrade(config, 'head')\nexcept OSError:\n    sys.exit('it failed')")})  # fmt: skip
    settings(project, f'upgrade-command = "{sys.executable} manage.py"')
    assert "refused a connection to sqlite" in problem(gate, project)


def test_the_projects_python_may_be_another_one(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    python = project / "their-python"
    python.write_text(f'#!/bin/sh\necho used >> {project}/used\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    settings(project, 'python = "./their-python"')
    assert gate("ci", cwd=project).status == 0
    assert (project / "used").exists()
    settings(project, 'python = "./no-python"')
    said = gate("ci", cwd=project)
    assert said.status == 2
    assert "which the setting `python` names" in said.err
