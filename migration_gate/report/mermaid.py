"""A graph as mermaid draws it: nodes and edges in, text out.

Source: mermaid's documentation, "Flowcharts", "Entity codes to escape characters".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from migration_gate.report.clean import clean_line

LONGEST = 60  # characters of a line of a label

# A label is a quoted string, and these mean nothing in one. All else is written by its number: mermaid reads quotes,
# markdown, HTML, its own comments, directives and entity codes in a label.
_PLAIN = " ,"


class Node(NamedTuple):
    """``lines`` are those of its label; ``style`` is the name of a style, "" for none."""

    id: str
    lines: tuple[str, ...]
    style: str = ""


class Edge(NamedTuple):
    """An arrow from one node's id to another's; ``weak`` ones are dotted."""

    source: str
    target: str
    weak: bool = False


def flowchart(nodes: Iterable[Node], edges: Iterable[Edge], styles: Iterable[tuple[str, str]] = ()) -> str:
    """The text of a flowchart that goes up, without its fence. ``styles`` are names, each with its CSS; edges from or
    to what is no node are left out. Whatever ids and labels hold, the graph is the one that was given.
    """
    lines = ["flowchart BT"]
    names: dict[str, str] = {}
    for one in nodes:
        names[one.id] = name = f"n{len(names)}"
        label = "<br/>".join(map(escape, filter(None, one.lines)))
        lines.append(f'    {name}["{label}"]' + (f":::{one.style}" if one.style else ""))
    for edge in edges:
        if edge.source in names and edge.target in names:
            arrow = "-.->" if edge.weak else "-->"
            lines.append(f"    {names[edge.source]} {arrow} {names[edge.target]}")
    lines += [f"    classDef {name} {css}" for name, css in styles]
    return "\n".join(lines)


def escape(text: str) -> str:
    """One line of a label: cut, and only letters, digits, blanks and commas as they are."""
    text = clean_line(text)
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "".join(one if one.isalnum() or one in _PLAIN else f"#{ord(one)};" for one in text)
