"""What a branch takes out of the models and leaves in the database, seen by `ci` under git."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Gate, alembic_project, revision, write
from tests.under_git import Work

ENGINE = 'create_engine("postgresql+psycopg://app@db.internal/app")'
BEFORE = """
import sqlalchemy as sa
metadata = sa.MetaData()
groups = sa.Table("groups", metadata, sa.Column("id", sa.Integer, primary_key=True))
users = sa.Table(
    "users", metadata, sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bio", sa.Text),
    sa.Column("age", sa.Integer, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
    sa.Column("group_id", sa.ForeignKey("groups.id"), index=True),
)
"""
CREATE = """
op.create_table("groups", sa.Column("id", sa.Integer(), primary_key=True))
op.create_table(
    "users", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("bio", sa.Text()),
    sa.Column("age", sa.Integer(), nullable=False),
    sa.Column("rank", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("group_id", sa.Integer(), sa.ForeignKey("groups.id")),
)
op.create_index("ix_users_group_id", "users", ["group_id"])
"""
AGE = "column `users.age` is taken out of main's models here, and is NOT NULL without a default"


@pytest.fixture
def project(tmp_path: Path) -> Work:
    """A repository whose main has the models and the migration that makes them."""
    folder = alembic_project(tmp_path, ENGINE, {"a1": revision("a1", CREATE)})
    env = folder / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata = None", "from models import metadata as target_metadata"))
    (folder / "pyproject.toml").unlink()
    write(folder, {"models.py": BEFORE, ".gitignore": "__pycache__\n"})
    work = Work(folder)
    work.git("init", "-q", "-b", "main")
    work.commit()
    work.git("checkout", "-q", "-b", "feature")
    return work


def without(*names: str) -> str:
    return "\n".join(line for line in BEFORE.split("\n") if not any(f'"{name}"' in line for name in names))


@pytest.mark.parametrize(
    ("models", "notes"),
    [
        (without("bio"), ["column `users.bio`"]),
        (without("rank"), ["column `users.rank`"]),
        # an index and a foreign key go with their column
        (without("group_id"), ["column `users.group_id`"]),
        (without("groups", "group_id"), ["column `users.group_id`", "table `groups`"]),
    ],
)
def test_what_the_branch_takes_out_is_dropped_in_the_next_release(
    models: str, notes: list[str], project: Work, gate: Gate
) -> None:
    project.commit({"models.py": models})
    said = gate("ci", "--base", "main", "--format", "json", cwd=project.root)
    assert (said.status, said.json["findings"]) == (0, [])
    left = [one["message"] for one in said.json["notes"] if "drop it in the next release" in one["message"]]
    assert [one.startswith(note) for one, note in zip(left, notes, strict=True)] == [True] * len(notes), left


def test_a_column_that_rows_cannot_do_without_stays_a_finding_and_its_remedy_runs(project: Work, gate: Gate) -> None:
    project.commit({"models.py": without("age")})
    said = gate("ci", "--base", "main", "--format", "json", cwd=project.root)
    (finding,) = said.json["findings"]
    assert finding["message"].startswith(AGE)
    body = finding["remedy"].removeprefix("# in a new revision:\n")
    project.commit({"migrations/versions/b2.py": revision("b2", body, down="a1")})
    assert gate("ci", "--base", "main", cwd=project.root).status == 0


@pytest.mark.parametrize(
    "models",
    [
        BEFORE.replace('"bio"', '"motto"'),  # taken out, and another one that no migration makes
        BEFORE.replace("metadata, ", "sa.MetaData(), "),  # the models still map them; env.py does not see them
    ],
)
def test_what_is_missing_for_another_reason_stays_a_finding(models: str, project: Work, gate: Gate) -> None:
    project.commit({"models.py": models})
    assert gate("ci", "--base", "main", cwd=project.root).status != 0


def test_without_a_base_it_stays_a_finding(project: Work, gate: Gate) -> None:
    project.commit({"models.py": without("bio")})
    said = gate("ci", "--format", "json", cwd=project.root)
    assert said.rules == ["drift"]
