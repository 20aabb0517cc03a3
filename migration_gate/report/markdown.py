"""Markdown for a job's summary or a comment: the verdict, the graph, what each new revision does, the findings.

Text that comes from elsewhere stands in two places only: escaped in a block of HTML, in which no Markdown is read until
a blank line, or in a fence that is longer than any run of backticks in it. So it is no markup, no link and no mention.

Source: the GitHub Flavored Markdown Spec, 4.5 and 4.6; GitHub takes 65,536 characters of a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Finding, Graph, Held, Note, Planned, Step, Verdict
from migration_gate.report.clean import clean, clean_line, harmless, short_line
from migration_gate.report.mermaid import flowchart
from migration_gate.report.places import from_root, worst_first
from migration_gate.report.words import MARK, WORK, conclusion, heading, size
from migration_gate.rules import DRIFT, OPERATIONS

LONGEST = 65_000  # characters
ROOM_TO_SAY = 400  # of them, for what was cut
MOST_SQL = 12_000  # characters of one revision's
MOST_OF_ONE = 3_900  # of them, of one statement
MOST_ROWS = 50  # of one transaction's table
TOGETHER = 10  # notes that are folded into one

# Evidence that is no prose. The two definitions of what differs stand one below the other, in one fence.
_FENCED = {"statement": "sql", "models": "text", "migrations": "text"}


class Block(NamedTuple):
    """A part of the page that is whole in itself. Where not all fit, the lower ``rank`` goes first, and what is left
    out is counted by its ``kind``, in the singular: ``things`` of them.
    """

    rank: int
    kind: str
    text: str
    things: int = 1


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The page, of at most ``LONGEST`` characters; what did not fit is counted in its last line."""
    return _fit([one._replace(text=harmless(one.text)) for one in _blocks(verdict)])


def _blocks(verdict: Verdict) -> Iterator[Block]:
    yield Block(0, "verdict", _head(verdict))
    if verdict.stages:
        rows = [(MARK[one.passed], _text(one.name), _text(one.text)) for one in verdict.stages]
        yield Block(1, "table of stages", _table((), rows))
    for problem in verdict.problems:
        yield Block(1, "problem", f"<p><b>Not judged:</b> {_text(problem)}</p>")
    for number, one in enumerate(verdict.endings):
        yield Block(3, "graph", _titled("The history", number, _graph(one, len(verdict.endings) > 1)))
    yield from _plans(verdict)
    for title, kind, drift in (("Findings", "finding", False), ("Drift", "difference", True)):
        found = [one for one in worst_first(verdict.findings) if (one.rule in DRIFT) is drift]
        for number, finding in enumerate(found):
            yield Block(2, kind, _titled(title, number, _finding(finding)))
    for number, allowed in enumerate(verdict.allowed):
        place = _place(allowed.finding.path, allowed.finding.line)
        text = f"<p>{_code(allowed.finding.rule)} {place}<br>because {_text(allowed.reason)}</p>"
        yield Block(6, "allowed finding", _titled("Allowed by a comment", number, text))
    for first in range(0, len(verdict.notes), TOGETHER):
        some = verdict.notes[first : first + TOGETHER]
        yield Block(7, "note", _notes(first + 1, some, len(verdict.notes)), len(some))


def _titled(title: str, number: int, text: str) -> str:
    return text if number else f"### {title}\n\n{text}"


def _fit(blocks: Sequence[Block]) -> str:
    """The blocks in their order, those of a kind up to the first that finds no room."""
    room = LONGEST - ROOM_TO_SAY
    kept: set[int] = set()
    cut: dict[str, int] = {}
    for number, one in sorted(enumerate(blocks), key=lambda pair: pair[1].rank):
        if one.kind in cut or len(one.text) + 2 > room:
            cut[one.kind] = cut.get(one.kind, 0) + one.things
        else:
            room -= len(one.text) + 2
            kept.add(number)
    shown = [one.text for number, one in enumerate(blocks) if number in kept]
    if cut:
        words = ", ".join(_count(count, kind) for kind, count in cut.items())
        shown.append(f"**Cut at {LONGEST:,} characters. Not shown: {words}.**")
    return "\n\n".join(shown) + "\n"


def _count(count: int, kind: str) -> str:
    first, blank, rest = kind.partition(" of ")
    return f"{count:,} {first}{'s' if count != 1 else ''}{blank}{rest}"


# ── the verdict ──────────────────────────────────────────────────────────────────────────────────────────


def _head(verdict: Verdict) -> str:
    said = [f"## migration-gate: {conclusion(verdict)}"]
    facts = " · ".join(map(clean_line, verdict.facts))
    if about := "<br>".join(_text(one) for one in (verdict.title, facts) if one):
        said.append(f"<p>{about}</p>")
    return "\n\n".join(said)


# ── the graph ────────────────────────────────────────────────────────────────────────────────────────────


def _graph(end: Graph, named: bool) -> str:
    name = f"<p>{_text(end.project)}</p>\n\n" if named else ""
    return name + _fence(flowchart(end), "mermaid")


# ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────


def _plans(verdict: Verdict) -> Iterator[Block]:
    """Of each new revision what it will run, transaction by transaction, and the SQL, where it has run."""
    number = 0
    for end in verdict.endings:
        for one in reversed(end.nodes):
            parts = [
                (planned, steps)
                for planned in verdict.plan or ()
                if planned.project == end.project
                and (steps := [step for step in planned.steps if step.revision == one.id])
            ]
            if not (one.own and parts):
                continue
            steps = [step for _, some in parts for step in some]
            name = f"<h4>{_code(one.id)} {_text(one.message)}</h4>"
            seen = "as it ran on PostgreSQL" if any(step.sql for step in steps) else "as it is written"
            text = "\n\n".join([f"{name}\n<p>{_place(one.path)} {seen}</p>", *(_steps(*part) for part in parts)])
            yield Block(4, "plan", _titled("What the new revisions do", number, text))
            number += 1
            if any(step.sql for step in steps):
                yield Block(5, "listing of SQL", _sql(steps))


def _steps(planned: Planned, steps: Iterable[Step]) -> str:
    kind = {False: "One transaction", True: "Each statement by itself (autocommit)", None: "After a COMMIT"}
    rows = [row for step in steps for row in _rows(step)]
    if len(rows) > MOST_ROWS:
        rows[MOST_ROWS:] = [(f"… and {len(rows) - MOST_ROWS:,} rows more", "", "", "", "")]
    return f"<p>{kind[planned.autocommit]}</p>\n" + _table(("Statement", "Lock", "Waits", "Meanwhile", "Table"), rows)


def _rows(step: Step) -> Iterator[tuple[str, ...]]:
    """A row for each lock that a statement takes; those that its transaction holds already are named below it."""
    taken = [one for one in step.held if not one.since]
    still = ", ".join(f"{one.lock} on {one.table} since {one.since}" for one in step.held if one.since)
    place = f"{_code(f'{Path(step.path).name}:{step.line}')}<br>" if step.path else ""
    statement = f"{place}{_code(step.text)}"
    if still:
        statement += f"<br>still held: {_text(still)}"
    if step.not_read:
        yield statement, "", "", f"not read: {_text(step.not_read)}", ""
    elif not taken:
        yield statement, "", "" if still else "nothing", "", ""
    for number, one in enumerate(taken):
        yield ("" if number else statement), *_held(one)


def _held(one: Held) -> tuple[str, ...]:
    return one.lock, one.blocks or "nothing", WORK[one.work], f"{_code(one.table)}{size(one)}"


def _sql(steps: Sequence[Step]) -> str:
    texts: list[str] = []
    for step in steps:
        cut = " … (cut)" if len(step.sql) > MOST_OF_ONE else ""
        text = clean(step.sql[:MOST_OF_ONE]).strip().rstrip(";") + cut + ";"
        if sum(map(len, texts)) + len(text) > MOST_SQL:
            texts.append(f"-- … and {len(steps) - len(texts):,} more statements")
            break
        texts.append(text)
    count = f"{len(steps):,} statement{'s' if len(steps) != 1 else ''}"
    return f"<details><summary>SQL, {count}</summary>\n\n{_fence(chr(10).join(texts), 'sql')}\n\n</details>"


# ── a finding ────────────────────────────────────────────────────────────────────────────────────────────


def _finding(one: Finding) -> str:
    parts = [f"<h4>{_code(one.rule)} {_place(one.path, one.line)}</h4>", *_prose(one.message)]
    for fence, some in groupby(one.evidence, lambda evidence: _FENCED.get(evidence.kind)):
        text = "\n".join(clean(evidence.text) for evidence in some)
        parts += [_fence(text, fence)] if fence else _prose(text)
    if one.remedy:
        parts += [f"<p>{heading(one)}</p>", _fence(clean(one.remedy), "python" if one.rule in OPERATIONS else "text")]
    return "\n\n".join(parts)


def _notes(first: int, some: Sequence[Note], count: int) -> str:
    which = f"{first} to {first + len(some) - 1} of {count:,}" if count > len(some) else f"{count}"
    lines = "".join(f"<li>{_place(one.path, one.line)} {_text(one.message)}</li>\n" for one in some)
    return f"<details><summary>Notes: {which}</summary>\n<ul>\n{lines}</ul>\n</details>"


def _prose(text: str) -> Iterator[str]:
    """Lines of prose as a paragraph, and those that begin with blanks, drawings and code, as they are."""
    for part in re.findall(r"(?:^[ \t].*\n?)+|(?:^[^ \t\n].*\n?)+", clean(text), re.MULTILINE):
        if part[0] in " \t":
            yield _fence(part.rstrip("\n"), "text")
        else:
            yield "<p>" + "<br>".join(map(_escaped, part.rstrip("\n").split("\n"))) + "</p>"


# ── what is safe in it ───────────────────────────────────────────────────────────────────────────────────


def _text(text: str) -> str:
    """One line of prose for a block of HTML."""
    return _escaped(short_line(text))


def _escaped(text: str) -> str:
    """Clean prose for a block of HTML; in it `names` are code, and a blank without width parts what GitHub would link,
    @people and #numbers.
    """
    parts = re.split("`([^`\n]+)`", text)
    parts[::2] = [escape(re.sub(r"(@|#|GH-)(?=\w)", "\\1\u200b", one), quote=False) for one in parts[::2]]
    parts[1::2] = [_as_code(one) for one in parts[1::2]]
    return "".join(parts)


def _code(text: str) -> str:
    """One line, as it is, for a block of HTML."""
    return _as_code(short_line(text))


def _as_code(text: str) -> str:
    """In code GitHub looks for nothing."""
    return f"<code>{escape(text, quote=False)}</code>"


def _place(path: str | None, line: int | None = None) -> str:
    if not path:
        return ""
    return _code(from_root(clean_line(path)) + (f":{line}" if line else ""))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Of cells that are HTML already. No line of it is blank."""
    head = "<tr>" + "".join(f"<th>{one}</th>" for one in header) + "</tr>\n" if header else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n{head}{body}</table>"


def _fence(text: str, language: str) -> str:
    longest = max((len(one) for one in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"
