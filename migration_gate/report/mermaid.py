"""The revision graph as a Mermaid flowchart, in which an upgrade runs downwards.

Source: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re

from migration_gate.findings import Node, Verdict
from migration_gate.report.clean import clean_line
from migration_gate.report.lines import caption

# Mermaid reads "#34;" as the character of that number (its page, "Entity codes to escape characters").
_NOT_PLAIN = re.compile(r"[^\w .,/+-]")
_STYLES = (
    "  classDef head stroke-width:3px",
    "  classDef own fill:#fff3c4,color:#000",
    "  classDef folded stroke-dasharray:3",
)


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The graphs, one subgraph for each project. Findings and problems are comments."""
    lines = ["graph TD"]
    lines += [f"  %% {_text(one.rule)}: the gate is closed" for one in verdict.findings]
    lines += [f"  %% {_text(one)}" for one in verdict.problems]
    for number, graph in enumerate(verdict.graphs or ()):
        ids = {one.id: f"p{number}n{at}" for at, one in enumerate(graph.nodes)}
        lines.append(f'  subgraph p{number}["{_text(graph.project)}"]')
        for one in reversed(graph.nodes):
            lines.append(f'    {ids[one.id]}["{_label(one)}"]{_class(one)}')
        for one in reversed(graph.nodes):
            lines += [f"    {ids[name]} --> {ids[one.id]}" for name in one.parents if name in ids]
            lines += [f"    {ids[name]} -.-> {ids[one.id]}" for name in one.depends_on if name in ids]
        lines.append("  end")
    return "\n".join([*lines, *(_STYLES if verdict.graphs else ())]) + "\n"


def _label(one: Node) -> str:
    return "<br/>".join(_text(line) for line in caption(one))


def _class(one: Node) -> str:
    name = "folded" if one.folded else "own" if one.own else "head" if one.head else ""
    return f":::{name}" if name else ""


def _text(text: str) -> str:
    return _NOT_PLAIN.sub(lambda one: f"#{ord(one[0])};", clean_line(text))
