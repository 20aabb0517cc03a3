"""Text from files, revisions and servers forges neither a workflow command nor what a terminal shows.

GitHub's runner takes a line for a command where it begins with "::" after blanks, and where "##[" stands anywhere in
it (actions/runner, ActionCommand.cs).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migration_gate.report import text
from migration_gate.report.clean import clean
from tests.conftest import Gate, alembic_project, revision, write
from tests.report.conftest import HOSTILE, hostile

_ALLOWED = re.compile(r"::(error|notice) (file=[^:,]+,(line=\d+,)?)?title=[^:,]*::")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def commands(output: str) -> list[str]:
    """The lines that GitHub's runner would obey, less the report's own."""
    lines = re.split(r"\r\n|\r|\n", output)
    return [
        one
        for one in lines
        if (one.lstrip().startswith("::") and not _ALLOWED.match(one)) or ("##[" in one and not _ALLOWED.match(one))
    ]


def test_wrapping_makes_no_command():
    for length in range(80, 130):
        assert commands(text.render(hostile("x" * length + " ::error::forged"))) == []


@pytest.mark.parametrize("bad", HOSTILE)
def test_cleaning_shows_what_it_takes_out(bad: str):
    assert not UNSEEN.search(clean(bad).replace("\n", ""))
    assert clean(clean(bad)) == clean(bad)


def test_cleaning_changes_nothing_else():
    assert clean("größe\t┃ → ● 表 🐘\nx") == "größe\t┃ → ● 表 🐘\nx"


@pytest.mark.parametrize(
    ("form", "bad"),
    [
        ("text", "\\x1b]0;forged\\x07"),
        ("text", "\\u202egnp"),
        ("text", "\\n::error::forged"),
        ("github", "\\x1b]0;forged\\x07"),
        ("github", "\\u202egnp"),
        ("github", "\\n::error::forged"),
    ],
)
def test_a_hostile_table_and_message_forge_nothing(form: str, bad: str, gate: Gate, tmp_path: Path):
    body = f'op.add_column("users{bad}", sa.Column("c", sa.Text(), nullable=False))'
    project = alembic_project(
        tmp_path,
        "None",
        {"a": revision("a", body, message=f"first{bad}"), "b": revision("b", "pass", message=f"second{bad}")},
    )
    said = gate("lint", "--format", form, cwd=project)
    assert said.status == 1
    assert commands(said.out) == []
    assert not UNSEEN.search(said.out.replace("\n", ""))


@pytest.mark.parametrize("form", ["text", "github"])
def test_a_hostile_file_name_forges_nothing(form: str, gate: Gate, tmp_path: Path):
    body = 'op.add_column("users", sa.Column("c", sa.Text(), nullable=False))'
    project = alembic_project(tmp_path, "None", {"a\x1b]0;x\x07 ::error::,line=9": revision("a", body)})
    said = gate("lint", "--format", form, cwd=project)
    assert said.status == 1
    assert commands(said.out) == []
    assert not UNSEEN.search(said.out.replace("\n", ""))


@pytest.mark.parametrize("form", ["text", "github"])
def test_a_hostile_folder_name_forges_nothing(form: str, gate: Gate, tmp_path: Path):
    folder = "shop\n::error::forged\x1b]0;x\x07"
    files = {f"{folder}/env.py": "from alembic import context\n", f"{folder}/versions/a.py": revision("a", "pass")}
    said = gate("heads", "--format", form, cwd=write(tmp_path, files))
    assert said.status == 0
    assert commands(said.out) == []
    assert not UNSEEN.search(said.out.replace("\n", ""))


@pytest.mark.parametrize("bad", ["\x1b]0;x\x07", "\u202e", "\n::error::forged"])
def test_a_hostile_argument_forges_nothing(bad: str, gate: Gate, tmp_path: Path):
    said = gate("lint", f"gone{bad}.py", cwd=alembic_project(tmp_path, "None", {"a": revision("a", "pass")}))
    assert said.status == 2
    assert not UNSEEN.search(said.err.replace("\n", ""))
