"""What mends a difference of two schemas: Python, as one would write it in a revision's ``upgrade()``.

``before`` is what there is, ``after`` what there should be. What cannot be changed in place is dropped and made again,
and what stands in its way with it: views on a column whose type changes, keys that point to a key.

Nothing mends: that an object other than those of catalog_queries.py's own kinds is missing, of which a snapshot knows
only that it was there (aggregates, operators, casts, collations, publications …), a foreign table or a table of a type
that is missing, and what was granted by others than the owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from migration_gate.mending import columns, types
from migration_gate.mending.dependence import RANK, hinders_retyping, in_order, mentions, stands_on
from migration_gate.mending.statements import (
    OF_A_TABLE,
    ROUTINES,
    TYPES,
    VIEWS,
    alters,
    differs_from_parents,
    drops,
    frees,
    in_place,
    is_inline,
    lineage,
    makes,
    parents,
    parts_of,
    settles,
    table_key,
)
from migration_gate.postgres.catalog import Key, Snapshot, join, owner, split
from migration_gate.postgres.catalog_differences import Difference
from migration_gate.rules.remedies import quoted

# What others may stand on until they have been changed.
_PROVIDERS = ("schema", "extension", *TYPES, "sequence", *ROUTINES, "default privileges")


def mend(one: Difference, before: Snapshot, after: Snapshot) -> str | None:
    """The lines that mend one difference of ``before`` to ``after``; None where nothing does."""
    return "\n".join(mends([one], before, after)) or None


def mends(found: Sequence[Difference], before: Snapshot, after: Snapshot) -> list[str]:
    """The lines that mend these differences, in an order in which they run. Whole tables, schemas and columns come and
    go with what belongs to them, which ``differences`` does not tell apart.

    They run in one transaction: an enum's new label that a default or a constraint uses at once has its type made anew.
    """
    return [*_Plan(before, _target(found, before, after)).lines()]


def _target(found: Sequence[Difference], before: Snapshot, after: Snapshot) -> Snapshot:
    """What there should be once these differences are mended, and no others."""
    wanted = {Key(*one[:3]) for one in found}
    target = dict(before)
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key) and (key in wanted or _along(key, before, after) & wanted):
            target.pop(key, None)
            if key in after:
                target[key] = after[key]
    return target


def _along(key: Key, before: Snapshot, after: Snapshot) -> set[Key]:
    """What a key comes and goes with; an inherited column and a sequence change with their columns, too."""
    there = after if key in after else before
    found: set[Key] = set()
    if (key in before) != (key in after):
        found.add(Key("schema", "", key.schema))
        if key.kind in OF_A_TABLE:
            found |= {table_key(key)._replace(kind=kind) for kind in ("table", *VIEWS)}
    inherited = any("INHERITED" in of.get(key, "").split("\n") for of in (before, after))
    if key.kind == "column" and inherited:
        name = split(key.name)[1]
        found |= {one for one in there if one.kind == "column" and split(one.name)[1] == name}
        if {*lineage(table_key(key), before)} != {*lineage(table_key(key), after)}:
            return found | {table_key(key)}
    if key.kind == "sequence" and (column := owner(there[key])):
        found |= {column, table_key(column)}
    return {one for one in found if one.kind == "column" or (one in before) != (one in after)}


class _Plan:
    """What is done to each object, and in which order."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
        self.gone, self.new = before.keys() - after.keys(), after.keys() - before.keys()
        self.rebuilt = {key for key in changed if key.kind in TYPES and not types.in_place(key, before, after)}
        self.replaced = {key for key in changed if key.kind not in TYPES and not in_place(key, before, after)}
        for key in changed:
            if key.kind == "column" and columns.counts_otherwise(before[key], after[key]):
                sequence = columns.owned_sequence(key, before)
                self.replaced |= {sequence} & after.keys() if sequence else set()
        self._replace_what_hinders(changed)
        self.altered = changed - self.replaced - self.rebuilt
        self.dropped, self.made = self.gone | self.replaced, self.new | self.replaced

    def _replace_what_hinders(self, changed: set[Key]) -> None:
        """What has to go for a while, because something that it stands on goes or becomes another type."""
        before, after = self.before, self.after
        retyped = {one for one in changed if one.kind == "column" and columns.is_retyped(before[one], after[one])}
        retyped |= self.rebuilt | {one for key in self.rebuilt for one in types.users(key, before, after)}
        kept = (before.keys() & after.keys()) - self.replaced - self.rebuilt
        more = {key for key in kept if any(hinders_retyping(key, one, before) for one in retyped)}
        on = self.gone | self.replaced
        while on or more:
            self.replaced |= more
            kept -= more
            on |= more
            on, more = more, {key for key in kept if any(stands_on(key, one, before) for one in on)}
            if not more:
                break

    def lines(self) -> Iterator[str]:
        late = self._late()
        for key in sorted(self.altered):
            yield from frees(key, self.before, self.after)
        defaults = [*self._of_replaced_functions()]
        yield from (columns.without_default(key) for key in defaults)
        yield from self._drops(self.dropped - late)
        for key in in_order(self.made | self.altered | self.rebuilt, self.after):
            yield from self._makes(key)
        yield from (columns.with_default(key, self.after) for key in defaults)
        yield from self._settles()
        yield from (line for key in sorted(self.rebuilt) for line in types.old_dropped(key, self.before))
        yield from self._drops(late)

    # ── drops ──

    def _late(self) -> set[Key]:
        """What goes last: providers, unless they stand themselves on what goes first."""
        late = {key for key in self.gone if key.kind in _PROVIDERS or key.kind not in RANK}
        early = self.dropped - late
        bound = {
            key
            for key in late
            if key.kind in ROUTINES
            and any(mentions(self.before[key], one) for one in early if one.kind in ("table", *VIEWS))
        }
        return late - bound

    def _drops(self, keys: Collection[Key]) -> Iterator[str]:
        order = [key for key in reversed(in_order(keys, self.before)) if not self._goes_along(key)]
        for key in (*self._in_the_way(order), *order):
            yield from drops(key, self.before)

    def _in_the_way(self, order: Sequence[Key]) -> Iterator[Key]:
        """Foreign keys of tables that go, and that would keep what goes before them."""
        turns = {key: turn for turn, key in enumerate(order)}
        for key, text in self.before.items():
            if key.kind == "constraint" and text.startswith("FOREIGN KEY") and table_key(key) in turns:
                own = turns[table_key(key)]
                earlier = (one for one in order[:own] if one.kind in ("table", "constraint") and one != key)
                if any(stands_on(key, one, self.before) for one in earlier):
                    yield key

    def _goes_along(self, key: Key) -> bool:
        """Whether it goes with what it belongs to."""
        if key.kind in OF_A_TABLE:
            wholes = {table_key(key)._replace(kind=kind) for kind in ("table", *VIEWS)}
            return bool(wholes & self.dropped) or self._is_inherited(key, self.before)
        if key.kind == "sequence" and (column := owner(self.before[key])):
            freed = key in self.after and owner(self.after[key]) != column
            identity = column in self.altered and bool(columns.read(self.before[column]).identity)
            return not freed and (identity or column in self.dropped or table_key(column) in self.dropped)
        return False

    def _of_replaced_functions(self) -> Iterator[Key]:
        """Columns that stay, and whose default calls a function that goes for a while."""
        called = [key for key in self.replaced if key.kind in ROUTINES]
        for key in sorted(self.before.keys() & self.after.keys() - self.replaced) if called else ():
            if key.kind == "column" and (default := columns.read(self.before[key]).default):
                same = default == columns.read(self.after[key]).default
                if same and any(mentions(default, one) for one in called):
                    yield key

    # ── makes ──

    def _makes(self, key: Key) -> Iterator[str]:
        if key in self.rebuilt:
            create = [*makes(key, self.before, self.after, self.made)]
            yield from types.rebuilt(key, self.before, self.after, create)
        elif key in self.made:
            if not self._comes_along(key):
                yield from makes(key, self.before, self.after, self.made)
            elif key.kind == "column" and table_key(key) not in self.made:
                yield from differs_from_parents(key, self.after)
        else:
            if key.kind in TYPES:
                yield from types.altered(key, self.before, self.after)
            yield from alters(key, self.before, self.after)

    def _comes_along(self, key: Key) -> bool:
        """Whether it is made with what it belongs to."""
        if key.kind == "column":
            return table_key(key) in self.made or self._is_inherited(key, self.after)
        if key.kind in ("constraint", "index") and self._was_detached(table_key(key)):
            return self._keeps(key)
        if key.kind == "constraint" and table_key(key) in self.made:
            return is_inline(key, self.after)
        if key.kind == "sequence" and (column := owner(self.after[key])):
            return columns.is_made_with_its_column(self.after, column, self.made)
        return False

    def _is_inherited(self, key: Key, of: Snapshot) -> bool:
        """Whether a column comes and goes with a parent's: not where its table has other parents meanwhile."""
        if key.kind != "column" or "INHERITED" not in of[key].split("\n"):
            return False
        table, name = table_key(key), split(key.name)[1]
        staying = {*lineage(table, of)}
        if table in self.altered:
            staying &= {*lineage(table, self.before)} & {*lineage(table, self.after)}
        return any(Key("column", one.schema, join(one.name, name)) in of for one, _ in staying)

    def _was_detached(self, table: Key) -> bool:
        both = table in self.before and table in self.after and table not in self.made
        return both and bool({*parents(table, self.before)} - {*parents(table, self.after)})

    def _keeps(self, key: Key) -> bool:
        """Whether a table that was a partition has this of its parent, of which a snapshot tells with that alone."""
        own = _nameless(key, self.after)
        above = parents(table_key(key), self.before)
        same = (one for one in self.before if one.kind == key.kind and table_key(one) in above)
        return any(_nameless(one, self.before) == own for one in same)

    def _settles(self) -> Iterator[str]:
        before = {key: text for key, text in self.before.items() if key not in self.made}
        indexes = (key for key in self.made if key.kind in ("index", "constraint"))
        again = {f"{quoted(one.schema)}.{quoted(split(one.name)[1])}" for one in indexes}
        for key in sorted(self.after):
            sequence = key.kind == "sequence" and key in self.made | self.altered and not self._comes_along(key)
            if sequence or key.kind == "table":
                yield from settles(key, before, self.after, again)


def _nameless(key: Key, of: Snapshot) -> str:
    """An index or a constraint without its own name and its table's."""
    text = parts_of(key, of).body
    return text.partition(" USING ")[2] if key.kind == "index" else text
