"""Where a history forks: its heads by the branch that they are on, whose each is, and what a merge will make of it."""

from __future__ import annotations

from collections.abc import Collection

from migration_gate.project.history import History, build
from migration_gate.project.model import Project
from migration_gate.project.revision import content


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


def whose(history: History, heads: tuple[str, ...]) -> dict[str, str]:
    """Who has each head, as far as that tells them apart: the base, or this branch alone."""
    base = history.base
    merged = [head for head in heads if base and head in base.past.revisions]
    if base is None or len(merged) in (0, len(heads)):
        return {}
    return {head: base.name if head in merged else "this branch" for head in heads}


def merged(history: History) -> History | None:
    """The history as it will be when this branch has been merged. None where the base adds nothing to it."""
    base = history.base
    if base is None:
        return None
    theirs = {ident: one for ident, one in base.past.revisions.items() if ident not in history.revisions}
    fork = base.fork() if theirs else None
    if fork:  # what was there when this branch began, one of the two has deleted since
        theirs = {ident: one for ident, one in theirs.items() if ident not in fork.revisions}
    if not theirs:
        return None
    ours = []
    for ident, one in history.revisions.items():
        there, before = base.past.revisions.get(ident), fork.revisions.get(ident) if fork else None
        if there and before and before.down == one.down:
            one = one._replace(down=there.down)
        if there or not before:
            ours.append(one)
    after = build([*theirs.values(), *ours])
    return after._replace(unreadable=history.unreadable, base=base, contents=history.contents)
