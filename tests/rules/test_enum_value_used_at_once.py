"""enum-value-used-at-once, against PostgreSQL: what it refuses fails with 55P04, with rows and without."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.production import SCHEMA

RULE = "enum-value-used-at-once"
UNSAFE = "55P04"
ADD = "op.execute(\"ALTER TYPE order_status ADD VALUE 'archived'\")"
ENUM = 'sa.Enum("new", "paid", "archived", name="order_status", create_type=False)'
DIALECT = "from sqlalchemy.dialects import postgresql\n"

USES = {
    "UPDATE": "op.execute(\"UPDATE orders SET status = 'archived'\")",
    "UPDATE of several columns": "op.execute(\"UPDATE orders SET note = 'archived', status = 'archived'\")",
    "UPDATE with CASE": """
        op.execute("UPDATE orders SET status = CASE WHEN user_id = 1 THEN 'archived'::order_status ELSE 'new' END")
    """,
    "WHERE": "op.execute(\"DELETE FROM orders WHERE status = 'archived'\")",
    "WHERE … IN": "op.execute(\"DELETE FROM orders WHERE status IN ('paid', 'archived')\")",
    "INSERT": "op.execute(\"INSERT INTO orders (status) VALUES ('archived')\")",
    "on the connection": "op.get_bind().execute(sa.text(\"UPDATE orders SET status = 'archived'\"))",
    "Core": """
        orders = sa.table("orders", sa.column("status"))
        op.execute(orders.update().values(status="archived"))
    """,
    "Core's WHERE": f"""
        orders = sa.table("orders", sa.column("status", {ENUM}))
        op.execute(orders.delete().where(orders.c.status == "archived"))
    """,
    "bulk_insert": """
        orders = sa.table("orders", sa.column("status"))
        op.bulk_insert(orders, [{"status": "archived"}])
    """,
    "a server default": 'op.alter_column("orders", "status", server_default="archived")',
    "a server default as text": """
        op.alter_column("orders", "status", server_default=sa.text("'archived'::order_status"))
    """,
    "SET DEFAULT": "op.execute(\"ALTER TABLE orders ALTER status SET DEFAULT 'archived'\")",
    "a new column's default": f'op.add_column("users", sa.Column("last", {ENUM}, server_default="archived"))',
    "a new column's default in SQL": "op.execute(\"ALTER TABLE users ADD last order_status DEFAULT 'archived'\")",
    "a new table's default": f'op.create_table("t", sa.Column("last", {ENUM}, server_default="archived"))',
    "a CHECK": """op.create_check_constraint("c", "orders", "status <> 'archived'", postgresql_not_valid=True)""",
    "a partial index": """
        op.create_index("ix", "orders", ["user_id"], postgresql_where=sa.text("status = 'archived'"))
    """,
    "USING": """
        op.execute("ALTER TABLE users ALTER nickname TYPE order_status USING 'archived'::order_status")
    """,
    "a SELECT with a cast": "op.execute(\"SELECT 'archived'::order_status\")",
}
HARMLESS = {
    "a text column": "op.execute(\"UPDATE users SET name = 'archived'\")",
    "a text column of the same table": "op.execute(\"UPDATE orders SET note = 'archived' WHERE status = 'new'\")",
    "a comparison of the text": "op.execute(\"DELETE FROM orders WHERE status::text = 'archived'\")",
    "another table": "op.execute(\"INSERT INTO groups (name) VALUES ('archived')\")",
    "a text default": 'op.add_column("users", sa.Column("last", sa.Text(), server_default="archived"))',
    "the enum's own labels": f'op.add_column("users", sa.Column("last", {ENUM}, server_default="new"))',
    "another value": "op.execute(\"UPDATE orders SET status = 'paid'\")",
    "a value beside it": "op.execute(\"ALTER TYPE order_status ADD VALUE 'lost' BEFORE 'archived'\")",
    "a comment": "op.execute(\"COMMENT ON TABLE orders IS 'archived'\")",
    "a function that is not called": """
        op.execute(
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS "
            "$$ BEGIN UPDATE orders SET status = 'archived'; END $$"
        )
    """,
}
COMMITTED = {
    "an autocommit block": f"with op.get_context().autocommit_block():\n    {ADD}\n{USES['UPDATE']}",
    "used before": f"op.execute(\"DELETE FROM orders WHERE status = 'paid'\")\n{ADD}",
}


def judge(repository: Repository, *bodies: str, **settings: object):
    """What the rule says of new revisions that come after one that makes production's tables."""
    repository.write({"a0.py": revision("a0", f"op.execute('''{SCHEMA}''')")})
    for number, body in enumerate(bodies, 1):
        repository.write({f"a{number}.py": revision(f"a{number}", dedent(body), f"a{number - 1}")})
    return repository.judge(select=(RULE,), start_after=("a0",), **settings)


def after(use: str) -> str:
    return f"{ADD}\n{dedent(use)}"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_postgresql_refuses_the_use(use: str, watch: Watch):
    assert watch(after(use)).error == UNSAFE
    assert watch(after(use), rows=False).error == UNSAFE
    assert watch(ADD, dedent(use)).error == UNSAFE
    assert watch(ADD, dedent(use), per_migration=True).error is None


@pytest.mark.parametrize("use", HARMLESS.values(), ids=HARMLESS)
def test_postgresql_takes_what_is_no_use(use: str, watch: Watch):
    assert watch(after(use)).error is None


@pytest.mark.parametrize("body", COMMITTED.values(), ids=COMMITTED)
def test_postgresql_takes_what_is_committed(body: str, watch: Watch):
    assert watch(body).error is None


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_the_gate_refuses_it(use: str, repository: Repository):
    (finding,) = judge(repository, after(use)).findings
    assert finding.line == 10  # where the value is added


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_the_gate_refuses_it_without_a_history(use: str, repository: Repository):
    repository.write({"a1.py": revision("a1", after(use))})
    assert repository.only(select=(RULE,)).line == 10


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_the_gate_refuses_it_across_revisions(use: str, repository: Repository):
    (finding,) = judge(repository, ADD, use).findings
    assert finding.revision == "a2"
    assert "a1.py:10" in finding.message


@pytest.mark.parametrize("use", HARMLESS.values(), ids=HARMLESS)
def test_the_gate_lets_through_what_is_no_use(use: str, repository: Repository):
    verdict = judge(repository, after(use))
    assert verdict.findings == ()
    assert not [one for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize("body", COMMITTED.values(), ids=COMMITTED)
def test_the_gate_lets_through_what_is_committed(body: str, repository: Repository):
    assert judge(repository, body).findings == ()


def test_each_revision_may_have_a_transaction_of_its_own(repository: Repository):
    repository.write({"../env.py": "context.configure(transaction_per_migration=True)\n"})
    assert judge(repository, ADD, USES["UPDATE"]).findings == ()
    assert len(judge(repository, after(USES["UPDATE"])).findings) == 1


@pytest.mark.parametrize(
    "how",
    ["context.configure(transaction_per_migration=setting)\n", 'create_engine(url, isolation_level="AUTOCOMMIT")\n'],
)
def test_an_env_py_that_may_commit_makes_a_note(how: str, repository: Repository):
    repository.write({"../env.py": how})
    verdict = judge(repository, ADD, USES["UPDATE"])
    assert verdict.findings == ()
    assert [one for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize(
    "made",
    [
        "op.execute(\"CREATE TYPE mood AS ENUM ('a')\")",
        'sa.Enum("a", name="mood").create(op.get_bind())',
        'op.create_table("t", sa.Column("mood", sa.Enum("a", name="mood")))',
    ],
)
def test_a_type_of_the_same_transaction_is_a_note(made: str, repository: Repository, watch: Watch, lab):
    body = f"""{made}
op.execute("ALTER TYPE mood ADD VALUE 'b'")
op.execute("CREATE TABLE moods (mood mood DEFAULT 'b')")"""
    assert watch(body).error == (UNSAFE if lab.server.major < 17 else None)
    verdict = judge(repository, body)
    assert verdict.findings == ()
    assert [one for one in verdict.notes if "since 17" in one.message]


@pytest.mark.parametrize(
    "unread",
    [
        "op.execute(f\"UPDATE {table} SET status = 'archived'\")",
        "op.execute(\"CREATE VIEW v AS SELECT * FROM orders WHERE status = 'archived'\")",
    ],
)
def test_what_was_not_read_and_names_the_value_is_a_note(unread: str, repository: Repository):
    verdict = judge(repository, f"from app import table\n{ADD}\n{unread}")
    assert verdict.findings == ()
    assert [one for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize("name", USES)
def test_the_remedy_works(name: str, repository: Repository, watch: Watch):
    (finding,) = judge(repository, after(USES[name])).findings
    assert watch(f"{finding.remedy}\n{dedent(USES[name])}").error is None
    assert judge(repository, f"{finding.remedy}\n{dedent(USES[name])}").findings == ()


KIND = 'sa.Enum("a", "b", name="kind")'
ADDED = f'op.add_column("users", sa.Column("kind", {KIND}))'
# Where the enum comes from, and whether there is one.
MAKES = {
    "nothing": ("", False),
    "another one": ("sa.Enum('a', name='kinds').create(op.get_bind())", True),
    "create()": (f"{KIND}.create(op.get_bind())", True),
    "create() of a variable": (f"kind = {KIND}\nkind.create(op.get_bind())", True),
    "SQL": ("op.execute(\"CREATE TYPE kind AS ENUM ('a', 'b')\")", True),
    "a new table": (f'op.create_table("t", sa.Column("kind", {KIND}))', True),
}


@pytest.mark.parametrize("case", MAKES)
def test_a_column_of_an_enum_that_nothing_makes_is_noted(case: str, repository: Repository, watch: Watch):
    before, made = MAKES[case]
    body = f"{before}\n{ADDED}".strip()
    repository.write({"a1.py": revision("a1", body)})
    noted = [one for one in repository.judge().notes if "(42704)" in one.message]
    assert len(noted) == (not made)
    assert watch(body).error == (None if made and case != "another one" else "42704")
