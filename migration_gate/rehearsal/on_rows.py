"""``fails-on-rows``: an upgrade that passes on empty tables and fails on filled ones, and what that means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Evidence, Finding, Note
from migration_gate.operations.model import ChangeRows, NotRead, Other, Table
from migration_gate.rehearsal.child import Event
from migration_gate.rehearsal.evidence import Seen
from migration_gate.rehearsal.joined import is_about_rows, operations
from migration_gate.rehearsal.places import at_place, statement_at
from migration_gate.rules import FAILS_ON_ROWS
from migration_gate.rules.allows import allowed, allows_in
from migration_gate.rules.base import Hazard, same
from migration_gate.rules.judging import shown

RULE = "fails-on-rows"
_DATA = (ChangeRows, Other)


class Failure(NamedTuple):
    """An upgrade with rows that failed where the one without had passed, in one line, with what comes of it: a finding,
    a note, or neither where a static finding at that place has been confirmed by it and says it all.
    """

    text: str
    finding: Finding | None = None
    note: Note | None = None


def failure(
    error: Event,
    findings: Sequence[Finding],
    statements: Sequence[Seen],
    filled: Mapping[Table, int],
    data_migrations: bool = False,
) -> Failure | None:
    """What the ``error`` event of the upgrade with rows means; ``findings`` are the static ones. ``filled`` has the
    number of rows that were put into each table.

    A schema change that PostgreSQL refuses for what rows hold is a finding. So is a data migration that fails, a Python
    error in it or one of its own statements, where ``data_migrations`` says so; else it is a note, for the rows are
    made up, and production's may well be as the migration expects them. None where the failure is not about rows: a
    timeout, a lock, a connection.
    """
    if error["path"] is None or error["line"] is None:
        return None
    refused = error["code"] is not None
    if refused and not is_about_rows(error["code"]):
        return None
    failed = statements[-1] if statements and statements[-1].error else None
    text = _text(error, failed, filled)
    path, end = Path(error["path"]), statement_at(Path(error["path"]), error["line"])
    hazard = Hazard(text, path, end[0], end[1], error["revision"])
    at = [one for one in findings if failed and failed in at_place(one.path, one.line, one.end, [failed])]
    allows = allows_in(path.read_bytes()) if path.is_file() else []
    if any(allowed(rule, hazard, allows) for rule in (RULE, *FAILS_ON_ROWS)):
        return Failure(text, note=_note(f"{text}. A comment allows it", hazard))
    if not data_migrations and (not refused or _is_data(failed)):
        return Failure(
            text, note=_note(f"{text}. The rows are made up, and a data migration may expect others", hazard)
        )
    if any(one.rule in FAILS_ON_ROWS for one in at):
        return Failure(text)
    remedy = next((one.remedy for one in at if one.remedy), None)
    evidence = (Evidence("statement", failed.sql.strip()[:500]),) if failed else ()
    said = Finding(RULE, _message(text), shown(path), hazard.line, hazard.revision, remedy, evidence, hazard.end)
    return Failure(text, finding=said)


def _text(error: Event, failed: Seen | None, filled: Mapping[Table, int]) -> str:
    """In VOICE's words: "9be7713 fails on users with 20 rows: column "preferences" contains null values"."""
    words = error["message"].strip().split("\n")[0]
    if error["code"] is None:
        words = f"{error['type']}: {words}"
    table = _table(words, failed)
    count = next((count for one, count in filled.items() if same(one, table)), None)
    rows = "rows" if count is None else f"{count} row{'s' if count != 1 else ''}"
    where = f"{table} with {rows}" if table else "tables with rows"
    return f"{error['revision']} fails on {where}: {words}"


def _table(words: str, failed: Seen | None) -> Table | None:
    """The table that the statement is about, or that PostgreSQL's words name."""
    tables = [getattr(one, "table", None) for one in operations(failed)] if failed else []
    named = re.search(r'(?:relation|table) "([^"]+)"', words)
    return next((one for one in tables if isinstance(one, Table)), Table(named[1]) if named else None)


def _is_data(failed: Seen | None) -> bool:
    """Whether a statement is about rows, as its own words have it, and changes no schema."""
    if failed is None:
        return True
    read = operations(failed)
    if all(isinstance(one, NotRead) for one in read):
        return re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY)\b", failed.sql, re.IGNORECASE) is not None
    return all(isinstance(one, _DATA) for one in read)


def _message(text: str) -> str:
    return f"{text}\nOn empty tables the same revision passes: an empty laptop does not show it."


def _note(text: str, hazard: Hazard) -> Note:
    return Note(f"{RULE}: {text}", shown(hazard.path), hazard.line)
