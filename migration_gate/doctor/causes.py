"""A cause: what is wrong, why it is so, and the commands that mend it, in the order to run them.

Commands are lines of a shell, to be run where the project's `alembic` or `flask` is run; lines that begin with "#" say
what is to be written into a file, or which of two ways follows. Nothing in this and the files of the single causes asks
anybody anything: facts come in, causes go out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from migration_gate.findings import Finding
from migration_gate.project.forks import branches
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.rules.judging import shown

SHOWN = 12  # lines of one list


class Cause(NamedTuple):
    """One of the five. ``commands`` mend it; ``otherwise`` are lines of another way, where which one is right is for a
    person to say.
    """

    number: int
    title: str
    message: str
    commands: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    path: Path | None = None
    line: int | None = None
    revision: str | None = None
    first: str = ""  # what is said above the commands, where there is another way


class Again(NamedTuple):
    """How a person types `migration-gate doctor` for this database once more. ``note`` is what there is to say before,
    "" for nothing.
    """

    command: str = "migration-gate doctor"
    note: str = ""

    def lines(self, option: str) -> Iterator[str]:
        if self.note:
            yield f"# {self.note}"
        yield f"{self.command} {option}"


def in_order(causes: Sequence[Cause]) -> tuple[str, ...]:
    """One list of commands for all causes: a command that several need runs once, where the last of them needs it. ()
    where every one of them leaves the choice to a person.
    """
    found: dict[str, None] = {}
    for one in causes:
        for line in one.commands:
            found.pop(line, None)
            found[line] = None
    open_ = dict.fromkeys(one.number for one in causes if one.otherwise and not one.commands)
    last = [f"# and then what cause {one} says above: which way is for a person to say" for one in open_]
    return (*found, *last) if found else ()


def finding(cause: Cause, alone: bool, folder: str = ".") -> Finding:
    """The cause as the report has it; its own commands are shown where it is ``alone``, or where there is a choice.
    They are run in ``folder``.
    """
    lines: list[str] = []
    if alone or cause.otherwise:
        lines += [f"# in {folder}:"] if folder != "." and (cause.commands or cause.otherwise) else []
        lines += [cause.first] if cause.first and cause.otherwise else []
        lines += [*cause.commands, *cause.otherwise]
    return Finding(
        f"cause {cause.number}: {cause.title}",
        cause.message,
        shown(cause.path),
        cause.line,
        cause.revision,
        "\n".join(lines) or None,
    )


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────


def needs_merge(project: Project, history: History) -> bool:
    """Whether a branch that may have one head has more."""
    return any(len(heads) > 1 for heads in branches(project, history).values())


def merging(project: Project) -> str:
    """The command that joins all heads."""
    return command(project, 'merge heads -m "merge heads"', 'merge heads -m "merge heads"')


def upgrading(project: Project, history: History) -> str:
    """The command that brings a database to the end of a history: to all ends, where branches may each have one."""
    if len(history.heads) > 1 and not needs_merge(project, history):
        return command(project, "upgrade heads", "upgrade heads")
    return command(project, "upgrade", "upgrade head")


def upgrade_unless_there(project: Project, history: History, heads: Sequence[str]) -> tuple[str, ...]:
    """The same, where these are not all there is."""
    left = set(history.revisions) - history.ancestors(*heads)
    return (upgrading(project, history),) if left else ()


def stamped(run_from: Project, project: Project, heads: Sequence[str], purge: bool) -> Iterator[str]:
    """The commands that write these versions; `flask db stamp` takes one at a time. They are run in the working
    directory of ``run_from``.
    """
    there = os.path.relpath(project.working_directory, run_from.working_directory)
    before, after = ("", "") if there == "." else (f"(cd {quote(there)} && ", ")")
    option = "--purge " if purge else ""
    if project.kind != "flask":
        if heads:
            yield f"{before}{command(project, '', f'stamp {option}' + ' '.join(map(quote, heads)))}{after}"
        return
    for number, one in enumerate(heads):
        words = f"stamp {'' if number else option}{quote(one)}"
        yield f"{before}{command(project, words, words)}{after}"


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────


def some(lines: Sequence[str]) -> list[str]:
    """The first lines of a list, and how many more there are."""
    return [*lines[:SHOWN], f"    and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else list(lines)


def near(project: Project, path: Path) -> str:
    """A path as it is typed where the project's commands are run."""
    return os.path.relpath(path, project.working_directory).replace(os.sep, "/")


def word(project: Project) -> str:
    """A short word for a project that can stand in a table's name."""
    parts = [one for one in project.name.replace("\\", "/").split("/") if one not in ("migrations", "alembic", "")]
    word = parts[-1] if parts else project.working_directory.name
    return "".join(one if one.isalnum() else "_" for one in word).lower()


def named(history: History, ids: Collection[str]) -> str:
    """Revisions with their messages."""
    return " and ".join(f"{one} ({history.revisions[one].message})" for one in ids)


def listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def are(one: str, several: str, count: int) -> str:
    return one if count == 1 else several


def places(found: Sequence[object]) -> str:
    """ "1 place", "2 places"."""
    return f"{len(found)} {are('place', 'places', len(found))}"
