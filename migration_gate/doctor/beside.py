"""The real schema beside those that the revisions build, on throwaway databases: which one it is, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from migration_gate.doctor import adopting, schema
from migration_gate.doctor.adopting import Code
from migration_gate.doctor.asked import Wanted
from migration_gate.doctor.causes import SHOWN
from migration_gate.doctor.database import Database
from migration_gate.doctor.schema import Compared
from migration_gate.doctor.throwaways import Failed, Throwaways
from migration_gate.drift.compared import compared as models_compared
from migration_gate.findings import Note
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.catalog_differences import Difference

_WHOLE = ("table", "enum", "domain", "view", "materialized view", "sequence", "function")


class Equal(NamedTuple):
    """Which known state the real schema is: ``heads``, () for none. ``before`` are the heads of earlier states that
    have the same schema: what comes after them changes rows alone. Where there is none, ``nearest`` is the one with
    the fewest differences, ``compared`` these. ``not_tried`` says why not all were compared, "" where they were.
    """

    heads: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    compared: Compared = Compared()
    not_tried: str = ""


class Beside:
    """One real database, and the throwaway ones in its place."""

    def __init__(self, made: Throwaways, wanted: Wanted, there: Database, connection: psycopg.Connection) -> None:
        self.made, self.wanted, self.there, self.connection = made, wanted, there, connection
        self.history = made.history
        if there.schema and not wanted.version_schema:  # where Alembic makes the version table
            made.schemas.add(there.schema)
        self.kept: Snapshot | None = None
        self.notes: dict[Note, None] = {}

    def real(self) -> Snapshot:
        """The real schema, read once. Raises psycopg.Error."""
        if self.kept is None:
            leave = [(one.schema, one.name) for one in self.there.versions]
            self.kept = schema.real(self.connection, leave, self.there.schema)
            major = self.there.version.split(".")[0]
            if major != str(self.made.server.major):
                text = f"the database is on PostgreSQL {self.there.version}, and what the migrations build was made on "
                text += (
                    f"{self.made.server.version}, which may print some definitions in another way: --postgres {major}"
                )
                self.notes[Note(text)] = None
        return self.kept

    def compared(self, name: str) -> Compared:
        """How the real schema differs from that of a throwaway database."""
        found = schema.compare(self._built(name), self.real())
        if found.beside:
            names = ", ".join(f"{one.kind} {one.name}" for one in found.beside)
            self.notes[Note(f"in the database, and no matter of migrations: {names}")] = None
        return self._without_others(found)

    def _built(self, name: str) -> Snapshot:
        return self.made.built(name, self.wanted, self.there.schema)

    def _without_others(self, compared: Compared) -> Compared:
        """Where the database is another project's too, or env.py leaves objects out, what nobody makes is theirs."""
        versions = [str(one) for one in self.there.versions if one.name != self.wanted.version_table]
        why = f"another project keeps its version in this database too ({', '.join(versions)})" if versions else ""
        if self.wanted.filters:
            why = f"env.py leaves objects out by {' and '.join(self.wanted.filters)}"
        foreign = [one for one in compared.found if why and one.before is None and one.kind in _WHOLE]
        if foreign:
            names = ", ".join(one.name for one in foreign[:SHOWN]) + (" …" if len(foreign) > SHOWN else "")
            self.notes[Note(f"{why}, so what no migration here makes is not taken for drift: {names}")] = None
        return compared._replace(found=tuple(one for one in compared.found if one not in foreign))

    def equal(self) -> Equal:
        """Which state that upgrades pass through has the real schema; of several in a row the last. All are built, one
        after the other, because a schema may come back.
        """
        nearest = Equal(not_tried="there is no revision here")
        for way in schema.ways(self.history):
            same: list[tuple[str, ...]] = []
            name = self.made.new()
            for number, (revision, heads) in enumerate(schema.walk(self.history, way)):
                try:
                    self.made.upgrade(name, [revision], begin=not number)
                    compared = self.compared(name)
                except Failed as reason:
                    return Equal(not_tried=str(reason))
                if not compared.found:
                    same.append(heads)
                elif same:
                    break
                elif not nearest.nearest or len(compared.found) <= len(nearest.compared.found):
                    nearest = Equal(nearest=heads, compared=compared)
            if same:
                return Equal(same[-1], tuple(one for heads in same[:-1] for one in heads))
        return nearest

    def own(self, rows: Sequence[str]) -> tuple[Compared, str]:
        """How it differs from what its own revisions build, and the database on which they were. Raises Failed."""
        name = self.made.new()
        self.made.upgrade(name, rows, begin=bool(rows))
        return self.compared(name), name

    def later(self, rows: Sequence[str], name: str) -> tuple[str, ...]:
        """The first later state that the real schema is, () for none: pending revisions that have run all the same.
        ``name`` is the database that stands at ``rows``, and at the heads afterwards where there is none.
        """
        done = self.history.ancestors(*rows)
        pending = [one.id for one in self.history.in_order() if one.id not in done]
        for number, (revision, heads) in enumerate(schema.walk(self.history, pending, done)):
            try:
                self.made.upgrade(name, [revision], begin=not rows and not number)
            except Failed:
                return ()
            if not self.compared(name).found:
                return heads
        return ()

    def clash(self, found: Sequence[Difference], name: str) -> list[Difference]:
        """Those of the differences that pending revisions make as well. ``name`` is the database at the heads."""
        left = {one[:3] for one in self.compared(name).found}
        return [one for one in found if one.before is None and one[:3] not in left]

    def adoption(self, found: Sequence[Difference], name: str) -> Code:
        """What makes these differences and takes them back. Both are tried: on the database ``name``, which stands at
        the head and has the differences afterwards, and on a fork of that. Raises Failed, CannotJudge.
        """
        before = self._built(name)
        code = adopting.code(found, before, self.real())
        if not code.up:
            raise Failed("no call of Alembic's is known for what was changed")
        if self.there.schema not in (None, "public") and "public." in code.up:
            raise Failed(f"it would name the schema {self.there.schema}, which the search path gives")
        self.made.apply(name, code.imports, code.up)
        code = code._replace(left=self.compared(name).found)
        fork = self.made.fork(name)
        try:
            self.made.apply(fork, code.imports, code.down)
        except Failed:
            return code._replace(down="")
        return code if self._built(fork) == before else code._replace(down="")

    def models(self, name: str) -> list[str]:
        """What the models declare and no migration builds, a sentence each; nothing where that cannot be told."""
        try:
            ran = self.made.upgrade(name, ["heads"], begin=False, compare=True)
        except Failed:
            return []
        return [
            one.message.split("\n")[0]
            for one in models_compared(self.made.project, ran, self.made.declared.schemas).findings
        ]
