"""What PostgreSQL did with each statement of the new revisions, as data: from the events of observe.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from migration_gate.findings import Held, Planned, Step
from migration_gate.operations.effects import STRENGTH, blocks
from migration_gate.operations.model import Lock, Table
from migration_gate.rehearsal.child import Event
from migration_gate.rules.judging import shown

LONGEST = 100  # characters of a statement in a plan


class Locked(NamedTuple):
    """A lock on something that was there before the new revisions, ACCESS SHARE aside. Where it is on an index,
    ``of_index`` names it, and ``table`` the table that it belongs to. ``kind`` is pg_class.relkind of what is locked.
    """

    table: Table
    lock: Lock
    kind: str = "r"
    of_index: str | None = None


class Seen(NamedTuple):
    """One statement of a new revision, as PostgreSQL got it: parameters are not in ``sql``.

    All tables are those that were there before the new revisions, under the names that they had then. ``transaction``
    numbers transactions over the whole upgrade; None where the statement was committed by itself. ``locks`` are those
    that the statement took, the strongest on each table; ``held`` what its transaction held after it. ``rewrote`` has
    other files since, ``scanned`` was read whole for a change of the schema (what a query reads is not told), on
    ``built`` an index was built. ``changed`` counts rows by table, those that triggers and functions changed too;
    ``rows`` is the driver's count. ``error`` is a SQLSTATE, or a Python exception's name where there is none, and
    ``message`` the first line of its words. Without ``asked`` nobody knows more than text, place, time and error.
    """

    revision: str
    path: Path
    line: int
    sql: str
    number: int = 0
    transaction: int | None = None
    autocommit: bool = False
    seconds: float = 0.0
    locks: tuple[Locked, ...] = ()
    held: tuple[Locked, ...] = ()
    rewrote: frozenset[Table] = frozenset()
    scanned: frozenset[Table] = frozenset()
    built: frozenset[Table] = frozenset()
    changed: tuple[tuple[Table, int], ...] = ()
    rows: int = 0
    error: str | None = None
    message: str = ""
    asked: bool = False


class Hold(NamedTuple):
    """A lock that traffic waits for, from the statement that took it to the last one of its transaction that still
    held it. ``meanwhile`` are the statements among them that worked: rewrote, read whole, built or changed rows.
    """

    table: Table
    lock: Lock
    blocks: str  # "reads and writes" or "writes"
    first: Seen
    last: Seen
    meanwhile: tuple[Seen, ...]


def seen(events: Iterable[Event]) -> tuple[Seen, ...]:
    """The statements that observe.py told of, in the order in which they ran."""
    return tuple(_seen(one) for one in events if one["event"] == "statement")


def unobserved(events: Iterable[Event]) -> tuple[str, ...]:
    """Why something was not seen, a line each; what a raw cursor did to tables that were there is one of them."""
    found = []
    for one in events:
        if one["event"] == "unobserved":
            found.append(f"{one['revision']}: PostgreSQL could not be asked what it did: {one['reason']}")
        elif one["event"] == "unseen":
            names = dict.fromkeys([str(_locked(lock).table) for lock in one["locks"]])
            names |= dict.fromkeys(str(_table(name)) for name in one["rewrote"])
            were = f"{', '.join(names)} {'were' if len(names) > 1 else 'was'}"
            found.append(f"{one['revision']}: {were} changed by a driver's own cursor, which is not watched")
    return tuple(dict.fromkeys(found))


def _seen(one: Event) -> Seen:
    return Seen(
        one["revision"],
        Path(one["path"]),
        one["line"],
        one["sql"],
        one["number"],
        one["transaction"],
        one["autocommit"],
        one["seconds"],
        tuple(map(_locked, one["locks"])),
        tuple(map(_locked, one["held"])),
        frozenset(map(_table, one["rewrote"])),
        frozenset(map(_table, one["scanned"])),
        frozenset(map(_table, one["built"])),
        tuple((_table(name), count) for *name, count in one["changed"]),
        one["rows"],
        one["error"],
        one["message"],
        one["asked"],
    )


def _locked(one: dict[str, Any]) -> Locked:
    own = _table([one["schema"], one["name"]])
    if one["index_of"]:
        return Locked(_table(one["index_of"]), one["mode"], one["kind"], own.name)
    return Locked(own, one["mode"], one["kind"])


def _table(names: Sequence[str]) -> Table:
    schema, name = names
    return Table(name, None if schema == "public" else schema)


# ── what is asked of it ──────────────────────────────────────────────────────────────────────────────────


def strongest(locks: Iterable[Locked], table: Table) -> Lock | None:
    """The strongest lock on a table itself; None where there is none, or ACCESS SHARE."""
    own = [one.lock for one in locks if one.table == table and one.of_index is None]
    return max(own, key=STRENGTH.__getitem__, default=None)


def blocking(locks: Iterable[Locked]) -> dict[Table, Lock]:
    """The tables that traffic waits for, each with the strongest lock on it. Nobody writes to a materialized view."""
    found: dict[Table, Lock] = {}
    for one in locks:
        if one.of_index is None and blocks(one.lock) and (one.kind != "m" or one.lock == "ACCESS EXCLUSIVE"):
            found[one.table] = max(one.lock, found.get(one.table, one.lock), key=STRENGTH.__getitem__)
    return found


def work(one: Seen, table: Table) -> str:
    """What a statement did that takes longer the larger the table is, as Held has it; "" for nothing."""
    if table in one.rewrote:
        return "rewrite"
    if table in one.built:
        return "index build"
    if table in one.scanned:
        return "scan"
    return "rows" if dict(one.changed).get(table) else ""


def holds(statements: Sequence[Seen]) -> Iterator[Hold]:
    """What traffic waits for, transaction by transaction: each table once, from when its lock was strongest."""
    for _, group in groupby(statements, lambda one: (one.transaction, one.transaction is None and one.number)):
        together = list(group)
        for table, lock in blocking(lock for one in together for lock in (*one.locks, *one.held)).items():
            during = [one for one in together if strongest((*one.locks, *one.held), table) == lock]
            busy = tuple(one for one in during if one.rewrote or one.built or one.scanned or one.changed)
            yield Hold(table, lock, blocks(lock), during[0], during[-1], busy)


def planned(project: str, statements: Sequence[Seen]) -> Iterator[Planned]:
    """The transactions as they ran, in the form of ``lint --plan``: there it is read, here it was seen."""
    for transaction, group in groupby(statements, lambda one: one.transaction):
        together = list(group)
        revisions = tuple(dict.fromkeys(one.revision for one in together))
        yield Planned(project, revisions, transaction is None, tuple(map(_step, together)))


def _step(one: Seen) -> Step:
    text = " ".join(one.sql.split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    tables = dict.fromkeys([*(lock.table for lock in one.locks), *one.rewrote, *one.scanned, *one.built])
    held = []
    for table in tables:
        lock = strongest(one.locks, table) or strongest(one.held, table)
        if lock:
            held.append(Held(str(table), lock, blocks(lock), work(one, table)))
    unknown = "" if one.asked or one.error else "PostgreSQL was not asked what it did"
    return Step(shown(one.path) or "", one.line, text, tuple(held), unknown, one.revision, one.sql)
