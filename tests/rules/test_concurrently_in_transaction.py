"""concurrently-in-transaction, against PostgreSQL: what it refuses PostgreSQL refuses on every table, with 25001."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.tables import alternatives, pasted

RULE = "concurrently-in-transaction"
ACTIVE_TRANSACTION = "25001"
BLOCK = "with op.get_context().autocommit_block():\n    "

BAD = {
    "create_index": 'op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)',
    "drop_index": 'op.drop_index("ix_users_name", "users", postgresql_concurrently=True)',
    "drop_index of what is not there": 'op.drop_index("ix", "users", postgresql_concurrently=True, if_exists=True)',
    "batch": """
        with op.batch_alter_table("users") as batch_op:
            batch_op.create_index("ix_users_email", ["email"], postgresql_concurrently=True)
    """,
    "SQL": 'op.execute("CREATE INDEX CONCURRENTLY ix_users_email ON users (email)")',
    "schema": 'op.execute("CREATE INDEX CONCURRENTLY ON crm.users (email)")',
    "quoted name": """op.execute('CREATE INDEX CONCURRENTLY "Ix" ON "Users" (email)')""",
    "DROP INDEX": 'op.execute("DROP INDEX CONCURRENTLY ix_users_name")',
    "REINDEX INDEX": 'op.execute("REINDEX INDEX CONCURRENTLY ix_users_name")',
    "REINDEX TABLE": 'op.execute("REINDEX TABLE CONCURRENTLY users")',
    "DETACH PARTITION": 'op.execute("ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY")',
    "VACUUM": 'op.execute("VACUUM users")',
    "VACUUM of all": 'op.execute("VACUUM (ANALYZE)")',
    "VACUUM FULL": 'op.execute("VACUUM FULL users")',
    "ALTER SYSTEM": 'op.execute("ALTER SYSTEM SET work_mem = 4096")',
    "CREATE DATABASE": 'op.execute("CREATE DATABASE reports")',
    "DROP DATABASE": 'op.execute("DROP DATABASE IF EXISTS reports")',
    "CREATE TABLESPACE": "op.execute(\"CREATE TABLESPACE fast LOCATION '/fast'\")",
    "DROP TABLESPACE": 'op.execute("DROP TABLESPACE IF EXISTS fast")',
    "a new table": """
        op.create_table("teams", sa.Column("name", sa.Text()))
        op.create_index("ix_teams_name", "teams", ["name"], postgresql_concurrently=True)
    """,
    "after the block": """
        with op.get_context().autocommit_block():
            op.execute("REINDEX TABLE CONCURRENTLY groups")
        op.execute("CREATE INDEX CONCURRENTLY ix_users_email ON users (email)")
    """,
    "several statements in one string": (
        BLOCK + 'op.execute("CREATE INDEX CONCURRENTLY a ON users (email); CREATE INDEX CONCURRENTLY b ON users (bio)")'
    ),
    "a SET in the string": (
        BLOCK + "op.execute(\"SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY a ON users (email);\")"
    ),
    "several statements of a variable": """
        statements = "CREATE INDEX CONCURRENTLY a ON users (email); CREATE INDEX CONCURRENTLY b ON users (bio)"
        with op.get_context().autocommit_block():
            op.execute(statements)
    """,
    "a loop": """
        for column in ("email", "bio"):
            op.create_index(f"ix_users_{column}", "users", [column], postgresql_concurrently=True)
    """,
}
GOOD = {
    "create_index": BLOCK + BAD["create_index"],
    "drop_index": BLOCK + BAD["drop_index"],
    "SQL": BLOCK + BAD["SQL"],
    "VACUUM": BLOCK + BAD["VACUUM"],
    "VACUUM FULL": BLOCK + BAD["VACUUM FULL"],
    "ANALYZE": 'op.execute("ANALYZE users")',
    "DETACH PARTITION": BLOCK + BAD["DETACH PARTITION"],
    "a semicolon at the end": BLOCK + 'op.execute("CREATE INDEX CONCURRENTLY ix ON users (email); -- for the search")',
    "a loop in the block": """
        with op.get_context().autocommit_block():
            for table in ("users", "groups"):
                op.execute(f"CREATE INDEX CONCURRENTLY ix_{table} ON {table} (name)")
    """,
    "a loop over whole statements": """
        with op.get_context().autocommit_block():
            for statement in ("REINDEX TABLE CONCURRENTLY users", "REINDEX TABLE CONCURRENTLY groups"):
                op.execute(statement)
    """,
    "REFRESH": 'op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals")',
    "not concurrently": 'op.create_index("ix_users_email", "users", ["email"])',
}

COMMITS = ("op.execute('COMMIT')", "op.get_bind().commit()")


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_postgresql_refuses_it_with_rows_and_without(body: str, watch: Watch):
    assert watch(dedent(body)).error == ACTIVE_TRANSACTION
    assert watch(dedent(body), rows=False).error == ACTIVE_TRANSACTION


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_postgresql_takes_it(body: str, watch: Watch):
    assert watch(dedent(body)).error is None


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_the_gate_refuses_what_postgresql_refuses(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    assert repository.only(select=(RULE,)).rule == RULE


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_gate_lets_through_what_postgresql_takes(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    verdict = repository.judge(select=(RULE,))
    assert (verdict.findings, verdict.notes) == ((), ())


OUTSIDE = ("ALTER SYSTEM", "CREATE DATABASE", "CREATE TABLESPACE")  # would outlive the test's database


# A remedy replaces one statement of a loop with those of all its rounds, and stands outside of what was a block.
@pytest.mark.parametrize(
    "name", [one for one in BAD if "batch" not in one and "string" not in one and one not in ("a loop", *OUTSIDE)]
)
def test_the_remedy_works(name: str, repository: Repository, watch: Watch):
    source = revision("a1", dedent(BAD[name]))
    repository.write({"a1.py": source})
    finding = repository.only(select=(RULE,))
    (way,) = alternatives(finding)
    drops = way.count("DROP INDEX CONCURRENTLY IF EXISTS") + way.count("if_exists=True")
    assert drops >= way.count("CREATE INDEX CONCURRENTLY ix") + way.count("op.create_index")
    mended = pasted(source, finding, way, "")
    seen = watch(mended[mended.index("def upgrade") :])
    if name != "several statements of a variable":  # it stands in a block already
        assert seen.error is None, seen


@pytest.mark.parametrize("commit", COMMITS)
def test_psycopg_begins_another_transaction_after_a_commit(commit: str, watch: Watch):
    assert watch(f"{commit}\n{BAD['create_index']}").error == ACTIVE_TRANSACTION


@pytest.mark.parametrize("commit", COMMITS)
def test_what_the_driver_decides_is_a_note(commit: str, repository: Repository):
    repository.write({"a1.py": revision("a1", f"{commit}\n{BAD['create_index']}")})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "depends on the driver" in one.message]


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ('connectable = create_engine(url, isolation_level="AUTOCOMMIT")\n', "env.py speaks of AUTOCOMMIT"),
        ("from app import migrate\nmigrate(context, config)\n", "env.py lets other code configure the context"),
    ],
)
def test_an_autocommit_connection_is_a_note(env: str, why: str, repository: Repository):
    repository.write({"a1.py": revision("a1", BAD["create_index"]), "../env.py": env})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if why in one.message]


def test_what_a_helper_does_is_said_once_where_it_is_called(repository: Repository):
    helper = f"""
        def build():
            {BAD["create_index"]}
            {BAD["SQL"]}
    """
    source = revision("a1", "build()").replace("\n\n\ndef upgrade", f"\n{dedent(helper)}\n\ndef upgrade")
    repository.write({"a1.py": source})
    assert len(repository.findings(select=(RULE,))) == 2  # in one file each has its own line
    repository.write({"a1.py": "from helpers import build\n" + revision("a1", "build()")})
    (repository.root / "helpers.py").write_text("import sqlalchemy as sa\nfrom alembic import op\n" + dedent(helper))
    assert repository.only(select=(RULE,)).line
