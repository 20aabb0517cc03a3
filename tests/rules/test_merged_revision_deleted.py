"""merged-revision-deleted: what is deleted, what only moved, and whether its remedy brings it back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from tests.conftest import Gate, revision
from tests.under_git import PROJECT, VERSIONS, Work, said, start

RULE = "merged-revision-deleted"
A, B = f"{VERSIONS}/a.py", f"{VERSIONS}/b.py"


def text(work: Work, name: str) -> str:
    return (work.root / name).read_text()


def delete_head(work: Work) -> None:
    work.write({B: None})


def delete_and_replace(work: Work) -> None:
    work.write({B: None, f"{VERSIONS}/x.py": revision("x", "pass", "a")})


def change_its_id(work: Work) -> None:
    work.write({B: text(work, B).replace('"b"', '"x"')})


def delete_two(work: Work) -> None:
    work.write({A: None, B: None, f"{VERSIONS}/x.py": revision("x", "pass")})


def rename(work: Work) -> None:
    (work.root / B).rename(work.root / VERSIONS / "2026_b.py")


def move_folder(work: Work) -> None:
    work.git("mv", "migrations", "db")
    work.write({"alembic.ini": "[alembic]\nscript_location = db\n"})


def spoil(work: Work) -> None:
    work.write({B: text(work, B) + "\ndef ("})


def edit(work: Work) -> None:
    work.write({B: text(work, B) + "\n# a comment\n"})


BAD = {
    delete_head: ["b"],
    delete_and_replace: ["b"],
    change_its_id: ["b"],
    delete_two: ["a", "b"],
}
GOOD = [rename, move_folder, spoil, edit]


@pytest.mark.parametrize("change", BAD)
@pytest.mark.parametrize("committed", [True, False])
def test_what_main_has_and_this_branch_has_no_longer(
    change: Callable[[Work], None], committed: bool, tmp_path: Path, gate: Gate
) -> None:
    work = start(tmp_path / "work")
    change(work)
    if committed:
        work.commit()
    gone = BAD[change]
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    listed = [line.split()[0] for line in finding["message"].splitlines() if line.startswith("    ")]
    assert listed == gone
    script = ScriptDirectory.from_config(Config("alembic.ini"))
    with pytest.raises(CommandError, match=f"Can't locate revision identified by '{gone[0]}'"):
        script.get_revision(gone[0])  # Alembic's own word
    (work.root / VERSIONS / "x.py").unlink(missing_ok=True)  # what the branch put in its place goes with it
    subprocess.run(["sh", "-c", finding["remedy"]], check=True, cwd=work.root)
    report = gate("lint", "--format", "json", "--base", "main", cwd=work.root)
    assert report.rules == []


def test_a_history_that_is_gone_altogether_is_no_pass(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.write({A: None, B: None})
    assert gate("lint", "--base", "main", cwd=work.root).status == 2


@pytest.mark.parametrize("change", GOOD)
def test_what_is_here_still(change: Callable[[Work], None], tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    change(work)
    assert list(said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)) == []


def test_what_main_added_or_deleted_since_is_not_this_branchs_doing(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.git("switch", "--quiet", "main")
    work.commit({f"{VERSIONS}/c.py": revision("c", "pass", "b")})
    work.git("switch", "--quiet", "feature")
    assert gate("lint", "--base", "main", cwd=work.root).status == 0
    work.git("switch", "--quiet", "main")
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    work.commit({B: None})
    work.git("switch", "--quiet", "feature")
    assert list(said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)) == []


def test_the_message_of_one(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    change_its_id(work)
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    assert (finding["path"], finding["line"], finding["revision"]) == (B, 5, "b")
    assert finding["message"].splitlines() == [
        "main has the revision b, and this branch has it no longer:",
        f"    b  b  {B}, which has the id x here",
        "A database that is at it stops with \"Can't locate revision identified by 'b'\", and one that has not come so "
        "far will never run it.",
    ]
    assert finding["remedy"].splitlines()[0] == f"git restore --staged --worktree --source=main -- {B}"


def test_a_squashed_history_is_one_finding_with_one_command(tmp_path: Path, gate: Gate) -> None:
    many = [f"r{number:03}" for number in range(60)]
    files = {name: content for name, content in PROJECT.items() if VERSIONS not in name}
    folder = "my apps/migrations"
    files = {name.replace("migrations", folder): content for name, content in files.items()}
    files["alembic.ini"] = f"[alembic]\nscript_location = {folder}\n"
    parents = [None, *many]
    for ident, down in zip(many, parents, strict=False):
        files[f"{folder}/versions/{ident}.py"] = revision(ident, "pass", down)
    work = start(tmp_path / "work", files)
    squashed: dict[str, str | None] = {f"{folder}/versions/{ident}.py": None for ident in many}
    work.commit(squashed | {f"{folder}/versions/squashed.py": revision("squashed", "pass")})
    (finding,) = said(gate("lint", "--format", "json", "--base", "main", cwd=work.root).json, RULE)
    assert finding["message"].splitlines()[0] == "main has 60 revisions, and this branch has them no longer:"
    assert finding["message"].splitlines()[11] == "    and 50 more"
    work.write({f"{folder}/versions/squashed.py": None, f"{folder}/versions/new.py": revision("new", "pass", "r059")})
    work.commit()
    subprocess.run(["sh", "-c", finding["remedy"]], check=True, cwd=work.root)
    assert gate("lint", "--format", "json", "--base", "main", cwd=work.root).rules == []
    assert (work.root / folder / "versions/new.py").exists()
    work.write({f"{folder}/versions/{ident}.py": None for ident in many[:20]})
    work.write({"pyproject.toml": '[tool.migration-gate]\nignore = ["merged-revision-deleted", "missing-revision"]\n'})
    assert RULE not in gate("lint", "--format", "json", "--base", "main", cwd=work.root).rules


def test_in_a_shallow_clone_it_is_a_note(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.commit({B: None})
    work.commit({"README": "x"})
    clone = work.clone(tmp_path / "clone", "--depth", "1", "--branch", "feature")
    clone.git("fetch", "--quiet", "--depth=1", "origin", "main:main")
    report = gate("lint", "--format", "json", "--base", "main", cwd=clone.root)
    assert report.rules == []
    (note,) = [one["message"] for one in report.json["notes"] if RULE in one["message"]]
    clone.git(*note.partition("git ")[2].rstrip(".)").split())
    assert report.status == 0
    assert gate("lint", "--format", "json", "--base", "main", cwd=clone.root).rules == [RULE]
