"""Where histories end, for a report to draw: what is new, what the base has more, and what they come after."""

from __future__ import annotations

from collections.abc import Iterable

from migration_gate.findings import Graph, Node
from migration_gate.project.forks import merged
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rules.judging import new_revisions, shown

MOST = 30  # revisions, the last ones of more
_EARLIER = "\0earlier"


def endings(graphs: Iterable[tuple[Project, History]], everything: bool = False) -> tuple[Graph, ...]:
    """The end of each project's history as it will be after the merge; of each revision ``own`` is whether it is new,
    and what links it to others is resolved. ``everything`` as for ``new_revisions``.
    """
    return tuple(_ending(project, history, everything) for project, history in graphs)


def _ending(project: Project, history: History, everything: bool) -> Graph:
    base = history.base.name if history.base else None
    after = merged(history) or history
    new = {one.id for one in new_revisions(project, history, everything)}
    theirs = after.revisions.keys() - history.revisions.keys()
    news = {one for one in (*new, *theirs, *after.heads) if one in after.revisions}
    wanted = news.union(*(after.parents[one] for one in news))
    ordered = [one for one in after.in_order() if one.id in wanted][-MOST:]
    drawn = {one.id for one in ordered}

    def node(one: Revision) -> Node:
        whose = "new" if one.id in new else f"only in {base}" if one.id in theirs else ""
        head = one.id in after.heads
        return Node(
            id=one.id,
            parents=tuple(dict.fromkeys(up if up in drawn else _EARLIER for up in after.parents[one.id])),
            depends_on=after.dependencies[one.id],
            labels=one.labels,
            message=one.message,
            path=shown(one.path) or "",
            head=head,
            base=not one.down,
            own=one.id in new,
            mark=", ".join(filter(None, (whose, "head" if head else ""))),
        )

    nodes = [node(one) for one in reversed(ordered)]
    if any(_EARLIER in one.parents for one in nodes):
        nodes.append(_earlier(len(after.revisions) - len(drawn)))
    return Graph(project.name, base, tuple(nodes))


def _earlier(count: int) -> Node:
    """What is left out, as one."""
    message = f"{count:,} earlier revision{'s' if count != 1 else ''}"
    return Node(_EARLIER, (), (), (), message, "", head=False, base=True, own=False, folded=count)
