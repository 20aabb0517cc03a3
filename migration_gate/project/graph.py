"""A project's whole history as plain data, for the formats that show it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from migration_gate.findings import Graph, Node
from migration_gate.project.drawing import newest_first
from migration_gate.project.history import History
from migration_gate.project.model import Project

LONGEST = 5  # revisions in a row that are shown one by one


def graph_of(project: Project, history: History) -> Graph:
    """The history, the newest revision first, the side of the base before this branch's own."""
    base = history.base
    shipped = base.past.revisions if base else {}
    parents = {parent for one in shipped.values() for parent in one.down}
    tips = {one for one in shipped if one not in parents}
    heads = sorted(history.heads, key=lambda head: head not in shipped)
    nodes = []
    for ident in newest_first(history, heads):
        one = history.revisions[ident]
        own = ident not in shipped if base else None
        nodes.append(
            Node(
                id=ident,
                parents=one.down,
                depends_on=one.depends_on,
                labels=one.labels,
                message=one.message,
                path=os.path.relpath(one.path).replace(os.sep, "/"),
                head=ident in heads,
                base=not one.down,
                own=own,
                mark="this branch" if own else base.name if base and ident in tips else "",
            )
        )
    return Graph(project.name, base.name if base else None, tuple(nodes))


def folded(graph: Graph) -> Graph:
    """The same with the middle of long straight stretches, of what nothing else is to be said, as one node each."""
    nodes = graph.nodes
    needed = {name for one in nodes for name in one.depends_on}
    children: dict[str, int] = {}
    for one in nodes:
        for parent in one.parents:
            children[parent] = children.get(parent, 0) + 1
    plain = [
        len(one.parents) == children.get(one.id) == 1
        and not (one.labels or one.depends_on or one.mark or one.id in needed)
        for one in nodes
    ]
    return graph._replace(nodes=tuple(_folded(nodes, plain)))


def _folded(nodes: Sequence[Node], plain: Sequence[bool]) -> Iterator[Node]:
    start = 0
    while start < len(nodes):
        end = start
        while end < len(nodes) and plain[end] and (end == start or nodes[end - 1].parents == (nodes[end].id,)):
            end += 1
        if end - start > LONGEST:
            yield nodes[start]
            count = end - start - 2
            yield nodes[start + 1]._replace(parents=nodes[end - 2].parents, message=f"{count} revisions", folded=count)
            yield nodes[end - 1]
        else:
            yield from nodes[start : max(end, start + 1)]
        start = max(end, start + 1)
