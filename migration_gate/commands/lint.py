"""``migration-gate lint``: read every project's history and the chosen revisions; run nothing."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from migration_gate.commands.emit import emit, is_asked
from migration_gate.findings import Allowed, CannotJudge, Finding, Note, Planned, Verdict
from migration_gate.operations.grammar import CANNOT_PARSE
from migration_gate.project import discovery, history
from migration_gate.project.base import compare
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import content
from migration_gate.project.sizes import of_project
from migration_gate.report import PAGES
from migration_gate.rules import ALLOWS, GRAPH, OPERATIONS
from migration_gate.rules.judging import Judged, applied, hidden, home, judge_history, judge_operations, select, shown

READ = (*GRAPH, *OPERATIONS, *ALLOWS)  # the rules that need no rehearsal


def run(options: Namespace) -> int:
    started = time.perf_counter()
    named = _named(options.files)
    projects = discovery.find_around(Path.cwd(), options.project)
    graphs, notes = compare([(project, history.load_headers(project)) for project in projects], options.base)
    drawn = is_asked(options, *PAGES)
    verdict = judge(graphs, named, options.all, options.plan or drawn)
    if drawn:
        from migration_gate.rules.ending import endings

        verdict = verdict._replace(endings=endings(graphs, options.all))
    took = f"{(time.perf_counter() - started) * 1000:.0f} ms"
    return emit(verdict._replace(notes=notes + verdict.notes, facts=(*verdict.facts, took)), options)


def judge(
    graphs: Sequence[tuple[Project, History]],
    named: Mapping[str, Collection[Path]] | None,
    everything: bool = False,
    planned: bool = False,
) -> Verdict:
    """The static verdict on some projects, each with its history. ``named`` has the arguments, each with the resolved
    files that it stands for: only their operations are judged. None: all. With ``everything`` what has shipped is
    judged too, each revision as if it alone were new; with ``planned`` there is a plan of what is judged.
    """
    chosen = _chosen(named)
    left = set(chosen or ())
    findings: list[Finding] = []
    notes: list[Note] = []
    operations: list[Judged] = []
    plans: list[Planned] = []
    allowed: list[Allowed] = []
    for project, graph in graphs:
        left -= graph.paths
        selection = select(project, graph, chosen, everything)
        # What has been read is not parsed again; what is no Python from end to end is for the rules of the graph.
        graph = history.confirmed(graph, chosen, selection.parsed)
        selection = selection.of(graph)
        operations.append(judge_operations(project, selection))
        notes += () if everything else hidden(project, graph)
        if planned:
            from migration_gate.rules.plan import plan, sized

            plans += sized(plan(project.name, selection.migrations, selection.new is None), of_project(project))
        for result in (judge_history(project, graph), operations[-1]):
            findings += result.findings
            notes += result.notes
            allowed += result.allowed
    facts = [_counted(graphs, operations, named is not None)]
    if any(one.new is None and one.findings for one in operations) and not everything:
        notes.insert(0, _begin(graphs))
    not_read = sum(one.not_read for one in operations)
    read = sum(one.operations for one in operations) - not_read
    if read or not_read:
        facts.append(
            f"{read} operation{'s' if read != 1 else ''} read, " + (f"{not_read} not" if not_read else "all understood")
        )
    if broken := sum(one.message.startswith(f"not read: {CANNOT_PARSE}") for one in notes):
        facts.append(f"{broken} of them SQL that PostgreSQL cannot parse")
    return Verdict(
        tuple(findings),
        tuple(notes),
        tuple(_unjudged(named or {}, left)),
        tuple(facts),
        plan=tuple(plans) if planned else None,
        allowed=tuple(allowed),
        rules=applied(graphs, READ),
        home=home(graphs),
    )


def _counted(graphs: Sequence[tuple[Project, History]], operations: Sequence[Judged], chosen: bool) -> str:
    """How many revisions there are, how many of them are new, and how many were judged where that is not the same."""
    count = sum(len(graph.revisions) for _, graph in graphs)
    judged = sum(one.revisions for one in operations)
    shipped = sum(one.shipped for one in operations)
    words = [f"{count} revision{'s' if count != 1 else ''}"]
    if all(one.new is not None for one in operations):
        new = sum(one.new or 0 for one in operations)
        if not new:
            return f"{words[0]}, 0 new{_since(graphs)}; --all judges each as if it alone were new"
        words.append(f"{new} new")
        if judged < new:
            words.append(f"{judged} judged")
    else:
        alone = any(one.new is None for one in operations) and judged > 1
        words.append(f"{judged} judged" + (" (each as if it alone were new)" if alone else ""))
    if chosen and shipped:
        words.append(f"{shipped} named and not judged, because {'they have' if shipped != 1 else 'it has'} shipped")
    return ", ".join(words)


def _since(graphs: Sequence[tuple[Project, History]]) -> str:
    """Since when nothing is new, where all projects have one answer."""
    since = {graph.base.name if graph.base else "start-after" for _, graph in graphs}
    return f" since {since.pop()}" if len(since) == 1 else ""


def _begin(graphs: Sequence[tuple[Project, History]]) -> Note:
    """How a project that has a history already leaves it out."""
    heads = [f'"{head}"' for _, graph in graphs for head in graph.heads]
    names = heads[0] if len(heads) == 1 else f"[{', '.join(heads)}]"
    return Note(
        "what has shipped can no longer be mended. Name the branch that has it, --base origin/main or base in "
        f"[tool.migration-gate] of pyproject.toml; or, there too, start-after = {names} leaves all that is there today "
        "out"
    )


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
        text = content(path)
        if not isinstance(text, bytes) or b"\ndown_revision" in text:
            problems.append(
                f"{shown(path)} looks like a revision, and no project holds it. In pyproject.toml, under "
                "[tool.migration-gate], name the folder of its env.py by script-location and its own by "
                "version-locations, or leave it out by exclude"
            )
    return problems
