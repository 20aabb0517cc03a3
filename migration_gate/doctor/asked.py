"""What the project says of its database when its own env.py runs, guarded, and reaches a throwaway one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from migration_gate.doctor import url
from migration_gate.doctor.url import Target
from migration_gate.findings import CannotJudge
from migration_gate.rehearsal.child import Command, Event, Ran, Session, redacted


class Wanted(NamedTuple):
    """A database that the project keeps its version in. ``number`` is that of the throwaway database in its place;
    ``version_schema`` is None where env.py leaves it to the search path.
    """

    target: Target
    number: int = 0
    version_table: str = "alembic_version"
    version_schema: str | None = None
    filters: tuple[str, ...] = ()  # by which env.py leaves objects out of what it compares


class Unset(NamedTuple):
    """A variable of the environment that the project's code asked for and that is not set."""

    name: str
    path: Path
    line: int


class Asked(NamedTuple):
    """``error`` is why env.py did not come to its migrations, in one line, "" where it did; ``path`` and ``line`` say
    where it stopped.
    """

    wanted: tuple[Wanted, ...] = ()
    unset: tuple[Unset, ...] = ()
    error: str = ""
    path: Path | None = None
    line: int | None = None
    refused: bool = False  # it goes to a database in a way that the gate cannot follow


def ask(session: Session, primary: str, given: Target | None) -> Asked:
    """Run env.py, no revision with it. ``given`` is the database that a person named: then env.py says only where it
    keeps its version. Raises CannotJudge where that does not fit.
    """
    ran = session.run(Command("ask"), primary)
    unset = tuple(Unset(one["name"], Path(one["path"]), one["line"]) for one in ran.of("missing-variable"))
    if failed := _failed(ran):
        path = Path(failed["path"]) if failed.get("path") else None
        return Asked((), unset, failed["message"], path, failed.get("line"), failed.get("refused", False))
    configured = ran.of("configured")
    if not configured or all(one["which"] is None for one in configured):
        return Asked((), unset, "env.py ended without a connection that context.configure() was given")
    wanted: dict[str, Wanted] = {}
    for one in configured:
        if one["which"] is None:
            continue
        target = given or url.from_asked(session.told(one["which"]))
        number = session.asked.get(one["which"], 0)
        filters = tuple(name for name in ("include_object", "include_name") if one[name])
        wanted[one["which"]] = Wanted(target, number, one["version_table"], one["version_table_schema"], filters)
    if given and len(wanted) > 1:
        raise CannotJudge(
            f"{session.project.name} has {len(wanted)} databases, and --url names one: without it each is looked at"
        )
    return Asked(tuple(wanted.values()), unset)


def _failed(ran: Ran) -> Mapping[str, Any] | None:
    """What ended env.py, as {message, path, line}."""
    for one in ran.of("error"):
        refused = "Refused" in (one["type"], *(two.partition(":")[0] for two in one["chain"]))
        return {**one, "message": _words(one), "refused": refused and "an engine for" not in str(one)}
    for one in ran.of("too-long"):
        return {**one, "message": "it did not end in time"}
    if ran.status:
        lines = [line.strip() for line in ran.log.splitlines() if line.strip()]
        said = lines[-1] if lines else "it printed nothing"
        return {"message": f"its process ended with status {ran.status}: {said}"}
    return None


def _words(error: Event) -> str:
    refused = next((one for one in error["chain"] if one.startswith("Refused:")), "")
    first = redacted((refused.removeprefix("Refused: ") or error["message"]).strip().split("\n")[0]).rstrip(".")
    if refused or error["type"] == "Refused":
        return first.removeprefix("migration-gate ").partition(", and the gate")[0]
    return error["type"] if first in ("", error["type"]) else f"{error['type']}: {first}"
