"""What several formats say in the same words."""

from __future__ import annotations

from migration_gate.findings import Finding, Word
from migration_gate.report.clean import clean
from migration_gate.rules import ALL, OPERATIONS

STATE: dict[Word, str] = {
    "open": "the gate is open",
    "closed": "the gate is closed",
    "not judged": "the gate could not judge",
}


def heading(one: Finding) -> str:
    """What stands above a remedy: it is code to write, or something to do."""
    return "Write instead:" if one.rule in OPERATIONS else "What to do:"


def whole(one: Finding) -> str:
    """A finding's message, evidence and remedy, clean, for a format that has one text for them."""
    parts = [one.message, *(evidence.text for evidence in one.evidence)]
    if one.remedy:
        parts += ["", heading(one), one.remedy]
    return "\n".join(map(clean, parts))


def rule_order(rule: str) -> tuple[int, str]:
    """A key that puts rules in the order of the documentation."""
    return (ALL.index(rule) if rule in ALL else len(ALL)), rule
