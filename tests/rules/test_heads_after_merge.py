"""heads-after-merge: what it says of two branches, whether git and Alembic agree, and whether its remedy mends it."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.conftest import ENV, Gate, revision
from tests.under_git import PROJECT, VERSIONS, Work, said, start

RULE = "heads-after-merge"
Files = Mapping[str, str | None]


def files(*ids: str, **more: str | None) -> dict[str, str | None]:
    """Harmless revisions, each "id<parent": their files. ``more`` are other files' texts by stem."""
    pairs = [one.partition("<") for one in ids]
    made: dict[str, str | None] = {
        f"{VERSIONS}/{ident}.py": revision(ident, "pass", down or None, f"change {ident}") for ident, _, down in pairs
    }
    return made | {f"{VERSIONS}/{name}.py": text for name, text in more.items()}


SETTINGS: Files = {name: text for name, text in PROJECT.items() if VERSIONS not in name}


def parted(root: Path, common: Files, ours: Files, theirs: Files) -> Work:
    """A repository where main and feature have each gone their way; feature is checked out."""
    work = start(root, SETTINGS | common)
    work.commit(ours)
    work.git("switch", "--quiet", "main")
    work.commit(theirs)
    work.git("switch", "--quiet", "feature")
    return work


def heads_after_merge(work: Work) -> set[str]:
    """Alembic's word for the heads, after git has merged; the work tree is then as it was."""
    work.git("merge", "--quiet", "--no-ff", "--no-commit", "main")
    with contextlib.chdir(work.root):
        heads = set(ScriptDirectory.from_config(Config("alembic.ini")).get_heads())
    work.git("reset", "--quiet", "--hard")
    return heads


LABELLED = revision("x", "pass", "a").replace("down_revision", 'branch_labels = "expand"\ndown_revision')
JOIN = revision("m", "pass").replace("down_revision = None", 'down_revision = ("b", "c")')

BAD: Mapping[str, tuple[Files, Files, Files]] = {
    "one on each side": (files("a"), files("b<a"), files("c<a")),
    "several on each side": (files("a"), files("b<a", "d<b"), files("c<a", "e<c")),
    "on different parents": (files("a", "b<a"), files("d<b"), files("c<a")),
    "independent bases": (files("a"), files("b<a"), files("c")),
    "both first": ({}, files("a"), files("b")),
    "we joined a fork of our own": (files("a"), files("b<a", "c<a", m=JOIN), files("d<a")),
    "main has a fork of its own": (files("a"), files("b<a"), files("c<a", "d<a")),
    "we renamed a file": (
        files("a"),
        files("b<a", **{"2026_a": files("a")[f"{VERSIONS}/a.py"], "a": None}),
        files("c<a"),
    ),
}
README: Files = {"README": "x"}
NO_B: Files = {f"{VERSIONS}/b.py": None}
GOOD: Mapping[str, tuple[Files, Files, Files]] = {
    "nothing on main": (files("a"), files("b<a"), {}),
    "nothing here": (files("a"), {}, files("b<a")),
    "other files on main": (files("a"), files("b<a"), README),
    "main goes on, and we have nothing new": (files("a", "b<a"), README, files("c<b")),
    "main has a fork, and we have nothing new": (files("a"), {}, files("b<a", "c<a")),
    "the same revision on both sides": (files("a"), files("b<a"), files("b<a")),
    "main deleted what we have": (files("a", "b<a"), README, NO_B),
    "main put another in place of the head": (files("a", "b<a"), README, files("c<a") | NO_B),
    "we put another in place of the head": (files("a", "b<a"), files("c<a") | NO_B, README),
    "main joined its fork, and we have the one side": (files("a", "b<a"), README, files("c<a", m=JOIN)),
}


@pytest.mark.parametrize("name", BAD)
def test_two_heads_after_the_merge(name: str, tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", *BAD[name])
    report = gate("lint", "--format", "json", "--base", "main", cwd=work.root).json
    (finding,) = said(report, RULE)
    assert [one["rule"] for one in report["findings"]] == [RULE]
    assert (work.root / finding["path"]).is_file()
    assert len(heads_after_merge(work)) > 1
    assert gate("heads", "--base", "main", cwd=work.root).status == 1


@pytest.mark.parametrize("name", GOOD)
def test_one_head_after_the_merge(name: str, tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", *GOOD[name])
    report = gate("lint", "--format", "json", "--base", "main", cwd=work.root).json
    assert list(said(report, RULE)) == []
    if "fork" not in name:
        assert len(heads_after_merge(work)) == 1


def test_the_drawing_says_whose_each_head_is(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a", "d<b"), files("c<a"))
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    assert (finding["path"], finding["line"], finding["revision"]) == (f"{VERSIONS}/b.py", 6, "b")
    assert finding["message"].splitlines() == [
        "main has moved on: one head here, 2 after the merge. `alembic upgrade head` will stop then with",
        "\"Multiple head revisions are present for given argument 'head'\".",
        "",
        "    ● c  change c                     main",
        "    │ ● d  change d  (+1 below it)    this branch",
        "    ├─╯",
        "    ● a  change a",
    ]


def test_multiple_heads_after_a_merge_in_progress_says_whose_they_are(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a"), files("c<a"))
    work.git("merge", "--quiet", "--no-commit", "main")
    report = gate("heads", "--format", "json", "--base", "main", cwd=work.root).json
    (finding,) = report["findings"]
    assert finding["rule"] == "multiple-heads"
    assert [line.split()[-2:] for line in finding["message"].splitlines() if "change" in line][:2] == [
        ["this", "branch"],
        ["c", "main"],
    ]
    assert finding["remedy"].splitlines()[:2] == [
        f"# main does not have b yet: this puts its branch behind c, in {VERSIONS}/b.py",
        "migration-gate heads --rebase --base main",
    ]


JOINED_ONLY = ["on different parents", "independent bases", "main has a fork of its own"]


@pytest.mark.parametrize("name", JOINED_ONLY)
def test_what_cannot_move_is_joined(name: str, tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", *BAD[name])
    work.write({"migrations/script.py.mako": TEMPLATE})
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    merge, join = finding["remedy"].splitlines()
    work.git(*shlex.split(merge)[1:])
    assert gate(*shlex.split(join)[1:], "--base", "main", cwd=work.root).status == 0
    assert gate("lint", "--base", "main", cwd=work.root).status == 0
    assert len(heads_after_merge(work)) == 1


@pytest.mark.parametrize("way", ["behind", "join"])
@pytest.mark.parametrize("name", [one for one in BAD if one not in JOINED_ONLY])
def test_its_remedy_mends_it(name: str, way: str, tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", *BAD[name])
    work.write({"migrations/script.py.mako": TEMPLATE})
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    merge, _, behind, _, join = finding["remedy"].splitlines()
    work.git(*shlex.split(merge)[1:])
    assert gate(*shlex.split(behind if way == "behind" else join)[1:], cwd=work.root).status == 0
    assert gate("lint", "--base", "main", cwd=work.root).status == 0
    assert len(heads_after_merge(work)) == 1


TEMPLATE = '''"""${message}"""
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    pass
'''


def test_it_is_not_said_where_the_fork_is_here_already(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a", "d<a"), files("c<a"))
    said = gate("lint", "--format", "json", "--base", "main", cwd=work.root)
    assert said.rules == ["multiple-heads"]


@pytest.mark.parametrize(("branches", "closed"), [([], True), (["expand"], False)])
def test_a_declared_label_may_have_a_head_of_its_own(
    branches: list[str], closed: bool, tmp_path: Path, gate: Gate
) -> None:
    work = parted(tmp_path / "work", files("a"), files(x=LABELLED), files("c<a"))
    work.write({"pyproject.toml": f"[tool.migration-gate]\nbranches = {branches}\n"})
    report: dict[str, Any] = gate("lint", "--format", "json", "--base", "main", cwd=work.root).json
    assert bool(list(said(report, RULE))) is closed


def test_a_circle_below_the_head_is_walked_once(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", {}, files("b<c", "c<b", "d<b"), files("e"))
    report = gate("lint", "--format", "json", "--base", "main", cwd=work.root)
    assert report.rules == [RULE, "revision-cycle"]


def test_a_shallow_clone_sees_it_too(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a"), files("c<a"))
    clone = work.clone(tmp_path / "clone", "--depth", "1", "--branch", "feature")
    clone.git("fetch", "--quiet", "--depth=1", "origin", "main:main")
    assert gate("lint", "--format", "json", "--base", "main", cwd=clone.root).rules == [RULE]


def test_where_no_base_is_known_a_note_says_so_once(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a"), files("c<a"))
    for command in ("lint", "heads"):
        report = gate(command, "--format", "json", cwd=work.root).json
        assert report["findings"] == []
        assert sum("what this branch will merge into is not known" in one["message"] for one in report["notes"]) == 1


@pytest.mark.slow
def test_the_rehearsal_says_it_among_its_stages(tmp_path: Path, gate: Gate) -> None:
    work = parted(tmp_path / "work", files("a"), files("b<a"), {})
    env = ENV.format(engine='create_engine("postgresql+psycopg://")', before="")
    work.write({"migrations/env.py": env, "pyproject.toml": '[tool.migration-gate]\nignore = ["drift"]\n'})
    out = gate("ci", "--base", "main", cwd=work.root).out
    assert " · base main\n" in out
    assert "✓ history   2 revisions, one head, one head after the merge\n" in out
    work.git("switch", "--quiet", "main")
    work.commit(files("c<a"))
    work.git("switch", "--quiet", "feature")
    out = gate("ci", "--base", "main", cwd=work.root).out
    assert "✗ history   2 revisions, one head here, 2 after the merge\n" in out
