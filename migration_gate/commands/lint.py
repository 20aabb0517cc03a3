"""``migration-gate lint``: read every project's history and the chosen revisions; run nothing."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path

from migration_gate.commands.emit import emit
from migration_gate.findings import CannotJudge, Finding, Note, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.model import Project
from migration_gate.rules.judging import judge_history, judge_operations, shown


def run(options: Namespace) -> int:
    started = time.perf_counter()
    chosen = _chosen(options.files)
    projects = discovery.find(Path.cwd(), options.project)
    verdict = judge(projects, chosen)
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    return emit(verdict._replace(facts=(*verdict.facts, took)), options)


def judge(projects: Sequence[Project], chosen: Collection[Path] | None) -> Verdict:
    """The static verdict on some projects. ``chosen`` are the resolved files whose operations are judged, None: all."""
    findings: list[Finding] = []
    notes: list[Note] = []
    revisions = judged = read = not_read = 0
    left = set(chosen or ())
    alone = False
    hazards = 0
    for project in projects:
        graph = history.load(project, chosen)
        left -= graph.paths
        operations = judge_operations(project, graph, chosen)
        hazards += len(operations.findings)
        for result in (judge_history(project, graph), operations):
            findings += result.findings
            notes += result.notes
            judged += result.revisions
            read += result.operations - result.not_read
            not_read += result.not_read
        revisions += len(graph.revisions)
        alone = alone or not (project.settings.start_after or project.settings.start_at)
    facts = [f"{revisions} revision{'s' if revisions != 1 else ''}, {judged} judged"]
    if alone and judged > 1:
        facts[0] += " (each as if it alone were new)"
        if hazards:
            notes.append(
                Note(
                    "What has shipped can no longer be mended. In pyproject.toml, under [tool.migration-gate], "
                    'start-after = "…" names the last revision that has, and only what comes after it is judged'
                )
            )
    if read or not_read:
        facts.append(
            f"{read} operation{'s' if read != 1 else ''} read, " + (f"{not_read} not" if not_read else "all understood")
        )
    return Verdict(tuple(findings), tuple(notes), tuple(_strays(left)), tuple(facts))


def _chosen(files: Sequence[str]) -> set[Path] | None:
    if not files:
        return None
    chosen = set()
    for name in files:
        path = Path(name)
        if not path.exists():
            raise CannotJudge(f"no such file: {name}")
        chosen.add(path.resolve())
    return chosen


def _strays(left: Collection[Path]) -> list[str]:
    """Files that were named, look like revisions, and belong to no project: nobody judged them."""
    problems = []
    for path in sorted(left):
        if path.suffix != ".py" or path.name.startswith(("__init__", ".#")) or path.name == "env.py":
            continue
        if discovery.excluded(path, Path.cwd()):
            continue
        try:
            looks = b"\ndown_revision" in path.read_bytes()
        except OSError:
            looks = True
        if looks:
            problems.append(
                f"{shown(path)} looks like a revision, and no project holds it. In pyproject.toml, under "
                "[tool.migration-gate], name the folder of its env.py by script-location and its own by "
                "version-locations, or leave it out by exclude"
            )
    return problems
