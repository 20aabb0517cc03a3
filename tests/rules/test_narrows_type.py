"""narrows-type, against PostgreSQL: what it refuses fails on some row or changes one, and the rest does not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.production import SCHEMA
from tests.rules.tables import alternatives
from tests.rules.watch import Lab, ask, fork, project, upgrade

RULE = "narrows-type"
TOO_LONG, OUT_OF_RANGE, NO_NUMBER = "22001", "22003", "22P02"
NO_CAST = "42804"

# It fails on rows alone.
FAILS = {
    "in a loop": (
        'for table, column in (("orders", "note"),):\n    op.alter_column(table, column, type_=sa.String(2))',
        "22001",
    ),
    "a shorter varchar": (
        'op.alter_column("orders", "note", existing_type=sa.String(200), type_=sa.String(50))',
        TOO_LONG,
    ),
    "text to varchar": ('op.alter_column("users", "bio", type_=sa.String(100))', TOO_LONG),
    "keywords": (
        'op.alter_column(table_name="orders", column_name="note", type_=sa.VARCHAR(length=50), nullable=True)',
        TOO_LONG,
    ),
    "existing_type that is wrong": (
        'op.alter_column("orders", "note", existing_type=sa.String(20), type_=sa.String(50))',
        TOO_LONG,
    ),
    "batch": (
        'with op.batch_alter_table("orders", schema=None) as batch_op:\n'
        '    batch_op.alter_column("note", existing_type=sa.String(200), type_=sa.String(50))',
        TOO_LONG,
    ),
    "SQL": ('op.execute("ALTER TABLE orders ALTER COLUMN note TYPE varchar(50)")', TOO_LONG),
    "SQL with USING that is the column": (
        'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING note")',
        TOO_LONG,
    ),
    "schema": ('op.alter_column("users", "name", type_=sa.String(2), schema="crm")', TOO_LONG),
    "to char": ('op.execute("ALTER TABLE orders ALTER note TYPE char(20)")', TOO_LONG),
    "integer to smallint": ('op.execute("ALTER TABLE users ALTER age TYPE smallint")', OUT_OF_RANGE),
    "integer to smallint by a cast": (
        'op.alter_column("users", "age", type_=sa.SmallInteger(), postgresql_using="age::smallint")',
        OUT_OF_RANGE,
    ),
    "fewer digits": ('op.alter_column("users", "balance", type_=sa.Numeric(8, 2))', OUT_OF_RANGE),
    "text to integer by a cast": (
        'op.alter_column("users", "bio", type_=sa.Integer(), postgresql_using="bio::integer")',
        NO_NUMBER,
    ),
    "text to an enum by a cast": (
        'op.execute("ALTER TABLE users ALTER nickname TYPE order_status USING nickname::order_status")',
        NO_NUMBER,
    ),
    "an UPDATE of another column": (
        'op.execute("UPDATE orders SET user_id = user_id")\n'
        'op.alter_column("orders", "note", existing_type=sa.String(200), type_=sa.String(50))',
        TOO_LONG,
    ),
    "a CHECK that is NOT VALID": (
        'op.execute("ALTER TABLE orders ADD CHECK (length(note) <= 50) NOT VALID")\n'
        'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50)")',
        TOO_LONG,
    ),
}
# It fails without rows too.
ALWAYS = {
    "text to integer without USING": 'op.alter_column("users", "bio", type_=sa.Integer())',
    "integer to boolean without USING": 'op.alter_column("users", "age", type_=sa.Boolean())',
}
# It passes, and a value is not what it was.
CHANGES = {
    "a cast that cuts": 'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING note::varchar(50)")',
    "another scale": 'op.alter_column("users", "balance", type_=sa.Numeric(10, 1))',
    "numeric to integer": 'op.execute("ALTER TABLE users ALTER balance TYPE bigint")',
    "timestamp to date": 'op.alter_column("orders", "created_at", type_=sa.Date())',
    "whole seconds": 'op.execute("ALTER TABLE orders ALTER created_at TYPE timestamp(0)")',
    "integer to boolean by a cast": (
        'op.alter_column("users", "age", type_=sa.Boolean(), postgresql_using="age::boolean")'
    ),
}
CUT = 'op.execute("UPDATE orders SET note = left(note, 50) WHERE length(note) > 50")'
SHORTER = 'op.alter_column("orders", "note", existing_type=sa.String(200), type_=sa.String(50))'
GOOD = {
    "a longer varchar": 'op.alter_column("users", "nickname", existing_type=sa.String(50), type_=sa.String(200))',
    "existing_type that is wrong": (
        'op.alter_column("users", "nickname", existing_type=sa.Text(), type_=sa.String(200))'
    ),
    "varchar to text": 'op.execute("ALTER TABLE users ALTER nickname TYPE text")',
    "integer to bigint": 'op.alter_column("memberships", "user_id", type_=sa.BigInteger())',
    "more digits": 'op.alter_column("users", "balance", type_=sa.Numeric(12, 2))',
    "numeric without a limit": 'op.alter_column("users", "balance", type_=sa.Numeric())',
    "integer to text": 'op.execute("ALTER TABLE users ALTER age TYPE text")',
    "integer to a varchar that holds it": 'op.execute("ALTER TABLE users ALTER age TYPE varchar(11)")',
    "cut by USING": 'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING left(note, 50)")',
    "cut by USING substring": (
        'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING substring(note FROM 1 FOR 50)")'
    ),
    "cut by USING in Alembic": SHORTER.replace("sa.String(50))", 'sa.String(50), postgresql_using="left(note, 50)")'),
    "cut before": f"{CUT}\n{SHORTER}",
    "all cut before": f'op.execute("UPDATE orders SET note = substr(note, 1, 20)")\n{SHORTER}',
    "deleted before": f'op.execute("DELETE FROM orders WHERE length(note) > 50")\n{SHORTER}',
    "emptied before": f'op.execute("TRUNCATE orders")\n{SHORTER}',
    "a CHECK": f"""
        {CUT}
        op.create_check_constraint("short", "orders", "length(note) <= 50")
        {SHORTER}
    """,
    "a CHECK that is validated": f"""
        {CUT}
        op.execute("ALTER TABLE orders ADD CONSTRAINT short CHECK (char_length(note) < 51) NOT VALID")
        op.execute("ALTER TABLE orders VALIDATE CONSTRAINT short")
        {SHORTER}
    """,
    "a new table": """
        op.create_table("teams", sa.Column("name", sa.Text()))
        op.alter_column("teams", "name", type_=sa.String(50))
    """,
    "a new column": """
        op.add_column("users", sa.Column("phone", sa.Text()))
        op.alter_column("users", "phone", type_=sa.String(50))
    """,
    "a column renamed": """
        op.alter_column("users", "nickname", new_column_name="nick")
        op.alter_column("users", "nick", type_=sa.String(80))
    """,
    "a boolean computed": ('op.alter_column("users", "age", type_=sa.Boolean(), postgresql_using="age IS NOT NULL")'),
}
ENUM_AGAIN = """
        op.execute("ALTER TYPE order_status RENAME TO order_status_old")
        op.execute("CREATE TYPE order_status AS ENUM ('new', 'paid', 'sent')")
        op.execute("ALTER TABLE orders ALTER status DROP DEFAULT")
        op.execute("ALTER TABLE orders ALTER status TYPE order_status USING status::text::order_status")
"""
# What nobody can tell by reading. PostgreSQL takes some of it and refuses some.
NOTES = {
    "an UPDATE that may make it fit": "op.execute(\"UPDATE orders SET note = 'x' WHERE total > 1\")\n" + SHORTER,
    "a DELETE that may make it fit": 'op.execute("DELETE FROM orders WHERE total > 1")\n' + SHORTER,
    "a CHECK that may bound it": (
        'op.execute("ALTER TABLE users ADD CHECK (age BETWEEN -100 AND 2000000000)")\n'
        'op.execute("ALTER TABLE users ALTER age TYPE smallint")'
    ),
    "USING that computes": 'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING upper(note)")',
    "USING that cuts too late": 'op.execute("ALTER TABLE orders ALTER note TYPE varchar(50) USING left(note, 60)")',
    "an enum to varchar": 'op.execute("ALTER TABLE orders ALTER status DROP DEFAULT, ALTER status TYPE varchar(10)")',
    "an enum made again": ENUM_AGAIN,
    "timestamp to timestamptz": 'op.alter_column("orders", "created_at", type_=sa.DateTime(timezone=True))',
    "a column that is not known": 'op.execute("ALTER TABLE invoices ALTER total TYPE integer")',
    "json to jsonb": """
        op.add_column("users", sa.Column("extra", sa.JSON(), server_default="{}"))
        op.execute("ALTER TABLE users ALTER extra DROP DEFAULT, ALTER extra TYPE jsonb")
    """,
}
UNKNOWN = {
    "to varchar": ('op.alter_column("invoices", "note", type_=sa.String(50))', True),
    "to integer": ('op.alter_column("invoices", "note", type_=sa.Integer())', True),
    "to text": ('op.alter_column("invoices", "note", type_=sa.Text())', False),
    "to varchar without a limit": ('op.alter_column("invoices", "note", type_=sa.String())', False),
    "to a type of the project's": (
        'from app import Money\nop.alter_column("invoices", "note", type_=Money())',
        True,
    ),
}
VALUES = (
    "SELECT (SELECT json_agg(o ORDER BY id)::text FROM orders o), (SELECT json_agg(u ORDER BY id)::text FROM users u)"
)


def judge(repository: Repository, body: str):
    """What the rule says of a revision that comes after those that made production's tables."""
    repository.write({"a0.py": revision("a0", f"op.execute('''{SCHEMA}''')")})
    repository.write({"a1.py": revision("a1", dedent(body), "a0")})
    return repository.judge(select=(RULE,), start_after=("a0",))


def notes(verdict) -> list[str]:
    return [one.message for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize(("body", "error"), FAILS.values(), ids=FAILS)
def test_postgresql_refuses_it_on_rows_alone(body: str, error: str, watch: Watch):
    assert watch(body).error == error
    assert watch(body, rows=False).error is None


@pytest.mark.parametrize("body", ALWAYS.values(), ids=ALWAYS)
def test_postgresql_refuses_it_in_any_case(body: str, watch: Watch):
    assert watch(body).error == NO_CAST
    assert watch(body, rows=False).error == NO_CAST


def changed(lab: Lab, folder, body: str) -> bool:
    """Whether a revision that passes leaves other values in users and orders."""
    project(folder, dedent(body))
    with fork(lab) as database:
        before = ask(lab, database, VALUES)
        seen = upgrade(lab, database, folder)
        assert seen.error is None, seen
        return ask(lab, database, VALUES) != before


@pytest.mark.parametrize("body", CHANGES.values(), ids=CHANGES)
def test_postgresql_changes_values_without_a_word(body: str, lab: Lab, tmp_path):
    assert changed(lab, tmp_path, body)


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_postgresql_takes_it_on_rows(body: str, watch: Watch):
    assert watch(dedent(body)).error is None


@pytest.mark.parametrize("body", [*(body for body, _ in FAILS.values()), *ALWAYS.values(), *CHANGES.values()])
def test_the_gate_refuses_it(body: str, repository: Repository):
    (finding,) = judge(repository, body).findings
    assert finding.rule == RULE


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_gate_lets_it_through(body: str, repository: Repository):
    verdict = judge(repository, body)
    assert (verdict.findings, notes(verdict)) == ((), [])


@pytest.mark.parametrize("body", NOTES.values(), ids=NOTES)
def test_what_cannot_be_told_is_a_note(body: str, repository: Repository):
    verdict = judge(repository, body)
    assert verdict.findings == ()
    assert len(notes(verdict)) == 1


@pytest.mark.parametrize(("body", "noted"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_type_that_is_not_known_is_a_note_where_the_new_one_may_be_narrower(
    body: str, noted: bool, repository: Repository
):
    verdict = judge(repository, body)
    assert verdict.findings == ()
    assert len(notes(verdict)) == noted


@pytest.mark.parametrize("name", [*FAILS, *ALWAYS])
def test_the_remedy_works(name: str, repository: Repository, watch: Watch, lab: Lab):
    body = ALWAYS.get(name) or FAILS[name][0]
    (finding,) = judge(repository, body).findings
    cut, *bound, added, filled, dropped = alternatives(finding)
    if "pg_input_is_valid" in filled and lab.server.major < 16:
        return
    assert watch(cut.replace("…", "NULL")).error is None, cut
    assert watch(*bound or ["pass"]).error is None, bound
    assert watch(added, filled, dropped).error is None, (added, filled)


@pytest.mark.parametrize("name", FAILS)
def test_the_question_of_the_remedy_finds_the_values(name: str, repository: Repository, lab: Lab):
    (finding,) = judge(repository, FAILS[name][0]).findings
    question = (finding.remedy or "").split("\n")[0].partition(": ")[2]
    if "pg_input_is_valid" in question and lab.server.major < 16:
        return
    with fork(lab) as database:
        assert ask(lab, database, question) > [(0,)]


@pytest.mark.parametrize("name", FAILS)
def test_the_remedy_says_where_the_change_writes_the_table_anew(name: str, repository: Repository, watch: Watch):
    (finding,) = judge(repository, FAILS[name][0]).findings
    cut = alternatives(finding)[0].replace("…", "NULL")
    assert any(one.rewrote for one in watch(cut).statements) is ("rewrites-table" in (finding.remedy or ""))


def test_it_is_asked_what_the_oldest_postgresql_can_answer(repository: Repository):
    enum, date = FAILS["text to an enum by a cast"][0], FAILS["text to integer by a cast"][0].replace("Integer", "Date")
    for body, version, question in (
        (enum, 14, "nickname <> ALL (enum_range(NULL::order_status)::text[])"),
        (date.replace("integer", "date"), 16, "NOT pg_input_is_valid(bio, 'date')"),
        (date.replace("integer", "date"), 14, "…"),
    ):
        repository.write({"a0.py": revision("a0", f"op.execute('''{SCHEMA}''')")})
        repository.write({"a1.py": revision("a1", body, "a0")})
        (finding,) = repository.findings(select=(RULE,), start_after=("a0",), postgres_version=version)
        assert f"WHERE {question}\n" in (finding.remedy or "")


def test_only_new_revisions_have_put_rows_in(repository: Repository):
    body = """
        op.create_table("teams", sa.Column("name", sa.Text()))
        op.execute("INSERT INTO teams VALUES ('a')")
        op.alter_column("teams", "name", type_=sa.String(50))
    """
    verdict = judge(repository, body)
    assert verdict.findings == ()
    assert len(notes(verdict)) == 1


def test_what_was_not_read_before_it_makes_a_note_of_the_finding(repository: Repository):
    verdict = judge(repository, f"from app import cut\ncut(op.get_bind())\n{SHORTER}")
    assert verdict.findings == ()
    assert len(notes(verdict)) == 1


def test_the_history_goes_before_existing_type_where_it_is_certain(repository: Repository):
    change = 'op.alter_column("t", "c", existing_type=sa.String({}), type_=sa.String(50))'
    for made, existing, closed in (
        ('op.create_table("t", sa.Column("c", sa.String(200)))', 20, 1),
        ('op.create_table("t", sa.Column("c", sa.String(20)))', 200, 0),
        ('op.create_table("t", sa.Column("c", sa.String(20)), if_not_exists=True)', 200, 1),
        ('op.create_table("t", sa.Column("c", sa.String(20)))\nop.execute(f"ALTER TABLE t {unknown}")', 200, 1),
        ('op.create_table("t", sa.Column("c", sa.String(20)))\nop.alter_column("t", "c", type_=sa.Text())', 20, 1),
        ('op.create_table("t", sa.Column("d", sa.Text()))\nop.alter_column("t", "d", new_column_name="c")', 20, 1),
        ('op.create_table("s", sa.Column("c", sa.Text()))\nop.rename_table("s", "t")', 20, 1),
        ("pass", 200, 1),
        ("pass", 20, 0),
    ):
        repository.write({"a0.py": revision("a0", f"from app import unknown\n{made}")})
        repository.write({"a1.py": revision("a1", change.format(existing), "a0")})
        assert len(repository.findings(select=(RULE,), start_after=("a0",))) == closed, (made, existing)


def test_json_that_jsonb_refuses(lab: Lab, repository: Repository):
    (message,) = notes(judge(repository, NOTES["json to jsonb"]))
    assert r"refuses \u0000 (22P05)" in message
    with fork(lab) as database:
        assert ask(lab, database, r"""SELECT '"\u0000"'::json::jsonb""") == "22P05"
        assert ask(lab, database, """SELECT ('{"a": 1, "a": 2}'::json::jsonb)::text""") == [('{"a": 2}',)]
