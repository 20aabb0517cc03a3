"""A partition is added or taken away in a way that the whole partitioned table waits for.

CREATE TABLE … PARTITION OF and DETACH PARTITION hold ACCESS EXCLUSIVE on the partitioned table: once they wait, every
query on it, whatever partition it is about, waits behind them. ATTACH PARTITION holds SHARE UPDATE EXCLUSIVE there,
which neither reads nor writes wait for; but it reads all of the new partition under ACCESS EXCLUSIVE, to see that its
rows belong there, unless a valid CHECK of the partition's says so. The CHECK has to repeat the bounds, and to say IS
NOT NULL where the column may be NULL.

Refused:

    op.execute("CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")

or:

    op.execute("ALTER TABLE events DETACH PARTITION events_2024")

or:

    op.execute("ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")

Write instead:

    op.execute("CREATE TABLE events_2026 (LIKE events INCLUDING ALL)")
    op.execute("ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")

or, in a revision of its own:

    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY")

or, so that the rows are read under a weak lock:

    op.execute(
        "ALTER TABLE events_2025 ADD CONSTRAINT events_2025_bounds "
        "CHECK (day IS NOT NULL AND day >= '2025-01-01' AND day < '2026-01-01') NOT VALID"
    )
    # the next revision
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE events_2025 VALIDATE CONSTRAINT events_2025_bounds")
    # the next revision
    op.execute("ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")
    op.execute("ALTER TABLE events_2025 DROP CONSTRAINT events_2025_bounds")

Silent where a new revision creates the partitioned table, or the partition that is attached. Of a CHECK that does not
say IS NOT NULL it makes a note. A default partition changes things: ATTACH locks and reads that one too, unless a CHECK
of its own excludes the new bounds, and DETACH … CONCURRENTLY is refused (55000).

Source: PostgreSQL's documentation, 5.12.2.2, "Partition Maintenance", and ALTER TABLE; DETACH … CONCURRENTLY since 14;
measured on 14 to 18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.model import (
    AddConstraint,
    AttachPartition,
    CreateTable,
    DetachPartition,
    DropConstraint,
    SetNotNull,
    Table,
    ValidateConstraint,
)
from migration_gate.rules.base import Hazard, Migration, backwards, is_new, not_read_about, same
from migration_gate.rules.remedies import execute, in_autocommit_block, quoted, sql_name


def check(migration: Migration) -> Iterator[Hazard]:
    for one in migration.operations:
        earlier = migration.earlier(one)
        match one:
            case CreateTable(partition_of=Table() as parent) if not is_new(parent, earlier):
                yield migration.hazard(
                    one, _holds(parent, f"{one.table} is made"), _make_apart(one, parent), table=parent
                )
            case DetachPartition(concurrently=False) if not is_new(one.table, earlier):
                yield migration.hazard(
                    one, _holds(one.table, f"{one.partition} is detached"), _detach(one), table=one.table
                )
            case AttachPartition() if not is_new(one.table, earlier) and not is_new(one.partition, earlier):
                yield from _attached(migration, one)


def _holds(parent: Table, what: str) -> str:
    return (
        f"{what} under ACCESS EXCLUSIVE on {parent}: the statement waits for every query that is running on {parent}, "
        "and all that come after it, on every partition, wait for the statement."
    )


def _attached(migration: Migration, one: AttachPartition) -> Iterator[Hazard]:
    earlier = migration.shipped() + migration.earlier(one)
    proof = _proof(one.partition, migration, one)
    if proof == "proven":
        return
    unread = not_read_about(one.partition, earlier, one.at.path)
    why = "no CHECK of its own says that its rows belong there"
    if proof == "nullable":
        why = "its CHECK does not say IS NOT NULL, and is no proof unless the column is NOT NULL"
    elif unread:
        place = f"{unread.at.path.name}:{unread.at.line}"
        why = f"whether a CHECK says that its rows belong there could not be read ({place})"
    yield migration.hazard(
        one,
        f"PostgreSQL reads all of {one.partition} under ACCESS EXCLUSIVE while it is attached to {one.table}: {why}. "
        f"Reads and writes of {one.partition} wait until that has ended.",
        _attach(migration, one),
        sure=proof == "" and unread is None,
        table=one.partition,
    )


def _proof(partition: Table, migration: Migration, one: AttachPartition) -> str:
    """ "proven" where a valid CHECK may well be that of the bounds, "nullable" where it leaves NULL out, else ""."""
    validated: set[str] = set()
    dropped: set[str | None] = set()
    earlier = [other for other, _ in backwards(partition, migration.shipped() + migration.earlier(one))]
    not_null = any(isinstance(other, SetNotNull) for other in earlier)
    for other in earlier:
        match other:
            case ValidateConstraint():
                validated.add(other.name)
            case DropConstraint():
                dropped.add(other.name)
            case AddConstraint(kind="check") if other.name not in dropped and (other.valid or other.name in validated):
                return "proven" if other.proves_not_null or not_null else "nullable"
            case CreateTable() if re.search(r"\bCHECK\b|CheckConstraint", other.call):
                return (
                    "proven" if re.search(r"\bNOT\s+NULL\b|nullable=False", other.call, re.IGNORECASE) else "nullable"
                )
            case CreateTable():
                return ""
    return ""


# ── remedies ─────────────────────────────────────────────────────────────────────────────────────────────

_PARENTHESES = r"\((?:[^()']|'[^']*'|\((?:[^()']|'[^']*')*\))*\)"
_BOUNDS = re.compile(
    rf"\bFOR\s+VALUES\s+(?:IN\s*{_PARENTHESES}|FROM\s*{_PARENTHESES}\s*TO\s*{_PARENTHESES}|WITH\s*{_PARENTHESES})"
    r"|\bDEFAULT\s*;?\s*$",
    re.IGNORECASE,
)


def _bounds(call: str) -> str:
    """The bounds of a partition, as the statement has them."""
    found = _BOUNDS.search(call)
    return found[0].strip("; \n") if found else "FOR VALUES …"


def _make_apart(one: CreateTable, parent: Table) -> str:
    partition = sql_name(one.table)
    return "\n".join(
        [
            execute(f"CREATE TABLE {partition} (LIKE {sql_name(parent)} INCLUDING ALL)"),
            execute(f"ALTER TABLE {sql_name(parent)} ATTACH PARTITION {partition} {_bounds(one.call)}"),
        ]
    )


def _detach(one: DetachPartition) -> str:
    sql = f"ALTER TABLE {sql_name(one.table)} DETACH PARTITION {sql_name(one.partition)} CONCURRENTLY"
    return "# in a revision of its own:\n" + in_autocommit_block(execute(sql))


def _attach(migration: Migration, one: AttachPartition) -> str:
    partition = sql_name(one.partition)
    name = quoted(f"{one.partition.name}_bounds")
    bounds = _bounds(one.call)
    condition = _condition(bounds, _key(migration, one))
    return "\n".join(
        [
            "# this revision:",
            execute(f"ALTER TABLE {partition} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID"),
            "# the next revision:",
            in_autocommit_block(execute(f"ALTER TABLE {partition} VALIDATE CONSTRAINT {name}")),
            "# the next revision:",
            execute(f"ALTER TABLE {sql_name(one.table)} ATTACH PARTITION {partition} {bounds}"),
            execute(f"ALTER TABLE {partition} DROP CONSTRAINT {name}"),
        ]
    )


def _key(migration: Migration, one: AttachPartition) -> str:
    """The one column that the parent is partitioned by, as the history says; "…" where it does not."""
    for other, _ in backwards(one.table, migration.shipped() + migration.earlier(one)):
        if isinstance(other, CreateTable):
            found = re.search(r"\b(?:RANGE|LIST|HASH)\s*\(\s*(\w+|\"[^\"]+\")\s*\)", other.call, re.IGNORECASE)
            return found[1] if found and same(other.table, one.table) else "…"
    return "…"


def _condition(bounds: str, column: str) -> str:
    """The CHECK that says what the bounds say, of one column."""
    values = re.findall(_PARENTHESES, bounds)
    if re.search(r"\bIN\b", bounds, re.IGNORECASE) and len(values) == 1:
        return f"{column} IS NOT NULL AND {column} IN {values[0]}"
    if re.search(r"\bFROM\b", bounds, re.IGNORECASE) and len(values) == 2:
        ends = zip((">=", "<"), (value[1:-1].strip() for value in values), strict=True)
        told = [f"{column} {sign} {value}" for sign, value in ends if value.upper() not in ("MINVALUE", "MAXVALUE")]
        return " AND ".join([f"{column} IS NOT NULL", *told])
    return "…"
