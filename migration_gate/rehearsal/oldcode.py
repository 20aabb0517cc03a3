"""Whether the code that runs now can still read and write after the upgrade: PostgreSQL judges its statements.

The base's files are written from git's objects into a folder of their own, and a child process loads them there and
tells what its models would send (``injected/migration_gate_inside/oldcode.py``). What PostgreSQL refuses after the new
revisions, and did not refuse before them, is what they have broken.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from migration_gate.findings import CannotJudge, Evidence, Finding, Note
from migration_gate.operations.model import Table
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from migration_gate.project import git
from migration_gate.project.base import Base
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rehearsal import child
from migration_gate.rehearsal.culprit import Done, culprit, operations
from migration_gate.rehearsal.probes import Broken, Mapped, broken, mapped_from

Key = tuple[str, str]


class OldCode(NamedTuple):
    """``tables`` are the columns that the base's models map, by schema and table; None where they could not be
    loaded. ``gone`` are the (schema, table, column) that they can no longer use after the upgrade; the column is ""
    for a whole table.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    tables: dict[Key, frozenset[str]] | None = None
    gone: frozenset[tuple[str, str, str]] = frozenset()

    def uses(self, table: Table, column: str = "") -> Literal["confirmed", "cleared", "unmapped"] | None:
        """What this says of a table or column that a revision drops: the base's models fail without it; they map the
        table, and not that column; env.py's ``target_metadata`` does not have the table, which code beside it may map.
        None where nothing is known.
        """
        if self.tables is None:
            return None
        key = (table.schema or "public", table.name)
        if (*key, column) in self.gone or (*key, "") in self.gone:
            return "confirmed"
        if key not in self.tables:
            return "unmapped"
        return "cleared" if column and column not in self.tables[key] else None


def check(
    project: Project, base: Base, revisions: Sequence[Revision], server: Server, before: str, after: str
) -> OldCode:
    """Findings of ``required-by-old-code``. ``before`` and ``after`` are databases of ``server`` without and with the
    new ``revisions``, which are given in the order in which they ran; nobody is connected to ``before``. Both are
    left as they are, but for the positions of sequences. Rows in them make the answers better.
    """
    try:
        loaded = _loaded(project, base, server, before)
    except (git.Silent, OSError, CannotJudge) as reason:
        loaded = str(reason)
    if isinstance(loaded, str):
        return OldCode(notes=(_note(base, loaded),))
    with connect(server, before) as old, connect(server, after) as new:
        found = broken(loaded, old, new)
    done = operations(project, revisions) if found else []
    findings = [_finding(base, done, one) for one in found if one.sure]
    return OldCode(
        tuple(dict.fromkeys(findings)),
        tuple(_not_sure(base, one) for one in found if not one.sure),
        {one.key: frozenset(column.name for column in one.columns) for one in loaded},
        frozenset((*one.table.key, one.column) for one in found if one.gone),
    )


def _note(base: Base, reason: str) -> Note:
    return Note(f"the code of {base.name} could not be loaded, so whether it goes on working is not known: {reason}")


# ── loading the base's code ──────────────────────────────────────────────────────────────────────────────


def _loaded(project: Project, base: Base, server: Server, before: str) -> list[Mapped] | str:
    """What the base's models map, or the reason why that is not known. Raises git.Silent, OSError and CannotJudge."""
    top = Path(os.path.realpath(base.top))
    with tempfile.TemporaryDirectory(prefix="migration-gate-base-") as folder:
        export = Path(os.path.realpath(folder))
        git.export(base.top, base.ref, export)
        there = _moved(project, top, export)
        if not (there.directory / "env.py").exists():
            return f"it has no {project.name}/env.py"
        _settle(project.working_directory, there.working_directory)
        ran = _run(there, server, before, top, export)
    for event in ran.of("mapped"):
        return [mapped_from(one, export) for one in event["tables"]]
    return _why_not(ran, export)


def _moved(project: Project, top: Path, export: Path) -> Project:
    """The project as it stands in the exported folder."""

    def move(path: Path) -> Path:
        real = Path(os.path.realpath(path))
        return export / real.relative_to(top) if real.is_relative_to(top) else path

    return project._replace(
        root=move(project.root),
        directory=move(project.directory),
        version_locations=tuple(map(move, project.version_locations)),
        config_file=move(project.config_file) if project.config_file else None,
        toml_file=move(project.toml_file) if project.toml_file else None,
        working_directory=move(project.working_directory),
    )


def _settle(here: Path, there: Path) -> None:
    """Flask's own files of variables, as they are here: git seldom has them."""
    for name in (".env", ".flaskenv"):
        if (here / name).is_file() and there.is_dir() and not (there / name).exists():
            shutil.copyfile(here / name, there / name)


def _run(there: Project, server: Server, before: str, top: Path, export: Path) -> child.Ran:
    """Load it on a fork of ``before``: an application may write as soon as it is imported."""
    primary = f"{server.prefix}old_{os.urandom(4).hex()}"
    create(server, primary, before)
    return child.once(
        there, server, primary, lambda name: create(server, name), lambda _: None, ("oldcode.py", str(top), str(export))
    )


def _why_not(ran: child.Ran, export: Path) -> str:
    if reasons := ran.of("not-loaded"):
        return str(reasons[-1]["reason"])
    for event in ran.of("error"):
        place = f" ({_relative(event['path'], export)}:{event['line']})" if event["path"] else ""
        return f"{event['type']}: {event['message'].strip().partition(chr(10))[0]}{place}"
    if ran.of("too-long"):
        return "that did not end in time. A longer limit: --time-limit SECONDS"
    lines = [line.strip() for line in ran.log.splitlines() if line.strip()]
    return (lines or [f"the process ended with status {ran.status}"])[-1]


def _relative(path: str, export: Path) -> str:
    return os.path.relpath(path, export).replace(os.sep, "/") if path.startswith(str(export)) else path


# ── what it means ────────────────────────────────────────────────────────────────────────────────────────


def _finding(base: Base, done: Done, one: Broken) -> Finding:
    cause = culprit(done, Table(one.table.key[1], one.table.key[0]), one.column, one.words)
    ident = cause.revision.id if cause else "the upgrade"
    message = (
        f"After {ident} {_who(base, one)} can no longer {one.action}: {one.words}. So it is for every process of that "
        "code until the last one is gone."
    )
    evidence = tuple(Evidence("statement", text) for text in (one.statement,) if text)
    if cause:
        path, line, end = str(cause.at.path), cause.at.line, cause.at.end
        return Finding("required-by-old-code", message, path, line, cause.revision.id, _remedy(one), evidence, end)
    return Finding("required-by-old-code", message, remedy=_remedy(one), evidence=evidence)


def _who(base: Base, one: Broken) -> str:
    what = one.table.mapped or f"the table {one.table.shown}"
    place = one.table.place(one.column)
    return f"{what} of {base.name}{f' ({place})' if place else ''}"


def _remedy(one: Broken) -> str | None:
    if one.code != "23502":
        return None
    schema, name = one.table.key
    at = f', schema="{schema}"' if schema != "public" else ""
    return (
        "# until the code that does not write it is gone:\n"
        f'op.alter_column("{name}", "{one.column}", server_default=sa.text("…"){at})'
    )


def _not_sure(base: Base, one: Broken) -> Note:
    what, who = f"{one.table.shown}.{one.column} is NOT NULL after the upgrade", _who(base, one)
    if one.words:
        return Note(f"{what}, and {who} does not write it: whether a trigger does could not be tried")
    return Note(f"{what}, and may be NULL in {who}: where that code leaves it empty, its INSERT fails")
