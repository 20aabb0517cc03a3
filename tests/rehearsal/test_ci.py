"""What `ci` says of projects that cannot be upgraded, begin somewhere else, or are upgraded in a way of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Gate, alembic_project, revision, write

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


def test_an_env_py_that_runs_nothing(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("context.run_migrations()", "pass"))
    assert problem(gate, project) == "migrations: no revision ran. env.py ended without context.run_migrations()"


@pytest.mark.parametrize("raised", ["NotImplementedError", 'NotImplementedError("")'])
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


def test_a_migration_that_sleeps_for_ever(tmp_path: Path, gate: Gate) -> None:
    sleeper = revision("b2", "import time\ntime.sleep(3600)", down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE, "b2": sleeper})
    said = problem(gate, project, "--time-limit", "3")
    assert said.startswith("migrations did not end within 3 s: it was in revision b2 at migrations/versions/b2.py:11")


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


def test_what_env_py_never_commits_is_a_finding(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    env = project / "migrations/env.py"
    env.write_text(
        "from alembic import context\nfrom sqlalchemy import create_engine\n"
        f"with {ENGINE}.connect() as connection:\n"
        "    connection.exec_driver_sql('SELECT 1')\n"
        "    context.configure(connection=connection, target_metadata=None)\n"
        "    with context.begin_transaction():\n        context.run_migrations()\n"
    )
    said = gate("ci", "--format", "json", cwd=project)
    assert said.rules == ["upgrade-fails"]
    assert "not committed" in said.json["findings"][0]["message"]


def test_a_history_that_does_not_begin_on_an_empty_database(tmp_path: Path, gate: Gate) -> None:
    base = revision("a1", 'op.add_column("users", sa.Column("age", sa.Integer()))')
    project = alembic_project(tmp_path, ENGINE, {"a1": base})
    said = gate("ci", "--format", "json", cwd=project)
    (finding,) = said.json["findings"]
    assert finding["rule"] == "upgrade-fails"
    assert "a1 needs the table users, and no revision before it creates it" in finding["message"]
    assert 'start-from = "schema.sql"' in finding["remedy"]

    (project / "schema.sql").write_text(
        "\\restrict abc\nSET client_encoding = 'UTF8';\nCREATE TABLE public.users (id integer NOT NULL);\n\n"
        "COPY public.users (id) FROM stdin;\n1\n2\n\\.\n\n\\unrestrict abc\n"
    )
    settings(project, 'start-from = "schema.sql"')
    assert gate("ci", cwd=project).status == 0


def test_a_table_that_an_earlier_revision_creates_is_no_such_history(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(
        tmp_path,
        ENGINE,
        {"a1": revision("a1", 'op.create_table("users", sa.Column("id", sa.Integer()))\nop.drop_table("users")'),
         "b2": revision("b2", 'op.add_column("users", sa.Column("age", sa.Integer()))', down="a1")},
    )  # fmt: skip
    (finding,) = gate("ci", "--format", "json", cwd=project).json["findings"]
    assert 'relation "users" does not exist' in finding["message"]
    assert "does not begin" not in finding["message"]


def test_a_dump_that_fails_names_its_line(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    (project / "schema.sql").write_text("CREATE TABLE a (id int);\n\nCREATE TABLE b (id nonsense);\n")
    settings(project, 'start-from = "schema.sql"')
    said = gate("ci", cwd=project)
    assert said.status == 2
    assert 'schema.sql:3, which the settings name, fails: type "nonsense" does not exist' in said.err


MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("age", sa.Integer))
"""


def test_a_history_that_begins_with_create_all(tmp_path: Path, gate: Gate) -> None:
    revisions = {
        "a1": revision("a1", 'op.add_column("users", sa.Column("age", sa.Integer()))'),
        "b2": revision("b2", 'op.execute("COMMENT ON TABLE users IS NULL")', down="a1"),
    }
    project = alembic_project(tmp_path, ENGINE, revisions, before="from models import metadata")
    write(project, {"models.py": MODELS})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata = None", "target_metadata = metadata"))
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nstart-from = "create_all"\nstart-at = "a1"\n')
    said = gate("ci", "--format", "json", cwd=project)
    assert (said.status, said.json["findings"], said.json["problems"]) == (0, [], [])


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


def test_models_without_metadata_are_not_judged(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    (project / "pyproject.toml").unlink()
    said = problem(gate, project)
    assert "env.py has no target_metadata" in said
    assert 'ignore = ["drift"]' in said


def test_an_env_py_that_leaves_tables_out(tmp_path: Path, gate: Gate) -> None:
    revisions = {"a1": revision("a1", USERS + '\nop.execute("CREATE TABLE t (id int)")')}
    project = with_metadata(alembic_project(tmp_path, ENGINE, revisions))
    said = gate("ci", "--format", "json", cwd=project)
    assert [one["message"] for one in said.json["findings"]] == [
        "table `t` is made by the migrations and is not in the models"
    ]
    env = project / "migrations/env.py"
    env.write_text(
        env.read_text().replace(
            "target_metadata=target_metadata",
            "target_metadata=target_metadata, include_object=lambda thing, name, *_: name != 't'",
        )
    )
    assert gate("ci", cwd=project).status == 0


def test_models_that_env_py_does_not_import_are_one_reason_and_not_a_finding_for_each_table(
    tmp_path: Path, gate: Gate
) -> None:
    project = with_metadata(alembic_project(tmp_path, ENGINE, {"a1": CREATE}))
    (project / "models.py").write_text("import sqlalchemy as sa\nmetadata = sa.MetaData()\n")
    assert "target_metadata has 0 tables, and the migrations make 1 more: env.py imports few" in problem(gate, project)


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


def test_a_folder_called_alembic_shadows_nothing(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    (project / "migrations").rename(project / "alembic")
    write(project, {"alembic/__init__.py": "", "alembic.ini": "[alembic]\nscript_location = alembic\n"})
    said = gate("ci", "--format", "json", cwd=project)
    assert (said.status, said.json["problems"]) == (0, [])


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


def with_metadata(project: Path, more: str = "") -> Path:
    """Give env.py the models of ``models.py``."""
    write(project, {"models.py": MODELS + more})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata = None", "from models import metadata as target_metadata"))
    (project / "pyproject.toml").unlink()
    return project


USERS = 'op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("age", sa.Integer()))'


def test_models_that_an_application_loads_after_upgrading_itself_are_compared(example: Example, gate: Gate) -> None:
    project = example("shop")
    package = project / "shop/__init__.py"
    package.write_text(
        package.read_text().replace(
            "    return app\n",
            "    from flask_migrate import upgrade\n"
            "    with app.app_context():\n        upgrade()\n"
            "    db.Table('late', db.Column('id', db.Integer, primary_key=True))\n"
            "    return app\n",
        )
    )
    said = gate("ci", "--format", "json", cwd=project)
    assert [one["message"] for one in said.json["findings"]] == ["table `late` is in the models and in no migration"]


def test_a_dump_that_stands_at_head_is_compared_all_the_same(tmp_path: Path, gate: Gate) -> None:
    more = "sa.Table('extra', metadata, sa.Column('id', sa.Integer, primary_key=True))\n"
    project = with_metadata(alembic_project(tmp_path, ENGINE, {"a1": revision("a1", USERS)}), more)
    (project / "schema.sql").write_text("CREATE TABLE users (id serial PRIMARY KEY, age int);\n")
    for head in ("a1", "head"):
        table = f'[tool.migration-gate]\nstart-from = "schema.sql"\nstart-at = "{head}"\n'
        (project / "pyproject.toml").write_text(table)
        said = gate("ci", "--format", "json", cwd=project)
        assert said.json["problems"] == []
        assert [one["message"] for one in said.json["findings"]] == [
            "table `extra` is in the models and in no migration"
        ]


def test_a_dump_without_a_revision_says_that_one_has_to_be_named(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", USERS)})
    (project / "schema.sql").write_text("CREATE TABLE users (id serial PRIMARY KEY, age int);\n")
    settings(project, 'start-from = "schema.sql"')
    (finding,) = gate("ci", "--format", "json", cwd=project).json["findings"]
    assert 'relation "users" already exists' in finding["message"]
    assert "has no row in Alembic's version table" in finding["message"]
    assert 'start-at = "…"' in finding["remedy"]


def test_tables_that_env_py_makes_by_create_all_are_noted(tmp_path: Path, gate: Gate) -> None:
    project = with_metadata(alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("SELECT 1")')}))
    env = project / "migrations/env.py"
    env.write_text(
        env.read_text().replace(
            "    context.configure", "    target_metadata.create_all(connectable)\n    context.configure"
        )
    )
    said = gate("ci", "--format", "json", cwd=project)
    assert said.status == 0
    assert any(
        "1 table was there before the first revision ran (users)" in one["message"] for one in said.json["notes"]
    )


def test_exit_zero_opens_the_gate_on_findings_and_never_on_what_was_not_judged(tmp_path: Path, gate: Gate) -> None:
    add = revision("b2", 'op.add_column("t", sa.Column("a", sa.Integer(), nullable=False))', down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE, "b2": add})
    assert gate("ci", cwd=project).status == 1
    assert gate("ci", "--exit-zero", cwd=project).status == 0
    env = project / "migrations/env.py"
    env.write_text("raise RuntimeError('no')\n" + env.read_text())
    assert gate("ci", "--exit-zero", cwd=project).status == 2


def test_setup_sql_runs_before_everything(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("CREATE TABLE s.t (id int)")')})
    (project / "setup.sql").write_text("CREATE SCHEMA s;\n")
    assert gate("ci", cwd=project).status == 1
    settings(project, 'setup-sql = "setup.sql"')
    assert gate("ci", cwd=project).status == 0


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


def test_rules_that_are_off_make_no_green_of_what_was_not_judged(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("SELEKT 1")')})
    settings(project, "")
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nignore = ["drift", "upgrade-fails"]\n')
    assert "so nothing after it was judged" in problem(gate, project)
    (project / "migrations/versions/a1.py").write_text("def (")
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nignore = ["drift", "unreadable-revision"]\n')
    assert "not rehearsed, because Alembic cannot load" in problem(gate, project)


def test_a_slip_in_a_tables_name_is_not_taken_for_another_beginning(tmp_path: Path, gate: Gate) -> None:
    slip = revision("b2", 'op.create_index("ix", "userz", ["age"])', down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", USERS), "b2": slip})
    found = gate("ci", "--format", "json", cwd=project).json["findings"]
    (finding,) = [one for one in found if one["rule"] == "upgrade-fails"]
    assert finding["message"].endswith("No revision before it creates userz; the nearest that one does is users.")
    assert finding["remedy"] is None


def test_an_enum_that_nobody_makes_comes_with_the_call_that_makes_it(tmp_path: Path, gate: Gate) -> None:
    column = 'sa.Column("mood", sa.Enum("glad", "sad", name="mood"))'
    adds = revision("b2", f'op.add_column("users", {column})', down="a1")
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", USERS), "b2": adds})
    (finding,) = gate("ci", "--format", "json", cwd=project).json["findings"]
    assert 'type "mood" does not exist' in finding["message"]
    making = finding["remedy"].splitlines()[0].replace('"…"', '"glad", "sad"')
    mended = revision("b2", f'{making}\nop.add_column("users", {column})', down="a1")
    (project / "migrations/versions/b2.py").write_text(mended)
    assert gate("ci", cwd=project).status == 0


def test_the_remedies_for_drift_run_in_the_order_in_which_they_are_said(tmp_path: Path, gate: Gate) -> None:
    models = """
bosses = sa.Table("bosses", metadata, sa.Column("id", sa.Integer, primary_key=True))
users.append_column(sa.Column("boss_id", sa.ForeignKey("bosses.id"), index=True))
users.append_column(sa.Column("mood", sa.Enum("glad", "sad", name="mood")))
"""
    project = with_metadata(alembic_project(tmp_path, ENGINE, {"a1": revision("a1", USERS)}), models)
    said = gate("ci", "--format", "json", cwd=project)
    calls = [one["remedy"].split("by hand, in a new revision:\n")[1] for one in said.json["findings"]]
    (project / "migrations/versions/b2.py").write_text(revision("b2", "\n".join(calls), down="a1"))
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nselect = ["upgrade-fails", "drift"]\n')
    assert gate("ci", cwd=project).status == 0, calls
