"""``ci --suggest``: the migration that closes the drift, as a file of the project's own making or to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from migration_gate.findings import Note
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.judging import shown

if TYPE_CHECKING:
    from migration_gate.drift.compared import Compared
    from migration_gate.postgres.server import Server
    from migration_gate.rehearsal.child import Event

OUTPUT = "-"


class Place(NamedTuple):
    """Where the project's databases are made, and who hears of it."""

    server: Server
    primary: str
    make: Callable[[str], None]
    hear: Callable[[Event], None]


def suggestion(project: Project, graph: History, place: Place, found: Compared, to: str) -> tuple[Note, ...]:
    """Write it: ``to`` is a file, "" the project's own folder and file name, "-" standard output. Notes say where,
    and what of the drift it leaves. Raises CannotJudge where it cannot be made, CannotWrite where not be
    written.
    """
    from migration_gate.commands.emit import hand_out
    from migration_gate.drift.suggest import NO_WAY_BACK, suggest
    from migration_gate.rehearsal.writing import written

    if not found.items:
        why = "what differs is not for a migration to close" if found.findings else "no drift"
        return (Note(f"{project.name}: nothing to suggest: {why}"),)
    made = suggest(project, place.server, place.primary, place.make, place.hear, found, graph.base)
    down, imports = made.down or NO_WAY_BACK, "\n".join(made.imports)
    file = written(project, graph, "close drift", graph.heads, made.up, down, imports, keep=to == "")
    if to:
        hand_out(file.text, to)
    where = "standard output" if to == OUTPUT else to or shown(file.path)
    left = f"; it leaves: {'; '.join(made.left)}" if made.left else ""
    said = f"{project.name}: revision {file.revision} closes the drift, and was tried: it stands in {where}{left}. "
    return (Note(f"{said}Read it before you commit it: what it drops is gone with its rows"),)
