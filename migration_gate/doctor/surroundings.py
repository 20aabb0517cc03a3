"""Cause 5: the environment, and a version table that is not what env.py takes it for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from psycopg import sql

from migration_gate.doctor.asked import Asked, Wanted
from migration_gate.doctor.beside import Equal
from migration_gate.doctor.causes import Cause, are, listed, named, near, stamped, upgrade_unless_there, word
from migration_gate.doctor.database import Database, VersionTable
from migration_gate.doctor.environment import Variable
from migration_gate.doctor.ghost import also
from migration_gate.findings import Note
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rehearsal.environment import interpreter
from migration_gate.rules.judging import shown


def env_fails(project: Project, asked: Asked, read: Sequence[Variable]) -> Cause:
    """env.py does not come as far as its migrations. ``read`` are the variables that its text, and its application's,
    speaks of.
    """
    error = asked.error
    names: dict[str, tuple[Path, int]] = {}
    for one in asked.unset:
        names[one.name] = one.path, one.line
    for two in read:
        if two.needed and not two.is_set:
            names.setdefault(two.name, (two.path, two.line))
    at = f" ({shown(asked.path)}:{asked.line})" if asked.path else ""
    message = f"env.py of {project.name} stops before it comes to a database: {error}{at}."
    if "ModuleNotFoundError" in error:
        message += (
            f" The Python that ran it is {interpreter(project)}; `python` in [tool.migration-gate] names another."
        )
    if "finds no application" in error and "FLASK_APP" not in os.environ:
        names = {"FLASK_APP": (project.directory / "env.py", 1)}
    if not names:
        return Cause(5, "the environment", message, path=asked.path, line=asked.line)
    which = [f"    {name}   {shown(path)}:{line}" for name, (path, line) in names.items()]
    message += f"\n{are('It reads a variable that is', 'It reads variables that are', len(which))} not set here:\n"
    first = next(iter(names.values()))
    needed = [name for name in names if repr(name) in error] or list(names)[:1]
    lines = [f'export {name}="…"' for name in needed]
    return Cause(
        5,
        "a variable is not set",
        message + "\n".join(which),
        otherwise=(
            "# set it to what it is where the application runs, then look again:",
            *lines,
            "migration-gate doctor",
        ),
        path=asked.path or first[0],
        line=asked.line or first[1],
    )


def elsewhere(project: Project, wanted: Wanted, table: VersionTable) -> Cause:
    """The version table is in another schema than the one that env.py makes Alembic look in."""
    looks = f"the schema {wanted.version_schema}" if wanted.version_schema else "the search path"
    return Cause(
        5,
        "the version table is in another schema",
        f"Alembic looks for {wanted.version_table} in {looks}, as env.py has it, and finds no version there; the table "
        f"is {table}, and stands at {listed(table.rows or ())}. Alembic takes this database for an empty one: an "
        "upgrade would begin with the first revision, and stop at the first table that is there already.",
        (_configured(project, f'version_table_schema="{table.schema}"'),),
        path=project.directory / "env.py",
    )


def unreadable(role: str, table: VersionTable, database: str) -> str:
    """Why nothing can be said, and what to ask for."""
    schema, name = (sql.Identifier(one).as_string() if not one.isidentifier() else one for one in table[:2])
    return (
        f"the role {role} may not read {table} of {database}, so its revision is not known. As its owner: "
        f"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}.{name} TO {role};"
    )


def sees_little(role: str) -> Note:
    """What a role that may only read does not see of others."""
    return Note(
        f"the role {role} sees which locks other roles' sessions hold, and not since when or in which state: "
        f"GRANT pg_read_all_stats TO {role}"
    )


def shared(project: Project, other: Project, wanted: Wanted, own: Sequence[str], others: Sequence[str]) -> Cause:
    """Two projects keep their versions in one table: ``own`` rows are this one's, ``others`` the other's."""
    lines = [
        _configured(project, f'version_table="{wanted.version_table}_{word(project)}"'),
        *stamped(project, project, own, purge=False),
        *(stamped(project, other, others, purge=True) if own else ()),
    ]
    return Cause(
        5,
        "two projects keep their versions in one table",
        f"the database is at {listed((*own, *others))} in {wanted.version_table}, and {listed(others)} "
        f"{are('is a revision', 'are revisions', len(others))} of {other.name}, not of {project.name}. Each of them "
        "takes the other's for a revision that it cannot locate. Give one of them a version table of its own.",
        tuple(lines),
        path=project.directory / "env.py",
    )


def overlapping(project: Project, rows: Sequence[str], over: Sequence[str]) -> Cause:
    """Rows that other rows come after already."""
    kept = [one for one in rows if one not in over]
    return Cause(
        5,
        "the version table has rows too many",
        f"the version table has the rows {listed(rows)}; {listed(kept)} {are('comes', 'come', len(kept))} after "
        f"{listed(over)} already, so that there is one version too many. Alembic stops with "
        '"overlaps with other requested revisions".',
        tuple(stamped(project, project, kept, purge=True)),
    )


def no_version(project: Project, history: History, equal: Equal, database: Database) -> Cause:
    """Tables, and no version: create_all(), or a restore that left the version table out."""
    heads = equal.heads
    return Cause(
        5,
        "the database has tables and no version",
        f"the database has {database.tables} {are('table', 'tables', database.tables)} and no version: create_all() "
        "made them, or a restore that left the version table out. An upgrade would begin with the first revision, "
        f"and stop at the first table that is there already. Its schema is that of "
        f"{named(history, heads)}, object by object." + also(history, equal),
        (*stamped(project, project, heads, purge=False), *upgrade_unless_there(project, history, heads)),
    )


def _configured(project: Project, argument: str) -> str:
    """What is to be written into env.py, as a comment among the commands."""
    return f"# in {near(project, project.directory / 'env.py')}, to context.configure: {argument}"
