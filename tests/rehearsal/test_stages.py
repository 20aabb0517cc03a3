"""The rehearsal, whole: `migration-gate ci` on new revisions after a history that has shipped, stage by stage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Gate, Said, often
from tests.rules.watch import SHIPPED, project
from tests.under_git import Work

ENV = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://app@db.internal/app")
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
SETTINGS = f'[tool.migration-gate]\nstart-after = "{SHIPPED}"\nignore = ["drift"]\n'
MOOD = """
def upgrade():
    op.create_table("cats", sa.Column("mood", sa.Enum("glad", "sad", name="mood")))


def downgrade():
    op.drop_table("cats")
"""
HALF = """
def upgrade():
    op.add_column("users", sa.Column("phone", sa.Text()))
    with op.get_context().autocommit_block():
        op.create_index("ix_users_phone", "users", ["phone"], postgresql_concurrently=True)


def downgrade():
    op.drop_column("users", "phone")
"""
WHOLE = """
def upgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_users_age", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_age", "users", ["age"], postgresql_concurrently=True)


def downgrade():
    op.drop_index("ix_users_age", "users")
"""
ADD = """
def upgrade():
    op.add_column("users", sa.Column("phone", sa.Text()))


def downgrade():
    op.drop_column("users", "phone")
"""


def rehearse(folder: Path, gate: Gate, *bodies: str, settings: str = "") -> Said:
    place = project(folder / "repository", *bodies)
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS + settings)
    return gate("ci", "--format", "json", cwd=place)


def found(said: Said, rule: str) -> list[dict[str, Any]]:
    return [one for one in said.json["findings"] if one["rule"] == rule]


def test_what_is_well_passes_every_stage(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", ADD, WHOLE)
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS)
    said = gate("ci", cwd=place)
    assert said.status == 0, said.out
    lines = [line.strip() for line in said.out.splitlines()]
    for stage in (
        "✓ rows      the new revisions pass on 10 tables with rows",
        "✓ locks     3 statements watched, none makes traffic wait for work",
        "✓ back      2 revisions down and up again, same schema",
        "✓ half-way  stopped at 1 place and run again, same schema",
    ):
        assert stage in lines, said.out


def test_postgresql_confirms_what_reading_says(tmp_path: Path, gate: Gate) -> None:
    said = rehearse(tmp_path, gate, 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))')
    (finding,) = found(said, "not-null-without-default")
    assert 'refused it: column "phone" of relation "users" contains null values' in finding["evidence"][0]["text"]
    assert not found(said, "fails-on-rows")


def test_it_clears_what_postgresql_does_not_do(tmp_path: Path, gate: Gate) -> None:
    body = 'op.alter_column("users", "name", nullable=False)'  # it is, and so is not read
    said = rehearse(tmp_path, gate, body, settings='large-tables = ["users"]\n')
    assert not found(said, "work-under-exclusive-lock")
    assert any(one["message"].startswith("work-under-exclusive-lock: cleared:") for one in said.json["notes"])


def test_what_no_rule_foresaw_fails_on_rows(tmp_path: Path, gate: Gate) -> None:
    body = 'op.create_index("one_age", "users", ["age"], unique=True)'
    said = rehearse(tmp_path, gate, body, settings='small-tables = ["*"]\n')
    (finding,) = found(said, "fails-on-rows")
    assert "could not create unique index" in finding["message"]
    assert (finding["revision"], Path(finding["path"]).name) == ("new1", "new1.py")


def test_a_data_migration_that_meets_made_up_rows_is_a_note(tmp_path: Path, gate: Gate) -> None:
    body = """
    for row in op.get_bind().execute(sa.text("SELECT name FROM users")):
        {"Ana": 1}[row.name]
    """
    said = rehearse(tmp_path, gate, body)
    assert not found(said, "fails-on-rows")
    assert any("The rows are made up" in one["message"] for one in said.json["notes"])
    told = gate("ci", cwd=tmp_path / "repository").out
    assert re.search(r"\? locks +1 statement watched, .*: what comes after did not run$", told, re.MULTILINE), told
    assert found(rehearse(tmp_path, gate, body, settings="data-migrations-must-pass = true\n"), "fails-on-rows")


def test_a_type_that_is_left_behind(tmp_path: Path, gate: Gate) -> None:
    (finding,) = found(rehearse(tmp_path, gate, MOOD, ADD), "downgrade-leaves-trace")
    assert "type `mood` (enum) is left behind" in finding["message"]
    assert "mood" in finding["remedy"]


def test_a_revision_that_cannot_be_tried_again(tmp_path: Path, gate: Gate) -> None:
    (finding,) = found(rehearse(tmp_path, gate, HALF), "not-retryable")
    assert 'column "phone" of relation "users" already exists' in finding["message"]


@pytest.mark.parametrize("body", often([ADD, WHOLE, HALF]))
def test_a_revision_that_fails_where_it_is_alone_is_not_judged_further(body: str, tmp_path: Path, gate: Gate) -> None:
    said = rehearse(tmp_path, gate, "op.execute('SELECT nonsense')", body)
    assert found(said, "upgrade-fails")
    assert not found(said, "fails-on-rows")


DUMP = f"""
CREATE TABLE users (id serial PRIMARY KEY, name text, email text);
INSERT INTO users (name, email) VALUES ('Ana', NULL);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('{SHIPPED}');
"""


def test_a_dump_brings_its_own_rows_and_revision(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", 'op.alter_column("users", "email", nullable=False)')
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS)
    (place / "sample.sql").write_text(DUMP)
    said = gate("ci", "--data", "sample.sql", cwd=place)
    assert said.status == 1
    assert "new1 fails" in said.out
    assert 'column "email" of relation "users" contains null values' in said.out


@pytest.mark.slow
def test_what_hangs_on_rows_is_ended_and_says_where(tmp_path: Path, gate: Gate) -> None:
    body = """
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM users")):
        op.execute("SELECT pg_sleep(60)")
    """
    place = project(tmp_path / "repository", body)
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS)
    said = gate("ci", "--time-limit", "6", cwd=place)
    assert said.status == 2
    assert "their time was up at migrations/versions/new1.py:11" in said.out


ROWS_FROM = {
    "an SQL file": ("rows.sql", "INSERT INTO groups (name) VALUES ('the one'), ('the one')"),
    "a function": (
        "more_rows:put",
        "import sqlalchemy as sa\n\ndef put(connection):\n"
        "    connection.execute(sa.text(\"INSERT INTO groups (name) VALUES ('the one'), ('the one')\"))\n",
    ),
}


@pytest.mark.parametrize("how", ROWS_FROM)
def test_rows_of_the_projects_own(how: str, tmp_path: Path, gate: Gate) -> None:
    named, text = ROWS_FROM[how]
    place = project(tmp_path / "repository", "op.execute(\"DELETE FROM groups WHERE name <> 'the one'\")\n"
                    'op.create_index("one", "groups", ["name"], unique=True)')  # fmt: skip
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(f'{SETTINGS}small-tables = ["*"]\nrows-from = "{named}"\n')
    (place / (named if "." in named else "more_rows.py")).write_text(text)
    said = gate("ci", "--format", "json", cwd=place)
    (finding,) = found(said, "fails-on-rows")
    assert "could not create unique index" in finding["message"]


def test_the_plan_is_what_was_seen(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", 'op.create_index("i", "users", ["age"])')
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS)
    said = gate("ci", "--plan", "--format", "json", cwd=place)
    (one,) = said.json["plan"]
    (step,) = one["steps"]
    assert step["text"] == "CREATE INDEX i ON users (age)"
    (held,) = step["held"]
    assert held | {"since": ""} == {
        "table": "users", "lock": "SHARE", "blocks": "writes", "work": "index build", "since": "",
        "rows": None, "bytes": None,
    }  # fmt: skip


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    bio: Mapped[str | None]
"""


def test_the_bases_code_meets_the_schema_that_the_branch_leaves(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", 'op.drop_column("users", "bio")')
    new = place / "migrations/versions/new1.py"
    text = new.read_text()
    new.unlink()
    (place / "app/models.py").write_text(MODELS)
    (place / "migrations/env.py").write_text(
        ENV.replace("target_metadata=None", "target_metadata=Base.metadata").replace(
            "from alembic", "from app.models import Base\nfrom alembic"
        )
    )
    (place / "pyproject.toml").write_text('[tool.migration-gate]\nbase = "main"\nignore = ["drift"]\n')
    work = Work(place)
    work.git("init", "--quiet", "-b", "main")
    work.commit()
    work.git("switch", "--quiet", "-c", "branch")
    new.write_text(text)
    (place / "app/models.py").write_text(MODELS.replace("    bio: Mapped[str | None]\n", ""))
    said = gate("ci", "--format", "json", cwd=place)
    (finding,) = found(said, "required-by-old-code")
    assert "User" in finding["message"]
    assert 'column "bio"' in str(finding) or "users.bio" in str(finding)
    assert found(said, "drops-in-use")


def test_what_env_py_asks_of_its_environment_is_said(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", ADD)
    env = ENV.replace("engine =", 'import os\nprint(os.environ.get("SHOP_TENANT"))\nengine =')
    (place / "migrations/env.py").write_text(env.replace("app@", "app:secret@"))
    (place / "pyproject.toml").write_text(SETTINGS)
    said = gate("ci", "--notes", cwd=place)
    assert "secret" not in said.out
    assert "env.py asked for db.internal/app, and was given throwaway databases" in said.out
    assert "migrations/env.py:6: migrations: the project's code reads variables that are not set here: SHOP_TENANT" in (
        said.out
    )


def test_a_version_table_in_two_schemas(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "repository", 'op.execute("CREATE SCHEMA a CREATE TABLE alembic_version (x int)")')
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(SETTINGS)
    assert "alembic_version is in a and public" in gate("ci", "--notes", cwd=place).out


def test_two_projects_that_keep_their_versions_in_one_table(tmp_path: Path, gate: Gate) -> None:
    for name in ("one", "two"):
        place = project(tmp_path / name, ADD)
        (place / "migrations/env.py").write_text(ENV)
        (place / "pyproject.toml").write_text(SETTINGS)
    said = gate("ci", "--notes", cwd=tmp_path)
    assert "one/migrations and two/migrations keep their versions in one table" in said.out
