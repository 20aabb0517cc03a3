"""Each refused example of a rule is confirmed by what PostgreSQL did with it; where it did not, it is cleared."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.findings import Finding, Note
from migration_gate.operations.model import Table
from migration_gate.rehearsal import evidence
from migration_gate.rehearsal.child import Ran
from migration_gate.rehearsal.joined import CLEARED, JUDGES, join
from migration_gate.rehearsal.on_rows import Failure, failure
from migration_gate.rehearsal.unforeseen import blocks_traffic
from migration_gate.rules.pages import page, revisions
from tests.conftest import often
from tests.rehearsal import observed
from tests.rehearsal.observed import DRIVERS, Process

EXAMPLES = [
    pytest.param(rule, text, heading == "refused", id=f"{rule} {heading} {number}")
    for rule in JUDGES
    for heading in ("refused", "instead")
    for number, text in enumerate(getattr(page(rule), heading))
    if not text.startswith("# env.py")
]


class Joined(NamedTuple):
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    static: tuple[Finding, ...]
    ran: Ran
    statements: tuple[evidence.Seen, ...]
    failure: Failure | None

    def of(self, rule: str) -> list[Finding]:
        return [one for one in self.findings if one.rule == rule]

    def noted(self, rule: str) -> list[str]:
        return [one.message.removeprefix(f"{rule}: ") for one in self.notes if one.message.startswith(f"{rule}: ")]


def joined(
    process: Process,
    folder: Path,
    *bodies: str,
    driver: str = "psycopg",
    per_migration: bool = False,
    settings: str = "",
    setup: tuple[str, ...] = (),
) -> Joined:
    """What is said of new revisions on production with its rows, by reading and by rehearsing."""
    observed.project(folder, *bodies, driver=driver, per_migration=per_migration, settings=settings)
    project, verdict = observed.found(folder), observed.read(folder)
    database = observed.fork(process.server, *setup)
    ran = process.upgrade(folder, database)
    observed.drop(process.server, database)
    statements = evidence.seen(ran.events)
    findings, notes = join(project, process.server.version, verdict.findings, verdict.notes, statements)
    more, others = blocks_traffic(project, process.server.version, findings, notes, statements)
    errors = ran.of("error")
    failed = failure(errors[0], verdict.findings, statements, {Table("users"): 3}) if errors else None
    return Joined((*findings, *more), (*notes, *others), verdict.findings, ran, statements, failed)


def check(process: Process, folder: Path, rule: str, text: str, refused: bool, driver: str) -> None:
    per_migration = "transaction_per_migration=True" in text
    said = joined(process, folder, *revisions(text), driver=driver, per_migration=per_migration)
    if refused:
        static = [one for one in said.static if one.rule == rule]
        assert len(said.of(rule)) >= len(static)
        assert all(one.evidence for one in said.of(rule)), [(one.line, one.message) for one in said.of(rule)]
        assert said.of(rule) or any("If " in one for one in said.noted(rule)), said.noted(rule)
    else:
        assert said.of(rule) == []
        assert not said.ran.of("error")
        assert said.of("blocks-traffic") == []


@pytest.mark.parametrize(("rule", "text", "refused"), EXAMPLES)
def test_an_example(rule: str, text: str, refused: bool, process: Process, tmp_path: Path) -> None:
    check(process, tmp_path, rule, text, refused, "psycopg")


@pytest.mark.slow
@pytest.mark.parametrize("driver", sorted(DRIVERS.keys() - {"psycopg"}))
@pytest.mark.parametrize(("rule", "text", "refused"), EXAMPLES)
def test_an_example_on_every_driver(
    rule: str, text: str, refused: bool, driver: str, process: Process, tmp_path: Path
) -> None:
    if driver == "pg8000" and ("autocommit_block" in text or "CONCURRENTLY" in text):
        pytest.skip("pg8000 opens a transaction there, watched or not")
    check(process, tmp_path, rule, text, refused, driver)


# ── cleared ──────────────────────────────────────────────────────────────────────────────────────────────

CLEARED_CASES = {
    "a CHECK of production's that reading does not know": (
        "set-not-null-without-backfill",
        "op.alter_column('users', 'age', nullable=False)",
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (age IS NOT NULL)",),
        "did not read users: a constraint shows",
    ),
    "the same, under the lock": (
        "work-under-exclusive-lock",
        "op.alter_column('users', 'age', nullable=False)",
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (age IS NOT NULL)",),
        "held ACCESS EXCLUSIVE on users and read no row of it",
    ),
    "a type that it has already": (
        "rewrites-table",
        "op.alter_column('users', 'age', existing_type=sa.Integer(), type_=sa.BigInteger())",
        ("ALTER TABLE users ALTER age TYPE bigint",),
        "held ACCESS EXCLUSIVE on users and wrote no row of it anew",
    ),
    "a type that is as narrow already": (
        "narrows-type",
        "op.alter_column('memberships', 'user_id', existing_type=sa.Integer(), type_=sa.SmallInteger())",
        ("ALTER TABLE memberships ALTER user_id TYPE smallint",),
        "took each value of memberships as it is",
    ),
    "a partition whose CHECK is its bounds": (
        "locks-partition-parent",
        'op.execute("ALTER TABLE events ATTACH PARTITION events_2025 "\n'
        "           \"FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')\")",
        ("ALTER TABLE events_2025 ADD CHECK (day IS NOT NULL AND day >= '2025-01-01' AND day < '2026-01-01')",),
        "attached events_2025 and read no row of it",
    ),
}


@pytest.mark.parametrize("case", CLEARED_CASES)
def test_what_postgresql_did_not_do_is_cleared(case: str, process: Process, tmp_path: Path) -> None:
    rule, body, setup, why = CLEARED_CASES[case]
    settings = 'large-tables = ["*"]'
    said = joined(process, tmp_path, body, setup=setup, settings=settings)
    assert rule in {one.rule for one in said.static} | {one.message.partition(":")[0] for one in said.notes}
    assert said.of(rule) == []
    (note,) = said.noted(rule)
    assert note.startswith(f"{CLEARED}: PostgreSQL {process.server.version} {why}")
    assert said.of("blocks-traffic") == []


LEFT_ALONE = {
    "it did not run": (
        "rewrites-table",
        "import os\nif os.environ.get('NO_SUCH'):\n    op.execute('ALTER TABLE users ALTER age TYPE bigint')",
    ),
    "a partitioned table without partitions": (
        "constraint-without-not-valid",
        "op.execute('ALTER TABLE empty ADD CHECK (id > 0)')",
    ),
    "a table without rows": ("constraint-without-not-valid", "op.execute('ALTER TABLE pets ADD CHECK (id > 0)')"),
}
SETUP = ("CREATE TABLE empty (id int) PARTITION BY RANGE (id)", "CREATE TABLE pets (id int)")


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_nothing_else_clears(case: str, process: Process, tmp_path: Path) -> None:
    rule, body = LEFT_ALONE[case]
    said = joined(process, tmp_path, body, setup=SETUP)
    assert [bool(one.evidence) for one in said.of(rule)] == [case == "a table without rows"]


# ── which statement of a place ───────────────────────────────────────────────────────────────────────────

BATCH = """
with op.batch_alter_table("memberships") as batch:
    batch.alter_column("user_id", existing_type=sa.Integer(), type_=sa.BigInteger())
    batch.alter_column("group_id", existing_type=sa.Integer(), type_=sa.BigInteger())
    batch.add_column(sa.Column("free", sa.Integer(), server_default="1"))
"""


def test_each_operation_of_a_batch_has_its_own_answer(process: Process, tmp_path: Path) -> None:
    said = joined(process, tmp_path, BATCH, setup=("ALTER TABLE memberships ALTER user_id TYPE bigint",))
    assert len(said.static) == 2
    (one,) = said.of("rewrites-table")
    assert "memberships.group_id" in one.message
    assert "wrote all of memberships anew" in one.evidence[-1].text
    (note,) = said.noted("rewrites-table")
    assert note.startswith(CLEARED)


def test_several_tables_of_a_loop(process: Process, tmp_path: Path) -> None:
    body = "for name in ('users', 'groups'):\n    op.create_index(f'ix_{name}', name, ['id'])"
    said = joined(process, tmp_path, body)
    assert all(one.evidence for one in said.of("index-without-concurrently"))
    assert said.of("index-without-concurrently")
    assert said.of("blocks-traffic") == []


# ── what reading was unsure of ───────────────────────────────────────────────────────────────────────────

UNSURE = "op.add_column('users', sa.Column('token', sa.Uuid(), server_default=sa.text('token()')))"
TOKEN = ("CREATE FUNCTION token() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()'",)


@pytest.mark.parametrize(("settings", "finding"), [("", True), ('small-tables = ["users"]', False)])
def test_what_reading_doubted_and_postgresql_did_is_a_finding(
    settings: str, finding: bool, process: Process, tmp_path: Path
) -> None:
    said = joined(process, tmp_path, UNSURE, setup=TOKEN, settings=settings)
    assert [one.rule for one in said.static] == []
    assert [one.rule for one in said.findings] == ["rewrites-table"] * finding
    assert [one.evidence[0].text for one in said.findings] == [
        f"PostgreSQL {process.server.version} held ACCESS EXCLUSIVE on users while it wrote all of users anew"
    ] * finding
    assert len(said.noted("rewrites-table")) == (not finding)


# ── blocks-traffic ───────────────────────────────────────────────────────────────────────────────────────


def hidden(statement: str) -> str:
    """A body that runs a statement which nobody can read."""
    code = b64encode(statement.encode()).decode()
    return f"import base64\nop.execute(base64.b64decode('{code}').decode())"


HIDDEN = hidden("ALTER TABLE users ADD CHECK (age > 0)")
FUNCTION = ("CREATE FUNCTION widen() RETURNS void LANGUAGE sql AS 'ALTER TABLE users ALTER age TYPE bigint'",)
TRAFFIC = {
    "SQL that is put together": (HIDDEN, (), "new1 reads all of users while it holds ACCESS EXCLUSIVE on users"),
    "a function": (
        "op.execute('SELECT widen()')",
        FUNCTION,
        "new1 writes all of users anew while it holds ACCESS EXCLUSIVE on users",
    ),
    "rows after a lock": (
        "op.execute('ALTER TABLE users ADD COLUMN a int')\n" + hidden("UPDATE groups SET name = name"),
        (),
        "new1 changes rows of groups while it holds ACCESS EXCLUSIVE on users",
    ),
    "an index": (
        hidden("CREATE INDEX i ON groups (name)"),
        (),
        "new1 builds an index on groups while it holds SHARE on groups",
    ),
}


@pytest.mark.parametrize("driver", often(DRIVERS))
@pytest.mark.parametrize("case", TRAFFIC)
def test_what_no_rule_foresaw(case: str, driver: str, process: Process, tmp_path: Path) -> None:
    body, setup, message = TRAFFIC[case]
    said = joined(process, tmp_path, body, setup=setup, driver=driver, settings='large-tables = ["*"]')
    assert [one.rule for one in said.static] == []
    (one,) = said.findings
    assert (one.rule, one.revision, one.evidence[1].kind) == ("blocks-traffic", "new1", "statement")
    assert one.message.startswith(message)


QUIET = {
    "allowed": HIDDEN.replace("op.execute", "# migration-gate: allow blocks-traffic because it is tiny\nop.execute"),
    "allowed by the rule that would have read it": HIDDEN.replace(
        "op.execute", "# migration-gate: allow constraint-without-not-valid because it is tiny\nop.execute"
    ),
    "said by a rule": "op.execute('ALTER TABLE users ADD CHECK (age > 0)')",
    "a table of its own": "op.execute('CREATE TABLE pets (id int)')\n" + hidden("CREATE INDEX ON pets (id)"),
    "a row that the migration brings along": "op.execute('ALTER TABLE groups ADD COLUMN a int')\n"
    "op.bulk_insert(sa.table('groups', sa.column('name')), [{'name': 'x'}])",
    "an empty table's new file": hidden("TRUNCATE memberships"),
}


@pytest.mark.parametrize("case", QUIET)
def test_where_it_is_silent(case: str, process: Process, tmp_path: Path) -> None:
    said = joined(process, tmp_path, QUIET[case], settings='large-tables = ["*"]')
    assert said.ran.status == 0, said.ran.log
    assert said.of("blocks-traffic") == []


def test_on_a_small_table_it_is_a_note(process: Process, tmp_path: Path) -> None:
    said = joined(process, tmp_path, HIDDEN, settings='small-tables = ["users"]')
    assert said.findings == ()
    assert [one.message.partition(":")[0] for one in said.notes][-2:] == ["not read", "blocks-traffic"]


# ── fails-on-rows ────────────────────────────────────────────────────────────────────────────────────────

VIOLATED = (
    'new1 fails on users with 3 rows: check constraint "users_age_check" of relation "users" is violated by some row'
)
FAILS = {
    "a static finding is confirmed, and says it": (
        "op.add_column('users', sa.Column('p', sa.JSON(), nullable=False))",
        'new1 fails on users with 3 rows: column "p" of relation "users" contains null values',
        None,
    ),
    "a unique index": (
        "op.create_index('u', 'memberships', ['group_id'], unique=True, postgresql_concurrently=False)",
        'new1 fails on memberships with rows: could not create unique index "u"',
        "finding",
    ),
    "a constraint that nobody could read": (
        hidden("ALTER TABLE users ADD CHECK (age > 100)"),
        VIOLATED,
        "finding",
    ),
    "a block": (
        "op.execute('DO $$ BEGIN ALTER TABLE users ADD CHECK (age > 100); END $$')",
        VIOLATED,
        "finding",
    ),
    "an UPDATE": (
        "op.execute('UPDATE users SET age = email::int')",
        'new1 fails on users with 3 rows: invalid input syntax for type integer: "bo@example.org"',
        "note",
    ),
    "Python": (
        "import json\nfor row in op.get_bind().execute(sa.text('SELECT email FROM users')):\n"
        "    json.loads(row[0] or 'x')",
        "new1 fails on tables with rows: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "note",
    ),
    "allowed": (
        "# migration-gate: allow fails-on-rows because it was cleaned by hand\n"
        "op.execute('ALTER TABLE users ADD CHECK (age > 100)')",
        VIOLATED,
        "note",
    ),
    "not about rows": ("op.execute('ALTER TABLE nobody ADD COLUMN a int')", None, None),
}


@pytest.mark.parametrize("driver", often(DRIVERS))
@pytest.mark.parametrize("case", FAILS)
def test_an_upgrade_that_fails_on_rows(case: str, driver: str, process: Process, tmp_path: Path) -> None:
    body, text, kind = FAILS[case]
    said = joined(process, tmp_path, body, driver=driver)
    if text is None:
        assert said.failure is None
        return
    assert said.failure is not None
    assert said.failure.text == text
    assert (said.failure.finding is not None, said.failure.note is not None) == (kind == "finding", kind == "note")
    if kind is None:
        (one,) = said.of("not-null-without-default")
        assert "refused it: column" in one.evidence[0].text
    if said.failure.finding:
        assert said.failure.finding.message.startswith(text)
