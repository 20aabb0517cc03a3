"""A doctor looks: it cannot write, leaves nothing, needs few rights; the project's own code reaches no real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migration_gate.doctor import database, url
from migration_gate.doctor.asked import ask
from migration_gate.findings import CannotJudge
from migration_gate.operations.model import Table
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project import discovery
from migration_gate.rehearsal.child import Session
from tests.conftest import EXAMPLES, alembic_project, revision
from tests.doctor.conftest import THIRD, Open
from tests.rehearsal.test_reaches_nothing_else import ASYNC, Listener

# ── nothing is written ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def target(server: Server) -> Iterator[url.Target]:
    name = f"{server.prefix}looked_at"
    databases.create(server, name)
    with databases.connect(server, name) as connection:
        connection.execute("CREATE TABLE t (id int)")
        connection.execute("CREATE ROLE dangerous LOGIN PASSWORD 'p w' SUPERUSER")
        connection.execute("ALTER ROLE dangerous SET default_transaction_read_only = off")
        yield url.from_url(server._replace(user="dangerous", password="p w").url(name, "psycopg"))
        connection.execute("DROP ROLE dangerous")


@pytest.mark.parametrize(
    "statement", ["INSERT INTO t VALUES (1)", "CREATE TABLE u ()", "SELECT nextval('s')", "DROP TABLE t"]
)
def test_a_write_is_refused(statement: str, target: url.Target) -> None:
    """In a transaction of the gate's and outside of one, whatever the role's own settings say."""
    with url.opened(target) as connection:
        for way in (lambda: url.looking(connection), lambda: connection.transaction(), lambda: connection.pipeline()):
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.UndefinedTable)), way():
                connection.execute(statement.encode())


def test_every_transaction_has_its_limits(target: url.Target) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_read_only")
    with url.opened(target) as connection, url.looking(connection):
        said = [connection.execute(f"SHOW {one}".encode()).fetchone() for one in names]
        assert said == [("15s",), ("2s",), ("1min",), ("on",)]
        assert connection.execute("SHOW application_name").fetchone() == ("migration-gate doctor",)


WRITES = (
    "SELECT tup_inserted + tup_updated + tup_deleted FROM pg_stat_database WHERE datname = current_database()",
    "SELECT count(*), max(oid::int8), sum(relfilenode::int8) FROM pg_class",
    "SELECT count(*) FROM pg_roles",
    "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND pid <> pg_backend_pid()",
)


def test_nothing_is_left_of_it(shop: Open) -> None:
    one = shop(files=THIRD)
    one.at("b2b2b2b2", "f00dbabe1234")
    before = [one.sql("SELECT pg_stat_force_next_flush()" if "stat" in two else "SELECT 1", two) for two in WRITES]
    names = sorted(os.listdir(one.root)), one.work.git("status", "--short"), one.work.git("for-each-ref")
    assert one.doctor().status == 1
    assert [one.sql(two) for two in WRITES] == before
    assert (sorted(os.listdir(one.root)), one.work.git("status", "--short"), one.work.git("for-each-ref")) == names


# ── a role that may only read ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reader(server: Server) -> Iterator[str]:
    with databases.connect(server, server.maintenance) as connection:
        connection.execute("CREATE ROLE doctor_reader LOGIN PASSWORD 'only@reads'")
        yield "doctor_reader"
        for name in [
            row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE '%shop%'")
        ]:
            with databases.connect(server, name) as inside:
                inside.execute("DROP OWNED BY doctor_reader")
        connection.execute("DROP ROLE doctor_reader")


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_role_that_may_only_read(whole: bool, shop: Open, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop(files=THIRD)
    one.at("b2b2b2b2")
    one.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    url = one.server._replace(user=reader, password="only@reads").url(one.database, "psycopg")
    monkeypatch.setenv("SHOP_URL", url)
    said = one.doctor("--url", url, alone=True)
    assert (said.status, "only@reads" in said.out + said.err, "only%40reads" in said.out + said.err) == (
        2,
        False,
        False,
    )
    assert f"the role {reader} may not read public.alembic_version" in said.out
    grants = said.out.partition("As its owner: ")[2].replace("\n", " ").partition(";  ")[0].split(";")[:2]
    one.sql(*[grant.strip() for grant in grants])
    with databases.connect(one.server, one.database) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE users IN ROW EXCLUSIVE MODE")
        said, pid = one.doctor("--notes", *([] if whole else ["--url", url]), alone=not whole), other.info.backend_pid
    assert said.status == 1
    assert "cause 2: behind" in said.out
    assert "cause 4" not in said.out
    assert f"pid {pid}, ROW EXCLUSIVE on users" in said.out
    assert f"GRANT pg_read_all_stats TO {reader}" in said.out


# ── the project's own code ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def asks(folder: Path, server: Server, environment: dict[str, str]) -> url.Target:
    """What env.py asks for, learnt without a visit there."""
    (project,) = discovery.find(folder)
    name = f"{server.prefix}{abs(hash(folder)) % 10**8}"
    databases.create(server, name)
    with Session(
        project, server, lambda name: databases.create(server, name), lambda event: None, own=environment
    ) as one:
        asked = ask(one, name, None)
    assert not asked.error, asked
    return asked.wanted[0].target


SECRET = "s/e%40c ret"
EXPECTED = {"host": "127.0.0.1", "user": "app", "dbname": "real"}


SLOWLY = [pytest.param(one, marks=pytest.mark.slow) for one in ("asyncpg", "psycopg2", "pg8000")]


@pytest.mark.parametrize("driver", ["psycopg", *SLOWLY])
def test_the_url_is_learnt_and_nobody_visits_it(
    driver: str, tmp_path: Path, server: Server, elsewhere: Listener
) -> None:
    ssl = "?ssl=require" if driver == "asyncpg" else "?sslmode=require" if driver != "pg8000" else ""
    address = f"postgresql+{driver}://app:s%2Fe%2540c%20ret@127.0.0.1:{elsewhere.port}/real{ssl}"
    project = alembic_project(tmp_path, f'create_engine("{address}")', {"a1": revision("a1", "pass")})
    if driver == "asyncpg":
        text = ASYNC.replace('"postgresql+asyncpg://app:secret@127.0.0.1:{port}/real"', repr(address))
        (project / "migrations/env.py").write_text("from alembic import context\n" + text)
    found = asks(project, server, dict(os.environ))
    wanted = EXPECTED | {"port": str(elsewhere.port), "password": SECRET} | ({"sslmode": "require"} if ssl else {})
    assert found.parameters == wanted
    assert elsewhere.visitors == 0
    assert SECRET not in repr(found) + found.shown


def test_what_libpqs_variables_say_is_not_followed_there(tmp_path: Path, server: Server, elsewhere: Listener) -> None:
    """env.py may read them; a connection goes to the throwaway server all the same."""
    (tmp_path / "services").write_text(f"[real]\nhost=127.0.0.1\nport={elsewhere.port}\n")
    environment = os.environ | {
        "PGHOST": "127.0.0.1",
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": str(elsewhere.port),
        "PGSERVICE": "real",
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGSSLMODE": "verify-full",
        "PGPASSWORD": "of-the-variable",
    }
    before = "import os\nassert os.environ['PGPORT']"
    project = alembic_project(
        tmp_path, 'create_engine("postgresql+psycopg:///real")', {"a1": revision("a1", "pass")}, before
    )
    assert asks(project, server, dict(environment)).parameters == {"dbname": "real"}
    assert elsewhere.visitors == 0


@pytest.mark.parametrize(
    "how",
    [
        "subprocess.run(['sh', '-c', LINE])",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("os.system(LINE)", "os.popen(LINE).read()")),
    ],
)
def test_no_program_is_started_that_might_find_it(how: str, tmp_path: Path, server: Server) -> None:
    """psql, say, which asks the environment where to go, and knows nothing of Python's guards."""
    before = f"import os, subprocess\nLINE = 'touch {tmp_path}/started'\n{how}"
    project = alembic_project(
        tmp_path, 'create_engine("postgresql+psycopg:///real")', {"a1": revision("a1", "pass")}, before
    )
    (found,) = discovery.find(project)
    name = f"{server.prefix}{abs(hash((how, 1))) % 10**8}"
    databases.create(server, name)
    with Session(found, server, lambda name: None, lambda event: None, own=dict(os.environ)) as one:
        asked = ask(one, name, None)
    assert asked.refused
    assert "a program that the project's code starts" in asked.error
    assert not (tmp_path / "started").exists()


# ── small things ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        ("postgresql://app:pass@db/shop", {"user": "app", "password": "pass", "host": "db", "dbname": "shop"}),
        ("postgres+psycopg2://db:6432/s", {"host": "db", "port": "6432", "dbname": "s"}),
        ("postgresql+psycopg://db/s?sslmode=require", {"host": "db", "dbname": "s", "sslmode": "require"}),
        ("postgresql+asyncpg://db/s?ssl=true&command_timeout=0", {"host": "db", "dbname": "s", "sslmode": "require"}),
        ("postgresql://[::1]:5432/shop", {"host": "::1", "port": "5432", "dbname": "shop"}),
        ("postgresql:///shop?host=/run/postgresql", {"dbname": "shop", "host": "/run/postgresql"}),
        ("postgresql://a%40b:c%2Fd@db/shop", {"user": "a@b", "password": "c/d", "host": "db", "dbname": "shop"}),
    ],
)  # fmt: skip
def test_urls(given: str, parameters: dict[str, str]) -> None:
    found = url.from_url(given)
    assert found.parameters == parameters
    assert parameters.get("password", "no such") not in found.shown.replace("postgresql", "")


@pytest.mark.parametrize(
    "given", ["mysql://app:geheim@db/shop", "postgresql://app:ge@heim@db/shop", "postgresql://app:ge/heim@db/x", "db"]
)
def test_a_url_that_cannot_be_read_is_not_repeated(given: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        url.from_url(given)
    assert "heim" not in str(caught.value)


def test_a_url_is_one_projects(shop: Open) -> None:
    one = shop()
    said = one.gate("doctor", "--url", "postgresql://db/shop", cwd=EXAMPLES)
    assert (said.status, "name that by --project" in said.err) == (2, True)


def test_who_is_in_the_way_is_who_conflicts(server: Server, target: url.Target) -> None:
    """PostgreSQL itself says, for each pair of modes, whether the second waits."""
    modes = list(database._CONFLICTS)
    name = target.parameters["dbname"]
    with databases.connect(server, name) as one, databases.connect(server, name) as two:
        for wanted in modes:
            for held in modes:
                holder = database.Holder(1, "", None, None, Table("t"), held)
                one.execute("BEGIN")
                one.execute(f"LOCK TABLE t IN {held} MODE".encode())
                two.execute("BEGIN")
                waits = False
                try:
                    two.execute(f"LOCK TABLE t IN {wanted} MODE NOWAIT".encode())
                except psycopg.errors.LockNotAvailable:
                    waits = True
                two.execute("ROLLBACK")
                one.execute("ROLLBACK")
                assert bool(database.in_the_way([(Table("t"), wanted)], [holder])) == waits, (wanted, held)
