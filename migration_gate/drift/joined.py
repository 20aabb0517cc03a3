"""Autogenerate's operations and the catalogs' differences, joined object by object: each is said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from migration_gate.drift.alike import nameless
from migration_gate.drift.declared import Schemas
from migration_gate.drift.keys import Said, key_of
from migration_gate.drift.managed import Managed, managed
from migration_gate.drift.pairs import Item, gone_columns, is_said, paired
from migration_gate.drift.rest import rest
from migration_gate.postgres.catalog import Key, facets, join, split
from migration_gate.postgres.catalog_differences import Difference, aspects, by_aspect
from migration_gate.rehearsal.child import Event


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
    twice: tuple[Difference, ...] = ()  # constraints and indexes that both have already, under another name
    left_out: tuple[Said, ...] = ()  # what env.py's process_revision_directives has taken from autogenerate


def joined(operations: Sequence[Said], schemas: Schemas, event: Event, left_out: Sequence[Said] = ()) -> Joined:
    """One database's. ``event`` is what the child told of it: its default schema, which of the differences env.py's
    filters let through, where the models are. ``left_out`` is what env.py has taken from autogenerate's operations.
    """
    models = managed(schemas, event["schema"])
    names = {one.migrated: one.declared for one in schemas.alike.renamed}
    found: dict[str, list[Any]] = {"items": [], "unmanaged": [], "mistaken": [], "kept": [], "twice": []}
    differing = {Key(*one[:3]): one for one in schemas.differences}
    for key, same in _by_object(operations, schemas, event["schema"], names):
        item = Item(key, same, differing.pop(key, None) if key else None, same[-1].get("path"), same[-1].get("line"))
        if key != Key("table", *event["version_table"]):  # Alembic's own: it may not know it by its schema
            verdict, what = _of_autogenerate(item, schemas, models, event["schema"])
            found[verdict].append(what)
    said = {one.key for one in found["items"]}
    taken = dict(_by_object(left_out, schemas, event["schema"], names))
    columns = gone_columns(schemas)
    for key, passes, place in _told(schemas, event):
        one = differing.get(key) if passes else None
        if one and (key not in taken or rest(one, taken[key])) and not is_said(one, schemas, columns):
            verdict, what = _of_catalogs(one, schemas, models, event, place)
            found[verdict].append(what)
    only_names = tuple(Item(new, renamed=old) for old, new in names.items() if new not in said)
    lists = {name: tuple(some) for name, some in found.items()}
    lists["items"] = tuple(paired(lists["items"], schemas))
    return Joined(schemas=schemas, renamed=only_names, left_out=tuple(left_out), **lists)


def _told(schemas: Schemas, event: Event) -> Iterator[tuple[Key, bool, Event]]:
    for one, passes, place in zip(schemas.differences, event["wanted"], event["places"], strict=True):
        yield Key(*one[:3]), passes, place


def _of_autogenerate(item: Item, schemas: Schemas, models: Managed, default: str) -> tuple[str, Item | Difference]:
    """What becomes of an object that autogenerate would change."""
    renamed = next((one.migrated for one in schemas.alike.renamed if one.declared == item.key), None)
    if renamed:
        return "items", item._replace(renamed=renamed)
    if item.difference and _is_others(item.difference, schemas, models):
        return "unmanaged", item.difference
    if item.difference and _is_there(item.difference, schemas):  # whether it is proposed hangs on the order of a set
        return "twice", item.difference
    if item.difference is None and _is_mistaken(item.key, item.operations[-1], schemas, default):
        return "mistaken", item
    return "items", item


def _of_catalogs(
    one: Difference, schemas: Schemas, models: Managed, event: Event, place: Event
) -> tuple[str, Item | Difference]:
    """What becomes of an object that autogenerate says nothing of."""
    if _is_there(one, schemas):
        return "twice", one
    managed_part = _as_managed(one, models) if _is_the_models(one, models, event) else None
    if managed_part is None:
        return "unmanaged", one
    if _keeps_default(managed_part, place):
        return "kept", managed_part
    return "items", Item(Key(*one[:3]), (), managed_part, place.get("path"), place.get("line"))


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


def _is_there(one: Difference, schemas: Schemas) -> bool:
    """Whether both sides have a constraint or index already, on the same table, by another name."""
    if one.before is not None or one.kind not in ("constraint", "index"):
        return False
    key = Key(*one[:3])
    wanted = split(key.name)[0], nameless(key, schemas.declared[key])
    return any(
        (other.kind, other.schema) == (key.kind, key.schema)
        and other != key
        and (split(other.name)[0], nameless(other, text)) == wanted
        and schemas.migrated.get(other) == text
        for other, text in schemas.declared.items()
    )


def _keeps_default(one: Difference, place: Event) -> bool:
    """A column that a default of the migrations has filled for the rows that were there, as it should, and that every
    INSERT of the models gives a value: they have a default of Python's, or the column is NOT NULL.
    """
    if one.kind != "column" or one.before is None or one.after is None:
        return False
    before, after = (by_aspect(facets(text)) for text in (one.before, one.after))
    filled = "NOT NULL" in after or place.get("default")
    return bool(filled) and "default" not in after and {k: v for k, v in before.items() if k != "default"} == after
