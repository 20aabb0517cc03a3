"""What the project asked of its environment: variables that are not set, databases, and where it keeps its version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from migration_gate.findings import Note
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server
from migration_gate.project.model import Project
from migration_gate.rehearsal.child import Ran
from migration_gate.rules.judging import shown

VersionTable = tuple[str, str, str]  # which database the project asked for, the schema, the table's name


def notes(project: Project, ran: Ran, server: Server, database: str) -> Iterator[Note]:
    """One note of each kind at most, passwords left out."""
    # The port may be the throwaway server's, where the project names none.
    wanted = sorted({re.sub(r":\d+/", "/", one["asked"]) for one in ran.of("database") if not one["own"]})
    if wanted:
        some = ", ".join(wanted)
        yield Note(f"{project.name}: env.py asked for {some}, and was given throwaway databases", _env(project))
    missing = {one["name"]: one for one in ran.of("missing-variable")}
    if missing:
        first = next(iter(missing.values()))
        names = ", ".join(sorted(missing))
        text = f"{project.name}: the project's code reads variables that are not set here: {names}"
        yield Note(text, shown(Path(first["path"])), first["line"])
    yield from _elsewhere(project, ran, server, database)


def _env(project: Project) -> str | None:
    return shown(project.directory / "env.py")


def _elsewhere(project: Project, ran: Ran, server: Server, database: str) -> Iterator[Note]:
    """The version table in another schema than env.py configures, or in several."""
    configured = {(one["version_table_schema"], one["version_table"]) for one in ran.of("configured")}
    for schema, name in sorted(configured, key=str):
        with connect(server, database) as connection:
            rows = connection.execute(
                "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.relkind = 'r' AND c.relname = %s ORDER BY 1",
                [name],
            ).fetchall()
        found = [one for (one,) in rows]
        if len(found) > 1 or (schema and found and found != [schema]):
            where = f"the schema {schema}" if schema else "no schema of its own, so the search path decides"
            yield Note(
                f"{project.name}: {name} is in {' and '.join(found)}, and env.py configures {where}: another "
                "search_path "
                "finds another version. Say version_table_schema",
                _env(project),
            )


def version_tables(ran: Ran) -> set[VersionTable]:
    """Where a project keeps its version, by the databases that it asked for."""
    wanted = {one["asked"] for one in ran.of("database")}
    tables = {(one["version_table_schema"] or "", one["version_table"]) for one in ran.of("configured")}
    return {(database, *table) for database in wanted for table in tables}


def shared(kept: Sequence[tuple[str, Iterable[VersionTable]]]) -> Iterator[Note]:
    """Two projects that keep their versions in one table: each takes the other's for a revision that it cannot "
    "locate."""
    owners: dict[VersionTable, str] = {}
    told = set()
    for project, tables in kept:
        for one in tables:
            other = owners.setdefault(one, project)
            if other != project and (other, project) not in told:
                told.add((other, project))
                yield Note(
                    f"{other} and {project} keep their versions in one table, {one[2]} of {one[0]}: each cannot "
                    "locate the "
                    f'other\'s revision. Give one of them context.configure(…, version_table="{one[2]}_…")'
                )
