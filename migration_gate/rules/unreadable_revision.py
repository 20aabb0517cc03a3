"""A file among the revisions cannot be read as one.

A syntax error, text that is not UTF-8, a missing `revision` or `down_revision`, or one that is computed. Alembic
imports every file of its version locations: one that fails stops every command, and one whose id is computed gives
a history that nobody can check by reading. The graph cannot be trusted until it is mended.

A helper module stops every command too, with "Could not determine revision id from filename": move it out of the
version folder. One that may take its `revision` from elsewhere is a note.

An `async def upgrade()` is refused as well: Alembic calls it, never awaits it, and stamps the revision although
nothing of it ran.

Write `revision`, `down_revision`, `branch_labels` and `depends_on` as plain strings, tuples of strings, or None.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import NEVER_AWAITED
from migration_gate.rules.base import Hazard

_HEADER = """revision = "…"
down_revision = "…"  # None for the first revision
branch_labels = None
depends_on = None"""


def check(project: Project, history: History) -> Iterator[Hazard]:
    for one in history.unreadable:
        if one.reason == NEVER_AWAITED:
            message = f"{one.path.name} {one.reason}."
            yield Hazard(message, one.path, one.line, one.line, remedy="def upgrade():")
            continue
        header = "`" in one.reason
        yield Hazard(
            message=f"{one.path.name} {one.reason}. Alembic imports every file of the versions of {project.name}, so "
            "the history cannot be trusted until this one can be read.",
            path=one.path,
            line=one.line,
            end=one.line,
            remedy=_HEADER if header else None,
        )
