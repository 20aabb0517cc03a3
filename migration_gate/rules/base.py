"""What rules are given, what they say, and the few questions that several of them ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeRows,
    ChangeType,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropTable,
    NotRead,
    Operation,
    Rename,
    RenameColumn,
    RenameTable,
    SetNotNull,
    SqlType,
    Table,
    ValidateConstraint,
)
from migration_gate.operations.transactions import Transaction, together
from migration_gate.project import sizes
from migration_gate.project.environment import Environment
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision, SyntaxProblem, parse_python
from migration_gate.project.sizes import Size

if TYPE_CHECKING:
    from migration_gate.project.models_at import Models


class Hazard(NamedTuple):
    """What a rule found, before allow comments are applied."""

    message: str
    path: Path | None
    line: int | None
    end: int | None
    revision: str | None = None
    remedy: str | None = None
    sure: bool = True  # False: something that could not be read may well make it harmless; a note
    table: Table | None = None  # whose size decides, for a rule of what blocks traffic; a loop's are said as one


class Migration(NamedTuple):
    """One revision for the rules of operations. ``before`` holds the operations of the new revisions that it comes
    after, in order; empty where each revision is judged as if it alone were new.
    """

    project: Project
    revision: Revision
    operations: tuple[Operation, ...]
    before: tuple[Operation, ...] = ()
    # The operations of the shipped revisions that it comes after, read when a rule asks: that takes a while.
    shipped: Callable[[], tuple[Operation, ...]] = tuple
    # Those of its own downgrade(), read likewise; None where the file has none.
    downgrade: Callable[[], tuple[Operation, ...] | None] = tuple
    # What env.py says, read likewise.
    environment: Callable[[], Environment] = Environment
    # What the code that runs now maps, likewise: that of the base. None where it is not known: the present code's.
    models: Callable[[], Models | None] = lambda: None

    def earlier(self, operation: Operation) -> tuple[Operation, ...]:
        """All that runs before an operation of this revision and is as new as it."""
        for position, one in enumerate(self.operations):
            if one is operation:
                return self.before + self.operations[:position]
        return self.before

    def together(self, operation: Operation) -> Transaction:
        """What runs before one of its operations in the same transaction, other new revisions' operations too."""
        per_migration = bool(self.environment().transaction_per_migration)
        return together(self.before + self.operations, operation, per_migration)

    def hazard(
        self,
        operation: Operation,
        message: str,
        remedy: str | None = None,
        sure: bool = True,
        table: Table | None = None,
    ) -> Hazard:
        """A hazard at the place of one of its operations."""
        at = operation.at
        return Hazard(message, at.path, at.line, at.end, self.revision.id, remedy, sure, table)

    def size(self, table: Table) -> Literal["small", "large", "unknown"]:
        """How large the settings say that a table is."""
        return size_of(self.project, table)


def size_of(project: Project, table: Table) -> Literal["small", "large", "unknown"]:
    """How large a project's settings say that a table is: patterns of its name, with or without its schema; of a table
    that they do not name, the sizes that were saved from production.
    """
    names = {table.name, str(table), f"{table.schema or 'public'}.{table.name}"}
    for size, patterns in (("large", project.settings.large_tables), ("small", project.settings.small_tables)):
        if any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
            return size  # type: ignore[return-value]
    saved = saved_size(project, table)
    return saved.word if saved else "unknown"


def saved_size(project: Project, table: Table) -> Size | None:
    """A table's size in production, as far as it was saved."""
    saved = sizes.of_project(project)
    return saved.of(str(table)) if saved else None


def maybe_no_transaction(environment: Environment) -> str:
    """Why there may be no transaction, as a message goes on to say it; "" where env.py says nothing of the kind."""
    if environment.autocommit:
        return " env.py speaks of AUTOCOMMIT: where that is the connection's isolation level, there is no transaction."
    if environment.autocommit is None:
        return " env.py lets other code configure the context; where that connects in AUTOCOMMIT, there is none."
    return ""


def nodes_of(path: Path) -> list[ast.AST]:
    """The syntax nodes of a migration file, for what operations do not tell; none where it cannot be read."""
    try:
        tree = parse_python(path.read_bytes())
    except OSError:
        return []
    return [] if isinstance(tree, SyntaxProblem) else list(ast.walk(tree))


def same(one: Table | None, other: Table | None) -> bool:
    """Whether two names can mean one table: without a schema a name means the search path's, "public" by default."""
    if one is None or other is None:
        return False
    return one.name == other.name and (one.schema or "public") == (other.schema or "public")


def backwards(table: Table, earlier: tuple[Operation, ...], column: str = "") -> Iterator[tuple[Operation, str]]:
    """What ran on a table, the last first, each with the column's name at that time: both are followed through their
    renamings.
    """
    for one in reversed(earlier):
        if isinstance(one, RenameTable) and same(one.to, table):
            table = one.table
        elif isinstance(one, RenameColumn) and same(one.table, table) and one.to == column:
            column = one.column
        elif same(getattr(one, "table", None), table):
            yield one, column


def is_empty(table: Table, earlier: tuple[Operation, ...]) -> bool:
    """Whether the table has no rows in production: what ran earlier made it or deleted them all, and put none in."""
    for operation, _ in backwards(table, earlier):
        match operation:
            case ChangeRows(verb="INSERT") | CreateTable(from_query=True):
                return False
            case ChangeRows(verb="DELETE" | "TRUNCATE", whole=True) | CreateTable(if_not_exists=False) | DropTable():
                return True
    return False


def is_new(table: Table, earlier: tuple[Operation, ...]) -> bool:
    """Whether the table is not in production yet, so that nobody waits for it, whatever rows it has been given: what
    ran earlier, and is as new, made it.
    """
    for operation, _ in backwards(table, earlier):
        if isinstance(operation, CreateTable):
            return not operation.if_not_exists
        if isinstance(operation, DropTable):
            return True
    return False


def column_type(migration: Migration, operation: ChangeType) -> SqlType | None:
    """A column's type before a change of it; None where neither the history nor ``existing_type=`` tells.

    The history goes first where it says one thing for certain: it is what PostgreSQL was told, and Alembic does not
    even send ``existing_type`` to it (alembic/ddl/postgresql.py). Where something on the way to it could not be read,
    ``existing_type`` does: autogenerate takes it from a database.
    """
    earlier = migration.earlier(operation)
    recorded, certain = recorded_type(operation.table, operation.column, earlier)
    if recorded is None:
        recorded, certain = recorded_type(operation.table, operation.column, migration.shipped() + earlier)
    return recorded if certain else operation.existing_type or recorded


def recorded_type(table: Table, column: str, earlier: tuple[Operation, ...]) -> tuple[SqlType | None, bool]:
    """The type that ``earlier`` gives a column last, None where it tells none, and whether that is certain: nothing
    after it was left unread, and it is no CREATE TABLE IF NOT EXISTS, which may have made nothing.
    """
    for one, name in backwards(table, earlier, column):
        known: SqlType | None = None
        match one:
            case ChangeType() if one.column == name:
                known = one.to_type
            case AddColumn() if one.column.name == name:
                known = one.column.sql_type
            case CreateTable():
                known = next((made.sql_type for made in one.columns if made.name == name), None)
                if one.if_not_exists:
                    if known is None:
                        continue
                    return known, False
            case DropTable():
                return None, False
            case DropColumn() if one.column == name:
                return None, False
            case _:
                continue
        after = next(at for at, other in enumerate(earlier) if other is one) + 1
        known = _renamed(known, earlier[after:])
        return known, known is not None and not_read_about(table, earlier[after:], None) is None
    return None, False


def _renamed(type_: SqlType | None, later: tuple[Operation, ...]) -> SqlType | None:
    """The type under the name that it was given since."""
    for one in later:
        if isinstance(one, Rename) and one.kind == "type" and type_ and one.name == type_.name:
            type_ = type_._replace(name=one.to)
    return type_


def is_enum(type_: SqlType | None, earlier: tuple[Operation, ...], written: str | None = None) -> bool:
    """Whether a type is surely an enum, and no domain: it is ``written`` as one, or what ran earlier made it so."""
    if type_ is None:
        return False
    if re.match(r"(?:\w+\.)*(?:Enum|ENUM)\(", written or "") and "native_enum" not in (written or ""):
        return True
    name = re.escape(type_.name)
    in_sql = re.compile(rf"\bcreate\s+type\s+{name}\s+as\s+enum\b", re.IGNORECASE)
    in_python = re.compile(rf"\b(?:Enum|ENUM)\(.*\bname\s*=\s*[\"']{name}[\"']", re.DOTALL)
    return any(in_sql.search(one.call) or in_python.search(one.call) for one in earlier if hasattr(one, "call"))


def is_proven(operation: SetNotNull, earlier: tuple[Operation, ...]) -> bool:
    """Whether a valid CHECK shows that the column holds no NULL, so that PostgreSQL need not look (since 12)."""
    validated: set[str] = set()
    dropped: set[str | None] = set()
    for one, column in backwards(operation.table, earlier, operation.column):
        match one:
            case ValidateConstraint():
                validated.add(one.name)
            case DropConstraint():
                dropped.add(one.name)
            case AddConstraint() if column in one.proves_not_null and one.name not in dropped:
                if one.valid or one.name in validated:
                    return True
    return False


def not_read_about(table: Table, earlier: tuple[Operation, ...], path: Path | None) -> NotRead | None:
    """The first operation that could not be read and may have to do with the table: any of the file ``path``, and of
    another one that names the table.
    """
    for one in earlier:
        if isinstance(one, NotRead) and (one.at.path == path or re.search(rf"\b{re.escape(table.name)}\b", one.call)):
            return one
    return None
