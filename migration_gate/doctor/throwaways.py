"""The project's own process, and the throwaway databases that it is given in the place of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from psycopg import sql

from migration_gate.doctor import schema
from migration_gate.doctor.asked import Asked, Wanted, ask
from migration_gate.doctor.url import Target
from migration_gate.drift.declared import Declared
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.databases import connect, create, end_sessions
from migration_gate.postgres.server import Server
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rehearsal import start
from migration_gate.rehearsal.child import Command, Event, Ran, Session
from migration_gate.rehearsal.outcome import outcome


class Failed(Exception):  # noqa: N818 (it is a statement, as CannotJudge is)
    """The revisions do not build: why, in one line."""


class Throwaways:
    """Use as a context manager. ``own`` is the environment in which env.py is asked for its own database; None: the
    gate's variables lead it to the throwaway one, as they do wherever revisions run, and as in ``ci``. ``say`` is told
    what is being done.
    """

    def __init__(
        self,
        project: Project,
        history: History,
        server: Server,
        number: int,
        own: Mapping[str, str] | None,
        say: Callable[[str], None],
    ) -> None:
        # As `alembic` and `flask db` run it: an upgrade-command of its own knows no single revisions.
        self.project = project._replace(settings=project.settings._replace(upgrade_command=None))
        self.history, self.server, self.say = history, server, say
        self.expected = 1  # how many databases the project has
        self.prefix, self.count = f"{server.prefix}{number}", 0
        self.schemas: set[str] = set()  # that are there before the first revision runs: the version tables'
        self.own = own
        self.declared = Declared(server, self._make)
        self.session = Session(self.project, server, self._make, self._hear, answers=self.declared.answers)

    def __enter__(self) -> Throwaways:
        self.session.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self.session.__exit__(*raised)

    def ask(self, given: Target | None) -> Asked:
        """What env.py says of its databases. Raises CannotJudge.

        In a process of its own, which is the only one that has the project's environment: no revision runs in it.
        """
        with Session(self.project, self.server, self._make, self._hear, own=self.own) as session:
            name = self.new()
            session.made.add(name)
            asked = ask(session, name, given)
        self.expected = len(asked.wanted)
        self.schemas = {one.version_schema for one in asked.wanted if one.version_schema}
        return asked

    def new(self) -> str:
        """A database, begun as the settings say. Raises CannotJudge."""
        self.count += 1
        name = f"{self.prefix}x{self.count}"
        self._make(name)
        self.session.made.add(name)
        settings = self.project.settings
        if settings.start_from and settings.start_from != "create_all":
            start.run_file(self.project.settings_folder / settings.start_from, self.server, name)
        return name

    def upgrade(self, name: str, to: Collection[str], begin: bool, compare: bool = False) -> Ran:
        """Run revisions on one of them. Raises Failed where one does not go through."""
        ran = self.session.run(Command(to=tuple(to), begin=begin, compare=compare), name)
        if ran.status:
            result = outcome(self.project, self.history, ran)
            said = [*result.problems, *(one.message for one in result.findings)] or ["the upgrade did not go through"]
            raise Failed(said[0].split("\n")[0])
        return ran

    def fork(self, name: str) -> str:
        """A copy of one of them. Raises CannotJudge."""
        self.count += 1
        copy = f"{self.prefix}x{self.count}"
        end_sessions(self.server, name)
        create(self.server, copy, name)
        self.session.made.add(copy)
        return copy

    def apply(self, name: str, imports: str, body: str) -> None:
        """Run the body of an ``upgrade()`` that no file has. Raises Failed where it does not go through."""
        ran = self.session.run(Command("apply", (imports, body)), name)
        if ran.status:
            raise Failed(str((ran.ended_by or {}).get("message", "it took too long")).strip().split("\n")[0])

    def built(self, name: str, wanted: Wanted, default: str | None) -> Snapshot:
        """The schema of the one in the place of a real database, which has that ``default`` schema. Raises Failed."""
        if self.expected > 1 and len(set(self.session.asked.values())) not in (0, self.expected):
            raise Failed("its databases cannot be told apart when its variables lead to throwaway ones")
        own = f"{name}_{wanted.number}" if wanted.number else name
        if own not in self.session.made:  # nothing has asked for it yet
            return {}
        leave = [(one, wanted.version_table) for one in {wanted.version_schema or "public", default or "public"}]
        return schema.built(self.server, own, leave, default)

    def _make(self, name: str) -> None:
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
