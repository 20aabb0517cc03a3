"""index-without-concurrently, against PostgreSQL: what it refuses makes traffic wait, what it lets through does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import revision, write
from tests.rules.conftest import Repository
from tests.rules.traffic import EXCLUSIVE, Watch, filled, judge, steps

RULE = "index-without-concurrently"
WAITS = {EXCLUSIVE, "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"}

BAD = {
    "create": ("users", 'op.create_index("ix_users_email", "users", ["email"])'),
    "keywords": ("users", 'op.create_index(index_name="i", table_name="users", columns=["email"], unique=False)'),
    "unique": ("users", 'op.create_index("i", "users", ["id", "email"], unique=True)'),
    "op.f": ("users", 'op.create_index(op.f("ix_users_bio"), "users", ["age"])'),
    "an expression, some rows": (
        "users",
        'op.create_index("i", "users", [sa.text("lower(nickname)")], postgresql_where=sa.text("age > 3"))',
    ),
    "batch": ("users", 'with op.batch_alter_table("users") as b:\n    b.create_index("i", ["age"], unique=False)'),
    "batch with op.f": (
        "users",
        'with op.batch_alter_table("users", schema=None) as b:\n    b.create_index(b.f("ix"), ["age"])',
    ),
    "schema": ("crm.users", 'op.create_index("i", "users", ["email"], schema="crm")'),
    "reserved word": ("order", 'op.create_index("i", "order", ["email"])'),
    "capital letters": ("Users", 'op.create_index("I", "Users", ["email"])'),
    "postgresql_concurrently=False": ("users", 'op.create_index("i", "users", ["age"], postgresql_concurrently=False)'),
    "in a loop": (
        "users",
        'for table, columns in (("users", ["age"]),):\n    op.create_index(f"ix_{table}", table, columns)',
    ),
    "with its column": ("users", 'op.add_column("users", sa.Column("phone", sa.Text(), index=True))'),
    "with its column, keywords, batch": (
        "users",
        'with op.batch_alter_table("users") as b:\n'
        '    b.add_column(sa.Column(name="phone", type_=sa.Text(), unique=True, index=True, nullable=True))',
    ),
    "with its column, schema": (
        "crm.users",
        'op.add_column("users", sa.Column("phone", sa.Text(), index=True), schema="crm")',
    ),
    "of a partitioned table": ("events", 'op.create_index("ix_events_day", "events", ["day"])'),
    "SQL": ("users", 'op.execute("CREATE INDEX i ON users (age)")'),
    "SQL, if not exists": ("users", 'op.execute("CREATE UNIQUE INDEX IF NOT EXISTS i ON users USING btree (id)")'),
    "drop": ("users", 'op.drop_index("ix_users_name", table_name="users")'),
    "drop, positional": ("users", 'op.drop_index("ix_users_name", "users")'),
    "drop by a name that is looked up": (
        "users",
        'op.drop_index(sa.inspect(op.get_bind()).get_indexes("users")[0]["name"], "users")',
    ),
    "drop without its table": ("users", 'op.drop_index("ix_users_name")'),
    "drop in a batch": ("users", 'with op.batch_alter_table("users") as b:\n    b.drop_index("ix_users_name")'),
    "drop in SQL": ("users", 'op.execute("DROP INDEX IF EXISTS ix_users_name")'),
    "reindex": ("users", 'op.execute("REINDEX TABLE users")'),
    "reindex one": ("users", 'op.execute("REINDEX INDEX ix_users_name")'),
}

GOOD = {
    "concurrently": """
        with op.get_context().autocommit_block():
            op.create_index("i", "users", ["age"], postgresql_concurrently=True)
    """,
    "drop concurrently": """
        with op.get_context().autocommit_block():
            op.drop_index("ix_users_name", table_name="users", postgresql_concurrently=True)
    """,
    "SQL concurrently": """
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY i ON users (age)")
            op.execute("DROP INDEX CONCURRENTLY ix_users_name")
            op.execute("REINDEX TABLE CONCURRENTLY users")
    """,
    "on a partitioned table alone": 'op.execute("CREATE INDEX i ON ONLY events (day)")',
    "on a table of the same revision": """
        op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("n", sa.Integer()))
        op.create_index("ix_notes_n", "notes", ["n"])
    """,
    "an index that has just been made": """
        op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("n", sa.Integer()))
        op.create_index("ix_notes_n", "notes", ["n"])
        op.drop_index("ix_notes_n", "notes")
    """,
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_makes_writes_wait(case: str, tmp_path: Path, watch: Watch) -> None:
    table, body = BAD[case]
    (finding,) = judge(tmp_path, RULE, body).findings
    assert table in finding.message
    seen = watch(body)
    assert seen.error is None, seen.message
    assert {mode for one in seen.statements for name, mode in one.locks if name == table} & WAITS


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_makes_nobody_wait(case: str, tmp_path: Path, watch: Watch) -> None:
    verdict = judge(tmp_path, RULE, GOOD[case])
    assert not verdict.findings
    assert not verdict.notes
    seen = watch(GOOD[case])
    assert seen.error is None, seen.message
    indexes = {"ix_users_name", "ix_orders_user_id"}
    building = [one for one in seen.statements if "ON ONLY" not in one.sql]
    waits = {name for one in building for name, mode in one.locks if mode in WAITS}
    assert waits - indexes == set() or "REINDEX" in GOOD[case]
    assert not any(one.built for one in seen.statements if "ON ONLY" in one.sql)


HELPER = """
class Indexes:
    def __init__(self, op):
        self.op = op

    def make(self, table, columns):
        self.op.create_index(f"ix_{table}", table, columns)

    def drop(self, table):
        for index in self.op.get_bind().execute("SELECT name FROM them"):
            self.op.drop_index(index.name, table)
"""


def test_what_a_helper_s_names_stand_for_is_written_out(repository: Repository) -> None:
    body = 'from app.helpers import Indexes\n\nIndexes(op).make("users", ["age"])\nIndexes(op).drop("users")'
    repository.write({"a.py": revision("a", body)})
    write(repository.root, {"app/__init__.py": "", "app/helpers.py": HELPER})
    made, dropped = (finding.remedy or "" for finding in repository.judge(select=(RULE,)).findings)
    assert "op.create_index('ix_users', 'users', ['age'], postgresql_concurrently=True)" in made
    assert "op.drop_index(\"…\", 'users', if_exists=True, postgresql_concurrently=True)" in dropped
    assert "self" not in made + dropped


def test_a_table_that_came_two_revisions_earlier_is_new(tmp_path: Path) -> None:
    made = 'op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("n", sa.Integer()))'
    between = 'op.add_column("users", sa.Column("phone", sa.Text()))'
    assert not judge(tmp_path, RULE, made, between, 'op.create_index("i", "notes", ["n"])').findings


@pytest.mark.parametrize("case", BAD)
def test_the_remedy_makes_nobody_wait(case: str, tmp_path: Path, watch: Watch) -> None:
    table, body = BAD[case]
    (finding,) = judge(tmp_path, RULE, body).findings
    bodies = [filled(one, "events_2024") for one in steps(finding)]
    if case.startswith("with its column"):
        assert "index of phone" in finding.message
        assert "add_column" in bodies[0]
    assert not judge(tmp_path, RULE, *bodies).findings
    for again in (False, True):
        seen = watch(*bodies)
        assert seen.error is None, (again, seen.message)
    waits = {mode for one in seen.statements for name, mode in one.locks if name == table} & WAITS
    assert not waits or case.startswith(("with its column", "of a partitioned table"))
    assert not any(table in one.built for one in seen.statements if one.transaction)
