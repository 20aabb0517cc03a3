"""The base's models, loaded from git, and what PostgreSQL says of their statements after a change of the schema."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.operations.model import Table
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from migration_gate.project import discovery, history
from migration_gate.project.base import Base, compare
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rehearsal import oldcode
from migration_gate.rehearsal.probes import Mapped, broken
from tests.conftest import revision
from tests.under_git import Work, start

MODELS = """
import enum
import uuid
from sqlalchemy import Computed, Enum, ForeignKey, MetaData, Table, Column, Text, Integer, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column


class Base(DeclarativeBase):
    pass


class Status(enum.Enum):
    new = "new"
    paid = "paid"


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    about: Mapped[str | None] = mapped_column("bio", Text)
    kind: Mapped[str] = mapped_column(server_default="plain")
    shown = column_property(name + " & co")


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = {"schema": "crm"}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    status: Mapped[Status] = mapped_column(Enum(Status, name="order_status"))
    total: Mapped[int] = mapped_column(Integer)
    double: Mapped[int | None] = mapped_column(Computed("total * 2"))


tags = Table("tags", Base.metadata, Column("name", String(20), primary_key=True), Column("100%: sure", Integer))
elsewhere = Table("of_another_database", Base.metadata, Column("id", Integer))
"""
ENV = """
import sqlalchemy as sa
from alembic import context
from app.models import Base

engine = sa.create_engine("postgresql+psycopg://production/app")
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
SCHEMA = """
CREATE SCHEMA crm;
CREATE TYPE order_status AS ENUM ('new', 'paid');
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, email text, bio text,
                    kind text NOT NULL DEFAULT 'plain');
CREATE TABLE crm.orders (id uuid PRIMARY KEY, user_id integer NOT NULL REFERENCES users, status order_status NOT NULL,
                         total integer NOT NULL, double integer GENERATED ALWAYS AS (total * 2) STORED);
CREATE TABLE tags (name varchar(20) PRIMARY KEY, "100%: sure" integer);
INSERT INTO users (name) VALUES ('Ana'), ('Bo');
INSERT INTO crm.orders VALUES ('00000000-0000-0000-0000-000000000001', 1, 'new', 5);
"""
FILES = {
    "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
    "migrations/env.py": ENV,
    "migrations/versions/a1.py": revision("a1", "pass"),
    "app/__init__.py": "",
    "app/models.py": MODELS,
}
NEW = "migrations/versions/b2.py"


def base_of(work: Work) -> tuple[Project, Base, list[Revision]]:
    (project,) = discovery.find(work.root)
    ((_, graph),), _ = compare([(project, history.load(project))], "main")
    assert graph.base is not None
    return project, graph.base, [one for one in graph.in_order() if one.id not in graph.base.past.revisions]


class Prepared(NamedTuple):
    """A server with the schema that the base's models fit, and the models."""

    server: Server
    before: str
    tables: list[Mapped]


@pytest.fixture(scope="module")
def prepared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    before = f"{server.prefix}old_before"
    create(server, before)
    with connect(server, before) as connection:
        connection.execute(SCHEMA)
    project, base, _ = base_of(start(tmp_path_factory.mktemp("old"), FILES))
    loaded = oldcode._loaded(project, base, server, before)
    assert not isinstance(loaded, str), loaded
    return Prepared(server, before, loaded)


def changed(prepared: Prepared, change: str) -> str:
    """A fork of the database after a change."""
    name = f"{prepared.server.prefix}old_{os.urandom(4).hex()}"
    create(prepared.server, name, prepared.before)
    with connect(prepared.server, name) as connection:
        connection.execute(change)
    return name


def test_what_the_models_map(prepared: Prepared) -> None:
    found = {one.shown: one for one in prepared.tables}
    assert list(found) == ["users", "crm.orders", "tags", "of_another_database"]
    users, orders = found["users"], found["crm.orders"]
    assert (users.mapped, users.at, users.place("bio")) == ("User", "app/models.py:17", "app/models.py:23")
    assert [one.name for one in users.columns if not one.written] == ["id", "kind"]
    assert [one.name for one in users.columns if one.nullable] == ["email", "bio"]
    assert [one.name for one in orders.columns if not one.written] == ["double"]
    assert [one.labels for one in orders.columns if one.labels] == [("new", "paid")]
    assert found["tags"].mapped == ""


CHANGES = [
    # what the new revisions do, and what the old code cannot do any more: column, action, PostgreSQL's words
    ("", []),
    ("ALTER TABLE users ADD phone text; ALTER TABLE users ADD size integer NOT NULL DEFAULT 1", []),
    ("ALTER TABLE users ADD size integer GENERATED ALWAYS AS IDENTITY", []),
    ("ALTER TABLE users ADD size integer NOT NULL GENERATED ALWAYS AS (1) STORED", []),
    ("CREATE DOMAIN size AS integer DEFAULT 1 NOT NULL; ALTER TABLE users ADD size size", []),
    ("ALTER TYPE order_status ADD VALUE 'lost'", []),
    ("ALTER TABLE users ADD CHECK (name <> 'Ana') NOT VALID; ALTER TABLE users ADD UNIQUE (name)", []),
    ("CREATE TABLE more (id integer NOT NULL)", []),
    ("ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people", []),
    ("ALTER TABLE users DROP bio",
     [("bio", "read or write", "column users.bio does not exist")]),
    ("ALTER TABLE users DROP bio, DROP email",
     [("email", "read or write", "column users.email does not exist"),
      ("bio", "read or write", "column users.bio does not exist")]),
    ("ALTER TABLE users RENAME email TO mail",
     [("email", "read or write", "column users.email does not exist")]),
    ("ALTER TABLE tags ALTER \"100%: sure\" TYPE text", []),
    ("DROP TABLE tags", [("", "read or write", 'relation "tags" does not exist')]),
    ("ALTER TABLE crm.orders SET SCHEMA public", [("", "read or write", 'relation "crm.orders" does not exist')]),
    ("ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people LIMIT 5",
     [("", "write", 'cannot insert into view "users"')]),
    ("ALTER TABLE users ADD size integer; UPDATE users SET size = 1; ALTER TABLE users ALTER size SET NOT NULL",
     [("size", "write", 'null value in column "size" of relation "users" violates not-null constraint')]),
    ("DELETE FROM crm.orders; ALTER TABLE crm.orders ADD size integer NOT NULL",
     [("size", "write", 'null value in column "size" of relation "orders" violates not-null constraint')]),
    ("ALTER TABLE users ALTER kind DROP DEFAULT",
     [("kind", "write", 'null value in column "kind" of relation "users" violates not-null constraint')]),
    ("ALTER TABLE users ALTER email TYPE integer USING 1",
     [("", "write", 'column "email" is of type integer but expression is of type character varying')]),
    ("ALTER TABLE users ALTER email TYPE varchar(5)", []),
    ("ALTER TABLE users ALTER bio TYPE jsonb USING NULL",
     [("", "write", 'column "bio" is of type jsonb but expression is of type character varying')]),
    ("ALTER TYPE order_status RENAME VALUE 'new' TO 'fresh'",
     [("status", "read or write `new`", 'invalid input value for enum: "new"')]),
("ALTER TYPE order_status RENAME TO state", []),  # the driver sends text, and names no type
    ("ALTER TABLE users ALTER name SET DEFAULT 'x', ALTER email DROP NOT NULL", []),
]  # fmt: skip
FILL = """
ALTER TABLE users ADD size integer;
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.{0} := 1; RETURN NEW; END';
CREATE TRIGGER fill BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION fill();
UPDATE users SET size = 1;
ALTER TABLE users ALTER size SET NOT NULL;
"""
CHANGES += [
    (FILL.format("size"), []),
    (FILL.format("email"),
     [("size", "write", 'null value in column "size" of relation "users" violates not-null constraint')]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=lambda one: one[:50] if isinstance(one, str) else "")
def test_what_a_change_breaks(prepared: Prepared, change: str, expected: list[tuple[str, str, str]]) -> None:
    after = changed(prepared, change)
    with connect(prepared.server, prepared.before) as old, connect(prepared.server, after) as new:
        found = broken(prepared.tables, old, new)
        assert [(one.column, one.action, one.words) for one in found if one.sure] == expected
        assert new.execute("SELECT count(*) FROM users").fetchone() in ((2,), None)


def test_what_may_be_empty_is_a_note(prepared: Prepared) -> None:
    after = changed(prepared, "UPDATE users SET email = ''; ALTER TABLE users ALTER email SET NOT NULL")
    with connect(prepared.server, prepared.before) as old, connect(prepared.server, after) as new:
        (one,) = broken(prepared.tables, old, new)
    assert (one.column, one.sure) == ("email", False)


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────


def checked(server: Server, work: Work, change: str, schema: str = SCHEMA) -> oldcode.OldCode:
    names = [f"{server.prefix}whole_{os.urandom(4).hex()}" for _ in range(2)]
    create(server, names[0])
    with connect(server, names[0]) as connection:
        connection.execute(schema)
    create(server, names[1], names[0])
    with connect(server, names[1]) as connection:
        connection.execute(change)
    project, base, new = base_of(work)
    return oldcode.check(project, base, new, server, *names)


def test_the_branch_s_own_models_do_not_count(server: Server, tmp_path: Path) -> None:
    work = start(tmp_path, FILES)
    models = MODELS.replace('    about: Mapped[str | None] = mapped_column("bio", Text)\n', "")
    body = 'op.drop_column("users", "bio")\nop.add_column("users", sa.Column("size", sa.Integer(), nullable=False))'
    work.commit({"app/models.py": models, NEW: revision("b2", body, "a1")})
    added = "ALTER TABLE users DROP bio, ADD size integer; UPDATE users SET size = 1;"
    found = checked(server, work, added + "ALTER TABLE users ALTER size SET NOT NULL")
    (finding,) = found.findings  # what cannot be read cannot be written either
    assert finding.message == (
        "After b2 User of main (app/models.py:23) can no longer read or write: column users.bio does not exist. So it "
        "is for every process of that code until the last one is gone."
    )
    assert (finding.path, finding.line) == (str(tmp_path / NEW), 10)
    assert found.uses(Table("users"), "bio") == "confirmed"
    assert found.uses(Table("users"), "email") is None
    assert found.uses(Table("users"), "nickname") == "cleared"
    assert found.uses(Table("cats")) == "unmapped"
    assert not (tmp_path / "app" / "__pycache__").exists()


def test_a_column_that_it_does_not_write(server: Server, tmp_path: Path) -> None:
    work = start(tmp_path, FILES)
    body = 'op.add_column("orders", sa.Column("size", sa.Integer(), nullable=False), schema="crm")'
    work.commit({NEW: revision("b2", "op.execute('SELECT 1')\n" + body, "a1")})
    found = checked(server, work, "DELETE FROM crm.orders; ALTER TABLE crm.orders ADD size integer NOT NULL")
    (finding,) = found.findings
    assert (finding.line, finding.revision) == (11, "b2")
    assert "Order of main (app/models.py:28) can no longer write: null value in column" in finding.message
    assert finding.remedy is not None
    assert 'op.alter_column("orders", "size", server_default=sa.text("…"), schema="crm")' in finding.remedy


NOT_LOADED = {
    "a module that is missing": (
        {"app/__init__.py": "import nowhere_to_be_found"}, "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
    ),
    "an error": ({"app/__init__.py": "\n1 / 0"}, "ZeroDivisionError: division by zero (app/__init__.py:2)"),
    "no metadata": ({"migrations/env.py": ENV.replace("Base.metadata", "None")}, "no target_metadata"),
    "an exit": ({"app/__init__.py": "raise SystemExit(3)"}, "sys.exit(3)"),
    "another database": (
        {"migrations/env.py": ENV.replace("postgresql+psycopg://production/app", "sqlite://")}, "an engine for sqlite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_LOADED)
def test_code_that_cannot_be_loaded_makes_a_note(server: Server, tmp_path: Path, case: str) -> None:
    files, expected = NOT_LOADED[case]
    work = start(tmp_path, FILES | files)
    work.commit({"app/__init__.py": ""})
    found = checked(server, work, "DROP TABLE tags")
    (note,) = found.notes
    assert note.message.startswith("the code of main could not be loaded, so whether it goes on working is not known: ")
    assert expected in note.message
    assert (found.findings, found.tables, found.uses(Table("tags"))) == ((), None, None)


def test_an_editable_installation_does_not_win(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What leads Python to the working tree leads it to the base's files instead."""
    moved = {name.replace("app/", "src/app/"): text for name, text in FILES.items()}
    moved["alembic.ini"] = "[alembic]\nscript_location = migrations\n"
    work = start(tmp_path, moved)
    work.commit({"src/app/models.py": "raise RuntimeError('of the branch')"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    found = checked(server, work, "DROP TABLE tags")
    assert [one.message for one in found.notes] == []
    assert "the table tags of main can no longer read or write" in found.findings[0].message


def test_a_copy_that_does_win_is_said(server: Server, tmp_path: Path) -> None:
    work = start(
        tmp_path / "shop",
        FILES
        | {
            "migrations/env.py": f"import sys; sys.path.insert(0, {str(tmp_path / 'shop')!r})\n{ENV}",
            "alembic.ini": "[alembic]\nscript_location = migrations\n",
        },
    )
    (note,) = checked(server, work, "DROP TABLE tags").notes
    assert f"another copy of it was loaded, {tmp_path}/shop/app/" in note.message


def test_a_flask_application(server: Server, tmp_path: Path, example: Callable[[str], Path]) -> None:
    shop = example("shop")
    files = {
        str(path.relative_to(shop)): path.read_text()
        for path in shop.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != ".flaskenv"
    }
    work = start(tmp_path / "git", files)
    (tmp_path / "git" / ".flaskenv").write_text("FLASK_APP=shop\n")  # as a rule it is not in git
    schema = """
        CREATE TYPE order_status AS ENUM ('open', 'paid', 'shipped', 'cancelled');
        CREATE TABLE customers (id serial, email varchar(254), name varchar(120), joined_at timestamptz DEFAULT now());
        CREATE TABLE products (id serial, sku varchar(40), name varchar(200), price numeric, on_sale boolean);
    """
    found = checked(server, work, "ALTER TABLE products DROP on_sale", schema)
    assert [one.message for one in found.notes] == []
    (finding,) = found.findings
    assert finding.message.startswith("After the upgrade Product of main (shop/models.py:")
