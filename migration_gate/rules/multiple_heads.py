"""The history ends in more than one revision.

`alembic upgrade head` and `flask db upgrade` stop with "Multiple head revisions are present for given argument
'head'". It happens when two branches each add a revision on the same parent and both are merged: git sees two new files
and no conflict.

Where neither revision has reached a shared database, move one behind the other by its `down_revision`. Where both have,
join them with a merge revision; it changes no schema.

Branches that are meant to stay apart carry labels (`branch_labels`); declare them in the settings, and each may
have a head of its own:

    [tool.migration-gate]
    branches = ["expand", "contract"]

Source: Alembic's documentation, "Working with Branches".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from migration_gate.project.git import newer
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.project.revision import Revision, content
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for label, heads in branches(project, history).items():
        heads = certain(history, heads)
        if len(heads) < 2:
            continue
        place = _place(project, history, heads)
        target = f"{label}@head" if label else "head"
        upgrade = command(project, f"upgrade {target}" if label else "upgrade", f"upgrade {target}")
        where = f"The branch {label} of {project.name}" if label else project.name
        yield Hazard(
            message=f"{where} has {len(heads)} heads; `{upgrade}` will stop with\n"
            f"\"Multiple head revisions are present for given argument '{target}'\".\n\n"
            + draw(history, heads, whose(history, heads)),
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


def certain(history: History, heads: tuple[str, ...]) -> tuple[str, ...]:
    """The heads that would stay heads if the history were whole: not those above a revision that is missing, which may
    well come after another one, and none of them where a file that cannot be read names several, to join them perhaps.
    """
    dangling = {one.revision.id for one in history.missing}
    heads = tuple(head for head in heads if not history.ancestors(head) & dangling)
    for one in history.unreadable:
        text = content(one.path)
        if isinstance(text, bytes) and sum(head.encode() in text for head in heads) > 1:
            return ()
    return heads


def branches(project: Project, history: History) -> dict[str | None, tuple[str, ...]]:
    """The heads by the branch that they are on, of which each may have one: None is what no declared label covers."""
    branches: dict[str | None, tuple[str, ...]] = {}
    for head in history.heads:
        label = _branch(history, head, project.settings.branches)
        branches[label] = (*branches.get(label, ()), head)
    return branches


def _branch(history: History, head: str, declared: Collection[str]) -> str | None:
    """The declared label that is nearest below a head, the head's own included."""
    todo, seen = ([head] if declared else []), {head}
    for one in todo:
        for label in history.revisions[one].labels:
            if label in declared:
                return label
        todo += [parent for parent in history.parents[one] if parent not in seen]
        seen.update(todo)
    return None


def _remedy(project: Project, history: History, heads: tuple[str, ...]) -> str:
    lines = _moves(project, history, *heads) if len(heads) == 2 else []
    if lines:
        lines.append("# both have been deployed: join them, without a change of schema")
    merge = f'merge {"heads" if heads == history.heads else " ".join(heads)} -m "merge heads"'
    lines.append(command(project, merge, merge))
    labels = {head: history.labels(head) for head in heads}
    own = [labels[head].difference(*(labels[other] for other in heads if other != head)) for head in heads]
    if all(own):
        names = ", ".join(f'"{one}"' for one in (*project.settings.branches, *map(min, own)))
        lines += ["# or, where these branches are meant to stay apart, in pyproject.toml:"]
        lines += ["[tool.migration-gate]", f"branches = [{names}]"]
    return "\n".join(lines)


def _moves(project: Project, history: History, one: str, other: str) -> list[str]:
    """How to put one side behind the other. Which one may move is for git to say: a revision that a shared database has
    must stay where it is, or that database will never run what is put below it. Where git cannot tell, both ways.
    """
    starts, younger = _sides(project, history, one, other)
    lines = []
    for head, behind in ((one, other), (other, one)):
        if younger in (None, starts[head]):
            path = starts[head].path
            near = path.relative_to(project.root) if path.is_relative_to(project.root) else path
            known = f"{head} is the newer one, as git has it" if younger else f"if only {behind} may have been deployed"
            lines.append(f"# {known}: put its branch behind {behind}, in {near.as_posix()}")
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


def whose(history: History, heads: tuple[str, ...]) -> dict[str, str]:
    """Who has each head, as far as that tells them apart: the base, or this branch alone."""
    base = history.base
    merged = [head for head in heads if base and head in base.past.revisions]
    if base is None or len(merged) in (0, len(heads)):
        return {}
    return {head: base.name if head in merged else "this branch" for head in heads}


def draw(history: History, heads: tuple[str, ...], whose: Mapping[str, str]) -> str:
    """The fork: each head on a line of its own, with whose it is, and the last revision that all of them come after."""
    shared = set.intersection(*(history.ancestors(head) for head in heads))
    lines = []
    for column, head in enumerate(heads):
        own = len(history.ancestors(head) - shared) - 1
        more = f"  (+{own} below it)" if own else ""
        lines.append("│ " * column + f"● {head}  {history.revisions[head].message}{more}".rstrip())
    width = max(map(len, lines))
    if whose:
        lines = [f"{line:<{width}}    {whose.get(head, '')}".rstrip() for line, head in zip(lines, heads, strict=True)]
    common = [one for one in shared if not any(one in history.parents[other] for other in shared)]
    lines.append("├─" + "┴─" * (len(heads) - 2) + "╯" if common else "  they have no revision in common")
    lines += [f"● {one}  {history.revisions[one].message}".rstrip() for one in common[:1]]
    return "\n".join("    " + line for line in lines)
