"""For a person at a terminal: the line, the reason, what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from migration_gate.findings import Finding, Graph, Node, Note, Planned, Verdict
from migration_gate.report.clean import clean, clean_line, harmless
from migration_gate.report.places import excerpt
from migration_gate.report.words import STATE, heading, size
from migration_gate.rules import OPERATIONS

WIDTH = 116
NOTES = 5  # shown without --notes
_WORK = {
    "": "",
    "scan": "while all of it is read",
    "index build": "while an index is built",
    "rewrite": "while all of it is written anew",
    "rows": "while rows are written",
}


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """The whole verdict as text, ending in a newline. With ``notes`` all notes are shown, else the first few."""
    parts = [_style(clean_line(verdict.title), "1", color)] if verdict.title else []
    parts += [""] if verdict.title and verdict.stages else []
    parts += _stages(verdict, color)
    for planned in verdict.plan or ():
        parts += ["", *_planned(planned, color)]
    for graph in verdict.graphs or ():
        parts += ["", _style(clean_line(graph.project), "1", color), *_drawn(graph)]
    for finding in verdict.findings:
        parts += ["", *_finding(finding, color)]
    if verdict.order:
        parts += ["", "  All of it, in this order:", *(f"      {clean_line(one)}" for one in verdict.order)]
    shown = verdict.notes if notes else verdict.notes[:NOTES]
    if shown:
        parts += ["", *(_note(one) for one in shown)]
        if len(shown) < len(verdict.notes):
            parts.append(f"  {len(verdict.notes) - len(shown)} more notes: --notes")
    for problem in verdict.problems:
        parts += ["", _style(f"migration-gate: {clean(problem)}", "1;33", color)]
    if rule := next((one.rule for one in verdict.findings if one.rule in OPERATIONS), None):
        parts += ["", f"  To allow one on its line, with a reason:  # migration-gate: allow {rule} because …"]
    parts += ["", _summary(verdict, color)] if parts else [_summary(verdict, color)]
    return harmless("\n".join(parts).lstrip("\n")) + "\n"


def _stages(verdict: Verdict, color: bool) -> Iterator[str]:
    for stage in verdict.stages:
        mark, code = {True: ("✓", "32"), False: ("✗", "1;31"), None: ("?", "1;33")}[stage.passed]
        yield f"  {_style(mark, code, color)} {clean_line(stage.name):<9} {clean_line(stage.text)}"


def _planned(planned: Planned, color: bool) -> Iterator[str]:
    kind = {
        False: "one transaction",
        True: "each statement by itself (autocommit)",
        None: "after a COMMIT: with or without a transaction, as the driver has it",
    }[planned.autocommit]
    revisions = clean_line(", ".join(planned.revisions))
    yield _style(f"{clean_line(planned.project)}  {revisions}  {kind}", "1", color)
    for step in planned.steps:
        yield f"  {clean_line(Path(step.path).name)}:{step.line}  {clean_line(step.text)}"
        if step.not_read:
            yield f"      not read: {clean_line(step.not_read)}"
        still = [held for held in step.held if held.since]
        for held in step.held:
            if not held.since:
                blocked = any(one.table == held.table for one in still)
                waits = f"{held.blocks} wait" if held.blocks else "" if blocked else "nothing waits"
                words = (
                    f"{clean_line(held.table)}{size(held)}: {held.lock}",
                    waits,
                    "work not known" if held.work is None else _WORK[held.work],
                )
                yield "      " + ", ".join(filter(None, words))
        if still:
            locks = ", ".join(f"{one.table} ({one.lock} from {one.since}, {one.blocks} wait)" for one in still)
            yield f"      still held: {clean_line(locks)}"


def _drawn(graph: Graph) -> Iterator[str]:
    from migration_gate.project.drawing import Row, draw

    rows = [Row(one.id, one.parents, _revision(one), clean_line(one.mark)) for one in graph.nodes]
    yield from (f"  {line}" for line in draw(rows))


def _revision(one: Node) -> str:
    """A revision's text in a drawing: its id and message, then what the lines do not show."""
    if one.folded:
        return f"… {one.message}"
    more = [f"labels {', '.join(one.labels)}"] if one.labels else []
    more += [f"depends on {', '.join(one.depends_on)}"] if one.depends_on else []
    return clean_line(f"{one.id}  {one.message}".rstrip() + (f"  ({'; '.join(more)})" if more else ""))


def _finding(finding: Finding, color: bool) -> Iterator[str]:
    place = clean_line(finding.path or "") + (f":{finding.line}" if finding.path and finding.line else "")
    yield _style(f"{place}  {finding.rule}" if place else finding.rule, "1;31", color)
    yield from _frame(finding, color)
    yield ""
    for paragraph in clean(finding.message).split("\n"):
        yield from (f"  {line}" for line in _wrap(paragraph))
    for one in finding.evidence:
        yield from (f"  {line}" for line in clean(one.text).split("\n"))
    if finding.remedy:
        yield ""
        yield f"  {heading(finding)}"
        yield from (f"      {line}".rstrip() for line in clean(finding.remedy).split("\n"))


def _frame(finding: Finding, color: bool) -> Iterator[str]:
    lines = excerpt(finding)
    if not lines:
        return
    number = len(str(lines[-1][0]))
    yield ""
    for line, text in lines:
        mark = "▸" if line == finding.line else " "
        row = f" {mark} {line:>{number}} │ {clean(text)[:WIDTH]}".rstrip()
        yield _style(row, "1", color) if line == finding.line else row


def _note(note: Note) -> str:
    place = clean_line(note.path or "") + (f":{note.line}" if note.path and note.line else "")
    first = clean_line(note.message)
    return f"  note: {place}: {first}" if place else f"  note: {first}"


def _summary(verdict: Verdict, color: bool) -> str:
    count = len(verdict.findings)
    words = f"{count} finding{'s' if count != 1 else ''}"
    if verdict.of == "database":
        causes = f"{count} cause{'s' if count != 1 else ''} found"
        said = {"open": "nothing is wrong", "closed": causes, "not judged": "it could not be judged"}[verdict.word]
    else:
        said = f"{words}: {STATE[verdict.word]}" if count else STATE[verdict.word]
    said += ". Not all of it could be judged." if count and verdict.problems else "."
    code = {"open": "1;32", "closed": "1;31", "not judged": "1;33"}[verdict.word]
    facts = " · ".join(map(clean_line, verdict.facts))
    return f"{_style(said, code, color)}  {facts}".rstrip()


def _wrap(paragraph: str) -> list[str]:
    if paragraph.startswith(" ") or len(paragraph) <= WIDTH:
        return [paragraph]
    import textwrap

    return textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _style(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
