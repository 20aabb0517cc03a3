"""``migration-gate heads``: the revision graph alone, in milliseconds; and what mends a fork of it."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from migration_gate.commands.emit import emit, is_asked
from migration_gate.findings import Allowed, CannotJudge, Finding, Note, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.base import compare
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.report import DRAWINGS, PAGES
from migration_gate.rules import GRAPH
from migration_gate.rules.judging import applied, home, judge_history

_SHOWN = 8  # revisions of this branch that are named


def run(options: Namespace) -> int:
    started = time.perf_counter()
    if options.message is not None and not options.merge:
        raise CannotJudge("--message is the merge revision's: name --merge too")
    if options.dry_run and not (options.merge or options.rebase):
        raise CannotJudge("--dry-run is for what writes: name --merge or --rebase too")
    if options.dry_run and any(form for form, _ in options.output):
        raise CannotJudge("--dry-run judges nothing, and shows a diff: --output FILE takes that, without a format")
    graphs, notes = gather(options)
    if options.merge or options.rebase:
        from migration_gate.commands import mend

        return mend.run(options, graphs, notes, started)
    return emit(judge(options, graphs, notes, started), options)


def gather(options: Namespace) -> tuple[list[tuple[Project, History]], tuple[Note, ...]]:
    """Every project with its history, each file read to its end, and with its base as far as that is known."""
    projects = discovery.find_around(Path.cwd(), options.project)
    loaded = [(project, history.load(project)) for project in projects]
    graphs, notes = compare(loaded, options.base)
    if all(graph.base for _, graph in graphs):
        return graphs, notes
    from migration_gate.project.merging import compare_while_merging

    return compare_while_merging(graphs, notes)


def judge(
    options: Namespace, graphs: Sequence[tuple[Project, History]], notes: Sequence[Note], started: float
) -> Verdict:
    """The verdict on the graphs as they are now."""
    findings: list[Finding] = []
    allowed: list[Allowed] = []
    notes = list(notes)
    facts: list[str] = []
    for project, graph in graphs:
        result = judge_history(project, graph)
        findings += result.findings
        allowed += result.allowed
        notes += result.notes
        notes += () if result.findings else _heads(project, graph)  # a fork is drawn with its finding
        heads, revisions = len(graph.heads), len(graph.revisions)
        facts.append(
            f"{project.name}: {revisions} revision{'s' if revisions != 1 else ''}, "
            f"{heads} head{'s' if heads != 1 else ''}"
        )
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    verdict = Verdict(
        tuple(findings),
        tuple(notes),
        facts=(*facts, took),
        allowed=tuple(allowed),
        rules=applied(graphs, GRAPH),
        home=home(graphs),
    )
    return _drawn(verdict, options, graphs)


def _heads(project: Project, graph: History) -> Iterator[Note]:
    for head in graph.heads:
        yield Note(f"{project.name}: head {head}  {graph.revisions[head].message}".rstrip())
    if graph.base is None:
        return
    own = [one for one in graph.revisions if one not in graph.base.past.revisions]
    if own:
        more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
        yield Note(f"{project.name}: this branch's, not in {graph.base.name}: {', '.join(own[:_SHOWN])}{more}")


def _drawn(verdict: Verdict, options: Namespace, graphs: Sequence[tuple[Project, History]]) -> Verdict:
    """With the graphs, where a report shows them."""
    if options.graph or is_asked(options, "json", *DRAWINGS):
        from migration_gate.project.graph import graph_of

        verdict = verdict._replace(graphs=tuple(graph_of(project, graph) for project, graph in graphs))
    if is_asked(options, *PAGES):
        from migration_gate.rules.ending import endings

        verdict = verdict._replace(endings=endings(graphs))
    return verdict
