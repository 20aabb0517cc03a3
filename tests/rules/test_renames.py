"""renames, against PostgreSQL: what it refuses breaks the queries of running code, what it lets through does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.rules.afterwards import afterwards, broken
from tests.rules.tables import alternatives, pasted
from tests.rules.traffic import judge
from tests.rules.watch import Lab

RULE = "renames"

# Each with what the old code meets.
BAD = {
    "column": ('op.alter_column("users", "bio", new_column_name="about")', "42703"),
    "column, keywords": ('op.alter_column(table_name="users", column_name="bio", new_column_name="about")', "42703"),
    "column, batch": (
        'with op.batch_alter_table("users") as batch:\n    batch.alter_column("bio", new_column_name="about")',
        "42703",
    ),
    "column, schema": ('op.alter_column("users", "email", new_column_name="mail", schema="crm")', "42703"),
    "column, SQL": ('op.execute("ALTER TABLE users RENAME COLUMN bio TO about")', "42703"),
    "column, and a generated one of the old name": (
        'op.alter_column("users", "name", new_column_name="label")\n'
        'op.execute("ALTER TABLE users ADD COLUMN name text GENERATED ALWAYS AS (label) STORED")',
        "428C9",  # INSERT into it
    ),
    "table": ('op.rename_table("groups", "teams")', "42P01"),
    "table, schema": ('op.rename_table("users", "people", schema="crm")', "42P01"),
    "table, SQL": ('op.execute("ALTER TABLE groups RENAME TO teams")', "42P01"),
    "table, reserved word": ('op.rename_table("order", "purchases")', "42P01"),
    "table moved to a schema": ('op.execute("ALTER TABLE groups SET SCHEMA crm")', "42P01"),
    "view": ('op.execute("ALTER MATERIALIZED VIEW order_totals RENAME TO sums")', "42P01"),
    "enum value": ("op.execute(\"ALTER TYPE order_status RENAME VALUE 'paid' TO 'settled'\")", "22P02"),
    "schema": ('op.execute("ALTER SCHEMA crm RENAME TO sales")', "42P01"),
    "a view with another name": (
        'op.rename_table("groups", "teams")\nop.execute("CREATE VIEW clubs AS SELECT * FROM teams")',
        "42P01",
    ),
}

GOOD = {
    "a new column": """
        op.add_column("users", sa.Column("phone", sa.Text()))
        op.alter_column("users", "phone", new_column_name="telephone")
    """,
    "a column of a new table": """
        op.create_table("notes", sa.Column("id", sa.Integer()))
        op.alter_column("notes", "id", new_column_name="number")
        op.rename_table("notes", "remarks")
    """,
    "a view keeps the table's name": """
        op.rename_table("groups", "teams")
        op.execute("CREATE VIEW groups AS SELECT * FROM teams")
    """,
    "a view keeps the table's name, quoted": """
        op.rename_table("Users", "Clients")
        op.execute('CREATE OR REPLACE VIEW "Users" AS SELECT * FROM "Clients"')
    """,
    "a view keeps the table's name, schema": """
        op.rename_table("users", "people", schema="crm")
        op.execute("CREATE VIEW crm.users AS SELECT * FROM crm.people")
    """,
    "a table takes the name of another": """
        op.execute("CREATE TABLE groups2 (LIKE groups INCLUDING ALL)")
        op.rename_table("groups", "groups_old")
        op.rename_table("groups2", "groups")
    """,
    "columns change places": """
        op.add_column("users", sa.Column("bio2", sa.Text()))
        op.alter_column("users", "bio", new_column_name="bio_old")
        op.alter_column("users", "bio2", new_column_name="bio")
    """,
    "an index": 'op.execute("ALTER INDEX ix_users_name RENAME TO users_by_name")',
    "a constraint": 'op.execute("ALTER TABLE orders RENAME CONSTRAINT orders_total_positive TO positive")',
    "a sequence": 'op.execute("ALTER SEQUENCE users_id_seq RENAME TO users_numbers")',
    "a new enum value": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE order_status ADD VALUE 'open'")
        op.execute("ALTER TYPE order_status RENAME VALUE 'open' TO 'opened'")
    """,
    "a new schema": """
        op.execute("CREATE SCHEMA shop")
        op.execute("ALTER SCHEMA shop RENAME TO store")
    """,
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_breaks_running_code(case: str, tmp_path: Path, lab: Lab) -> None:
    body, error = BAD[case]
    (finding,) = judge(tmp_path, RULE, body).findings
    assert finding.line == (11 if body.startswith("with") else 10)
    assert error in broken(lab, tmp_path, body).values()


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_breaks_nothing(case: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(GOOD[case])
    assert judge(tmp_path, RULE, body).findings == ()
    assert broken(lab, tmp_path, body) == {}


# A renamed type breaks drivers that name it: psycopg's and asyncpg's casts are SQLAlchemy's own.
NAMED = {
    "type": ('op.execute("ALTER TYPE order_status RENAME TO state")', "SELECT 'new'::order_status", "42704"),
    "view's column": (
        'op.execute("ALTER MATERIALIZED VIEW order_totals RENAME COLUMN total TO sum")',
        "SELECT total FROM order_totals",
        "42703",
    ),
}


@pytest.mark.parametrize(("body", "question", "error"), NAMED.values(), ids=NAMED)
def test_other_names_that_queries_use(body: str, question: str, error: str, tmp_path: Path, lab: Lab) -> None:
    assert len(judge(tmp_path, RULE, body).findings) == 1
    assert afterwards(lab, tmp_path, body, question) == [error]


def test_a_new_revision_s_own_column(tmp_path: Path) -> None:
    added = 'op.add_column("users", sa.Column("phone", sa.Text()))'
    renamed = 'op.alter_column("users", "phone", new_column_name="telephone")'
    assert judge(tmp_path, RULE, added, renamed).findings == ()


def test_a_view_in_another_transaction_comes_too_late(tmp_path: Path) -> None:
    body = """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE groups RENAME TO teams")
        op.execute("CREATE VIEW groups AS SELECT * FROM teams")
    """
    assert len(judge(tmp_path, RULE, dedent(body)).findings) == 1


def test_a_view_takes_all_that_the_application_writes(tmp_path: Path, lab: Lab) -> None:
    """PostgreSQL's documentation, CREATE VIEW, "Updatable Views"."""
    body = dedent(GOOD["a view keeps the table's name"])
    questions = (
        "INSERT INTO groups (name) VALUES ('x') RETURNING id, name",
        "INSERT INTO groups (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y' RETURNING id, name",
        "UPDATE groups SET name = 'z' WHERE id = 1 RETURNING id",
        "DELETE FROM groups WHERE id = 2 RETURNING id",
        "SELECT id FROM groups WHERE id = 1 FOR UPDATE",
    )
    assert afterwards(lab, tmp_path, body, *questions) == [[(101, "x")], [(1, "y")], [(1,)], [(2,)], [(1,)]]


REMEDIES = {
    name: BAD[name][0]
    for name in ("column", "column, keywords", "column, schema", "column, SQL", "table", "table, schema", "table, SQL")
} | {"table, reserved word": BAD["table, reserved word"][0], "table moved": BAD["table moved to a schema"][0]}


@pytest.mark.parametrize("body", REMEDIES.values(), ids=REMEDIES)
def test_its_remedy_breaks_nothing(body: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, body).findings
    source = (tmp_path / "judged/migrations/versions/new1.py").read_text()
    for way in alternatives(finding):
        text = pasted(source, finding, way, "sa.Text()")
        changed = dedent(text.partition("def upgrade():\n")[2].partition("\n\n\ndef downgrade")[0])
        assert judge(tmp_path, RULE, changed).findings == ()
        assert broken(lab, tmp_path, changed) == {}


def test_the_remedy_of_an_enum_value(tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, BAD["enum value"][0]).findings
    assert finding.remedy is not None
    body = finding.remedy
    assert broken(lab, tmp_path, body) == {}
    assert judge(tmp_path, RULE, body).findings == ()
