"""The narrow waist: what a migration does to a schema or its rows, as plain data.

Readers produce these, rules judge them, and neither knows the other. Names of tables and columns are as PostgreSQL
would store them. ``at`` says where in the migration file the operation was written, and ``call`` is its text there,
so that a remedy can be built from the user's own code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple


class At(NamedTuple):
    """A place in a migration file; lines are 1-based, ``end`` included."""

    path: Path
    line: int
    end: int


class Table(NamedTuple):
    """A table's name. ``schema`` is None where the migration leaves it to the search path."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Column(NamedTuple):
    """A column as a migration declares it.

    ``default`` is its server default as source text, None where it has none and "NULL" where that is what it says.
    ``fills_itself`` is true of identity, generated and serial columns: PostgreSQL has a value for existing rows. It
    is None where that, or whether there is a server default, is not known.
    """

    name: str
    type: str | None = None  # source text, "sa.String(length=50)" or "varchar(50)"
    not_null: bool | None = None  # None: not known
    default: str | None = None
    fills_itself: bool | None = False


class CreateTable(NamedTuple):
    """With ``if_not_exists`` the table may be an old one, and then nothing is made. ``from_query`` is true of CREATE
    TABLE AS and SELECT INTO: the table has rows from the beginning.
    """

    at: At
    call: str
    table: Table
    columns: tuple[Column, ...] = ()
    if_not_exists: bool = False
    from_query: bool = False


class DropTable(NamedTuple):
    at: At
    call: str
    table: Table


class RenameTable(NamedTuple):
    at: At
    call: str
    table: Table
    to: Table


class AddColumn(NamedTuple):
    at: At
    call: str
    table: Table
    column: Column


class DropColumn(NamedTuple):
    at: At
    call: str
    table: Table
    column: str


class RenameColumn(NamedTuple):
    at: At
    call: str
    table: Table
    column: str
    to: str


class SetNotNull(NamedTuple):
    at: At
    call: str
    table: Table
    column: str
    type: str | None = None  # existing_type's source text, for the remedy


class DropNotNull(NamedTuple):
    at: At
    call: str
    table: Table
    column: str


class SetDefault(NamedTuple):
    """A server default set or (``default`` None) dropped."""

    at: At
    call: str
    table: Table
    column: str
    default: str | None


class ChangeType(NamedTuple):
    at: At
    call: str
    table: Table
    column: str
    to: str | None
    existing: str | None = None


class AddConstraint(NamedTuple):
    """``proves_not_null`` names the columns that a CHECK shows to be NOT NULL (``c IS NOT NULL``, ANDed)."""

    at: At
    call: str
    table: Table
    name: str | None
    kind: Literal["check", "foreign key", "unique", "primary key", "exclude"]
    columns: tuple[str, ...] = ()
    valid: bool = True
    proves_not_null: tuple[str, ...] = ()


class ValidateConstraint(NamedTuple):
    at: At
    call: str
    table: Table
    name: str


class DropConstraint(NamedTuple):
    at: At
    call: str
    table: Table
    name: str | None


class CreateIndex(NamedTuple):
    at: At
    call: str
    table: Table
    name: str | None
    concurrently: bool = False


class DropIndex(NamedTuple):
    at: At
    call: str
    name: str
    table: Table | None = None
    concurrently: bool = False


class ChangeRows(NamedTuple):
    """INSERT, UPDATE or DELETE. ``columns`` are those an UPDATE sets, empty where the reader could not tell.
    ``every_null`` names those whose NULLs are all gone afterwards: the UPDATE has no WHERE, or none but ``c IS NULL``;
    None where the reader could not tell. ``whole`` is true where the statement has no WHERE at all: every row.
    ``to_null`` names those that an UPDATE sets to NULL.
    """

    at: At
    call: str
    table: Table
    verb: Literal["INSERT", "UPDATE", "DELETE"]
    columns: tuple[str, ...] = ()
    every_null: tuple[str, ...] | None = None
    whole: bool = False
    to_null: tuple[str, ...] = ()


class Other(NamedTuple):
    """Understood, and of no concern to any rule so far: a comment, a sequence, a SELECT."""

    at: At
    call: str
    what: str


class NotRead(NamedTuple):
    """Something that may change the database and that the reader could not follow."""

    at: At
    call: str
    reason: str


Operation = (
    CreateTable
    | DropTable
    | RenameTable
    | AddColumn
    | DropColumn
    | RenameColumn
    | SetNotNull
    | DropNotNull
    | SetDefault
    | ChangeType
    | AddConstraint
    | ValidateConstraint
    | DropConstraint
    | CreateIndex
    | DropIndex
    | ChangeRows
    | Other
    | NotRead
)
