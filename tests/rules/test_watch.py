"""The watcher sees what PostgreSQL does: whose lock it is, in which transaction, and what became of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.conftest import Watch
from tests.rules.watch import Lab, ask, fork, project, upgrade

EXCLUSIVE = ("users", "ACCESS EXCLUSIVE")
ADD = 'op.add_column("users", sa.Column("phone", sa.Text()))'
FILL = "op.execute(\"UPDATE users SET bio = ''\")"
INDEX = 'op.create_index("i", "users", ["age"], postgresql_concurrently=True)'
OUTSIDE = f"with op.get_context().autocommit_block():\n    {INDEX}"


def test_a_statement_took_what_none_before_it_had(watch: Watch):
    add, fill = watch(f"{ADD}\n{FILL}").statements
    assert add.locks == add.held == {EXCLUSIVE}
    assert EXCLUSIVE not in fill.locks
    assert EXCLUSIVE in fill.held
    assert fill.rows == 3


def test_all_revisions_share_a_transaction_unless_env_py_parts_them(watch: Watch):
    assert [one.transaction for one in watch(ADD, FILL).statements] == [1, 1]
    apart = watch(ADD, FILL, per_migration=True).statements
    assert [one.transaction for one in apart] == [1, 2]
    assert EXCLUSIVE not in apart[1].held


def test_an_autocommit_block_ends_the_transaction_before_it(watch: Watch):
    add, index, fill = watch(f"{ADD}\n{OUTSIDE}\n{FILL}").statements
    assert (add.transaction, index.transaction, fill.transaction) == (1, None, 2)
    assert index.locks == {("users", "SHARE UPDATE EXCLUSIVE")}
    assert index.built == {"users"}
    assert EXCLUSIVE not in fill.held


def test_locks_outside_of_a_transaction_are_seen_while_traffic_goes_on(watch: Watch):
    (one,) = watch(
        OUTSIDE.replace(INDEX, 'op.execute("ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES groups NOT VALID")')
    ).statements
    assert one.locks >= {("orders", "SHARE ROW EXCLUSIVE"), ("groups", "SHARE ROW EXCLUSIVE")}


def test_an_error_has_its_statement_and_its_transaction(watch: Watch):
    seen = watch(f"{ADD}\n{INDEX}")
    assert seen.error == seen.statements[-1].error == "25001"
    assert seen.statements[-1].transaction == 1
    assert watch('op.drop_constraint(None, "users")').error == "CompileError"


def test_what_a_rewrite_and_a_scan_leave_behind(watch: Watch):
    rewrite, scan, none = watch(
        'op.execute("ALTER TABLE users ALTER age TYPE bigint")\n'
        'op.execute("ALTER TABLE crm.users ADD CHECK (id > 0)")\n'
        'op.execute("ALTER TABLE crm.users ALTER email SET DEFAULT 1")'
    ).statements
    assert rewrite.rewrote == {"users", "users_pkey", "ix_users_name"}
    assert (scan.rewrote, scan.scanned) == (frozenset(), {"crm.users"})
    assert (none.rewrote, none.scanned, none.built) == (frozenset(),) * 3


def test_tables_that_the_migration_makes_are_nobodys(watch: Watch):
    seen = watch(
        'op.create_table("teams", sa.Column("id", sa.Integer()))\nop.execute("ALTER TABLE teams ADD CHECK (id > 0)")'
    )
    assert not any(one.held or one.scanned for one in seen.statements)


def test_rows_are_production_s_or_none(watch: Watch):
    assert watch('op.alter_column("users", "email", nullable=False)').error == "23502"
    assert watch('op.alter_column("users", "email", nullable=False)', rows=False).error is None


def test_a_probe_runs_in_the_session_and_leaves_nothing(watch: Watch):
    probe = "INSERT INTO orders (user_id) VALUES (-1)"
    before, after, again = watch(
        f"{ADD}\n"
        'op.execute("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey")\n'
        'op.execute("ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users")',
        probes=(probe,),
    ).statements
    assert (before.passed, after.passed, again.passed) == (frozenset(), {probe}, frozenset())


def test_an_upgrade_can_be_stopped_and_cancelled_midway(lab: Lab, tmp_path: Path):
    folder = project(tmp_path, f"{ADD}\n{OUTSIDE}")
    with fork(lab) as database:
        assert upgrade(lab, database, folder, stop_before=1).error == "StoppedError"
        assert ask(lab, database, "SELECT phone FROM users LIMIT 1") == [(None,)]
    with fork(lab) as database:
        assert upgrade(lab, database, folder, cancel=True).error == "57014"
        assert ask(lab, database, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == [("i",)]


@pytest.mark.filterwarnings("ignore:coroutine 'upgrade' was never awaited")
def test_alembic_awaits_no_upgrade(watch: Watch):
    """It is why unreadable-revision refuses one."""
    seen = watch("async def upgrade():\n    op.execute('DROP TABLE users')\n\n\ndef downgrade():\n    pass")
    assert seen.error is None
    assert not any("users" in one.sql for one in seen.statements)
