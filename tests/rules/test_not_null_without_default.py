"""not-null-without-default, against PostgreSQL: what it refuses fails on rows, and what it lets through does not."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Run
from tests.rules.tables import alternatives, pasted
from tests.rules.traffic import EXCLUSIVE, Watch, judge, steps

RULE = "not-null-without-default"
NOT_NULL_VIOLATION = "23502"

# What closes the gate: it passes on an empty laptop and fails on a table with rows.
BAD = {
    "plain": 'op.add_column("users", sa.Column("phone", sa.String(20), nullable=False))',
    "type without a call": 'op.add_column("users", sa.Column("phone", sa.String, nullable=False))',
    "keywords": 'op.add_column(table_name="users", column=sa.Column(name="phone", type_=sa.Text(), nullable=False))',
    "Python default": 'op.add_column("users", sa.Column("phone", sa.Text(), default="", nullable=False))',
    "callable default": 'op.add_column("users", sa.Column("phone", sa.JSON(), default=dict, nullable=False))',
    "string primary key": 'op.add_column("users", sa.Column("code", sa.String(8), primary_key=True))',
    "primary key without autoincrement": (
        'op.add_column("users", sa.Column("code", sa.Integer(), primary_key=True, autoincrement=False))'
    ),
    "FetchedValue": 'op.add_column("users", sa.Column("n", sa.Integer(), sa.FetchedValue(), nullable=False))',
    "FetchedValue as default": (
        'op.add_column("users", sa.Column("n", sa.Integer(), server_default=sa.FetchedValue(), nullable=False))'
    ),
    "text NULL": 'op.add_column("users", sa.Column("n", sa.Integer(), server_default=sa.text("NULL"), nullable=False))',
    "text NULL with a cast": (
        'op.add_column("users", sa.Column("n", sa.Text(), server_default=sa.text("NULL::text"), nullable=False))'
    ),
    "null()": 'op.add_column("users", sa.Column("n", sa.Text(), server_default=sa.null(), nullable=False))',
    "server_default=None": 'op.add_column("users", sa.Column("n", sa.Text(), server_default=None, nullable=False))',
    "sequence of Python": (
        'op.execute("CREATE SEQUENCE s")\n'
        'op.add_column("users", sa.Column("n", sa.Integer(), sa.Sequence("s"), nullable=False))'
    ),
    "foreign key": 'op.add_column("users", sa.Column("g", sa.Integer(), sa.ForeignKey("groups.id"), nullable=False))',
    "batch": """
        with op.batch_alter_table("users", schema=None) as batch_op:
            batch_op.add_column(sa.Column("phone", sa.String(20), nullable=False))
    """,
    "schema": 'op.add_column("users", sa.Column("phone", sa.String(20), nullable=False), schema="crm")',
    "SQL": 'op.execute("ALTER TABLE users ADD COLUMN phone text NOT NULL")',
    "SQL, primary key": 'op.execute("ALTER TABLE groups DROP COLUMN id, ADD COLUMN code text PRIMARY KEY")',
    "SQL, default NULL": 'op.execute("ALTER TABLE users ADD COLUMN n int DEFAULT NULL::int NOT NULL")',
    "SQL on the connection": 'op.get_bind().execute(sa.text("ALTER TABLE users ADD phone text NOT NULL"))',
    "loop": """
        for name in ("phone", "fax"):
            op.add_column("users", sa.Column(name, sa.String(20), nullable=False))
    """,
    "DELETE of some rows before": """
        op.execute("DELETE FROM users WHERE email IS NULL")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "rows put in after a TRUNCATE": """
        op.execute("TRUNCATE users")
        op.execute("INSERT INTO users (name) SELECT 'x' FROM groups")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "renamed table": """
        op.rename_table("users", "people")
        op.add_column("people", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "new table of another schema": """
        op.create_table("users", sa.Column("id", sa.Integer()), schema="pg_temp")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False), schema="crm")
    """,
    "type without a literal": 'op.add_column("users", sa.Column("u", postgresql.UUID(), nullable=False))',
    "integer primary key with a foreign key is not SERIAL": (
        'op.add_column("users", sa.Column("g", sa.Integer(), sa.ForeignKey("groups.id"), primary_key=True))'
    ),
    "integer primary key with a Python default is not SERIAL": (
        'op.add_column("users", sa.Column("n", sa.Integer(), primary_key=True, default=1))'
    ),
    "integer primary key with a sequence of Python is not SERIAL": """
        op.execute("CREATE SEQUENCE s")
        op.add_column("users", sa.Column("n", sa.Integer(), sa.Sequence("s"), primary_key=True))
    """,
    "CAST(NULL AS text) is NULL": (
        'op.add_column("users", sa.Column("n", sa.Text, server_default=sa.text("CAST(NULL AS text)"), nullable=False))'
    ),
    "CREATE TABLE AS copies rows": """
        op.execute("CREATE TABLE people AS SELECT * FROM users")
        op.add_column("people", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "SELECT INTO copies rows": """
        op.execute("SELECT * INTO people FROM users")
        op.add_column("people", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "INSERT SELECT fills a new table": """
        op.create_table("people", sa.Column("name", sa.Text()))
        op.execute("INSERT INTO people SELECT name FROM users")
        op.add_column("people", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "CREATE TABLE IF NOT EXISTS of a table that exists": """
        op.execute("CREATE TABLE IF NOT EXISTS users (id int)")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "create_table(if_not_exists=True) of a table that exists": """
        op.create_table("users", sa.Column("id", sa.Integer()), if_not_exists=True)
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "rows put into a new table": """
        teams = op.create_table("teams", sa.Column("id", sa.Integer()))
        op.bulk_insert(teams, [{"id": 1}] if op.get_bind().scalar(sa.text("SELECT 1 FROM users")) else [])
        op.add_column("teams", sa.Column("name", sa.Text(), nullable=False))
    """,
}

# What the gate lets through: it passes on a table with rows.
GOOD = {
    "nullable": 'op.add_column("users", sa.Column("phone", sa.String(20)))',
    "string default": 'op.add_column("users", sa.Column("phone", sa.Text(), server_default="", nullable=False))',
    "SQL default": 'op.add_column("users", sa.Column("n", sa.Text(), server_default=sa.text("1 + 1"), nullable=False))',
    "stable default": 'op.add_column("users", sa.Column("t", sa.Date(), server_default=sa.func.now(), nullable=False))',
    "false()": 'op.add_column("users", sa.Column("b", sa.Boolean(), server_default=sa.false(), nullable=False))',
    "the word NULL": 'op.add_column("users", sa.Column("n", sa.Text(), server_default="NULL", nullable=False))',
    "integer primary key is SERIAL": 'op.add_column("users", sa.Column("n", sa.Integer(), primary_key=True))',
    "big integer primary key is BIGSERIAL": 'op.add_column("users", sa.Column("n", sa.BigInteger, primary_key=True))',
    "Identity": 'op.add_column("users", sa.Column("n", sa.Integer(), sa.Identity(), nullable=False))',
    "Computed": 'op.add_column("users", sa.Column("n", sa.Text(), sa.Computed("upper(name)", True), nullable=False))',
    "SQL serial": 'op.execute("ALTER TABLE users ADD COLUMN n bigserial")',
    "SQL serial NOT NULL": 'op.execute("ALTER TABLE users ADD COLUMN n serial NOT NULL")',
    "SQL identity": 'op.execute("ALTER TABLE users ADD COLUMN n int NOT NULL GENERATED ALWAYS AS IDENTITY")',
    "SQL generated": 'op.execute("ALTER TABLE users ADD n text GENERATED ALWAYS AS (upper(name)) STORED NOT NULL")',
    "SQL, with a default": "op.execute(\"ALTER TABLE users ADD COLUMN n text NOT NULL DEFAULT ''\")",
    "table of this revision": """
        op.create_table("teams", sa.Column("id", sa.Integer(), primary_key=True))
        op.add_column("teams", sa.Column("name", sa.Text(), nullable=False))
    """,
    "table of this revision, renamed": """
        op.create_table("tmp", sa.Column("id", sa.Integer(), primary_key=True))
        op.rename_table("tmp", "teams")
        op.add_column("teams", sa.Column("name", sa.Text(), nullable=False))
    """,
    "table of this revision, in SQL": """
        op.execute("CREATE TABLE public.teams (id int)")
        with op.batch_alter_table("teams") as batch_op:
            batch_op.add_column(sa.Column("name", sa.Text(), nullable=False))
    """,
    "integer primary key with ignore_fk is SERIAL": (
        'op.add_column("users", sa.Column("n", sa.Integer(), primary_key=True, autoincrement="ignore_fk"))'
    ),
    "autoincrement=True is SERIAL, foreign key or not": """
        key = sa.ForeignKey("groups.id")
        op.add_column("groups", sa.Column("g", sa.Integer(), key, primary_key=True, autoincrement=True))
    """,
    "CREATE TABLE AS WITH NO DATA": """
        op.execute("CREATE TABLE people AS SELECT * FROM users WITH NO DATA")
        op.add_column("people", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "CREATE TABLE IF NOT EXISTS after DROP TABLE": """
        op.execute("DROP TABLE IF EXISTS groups; CREATE TABLE IF NOT EXISTS groups (id int)")
        op.add_column("groups", sa.Column("name", sa.Text(), nullable=False))
    """,
    "rows put into a new table and deleted": """
        op.create_table("teams", sa.Column("id", sa.Integer()))
        op.execute("INSERT INTO teams VALUES (1)")
        op.execute("DELETE FROM teams")
        op.add_column("teams", sa.Column("name", sa.Text(), nullable=False))
    """,
    "TRUNCATE before": """
        op.execute("TRUNCATE groups, users")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "DELETE of all rows before": """
        op.execute("DELETE FROM users")
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))
    """,
    "three steps": """
        op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))
        op.execute("UPDATE users SET phone = ''")
        op.alter_column("users", "phone", nullable=False)
    """,
}

# What the remedy's "…" is filled with, where it is not an empty string.
VALUES = {
    "callable default": "'{}'",
    "foreign key": "1",
    "integer primary key with a foreign key is not SERIAL": "1",
    "sequence of Python": "0",
    "integer primary key with a Python default is not SERIAL": "0",
    "integer primary key with a sequence of Python is not SERIAL": "0",
    "SQL, default NULL": "0",
    "type without a literal": "'00000000-0000-0000-0000-000000000000'",
} | dict.fromkeys(("primary key without autoincrement", "FetchedValue", "FetchedValue as default", "text NULL"), "0")


def source(body: str) -> str:
    return revision("a1", "from sqlalchemy.dialects import postgresql\n" + dedent(body))


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_postgresql_refuses_it_on_rows_alone(body: str, run: Run):
    assert run(source(body), rows=False) is None
    assert run(source(body), rows=True) == NOT_NULL_VIOLATION


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_postgresql_takes_it_on_rows(body: str, run: Run):
    assert run(source(body), rows=True) is None


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_gate_refuses_what_postgresql_refuses(body: str, repository: Repository):
    repository.write({"a1.py": source(body)})
    assert {one.rule for one in repository.findings(select=(RULE,))} == {RULE}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_gate_lets_through_what_postgresql_takes(body: str, repository: Repository):
    repository.write({"a1.py": source(body)})
    assert repository.findings(select=(RULE,)) == ()


@pytest.mark.parametrize("name", BAD)
def test_every_way_of_the_remedy_works(name: str, repository: Repository, run: Run):
    text = source(BAD[name])
    repository.write({"a1.py": text})
    finding = repository.findings(select=(RULE,))[0]
    ways = alternatives(finding)
    assert len(ways) == 2
    for way in ways:
        assert run(pasted(text, finding, way, VALUES.get(name, "''")), rows=True) is None, way


# Forms that a remedy has to be built from, and names that want quotes: what stands above upgrade(), and its body.
FORMS = {
    "reserved word": ("", 'op.add_column("order", sa.Column("p", sa.Text(), nullable=False))'),
    "capitals": ("", 'op.add_column("Users", sa.Column("p", sa.Text(), nullable=False))'),
    "column in capitals": ("", 'op.add_column("users", sa.Column("P", sa.Text(), nullable=False))'),
    "column of the module": ('P = sa.Column("p", sa.Text(), nullable=False)', 'op.add_column("users", P)'),
    "column of a helper": (
        "def text(name):\n    return sa.Column(name, sa.Text(), nullable=False)",
        'op.add_column("users", text("p"))',
    ),
    "without sa": (
        "from sqlalchemy import Column, Text\n\ndel sa",
        'op.add_column("users", Column("p", Text, nullable=False))',
    ),
    "SQL": ("", 'op.execute("ALTER TABLE public.users ADD n varchar(2) NOT NULL;")'),
    "SQL of two columns": ("", 'op.execute("ALTER TABLE users ADD n text NOT NULL, ADD m text")'),
    "SQL, reserved word": ("", "op.execute('ALTER TABLE \"order\" ADD n text NOT NULL')"),
    "SQL with a comment": ("", 'op.execute("ALTER TABLE users ADD n text NOT NULL -- why")'),
    "a quote in a name": ("", "op.add_column('users', sa.Column('p\"q', sa.Text(), nullable=False))"),
    "a quote at the end of a name": ("", "op.add_column('users', sa.Column('p\"', sa.Text(), nullable=False))"),
    "column of the module, in a batch": (
        'P = sa.Column("p", sa.Text(), nullable=False)',
        'with op.batch_alter_table("users", schema="crm") as batch_op:\n    batch_op.add_column(P)',
    ),
    "batch with a schema": (
        "",
        'with op.batch_alter_table("users", schema="crm") as b:\n'
        '    b.add_column(sa.Column("p", sa.Text(), nullable=False))',
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_remedy_fits_what_it_is_built_from(name: str, repository: Repository, run: Run):
    head, body = FORMS[name]
    text = revision("a1", body).replace("\n\ndef upgrade", f"\n\n{head}\n\n\ndef upgrade")
    assert run(text, rows=True) == NOT_NULL_VIOLATION
    repository.write({"a1.py": text})
    finding = repository.only(select=(RULE,))
    for way in alternatives(finding):
        assert run(pasted(text, finding, way, "''"), rows=True) is None, way


@pytest.mark.parametrize("type_", ["uuid", "crm.code", "numeric(10, 2)", "text[]", "varchar(9)[]", "timestamptz(3)"])
def test_a_remedy_keeps_the_type_of_sql(type_: str, repository: Repository, run: Run):
    domain = "CREATE DOMAIN crm.code AS text"
    text = source(f'op.execute("ALTER TABLE users ADD n {type_} NOT NULL")')
    assert run(text, rows=True, before=domain) == NOT_NULL_VIOLATION
    repository.write({"a1.py": text})
    added = re.findall(r"ADD COLUMN n (.*?)(?: NOT NULL DEFAULT …)?\"\)", repository.only(select=(RULE,)).remedy or "")
    assert added == [type_, type_]


@pytest.mark.parametrize(
    ("column", "unknown"),
    [
        ('sa.Column("n", sa.Text(), nullable=REQUIRED)', "is NOT NULL"),
        ('sa.Column("n", sa.Text(), **OPTIONS)', "is NOT NULL and has a server default"),
        ('sa.Column("n", sa.Text(), nullable=False, **OPTIONS)', "has a server default"),
        ('sa.Column("n", sa.Text(), nullable=False, server_default=DEFAULT)', "has a server default"),
    ],
)
def test_what_cannot_be_known_is_a_note(column: str, unknown: str, repository: Repository):
    body = f'from app.settings import DEFAULT, OPTIONS, REQUIRED\nop.add_column("users", {column})'
    repository.write({"a1.py": source(body)})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if f"whether users.n {unknown} could not be read" in one.message]


@pytest.mark.parametrize(
    "column",
    [
        'sa.Column("n", sa.Text(), nullable=True, **OPTIONS)',
        'sa.Column("n", sa.Text(), nullable=REQUIRED, server_default="")',
        'sa.Column("n", sa.Text(), server_default=DEFAULT)',
    ],
)
def test_what_is_not_known_and_harmless_is_no_note(column: str, repository: Repository):
    body = f'from app.settings import DEFAULT, OPTIONS, REQUIRED\nop.add_column("users", {column})'
    repository.write({"a1.py": source(body)})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings + verdict.notes == ()


def test_rows_of_an_earlier_new_revision_count(repository: Repository):
    create = 'op.create_table("teams", sa.Column("id", sa.Integer()))'
    add = 'op.add_column("teams", sa.Column("name", sa.Text(), nullable=False))'
    files = {"a1.py": revision("a1", "pass"), "c3.py": revision("c3", add, down="b2")}
    repository.write(files | {"b2.py": revision("b2", create, down="a1")})
    assert repository.findings(select=(RULE,), start_after=("a1",)) == ()
    insert = 'op.execute("INSERT INTO teams VALUES (1)")'
    repository.write({"b2.py": revision("b2", f"{create}\n{insert}", down="a1")})
    assert repository.only(select=(RULE,), start_after=("a1",)).revision == "c3"


def test_the_finding_names_table_column_revision_and_line(repository: Repository):
    repository.write({"a1.py": source(BAD["schema"])})
    finding = repository.only(select=(RULE,))
    assert (finding.path, finding.revision) == ("migrations/versions/a1.py", "a1")
    assert finding.message.startswith("crm.users.phone is NOT NULL and has no server default.")
    assert 'sa.Column("phone"' in source(BAD["schema"]).split("\n")[(finding.line or 0) - 1]


LARGE = {
    "op": 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))',
    "SQL": 'op.execute("ALTER TABLE users ADD COLUMN phone text NOT NULL")',
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_on_a_large_table_each_step_is_a_revision_of_its_own(body: str, tmp_path: Path, watch: Watch):
    large = {"large_tables": ("users",), "per_migration": True}
    (finding,) = judge(tmp_path, RULE, body, **large).findings
    _, *apart = [one.replace("…", "''") for one in steps(finding)]
    for rule in (RULE, "work-under-exclusive-lock", "validated-in-same-transaction", "set-not-null-without-backfill"):
        assert judge(tmp_path, rule, *apart, **large).findings == ()
    seen = watch(*apart, per_migration=True)
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.scanned)
