"""Two branches that each went on from one revision: a repository, and databases that stand where each of them is."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import ENV
from tests.under_git import VERSIONS, Work, start

Files = Mapping[str, str | None]

TEMPLATE = '''"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''
REVISION = '''"""{message}

Revision ID: {id}
Revises: {down}
"""
from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = {parent!r}


def upgrade():
    op.{up}


def downgrade():
    op.{undo}
'''


def step(ident: str, down: str | None, up: str, undo: str) -> dict[str, str | None]:
    text = REVISION.format(id=ident, down=down or "", parent=down, up=up, undo=undo, message=f"change {ident}")
    return {f"{VERSIONS}/{ident}.py": text}


def column(ident: str, down: str, name: str) -> dict[str, str | None]:
    """A revision that adds a column to users."""
    return step(ident, down, f'add_column("users", sa.Column("{name}", sa.Text()))', f'drop_column("users", "{name}")')


SETTINGS: Files = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": ENV.format(
        engine='create_engine(os.environ["HEADS_URL"], poolclass=pool.NullPool)', before="import os"
    ),
    "migrations/script.py.mako": TEMPLATE,
}
FIRST = step("a", None, 'create_table("users", sa.Column("id", sa.Integer(), primary_key=True))', 'drop_table("users")')
OURS = column("b1", "a", "phone") | column("b2", "b1", "fax")
THEIRS = column("c1", "a", "age") | step(
    "c2", "c1", 'create_table("logs", sa.Column("id", sa.Text()))', 'drop_table("logs")'
)
ALL = {"users": {"id", "phone", "fax", "age"}, "logs": {"id"}}


def parted(root: Path, common: Files, ours: Files, theirs: Files) -> Work:
    """A repository where main and feature have each gone their way; feature is checked out."""
    work = start(root, {**SETTINGS, **common})
    work.commit(ours)
    work.git("switch", "--quiet", "main")
    work.commit(theirs)
    work.git("switch", "--quiet", "feature")
    return work


@pytest.fixture(scope="session")
def two_branches(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Not to be changed."""
    return parted(tmp_path_factory.mktemp("two") / "work", FIRST, OURS, THEIRS)


@pytest.fixture
def work(two_branches: Work, tmp_path: Path) -> Work:
    """A copy of it, before the merge."""
    return Work(Path(shutil.copytree(two_branches.root, tmp_path / "work")))


@pytest.fixture
def both(work: Work) -> Work:
    """The same after `git merge main`."""
    work.git("merge", "--quiet", "-m", "merge", "main")
    return work


def heads(root: Path) -> list[str]:
    """Alembic's own word for the heads."""
    with contextlib.chdir(root):
        return list(ScriptDirectory.from_config(Config("alembic.ini")).get_heads())


class Database(NamedTuple):
    """A real database, and what Alembic does to it."""

    server: Server
    name: str

    def alembic(self, root: Path, word: str, *arguments: str) -> None:
        os.environ["HEADS_URL"] = self.server.url(self.name, "psycopg")
        with contextlib.chdir(root):
            getattr(command, word)(Config("alembic.ini"), *arguments)

    def tables(self) -> dict[str, set[str]]:
        """The columns of every table but Alembic's own."""
        question = "SELECT relname, attname FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid "
        question += "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped"
        found: dict[str, set[str]] = {}
        with databases.connect(self.server, self.name) as connection:
            for table, name in connection.execute(question).fetchall():
                found.setdefault(table, set()).add(name)
        found.pop("alembic_version", None)
        return found


@pytest.fixture(scope="session")
def sides(server: Server, two_branches: Work, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Databases, to be forked: where the branches parted, where each of them is, and an empty one."""
    names = {side: f"{server.prefix}heads_{side}" for side in ("empty", "parted", "ours", "theirs")}
    folder = tmp_path_factory.mktemp("sides")
    for branch in ("feature", "main"):
        two_branches.git("worktree", "add", "--quiet", "--detach", str(folder / branch), branch)
    for side, template, branch, to in (
        ("empty", None, "", ""),
        ("parted", "empty", "main", "a"),
        ("ours", "parted", "feature", "head"),
        ("theirs", "parted", "main", "head"),
    ):
        databases.create(server, names[side], names[template] if template else None)
        if branch:
            Database(server, names[side]).alembic(folder / branch, "upgrade", to)
    return names


@pytest.fixture
def at(server: Server, sides: Mapping[str, str]) -> Callable[[str], Database]:
    """A database of its own that stands where one of them does."""
    made = iter(range(100))

    def fork(side: str) -> Database:
        name = f"{server.prefix}heads_{next(_numbers)}_{next(made)}"
        databases.create(server, name, sides[side])
        return Database(server, name)

    return fork


_numbers: Iterator[int] = iter(range(10_000))
