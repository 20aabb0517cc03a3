"""keeps-invalid-index, against PostgreSQL: what an attempt that failed has left, and what the next one makes of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migration_gate.postgres.databases import connect
from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.tables import alternatives, pasted
from tests.rules.watch import Lab, ask, fork, project, upgrade

RULE = "keeps-invalid-index"
UNIQUE_VIOLATION = "23505"
INVALID = "SELECT c.relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid"
# What makes the first attempt fail, and what somebody does about it before the second.
DUPLICATES = "INSERT INTO users (name, email) VALUES ('x', 'twice'), ('y', 'twice')"
MENDED = "DELETE FROM users WHERE email = 'twice'"
BLOCK = "with op.get_context().autocommit_block():\n    "

BAD = {
    "create_index": BLOCK
    + 'op.create_index("ix", "users", ["email"], unique=True, postgresql_concurrently=True, if_not_exists=True)',
    "SQL": BLOCK + 'op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON users (email)")',
    "quoted name": BLOCK + """op.execute('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "Ix" ON users (email)')""",
    "a drop of another index": """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS another")
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON public.users (email)")
    """,
    "several lines": """
        with op.get_context().autocommit_block():
            op.create_index(
                index_name="ix",
                table_name="users",
                columns=["email"],
                unique=True,
                if_not_exists=True,
                postgresql_concurrently=True,
            )
    """,
}
GOOD = {
    "dropped first": """
        with op.get_context().autocommit_block():
            op.drop_index("ix", table_name="users", postgresql_concurrently=True, if_exists=True)
            op.create_index("ix", "users", ["email"], unique=True, postgresql_concurrently=True, if_not_exists=True)
    """,
    "dropped first, in SQL": """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix")
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON users (email)")
    """,
    "dropped before the block": """
        op.execute("DROP INDEX IF EXISTS ix")
        with op.get_context().autocommit_block():
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON users (email)")
    """,
}
# The second attempt says that the index is there: somebody looks.
LOUD = BLOCK + 'op.create_index("ix", "users", ["email"], unique=True, postgresql_concurrently=True)'
# Not concurrently it is in the transaction, and nothing is left of it.
WHOLE = 'op.create_index("ix", "users", ["email"], unique=True, if_not_exists=True)'


def twice(lab: Lab, folder: Path, body: str) -> tuple[str | None, str | None, list[object]]:
    """Two attempts at a revision, the first on duplicates: their errors, and the indexes left INVALID in the end."""
    project(folder, dedent(body))
    with fork(lab) as database:
        _commit(lab, database, DUPLICATES)
        first = upgrade(lab, database, folder).error
        _commit(lab, database, MENDED)
        second = upgrade(lab, database, folder).error
        return first, second, list(ask(lab, database, INVALID))


def _commit(lab: Lab, database: str, statement: str) -> None:
    with connect(lab.server, database) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_second_attempt_passes_and_keeps_it_invalid(body: str, lab: Lab, tmp_path: Path):
    first, second, invalid = twice(lab, tmp_path, body)
    assert (first, second) == (UNIQUE_VIOLATION, None)
    assert invalid in ([("ix",)], [("Ix",)])


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_second_attempt_makes_it_anew(body: str, lab: Lab, tmp_path: Path):
    assert twice(lab, tmp_path, body) == (UNIQUE_VIOLATION, None, [])


def test_without_if_not_exists_the_second_attempt_says_so(lab: Lab, tmp_path: Path):
    assert twice(lab, tmp_path / "loud", LOUD) == (UNIQUE_VIOLATION, "42P07", [("ix",)])
    assert twice(lab, tmp_path / "whole", WHOLE) == (UNIQUE_VIOLATION, None, [])


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_gate_refuses_it(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    assert repository.only(select=(RULE,)).rule == RULE


def test_an_index_dropped_by_a_computed_name_may_be_this_one(repository: Repository):
    repository.write({"a1.py": revision("a1", f"op.drop_index(NAME, 'users')\n{dedent(BAD['create_index'])}")})
    said = repository.judge(select=(RULE,))
    assert not said.findings
    assert said.notes


@pytest.mark.parametrize("body", [*GOOD.values(), LOUD, WHOLE], ids=[*GOOD, "loud", "whole"])
def test_the_gate_lets_it_through(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    assert repository.findings(select=(RULE,)) == ()


@pytest.mark.parametrize("name", BAD)
def test_the_remedy_works(name: str, repository: Repository, lab: Lab, tmp_path: Path):
    source = revision("a1", dedent(BAD[name]))
    repository.write({"a1.py": source})
    finding = repository.only(select=(RULE,))
    (way,) = alternatives(finding)
    mended = pasted(source, finding, way, "")
    assert twice(lab, tmp_path / "mended", mended[mended.index("def upgrade") :]) == (UNIQUE_VIOLATION, None, [])


def test_a_drop_in_an_earlier_revision_is_not_run_again(repository: Repository, lab: Lab, tmp_path: Path, watch: Watch):
    drop = BLOCK + 'op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix")'
    repository.write({"a1.py": revision("a1", drop), "b2.py": revision("b2", BAD["SQL"], down="a1")})
    assert repository.only(select=(RULE,)).revision == "b2"
    project(tmp_path / "two", drop, BAD["SQL"], per_migration=True)
    with fork(lab) as database:
        _commit(lab, database, DUPLICATES)
        assert upgrade(lab, database, tmp_path / "two").error == UNIQUE_VIOLATION
        _commit(lab, database, MENDED)
        assert upgrade(lab, database, tmp_path / "two").error is None
        assert ask(lab, database, INVALID) == [("ix",)]


def test_a_new_table_is_passed_over(repository: Repository):
    body = (
        f'op.create_table("teams", sa.Column("name", sa.Text()))\n{BAD["SQL"].replace("users (email)", "teams (name)")}'
    )
    repository.write({"a1.py": revision("a1", body)})
    assert repository.findings(select=(RULE,)) == ()


def test_what_was_not_read_before_it_makes_a_note_of_the_finding(repository: Repository):
    repository.write({"a1.py": revision("a1", f"from app import clean\nclean(op.get_bind())\n{BAD['SQL']}")})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "may drop it" in one.message]
