"""set-not-null-without-backfill, against PostgreSQL: what it refuses fails on NULLs, what it lets through does not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Run
from tests.rules.tables import alternatives, pasted

RULE = "set-not-null-without-backfill"
NOT_NULL_VIOLATION = "23502"
CHECK_VIOLATION = "23514"
SET = 'op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)'

BAD = {
    "plain": SET,
    "without existing_type": 'op.alter_column("users", "email", nullable=False)',
    "keywords": 'op.alter_column(table_name="users", column_name="email", nullable=False)',
    "with a new server default": 'op.alter_column("users", "email", server_default="", nullable=False)',
    "with a new type": 'op.alter_column("users", "email", type_=sa.String(200), nullable=False)',
    "with a new name": 'op.alter_column("users", "email", new_column_name="mail", nullable=False)',
    "existing_nullable=True": 'op.alter_column("users", "email", existing_nullable=True, nullable=False)',
    "several lines": """
        op.alter_column(
            "users",
            "email",
            existing_type=sa.Text(),
            nullable=False,
        )
    """,
    "batch": """
        with op.batch_alter_table("users", schema=None) as batch_op:
            batch_op.alter_column("email", existing_type=sa.Text(), nullable=False)
    """,
    "batch with a name of its own": """
        with op.batch_alter_table("users") as users:
            users.alter_column("email", existing_type=sa.Text(), nullable=False)
    """,
    "schema": 'op.alter_column("users", "email", nullable=False, schema="crm")',
    "batch with a schema": """
        with op.batch_alter_table("users", schema="crm") as batch_op:
            batch_op.alter_column("email", existing_type=sa.Text(), nullable=False)
    """,
    "SQL": 'op.execute("ALTER TABLE users ALTER COLUMN email SET NOT NULL")',
    "SQL with a semicolon": 'op.execute("ALTER TABLE users ALTER email SET NOT NULL;")',
    "reserved word": 'op.alter_column("order", "email", nullable=False)',
    "capital letters": 'op.alter_column("Users", "email", nullable=False)',
    "an UPDATE of another column": "op.execute(\"UPDATE users SET bio = ''\")\n" + SET,
    "an UPDATE of another table": "op.execute(\"UPDATE crm.users SET email = ''\")\n" + SET,
    "an UPDATE afterwards": SET + "\nop.execute(\"UPDATE users SET email = ''\")",
    "a default set before": 'op.alter_column("users", "email", server_default="")\n' + SET,
    "added nullable, not filled": """
        op.add_column("users", sa.Column("phone", sa.Text()))
        op.alter_column("users", "phone", nullable=False)
    """,
    "added with the default NULL": """
        op.add_column("users", sa.Column("phone", sa.Text(), server_default=sa.text("NULL")))
        op.alter_column("users", "phone", nullable=False)
    """,
    "added, and a default set afterwards": """
        op.add_column("users", sa.Column("phone", sa.Text()))
        op.alter_column("users", "phone", server_default="")
        op.alter_column("users", "phone", nullable=False)
    """,
    "CHECK NOT VALID": ('op.execute("ALTER TABLE users ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID")\n' + SET),
    "CHECK with OR": 'op.create_check_constraint("c", "users", "email IS NOT NULL OR name IS NOT NULL")\n' + SET,
    "CHECK of another column": 'op.create_check_constraint("c", "users", "name IS NOT NULL")\n' + SET,
    "rows inserted": "op.execute(\"INSERT INTO users (name, email) VALUES ('x', 'y')\")\n" + SET,
    "UPDATE to NULL": 'op.execute("UPDATE users SET email = NULL")\n' + SET,
    "CREATE TABLE AS copies rows": """
        op.execute("CREATE TABLE people AS SELECT * FROM users")
        op.alter_column("people", "email", nullable=False)
    """,
    "CREATE TABLE IF NOT EXISTS of a table that exists": """
        op.execute("CREATE TABLE IF NOT EXISTS users (id int)")
        op.alter_column("users", "email", nullable=False)
    """,
    "a primary key on a column that is nullable for certain": """
        op.drop_constraint("users_pkey", "users")
        op.add_column("users", sa.Column("code", sa.Text()))
        op.create_primary_key("pk", "users", ["code", "id"])
    """,
    "UPDATE of a row of columns to NULL": "op.execute(\"UPDATE users SET (bio, email) = ('', NULL::text)\")\n" + SET,
}

GOOD = {
    "UPDATE": "op.execute(\"UPDATE users SET email = '' WHERE email IS NULL\")\n" + SET,
    "UPDATE of several columns": "op.execute(\"UPDATE users SET bio = '', email = ''\")\n" + SET,
    "UPDATE of a row of columns": "op.execute(\"UPDATE public.users SET (bio, email) = ('', '')\")\n" + SET,
    "UPDATE in WITH": (
        "op.execute(\"WITH x AS (UPDATE users SET email = '' RETURNING 1) SELECT count(*) FROM x\")\n" + SET
    ),
    "UPDATE on the connection": (
        'op.get_bind().execute(sa.text("UPDATE users SET email = :e").bindparams(e="x"))\n' + SET
    ),
    "Core": """
        users = sa.table("users", sa.column("email"))
        op.execute(users.update().where(users.c.email.is_(None)).values(email=""))
        op.alter_column("users", "email", nullable=False)
    """,
    "Core, by column": """
        users = sa.table("users", sa.column("email"))
        op.execute(sa.update(users).values({users.c.email: ""}))
        op.alter_column("users", "email", nullable=False)
    """,
    "UPDATE, then the batch": """
        op.execute("UPDATE users SET email = ''")
        with op.batch_alter_table("users", schema=None) as batch_op:
            batch_op.alter_column("email", existing_type=sa.Text(), nullable=False)
    """,
    "SQL alone": "op.execute(\"UPDATE users SET email = ''; ALTER TABLE users ALTER email SET NOT NULL\")",
    "DELETE": 'op.execute("DELETE FROM users WHERE email IS NULL")\n' + SET,
    "added, filled, set": """
        op.add_column("users", sa.Column("phone", sa.Text()))
        op.execute("UPDATE users SET phone = ''")
        op.alter_column("users", "phone", nullable=False)
    """,
    "added with a server default": """
        op.add_column("users", sa.Column("phone", sa.Text(), server_default=""))
        op.alter_column("users", "phone", server_default=None, nullable=False)
    """,
    "table renamed after the UPDATE": """
        op.execute("UPDATE users SET email = ''")
        op.rename_table("users", "people")
        op.alter_column("people", "email", nullable=False)
    """,
    "column renamed after the UPDATE": """
        op.execute("UPDATE users SET email = ''")
        op.alter_column("users", "email", new_column_name="mail")
        op.alter_column("users", "mail", nullable=False)
    """,
    "column swapped for one with a server default": """
        op.add_column("users", sa.Column("mail", sa.Text(), server_default=""))
        op.drop_column("users", "email")
        op.alter_column("users", "mail", new_column_name="email")
        op.alter_column("users", "email", nullable=False)
    """,
    "table of this revision": """
        op.create_table("teams", sa.Column("name", sa.Text()))
        op.alter_column("teams", "name", nullable=False)
    """,
    "DROP NOT NULL": 'op.alter_column("users", "name", nullable=True)',
    "TRUNCATE": 'op.execute("TRUNCATE users")\n' + SET,
    "already NOT NULL": 'op.alter_column("users", "name", existing_nullable=False, nullable=False)',
    "type alone": 'op.alter_column("users", "email", type_=sa.String(200))',
    "UPDATE of the schema's table": (
        "op.execute(\"UPDATE crm.users SET email = ''\")\n"
        'op.alter_column("users", "email", nullable=False, schema="crm")'
    ),
}

# A CHECK proves that there is no NULL, or fails in SET NOT NULL's stead, with a code of its own.
PROVED = {
    "CHECK": 'op.create_check_constraint("c", "users", "email IS NOT NULL")\n' + SET,
    "CHECK with AND": 'op.create_check_constraint("c", "users", "name <> \'\' AND email IS NOT NULL")\n' + SET,
    "CHECK in SQL": 'op.execute("ALTER TABLE users ADD CHECK (email IS NOT NULL)")\n' + SET,
    "CHECK of Core": 'op.create_check_constraint("c", "users", sa.column("email").is_not(None))\n' + SET,
    "NOT VALID, then VALIDATE": """
        op.create_check_constraint("c", "users", "email IS NOT NULL", postgresql_not_valid=True)
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT c")
        op.alter_column("users", "email", nullable=False)
    """,
    "NOT VALID, then VALIDATE, in one SQL": """
        op.execute("ALTER TABLE users ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID")
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT c; ALTER TABLE users ALTER COLUMN email SET NOT NULL")
    """,
}

# What may pass on rows, and nobody can say by reading: a note.
MAYBE = {
    "MERGE": """
        op.execute("MERGE INTO users u USING groups g ON true WHEN MATCHED THEN UPDATE SET email = ''")
        op.alter_column("users", "email", nullable=False)
    """,
    "ON CONFLICT DO UPDATE": """
        op.execute("INSERT INTO users (id, name) SELECT id, name FROM users ON CONFLICT (id) DO UPDATE SET email = ''")
        op.alter_column("users", "email", nullable=False)
    """,
    "rows put into a new table": """
        op.create_table("teams", sa.Column("name", sa.Text()))
        op.execute("INSERT INTO teams VALUES ('x')")
        op.alter_column("teams", "name", nullable=False)
    """,
    "a primary key of a table from a query": """
        op.execute("CREATE TABLE people AS SELECT * FROM users")
        op.create_primary_key("people_pkey", "people", ["id"])
    """,
}

# What PostgreSQL refuses, and reading cannot know: most columns that join a key are NOT NULL already. A note.
KEYS = {
    "a primary key makes its columns NOT NULL": """
        op.drop_constraint("users_pkey", "users")
        op.create_primary_key("pk", "users", ["email"])
    """,
    "a primary key in SQL": ('op.execute("ALTER TABLE users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (email)")'),
    "a primary key in a batch": """
        op.drop_constraint("users_pkey", "users", schema="crm")
        with op.batch_alter_table("users", schema="crm") as batch_op:
            batch_op.create_primary_key("pk", ["email"])
    """,
}


def source(body: str) -> str:
    return revision("a1", dedent(body))


@pytest.mark.parametrize("body", [*BAD.values(), *KEYS.values()], ids=[*BAD, *KEYS])
def test_postgresql_refuses_it_on_nulls_alone(body: str, run: Run):
    assert run(source(body), rows=False) is None
    assert run(source(body), rows=True) == NOT_NULL_VIOLATION


@pytest.mark.parametrize("body", [*GOOD.values(), *MAYBE.values()], ids=[*GOOD, *MAYBE])
def test_postgresql_takes_it_on_rows(body: str, run: Run):
    assert run(source(body), rows=True) is None


@pytest.mark.parametrize("body", PROVED.values(), ids=PROVED)
def test_a_check_stops_at_nulls_before_set_not_null_does(body: str, run: Run):
    assert run(source(body), rows=True) == CHECK_VIOLATION
    filled = revision("a1", "op.execute(\"UPDATE users SET email = '' WHERE email IS NULL\")\n" + dedent(body))
    assert run(filled, rows=True) is None


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_gate_refuses_what_postgresql_refuses(body: str, repository: Repository):
    repository.write({"a1.py": source(body)})
    assert {one.rule for one in repository.findings(select=(RULE,))} == {RULE}


@pytest.mark.parametrize("body", [*GOOD.values(), *PROVED.values()], ids=[*GOOD, *PROVED])
def test_the_gate_lets_through_what_postgresql_takes(body: str, repository: Repository):
    repository.write({"a1.py": source(body)})
    assert repository.findings(select=(RULE,)) == ()


@pytest.mark.parametrize("body", [*MAYBE.values(), *KEYS.values()], ids=[*MAYBE, *KEYS])
def test_what_only_postgresql_can_say_is_a_note(body: str, repository: Repository):
    repository.write({"a1.py": source(body)})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize("name", BAD)
def test_the_remedy_works(name: str, repository: Repository, run: Run):
    text = source(BAD[name])
    repository.write({"a1.py": text})
    finding = repository.only(select=(RULE,))
    (way,) = alternatives(finding)
    assert run(pasted(text, finding, way, "''"), rows=True) is None, way


@pytest.mark.parametrize(
    "unread",
    [
        "op.execute(\"DO $$ BEGIN EXECUTE concat('UPDATE users SET email = 1'); END $$\")",
        "op.execute(fill(op.get_bind()))",
        "op.execute(f\"UPDATE {unknown} SET email = ''\")",
    ],
)
def test_what_was_not_read_before_it_makes_a_note_of_the_finding(unread: str, repository: Repository):
    repository.write({"a1.py": source(f"from app import fill, unknown\n{unread}\n{SET}")})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "could not be read" in one.message]


@pytest.mark.parametrize(
    "where", ["WHERE name <> 'Ana'", "FROM groups WHERE groups.id = users.id", "WHERE name IS NULL"]
)
def test_an_update_that_may_leave_nulls_makes_a_note_of_the_finding(where: str, repository: Repository, run: Run):
    text = source(f"op.execute(\"UPDATE users SET email = 'x' {where}\")\n{SET}")
    assert run(text, rows=True) == NOT_NULL_VIOLATION
    repository.write({"a1.py": text})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "may leave NULLs behind" in one.message]


def test_an_update_in_an_earlier_new_revision_fills(repository: Repository):
    fill = "op.execute(\"UPDATE users SET email = ''\")"
    repository.write(
        {
            "a1.py": revision("a1", "pass"),
            "b2.py": revision("b2", fill, down="a1"),
            "c3.py": revision("c3", SET, down="b2"),
        }
    )
    assert repository.findings(select=(RULE,), start_after=("a1",)) == ()
    assert repository.only(select=(RULE,), start_after=("b2",)).rule == RULE
    assert repository.only(select=(RULE,)).rule == RULE  # each judged as if it alone were new


def test_an_update_on_another_branch_does_not_fill(repository: Repository):
    fill = "op.execute(\"UPDATE users SET email = ''\")"
    repository.write(
        {
            "a1.py": revision("a1", "pass"),
            "b2.py": revision("b2", fill, down="a1"),
            "c3.py": revision("c3", SET, down="a1"),
        }
    )
    assert RULE in {one.rule for one in repository.findings(select=(RULE,), start_after=("a1",))}


@pytest.mark.parametrize(
    ("before", "closed"),
    [
        ('op.create_table("users", sa.Column("email", sa.Text(), nullable=False))', False),
        ('op.create_table("users", sa.Column("email", sa.Text(), primary_key=True))', False),
        ('op.create_table("users", sa.Column("email", sa.Text()))', True),
        ('op.create_table("users", sa.Column("name", sa.Text(), nullable=False))', True),
        ('op.add_column("users", sa.Column("email", sa.Text(), nullable=False, server_default=""))', False),
        ('op.execute("UPDATE users SET email = 1")\nop.alter_column("users", "email", nullable=False)', False),
        (
            'op.create_table("users", sa.Column("email", sa.Text(), nullable=False))\n'
            'op.alter_column("users", "email", nullable=True)',
            True,
        ),
        (
            'op.create_table("users", sa.Column("mail", sa.Text(), nullable=False))\n'
            'op.alter_column("users", "mail", new_column_name="email")',
            False,
        ),
        (
            'op.create_table("users", sa.Column("email", sa.Text(), nullable=False))\n'
            'op.drop_column("users", "email")\nop.add_column("users", sa.Column("email", sa.Text()))',
            True,
        ),
        (
            'op.create_table("people", sa.Column("email", sa.Text(), nullable=False))\n'
            'op.rename_table("people", "users")',
            False,
        ),
        ('op.create_table("users", sa.Column("email", sa.Text()), sa.PrimaryKeyConstraint("email"))', False),
        ('op.execute("CREATE TABLE users (email text, PRIMARY KEY (email))")', False),
        ('op.create_primary_key("pk", "users", ["email"])', False),
        ('op.create_table("users", sa.Column("email", sa.Text(), nullable=False), if_not_exists=True)', False),
    ],
)
def test_a_column_that_is_not_null_since_an_earlier_revision_is_passed_over(
    before: str, closed: bool, repository: Repository
):
    repository.write({"a1.py": revision("a1", before), "b2.py": revision("b2", SET, down="a1")})
    assert [one.rule for one in repository.findings(select=(RULE,), start_after=("a1",))] == [RULE] * closed
