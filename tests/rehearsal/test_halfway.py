"""A revision that was stopped after a commit, and run again on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.postgres.server import Server
from migration_gate.rehearsal import halfway
from tests.rehearsal.walk import Walk, written
from tests.rules.production import SCHEMA

BLOCK = "    with op.get_context().autocommit_block():\n"
INDEX = '        op.create_index("{0}", "users", ["{1}"], postgresql_concurrently=True{2})\n'
ADD = '    op.add_column("users", sa.Column("phone", sa.Text()))\n'

CASES = {
    # the body of upgrade(), statements that run before it is cut off, what is said
    "one transaction": (ADD + '    op.drop_column("users", "bio")\n', 1, ""),
    "work before a block": (
        ADD + BLOCK + INDEX.format("i1", "bio", ""), 1,
        'half done, and the second try fails: column "phone" of relation "users" already exists.',
    ),
    "two statements in a block": (
        BLOCK + INDEX.format("i1", "bio", "") + INDEX.format("i2", "age", ""), 1,
        'half done, and the second try fails: relation "i1" already exists.',
    ),
    "if not exists": (
        BLOCK + INDEX.format("i1", "bio", ", if_not_exists=True") + INDEX.format("i2", "age", ", if_not_exists=True"),
        1, "",
    ),
    "another schema": (
        BLOCK + "        op.execute(\"DO $$ BEGIN IF to_regclass('a') IS NULL THEN CREATE TABLE a (); "
        "ELSE CREATE TABLE b (); END IF; END $$\")\n" + INDEX.format("i2", "age", ""), 1,
        "reaches another schema: table `b` is there after the second try alone.",
    ),
    "a column that differs": (
        BLOCK + '        op.execute("ALTER TABLE users ALTER age TYPE bigint")\n'
        "        op.execute(\"DO $$ BEGIN IF to_regclass('a') IS NULL THEN CREATE TABLE a (); "
        'ELSE ALTER TABLE users ALTER age TYPE numeric; END IF; END $$")\n' + INDEX.format("i2", "age", ""), 2,
        "column `users.age` is numeric after the second try and bigint when nothing comes between.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_second_try(server: Server, tmp_path: Path, case: str) -> None:
    body, statements, expected = CASES[case]
    revision = written(tmp_path, "def upgrade():\n" + body)
    whole = Walk(server, SCHEMA, revision)
    assert whole.run("upgrade") is None
    stop = Walk(server, SCHEMA, revision).stopped(whole.schema(), statements, 10)
    found = halfway.judge([stop, stop])
    if not expected:
        assert (found.findings, found.went_through) == ((), True)
        return
    (finding,) = found.findings
    assert (finding.rule, finding.line, finding.revision) == ("not-retryable", 10, "a1")
    assert expected in finding.message
    assert finding.evidence[0].text == "the last statement"


def test_a_second_try_without_an_end_is_a_problem(server: Server, tmp_path: Path) -> None:
    revision = written(tmp_path, "def upgrade():\n" + ADD)
    late = {"event": "too-long", "path": None, "line": None}
    found = halfway.judge([halfway.Stop(revision, "a1.py", 10, "ALTER", {}, None, late)])
    assert found.problems == (
        "a1, stopped after line 10, was not run again to its end in time. A longer limit: --time-limit SECONDS",
    )
