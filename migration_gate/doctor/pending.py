"""Causes 1 and 2: what an upgrade of this history would do to the database now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.doctor.causes import Cause, are, listed, merging, some, upgrading
from migration_gate.doctor.database import Holder, Size, holder_words, in_the_way
from migration_gate.findings import Finding, Planned
from migration_gate.operations.effects import STRENGTH
from migration_gate.operations.model import Lock, Table
from migration_gate.project.history import History
from migration_gate.project.model import Project


def several_heads(project: Project, history: History, message: str, path: Path | None, line: int | None) -> Cause:
    """``message`` is the rule's, with the drawing of the fork."""
    return Cause(1, "several heads", message, (merging(project), upgrading(project, history)), path=path, line=line)


class Traffic(NamedTuple):
    """What an upgrade meets now."""

    plan: tuple[Planned, ...] = ()
    sizes: Mapping[Table, Size] = {}
    held: tuple[Holder, ...] = ()
    refused: tuple[str, ...] = ()  # what `lint` says of the pending revisions, a line each


def strongest(plan: Sequence[Planned]) -> dict[Table, tuple[Lock, str | None, str]]:
    """By table: the strongest lock of a plan, the work under it, and where it is taken."""
    found: dict[Table, tuple[Lock, str | None, str]] = {}
    for planned in plan:
        for step in planned.steps:
            for held in step.held:
                schema, _, name = held.table.rpartition(".")
                table = Table(name, schema or None)
                lock: Lock = held.lock  # type: ignore[assignment]
                if not held.since and (table not in found or STRENGTH[lock] > STRENGTH[found[table][0]]):
                    found[table] = lock, held.work, f"{Path(step.path).name}:{step.line}"
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
        lines += some([_lock(table, *rest, traffic.sizes.get(table)) for table, rest in locks.items()])
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


def _lock(table: Table, lock: Lock, work: str | None, place: str, size: Size | None) -> str:
    words = [f"    {table}  {lock}"]
    words += [_WORK[work]] if work else []
    words += [size_words(size)] if size else []
    return ", ".join(words) + f"  ({place})"


def _in_the_way(locks: Mapping[Table, tuple[Lock, str | None, str]], held: Sequence[Holder]) -> list[str]:
    waits = in_the_way([(table, lock) for table, (lock, _, _) in locks.items()], held)
    lines = ["It would wait for these sessions, and whatever comes after it on the table waits too:"] if waits else []
    lines += some([f"    {holder_words(one)}" for one in waits])
    told = {one.pid for one in waits}
    long = [one for one in held if one.table is None and one.pid not in told]
    if long:
        lines += ["Open for long, and so waited for by CREATE INDEX CONCURRENTLY:"]
        lines += some([f"    {holder_words(one)}" for one in long])
    return lines


def size_words(size: Size) -> str:
    """ "48 GB, about 120,000,000 rows"."""
    amount, unit = float(size.bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1024 or unit == "TB":
            break
        amount /= 1024
    number = f"{amount:.0f}" if amount >= 10 or unit == "B" else f"{amount:.1f}"
    rows = "" if size.rows is None else f", about {size.rows:,} rows"
    return f"{number} {unit}{rows}"
