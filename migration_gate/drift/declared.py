"""The gate's side of building what the models declare (the child's is injected/migration_gate_inside/declare.py): a
database for it, what create_all() needs and only the migrations make, and what then differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg

from migration_gate.drift.alike import Alike, alike
from migration_gate.drift.lent import LENDABLE, drops, makes
from migration_gate.postgres.catalog import Key, Snapshot, snapshot, split
from migration_gate.postgres.catalog_differences import OF_A_TABLE, Difference, differences
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server
from migration_gate.rehearsal.child import Answers, Event

_EXISTS = ("42P06", "42710", "42723", "42P07")  # SQLSTATEs of a schema, an object, a function, a relation that is there
MOST = 50  # times that create_all is helped on


class Schemas(NamedTuple):
    """The two schemas of a database, and their difference: the one that the migrations have built is before, the one
    that the models declare after. ``lent`` is what the second has besides: what every database is made with, and what
    the models cannot do without and the migrations make.

    ``migrated`` has the models' names of what is called otherwise and is the same; ``real`` is what there is, and
    ``target`` what there should be where nobody minds the names.
    """

    real: Snapshot
    migrated: Snapshot
    declared: Snapshot
    lent: frozenset[Key]
    alike: Alike
    differences: tuple[Difference, ...]

    @property
    def target(self) -> Snapshot:
        names = {one.declared: one.migrated for one in self.alike.renamed}
        return {
            names.get(key, key): self.real[names.get(key, key)] if self.migrated.get(key) == text else text
            for key, text in self.declared.items()
        }


class Declared:
    """Answers the child's questions. ``make`` makes a database of a name; ``schemas`` has what came of it, by the
    migrated database's name.
    """

    def __init__(self, server: Server, make: Callable[[str], None]) -> None:
        self.server, self.make = server, make
        self.schemas: dict[str, Schemas] = {}
        self._name = ""
        self._migrated: Snapshot = {}
        self._empty: frozenset[Key] = frozenset()
        self._lent: set[Key] = set()
        self._own: set[Key] = set()  # what the models make themselves
        self._tries = 0

    @property
    def answers(self) -> Answers:
        return {"declare": self._declare, "differ": self._differ}

    def _look(self, database: str, event: Event) -> Snapshot:
        with connect(self.server, database) as connection:
            return snapshot(connection, [tuple(event["version_table"])])

    def _declare(self, event: Event) -> str | None:
        """The database to build in: a new one, or the same again after its error has been mended; None where it cannot
        be.
        """
        if event["problem"] is None:
            self._tries += 1
            self._name = f"{event['database']}m{self._tries}"
            self.make(self._name)
            self._migrated = self._look(event["database"], event)
            self._empty = frozenset(self._look(self._name, event))
            self._lent, self._own = set(), set()
            self._lend([key for key in self._migrated if key.kind in ("schema", "extension")])
            return self._name
        if len(self._lent) > MOST:
            return None
        named = [*_named(event["problem"], self._migrated)]
        if event["code"] in _EXISTS:
            return self._name if self._take_back([key for key in named if key in self._lent]) else None
        return self._name if self._lend([key for key in named if key not in self._own]) else None

    def _lend(self, keys: list[Key]) -> bool:
        """Make these as the migrations have them; whether any of them could be."""
        lent = len(self._lent)
        with connect(self.server, self._name) as connection:
            for key in keys:
                self._lend_one(connection, key)
        return len(self._lent) > lent

    def _lend_one(self, connection: psycopg.Connection, key: Key, depth: int = 5) -> None:
        if key in self._lent or not depth:
            return
        try:
            with connection.transaction():
                for statement in makes(key, self._migrated[key]):
                    connection.execute(statement.encode())
        except psycopg.Error as error:
            needs = [one for one in _named(str(error), self._migrated) if one != key]
            for one in needs:
                self._lend_one(connection, one, depth - 1)
            if any(one in self._lent for one in needs):
                self._lend_one(connection, key, depth - 1)
            return
        self._lent.add(key)

    def _take_back(self, keys: list[Key]) -> bool:
        """What the models make themselves after all."""
        with connect(self.server, self._name) as connection:
            for key in keys:
                connection.execute(drops(key).encode())
        self._lent -= set(keys)
        self._own |= set(keys)
        return bool(keys)

    def _differ(self, event: Event) -> list[dict[str, Any]]:
        """Each difference, as env.py's filters need it."""
        found = compare(self._migrated, self._look(self._name, event), self._empty | self._lent)
        self.schemas[event["database"]] = found
        return [_asked(one, found.migrated) for one in found.differences]


def compare(migrated: Snapshot, declared: Snapshot, lent: frozenset[Key] = frozenset()) -> Schemas:
    """The difference of two snapshots, but for what has another name and is the same."""
    found = alike(migrated, declared)
    return Schemas(migrated, found.migrated, declared, lent, found, differences(found.migrated, declared))


def _asked(one: Difference, migrated: Snapshot) -> dict[str, Any]:
    table, name = split(one.name) if one.kind in OF_A_TABLE else (one.name if one.kind == "table" else "", one.name)
    return {
        "kind": one.kind,
        "schema": one.schema,
        "table": table,
        "name": name,
        "before": one.before is not None,
        "there": Key("table", one.schema, table) in migrated,
        "definition": one.after or one.before or "",
    }


def _named(message: str, known: Snapshot) -> Iterator[Key]:
    """The objects that an error names. Its words may be of any language; the names in it are the database's."""
    words = set(re.findall(r"[^\s\"'().,:;«»„“”]+", message))
    for key in known:
        if key.kind in LENDABLE and key.name.partition("(")[0] in words:
            yield key
