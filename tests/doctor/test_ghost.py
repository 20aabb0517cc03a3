"""The database is at a revision that no file has: wherever git keeps it, the printed commands bring it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor.conftest import GHOST, THIRD, Open, Shop, column, commands, file

PATH = "migrations/versions/f00dbabe1234_change.py"


def on_a_branch(one: Shop) -> None:
    one.work.branch("feature/ghost")
    one.work.commit(GHOST)
    one.work.git("switch", "--quiet", "main")


def on_a_remote(one: Shop) -> None:
    on_a_branch(one)
    one.work.clone(one.root.parent / "there", "--bare")
    one.work.git("branch", "-D", "feature/ghost")
    one.work.git("reflog", "expire", "--expire=now", "--all")
    one.work.git("remote", "add", "origin", str(one.root.parent / "there"))
    one.work.git("fetch", "--quiet", "origin")


def in_a_tag(one: Shop) -> None:
    on_a_branch(one)
    one.work.git("tag", "v1", "feature/ghost")
    one.work.git("branch", "-D", "feature/ghost")
    one.work.git("reflog", "expire", "--expire=now", "--all")


def in_a_stash(one: Shop) -> None:
    one.work.write(GHOST)
    one.work.git("add", "--all")
    one.work.git("stash", "--quiet")


def untracked_in_a_stash(one: Shop) -> None:
    one.work.write(GHOST)
    one.work.git("stash", "--quiet", "--include-untracked")


def in_the_reflog(one: Shop) -> None:
    one.work.commit(GHOST)
    one.work.git("reset", "--quiet", "--hard", "HEAD^")


def unreachable(one: Shop) -> None:
    in_the_reflog(one)
    one.work.git("reflog", "expire", "--expire=now", "--all")


def deleted(one: Shop) -> None:
    one.work.commit(GHOST)
    one.work.commit({PATH: None})


def deleted_and_not_committed(one: Shop) -> None:
    one.work.commit(GHOST)
    (one.root / PATH).unlink()


HIDDEN: dict[Callable[[Shop], None], str] = {
    on_a_branch: "branch feature/ghost, commit",
    on_a_remote: "remote branch origin/feature/ghost, commit",
    untracked_in_a_stash: "stash@{0}, among its untracked files, commit",
    in_the_reflog: "no branch any more, the reflog's HEAD@{1}, commit",
}
MORE: dict[Callable[[Shop], None], str] = {
    in_a_tag: "tag v1, commit",
    in_a_stash: "stash@{0}, commit",
    unreachable: "a commit that nothing points to, commit",
    deleted: "branch main, where commit",
    deleted_and_not_committed: "HEAD: it is deleted here, and that is not committed, commit",
}


@pytest.mark.parametrize("hide", HIDDEN, ids=lambda one: one.__name__)
def test_it_is_found_and_brought_back(hide: Callable[[Shop], None], shop: Open) -> None:
    one = shop()
    hide(one)
    one.at("f00dbabe1234", columns=("email", "ghost"))
    said = one.glance()
    assert said.status == 1
    assert "the database is at f00dbabe1234, and no file of migrations/versions has that revision." in said.out
    assert HIDDEN[hide] in " ".join(said.out.split())
    assert "(ana@example.org, " in said.out
    one.run(*commands(said, "If it will be merged"))
    one.stands("f00dbabe1234")
    assert (one.root / PATH).read_text() == GHOST[PATH]


@pytest.mark.slow
@pytest.mark.parametrize("hide", MORE, ids=lambda one: one.__name__)
def test_it_is_found_in_other_places(hide: Callable[[Shop], None], shop: Open) -> None:
    one = shop()
    hide(one)
    one.at("f00dbabe1234", columns=("email", "ghost"))
    said = one.doctor()
    assert MORE[hide] in " ".join(said.out.split())
    one.run(next(line for line in commands(said, "If it will be merged") if line.startswith("git restore")))
    assert (one.root / PATH).read_text() == GHOST[PATH]
    one.healthy()


@pytest.mark.parametrize("kind", [pytest.param("alembic", marks=pytest.mark.slow), "flask"])
def test_an_abandoned_one_is_taken_back(kind: str, shop: Open) -> None:
    """The branch goes another way: its own revision runs once the abandoned one is gone."""
    one = shop(kind)
    on_a_branch(one)
    one.work.commit(THIRD)
    one.at("f00dbabe1234", columns=("email", "ghost"))
    one.run(*commands(one.glance(), "If it was abandoned"))
    one.stands("c3c3c3c3")
    assert not (one.root / PATH).exists()
    assert one.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'ghost'") == []


@pytest.mark.slow
def test_what_it_comes_after_is_brought_back_too_and_two_heads_are_merged(shop: Open) -> None:
    one = shop("flask")
    one.work.branch("feature/ghost")
    one.work.commit(column("0dd0dd0dd0dd", "b2b2b2b2", "odd"))
    one.work.commit(column("f00dbabe1234", "0dd0dd0dd0dd", "ghost"))
    one.work.git("switch", "--quiet", "main")
    one.work.commit(THIRD)
    one.at("f00dbabe1234", columns=("email", "odd", "ghost"))
    said = one.doctor()
    assert "It comes after others that no file here has either: 0dd0dd0dd0dd" in said.out
    lines = commands(said, "If it will be merged")
    assert lines[1:] == ['flask db merge heads -m "merge heads"', "flask db upgrade"]
    one.run(*lines)
    one.healthy()


@pytest.mark.parametrize("kind", ["alembic", pytest.param("flask", marks=pytest.mark.slow)])
def test_of_one_that_git_has_nowhere_the_schema_says_where_to_stamp(kind: str, shop: Open) -> None:
    one = shop(kind, THIRD)
    one.at("f00dbabe1234")
    said = one.doctor()
    assert "Git has it nowhere" in said.out
    assert "The schema is that of b2b2b2b2 (change b2b2b2b2), object by object" in said.out
    tool = "flask db" if kind == "flask" else "alembic"
    assert commands(said)[0] == f"{tool} stamp --purge b2b2b2b2"
    one.run(*commands(said))
    one.stands("c3c3c3c3")


@pytest.mark.slow
def test_what_changes_rows_alone_is_taken_to_have_run(shop: Open) -> None:
    one = shop(files=file("c3c3c3c3", "b2b2b2b2", 'op.execute("UPDATE users SET email = lower(email)")', "pass"))
    one.at("f00dbabe1234")
    said = one.doctor()
    assert "It is that of b2b2b2b2 (change b2b2b2b2) as well: what comes between changes rows alone" in (
        " ".join(said.out.split())
    )
    assert commands(said) == ["alembic stamp --purge c3c3c3c3"]


def test_where_no_schema_fits_stamping_is_not_offered(shop: Open) -> None:
    one = shop()
    one.at("f00dbabe1234", columns=("email", "ghost"))
    said = one.doctor()
    assert "so `stamp` is not safe" in said.out
    text = " ".join(said.out.split())
    assert "The nearest is b2b2b2b2 (change b2b2b2b2), which it differs from in 1 place:" in text
    assert "    column `users.ghost` is in the database and in no migration" in said.out
    assert "What to do:" not in said.out


@pytest.mark.slow
def test_an_id_that_was_edited_is_no_file_to_restore(shop: Open) -> None:
    """The file of that commit stands here under another id: bringing the old one back would make it run twice."""
    one = shop()
    one.work.commit(GHOST)
    (one.root / PATH).write_text(GHOST[PATH].replace("f00dbabe1234", "beefbeefbeef"))
    one.at("f00dbabe1234", columns=("email", "ghost"))
    said = one.doctor()
    assert "its id was edited, as it seems" in " ".join(said.out.split())
    assert commands(said) == ["alembic stamp --purge beefbeefbeef"]
    one.run(*commands(said))
    one.healthy()


@pytest.mark.slow
def test_a_file_from_a_folder_that_is_no_version_folder_now_goes_into_one_that_is(shop: Open) -> None:
    one = shop()
    one.work.branch("old")
    one.work.commit({f"old/{Path(PATH).name}": GHOST[PATH]})
    one.work.git("switch", "--quiet", "main")
    one.at("f00dbabe1234", columns=("email", "ghost"))
    one.run(*commands(one.doctor(), "If it will be merged"))
    assert (one.root / PATH).exists()
    one.healthy()


@pytest.mark.slow
def test_a_project_that_is_in_no_repository(shop: Open) -> None:
    one = shop()
    (one.root / ".git").rename(one.root.parent / "git")
    one.at("f00dbabe1234")
    assert "this project is in no git repository" in " ".join(one.doctor().out.split())


@pytest.mark.slow
def test_a_merge_that_no_file_has_is_taken_back(shop: Open) -> None:
    one = shop(files=THIRD | column("d4d4d4d4", "b2b2b2b2", "town"))
    one.work.branch("merged")
    one.work.commit(file("f00dbabe1234", ("c3c3c3c3", "d4d4d4d4"), "pass", "pass"))
    one.work.git("switch", "--quiet", "main")
    one.at("f00dbabe1234", columns=("email", "phone", "town"))
    said = one.doctor()
    assert "cause 1: several heads" in said.out
    one.run(*commands(said, "If it was abandoned")[:2])
    assert one.sql("SELECT version_num FROM alembic_version ORDER BY 1") == [("c3c3c3c3",), ("d4d4d4d4",)]


def test_several_causes_have_one_list_of_commands(shop: Open) -> None:
    """A ghost, two heads, and revisions that have not run."""
    one = shop(files=THIRD)
    on_a_branch(one)
    one.work.commit(column("d4d4d4d4", "b2b2b2b2", "town"))
    one.at("f00dbabe1234", columns=("email", "ghost"))
    said = one.glance()
    assert said.out.index("cause 3") < said.out.index("cause 1: several heads")
    lines = commands(said)
    assert [one.split(" --")[0] for one in lines] == [
        "git restore",
        'alembic merge heads -m "merge heads"',
        "alembic upgrade head",
    ]
    one.run(*lines)
    assert one.glance().status == 0
    assert one.sql("SELECT email, ghost, phone, town FROM users") == []
