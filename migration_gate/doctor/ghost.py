"""Cause 3: the database is at a revision that no file has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from migration_gate.doctor.beside import Equal
from migration_gate.doctor.causes import (
    Cause,
    listed,
    merging,
    named,
    near,
    needs_merge,
    places,
    stamped,
    upgrade_unless_there,
    upgrading,
)
from migration_gate.doctor.drifted import sentences
from migration_gate.project.history import History, build
from migration_gate.project.lost import Lost, Place
from migration_gate.project.model import Project, command
from migration_gate.rules.judging import shown


def in_git(project: Project, history: History, lost: Lost) -> Cause:
    """It stands in git: bring its file here, or take its change back."""
    first = lost.chain[0]
    paths = [_here(project, one) for one in lost.chain]
    restore = list(_restore(project, lost.chain))
    whole = build([*history.files, *(one.revision for one in lost.chain)])
    merge = [merging(project)] if len(whole.heads) > 1 and needs_merge(project, whole) else []
    back = (lost.known or ("",))[0]
    abandoned = [
        "# If it was abandoned, take its change back first, and what rows hold in it:",
        *restore,
        command(project, f"downgrade {quote(back)}", f"downgrade {quote(back)}"),
        f"rm {' '.join(map(quote, paths))}",
    ]
    if set(history.heads) - history.ancestors(*lost.known):
        abandoned.append(upgrading(project, history))
    more = [one.revision.id for one in lost.chain[1:]]
    also = f"\nIt comes after others that no file here has either: {listed(more)}" if more else ""
    title = f' "{first.revision.message}"' if first.revision.message else ""
    return Cause(
        3,
        "revision not found",
        f"{_at(project, lost.ident)}\n"
        f"It is in git{title}: {first.where}, commit {first.commit} ({first.author}, {first.ago}, {first.date}), "
        f"{first.path}{also}" + ("\nWith it this history has two heads, so they are merged." if merge else ""),
        (*restore, *merge, upgrading(project, whole if not merge else history)),
        tuple(abandoned if back else ()),
        revision=lost.ident,
        first="# If it will be merged, bring the file here:",
    )


def nowhere(project: Project, history: History, lost: Lost, equal: Equal, why: str = "") -> Cause:
    """No commit has it, or none that can be restored: which known revision the schema equals decides."""
    looked = "branches, remotes' branches, tags, stashes, reflogs and commits that nothing points to"
    message = f"{_at(project, lost.ident)}\n" + (why or f"Git has it nowhere: {looked} were looked through")
    message += f" ({lost.cut})." if lost.cut and not why else "."
    if not why:
        message += " `git fetch --all` brings what others have pushed since."
    if equal.heads:
        message += (
            f"\nThe schema is that of {named(history, equal.heads)}, object by object, so that it is safe to say so."
            + also(history, equal)
        )
        commands = (
            *stamped(project, project, equal.heads, purge=True),
            *upgrade_unless_there(project, history, equal.heads),
        )
        return Cause(3, "revision not found", message, commands, revision=lost.ident)
    if equal.not_tried:
        message += f"\nWhich known revision the schema equals is not known: {equal.not_tried}"
        return Cause(3, "revision not found", message, revision=lost.ident)
    message += (
        "\nThe schema is that of no revision here, so `stamp` is not safe: what the lost revision did would stay, and "
        f"nobody would know. The nearest is {named(history, equal.nearest)}, which it differs from in "
        f"{places(equal.compared.found)}:\n"
        + "\n".join(sentences(equal.compared.found))
        + "\nAsk whoever ran it for the file, or write a revision of that id anew that does this."
    )
    return Cause(3, "revision not found", message, revision=lost.ident)


def also(history: History, equal: Equal) -> str:
    """What the schema cannot tell: whether revisions that change rows alone have run."""
    if not equal.before:
        return " Rows were not compared."
    return (
        f" It is that of {named(history, equal.before)} as well: what comes between changes rows alone, "
        "and is taken to have run."
    )


def _at(project: Project, ident: str) -> str:
    folders = ", ".join(shown(one) or "" for one in project.version_locations)
    return f"the database is at {ident}, and no file of {folders} has that revision."


def _restore(project: Project, chain: Sequence[Place]) -> Iterator[str]:
    """One command for each commit; where the file's folder is no version folder today, into one that is."""
    by_commit: dict[str, list[str]] = {}
    for one in chain:
        if _in_place(project, one):
            by_commit.setdefault(one.commit, []).append(_here(project, one))
    for commit, paths in by_commit.items():
        yield f"git restore --source={commit} -- {' '.join(map(quote, paths))}"
    for one in chain:
        if not _in_place(project, one):
            yield f"git show {quote(f'{one.commit}:{one.path}')} > {quote(_here(project, one))}"


def _in_place(project: Project, one: Place) -> bool:
    folder = one.revision.path.parent.resolve()
    return any(folder == place.resolve() for place in project.version_locations) or (
        project.recursive and any(folder.is_relative_to(place.resolve()) for place in project.version_locations)
    )


def _here(project: Project, one: Place) -> str:
    path = one.revision.path if _in_place(project, one) else project.version_locations[0] / one.revision.path.name
    return near(project, path)


def occupied(project: Project, lost: Lost) -> Place | None:
    """The first of its files whose place another file has today: an id that was edited, as a rule."""
    folder = project.working_directory
    return next((one for one in lost.chain if (folder / _here(project, one)).exists()), None)
