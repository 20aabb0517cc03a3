"""What the models manage of a schema, and what only the migrations do.

Tables, columns, constraints and indexes are the models' business in every project. Of everything else, functions,
triggers, views, grants, storage, the models have a say where they declare at least one of that kind; where they
declare none, what the migrations make is theirs alone, and no drift.
"""

from __future__ import annotations

from typing import NamedTuple

from migration_gate.drift.declared import Schemas
from migration_gate.postgres.catalog import INDENT, Key, facets
from migration_gate.postgres.catalog_differences import Difference, aspects

ALWAYS = ("table", "column", "constraint", "index")
# What can be said of an object besides what it is, and what most models leave to others.
LOOSE = {
    "storage",
    "compression",
    "statistics target",
    "comment",
    "privileges",
    "owner",
    "version",
    "schema",
    "tablespace",
    "replica identity",
    "UNLOGGED",
    "ROW LEVEL SECURITY",
    "FORCE ROW LEVEL SECURITY",
    "clustering index",
    "partition key",
    "parent",
}
# Those of an index, a constraint or a view are part of what it is.
LOOSE_OF = {("table", "options"), ("column", "options")}


class Managed(NamedTuple):
    """The kinds of objects that the models declare, the loose aspects, and the schemas that they do it in."""

    kinds: frozenset[str]
    aspects: frozenset[str]
    schemas: frozenset[str]

    def has(self, one: Difference) -> bool:
        """Whether the models have a say about an object that the migrations alone make."""
        return one.kind in self.kinds and (not one.schema or one.schema in self.schemas)

    def of(self, one: Difference) -> Difference | None:
        """An object that both have, as far as the models have a say about it; None where that is the same."""
        assert one.before is not None
        assert one.after is not None
        before, after = (self._kept(one.kind, text) for text in (one.before, one.after))
        return one._replace(before=before, after=after) if before != after else None

    def _kept(self, kind: str, definition: str) -> str:
        kept = [
            text
            for aspect, text in aspects(facets(definition))
            if not _is_loose(kind, aspect) or aspect in self.aspects
        ]
        return "\n".join(text.replace("\n", f"\n{INDENT}") for text in kept)


def managed(schemas: Schemas, default: str) -> Managed:
    """What the models declare, not counting what create_all was lent. ``default`` is the schema of what names none."""
    own = {key: text for key, text in schemas.declared.items() if key not in schemas.lent}
    kinds = {key.kind for key, text in own.items() if not _comes_along(key, text)}
    said = {
        (aspect, text)
        for key, definition in own.items()
        for aspect, text in aspects(facets(definition))
        if _is_loose(key.kind, aspect)
    }
    found = {aspect for aspect, _ in said}
    if len({text for aspect, text in said if aspect == "owner"}) < 2:  # everything has one, and it is the gate's
        found.discard("owner")
    if "ROW LEVEL SECURITY" in found:
        found.add("FORCE ROW LEVEL SECURITY")
    return Managed(frozenset({*ALWAYS, *kinds}), frozenset(found), frozenset({default, *(key.schema for key in own)}))


def _is_loose(kind: str, aspect: str) -> bool:
    return aspect in LOOSE or (kind, aspect) in LOOSE_OF


def _comes_along(key: Key, definition: str) -> bool:
    """The sequence of a serial or identity column says nothing of sequences that stand alone."""
    return key.kind == "sequence" and "\nOWNED BY " in definition
