"""``# migration-gate: allow RULE because REASON``: one rule, allowed on one line, with a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.rules.base import Hazard

_COMMENT = re.compile(rb"#\s*migration-gate:\s*allow\s+([\w-]+)[ \t]*(?:because\b[ \t]*([^\r\n]*))?")


class Allow(NamedTuple):
    """One allow comment and its 1-based line."""

    rule: str
    reason: str
    line: int


def allows_in(source: bytes) -> list[Allow]:
    """The allow comments of a file, found by their form."""
    if b"migration-gate:" not in source:
        return []
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        for rule, reason in _COMMENT.findall(line):
            found.append(Allow(rule.decode(), reason.decode(errors="replace").strip(), number))
    return found


def allowed(rule: str, hazard: Hazard, allows: Collection[Allow]) -> Allow | None:
    """The comment that allows a hazard: on one of its statement's lines, or on the line above."""
    if hazard.line is None:
        return None
    end = hazard.end or hazard.line
    return next(
        (one for one in allows if one.rule == rule and one.reason and hazard.line - 1 <= one.line <= end),
        None,
    )


def judge_allows(
    path: Path,
    allows: Collection[Allow],
    used: Collection[Allow],
    judged: Collection[str],
    known: Collection[str],
) -> Iterator[tuple[str, Hazard]]:
    """What is wrong with a file's allow comments. ``judged`` are the rules that this run applied to the file: an
    unused comment for any other rule says nothing.
    """
    for one in allows:
        if not one.reason:
            text = f"This comment allows {one.rule} and does not say why; without a reason it allows nothing."
            remedy = f"# migration-gate: allow {one.rule} because …"
            yield "allow-without-reason", Hazard(text, path, one.line, one.line, remedy=remedy)
        elif one.rule not in known:
            from difflib import get_close_matches

            near = get_close_matches(one.rule, known, n=1)
            hint = f" The nearest is {near[0]}." if near else ""
            yield (
                "unused-allow",
                Hazard(f"No rule is called {one.rule}.{hint}", path, one.line, one.line),
            )
        elif one not in used and one.rule in judged:
            text = f"This comment allows {one.rule}, which finds nothing here. Delete it, or move it to the statement."
            yield "unused-allow", Hazard(text, path, one.line, one.line)
