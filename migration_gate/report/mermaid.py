"""The revision graph as a Mermaid flowchart, in which an upgrade runs downwards.

Source: Mermaid's documentation, "Flowcharts", "Entity codes to escape characters".
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.findings import Graph, Node, Verdict
from migration_gate.report.clean import clean_line
from migration_gate.report.lines import caption

_BEGIN = "graph TD"
_STYLES = (
    "  classDef head stroke-width:3px",
    "  classDef own fill:#fff3c4,color:#000",
    "  classDef folded stroke-dasharray:3",
)
# A label is a quoted string, and these mean nothing in one. All else is written by its number: Mermaid reads quotes,
# markdown, HTML, its own comments, directives and entity codes in a label.
_PLAIN = " ,"


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The graphs, one subgraph for each project. Findings and problems are comments."""
    lines = [_BEGIN]
    lines += [f"  %% {escape(one.rule)}: the gate is closed" for one in verdict.findings]
    lines += [f"  %% {escape(one)}" for one in verdict.problems]
    for number, graph in enumerate(verdict.graphs or ()):
        lines.append(f'  subgraph p{number}["{escape(graph.project)}"]')
        lines += (f"  {line}" for line in _drawn(graph, f"p{number}"))
        lines.append("  end")
    return "\n".join([*lines, *(_STYLES if verdict.graphs else ())]) + "\n"


def flowchart(graph: Graph) -> str:
    """One graph by itself, for a fence of Markdown."""
    return "\n".join([_BEGIN, *_drawn(graph, ""), *_STYLES])


def _drawn(graph: Graph, prefix: str) -> Iterator[str]:
    """The nodes, the oldest first, then the arrows; those from what has no node are left out."""
    ids = {one.id: f"{prefix}n{at}" for at, one in enumerate(graph.nodes)}
    for one in reversed(graph.nodes):
        yield f'  {ids[one.id]}["{"<br/>".join(map(escape, caption(one)))}"]{_class(one)}'
    for one in reversed(graph.nodes):
        yield from (f"  {ids[name]} --> {ids[one.id]}" for name in one.parents if name in ids)
        yield from (f"  {ids[name]} -.-> {ids[one.id]}" for name in one.depends_on if name in ids)


def _class(one: Node) -> str:
    name = "folded" if one.folded else "own" if one.own else "head" if one.head else ""
    return f":::{name}" if name else ""


def escape(text: str) -> str:
    """One line of a label: only letters, digits, blanks and commas as they are."""
    return "".join(one if one.isalnum() or one in _PLAIN else f"#{ord(one)};" for one in clean_line(text))
