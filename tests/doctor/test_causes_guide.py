"""docs/causes.md says what is so: its messages are brought about, its commands exist, its code mends."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import write
from tests.doctor.conftest import APP, FIRST, SECOND, column, file
from tests.typed import Shell

GUIDE = (Path(__file__).parents[2] / "docs" / "causes.md").read_text()
USERS = 'class User(db.Model):\n    __tablename__ = "users"\n    id = db.Column(db.Integer, primary_key=True)\n'
SETTINGS = 'import os\nimport sqlalchemy as sa\nconfig.set_main_option("sqlalchemy.url", os.environ["SHOP_URL"])\n'
TABLE = 'sa.Table("users", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))'
VALID = "DO $$ BEGIN ASSERT (SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_users_email'::regclass); END $$"
_number = count(1)


def sections() -> dict[str, str]:
    """The text below each heading."""
    parts = re.split(r"^##+ (.*)\n", GUIDE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def section(beginning: str) -> str:
    (found,) = (text for heading, text in sections().items() if heading.startswith(beginning))
    return found


class Scene(NamedTuple):
    """A project made by `alembic init` or `flask db init`, at its head."""

    root: Path
    server: Server
    database: str
    shell: Shell
    printed: list[str]

    def run(self, line: str, **environment: str) -> int:
        given = {"SHOP_URL": self.server.url(self.database, "psycopg")} | environment
        done = self.shell.run(line, self.root, {**os.environ, **{name: one for name, one in given.items() if one}})
        self.printed.append(done.stdout + done.stderr)
        return done.returncode

    def passes(self, line: str) -> None:
        assert self.run(line) == 0, self.printed[-1]

    def sql(self, *statements: str) -> None:
        with databases.connect(self.server, self.database) as connection:
            for one in statements:
                connection.execute(one.encode())

    def next(self, up: str, back: str = "pass", ident: str = "c3c3c3c3") -> None:
        """A revision behind the head, whose functions are this code."""
        lines = [code.strip("\n").replace("\n", "\n    ") for code in (up, back)]
        write(self.root, file(ident, "b2b2b2b2", *lines))

    def fails(self, up: str) -> None:
        self.next(up)
        assert self.run("alembic upgrade head") != 0


Open = Callable[[str], Scene]
Made = Callable[[str], tuple[Path, str]]


@pytest.fixture(scope="module")
def made(server: Server, typed: Shell, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """By kind: a folder, and a database that stands at its head."""
    known: dict[str, tuple[Path, str]] = {}

    def make(kind: str) -> tuple[Path, str]:
        if kind not in known:
            root, name = tmp_path_factory.mktemp(kind), f"{server.prefix}guide_{kind}"
            databases.create(server, name)
            if kind == "flask":
                models = f"db = SQLAlchemy(app)\n{USERS}    email = db.Column(db.Text)\nMigrate(app, db)"
                write(root, {"app.py": APP.replace("Migrate(app, SQLAlchemy(app))", models)})
            scene = Scene(root, server, name, typed, [])
            scene.passes("flask db init" if kind == "flask" else "alembic init migrations")
            if kind == "alembic":
                env = root / "migrations/env.py"
                text = env.read_text().replace("config = context.config\n", f"config = context.config\n{SETTINGS}")
                env.write_text(text.replace("target_metadata = None", f"target_metadata = {TABLE}.metadata"))
            write(root, FIRST | SECOND)
            scene.passes("flask db upgrade" if kind == "flask" else "alembic upgrade head")
            known[kind] = root, name
        return known[kind]

    return make


@pytest.fixture
def scene(made: Made, server: Server, typed: Shell, tmp_path: Path) -> Open:
    """A copy of one of them."""

    def fork(kind: str) -> Scene:
        root, template = made(kind)
        name = f"{server.prefix}guide{next(_number)}"
        databases.create(server, name, template)
        return Scene(Path(shutil.copytree(root, tmp_path / kind)), server, name, typed, [])

    return fork


# ── what brings the messages about, by the beginning of the heading ───────────────────────────────────────────


def heads(scene: Open) -> None:
    for kind, line in (("flask", "flask db upgrade"), ("alembic", "alembic upgrade head")):
        one = scene(kind)
        write(one.root, column("c3c3c3c3", "b2b2b2b2", "phone") | column("d4d4d4d4", "b2b2b2b2", "town"))
        one.run(line)
    one.run("alembic stamp head || alembic revision -m x")


def behind(scene: Open) -> None:
    for kind, line in (("alembic", 'alembic revision --autogenerate -m "x"'), ("flask", 'flask db migrate -m "x"')):
        one = scene(kind)
        one.next("pass")
        one.run(line)


def ghost(scene: Open) -> None:
    for kind, tool in (("alembic", "alembic"), ("flask", "flask db")):
        one = scene(kind)
        one.sql("UPDATE alembic_version SET version_num = 'f00dbabe1234'")
        assert one.run(f"{tool} stamp b2b2b2b2") != 0
        assert one.run(f"{tool} downgrade base") != 0
        one.passes(f"{tool} stamp --purge b2b2b2b2")


def missing_parent(scene: Open) -> None:
    one = scene("alembic")
    write(one.root, file("d4d4d4d4", "beef", "pass", "pass"))
    one.run("alembic heads")


def exists(scene: Open) -> None:
    one = scene("alembic")
    one.fails('op.add_column("users", sa.Column("email", sa.Text()))')
    one.sql("DROP TABLE alembic_version")
    one.run("alembic upgrade head")


def drift(scene: Open) -> None:
    for kind, tool in (("alembic", "alembic"), ("flask", "flask db")):
        one = scene(kind)
        one.sql("ALTER TABLE users ADD COLUMN nick text")
        one.run(f"{tool} check")
    (one.root / "app.py").write_text(APP)
    one.run("flask db check")


def variables(scene: Open) -> None:
    scene("alembic").run("alembic current", SHOP_URL="")
    one = scene("flask")
    (one.root / "app.py").rename(one.root / "shop.py")
    one.run("flask db current")


def null_values(scene: Open) -> None:
    one = scene("alembic")
    one.sql("INSERT INTO users DEFAULT VALUES")
    one.fails('op.add_column("users", sa.Column("preferences", sa.JSON(), nullable=False))')
    for way in blocks(section('column "preferences"'), "python"):
        one.next(way, 'op.drop_column("users", "preferences")')
        one.passes("alembic upgrade head")
        one.sql("INSERT INTO users (preferences) VALUES ('{}')")
        one.passes("alembic downgrade b2b2b2b2")


def lock_timeout(scene: Open) -> None:
    one = scene("alembic")
    (code,) = blocks(section("canceling"), "python")
    with databases.connect(one.server, one.database) as other:
        other.execute("BEGIN")
        other.execute("SELECT FROM users")
        one.fails(code.replace("2s", "50ms"))
    one.passes("alembic upgrade head")


def invalid_index(scene: Open) -> None:
    one = scene("alembic")
    text = section("could not create unique index")
    alone, index = blocks(text, "python")[0], 'op.create_index("ix_users_email", "users", ["email"], unique=True'
    one.fails(f"{index}, postgresql_concurrently=True)")
    one.sql("INSERT INTO users (email) VALUES ('x'), ('x')")
    half = 'op.add_column("users", sa.Column("phone", sa.Text()))\n'
    block = f"with op.get_context().autocommit_block():\n    {index}, postgresql_concurrently=True)"
    one.fails(half + block)
    one.fails(half + block)
    one.fails(block)
    one.sql(*blocks(text, "sql")[0].strip().split("\n"))
    one.fails(alone)
    one.sql("DELETE FROM users WHERE id = 1")
    one.passes("alembic upgrade head")
    one.sql(VALID)


def enums(scene: Open) -> None:
    one = scene("alembic")
    one.fails('op.add_column("users", sa.Column("mood", sa.Enum("calm", name="mood")))')
    (code,) = blocks(section('type "mood"'), "python")
    up, back = (re.sub(r"^    ", "", part, flags=re.MULTILINE) for part in re.split(r"def \w+\(\):\n", code)[1:])
    one.next(up, back.strip())
    one.passes(
        "alembic upgrade head && alembic downgrade b2b2b2b2 && alembic upgrade head && alembic downgrade b2b2b2b2"
    )
    one.sql("CREATE TYPE mood AS ENUM ('calm')")
    one.fails('op.create_table("pets", sa.Column("mood", sa.Enum("calm", name="mood")))')
    one.fails("op.execute(\"ALTER TYPE mood ADD VALUE 'glad'\")\nop.execute(\"SELECT 'glad'::mood\")")
    one.next(
        "from sqlalchemy.dialects import postgresql\n"
        'op.create_table("pets", sa.Column("mood", postgresql.ENUM("calm", name="mood", create_type=False)))'
    )
    one.passes("alembic upgrade head")


def version_schema(scene: Open) -> None:
    one = scene("alembic")
    env = one.root / "migrations/env.py"
    option = 'target_metadata=target_metadata, version_table_schema="ops"\n'
    env.write_text(env.read_text().replace("target_metadata=target_metadata\n", option))
    one.sql("DROP TABLE users, alembic_version")
    one.run("alembic upgrade head")
    (code,) = blocks(section("The version table"), "python")
    lines = "".join(f"        {line}\n" for line in code.strip().split("\n"))
    before = "        context.configure(\n            connection=connection"
    assert before in env.read_text()
    env.write_text(env.read_text().replace(before, lines + before))
    one.passes("alembic upgrade head")
    one.sql("SELECT FROM ops.alembic_version")


def outside(scene: Open) -> None:
    one = scene("flask")
    one.run("alembic -c migrations/alembic.ini current")
    ini = one.root / "migrations/alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]\n", "[alembic]\nscript_location = migrations\n"))
    one.run("alembic -c migrations/alembic.ini current")


def asynchronous(scene: Open) -> None:
    one = scene("alembic")
    one.run("alembic current", SHOP_URL=one.server.url(one.database, "asyncpg"))


def overlap(scene: Open) -> None:
    one = scene("alembic")
    one.sql("INSERT INTO alembic_version VALUES ('a1a1a1a1')")
    one.fails("pass")
    one.passes("alembic stamp --purge b2b2b2b2 && alembic upgrade head")


def too_long(scene: Open) -> None:
    one = scene("alembic")
    one.next("pass", ident="c" * 33)
    one.run("alembic upgrade head")


SITUATIONS: dict[str, Callable[[Open], None]] = {
    "Multiple head revisions": heads,
    "Target database": behind,
    "Can't locate revision": ghost,
    "KeyError: 'beef'": missing_parent,
    'relation "users"': exists,
    "New upgrade operations": drift,
    "KeyError: 'SHOP_URL'": variables,
    'column "preferences"': null_values,
    "canceling statement": lock_timeout,
    "could not create unique index": invalid_index,
    'type "mood"': enums,
    "The version table": version_schema,
    "Working outside": outside,
    "greenlet_spawn": asynchronous,
    "Requested revision": overlap,
    "value too long": too_long,
}


@pytest.mark.parametrize("heading", SITUATIONS, ids=lambda one: SITUATIONS[one].__name__)
def test_what_is_quoted_is_what_is_printed(heading: str, scene: Open) -> None:
    printed: list[str] = []
    SITUATIONS[heading](lambda kind: scene(kind)._replace(printed=printed))
    text = "\n".join(printed)
    quoted = [line for block in blocks(section(heading), "text") for line in block.splitlines()]
    assert quoted
    assert [line for line in quoted if line not in text] == [], text[-3000:]


def test_no_quote_is_without_its_situation() -> None:
    quoting = [heading for heading, text in sections().items() if blocks(text, "text")]
    assert [one for one in quoting if not any(one.startswith(known) for known in SITUATIONS)] == []


# ── commands, code, links ────────────────────────────────────────────────────────────────────────────────────


def typed_lines() -> list[str]:
    lines = [line for block in blocks(GUIDE, "console") for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return sorted({line.removeprefix("$ ") for line in lines})


def test_every_command_has_these_options() -> None:
    """Those of migration-gate are looked at with every page's."""
    from alembic.config import CommandLine
    from flask_migrate.cli import db

    for line in typed_lines():
        words = shlex.split(line)
        if words[0] == "alembic":
            assert CommandLine().parser.parse_args(words[1:]).cmd, line
        elif words[:2] == ["flask", "db"]:
            db.commands[words[2]].make_context(words[2], words[3:])
        else:
            assert words[0] in ("migration-gate", "git", "rm", "export"), line


def test_what_does_not_exist_does_not_exist(scene: Open) -> None:
    one = scene("flask")
    for line in ("merge heads --no-exec", "merge --rev-range a:b", "migrate --no-exec", "migrate --dry-run"):
        assert one.run(f"flask db {line}") == 2
        assert "No such option" in one.printed[-1]


def test_flask_db_show_does_not_ask_the_database(scene: Open) -> None:
    one = scene("flask")
    one.sql("DELETE FROM alembic_version")
    one.passes("flask db show")
    assert "Rev: b2b2b2b2 (head)" in one.printed[-1]


def test_code_is_code() -> None:
    for block in blocks(GUIDE, "python"):
        ast.parse(block)


def test_links_lead_to_headings() -> None:
    """As GitHub makes anchors of headings."""
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in sections()}
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= anchors
