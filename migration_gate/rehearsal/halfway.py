"""What it means that a revision, stopped after one of its commits and run again, did not arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from migration_gate.findings import Evidence, Finding
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.catalog_differences import Words, differences, said
from migration_gate.project.revision import Revision
from migration_gate.rehearsal.back import MANY, OF_THE_ENVIRONMENT, words_of
from migration_gate.rehearsal.child import Event
from migration_gate.rehearsal.outcome import Outcome, shortened

SECOND = Words(
    "is there after the second try alone",
    "is missing after the second try",
    "is another one after the second try",
    " after the second try",
    "",
    "",
    " when nothing comes between",
)
# PostgreSQL's documentation, appendix A: what is there already.
DUPLICATES = ("42701", "42P07", "42710", "42P06", "42723", "42P04")


class Stop(NamedTuple):
    """A revision that was stopped after a commit and run again. ``path``, ``line`` and ``sql`` are the last statement
    that was committed; ``undisturbed`` is the schema that the revision reaches when nothing comes between, ``reached``
    the one after the second try, None where that failed: ``error`` says with what ("error" or "too-long").
    """

    revision: Revision
    path: str
    line: int
    sql: str
    undisturbed: Snapshot
    reached: Snapshot | None
    error: Event | None = None


def judge(stops: Iterable[Stop]) -> Outcome:
    """Findings of ``not-retryable``: for each revision the first place where it cannot be stopped. A problem is a
    second try that could not be made.
    """
    findings: dict[str, Finding] = {}
    problems: list[str] = []
    for stop in stops:
        if stop.error and (stop.error["event"] == "too-long" or stop.error["type"] in OF_THE_ENVIRONMENT):
            problems.append(_not_tried(stop, stop.error))
        elif stop.revision.id not in findings and (what := _what(stop)):
            findings[stop.revision.id] = _finding(stop, what)
    return Outcome(tuple(findings.values()), problems=tuple(problems), went_through=not (findings or problems))


def _not_tried(stop: Stop, error: Event) -> str:
    what = f"{stop.revision.id}, stopped after line {stop.line}, was not run again"
    if error["event"] == "too-long":
        return f"{what} to its end in time. A longer limit: --time-limit SECONDS"
    return f"{what}: {words_of(error)[0]}"


def _what(stop: Stop) -> str:
    """What the second try says or reaches; "" where all is as it should be."""
    if stop.error:
        return f"the second try fails: {words_of(stop.error)[0]}."
    if stop.reached is None:
        return ""
    sentences = [said(one, SECOND) for one in differences(stop.undisturbed, stop.reached)]
    if not sentences:
        return ""
    more = f"; and {len(sentences) - MANY} more" if len(sentences) > MANY else ""
    return f"the second try passes and reaches another schema: {'; '.join(sentences[:MANY])}{more}."


def _finding(stop: Stop, what: str) -> Finding:
    message = (
        f"{stop.revision.id} commits before its end. Stopped after line {stop.line}, as by a lock timeout or a lost "
        f"connection, it is half done, and {what} Somebody has to mend the database by hand."
    )
    evidence = [Evidence("statement", shortened(stop.sql))]
    if stop.error and stop.error["sql"] and stop.error["sql"].strip() != stop.sql.strip():
        evidence.append(Evidence("statement", shortened(stop.error["sql"])))
    remedy = "# give what must commit by itself, an autocommit block, a revision of its own"
    if stop.error and stop.error["code"] in DUPLICATES:
        remedy += ";\n# or let each statement that may run twice say so: if_not_exists=True, IF NOT EXISTS"
    return Finding("not-retryable", message, stop.path, stop.line, stop.revision.id, remedy, tuple(evidence))
