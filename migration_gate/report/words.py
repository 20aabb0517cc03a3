"""What several formats say in the same words."""

from __future__ import annotations

from migration_gate.findings import Finding, Held, Word
from migration_gate.project.sizes import Size, in_words
from migration_gate.report.clean import LONGEST, clean
from migration_gate.rules import ALL, OPERATIONS

STATE: dict[Word, str] = {
    "open": "the gate is open",
    "closed": "the gate is closed",
    "not judged": "the gate could not judge",
}


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
