"""What a branch is compared with while git merges, where nothing else names it."""

from __future__ import annotations

import os
from pathlib import Path

from migration_gate.findings import Note
from migration_gate.project import git
from migration_gate.project.base import compare
from migration_gate.project.history import History
from migration_gate.project.model import Project

_MEANT = {"HEAD": "the side that was here", "MERGE_HEAD": "the side that comes in"}

Graphs = list[tuple[Project, History]]


def compare_while_merging(graphs: Graphs, notes: tuple[Note, ...]) -> tuple[Graphs, tuple[Note, ...]]:
    """The same as ``compare`` gave it; where a merge in progress makes a fork, and the base of its project is not
    known, one of the sides is taken for the base. That is the side that comes in, MERGE_HEAD, as on a branch that gets
    up to date; on a trunk (main, master …), which a branch is merged into, it is HEAD.

    This is for showing and mending the fork. What has shipped it cannot tell: without a fork nothing is judged by it,
    and no operations ever.
    """
    sides = [_side(project) if graph.base is None and len(graph.heads) > 1 else None for project, graph in graphs]
    if not any(sides):
        return graphs, notes
    found: Graphs = []
    said: list[Note] = []
    for one, side in zip(graphs, sides, strict=True):
        compared, more = compare([one], side) if side else ([one], notes)
        found += compared
        said += [Note(f"a merge is in progress: {side}, {_MEANT[side]}, is taken for the base")] if side else []
        said += more
    return found, tuple(dict.fromkeys(said))


def _side(project: Project) -> str | None:
    top = git.top_of(Path(os.path.realpath(project.directory)))
    return git.merging(top) if top else None
