"""Rows for one table: values that its types, keys and checks allow, each row with a purpose of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from migration_gate.rehearsal.rows.catalog import Column, ForeignKey, Key, Table
from migration_gate.rehearsal.rows.values import draw, fits
from migration_gate.rehearsal.rows.wants import (
    ANYTHING,
    MIRRORED,
    Relation,
    Want,
    Way,
    default,
    mentioned,
    merge,
    of_value,
    ways,
)

TURNS = 25  # how often a row is made anew that a key has already, or that cannot be
MISSES = 3  # rows one after the other that could not be made: there are no more

Row = dict[str, str | None]
Parents = Mapping[tuple[int, tuple[str, ...]], Sequence[tuple[str, ...]]]


class Plan(NamedTuple):
    """What is known about a table's rows before the first is made. ``distinct`` are columns whose values all differ;
    ``guessed`` are columns of types that nobody here knows, with values that PostgreSQL took.
    """

    table: Table
    columns: tuple[Column, ...]
    ways: tuple[Way, ...]
    distinct: frozenset[str]
    guessed: Mapping[str, Sequence[str]]
    required: frozenset[str]

    def may_be_null(self, name: str, way: Way) -> bool:
        return name not in self.required and way.want(name).null is not False


def plan(
    table: Table,
    guessed: Mapping[str, Sequence[str]],
    left_out: Iterable[str] = (),
    numbered: Iterable[str] = (),
) -> Plan:
    """The plan for a table, or for a partition. ``left_out`` are columns that get their DEFAULT; ``numbered`` those
    that a sequence counts, and whose values leave it room.
    """
    checks = [expression for _, expression in table.checks]
    if table.partition:
        checks.insert(0, table.partition)
    required = frozenset(one.name for one in table.columns if one.not_null)
    found = [way for way in ways(checks) if not any(want.null and name in required for name, want in way.wants.items())]
    columns = tuple(one for one in table.columns if one.generated is None and one.name not in left_out)
    found = [_with_defaults(way, columns) for way in found] or [Way()]
    return Plan(table, columns, tuple(found), frozenset((*_distinct(table, columns), *numbered)), guessed, required)


def _with_defaults(way: Way, columns: Iterable[Column]) -> Way:
    """A column's default is a good guess of what its values look like."""
    wants = dict(way.wants)
    for column in columns:
        value = default(column.default)
        if value is not None and value != "now":
            wants[column.name] = merge(way.want(column.name), Want(hints=(value,))) or way.want(column.name)
    return way._replace(wants=wants)


def _distinct(table: Table, columns: Sequence[Column]) -> Iterable[str]:
    """For each key a column that tells its rows apart: one with room for many values, and no foreign key."""
    usable = {one.name: one for one in columns}
    pointing = {name for key in table.foreign_keys for name in key.columns}
    for key in table.keys:
        names = [name for name in _all_columns(table, key) if name in usable]
        free = [name for name in names if name not in pointing and _roomy(usable[name])]
        if key.exclusion:
            ranges = [name for name in free if usable[name].type.kind in ("r", "m")]
            yield from ranges or free  # two moments make a range, too
        elif free:
            yield min(free, key=lambda name: usable[name].not_null is False)


def _all_columns(table: Table, key: Key) -> list[str]:
    """The columns of a key, with those that its expressions and computed columns are made of."""
    names = [*key.columns, *(mentioned(key.expressions) if key.expressions else ())]
    for name in key.columns:
        generated = table.column(name).generated
        names += mentioned(generated) if generated else ()
    return list(dict.fromkeys(names))


def _roomy(column: Column) -> bool:
    return column.type.kind != "e" and column.type.base not in ("bool", "unknown", "xml") and column.type.kind != "a"


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rows(
    plan: Plan, parents: Parents, start: int, count: int, attempt: int = 0, given: Sequence[Row] = ()
) -> list[Row]:
    """At most ``count`` rows that no two share a key. ``start`` numbers the first; another ``attempt`` gives others;
    ``given`` are values that the first ones must have.
    """
    made: list[Row] = []
    seen: dict[str, set[tuple[str | None, ...]]] = {key.name: set() for key in plan.table.keys}
    missed = 0
    for place in range(count):
        if missed == MISSES:
            break
        missed += 1
        for turn in range(TURNS):
            here = _Place(plan, parents, made, start + place, place, turn + attempt * TURNS)
            row = _row(here, given[place] if place < len(given) else {})
            if row is not None and not any(_taken(row, key, seen[key.name]) for key in plan.table.keys):
                made.append(row)
                missed = 0
                break
    return made


class _Place(NamedTuple):
    """Which row is being made: its number among all, its place among these, and the how-manieth try it is."""

    plan: Plan
    parents: Parents
    made: list[Row]
    number: int
    place: int
    turn: int

    @property
    def random(self) -> Random:
        return Random(f"{self.plan.table.label} {self.number} {self.turn}")  # noqa: S311 the same rows in every run

    @property
    def bare(self) -> bool:
        """The row in which all is NULL that may be."""
        return self.place == 0

    @property
    def twin(self) -> bool:
        """The row that repeats what the one before it has, where no key forbids."""
        return self.place == 2 and self.turn == 0 and bool(self.made)

    @property
    def edge(self) -> int | None:
        return self.place // 3 - 1 if self.place in (3, 6, 9) and self.turn == 0 else None

    @property
    def whole(self) -> bool:
        """A row in which nothing is NULL that need not be."""
        return self.place == 1 or self.edge is not None


def _taken(row: Row, key: Key, seen: set[tuple[str | None, ...]]) -> bool:
    if key.expressions or key.exclusion or key.predicate or not all(name in row for name in key.columns):
        return False  # PostgreSQL will say
    values = tuple(row[name] for name in key.columns)
    if None in values and not key.nulls_equal:
        return False
    if values in seen:
        return True
    seen.add(values)
    return False


def _row(here: _Place, given: Row) -> Row | None:
    plan, way, random = here.plan, _way(here), here.random
    row: Row = dict(given)
    if here.twin:
        keyed = plan.distinct | {name for key in plan.table.keys for name in key.columns}
        row |= {name: value for name, value in here.made[-1].items() if name not in keyed}
    others = [key for key in plan.table.foreign_keys if key.target != plan.table.oid]
    own = [key for key in plan.table.foreign_keys if key.target == plan.table.oid]
    for place, key in enumerate(sorted(others, key=lambda key: -len(key.columns))):
        choices = here.parents.get((key.target, key.referenced), ())
        if not _point(here, row, way, key, choices, place, random):
            return None
    late = {name for key in own for name in key.columns if name not in key.referenced}
    for column in plan.columns:
        if column.name not in row and column.name not in late and not _put(here, row, way, column, random):
            return None
    for key in own:
        if not _point_to_itself(here, row, way, key, random):
            return None
    for column in plan.columns:  # those of such a key that stand in its way no longer
        if column.name not in row and not _put(here, row, way, column, random):
            return None
    return row


def _way(here: _Place) -> Way:
    """In turn; the bare row gets that which forbids the fewest NULLs, the whole one that which asks for the fewest."""
    found = here.plan.ways
    if here.turn == 0 and here.bare:
        return min(found, key=lambda way: sum(want.null is False for want in way.wants.values()))
    if here.turn == 0 and here.place == 1:
        return min(found, key=lambda way: sum(want.null is True for want in way.wants.values()))
    return found[(here.place + here.turn) % len(found)]


def _null(here: _Place, name: str, way: Way, random: Random) -> bool:
    if way.want(name).null or not here.plan.may_be_null(name, way):
        return way.want(name).null is True
    return here.bare or (not here.whole and random.random() < 0.25)


def _put(here: _Place, row: Row, way: Way, column: Column, random: Random) -> bool:
    """Give a column its value; False where it has to have one and there is none."""
    name = column.name
    if _null(here, name, way, random):
        row[name] = None
        return True
    guesses = here.plan.guessed.get(name)
    if guesses is not None:
        row[name] = guesses[here.number % len(guesses)] if guesses else None
        return row[name] is not None or not column.not_null
    want = _related(way, row, name)
    distinct = name in here.plan.distinct
    number = here.number if distinct or not here.turn else random.randrange(1000)
    # What is usual did not do the first time.
    wide = distinct or (here.turn >= TURNS and random.random() < 0.5)
    value = None if want is None else draw(column.type, want, number, wide, here.edge)
    row[name] = value
    return value is not None or here.plan.may_be_null(name, way)


def _related(way: Way, row: Row, name: str) -> Want | None:
    """What a column must hold beside what others already hold; None where nothing would do."""
    want: Want | None = way.want(name)
    for one in way.relations:
        other = _other(one, name)
        value = row.get(other[1]) if other else None
        if other is None or value is None or want is None:
            continue
        more = of_value(other[0], value)
        want = merge(want, more) if more else want
    return want


def _other(relation: Relation, name: str) -> tuple[str, str] | None:
    """How a column stands to the other one of a relation, and which that is."""
    if relation.left == name:
        return relation.operator, relation.right
    if relation.right == name and relation.operator in MIRRORED:
        return MIRRORED[relation.operator], relation.left
    return None


# ── foreign keys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _point(
    here: _Place,
    row: Row,
    way: Way,
    key: ForeignKey,
    choices: Sequence[tuple[str, ...]],
    place: int,
    random: Random,
) -> bool:
    """Let a foreign key point to one of the rows there are; False where it has to and cannot."""
    if any(row.get(name, "") is None for name in key.columns) and not key.full:
        return True
    free = [name for name in key.columns if name not in row]
    if not free:
        return True  # the columns of others have decided it, and PostgreSQL will say
    nulls = [name for name in free if here.plan.may_be_null(name, way)]
    must = [name for name in free if way.want(name).null]
    if must or (nulls and (here.bare or (not here.whole and random.random() < 0.2))):
        _to_null(row, key, free if key.full else must or nulls)
        return True
    bound = [name for name in key.columns if name in row or _bound(way, name)]
    fitting = [one for one in choices if _fits(here, row, way, key, one)] if bound else choices
    if not fitting:
        _to_null(row, key, free if key.full else nulls)
        return bool(nulls)
    chosen = fitting[_which(here, key, place, len(fitting), random)]
    row.update(zip(key.columns, chosen, strict=True))
    return True


def _bound(way: Way, name: str) -> bool:
    return way.want(name) != ANYTHING or any(name in (one.left, one.right) for one in way.relations)


def _to_null(row: Row, key: ForeignKey, names: Iterable[str]) -> None:
    row.update(dict.fromkeys(names))


def _fits(here: _Place, row: Row, way: Way, key: ForeignKey, values: tuple[str, ...]) -> bool:
    for name, value in zip(key.columns, values, strict=True):
        if name in row and row[name] != value:
            return False
        want = _related(way, row, name)
        if want is None or not fits(here.plan.table.column(name).type, want, value):
            return False
    return True


def _which(here: _Place, key: ForeignKey, place: int, count: int, random: Random) -> int:
    """Which row a key points to: one after the other where that must be told apart, else two in a row to the same."""
    if here.turn:
        return random.randrange(count)
    keyed = {name for one in here.plan.table.keys for name in one.columns}
    if keyed.isdisjoint(key.columns):
        return (here.place // 2 + place) % count
    return (here.place + place * (here.place // count)) % count


def _point_to_itself(here: _Place, row: Row, way: Way, key: ForeignKey, random: Random) -> bool:
    """A key to the same table points to a row before this one, or, where it must and there is none, to this one."""
    before = [tuple(one[name] for name in key.referenced) for one in here.made if all(map(one.get, key.referenced))]
    choices = [values for values in before if None not in values]
    itself = tuple(row.get(name) for name in key.referenced)
    if None not in itself and not choices:
        choices = [itself]
    return _point(here, row, way, key, choices[-3:], 0, random)  # type: ignore[arg-type]
