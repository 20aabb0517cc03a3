"""A NOT NULL column without a server default is added to a table that may have rows.

PostgreSQL has nothing to put into the rows that the table already has, and refuses: `column "…" of relation "…"
contains null values` (23502). On an empty table, a laptop's or a test's, the same statement passes.

`default=` does not help: Python fills it in for rows that the application inserts, and ALTER TABLE never sees it.
Nor does `server_default=sa.text("NULL")`. A column with `primary_key=True` is NOT NULL too.

A constant or STABLE server default costs nothing since PostgreSQL 11: it is stored once in the catalog, and no row
is rewritten.

Silent on a server default, on Identity, Computed and serial columns, and on tables that a new revision creates or
has just emptied.

Source: PostgreSQL's documentation, ALTER TABLE, ADD COLUMN; measured on a table with rows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.model import AddColumn, AddConstraint, ChangeRows, NotRead, Operation
from migration_gate.rules.base import Hazard, Migration, execute, is_new, quoted, same, sql_name

_LAPTOP = "An empty laptop does not show it."


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, AddColumn):
            continue
        column = operation.column
        if column.not_null is not True or column.fills_itself is not False or column.default not in (None, "NULL"):
            continue
        earlier = migration.earlier(operation)
        if is_new(operation.table, earlier) or _emptied(operation, earlier):
            continue
        unread = _maybe_emptied(operation, earlier)
        lacks = "its server default is NULL" if column.default else "has no server default"
        yield Hazard(
            message=f"{operation.table}.{column.name} is NOT NULL and {lacks}. PostgreSQL has nothing to put into the "
            f"rows that {operation.table} already has, and refuses the migration as soon as there is one. "
            + (f"Line {unread.at.line} may delete them all; it was not read." if unread else _LAPTOP),
            path=operation.at.path,
            line=operation.at.line,
            end=operation.at.end,
            revision=migration.revision.id,
            remedy=_remedy(operation, _has_foreign_key(operation, migration)),
            sure=unread is None,
        )


def _emptied(operation: AddColumn, earlier: tuple[Operation, ...]) -> bool:
    """Whether all rows of the table were deleted, and none put in since."""
    for one in reversed(earlier):
        if isinstance(one, ChangeRows) and same(one.table, operation.table):
            return one.verb == "DELETE" and one.whole
    return False


def _maybe_emptied(operation: AddColumn, earlier: tuple[Operation, ...]) -> NotRead | None:
    """A deletion in the same file that could not be read, through the ORM as a rule."""
    for one in earlier:
        here = isinstance(one, NotRead) and one.at.path == operation.at.path
        if here and re.search(r"delete|truncate", one.call, re.IGNORECASE):
            return one
    return None


def _has_foreign_key(operation: AddColumn, migration: Migration) -> bool:
    """Whether the revision lets the column refer to another table: then no constant is a value for it."""
    return any(
        isinstance(one, AddConstraint)
        and one.kind == "foreign key"
        and same(one.table, operation.table)
        and operation.column.name in one.columns
        for one in migration.operations
    )


def _remedy(operation: AddColumn, refers: bool) -> str:
    table, column = operation.table, operation.column
    schema = f', schema="{table.schema}"' if table.schema else ""
    name = quoted(column.name)
    fill = f"UPDATE {sql_name(table)} SET {name} = … WHERE {name} IS NULL"
    columns = _column_calls(operation.call)
    if not columns:
        sql = operation.call.rstrip("; \n")
        return (
            f"-- with a value that suits every row:\n{sql} DEFAULT …\n"
            "-- or, where the value differs from row to row, in three steps:\n"
            f"ALTER TABLE {sql_name(table)} ADD COLUMN {name} {column.type or '…'};\n{fill};\n"
            f"ALTER TABLE {sql_name(table)} ALTER COLUMN {name} SET NOT NULL;"
        )
    existing = f", existing_type={column.type}" if column.type else ""
    return "\n".join(
        [
            _with(operation.call, server_default=_suggest(None if refers else column.type), nullable="False"),
            "# or, where the value differs from row to row, in three steps:",
            _with(operation.call, server_default=None, nullable="True"),
            execute(fill),
            f'op.alter_column("{table.name}", "{column.name}"{existing}, nullable=False{schema})',
        ]
    )


def _column_calls(call: str) -> list[ast.Call]:
    try:
        tree = ast.parse(call, mode="eval")
    except (SyntaxError, ValueError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in calls if ast.unparse(node.func).endswith(("Column", "mapped_column"))]


def _with(call: str, **keywords: str | None) -> str:
    """The user's own call, with keywords of its column set anew, or (None) taken out."""
    tree = ast.parse(call, mode="eval")
    column = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Column", "mapped_column"))
    )
    column.keywords = [one for one in column.keywords if one.arg not in (*keywords, "primary_key")]
    for name, value in keywords.items():
        if value is not None:
            column.keywords.append(ast.keyword(name, ast.parse(value, mode="eval").body))
    return ast.unparse(tree).replace("'…'", '"…"')


_SUGGESTIONS = (
    (("json", "array"), "sa.text(\"'{}'\")"),
    (("bool",), "sa.false()"),
    (("datetime", "timestamp"), "sa.func.now()"),
    (("date",), 'sa.text("CURRENT_DATE")'),
    (("int", "float", "numeric", "double", "real"), 'sa.text("0")'),
    (("string", "text", "varchar", "unicode"), "sa.text(\"''\")"),
)


def _suggest(type_: str | None) -> str:
    """A default that the type can hold; an ellipsis where only the author knows one."""
    name = (type_ or "").partition("(")[0].lower()
    for words, default in _SUGGESTIONS:
        if any(word in name for word in words):
            return default
    return 'sa.text("…")'
