"""The report for a person at a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migration_gate.commands.emit import use_color
from migration_gate.findings import Finding, Note, Verdict
from migration_gate.report.text import render
from tests.conftest import write
from tests.report.conftest import FINDING, VERDICT

SOURCE = 'revision = "a1"\n\nop.add_column("users", …)\nop.execute(sql)\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, {"migrations/versions/a1.py": SOURCE})


def test_everything_has_its_place():
    assert render(VERDICT).splitlines() == [
        "migration-gate ci    shop/migrations",
        "",
        "  ✓ upgrade   3.1 s",
        "  ✗ rows      a1 fails",
        "  ? drift     not compared",
        "",
        "migrations/versions/a1.py:3  not-null-without-default",
        "",
        "   2 │",
        ' ▸ 3 │ op.add_column("users", …)',
        "",
        "  users.phone is NOT NULL.",
        "  It has no server default.",
        '  column "phone" contains null values',
        "",
        "  Write instead:",
        '      op.add_column("users", …)',
        "      # or",
        '      op.execute("UPDATE …")',
        "",
        "  note: migrations/versions/a1.py:4: not read: the SQL is computed",
        "  note: a word",
        "",
        "migration-gate: no PostgreSQL to rehearse on",
        "",
        "  To allow one on its line, with a reason:  # migration-gate: allow not-null-without-default because …",
        "",
        "1 finding: the gate is closed. Not all of it could be judged.  214 revisions, 1 new · 41 ms",
    ]


@pytest.mark.parametrize(
    ("verdict", "last"),
    [
        (Verdict(facts=("2 revisions",)), "the gate is open.  2 revisions"),
        (Verdict(), "the gate is open."),
        (Verdict(problems=("p",)), "the gate could not judge."),
        (Verdict(findings=(FINDING, FINDING)), "2 findings: the gate is closed."),
        (
            Verdict(findings=(FINDING,), problems=("p",)),
            "1 finding: the gate is closed. Not all of it could be judged.",
        ),
    ],
)
def test_the_last_line_is_the_verdict(verdict: Verdict, last: str):
    assert render(verdict).splitlines()[-1] == last


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("gone.py", 3),
        ("migrations/versions/a1.py", 99),
        ("migrations/versions/a1.py", None),
        ("migrations", 1),
        (None, 3),
    ],
)
def test_a_line_that_is_not_there_has_no_frame(path: str | None, line: int | None):
    assert "│" not in render(Verdict(findings=(Finding("r", "m", path, line),)))


def test_the_first_line_has_none_above_it():
    text = render(Verdict(findings=(Finding("r", "m", "migrations/versions/a1.py", 1),)))
    assert [line for line in text.splitlines() if "│" in line] == [' ▸ 1 │ revision = "a1"']


@pytest.mark.parametrize("content", [b"x = '" + b"y" * 100_000 + b"'", b"\xff\xfe\n", b"\x1b]0;forged\x07", b"a\rb"])
def test_a_frame_is_short_and_clean_whatever_the_file_holds(content: bytes, folder: Path):
    (folder / "a.py").write_bytes(content)
    (frame,) = [one for one in render(Verdict(findings=(Finding("r", "m", "a.py", 1),))).splitlines() if "│" in one]
    assert len(frame) < 130
    assert frame.isprintable() or "�" in frame


def test_long_paragraphs_are_wrapped_and_drawings_are_not():
    message = "word " * 60 + "\n    ●" + "─" * 200
    lines = render(Verdict(findings=(Finding("r", message),))).splitlines()
    assert max(len(line) for line in lines if "word" in line) <= 120
    assert sum("word" in line for line in lines) == 3
    assert f"      ●{'─' * 200}" in lines


def test_a_text_without_end_is_cut_and_says_so():
    text = render(Verdict(findings=(Finding("r", "x" * 1_000_000, remedy="y" * 1_000_000),)))
    assert len(text) < 10_000
    assert "… (+996,000 characters)" in text


def test_few_notes_are_shown_and_all_on_demand():
    verdict = Verdict(notes=tuple(Note(f"n{number}") for number in range(8)))
    assert "n4" in render(verdict)
    assert "n5" not in render(verdict)
    assert "  3 more notes: --notes" in render(verdict).splitlines()
    assert "n7" in render(verdict, notes=True)
    assert "--notes" not in render(verdict, notes=True)


@pytest.mark.parametrize(
    ("rule", "heading"), [("not-null-without-default", "Write instead:"), ("missing-revision", "What to do:")]
)
def test_a_remedy_is_code_or_something_to_do(rule: str, heading: str):
    assert f"  {heading}" in render(Verdict(findings=(Finding(rule, "m", remedy="x"),))).splitlines()


@pytest.mark.parametrize(("end", "shown"), [(None, 1), (5, 1), (7, 3), (10, 6), (50, 6), (500, 6)])
def test_a_frame_shows_the_statement_and_of_a_long_one_the_beginning(end: int | None, shown: int, folder: Path):
    write(folder, {"a.py": "\n".join(f"line {number}" for number in range(1, 61))})
    text = render(Verdict(findings=(Finding("r", "m", "a.py", 5, end=end),)))
    frame = [line for line in text.splitlines() if "│" in line]
    assert frame[0].endswith("4 │ line 4")
    assert frame[1].endswith("5 │ line 5")
    assert frame[1].startswith(" ▸")
    assert len(frame) == 1 + shown


def test_color_is_only_for_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch):
    class Terminal:
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert use_color(Terminal()) is True
    assert use_color(object()) is False
    monkeypatch.setenv("TERM", "dumb")
    assert use_color(Terminal()) is False
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert use_color(Terminal()) is False


@pytest.mark.parametrize("text", ["::error::x", " ::error::x", "\u00a0::error::x", "##[error]x", "a\n\n::x::\n##[y]"])
def test_a_color_makes_no_line_harmful(text: str):
    verdict = Verdict(findings=(Finding(text, text, text, 3),), problems=(text,), title=text)
    for color in (True, False):
        rendered = re.sub(r"\x1b\[[\d;]*m", "", render(verdict, color))
        assert not [line for line in rendered.split("\n") if line.lstrip().startswith("::") or "##[" in line]


def test_color_changes_no_word():
    colored = render(VERDICT, color=True)
    assert "\x1b[1;31m" in colored
    plain = render(VERDICT)
    assert "\x1b" not in plain
    for code in ("1", "32", "1;31", "1;32", "1;33", "0"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == plain
