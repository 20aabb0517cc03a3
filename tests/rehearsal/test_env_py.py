"""What env.py does: where it begins, what it leaves out, and which models it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Gate, alembic_project, revision, write
from tests.rehearsal.test_ci import CREATE, ENGINE, Example, problem, settings

MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("age", sa.Integer))
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("age", sa.Integer()))'


def with_metadata(project: Path, more: str = "") -> Path:
    """Give env.py the models of ``models.py``."""
    write(project, {"models.py": MODELS + more})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata = None", "from models import metadata as target_metadata"))
    (project / "pyproject.toml").unlink()
    return project


def test_an_env_py_that_runs_nothing(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("context.run_migrations()", "pass"))
    assert problem(gate, project) == "migrations: no revision ran. env.py ended without context.run_migrations()"


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


def test_a_folder_called_alembic_shadows_nothing(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": CREATE})
    (project / "migrations").rename(project / "alembic")
    write(project, {"alembic/__init__.py": "", "alembic.ini": "[alembic]\nscript_location = alembic\n"})
    said = gate("ci", "--format", "json", cwd=project)
    assert (said.status, said.json["problems"]) == (0, [])


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


@pytest.mark.slow
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


def test_setup_sql_runs_before_everything(tmp_path: Path, gate: Gate) -> None:
    project = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", 'op.execute("CREATE TABLE s.t (id int)")')})
    (project / "setup.sql").write_text("CREATE SCHEMA s;\n")
    assert gate("ci", cwd=project).status == 1
    settings(project, 'setup-sql = "setup.sql"')
    assert gate("ci", cwd=project).status == 0


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
