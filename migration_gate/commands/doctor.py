"""``migration-gate doctor``: look at a real database, read-only; say which cause it is, and what mends it."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from migration_gate.commands.ci import choice
from migration_gate.commands.emit import emit
from migration_gate.commands.progress import Progress
from migration_gate.findings import CannotJudge, Finding, Note, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.judging import shown

if TYPE_CHECKING:
    from migration_gate.doctor.causes import Again
    from migration_gate.doctor.url import Target
    from migration_gate.doctor.visit import Examined
    from migration_gate.postgres.server import Server


def run(options: Namespace) -> int:
    if find_spec("psycopg") is None:
        raise CannotJudge("doctor needs more than the plain install: pip install 'migration-gate[ci]'")
    started = time.perf_counter()
    projects = discovery.find_around(Path.cwd(), options.project)
    if options.url and len(projects) > 1:
        names = ", ".join(one.name for one in projects)
        raise CannotJudge(f"--url is one project's, and there are {names}: name that by --project")
    if options.time_limit is not None:
        projects = [one._replace(settings=one.settings._replace(time_limit=options.time_limit)) for one in projects]
    if options.save_sizes and len(projects) > 1:
        names = ", ".join(one.name for one in projects)
        raise CannotJudge(f"--save-sizes is for one project's databases, and there are {names}: name one by --project")
    if options.save_sizes:  # the file that the setting names may not be there yet
        projects = [one._replace(settings=one.settings._replace(sizes=None)) for one in projects]
    verdict = judge([(one, history.load(one)) for one in projects], options)
    return emit(verdict._replace(facts=(f"{time.perf_counter() - started:.1f} s",)), options)


def judge(graphs: Sequence[tuple[Project, History]], options: Namespace) -> Verdict:
    """Every project's databases, one after the other."""
    from migration_gate.doctor import url
    from migration_gate.doctor.examine import Patient
    from migration_gate.doctor.visit import Around

    given = url.from_url(options.url) if options.url else None
    environment = dict(os.environ)  # before the throwaway server takes libpq's variables out of it
    examined: list[tuple[Project, Examined]] = []
    told: set[frozenset[Path]] = set()
    with ExitStack() as stack:
        progress = stack.enter_context(Progress())
        server = _server(stack, graphs, options, given)
        for number, (project, graph) in enumerate(graphs, 1):
            others, again = _others(graphs, project, options), _again(project, options, given)
            around = Around(others, told, progress.say, again, options.adopt, bool(options.save_sizes))
            patient = Patient(project, graph, given, environment, around)
            examined += [(project, one) for one in patient.examine(server, number)]
    verdict = _verdict(examined, options)
    if options.save_sizes:
        said = _saved([one for _, one in examined], Path(options.save_sizes))
        verdict = verdict._replace(notes=said.notes + verdict.notes, problems=verdict.problems + said.problems)
    return verdict


def _again(project: Project, options: Namespace, given: Target | None) -> Again:
    """How this is typed once more in the project's own folder. A password is not repeated."""
    from migration_gate.doctor.causes import Again

    words, note = ["migration-gate doctor"], ""
    for one in options.project:
        words.append(f"--project {quote(os.path.relpath(one, project.working_directory))}")
    if given and not given.parameters.get("password"):
        words.append(f"--url {quote(options.url)}")
    elif given:
        known = next((name for name, value in os.environ.items() if value == options.url and name.isidentifier()), "")
        name = known or "DOCTOR_URL"
        note = "" if known else f"with the URL that was given in {name}: its password is not repeated here"
        words.append(f'--url "${name}"')
    return Again(" ".join(words), note)


def _saved(examined: Sequence[Examined], path: Path) -> Verdict:
    """Write the sizes of all databases: of two tables of one name the larger one's, because nobody knows which of them
    a migration means. A file that lacks a database would say of its tables that nothing is known, so there is none.
    """
    from migration_gate.project.sizes import Size, Sizes, save

    measured = [one.sizes for one in examined]
    if not measured or None in measured:
        return Verdict(problems=(f"{path} was not written: not every database's sizes could be read",))
    tables: dict[str, Size] = {}
    for sizes in filter(None, measured):
        for name, size in sizes.tables.items():
            tables[name] = max(tables.get(name, size), size, key=lambda one: (one.bytes, one.rows or 0))
    save(Sizes(max(one.taken for one in filter(None, measured)), tables), path)
    return Verdict(notes=(Note(f"the sizes of {len(tables)} table{'s' if len(tables) != 1 else ''} stand in {path}"),))


def _server(
    stack: ExitStack, graphs: Sequence[tuple[Project, History]], options: Namespace, given: Target | None
) -> Server | None:
    """The throwaway one. Without it a database that a person has named can still be looked at."""
    from migration_gate.postgres.throwaway import throwaway

    try:
        return stack.enter_context(throwaway(choice([one for one, _ in graphs], options)))
    except CannotJudge:
        if given is None or options.postgres or options.image:
            raise
        return None


def _others(
    graphs: Sequence[tuple[Project, History]], project: Project, options: Namespace
) -> list[tuple[Project, History]]:
    """The repository's other projects, those that were not named too: their versions may be in the same table."""
    found = [(one, graph) for one, graph in graphs if one.directory != project.directory]
    if options.project:
        known = {project.directory, *(one.directory for one, _ in found)}
        try:
            rest = discovery.find(project.root)
        except CannotJudge:  # what is not asked for need not be readable
            rest = []
        found += [(one, history.load_headers(one)) for one in rest if one.directory not in known]
    return found


def _verdict(examined: Sequence[tuple[Project, Examined]], options: Namespace) -> Verdict:
    from migration_gate.doctor.causes import finding

    findings: list[Finding] = []
    for project, one in examined:
        folder = shown(project.working_directory) or "."
        for cause in one.causes:
            found = finding(cause, len(one.causes) == 1, folder)
            if len(examined) > 1 and one.shown:
                found = found._replace(message=f"{one.shown}:\n{found.message}")
            findings.append(found)
    notes = [note for _, one in examined for note in one.notes]
    if options.url and findings:
        text = "the commands go to the database that env.py asks for, which may be another than that of --url"
        notes.insert(0, Note(text))
    where = " · ".join(dict.fromkeys(one.shown for _, one in examined if one.shown))
    return Verdict(
        findings=tuple(dict.fromkeys(findings)),
        notes=tuple(dict.fromkeys(notes)),
        problems=tuple(dict.fromkeys(problem for _, one in examined for problem in one.problems)),
        title="migration-gate doctor" + (f"    {where}   (read-only)" if where else ""),
        plan=tuple(planned for _, one in examined for planned in one.traffic.plan) if options.plan else None,
        order=tuple(_order(examined)),
        of="database",
    )


def _order(examined: Sequence[tuple[Project, Examined]]) -> Iterator[str]:
    """The commands of several causes as one list, each project's where it is run."""
    from migration_gate.doctor.causes import in_order

    if sum(len(one.causes) for _, one in examined) < 2:
        return
    for project in dict.fromkeys(project for project, _ in examined):
        lines = in_order([cause for other, one in examined if other is project for cause in one.causes])
        folder = shown(project.working_directory)
        if lines and folder != ".":
            yield f"# in {folder}:"
        yield from lines
