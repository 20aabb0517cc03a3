"""Putting rows into a table: all at once through a sieve of the table's own checks, else one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows.catalog import Column, Table
from migration_gate.rehearsal.rows.make import Plan, Row

_WORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\bVALUE\b")


def checks(table: Table) -> list[tuple[str, str]]:
    """What PostgreSQL checks of a row, as (what it is, expression): the table's own, its partition's, its domains'."""
    found = [(f"CHECK {name}", expression) for name, expression in table.checks]
    if table.partition:
        found.append(("the bounds of the partition", table.partition))
    for column in table.columns:
        name = '"' + column.name.replace('"', '""') + '"'
        for check, expression in column.type.checks:
            text = _WORDS.sub(lambda one, name=name: name if one[0] == "VALUE" else one[0], expression)  # type: ignore[misc]
            found.append((f"CHECK {check} of {column.type.name}", text))
    return found


def sieved(table: Table, root: Table, columns: Sequence[Column], rows: Sequence[Row], most: int) -> sql.Composed:
    """An INSERT of at most ``most`` of these rows, without those that a check or a key refuses.

    ON CONFLICT takes no deferrable key (src/backend/executor/execIndexing.c): a table that has one gets the rows as
    they are, and refuses all of them where it refuses one.
    """
    conflict = sql.SQL("") if any(key.deferrable for key in table.keys) else sql.SQL(" ON CONFLICT DO NOTHING")
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} WHERE {} LIMIT {}{}").format(
        root.quoted,
        _names(columns),
        _names(columns),
        _candidates(table, columns, rows),
        sql.SQL(" AND ").join([_holds("true"), *(_holds(one) for _, one in checks(table))]),
        sql.Literal(most),
        conflict,
    )


def literal(value: str | None) -> str:
    """A text as SQL takes it, whatever standard_conforming_strings says; psycopg's own is slower by far."""
    if value is None:
        return "NULL"
    text = value.replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def tried(connection: psycopg.Connection, statement: sql.Composed) -> int:
    """How many rows a statement changed. Where it fails, psycopg.Error, and all is as before.

    In one message: a savepoint of its own would take two more, and they are what filling takes longest for.
    """
    try:
        cursor = connection.execute(sql.SQL("SAVEPOINT tried; {}; RELEASE tried").format(statement))
    except psycopg.Error:
        connection.execute("ROLLBACK TO tried; RELEASE tried")
        raise
    cursor.nextset()
    return cursor.rowcount


def _holds(expression: str) -> sql.Composed:
    return sql.SQL("({}) IS NOT FALSE").format(_written(expression))


def _written(expression: str) -> sql.Composed:
    """What PostgreSQL itself wrote."""
    return sql.SQL(expression.replace("{", "{{").replace("}", "}}")).format()


def _names(columns: Sequence[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(one.name) for one in columns)


def _candidates(table: Table, columns: Sequence[Column], rows: Sequence[Row]) -> sql.Composed:
    """The rows as a table of the same name and columns; those that PostgreSQL computes are computed."""
    # The first row's casts are those of all (SELECT's rules for UNION); the rest is as short as it can be.
    casts = [f"::{one.type.cast}" for one in columns]
    lines = []
    for row in rows:
        values = (literal(row[one.name]) + cast for one, cast in zip(columns, casts, strict=True))
        lines.append(f"({', '.join(values)})")
        casts = [""] * len(columns)
    computed = [
        sql.SQL(", ({}) AS {}").format(_written(one.generated), sql.Identifier(one.name))
        for one in table.columns
        if one.generated
    ]
    name = sql.Identifier(table.name)
    listed = sql.SQL("(VALUES {}) AS {}({})").format(_written(", ".join(lines)), name, _names(columns))
    if not computed:
        return listed
    return sql.SQL("(SELECT *{} FROM {}) AS {}").format(sql.SQL("").join(computed), listed, name)


def one_by_one(
    connection: psycopg.Connection, root: Table, columns: Sequence[Column], rows: Sequence[Row], most: int
) -> tuple[int, psycopg.Error | None]:
    """How many rows went in, each tried by itself, and the first error."""
    done, first = 0, None
    for row in rows:
        if done == most:
            break
        values = _written(", ".join(literal(row[one.name]) for one in columns))
        insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})")
        try:
            done += tried(connection, insert.format(root.quoted, _names(columns), values))
        except psycopg.Error as error:
            first = first or error
    return done, first


def lean(plan: Plan, rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """Only the columns that must have a value, and those that hold one in the first row of all."""
    columns = [one for one in plan.columns if one.not_null and (one.default is None or one.name in plan.distinct)]
    return columns, [{one.name: row[one.name] for one in columns} for row in rows]


def refused(connection: psycopg.Connection, plan: Plan, rows: Sequence[Row]) -> str:
    """Which check lets none of these rows through, or that they only fail together."""
    found = checks(plan.table)
    counts = sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(_holds(one)) for _, one in found)
    query = sql.SQL("SELECT {} FROM {}").format(counts, _candidates(plan.table, plan.columns, rows))
    try:
        with connection.transaction():
            passed = connection.execute(query).fetchone() or ()
    except psycopg.Error as error:
        return why(error)
    never = [name for (name, _), count in zip(found, passed, strict=True) if not count]
    if never:
        return f"{never[0]} could not be satisfied"
    if found:
        return f"{found[0][0]} and others could not be satisfied together"
    return "its keys already hold every value that was tried"


_KINDS = {"23514": "CHECK", "23503": "foreign key", "23505": "unique key", "23P01": "EXCLUDE"}


def why(error: psycopg.Error) -> str:
    """An error in one line, with the constraint's name where it is one's."""
    said = error.diag.message_primary or str(error).strip().split("\n")[0] or type(error).__name__
    name = error.diag.constraint_name
    kind = _KINDS.get(error.sqlstate or "")
    return f"{kind} {name} could not be satisfied" if kind and name else " ".join(said.split())
