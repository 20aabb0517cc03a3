"""What the branch will merge into has of a project, read from git's objects: no checkout; a shallow clone serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from migration_gate.findings import CannotJudge, Note
from migration_gate.project import git
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Helper, Revision, Unreadable, parse
from migration_gate.project.target import Target, how_to_get, target


class Past(NamedTuple):
    """A project's revisions at a commit, by id; ``path`` is where a file stood then. ``texts`` has the content of those
    that no file here has to the byte.
    """

    revisions: dict[str, Revision]
    texts: dict[str, bytes]


class Base(NamedTuple):
    """The commit that the branch will merge into, as far as one project goes."""

    name: str  # as people call it, "origin/main"
    ref: str  # as `git restore --source` takes it
    top: Path  # the repository's
    past: Past
    # The same at the commit where this branch left it, read when a rule asks; None where git cannot tell.
    fork: Callable[[], Past | None]


class _Place(NamedTuple):
    """Where a project stands in its repository. Paths are relative to ``top``, with forward slashes."""

    top: Path
    folders: tuple[str, ...]
    files: tuple[str, ...]  # revisions that are elsewhere in the repository, behind links
    outside: tuple[Path, ...]  # version folders of no repository, or another one
    recursive: bool


class _Asked(NamedTuple):
    project: Project
    history: History
    place: _Place | None
    target: Target


def compare(
    graphs: Sequence[tuple[Project, History]], option: str | None
) -> tuple[list[tuple[Project, History]], tuple[Note, ...]]:
    """The histories, each with its base, and what there is to say where one is not known. ``option`` is ``--base``.

    Git is asked once for all projects of a repository, and again only for what differs. Raises CannotJudge where git
    does not have a ref that a person named.
    """
    asked = [_ask(project, graph, option) for project, graph in graphs]
    known: dict[Path, dict[str, git.Object] | git.Silent] = {}
    for top in {one.place.top for one in asked if one.place}:
        names = [
            name for one in asked if one.place and one.place.top == top for name in _question(one.target, one.place)
        ]
        try:
            known[top] = git.objects(top, names)
        except git.Silent as reason:
            known[top] = reason
    compared = []
    notes: list[Note] = []
    for one in asked:
        base, more = _base(one, known)
        compared.append((one.project, one.history._replace(base=base)))
        notes += more
    return compared, tuple(dict.fromkeys(notes))


def _ask(project: Project, history: History, option: str | None) -> _Asked:
    directory = Path(os.path.realpath(project.directory))
    top = git.top_of(directory)
    place = _place(top, project, history) if top else None
    return _Asked(project, history, place, target(option, project.settings.base, top, os.environ))


def _place(top: Path, project: Project, history: History) -> _Place:
    real = [Path(os.path.realpath(one)) for one in project.version_locations]
    inside = [one for one in real if git.top_of(one) == top]
    held = [str(one) + os.sep for one in inside]
    files = [one for one in history.contents if not str(one).startswith(tuple(held)) and one.is_relative_to(top)]
    return _Place(
        top,
        tuple(_below(one, top) for one in inside),
        tuple(_below(one, top) for one in files),
        tuple(one for one in real if one not in inside),
        project.recursive,
    )


def _below(path: Path, top: Path) -> str:
    name = path.relative_to(top).as_posix()
    return "" if name == "." else name


def _question(wanted: Target, place: _Place) -> Iterator[str]:
    """All that git is asked at first."""
    for ref in (*wanted.refs, "HEAD^1") if wanted.merge else wanted.refs:
        yield from _names(place, ref)
    if wanted.merge:
        yield "HEAD^{commit}"


def _names(place: _Place, ref: str) -> list[str]:
    return [f"{ref}^{{commit}}", *(f"{ref}:{path}" for path in (*place.folders, *place.files))]


def _base(
    asked: _Asked, known: Mapping[Path, Mapping[str, git.Object] | git.Silent]
) -> tuple[Base | None, tuple[Note, ...]]:
    """One project's base, or None and the note that says why."""
    wanted, place = asked.target, asked.place
    named = f"{wanted.named_by} names {wanted.name!r}"
    if place is None:
        if wanted.named_by is None:
            return None, ()
        return _unknown(wanted, f"{named}, and {asked.project.name} is in no git repository")
    try:
        objects = known[place.top]
        if isinstance(objects, git.Silent):
            raise objects
        ref = _found(wanted, objects)
        if ref is None:
            if wanted.named_by is None:
                return None, (Note(_NO_BASE),)
            return _unknown(wanted, f"{named}, and git does not have it here: {how_to_get(wanted.name, place.top)}")
        base = _read_base(asked, place, ref, objects)
    except git.Silent as reason:
        return _unknown(wanted, f"git cannot say what has shipped: {reason}")
    return base, tuple(Note(_OUTSIDE.format(asked.project.name, folder)) for folder in place.outside)


_NO_BASE = (
    "what this branch will merge into is not known, and so not compared with: name it by --base, or by base in "
    "[tool.migration-gate]"
)
_OUTSIDE = "{}: {} is not in the repository of its env.py, so git cannot say which of its revisions have shipped"


def _unknown(wanted: Target, reason: str) -> tuple[None, tuple[Note, ...]]:
    if wanted.must:
        raise CannotJudge(reason)
    return None, (Note(f"{reason}. What it has is not compared with this branch"),)


def _found(wanted: Target, objects: Mapping[str, git.Object]) -> str | None:
    """The ref that git has, of those that the target may mean."""
    for ref in wanted.refs:
        if f"{ref}^{{commit}}" in objects:
            return ref
    head = objects.get("HEAD^{commit}")
    if head and head.id == wanted.merge and len(git.parents(head)) == 2 and "HEAD^1^{commit}" in objects:
        return "HEAD^1"
    return None


def _read_base(asked: _Asked, place: _Place, ref: str, objects: Mapping[str, git.Object]) -> Base:
    commit = objects[f"{ref}^{{commit}}"].id
    here = _here(place, asked.history, len(commit))
    past = _past(place, here, ref, objects)

    @cache
    def fork() -> Past | None:
        try:
            where = git.fork_of(place.top, commit)
            if where is None or where == commit:
                return past if where else None
            return _past(place, here, where, git.objects(place.top, _names(place, where)))
        except git.Silent:
            return None

    if ref == "HEAD^1":
        return Base(asked.target.name, commit[:12], place.top, past, fork)
    name = asked.target.name if ref == "origin/HEAD" else ref
    return Base(name, name, place.top, past, fork)


# --- what stood there at a commit --------------------------------------------------------------------------------


class _File(NamedTuple):
    """A file of today, read already."""

    path: str  # relative to the repository's top, as git has it
    file: Revision | Unreadable | Helper
    content: bytes


class _Here(NamedTuple):
    """The files of today, by the ids that git gives their contents."""

    ids: Collection[str]
    names: Collection[str]
    by_content: dict[str, _File]


def _here(place: _Place, history: History, length: int) -> _Here:
    above = len(str(place.top)) + 1
    by_content = {}
    for one in history.files:
        content = history.contents.get(one.path)
        if content is not None:
            file = _File(str(one.path)[above:].replace(os.sep, "/"), one, content)
            by_content.update(dict.fromkeys(git.blob_ids(content, length), file))
    return _Here(history.revisions, {one.path.rpartition("/")[2] for one in by_content.values()}, by_content)


def _past(place: _Place, here: _Here, ref: str, objects: Mapping[str, git.Object]) -> Past:
    """The project's revisions at a ref. Raises git.Silent."""
    files, whole = _listed(place, ref, objects)
    moved = {} if whole else _moved(place, here, objects[f"{ref}^{{commit}}"].id, files)
    both = files | moved
    contents = _contents(place.top, {ident for ident in both.values() if ident not in here.by_content})
    read: dict[str, Revision | Unreadable | Helper] = {}
    for path, ident in both.items():
        known = here.by_content.get(ident)
        if known and known.path == path:
            read[path] = known.file
        else:
            read[path] = parse(place.top / path, known.content if known else contents[ident])
    revisions = {path: one for path, one in read.items() if isinstance(one, Revision)}
    # A folder that only looks as if the revisions had been there counts where one of them was.
    were = {_folder(path) for path, one in revisions.items() if path in moved and one.id in here.ids}
    revisions = {path: one for path, one in revisions.items() if path in files or _folder(path) in were}
    texts = {one.id: contents[both[path]] for path, one in revisions.items() if both[path] in contents}
    return Past({one.id: one for one in revisions.values()}, texts)


def _listed(place: _Place, ref: str, objects: Mapping[str, git.Object]) -> tuple[dict[str, str], bool]:
    """The files that Alembic would load, with their contents' ids, and whether each of the folders was there."""
    files = {path: objects[f"{ref}:{path}"].id for path in place.files if f"{ref}:{path}" in objects}
    trees = {folder: objects.get(f"{ref}:{folder}") for folder in place.folders}
    whole = all(tree is not None and tree.kind == "tree" for tree in trees.values())
    while trees:
        below: dict[str, str] = {}
        for folder, tree in trees.items():
            for mode, name, ident in git.entries(tree) if tree and tree.kind == "tree" else ():
                path = f"{folder}/{name}" if folder else name
                if mode == "40000" and place.recursive and name != "__pycache__":
                    below[path] = ident
                elif mode.startswith("100") and _loaded(name):
                    files[path] = ident
        found = git.objects(place.top, below.values())
        trees = {path: found.get(ident) for path, ident in below.items()}
    return files, whole


def _moved(place: _Place, here: _Here, commit: str, files: Mapping[str, str]) -> dict[str, str]:
    """Files of folders that are no longer there and may have been this project's: one of them has the content or the
    name of a file of today. What still stands where it stood has not moved: it is another project's, unless its folder
    has a name that git could not be asked for, with a line end in it.
    """
    gone = {
        path: ident
        for path, ident in git.files_at(place.top, commit)
        if path not in files
        and _loaded(PurePosixPath(path).name)
        and (_folder(path) in place.folders or not (place.top / path).exists())
    }
    likely = {
        _folder(path)
        for path, ident in gone.items()
        if ident in here.by_content or PurePosixPath(path).name in here.names
    }
    return {path: ident for path, ident in gone.items() if _folder(path) in likely}


def _contents(top: Path, ids: Iterable[str]) -> dict[str, bytes]:
    found = git.objects(top, ids)
    if len(found) < len(set(ids)):
        raise git.Silent("some of its files are not here, as in a partial clone")
    return {ident: one.content for ident, one in found.items()}


def _loaded(name: str) -> bool:
    """As ``history.files``."""
    return name.endswith(".py") and not name.startswith((".#", "__init__"))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
