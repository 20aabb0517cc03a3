"""``migration-gate ci``: lint, then the upgrade from base to head on a throwaway PostgreSQL, then drift."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from migration_gate.commands import lint
from migration_gate.commands.emit import emit
from migration_gate.commands.progress import Progress
from migration_gate.findings import CannotJudge, Finding, Stage, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.judging import active, shown

if TYPE_CHECKING:
    from migration_gate.postgres.server import Server
    from migration_gate.postgres.throwaway import Choice


def run(options: Namespace) -> int:
    if find_spec("psycopg") is None:
        raise CannotJudge("ci needs more than the plain install: pip install 'migration-gate[ci]'")
    started = time.perf_counter()
    projects = discovery.find(Path.cwd(), options.project)
    if options.time_limit is not None:
        projects = [one._replace(settings=one.settings._replace(time_limit=options.time_limit)) for one in projects]
    verdict = judge(projects, options)
    took = f"{time.perf_counter() - started:.1f} s"
    return emit(verdict._replace(facts=(*verdict.facts, took)), options)


def judge(projects: list[Project], options: Namespace) -> Verdict:
    """The whole verdict: what reading says, and what the rehearsal says."""
    from migration_gate.postgres.throwaway import throwaway

    verdict = lint.judge(projects, None)
    graphs = [(project, history.load(project)) for project in projects]
    refused = {one.path for one in verdict.findings if one.rule == "multiple-heads"}
    stages = [_history_stage(project, graph, len(projects), refused) for project, graph in graphs]
    verdict = verdict._replace(title="migration-gate ci", stages=tuple(stages))
    if not any(graph.sound for _, graph in graphs):
        return verdict
    with Progress() as progress:
        progress.say("starting PostgreSQL")
        with throwaway(_choice(projects, options)) as server:
            names = ", ".join(project.name for project, _ in graphs)
            verdict = verdict._replace(
                title=f"migration-gate ci    {names} · PostgreSQL {server.version} ({server.origin})"
            )
            for number, (project, graph) in enumerate(graphs, 1):
                if graph.sound:
                    verdict = _add(verdict, _rehearse(project, graph, server, number, progress, len(projects)))
    return verdict


def _choice(projects: list[Project], options: Namespace) -> Choice:
    from migration_gate.postgres.throwaway import Choice

    wanted = options.postgres or next((one.settings.postgres for one in projects if one.settings.postgres), None)
    image = options.image or (
        None if options.postgres else next((one.settings.image for one in projects if one.settings.image), None)
    )
    return Choice(wanted or "auto", image)


def _rehearse(project: Project, graph: History, server: Server, number: int, progress: Progress, many: int) -> Verdict:
    from migration_gate.drift.autogenerate import compared
    from migration_gate.postgres.databases import create
    from migration_gate.rehearsal import child, start
    from migration_gate.rehearsal.outcome import outcome

    primary = f"{server.prefix}{number}"
    origin, setup = project.settings.start_from, project.settings.setup_sql

    def make(name: str) -> None:
        create(server, name)
        if setup:
            start.run_file(project.settings_folder / setup, server, name)

    make(primary)
    if origin and origin != "create_all":
        start.run_file(project.settings_folder / origin, server, primary)

    def seen(event: child.Event) -> None:
        if event["event"] == "step":
            message = graph.revisions[event["revision"]].message if event["revision"] in graph.revisions else ""
            progress.say(f"{project.name}: {event['revision']} {message}")

    ran = child.upgrade(project, server, primary, make, seen)
    result = outcome(project, graph, ran)
    label = f"{project.name}: " if many > 1 else ""
    done = len({one["revision"] for one in ran.of("done")})
    stages, findings, notes, problems = [], [*result.findings], [*result.notes], [*result.problems]
    if result.went_through:
        count = f"{done} revision{'s' if done != 1 else ''}"
        begin = project.settings.start_at or origin or "base"
        stages.append(Stage("upgrade", True, f"{label}{count}, {begin} → head, {ran.seconds:.1f} s"))
    elif result.findings:
        stages.append(Stage("upgrade", False, label + result.findings[0].message.split("\n")[0]))
    else:
        stages.append(Stage("upgrade", None, f"{label}could not be tried to its end: see below"))
    drift_on = bool(active(project, ("drift",)))
    if result.went_through and drift_on:
        comparison = compared(project, ran)
        findings += comparison.findings
        notes += comparison.notes
        problems += [comparison.problem] if comparison.problem else []
        stages.append(_drift_stage(label, comparison.problem, comparison.findings))
    elif drift_on:
        stages.append(Stage("drift", None, f"{label}not compared: the upgrade did not reach head"))
    on = active(project, ("upgrade-fails", "drift"))
    findings = [_relative(one) for one in findings if one.rule in on]
    notes = [one._replace(path=shown(Path(one.path)) if one.path else None) for one in notes]
    return Verdict(tuple(findings), tuple(notes), tuple(problems), (), tuple(stages))


def _relative(finding: Finding) -> Finding:
    return finding._replace(path=shown(Path(finding.path)) if finding.path else None)


def _history_stage(project: Project, graph: History, many: int, refused: Collection[str | None]) -> Stage:
    label = f"{project.name}: " if many > 1 else ""
    count = len(graph.revisions)
    if not graph.sound:
        return Stage("history", False, f"{label}{count} revisions, and Alembic cannot load them: see below")
    heads = "one head" if len(graph.heads) == 1 else f"{len(graph.heads)} heads"
    several = any(shown(graph.revisions[head].path) in refused for head in graph.heads)
    return Stage("history", not several, f"{label}{count} revision{'s' if count != 1 else ''}, {heads}")


def _drift_stage(label: str, problem: str | None, findings: tuple[Finding, ...]) -> Stage:
    if problem:
        return Stage("drift", None, f"{label}not compared")
    if not findings:
        return Stage("drift", True, f"{label}the models and the migrations agree")
    more = f" (+{len(findings) - 1} more)" if len(findings) > 1 else ""
    return Stage("drift", False, f"{label}{findings[0].message}{more}")


def _add(verdict: Verdict, more: Verdict) -> Verdict:
    return verdict._replace(
        findings=verdict.findings + more.findings,
        notes=verdict.notes + more.notes,
        problems=verdict.problems + more.problems,
        stages=verdict.stages + more.stages,
    )
