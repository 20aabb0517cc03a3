"""heads --rebase and --merge: what they write, and that git, Alembic and PostgreSQL agree with it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from migration_gate.project import discovery, history
from migration_gate.rehearsal import writing
from migration_gate.rehearsal.writing import written
from tests.conftest import Gate, Said, revision
from tests.heads.conftest import ALL, OURS, SETTINGS, TEMPLATE, Database, Files, heads, parted
from tests.under_git import OWN, VERSIONS, Work, start


def files(*ids: str, **more: str | None) -> dict[str, str | None]:
    """Harmless revisions, each "id<parent,parent": their files."""
    made: dict[str, str | None] = {}
    for one in ids:
        ident, _, down = one.partition("<")
        parents = tuple(filter(None, down.split(",")))
        text = revision(ident, "pass").replace("= None", f"= {parents[0] if len(parents) == 1 else parents or None!r}")
        made[f"{VERSIONS}/{ident}.py"] = text
    return made | {f"{VERSIONS}/{name}.py": text for name, text in more.items()}


def changed(work: Work) -> list[str]:
    """What differs from the last commit, new files too."""
    return [line.split()[-1] for line in work.git("status", "--porcelain", "-uall").splitlines()]


def refused(said: Said) -> str:
    """The one line that says why."""
    assert (said.status, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line.removeprefix("migration-gate: ")


# --- what Alembic and PostgreSQL say afterwards --------------------------------------------------------------------


@pytest.mark.parametrize("way", ["--rebase", "--merge"])
def test_alembic_agrees_and_an_upgrade_works_from_either_side(
    way: str, both: Work, gate: Gate, at: Callable[[str], Database]
) -> None:
    assert len(heads(both.root)) == 2
    said = gate("heads", way, "--base", "main", "--notes", cwd=both.root)
    assert (said.status, said.err) == (0, "")
    assert len(heads(both.root)) == 1
    for side in ("empty", "parted", "theirs", "ours"):
        database = at(side)
        if side == "ours" and way == "--rebase":  # which Alembic takes to be at the head: the note says what to do
            (words,) = re.findall(r"lacks c1 and c2: (.*)", said.out)
            for command in words.split(" && "):
                database.alembic(both.root, *shlex.split(command)[1:])
        else:
            database.alembic(both.root, "upgrade", "head")
        assert database.tables() == ALL, side
        database.alembic(both.root, "downgrade", "base")
        assert database.tables() == {}


def test_a_rebase_writes_two_lines(both: Work, gate: Gate) -> None:
    said = gate("heads", "--rebase", "--base", "main", "--notes", cwd=both.root)
    diff = [line for line in both.git("diff", "-U0").splitlines() if line[0] in "+-" and line[1] not in "+-"]
    assert diff == ["-Revises: a", "+Revises: c2", "-down_revision = 'a'", "+down_revision = 'c2'"]
    assert changed(both) == [f"{VERSIONS}/b1.py"]
    assert "b1.py: b1 comes after c2 now" in said.out
    assert "both sides touch users: b1 and b2 here, c1 there" in said.out
    assert "touch logs" not in said.out
    assert gate("heads", "--rebase", "--base", "main", cwd=both.root).status == 0  # and there is nothing more to do
    assert changed(both) == [f"{VERSIONS}/b1.py"]


def test_what_could_not_be_read_may_touch_anything(both: Work, gate: Gate) -> None:
    path = both.root / VERSIONS / "c1.py"
    path.write_text(path.read_text().replace("op.add_column(", "op.execute(input()) or op.add_column("))
    out = gate("heads", "--rebase", "--dry-run", "--base", "main", cwd=both.root).err
    assert "not all of c1 could be read: whether both sides touch one table, only you can tell" in out


def test_a_merge_is_written_as_the_project_has_it(both: Work, gate: Gate) -> None:
    ini = (
        "[alembic]\nscript_location = migrations\ntimezone = UTC\nfile_template = %%(year)d_%%(slug)s_%%(rev)s\n"
        "truncate_slug_length = 9\n[post_write_hooks]\nhooks = mark\nmark.type = exec\nmark.executable = sh\n"
        "mark.options = -c 'echo \"# seen\" >> REVISION_SCRIPT_FILENAME; echo noise; echo noise >&2'\n"
    )
    both.write(
        {
            "alembic.ini": ini,
            "migrations/script.py.mako": "# ours, ${create_date.tzinfo}\n" + TEMPLATE,
        }
    )
    said = gate("heads", "--merge", "-m", 'join "these" two', "--base", "main", "--format", "json", cwd=both.root)
    assert (said.status, said.err, said.json["verdict"]) == (0, "", "open")
    (name,) = [one for one in changed(both) if one.startswith(VERSIONS)]
    assert re.fullmatch(rf"{VERSIONS}/20\d\d_join_[a-z]*_?[0-9a-f]{{12}}\.py", name)
    text = (both.root / name).read_text()
    assert text.startswith('# ours, UTC\n"""join "these" two\n')
    assert "down_revision = ('b2', 'c2')\n" in text
    assert text.endswith("# seen\n")
    assert len(heads(both.root)) == 1


def test_no_revision_of_the_project_runs_when_a_merge_is_written(both: Work, gate: Gate) -> None:
    for name in ("b1", "c2"):
        path = both.root / VERSIONS / f"{name}.py"
        path.write_text(path.read_text() + "\nraise SystemExit('imported')\n")
    assert gate("heads", "--merge", "-m", "", cwd=both.root).status == 0


# --- --dry-run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["--rebase", "--merge"])
def test_git_applies_the_diff_of_a_dry_run(way: str, both: Work, tmp_path: Path, gate: Gate) -> None:
    name = both.root / VERSIONS / "b1.py"
    name.write_bytes(name.read_bytes().replace(b"\n", b"\r\n").rstrip() + b"  # gr\xc3\xb6\xc3\x9fer")
    both.git("-c", "core.autocrlf=false", "commit", "--quiet", "-am", "as on Windows")
    before = {path: path.read_bytes() for path in both.root.glob(f"{VERSIONS}/*")}
    patch = tmp_path / "patch"
    said = gate("heads", way, "--dry-run", "--base", "main", "--output", str(patch), cwd=both.root)
    assert (said.status, said.out) == (0, "")
    assert {path: path.read_bytes() for path in both.root.glob(f"{VERSIONS}/*")} == before
    both.git("apply", str(patch))
    applied = {path: path.read_bytes() for path in both.root.glob(f"{VERSIONS}/*")}
    assert len(heads(both.root)) == 1
    if way == "--rebase":
        both.git("restore", ".")
        assert gate("heads", way, "--base", "main", cwd=both.root).status == 0
        assert {path: path.read_bytes() for path in both.root.glob(f"{VERSIONS}/*")} == applied


def test_a_dry_run_prints_the_diff_alone_and_says_the_rest_aside(both: Work, gate: Gate) -> None:
    said = gate("heads", "--rebase", "--dry-run", "--base", "main", cwd=both.root)
    assert said.out.startswith(f"diff --git a/{VERSIONS}/b1.py b/{VERSIONS}/b1.py\n--- a/")
    assert "both sides touch users" in said.err
    assert changed(both) == []


def test_a_diff_has_names_as_git_writes_them(tmp_path: Path, gate: Gate) -> None:
    odd = 'größe "x" y.py'
    work = parted(tmp_path / "work", files("a"), {f"{VERSIONS}/{odd}": files("b<a")[f"{VERSIONS}/b.py"]}, files("c<a"))
    work.git("merge", "--quiet", "-m", "m", "main")
    said = gate("heads", "--rebase", "--dry-run", "--base", "main", "--output", "patch", cwd=work.root)
    assert said.status == 0
    work.git("apply", "patch")
    assert heads(work.root) == ["b"]


def test_a_runner_that_obeys_lines_gets_harmless_ones(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = revision("b", "pass", "a").replace("down_revision", "'''\n::error::forged\n'''\ndown_revision", 1)
    work = parted(tmp_path / "work", files("a"), files(b=evil), files("c<a"))
    work.git("merge", "--quiet", "-m", "m", "main")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = gate("heads", "--rebase", "--dry-run", "--base", "main", cwd=work.root).out
    assert "+down_revision = 'c'" in out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())


# --- which shapes move ---------------------------------------------------------------------------------------------

LABELLED = revision("x", "pass", "a").replace("down_rev", 'branch_labels = "expand"\ndown_rev')
JOIN = revision("y", "pass", "x")
DEPENDS = revision("b", "pass", "y").replace("down_rev", 'depends_on = ("expand",)\ndown_rev').replace('"y"', "'y'")
MOVED: Mapping[str, tuple[Files, Files, Files, dict[str, str]]] = {
    "one each": (files("a"), files("b<a"), files("c<a"), {"b": "'c'"}),
    "both first": ({}, files("b"), files("c"), {"b": '"c"'}),
    "a fork of ours that we joined": (
        files("a"),
        files("b<a", "d<a", "m<b,d"),
        files("c<a"),
        {"b": "'c'", "d": "'c'"},
    ),
    "we joined an older main": (files("a", "c<a"), files("b<a", "m<b,c"), files("e<c"), {"b": "'e'", "m": "'b'"}),
    "on different parents": (files("a", "c<a"), files("b<a"), files("d<c"), {"b": "'d'"}),
    "it depends on a label": (files("a", x=LABELLED, y=JOIN), files(b=DEPENDS), files("c<y"), {"b": "'c'"}),
}


@pytest.mark.parametrize("name", MOVED)
def test_a_branch_is_moved(name: str, tmp_path: Path, gate: Gate) -> None:
    *history, expected = MOVED[name]
    work = parted(tmp_path / "work", *history)
    work.git("merge", "--quiet", "-m", "merge", "main")
    assert len(heads(work.root)) > 1
    assert gate("heads", "--rebase", "--base", "main", cwd=work.root).status == 0
    assert len(heads(work.root)) == 1
    assert sorted(changed(work)) == sorted(f"{VERSIONS}/{one}.py" for one in expected)
    for ident, down in expected.items():
        assert f"down_revision = {down}\n" in (work.root / VERSIONS / f"{ident}.py").read_text()


STAY: Mapping[str, tuple[Files, Files, Files, str]] = {
    "all in the base": (files("a", "b<a", "c<a"), {"README": "x"}, {}, "b and c are in main already, where a database"),
    "all our own": (files("a"), files("b<a", "c<a"), {}, "main has none of b and c"),
    "a base with two heads": (files("a"), files("b<a"), files("c<a", "d<a"), "main has 2 heads itself, c and d"),
    "two heads of our own": (
        files("a"),
        files("b<a", "d<a"),
        files("c<a"),
        "this branch has 2 heads of its own",
    ),
    "a parent that theirs does not have": (
        files("a", "x<a"),
        files("b<x"),
        files("c<a"),
        "b comes after x, and c does not",
    ),
    "what shipped, as start-after has it": (
        files("a"),
        files("b<a") | {"pyproject.toml": '[tool.migration-gate]\nstart-after = "b"\n'},
        files("c<a"),
        "b has shipped, as start-after has it",
    ),
}


@pytest.mark.parametrize("name", STAY)
def test_what_may_not_move_stays_and_the_reason_is_one_line(name: str, tmp_path: Path, gate: Gate) -> None:
    *history, reason = STAY[name]
    work = parted(tmp_path / "work", *history)
    work.git("merge", "--quiet", "-m", "merge", "main")
    line = refused(gate("heads", "--rebase", "--base", "main", cwd=work.root))
    assert line.startswith(f"migrations: {reason}")
    assert line.lower().endswith("join them: migration-gate heads --merge")
    assert changed(work) == []


@pytest.mark.parametrize("way", ["--rebase", "--merge"])
def test_with_one_head_there_is_nothing_to_do(way: str, tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path, {**SETTINGS, **files("a", "b<a")})
    said = gate("heads", way, cwd=work.root)
    assert said.status == 0
    assert f"one head already: nothing to {way[2:]}" in said.out
    assert gate("heads", way, "--dry-run", cwd=work.root).out == ""
    assert changed(work) == []


def test_without_a_base_nothing_moves(both: Work, gate: Gate) -> None:
    assert "migration-gate heads --rebase --base REF" in refused(gate("heads", "--rebase", cwd=both.root))


@pytest.mark.parametrize(("way", "word"), [("--rebase", "merge"), ("--rebase", "rebase"), ("--merge", "merge")])
def test_what_the_base_has_and_this_work_tree_does_not_comes_first(way: str, word: str, work: Work, gate: Gate) -> None:
    line = refused(gate("heads", way, "--base", "main", cwd=work.root))
    assert line == (
        "migrations: main has moved on, and c1 and c2 are not in this work tree yet. First: git merge main "
        f"(or git rebase main); then migration-gate heads {way}"
    )
    work.git(word, "--quiet", "main")
    assert gate("heads", way, "--base", "main", cwd=work.root).status == 0
    assert len(heads(work.root)) == 1


UNSOUND: Mapping[str, tuple[Files, str]] = {
    "a missing parent": (files("x<gone"), f"{VERSIONS}/x.py:6 names gone, which no file has"),
    "twice the same": (files(y=revision("a", "pass")), "both are a"),
    "a circle": (files("x<y", "y<x"), "come after each other"),
    "no Python": (files(x="revision = (\n"), f"{VERSIONS}/x.py:1 has a syntax error"),
}


@pytest.mark.parametrize("name", UNSOUND)
@pytest.mark.parametrize("way", ["--rebase", "--merge"])
def test_nothing_is_written_where_the_history_is_not_sound(name: str, way: str, both: Work, gate: Gate) -> None:
    more, reason = UNSOUND[name]
    both.commit(more)
    assert reason in refused(gate("heads", way, "--base", "main", cwd=both.root))
    assert changed(both) == []


def test_declared_branches_are_not_joined(tmp_path: Path, gate: Gate) -> None:
    settings = {"pyproject.toml": '[tool.migration-gate]\nbranches = ["expand"]\n'}
    work = parted(tmp_path / "work", files("a", x=LABELLED) | settings, files("b<a", "x1<x"), files("c<a", "x2<x"))
    work.git("merge", "--quiet", "-m", "merge", "main")
    patch = gate("heads", "--rebase", "--dry-run", "--base", "main", cwd=work.root).out
    assert sorted(re.findall(r"^\+down_revision = (.*)$", patch, re.MULTILINE)) == ["'c'", "'x2'"]
    said = gate("heads", "--merge", "--base", "main", "--notes", cwd=work.root)
    assert said.status == 0
    assert sorted(re.findall(r"joins (.*)", said.out)) == ["b and c", "x1 and x2"]
    assert len(heads(work.root)) == 2


# --- a merge in progress -------------------------------------------------------------------------------------------


def conflict(work: Work, branch: str = "main") -> None:
    """`git merge`, which stops."""
    words = ["git", "-C", str(work.root), "merge", "--quiet", branch]
    assert subprocess.run(words, capture_output=True, env=os.environ | OWN).returncode == 1
    assert work.git("ls-files", "-u")


@pytest.mark.parametrize("way", ["--rebase", "--merge"])
def test_a_conflict_elsewhere_is_in_nobodys_way(way: str, work: Work, gate: Gate) -> None:
    work.commit({"README": "ours\n"})
    work.git("switch", "--quiet", "main")
    work.commit({"README": "theirs\n"})
    work.git("switch", "--quiet", "feature")
    conflict(work)
    said = gate("heads", "--graph", cwd=work.root)  # no base is known but the side that comes in
    assert said.status == 1
    assert "● c2  change c2      MERGE_HEAD" in said.out
    assert "│ ● b2  change b2    this branch" in said.out
    assert "a merge is in progress: MERGE_HEAD, the side that comes in, is taken for the base" in said.out
    assert gate("heads", way, cwd=work.root).status == 0
    assert len(heads(work.root)) == 1
    if way == "--rebase":
        assert heads(work.root) == ["b2"]


def test_on_a_trunk_the_side_that_comes_in_moves(work: Work, gate: Gate) -> None:
    work.git("switch", "--quiet", "main")
    work.git("merge", "--quiet", "--no-commit", "feature")
    said = gate("heads", "--rebase", "--notes", cwd=work.root)
    assert said.status == 0
    assert "HEAD, the side that was here, is taken for the base" in said.out
    assert heads(work.root) == ["b2"]


def test_a_merge_in_progress_says_nothing_of_what_has_shipped(work: Work, gate: Gate) -> None:
    work.git("merge", "--quiet", "--no-commit", "main")
    assert "0 new" not in gate("lint", cwd=work.root).out


def test_a_merge_in_progress_without_a_fork_is_nobodys_base(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a"), {"README": "x"})
    work.git("merge", "--quiet", "--no-commit", "main")
    said = gate("heads", cwd=work.root)
    assert (said.status, "MERGE_HEAD" in said.out) == (0, False)


def test_a_revision_in_conflict_is_named_as_one(work: Work, gate: Gate) -> None:
    name = f"{VERSIONS}/a.py"
    for branch in ("main", "feature"):
        work.git("switch", "--quiet", branch)
        work.commit({name: (work.root / name).read_text().replace('"users"', f'"users_{branch}"')})
    conflict(work)
    said = gate("heads", cwd=work.root)
    assert (said.status, "syntax error" in said.out) == (1, False)
    assert "a.py holds the two sides of a merge conflict: keep what is right, and take the lines <<<<<<<" in said.out
    for way in ("--rebase", "--merge"):
        line = refused(gate("heads", way, cwd=work.root))
        assert line.startswith(f"migrations: {name}:14 holds the two sides of a merge conflict")
    work.git("checkout", "--theirs", name)
    assert gate("heads", "--rebase", cwd=work.root).status == 0
    assert heads(work.root) == ["b2"]


# --- Flask-Migrate, and what only the application knows ------------------------------------------------------------

APP = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = __import__("os").environ["HEADS_URL"]
db = SQLAlchemy(app)
Migrate(app, db)
"""
FLASK_ENV = """
from alembic import context
from flask import current_app

with current_app.extensions["migrate"].db.engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
FLASK: Files = {
    "app.py": APP,
    "migrations/env.py": FLASK_ENV,
    "migrations/alembic.ini": "[alembic]\nfile_template = %%(slug)s-%%(rev)s\n",
    "migrations/script.py.mako": TEMPLATE,
    "alembic.ini": None,
}


def test_flask_db_agrees(both: Work, gate: Gate, at: Callable[[str], Database]) -> None:
    both.commit(FLASK)
    assert gate("heads", "--merge", "--base", "main", cwd=both.root).status == 0
    (name,) = changed(both)
    assert re.fullmatch(rf"{VERSIONS}/merge_heads-\w{{12}}\.py", name)
    database = at("theirs")
    url = database.server.url(database.name, "psycopg")
    words = [sys.executable, "-m", "flask", "db", "upgrade"]
    done = subprocess.run(words, cwd=both.root, env=os.environ | {"HEADS_URL": url}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert database.tables() == ALL


REFUSED: Mapping[str, tuple[Files, str]] = {
    "env.py": (
        {"alembic.ini": "[alembic]\nscript_location = migrations\nrevision_environment = true\n"},
        "revision_environment = true, and env.py is not run for this: alembic merge b2 c2 -m 'two words'",
    ),
    "the application": (
        {"migrations/script.py.mako": "<% from flask import current_app %>"},
        "script.py.mako of migrations asks the application, which is not run for this: alembic merge b2 c2",
    ),
    "no alembic": (
        {"pyproject.toml": '[tool.migration-gate]\npython = "bare/bin/python"\n'},
        "has no alembic (No module named 'alembic'): install migration-gate[ci], or name the project's own",
    ),
    "no Python": (
        {"pyproject.toml": '[tool.migration-gate]\npython = "nowhere"\n'},
        "which the setting `python` names",
    ),
    "a broken template": ({"migrations/script.py.mako": "${nothing.here}"}, "Alembic could not write the revision: "),
    "a template of no revision": ({"migrations/script.py.mako": "x = 1\n"}, "Alembic could not write the revision: "),
    "a name that is taken": (
        {
            "alembic.ini": "[alembic]\nscript_location = migrations\nfile_template = %%(slug)s\n",
            f"{VERSIONS}/two_words.py": "",
            **files(two_words=(OURS[f"{VERSIONS}/b2.py"] or "").replace("b2", "b3").replace("b1", "b2")),
        },
        "two_words.py is there already: file_template gives two revisions one name",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_said_in_one_line_and_leaves_nothing(name: str, both: Work, gate: Gate) -> None:
    more, reason = REFUSED[name]
    both.commit(more)
    if name == "no alembic":
        import venv

        venv.EnvBuilder(symlinks=True).create(both.root / "bare")
        both.commit()
    line = refused(gate("heads", "--merge", "-m", "two words", "--base", "main", cwd=both.root))
    assert reason in line
    assert changed(both) == []


def test_a_revision_with_operations_is_written_and_shown(both: Work, at: Callable[[str], Database]) -> None:
    """As another command uses it: operations, an import, and nothing left behind where it is only shown."""
    both.write({f"{VERSIONS}/b1.py": None, f"{VERSIONS}/b2.py": None})
    project = discovery.find(both.root)[0]
    graph = history.load(project)
    given = {
        "upgrades": 'op.add_column(\n    "users", sa.Column("note", postgresql.CIDR())\n)\n\nop.execute("SELECT 1")',
        "downgrades": 'op.drop_column("users", "note")',
        "imports": "from sqlalchemy.dialects import postgresql",
    }
    shown = written(project, graph, "add note", ("c2",), **given, keep=False)
    assert not shown.path.exists()
    assert changed(both) == [f"{VERSIONS}/b1.py", f"{VERSIONS}/b2.py"]
    kept = written(project, graph, "add note", ("c2",), **given)
    assert kept.text == kept.path.read_bytes()
    assert kept.text.replace(kept.revision.encode(), b"x") == shown.text.replace(shown.revision.encode(), b"x")
    database = at("theirs")
    database.alembic(both.root, "upgrade", "head")
    assert "note" in database.tables()["users"]
    database.alembic(both.root, "downgrade", "c2")
    assert "note" not in database.tables()["users"]


def test_a_message_that_would_end_its_docstring(both: Work, gate: Gate) -> None:
    assert 'leave the """ out' in refused(gate("heads", "--merge", "-m", '"""; x = 1', cwd=both.root))
    assert changed(both) == []


def test_a_message_as_people_write_them(both: Work, gate: Gate) -> None:
    message = 'it\'s "größe" ✓ a\\b\nc %(here)s ${x} <% y %> ' + "x" * 300
    said = gate("heads", "--merge", "-m", message, "--format", "json", cwd=both.root)
    assert said.status == 0, said.err
    assert len(heads(both.root)) == 1


def test_a_template_cannot_reach_a_database(both: Work, gate: Gate) -> None:
    connects = '<% import sqlalchemy as sa; sa.create_engine("postgresql+psycopg://db.internal/x").connect() %>'
    both.commit({"migrations/script.py.mako": connects})
    line = refused(gate("heads", "--merge", cwd=both.root))
    assert "nothing may connect to a database while a revision is written" in line


def _is_gone(pid: int) -> bool:
    """What was killed is there until somebody has waited for it."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_hook_that_waits_is_ended_and_the_file_does_not_stay(
    both: Work, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = "[post_write_hooks]\nhooks = wait\nwait.type = exec\nwait.executable = sh\n"
    wait = "wait.options = -c 'echo $$ > waits; sleep 60' REVISION_SCRIPT_FILENAME\n"
    both.commit({"alembic.ini": f"{SETTINGS['alembic.ini']}{hooks}{wait}"})
    started = both.root / "waits"

    class Impatient(subprocess.Popen[bytes]):
        """Its time is up as soon as the hook waits, however long it took to come so far."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout != writing.SECONDS:
                return super().wait(timeout)
            while not (started.exists() and started.read_text()):
                time.sleep(0.01)
            raise subprocess.TimeoutExpired("", timeout)

    monkeypatch.setattr(subprocess, "Popen", Impatient)
    line = refused(gate("heads", "--merge", cwd=both.root))
    assert line == "migrations: the revision was not written in 60 seconds: do its post-write hooks wait?"
    assert changed(both) == ["waits"]
    assert _is_gone(int(started.read_text()))


@pytest.mark.parametrize("words", [["--dry-run"], ["-m", "x"], ["--rebase", "-m", "x"]])
def test_an_option_without_what_it_is_for(words: list[str], work: Work, gate: Gate) -> None:
    assert "name --merge" in refused(gate("heads", *words, cwd=work.root))
