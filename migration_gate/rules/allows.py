"""``# migration-gate: allow RULE because REASON``: one rule, allowed on one line, with a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from migration_gate.rules.base import Hazard

_ALLOW = re.compile(
    r"#\s*migration-gate:\s*allow\s+([\w-]+)[ \t]*(?:because\b[ \t]*(.*?)[ \t]*(?=#\s*migration-gate:|$))?"
)

_MEANT = re.compile(r"#\s*migration[-_]gate\s*:|#\s*migration[-_]gate\s+(?:allow|ignore|disable|skip|off)\b")


class Allow(NamedTuple):
    """One allow comment and its 1-based line. It is about the lines ``first`` to ``last``: its own and, where it stands
    alone, the next one that is no such comment, with its block where that is a ``with``; the comments between go on
    with the reason. ``rule`` is empty where the comment cannot be read.
    """

    rule: str
    reason: str
    line: int
    first: int
    last: int


def allows_in(source: bytes) -> list[Allow]:
    """The allow comments of a file; of one that is no Python, what looks like them."""
    if b"migration-gate" not in source and b"migration_gate" not in source:
        return []
    lines = source.decode(errors="replace").splitlines()
    found = []
    comments = _comments(source)
    block = {line: text for line, alone, text in comments if alone}
    for line, alone, text in comments:
        last = line
        if alone and _MEANT.search(text):
            following = list(_following(block, line))
            last = _end(lines, line + len(following))
            reason = takewhile(lambda one: not _MEANT.search(one), following)
            text = " ".join((text, *(one.strip("# \t") for one in reason)))
        matches = _ALLOW.findall(text) or ([("", "")] if _MEANT.search(text) else [])
        found += [Allow(rule, reason.strip(), line, line, last) for rule, reason in matches]
    return found


def _following(block: Mapping[int, str], line: int) -> Iterator[str]:
    """The comments that stand alone on the lines right below one."""
    while (line := line + 1) in block:
        yield block[line]


def _end(lines: list[str], number: int) -> int:
    """The last line that comments which end alone on line ``number`` are about."""
    following = lines[number:]
    if not following or not following[0].lstrip().startswith(("with ", "async with ")):
        return number + 1
    depth = len(following[0]) - len(following[0].lstrip())
    for offset, line in enumerate(following[1:], number + 2):
        if line.strip() and len(line) - len(line.lstrip()) <= depth and not line.lstrip().startswith(")"):
            return offset - 1
    return len(lines)


def _comments(source: bytes) -> list[tuple[int, bool, str]]:
    """Each comment's line, whether it stands alone there, and its text."""
    import tokenize  # 4 ms, only where there is such a comment

    found = []
    last = 0  # the line on which the token before ends
    try:
        for token in tokenize.tokenize(BytesIO(source).readline):
            if token.type == tokenize.COMMENT:
                found.append((token.start[0], token.start[0] != last, token.string))
            last = token.end[0]
    except (tokenize.TokenError, SyntaxError, ValueError):
        lines = enumerate(source.decode(errors="replace").split("\n"), 1)
        return [(number, line.lstrip().startswith("#"), line) for number, line in lines]
    return found


def allowed(rule: str, hazard: Hazard, allows: Collection[Allow]) -> Allow | None:
    """The comment that allows a hazard: on one of its statement's lines, or above it."""
    if hazard.line is None:
        return None
    end = hazard.end or hazard.line
    for one in allows:
        if one.rule == rule and one.reason and one.first <= end and hazard.line <= one.last:
            return one
    return None


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
        if not one.rule:
            text = "This comment is meant for the gate, as it seems, and is not of the form that it reads."
            remedy = "# migration-gate: allow RULE because REASON"
            yield "unused-allow", Hazard(text, path, one.line, one.line, remedy=remedy)
        elif not one.reason:
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
