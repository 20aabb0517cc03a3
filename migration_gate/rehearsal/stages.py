"""The rehearsal of one project, stage by stage, on databases that are forked from one another.

What has shipped is built once, on an empty database. From there on each stage has a fork of its own: the new
revisions on tables with rows, watched statement by statement; the same on empty tables, compared with the models;
each of them taken back and applied again; and stopped after each of its commits. What all this means is said
elsewhere: here it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.postgres.catalog import Snapshot, snapshot
from migration_gate.postgres.databases import connect, create, end_sessions
from migration_gate.postgres.server import Server
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision
from migration_gate.rehearsal import back, halfway, start
from migration_gate.rehearsal.child import Answers, Command, Event, Ran, Session
from migration_gate.rehearsal.evidence import Seen, seen
from migration_gate.rehearsal.rows import own
from migration_gate.rehearsal.rows.fill import Filled, fill

MOST = 20  # new revisions that are taken back, one by one, the last ones of more
MOST_STOPS = 8  # places of one revision at which it is stopped
NOTHING_NEW = "nothing is new"
AT_ONCE = "an upgrade-command runs all at once"
BY_ITSELF = "the project upgrades its database by itself, as soon as it is loaded"


class OnRows(NamedTuple):
    """The new revisions on tables with rows. ``before`` is a database that has the rows and not the revisions, and
    ``after`` one that has both, None where the upgrade failed.
    """

    filled: Filled
    ran: Ran
    statements: tuple[Seen, ...]
    before: str
    after: str | None


class Rehearsal(NamedTuple):
    """What was done. ``ran`` is the upgrade on empty tables, from the beginning to the heads."""

    ran: Ran
    on_rows: OnRows | None = None
    back: tuple[back.Step, ...] = ()
    stops: tuple[halfway.Stop, ...] = ()
    skipped: tuple[str, ...] = ()  # what was left out, and why


class _Lab(NamedTuple):
    project: Project
    server: Server
    session: Session
    say: Callable[[str], None]

    def fork(self, source: str, target: str) -> str:
        """A copy of a database, and of the others that the project has asked for beside it."""
        for number in (0, *self.session.others()):
            suffix = f"_{number}" if number else ""
            if source + suffix in self.session.made or not number:
                end_sessions(self.server, source + suffix)
                create(self.server, target + suffix, source + suffix)
                self.session.made.add(target + suffix)
        return target

    def look(self, database: str, leave: Collection[tuple[str, str]]) -> Snapshot:
        with connect(self.server, database) as connection:
            return snapshot(connection, leave)


def rehearse(
    project: Project,
    history: History,
    new: Sequence[Revision],
    server: Server,
    primary: str,
    make: Callable[[str], None],
    hear: Callable[[Event], None],
    say: Callable[[str], None],
    own_rows: bool = False,
    answers: Answers | None = None,
) -> Rehearsal:
    """Everything, in order. ``primary`` is a database that is there, empty or with ``own_rows``; ``new`` the revisions
    that have not shipped, in the order in which they run; ``say`` is told which stage begins. Raises CannotJudge
    where a database cannot be made.
    """
    with Session(project, server, make, hear, answers=answers) as session:
        session.made.add(primary)
        lab = _Lab(project, server, session, say)
        merged = _merged(history, new)
        if project.settings.upgrade_command or not new:
            reason = AT_ONCE if project.settings.upgrade_command else NOTHING_NEW
            return Rehearsal(session.run(Command(begin=True, compare=True), primary), skipped=(reason,))
        first: Ran | None = None
        if merged:
            say("what has shipped")
            first = session.run(Command(to=merged, begin=True), primary)
            if first.status:
                return Rehearsal(first)
            if {one["revision"] for one in first.of("done")} & {one.id for one in new}:
                last = session.run(Command(compare=True), primary)
                return Rehearsal(_together(first, last), skipped=(BY_ITSELF,))
        rows = lab.fork(primary, f"{primary}r") if merged else None
        steps = lab.fork(primary, f"{primary}b")
        say("the new revisions")
        last = session.run(Command(begin=not merged, compare=True), primary)
        whole = _together(first, last) if first else last
        if last.status or any(one["event"] == "behind" for one in last.events):
            return Rehearsal(whole)
        leave = _version_tables(whole)
        on_rows = _on_rows(lab, rows, new, leave, own_rows) if rows else None
        taken_back, stops, skipped = _one_by_one(lab, history, steps, new, on_rows, leave, begin=not merged)
        return Rehearsal(whole, on_rows, taken_back, stops, skipped)


def _merged(history: History, new: Sequence[Revision]) -> tuple[str, ...]:
    """The heads of what has shipped."""
    ids = {one.id for one in new}
    shipped = [one for one in history.revisions if one not in ids]
    followed = {parent for one in shipped for parent in history.parents[one]}
    return tuple(one for one in shipped if one not in followed)


def _together(first: Ran, last: Ran) -> Ran:
    return Ran(first.events + last.events, last.status, first.log + last.log, first.seconds + last.seconds)


def _version_tables(ran: Ran) -> tuple[tuple[str, str], ...]:
    """The version tables that env.py configured, as (schema, name)."""
    found = {(one["version_table_schema"] or "public", one["version_table"]) for one in ran.of("configured")}
    return tuple(sorted(found)) or (("public", "alembic_version"),)


# ── on rows ──────────────────────────────────────────────────────────────────────────────────────────────────


def _on_rows(
    lab: _Lab, database: str, new: Sequence[Revision], leave: Collection[tuple[str, str]], own_rows: bool
) -> OnRows:
    lab.say("rows")
    end_sessions(lab.server, database)
    filled = Filled({}, {})
    if not own_rows:
        with connect(lab.server, database) as connection:
            filled = fill(connection, lab.project.settings.rows, [f"{schema}.{name}" for schema, name in leave])
    _bring_rows(lab, database)
    before = lab.fork(database, f"{database}o")
    ran = lab.session.run(Command(watch=tuple(one.id for one in new)), database)
    return OnRows(filled, ran, seen(ran.events), before, None if ran.status else database)


def _bring_rows(lab: _Lab, database: str) -> None:
    """Those that the project brings itself. Raises CannotJudge where they do not go in."""
    settings = lab.project.settings
    if settings.rows_from is None:
        return
    found = own.read(settings.rows_from, lab.project.settings_folder)
    if isinstance(found, Path):
        start.run_file(found, lab.server, database)
        return
    ran = lab.session.run(Command("call", (f"{found.module}:{found.name}",)), database)
    if ran.status:
        error = _error(ran)
        words = error.get("message", "it took too long").split("\n")[0]
        raise CannotJudge(f"{settings.rows_from}, which rows-from names, fails: {words}")


# ── one by one: down and up again, stopped and run again ─────────────────────────────────────────────────────


def _one_by_one(
    lab: _Lab,
    history: History,
    database: str,
    new: Sequence[Revision],
    on_rows: OnRows | None,
    leave: Collection[tuple[str, str]],
    begin: bool,
) -> tuple[tuple[back.Step, ...], tuple[halfway.Stop, ...], tuple[str, ...]]:
    steps: list[back.Step] = []
    stops: list[halfway.Stop] = []
    skipped: list[str] = []
    if len(new) > MOST:
        skipped.append(f"only the last {MOST} of {len(new)} new revisions were taken back")
        ran = lab.session.run(Command(to=tuple(one.id for one in new[:-MOST]), begin=begin), database)
        if ran.status:
            return (), (), (*skipped, "the revisions before them did not run a second time")
        begin = False
    for one in new[-MOST:]:
        lab.say(f"{one.id} and back")
        before = lab.look(database, leave)
        halted = list(_stopped(lab, one, database, on_rows)) if not begin else []
        if lab.session.run(Command(to=(one.id,), begin=begin), database).status:
            skipped.append(f"{one.id} did not run a second time, and was not taken back")
            break
        begin = False
        up = lab.look(database, leave)
        stops += [_second_try(lab, one, at, fork, up, leave) for at, fork in halted]
        target = _before(history, one)
        if target is not None:
            fork = lab.fork(database, f"{database}d{len(steps)}")
            steps.append(_down_and_up(lab, one, target, fork, back.Step(one, before, up), leave))
    return tuple(steps), tuple(stops), tuple(skipped)


def _before(history: History, one: Revision) -> str | None:
    """Where a downgrade of it leads; None of a revision that joins several, or begins one of several branches."""
    parents = history.parents[one.id]
    if len(parents) == 1:
        return parents[0]
    return "base" if not parents and len(history.bases) == 1 else None


def _down_and_up(
    lab: _Lab, one: Revision, target: str, database: str, step: back.Step, leave: Collection[tuple[str, str]]
) -> back.Step:
    ran = lab.session.run(Command("downgrade", (target,)), database)
    if ran.status:
        return step._replace(failed="down", error=_error(ran))
    step = step._replace(down=lab.look(database, leave))
    ran = lab.session.run(Command(to=(one.id,)), database)
    if ran.status:
        return step._replace(failed="up", error=_error(ran))
    return step._replace(again=lab.look(database, leave))


def _error(ran: Ran) -> Event:
    """What ended a command."""
    if ran.ended_by:
        return ran.ended_by
    raise CannotJudge(f"the project's process ended with status {ran.status}: {ran.log.strip()[-200:] or 'no words'}")


def _stopped(lab: _Lab, one: Revision, database: str, on_rows: OnRows | None) -> Iterator[tuple[Seen, str]]:
    """Forks in which the revision was stopped after each of its commits but the last, with what was committed last."""
    statements = [two for two in on_rows.statements if two.revision == one.id] if on_rows else []
    places = [
        position
        for position in range(1, len(statements))
        if statements[position - 1].transaction is None
        or statements[position].transaction != statements[position - 1].transaction
    ]
    for position in places[:MOST_STOPS]:
        fork = lab.fork(database, f"{database}{position}")
        lab.session.run(Command(to=(one.id,), watch=(one.id,), stop=(one.id, position)), fork)
        yield statements[position - 1], fork


def _second_try(
    lab: _Lab, one: Revision, at: Seen, fork: str, up: Snapshot, leave: Collection[tuple[str, str]]
) -> halfway.Stop:
    ran = lab.session.run(Command(to=(one.id,)), fork)
    reached = None if ran.status else lab.look(fork, leave)
    return halfway.Stop(one, str(at.path), at.line, at.sql, up, reached, _error(ran) if ran.status else None)
