"""What the stages of a rehearsal mean, each as findings, notes, problems and the line that the report shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Finding, Note, Stage
from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import DropColumn, DropTable, Table
from migration_gate.operations.modules import modules_of
from migration_gate.postgres.server import Server
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rehearsal import back, halfway, oldcode
from migration_gate.rehearsal.evidence import unobserved
from migration_gate.rehearsal.joined import CLEARED, join
from migration_gate.rehearsal.on_rows import failure
from migration_gate.rehearsal.stages import OnRows, Rehearsal
from migration_gate.rehearsal.unforeseen import blocks_traffic
from migration_gate.rules import BLOCKS_TRAFFIC
from migration_gate.rules.judging import shown

MOST_NAMED = 8  # tables that stayed empty


class Told(NamedTuple):
    """What is said after a stage: all findings and notes so far, static ones included, and this stage's line."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()

    def add(self, other: Told) -> Told:
        return Told(*(one + two for one, two in zip(self, other, strict=True)))  # type: ignore[arg-type]


def on_rows(project: Project, server: Server, rows: OnRows, said: Told, label: str) -> Told:
    """The new revisions on tables with rows: what failed there, what was locked, and what that says of the findings so
    far.
    """
    version = server.version.split()[0]
    findings, notes = join(project, version, said.findings, said.notes, rows.statements)
    more, left = blocks_traffic(project, version, findings, notes, rows.statements)
    findings, notes = findings + more, notes + left
    notes += tuple(Note(f"not seen: {one}") for one in unobserved(rows.ran.events))
    told = said._replace(findings=findings, notes=notes + _empty(rows))
    told = _failed(project, rows, told, label)
    seen = [one for one in findings if any(evidence.kind == "lock" for evidence in one.evidence)]
    blocking = [one for one in seen if one.rule in (*BLOCKS_TRAFFIC, "blocks-traffic")]
    count = len(rows.statements)
    words = f"{count} statement{'s' if count != 1 else ''} watched, none makes traffic wait for work"
    passed: bool | None = not blocking
    if rows.ran.status and not blocking:
        passed = None
        words += ": what comes after did not run"
    if blocking:
        first = blocking[0]
        rest = f" (+{len(blocking) - 1} more)" if len(blocking) > 1 else ""
        words = f"{first.revision} line {first.line}: {first.rule}, confirmed by what was locked{rest}"
    return told.add(Told(stages=(Stage("locks", passed, label + words),)))


def _failed(project: Project, rows: OnRows, said: Told, label: str) -> Told:
    filled = len(rows.filled.tables)
    tables = f"{filled} table{'s' if filled != 1 else ''} with rows" if filled else "the dump's rows"
    if not rows.ran.status:
        return said.add(Told(stages=(Stage("rows", True, f"{label}the new revisions pass on {tables}"),)))
    error = rows.ran.ended_by
    counts = {_table(name): count for name, count in rows.filled.tables.items()}
    failed = None
    if error and error["event"] == "error":
        must_pass = project.settings.data_migrations_must_pass
        failed = failure(error, said.findings, rows.statements, counts, must_pass)
    if failed is None:
        words = error["message"].split("\n")[0] if error and error["event"] == "error" else _too_long(rows)
        problem = f"the new revisions could not be tried on rows: {words}"
        return said.add(Told(problems=(label + problem,), stages=(Stage("rows", None, label + problem),)))
    told = Told(
        (failed.finding,) if failed.finding else (),
        (failed.note,) if failed.note else (),
        stages=(Stage("rows", None if failed.note else False, label + failed.text),),
    )
    return said.add(told)


def _too_long(rows: OnRows) -> str:
    """Where the upgrade was when its time was up."""
    for one in rows.ran.events:
        if one["event"] == "too-long" and one["path"]:
            return f"their time was up at {shown(Path(one['path']))}:{one['line']}"
    last = rows.statements[-1] if rows.statements else None
    return f"they did not end in time, after {shown(last.path)}:{last.line}" if last else "they did not end in time"


def _table(name: str) -> Table:
    schema, _, table = name.partition(".")
    return Table(table, None if schema == "public" else schema)


def _empty(rows: OnRows) -> tuple[Note, ...]:
    """The tables that no row could be made for."""
    found = [f"{name} ({reason})" for name, reason in rows.filled.not_filled.items()]
    if not found:
        return ()
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (Note(f"no rows could be made for {'; '.join(found[:MOST_NAMED])}{more}"),)


def back_again(rehearsal: Rehearsal, label: str) -> Told:
    """The new revisions taken back and applied again, and stopped after their commits."""
    result = back.judge(rehearsal.back)
    half = halfway.judge(rehearsal.stops)
    told = Told(result.findings + half.findings, result.notes + half.notes, result.problems + half.problems)
    count = len(rehearsal.back)
    if result.findings:
        words = result.findings[0].message.split("\n")[0]
    elif not count:
        words = "nothing was taken back"
    else:
        words = f"{count} revision{'s' if count != 1 else ''} down and up again, same schema"
    passed = None if result.problems or not count else not result.findings
    stages = [Stage("back", passed, label + words)]
    if rehearsal.stops:
        places = len(rehearsal.stops)
        words = f"stopped at {places} place{'s' if places != 1 else ''} and run again, same schema"
        if half.findings:
            words = half.findings[0].message.split("\n")[0]
        stages.append(Stage("half-way", None if half.problems else not half.findings, label + words))
    return told._replace(stages=tuple(stages))


def old_code(
    project: Project, history: History, new: Sequence[Revision], server: Server, rows: OnRows, said: Told, label: str
) -> Told:
    """The base's models against the schema that this branch leaves, and what that says of what is dropped."""
    if history.base is None or rows.after is None:
        return said
    found = oldcode.check(project, history.base, new, server, rows.before, rows.after)
    words = "base's models can still read and write"
    if found.findings:
        words = found.findings[0].message.split("\n")[0]
    elif found.tables is None:
        words = "base's code could not be loaded: see the notes"
    passed = None if found.tables is None else not found.findings
    kept, cleared = _drops(project, said.findings, found)
    return Told(
        kept + found.findings,
        said.notes + cleared + found.notes,
        said.problems,
        (*said.stages, Stage("old code", passed, label + words)),
    )


def _drops(
    project: Project, findings: Sequence[Finding], found: oldcode.OldCode
) -> tuple[tuple[Finding, ...], tuple[Note, ...]]:
    """Without the drops that base's models, as they were loaded, do not mind."""
    kept, cleared = [], []
    for one in findings:
        about = _dropped(project, one) if one.rule == "drops-in-use" else None
        use = found.uses(*about) if about else None
        # Where reading found no model at all, that base's own map nothing of the name says more.
        if about and (use == CLEARED or (use == "unmapped" and "nobody can show" in one.message)):
            text = (
                f"{one.rule}: {CLEARED}: base's models, loaded, do not map {about[0]}{'.' * bool(about[1])}{about[1]}"
            )
            cleared.append(Note(text, one.path, one.line))
        else:
            kept.append(one)
    return tuple(kept), tuple(cleared)


def _dropped(project: Project, finding: Finding) -> tuple[Table, str] | None:
    """The table, and the column or "", that a finding's line drops."""
    path = Path(finding.path or "")
    if not path.is_file():
        return None
    for one in read_upgrade(path.resolve(), path.read_bytes(), modules_of(project)):
        if isinstance(one, DropColumn | DropTable) and one.at.line == finding.line:
            return one.table, one.column if isinstance(one, DropColumn) else ""
    return None
