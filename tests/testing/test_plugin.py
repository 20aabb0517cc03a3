"""The plug-in, in a pytest of its own, on real projects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import migration_gate.testing  # noqa: F401 (here once, and not in each pytest anew)
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server
from migration_gate.rules import ALL, OFF
from migration_gate.testing.checks import STAGES
from tests.conftest import alembic_project, revision, write
from tests.test_documentation import TOP, blocks

pytest_plugins = ("pytester",)

PLUGIN = ("-p", "migration_gate.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers")
ENGINE = 'create_engine("postgresql+psycopg://app@db.example/shop")'
USERS = revision("a", 'op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True))')
PHONE = revision("b", 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))', "a")
# Of such a project: "drift" is off, by its own settings, and each of two stages has two rules.
CHECKS = len(ALL) - len(OFF) - 1 - 2
# Who started the process that env.py runs in: the one that judged.
WITNESS = 'import os\nwith open("witness", "a") as file:\n    file.write(f"{os.getppid()}\\n")'


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plug-in but those that a test names: in an environment that is installed anew ours is found by itself."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def postgres(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own server is the throwaway one."""
    monkeypatch.setenv("MIGRATION_GATE_POSTGRES_URL", server.url("postgres"))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """A project whose last revision fails on rows, below pytest's own folder."""
    return alembic_project(pytester.path, ENGINE, {"a": USERS, "b": PHONE}, before=WITNESS)


def failed(result: pytest.RunResult, name: str) -> str:
    """What is said of a test that failed."""
    text = result.stdout.str().partition(f"_ {name} _")[2].partition("\n")[2]
    return text.partition("\n____")[0].partition("\n====")[0]


# ── the checks ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("postgres")
@pytest.mark.slow
def test_two_workers_judge_once_and_say_what_the_report_says(pytester: pytest.Pytester, project: Path) -> None:
    result = pytester.runpytest_inprocess(*PLUGIN, "-p", "xdist", "-n2", "-v", "-rA", "--migration-gate")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    out = result.stdout.str()
    well = [f"PASSED migrations::{one}" for one in ("single head", "upgrade", "back", "narrows-type")]
    for line in (*well, *(f"FAILED migrations::{one}" for one in ("rows", "locks", "not-null-without-default"))):
        assert line in out
    assert "old code: nothing to try" in out
    assert "note: migrations/versions/b.py:10: missing-lock-timeout" in out
    result.assert_outcomes(failed=3, passed=CHECKS - 5, skipped=2)
    finding = failed(result, "migrations::not-null-without-default")
    assert "\nmigrations/versions/b.py:10  not-null-without-default\n" in finding  # after xdist's own line
    assert '▸ 10 │     op.add_column("users"' in finding
    assert "Write instead:" in finding
    assert "✗ rows      b fails on users with 20 rows" in failed(result, "migrations::rows")
    assert "? locks" in failed(result, "migrations::locks")
    assert "Traceback" not in out
    assert "pytest_plugin.py" not in finding
    assert len(set((project / "witness").read_text().split())) == 1


@pytest.mark.usefixtures("project")
def test_without_postgresql_reading_judges_what_it_can(pytester: pytest.Pytester) -> None:
    url = "postgresql://ana:secret@127.0.0.1:1/shop"
    result = pytester.runpytest_inprocess(*PLUGIN, "-v", "--migration-gate", f"--migration-gate-postgres={url}")
    staged = [name for name, (stage, _) in STAGES.items() if stage not in ("history", "drift")]
    for name in staged:
        assert "no PostgreSQL to rehearse on" in failed(result, f"migrations::{name}")
    assert "Write instead:" in failed(result, "migrations::not-null-without-default")
    result.assert_outcomes(failed=len(staged) + 1, passed=CHECKS - len(staged) - 1)
    assert "secret" not in result.stdout.str() + result.stderr.str()


@pytest.mark.usefixtures("project")
def test_checks_are_chosen_as_tests_are(pytester: pytest.Pytester) -> None:
    write(pytester.path, {"test_one.py": "def test_it(): pass\n", "pytest.ini": "[pytest]\nmigration_gate = true\n"})

    def collected(*words: str) -> list[str]:
        result = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", *words)
        return [line for line in result.stdout.lines if "::" in line]

    every = collected()
    assert len(every) == 1 + CHECKS
    assert "migrations::drift" not in every
    assert "migrations::half-way" in every
    assert "migrations::not-retryable" not in every
    assert collected("migrations::locks", "migrations::renames") == ["migrations::locks", "migrations::renames"]
    assert collected("--deselect", "migrations::drops-in-use") == [one for one in every if "in-use" not in one]
    assert collected("-k", "duplicate or test_it") == ["test_one.py::test_it", "migrations::duplicate-revision"]
    assert collected("test_one.py::test_it") == ["test_one.py::test_it"]
    assert len(collected("test_one.py::test_it", "--migration-gate")) == len(every)
    assert collected("-o", "migration_gate=false") == ["test_one.py::test_it"]


def test_what_nobody_can_judge_is_one_line(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def says(words: str, *more: str) -> None:
        result = pytester.runpytest_inprocess(*PLUGIN, "--migration-gate", *more)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        lines = [line for line in result.stderr.lines if line.startswith("ERROR: migration-gate:")]
        assert len(lines) == 1
        assert words in lines[0]
        assert "Traceback" not in result.stdout.str() + result.stderr.str()

    says("no migrations found")
    says("Name the folder: --migration-gate-project path/to/migrations")
    alembic_project(pytester.path, ENGINE, {"a": USERS})
    says("--migration-gate-project nowhere is not there", "--migration-gate-project=nowhere")
    says("no such check: migrations::flight", "migrations::flight")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "psycopg", None)
        says("pip install 'migration-gate[ci]'")
    write(pytester.path, {"pyproject.toml": '[tool.migration-gate]\nignore = ["drfit"]\n'})
    says("did you mean drift?")


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────


def _databases(server: Server) -> set[str]:
    with connect(server, "postgres") as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.usefixtures("postgres")
def test_the_page_is_what_happens(pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.copy_example(str(TOP / "examples/shop"))
    *examples, several = blocks((TOP / "docs/pytest.md").read_text(), "python")
    assert "migration_gate_project" in several
    write(pytester.path, {f"test_{number}.py": text for number, text in enumerate(examples)})
    monkeypatch.setenv("PGHOST", "db.example")  # for the user's own tests, which find it as it was
    write(pytester.path, {"test_last.py": 'import os\ndef test_it():\n    assert os.environ["PGHOST"] == "db.example"'})
    before = _databases(server)
    result = pytester.runpytest_inprocess(*PLUGIN)
    result.assert_outcomes(passed=len(examples) + 1)
    assert _databases(server) == before


OWN = """
import pytest
from migration_gate.testing import MigrationFails
from sqlalchemy import create_engine


def test_fails(migrations):
    one = migrations.at("a")
    assert one.fill(3).tables == {"public.users": 3}
    with pytest.raises(MigrationFails, match="^b fails at migrations/versions/b.py:10: .*contains null values") as told:
        one.upgrade()
    assert (told.value.revision, told.value.code) == ("b", "23502")
    assert "ALTER TABLE users" in told.value.statement
    assert (one.revision, one.execute("SELECT count(*) FROM users")) == ("a", [(3,)])
    one.execute("DELETE FROM users WHERE id > %s", [0])
    one.upgrade("+1")
    assert one.revision == "b"


def test_alone(migrations):
    one, other, start = migrations.at("a"), migrations.at("a"), migrations.at("base")
    one.insert("public.users", {"id": 1}, {"id": 2})
    assert other.execute("SELECT id FROM users") == []
    assert start.revision is None
    with pytest.raises(Exception, match="users"):
        start.execute("SELECT 1 FROM users")
    start.upgrade()
    assert repr(start) == "<Database of migrations at b>"
    start.downgrade("base")
    assert start.revision is None
    with create_engine(one.url).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM users").scalar() == 2


def test_later(migrations):
    one = migrations.at("a")
    migrations._shop.session.process.kill()  # as it ends itself when its time is up, while tests do something else
    one.upgrade()
    assert one.revision == "b"
    alike = "regexp_replace(current_database(), '[0-9]+$', '%')"
    found = one.execute(f"SELECT datname FROM pg_database WHERE datname LIKE {alike}")
    assert len(found) == 3  # its own, and one for each of two revisions: other tests' are gone


def test_open(migrations):
    one = migrations.at("a")
    with one.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM users")
        one.upgrade()


def test_unknown(migrations):
    migrations.at("zzz")


def test_rows(migrations):
    migrations.at("a").insert("users", {"id": "x"})
"""


@pytest.mark.usefixtures("project", "postgres")
def test_a_database_fails_in_the_tests_own_line(pytester: pytest.Pytester) -> None:
    write(pytester.path, {"test_own.py": OWN})
    result = pytester.runpytest_inprocess(*PLUGIN, "--tb=short")
    result.assert_outcomes(passed=3, failed=3)
    for name, words in (
        ("open", "a transaction of the test's is still open"),
        ("unknown", "Can't locate revision identified by 'zzz'"),
        ("rows", "invalid input syntax for type integer"),
    ):
        text = failed(result, f"test_{name}")
        assert words in text
        assert text.startswith("test_own.py:"), text
        assert "migration_gate/" not in text


@pytest.mark.usefixtures("postgres")
def test_several_projects_have_a_word_for_each(pytester: pytest.Pytester) -> None:
    for name in ("one", "two"):
        alembic_project(pytester.path / name, ENGINE, {"a": USERS})
    choose = "import pytest\n@pytest.fixture(scope='session')\ndef migration_gate_project():\n    return 'two'\n"
    uses = "def test_it(migrations):\n    migrations.at('base')\n"
    write(pytester.path, {"test_none.py": uses, "test_two.py": choose + uses})
    ids = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", "--migration-gate").stdout.lines
    assert [one for one in ids if one.endswith("::locks")] == ["one/migrations::locks", "two/migrations::locks"]
    result = pytester.runpytest_inprocess(*PLUGIN)
    result.assert_outcomes(passed=1, errors=1)
    assert failed(result, "ERROR at setup of test_it").startswith("migration-gate: there are several projects, one/")
    assert "Traceback" not in result.stdout.str()


# ── what it is to everybody else ─────────────────────────────────────────────────────────────────────────────


def test_pytest_finds_it() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"migration-gate": "migration_gate.pytest_plugin"}


def test_it_costs_nothing_until_it_is_asked() -> None:
    code = (
        "import json, sys, pytest\nbefore = set(sys.modules)\nimport migration_gate.pytest_plugin\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["migration_gate", "migration_gate.pytest_plugin"]


@pytest.mark.slow
@pytest.mark.usefixtures("project", "postgres")
def test_with_the_oldest_pytest_too(pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory) -> None:
    old = tmp_path_factory.mktemp("old")
    words = ["install", "--quiet", "--no-deps", "--target", str(old), "pytest==8.3.0"]
    if subprocess.run([sys.executable, "-m", "pip", *words]).returncode:
        pytest.skip("pip cannot install pytest 8.3.0 here")
    write(pytester.path, {"test_own.py": OWN.partition("def test_open")[0]})
    path = os.pathsep.join([str(old), str(TOP), os.environ.get("PYTHONPATH", "")])
    for more in ((), ("-p", "xdist", "-n2"), ("-p", "xdist", "-n2", "--dist=loadgroup")):
        command = [sys.executable, "-m", "pytest", *PLUGIN, "--migration-gate", "-q", "-rA", *more]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
        assert f"3 failed, {CHECKS - 5 + 3} passed, 2 skipped" in done.stdout, done.stdout + done.stderr
    command = [sys.executable, "-m", "pytest", *PLUGIN, "--migration-gate", "migrations::flight"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert "pytest-8.3.0" in done.stdout
    assert "ERROR: migration-gate: no such check: migrations::flight" in done.stderr
