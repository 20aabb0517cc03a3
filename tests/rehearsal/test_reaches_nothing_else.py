"""A rehearsal reaches no server but the throwaway one, whatever env.py, its driver or a migration says.

The other server is a listening socket of the test's own: it counts who connects, and nobody must.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project import discovery
from migration_gate.rehearsal import child
from migration_gate.rehearsal.environment import variables
from tests.conftest import Gate, alembic_project, often, revision


class Listener:
    """Somebody else's database server, for all that the project knows."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port: int = self.socket.getsockname()[1]
        self.visitors = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self.socket.accept()
            except OSError:
                return
            self.visitors += 1
            visitor.close()

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_the_listener_notices_a_visitor(elsewhere: Listener) -> None:
    socket.create_connection(("127.0.0.1", elsewhere.port)).close()
    time.sleep(0.05)
    assert elsewhere.visitors == 1


CREATE = {"a1": revision("a1", 'op.execute("CREATE TABLE t (id int)")')}
ASYNC = """
import asyncio
from sqlalchemy.ext.asyncio import create_async_engine

class Engine:
    def connect(self): return self
    def __enter__(self): return None
    def __exit__(self, *ignored): pass

async def main():
    engine = create_async_engine("postgresql+asyncpg://app:secret@127.0.0.1:{port}/real")
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()

def run(connection):
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()

asyncio.run(main())
raise_nothing = None
"""


@pytest.mark.parametrize("driver", often(["psycopg", "psycopg2", "pg8000"]))
def test_an_engine_is_taken_to_the_throwaway_server(
    driver: str, tmp_path: Path, gate: Gate, elsewhere: Listener
) -> None:
    engine = f'create_engine("postgresql+{driver}://app:secret@127.0.0.1:{elsewhere.port}/real")'
    said = gate("ci", "--format", "json", cwd=alembic_project(tmp_path, engine, CREATE))
    assert (said.status, said.json["problems"]) == (0, [])
    assert elsewhere.visitors == 0


def test_an_async_engine_is_taken_there_too(tmp_path: Path, gate: Gate, elsewhere: Listener) -> None:
    project = alembic_project(tmp_path, "None", CREATE)
    env = "from alembic import context\n" + ASYNC.format(port=elsewhere.port)
    (project / "migrations/env.py").write_text(env)
    said = gate("ci", "--format", "json", cwd=project)
    assert (said.status, said.json["problems"]) == (0, [])
    assert elsewhere.visitors == 0


REFUSED = {
    "creator, psycopg": (
        'create_engine("postgresql+psycopg://", creator=lambda: __import__("psycopg").connect({dsn!r}))'
    ),
    "creator, psycopg2": (
        'create_engine("postgresql+psycopg2://", creator=lambda: __import__("psycopg2").connect({dsn!r}))'
    ),
    "creator, pg8000": (
        'create_engine("postgresql+pg8000://", creator=lambda: __import__("pg8000").dbapi.connect('
        '"app", host="127.0.0.1", port={port}, password="secret"))'
    ),
    "sqlite": 'create_engine("sqlite:///real.db")',
}


@pytest.mark.parametrize("how", often(REFUSED, "creator, psycopg", "sqlite"))
def test_what_cannot_be_taken_there_is_refused(how: str, tmp_path: Path, gate: Gate, elsewhere: Listener) -> None:
    dsn = f"host=127.0.0.1 port={elsewhere.port} dbname=real user=app password=secret"
    engine = REFUSED[how].format(dsn=dsn, port=elsewhere.port)
    said = gate("ci", "--format", "json", cwd=alembic_project(tmp_path, engine, CREATE))
    assert said.status == 2
    (problem,) = said.json["problems"]
    assert "refused a connection to" in problem
    assert "under [tool.migration-gate]" in problem
    assert "environment = {" in problem
    assert "secret" not in said.out + said.err
    assert elsewhere.visitors == 0
    assert not (tmp_path / "real.db").exists()


RAW = {
    "psycopg": "import psycopg; psycopg.connect({dsn!r})",
    "psycopg, URL": "import psycopg; psycopg.connect('postgresql://app:secret@127.0.0.1:{port}/real')",
    "psycopg, async": "import asyncio, psycopg; asyncio.run(psycopg.AsyncConnection.connect({dsn!r}))",
    "psycopg2": "import psycopg2; psycopg2.connect({dsn!r})",
    "psycopg2, pool": "from psycopg2.pool import SimpleConnectionPool; SimpleConnectionPool(1, 1, {dsn!r})",
    "pg8000": "import pg8000.native; pg8000.native.Connection('app', host='127.0.0.1', port={port}, password='secret')",
    "asyncpg": "import asyncio, asyncpg; asyncio.run(asyncpg.connect(host='127.0.0.1', port={port}, user='app'))",
    "a plain socket": "import socket; socket.create_connection(('127.0.0.1', {port}))",
}


@pytest.mark.parametrize("how", often(RAW, "psycopg", "asyncpg", "a plain socket"))
def test_a_migration_that_connects_by_itself_is_refused(
    how: str, tmp_path: Path, gate: Gate, elsewhere: Listener
) -> None:
    dsn = f"host=127.0.0.1 port={elsewhere.port} dbname=real user=app password=secret"
    revisions = {"a1": revision("a1", RAW[how].format(dsn=dsn, port=elsewhere.port))}
    said = gate(
        "ci", "--format", "json", cwd=alembic_project(tmp_path, 'create_engine("postgresql+psycopg://")', revisions)
    )
    assert said.status == 2, said.out
    (problem,) = said.json["problems"]
    assert "a1.py:10" in problem
    assert f"127.0.0.1:{elsewhere.port}" in problem
    assert elsewhere.visitors == 0


def test_a_refusal_that_is_swallowed_is_told(tmp_path: Path, gate: Gate, elsewhere: Listener) -> None:
    body = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {elsewhere.port}))
except OSError:
    pass
"""
    project = alembic_project(tmp_path, 'create_engine("postgresql+psycopg://")', {"a1": revision("a1", body)})
    said = gate("ci", "--format", "json", cwd=project)
    assert said.status == 0
    assert any("refused a connection" in note["message"] for note in said.json["notes"])
    assert elsewhere.visitors == 0


def test_an_address_that_the_settings_allow_is_reached(tmp_path: Path, gate: Gate, elsewhere: Listener) -> None:
    body = f'import socket\nsocket.create_connection(("127.0.0.1", {elsewhere.port}))'
    project = alembic_project(tmp_path, 'create_engine("postgresql+psycopg://")', {"a1": revision("a1", body)})
    settings = f'[tool.migration-gate]\nignore = ["drift"]\nallow-connections = ["127.0.0.1:{elsewhere.port}"]\n'
    (project / "pyproject.toml").write_text(settings)
    assert gate("ci", cwd=project).status == 0
    time.sleep(0.05)
    assert elsewhere.visitors >= 1  # the revision runs in several stages


def test_the_environment_names_no_other_server(
    tmp_path: Path, gate: Gate, elsewhere: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(elsewhere.port),
        "PGPASSWORD": "secret",
        "PGSERVICE": "production",
        "DATABASE_URL": f"postgresql+psycopg2://app:secret@127.0.0.1:{elsewhere.port}/real",
    }.items():
        monkeypatch.setenv(name, value)
    revisions = {"a1": revision("a1", 'import psycopg\npsycopg.connect("").execute("CREATE TABLE t (id int)")')}
    engine = '__import__("sqlalchemy").create_engine(__import__("os").environ["DATABASE_URL"])'
    assert gate("ci", cwd=alembic_project(tmp_path, engine, revisions)).status == 0
    assert elsewhere.visitors == 0


# ── each guard alone: what one lets through, the next one stops ──────────────────────────────────────────

Inside = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inside(tmp_path: Path, server: Server) -> Iterator[Inside]:
    """Run Python as a rehearsal's processes run it, with the kernel's guard or without."""
    project = alembic_project(tmp_path / "project", "None", CREATE)
    name = f"{server.prefix}inside_{os.getpid()}"
    databases.create(server, name)
    folder = tmp_path / "run"
    folder.mkdir()
    (one,) = discovery.find(project)
    child._write_job(folder, one, server, name, 1, child.Command(), time.monotonic() + 60)

    def run(code: str, *python: str, kernel: bool = False) -> subprocess.CompletedProcess[str]:
        environment = variables(one, server, name, str(folder))
        if not kernel:
            environment["MIGRATION_GATE_SANDBOX"] = "1"  # as if it were already inside: it does not enter again
        return subprocess.run(
            [sys.executable, *python, "-c", code], env=environment, capture_output=True, text=True, timeout=30
        )

    yield run
    databases.drop_all(server._replace(prefix=name))


@pytest.mark.parametrize("how", RAW)
def test_python_refuses_without_the_kernel(how: str, inside: Inside, elsewhere: Listener) -> None:
    dsn = f"host=127.0.0.1 port={elsewhere.port} dbname=real user=app password=secret"
    done = inside(RAW[how].format(dsn=dsn, port=elsewhere.port))
    assert "migration-gate refused a connection" in done.stderr
    assert elsewhere.visitors == 0


def test_a_process_with_an_environment_of_its_own_is_guarded(inside: Inside, elsewhere: Listener) -> None:
    code = f'import socket; socket.create_connection(("127.0.0.1", {elsewhere.port}))'
    done = inside(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], env={{}})")
    assert "migration-gate refused a connection" in done.stderr
    assert elsewhere.visitors == 0


def kernel_guards(inside: Inside) -> bool:
    return "True" in inside("import os; print(bool(os.environ.get('MIGRATION_GATE_SANDBOX')))", kernel=True).stdout


@pytest.mark.parametrize("python", [("-I",), ("-E", "-S")])
def test_the_kernel_refuses_what_python_does_not_see(
    python: tuple[str, ...], inside: Inside, elsewhere: Listener
) -> None:
    if not kernel_guards(inside):
        pytest.skip("this kernel has no Landlock for TCP (Linux 6.7)")
    code = f'import socket; socket.create_connection(("127.0.0.1", {elsewhere.port}))'
    done = inside(f"import subprocess, sys; subprocess.run([sys.executable, *{python!r}, '-c', {code!r}])", kernel=True)
    assert "PermissionError" in done.stderr
    assert elsewhere.visitors == 0


def test_without_any_guard_the_same_code_would_get_there(elsewhere: Listener) -> None:
    code = f'import socket; socket.create_connection(("127.0.0.1", {elsewhere.port}))'
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    time.sleep(0.05)
    assert elsewhere.visitors == 1


def test_where_a_guard_cannot_be_put_up_no_code_runs(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "run/job.json").write_text("{")
    done = inside("print('it ran')")
    assert done.returncode == 97
    assert "it ran" not in done.stdout


def test_a_module_that_is_looked_for_first_is_guarded_when_it_comes() -> None:
    """``find_spec`` is how projects ask whether a driver is there."""
    code = (
        "from migration_gate_inside import imports\n"
        "from importlib.util import find_spec\n"
        "imports.after('colorsys', lambda module: print('guarded', module.__name__))\n"
        "find_spec('colorsys'); find_spec('colorsys')\n"
        "import colorsys\nimport colorsys\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=child.INJECTED, check=False)
    assert done.stdout == "guarded colorsys\n", done.stderr
