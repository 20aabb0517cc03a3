"""What reading said, joined with what PostgreSQL did at the same line: confirmed, cleared, or left as it is.

A finding is cleared on positive evidence alone: the table that it is about was there and was locked, and the work that
the rule foresaw was not done. That a table has few rows, or none, or that a statement did not run, clears nothing:
PostgreSQL counts the scan of an empty table too (measured; a partitioned table without partitions is scanned nowhere,
and is not cleared).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Evidence, Finding, Note
from migration_gate.operations.effects import blocks
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import (
    At,
    AttachPartition,
    ChangeRows,
    ChangeType,
    DropIndex,
    Lock,
    NotRead,
    Operation,
    SetNotNull,
    Table,
)
from migration_gate.project.model import Project
from migration_gate.rehearsal.evidence import Locked, Seen, blocking, strongest
from migration_gate.rehearsal.places import at_place
from migration_gate.rules import OPERATIONS
from migration_gate.rules.base import Hazard, same
from migration_gate.rules.judging import by_size, finding

EXCLUSIVE: Lock = "ACCESS EXCLUSIVE"

CLEARED = "cleared"


class Answer(NamedTuple):
    """What one statement says of a finding: whether it is so, and in PostgreSQL's stead why."""

    confirmed: bool
    why: str
    table: Table | None = None


def join(
    project: Project, version: str, findings: Sequence[Finding], notes: Sequence[Note], statements: Sequence[Seen]
) -> tuple[tuple[Finding, ...], tuple[Note, ...]]:
    """Findings and notes of ``lint``, with what the rehearsal saw; ``version`` is PostgreSQL's.

    What was there before is, for both, what the same revisions have not made: those that ``statements`` are of have to
    be the ones that ``lint`` took for new. A confirmed finding has evidence, a cleared one becomes a note. What reading
    was unsure of and PostgreSQL did becomes a finding, unless the settings make it a note for the table's size.
    """
    kept: list[Finding] = []
    left: list[Note] = []
    for one in findings:
        answer = _answer(one.rule, one.message, at_place(one.path, one.line, one.end, statements))
        if answer is None:
            kept.append(one)
        elif answer.confirmed:
            kept.append(one._replace(evidence=(*one.evidence, _evidence(version, answer))))
        else:
            left.append(_cleared(version, one.rule, answer, one.path, one.line))
    for note in notes:
        became = _joined_note(project, version, note, statements)
        if isinstance(became, Finding):
            kept.append(became)
        else:
            left.append(became)
    return tuple(kept), tuple(left)


def rule_of(note: Note) -> str | None:
    """The rule that made a note; None where it is no rule's."""
    rule = note.message.partition(": ")[0]
    return rule if rule in OPERATIONS else None


def _joined_note(project: Project, version: str, note: Note, statements: Sequence[Seen]) -> Note | Finding:
    rule = rule_of(note)
    if rule is None:
        return note
    there = at_place(note.path, note.line, None, statements)
    message = note.message.removeprefix(f"{rule}: ")
    answer = _answer(rule, message, there)
    if answer is None:
        return note
    if not answer.confirmed:
        return _cleared(version, rule, answer, note.path, note.line)
    first = there[0]
    hazard = Hazard(message, first.path, note.line, None, first.revision, table=answer.table)
    sized = by_size(rule, hazard, project)
    return finding(rule, sized, (_evidence(version, answer),)) if sized.sure else note


def _evidence(version: str, answer: Answer) -> Evidence:
    return Evidence("lock", f"PostgreSQL {version} {answer.why}")


def _cleared(version: str, rule: str, answer: Answer, path: str | None, line: int | None) -> Note:
    return Note(f"{rule}: {CLEARED}: PostgreSQL {version} {answer.why}", path, line)


# ── which statements a finding is about ──────────────────────────────────────────────────────────────────


def operations(one: Seen) -> tuple[Operation, ...]:
    """A statement's text as PostgreSQL got it, read."""
    return _read(one.sql, one.path, one.line)


@cache
def _read(sql: str, path: Path, line: int) -> tuple[Operation, ...]:
    return tuple(read_sql(sql, At(path, line, line), binds=False))


def _answer(rule: str, message: str, there: Sequence[Seen]) -> Answer | None:
    """What the statements at a finding's place say of it: one is enough to confirm it, all have to clear it."""
    judge = JUDGES.get(rule)
    if judge is None:
        return None
    pairs = list(_about(rule, message, there))
    answers = [judge(one, operation) for one, operation in pairs]
    confirmed = next((one for one in answers if one and one.confirmed), None)
    if confirmed or not answers or None in answers:
        return confirmed
    return answers[0]


def _about(rule: str, message: str, there: Sequence[Seen]) -> Iterator[tuple[Seen, Operation]]:
    """The statements, each with its operation, that a finding's rule is about and whose names its message has. What
    could not be read stands for any operation: it may confirm, and keeps the others from clearing.
    """
    kinds = OPERATIONS[rule]
    for one in there:
        for operation in operations(one):
            if isinstance(operation, NotRead) or (
                (not kinds or isinstance(operation, kinds)) and _names(operation, message)
            ):
                yield one, operation


def _names(operation: Operation, message: str) -> bool:
    """Whether a message speaks of an operation's table, and of its column where it speaks of columns."""
    table: Table | None = getattr(operation, "table", None)
    column = getattr(operation, "column", None)
    name = getattr(column, "name", column)
    if table is not None and not _has(message, table.name):
        return False
    return name is None or _has(message, str(name)) or f"{table}." not in message


def _has(message: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) is not None


def _locked(one: Seen, operation: Operation) -> Locked | None:
    """The strongest lock on the operation's table, where that is a plain one and was there before."""
    table = operation.partition if isinstance(operation, AttachPartition) else getattr(operation, "table", None)
    found = [lock for lock in one.held if lock.of_index is None and lock.kind == "r" and same(lock.table, table)]
    lock = strongest(one.held, found[0].table) if found else None
    return found[0]._replace(lock=lock) if lock and one.asked and not one.error else None


# ── the rules, one by one ────────────────────────────────────────────────────────────────────────────────


def _refused(one: Seen, operation: Operation) -> Answer | None:
    if one.error and is_about_rows(one.error):
        return Answer(True, f"refused it: {one.message}")
    return None


def _not_null(one: Seen, operation: Operation) -> Answer | None:
    lock = _locked(one, operation)
    if lock and lock.lock == EXCLUSIVE and isinstance(operation, SetNotNull) and not _worked(one, lock.table):
        why = f"did not read {lock.table}: a constraint shows that there is no NULL, or the column was NOT NULL already"
        return Answer(False, why, lock.table)
    return _refused(one, operation)


def _narrows(one: Seen, operation: Operation) -> Answer | None:
    lock = _locked(one, operation)
    if lock and lock.lock == EXCLUSIVE and not _worked(one, lock.table):
        return Answer(
            False, f"took each value of {lock.table} as it is: it neither read nor wrote the table", lock.table
        )
    return _refused(one, operation)


def _rewritten(one: Seen, operation: Operation) -> Answer | None:
    for table in sorted(one.rewrote, key=str):
        return _under(one, table, f"wrote all of {table} anew")
    if isinstance(operation, ChangeType) and (operation.to_type is None or operation.to_type.name.startswith("time")):
        return None  # with a time zone or without: whether that is free depends on the session's TimeZone
    lock = _locked(one, operation)
    if lock and lock.lock == EXCLUSIVE:
        return Answer(False, f"held {EXCLUSIVE} on {lock.table} and wrote no row of it anew", lock.table)
    return None


def _indexed(one: Seen, operation: Operation) -> Answer | None:
    drops = isinstance(operation, DropIndex)
    for table in blocking(one.held if not drops else one.locks):
        if drops or table in one.built:
            return _under(one, table, f"{'dropped' if drops else 'built'} an index {'of' if drops else 'on'} it")
    lock = _locked(one, operation)
    if lock and not blocks(lock.lock):
        return Answer(False, f"held {lock.lock} on {lock.table}, which no read or write waits for", lock.table)
    return None


def _scan_of(one: Seen) -> Answer | None:
    for table in blocking(one.held):
        if table in one.scanned:
            return _under(one, table, f"read all of {table}")
    return None


def _checked(one: Seen, operation: Operation) -> Answer | None:
    if scan := _scan_of(one):
        return scan
    lock = _locked(one, operation)
    if lock and blocks(lock.lock) and not _worked(one, lock.table):
        return Answer(False, f"held {lock.lock} on {lock.table} and read no row of it", lock.table)
    return None


def _built(one: Seen, operation: Operation) -> Answer | None:
    for table in blocking(one.held):
        if table in one.built:
            return _under(one, table, f"built an index on {table}")
    lock = _locked(one, operation)
    if lock and lock.lock == EXCLUSIVE and not _worked(one, lock.table):
        return Answer(False, f"held {EXCLUSIVE} on {lock.table} and built no index", lock.table)
    return None


def _validated(one: Seen, operation: Operation) -> Answer | None:
    if scan := _scan_of(one):
        return scan
    lock = _locked(one, operation)
    if lock and not blocks(lock.lock) and lock.table in one.scanned:
        return Answer(False, f"read {lock.table} under {lock.lock}, which no read or write waits for", lock.table)
    return None


def _works_under(one: Seen, operation: Operation) -> Answer | None:
    if isinstance(operation, SetNotNull):
        return _checked(one, operation)
    locked = [table for table, lock in blocking(one.held).items() if lock == EXCLUSIVE]
    for table in locked:
        if one.changed or one.scanned:
            return _under(one, table, _deed(one))
    lock = _locked(one, operation)
    if lock and not locked and isinstance(operation, ChangeRows):
        why = f"held {lock.lock} on {lock.table} meanwhile, and {EXCLUSIVE} on no table that was there"
        return Answer(False, why, lock.table)
    return None


def _several(one: Seen, operation: Operation) -> Answer | None:
    found = blocking(one.held)
    if len(found) > 1:
        words = [f"{lock} on {table}" for table, lock in found.items()]
        return Answer(True, f"held {', '.join(words[:-1])} and {words[-1]} at once", next(iter(found)))
    if found and one.asked and not one.error:
        ((table, lock),) = found.items()
        return Answer(False, f"held {lock} on {table} and on no other table that was there", table)
    return None


def _parent(one: Seen, operation: Operation) -> Answer | None:
    for lock in one.locks:
        if lock.kind == "p" and lock.lock == EXCLUSIVE:
            return _under(one, lock.table, "changed its partitions")
    if not isinstance(operation, AttachPartition):
        return None
    for table in one.scanned:
        return _under(one, table, f"read all of {table}")
    partition = _locked(one, operation)
    if partition and partition.lock == EXCLUSIVE:
        return Answer(False, f"attached {partition.table} and read no row of it", partition.table)
    return None


def _worked(one: Seen, table: Table) -> bool:
    return table in one.rewrote | one.scanned | one.built


def _under(one: Seen, table: Table, deed: str) -> Answer:
    lock = strongest(one.held, table)
    return Answer(True, f"held {lock} on {table} while it {deed}" if lock else deed, table)


def _deed(one: Seen) -> str:
    """What a statement did that takes longer the more rows there are."""
    for table, count in one.changed:
        return f"changed {count} row{'s' if count != 1 else ''} of {table}"
    for table in sorted(one.scanned, key=str):
        return f"read all of {table}"
    return "worked"


JUDGES: dict[str, Callable[[Seen, Operation], Answer | None]] = {
    "not-null-without-default": _refused,
    "set-not-null-without-backfill": _not_null,
    "narrows-type": _narrows,
    "rewrites-table": _rewritten,
    "index-without-concurrently": _indexed,
    "constraint-without-not-valid": _checked,
    "constraint-builds-index": _built,
    "validated-in-same-transaction": _validated,
    "work-under-exclusive-lock": _works_under,
    "locks-several-tables": _several,
    "locks-partition-parent": _parent,
}


def is_about_rows(code: str) -> bool:
    """Whether a SQLSTATE speaks of what rows hold, and not of a name, a right, a lock or the server (PostgreSQL's
    documentation, appendix A): cardinality (21), data (22) and integrity (23), a value that does not fit its type
    (42804, 42846), what a function raised (P0001), and an index entry that is too long (54000).
    """
    return code[:2] in ("21", "22", "23") or code in ("42804", "42846", "P0001", "54000")
