"""What is the same in both schemas and has another name: the name is PostgreSQL's choice, or Alembic's, or was given
before the table or the naming convention was another.

A next migration that names it will look for the wrong name, which is worth a note; the schema is the one declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from migration_gate.postgres.catalog import Key, Snapshot, facets, join, split
from migration_gate.rules.remedies import quoted

_OWN_SEQUENCE = "nextval of its own sequence"


class Renamed(NamedTuple):
    """One object under two names: ``migrated`` is what the migrations call it, ``declared`` what the models do."""

    migrated: Key
    declared: Key


class Alike(NamedTuple):
    """The migrated schema with the names that the models use, and what was called otherwise in it."""

    migrated: Snapshot
    renamed: tuple[Renamed, ...]


def alike(migrated: Snapshot, declared: Snapshot) -> Alike:
    """Pair what differs in its name alone: the sequence that a column owns, and of one table the constraints and
    indexes whose definitions are the same; and what is written in two ways that are one.
    """
    found = [*_sequences(migrated, declared)]
    for kind in ("constraint", "index"):
        found += _parts(kind, migrated, declared)
    names = {one.migrated: one.declared for one in found}
    sequences = {(old.schema, old.name): new for old, new in names.items() if old.kind == "sequence"}
    renamed = {}
    for key, definition in migrated.items():
        new = names.get(key, key)
        if key.kind == "index" and new != key:
            definition = declared[new]
        elif key.kind == "column" and sequences:
            definition = _default(definition, sequences)
        other = declared.get(new)
        if other is not None and other != definition and _plain(new, other) == _plain(new, definition):
            definition = other
        renamed[new] = definition
    return Alike(renamed, tuple(found))


# "transaction_timestamp() is equivalent to CURRENT_TIMESTAMP", and now() "a traditional equivalent" of it: PostgreSQL's
# documentation, "Date/Time Functions and Operators", "Current Date/Time". It prints what was written.
_NOW = re.compile(r"^DEFAULT (?:CURRENT_TIMESTAMP|transaction_timestamp\(\))$", re.MULTILINE)
_INDENTED = ("function", "procedure")  # a body stands as it was written, between Python's own lines


def _plain(key: Key, definition: str) -> str:
    """A definition without what makes no difference to it, and stays where PostgreSQL prints it."""
    if key.kind == "column":
        return _NOW.sub("DEFAULT now()", definition)
    if key.kind in _INDENTED:
        lines = "\n".join(line.strip() for line in definition.split("\n") if line.strip())
        return re.sub(r"\s*(\$(?:function|procedure)\$)\s*", r"\1", lines)
    return definition


def _sequences(migrated: Snapshot, declared: Snapshot) -> Iterator[Renamed]:
    theirs = {owner: key for key, owner in _owned(declared)}
    for key, owner in _owned(migrated):
        other = theirs.get(owner)
        if other and other != key and other not in migrated and key not in declared:
            yield Renamed(key, other)


def _owned(schema: Snapshot) -> Iterator[tuple[Key, str]]:
    for key, definition in schema.items():
        if key.kind == "sequence":
            for one in facets(definition):
                if one.startswith("OWNED BY "):
                    yield key, one


def _default(definition: str, sequences: dict[tuple[str, str], Key]) -> str:
    """A column's definition with ``nextval('old'::regclass)`` by the sequence's other name."""
    match = re.search(r"^DEFAULT nextval\('(.+)'::regclass\)$", definition, re.MULTILINE)
    if not match:
        return definition
    schema, name = split(match[1])
    new = sequences.get((schema, name))
    if new is None:
        return definition
    return definition.replace(match[1], join(quoted(new.schema), quoted(new.name)))


def _parts(kind: str, migrated: Snapshot, declared: Snapshot) -> Iterator[Renamed]:
    """Constraints or indexes of one table that have no namesake there, with the same definition here and there."""
    here: dict[tuple[str, str, str], list[Key]] = {}
    for key in declared.keys() - migrated.keys():
        if key.kind == kind:
            here.setdefault((key.schema, split(key.name)[0], nameless(key, declared[key])), []).append(key)
    for key in sorted(migrated.keys() - declared.keys()):
        if key.kind == kind:
            same = here.get((key.schema, split(key.name)[0], nameless(key, migrated[key])))
            if same:
                yield Renamed(key, same.pop(0))


def nameless(key: Key, definition: str) -> str:
    """A definition without the object's own name, which an index's has in it."""
    if key.kind != "index":
        return definition
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX )(?:\"(?:[^\"]|\"\")*\"|\S+)( ON )", r"\1…\2", definition)
