"""The page: the verdict, the stages, the history, what each transaction does, the findings.

It has no script. Its policy lets it load nothing and run nothing, and names the one style sheet by its hash: what a
hostile name would forge, a browser would refuse.

Source: Content Security Policy Level 3, 2.3.1 (hashes), 8 ("default-src 'none'"); the HTML Standard, "ancestor details
revealing algorithm": a link to what is inside a <details> opens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from migration_gate import __version__
from migration_gate.findings import Allowed, Finding, Graph, Note, Planned, Stage, Verdict
from migration_gate.report.clean import clean_line, harmless
from migration_gate.report.html.history import drawn
from migration_gate.report.html.markup import code, line, place, pre, prose
from migration_gate.report.html.timeline import Links, about, statements, timelines
from migration_gate.report.places import excerpt, worst_first
from migration_gate.report.words import MARK, conclusion, heading
from migration_gate.rules import DRIFT

MOST = 500  # things of a kind
MOST_LINKS = 5  # from a finding to what it is about

_STATE = {"open": ("✓", "passed"), "closed": ("✗", "failed"), "not judged": ("?", "unknown")}
_PASSED = {True: "passed", False: "failed", None: "unknown"}
_SAID = {True: "went well", False: "did not", None: "not judged"}
_AS_IT_IS = ("statement", "models", "migrations")  # evidence that is no prose


class Section(NamedTuple):
    """A part of the page that its list of contents leads to."""

    anchor: str
    title: str
    text: str


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The page. Notes are folded, without ``notes``."""
    sections = [one for one in _sections(verdict, notes) if one.text]
    style = Path(__file__).with_name("style.css").read_text("utf-8")
    said = conclusion(verdict)
    links = "".join(f'<li><a href="#{one.anchor}">{one.title}</a></li>\n' for one in sections)
    contents = f'<nav aria-label="Contents"><ul>\n{links}</ul></nav>\n' if sections else ""
    return harmless(
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>migration-gate: {said}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#report">To the report</a>\n{_header(verdict, said)}\n{contents}'
        f'<main id="report">\n{chr(10).join(map(_section, sections))}\n</main>\n'
        f"<footer><p>migration-gate {__version__}. This page loads nothing and runs nothing.</p></footer>\n"
        "</body>\n</html>\n"
    )


def _policy(style: str) -> str:
    from base64 import b64encode
    from hashlib import sha256

    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _header(verdict: Verdict, said: str) -> str:
    mark, kind = _STATE[verdict.word]
    about = [f"<p>{line(verdict.title)}</p>"] if verdict.title else []
    about += [f'<p class="facts">{" · ".join(map(line, verdict.facts))}</p>'] if verdict.facts else []
    head = f'<h1><span class="mark" aria-hidden="true">{mark}</span> migration-gate: {said}</h1>'
    return f'<header class="{kind}">\n{head}\n{"".join(about)}\n</header>'


def _section(one: Section) -> str:
    return f'<section aria-labelledby="{one.anchor}">\n<h2 id="{one.anchor}">{one.title}</h2>\n{one.text}\n</section>'


def _sections(verdict: Verdict, notes: bool) -> Iterator[Section]:
    plans = verdict.plan or ()
    numbered = dict(enumerate(worst_first(verdict.findings)[:MOST], 1))
    problems = _all(map(prose, verdict.problems[:MOST])) + _left("problem", len(verdict.problems))
    yield Section("problems", "Not judged", problems)
    yield Section("stages", "What was tried", _stages(verdict.stages))
    yield Section("history", "The history", _histories(verdict.endings))
    yield Section("plan", "What the new revisions do", _plan(plans, verdict.endings, numbered))
    links = statements(plans[:MOST])
    for anchor, name, drift in (("findings", "Findings", False), ("drift", "Drift", True)):
        own = [_finding(number, one, links) for number, one in numbered.items() if (one.rule in DRIFT) is drift]
        yield Section(anchor, name, _all(own))
    yield Section("more-findings", "More findings", _left("finding", len(verdict.findings)))
    yield Section("order", "All of it, in this order", pre(*verdict.order) if verdict.order else "")
    yield Section("allowed", "Allowed by a comment", _allowed(verdict.allowed))
    yield Section("notes", f"Notes: {len(verdict.notes):,}", _notes(verdict.notes, notes))


def _all(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _left(kind: str, count: int) -> str:
    """What is said of those that are too many."""
    return f"<p>Shown are the first {MOST:,} of {count:,} {kind}s; JSON has them all.</p>" if count > MOST else ""


# ── its parts ────────────────────────────────────────────────────────────────────────────────────────────


def _stages(stages: Sequence[Stage]) -> str:
    if not stages:
        return ""
    rows = "".join(
        f'<tr class="{_PASSED[one.passed]}"><th scope="row"><span class="mark" aria-hidden="true">{MARK[one.passed]}'
        f'</span> {line(one.name)} <span class="unseen">{_SAID[one.passed]}</span></th><td>{line(one.text)}</td></tr>\n'
        for one in stages
    )
    return f'<table class="stages">\n<tbody>\n{rows}</tbody></table>'


def _histories(ends: Sequence[Graph]) -> str:
    named = len(ends) > 1
    return _all((f"<h3>{line(one.project)}</h3>\n" if named else "") + drawn(one) for one in ends if one.nodes)


def _plan(plans: Sequence[Planned], ends: Sequence[Graph], findings: dict[int, Finding]) -> str:
    if not plans:
        return ""
    said = (
        "<p>Each bar is a lock on a table that was there before, from the statement that takes it to the last one that "
        'it is held for.</p>\n<ul class="key">\n'
        '<li><span class="bar all">reads and writes wait</span></li>\n'
        '<li><span class="bar writes">writes wait</span></li>\n<li><span class="bar none">nothing waits</span></li>\n'
        '<li><span class="bar none"><span class="work">work that grows with the table</span></span></li>'
        "\n</ul>"
    )
    there = {(one.project, step.revision) for one in plans for step in one.steps}
    silent = [
        one.id
        for end in ends
        for one in end.nodes
        if one.own and len(one.parents) < 2 and (end.project, one.id) not in there
    ]
    none = [f"<p>No statement was seen of {', '.join(map(code, silent))}.</p>"] if silent else []
    return _all((said, *timelines(plans[:MOST], ends, findings), *none)) + _left("transaction", len(plans))


def _finding(number: int, one: Finding, links: Links) -> str:
    where = place(one.path, one.line)
    parts = [f'<h3 id="f{number}">{code(one.rule)} <span class="where">{where}</span></h3>']
    if places := [link for at, link in links.get(one.path or "", ()) if about(one, at)]:
        parts.append(f'<p class="where">What it locks: {", ".join(places[:MOST_LINKS])}</p>')
    if lines := excerpt(one):
        parts.append(_excerpt(one, lines))
    parts.append(prose(one.message))
    for as_it_is, told in groupby(one.evidence, lambda evidence: evidence.kind in _AS_IT_IS):
        texts = [evidence.text for evidence in told]
        parts += [pre(*texts)] if as_it_is else map(prose, texts)
    if one.remedy:
        parts.append(f"<p><strong>{heading(one)}</strong></p>\n{pre(one.remedy)}")
    return f'<article aria-labelledby="f{number}">\n{_all(parts)}\n</article>'


def _excerpt(one: Finding, lines: Sequence[tuple[int, str]]) -> str:
    width = len(str(lines[-1][0]))
    rows = (
        f"{'▸' if number == one.line else ' '} {number:>{width}} │ {clean_line(text)}".rstrip()
        for number, text in lines
    )
    return pre(*rows)


def _allowed(allowed: Sequence[Allowed]) -> str:
    if not allowed:
        return ""
    items = "".join(
        f"<li>{code(one.finding.rule)} {place(one.finding.path, one.finding.line)}<br>because {line(one.reason)}</li>\n"
        for one in allowed[:MOST]
    )
    return f"<ul>\n{items}</ul>{_left('allowed finding', len(allowed))}"


def _notes(notes: Sequence[Note], unfolded: bool) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{place(one.path, one.line)} {line(one.message)}</li>\n" for one in notes[:MOST])
    return (
        f"<details{' open' if unfolded else ''}><summary>What informs, and closes no gate</summary>\n"
        f"<ul>\n{items}</ul>{_left('note', len(notes))}</details>"
    )
