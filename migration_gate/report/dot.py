"""The revision graph for Graphviz (https://graphviz.org/doc/info/lang.html): an upgrade runs downwards."""

from __future__ import annotations

from migration_gate.findings import Node, Verdict
from migration_gate.report.clean import clean_line, harmless
from migration_gate.report.lines import caption


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The graphs, one cluster for each project. Findings and problems are comments."""
    lines = ["digraph migrations {"]
    lines += [f"  // {clean_line(one.rule)}: the gate is closed" for one in verdict.findings]
    lines += [f"  // {clean_line(one)}" for one in verdict.problems]
    lines.append('  node [shape=box, fontname="sans-serif"];')
    for number, graph in enumerate(verdict.graphs or ()):
        ids = {one.id: f"p{number}n{at}" for at, one in enumerate(graph.nodes)}
        lines += [f"  subgraph cluster_{number} {{", f'    label="{_text(graph.project)}";']
        for one in reversed(graph.nodes):
            lines.append(f'    {ids[one.id]} [label="{_label(one)}"{_style(one)}];')
        for one in reversed(graph.nodes):
            lines += [f"    {ids[name]} -> {ids[one.id]};" for name in one.parents if name in ids]
            lines += [f"    {ids[name]} -> {ids[one.id]} [style=dashed];" for name in one.depends_on if name in ids]
        lines.append("  }")
    return harmless("\n".join([*lines, "}"])) + "\n"


def _label(one: Node) -> str:
    return "\\n".join(_text(line) for line in caption(one))


def _style(one: Node) -> str:
    if one.folded:
        return ", style=dashed"
    return (', style=filled, fillcolor="#fff3c4"' if one.own else "") + (", penwidth=3" if one.head else "")


def _text(text: str) -> str:
    """Inside of a quoted string: a backslash begins an escape of Graphviz's own, "&" one of HTML's."""
    return clean_line(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
