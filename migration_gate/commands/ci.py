"""``migration-gate ci``: lint, then the rehearsal on a throwaway PostgreSQL, then drift."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migration_gate.commands import lint
from migration_gate.commands.emit import emit, is_asked
from migration_gate.commands.progress import Progress
from migration_gate.commands.suggestion import Place, suggestion
from migration_gate.findings import CannotJudge, Finding, Note, Stage, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.base import compare
from migration_gate.project.forks import merged
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.sizes import of_project
from migration_gate.report import PAGES
from migration_gate.rules import REHEARSAL
from migration_gate.rules.judging import active, new_revisions, shown

if TYPE_CHECKING:
    from migration_gate.drift.declared import Schemas
    from migration_gate.postgres.server import Server
    from migration_gate.postgres.throwaway import Choice
    from migration_gate.project.revision import Revision
    from migration_gate.rehearsal.asked import VersionTable
    from migration_gate.rehearsal.child import Ran
    from migration_gate.rehearsal.outcome import Outcome
    from migration_gate.rehearsal.stages import Rehearsal


def run(options: Namespace) -> int:
    if find_spec("psycopg") is None:
        raise CannotJudge("ci needs more than the plain install: pip install 'migration-gate[ci]'")
    started = time.perf_counter()
    projects = discovery.find_around(Path.cwd(), options.project)
    if options.data and len(projects) > 1:
        raise CannotJudge("--data is one project's: name that by --project")
    if options.time_limit is not None:
        projects = [one._replace(settings=one.settings._replace(time_limit=options.time_limit)) for one in projects]
    if options.suggest and len(projects) > 1:
        raise CannotJudge("--suggest FILE is one project's: name that by --project")
    verdict = judge(projects, options)
    took = f"{time.perf_counter() - started:.1f} s"
    return emit(verdict._replace(facts=(*verdict.facts, took)), options)


def judge(projects: list[Project], options: Namespace) -> Verdict:
    """The whole verdict: what reading says, and what the rehearsal says."""
    from migration_gate.postgres.throwaway import throwaway
    from migration_gate.rehearsal.asked import shared

    graphs, unknown = compare([(project, history.load(project)) for project in projects], options.base)
    drawn = is_asked(options, *PAGES)
    verdict = lint.judge(graphs, None, options.all, drawn)
    verdict = verdict._replace(notes=unknown + verdict.notes)
    if drawn:
        from migration_gate.rules.ending import endings

        verdict = verdict._replace(endings=endings(graphs, options.all))
    refused = {(one.rule, one.path) for one in verdict.findings}
    labels = [f"{project.name}: " if len(projects) > 1 else "" for project in projects]
    stages = [_history_stage(graph, label, refused) for (_, graph), label in zip(graphs, labels, strict=True)]
    verdict = verdict._replace(title="migration-gate ci", stages=tuple(stages))
    if not any(graph.sound for _, graph in graphs):
        reason = f"not rehearsed, because Alembic cannot load the history of {', '.join(one.name for one in projects)}"
        return verdict._replace(problems=(*verdict.problems, reason))
    versions: list[tuple[str, set[VersionTable]]] = []
    with Progress() as progress:
        progress.say("starting PostgreSQL")
        with throwaway(choice(projects, options)) as server:
            names = ", ".join(project.name for project, _ in graphs)
            verdict = verdict._replace(
                title=f"migration-gate ci    {names} · PostgreSQL {server.version} ({server.origin}){_bases(graphs)}"
            )
            for number, ((project, graph), label) in enumerate(zip(graphs, labels, strict=True), 1):
                verdict = _rehearse(project, graph, server, number, progress, label, verdict, options, versions)
            verdict = verdict._replace(notes=(*verdict.notes, *shared(versions)))
    return verdict


def choice(projects: Sequence[Project], options: Namespace) -> Choice:
    """Which PostgreSQL is to be the throwaway one: the options' word, then the settings'."""
    from migration_gate.postgres.throwaway import Choice

    wanted = options.postgres or next((one.settings.postgres for one in projects if one.settings.postgres), None)
    image = options.image or (
        None if options.postgres else next((one.settings.image for one in projects if one.settings.image), None)
    )
    return Choice(wanted or "auto", image)


def _rehearse(
    project: Project,
    graph: History,
    server: Server,
    number: int,
    progress: Progress,
    label: str,
    said: Verdict,
    options: Namespace,
    versions: list[tuple[str, set[VersionTable]]],
) -> Verdict:
    """One project: rehearse it, then say what each stage means, as far as the settings want to know. ``said`` is the
    verdict so far: what reading has found is confirmed or cleared by what PostgreSQL did. ``versions`` is told where
    the project keeps its version.
    """
    from migration_gate.drift.compared import compared
    from migration_gate.rehearsal import asked, meaning
    from migration_gate.rehearsal.evidence import planned
    from migration_gate.rehearsal.outcome import outcome
    from migration_gate.rules.plan import sized

    if options.data:
        project = project._replace(settings=project.settings._replace(start_from=options.data, start_at=None))
    if not graph.sound:
        return _add(
            said, Verdict(problems=(f"{project.name}: not rehearsed, because Alembic cannot load its history",))
        )
    new = new_revisions(project, graph, options.all)
    wanted = bool(active(project, ("drift",)))
    rehearsal, schemas, place = _stages(project, graph, new, server, number, progress, options.data)
    ran = rehearsal.ran
    result = outcome(project, graph, ran)
    told = meaning.Told(result.findings, result.notes, result.problems, (_upgrade_stage(project, ran, result, label),))
    told = meaning.Told(said.findings, said.notes).add(told)
    told = told.add(meaning.Told(notes=tuple(asked.notes(project, ran, server, f"{server.prefix}{number}"))))
    versions.append((project.name, asked.version_tables(ran)))
    if rehearsal.on_rows:
        told = meaning.on_rows(project, server, rehearsal.on_rows, told, label)
    if result.went_through and rehearsal.back:
        told = told.add(meaning.back_again(rehearsal, label))
    told = told.add(meaning.Told(notes=tuple(Note(f"{project.name}: {one}") for one in rehearsal.skipped)))
    if rehearsal.on_rows:
        told = meaning.old_code(project, graph, new, server, rehearsal.on_rows, told, label)
    if result.went_through and wanted:
        drift = compared(project, ran, schemas, graph.base)
        problems: tuple[str, ...] = (drift.problem,) if drift.problem else ()
        stage = _drift_stage(label, drift.problem, drift.findings, drift.left)
        told = told.add(meaning.Told(drift.findings, drift.notes, problems, (stage,)))
        if options.suggest is not None and not drift.problem:
            try:
                told = told.add(meaning.Told(notes=suggestion(project, graph, place, drift, options.suggest)))
            except CannotJudge as reason:  # the verdict is there, and is said
                told = told.add(meaning.Told(problems=(str(reason),)))
    elif wanted:
        told = told.add(meaning.Told(stages=(Stage("drift", None, f"{label}the upgrade did not reach head"),)))
    rehearsed = (*REHEARSAL, "drift")
    on = active(project, rehearsed)
    kept = tuple(_relative(one) for one in told.findings if one.rule not in rehearsed or one.rule in on)
    problems = told.problems
    if not (result.went_through or kept or problems):  # upgrade-fails is off, and whatever comes after it is unknown
        problems = (f"{project.name}: the upgrade did not reach head, so nothing after it was judged",)
    plan = said.plan
    if rehearsal.on_rows and (options.plan or plan is not None):  # what was read, where it has not run
        ran_so = sized(planned(project.name, rehearsal.on_rows.statements), of_project(project))
        plan = (*(one for one in plan or () if one.project != project.name), *ran_so)
    return said._replace(
        plan=plan,
        rules=tuple(dict.fromkeys((*said.rules, *_applied(on, rehearsal, result)))),
        findings=kept,
        notes=tuple(map(_relative_note, told.notes)),
        problems=said.problems + problems,
        stages=said.stages + told.stages,
    )


def _applied(on: Sequence[str], rehearsal: Rehearsal, result: Outcome) -> list[str]:
    """The rules of the rehearsal that had something to look at."""
    left: tuple[str, ...] = ()
    if not rehearsal.on_rows:
        left += ("fails-on-rows", "blocks-traffic", "not-retryable", "required-by-old-code")
    if not rehearsal.back:
        left += ("downgrade-fails", "downgrade-leaves-trace")
    return [one for one in on if one not in left and (result.went_through or one == "upgrade-fails")]


def _stages(
    project: Project,
    graph: History,
    new: Sequence[Revision],
    server: Server,
    number: int,
    progress: Progress,
    data: str | None,
) -> tuple[Rehearsal, dict[str, Schemas], Place]:
    from migration_gate.drift.declared import Declared
    from migration_gate.postgres.databases import create
    from migration_gate.rehearsal import start
    from migration_gate.rehearsal.data import restore
    from migration_gate.rehearsal.stages import rehearse

    settings = project.settings
    primary = f"{server.prefix}{number}"

    def make(name: str) -> None:
        create(server, name)
        if settings.setup_sql:
            start.run_file(project.settings_folder / settings.setup_sql, server, name)

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            known = graph.revisions.get(event["revision"])
            progress.say(f"{project.name}: {event['revision']} {known.message if known else ''}".rstrip())

    make(primary)
    if data:
        restore(Path(data), server, primary)
    elif settings.start_from and settings.start_from != "create_all":
        start.run_file(project.settings_folder / settings.start_from, server, primary)
    declared = Declared(server, make)
    rehearsal = rehearse(project, graph, new, server, primary, make, hear, progress.say, bool(data), declared.answers)
    return rehearsal, declared.schemas, Place(server, primary, make, hear)


def _upgrade_stage(project: Project, ran: Ran, result: Outcome, label: str) -> Stage:
    if result.went_through:
        done = len({one["revision"] for one in ran.of("done")})
        begin = project.settings.start_at or project.settings.start_from or "base"
        count = f"{done} revision{'s' if done != 1 else ''}"
        return Stage("upgrade", True, f"{label}{count}, {begin} → head, {ran.seconds:.1f} s")
    if result.findings:
        return Stage("upgrade", False, label + result.findings[0].message.split("\n")[0])
    return Stage("upgrade", None, f"{label}could not be tried to its end: see below")


def _relative(finding: Finding) -> Finding:
    return finding._replace(path=shown(Path(finding.path)) if finding.path else None)


def _relative_note(note: Note) -> Note:
    return note._replace(path=shown(Path(note.path)) if note.path else None)


def _history_stage(graph: History, label: str, refused: Collection[tuple[str, str | None]]) -> Stage:
    count = f"{len(graph.revisions)} revision{'s' if len(graph.revisions) != 1 else ''}"
    if not graph.sound:
        return Stage("history", False, f"{label}{count}, and Alembic cannot load the history: see below")
    heads = len(graph.heads)
    text = f"{label}{count}, {_heads(heads)}"
    after = merged(graph) if heads == 1 and graph.base else None
    if after and len(after.heads) > 1:
        text += f" here, {len(after.heads)} after the merge"
    elif heads == 1 and graph.base:
        text += ", one head after the merge"
    paths = {shown(one.path) for one in graph.revisions.values()}
    closed = {rule for rule, path in refused if path in paths}
    return Stage("history", closed.isdisjoint(("multiple-heads", "heads-after-merge")), text)


def _heads(count: int) -> str:
    return "one head" if count == 1 else f"{count} heads"


def _bases(graphs: Sequence[tuple[Project, History]]) -> str:
    names = sorted({graph.base.name for _, graph in graphs if graph.base})
    return f" · base {', '.join(names)}" if names else ""


def _drift_stage(label: str, problem: str | None, findings: tuple[Finding, ...], left: int) -> Stage:
    if problem:
        return Stage("drift", None, f"{label}not compared")
    if not findings:
        but = ", but for what the next release is to drop" if left else ""
        return Stage("drift", True, f"{label}the models and the migrations agree{but}")
    more = f" (+{len(findings) - 1} more)" if len(findings) > 1 else ""
    return Stage("drift", False, f"{label}{findings[0].message}{more}")


def _add(verdict: Verdict, more: Verdict) -> Verdict:
    return verdict._replace(
        findings=verdict.findings + more.findings,
        notes=verdict.notes + more.notes,
        problems=verdict.problems + more.problems,
        stages=verdict.stages + more.stages,
    )
