"""Moves a branch's own revisions behind the head of what it will merge into, by the text of their files alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.project.base import Base
from migration_gate.project.forks import branches
from migration_gate.project.history import History, build
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.project.rewriting import reparented


class Move(NamedTuple):
    """A revision whose parents change, and its file's text as it will be."""

    revision: Revision
    down: tuple[str, ...]
    text: bytes


class Plan(NamedTuple):
    """One fork, mended: which revisions come after ``behind`` then, in order, and which of them change for it.
    ``parted`` is what this branch's side came after, the last revisions of it; empty where it had a beginning of its
    own.
    """

    behind: str
    own: tuple[Revision, ...]
    theirs: tuple[Revision, ...]  # those of the other side
    parted: tuple[str, ...]
    moves: tuple[Move, ...]


def plan(project: Project, history: History) -> list[Plan]:
    """What is to be changed so that each branch of a sound history has one head, one plan for each that has more; empty
    where all have one. Raises CannotJudge where nothing may be moved, or nobody knows what.
    """
    forks = [heads for heads in branches(project, history).values() if len(heads) > 1]
    return [_planned(project, history, heads) for heads in forks]


def _planned(project: Project, history: History, heads: tuple[str, ...]) -> Plan:
    base = history.base
    if base is None:
        raise CannotJudge(
            f"{project.name}: what this branch will merge into is not known, and so not which revisions may move. Name "
            "it: migration-gate heads --rebase --base REF"
        )
    head, behind = _sides(project, base, heads)
    before, shipped = history.ancestors(behind), base.past.revisions
    ids = history.ancestors(head) - shipped.keys()
    own = tuple(one for one in history.in_order() if one.id in ids)
    _refuse_what_must_stay(project, history, base, own, behind)
    moves, parted = [], list[str]()
    for one in own:
        kept = tuple(parent for parent in one.down if parent in ids)
        parted += [parent for parent in one.down if parent not in ids]
        down = kept or (behind,)
        if down != one.down:
            text = reparented(one, history.contents[one.path], down)
            if text is None:
                raise CannotJudge(
                    f"{project.name}: the down_revision of {one.path.name} cannot be changed from outside: write "
                    f"{', '.join(down)} there yourself"
                )
            moves.append(Move(one, down, text))
    below = history.ancestors(*parted)
    last = [one for one in dict.fromkeys(parted) if not any(one in history.parents[other] for other in below)]
    theirs = tuple(one for one in history.in_order() if one.id in before - below)
    found = Plan(behind, own, theirs, tuple(last), tuple(moves))
    _refuse_what_does_not_mend(project, history, heads, found)
    return found


def _sides(project: Project, base: Base, heads: tuple[str, ...]) -> tuple[str, str]:
    """The branch's own head, and the base's that it goes behind."""
    theirs = [head for head in heads if head in base.past.revisions]
    own = [head for head in heads if head not in theirs]
    reason = ""
    if not own:
        reason = f"{listed(theirs)} are in {base.name} already, where a database may have run them: they stay"
    elif not theirs:
        reason = (
            f"{base.name} has none of {listed(own)}, so nobody can tell which is to go behind the other. Name the "
            "branch that has one of them by --base"
        )
    elif len(theirs) > 1:
        reason = f"{base.name} has {len(theirs)} heads itself, {listed(theirs)}: that is to be mended there"
    elif len(own) > 1:
        reason = (
            f"this branch has {len(own)} heads of its own, {listed(own)}: put one of them behind the other yourself"
        )
    if reason:
        raise CannotJudge(f"{project.name}: {reason}; or join them: migration-gate heads --merge")
    return own[0], theirs[0]


def _refuse_what_must_stay(
    project: Project, history: History, base: Base, own: tuple[Revision, ...], behind: str
) -> None:
    before = history.ancestors(behind)
    named = [ident for name in project.settings.start_after for ident in history.resolve(name)]
    started = history.ancestors(*named)
    for one in own:
        reason = ""
        if one.id in before:
            reason = f"{behind} of {base.name} comes after {one.id}, which {base.name} does not have"
        elif one.id in started:
            reason = f"{one.id} has shipped, as start-after has it, and stays where it is"
        elif one.path not in history.contents:
            reason = f"{one.id} is not in this work tree"
        for parent in history.parents[one.id]:
            if parent in base.past.revisions and parent not in before:
                reason = f"{one.id} comes after {parent}, and {behind} does not"
        if reason:
            raise CannotJudge(f"{project.name}: {reason}. Join them: migration-gate heads --merge")


def _refuse_what_does_not_mend(project: Project, history: History, heads: tuple[str, ...], found: Plan) -> None:
    """The graph is put together anew: this must be right whatever else is in it."""
    down = {move.revision.id: move.down for move in found.moves}
    after = build(one._replace(down=down.get(one.id, one.down)) for one in history.revisions.values())
    left = [head for head in after.heads if head in heads]
    if after.cycles or len(left) != 1 or len(after.heads) != len(history.heads) - len(heads) + 1:
        raise CannotJudge(
            f"{project.name}: with its revisions behind {found.behind} this branch would not have one head. Join them: "
            "migration-gate heads --merge"
        )


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
