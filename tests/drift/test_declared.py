"""The real thing: env.py's models made by their own create_all() beside what the migrations build, through the gate."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import Gate, Said, write

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool
from models import metadata
{before}

with create_engine("postgresql+psycopg://app@db.invalid/app", poolclass=pool.NullPool).connect() as connection:
    {first}
    context.configure(connection=connection, target_metadata=metadata{options})
    with context.begin_transaction():
        context.run_migrations()
"""
MODELS = """
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()
"""


def project(
    folder: Path,
    models: str,
    upgrade: str,
    options: str = "",
    before: str = "",
    first: str = "pass",
    settings: str = "",
) -> Path:
    """A project of one revision; ``upgrade`` is SQL, its statements between semicolons at the ends of lines."""
    calls = "".join(f"    op.execute({one.strip()!r})\n" for one in dedent(upgrade).split(";\n") if one.strip())
    return write(
        folder,
        {
            "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
            "models.py": MODELS + dedent(models),
            "migrations/env.py": ENV.format(options=f", {options}" if options else "", before=before, first=first),
            "migrations/versions/a1.py": 'from alembic import op\n\nrevision = "a1"\ndown_revision = None\n\n\n'
            f"def upgrade():\n{calls}\n\ndef downgrade():\n    pass\n",
            "pyproject.toml": f'[tool.migration-gate]\nselect = ["drift", "upgrade-fails"]\n{dedent(settings)}\n',
        },
    )


def ci(gate: Gate, folder: Path) -> Said:
    return gate("ci", "--notes", "--format", "json", cwd=folder)


def messages(said: Said) -> list[str]:
    return [one["message"] for one in said.json["findings"]]


def notes(said: Said) -> str:
    return "\n".join(one["message"] for one in said.json["notes"])


USERS = """
users = sa.Table(
    "users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("age", sa.Integer),
    sa.CheckConstraint("age > 0", name="born"),
)
"""


def test_what_autogenerate_never_sees(tmp_path: Path, gate: Gate) -> None:
    said = ci(gate, project(tmp_path, USERS, "CREATE TABLE users (id serial PRIMARY KEY, age integer)"))
    assert said.status == 1
    assert messages(said) == ["check constraint `born` on `users` is in the models and in no migration"]
    assert said.json["findings"][0]["evidence"] == [{"kind": "models", "text": "models      CHECK ((age > 0))"}]


NEEDS = """
metadata.schema = None
orders = sa.Table(
    "orders", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, server_default=sa.text("next_number()")),
    sa.Column("state", postgresql.ENUM("open", "closed", name="state", create_type=False)),
    sa.Column("cents", postgresql.DOMAIN("cents", sa.Integer, create_type=False)),
    sa.Column("ticket", sa.Integer, server_default=sa.text("nextval('sales.tickets')")),
    schema="sales",
)
"""
MAKES = """
    CREATE SCHEMA sales;
    CREATE TYPE state AS ENUM ('open', 'closed');
    CREATE DOMAIN cents AS integer CHECK (VALUE >= 0);
    CREATE SEQUENCE sales.tickets START 100;
    CREATE TABLE counters (n integer);
    CREATE FUNCTION first_number() RETURNS integer LANGUAGE sql AS 'SELECT max(n) FROM counters';
    CREATE FUNCTION next_number() RETURNS integer LANGUAGE sql AS 'SELECT first_number() + 1';
    CREATE TABLE sales.orders (id serial PRIMARY KEY, number integer DEFAULT next_number(), state state, cents cents,
        ticket integer DEFAULT nextval('sales.tickets'))
"""


def test_what_create_all_needs_and_only_the_migrations_make(tmp_path: Path, gate: Gate) -> None:
    filters = 'include_schemas=True, include_object=lambda thing, name, *_: name != "counters"'
    said = ci(gate, project(tmp_path, NEEDS, MAKES, filters))
    assert messages(said) == []
    assert said.status == 0
    assert "was not compared" not in notes(said)


def test_an_enum_that_the_models_do_not_make_themselves_has_their_labels(tmp_path: Path, gate: Gate) -> None:
    said = ci(gate, project(tmp_path, NEEDS, MAKES.replace("('open', 'closed')", "('open')"), "include_schemas=True"))
    assert "type `state` (enum) has the label 'closed' in the models and not in the migrations" in messages(said)


def test_what_create_all_cannot_make_is_told(tmp_path: Path, gate: Gate) -> None:
    models = USERS + 'sa.event.listen(metadata, "after_create", sa.DDL("SELECT nowhere()"))\n'
    said = ci(gate, project(tmp_path, models, "CREATE TABLE users (id serial PRIMARY KEY, age integer)"))
    assert "create_all() fails: function nowhere() does not exist" in notes(said)
    assert messages(said) == []


EVENTS = """
sa.event.listen(metadata, "before_create", sa.DDL("CREATE SCHEMA app"))
sa.event.listen(metadata, "after_create", sa.DDL("CREATE VIEW app.adults AS SELECT id FROM users WHERE age > 18"))
"""


def test_ddl_events_are_what_the_models_declare(tmp_path: Path, gate: Gate) -> None:
    upgrade = """
        CREATE TABLE users (id serial PRIMARY KEY, age integer CONSTRAINT born CHECK (age > 0));
        CREATE SCHEMA app;
        CREATE VIEW app.adults AS SELECT id FROM users WHERE age > 21;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
    """
    said = ci(gate, project(tmp_path, USERS + EVENTS, upgrade))
    assert [one.split(" is ")[0] for one in messages(said)] == ["view `app.adults`"]
    assert "managed by migrations only: function `touch()`" in notes(said)


def test_filters_of_env_py_hold_for_the_catalogs_too(tmp_path: Path, gate: Gate) -> None:
    models = USERS + 'sa.Table("adults", metadata, sa.Column("id", sa.Integer), info={"is_view": True})\n'
    upgrade = """
        CREATE TABLE users (id serial PRIMARY KEY, age integer);
        CREATE VIEW adults AS SELECT id FROM users;
        CREATE TABLE legacy (id integer CHECK (id > 0));
        CREATE INDEX ix_old ON users (age)
    """
    before = """
def include_object(thing, name, type_, reflected, compare_to):
    if type_ == "table" and (thing.info.get("is_view") or name in ("users", "legacy")):
        return False
    return True

def include_name(name, type_, parents):
    return not (type_ == "index" and name.startswith("ix_"))
"""
    options = "include_object=include_object, include_name=include_name"
    said = ci(gate, project(tmp_path, models, upgrade, options, before))
    assert messages(said) == []


def test_tables_of_the_models_that_are_views(tmp_path: Path, gate: Gate) -> None:
    models = 'sa.Table("adults", metadata, sa.Column("id", sa.Integer))\n'
    said = ci(gate, project(tmp_path, models, "CREATE VIEW adults AS SELECT 1 AS id"))
    assert messages(said) == []
    assert "managed by migrations only" in notes(said)


def test_a_search_path_of_env_pys_own(tmp_path: Path, gate: Gate) -> None:
    upgrade = "CREATE TABLE users (id serial PRIMARY KEY, age integer)"
    first = """connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS tenant")
    connection.exec_driver_sql("SET search_path = tenant")
    connection.dialect.default_schema_name = "tenant"
    connection.commit()"""
    said = ci(gate, project(tmp_path, USERS, upgrade, 'version_table_schema="tenant"', first=first))
    assert messages(said) == ["check constraint `born` on `tenant.users` is in the models and in no migration"]


def test_what_is_not_to_be_managed(tmp_path: Path, gate: Gate) -> None:
    upgrade = """
        CREATE TABLE users (id serial PRIMARY KEY, age integer);
        CREATE INDEX ix_legacy_age ON users (age);
        CREATE TABLE old_carts (id integer)
    """
    settings = """unmanaged = [
        "index ix_legacy_* because the DBA makes them", "table old_*", "constraint users.born because of the import",
        "view * because of nothing"]"""
    said = ci(gate, project(tmp_path, USERS, upgrade, settings=settings))
    assert messages(said) == []
    assert said.status == 0
    assert "`index ix_legacy_*` of the setting unmanaged leaves out 1 object, because the DBA makes them" in notes(said)
    assert (
        '`table old_*` of the setting unmanaged leaves out 1 object; it says no reason: write "… because …"'
        in notes(said)
    )
    assert "`view *` of the setting unmanaged leaves nothing out" in notes(said)


@pytest.mark.parametrize(("wrong", "said"), [("ix_*", "write a kind and a pattern"), ("indx a", "write a kind")])
def test_a_pattern_that_cannot_be_read(tmp_path: Path, gate: Gate, wrong: str, said: str) -> None:
    folder = project(tmp_path, USERS, "SELECT 1", settings=f'unmanaged = ["{wrong}"]')
    found = gate("ci", cwd=folder)
    assert found.status == 2
    assert said in found.err
