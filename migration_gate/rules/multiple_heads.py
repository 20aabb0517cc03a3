"""The history ends in more than one revision.

`alembic upgrade head` and `flask db upgrade` stop with "Multiple head revisions are present for given argument
'head'". It happens when two branches each add a revision on the same parent and both are merged: git sees two new files
and no conflict.

Where a shared database has run one of the two at most, put the other one behind it by its `down_revision`:

    migration-gate heads --rebase

moves what the base does not have yet, with all that comes after it, and changes nothing else in the files. Where both
have been run, join them with a merge revision; it changes no schema:

    migration-gate heads --merge

With `--dry-run` either of them shows the diff and writes nothing. `migration-gate heads --graph` draws the history.

Branches that are meant to stay apart carry labels (`branch_labels`); declare them in the settings, and each may
have a head of its own:

    [tool.migration-gate]
    branches = ["expand", "contract"]

Source: Alembic's documentation, "Working with Branches".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from migration_gate.findings import CannotJudge
from migration_gate.project.forks import branches, certain, whose
from migration_gate.project.git import newer
from migration_gate.project.history import History
from migration_gate.project.model import Project, command, near
from migration_gate.project.revision import Revision
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for label, heads in branches(project, history).items():
        heads = certain(history, heads)
        if len(heads) < 2:
            continue
        from migration_gate.project.drawing import fork  # only where there is one

        place = _place(project, history, heads)
        target = f"{label}@head" if label else "head"
        upgrade = command(project, f"upgrade {target}" if label else "upgrade", f"upgrade {target}")
        where = f"The branch {label} of {project.name}" if label else project.name
        yield Hazard(
            message=f"{where} has {len(heads)} heads; `{upgrade}` will stop with\n"
            f"\"Multiple head revisions are present for given argument '{target}'\".\n\n"
            + fork(history, heads, whose(history, heads)),
            path=place.path,
            line=place.down_line,
            end=place.down_line,
            revision=place.id,
            remedy=_remedy(project, history, heads),
        )


def _place(project: Project, history: History, heads: tuple[str, ...]) -> Revision:
    """The revision that is to be mended: the one that may move, as far as that is known, else a head."""
    if len(heads) == 2 and (moves := _sides(project, history, *heads)[1]):
        return moves
    own = [head for head in heads if not history.base or head not in history.base.past.revisions]
    return history.revisions[(own or heads)[-1]]


def _remedy(project: Project, history: History, heads: tuple[str, ...]) -> str:
    if lines := rebase(project, history, heads):
        lines += ["# or, where a shared database has run both, join them without a change of schema:", MERGE]
    else:
        lines = _moves(project, history, *heads) if len(heads) == 2 else []
        count = "both" if len(heads) == 2 else "all"
        lines.append(f"# where {count} have been deployed, join them, without a change of schema:")
        merge = f'merge {"heads" if heads == history.heads else " ".join(heads)} -m "merge heads"'
        lines += [f"{MERGE}  # or:", command(project, merge, merge)]
    labels = {head: history.labels(head) for head in heads}
    own = [labels[head].difference(*(labels[other] for other in heads if other != head)) for head in heads]
    if all(own):
        names = ", ".join(f'"{one}"' for one in (*project.settings.branches, *map(min, own)))
        lines += ["# or, where these branches are meant to stay apart, in pyproject.toml:"]
        lines += ["[tool.migration-gate]", f"branches = [{names}]"]
    return "\n".join(lines)


MERGE = "migration-gate heads --merge"


def rebase(project: Project, history: History, heads: tuple[str, ...]) -> list[str]:
    """The command that puts this branch's revisions behind the base's head, with what it does; none where that would be
    refused.
    """
    from shlex import quote

    from migration_gate.project.git import default_branch
    from migration_gate.project.rebase import plan  # only where there is a fork

    base = history.base
    if base is None or not history.sound:
        return []
    with suppress(CannotJudge):
        for one in plan(project, history):
            if one.behind in heads:
                known = base.name in (project.settings.base, default_branch(base.top))
                option = "" if known else f" --base {quote(base.name)}"
                files = ", ".join(near(move.revision.path, project.root) for move in one.moves)
                first = f"# {base.name} does not have {one.own[-1].id} yet: this puts its branch behind {one.behind}"
                return [f"{first}, in {files}", f"migration-gate heads --rebase{option}"]
    return []


def _moves(project: Project, history: History, one: str, other: str) -> list[str]:
    """How to put one side behind the other. Which one may move is for git to say: a revision that a shared database has
    must stay where it is, or that database will never run what is put below it. Where git cannot tell, both ways.
    """
    starts, younger = _sides(project, history, one, other)
    lines = []
    for head, behind in ((one, other), (other, one)):
        if younger in (None, starts[head]):
            known = f"{head} is the newer one, as git has it" if younger else f"if only {behind} may have been deployed"
            lines.append(f"# {known}: put its branch behind {behind}, in {near(starts[head].path, project.root)}")
            lines.append(f'down_revision = "{behind}"')
    return lines


def _sides(project: Project, history: History, one: str, other: str) -> tuple[dict[str, Revision], Revision | None]:
    """Where the side of each of two heads begins, and which of these is the younger; None where git cannot tell."""
    starts = {
        one: history.revisions[start_of(history, one, other)],
        other: history.revisions[start_of(history, other, one)],
    }
    merged = [head for head in starts if history.base and head in history.base.past.revisions]
    if len(merged) == 1:
        return starts, starts[other if merged == [one] else one]
    younger = newer(project.root, starts[one].path, starts[other].path)
    return starts, next((start for start in starts.values() if start.path == younger), None)


def start_of(history: History, head: str, other: str) -> str:
    """The first revision of the head's own side, walking down to what the other side has too."""
    passed = history.ancestors(other)
    current = head
    while True:
        passed.add(current)
        own = [parent for parent in history.parents[current] if parent not in passed]
        if not own:
            return current
        current = own[0]
