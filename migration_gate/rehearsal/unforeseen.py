"""``blocks-traffic``: what PostgreSQL did under a lock that traffic waits for, and nothing said by reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from migration_gate.findings import Evidence, Finding, Note
from migration_gate.operations.effects import blocks
from migration_gate.operations.model import Lock, SetNotNull, Table
from migration_gate.project.model import Project
from migration_gate.rehearsal.evidence import Seen, blocking, work
from migration_gate.rehearsal.joined import CLEARED, EXCLUSIVE, operations, rule_of
from migration_gate.rehearsal.places import at_place, statement_at
from migration_gate.rules import BLOCKS_TRAFFIC
from migration_gate.rules.allows import Allow, allowed, allows_in
from migration_gate.rules.base import Hazard
from migration_gate.rules.judging import by_size, finding, shown

RULE = "blocks-traffic"
_UNDER = "work-under-exclusive-lock"
_SPEAK_OF_WORK = BLOCKS_TRAFFIC.keys() - {"locks-several-tables", "missing-lock-timeout"}
_DOES = {"rewrite": "writes all of {} anew", "scan": "reads all of {}", "index build": "builds an index on {}"}
# An empty file in a table's place takes no longer for a large one; a row that a migration brings along neither.
_QUICK = re.compile(r"\s*(TRUNCATE\b|INSERT\b(?!.*\bSELECT\b))", re.IGNORECASE | re.DOTALL)


class Blocked(NamedTuple):
    """A table that traffic waits for while a statement works; ``does`` says at what. ``rule`` is the one that would
    have foreseen it, as far as sizes decide.
    """

    statement: Seen
    table: Table
    lock: Lock
    does: str
    rule: str = RULE


def blocks_traffic(
    project: Project, version: str, findings: Sequence[Finding], notes: Sequence[Note], statements: Sequence[Seen]
) -> tuple[tuple[Finding, ...], tuple[Note, ...]]:
    """The findings and notes of the rule. ``findings`` and ``notes`` are what was said so far, cleared or confirmed:
    what they are about is not said again, nor is what a comment allows.
    """
    said = _said(findings, notes, statements)
    allows = {path: allows_in(path.read_bytes()) for path in {one.path for one in statements} if path.is_file()}
    found: list[Finding] = []
    left: list[Note] = []
    told: set[tuple[int | None, Table]] = set()
    for one in _blocked(statements):
        key = one.statement.transaction, one.table
        if key in told or said(one) or _is_allowed(one, allows.get(one.statement.path, [])):
            continue
        told.add(key)
        hazard = by_size(one.rule, _hazard(one), project)
        if hazard.sure:
            found.append(finding(RULE, hazard, _evidence(one, version)))
        else:
            left.append(Note(f"{RULE}: {hazard.message}", shown(hazard.path), hazard.line))
    return tuple(found), tuple(left)


def _blocked(statements: Sequence[Seen]) -> Iterator[Blocked]:
    for one in statements:
        if one.error or _QUICK.match(one.sql):
            continue
        held = blocking(one.held)
        for table, lock in held.items():
            if does := _DOES.get(work(one, table)):
                yield Blocked(one, table, lock, does.format(table), _foreseen_by(one))
        changed = sum(count for _, count in one.changed) if not one.rewrote else 0
        exclusive = next((table for table, lock in held.items() if lock == EXCLUSIVE), None)
        if changed and exclusive:
            names = ", ".join(str(table) for table, _ in one.changed)
            yield Blocked(one, exclusive, EXCLUSIVE, f"changes rows of {names}", _UNDER)


def _foreseen_by(one: Seen) -> str:
    """The rule of reading that a scan by SET NOT NULL falls under says it once for a table in a revision."""
    return _UNDER if any(isinstance(operation, SetNotNull) for operation in operations(one)) else RULE


def _said(findings: Sequence[Finding], notes: Sequence[Note], statements: Sequence[Seen]) -> Callable[[Blocked], bool]:
    """A function that tells whether a finding or a note has said it: at the same place or, where it is work after a
    lock, which is said once for a transaction, in the same one.
    """
    places: set[int] = set()
    transactions: set[int | None] = set()
    spoken = [(one.rule, one.path, one.line, one.end) for one in findings]
    spoken += [
        (rule, one.path, one.line, None)
        for one in notes
        if (rule := rule_of(one)) and not one.message.startswith(f"{rule}: {CLEARED}: ")
    ]
    for rule, path, line, end in spoken:
        if rule in _SPEAK_OF_WORK:
            there = at_place(path, line, end, statements)
            places |= {one.number for one in there}
            transactions |= {one.transaction for one in there if rule == _UNDER}
    return lambda one: (
        one.statement.number in places or (one.rule == _UNDER and one.statement.transaction in transactions)
    )


def _is_allowed(one: Blocked, allows: Sequence[Allow]) -> bool:
    hazard = _hazard(one)
    return any(allowed(rule, hazard, allows) for rule in (RULE, *_SPEAK_OF_WORK))


def _hazard(one: Blocked) -> Hazard:
    statement = one.statement
    waits = blocks(one.lock)
    message = (
        f"{statement.revision} {one.does} while it holds {one.lock} on {one.table}: {waits} of {one.table} wait until "
        "its transaction has ended. Reading the migration did not show it."
    )
    line, end = statement_at(statement.path, statement.line)
    return Hazard(message, statement.path, line, end, statement.revision, table=one.table)


def _evidence(one: Blocked, version: str) -> tuple[Evidence, ...]:
    statement = one.statement
    text = " ".join(statement.sql.split())
    return (
        Evidence("lock", f"PostgreSQL {version} held {one.lock} on {one.table}"),
        Evidence("statement", text if len(text) <= 500 else text[:499] + "…"),
    )
