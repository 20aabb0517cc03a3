"""In which order a migration's operations run, and where its transaction ends: as Alembic does it on a PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.operations.reading import HEAD, operations, read

SESSION = HEAD + "from sqlalchemy.orm import Session\n"

ENDS = {
    "an autocommit block": ("with op.get_context().autocommit_block():\n    pass", ["autocommit", "end of autocommit"]),
    "the context, by name": (
        "context = op.get_context()\nwith context.autocommit_block() as nothing:\n    pass",
        ["autocommit", "end of autocommit"],
    ),
    "an exit stack": (
        "import contextlib\nwith contextlib.ExitStack() as s:\n"
        "    s.enter_context(op.get_context().autocommit_block())",
        ["autocommit", "end of autocommit"],
    ),
    "the connection's commit()": ("op.get_bind().commit()", ["commit"]),
    "its transaction's": ("op.get_bind().get_transaction().commit()", ["commit"]),
    "the driver's": ("op.get_bind().connection.commit()", ["commit"]),
    "the driver's autocommit": (
        "raw = op.get_bind().connection.dbapi_connection\nraw.commit()\nraw.autocommit = True",
        ["commit", "autocommit", "end of autocommit"],
    ),
    "an isolation level": (
        'c = op.get_bind()\nc.commit()\nc = c.execution_options(isolation_level="AUTOCOMMIT")',
        ["commit", "autocommit", "end of autocommit"],
    ),
    "a session's commit()": ('s = Session(bind=op.get_bind())\ns.execute(sa.text("SELECT 1"))\ns.commit()', []),
    "a session's block": (
        'with Session(bind=op.get_bind()) as s, s.begin():\n    s.execute(sa.text("SELECT 1"))',
        [],
    ),
    "a savepoint": ("with op.get_bind().begin_nested():\n    pass", []),
    "a savepoint's commit()": ("s = op.get_bind().begin_nested()\ns.commit()", []),
    "a connection of its own": ("with op.get_bind().engine.connect() as c:\n    c.commit()", []),
    "another connection of the engine": (
        'with op.get_bind().engine.begin() as c:\n    c.execute(sa.text("SELECT 1"))',
        [],
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_where_the_transaction_ends(name: str, migrate, engine: Engine):
    """What was written before stays if and only if the transaction ended, when the migration fails afterwards."""
    body, kinds = ENDS[name]
    before, after = 'op.execute("INSERT INTO u VALUES (1)")\n', '\nop.execute("SELECT 1 / 0")'
    assert [one.kind for one in operations(body, SESSION) if type(one).__name__ == "Boundary"] == kinds
    with pytest.raises(Exception, match="division by zero"):
        migrate(before + body + after, SESSION)
    with engine.connect() as connection:
        assert bool(connection.execute(text("SELECT a FROM u")).all()) is bool(kinds)


def test_a_boundary_stands_where_its_block_begins_and_ends():
    first, _, last = operations('with op.get_context().autocommit_block():\n    op.execute("VACUUM t")\n\nx = 1')
    assert (first.at.line, last.at.line) == (6, 7)
    assert first.call == "op.get_context().autocommit_block()"


ORDER = {
    "beside a batch": 'with op.batch_alter_table("t") as b:\n    b.drop_column("a")\n    op.drop_column("u", "a")',
    "execute of a batch": 'with op.batch_alter_table("t") as b:\n'
    '    b.drop_column("a")\n    b.execute("ALTER TABLE u DROP COLUMN a")',
    "batches in a batch": 'with op.batch_alter_table("t") as b, op.batch_alter_table("u") as c:\n'
    '    b.drop_column("a")\n    c.drop_column("a")',
    "a function": "def each(batch):\n    batch.drop_column('a')\n    op.drop_column('u', 'a')\n"
    'with op.batch_alter_table("t") as b:\n    each(b)',
    "leaving early": 'for x in (1,):\n    with op.batch_alter_table("t") as b:\n'
    '        b.drop_column("a")\n        op.drop_column("u", "a")\n        break',
}


@pytest.mark.parametrize("name", ORDER)
def test_a_batch_runs_when_its_block_ends(name: str, migrate):
    sent = [one for one in migrate(ORDER[name]) if one.startswith("ALTER")]
    assert [one.split()[2] for one in sent] == ["u", "t"]
    assert read(ORDER[name]) == ["DropColumn u a", "DropColumn t a"]
