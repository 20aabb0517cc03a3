"""``migration-gate lint``: read every project's history and the chosen revisions; run nothing."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from migration_gate.commands.emit import emit
from migration_gate.findings import CannotJudge, Finding, Note, Planned, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.judging import judge_history, judge_operations, migrations, shown


def run(options: Namespace) -> int:
    started = time.perf_counter()
    named = _named(options.files)
    projects = discovery.find_around(Path.cwd(), options.project)
    chosen = _chosen(named)
    verdict = judge([(project, history.load(project, chosen)) for project in projects], named, options.plan)
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    return emit(verdict._replace(facts=(*verdict.facts, took)), options)


def judge(
    graphs: Sequence[tuple[Project, History]], named: Mapping[str, Collection[Path]] | None, planned: bool = False
) -> Verdict:
    """The static verdict on some projects, each with its history. ``named`` has the arguments, each with the resolved
    files that it stands for: only their operations are judged. None: all. With ``planned`` it has a plan of them too.
    """
    chosen = _chosen(named)
    findings: list[Finding] = []
    notes: list[Note] = []
    revisions = judged = read = not_read = 0
    left = set(chosen or ())
    alone = False
    hazards = 0
    heads: list[str] = []
    plans: list[Planned] = []
    for project, graph in graphs:
        left -= graph.paths
        found = migrations(project, graph, chosen)
        operations = judge_operations(project, found)
        hazards += len(operations.findings)
        for result in (judge_history(project, graph), operations):
            findings += result.findings
            notes += result.notes
            judged += result.revisions
            read += result.operations - result.not_read
            not_read += result.not_read
        revisions += len(graph.revisions)
        heads += graph.heads
        by_itself = not (project.settings.start_after or project.settings.start_at)
        alone = alone or by_itself
        if planned:
            from migration_gate.rules.plan import plan

            plans += plan(project.name, found, by_itself)
    facts = [f"{revisions} revision{'s' if revisions != 1 else ''}, {judged} judged"]
    if alone and judged > 1:
        facts[0] += " (each as if it alone were new)"
        if hazards:
            names = ", ".join(f'"{head}"' for head in heads)
            notes.insert(
                0,
                Note(
                    "what has shipped can no longer be mended. In pyproject.toml, under [tool.migration-gate], "
                    f"start-after = {names if len(heads) == 1 else f'[{names}]'} leaves all that is there today out"
                ),
            )
    if read or not_read:
        facts.append(
            f"{read} operation{'s' if read != 1 else ''} read, " + (f"{not_read} not" if not_read else "all understood")
        )
    problems = tuple(_unjudged(named or {}, left))
    return Verdict(tuple(findings), tuple(notes), problems, tuple(facts), plan=tuple(plans) if planned else None)


def _named(arguments: Sequence[str]) -> dict[str, set[Path]] | None:
    """What each argument stands for: a file for itself, a folder for every Python file below it."""
    if not arguments:
        return None
    named = {}
    for name in arguments:
        if not os.path.exists(name):
            raise CannotJudge(f"no such file: {name}")
        named[name] = set(_below(name)) if os.path.isdir(name) else {Path(name).resolve()}
    return named


def _chosen(named: Mapping[str, Collection[Path]] | None) -> set[Path] | None:
    """All the files that the arguments stand for; None where there are no arguments."""
    return None if named is None else {path for files in named.values() for path in files}


def _below(top: str) -> Iterator[Path]:
    """The Python files below a folder, resolved; links are followed, and each folder is entered once."""
    seen = set()
    for folder, folders, names in os.walk(top, onerror=_refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            if name.endswith(".py"):
                yield Path(os.path.realpath(os.path.join(real, name)))


def _refuse(error: OSError) -> None:
    raise CannotJudge(f"cannot list {error.filename}: {error.strerror}")


def _unjudged(named: Mapping[str, Collection[Path]], left: Collection[Path]) -> Iterator[str]:
    """What was named and nobody judged: folders without a revision of any project, and strays."""
    strays: set[Path] = set()
    for name, files in named.items():
        if not os.path.isdir(name):
            strays.update(path for path in files if path in left)
        elif all(path in left for path in files):
            yield (
                f"no revisions below {name}: no project has its version folder there. Name the folder of the "
                "project's env.py by --project"
            )
    yield from _strays(strays)


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
