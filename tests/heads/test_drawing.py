"""The history as lines of text: what a lane, a fork, a join and a folded stretch look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.findings import Graph, Node
from migration_gate.project.drawing import Row, draw
from migration_gate.project.graph import LONGEST, folded
from tests.conftest import Gate, revision, write
from tests.under_git import PROJECT, VERSIONS, start

SHAPES = {
    "a line": (["b<a", "a"], "● b\n● a"),
    "a fork": (["b<a", "c<a", "a"], "● b\n│ ● c\n├─╯\n● a"),
    "a join": (["d<b,c", "b<a", "c<a", "a"], "● d\n├─╮\n● │ b\n│ ● c\n├─╯\n● a"),
    "three at once": (["b<a", "c<a", "d<a", "a"], "● b\n│ ● c\n│ │ ● d\n├─┴─╯\n● a"),
    "joined three": (["e<b,c,d", "b", "c", "d"], "● e\n├─┬─╮\n● │ │ b\n  ● │ c\n    ● d"),
    "two ends": (["b<a", "a", "d<c", "c"], "● b\n● a\n● d\n● c"),
    "a lane between": (
        ["b<a", "c<x", "d<a", "a<x", "x"],
        "● b\n│ ● c\n│ │ ● d\n├─┼─╯\n● │ a\n├─╯\n● x",
    ),
    "a join beside a lane": (
        ["z<b", "y<b,c", "b<a", "c<a", "a"],
        "● z\n│ ● y\n│ ├─╮\n├─╯ │\n●   │ b\n│   ● c\n├───╯\n● a",
    ),
    "a parent that is not there": (["b<gone"], "● b"),
    "a circle": (["a<b", "b<a"], "● a\n● b"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_drawn(name: str) -> None:
    rows, lines = SHAPES[name]
    assert "\n".join(draw(list(map(row, rows)))) == lines


def row(text: str) -> Row:
    ident, _, parents = text.partition("<")
    return Row(ident, tuple(filter(None, parents.split(","))), ident)


def test_marks_stand_in_a_column() -> None:
    rows = [Row("b", ("a",), "b  a long one", "main"), Row("c", ("a",), "c", "this branch"), Row("a", (), "a" * 40)]
    assert draw(rows)[:2] == ["● b  a long one    main", "│ ● c              this branch"]


def node(number: int, last: int, **more: object) -> Node:
    parents = (f"r{number + 1}",) if number < last else ()
    one = Node(f"r{number}", parents, (), (), f"change {number}", "p.py", number == 0, number == last, None)
    return one._replace(**more)


def test_a_long_stretch_is_folded_and_what_there_is_to_say_of_is_not() -> None:
    nodes = [node(number, 40) for number in range(41)]
    nodes[20] = nodes[20]._replace(labels=("expand",))
    shown = folded(Graph("p", None, tuple(nodes))).nodes
    assert [one.folded or one.id for one in shown] == ["r0", "r1", 17, "r19", "r20", "r21", 17, "r39", "r40"]
    lines = draw([Row(one.id, one.parents, one.id) for one in shown])
    assert len(lines) == len(shown)
    assert all(line.startswith("● ") for line in lines)


def test_a_short_stretch_is_shown_whole() -> None:
    nodes = tuple(node(number, LONGEST + 1) for number in range(LONGEST + 2))
    assert folded(Graph("p", None, nodes)).nodes == nodes


def test_the_whole_history_in_the_terminal(tmp_path: Path, gate: Gate) -> None:
    linear = {
        f"{VERSIONS}/r{number:02}.py": revision(f"r{number:02}", "pass", f"r{number - 1:02}" if number else None)
        for number in range(30)
    }
    labelled = revision("x", "pass", "r03").replace("down_revision", 'branch_labels = "expand"\ndown_revision', 1)
    settings = {name: text for name, text in PROJECT.items() if VERSIONS not in name}
    work = start(tmp_path, settings | linear | {f"{VERSIONS}/x.py": labelled})
    needs = revision("y", "pass", "r29", "one\x1b[2J more").replace("down_rev", 'depends_on = "expand"\ndown_rev', 1)
    work.write({f"{VERSIONS}/y.py": needs, "pyproject.toml": '[tool.migration-gate]\nbranches = ["expand"]\n'})
    said = gate("heads", "--graph", "--base", "main", cwd=work.root)
    assert said.status == 0
    assert said.out.split("\n\n")[0].splitlines() == [
        "migrations",
        "  ● x  x  (labels expand)                        main",
        "  │ ● y  one\\x1b[2J more  (depends on expand)    this branch",
        "  │ ● r29  r29                                   main",
        "  │ ● r28  r28",
        "  │ ● … 23 revisions",
        "  │ ● r04  r04",
        "  ├─╯",
        "  ● r03  r03",
        "  ● r02  r02",
        "  ● r01  r01",
        "  ● r00  r00",
    ]
    assert "this branch's, not in main: y" in said.out


def test_a_history_in_a_circle_is_drawn_too(tmp_path: Path, gate: Gate) -> None:
    circle = {f"{VERSIONS}/{name}.py": revision(name, "pass", down) for name, down in ("ab", "bc", "ca")}
    write(tmp_path, {name: text for name, text in PROJECT.items() if VERSIONS not in name} | circle)
    for form in ("text", "json", "mermaid", "dot"):
        said = gate("heads", "--graph", "--format", form, cwd=tmp_path)
        assert (said.status, said.err) == (1, "")
