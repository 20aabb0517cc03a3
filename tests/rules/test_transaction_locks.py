"""What a transaction holds while it goes on, against PostgreSQL: validated-in-same-transaction,
work-under-exclusive-lock, locks-several-tables, missing-lock-timeout.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.traffic import EXCLUSIVE, Watch, judge, steps
from tests.rules.watch import Lab

VALIDATED = "validated-in-same-transaction"
WORK = "work-under-exclusive-lock"
SEVERAL = "locks-several-tables"
TIMEOUT = "missing-lock-timeout"

CHECK = 'op.create_check_constraint("c", "users", "age > 0", postgresql_not_valid=True)'
KEY = 'op.create_foreign_key("k", "memberships", "users", ["user_id"], ["id"], postgresql_not_valid=True)'
VALIDATE = 'op.execute("ALTER TABLE users VALIDATE CONSTRAINT c")'
VALIDATE_KEY = "op.execute('ALTER TABLE memberships VALIDATE CONSTRAINT k')"
ALONE = f"with op.get_context().autocommit_block():\n    {VALIDATE}"

TOGETHER = {
    "in one revision": (f"{CHECK}\n{VALIDATE}",),
    "in two": (CHECK, VALIDATE),
    "with one between": (CHECK, 'op.execute("SELECT 1")', VALIDATE),
    "a foreign key": (KEY, VALIDATE_KEY),
    "in SQL": (
        'op.execute("ALTER TABLE public.users ADD CONSTRAINT c CHECK (age > 0) NOT VALID")',
        VALIDATE,
    ),
    "after an autocommit block": (
        f"with op.get_context().autocommit_block():\n    op.execute('SELECT 1')\n{CHECK}\n{VALIDATE}",
    ),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_a_scan_in_the_transaction_that_adds_is_a_scan_under_its_lock(case: str, tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, VALIDATED, *TOGETHER[case]).findings
    seen = watch(*TOGETHER[case])
    assert seen.error is None, seen.message
    (scan,) = [one for one in seen.statements if one.scanned]
    strong = {mode for name, mode in scan.held if name in scan.scanned} & {EXCLUSIVE, "SHARE ROW EXCLUSIVE"}
    assert strong
    assert strong.pop() in finding.message


APART = {
    "transaction_per_migration": ((CHECK, VALIDATE), True),
    "an autocommit block between": ((CHECK, ALONE), False),
    "an autocommit block in one revision": ((f"{CHECK}\n{ALONE}",), False),
    "shipped": (('op.execute("SELECT 1")',), False),
    "a new table's": (
        (
            'op.create_table("t", sa.Column("n", sa.Integer()))\n'
            'op.create_check_constraint("c", "t", "n > 0", postgresql_not_valid=True)\n'
            'op.execute("ALTER TABLE t VALIDATE CONSTRAINT c")',
        ),
        False,
    ),
}


@pytest.mark.parametrize("case", APART)
def test_a_scan_in_a_transaction_of_its_own_lets_everybody_work(case: str, tmp_path: Path, watch: Watch) -> None:
    bodies, per_migration = APART[case]
    verdict = judge(tmp_path, VALIDATED, *bodies, per_migration=per_migration)
    assert not verdict.findings
    assert not verdict.notes
    seen = watch(*bodies, per_migration=per_migration)
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.scanned)


def test_the_remedy_of_validating_together(tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, VALIDATED, CHECK, VALIDATE).findings
    bodies = [CHECK, steps(finding)[0]]
    assert not judge(tmp_path, VALIDATED, *bodies).findings
    seen = watch(*bodies)
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.scanned)


ADD = 'op.add_column("users", sa.Column("active", sa.Boolean()))'
FILL = 'op.execute("UPDATE users SET active = true")'
REQUIRE = 'op.alter_column("users", "active", existing_type=sa.Boolean(), nullable=False)'

WORKS = {
    "fill what was added": (f"{ADD}\n{FILL}",),
    "in two revisions": (ADD, FILL),
    "another table's rows": (f'{ADD}\nop.execute("DELETE FROM orders WHERE id = 3")',),
    "Core": (f'{ADD}\nusers = sa.table("users", sa.column("active"))\nop.execute(users.update().values(active=True))',),
    "another constraint's scan": (
        f"{ADD}\nop.execute('ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive')",
    ),
}


@pytest.mark.parametrize("case", WORKS)
def test_rows_are_changed_under_the_lock(case: str, tmp_path: Path, watch: Watch) -> None:
    assert not judge(tmp_path, WORK, *WORKS[case]).findings
    (note,) = judge(tmp_path, WORK, *WORKS[case]).notes
    assert 'large-tables = ["users"]' in note.message
    (finding,) = judge(tmp_path, WORK, *WORKS[case], large_tables=("users",)).findings
    assert "users" in finding.message
    seen = watch(*WORKS[case])
    assert seen.error is None, seen.message
    assert ("users", EXCLUSIVE) in seen.statements[-1].held
    assert seen.statements[-1].rows or seen.statements[-1].said or "VALIDATE" in seen.statements[-1].sql


def test_set_not_null_reads_the_table(tmp_path: Path, watch: Watch) -> None:
    body = 'op.alter_column("memberships", "id", nullable=False)\nop.alter_column("users", "age", nullable=False)'
    fill = 'op.execute("UPDATE users SET age = 1 WHERE age IS NULL")'
    (finding,) = judge(tmp_path, WORK, fill, body, large_tables=("users",)).findings
    seen = watch(fill, body, per_migration=True)
    assert seen.error is None, seen.message
    assert seen.statements[-1].scanned == {"users"}
    assert "or with transaction_per_migration=True" in (finding.remedy or "")
    first, validate, last = steps(finding)
    bodies = [first, fill, validate, last]
    assert not judge(tmp_path, WORK, *bodies, per_migration=True, large_tables=("users",)).findings
    seen = watch(*bodies, per_migration=True)
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.scanned)


def test_from_18_on_not_null_itself_is_validated_apart(tmp_path: Path, watch: Watch, lab: Lab) -> None:
    body = 'op.alter_column("users", "age", nullable=False)'
    (finding,) = judge(tmp_path, WORK, body, large_tables=("users",), postgres_version=18).findings
    assert "NOT NULL age NOT VALID" in (finding.remedy or "")
    if lab.server.major < 18:
        pytest.skip("PostgreSQL 18 is the first that has NOT NULL … NOT VALID")
    first, validate = steps(finding)
    seen = watch(first, 'op.execute("UPDATE users SET age = 1 WHERE age IS NULL")', validate, per_migration=True)
    assert seen.error is None, seen.message
    assert not any(("users", EXCLUSIVE) in one.held for one in seen.statements if one.scanned)
    assert seen.statements[-1].scanned == {"users"}


WORKS_NOT = {
    "apart": ((ADD, FILL), True),
    "rows first": ((f'op.execute("UPDATE users SET age = 1 WHERE id = 1")\n{ADD}',), False),
    "a new table's rows": (
        (
            f'{ADD}\nop.create_table("t", sa.Column("n", sa.Integer()))\nop.execute("INSERT INTO t VALUES (1)")\n'
            'op.execute("UPDATE t SET n = 2")',
        ),
        False,
    ),
    "some rows are inserted": ((f"{ADD}\nop.execute(\"INSERT INTO groups (name) VALUES ('x')\")",), False),
}


@pytest.mark.parametrize("case", WORKS_NOT)
def test_what_it_lets_through_changes_no_rows_under_the_lock(case: str, tmp_path: Path, watch: Watch) -> None:
    bodies, per_migration = WORKS_NOT[case]
    verdict = judge(tmp_path, WORK, *bodies, per_migration=per_migration, large_tables=("*",))
    assert not verdict.findings
    assert watch(*bodies, per_migration=per_migration).error is None


BOTH = {
    "in one revision": ('op.add_column("users", sa.Column("a", sa.Text()))\nop.drop_column("groups", "name")',),
    "in two": ('op.add_column("users", sa.Column("a", sa.Text()))', 'op.drop_column("groups", "name")'),
    "an index and a column": (
        'op.create_index("i", "users", ["age"])\nop.add_column("groups", sa.Column("a", sa.Text()))',
    ),
    "a new table that refers to one": (
        'op.add_column("groups", sa.Column("a", sa.Text()))\n'
        'op.create_table("t", sa.Column("id", sa.Integer(), sa.ForeignKey("users.id")))',
    ),
}


@pytest.mark.parametrize("case", BOTH)
def test_the_first_table_stays_locked_while_the_second_is(case: str, tmp_path: Path, watch: Watch) -> None:
    assert not judge(tmp_path, SEVERAL, *BOTH[case]).findings
    (note,) = judge(tmp_path, SEVERAL, *BOTH[case]).notes
    (finding,) = judge(tmp_path, SEVERAL, *BOTH[case], large_tables=("users",)).findings
    assert "users" in finding.message
    assert "groups" in note.message
    assert not judge(tmp_path, SEVERAL, *BOTH[case], small_tables=("*",)).findings
    seen = watch(*BOTH[case])
    assert seen.error is None, seen.message
    strong = {EXCLUSIVE, "SHARE", "SHARE ROW EXCLUSIVE"}
    assert {"users", "groups"} <= {name for name, mode in seen.statements[-1].held if mode in strong}


ONE = {
    "apart": (BOTH["in two"], True),
    "one statement": ((KEY,), False),
    "one table twice": (
        ('op.add_column("users", sa.Column("a", sa.Text()))\nop.add_column("users", sa.Column("b", sa.Text()))',),
        False,
    ),
    "a new table": (
        ('op.create_table("t", sa.Column("id", sa.Integer()))\nop.add_column("users", sa.Column("b", sa.Text()))',),
        False,
    ),
    "rows of another": (("op.execute(\"UPDATE groups SET name = 'x'\")\n" + ADD,), False),
}


@pytest.mark.parametrize("case", ONE)
def test_one_table_at_a_time_is_well(case: str, tmp_path: Path) -> None:
    bodies, per_migration = ONE[case]
    verdict = judge(tmp_path, SEVERAL, *bodies, per_migration=per_migration, large_tables=("*",))
    assert not verdict.findings
    assert not verdict.notes


def test_a_statement_waits_without_a_limit(tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, TIMEOUT, ADD).findings
    assert {one.lock_timeout for one in watch(ADD).statements} == {"0"}
    limited = f"{steps(finding)[0]}\n{ADD}"
    assert not judge(tmp_path, TIMEOUT, limited).findings
    assert watch(limited).statements[-1].lock_timeout == "3s"


def test_a_project_that_sets_none_hears_of_it_once(tmp_path: Path) -> None:
    off = {"select": ()}
    verdict = judge(tmp_path, TIMEOUT, ADD, FILL, REQUIRE, **off)
    assert len(verdict.notes) == 1
    assert not judge(tmp_path, TIMEOUT, ADD, ignore=(TIMEOUT,), **off).notes
    assert not judge(tmp_path, TIMEOUT, 'op.create_table("t", sa.Column("n", sa.Integer()))', **off).notes
