"""``migration-gate init``: the hooks, the settings and the workflow, shown first and then written.

Exit status: 0 written, shown (``--dry-run``) or nothing to do; 1 the person said no; 2 nobody could be asked, or
there is nothing sure to begin with.
"""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate import __version__
from migration_gate.commands.emit import use_color, write
from migration_gate.findings import CannotJudge
from migration_gate.init import changes, hooks, install, start_after, workflow
from migration_gate.init.changes import Change, Paste
from migration_gate.project import discovery, git, history
from migration_gate.project.base import compare
from migration_gate.project.files import pyproject_tables
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.report.clean import clean, clean_line
from migration_gate.rules.judging import judge_history, shown

_COLORS = {"+": "32", "-": "31", "@": "36"}


class Wanted(NamedTuple):
    """All that there is to do; ``hints`` are for what no file can say."""

    changes: list[Change]
    pastes: list[Paste]
    hints: list[str]


def run(options: Namespace) -> int:
    top = git.top_of(Path.cwd()) or Path.cwd()
    projects = _projects(top, options.project)
    graphs, _ = compare([(project, history.load(project)) for project in projects], None)
    for project, graph in graphs:
        _refuse_unsound(project, graph)
    others, _ = compare([(project, history.load(project)) for project in _others(top, projects)], None)
    wanted = _gather(top, graphs, others)
    if not wanted.changes and not wanted.pastes:
        write("nothing to do: all of it is there\n")
        return 0
    write(_as_text(wanted))
    if options.dry_run or not wanted.changes:
        return 0
    if not options.yes and not _agreed():
        write("nothing was written\n")
        return 1
    for change in wanted.changes:
        changes.write(change)
    write(_next(top, wanted))
    return 0


def _projects(top: Path, only: Sequence[str]) -> list[Project]:
    """The projects here, as the hooks will see them: from the top of the repository."""
    near = discovery.find_around(Path.cwd(), only)
    return near if top == Path.cwd() else discovery.find(top, [str(one.config_file or one.directory) for one in near])


def _others(top: Path, chosen: Sequence[Project]) -> list[Project]:
    """The repository's other projects, as far as they can be read: a table of settings may be for them as well."""
    taken = {(one.directory, one.version_locations) for one in chosen}
    try:
        return [one for one in discovery.find(top) if (one.directory, one.version_locations) not in taken]
    except CannotJudge:
        return []


def _refuse_unsound(project: Project, graph: History) -> None:
    if not graph.sound:
        found = next(iter(judge_history(project, graph).findings), None)
        what = f" ({found.rule}: {found.message.splitlines()[0].rstrip(':.')})" if found else ""
        raise CannotJudge(f"the history of {project.name} is not sound{what}. Mend that first: migration-gate lint")


# ── what is wanted ───────────────────────────────────────────────────────────────────────────────────────


def _gather(top: Path, graphs: Sequence[tuple[Project, History]], others: Sequence[tuple[Project, History]]) -> Wanted:
    """The changes that the repository still lacks, the hooks first. ``others`` are the projects that nobody chose."""
    found: list[Change | Paste] = []
    if hook := hooks.wanted(top):
        found.append(hook)
    jobs = _jobs(top, [project for project, _ in graphs])
    run_in_ci = workflow.wanted(top, jobs)
    found += [*(run_in_ci or ()), *_settings(top, graphs, others)]
    return Wanted(
        [one for one in found if isinstance(one, Change)],
        [one for one in found if isinstance(one, Paste)],
        list(_hints(top, graphs, jobs, run_in_ci)),
    )


def _settings(
    top: Path, graphs: Sequence[tuple[Project, History]], others: Sequence[tuple[Project, History]]
) -> Iterator[Change | Paste]:
    """One pyproject.toml for each that has no ``start-after``, with the heads of all projects that it is for: one of
    which it names no revision could not be judged any more.
    """
    paths = dict.fromkeys(_pyproject(one, top) for one, _ in graphs if not one.settings.start_after)
    for path in paths:
        heads: dict[str, None] = {}
        for project, graph in (*graphs, *others):
            own = _pyproject(project, top)
            settled = own in paths or _has_table(own)
            if own == path or (not settled and project.directory.is_relative_to(path.parent)):
                heads.update(dict.fromkeys(start_after.shipped_heads(graph) if graph.sound else ()))
        if heads:
            yield start_after.wanted(path, list(heads))


def _has_table(path: Path) -> bool:
    return pyproject_tables(str(path), str(path))[1] is not None


def _pyproject(project: Project, top: Path) -> Path:
    """The file that has the project's settings, or will have: the nearest one that is there, no higher up than what
    installs the project, so that a run in that folder reads it too; where there is none, a new one there.
    """
    path = project.settings_folder / "pyproject.toml"
    if _has_table(path):
        return path
    place = install.place(project.working_directory, top)
    above = [one for one in install.upwards(project.working_directory, top) if project.directory.is_relative_to(one)]
    near = [one for one in above if one.is_relative_to(place)]
    found = next((one for one in near if (one / "pyproject.toml").is_file()), None)
    return (found or (near or above or [top])[-1]) / "pyproject.toml"


def _jobs(top: Path, projects: Sequence[Project]) -> list[workflow.Job]:
    """Where the gate runs in CI: in the folder that installs the project, or further up where its settings are."""
    installs: dict[Path, dict[Path, None]] = {}
    for project in projects:
        place, home = install.place(project.working_directory, top), _pyproject(project, top).parent
        folder = home if place.is_relative_to(home) else place
        installs.setdefault(folder if folder.is_relative_to(top) else top, {})[place] = None
    return [workflow.Job(folder, tuple(places)) for folder, places in installs.items()]


def _hints(
    top: Path,
    graphs: Sequence[tuple[Project, History]],
    jobs: Sequence[workflow.Job],
    run_in_ci: Sequence[Change | Paste] | None,
) -> Iterator[str]:
    if run_in_ci is None:
        gate = f"pip install 'migration-gate[ci]=={__version__}' && migration-gate ci"
        yield f"In CI, with the project installed:  {gate}"
    elif run_in_ci and not all(install.command(place, top) for job in jobs for place in job.installs):
        yield "Nothing says what to install (requirements.txt, pyproject.toml, a lock): name a command in the workflow."
    for project, graph in graphs:
        if len(graph.heads) > 1:
            yield f"{project.name} has {len(graph.heads)} heads, which closes the gate: migration-gate heads"


# ── what is shown and said ───────────────────────────────────────────────────────────────────────────────


def _as_text(wanted: Wanted) -> str:
    color = use_color(sys.stdout)
    lines = []
    for change in wanted.changes:
        for line in changes.unified(change, shown(change.path) or ""):
            code = _COLORS.get(line[:1]) if color else None
            lines.append(f"\x1b[{code}m{clean_line(line)}\x1b[0m" if code else clean_line(line))
        lines.append("")
    for paste in wanted.pastes:
        lines += [f"{clean_line(shown(paste.path) or '')} is left alone: {paste.why}. To paste there:", ""]
        lines += [f"  {line}".rstrip() for line in clean(paste.text).split("\n")] + [""]
    return "\n".join(lines)


def _agreed() -> bool:
    """Whether the person at the terminal says yes. Raises CannotJudge where there is none to ask."""
    if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise CannotJudge("nothing was written, because there is no terminal to ask at: --yes writes it")
    write("Write this? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _next(top: Path, wanted: Wanted) -> str:
    """What was written, and what to type now."""
    names = [shown(one.path) or "" for one in wanted.changes]
    lines = [f"wrote {clean_line(', '.join(names))}", "", "Next:"]
    if git.top_of(top):
        kinds = "" if hooks.installs_all(top) else " --hook-type pre-commit --hook-type pre-merge-commit"
        lines.append(f"  git add {clean_line(shlex.join(names))}")
        lines += [f"  pre-commit install{kinds}", "  pre-commit run --all-files"]
    else:
        lines.append("  migration-gate lint")
    return "\n".join([*lines, *([""] if wanted.hints else []), *map(clean_line, wanted.hints)]) + "\n"
