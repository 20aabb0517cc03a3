"""A column or table is dropped that running code still uses, or that nobody can show to be unused.

A migration runs before the new release is everywhere, and the old one is still answering. SQLAlchemy names every mapped
column in each SELECT and INSERT, so from the moment the column is gone all queries of that class fail with `column
users.bio does not exist` (42703), also those that never look at it; of a dropped table with 42P01. Nothing brings the
values back.

The gate looks for classes and tables that map it (SQLAlchemy's declarative classes and Table, Flask-SQLAlchemy,
SQLModel) in the code of the base branch, which is what runs in production until this branch is deployed. Where the
base is not known it looks in the present code, and then cannot see that code and migration go out together.

Refused:

    op.drop_column("users", "bio")

or:

    op.drop_table("groups")

Write instead:

    op.alter_column("users", "bio", existing_type=sa.Text(), nullable=True)

That is for the release that takes the column out of the model; rows can then be written without it. The release after
that drops it, when no process of the old code is left: the base's models do not map it any more, and the gate lets it
pass. A table needs no such step: take its class away in one release, and drop it in the next.

Silent where models are found and none of them maps the table, or those that do map it without that column; on tables
and columns that a new revision makes; and where the same revision gives the name to another one. A class that takes
columns from outside of the repository, whose table is reflected, or whose table has a computed name that may be this
one, makes a note. Code that names a column in SQL of its own is not looked at.

Source: SQLAlchemy's documentation, "Table Configuration with Declarative"; PostgreSQL's, appendix A, "Error Codes";
measured: the old query after the drop.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from migration_gate.operations.model import DropColumn, DropTable, Table
from migration_gate.project.models_at import Mapping, Models, any_mapped, mappings, models_at, not_read
from migration_gate.rules.base import Hazard, Migration
from migration_gate.rules.names import as_written, shipped_as, stands_again, taken_again
from migration_gate.rules.remedies import execute, literal, python_call, quoted, schema_keyword, sql_name, statement


class Said(NamedTuple):
    """A message, the mapping's place in the code, "" where there is none, and whether it is sure."""

    message: str
    place: str
    sure: bool = True


def check(migration: Migration) -> Iterator[Hazard]:
    models: Models | None = None
    for operation in migration.operations:
        if not isinstance(operation, DropColumn | DropTable):
            continue
        column = operation.column if isinstance(operation, DropColumn) else ""
        known_as = shipped_as(operation.table, column, migration.earlier(operation))
        if known_as is None or taken_again(migration, operation, operation.table, column):
            continue
        if stands_again(*known_as, migration.earlier(operation)):
            continue
        models = models or migration.models() or models_at(migration.project)
        said = _said(models, *known_as)
        if said:
            yield migration.hazard(operation, said.message, _remedy(operation, said.place), said.sure)


def _said(models: Models, table: Table, column: str) -> Said | None:
    """What there is to say; None where nothing uses it."""
    found = mappings(models, table.name, table.schema)
    what = f"{table}.{column}" if column else str(table)
    for one in found:
        line = dict(one.mapped.columns).get(column) if column else one.mapped.line
        if line is not None:
            said = _used(models, one, f"{one.path}:{line}", what, table)
            if column in one.mapped.perhaps:
                return Said(f"{said.place} maps {what} under a condition, which is not judged.", said.place, False)
            return said
    return _not_whole(found, table, column) or _not_read(models, table, what) or _nothing(models, what, found)


def _used(models: Models, one: Mapping, place: str, what: str, table: Table) -> Said:
    if one.by == "ending":
        return Said(
            f"{place} maps {what}, if the table's name, which is computed there, is {table.name}.", place, False
        )
    where = "" if models.where == "the working tree" else f" in {models.where}"
    guessed = "" if one.by == "written" else f" The table's name is computed there; {one.mapped.name} may well be it."
    return Said(
        f"{place} maps {what}{where}. Each query of {one.mapped.name} names it, and fails from this migration on until "
        f"no process of that code is left.{guessed}",
        place,
    )


def _not_whole(found: list[Mapping], table: Table, column: str) -> Said | None:
    """The table's class has columns that the repository does not show."""
    one = next((one for one in found if column and not one.mapped.whole), None)
    if one is None:
        return None
    place = f"{one.path}:{one.mapped.line}"
    bases = ", ".join(one.mapped.missing)
    why = f"it also takes what {bases} has, which is not in this repository" if bases else "its columns are reflected"
    return Said(f"{place} maps {table}, and nobody can tell by reading whether {column} too: {why}.", place, False)


def _not_read(models: Models, table: Table, what: str) -> Said | None:
    """A file that may use it could not be read."""
    path = not_read(models, table.name)
    if path is None:
        return None
    why = f"{path} may map it, and is no Python that this interpreter reads"
    return Said(
        f"Whether code uses {what} is not known: {why if path else 'there are more files than are read'}.", "", False
    )


def _nothing(models: Models, what: str, found: list[Mapping]) -> Said | None:
    """Nothing is mapped at all, so that nobody can tell what the code uses."""
    if found or any_mapped(models):
        return None
    return Said(
        f"{what} is dropped, and nobody can show that it is unused: no mapped class and no Table was found in the "
        f"Python files of {models.where}. Code that still reads or writes it fails at once.",
        "",
    )


def _remedy(operation: DropColumn | DropTable, place: str) -> str:
    """Two releases. The first one's migration is the first way; the drop itself, later, the second."""
    call = python_call(operation.call)
    drop = as_written(operation.call) if call else statement(operation)
    first = f"# this release: take {place or 'it'} out of the code"
    later = f"# the next release, when none of the old code runs:\n{drop}"
    if isinstance(operation, DropTable):
        return f"{first}, and let this migration wait.\n{later}"
    return f"{first}, and let rows be written without it.\n{_nullable(operation, call)}\n{later}"


def _nullable(operation: DropColumn, call: ast.Call | None) -> str:
    table, column = operation.table, operation.column
    if call is None:
        return execute(f"ALTER TABLE {sql_name(table)} ALTER COLUMN {quoted(column)} DROP NOT NULL")
    owner = ast.unparse(call.func).rpartition(".")[0] or "op"
    if _in_batch(call):
        return f"{owner}.alter_column({literal(column)}, nullable=True)"
    return f"{owner}.alter_column({literal(table.name)}, {literal(column)}, nullable=True{schema_keyword(table)})"


def _in_batch(call: ast.Call) -> bool:
    """Whether it is a batch's drop_column, which leaves the table out."""
    return len(call.args) + sum(one.arg in ("table_name", "column_name") for one in call.keywords) < 2
