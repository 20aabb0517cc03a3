"""Causes 1 and 2: what an upgrade of this history would do to the database now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.doctor.causes import Cause, are, listed, merging, some, upgrading
from migration_gate.doctor.database import Holder, holder_words, in_the_way
from migration_gate.findings import Finding, Held, Planned
from migration_gate.operations.effects import STRENGTH
from migration_gate.operations.model import Lock, Table
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.sizes import Size, in_words


def several_heads(project: Project, history: History, message: str, path: Path | None, line: int | None) -> Cause:
    """``message`` is the rule's, with the drawing of the fork."""
    return Cause(1, "several heads", message, (merging(project), upgrading(project, history)), path=path, line=line)


class Traffic(NamedTuple):
    """What an upgrade meets now; the plan says how large the tables are."""

    plan: tuple[Planned, ...] = ()
    held: tuple[Holder, ...] = ()
    refused: tuple[str, ...] = ()  # what `lint` says of the pending revisions, a line each


class Taken(NamedTuple):
    """A lock that an upgrade takes, and where: "c3c3c3c3_change.py:16"."""

    lock: Lock
    held: Held
    place: str


def strongest(plan: Sequence[Planned]) -> dict[Table, Taken]:
    """By table, the strongest lock of a plan."""
    found: dict[Table, Taken] = {}
    for planned in plan:
        for step in planned.steps:
            for held in step.held:
                schema, _, name = held.table.rpartition(".")
                table = Table(name, schema or None)
                lock: Lock = held.lock  # type: ignore[assignment]
                if not held.since and (table not in found or STRENGTH[lock] > STRENGTH[found[table].lock]):
                    found[table] = Taken(lock, held, f"{Path(step.path).name}:{step.line}")
    return found


_WORK = {
    "scan": "reads all of it",
    "index build": "builds an index",
    "rewrite": "writes all of it anew",
    "rows": "changes rows",
}


def behind(project: Project, history: History, rows: Sequence[str], pending: Sequence[str], traffic: Traffic) -> Cause:
    """Revisions wait to be run."""
    where = f"at {listed(rows)}" if rows else "at no revision yet"
    count = len(pending)
    lines = [f"the database is {where}, and {count} {are('revision waits', 'revisions wait', count)}:"]
    lines += some([f"    {one}  {history.revisions[one].message}".rstrip() for one in pending])
    locks = strongest(traffic.plan)
    if locks:
        lines += ["The upgrade takes these locks on tables that are there:"]
        lines += some([_lock(table, taken) for table, taken in locks.items()])
        lines += _in_the_way(locks, traffic.held)
    unread = [f"{Path(step.path).name}:{step.line}" for one in traffic.plan for step in one.steps if step.not_read]
    if unread:
        lines += [f"What these lines do could not be read: {', '.join(dict.fromkeys(unread))}"]
    if traffic.refused:
        lines += ["Before it runs: `migration-gate lint --all` refuses these, with what to write instead:"]
        lines += some([f"    {one}" for one in traffic.refused])
    return Cause(2, "behind", "\n".join(lines), (upgrading(project, history),))


def refused(one: Finding) -> str:
    """What `lint` says of a line of a pending revision, in one line."""
    first = one.message.split("\n")[0].split(". ")[0].rstrip(".")
    return f"{one.path}:{one.line}  {one.rule}  {first}"


def _lock(table: Table, taken: Taken) -> str:
    held = taken.held
    words = [f"    {table}  {taken.lock}"]
    words += [_WORK[held.work]] if held.work else []
    words += [in_words(Size(held.rows, held.bytes))] if held.bytes is not None else []
    return ", ".join(words) + f"  ({taken.place})"


def _in_the_way(locks: Mapping[Table, Taken], held: Sequence[Holder]) -> list[str]:
    waits = in_the_way([(table, taken.lock) for table, taken in locks.items()], held)
    lines = ["It would wait for these sessions, and whatever comes after it on the table waits too:"] if waits else []
    lines += some([f"    {holder_words(one)}" for one in waits])
    told = {one.pid for one in waits}
    long = [one for one in held if one.table is None and one.pid not in told]
    if long:
        lines += ["Open for long, and so waited for by CREATE INDEX CONCURRENTLY:"]
        lines += some([f"    {holder_words(one)}" for one in long])
    return lines
