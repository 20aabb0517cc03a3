"""merged-revision-changed: which edits count, whose they are, and whether its remedy takes them back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Gate, revision
from tests.under_git import BAD as BODY
from tests.under_git import PROJECT, VERSIONS, Work, said, start

RULE = "merged-revision-changed"
B = f"{VERSIONS}/b.py"
TEXT = str(PROJECT[B])

BAD = {
    "an argument": ("sa.Text()", "sa.String()"),
    "a statement more": (BODY, BODY + "\n    op.drop_table('x')"),
    "a statement less": (BODY, "pass"),
    "its parent": ("down_revision = 'a'", "down_revision = None"),
    "a revision put below it": ("down_revision = 'a'", "down_revision = 'new'"),
    "its dependencies": ("down_revision = 'a'", "down_revision = 'a'\ndepends_on = 'a'"),
    "its label": ("down_revision = 'a'", "down_revision = 'a'\nbranch_labels = 'x'"),
}
GOOD = {
    "a comment": ("def upgrade", "# why\ndef upgrade"),
    "its message": ('"""b"""', '"""add the phone"""'),
    "its downgrade": ("    pass\n", "    op.drop_column('users', 'phone')\n"),
    "formatting": ('"users", sa', "'users',\n        sa"),
    "annotations": ("revision = ", "revision: str = "),
    "its parent in a tuple": ("down_revision = 'a'", "down_revision = ('a',)"),
}
EXTRA = {f"{VERSIONS}/new.py": revision("new", "pass", "a")}


def lint(gate: Gate, work: Work, *words: str) -> list[dict[str, object]]:
    return [
        dict(one) for one in said(gate("lint", "--format", "json", "--base", "main", *words, cwd=work.root).json, RULE)
    ]


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("committed", [True, False])
def test_an_edit_of_what_main_has(name: str, committed: bool, tmp_path: Path, gate: Gate) -> None:
    old, new = BAD[name]
    assert old in TEXT
    work = start(tmp_path / "work")
    work.write({B: TEXT.replace(old, new), **(EXTRA if "'new'" in new else {})})
    if committed:
        work.commit()
    (finding,) = lint(gate, work)
    assert (finding["path"], finding["revision"]) == (B, "b")
    subprocess.run(["sh", "-c", str(finding["remedy"])], check=True, cwd=work.root)
    assert (work.root / B).read_text() == TEXT
    assert lint(gate, work) == []


@pytest.mark.parametrize("name", GOOD)
def test_an_edit_that_changes_nothing(name: str, tmp_path: Path, gate: Gate) -> None:
    old, new = GOOD[name]
    assert old in TEXT
    work = start(tmp_path / "work")
    work.commit({B: TEXT.replace(old, new)})
    assert lint(gate, work) == []


def test_the_message_says_what_changed(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.commit({B: TEXT.replace("sa.Text()", "sa.String()")})
    (finding,) = lint(gate, work)
    assert finding["line"] == 10
    assert str(finding["message"]).splitlines() == [
        "main has b already, and here upgrade() has",
        "    op.add_column('users', sa.Column('phone', sa.String(), nullable=False))",
        "in place of",
        "    op.add_column('users', sa.Column('phone', sa.Text(), nullable=False))",
        "A database that has run it never runs it again: production stays as it is, and only databases that are made "
        "anew get this.",
    ]
    assert finding["remedy"] == f"git restore --source=main -- {B}\n# and make the change in a new revision"
    work.commit({B: TEXT.replace("down_revision = 'a'", "down_revision = None")})
    (finding,) = lint(gate, work)
    assert str(finding["message"]).startswith(
        'main has b already, and here its down_revision is None in place of "a".\n'
    )
    assert finding["line"] == 6


def test_a_file_that_moved_and_changed_is_brought_back_where_it_is_now(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.git("mv", "migrations", "db folder")
    work.write({"alembic.ini": "[alembic]\nscript_location = db folder\n"})
    now = "db folder/versions/2026_b.py"
    (work.root / "db folder/versions/b.py").rename(work.root / now)
    work.commit({now: TEXT.replace("sa.Text()", "sa.String()")})
    (finding,) = lint(gate, work)
    assert finding["path"] == now
    subprocess.run(["sh", "-c", str(finding["remedy"])], check=True, cwd=work.root)
    assert lint(gate, work) == []


def test_what_main_edited_since_is_not_this_branchs_doing(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.git("switch", "--quiet", "main")
    work.commit({B: TEXT.replace("sa.Text()", "sa.String()")})
    work.git("switch", "--quiet", "feature")
    assert lint(gate, work) == []
    work.commit({B: TEXT.replace("sa.Text()", "sa.Integer()")})
    assert len(lint(gate, work)) == 1


def test_an_edit_after_the_branch_was_merged_by_squashing(tmp_path: Path, gate: Gate) -> None:
    """Main has c by another commit than this branch: where they parted there was none."""
    work = start(tmp_path / "work")
    c = {f"{VERSIONS}/c.py": revision("c", BODY, "b")}
    work.commit(c)
    work.git("switch", "--quiet", "main")
    work.commit(c)
    work.git("switch", "--quiet", "feature")
    assert lint(gate, work) == []
    work.commit({f"{VERSIONS}/c.py": revision("c", "pass", "b")})
    assert [one["revision"] for one in lint(gate, work)] == ["c"]


def test_it_may_be_allowed_with_a_reason(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    allow = f"# migration-gate: allow {RULE} because it failed on every database, and none has it\n    "
    work.commit({B: TEXT.replace(BODY, allow + BODY.replace("Text", "String"))})
    assert gate("lint", "--format", "json", "--base", "main", cwd=work.root).rules == []


@pytest.mark.parametrize("depth", [1, 2])
def test_in_a_shallow_clone_it_is_a_note_unless_the_base_is_heads_parent(
    depth: int, tmp_path: Path, gate: Gate
) -> None:
    work = start(tmp_path / "work")
    for number in range(3 - depth):
        work.commit({B: TEXT.replace("sa.Text()", "sa.String()"), "README": str(number)})
    clone = work.clone(tmp_path / "clone", "--depth", "1", "--branch", "feature")
    clone.git("fetch", "--quiet", "--depth=1", "origin", "main:main")
    report = gate("lint", "--format", "json", "--base", "main", cwd=clone.root)
    notes = [one["message"] for one in report.json["notes"] if RULE in one["message"]]
    assert (report.rules, len(notes)) == (([], 1) if depth == 1 else ([RULE], 0))
    if depth == 1:
        assert "\n" not in notes[0]
        clone.git("fetch", "--quiet", "--unshallow")
        assert gate("lint", "--format", "json", "--base", "main", cwd=clone.root).rules == [RULE]


def test_a_file_that_is_no_python_is_said_by_another_rule(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    work.commit({B: TEXT + "\ndef ("})
    assert gate("lint", "--format", "json", "--base", "main", cwd=work.root).rules == ["unreadable-revision"]


def test_a_text_nested_beyond_comparison_is_an_edit(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work")
    deep = "x = " + "-" * 900 + "1"
    work.commit({B: TEXT.replace(BODY, f"{BODY}\n    {deep}")})
    assert len(lint(gate, work)) == 1
