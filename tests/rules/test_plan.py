"""``lint --plan``, against PostgreSQL: the transactions, locks and work that it tells are those that there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Gate
from tests.rules.traffic import Watch
from tests.rules.watch import SHIPPED, project

BODIES = (
    'op.add_column("users", sa.Column("phone", sa.Text()))\nop.execute("UPDATE users SET phone = \'\'")',
    """
    with op.get_context().autocommit_block():
        op.create_index("ix_users_phone", "users", ["phone"], postgresql_concurrently=True)
    """,
    'op.create_check_constraint("c", "orders", "total < 1e9")\nop.create_index("i", "groups", ["name"])',
    'op.create_table("notes", sa.Column("id", sa.Integer(), sa.ForeignKey("users.id")))\n'
    'op.alter_column("memberships", "user_id", existing_type=sa.Integer(), type_=sa.BigInteger())',
)


def plan(folder: Path, gate: Gate, *bodies: str, per_migration: bool = False) -> list[dict]:
    place = project(folder / "planned", *bodies, per_migration=per_migration)
    (place / "pyproject.toml").write_text(f'[tool.migration-gate]\nstart-after = "{SHIPPED}"\n')
    return gate("lint", "--plan", "--format", "json", cwd=place).json["plan"]


@pytest.mark.parametrize("per_migration", [False, True])
def test_it_tells_what_postgresql_does(per_migration: bool, tmp_path: Path, gate: Gate, watch: Watch) -> None:
    planned = plan(tmp_path, gate, *BODIES, per_migration=per_migration)
    seen = watch(*BODIES, per_migration=per_migration)
    assert seen.error is None, seen.message
    steps = [step for one in planned for step in one["steps"]]
    assert len(steps) == len(seen.statements)
    for step, statement in zip(steps, seen.statements, strict=True):
        told = {(held["table"], held["lock"]) for held in step["held"]}
        strong = {(table, lock) for table, lock in statement.held if (table, lock) in told}
        assert told == strong, step["text"]
        work = {held["work"] for held in step["held"]}
        assert ("rewrite" in work) == bool(statement.rewrote), step["text"]
        assert ("scan" in work) == bool(statement.scanned and not statement.rewrote), step["text"]
    groups = [one["autocommit"] for one in planned]
    assert groups == ([False, True, False, False] if per_migration else [False, True, False])


def test_what_waits_is_said_in_words(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "planned", *BODIES[:2])
    (place / "pyproject.toml").write_text(f'[tool.migration-gate]\nstart-after = "{SHIPPED}"\n')
    lines = gate("lint", "--plan", cwd=place).out.splitlines()
    text = [line.strip() for line in lines]
    assert "users: ACCESS EXCLUSIVE, reads and writes wait" in text
    assert "users: ROW EXCLUSIVE, while rows are written" in text
    assert "still held: users (ACCESS EXCLUSIVE from new1.py:10, reads and writes wait)" in text
    assert "users: SHARE UPDATE EXCLUSIVE, nothing waits, while an index is built" in text
    assert any(line.endswith("new2  each statement by itself (autocommit)") for line in lines)


def test_what_was_not_read_is_in_the_plan(tmp_path: Path, gate: Gate) -> None:
    (one,) = plan(tmp_path, gate, 'op.execute(open("/no/such.sql").read())')
    assert one["steps"][0]["not_read"]
    assert one["steps"][0]["held"] == []


def test_nobody_who_did_not_ask_gets_one(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "planned", BODIES[0])
    assert "plan" not in json.loads(gate("lint", "--format", "json", cwd=place).out)


def test_a_note_of_a_rule_names_it(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path / "noted", 'op.create_index("i", "users", ["name"])\nop.execute("nonsense")')
    (place / "pyproject.toml").write_text(f'[tool.migration-gate]\nstart-after = "{SHIPPED}"\nsmall-tables = "users"\n')
    notes = gate("lint", "--format", "json", cwd=place).json["notes"]
    assert {one["rule"] for one in notes if one["line"]} >= {"index-without-concurrently", None}
