"""Revisions come after one another in a circle.

Alembic stops with "Cycle is detected in revisions", whatever is asked of it. It happens when a `down_revision` is
edited by hand to resolve a fork, and points at a revision that already comes later.

Point it at the revision that it really follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for cycle in history.cycles:
        first = history.revisions[cycle[0]]
        way = " → ".join((*cycle, cycle[0]))
        outside = [parent for one in cycle for parent in history.parents[one] if parent not in cycle]
        follows = f'"{outside[0]}"' if outside else "None"
        yield Hazard(
            message=f"These revisions of {project.name} come after one another in a circle: {way}.\n"
            'Alembic stops with "Cycle is detected in revisions", whatever is asked of it.',
            path=first.path,
            line=first.down_line,
            end=first.down_line,
            revision=first.id,
            remedy=f"# in the one that should come first, name what it really follows:\ndown_revision = {follows}",
        )
