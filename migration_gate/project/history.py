"""The revision graph: heads, bases, ancestors, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.project.model import Project
from migration_gate.project.revision import Helper, Revision, Unreadable, content, parse

if TYPE_CHECKING:
    from migration_gate.project.base import Base


class Missing(NamedTuple):
    """A revision names a parent or a dependency that no file has."""

    revision: Revision
    named: str
    field: str  # "down_revision" or "depends_on"
    line: int


class History(NamedTuple):
    """A project's revisions and how they hang together. Where an id stands in several files, the last file in
    Alembic's order counts, as it does for Alembic, and ``duplicates`` has them all.
    """

    revisions: dict[str, Revision]
    parents: dict[str, tuple[str, ...]]  # by down_revision, missing ones left out
    dependencies: dict[str, tuple[str, ...]]  # by depends_on, labels resolved, missing ones left out
    heads: tuple[str, ...]
    bases: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    helpers: tuple[Helper, ...]
    duplicates: dict[str, tuple[Revision, ...]]
    missing: tuple[Missing, ...]
    cycles: tuple[tuple[str, ...], ...]
    contents: Mapping[Path, bytes] = {}  # of every file that was read
    base: Base | None = None  # what the branch will merge into; None where that is not known
    whole: bool = False  # whether the selected files were parsed to their end

    @property
    def sound(self) -> bool:
        """Whether Alembic could load this graph and the gate knows all of it."""
        return not (self.unreadable or self.duplicates or self.missing or self.cycles)

    @property
    def files(self) -> list[Revision | Unreadable | Helper]:
        """Every file that was read; one that is a revision's second comes before the one that counts."""
        twice = [one for same in self.duplicates.values() for one in same[:-1]]
        return [*twice, *self.revisions.values(), *self.unreadable, *self.helpers]

    @property
    def paths(self) -> set[Path]:
        """Where they are."""
        return {one.path for one in self.files}

    def ancestors(self, *ids: str) -> set[str]:
        """The ids themselves and all that they come after, through parents and dependencies."""
        seen: set[str] = set()
        todo = [one for one in ids if one in self.revisions]
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += self.parents[one] + self.dependencies[one]
        return seen

    def resolve(self, name: str) -> tuple[str, ...]:
        """The ids that a name of Alembic's command line means: an id or the beginning of one, a branch label, "head",
        "heads". Empty where it means none, or more than one.
        """
        if name in ("head", "heads"):
            return self.heads
        if name in self.revisions:
            return (name,)
        ids = [one.id for one in self.revisions.values() if name in one.labels]
        ids = ids or [one for one in self.revisions if one.startswith(name)]
        return tuple(ids) if len(ids) == 1 else ()

    def labels(self, ident: str) -> set[str]:
        """The branch labels that a revision carries: its own and its ancestors' (a label covers all that follows)."""
        found: set[str] = set()
        todo, seen = [ident], set()
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                found.update(self.revisions[one].labels)
                todo += self.parents[one]
        return found

    def in_order(self) -> list[Revision]:
        """All revisions, each after its parents and dependencies; those of a cycle last."""
        waits = {one: {*self.parents[one], *self.dependencies[one]} for one in self.revisions}
        after: dict[str, list[str]] = {one: [] for one in self.revisions}
        for one, needs in waits.items():
            for need in needs:
                after[need].append(one)
        ready = [one for one, needs in waits.items() if not needs]
        order: list[str] = []
        while ready:
            one = ready.pop(0)
            order.append(one)
            for follower in after[one]:
                waits[follower].discard(one)
                if not waits[follower]:
                    ready.append(follower)
        placed = set(order)
        return [self.revisions[one] for one in order + [one for one in self.revisions if one not in placed]]


def load(project: Project, selected: Collection[Path] | None = None) -> History:
    """Read a project's graph from its files. Files in ``selected`` (all, where it is None) are parsed whole, the
    others as far as their header goes. Raises CannotJudge where a version folder cannot be listed.
    """
    return confirmed(load_headers(project), selected)


def load_headers(project: Project) -> History:
    """The same, each file as far as its header goes: for whoever goes on to read some of them whole."""
    contents: dict[Path, bytes] = {}
    found = []
    for path in files(project):
        source = content(path)
        if isinstance(source, bytes):
            contents[path] = source
            found.append(parse(path, source))
        else:
            found.append(source)
    return build(found)._replace(contents=contents)


def confirmed(history: History, selected: Collection[Path] | None = None, known: Collection[Path] = ()) -> History:
    """The history with the selected files (all, where it is None) parsed whole, but those that are ``known`` to be
    Python from end to end.
    """
    if history.whole:
        return history
    found = [
        parse(one.path, history.contents[one.path], whole=True)
        if isinstance(one, Revision) and (selected is None or one.path in selected) and one.path not in known
        else one
        for one in history.files
    ]
    if any(isinstance(one, Unreadable) for one in found):
        history = build(found)._replace(contents=history.contents, base=history.base)
    return history._replace(whole=True)


def files(project: Project) -> Iterator[Path]:
    """The files that Alembic would load, in its order (``ScriptDirectory._load_revisions``): every ``*.py`` of
    the version locations but ``__init__*`` and ``.#*``, subfolders only if the project says so.
    """
    seen: set[str] = set()
    for location in project.version_locations:
        for folder, folders, names in os.walk(location, onerror=_refuse):
            if folder.endswith("__pycache__"):
                continue
            real_folder = os.path.realpath(folder)
            for name in sorted(names):
                if name.endswith(".py") and not name.startswith((".#", "__init__")):
                    real = os.path.join(real_folder, name)
                    if os.path.islink(real) and os.path.exists(real):  # a dangling one is the file to mend
                        real = os.path.realpath(real)
                    if real not in seen:
                        seen.add(real)
                        yield Path(real)
            if not project.recursive:
                break
            folders.sort()


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # Alembic skips a location that is not there
        raise CannotJudge(f"cannot list {error.filename}: {error.strerror}")


def build(read_files: Iterable[Revision | Unreadable | Helper]) -> History:
    """Put the graph together from files already read."""
    revisions: dict[str, Revision] = {}
    same: dict[str, list[Revision]] = {}
    unreadable, helpers = [], []
    for one in read_files:
        if isinstance(one, Revision):
            revisions[one.id] = one
            same.setdefault(one.id, []).append(one)
        elif isinstance(one, Unreadable):
            unreadable.append(one)
        else:
            helpers.append(one)
    ids = {one: one for one in revisions}
    labels = {label: one.id for one in revisions.values() for label in one.labels}
    missing: list[Missing] = []
    parents: dict[str, tuple[str, ...]] = {}
    dependencies: dict[str, tuple[str, ...]] = {}
    for one in revisions.values():
        for field, names, line, links, meant in (
            ("down_revision", one.down, one.down_line, parents, ids),
            # Alembic resolves labels here alone (RevisionMap._add_depends_on); as a parent one is a KeyError.
            ("depends_on", one.depends_on, one.depends_line, dependencies, labels | ids),
        ):
            known = [meant.get(name) for name in names]
            links[one.id] = tuple(dict.fromkeys(name for name in known if name is not None))
            missing += [
                Missing(one, name, field, line) for name, found in zip(names, known, strict=True) if found is None
            ]
    has_child = {parent for links in parents.values() for parent in links}
    return History(
        revisions=revisions,
        parents=parents,
        dependencies=dependencies,
        heads=tuple(one for one in revisions if one not in has_child),
        bases=tuple(one.id for one in revisions.values() if not one.down),
        unreadable=tuple(unreadable),
        helpers=tuple(helpers),
        duplicates={ident: tuple(found) for ident, found in same.items() if len(found) > 1},
        missing=tuple(missing),
        cycles=_cycles(revisions, parents, dependencies),
    )


def _cycles(
    revisions: dict[str, Revision],
    parents: dict[str, tuple[str, ...]],
    dependencies: dict[str, tuple[str, ...]],
) -> tuple[tuple[str, ...], ...]:
    """Each cycle once, as the ids along it, child before parent."""
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in revisions:
        path: list[str] = []
        position: dict[str, int] = {}
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            one, leave = stack.pop()
            if leave:
                path.pop()
                del position[one]
                done.add(one)
            elif one in position:
                cycles.append(tuple(path[position[one] :]))
            elif one not in done:
                position[one] = len(path)
                path.append(one)
                stack.append((one, True))
                stack += [(parent, False) for parent in dict.fromkeys((*parents[one], *dependencies[one]))]
    return tuple(cycles)
