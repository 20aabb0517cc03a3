"""Revisions come after one another in a circle.

Alembic stops with "Cycle is detected in revisions", whatever is asked of it; where a revision names itself it is a
"Self-loop", and where `depends_on` closes the circle a "Dependency cycle" or a "Dependency self-loop". It happens when
a `down_revision` is edited by hand to resolve a fork, and points at a revision that already comes later.

Point it at the revision that it really follows, and take out of `depends_on` what comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for cycle in history.cycles:
        around = (*cycle, cycle[0])
        steps = list(pairwise(around))
        first, needed = next((step for step in steps if step[1] not in history.parents[step[0]]), steps[0])
        depends = needed not in history.parents[first]
        one = history.revisions[first]
        line = one.depends_line if depends else one.down_line
        yield Hazard(
            message=f"These revisions of {project.name} come after one another in a circle: {' → '.join(around)}.\n"
            f'Alembic stops with "{_kind(history, first, needed, depends)} is detected in revisions", whatever is '
            "asked of it.",
            path=one.path,
            line=line,
            end=line,
            revision=first,
            remedy=_wait_for_less(history, first, needed) if depends else _follow(history, cycle),
        )


def _kind(history: History, first: str, needed: str, depends: bool) -> str:
    """Alembic's word for a circle (``CycleDetected.kind``). A revision that depends on a label of its own is a circle
    of one, and no self-loop: Alembic looks for that before it resolves labels.
    """
    if depends:
        return "Dependency self-loop" if first in history.revisions[first].depends_on else "Dependency cycle"
    return "Self-loop" if first == needed else "Cycle"


def _follow(history: History, cycle: tuple[str, ...]) -> str:
    outside = [parent for one in cycle for parent in history.parents[one] if parent not in cycle]
    follows = f'"{outside[0]}"' if outside else "None"
    return f"# in the one that should come first, name what it really follows:\ndown_revision = {follows}"


def _wait_for_less(history: History, first: str, needed: str) -> str:
    kept = tuple(one for one in history.dependencies[first] if one != needed)
    return f"# {needed} comes later: {first} cannot wait for it\ndepends_on = {kept or None}"
