"""What of a difference is left when autogenerate's operations have been run."""

from __future__ import annotations

from collections.abc import Sequence

from migration_gate.drift.keys import Said
from migration_gate.postgres.catalog import INDENT, facets
from migration_gate.postgres.catalog_differences import Difference, aspects

# What of a column autogenerate's ALTER changes, as the catalog calls it.
_ASPECTS = {"type": "", "nullable": "NOT NULL", "server default": "default", "comment": "comment"}


def rest(one: Difference | None, operations: Sequence[Said]) -> Difference | None:
    """All of it where there are none; else the other aspects of a column or a table than they change. What they make or
    drop, they make and drop as a whole.
    """
    if one is None or not operations:
        return one
    if one.before is None or one.after is None or one.kind not in ("column", "table"):
        return None
    changed = {_ASPECTS.get(name, name) for said in operations for name in said.get("changes", ())}
    if one.kind == "table":
        changed.add("comment")
    before, after = (_without(changed, text) for text in (one.before, one.after))
    return one._replace(before=before, after=after) if before != after else None


def _without(changed: set[str], definition: str) -> str:
    kept = (text for aspect, text in aspects(facets(definition)) if aspect not in changed)
    return "\n".join(text.replace("\n", f"\n{INDENT}") for text in kept)
