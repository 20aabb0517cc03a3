"""Cause 4: the real schema is not the one that the database's own revision builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migration_gate.doctor.causes import Cause, listed, named, places, some, stamped, upgrade_unless_there, upgrading
from migration_gate.doctor.schema import REAL, Compared
from migration_gate.postgres.catalog_differences import Difference, said
from migration_gate.postgres.catalog_differences import shown as displayed
from migration_gate.project.history import History
from migration_gate.project.model import Project, command

NOT_WRITTEN = "revisions that ran and are not written down"


def by_hand(
    project: Project,
    history: History,
    rows: Sequence[str],
    compared: Compared,
    clash: Sequence[Difference] = (),
    write: Callable[[Difference], str | None] = lambda one: None,
) -> Cause:
    """The real schema is not the one that its own revision builds. ``write`` gives the call that makes a difference in
    a migration, None where it knows none. ``clash`` are those of the differences that pending revisions make too.
    """
    found = compared.found
    calls = [code for one in found if (code := write(one))]
    message = (
        f"the database is at {listed(rows) or 'no revision'}, and its schema differs from what the migrations build up "
        f"to there in {places(found)}; it was changed by hand, as it seems:\n" + "\n".join(sentences(found))
    )
    if clash:
        message += "\nPending revisions make these too, and an upgrade will stop there:\n" + "\n".join(
            some([f"    {displayed(one)}" for one in clash])
        )
    revision = 'revision -m "adopt what was changed by hand"'
    adopt = [
        "# To keep it, say it in a revision, which every other database then gets as well:",
        command(project, revision, revision),
        *(f"# in its upgrade(): {line}" for code in calls for line in code.split("\n")),
        *(() if calls else ("# write the change into its upgrade(), and the way back into its downgrade()",)),
        "# and here, where it is done already, only say so:",
        command(project, "stamp head", "stamp head"),
        "# To take it back, undo it on this database by hand, and look again:",
        "migration-gate doctor",
    ]
    ahead = set(history.revisions) - history.ancestors(*rows)
    first = ["# The pending revisions first:", upgrading(project, history)] if ahead else []
    if clash:
        first.insert(0, "# What pending revisions make too, take back by hand before they run:")
    return Cause(4, "the schema was changed by hand", message, (), (*first, *adopt))


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
