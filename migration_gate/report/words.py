"""What several formats say in the same words."""

from __future__ import annotations

from migration_gate.findings import Finding, Held, Verdict, Word
from migration_gate.project.sizes import Size, in_words
from migration_gate.report.clean import LONGEST, clean
from migration_gate.rules import ALL, OPERATIONS

STATE: dict[Word, str] = {
    "open": "the gate is open",
    "closed": "the gate is closed",
    "not judged": "the gate could not judge",
}
MARK = {True: "✓", False: "✗", None: "?"}  # of a stage: whether it went well
WORK = {  # what a statement does under a lock
    "": "",
    "scan": "all of it is read",
    "index build": "an index is built",
    "rewrite": "all of it is written anew",
    "rows": "rows are written",
    None: "not known",
}


def conclusion(verdict: Verdict) -> str:
    """The verdict in a line: "2 findings: the gate is closed"."""
    count = len(verdict.findings)
    words = f"{count} finding{'s' if count != 1 else ''}: " if count else ""
    some = ", and not all of it could be judged" if count and verdict.problems else ""
    return f"{words}{STATE[verdict.word]}{some}"


def heading(one: Finding) -> str:
    """What stands above a remedy: it is code to write, or something to do."""
    return "Write instead:" if one.rule in OPERATIONS else "What to do:"


def whole(one: Finding, seen: int = LONGEST) -> str:
    """A finding's message, evidence and remedy, clean, for a format that has one text for them; ``seen`` as below."""
    text = told(one, seen)
    return f"{text}\n\n{heading(one)}\n{clean(one.remedy)}" if one.remedy else text


def told(one: Finding, seen: int = LONGEST) -> str:
    """A finding's message and evidence, clean; of each evidence ``seen`` characters."""
    return "\n".join([clean(one.message), *(clean(evidence.text, seen) for evidence in one.evidence)])


def size(one: Held) -> str:
    """A table's size in production, to follow its name: " (48 GB, 120 million rows)"; "" where it is not known."""
    return "" if one.bytes is None else f" ({in_words(Size(one.rows, one.bytes))})"


def rule_order(rule: str) -> tuple[int, str]:
    """A key that puts rules in the order of the documentation."""
    return (ALL.index(rule) if rule in ALL else len(ALL)), rule
