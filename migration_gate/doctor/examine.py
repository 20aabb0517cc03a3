"""One project and its databases: what is asked, in which order, and which causes that makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from migration_gate.doctor import causes, database, schema, url
from migration_gate.doctor.asked import Asked, Wanted, ask
from migration_gate.doctor.causes import Cause, Equal, Traffic
from migration_gate.doctor.database import Database, VersionTable
from migration_gate.doctor.environment import variables
from migration_gate.doctor.schema import Compared, Step
from migration_gate.doctor.url import Target
from migration_gate.drift.autogenerate import compared as models_compared
from migration_gate.findings import CannotJudge, Note
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.databases import connect, create, one_line
from migration_gate.postgres.server import Server
from migration_gate.project import lost
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rehearsal import start
from migration_gate.rehearsal.child import Command, Event, Ran, Session
from migration_gate.rehearsal.outcome import outcome
from migration_gate.rules import multiple_heads
from migration_gate.rules.judging import active, judge_operations, select, shown
from migration_gate.rules.plan import plan


class Examined(NamedTuple):
    """What there is to say of one database, or of a project that does not come to one."""

    causes: tuple[Cause, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    shown: str = ""  # which database
    traffic: Traffic = Traffic()


Others = Sequence[tuple[Project, History]]  # the repository's other projects


class Patient:
    """One project on its way through: the child process that knows it, and the throwaway databases in its place."""

    def __init__(
        self,
        project: Project,
        history: History,
        server: Server | None,
        number: int,
        given: Target | None,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        told: set[frozenset[Path]],
    ) -> None:
        # As `alembic` and `flask db` run it: an upgrade-command of its own knows no single revisions.
        self.project = project._replace(settings=project.settings._replace(upgrade_command=None))
        self.history, self.server, self.given, self.say = history, server, given, say
        self.told = told  # the pairs of projects whose one version table has been spoken of
        self.environment = environment
        self.own = None if given else environment
        self.prefix = f"{server.prefix}{number}" if server else ""
        self.count = 0
        self.schemas: set[str] = set()  # which env.py expects before the first revision runs

    def examine(self, others: Others) -> list[Examined]:
        """Each of its databases. Raises CannotJudge where nothing can be said at all."""
        if self.server is None:
            assert self.given
            notes = (Note(f"{self.project.name}: {schema.NO_SERVER}"),)
            one = self._database(None, Wanted(self.given), others)
            return [one._replace(notes=(*notes, *one.notes))]
        with Session(self.project, self.server, self._make, self._hear, own=self.own) as session:
            self.say(f"{self.project.name}: env.py")
            asked = ask(session, self._new(session), self.given)
            self.schemas = {one.version_schema for one in asked.wanted if one.version_schema}
            before, notes = self._before(asked)
            found = [self._database(session, one, others) for one in asked.wanted]
            if asked.error and self.given:
                found = [self._database(None, Wanted(self.given), others)]
        found = found or [Examined()]
        return [one._replace(causes=(*before, *one.causes), notes=(*notes, *one.notes)) for one in found]

    def _before(self, asked: Asked) -> tuple[tuple[Cause, ...], tuple[Note, ...]]:
        """What its own environment is worth. One that a person has gone past by naming the database is a note."""
        if asked.error:
            read = variables(self.project)
            cause = causes.env_fails(self.project, asked.error, (asked.path, asked.line), asked.unset, read)
            return (cause,), ()
        unset = [f"{one.name} ({shown(one.path)}:{one.line})" for one in asked.unset]
        text = f"{self.project.name} reads variables that are not set here, and goes on without: {', '.join(unset)}"
        return (), (Note(text),) if unset and not self.given else ()

    # ── throwaway databases ──────────────────────────────────────────────────────────────────────────────────

    def _make(self, name: str) -> None:
        assert self.server
        create(self.server, name)
        settings = self.project.settings
        if settings.setup_sql:
            start.run_file(self.project.settings_folder / settings.setup_sql, self.server, name)
        with connect(self.server, name) as connection:
            for one in self.schemas:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(one)))

    def _hear(self, event: Event) -> None:
        if event["event"] == "step":
            known = self.history.revisions.get(event["revision"])
            self.say(f"{self.project.name}: {event['revision']} {known.message if known else ''}".rstrip())

    def _new(self, session: Session) -> str:
        """A database, begun as the settings say."""
        self.count += 1
        name = f"{self.prefix}x{self.count}"
        self._make(name)
        session.made.add(name)
        settings = self.project.settings
        if settings.start_from and settings.start_from != "create_all":
            start.run_file(self.project.settings_folder / settings.start_from, session.server, name)
        return name

    def _built(self, session: Session, name: str, wanted: Wanted) -> Snapshot:
        own = f"{name}_{wanted.number}" if wanted.number else name
        if own not in session.made:  # nothing has asked for it yet
            return {}
        return schema.built(session, own, _leave(wanted))

    # ── one database ─────────────────────────────────────────────────────────────────────────────────────────

    def _database(self, session: Session | None, wanted: Wanted, others: Others) -> Examined:
        wanted = wanted._replace(target=url.completed(wanted.target, self.environment))
        self.say(f"{self.project.name}: {wanted.target.shown}")
        try:
            with url.opened(wanted.target) as connection:
                found = _Visit(self, session, wanted, connection, others).judge()
        except CannotJudge as reason:
            found = Examined(problems=(str(reason),))
        except psycopg.Error as error:
            password = wanted.target.parameters.get("password", "")
            words = one_line(error, password)
            found = Examined(problems=(f"{wanted.target.shown} cannot be looked at: {words}",))
        return found._replace(shown=wanted.target.shown)


def _leave(wanted: Wanted) -> list[tuple[str, str]]:
    return [(wanted.version_schema or "public", wanted.version_table)]


class _Visit:
    """One real database, while a connection to it is open."""

    def __init__(
        self, of: Patient, session: Session | None, wanted: Wanted, connection: psycopg.Connection, others: Others
    ) -> None:
        self.of, self.session, self.wanted, self.connection, self.others = of, session, wanted, connection, others
        self.project, self.history = of.project, of.history
        self.notes: list[Note] = []
        self.problems: list[str] = []
        self.traffic = Traffic()
        self._real: Snapshot | None = None
        self.there: Database = database.read(connection)

    def judge(self) -> Examined:
        found = [*self._all()]
        return Examined(tuple(found), tuple(self.notes), tuple(self.problems), traffic=self.traffic)

    def _all(self) -> list[Cause]:
        """The causes in the order in which they are mended: environment, ghost, heads, behind, drift."""
        table, found = self._version_table()
        if self.problems:
            return found
        rows = table.rows or () if table else ()
        own = [one for one in rows if one in self.history.revisions]
        theirs = self._other_project([one for one in rows if one not in own])
        ghosts = [one for one in rows if one not in own and not (theirs and one in theirs[1])]
        if theirs and (both := frozenset((self.project.directory, theirs[0].directory))) not in self.of.told:
            self.of.told.add(both)
            found.append(causes.shared(self.project, theirs[0], self.wanted, own, theirs[1], self.wanted.target.shown))
        over = [one for one in own if any(one in self.history.ancestors(other) for other in own if other != one)]
        if over:
            found.append(causes.overlapping(self.project, self.history, own, over))
            own = [one for one in own if one not in over]
        if not self.history.sound:
            self.problems.append(
                f"{self.project.name}: Alembic cannot load this history, so only the version table was looked at: "
                "`migration-gate lint` says why"
            )
            return found
        found += [self._ghost(one, own) for one in ghosts]
        found += self._heads()
        if ghosts and not own:
            return found  # nobody knows what has run
        if not own and not theirs and self.there.tables and (cause := self._without_version()):
            return [*found, cause]
        by_hand = [] if ghosts else self._by_hand(own)
        if not any(one.title == causes.NOT_WRITTEN for one in by_hand):
            found += self._behind(own)
        return [*found, *by_hand]

    # ── where the version is ─────────────────────────────────────────────────────────────────────────────────

    def _version_table(self) -> tuple[VersionTable | None, list[Cause]]:
        """The table that Alembic reads; or, where that has no version, the one that has this project's."""
        named = [one for one in self.there.versions if one.name == self.wanted.version_table]
        if self.wanted.version_schema:
            table = next((one for one in named if one.schema == self.wanted.version_schema), None)
        else:
            table = next((one for one in named if one.visible), None)
        # A schema that this role may not use is in nobody's search path.
        table = table or next((one for one in named if one.rows is None and not self.wanted.version_schema), None)
        if table and table.rows is None:
            role, where = self.there.role, self.wanted.target.shown
            self.problems.append(
                f"the role {role} may not read {table} of {where}, so its revision is not known. As its owner: "
                f"GRANT USAGE ON SCHEMA {table.schema} TO {role}; GRANT SELECT ON {table} TO {role};"
            )
            return table, []
        other = [one for one in named if one is not table and set(one.rows or ()) & self.history.revisions.keys()]
        if other and not (table and table.rows):
            return other[0], [causes.elsewhere(self.project, self.wanted, other[0])]
        for one in other:
            at = " and ".join(one.rows or ())
            self.notes.append(Note(f"{one} stands at {at} too; Alembic reads {table}, as env.py has it"))
        return table, []

    def _other_project(self, rows: Sequence[str]) -> tuple[Project, list[str]] | None:
        """Another project of this repository whose revisions some of these rows are."""
        for project, history in self.others:
            if theirs := [one for one in rows if one in history.revisions]:
                return project, theirs
        return None

    # ── a revision that no file has ──────────────────────────────────────────────────────────────────────────

    def _ghost(self, ident: str, own: Sequence[str]) -> Cause:
        self.of.say(f"looking for {ident} in git")
        found = lost.search(self.project, ident, self.history.revisions.keys())
        why = ""
        if found.chain and found.left:
            why = f"Git has its file ({found.chain[0].where}), and not that of {' and '.join(found.left)}, which it follows"
        elif found.chain and (taken := causes.occupied(self.project, found)):
            path = shown(taken.revision.path)
            why = (
                f"Git has its file ({taken.where}, commit {taken.commit}), and in that place, {path}, stands another "
                "revision today: its id was edited, as it seems"
            )
        elif found.chain:
            return causes.in_git(self.project, self.history, own, found)
        return causes.nowhere(self.project, self.history, own, found, self._equal(), why)

    def _real_schema(self) -> Snapshot:
        if self._real is None:
            leave = [(one.schema, one.name) for one in self.there.versions]
            self._real = schema.real(self.connection, leave, self.there.schema)
        return self._real

    def _equal(self) -> Equal:
        """Which state that upgrades pass through has the real schema: all of them are built, one after the other."""
        if self.session is None:
            return Equal(not_tried=schema.NO_SERVER)
        nearest: Step | None = None
        for way in schema.ways(self.history):
            name = self.of._new(self.session)
            for number, (revision, heads) in enumerate(schema.walk(self.history, way)):
                ran = self.session.run(Command(to=(revision,), begin=not number), name)
                if ran.status:
                    return Equal(not_tried=self._failed(ran))
                compared = schema.compare(self.of._built(self.session, name, self.wanted), self._real_schema())
                if not compared.found:
                    return Equal(heads)
                if nearest is None or len(compared.found) <= len(nearest.compared.found):
                    nearest = Step(heads, compared)
        return Equal((), nearest.heads, nearest.compared) if nearest else Equal(not_tried="there is no revision here")

    def _failed(self, ran: Ran) -> str:
        result = outcome(self.project, self.history, ran)
        said = [*result.problems, *(one.message for one in result.findings)] or ["the upgrade did not go through"]
        return said[0].split("\n")[0]

    def _without_version(self) -> Cause | None:
        equal = self._equal()
        return causes.no_version(self.project, self.history, equal.heads, self.there) if equal.heads else None

    # ── heads ────────────────────────────────────────────────────────────────────────────────────────────────

    def _heads(self) -> list[Cause]:
        return [
            causes.several_heads(self.project, self.history, one.message, one.path, one.line)
            for one in multiple_heads.check(self.project, self.history)
        ][:1]

    # ── behind ───────────────────────────────────────────────────────────────────────────────────────────────

    def _behind(self, own: Sequence[str]) -> list[Cause]:
        done = self.history.ancestors(*own)
        pending = [one.id for one in self.history.in_order() if one.id not in done]
        if not pending:
            return []
        self.traffic = self._traffic(own) if own else Traffic()
        return [causes.behind(self.project, self.history, own, pending, self.traffic)]

    def _traffic(self, own: Sequence[str]) -> Traffic:
        """The plan of what is pending, as if what the database is at had shipped and nothing else."""
        settings = self.project.settings._replace(start_after=tuple(own), start_at=None)
        project = self.project._replace(settings=settings)
        selection = select(project, self.history._replace(base=None), None)
        planned = tuple(plan(project.name, selection.migrations, False))
        tables = causes.strongest(planned)
        judged = judge_operations(project, selection)
        refused = [
            f"{one.path}:{one.line}  {one.rule}  {one.message.split('. ')[0].split(chr(10))[0].rstrip('.')}"
            for one in judged.findings
        ]
        default = self.there.schema
        if not self.there.sees_others:
            self.notes.append(
                Note(
                    f"the role {self.there.role} sees which locks other roles' sessions hold, and not since when or in "
                    f"which state: GRANT pg_read_all_stats TO {self.there.role}"
                )
            )
        return Traffic(
            planned,
            database.sizes(self.connection, tables, default),
            database.holders(self.connection, default),
            tuple(refused),
        )

    # ── drift ────────────────────────────────────────────────────────────────────────────────────────────────

    def _by_hand(self, own: Sequence[str]) -> list[Cause]:
        """The real schema beside the one that its own revision builds, and the models beside the migrations."""
        if self.session is None or not active(self.project, ("drift",)):
            return []
        self.of.say(f"{self.project.name}: the schema of {' and '.join(own) or 'an empty database'}")
        name = self.of._new(self.session)
        ran = self.session.run(Command(to=tuple(own), begin=bool(own)), name)
        if ran.status:
            self.problems.append(f"{self.project.name}: the schema was not compared: {self._failed(ran)}")
            return []
        compared = self._aside(schema.compare(self.of._built(self.session, name, self.wanted), self._real_schema()))
        self._about(compared)
        if not compared.found:
            return self._models(name)
        if heads := self._later(own, name):
            return [causes.ran_by_hand(self.project, self.history, own, heads)]
        return [causes.by_hand(self.project, self.history, own, compared), *self._models(name)]

    def _about(self, compared: Compared) -> None:
        if self.session and self.there.version.split(".")[0] != str(self.session.server.major):
            self.notes.append(
                Note(
                    f"the database is on PostgreSQL {self.there.version} and was compared with one on "
                    f"{self.session.server.version}, which may print some definitions in another way: --postgres "
                    f"{self.there.version.split('.')[0]}"
                )
            )
        if compared.beside:
            names = ", ".join(f"{one.kind} {one.name}" for one in compared.beside)
            self.notes.append(Note(f"beside the schema: {names}"))

    def _aside(self, compared: Compared) -> Compared:
        """Where another project keeps its version in this database too, tables that no revision here makes are its."""
        theirs = [one for one in self.there.versions if one.name != self.wanted.version_table]
        foreign = [
            one for one in compared.found if one.before is None and one.kind in ("table", "enum", "view", "sequence")
        ]
        if not theirs or not foreign:
            return compared
        self.notes.append(
            Note(
                f"another project keeps its version in this database too ({', '.join(map(str, theirs))}), so what no "
                f"migration here makes is taken for its: {', '.join(one.name for one in foreign[: causes.SHOWN])}"
            )
        )
        return compared._replace(found=tuple(one for one in compared.found if one not in foreign))

    def _later(self, own: Sequence[str], name: str) -> tuple[str, ...]:
        """The later state that the real schema is, () for none: pending revisions that have run all the same."""
        assert self.session
        done = self.history.ancestors(*own)
        pending = [one.id for one in self.history.in_order() if one.id not in done]
        for number, (revision, heads) in enumerate(schema.walk(self.history, pending, done)):
            if self.session.run(Command(to=(revision,), begin=not own and not number), name).status:
                return ()
            if not schema.compare(self.of._built(self.session, name, self.wanted), self._real_schema()).found:
                return heads
        return ()

    def _models(self, name: str) -> list[Cause]:
        assert self.session
        ran = self.session.run(Command(to=("heads",), compare=True), name)
        if ran.status or not ran.of("compared"):
            return []
        sentences = [one.message.split("\n")[0] for one in models_compared(self.project, ran).findings]
        return [causes.models(self.project, sentences)] if sentences else []
