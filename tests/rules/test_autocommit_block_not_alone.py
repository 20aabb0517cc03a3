"""autocommit-block-not-alone, against PostgreSQL: a revision is stopped before each statement, and tried again."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository
from tests.rules.watch import Lab, ask, fork, project, upgrade

RULE = "autocommit-block-not-alone"
INDEX = 'op.create_index("ix", "users", ["email"], postgresql_concurrently=True)'
IN_BLOCK = f"with op.get_context().autocommit_block():\n    {INDEX}\n"

# The second attempt stops.
BAD = {
    "a column before the block": f'op.add_column("users", sa.Column("phone", sa.Text()))\n{IN_BLOCK}',
    "SQL before the block": f'op.execute("ALTER TABLE users ADD phone text")\n{IN_BLOCK}',
    "a table before the block": """
        op.create_table("teams", sa.Column("name", sa.Text()))
        with op.get_context().autocommit_block():
            op.create_index("ix", "teams", ["name"], postgresql_concurrently=True)
    """,
    "a column dropped before the block": f'op.drop_column("users", "bio")\n{IN_BLOCK}',
    "a column after the block": f'{IN_BLOCK}op.add_column("users", sa.Column("phone", sa.Text()))',
    "two indexes": """
        with op.get_context().autocommit_block():
            op.create_index("a", "users", ["email"], postgresql_concurrently=True)
            op.create_index("b", "users", ["bio"], postgresql_concurrently=True)
    """,
    "indexes of a loop": """
        with op.get_context().autocommit_block():
            for column in ("email", "bio"):
                op.create_index(f"ix_{column}", "users", [column], postgresql_concurrently=True)
    """,
    "two blocks": """
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY a ON users (email)")
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY b ON users (bio)")
    """,
    "an enum value, and another": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE order_status ADD VALUE 'sent'")
            op.execute("ALTER TYPE order_status ADD VALUE 'lost'")
    """,
    "a rename before the block": f'op.alter_column("users", "bio", new_column_name="about")\n{IN_BLOCK}',
    "a batch before the block": f"""
with op.batch_alter_table("users", schema=None) as batch_op:
    batch_op.add_column(sa.Column("phone", sa.Text()))
{IN_BLOCK}""",
    "a constraint before the block": """
        op.create_check_constraint("positive", "users", "age > 0", postgresql_not_valid=True)
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE users VALIDATE CONSTRAINT orders")
    """.replace("CONSTRAINT orders", "CONSTRAINT positive"),
    "a partition": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY")
        op.execute("ALTER TABLE events_2024 ADD note text")
    """,
}
# The second attempt does it again.
TWICE = {
    "rows put in before the block": f"op.execute(\"INSERT INTO groups (name) VALUES ('a')\")\n{IN_BLOCK}",
    "rows of bulk_insert": f"""
op.bulk_insert(sa.table("groups", sa.column("name")), [{{"name": "a"}}])
{IN_BLOCK}""",
    "an UPDATE that computes": f'op.execute("UPDATE memberships SET user_id = user_id + 1")\n{IN_BLOCK}',
}
GOOD = {
    "alone": IN_BLOCK,
    "dropped and made": """
        with op.get_context().autocommit_block():
            op.drop_index("ix", table_name="users", postgresql_concurrently=True, if_exists=True)
            op.create_index("ix", "users", ["email"], postgresql_concurrently=True)
    """,
    "two that are dropped and made": """
        with op.get_context().autocommit_block():
            for column in ("email", "bio"):
                op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{column}")
                op.execute(f"CREATE INDEX CONCURRENTLY ix_{column} ON users ({column})")
    """,
    "SET before the block": f"op.execute(\"SET lock_timeout = '2s'\")\n{IN_BLOCK}",
    "a SELECT before the block": f'op.get_bind().execute(sa.text("SELECT 1"))\n{IN_BLOCK}',
    "IF NOT EXISTS before the block": f'op.execute("ALTER TABLE users ADD IF NOT EXISTS phone text")\n{IN_BLOCK}',
    "an UPDATE of NULLs before the block": (
        f"op.execute(\"UPDATE users SET email = '' WHERE email IS NULL\")\n{IN_BLOCK.replace('email', 'name')}"
    ),
    "a DELETE before the block": f'op.execute("DELETE FROM memberships WHERE user_id IS NULL")\n{IN_BLOCK}',
    "an enum value, then its use": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'sent'")
        op.execute("UPDATE orders SET status = 'sent' WHERE status = 'paid'")
    """,
    "VALIDATE of two": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")
            op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey")
    """,
    "an index that is kept, then a column": """
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON users (email)")
        op.add_column("users", sa.Column("phone", sa.Text()))
    """,
    "ALTER TABLE with two commands": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE users ADD a text, ADD b text")
    """,
    "no block": 'op.add_column("users", sa.Column("phone", sa.Text()))\nop.create_index("ix", "users", ["email"])',
    "NOT NULL before the block": f'op.alter_column("users", "name", nullable=False)\n{IN_BLOCK}',
}
ROWS = """
SELECT (SELECT json_agg(g ORDER BY id) FROM groups g)::text, (SELECT json_agg(m ORDER BY id) FROM memberships m)::text
"""


class Tries:
    """A revision that is stopped before each of its statements in turn, and tried again."""

    def __init__(self, lab: Lab, folder: Path, *bodies: str) -> None:
        self.errors: set[str | None] = set()
        project(folder, *bodies, per_migration=True)
        with fork(lab) as database:
            whole = upgrade(lab, database, folder, traffic=False)
            assert whole.error is None, whole
            self.rows = {str(ask(lab, database, ROWS))}
        for position in range(len(whole.statements)):
            with fork(lab) as database:
                stopped = upgrade(lab, database, folder, stop_before=position, traffic=False)
                assert stopped.error == "StoppedError"
                self.errors.add(upgrade(lab, database, folder, traffic=False).error)
                self.rows.add(str(ask(lab, database, ROWS)))


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_second_attempt_stops(body: str, lab: Lab, tmp_path: Path):
    assert Tries(lab, tmp_path, dedent(body)).errors - {None}


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE)
def test_the_second_attempt_does_it_again(body: str, lab: Lab, tmp_path: Path):
    tries = Tries(lab, tmp_path, dedent(body))
    assert tries.errors == {None}
    assert len(tries.rows) > 1


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_second_attempt_passes(body: str, lab: Lab, tmp_path: Path):
    tries = Tries(lab, tmp_path, dedent(body))
    assert tries.errors <= {None}
    assert len(tries.rows) == 1


@pytest.mark.parametrize("body", [*BAD.values(), *TWICE.values()], ids=[*BAD, *TWICE])
def test_the_gate_refuses_it_once_at_the_block(body: str, repository: Repository):
    source = revision("a1", dedent(body))
    repository.write({"a1.py": source})
    finding = repository.only(select=(RULE,))
    assert finding.line
    assert "autocommit_block" in source.split("\n")[finding.line - 1]


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_gate_lets_it_through(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    verdict = repository.judge(select=(RULE,))
    assert (verdict.findings, verdict.notes) == ((), ())


@pytest.mark.parametrize("name", [*BAD, *TWICE])
def test_the_remedy_works(name: str, repository: Repository, lab: Lab, tmp_path: Path):
    repository.write({"a1.py": revision("a1", dedent((BAD | TWICE)[name]))})
    remedy = repository.only(select=(RULE,)).remedy or ""
    bodies = remedy.removeprefix("# this revision:\n").split("\n# the next revision:\n")
    for number, body in enumerate(bodies):
        down = f"b{number - 1}" if number else "a0"
        repository.write({f"b{number}.py": revision(f"b{number}", body, down)})
    repository.write({"a0.py": revision("a0", "pass")})
    (repository.root / "migrations/versions/a1.py").unlink()
    assert repository.findings(select=(RULE,)) == ()
    tries = Tries(lab, tmp_path / "mended", *bodies)
    assert tries.errors <= {None}
    assert len(tries.rows) == 1


def test_a_later_revision_that_fails_takes_back_the_stamp_of_a_block(lab: Lab, tmp_path: Path):
    for per_migration, stamped, again in ((False, "production", "42P07"), (True, "new1", "22012")):
        folder = project(
            tmp_path / str(per_migration), IN_BLOCK, 'op.execute("SELECT 1 / 0")', per_migration=per_migration
        )
        with fork(lab) as database:
            assert upgrade(lab, database, folder).error == "22012"
            assert ask(lab, database, "SELECT version_num FROM alembic_version") == [(stamped,)]
            assert upgrade(lab, database, folder).error == again


@pytest.mark.parametrize(
    "body", [f"change(op.get_bind())\n{IN_BLOCK}", f"{IN_BLOCK}change(op.get_bind())"], ids=["before", "after"]
)
def test_what_was_not_read_beside_the_block_is_a_note(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", f"from app import change\n{body}")})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if one.message.startswith(RULE)]


@pytest.mark.parametrize(
    ("condition", "closed"),
    [
        ("if not has_column(op.get_bind()):", False),
        ('if op.get_context().dialect.name == "postgresql":', True),
    ],
)
def test_what_asks_for_an_earlier_attempt_is_a_note(condition: str, closed: bool, repository: Repository):
    body = f'{condition}\n    op.add_column("users", sa.Column("phone", sa.Text()))\n{IN_BLOCK}'
    repository.write({"a1.py": revision("a1", f"from app import has_column\n{body}")})
    verdict = repository.judge(select=(RULE,))
    assert len(verdict.findings) == closed
    assert len([one for one in verdict.notes if one.message.startswith(RULE)]) == (not closed)


def test_a_return_before_it_is_such_a_question(repository: Repository):
    body = f'if has_index():\n    return\nop.add_column("users", sa.Column("phone", sa.Text()))\n{IN_BLOCK}'
    repository.write({"a1.py": revision("a1", f"from app import has_index\n{body}")})
    assert repository.findings(select=(RULE,)) == ()
