"""Real situations: a project under git, a database that it has been run on, and the commands that a doctor prints."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import Gate, Said, write
from tests.typed import Shell, shell
from tests.under_git import OWN, Work

_number = count(1)

REVISION = '''"""{message}

Revision ID: {id}
Revises: {down}
"""
import sqlalchemy as sa
from alembic import op

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
    {up}


def downgrade():
    {back}
'''
ALEMBIC_ENV = """import os

from alembic import context
from sqlalchemy import create_engine

connectable = create_engine(os.environ["SHOP_URL"])
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
FLASK_ENV = """from alembic import context
from flask import current_app

database = current_app.extensions["migrate"].db
with database.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
APP = """import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["SHOP_URL"]
Migrate(app, SQLAlchemy(app))
"""
INI = "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n"
MAKO = '''"""${message}"""
import sqlalchemy as sa
from alembic import op
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
PLAIN = {
    "alembic.ini": INI,
    "migrations/env.py": ALEMBIC_ENV,
    "migrations/script.py.mako": MAKO,
    "pyproject.toml": '[tool.migration-gate]\nstart-after = ["a1a1a1a1"]\n',
}
FLASK = {
    "app.py": APP,
    "migrations/alembic.ini": "[alembic]\n",
    "migrations/env.py": FLASK_ENV,
    "migrations/script.py.mako": MAKO,
}


def file(ident: str, down: str | tuple[str, ...] | None, up: str, back: str) -> dict[str, str]:
    """A revision's file."""
    text = REVISION.format(id=ident, down=down, message=f"change {ident}", up=up, back=back)
    return {f"migrations/versions/{ident}_change.py": text}


def column(ident: str, down: str | tuple[str, ...] | None, name: str) -> dict[str, str]:
    """A revision that adds a column to users."""
    return file(
        ident,
        down,
        f'op.add_column("users", sa.Column("{name}", sa.Text()))',
        f'op.drop_column("users", "{name}")',
    )


def modelled(*columns: str, kind: str = "alembic") -> dict[str, str]:
    """env.py and models of a table users with these columns besides its id."""
    names = "".join(f', sa.Column("{one}", sa.Text)' for one in columns)
    head = "import sqlalchemy as sa\n\n\ndef users(metadata):\n"
    table = f'{head}    sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True){names})\n'
    if kind == "flask":
        app = APP.replace("Migrate(app, SQLAlchemy(app))", "db = SQLAlchemy(app)\nusers(db.metadata)\nMigrate(app, db)")
        return {
            "models.py": table,
            "app.py": app.replace("import os\n", "import os\nfrom models import users\n"),
            "migrations/env.py": FLASK_ENV.replace("target_metadata=None", "target_metadata=database.metadata"),
        }
    env = ALEMBIC_ENV.replace("connectable", "metadata = sa.MetaData()\nusers(metadata)\nconnectable", 1)
    return {
        "models.py": table,
        "migrations/env.py": "import sqlalchemy as sa\nfrom models import users\n"
        + env.replace("target_metadata=None", "target_metadata=metadata"),
    }


FIRST = file(
    "a1a1a1a1",
    None,
    'op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True))',
    'op.drop_table("users")',
)
SECOND = column("b2b2b2b2", "a1a1a1a1", "email")
THIRD = column("c3c3c3c3", "b2b2b2b2", "phone")
GHOST = column("f00dbabe1234", "b2b2b2b2", "ghost")


class Shop(NamedTuple):
    """A project under git, with a database of its own."""

    work: Work
    server: Server
    database: str
    gate: Gate
    kind: str
    shell: Shell

    @property
    def url(self) -> str:
        return self.server.url(self.database, "psycopg")

    @property
    def root(self) -> Path:
        return self.work.root

    def at(self, *rows: str, columns: Sequence[str] = ("email",)) -> None:
        """The database as the revisions leave it: users with these columns, and these rows in the version table."""
        self.sql(
            "DROP TABLE IF EXISTS users, alembic_version",
            "CREATE TABLE alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)",
            "CREATE TABLE users (id serial PRIMARY KEY" + "".join(f", {one} text" for one in columns) + ")",
            *(f"INSERT INTO alembic_version VALUES ('{one}')" for one in rows),
        )

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Statements to the real database; the last one's rows."""
        with databases.connect(self.server, self.database) as connection:
            for one in statements:
                cursor = connection.execute(one.encode())
            return cursor.fetchall() if cursor.description else []

    def run(self, *commands: str) -> str:
        """Lines of a shell, as they were printed, in the project's folder; gives what they say."""
        environment = os.environ | OWN | {"SHOP_URL": self.url}
        script = "\n".join(commands)
        done = self.shell.run(script, self.root, environment)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def doctor(self, *words: str, alone: bool = False) -> Said:
        said = self.gate("doctor", *words, cwd=self.root, alone=alone)
        assert "Traceback" not in said.out + said.err
        if self.server.password:
            assert self.server.password not in said.out + said.err
        return said

    def glance(self, *words: str) -> Said:
        """A doctor who has no throwaway server: nothing of the project runs, and the schema is not compared. What needs
        neither costs no process so.
        """
        return self.doctor("--url", self.url, *words, alone=True)

    def stands(self, *rows: str) -> None:
        """The version table has these, and there is nothing more to do."""
        assert self.sql("SELECT version_num FROM alembic_version ORDER BY 1") == [(one,) for one in rows]
        said = self.glance()
        assert (said.status, "nothing is wrong." in said.out) == (0, True), said.out

    def healthy(self) -> None:
        """And the schema is what the revisions build, the models what they declare."""
        said = self.doctor()
        assert said.status == 0, said.out + said.err
        assert "nothing is wrong." in said.out


def commands(said: Said, way: str = "") -> list[str]:
    """The lines to run: those below "All of it" where there is such a list, else those of the only cause; of several
    ways the one whose comment begins with ``way``.
    """
    lines = said.out.split("\n")
    heading = "  All of it, in this order:" if "  All of it, in this order:" in lines and not way else "  What to do:"
    begin = lines.index(heading) + 1
    end = next(number for number in range(begin, len(lines)) if not lines[number].startswith("      "))
    block = [one.removeprefix("      ") for one in lines[begin:end]]
    if not way:
        return block
    start = next(number for number, one in enumerate(block) if one.startswith(f"# {way}"))
    stop = next((number for number in range(start + 1, len(block)) if block[number].startswith("# ")), len(block))
    return block[start + 1 : stop]


Open = Callable[..., Shop]


@pytest.fixture(scope="session")
def typed() -> Iterator[Shell]:
    with shell() as one:
        yield one


@pytest.fixture
def shop(tmp_path: Path, server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch, typed: Shell) -> Open:
    """``shop("alembic")``: a project of two revisions on main, committed, whose database is there and empty."""
    monkeypatch.delenv("FLASK_APP", raising=False)

    def start(kind: str = "alembic", files: dict[str, str] | None = None) -> Shop:
        root = tmp_path / "shop"
        write(root, (FLASK if kind == "flask" else PLAIN) | FIRST | SECOND | (files or {}))
        work = Work(root)
        work.git("init", "--quiet", "-b", "main")
        work.git("config", "user.email", "ana@example.org")
        work.git("config", "user.name", "Ana")
        work.commit()
        name = f"{server.prefix}shop{next(_number)}"
        databases.create(server, name)
        one = Shop(work, server, name, gate, kind, typed)
        monkeypatch.setenv("SHOP_URL", one.url)
        return one

    return start


def edit(one: Shop, line: str) -> None:
    """Do what a comment says: "# in migrations/env.py, to context.configure: version_table="x""."""
    found = re.fullmatch(r"# in (\S+), to context.configure: (\w+=\"\w+\")", line)
    assert found, line
    path = one.root / found[1]
    text = path.read_text()
    assert text.count("context.configure(") == 1
    path.write_text(text.replace("context.configure(", f"context.configure({found[2]}, "))
