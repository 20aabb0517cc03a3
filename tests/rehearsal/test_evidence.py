"""What is observed is what PostgreSQL does: on every driver, and beside what the server itself says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from migration_gate.findings import Held
from migration_gate.operations.effects import STRENGTH
from migration_gate.operations.model import Lock, Table
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.rehearsal import evidence
from migration_gate.rehearsal.evidence import Locked, Seen, holds
from tests.conftest import often
from tests.rehearsal import observed
from tests.rehearsal.observed import DRIVERS, Process
from tests.rules import watch
from tests.rules.watch import Lab


def seen(process: Process, folder: Path, *bodies: str, setup: tuple[str, ...] = (), **how: object) -> list[Seen]:
    observed.project(folder, *bodies, **how)  # type: ignore[arg-type]
    database = observed.fork(process.server, *setup)
    ran = process.upgrade(folder, database)
    observed.drop(process.server, database)
    assert not ran.of("unobserved")
    return list(evidence.seen(ran.events))


# ── every kind of statement, beside the server's own words ───────────────────────────────────────────────

STATEMENTS = """
ALTER TABLE users ADD CHECK (age > 0)
ALTER TABLE users ADD CHECK (age > 0) NOT VALID
ALTER TABLE users ALTER name SET NOT NULL
ALTER TABLE users ALTER age SET NOT NULL
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users
ALTER TABLE memberships ADD CONSTRAINT mu FOREIGN KEY (user_id) REFERENCES users NOT VALID
ALTER TABLE memberships VALIDATE CONSTRAINT mu
ALTER TABLE groups ADD CONSTRAINT gn CHECK (name IS NOT NULL) NOT VALID
ALTER TABLE groups VALIDATE CONSTRAINT gn
ALTER TABLE groups ALTER name SET NOT NULL
CREATE INDEX a ON memberships (group_id)
CREATE UNIQUE INDEX b ON memberships (user_id)
ALTER TABLE groups ADD UNIQUE (name)
ALTER TABLE groups ADD COLUMN c int UNIQUE
ALTER TABLE groups ADD COLUMN d int
ALTER TABLE groups ADD COLUMN e int NOT NULL DEFAULT 3
ALTER TABLE groups ADD COLUMN f uuid DEFAULT gen_random_uuid()
ALTER TABLE groups ADD COLUMN g int CHECK (g > 0)
ALTER TABLE groups ADD COLUMN h int REFERENCES users
ALTER TABLE memberships ALTER user_id TYPE bigint
ALTER TABLE users ALTER nickname TYPE varchar(80)
ALTER TABLE users ALTER nickname TYPE varchar(60)
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
ALTER TABLE events ADD CHECK (id > 0)
CREATE INDEX i ON events (id)
REINDEX TABLE crm.users
REFRESH MATERIALIZED VIEW order_totals
UPDATE users SET age = 4
UPDATE orders SET total = 5 WHERE id = 1
DROP INDEX ix_users_name
ALTER TABLE "Users" SET UNLOGGED
TRUNCATE crm.users
DO $$ BEGIN ALTER TABLE "order" ADD CHECK (id > 0); END $$
ALTER TABLE "order" RENAME TO purchases
DROP TABLE memberships
COMMENT ON TABLE users IS 'who'
CREATE TABLE pets (id int, owner int REFERENCES users)
""".strip().split("\n")


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_is_what_the_server_says(driver: str, process: Process, lab: Lab, tmp_path: Path) -> None:
    bodies = [f"op.execute({one!r})" for one in STATEMENTS]
    inside = seen(process, tmp_path / "inside", *bodies, driver=driver, per_migration=True)
    with watch.fork(lab) as database:
        outside = watch.upgrade(lab, database, watch.project(tmp_path / "outside", *bodies, per_migration=True))
    assert (outside.error, [one.error for one in inside if one.error]) == (None, [])
    assert [one.sql for one in inside] == [one.sql for one in outside.statements] == STATEMENTS
    for one, other in zip(inside, outside.statements, strict=True):
        own = {lock for lock in other.locks if lock[0] not in outside.indexes}
        assert (one.sql, strongest(one.locks)) == (one.sql, strongest_of(own))
        assert (one.sql, names(one.rewrote)) == (one.sql, other.rewrote - outside.indexes)
        assert (one.sql, other.built - names(one.built)) == (one.sql, set())
        assert (one.sql, other.scanned - names(one.scanned)) == (one.sql, set())
        if not (other.scanned or other.built or other.rewrote):
            assert (one.sql, one.scanned) == (one.sql, set())
        assert (one.sql, one.transaction, one.rows) == (one.sql, other.transaction, other.rows)


def strongest(locks: tuple[Locked, ...]) -> dict[str, Lock]:
    return strongest_of({(str(one.table), one.lock) for one in locks if not one.of_index})


def strongest_of(locks: Iterable[tuple[str, Lock]]) -> dict[str, Lock]:
    return dict(sorted(locks, key=lambda one: STRENGTH[one[1]]))


def names(tables: frozenset[Table]) -> frozenset[str]:
    return frozenset(map(str, tables))


# ── where a statement stands ─────────────────────────────────────────────────────────────────────────────

PLACES = """
op.add_column(
    "users",
    sa.Column("a", sa.Integer(), unique=True),
)
op.get_bind().execute(
    sa.text("UPDATE users SET age = :age"),
    {"age": 3},
)
for table in ("users", "groups"):
    op.execute(f"COMMENT ON TABLE {table} IS 'x'")
with op.batch_alter_table("groups") as batch:
    batch.add_column(sa.Column("a", sa.Integer()))
    batch.create_unique_constraint("groups_a", ["a"])
op.get_bind().exec_driver_sql("SELECT 1")
sa.inspect(op.get_bind()).get_columns("users")
""".strip("\n")
BEGINS = 12  # the line of the file that a body begins at


@pytest.mark.parametrize("driver", often(DRIVERS))
def test_its_line_is_the_migrations(driver: str, process: Process, tmp_path: Path) -> None:
    found = seen(process, tmp_path, PLACES, driver=driver)
    lines = PLACES.split("\n")
    assert {one.path for one in found} == {tmp_path / "migrations/versions/new1.py"}
    text = found[0].path.read_text().split("\n")
    assert [text[one.line - 1].strip() for one in found] == [
        "op.add_column(",
        "op.add_column(",
        "op.get_bind().execute(",
        """op.execute(f"COMMENT ON TABLE {table} IS 'x'")""",
        """op.execute(f"COMMENT ON TABLE {table} IS 'x'")""",
        'with op.batch_alter_table("groups") as batch:',
        'with op.batch_alter_table("groups") as batch:',
        'op.get_bind().exec_driver_sql("SELECT 1")',
    ]
    assert len(lines) < len(text)
    assert "3" not in found[2].sql  # a parameter's value is the project's own
    assert [one.rows for one in found] == [0, 0, 3, 0, 0, 0, 0, 0]
    assert [one.transaction for one in found] == [1] * 8


HELPER = """
from app import helper
helper.widen(op)
"""


def test_a_helper_is_told_by_the_line_that_calls_it(server: Server, tmp_path: Path) -> None:
    observed.project(tmp_path, HELPER)
    (tmp_path / "app/helper.py").write_text("def widen(op):\n    op.execute('ALTER TABLE users ADD COLUMN w int')\n")
    with observed.running(server) as process:  # one of its own, which imports this project's application
        ran = process.upgrade(tmp_path, observed.fork(server))
    (one,) = evidence.seen(ran.events)
    assert one.path.read_text().split("\n")[one.line - 1].strip() == "helper.widen(op)"


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────


# pg8000 opens a transaction where CONCURRENTLY may not stand in one, watched or not (measured on 1.31.6).
@pytest.mark.parametrize("driver", often(["psycopg", "psycopg2", "asyncpg", "psycopg async"]))
def test_outside_of_a_transaction(driver: str, process: Process, tmp_path: Path) -> None:
    text = """
op.add_column("users", sa.Column("a", sa.Integer()))
with op.get_context().autocommit_block():
    op.create_index("users_a", "users", ["a"], postgresql_concurrently=True)
    op.execute("UPDATE users SET a = 1")
    op.execute("VACUUM FULL users")
op.execute("UPDATE users SET a = 2")
"""
    found = seen(process, tmp_path, text, driver=driver)
    assert [(one.transaction, one.autocommit) for one in found] == [
        (1, False), (None, True), (None, True), (None, True), (2, False)]  # fmt: skip
    assert [strongest(one.locks).get("users") for one in found] == [
        "ACCESS EXCLUSIVE", None, None, None, "ROW EXCLUSIVE"]  # fmt: skip
    assert [names(one.built) for one in found] == [set(), {"users"}, set(), {"users"}, set()]
    assert [names(one.rewrote) for one in found] == [set(), set(), set(), {"users"}, set()]
    assert [one.rows for one in found] == [0, 0, 3, 0, 3]


@pytest.mark.parametrize("driver", often(DRIVERS))
def test_a_savepoint_of_the_migrations_own(driver: str, process: Process, tmp_path: Path) -> None:
    text = """
try:
    with op.get_bind().begin_nested():
        op.execute("ALTER TABLE users ADD CHECK (age > 0)")
        op.execute("ALTER TABLE users ADD CONSTRAINT c CHECK (age < 0)")
except sa.exc.DBAPIError:
    pass
op.execute("UPDATE groups SET name = name")
"""
    found = [one for one in seen(process, tmp_path, text, driver=driver) if "SAVEPOINT" not in one.sql]
    assert [one.error for one in found] == [None, "23514", None]
    assert 'check constraint "c"' in found[1].message
    assert [strongest(one.held) for one in found[::2]] == [{"users": "ACCESS EXCLUSIVE"}, {"groups": "ROW EXCLUSIVE"}]
    assert {one.transaction for one in found} == {1}


@pytest.mark.parametrize("driver", often(DRIVERS))
def test_how_long_a_lock_is_held(driver: str, process: Process, tmp_path: Path) -> None:
    bodies = (
        "op.add_column('users', sa.Column('a', sa.Integer()))\nop.execute('UPDATE orders SET total = 1')",
        "op.create_check_constraint('c', 'users', 'age > 0')",
    )
    (hold,) = holds(seen(process, tmp_path, *bodies, driver=driver))
    assert (str(hold.table), hold.lock, hold.blocks) == ("users", "ACCESS EXCLUSIVE", "reads and writes")
    assert (hold.first.revision, hold.last.revision) == ("new1", "new2")
    assert [one.sql.split()[0] for one in hold.meanwhile] == ["UPDATE", "ALTER"]


def test_the_plan_as_it_ran(process: Process, tmp_path: Path) -> None:
    text = """
op.create_check_constraint("c", "users", "age > 0")
op.execute("UPDATE orders SET total = 1")
with op.get_context().autocommit_block():
    op.create_index("i", "users", ["age"], postgresql_concurrently=True)
"""
    first, second = evidence.planned("shop", seen(process, tmp_path, text))
    assert (first.project, first.revisions, first.autocommit, second.autocommit) == ("shop", ("new1",), False, True)
    assert [(one.revision, one.sql) for one in second.steps] == [("new1", "CREATE INDEX CONCURRENTLY i ON users (age)")]
    assert [held for one in first.steps for held in one.held] == [
        Held("users", "ACCESS EXCLUSIVE", "reads and writes", "scan"),
        Held("orders", "ROW EXCLUSIVE", "", "rows"),
    ]
    assert [one.not_read for one in (*first.steps, *second.steps)] == ["", "", ""]


# ── it is not noticed ────────────────────────────────────────────────────────────────────────────────────

SETTINGS = (
    "SET LOCAL statement_timeout = '40ms'",
    "SET LOCAL search_path = crm, pg_catalog, public",
    "SET LOCAL ROLE observed_nobody",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",  # which has to come before any query
)
NOBODY = (
    "DO $$ BEGIN CREATE ROLE observed_nobody; EXCEPTION WHEN duplicate_object THEN END $$",
    "ALTER TABLE users OWNER TO observed_nobody",
    "GRANT ALL ON alembic_version TO observed_nobody",
)
SHOW = "SELECT current_setting(n) FROM unnest('{statement_timeout,search_path,role,transaction_isolation}'::text[]) n"


@pytest.mark.parametrize("driver", often(DRIVERS))
def test_the_projects_own_settings(driver: str, process: Process, tmp_path: Path) -> None:
    bodies = [
        f"op.execute({one!r})\nop.execute('COMMENT ON TABLE public.users IS NULL')\n"
        f"print('set', op.get_bind().exec_driver_sql({SHOW!r}).fetchall())"
        for one in ("SET LOCAL lock_timeout = 0", *SETTINGS)
    ]
    told = []
    for watched in (False, True):
        folder = observed.project(tmp_path / str(watched), *bodies, driver=driver, per_migration=True)
        ran = process.upgrade(folder, observed.fork(process.server, *NOBODY), watched)
        told.append([line for line in ran.log.splitlines() if line.startswith("set")])
        assert ran.status == 0, ran.log
    assert len(told[0]) == len(bodies)
    assert told[0] == told[1]
    assert not ran.of("unobserved")
    comments = [one for one in evidence.seen(ran.events) if "COMMENT" in one.sql]
    assert [strongest(one.locks) for one in comments] == [{"users": "SHARE UPDATE EXCLUSIVE"}] * len(bodies)


CATALOG = """
SELECT 'relation', oid::regclass::text, relkind::text, concat_ws(' ', relpersistence, relnatts, relchecks, relhasindex)
FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
UNION ALL
SELECT 'column', attrelid::regclass::text, attname, concat_ws(' ', attnum, atttypid::regtype, atttypmod, attnotnull,
  attmissingval, attisdropped)
FROM pg_attribute WHERE attrelid >= 16384 AND attrelid::regclass::text NOT LIKE 'pg_toast%'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, concat_ws(' ', pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE oid >= 16384
UNION ALL
SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(indexrelid),
  indisvalid, indisready) FROM pg_index WHERE indexrelid >= 16384 AND indrelid::regclass::text NOT LIKE 'pg_toast%'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, regexp_replace(tgname, '[0-9]+', 'n'), tgenabled::text FROM pg_trigger
UNION ALL
SELECT 'rows', name, md5(query_to_xml('SELECT * FROM ' || name || ' ORDER BY 1', true, true, '')::text), ''
FROM unnest('{users,orders,groups,alembic_version,events}'::text[]) name
ORDER BY 1, 2, 3, 4
"""


@pytest.mark.parametrize("driver", often(DRIVERS))
def test_the_catalog_is_that_of_a_plain_upgrade(driver: str, process: Process, tmp_path: Path) -> None:
    statements = [one for one in STATEMENTS if "gen_random_uuid" not in one]
    bodies = ["\n".join(f"op.execute({one!r})" for one in statements), PLACES]
    catalogs = []
    for watched in (False, True):
        folder = observed.project(tmp_path / str(watched), *bodies, driver=driver)
        database = observed.fork(process.server)
        ran = process.upgrade(folder, database, watched)
        assert (ran.status, bool(ran.of("statement"))) == (0, watched), ran.log
        with databases.connect(process.server, database) as connection:
            catalogs.append(connection.execute(CATALOG).fetchall())
    assert len(catalogs[0]) > 100
    assert catalogs[0] == catalogs[1]


def test_what_a_drivers_own_cursor_does_is_told_as_unseen(process: Process, tmp_path: Path) -> None:
    text = "op.get_bind().connection.cursor().execute('ALTER TABLE users ADD COLUMN a serial')"
    observed.project(tmp_path, text, "op.execute('COMMENT ON TABLE groups IS NULL')")
    ran = process.upgrade(tmp_path, observed.fork(process.server))
    assert [one.sql.split()[0] for one in evidence.seen(ran.events)] == ["COMMENT"]
    assert evidence.unobserved(ran.events) == (
        "new1: users was changed by a driver's own cursor, which is not watched",
    )


@pytest.mark.parametrize("driver", often(["psycopg", "pg8000", "asyncpg"]))
def test_where_postgresql_cannot_be_asked_the_upgrade_goes_on(driver: str, process: Process, tmp_path: Path) -> None:
    setup = (*NOBODY, "REVOKE SELECT ON pg_catalog.pg_locks FROM public")
    text = "op.execute('SET LOCAL ROLE observed_nobody')\nop.execute('COMMENT ON TABLE users IS NULL')"
    observed.project(tmp_path, "pass", text, driver=driver, per_migration=True)
    ran = process.upgrade(tmp_path, observed.fork(process.server, *setup))
    assert ran.status == 0, ran.log
    assert [(one.sql.split()[0], one.asked) for one in evidence.seen(ran.events)] == [("SET", True), ("COMMENT", False)]
    (said,) = evidence.unobserved(ran.events)
    assert "permission denied for view pg_locks" in said


# pg8000 and the psycopgs send several statements as they are; asyncpg refuses them.
@pytest.mark.parametrize("driver", often(["psycopg", "psycopg2", "pg8000", "psycopg async"]))
def test_several_statements_in_one_text(driver: str, process: Process, tmp_path: Path) -> None:
    text = """
op.execute("SET LOCAL lock_timeout = '3s'; ALTER TABLE users ADD CHECK (age > 0)")
op.execute("UPDATE groups SET name = name; ALTER TABLE orders ALTER note SET NOT NULL")
op.execute("CREATE ROLE observed_somebody NOLOGIN PASSWORD 'it''s secret'; DROP ROLE observed_somebody")
"""
    found = seen(process, tmp_path, text, driver=driver)
    assert [names(one.scanned) for one in found] == [{"users"}, {"orders"}, set()]
    assert [strongest(one.locks).get("users") for one in found] == ["ACCESS EXCLUSIVE", None, None]
    assert found[2].sql.startswith("CREATE ROLE observed_somebody NOLOGIN PASSWORD '***';")


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
def test_it_costs_two_milliseconds_a_statement_at_most(driver: str, process: Process, tmp_path: Path) -> None:
    text = """
import time
took = []
for _ in range(300):
    started = time.perf_counter()
    op.execute("COMMENT ON TABLE users IS 'x'")
    took.append(time.perf_counter() - started)
print("took", sorted(took)[30])
"""
    took = []
    tables = "".join(f"CREATE TABLE many_{one} (id serial PRIMARY KEY, name text UNIQUE);" for one in range(300))
    for watched in (False, True):
        folder = observed.project(tmp_path / str(watched), text, driver=driver)
        ran = process.upgrade(folder, observed.fork(process.server, tables), watched)
        took.append(float(ran.log.split("took ")[1].split()[0]))
    assert took[1] - took[0] < 0.002
