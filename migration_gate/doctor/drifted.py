"""Cause 4: the real schema is not the one that the database's own revision builds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from migration_gate.doctor.adopting import MESSAGE, Adopted
from migration_gate.doctor.causes import (
    Again,
    Cause,
    listed,
    merging,
    named,
    near,
    needs_merge,
    places,
    some,
    stamped,
    upgrade_unless_there,
    upgrading,
)
from migration_gate.doctor.schema import REAL, Compared
from migration_gate.postgres.catalog_differences import Difference, said
from migration_gate.postgres.catalog_differences import shown as displayed
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.rules.judging import shown

NOT_WRITTEN = "revisions that ran and are not written down"


def by_hand(
    project: Project,
    history: History,
    rows: Sequence[str],
    compared: Compared,
    clash: Sequence[Difference],
    again: Again,
    several: bool,
) -> Cause:
    """The real schema is not the one that its own revision builds. ``clash`` are those of the differences that pending
    revisions make too; ``several`` is true where env.py has several databases, for which no revision is written.
    """
    message = _differs(rows, compared)
    if clash:
        message += "\nPending revisions make these too, and an upgrade will stop there:\n" + "\n".join(
            some([f"    {displayed(one)}" for one in clash])
        )
    first = []
    if set(history.revisions) - history.ancestors(*rows):
        merge = [merging(project)] if needs_merge(project, history) else []
        first = ["# The pending revisions first:", *merge, upgrading(project, history)]
    if clash:
        first.insert(0, "# What pending revisions make too, take back by hand before they run:")
    branches = len(history.heads) > 1 and not needs_merge(project, history)
    ways = _written_by_hand(project, branches) if several or branches else _written(project, again)
    return Cause(4, "the schema was changed by hand", message, (), (*first, *ways))


def _written(project: Project, again: Again) -> Iterator[str]:
    yield "# To keep it, have it written as a revision, which other databases get by their upgrade; here it is done:"
    yield from again.lines("--adopt")
    yield command(project, "stamp head", "stamp head")
    yield "# To take it back instead: when --adopt has written the revision, it says how"


def _written_by_hand(project: Project, branches: bool) -> Iterator[str]:
    """Where which branch, or which of several functions, is for a person to say."""
    words = f"revision {'--head LABEL@head ' if branches else ''}-m {quote(MESSAGE)}"
    line = command(project, words, words)
    yield "# To keep it, say it in a revision, which other databases get by their upgrade:"
    yield f"# {line}, with the label of the branch that it belongs to" if branches else line
    yield "# write the change into its upgrade(), and the way back into its downgrade()"
    yield "# and here, where it is done already, only say so:"
    end = "stamp --purge heads" if branches else "stamp head"  # without it, other branches lose their rows
    yield command(project, end, end)
    yield "# To take it back, undo it on this database by hand, and look again:"
    yield "migration-gate doctor"


def adopted(project: Project, history: History, rows: Sequence[str], compared: Compared, made: Adopted) -> Cause:
    """The same, when ``--adopt`` has written the revision."""
    tried = "up and down" if made.code.down else "and how to take it back is not known"
    message = _differs(rows, compared)
    message += f"\nRevision {made.revision} makes it, and was tried, {tried}: {shown(made.path)}. "
    message += "Read it before you commit it; `migration-gate lint` says what it does elsewhere."
    if made.code.left:
        message += "\nIt leaves, because no call of Alembic's is known for it:\n" + "\n".join(sentences(made.code.left))
    stamp = command(project, "stamp head", "stamp head")
    keep = ("# To keep it, only say so here, where it is done already:", stamp)
    parent = quote(history.heads[0])
    back = (
        "# To take it back, and what rows hold in it:",
        stamp,
        command(project, f"downgrade {parent}", f"downgrade {parent}"),
        f"rm {quote(near(project, made.path))}",
    )
    return Cause(
        4,
        "the schema was changed by hand",
        message,
        (),
        (*keep, *(back if made.code.down else ())),
        revision=made.revision,
    )


def _differs(rows: Sequence[str], compared: Compared) -> str:
    return (
        f"the database is at {listed(rows) or 'no revision'}, and its schema differs from what the migrations build up "
        f"to there in {places(compared.found)}; it was changed by hand, as it seems:\n"
        + "\n".join(sentences(compared.found))
    )


def ran_by_hand(project: Project, history: History, rows: Sequence[str], heads: Sequence[str]) -> Cause:
    """The schema is that of later revisions than the version table says."""
    return Cause(
        4,
        NOT_WRITTEN,
        f"the database is at {listed(rows) or 'no revision'} by its version table, and its schema is that of "
        f"{named(history, heads)}, object by object: what comes between was run by hand, or its version was not "
        "committed. An upgrade would do it a second time, and stop.",
        (*stamped(project, project, heads, purge=True), *upgrade_unless_there(project, history, heads)),
    )


def models(project: Project, sentences: Sequence[str]) -> Cause:
    """What autogenerate would still change after every migration has run: it has nothing to do with this database."""
    return Cause(
        4,
        "the models differ from the migrations",
        f"the models declare another schema than the migrations build, in {places(sentences)}, whatever the database:\n"
        + "\n".join(some([f"    {one}" for one in sentences])),
        otherwise=(
            "# when the database is at its head:",
            command(project, 'migrate -m "…"', 'revision --autogenerate -m "…"'),
            "# each difference with the call to write:",
            "migration-gate ci",
        ),
    )


def sentences(found: Sequence[Difference]) -> list[str]:
    """A line for each difference."""
    return some([f"    {said(one, REAL)}" for one in found])
