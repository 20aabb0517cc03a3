"""constraint-without-not-valid and constraint-builds-index, against PostgreSQL: what they refuse reads the whole table,
or builds an index, while traffic waits.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.traffic import EXCLUSIVE, Watch, filled, judge, steps
from tests.rules.watch import Lab, ask, fork, project, upgrade

NOT_VALID = "constraint-without-not-valid"
INDEX = "constraint-builds-index"

# Production's rows agree with all of these.
SCANS = {
    "check": ("users", 'op.create_check_constraint("age_positive", "users", "age > 0")'),
    "check, keywords": (
        "users",
        'op.create_check_constraint(constraint_name="c", table_name="users", condition=sa.text("age > 0"))',
    ),
    "check of a column": ("users", 'op.create_check_constraint("c", "users", sa.column("age") > 0)'),
    "check in a batch": (
        "users",
        'with op.batch_alter_table("users") as b:\n    b.create_check_constraint("c", "age > 0")',
    ),
    "check in SQL": ("users", 'op.execute("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)")'),
    "check with its column": ("users", 'op.execute("ALTER TABLE users ADD COLUMN height int CHECK (height > 0)")'),
    "check in a schema": ("crm.users", "op.create_check_constraint('c', 'users', \"name <> ''\", schema='crm')"),
    "foreign key": (
        "memberships",
        'op.create_foreign_key("m_user", "memberships", "users", ["user_id"], ["id"])',
    ),
    "foreign key without a name": (
        "memberships",
        'op.create_foreign_key(None, "memberships", "users", ["user_id"], ["id"], ondelete="CASCADE")',
    ),
    "foreign key in a batch": (
        "memberships",
        'with op.batch_alter_table("memberships") as b:\n'
        '    b.create_foreign_key("m_user", "users", ["user_id"], ["id"])',
    ),
    "foreign key in SQL": (
        "memberships",
        'op.execute("ALTER TABLE memberships ADD FOREIGN KEY (group_id) REFERENCES groups (id)")',
    ),
    "foreign key in SQL, one of several": (
        "memberships",
        'op.execute("ALTER TABLE memberships ADD note text, ADD CONSTRAINT m FOREIGN KEY (group_id) '
        'REFERENCES groups (id) ON DELETE CASCADE")',
    ),
    "foreign key with its column": (
        "orders",
        'op.add_column("orders", sa.Column("group_id", sa.Integer(), sa.ForeignKey("groups.id", ondelete="CASCADE")))',
    ),
    "foreign key of a new column": (
        "orders",
        'op.add_column("orders", sa.Column("group_id", sa.Integer()))\n'
        'op.create_foreign_key("o_group", "orders", "groups", ["group_id"], ["id"])',
    ),
    "foreign key in its column": (
        "orders",
        'op.add_column("orders", sa.Column("group_id", sa.Integer(), sa.ForeignKey("groups.id"), server_default="1"))',
    ),
    "foreign key in its column, batch": (
        "orders",
        'with op.batch_alter_table("orders") as b:\n'
        '    b.add_column(sa.Column("group_id", sa.Integer(), sa.ForeignKey("groups.id", name="o_group"), '
        'server_default="1"))',
    ),
}

# As these are in SQL alone: a foreign key whose column has a value in each row.
SCANS_WITH_A_DEFAULT = (
    'op.execute("ALTER TABLE orders ADD group_id int DEFAULT 1 REFERENCES groups (id) ON DELETE CASCADE")'
)

# What a constraint says besides, and its remedy has to say as well.
KEPT = {
    "on delete, in SQL": (
        NOT_VALID,
        'op.execute("ALTER TABLE memberships ADD CONSTRAINT m FOREIGN KEY (user_id) REFERENCES users (id) '
        'MATCH FULL ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED")',
    ),
    "on delete, of a column": (
        NOT_VALID,
        'op.add_column("orders", sa.Column("group_id", sa.Integer, sa.ForeignKey("groups.id", ondelete="SET NULL")))',
    ),
    "on delete, of a column in a batch": (
        NOT_VALID,
        'with op.batch_alter_table("orders") as b:\n    b.add_column(sa.Column("group_id", sa.Integer, '
        'sa.ForeignKey("groups.id", name="o", onupdate="CASCADE", deferrable=True, initially="DEFERRED")))',
    ),
    "to a column that is no primary key": (
        NOT_VALID,
        'op.execute("ALTER TABLE users ADD CONSTRAINT names UNIQUE (id, name), ADD CONSTRAINT ages UNIQUE (email)")\n'
        'op.add_column("orders", sa.Column("email", sa.Text, sa.ForeignKey("users.email")))',
    ),
    "in a loop": (
        NOT_VALID,
        'for table in ("orders",):\n'
        '    op.create_foreign_key(f"{table}_u", table, "users", ["user_id"], ["id"], ondelete="CASCADE")',
    ),
    "deferrable": (
        INDEX,
        'op.create_unique_constraint("u", "users", ["age", "id"], deferrable=True, initially="DEFERRED")',
    ),
    "deferrable, in SQL": (
        INDEX,
        'op.execute("ALTER TABLE users ADD CONSTRAINT u UNIQUE (id, age) DEFERRABLE, ADD CHECK (age > 0)")',
    ),
    "include, in SQL": (INDEX, 'op.execute("ALTER TABLE users ADD CONSTRAINT u UNIQUE (id, age) INCLUDE (bio, name)")'),
    "in a loop, unique": (
        INDEX,
        'for table in ("users",):\n    op.create_unique_constraint(f"{table}_u", table, ["id", "age"])',
    ),
}
SCANS_NOT = {
    "check, not valid": 'op.create_check_constraint("c", "users", "age > 0", postgresql_not_valid=True)',
    "check in SQL, not valid": 'op.execute("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID")',
    "foreign key, not valid": (
        'op.create_foreign_key("m", "memberships", "users", ["user_id"], ["id"], postgresql_not_valid=True)'
    ),
    "foreign key with its column, in SQL": (
        'op.execute("ALTER TABLE orders ADD COLUMN group_id int REFERENCES groups (id)")'
    ),
    "a new table's": """
        op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("user_id", sa.Integer()))
        op.create_foreign_key("notes_user", "notes", "users", ["user_id"], ["id"])
        op.create_check_constraint("c", "notes", "user_id > 0")
    """,
}

BUILDS = {
    "unique": ("users", 'op.create_unique_constraint("users_age_key", "users", ["age"])'),
    "unique without a name": ("users", 'op.create_unique_constraint(None, "users", ["id", "age"])'),
    "unique in a batch": (
        "users",
        'with op.batch_alter_table("users") as b:\n    b.create_unique_constraint("u", ["age"])',
    ),
    "unique in SQL": ("users", 'op.execute("ALTER TABLE users ADD CONSTRAINT u UNIQUE (age)")'),
    "unique with its column": ("users", 'op.add_column("users", sa.Column("handle", sa.Text(), unique=True))'),
    "unique with its column, in SQL": ("users", 'op.execute("ALTER TABLE users ADD COLUMN handle text UNIQUE")'),
    "primary key": (
        "events_2025",
        'op.create_primary_key("events_2025_pkey", "events_2025", ["id"])',
    ),
    "primary key in SQL": ("events_2025", 'op.execute("ALTER TABLE events_2025 ADD PRIMARY KEY (id)")'),
    "exclude": ("users", 'op.create_exclude_constraint("x", "users", ("age", "="), using="btree")'),
    "exclude in SQL": ("users", 'op.execute("ALTER TABLE users ADD CONSTRAINT x EXCLUDE (age WITH =)")'),
}

BUILDS_NOT = {
    "using index": """
        with op.get_context().autocommit_block():
            op.create_index("users_age_key", "users", ["age"], unique=True, postgresql_concurrently=True)
        op.execute("ALTER TABLE users ADD CONSTRAINT users_age_key UNIQUE USING INDEX users_age_key")
    """,
    "a new table's": """
        op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("n", sa.Integer()))
        op.create_unique_constraint("notes_n", "notes", ["n"])
    """,
    "a new table's own": """
        op.create_table("notes", sa.Column("n", sa.Integer()), sa.PrimaryKeyConstraint("n"), sa.UniqueConstraint("n"))
    """,
}


@pytest.mark.parametrize("case", SCANS)
def test_what_is_validated_at_once_reads_the_table(case: str, tmp_path: Path, watch: Watch) -> None:
    table, body = SCANS[case]
    (finding,) = judge(tmp_path, NOT_VALID, body).findings
    assert table in finding.message
    seen = watch(body)
    assert seen.error is None, seen.message
    (scan,) = [one for one in seen.statements if one.scanned]
    assert scan.scanned == {table}
    wanted = EXCLUSIVE if "check" in case else "SHARE ROW EXCLUSIVE"
    assert wanted in {mode for name, mode in scan.held if name == table}


def test_a_default_is_looked_up_for_each_row(tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, NOT_VALID, SCANS_WITH_A_DEFAULT).findings
    assert "group_id" in (finding.remedy or "")
    (statement,) = watch(SCANS_WITH_A_DEFAULT).statements
    assert statement.scanned == {"orders"}
    assert ("orders", EXCLUSIVE) in statement.held


@pytest.mark.parametrize("case", KEPT)
def test_the_remedy_makes_the_same_constraint(case: str, tmp_path: Path, lab: Lab) -> None:
    rule, body = KEPT[case]
    findings = judge(tmp_path, rule, body).findings
    bodies = [one for finding in findings for one in steps(finding)]
    if "no primary key" in case:
        bodies.insert(0, body.splitlines()[0])
    made = []
    for number, one in enumerate(([body], bodies)):
        with fork(lab) as database:
            seen = upgrade(lab, database, project(tmp_path / str(number), *one, per_migration=True))
            assert seen.error is None, seen.message
            answer = ask(lab, database, "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint")
            assert isinstance(answer, list)
            made.append({(name, text) for name, text in answer if not text.startswith("CHECK")})
    assert made[0] == made[1]


@pytest.mark.parametrize("case", SCANS_NOT)
def test_what_is_not_validated_reads_none(case: str, tmp_path: Path, watch: Watch) -> None:
    verdict = judge(tmp_path, NOT_VALID, SCANS_NOT[case])
    assert not verdict.findings
    assert not verdict.notes
    seen = watch(SCANS_NOT[case])
    assert seen.error is None, seen.message
    assert not any(one.scanned for one in seen.statements)


@pytest.mark.parametrize("case", SCANS)
def test_the_remedy_reads_the_table_under_a_weak_lock(case: str, tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, NOT_VALID, SCANS[case][1]).findings
    before = {
        "check with its column": ['op.execute("ALTER TABLE users ADD COLUMN height int")'],
        "foreign key of a new column": ['op.add_column("orders", sa.Column("group_id", sa.Integer()))'],
    }
    bodies = [*before.get(case, ()), *steps(finding)]
    assert not judge(tmp_path, NOT_VALID, *bodies, per_migration=True).findings
    seen = watch(*bodies, per_migration=True)
    assert seen.error is None, seen.message
    (scan,) = [one for one in seen.statements if one.scanned]
    assert {mode for name, mode in scan.held if name in scan.scanned} == {"SHARE UPDATE EXCLUSIVE"}


@pytest.mark.parametrize("case", BUILDS)
def test_a_constraint_that_builds_its_index_does_so_alone(case: str, tmp_path: Path, watch: Watch) -> None:
    table, body = BUILDS[case]
    (finding,) = judge(tmp_path, INDEX, body).findings
    assert table in finding.message
    seen = watch(body)
    assert seen.error is None, seen.message
    assert any(table in one.built and (table, EXCLUSIVE) in one.held for one in seen.statements)


@pytest.mark.parametrize("case", BUILDS_NOT)
def test_one_that_takes_an_index_over_builds_none(case: str, tmp_path: Path, watch: Watch) -> None:
    verdict = judge(tmp_path, INDEX, BUILDS_NOT[case])
    assert not verdict.findings
    assert not verdict.notes
    seen = watch(BUILDS_NOT[case])
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.built)


@pytest.mark.parametrize("case", BUILDS)
def test_the_remedy_builds_it_while_everybody_works(case: str, tmp_path: Path, watch: Watch) -> None:
    (finding,) = judge(tmp_path, INDEX, BUILDS[case][1]).findings
    if case.startswith("exclude"):
        assert "lock_timeout" in (finding.remedy or "")
        return
    added = ['op.execute("ALTER TABLE users ADD COLUMN handle text")'] * ("column, in SQL" in case)
    bodies = [*added, *(filled(one, '"age"') for one in steps(finding))]
    if case.startswith("primary key"):  # its columns may hold NULL: PostgreSQL looks, and another rule says so
        bodies.insert(0, "op.execute('ALTER TABLE events_2025 ALTER id SET NOT NULL')")
    assert not judge(tmp_path, INDEX, *bodies).findings
    seen = watch(*bodies)
    assert seen.error is None, seen.message
    assert not any((table, EXCLUSIVE) in one.held for one in seen.statements for table in one.built)
