"""The setting ``unmanaged``: objects that the models are not to manage, by patterns, each with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from migration_gate.drift.pairs import Item
from migration_gate.findings import Note
from migration_gate.postgres.catalog import Key, split
from migration_gate.postgres.catalog_differences import OF_A_TABLE
from migration_gate.project.model import Project
from migration_gate.project.settings import unmanaged_pattern

_TYPES = ("enum", "domain", "composite", "range")


class _Pattern(NamedTuple):
    text: str
    kind: str
    name: str
    reason: str


class Unmanaged:
    """Which objects are left out, and how often each pattern has done so."""

    def __init__(self, given: Sequence[str]) -> None:
        self._patterns = [_Pattern(one, *unmanaged_pattern(one)) for one in given]
        self._used: dict[_Pattern, list[Key]] = {one: [] for one in self._patterns}

    def covers(self, item: Item) -> bool:
        """Whether a pattern names the object, or the table that it belongs to."""
        key = item.key or (Key(*item.difference[:3]) if item.difference else None)
        if key is None:
            return False
        for one in self._patterns:
            if any(kind == one.kind and fnmatchcase(name, one.name) for kind, name in _names(key)):
                self._used[one].append(key)
                return True
        return False

    def notes(self, project: Project) -> Iterator[Note]:
        """What was left out, why, and which patterns left nothing out."""
        for one in self._patterns:
            count = len(set(self._used[one]))
            what = f"`{one.kind} {one.name}` of the setting unmanaged"
            why = f", because {one.reason}" if one.reason else '; it says no reason: write "… because …"'
            if count:
                yield Note(f"{project.name}: {what} leaves out {count} object{'s' if count != 1 else ''}{why}")
            else:
                yield Note(f"{project.name}: {what} leaves nothing out: nothing of that name differs")


def _names(key: Key) -> Iterator[tuple[str, str]]:
    """All that an object may be called in a pattern: kind and name, with its table, its schema, or neither."""
    table, name = split(key.name) if key.kind in OF_A_TABLE else ("", key.name)
    bare = name.partition("(")[0]
    kinds = [key.kind, "type"] if key.kind in _TYPES else [key.kind]
    for kind in kinds:
        yield from ((kind, one) for one in (bare, name, key.name, f"{key.schema}.{key.name}", f"{key.schema}.{bare}"))
    if table:
        yield from (("table", one) for one in (table, f"{key.schema}.{table}"))
    if key.schema:
        yield "schema", key.schema
