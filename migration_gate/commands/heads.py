"""``migration-gate heads``: the revision graph alone, in milliseconds."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

from migration_gate.commands.emit import emit
from migration_gate.findings import Finding, Note, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.base import compare
from migration_gate.rules.judging import judge_history


def run(options: Namespace) -> int:
    started = time.perf_counter()
    findings: list[Finding] = []
    notes: list[Note] = []
    facts: list[str] = []
    projects = discovery.find_around(Path.cwd(), options.project)
    graphs, unknown = compare([(project, history.load(project)) for project in projects], options.base)
    for project, graph in graphs:
        result = judge_history(project, graph)
        findings += result.findings
        notes += result.notes
        for head in () if result.findings else graph.heads:  # a fork is drawn with its finding
            notes.append(Note(f"{project.name}: head {head}  {graph.revisions[head].message}".rstrip()))
        heads, revisions = len(graph.heads), len(graph.revisions)
        facts.append(
            f"{project.name}: {revisions} revision{'s' if revisions != 1 else ''}, "
            f"{heads} head{'s' if heads != 1 else ''}"
        )
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    return emit(Verdict(tuple(findings), (*unknown, *notes), (), (*facts, took)), options)
