"""discards-rows, against PostgreSQL: what it refuses leaves less than there was, what it lets through does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.rules.afterwards import afterwards
from tests.rules.tables import pasted
from tests.rules.traffic import judge
from tests.rules.watch import Lab

RULE = "discards-rows"
MEMBERS, USERS = "SELECT count(*) FROM memberships", "SELECT count(*) FROM users"
KEYS = "SELECT count(*) FROM pg_constraint WHERE conname = 'orders_user_id_fkey'"
AGES = "SELECT count(age) FROM users"
VIEW = "SELECT to_regclass('order_totals') IS NOT NULL"

# Each with a question whose answer is less afterwards.
BAD = {
    "DELETE": ('op.execute("DELETE FROM memberships")', MEMBERS),
    "DELETE WHERE true": ('op.execute("DELETE FROM memberships WHERE true")', MEMBERS),
    "DELETE WHERE 1 = 1": ('op.execute("DELETE FROM memberships WHERE 1=1")', MEMBERS),
    "DELETE USING": ('op.execute("DELETE FROM memberships USING users")', MEMBERS),
    "TRUNCATE": ('op.execute("TRUNCATE TABLE memberships RESTART IDENTITY")', MEMBERS),
    "TRUNCATE of several": ('op.execute("TRUNCATE memberships, \\"order\\"")', MEMBERS),
    "TRUNCATE CASCADE": ('op.execute("TRUNCATE users CASCADE")', USERS),
    "DELETE by the connection": ('op.get_bind().execute(sa.text("DELETE FROM memberships"))', MEMBERS),
    "DELETE in Core": ('op.execute(sa.delete(sa.table("memberships")))', MEMBERS),
    "DELETE before new rows": (
        'op.execute("DELETE FROM memberships")\nop.execute("INSERT INTO memberships (user_id) VALUES (1)")',
        MEMBERS,
    ),
    "DROP TABLE CASCADE": ('op.execute("DROP TABLE users CASCADE")', KEYS),
    "DROP COLUMN CASCADE": ('op.execute("ALTER TABLE orders DROP COLUMN total CASCADE")', VIEW),
    "DROP CONSTRAINT CASCADE": ('op.execute("ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE")', KEYS),
    "a column dropped and added": (
        'op.drop_column("users", "age")\nop.add_column("users", sa.Column("age", sa.Text()))',
        AGES,
    ),
    "a column dropped and added, batch": (
        'with op.batch_alter_table("users") as batch:\n'
        '    batch.drop_column("age")\n    batch.add_column(sa.Column("age", sa.Text()))',
        AGES,
    ),
    "a column dropped and added, SQL": (
        'op.execute("ALTER TABLE users DROP COLUMN age, ADD COLUMN age text")',
        AGES,
    ),
    "a table dropped and made": (
        'op.drop_table("memberships")\nop.create_table("memberships", sa.Column("id", sa.Integer()))',
        MEMBERS,
    ),
}

GOOD = {
    "DELETE of some": 'op.execute("DELETE FROM memberships WHERE user_id = -1")',
    "DELETE WHERE 1 = 2": 'op.execute("DELETE FROM memberships WHERE 1 = 2")',
    "DELETE WHERE false": 'op.execute("DELETE FROM memberships WHERE false")',
    "DELETE USING, of some": 'op.execute("DELETE FROM memberships m USING users u WHERE m.user_id = -u.id")',
    "a new table": """
        op.create_table("notes", sa.Column("id", sa.Integer()))
        op.execute("INSERT INTO notes VALUES (1)")
        op.execute("DELETE FROM notes")
        op.execute("DROP TABLE notes CASCADE")
    """,
    "no CASCADE": 'op.execute("DROP TABLE \\"Users\\"")',
    "RESTRICT": 'op.execute("ALTER TABLE users DROP COLUMN bio RESTRICT")',
    "ON DELETE CASCADE": (
        'op.execute("ALTER TABLE memberships ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID")'
    ),
    "a column that takes the name of another": """
        op.add_column("users", sa.Column("years", sa.Text()))
        op.execute("UPDATE users SET years = age::text")
        op.drop_column("users", "age")
        op.alter_column("users", "years", new_column_name="age")
    """,
    "a table that takes the name of another": """
        op.execute("CREATE TABLE memberships2 AS SELECT * FROM memberships")
        op.drop_table("memberships")
        op.rename_table("memberships2", "memberships")
    """,
    "another column": """
        op.drop_column("users", "bio")
        op.add_column("users", sa.Column("about", sa.Text()))
    """,
    "another table's column": """
        op.drop_column("users", "bio")
        op.add_column("groups", sa.Column("bio", sa.Text()))
    """,
}
QUESTIONS = (MEMBERS, USERS, KEYS, AGES, VIEW)


def before(lab: Lab, folder: Path, *questions: str) -> list[object]:
    return list(afterwards(lab, folder, "pass", *questions))


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_leaves_less(case: str, tmp_path: Path, lab: Lab) -> None:
    body, question = BAD[case]
    findings = judge(tmp_path, RULE, body).findings
    assert findings
    (was,), (now,) = before(lab, tmp_path, question), afterwards(lab, tmp_path, body, question)
    assert isinstance(now, str) or str(now) < str(was)


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_leaves_all(case: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(GOOD[case])
    verdict = judge(tmp_path, RULE, body)
    assert (verdict.findings, verdict.notes) == ((), ())
    assert before(lab, tmp_path, *QUESTIONS) == afterwards(lab, tmp_path, body, *QUESTIONS)


NOTES = {
    "copied by INSERT": """
        op.create_table("archive", sa.Column("id", sa.Integer()))
        op.execute("INSERT INTO archive SELECT id FROM memberships")
        op.execute("DELETE FROM memberships")
    """,
    "copied by CREATE TABLE AS": """
        op.execute("CREATE TABLE archive AS SELECT * FROM memberships")
        op.execute("TRUNCATE memberships")
    """,
    "copied by way of Python": """
        archive = op.create_table("archive", sa.Column("id", sa.Integer()))
        rows = [dict(row) for row in op.get_bind().execute(sa.text("SELECT id FROM memberships")).mappings()]
        op.bulk_insert(archive, rows)
        op.execute("DELETE FROM memberships")
    """,
    "copied through the ORM": """
        from sqlalchemy.orm import Session, declarative_base

        Base = declarative_base()

        class Membership(Base):
            __tablename__ = "memberships"
            id = sa.Column(sa.Integer, primary_key=True)

        class Group(Base):
            __tablename__ = "groups"
            id = sa.Column(sa.Integer, primary_key=True)

        session = Session(bind=op.get_bind())
        kept = [Group(id=one.id) for one in session.query(Membership).all()]
        session.bulk_save_objects(kept)
        session.query(Membership).delete()
    """,
    "a column copied": """
        op.add_column("users", sa.Column("kept", sa.Integer()))
        op.execute("UPDATE users SET kept = age")
        op.drop_column("users", "age")
        op.add_column("users", sa.Column("age", sa.Text()))
    """,
}


@pytest.mark.parametrize("body", NOTES.values(), ids=NOTES)
def test_rows_that_were_copied_before_make_a_note(body: str, tmp_path: Path) -> None:
    verdict = judge(tmp_path, RULE, dedent(body))
    assert verdict.findings == ()
    (note,) = verdict.notes
    assert "may have copied them before" in note.message


def test_a_loop_is_said_once(tmp_path: Path) -> None:
    body = 'for table in ("users", "groups"):\n    op.execute(f"DROP TABLE {table} CASCADE")'
    (finding,) = judge(tmp_path, RULE, body).findings
    assert "CASCADE drops with users" in finding.message
    assert finding.message.endswith("The same of groups, for which this line runs too.")


def test_what_differs_by_more_than_the_table_is_said_of_each(tmp_path: Path) -> None:
    body = """
        for table, column in (("users", "age"), ("groups", "name")):
            op.drop_column(table, column)
            op.add_column(table, sa.Column(column, sa.Text()))
    """
    first, second = judge(tmp_path, RULE, dedent(body)).findings
    assert ("users.age" in first.message, "groups.name" in second.message) == (True, True)


def test_rows_of_another_table_are_not_copied(tmp_path: Path) -> None:
    body = """
        op.execute("CREATE TABLE archive AS SELECT * FROM users")
        op.execute("TRUNCATE memberships")
    """
    assert len(judge(tmp_path, RULE, dedent(body)).findings) == 1


COPIES = {
    name: BAD[name] for name in ("DELETE", "DELETE USING", "TRUNCATE", "DELETE by the connection", "DELETE in Core")
}


@pytest.mark.parametrize(("body", "question"), COPIES.values(), ids=COPIES)
def test_its_remedy_keeps_a_copy(body: str, question: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, body).findings
    assert finding.remedy is not None
    changed = finding.remedy
    kept = "SELECT count(*) FROM memberships_before_new1"
    assert afterwards(lab, tmp_path, changed, kept) == before(lab, tmp_path, question)
    assert judge(tmp_path, RULE, changed).findings == ()


@pytest.mark.parametrize("case", [one for one in BAD if one.startswith("a column dropped and added")])
def test_its_remedy_keeps_the_values(case: str, tmp_path: Path, lab: Lab) -> None:
    body, question = BAD[case]
    (finding,) = judge(tmp_path, RULE, body).findings
    changed = finding.remedy or ""
    assert afterwards(lab, tmp_path, changed, question) == before(lab, tmp_path, question)


PLAIN = {name: BAD[name][0] for name in BAD if name.startswith("DROP")}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
def test_without_cascade_postgresql_names_what_depends(body: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, body).findings
    source = (tmp_path / "judged/migrations/versions/new1.py").read_text()
    text = pasted(source, finding, finding.remedy or "", "")
    with pytest.raises(AssertionError, match="other objects depend on it"):
        afterwards(lab, tmp_path, dedent(text.partition("def upgrade():\n")[2].partition("\n\n\ndef downgrade")[0]))
