"""Libraries that declare more than tables beside SQLAlchemy's metadata: what they declare, the models declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Gate
from tests.drift.test_declared import USERS, ci, messages, notes, project

TABLE = "CREATE TABLE users (id serial PRIMARY KEY, age integer CONSTRAINT born CHECK (age > 0))"

ENTITIES = """
from alembic_utils.pg_function import PGFunction
from alembic_utils.pg_view import PGView
from alembic_utils.replaceable_entity import register_entities

register_entities([
    PGView(schema="public", signature="adults", definition="SELECT id FROM users WHERE of_age(age)"),
    PGFunction(schema="public", signature="of_age(years integer)",
               definition="RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT years >= 18 $$"),
])
"""
FUNCTION = "CREATE FUNCTION of_age(years integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT years >= 18 $$"
VIEW = "CREATE VIEW adults AS SELECT id FROM users WHERE of_age(age)"


def test_alembic_utils(tmp_path: Path, gate: Gate) -> None:
    said = ci(gate, project(tmp_path / "same", USERS + ENTITIES, f"{TABLE};\n{FUNCTION};\n{VIEW}"))
    assert messages(said) == []
    other = ci(gate, project(tmp_path / "other", USERS + ENTITIES, f"{TABLE};\n{FUNCTION.replace('18', '21')}"))
    assert messages(other) == [
        "function `of_age(years integer)` is declared in another way than the migrations build it",
        "view `adults` is in the models and in no migration",
    ]


ENUM = """
import alembic_postgresql_enum

users.append_column(sa.Column("mood", sa.Enum("glad", "sad", name="mood")))
"""


def test_alembic_postgresql_enum(tmp_path: Path, gate: Gate) -> None:
    upgrade = f"CREATE TYPE mood AS ENUM ('glad');\n{TABLE};\nALTER TABLE users ADD mood mood"
    said = ci(gate, project(tmp_path, USERS + ENUM, upgrade))
    assert messages(said) == ["type `mood` (enum) has the label 'sad' in the models and not in the migrations"]
    assert "op.add_enum_value(" in said.json["findings"][0]["remedy"]


DECLARATIVE = """
from sqlalchemy_declarative_extensions import Functions, declare_database, register_alembic_events
from sqlalchemy_declarative_extensions.dialects.postgresql import Function

def asks(name, sql):
    return Function(name, sql, returns="boolean", language="sql", parameters=["years integer"])

functions = [asks("of_age", "SELECT years >= 18"), asks("old", "SELECT years > 80")]
declare_database(metadata, functions=Functions().are(*functions))
register_alembic_events(functions=True)
"""


@pytest.mark.slow
def test_sqlalchemy_declarative_extensions(tmp_path: Path, gate: Gate) -> None:
    function = FUNCTION.replace(" IMMUTABLE", "")
    old = function.replace("of_age", "old").replace(">= 18", "> 80")
    said = ci(gate, project(tmp_path / "same", USERS + DECLARATIVE, f"{TABLE};\n{function};\n{old}"))
    assert messages(said) == []
    other = ci(gate, project(tmp_path / "other", USERS + DECLARATIVE, f"{TABLE};\n{function}"))
    assert messages(other) == ["function `old(years integer)` is in the models and in no migration"]
    assert "managed by migrations only" not in notes(other)
