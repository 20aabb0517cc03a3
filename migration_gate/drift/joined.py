"""Autogenerate's operations and the catalogs' differences, joined object by object: each is said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from migration_gate.drift.declared import Schemas
from migration_gate.drift.keys import Said, key_of
from migration_gate.drift.managed import Managed, managed
from migration_gate.drift.rest import rest
from migration_gate.postgres.catalog import Key, Snapshot, facets, join, split
from migration_gate.postgres.catalog_differences import Difference, aspects, by_aspect
from migration_gate.rehearsal.child import Event
from migration_gate.rules.remedies import quoted


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


class Joined(NamedTuple):
    """What differs, and what does although nobody minds: objects that only the migrations manage, what autogenerate
    alone takes for a difference, and what is the same under another name.
    """

    items: tuple[Item, ...] = ()
    schemas: Schemas | None = None
    unmanaged: tuple[Difference, ...] = ()
    mistaken: tuple[Item, ...] = ()
    renamed: tuple[Item, ...] = ()
    kept: tuple[Difference, ...] = ()  # columns with a default that the models do without
    left_out: tuple[Said, ...] = ()  # what env.py's process_revision_directives has taken from autogenerate


def joined(operations: Sequence[Said], schemas: Schemas, event: Event, left_out: Sequence[Said] = ()) -> Joined:
    """One database's. ``event`` is what the child told of it: its default schema, which of the differences env.py's
    filters let through, where the models are. ``left_out`` is what env.py has taken from autogenerate's operations.
    """
    default = event["schema"]
    told = {
        Key(*one[:3]): (passes, place)
        for one, passes, place in zip(schemas.differences, event["wanted"], event["places"], strict=True)
    }
    models = managed(schemas, default)
    names = {one.migrated: one.declared for one in schemas.alike.renamed}
    differing = {Key(*one[:3]): one for one in schemas.differences}
    items: list[Item] = []
    mistaken: list[Item] = []
    left_alone: list[Difference] = []
    kept: list[Difference] = []
    proposed = _by_object(operations, schemas, default, names)
    renamed = {new: old for old, new in names.items()}
    for key, same in proposed:
        difference = differing.pop(key, None) if key else None
        item = Item(key, same, difference, same[-1].get("path"), same[-1].get("line"))
        if key == Key("table", *event["version_table"]):
            continue  # Alembic's own, which autogenerate does not know where search_path leads to its schema
        if key in renamed:
            items.append(item._replace(renamed=renamed[key]))
        elif key and item.difference and _is_others(item.difference, schemas, models):
            left_alone.append(item.difference)
        elif item.difference is None and _is_mistaken(key, same[-1], schemas, default):
            mistaken.append(item)
        else:
            items.append(item)
    said = {one.key for one in items}
    taken = dict(_by_object(left_out, schemas, default, names))
    for key, one in differing.items():
        passes, place = told[key]
        if key in taken and rest(one, taken[key]) is None:
            continue
        if not passes or _goes_with_column(one, schemas) or _comes_with_column(one, schemas):
            continue
        managed_part = _as_managed(one, models) if _is_the_models(one, models, event) else None
        if managed_part and _keeps_default(managed_part, place):
            kept.append(managed_part)
        elif managed_part:
            items.append(Item(key, (), managed_part, place.get("path"), place.get("line")))
        else:
            left_alone.append(one)
    only_names = [Item(new, renamed=old) for old, new in names.items() if new not in said]
    whole = [*_with_what_goes_along([*_paired(items, schemas)], schemas)]
    return Joined(
        tuple(whole), schemas, tuple(left_alone), tuple(mistaken), tuple(only_names), tuple(kept), tuple(left_out)
    )


def _by_object(
    operations: Iterable[Said], schemas: Schemas, default: str, names: dict[Key, Key]
) -> Iterator[tuple[Key | None, tuple[Said, ...]]]:
    """The operations of one object together: to drop and to make it is to change it. What is dropped with its table is
    said with that.
    """
    found: dict[Any, list[Said]] = {}
    gone = {key_of(one, schemas, default) for one in operations if one["kind"] in ("DropTableOp", "DropColumnOp")}
    made = {key_of(one, schemas, default) for one in operations if one["kind"].startswith("Create")}
    for one in operations:
        key = key_of(one, schemas, default)
        if key and one["kind"] in ("DropIndexOp", "DropConstraintOp") and key not in made:
            table = split(key.name)[0]
            wholes = [Key("column", key.schema, join(table, name)) for name in one.get("over", ())]
            if not gone.isdisjoint((Key("table", key.schema, table), *wholes)):
                continue
        found.setdefault(names.get(key, key) if key else id(one), []).append(one)
    for same in found.values():
        key = key_of(same[0], schemas, default)
        yield (names.get(key, key) if key else None), tuple(same)


def _is_mistaken(key: Key | None, one: Said, schemas: Schemas, default: str) -> bool:
    """Whether the schemas are the same in what autogenerate takes for a difference: the object is in both, or, as a
    UNIQUE of a primary key's own column, which PostgreSQL drops, in neither.
    """
    if key:
        return key in schemas.migrated and schemas.migrated[key] == schemas.declared.get(key)
    table = one.get("table_name") or one.get("source_table")
    where = Key("table", one.get("schema") or one.get("source_schema") or default, table or "")
    unnamed = one["kind"] in ("CreateUniqueConstraintOp", "CreateForeignKeyOp")
    return unnamed and where in schemas.migrated and where in schemas.declared


def _is_others(one: Difference, schemas: Schemas, models: Managed) -> bool:
    """What autogenerate proposes and nobody should do: to drop a table that the migrations make as a part of another
    one, where the models declare no such parts; to make a table where the migrations make a view, which the models
    read as one.
    """
    if one.kind != "table":
        return False
    if one.before is None:
        return any(Key(kind, one.schema, one.name) in schemas.migrated for kind in ("view", "materialized view"))
    part = any(text.startswith(("PARTITION OF ", "INHERITS ")) for text in facets(one.before))
    return one.after is None and part and "parent" not in models.aspects


def _is_the_models(one: Difference, models: Managed, event: Event) -> bool:
    """Whether it is for the models to say. A table that the migrations alone make, autogenerate has seen, or was told
    to leave out: by a filter, or by include_schemas.
    """
    if one.before is None:
        return True
    if one.schema and one.schema not in models.schemas and not event["include_schemas"]:
        return False
    if one.after is None:
        parts = one.kind == "table" and "parent" in dict(aspects(facets(one.before)))
        return models.has(one) and (one.kind != "table" or (parts and "parent" in models.aspects))
    return True


def _as_managed(one: Difference, models: Managed) -> Difference | None:
    return models.of(one) if one.before is not None and one.after is not None else one


def _keeps_default(one: Difference, place: Event) -> bool:
    """A column that a default of the migrations has filled for the rows that were there, as it should, and that every
    INSERT of the models gives a value: they have a default of Python's, or the column is NOT NULL.
    """
    if one.kind != "column" or one.before is None or one.after is None:
        return False
    before, after = (by_aspect(facets(text)) for text in (one.before, one.after))
    filled = "NOT NULL" in after or place.get("default")
    return bool(filled) and "default" not in after and {k: v for k, v in before.items() if k != "default"} == after


def _goes_with_column(one: Difference, schemas: Schemas) -> bool:
    """A constraint, index or statistics that is gone because a column of it is."""
    if one.after is not None or one.before is None or one.kind not in ("constraint", "index", "statistics"):
        return False
    table = split(one.name)[0]
    gone = [
        split(key.name)[1]
        for key in schemas.migrated.keys() - schemas.declared.keys()
        if key.kind == "column" and key.schema == one.schema and split(key.name)[0] == table
    ]
    words = set(_words(one.before))
    return any(name in words for name in gone)


def _with_what_goes_along(items: list[Item], schemas: Schemas) -> Iterator[Item]:
    """Enums that only columns use which are gone, said with the first of these, or with its table."""
    gone = {
        one.key: one for one in items if one.key and one.key in schemas.migrated and one.key not in schemas.declared
    }
    along: dict[Key, list[Difference]] = {}
    taken: set[Key] = set()
    for key, item in gone.items():
        if key.kind != "enum" or item.difference is None:
            continue
        users = [one for one in schemas.migrated if one.kind == "column" and _is_of(one, schemas.migrated, key)]
        wholes = [_whole(one, gone) for one in users]
        if users and all(wholes):
            along.setdefault(min(filter(None, wholes)), []).append(item.difference)
            taken.add(key)
    for item in items:
        if item.key not in taken:
            yield item._replace(along=tuple(along.get(item.key, ()))) if item.key else item


def _whole(column: Key, gone: Mapping[Key, Item]) -> Key | None:
    """What a column goes with: itself, or its table."""
    table = Key("table", column.schema, split(column.name)[0])
    return next((one for one in (table, column) if one in gone), None)


def _is_of(column: Key, schema: Snapshot, enum: Key) -> bool:
    name = ".".join(map(quoted, filter(None, ("" if enum.schema == "public" else enum.schema, enum.name))))
    return facets(schema[column])[0].removesuffix("[]").removeprefix("public.") == name


def _comes_with_column(one: Difference, schemas: Schemas) -> bool:
    """An enum that a column needs which is to come: the call that adds the column makes it."""
    if one.kind != "enum" or one.before is not None:
        return False
    columns = (key for key in schemas.declared if key.kind == "column" and key not in schemas.migrated)
    return any(_is_of(key, schemas.declared, Key(*one[:3])) for key in columns)


def _words(definition: str) -> Iterator[str]:
    for word in re.findall(r'"(?:[^"]|"")+"|\w+', definition):
        yield word[1:-1].replace('""', '"') if word.startswith('"') else word


def _paired(items: list[Item], schemas: Schemas) -> Iterator[Item]:
    """A table or column that has come, with the like one that has gone, as one item: renamed, by all appearances."""
    found: dict[Key, Key] = {}
    for kind in ("table", "column"):
        come = [one.key for one in items if one.key and one.key.kind == kind and one.key not in schemas.migrated]
        gone = [one.key for one in items if one.key and one.key.kind == kind and one.key not in schemas.declared]
        for key in come:
            like = [one for one in gone if _looks_like(one, key, schemas)]
            if len(like) == 1 and sum(_looks_like(like[0], other, schemas) for other in come) == 1:
                found[key] = like[0]
    for one in items:
        if one.key in found:
            was = found[one.key]
            old = next(other for other in items if other.key == was)
            yield one._replace(was=was, operations=(*old.operations, *one.operations))
        elif one.key not in found.values() and not any(_follows(one, *pair) for pair in found.items()):
            yield one


def _follows(one: Item, new: Key, old: Key) -> bool:
    """Whether nothing of it differs but that it names what is renamed."""
    names = [key.name if key.kind == "table" else split(key.name)[1] for key in (old, new)]
    if one.difference is None or one.difference.before is None or one.difference.after is None:
        return False
    pattern = rf"(?<![\w$]){re.escape(names[0])}(?![\w$])"
    return re.sub(pattern, lambda _: names[1], one.difference.before) == one.difference.after


def _looks_like(gone: Key, come: Key, schemas: Schemas) -> bool:
    if gone.kind == "table":
        before, after = _columns(schemas.migrated, gone), _columns(schemas.declared, come)
        return gone.schema == come.schema and len(before) >= TELLING and before == after
    same_table = gone.schema == come.schema and split(gone.name)[0] == split(come.name)[0]
    return same_table and schemas.migrated.get(gone) == schemas.declared.get(come)


def _columns(schema: Any, table: Key) -> dict[str, str]:
    """A table's columns, each with its type and nullability; a default may name the table."""
    return {
        split(key.name)[1]: text
        for key, text in schema.items()
        if key.kind == "column" and key.schema == table.schema and split(key.name)[0] == table.name
        for text in [" ".join(one for one in facets(text) if not one.startswith("DEFAULT nextval("))]
    }
