"""One real database, while a read-only connection to it is open: its causes, in the order in which they are mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psycopg

from migration_gate.doctor import adopting, database, drifted, ghost, pending, schema, surroundings
from migration_gate.doctor.adopting import Adopted
from migration_gate.doctor.asked import Wanted
from migration_gate.doctor.beside import Beside, Equal
from migration_gate.doctor.causes import Again, Cause
from migration_gate.doctor.database import VersionTable
from migration_gate.doctor.pending import Traffic
from migration_gate.doctor.schema import Compared
from migration_gate.doctor.throwaways import Failed, Throwaways
from migration_gate.doctor.url import looking
from migration_gate.drift.suggest import NO_WAY_BACK
from migration_gate.findings import CannotJudge, Note
from migration_gate.postgres import sizes
from migration_gate.postgres.catalog_differences import Difference
from migration_gate.project import lost
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.sizes import Sizes
from migration_gate.rehearsal.writing import written
from migration_gate.rules import multiple_heads
from migration_gate.rules.judging import active, judge_operations, select, shown
from migration_gate.rules.plan import plan, sized


class Examined(NamedTuple):
    """What there is to say of one database, or of a project that does not come to one."""

    causes: tuple[Cause, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    shown: str = ""  # which database
    traffic: Traffic = Traffic()
    sizes: Sizes | None = None  # of its tables, where they are to be saved


class Around(NamedTuple):
    """What is not this project's: the repository's other ones, and of which pairs it was said already that they keep
    their versions in one table; and what was asked for.
    """

    others: Sequence[tuple[Project, History]]
    told: set[frozenset[Path]]
    say: Callable[[str], None]
    again: Again = Again()
    adopt: bool = False  # whether what was changed by hand is to be written as a revision
    measure: bool = False  # whether sizes are to be saved


class Visit:
    """``made`` is None where there is no server to build the revisions' schema on, or env.py does not run."""

    def __init__(
        self,
        project: Project,
        history: History,
        wanted: Wanted,
        connection: psycopg.Connection,
        made: Throwaways | None,
        around: Around,
    ) -> None:
        self.project, self.history, self.wanted, self.connection = project, history, wanted, connection
        self.around = around
        self.notes: list[Note] = []
        self.problems: list[str] = []
        self.traffic = Traffic()
        self.tried = False  # to adopt what was changed by hand
        self.there = database.read(connection)
        self.beside = Beside(made, wanted, self.there, connection) if made else None

    def judge(self) -> Examined:
        """Raises psycopg.Error where the database cannot be asked, CannotJudge where a throwaway one cannot be made."""
        found = tuple(self._causes())
        measured = self._sizes() if self.around.measure else None
        if self.around.adopt and not self.tried:
            self.problems.append(f"{self.project.name}: nothing was adopted: the schema was not compared")
        notes = (*self.notes, *(self.beside.notes if self.beside else ()))
        return Examined(found, notes, tuple(self.problems), traffic=self.traffic, sizes=measured)

    def _causes(self) -> list[Cause]:
        """The environment, what no file has, heads, what is pending, drift."""
        table, found = self._version_table()
        if self.problems:
            return found
        own, ghosts = self._rows(table.rows or () if table else (), found)
        if not self.history.sound:
            self.problems.append(
                f"{self.project.name}: Alembic cannot load this history, so the version table alone was looked "
                "at: `migration-gate lint` says why"
            )
            return found
        found += [self._ghost(one) for one in ghosts]
        for hazard in [*multiple_heads.check(self.project, self.history)][:1]:
            found.append(pending.several_heads(self.project, self.history, hazard.message, hazard.path, hazard.line))
        if ghosts and not own:  # nobody knows what has run
            return found
        if not own and not found and self.there.tables and (equal := self._equal()).heads:
            return [surroundings.no_version(self.project, self.history, equal, self.there)]
        by_hand = [] if ghosts else self._by_hand(own)
        if not any(one.title == drifted.NOT_WRITTEN for one in by_hand):
            found += self._behind(own)
        return [*found, *by_hand]

    # ── where the version is, and whose ──────────────────────────────────────────────────────────────────────

    def _version_table(self) -> tuple[VersionTable | None, list[Cause]]:
        """The table that Alembic reads; or, where that has no version, the one that has this project's."""
        named = [one for one in self.there.versions if one.name == self.wanted.version_table]
        if self.wanted.version_schema:
            table = next((one for one in named if one.schema == self.wanted.version_schema), None)
        else:
            table = next((one for one in named if one.visible), None)
            # A schema that this role may not use is in nobody's search path.
            table = table or next((one for one in named if one.rows is None), None)
        if table and table.rows is None:
            self.problems.append(surroundings.unreadable(self.there.role, table, self.wanted.target.shown))
            return table, []
        others = [one for one in named if one is not table and set(one.rows or ()) & self.history.revisions.keys()]
        if others and not (table and table.rows):
            return others[0], [surroundings.elsewhere(self.project, self.wanted, others[0])]
        for one in others:
            at = " and ".join(one.rows or ())
            self.notes.append(Note(f"{one} stands at {at} too; Alembic reads {table}, as env.py has it"))
        return table, []

    def _rows(self, rows: Sequence[str], found: list[Cause]) -> tuple[list[str], list[str]]:
        """This project's revisions among the rows, and those that no project of the repository has. What is wrong with
        the others is added to ``found``.
        """
        own = [one for one in rows if one in self.history.revisions]
        ghosts = [one for one in rows if one not in own]
        for other, history in self.around.others:
            theirs = [one for one in ghosts if one in history.revisions]
            both = frozenset((self.project.directory, other.directory))
            if theirs and both not in self.around.told:
                self.around.told.add(both)
                found.append(surroundings.shared(self.project, other, self.wanted, own, theirs))
            ghosts = [one for one in ghosts if one not in theirs]
        over = [one for one in own if any(one in self.history.ancestors(other) for other in own if other != one)]
        if over:
            found.append(surroundings.overlapping(self.project, own, over))
        return [one for one in own if one not in over], ghosts

    # ── a revision that no file has ──────────────────────────────────────────────────────────────────────────

    def _ghost(self, ident: str) -> Cause:
        self.around.say(f"{self.project.name}: looking for {ident} in git")
        found = lost.search(self.project, ident, self.history.revisions.keys())
        why = ""
        if found.chain and found.left:
            follows = " and ".join(found.left)
            why = f"Git has its file ({found.chain[0].where}), and not that of {follows}, which it comes after"
        elif found.chain and (taken := ghost.occupied(self.project, found)):
            path = shown(taken.revision.path)
            why = (
                f"Git has its file ({taken.where}, commit {taken.commit}), and in its place, {path}, stands another "
                "revision today: its id was edited, as it seems"
            )
        elif found.chain:
            return ghost.in_git(self.project, self.history, found)
        return ghost.nowhere(self.project, self.history, found, self._equal(), why)

    def _equal(self) -> Equal:
        if self.beside is None:
            return Equal(not_tried=schema.NO_SERVER)
        try:
            return self.beside.equal()
        except psycopg.errors.LockNotAvailable:
            return Equal(not_tried="tables of it are locked")

    # ── behind ───────────────────────────────────────────────────────────────────────────────────────────────

    def _behind(self, own: Sequence[str]) -> list[Cause]:
        done = self.history.ancestors(*own)
        waiting = [one.id for one in self.history.in_order() if one.id not in done]
        if not waiting:
            return []
        self.traffic = self._traffic(own) if own else Traffic()
        return [pending.behind(self.project, self.history, own, waiting, self.traffic)]

    def _traffic(self, own: Sequence[str]) -> Traffic:
        """The plan of what is pending, as if what the database is at had shipped and nothing else."""
        settings = self.project.settings._replace(start_after=tuple(own), start_at=None)
        project = self.project._replace(settings=settings)
        selection = select(project, self.history._replace(base=None), None)
        planned = tuple(plan(project.name, selection.migrations, False))
        tables = pending.strongest(planned)
        if tables and not self.there.sees_others:
            self.notes.append(surroundings.sees_little(self.there.role))
        return Traffic(
            tuple(sized(planned, self._sizes() if tables else None)),
            database.holders(self.connection, self.there.schema),
            tuple(pending.refused(one) for one in judge_operations(project, selection).findings),
        )

    def _sizes(self) -> Sizes | None:
        """None where somebody locks a table meanwhile, or the time is too short."""
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled), looking(self.connection):
            return sizes.read(self.connection)
        return None

    # ── drift ────────────────────────────────────────────────────────────────────────────────────────────────

    def _by_hand(self, own: Sequence[str]) -> list[Cause]:
        """The real schema beside the one that its own revision builds, and the models beside the migrations."""
        if self.beside is None or not active(self.project, ("drift",)):
            return []
        try:
            compared, name = self.beside.own(own)
        except Failed as reason:
            self.problems.append(f"{self.project.name}: the schema was not compared: {reason}")
            return []
        except psycopg.errors.LockNotAvailable:
            self.problems.append(f"{self.project.name}: the schema was not compared, because tables of it are locked")
            return []
        found = []
        if compared.found:
            if heads := self.beside.later(own, name):
                return [drifted.ran_by_hand(self.project, self.history, own, heads)]
            found.append(self._changed(self.beside, own, compared, name))
        elif self.around.adopt:
            self.tried = True
            self.notes.append(Note(f"{self.project.name}: nothing to adopt: nothing was changed by hand"))
        sentences = self.beside.models(name)
        return [*found, drifted.models(self.project, sentences)] if sentences else found

    def _changed(self, beside: Beside, own: Sequence[str], compared: Compared, name: str) -> Cause:
        """What was changed by hand. ``name`` is the database that stands at the heads."""
        clash = (
            beside.clash(compared.found, name) if self.history.revisions.keys() - self.history.ancestors(*own) else []
        )
        if self.around.adopt and (made := self._adopted(beside, own, compared, clash, name)):
            return drifted.adopted(self.project, self.history, own, compared, made)
        several = beside.made.expected > 1
        return drifted.by_hand(self.project, self.history, own, compared, clash, self.around.again, several)

    def _adopted(
        self, beside: Beside, own: Sequence[str], compared: Compared, clash: Sequence[Difference], name: str
    ) -> Adopted | None:
        """The revision that makes it, written behind the head; None where that cannot be, and a problem says why."""
        self.tried = True
        why = adopting.refusal(self.project, self.history, own, clash)
        if beside.made.expected > 1:
            why = f"it has {beside.made.expected} databases, and a revision with a function for each is not written"
        if not why:
            try:
                code = beside.adoption(compared.found, name)
                down = code.down or NO_WAY_BACK
                file = written(
                    self.project, self.history, adopting.MESSAGE, self.history.heads, code.up, down, code.imports
                )
                return Adopted(file.revision, file.path, code)
            except (Failed, CannotJudge) as reason:
                why = str(reason)
        self.problems.append(f"{self.project.name}: nothing was adopted: {why}")
        return None
