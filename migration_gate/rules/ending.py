"""Where a history ends, for a report to draw: what is new, what the base has more, and what they come after."""

from __future__ import annotations

from migration_gate.findings import Drawn, Ending
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rules.heads_after_merge import merged
from migration_gate.rules.judging import new_revisions, shown

MOST = 30  # revisions, the last ones of more


def ending(project: Project, history: History, everything: bool = False) -> Ending:
    """The end of one project's history as it will be after the merge. ``everything`` as for ``new_revisions``."""
    after = merged(history) or history
    new = {one.id for one in new_revisions(project, history, everything)}
    theirs = after.revisions.keys() - history.revisions.keys()
    news = {one for one in (*new, *theirs, *after.heads) if one in after.revisions}
    wanted = news.union(*(after.parents[one] for one in news))
    ordered = [one for one in after.in_order() if one.id in wanted][-MOST:]
    drawn = {one.id for one in ordered}

    def draw(one: Revision) -> Drawn:
        parents, dependencies = after.parents[one.id], after.dependencies[one.id]
        return Drawn(
            one.id,
            one.message,
            shown(one.path) or "",
            "new" if one.id in new else "base" if one.id in theirs else "",
            one.id in after.heads,
            tuple(parent for parent in parents if parent in drawn),
            tuple(other for other in dependencies if other in drawn),
            not drawn.issuperset(parents),
        )

    base = history.base.name if history.base else ""
    return Ending(project.name, base, tuple(map(draw, ordered)), len(after.revisions) - len(drawn))
