"""One project and its databases: env.py is asked which they are, and each of them is visited."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from migration_gate.doctor import schema, surroundings, url
from migration_gate.doctor.asked import Asked, Wanted
from migration_gate.doctor.environment import variables
from migration_gate.doctor.throwaways import Throwaways
from migration_gate.doctor.url import Target
from migration_gate.doctor.visit import Around, Examined, Visit
from migration_gate.findings import CannotJudge, Note
from migration_gate.postgres.databases import one_line
from migration_gate.postgres.server import Server
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.judging import shown


class Patient:
    """A project, and how its databases are come to: ``given`` is the one that a person named, ``environment`` what
    env.py and libpq find theirs in.
    """

    def __init__(
        self, project: Project, history: History, given: Target | None, environment: Mapping[str, str], around: Around
    ) -> None:
        self.project, self.history, self.given = project, history, given
        self.environment, self.around = environment, around

    def examine(self, server: Server | None, number: int) -> list[Examined]:
        """Each of its databases. ``server`` is a throwaway one, None where a person named the database and there is no
        other. Raises CannotJudge.
        """
        if server is None:
            assert self.given
            note = Note(f"{self.project.name}: {schema.NO_SERVER}")
            return [_also(self._database(Wanted(self.given), None), Examined(notes=(note,)))]
        own = None if self.given else self.environment
        with Throwaways(self.project, self.history, server, number, own, self.around.say) as made:
            self.around.say(f"{self.project.name}: env.py")
            asked = made.ask(self.given)
            before = self._before(asked)
            if asked.error:
                wanted, builds = [Wanted(self.given)] if self.given else [], None
            else:
                wanted, builds = list(asked.wanted), made
            return [_also(self._database(one, builds), before) for one in wanted] or [before]

    def _before(self, asked: Asked) -> Examined:
        """What its environment is worth."""
        if asked.refused:
            return Examined(problems=(f"{self.project.name}: {asked.error}. Name the database by --url",))
        if asked.error:
            read = variables(self.project)
            return Examined((surroundings.env_fails(self.project, asked, read),))
        unset = [f"{one.name} ({shown(one.path)}:{one.line})" for one in asked.unset]
        text = f"{self.project.name} reads variables that are not set here, and goes on without: {', '.join(unset)}"
        return Examined(notes=(Note(text),) if unset and not self.given else ())

    def _database(self, wanted: Wanted, made: Throwaways | None) -> Examined:
        wanted = wanted._replace(target=url.completed(wanted.target, self.environment))
        name = wanted.target.shown
        self.around.say(f"{self.project.name}: {name}")
        try:
            with url.opened(wanted.target) as connection:
                found = Visit(self.project, self.history, wanted, connection, made, self.around).judge()
        except CannotJudge as reason:
            found = Examined(problems=(str(reason),))
        except psycopg.Error as error:
            words = one_line(error, wanted.target.parameters.get("password", ""))
            found = Examined(problems=(f"{name} cannot be looked at: {words}",))
        return found._replace(shown=name)


def _also(one: Examined, before: Examined) -> Examined:
    return one._replace(
        causes=before.causes + one.causes, notes=before.notes + one.notes, problems=before.problems + one.problems
    )
