"""The other causes: each is built for real, and the printed commands end with a healthy project."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from migration_gate.doctor import url
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project.sizes import load
from tests.conftest import EXAMPLES, Gate, write
from tests.doctor.conftest import ALEMBIC_ENV, INI, MAKO, THIRD, Open, column, commands, edit, file
from tests.report.test_json import SCHEMA

# ── healthy ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["alembic", pytest.param("flask", marks=pytest.mark.slow)])
def test_a_healthy_project(kind: str, shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its revisions run where the usual variables lead to the throwaway database, whatever they are outside."""
    seen = 'os.environ["DATABASE_URL"] + os.environ["PGDATABASE"]'
    one = shop(kind, file("c3c3c3c3", "b2b2b2b2", f'import os; assert "real_one" not in {seen}', "pass"))
    one.at("c3c3c3c3")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.invalid/real_one")
    monkeypatch.setenv("PGDATABASE", "real_one")
    judged = one.doctor("--format", "json").json
    assert [judged[name] for name in ("verdict", "findings", "notes", "problems")] == ["open", [], [], []]
    Draft202012Validator(SCHEMA).validate(judged)
    assert one.glance().out.startswith("migration-gate doctor    postgresql://")


# ── 1: several heads ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["alembic", "flask"])
def test_two_heads_are_merged(kind: str, shop: Open) -> None:
    one = shop(kind, THIRD | column("d4d4d4d4", "b2b2b2b2", "town"))
    one.at("c3c3c3c3", columns=("email", "phone"))
    said = one.glance()
    assert (said.status, said.out.count("cause ")) == (1, 2)
    assert said.out.index("cause 1: several heads") < said.out.index("cause 2: behind")
    one.run(*commands(said))
    assert one.glance().status == 0
    assert one.sql("SELECT phone, town FROM users") == []


@pytest.mark.slow
def test_branches_that_each_may_have_a_head(shop: Open) -> None:
    left, right = (
        {path: text.replace("branch_labels = None", f"branch_labels = {label!r}") for path, text in made.items()}
        for label, made in (("left", THIRD), ("right", column("d4d4d4d4", "b2b2b2b2", "town")))
    )
    one = shop(files=left | right | {"pyproject.toml": '[tool.migration-gate]\nbranches = ["left", "right"]\n'})
    one.at("c3c3c3c3", columns=("email", "phone"))
    said = one.doctor()
    assert "several heads" not in said.out
    assert commands(said) == ["alembic upgrade heads"]
    one.run(*commands(said))
    assert one.sql("SELECT count(*) FROM alembic_version") == [(2,)]
    one.healthy()


# ── 2: behind ────────────────────────────────────────────────────────────────────────────────────────────────


def test_behind_with_its_locks_and_who_is_in_the_way(shop: Open) -> None:
    one = shop(files=THIRD)
    one.at("b2b2b2b2")
    one.sql("INSERT INTO users (email) SELECT repeat('x', 500) FROM generate_series(1, 2000)", "ANALYZE users")
    with databases.connect(one.server, one.database) as reader:
        reader.execute("SET application_name = 'nightly report'")
        reader.execute("BEGIN")
        reader.execute("SELECT 'a secret of theirs' FROM users LIMIT 1")
        said = one.glance("--plan")
        pid = reader.info.backend_pid
    assert "the database is at b2b2b2b2, and 1 revision waits:" in said.out
    assert "    c3c3c3c3  change c3c3c3c3" in said.out
    assert "    users  ACCESS EXCLUSIVE, 1." in said.out
    assert " MB, 2,000 rows  (c3c3c3c3_change.py:16)" in said.out
    assert re.search(r"users \(1\.\d MB, 2,000 rows\): ACCESS EXCLUSIVE, reads and writes wait", said.out)
    assert re.search(
        rf"    pid {pid} \(nightly report\), idle in transaction for \d+ s, ACCESS SHARE on users", said.out
    )
    assert "secret of theirs" not in said.out
    assert commands(said) == ["alembic upgrade head"]
    one.run(*commands(said))
    one.stands("c3c3c3c3")


def test_what_lint_refuses_of_the_pending_revisions_is_said_first(shop: Open) -> None:
    bad = file("c3c3c3c3", "b2b2b2b2", 'op.add_column("users", sa.Column("n", sa.Integer(), nullable=False))', "pass")
    one = shop(files=bad)
    one.at("b2b2b2b2")
    said = one.glance()
    assert "migrations/versions/c3c3c3c3_change.py:16  not-null-without-default" in said.out


# ── 4: drift ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_session_that_has_locked_a_table_is_named(whole: bool, shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that hangs, say: what it has locked cannot be looked at, and that is said."""
    monkeypatch.setitem(url._LIMITS, "lock_timeout", 100)
    one = shop(files=THIRD)
    one.at("b2b2b2b2")
    with databases.connect(one.server, one.database) as other:
        other.execute("BEGIN")
        other.execute("ALTER TABLE users ADD COLUMN x int")
        pid = other.info.backend_pid
        said = one.doctor() if whole else one.glance()
        assert re.search(rf"pid {pid}, idle in transaction for \d+ s, ACCESS EXCLUSIVE on users", said.out)
        assert ("the schema was not compared, because tables of it are locked" in said.out) == whole
        other.execute("LOCK TABLE alembic_version")
        said = one.glance()
    assert said.status == 2
    assert re.search(rf"alembic_version is locked, by an upgrade as it seems: pid {pid}, ", " ".join(said.out.split()))


@pytest.mark.slow
def test_what_was_changed_by_hand_and_taken_back(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2")
    one.sql("ALTER TABLE users ALTER email SET NOT NULL", "DROP TABLE IF EXISTS x")
    said = one.doctor()
    assert "    column `users.email` is NOT NULL in the database and nullable in the migrations" in said.out
    one.sql("ALTER TABLE users ALTER email DROP NOT NULL")
    one.healthy()


@pytest.mark.slow
def test_revisions_that_were_run_by_hand_are_written_down(shop: Open) -> None:
    one = shop(files=THIRD | column("d4d4d4d4", "c3c3c3c3", "town"))
    one.at("b2b2b2b2", columns=("email", "phone"))
    said = one.doctor()
    assert "cause 4: revisions that ran and are not written down" in said.out
    assert commands(said) == ["alembic stamp --purge c3c3c3c3", "alembic upgrade head"]
    one.run(*commands(said))
    one.healthy()


@pytest.mark.slow
def test_what_env_py_leaves_out_is_no_drift(shop: Open) -> None:
    one = shop()
    env = ALEMBIC_ENV.replace("target_metadata=None", "target_metadata=None, include_object=lambda *given: True")
    write(one.root, {"migrations/env.py": env})
    one.at("b2b2b2b2")
    one.sql("CREATE TABLE legacy (id int)", "CREATE INDEX ON legacy (id)")
    said = one.doctor()
    assert said.status == 0
    assert (
        "env.py leaves objects out by include_object, so what no migration here makes is not taken for drift: legacy"
        in (" ".join(said.out.split()))
    )


# ── 5: the environment ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [pytest.param("alembic", marks=pytest.mark.slow), "flask"])
def test_a_variable_that_is_not_set(kind: str, shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop(kind)
    one.at("b2b2b2b2")
    monkeypatch.delenv("SHOP_URL")
    said = one.doctor()
    assert (said.status, "cause 5: a variable is not set" in said.out) == (1, True)
    place = "app.py:8" if kind == "flask" else "migrations/env.py:6"
    assert f"{place}  cause 5" in said.out
    assert f"    SHOP_URL   {place}" in said.out
    (line,) = [line for line in commands(said) if line.startswith("export")]
    assert line == 'export SHOP_URL="…"'


@pytest.mark.slow
def test_flask_that_finds_no_application(shop: Open) -> None:
    one = shop("flask")
    (one.root / "app.py").rename(one.root / "shop.py")
    said = one.doctor()
    assert "Flask finds no application" in " ".join(said.out.split())
    assert 'export FLASK_APP="…"' in commands(said)


@pytest.mark.slow
def test_a_driver_that_is_called_by_itself_cannot_be_followed(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2")
    engine = 'create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect("host=127.0.0.1 port=1"))'
    env = "import psycopg\n" + ALEMBIC_ENV.replace('create_engine(os.environ["SHOP_URL"])', engine)
    write(one.root, {"migrations/env.py": env})
    said = one.doctor()
    assert said.status == 2
    assert "refused a connection to 127.0.0.1:1/" in " ".join(said.out.split())
    assert "Name the database by --url" in said.out
    assert one.doctor("--url", one.url).out.count("postgresql://") == 1


def test_a_url_is_looked_at_in_place_of_env_pys(shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop()
    one.at("b2b2b2b2")
    monkeypatch.setenv("SHOP_URL", "postgresql+psycopg://app:other-secret@db.invalid/other")
    said = one.doctor("--url", one.url)
    assert (said.status, "other-secret" in said.out + said.err) == (0, False)
    one.at("a1a1a1a1", columns=())
    words = " ".join(one.glance().out.split())
    assert "the commands go to the database that env.py asks for, which may be another than that of --url" in words


@pytest.mark.slow
def test_without_the_variable_a_url_does(shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop()
    one.at("b2b2b2b2")
    monkeypatch.delenv("SHOP_URL")
    write(one.root, {"pyproject.toml": '[tool.migration-gate]\nenvironment = { SHOP_URL = "{url}" }\n'})
    assert one.doctor("--url", one.url).status == 0


@pytest.mark.slow
def test_a_url_of_something_else_than_postgresql(shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop()
    text = (one.root / "migrations/env.py").read_text()
    write(
        one.root,
        {"migrations/env.py": text.replace('os.environ["SHOP_URL"]', 'os.environ.get("NO_SHOP", "sqlite:///s.db")')},
    )
    said = one.doctor()
    assert "an engine for sqlite" in " ".join(said.out.split())
    assert "    NO_SHOP   migrations/env.py:6" in said.out
    assert not (one.root / "s.db").exists()


def test_a_server_that_does_not_answer(shop: Open) -> None:
    one = shop()
    said = one.doctor("--url", "postgresql+psycopg://app:geheim@127.0.0.1:1/shop", alone=True)
    assert said.status == 2
    assert "cannot connect to postgresql://app:***@127.0.0.1:1/shop: " in said.out
    assert "geheim" not in said.out + said.err


@pytest.mark.parametrize("kind", ["alembic", pytest.param("flask", marks=pytest.mark.slow)])
def test_the_version_table_in_another_schema(kind: str, shop: Open) -> None:
    one = shop(kind, THIRD)
    one.at("b2b2b2b2")
    one.sql("CREATE SCHEMA ops", "ALTER TABLE alembic_version SET SCHEMA ops")
    said = one.glance()
    assert "cause 5: the version table is in another schema" in said.out
    assert "the table is ops.alembic_version, and stands at b2b2b2b2" in " ".join(said.out.split())
    lines = commands(said)
    edit(one, lines[0])
    one.run(*lines[1:])
    assert one.sql("SELECT version_num FROM ops.alembic_version") == [("c3c3c3c3",)]
    if kind == "flask":
        one.healthy()


@pytest.mark.slow
def test_two_projects_in_one_version_table(shop: Open) -> None:
    one = shop()
    other = {
        "stock/alembic.ini": INI,
        "stock/migrations/env.py": ALEMBIC_ENV,
        "stock/migrations/script.py.mako": MAKO,
        **{
            f"stock/migrations/versions/{ident}.py": text
            for ident, text in (
                ("e5e5e5e5", file("e5e5e5e5", None, 'op.create_table("stock", sa.Column("id", sa.Integer()))', "pass")),
            )
            for text in text.values()
        },
    }
    write(one.root, other)
    one.at("b2b2b2b2", "e5e5e5e5")
    one.sql("CREATE TABLE stock (id integer)")
    said = one.doctor("--project", ".")
    assert "cause 5: two projects keep their versions in one table" in said.out
    lines = commands(said)
    edit(one, lines[0])
    one.run(*lines[1:])
    for project in (".", "stock"):
        said = one.doctor("--project", f"{project}/alembic.ini")
        assert (said.status, "nothing is wrong" in said.out) == (0, True), said.out
    assert "another project keeps its version in this database too" in said.out


@pytest.mark.slow
def test_a_row_too_many_in_the_version_table(shop: Open) -> None:
    one = shop()
    one.at("a1a1a1a1", "b2b2b2b2")
    said = one.doctor()
    assert "cause 5: the version table has rows too many" in said.out
    assert commands(said) == ["alembic stamp --purge b2b2b2b2"]
    one.run(*commands(said))
    one.healthy()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alembic", pytest.param("flask", marks=pytest.mark.slow)])
def test_tables_and_no_version(kind: str, shop: Open) -> None:
    one = shop(kind, THIRD)
    one.at()
    one.sql("DROP TABLE alembic_version")
    said = one.doctor()
    assert "cause 5: the database has tables and no version" in said.out
    one.run(*commands(said))
    one.healthy()


@pytest.mark.slow
def test_an_empty_database_is_behind(shop: Open) -> None:
    one = shop()
    said = one.doctor()
    assert "the database is at no revision yet, and 2 revisions wait:" in said.out
    assert commands(said) == ["alembic upgrade head"]
    one.run(*commands(said))
    one.healthy()


def test_a_history_that_alembic_cannot_load(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2")
    next(iter(one.root.glob("migrations/versions/a1*"))).unlink()
    said = one.glance()
    assert said.status == 2
    assert "`migration-gate lint` says why" in said.out


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sizes_are_saved_and_the_gate_knows_them(shop: Open, gate: Gate) -> None:
    """Whatever else there is to say."""
    one = shop(files=THIRD | {"pyproject.toml": '[tool.migration-gate]\nsizes = "sizes.json"\n'})
    one.at("b2b2b2b2")
    one.sql("INSERT INTO users (email) SELECT 'x' FROM generate_series(1, 2000)", "ANALYZE users")
    said = one.glance("--save-sizes", "sizes.json", "--plan")
    assert (said.status, "cause 2: behind" in said.out) == (1, True)
    assert "note: the sizes of 2 tables stand in sizes.json" in said.out
    assert load(one.root / "sizes.json", "sizes.json").tables["public.users"].rows == 2000
    plan = gate("lint", "--plan", "--all", cwd=one.root).out
    assert re.search(r"users \(\d+ kB, 2,000 rows\): ACCESS EXCLUSIVE", plan)


def test_sizes_of_a_database_that_cannot_be_read_are_not_saved(shop: Open) -> None:
    one = shop()
    said = one.doctor("--url", "postgresql://127.0.0.1:1/shop", "--save-sizes", "sizes.json", alone=True)
    assert (said.status, (one.root / "sizes.json").exists()) == (2, False)
    assert "sizes.json was not written: not every database's sizes could be read" in said.out
    said = one.glance("--save-sizes", "no/such/folder")
    assert said.status == 2
    assert said.err.endswith("migration-gate: cannot write no/such/folder: No such file or directory\n")


def test_sizes_are_of_one_project(gate: Gate) -> None:
    said = gate("doctor", "--save-sizes", "sizes.json", cwd=EXAMPLES)
    assert (said.status, "name one by --project" in said.err) == (2, True)


# ── several databases ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_each_database_of_a_project_is_looked_at(
    server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch, example: Callable[[str], Path]
) -> None:
    root = example("multidb")
    names = [f"{server.prefix}library{word}" for word in ("", "_audit")]
    for name in names:
        databases.create(server, name)
    monkeypatch.setenv("DATABASE_URL", server.url(names[0], "psycopg"))
    monkeypatch.setenv("AUDIT_DATABASE_URL", server.url(names[1], "psycopg"))
    said = gate("doctor", cwd=root)
    assert all(name in said.out for name in names)
    assert said.out.count("cause 2: behind") == 2
    for name, rows in zip(names, (1, 2000), strict=True):
        with databases.connect(server, name) as connection:
            connection.execute(f"CREATE TABLE in_each AS SELECT FROM generate_series(1, {rows})".encode())
            connection.execute("ANALYZE in_each")
    gate("doctor", "--save-sizes", "sizes.json", cwd=root)
    assert load(root / "sizes.json", "").tables["public.in_each"].rows == 2000  # the larger one


@pytest.mark.slow
def test_tables_in_the_schema_of_the_search_path(shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the URL says which, or the database itself, whose word a throwaway one does not have."""
    one = shop()
    one.at("b2b2b2b2")
    one.sql("CREATE SCHEMA ours", "ALTER TABLE alembic_version SET SCHEMA ours", "ALTER TABLE users SET SCHEMA ours")
    monkeypatch.setenv("SHOP_URL", f"{one.url}?options=-csearch_path%3Dours")
    one.healthy()
    monkeypatch.setenv("SHOP_URL", one.url)
    assert "cause 5: the version table is in another schema" in one.doctor().out
    one.sql(f"ALTER DATABASE {one.database} SET search_path = ours")
    one.healthy()
