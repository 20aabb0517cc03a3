"""What was changed by hand, as a revision: code that makes the real schema of the migrations' one, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.doctor.causes import are, merging, needs_merge, upgrading
from migration_gate.drift.suggest import dialect, steady
from migration_gate.mending.plan import mends
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.catalog_differences import Difference
from migration_gate.project.history import History
from migration_gate.project.model import Project

MESSAGE = "adopt what was changed by hand"


class Code(NamedTuple):
    """The statements of an ``upgrade()`` and of its ``downgrade()``, "" where the way back is not known."""

    up: str
    down: str
    left: tuple[Difference, ...] = ()  # what it does not make

    @property
    def imports(self) -> str:
        return "\n".join(dialect(self.up + self.down))


class Adopted(NamedTuple):
    """The revision that was written."""

    revision: str
    path: Path
    code: Code


def code(found: Sequence[Difference], migrated: Snapshot, there: Snapshot) -> Code:
    """What makes these differences, and what takes them back."""
    back = [one._replace(before=one.after, after=one.before) for one in found]
    return Code(steady("\n".join(mends(found, migrated, there))), steady("\n".join(mends(back, there, migrated))))


def refusal(project: Project, history: History, rows: Sequence[str], clash: Sequence[Difference]) -> str:
    """Why nothing can be written behind the head yet, "" where it can."""
    if clash:
        return "pending revisions make the same, and would stop at it: take that back by hand, then run them"
    if needs_merge(project, history):
        return f"it has several heads: first {merging(project)}"
    if ahead := set(history.revisions) - history.ancestors(*rows):
        waits = are("revision waits", "revisions wait", len(ahead))
        return f"{len(ahead)} {waits}: first {upgrading(project, history)}"
    if not history.heads:
        return "there is no revision here that it could come after"
    if len(history.heads) > 1:
        return "its branches each have a head, and which of them it belongs to is for a person to say"
    return ""
