"""Drift: what the models declare and the migrations do not build, or in another way. One finding for each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from migration_gate.drift import autogenerate
from migration_gate.drift.declared import Schemas
from migration_gate.drift.joined import Joined, joined
from migration_gate.drift.keys import Said
from migration_gate.drift.pairs import Item
from migration_gate.drift.remedies import remedy
from migration_gate.drift.taken_out import Left, taken_out
from migration_gate.drift.unimported import unseen
from migration_gate.drift.unmanaged import Unmanaged
from migration_gate.findings import Evidence, Finding, Note
from migration_gate.postgres.catalog import facets
from migration_gate.postgres.catalog_differences import DRIFT, Difference, by_aspect, said, shown, where
from migration_gate.project.base import Base
from migration_gate.project.model import Project
from migration_gate.rehearsal.child import Event, Ran

FEW = 8  # names of one kind that a note still tells
LINES = 12  # of a definition that is shown
LETTERS = 300  # of one of them


class Compared(NamedTuple):
    """The result of a comparison, or the reason why there is none. ``left`` counts what the branch took out of the
    models for the next release to drop; ``items`` is what the findings are about, ``schemas`` each database's.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    problem: str | None = None
    left: int = 0
    items: tuple[Item, ...] = ()
    schemas: Mapping[str, Schemas] = {}


def compared(project: Project, ran: Ran, schemas: dict[str, Schemas], base: Base | None = None) -> Compared:
    """Drift, from the last comparison that an upgrade reported, and from the catalogs of its databases."""
    results = ran.of("compared")
    if not results:
        return Compared(problem=autogenerate.why_not(project, ran))
    operations = [{**one, "position": number} for number, one in enumerate(results[-1]["operations"])]
    left = taken_out(project, base, operations)
    hidden = unseen(project, ran, operations)
    unmanaged = Unmanaged(project.settings.unmanaged)
    found: list[tuple[Item, Finding]] = []
    notes: list[Note] = []
    left_out = {one["database"]: one["operations"] for one in ran.of("left-out")}
    for whole in _databases(operations, schemas, ran.of("declared"), left_out):
        for item in whole.items:
            if unmanaged.covers(item) or any(hidden.has(one) for one in item.operations):
                continue
            said_of_it = _judge(project, item, whole.schemas, left)
            if isinstance(said_of_it, Note):
                notes.append(said_of_it)
            else:
                found.append((item, said_of_it))
        notes += _notes(project, whole, unmanaged)
    found += [(Item(None), one) for one in hidden.findings]
    found.sort(key=lambda one: _order(*one))
    count = len([one for one in notes if one.rule == "drift"])
    notes = sorted(notes, key=lambda one: one.message)
    told = (
        *notes,
        *hidden.notes,
        *unmanaged.notes(project),
        *_not_compared(project, ran),
        autogenerate.comparisons(project, ran),
    )
    return Compared(
        tuple(one for _, one in found), told, left=count, items=tuple(one for one, _ in found), schemas=schemas
    )


def _databases(
    operations: Sequence[Said], schemas: dict[str, Schemas], events: list[Event], left_out: Mapping[str, Sequence[Said]]
) -> Iterator[Joined]:
    """Each database's differences; where its catalogs were not compared, what autogenerate says of it."""
    whole = {one["database"]: one for one in events if one["database"] in schemas}
    for database, event in whole.items():
        own = [one for one in operations if one.get("database") == database]
        yield joined(own, schemas[database], event, left_out.get(database, ()))
    rest = [one for one in operations if one.get("database") not in whole]
    yield Joined(
        tuple(
            Item(None, same, path=same[-1].get("path"), line=same[-1].get("line"))
            for same in autogenerate.grouped(rest)
        )
    )


def _judge(project: Project, item: Item, schemas: Schemas | None, left: Left) -> Finding | Note:
    """A finding; a note where this branch has taken it out of the models for the next release to drop."""
    dropped = next((one for one in item.operations if left.has(one)), None)
    if dropped is None or item.was:
        return _finding(project, item, schemas)
    if dropped.get("required"):
        return autogenerate.required(dropped, left)
    what = autogenerate.object_of(dropped)
    return Note(f"{what} is taken out of {left.name}'s models here: drop it in the next release", rule="drift")


def _finding(project: Project, item: Item, schemas: Schemas | None) -> Finding:
    evidence = tuple(_definitions(item.difference)) if item.difference else ()
    return Finding("drift", sentence(item), item.path, item.line, None, remedy(project, item, schemas), evidence)


def sentence(item: Item) -> str:
    """What differs, in one sentence."""
    if item.key and item.renamed:
        new, old = (shown(Difference(*key, None, None)) for key in (item.key, item.renamed))
        return f"{new} of the models is called {old.split(' on ')[0]} by the migrations; nothing else of it differs"
    if item.key and item.was:
        new, old = (shown(Difference(*key, None, None)) for key in (item.key, item.was))
        return f"{old}, which the migrations make, is {new} in the models, by all appearances: it was renamed there"
    if item.difference:
        return said(item.difference, DRIFT)
    return autogenerate.sentence(item.operations)


def _definitions(one: Difference) -> Iterator[Evidence]:
    """Both definitions, or that of the side which has it."""
    if one.kind in ("table", "schema"):
        return
    for name, definition in (("models", one.after), ("migrations", one.before)):
        texts = [text for text in facets(definition or "") if not text.startswith("OWNER ")]
        if texts:
            lines = [_short(line) for line in "\n".join(texts).split("\n")]
            more = [f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else []
            begin = f"{name:<11} "
            yield Evidence(name, begin + f"\n{' ' * len(begin)}".join((*lines[:LINES], *more)))


FIRST = ("schema", "extension", "enum", "domain", "composite", "range", "sequence")


def _short(line: str) -> str:
    return line if len(line) <= LETTERS else f"{line[:LETTERS]} … {len(line) - LETTERS} more letters"


def _order(item: Item, one: Finding) -> tuple[object, ...]:
    """What columns are made of first; then by file, tables and columns before what is built on them, so that pasted in
    this order the remedies run.
    """
    first = bool(item.key and item.key.kind in FIRST and item.difference and item.difference.after is not None)
    built_on = not one.message.startswith(("table", "column"))
    return not first, one.path is None, one.path or "", built_on, one.line or 0, one.message


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────


def _notes(project: Project, whole: Joined, unmanaged: Unmanaged) -> Iterator[Note]:
    others = [one for one in whole.unmanaged if not unmanaged.covers(Item(None, (), one))]
    if others:
        yield Note(f"{project.name}: managed by migrations only: {_listed(others)}")
    mistaken = [autogenerate.object_of(one.operations[-1]) for one in whole.mistaken if not unmanaged.covers(one)]
    if mistaken:
        yield Note(
            f"{project.name}: autogenerate proposes a change of {_few(mistaken)}: the databases that the models and "
            "the migrations make are the same there"
        )
    if whole.left_out:
        names = [autogenerate.object_of(one) for one in whole.left_out]
        yield Note(f"{project.name}: env.py's process_revision_directives leaves out: {_few(names)}")
    kept = [
        f"`{where(one)}` ({by_aspect(facets(one.before or ''))['default']})"
        for one in whole.kept
        if not unmanaged.covers(Item(None, (), one))
    ]
    if kept:
        count = f"{len(kept)} column{'s have' if len(kept) > 1 else ' has'}"
        yield Note(f"{project.name}: {count} a default of the migrations that the models do without: {_few(kept)}")
    names = [
        f"{shown(Difference(*one.key, None, None))} ({one.renamed.name.rpartition('.')[2]} by the migrations)"
        for one in whole.renamed
        if one.key and one.renamed and not unmanaged.covers(one)
    ]
    if names:
        yield Note(f"{project.name}: the same but for the name: {_few(names)}")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _listed(found: Iterable[Difference]) -> str:
    """Their names by kind; of what both have, what of it is another."""
    kinds: dict[str, list[str]] = {}
    for one in found:
        if one.before is None or one.after is None:
            kinds.setdefault(one.kind, []).append(shown(one))
        else:
            before, after = (by_aspect(facets(text)) for text in (one.before, one.after))
            other = [name for name in dict.fromkeys((*before, *after)) if name and before.get(name) != after.get(name)]
            kinds.setdefault(f"of {one.kind}", []).append(f"the {', '.join(other)} of {shown(one)}")
    return "; ".join(map(_few, kinds.values()))


def _not_compared(project: Project, ran: Ran) -> Iterator[Note]:
    for one in ran.of("not-declared"):
        yield Note(
            f"{project.name}: what PostgreSQL prints of both schemas was not compared, and autogenerate alone was "
            f"asked: the models' create_all() fails: {one['reason']}"
        )
