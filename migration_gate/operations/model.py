"""The narrow waist: what a migration does to a schema or its rows, as plain data.

Readers produce these, rules judge them, and neither knows the other. Names of tables and columns are as PostgreSQL
would store them. ``at`` says where in the migration file the operation was written, and ``call`` is its text there,
so that a remedy can be built from the user's own code.
"""

# Without annotations from __future__: those are text, and NamedTuple compiles each when its class is made.
from pathlib import Path
from typing import Literal, NamedTuple


class At(NamedTuple):
    """A place in a migration file; lines are 1-based, ``end`` included. ``inside`` is where in a module that the
    migration calls the operation is written, "app/helpers.py:12": the place itself is then that of the call.
    """

    path: Path
    line: int
    end: int
    inside: str | None = None


# PostgreSQL's documentation, 13.3.1, "Table-Level Locks": each conflicts with more than the one before.
Lock = Literal[
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]


class SqlType(NamedTuple):
    """A type as PostgreSQL's ``format_type`` names it: "character varying" with the modifiers (50,). An array has the
    name of its elements' type.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    array: bool = False

    def __str__(self) -> str:
        modifiers = f"({','.join(map(str, self.modifiers))})" if self.modifiers else ""
        return self.name + modifiers + "[]" * self.array


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
    sql_type: SqlType | None = None  # the same type as PostgreSQL has it, None where that is not known
    # Why ADD COLUMN writes a value into each row that is there: "" where it does not, None where nobody can tell.
    writes: Literal["", "serial", "identity", "generated", "volatile default"] | None = ""
    key: bool = False  # of the primary key that CREATE TABLE makes


class CreateTable(NamedTuple):
    """With ``if_not_exists`` the table may be an old one, and then nothing is made. ``from_query`` is true of CREATE
    TABLE AS and SELECT INTO: the table has rows from the beginning. ``references`` are the tables that its foreign keys
    point to, ``partition_of`` the table that it becomes a partition of.
    """

    at: At
    call: str
    table: Table
    columns: tuple[Column, ...] = ()
    if_not_exists: bool = False
    from_query: bool = False
    references: tuple[Table, ...] = ()
    partition_of: Table | None = None


class DropTable(NamedTuple):
    at: At
    call: str
    table: Table
    cascade: bool = False


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
    cascade: bool = False


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
    default: str | None = None


class ChangeType(NamedTuple):
    """``to`` and ``existing`` are source text, as the migration has them; the other two are the same types as
    PostgreSQL has them, None where that is not known. ``using`` is the expression of USING.
    """

    at: At
    call: str
    table: Table
    column: str
    to: str | None
    existing: str | None = None
    to_type: SqlType | None = None
    existing_type: SqlType | None = None
    using: str | None = None


class AddConstraint(NamedTuple):
    """``proves_not_null`` names the columns that a CHECK shows to be NOT NULL (``c IS NOT NULL``, ANDed). ``valid`` is
    False for NOT VALID. ``condition`` is a CHECK's expression as SQL text, None where it is not known. ``inline`` is
    true where the constraint comes with a column that the same statement adds. ``using_index`` is the index that it
    takes over.
    """

    at: At
    call: str
    table: Table
    name: str | None
    kind: Literal["check", "foreign key", "unique", "primary key", "exclude"]
    columns: tuple[str, ...] = ()
    valid: bool = True
    proves_not_null: tuple[str, ...] = ()
    references: Table | None = None
    condition: str | None = None
    inline: bool = False
    using_index: str | None = None


class ValidateConstraint(NamedTuple):
    at: At
    call: str
    table: Table
    name: str


class DropConstraint(NamedTuple):
    """``unnamed`` is true where the name is written as None; ``name`` is None too where it is computed. ``kind`` is
    what ``type_=`` says.
    """

    at: At
    call: str
    table: Table
    name: str | None
    cascade: bool = False
    kind: str | None = None
    unnamed: bool = False


class CreateIndex(NamedTuple):
    """``columns`` are those that are plain names, in order; an expression is "" there. ``only`` is ON ONLY: of a
    partitioned table alone, whose partitions get none yet.
    """

    at: At
    call: str
    table: Table
    name: str | None
    concurrently: bool = False
    if_not_exists: bool = False
    unique: bool = False
    columns: tuple[str, ...] = ()
    only: bool = False


class DropIndex(NamedTuple):
    """``name`` is None where it is computed; then the table is known."""

    at: At
    call: str
    name: str | None
    table: Table | None = None
    concurrently: bool = False


class Reindex(NamedTuple):
    """REINDEX of a table (``table``), or of the index ``name``; of a schema or database both are None."""

    at: At
    call: str
    table: Table | None = None
    name: str | None = None
    concurrently: bool = False


class RewriteTable(NamedTuple):
    """``how``: "SET UNLOGGED", "SET LOGGED", "SET TABLESPACE", "SET ACCESS METHOD", "CLUSTER", "VACUUM FULL". The table
    is None where the statement is about all of them.
    """

    at: At
    call: str
    table: Table | None
    how: str


class RefreshView(NamedTuple):
    """REFRESH MATERIALIZED VIEW."""

    at: At
    call: str
    table: Table
    concurrently: bool = False


class AttachPartition(NamedTuple):
    """``table`` is the parent."""

    at: At
    call: str
    table: Table
    partition: Table


class DetachPartition(NamedTuple):
    at: At
    call: str
    table: Table
    partition: Table
    concurrently: bool = False


class AddEnumValue(NamedTuple):
    """ALTER TYPE … ADD VALUE. ``type`` is the enum's name."""

    at: At
    call: str
    type: Table
    value: str


class Rename(NamedTuple):
    """Of what is neither a table nor a column; ``kind`` in small letters: "enum value", "schema", "view", "type",
    "sequence", "constraint", "index", "function". ``of`` is the type or table that it belongs to.
    """

    at: At
    call: str
    kind: str
    name: str
    to: str
    of: Table | None = None


class AlterTable(NamedTuple):
    """Whatever else takes a lock on a table and does no work under it: ``what`` says it in SQL's words, "ENABLE ROW
    LEVEL SECURITY", "DISABLE TRIGGER ALL", "CREATE TRIGGER", "OWNER TO", "LOCK", "COMMENT".
    """

    at: At
    call: str
    table: Table
    what: str
    lock: Lock


class Set(NamedTuple):
    """SET [LOCAL] of a parameter, or set_config(); ``value`` is None for DEFAULT, RESET, and what is not known."""

    at: At
    call: str
    name: str  # in small letters
    value: str | None
    local: bool = False


class Boundary(NamedTuple):
    """Where one transaction ends and another one, or none, begins: an autocommit block's two ends, or a COMMIT of the
    migration's own, after which it depends on the driver whether there is a transaction at all.
    """

    at: At
    call: str
    kind: Literal["autocommit", "end of autocommit", "commit"]


class UsesModel(NamedTuple):
    """The migration imports a mapped class of the application's. ``where`` is its place, "app/models.py:12"."""

    at: At
    call: str
    name: str
    where: str


class ChangeRows(NamedTuple):
    """INSERT, UPDATE, DELETE or TRUNCATE. ``columns`` are those an UPDATE sets, empty where the reader could not tell.
    ``every_null`` names those whose NULLs are all gone afterwards: the UPDATE has no WHERE, or none but ``c IS NULL``;
    None where the reader could not tell. ``whole`` is true where the statement has no WHERE at all: every row.
    ``to_null`` names those that an UPDATE sets to NULL.
    """

    at: At
    call: str
    table: Table
    verb: Literal["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
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
    | Reindex
    | RewriteTable
    | RefreshView
    | AttachPartition
    | DetachPartition
    | AddEnumValue
    | Rename
    | AlterTable
    | Set
    | Boundary
    | UsesModel
    | ChangeRows
    | Other
    | NotRead
)
