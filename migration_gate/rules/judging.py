"""Runs the rules over a project: its history whole, and the operations of the revisions that are to be judged."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from migration_gate.findings import Allowed, CannotJudge, Evidence, Finding, Note
from migration_gate.operations.from_python import read_downgrade, read_upgrade
from migration_gate.operations.model import AddColumn, Boundary, NotRead, Operation, Other, Table, UsesModel
from migration_gate.operations.modules import Modules, modules_of
from migration_gate.operations.type_names import BUILT_IN
from migration_gate.project.environment import Environment, read_environment
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision, content
from migration_gate.project.sizes import DAYS, in_words, of_project
from migration_gate.rules import ALL, BLOCKS_TRAFFIC, GRAPH, NOTED, OFF, OPERATIONS, WHERE_LARGE, module
from migration_gate.rules.allows import Allow, allowed, allows_in, judge_allows
from migration_gate.rules.base import Hazard, Migration, is_enum, saved_size, size_of

if TYPE_CHECKING:
    from migration_gate.project.models_at import Models


class Judged(NamedTuple):
    """What the rules said of one project, and how much was read to say it."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    revisions: int = 0  # whose operations were judged
    new: int | None = None  # of the whole history; None where each is judged as if it alone were new
    shipped: int = 0  # chosen, and not judged because they have shipped
    operations: int = 0
    not_read: int = 0
    allowed: tuple[Allowed, ...] = ()


def shown(path: Path | None) -> str | None:
    """A path as output has it: relative to the working directory where it is below it, with forward slashes."""
    if path is None:
        return None
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return os.path.relpath(path).replace(os.sep, "/")


def active(project: Project, names: Collection[str]) -> tuple[str, ...]:
    """The rules of ``names`` that the settings leave on. Raises CannotJudge where they name a rule that is not."""
    settings = project.settings
    for name in (*settings.select, *settings.extend_select, *settings.ignore):
        if name not in ALL:
            from difflib import get_close_matches

            near = get_close_matches(name, ALL, n=1)
            hint = f": did you mean {near[0]}?" if near else f". The rules are {', '.join(ALL)}."
            raise CannotJudge(
                f"[tool.migration-gate] of {project.name} names the rule {name!r}, which is not one{hint}"
            )
    on = settings.select or [name for name in names if name not in OFF]
    return tuple(name for name in names if name in (*on, *settings.extend_select) and name not in settings.ignore)


def applied(graphs: Iterable[tuple[Project, History]], names: Collection[str]) -> tuple[str, ...]:
    """The rules of ``names`` that one of the projects at least leaves on."""
    return tuple(dict.fromkeys(rule for project, _ in graphs for rule in active(project, names)))


def home(graphs: Sequence[tuple[Project, History]]) -> str:
    """The file for what is about a project, and no file of it: its env.py, the first one's of several."""
    return shown(graphs[0][0].directory / "env.py") or "" if graphs else ""


def judge_history(project: Project, history: History) -> Judged:
    """The graph rules, on the whole history."""
    found: list[Finding] = []
    permitted: list[Allowed] = []
    notes = [
        Note(
            "writes neither `revision` nor `upgrade`, and may take them from elsewhere. If it does not, Alembic "
            "refuses to load a version folder that holds it; move it out",
            shown(one.path),
        )
        for one in history.helpers
    ]
    for name in active(project, GRAPH):
        for hazard in module(name).check(project, history):
            if hazard.path is not None and (allow := allowed(name, hazard, allows_in(_source(hazard.path)))):
                permitted.append(Allowed(finding(name, hazard), allow.reason))
            elif hazard.sure:
                found.append(finding(name, hazard))
            else:
                notes.append(Note(f"{name}: {hazard.message}", shown(hazard.path), hazard.line, name))
    return Judged(tuple(found), tuple(notes), allowed=tuple(permitted))


class Selection(NamedTuple):
    """The revisions to judge, in the order in which they run. ``new`` is how many there are that have not shipped,
    named or not, None where that is not known and each is judged as if it alone were new. ``shipped`` is how many
    were named and left out.
    """

    migrations: tuple[Migration, ...]
    new: int | None
    shipped: int

    @property
    def parsed(self) -> set[Path]:
        """The files that were read, and are Python from end to end."""
        broken = {one.revision.path for one in self.migrations if [two.call for two in one.operations] == [""]}
        return {one.revision.path for one in self.migrations} - broken

    def of(self, history: History) -> Selection:
        """What of it is still there, when the history has turned out to have files that are not Python."""
        kept = tuple(one for one in self.migrations if one.revision.id in history.revisions)
        return self if len(kept) == len(self.migrations) else self._replace(migrations=kept)


def judge_operations(project: Project, selection: Selection) -> Judged:
    """The rules of operations, on the selected revisions."""
    results = [_judge(one) for one in selection.migrations]
    operations = [
        operation
        for one in selection.migrations
        for operation in one.operations
        if not isinstance(operation, Boundary | UsesModel)
    ]
    return Judged(
        tuple(one for result in results for one in result.findings),
        (
            *_noted(project, selection.migrations),
            *_old_sizes(project, selection),
            *(one for result in results for one in result.notes),
        ),
        len(selection.migrations),
        selection.new,
        selection.shipped,
        len(operations),
        sum(isinstance(operation, NotRead) for operation in operations),
        tuple(one for result in results for one in result.allowed),
    )


def new_revisions(project: Project, history: History, everything: bool = False) -> list[Revision]:
    """The revisions that have not shipped, in the order in which they run; where nobody knows which these are, the last
    one.
    """
    known = None if everything else _known_shipped(project, history)
    ordered = history.in_order()
    return ordered[-1:] if known is None else [one for one in ordered if one.id not in known]


def select(project: Project, history: History, chosen: Collection[Path] | None, everything: bool = False) -> Selection:
    """The chosen revisions' files (all, where it is None), as the rules see them.

    What the base has, and what ``start-after`` and ``start-at`` name, has shipped: only the other revisions are
    judged, and together they are the new ones. Where neither is known, and with ``everything``, each revision is judged
    as if it alone were new.
    """
    known = None if everything else _known_shipped(project, history)
    shipped = known or set()
    ordered = history.in_order()
    wanted = [one for one in ordered if chosen is None or one.path in chosen]
    judged = [one for one in wanted if one.id not in shipped]
    new = [one for one in ordered if known is not None and one.id not in shipped]
    modules = modules_of(project)
    read = _Reader(modules)
    new_ids = {one.id for one in new}
    earlier_new = _Earlier(read, history, ordered, new_ids)
    earlier_shipped = _Earlier(read, history, ordered, history.revisions.keys() - new_ids)

    @cache
    def environment() -> Environment:
        return read_environment(project.directory / "env.py", project.config_file)

    @cache
    def models() -> Models:
        from migration_gate.project.models_at import models_at  # only where something is dropped

        base = history.base
        return models_at(project, base.ref, base.name) if base else models_at(project)

    def migration(revision: Revision) -> Migration:
        return Migration(
            project,
            revision,
            read(revision),
            earlier_new(revision) if new else (),
            lambda: earlier_shipped(revision),
            lambda: read_downgrade(revision.path, _source(revision.path), modules),
            environment,
            models,
        )

    return Selection(
        tuple(migration(one) for one in judged),
        None if known is None else len(new),
        0 if chosen is None else len(wanted) - len(judged),
    )


def _noted(project: Project, judged: Iterable[Migration]) -> Iterator[Note]:
    """What a project hears once of a rule that is off."""
    settings = project.settings
    for name in NOTED:
        if name in active(project, (name,)) or settings.select or name in settings.ignore:
            continue
        hazards = (hazard for one in judged for hazard in module(name).check(one))
        if first := next(hazards, None):
            yield Note(f"{name}: {first.message}", shown(first.path), first.line, name)


def _old_sizes(project: Project, selection: Selection) -> Iterator[Note]:
    """A note on sizes that were saved long ago; read where something is judged, so that a file that is not there or is
    none is heard of then, and not first when a rule asks for it.
    """
    saved = of_project(project) if selection.migrations else None
    if saved and saved.days > DAYS:
        name = project.settings.sizes
        again = f"migration-gate doctor --save-sizes {name} writes it anew"
        yield Note(f"{name}: the sizes in it are {saved.days} days old: {again}")


class _Reader:
    """The operations of revisions, each read once, when it is asked for."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.known: dict[Path, tuple[Operation, ...]] = {}

    def __call__(self, revision: Revision) -> tuple[Operation, ...]:
        path = revision.path
        if path not in self.known:
            self.known[path] = tuple(read_upgrade(path, _source(path), self.modules))
        return self.known[path]

    def all(self, revisions: Iterable[Revision]) -> tuple[Operation, ...]:
        return tuple(operation for one in revisions for operation in self(one))


class _Earlier:
    """The operations of what a revision comes after, as far as it is in ``kept``, in the order in which they run. What
    was given last begins what its only parent's child is given: a history of hundreds is not gone through for each.
    """

    def __init__(self, read: _Reader, history: History, ordered: Sequence[Revision], kept: Collection[str]) -> None:
        self.read, self.history, self.ordered, self.kept = read, history, ordered, kept
        self.last: tuple[str, tuple[Operation, ...]] = ("", ())

    def __call__(self, revision: Revision) -> tuple[Operation, ...]:
        links = self.history.parents[revision.id] + self.history.dependencies[revision.id]
        last, found = self.last
        if links == (last,):
            found += self.read(self.history.revisions[last]) if last in self.kept else ()
        else:
            older = (self.history.ancestors(revision.id) - {revision.id}) & set(self.kept)
            found = self.read.all(one for one in self.ordered if one.id in older)
        self.last = revision.id, found
        return found


def _known_shipped(project: Project, history: History) -> set[str] | None:
    """The ids of what has shipped, as far as base and settings say. None where they say nothing."""
    named = _resolved(project, history)
    if not named and history.base is None:
        return None
    return history.ancestors(*named) | set(history.base.past.revisions if history.base else ())


def _resolved(project: Project, history: History) -> list[str]:
    """What ``start-after`` and ``start-at`` name, as whole ids: all up to there has shipped. One table of settings may
    name revisions of several projects; one that is no revision of this one may be another's, but not all of them.
    """
    found: list[str] = []
    settings = project.settings
    if symbols := {"head", "heads"} & set(settings.start_after):
        today = ", ".join(f'"{one}"' for one in history.heads)
        raise CannotJudge(
            f"start-after names {min(symbols)!r}, which every new revision becomes, so that none would ever be judged: "
            f"name the revision that it is today, {today}"
        )
    for key, names in (("start-after", settings.start_after), ("start-at", (settings.start_at,))):
        named = [name for name in names if name]
        ids = [ident for name in named for ident in history.resolve(name)]
        if named and not ids and history.sound:
            raise CannotJudge(f"{key} names {', '.join(_not_one(project, history, one) for one in named)}")
        found += ids
    return found


def _not_one(project: Project, history: History, name: str) -> str:
    """Why a name means no revision."""
    several = ", ".join(one for one in history.revisions if one.startswith(name))
    what = f"the beginning of several revisions of {project.name}, {several}"
    return f"{name!r}: {what if several else f'no revision of {project.name}'}"


def hidden(project: Project, history: History) -> Iterator[Note]:
    """What start-after leaves out that the base does not have: it has not shipped, and nobody judges it."""
    if history.base is None:
        return
    named = [ident for name in project.settings.start_after for ident in history.resolve(name)]
    left = history.ancestors(*named) - history.base.past.revisions.keys()
    if left:
        which = ", ".join(one.id for one in history.in_order() if one.id in left)
        yield Note(f"{project.name}: start-after leaves out what {history.base.name} does not have: {which}")


def _judge(migration: Migration) -> Judged:
    revision = migration.revision
    allows = allows_in(_source(revision.path))
    used: list[Allow] = []
    permitted: list[Allowed] = []
    found: list[Finding] = []
    notes = [
        Note(f"not read: {one.reason}", shown(one.at.path), one.at.line)
        for one in migration.operations
        if isinstance(one, NotRead)
    ]
    notes += [
        Note(
            f"{one.table}.{one.column.name} is of the enum {one.column.sql_type}, which nothing that was read before "
            "it makes. Alembic makes an enum with a new table, and not with a column that is added: if nothing else "
            "has, PostgreSQL knows no such type (42704).",
            shown(one.at.path),
            one.at.line,
        )
        for one in migration.operations
        if isinstance(one, AddColumn) and _lacks_its_enum(migration, one)
    ]
    names = active(migration.project, OPERATIONS)
    kinds = set(map(type, migration.operations))
    for name in names:
        if OPERATIONS[name] and kinds.isdisjoint(OPERATIONS[name]):
            continue
        hazards = []
        for hazard in module(name).check(migration):
            if allow := allowed(name, hazard, allows):
                used.append(allow)
                permitted.append(Allowed(finding(name, hazard), allow.reason))
            else:
                hazards.append(hazard)
        for hazard in _once(name, hazards, migration.project):
            if hazard.sure:
                found.append(finding(name, hazard))
            else:
                notes.append(Note(f"{name}: {hazard.message}", shown(hazard.path), hazard.line, name))
    for name, hazard in judge_allows(revision.path, allows, used, names, ALL):
        if name in active(migration.project, (name,)):
            found.append(finding(name, hazard._replace(revision=revision.id)))
    return Judged(tuple(sorted(found, key=_place)), tuple(sorted(notes, key=_place)), allowed=tuple(permitted))


def _place(one: Finding | Note) -> tuple[str, int]:
    return one.path or "", one.line or 0


def _lacks_its_enum(migration: Migration, added: AddColumn) -> bool:
    type_, written = added.column.sql_type, added.column.type or ""
    if type_ is None or type_.name in BUILT_IN or not is_enum(type_, (), written):
        return False
    earlier = migration.shipped() + migration.earlier(added)
    creates = any(isinstance(one, Other) and one.what == "CREATE TYPE" for one in earlier)  # of whatever name
    return not creates and not is_enum(type_, earlier) and not any(isinstance(one, NotRead) for one in earlier)


def _once(name: str, hazards: Sequence[Hazard], project: Project) -> Iterator[Hazard]:
    """The hazards of one rule as their tables' sizes have them, those of a line that a loop runs for several tables as
    one, where all that differs is the table.
    """
    places: dict[tuple[object, ...], list[Hazard]] = {}
    for number, one in enumerate(hazards):
        said = f"{one.message}{one.remedy}".replace(one.table.name, "…") if one.table else ""
        sized = by_size(name, one, project)
        place = (one.line, one.end, sized.sure, said) if one.table else (number,)
        places.setdefault(place, []).append(sized)
    for first, *more in places.values():
        tables = dict.fromkeys(_with_size(one.table, project) for one in more if one.table != first.table)
        if len(tables) < len(more):  # several commands on one table: each has its own remedy
            yield from (first, *more)
        else:
            said = f"\nThe same of {', '.join(tables)}, for which this line runs too." if tables else ""
            yield first._replace(message=first.message + said)


def by_size(name: str, hazard: Hazard, project: Project) -> Hazard:
    """A hazard with the size of its table, where that was saved from production. What blocks traffic does so for as
    long as its table is large: on a small one it is a note, and some of it on one whose size nobody has told.
    """
    table = hazard.table
    if table is None or not hazard.sure:
        return hazard
    if saved := saved_size(project, table):
        hazard = hazard._replace(message=f"{hazard.message}\n{table}: {in_words(saved)} in production.")
    if name not in (*BLOCKS_TRAFFIC, "blocks-traffic"):
        return hazard
    size = size_of(project, table)
    if size == "small":
        return hazard._replace(sure=False)
    if size == "large":
        return hazard
    where_large = name in WHERE_LARGE
    setting, word, becomes = ("large", "large", "a finding") if where_large else ("small", "small", "a note")
    setting = f'{setting}-tables = ["{table}"] in [tool.migration-gate]'
    line = f"If {table} is {word}, {setting} makes this {becomes}."
    return hazard._replace(message=f"{hazard.message}\n{line}", sure=not where_large)


def _with_size(table: Table | None, project: Project) -> str:
    saved = saved_size(project, table) if table else None
    return f"{table} ({in_words(saved)})" if saved else str(table)


def finding(name: str, hazard: Hazard, evidence: tuple[Evidence, ...] = ()) -> Finding:
    """A hazard that was not allowed, as the report has it."""
    return Finding(
        name,
        hazard.message,
        shown(hazard.path),
        hazard.line,
        hazard.revision,
        hazard.remedy,
        evidence,
        hazard.end,
    )


def _source(path: Path) -> bytes:
    text = content(path)
    return text if isinstance(text, bytes) else b""
