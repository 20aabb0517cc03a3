"""How two schemas differ: as data, and each difference as one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from migration_gate.postgres.catalog import Key, Snapshot, facets, owner, split
from migration_gate.postgres.catalog_queries import queries

OF_A_TABLE = ("column", "constraint", "index", "trigger", "policy", "rule", "statistics")
LONG = 120  # characters of a definition that a sentence still shows

_RANK = {kind: rank for rank, kind in enumerate(queries(0))}


class Difference(NamedTuple):
    """An object that is in one schema alone, or is another one there: its definitions, None where it is not."""

    kind: str
    schema: str
    name: str
    before: str | None
    after: str | None


def differences(before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
    """What is not the same in two snapshots, by kind, schema and name.

    What comes or goes with something else is not said beside it: with a schema, what it holds; with a table, its
    columns, constraints, indexes, triggers and own sequences; with a parent's column, its children's.
    """
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    found = [
        Difference(*key, before.get(key), after.get(key)) for key in changed if not _goes_along(key, before, after)
    ]
    parents = {_column(one) for one in found if one.kind == "column" and not _is_inherited(one)}
    own = [one for one in found if not (_is_inherited(one) and _follows(_column(one), parents))]
    return tuple(sorted(own, key=lambda one: (_RANK.get(one.kind, len(_RANK)), *one[:3])))


def _goes_along(key: Key, before: Snapshot, after: Snapshot) -> bool:
    """Whether it is in one schema alone, and so is what it belongs to."""
    if key in before and key in after:
        return False
    there = after if key in after else before
    wholes = [Key("schema", "", key.schema)] if key.schema else []
    if key.kind in OF_A_TABLE:
        table = split(key.name)[0]
        wholes += [Key(kind, key.schema, table) for kind in ("table", "view", "materialized view")]
    if key.kind == "sequence" and (column := owner(there[key])):
        wholes += [column, Key("table", column.schema, split(column.name)[0])]
    return any((one in before) != (one in after) for one in wholes)


_Column = tuple[str, str | None, str | None]  # name, before, after, less what says that it is a child's


def _is_inherited(one: Difference) -> bool:
    return one.kind == "column" and any("INHERITED" in facets(text or "") for text in (one.before, one.after))


def _follows(child: _Column, parents: set[_Column]) -> bool:
    """Whether a parent's column has changed in the same way, or nothing but that there is one: the table says it."""
    return child[1] == child[2] or child in parents


def _column(one: Difference) -> _Column:
    return split(one.name)[1], _uninherited(one.before), _uninherited(one.after)


def _uninherited(definition: str | None) -> str | None:
    return None if definition is None else "\n".join(line for line in definition.split("\n") if line != "INHERITED")


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────


class Words(NamedTuple):
    """How the two schemas are told apart in a sentence: "is NOT NULL``here`` and ``was`` nullable``then``"."""

    added: str  # in the second schema alone
    gone: str  # in the first alone
    other: str  # in both, and too long to be shown
    here: str
    was: str
    had: str
    then: str


IN_TIME = Words("is left behind", "is gone", "is not what it was", " now", "was ", "had ", "")
DRIFT = Words(
    "is in the models and in no migration",
    "is made by the migrations and is not in the models",
    "is declared in another way than the migrations build it",
    " in the models",
    "",
    "",
    " in the migrations",
)

# What the facets of catalog_queries.py are called. Those that are not here are told as they are.
_ASPECTS = {
    "DEFAULT ": "default",
    "COLLATE ": "collation",
    "STORAGE ": "storage",
    "COMPRESSION ": "compression",
    "STATISTICS ": "statistics target",
    "COMMENT ": "comment",
    "PRIVILEGES ": "privileges",
    "OPTIONS ": "options",
    "WITH (": "options",
    "OWNER ": "owner",
    "OWNED BY ": "owning column",
    "VERSION ": "version",
    "SCHEMA ": "schema",
    "TABLESPACE ": "tablespace",
    "REPLICA IDENTITY ": "replica identity",
    "PARTITION BY ": "partition key",
    "PARTITION OF ": "parent",
    "INHERITS ": "parent",
    "CLUSTER ON ": "clustering index",
}
_CONSTRAINTS = {
    "CHECK": "check constraint",
    "FOREIGN KEY": "foreign key",
    "PRIMARY KEY": "primary key",
    "UNIQUE": "unique constraint",
    "EXCLUDE": "exclusion constraint",
}
_TYPES = ("enum", "domain", "composite", "range")


def said(one: Difference, words: Words = IN_TIME) -> str:
    """One plain sentence, without a full stop: "column `users.email` is NOT NULL now and was nullable"."""
    what = shown(one)
    if one.before is None:
        return f"{what} {words.added}"
    if one.after is None:
        return f"{what} {words.gone}"
    labels = [*_labels(one.before, one.after, words)] if one.kind == "enum" else []
    changes = labels or [*_changes(facets(one.before), facets(one.after), words)]
    return f"{what} {'; '.join(changes) or words.other}"


def shown(one: Difference) -> str:
    """The object, as PostgreSQL's own messages call it: "index `ix_users_email` on `users`"."""
    if one.kind in _TYPES:
        return f"type `{where(one)}` ({one.kind})"
    if one.kind in OF_A_TABLE and one.kind != "column":
        table, name = split(one.name)
        return f"{_kind(one)} `{name}` on `{where(one._replace(name=table))}`"
    return f"{one.kind} `{where(one)}`"


def where(one: Difference) -> str:
    """Its name, with the schema where that is not the usual one."""
    return one.name if one.schema in ("", "public") else f"{one.schema}.{one.name}"


def _kind(one: Difference) -> str:
    """Which kind of constraint, where that is known: "check constraint"."""
    if one.kind != "constraint":
        return one.kind
    definition = one.after or one.before or ""
    return next((word for begin, word in _CONSTRAINTS.items() if definition.startswith(begin)), one.kind)


def _labels(before: str, after: str, words: Words) -> Iterator[str]:
    """Which labels of an enum are in one of both alone."""
    old, new = (re.findall(r"'(?:[^']|'')*'", text.split("\n")[0]) for text in (before, after))
    for label in new:
        if label not in old:
            yield f"has the label {label}{words.here} and {words.had}not{words.then}"
    for label in old:
        if label not in new:
            yield f"lacks the label {label}{words.here}, which it {(words.had or 'has ').strip()}{words.then}"


def _changes(before: list[str], after: list[str], words: Words) -> Iterator[str]:
    """What of a definition is another, facet by facet."""
    old, new = by_aspect(before), by_aspect(after)
    for aspect in dict.fromkeys((*new, *old)):
        then, now = old.get(aspect), new.get(aspect)
        if then == now:
            continue
        if len(f"{then}{now}") > 2 * LONG or "\n" in f"{then}{now}":
            yield words.other if aspect in ("", "GENERATED") else f"the {aspect} {words.other}"
        elif aspect in _ASPECTS.values():
            yield f"has the {aspect} {now or 'none'}{words.here} and {words.had}{then or 'none'}{words.then}"
        elif aspect == "NOT NULL":
            yield f"is {now or 'nullable'}{words.here} and {words.was}{then or 'nullable'}{words.then}"
        elif now is None:
            yield f"is not {then}{words.here} and {words.was.strip() or 'is'}{words.then}"
        else:
            yield f"is {now}{words.here} and {words.was}{then or 'not'}{words.then}"


def by_aspect(given: list[str]) -> dict[str, str]:
    """A definition's facets by what they are about, as they are shown."""
    found = {}
    for aspect, one in aspects(given):
        prefix = next((prefix for prefix in _ASPECTS if one.startswith(prefix)), "")
        text = re.sub(r"\bpublic\.", "", one).rstrip(";")  # a view's definition ends with one
        found[aspect] = text.removeprefix(prefix).rstrip(")" if prefix.endswith("(") else "")
    return found


def aspects(given: list[str]) -> Iterator[tuple[str, str]]:
    """A definition's facets, each with what it is about: "" for the first, which is the object itself, as a column's
    type is; a flag (UNLOGGED) is about itself.
    """
    for position, one in enumerate(given):
        prefix = next((prefix for prefix in _ASPECTS if one.startswith(prefix)), None)
        if prefix:
            yield _ASPECTS[prefix], one
        elif position == 0 and not re.fullmatch("[A-Z ]+", one):
            yield "", one
        else:
            yield one.partition(" (")[0], one
