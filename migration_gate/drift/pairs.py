"""What belongs together in a difference: a column and its index, an enum and the table that has used it, the old name
and the new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from migration_gate.drift.declared import Schemas
from migration_gate.drift.keys import Said
from migration_gate.mending.sql import own_name
from migration_gate.postgres.catalog import Key, Snapshot, facets, split
from migration_gate.postgres.catalog_differences import Difference

TELLING = 2  # columns of a table that say what it is: an id alone has any


class Item(NamedTuple):
    """One object that is not the same. ``operations`` is what autogenerate proposes for it, ``difference`` how the
    catalogs differ, None where they do not; one of them is there. ``path`` and ``line`` are the model's.
    """

    key: Key | None
    operations: tuple[Said, ...] = ()
    difference: Difference | None = None
    path: str | None = None
    line: int | None = None
    renamed: Key | None = None  # what it is called in the migrations, where that is all that differs
    was: Key | None = None  # the table or column that has gone, and that this one looks like
    along: tuple[Difference, ...] = ()  # what only it has used, and is gone too: an enum, a sequence


Columns = Mapping[tuple[str, str], Mapping[str, str]]  # (schema, table) → name → definition


def columns_of(schema: Snapshot) -> dict[tuple[str, str], dict[str, str]]:
    """A schema's columns by their tables."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key, text in schema.items():
        if key.kind == "column":
            table, name = split(key.name)
            found.setdefault((key.schema, table), {})[name] = text
    return found


def gone_columns(schemas: Schemas) -> Columns:
    """Those that the migrations make and the models have not."""
    return columns_of({key: text for key, text in schemas.migrated.items() if key not in schemas.declared})


def is_said(one: Difference, schemas: Schemas, gone: Columns) -> bool:
    """Whether it is said with something else: a constraint, index or statistics that is gone because a column of it is,
    an enum that comes with a column, whose call makes it.
    """
    if one.after is None and one.before and one.kind in ("constraint", "index", "statistics"):
        mine = gone.get((one.schema, split(one.name)[0]), {})
        return bool(mine) and not set(_words(one.before)).isdisjoint(mine)
    if one.kind == "enum" and one.before is None:
        new = (key for key in schemas.declared if key.kind == "column" and key not in schemas.migrated)
        return any(_is_of(schemas.declared[key], Key(*one[:3])) for key in new)
    return False


def _words(definition: str) -> Iterator[str]:
    for word in re.findall(r'"(?:[^"]|"")+"|\w+', definition):
        yield word[1:-1].replace('""', '"') if word.startswith('"') else word


def _is_of(column: str, enum: Key) -> bool:
    """Whether a column's definition is of an enum's type, or an array of it."""
    return facets(column)[0].removesuffix("[]").removeprefix("public.") == own_name(enum)


def paired(items: Sequence[Item], schemas: Schemas) -> Iterator[Item]:
    """The items, a table or column that has come with the like one that has gone as one item: renamed, by all
    appearances. An enum that only columns use which are gone goes with the first of these, or with its table.
    """
    renamed = _renamed(items, schemas)
    by_key = {one.key: one for one in items if one.key}
    along = _along({key: one for key, one in by_key.items() if _is_gone(key, schemas)}, schemas)
    taken = {Key(*one[:3]) for some in along.values() for one in some}
    for one in items:
        if one.key and (was := renamed.get(one.key)):
            yield one._replace(was=was, operations=(*by_key[was].operations, *one.operations))
        elif one.key is None or not (one.key in taken or one.key in renamed.values() or _follows(one, renamed)):
            yield one._replace(along=tuple(along.get(one.key, ()))) if one.key else one


def _is_gone(key: Key, schemas: Schemas) -> bool:
    return key in schemas.migrated and key not in schemas.declared


def _along(gone: Mapping[Key, Item], schemas: Schemas) -> dict[Key, list[Difference]]:
    """Of the enums that are gone those that go with a column or a table, by these."""
    found: dict[Key, list[Difference]] = {}
    for key, item in gone.items():
        if key.kind == "enum" and item.difference:
            users = [one for one, text in schemas.migrated.items() if one.kind == "column" and _is_of(text, key)]
            wholes = [_whole(one, gone) for one in users]
            if users and all(wholes):
                found.setdefault(min(filter(None, wholes)), []).append(item.difference)
    return found


def _whole(column: Key, gone: Mapping[Key, Item]) -> Key | None:
    """What a column goes with: itself, or its table."""
    table = Key("table", column.schema, split(column.name)[0])
    return next((one for one in (table, column) if one in gone), None)


def _renamed(items: Sequence[Item], schemas: Schemas) -> dict[Key, Key]:
    """What has come → what has gone and is like it, and like nothing else."""
    before, after = columns_of(schemas.migrated), columns_of(schemas.declared)
    found: dict[Key, Key] = {}
    for kind in ("table", "column"):
        come = [one.key for one in items if one.key and one.key.kind == kind and one.key not in schemas.migrated]
        gone = [one.key for one in items if one.key and one.key.kind == kind and one.key not in schemas.declared]
        looks: dict[tuple[object, ...], tuple[list[Key], list[Key]]] = {}
        for key in gone:
            looks.setdefault(_look(key, before), ([], []))[0].append(key)
        for key in come:
            looks.setdefault(_look(key, after), ([], []))[1].append(key)
        for look, (old, new) in looks.items():
            if look and len(old) == len(new) == 1:
                found[new[0]] = old[0]
    return found


def _look(key: Key, columns: Columns) -> tuple[object, ...]:
    """What a table or column is but for its name; () where that says too little. A default may name the table."""
    if key.kind == "column":
        table, name = split(key.name)
        return key.schema, table, columns.get((key.schema, table), {}).get(name, "")
    mine = columns.get((key.schema, key.name), {})
    if len(mine) < TELLING:
        return ()
    plain = {
        name: " ".join(one for one in facets(text) if not one.startswith("DEFAULT nextval("))
        for name, text in mine.items()
    }
    return key.schema, *sorted(plain.items())


def _follows(one: Item, renamed: Mapping[Key, Key]) -> bool:
    """Whether nothing of it differs but that it names what is renamed."""
    if one.difference is None or one.difference.before is None or one.difference.after is None:
        return False
    for new, old in renamed.items():
        was, now = (key.name if key.kind == "table" else split(key.name)[1] for key in (old, new))
        pattern = rf"(?<![\w$]){re.escape(was)}(?![\w$])"
        if re.sub(pattern, now.replace("\\", r"\\"), one.difference.before) == one.difference.after:
            return True
    return False
