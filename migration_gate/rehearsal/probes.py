"""Asks PostgreSQL whether it would still take the statements of models, before and after a change of the schema.

A statement is planned and not run (``EXPLAIN``), with NULL for each value: what PostgreSQL says then is about names
and types, never about a value that was made up here. Whether a row may go without a column that the models do not write
is asked of the catalog. Only where a trigger may fill the column a row is copied, in a transaction that is rolled back;
``ON CONFLICT DO NOTHING`` lets that end at the row's own keys, after PostgreSQL has looked for NULLs (ExecInsert in
src/backend/executor/nodeModifyTable.c).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from migration_gate.postgres.databases import one_line

LIMIT_MS = 5_000
NOT_NULL = "23502"
# PostgreSQL's documentation, appendix A. A class is about values, about this server's state or about a time limit.
_UNDEFINED = ("42703", "42P01", "3F000")
_OTHERWISE = ("22", "23", "40", "53", "55P03", "57", "58", "08")


class MappedColumn(NamedTuple):
    """``written`` is whether an INSERT of the models names it even where the program gives it no value; ``labels`` are
    those of an enum type.
    """

    name: str
    nullable: bool
    written: bool
    labels: tuple[str, ...] = ()
    place: str = ""  # "shop/models.py:12"


class Mapped(NamedTuple):
    """A table as models map it. ``mapped`` is the class, "" where there is none; ``select`` and ``insert`` are what it
    would send, NULL for each value, ``insert`` None where it cannot.
    """

    key: tuple[str, str]  # schema and table
    mapped: str
    at: str
    columns: tuple[MappedColumn, ...]
    select: str
    insert: str | None

    @property
    def shown(self) -> str:
        schema, name = self.key
        return name if schema == "public" else f"{schema}.{name}"

    def place(self, column: str) -> str:
        """Where the column, or else the class, is written."""
        return next((one.place for one in self.columns if one.name == column and one.place), self.at)


class Broken(NamedTuple):
    """What a table's models can no longer do: ``action`` is "read", "write" or both, ``words`` what PostgreSQL says.
    ``gone`` is whether the column, or the table where there is none, is not there any more. It is not ``sure`` where it
    depends on what the program writes.
    """

    table: Mapped
    column: str
    action: str
    words: str
    code: str
    statement: str = ""
    gone: bool = False
    sure: bool = True


class _Refused(NamedTuple):
    code: str  # SQLSTATE
    words: str


def mapped_from(told: dict[str, Any], folder: Path) -> Mapped:
    """From what the child process reports; paths are then relative to ``folder``."""

    def place(one: dict[str, Any]) -> str:
        if not one.get("path"):
            return ""
        return f"{os.path.relpath(one['path'], folder).replace(os.sep, '/')}:{one['line']}"

    columns = [
        MappedColumn(one["name"], one["nullable"], one["written"], tuple(one["labels"]), place(one))
        for one in told["columns"]
    ]
    key = (told["schema"] or "public", told["name"])
    return Mapped(key, told["class"] or "", place(told), tuple(columns), told["select"], told["insert"])


def broken(tables: Sequence[Mapped], before: psycopg.Connection, after: psycopg.Connection) -> list[Broken]:
    """What ``after`` refuses and ``before`` does not. Both are in autocommit mode, and stay as they are, but for a
    ``statement_timeout``.
    """
    for one in (before, after):
        one.execute(f"SET statement_timeout = {LIMIT_MS}")
    return [one for table in tables for one in _of_table(table, before, after)]


def _of_table(table: Mapped, before: psycopg.Connection, after: psycopg.Connection) -> Iterator[Broken]:
    if _explained(before, table.select):
        return  # of another database, or not migrated yet: nothing that these revisions did
    refused = _explained(after, table.select)
    if refused:
        yield from _unreadable(table, refused, before, after)
        return
    if table.insert and not _explained(before, table.insert) and (refused := _explained(after, table.insert)):
        yield Broken(table, "", "write", refused.words, refused.code, table.insert)
        return
    yield from _labels(table, before, after)
    yield from _nulls(table, before, after)


def _unreadable(
    table: Mapped, refused: _Refused, before: psycopg.Connection, after: psycopg.Connection
) -> Iterator[Broken]:
    """Which of its columns it is: PostgreSQL names only the first."""
    action = "read or write"
    name = _identifier(table)
    if refused.code == "42P01" and _explained(after, _text(sql.SQL("SELECT FROM {}").format(name), after)):
        yield Broken(table, "", action, refused.words, refused.code, gone=True)
        return
    found = False
    for column in table.columns:
        statement = _text(sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column.name), name), after)
        gone = _explained(after, statement)
        if gone and gone.code in _UNDEFINED and not _explained(before, statement):
            found = True
            words = f"column {table.shown}.{column.name} does not exist"
            yield Broken(table, column.name, action, words, gone.code, gone=True)
    if not found:
        yield Broken(table, "", "read", refused.words, refused.code, table.select)


def _labels(table: Mapped, before: psycopg.Connection, after: psycopg.Connection) -> Iterator[Broken]:
    """Enum values that the models write and the column's type no longer has."""
    for column in table.columns:
        if not column.labels:
            continue
        there, was = (_enum_labels(one, table, column.name) for one in (after, before))
        for label in column.labels:
            if there is not None and was is not None and label in was and label not in there:
                words = f'invalid input value for enum: "{label}"'
                yield Broken(table, column.name, f"read or write `{label}`", words, "22P02")


def _enum_labels(connection: psycopg.Connection, table: Mapped, column: str) -> set[str] | None:
    """The labels of a column's type; None where it is no enum. An array's are those of its elements."""
    rows = connection.execute(
        """
        SELECT l.enumlabel
          FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
          JOIN pg_catalog.pg_enum l ON l.enumtypid IN (t.oid, t.typelem)
         WHERE n.nspname = %s AND c.relname = %s AND a.attname = %s AND NOT a.attisdropped
        """,
        [*table.key, column],
    ).fetchall()
    return {label for (label,) in rows} or None


# ── rows without a value ─────────────────────────────────────────────────────────────────────────────────


def _nulls(table: Mapped, before: psycopg.Connection, after: psycopg.Connection) -> Iterator[Broken]:
    """Columns that may not be NULL any more, or are new, and that an INSERT of the models may leave empty."""
    was, now = _required(before, table), _required(after, table)
    written = {one.name for one in table.columns if one.written}
    left = sorted(now.alone - was.alone - written)
    filled = bool(left) and _triggers(after, table) and _copied(after, table, written)
    for name in left if filled is not True else ():
        words = f'null value in column "{name}" of relation "{table.key[1]}" violates not-null constraint'
        yield Broken(table, name, "write", words, NOT_NULL, sure=filled is False)
    for one in table.columns:
        if one.nullable and one.written and one.name in now.all - was.all:
            yield Broken(table, one.name, "write", "", NOT_NULL, sure=False)


class _Required(NamedTuple):
    """The columns that may not be NULL, and those of them that PostgreSQL has no value for."""

    all: frozenset[str]
    alone: frozenset[str]


def _required(connection: psycopg.Connection, table: Mapped) -> _Required:
    rows = connection.execute(
        """
        SELECT a.attname, NOT (a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL)
          FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
           AND (a.attnotnull OR t.typnotnull)
        """,
        [*table.key],
    ).fetchall()
    return _Required(frozenset(name for name, _ in rows), frozenset(name for name, alone in rows if alone))


def _triggers(connection: psycopg.Connection, table: Mapped) -> bool:
    """Whether one may fill a row before it is there (pg_trigger.tgtype: 1 for each row, 2 before, 4 on INSERT)."""
    rows = connection.execute(
        """
        SELECT 1
          FROM pg_catalog.pg_trigger t
          JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %s AND c.relname = %s AND t.tgenabled <> 'D' AND t.tgtype & 7 = 7
        """,
        [*table.key],
    ).fetchall()
    return bool(rows)


def _copied(connection: psycopg.Connection, table: Mapped, written: set[str]) -> bool | None:
    """Whether PostgreSQL takes a row of what the models write, copied from one that is there; None where there is none,
    or something else is in the way.
    """
    name, columns = _identifier(table), sql.SQL(", ").join(map(sql.Identifier, sorted(written)))
    copy = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {0} LIMIT 1 ON CONFLICT DO NOTHING").format(name, columns)
    try:
        with connection.transaction(force_rollback=True):
            if not connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(name)).rowcount:
                return None
            connection.execute(copy)
    except psycopg.Error as error:
        return False if error.sqlstate == NOT_NULL else None
    return True


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────


def _explained(connection: psycopg.Connection, statement: str) -> _Refused | None:
    """What PostgreSQL has against a statement, as far as that is about names and types."""
    try:
        connection.execute(sql.SQL("EXPLAIN ") + sql.SQL(statement))
    except psycopg.Error as error:
        code = error.sqlstate or ""
        return None if not code or code.startswith(_OTHERWISE) else _Refused(code, one_line(error))
    return None


def _identifier(table: Mapped) -> sql.Composable:
    schema, name = table.key
    return sql.Identifier(name) if schema == "public" else sql.Identifier(schema, name)


def _text(statement: sql.Composable, connection: psycopg.Connection) -> str:
    return statement.as_string(connection)
