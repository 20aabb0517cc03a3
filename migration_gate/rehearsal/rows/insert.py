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
        name = sql.Identifier(column.name).as_string()
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


def _holds(expression: str) -> sql.Composed:
    return sql.SQL("({}) IS NOT FALSE").format(_written(expression))


def _written(expression: str) -> sql.Composed:
    """What PostgreSQL itself wrote."""
    return sql.SQL(expression.replace("{", "{{").replace("}", "}}")).format()


def _names(columns: Sequence[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(one.name) for one in columns)


def _candidates(table: Table, columns: Sequence[Column], rows: Sequence[Row]) -> sql.Composed:
    """The rows as a table of the same name and columns; those that PostgreSQL computes are computed."""
    lines = [
        sql.SQL("({})").format(
            sql.SQL(", ").join(
                sql.SQL("{}::{}").format(sql.Literal(row[one.name]), _written(one.type.cast)) for one in columns
            )
        )
        for row in rows
    ]
    computed = [
        sql.SQL(", ({}) AS {}").format(_written(one.generated), sql.Identifier(one.name))
        for one in table.columns
        if one.generated
    ]
    name = sql.Identifier(table.name)
    values = sql.SQL("(VALUES {}) AS {}({})").format(sql.SQL(", ").join(lines), name, _names(columns))
    if not computed:
        return values
    return sql.SQL("(SELECT *{} FROM {}) AS {}").format(sql.SQL("").join(computed), values, name)


def one_by_one(
    connection: psycopg.Connection, root: Table, columns: Sequence[Column], rows: Sequence[Row], most: int
) -> tuple[int, psycopg.Error | None]:
    """How many rows went in, each tried by itself, and the first error."""
    done, first = 0, None
    for row in rows:
        if done == most:
            break
        values = sql.SQL(", ").join(sql.Literal(row[one.name]) for one in columns)
        insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})")
        try:
            with connection.transaction():
                connection.execute(insert.format(root.quoted, _names(columns), values))
            done += 1
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
