"""``doctor --adopt``: what was changed by hand becomes a revision, and the printed commands keep it or take it back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from migration_gate.doctor.causes import Again
from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import Gate, Said, write
from tests.doctor.conftest import THIRD, Open, Shop, column, commands, modelled
from tests.typed import Shell

BY_HAND = (
    "ALTER TABLE users ADD COLUMN nick text DEFAULT 'none', ALTER email TYPE varchar(90)",
    "CREATE TYPE mood AS ENUM ('calm', 'glad')",
    "CREATE TABLE pets (id serial PRIMARY KEY, owner int REFERENCES users, mood mood NOT NULL)",
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1;\n   SELECT 1'",
    "COMMENT ON TABLE users IS 'ours'",
    "ALTER TABLE users ALTER email SET STATISTICS 500",
)
KEEP, BACK = "To keep it", "To take it back, and"


def changed(one: Shop, *words: str) -> Said:
    """Changes it, and has a doctor say so."""
    one.at("b2b2b2b2")
    one.sql(*BY_HAND)
    said = one.doctor(*words)
    assert "cause 4: the schema was changed by hand" in said.out
    assert "    column `users.nick` is in the database and in no migration\n" in said.out
    assert "in 5 places" in " ".join(said.out.split())
    return said


def made(one: Shop) -> Path:
    (path,) = (path for path in (one.root / "migrations/versions").iterdir() if "adopt" in path.name)
    return path


def test_the_printed_commands_keep_it(shop: Open) -> None:
    one = shop()
    said = changed(one, "--adopt")
    assert f"{made(one).name}. Read it before you commit it" in " ".join(said.out.split())
    assert commands(said, KEEP) == ["alembic stamp head"]
    one.run(*commands(said, KEEP))
    one.healthy()


@pytest.mark.slow
def test_and_in_a_flask_project_with_its_models(shop: Open) -> None:
    one = shop("flask", modelled("email", kind="flask"))
    one.at("b2b2b2b2", columns=("email", "nick"))
    said = one.doctor("--adopt")
    assert "cause 4: the models differ" in said.out  # which do not know it yet
    assert "    column `users.nick` is made by the migrations and is not in the models" in said.out
    write(one.root, modelled("email", "nick", kind="flask"))
    assert commands(said, KEEP) == ["flask db stamp head"]
    one.run(*commands(said, KEEP))
    assert (one.glance().status, "No new upgrade operations" in one.run("flask db check")) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alembic", "flask"])
def test_word_for_word(kind: str, shop: Open, gate: Gate) -> None:
    one = shop(kind)
    lines = commands(changed(one), KEEP)
    one.run(f"{lines[0]} || [ $? = 1 ]", *lines[1:])
    one.healthy()
    # What it does to a table that another database has: of that ci speaks, and not of drift.
    assert set(gate("ci", "--format", "json", cwd=one.root).rules) <= {"narrows-type", "rewrites-table"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alembic", "flask"])
def test_the_printed_commands_take_it_back(kind: str, shop: Open) -> None:
    one = shop(kind)
    lines = commands(changed(one, "--adopt"), BACK)
    tool = "flask db" if kind == "flask" else "alembic"
    name = f"migrations/versions/{made(one).name}"
    assert lines == [f"{tool} stamp head", f"{tool} downgrade b2b2b2b2", f"rm {name}"]
    one.run(*lines)
    one.stands("b2b2b2b2")
    one.healthy()


@pytest.mark.slow
def test_what_pending_revisions_make_too_and_what_the_models_declare_is_told_apart(shop: Open) -> None:
    """And nothing is written then."""
    one = shop(files=THIRD | modelled("email", "phone", "age"))
    one.at("b2b2b2b2", columns=("email", "phone", "nick"))
    before = sorted((one.root / "migrations/versions").iterdir())
    said = one.doctor("--adopt")
    by_hand, models = said.out.split("\ncause 4: ")[1:]
    assert by_hand.startswith("the schema was changed by hand")
    assert "    column `users.nick` is in the database and in no migration" in by_hand
    clash = "  Pending revisions make these too, and an upgrade will stop there:\n      column `users.phone`\n"
    assert clash in by_hand
    lines = [line.strip() for line in by_hand.partition("What to do:\n")[2].split("\n") if line]
    assert [line for line in lines if not line.startswith("#")] == [
        *("alembic upgrade head", "migration-gate doctor --adopt", "alembic stamp head")
    ]
    assert lines[0] == "# What pending revisions make too, take back by hand before they run:"
    assert models.startswith("the models differ from the migrations")
    assert "    column `users.age` is in the models and in no migration" in models
    assert "nick" not in models
    assert "      # and then what cause 4 says above: which way is for a person to say" in said.out
    words = " ".join(said.out.split())
    assert "nothing was adopted: pending revisions make the same, and would stop at it" in words
    assert sorted((one.root / "migrations/versions").iterdir()) == before


@pytest.mark.slow
def test_what_is_in_the_way_is_said(shop: Open) -> None:
    one = shop(files=THIRD)
    one.at("b2b2b2b2", columns=("email", "nick"))
    said = one.doctor("--adopt")
    assert "nothing was adopted: 1 revision waits: first alembic upgrade head" in " ".join(said.out.split())
    assert commands(said, "The pending revisions first") == ["alembic upgrade head"]
    one.work.commit(column("d4d4d4d4", "b2b2b2b2", "town"))
    said = one.doctor("--adopt")
    assert 'nothing was adopted: it has several heads: first alembic merge heads -m "merge heads"' in (
        " ".join(said.out.split())
    )
    one.at("f00dbabe1234")
    assert "nothing was adopted: the schema was not compared" in " ".join(one.doctor("--adopt").out.split())


@pytest.mark.slow
def test_of_several_branches_a_person_says_which(shop: Open) -> None:
    left, right = (
        {path: text.replace("branch_labels = None", f"branch_labels = {label!r}") for path, text in made.items()}
        for label, made in (("left", THIRD), ("right", column("d4d4d4d4", "b2b2b2b2", "town")))
    )
    one = shop(files=left | right | {"pyproject.toml": '[tool.migration-gate]\nbranches = ["left", "right"]\n'})
    one.at("c3c3c3c3", "d4d4d4d4", columns=("email", "phone", "town", "nick"))
    said = one.doctor("--adopt")
    assert "nothing was adopted: its branches each have a head" in " ".join(said.out.split())
    one.run('alembic revision --head left@head -m "adopt what was changed by hand"')
    text = made(one).read_text()
    made(one).write_text(text.replace("pass", 'op.add_column("users", sa.Column("nick", sa.Text()))', 1))
    assert commands(said, "and here, where") == ["alembic stamp --purge heads"]
    one.run("alembic stamp --purge heads")
    one.healthy()


@pytest.mark.slow
def test_of_several_databases_nothing_is_written(
    server: Server, gate: Gate, monkeypatch: pytest.MonkeyPatch, example: Callable[[str], Path], typed: Shell
) -> None:
    root = example("multidb")
    names = [f"{server.prefix}adopted{word}" for word in ("", "_audit")]
    for variable, name in zip(("DATABASE_URL", "AUDIT_DATABASE_URL"), names, strict=True):
        databases.create(server, name)
        monkeypatch.setenv(variable, server.url(name, "psycopg"))
    done = typed.run("flask db upgrade", root, os.environ)
    assert done.returncode == 0, done.stderr
    with databases.connect(server, names[1]) as connection:
        connection.execute("CREATE TABLE by_hand (id int)")
    said = gate("doctor", "--adopt", cwd=root)
    assert "it has 2 databases, and a revision with a function for each is not written" in " ".join(said.out.split())
    assert 'flask db revision -m "adopt what was changed by hand"'.replace('"', "'") in said.out


@pytest.mark.slow
def test_the_schema_of_the_search_path_is_not_named(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2")
    one.sql("CREATE SCHEMA ours", "ALTER TABLE alembic_version SET SCHEMA ours", "ALTER TABLE users SET SCHEMA ours")
    one.sql(f"ALTER DATABASE {one.database} SET search_path = ours")
    one.sql("CREATE VIEW ours.ids AS SELECT id FROM ours.users")
    assert "it would name the schema ours, which the search path gives" in " ".join(one.doctor("--adopt").out.split())
    one.sql("DROP VIEW ours.ids", "ALTER TABLE ours.users ADD COLUMN nick text")
    one.run(*commands(one.doctor("--adopt"), KEEP))
    one.healthy()


@pytest.mark.slow
def test_a_healthy_project_has_nothing_to_adopt(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2")
    said = one.doctor("--adopt")
    assert (said.status, "nothing to adopt: nothing was changed by hand" in said.out) == (0, True)


@pytest.mark.slow
def test_what_no_call_makes_is_left_and_said(shop: Open) -> None:
    one = shop()
    one.at("b2b2b2b2", columns=("email", "nick"))
    one.sql("CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int)")
    said = one.doctor("--adopt")
    assert "It leaves, because no call of Alembic's is known for it:" in said.out
    one.run(*commands(said, KEEP))
    made(one).unlink()
    one.at("b2b2b2b2")
    assert "nothing was adopted: no call of Alembic's is known for what was changed" in (
        " ".join(one.doctor("--adopt").out.split())
    )


@pytest.mark.slow
def test_a_template_that_wants_the_application_is_no_traceback(shop: Open) -> None:
    one = shop("flask")
    write(one.root, {"migrations/script.py.mako": "<% from flask import current_app %>"})
    one.at("b2b2b2b2", columns=("email", "nick"))
    assert "nothing was adopted: script.py.mako of migrations asks the application" in (
        " ".join(one.doctor("--adopt").out.split())
    )


@pytest.mark.slow
def test_the_url_is_repeated_unless_it_has_a_password(shop: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shop()
    one.at("b2b2b2b2", columns=("email", "nick"))
    lines = commands(one.doctor("--url", one.url), KEEP)
    assert lines == ['migration-gate doctor --url "$SHOP_URL" --adopt', "alembic stamp head"]
    one.run(f"{lines[0]} || [ $? = 1 ]", *lines[1:])
    one.healthy()
    one.at("b2b2b2b2", columns=("email",))
    url = one.url.replace("+psycopg", "")
    one.sql("ALTER TABLE users ADD COLUMN town text")
    said = one.doctor("--url", url, "--project", ".")  # no variable has it like this
    assert "# with the URL that was given in DOCTOR_URL: its password is not repeated here\n" in said.out
    assert 'migration-gate doctor --project . --url "$DOCTOR_URL" --adopt\n' in said.out
    plain = url.replace(f":{one.server.password}@", "@")
    monkeypatch.setenv("PGPASSWORD", one.server.password)
    assert f"migration-gate doctor --url {plain} --adopt\n" in one.doctor("--url", plain).out


def test_how_it_is_typed_once_more() -> None:
    assert [*Again("migration-gate doctor", "a note").lines("--adopt")] == ["# a note", "migration-gate doctor --adopt"]
