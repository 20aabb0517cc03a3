"""What rules are given, what they say, and the few questions that several of them ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.operations.model import (
    ChangeRows,
    CreateTable,
    DropTable,
    NotRead,
    Operation,
    RenameColumn,
    RenameTable,
    Table,
)
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision


class Hazard(NamedTuple):
    """What a rule found, before allow comments are applied."""

    message: str
    path: Path | None
    line: int | None
    end: int | None
    revision: str | None = None
    remedy: str | None = None
    sure: bool = True  # False: something that could not be read may well make it harmless; a note


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

    def earlier(self, operation: Operation) -> tuple[Operation, ...]:
        """All that runs before an operation of this revision and is as new as it."""
        for position, one in enumerate(self.operations):
            if one is operation:
                return self.before + self.operations[:position]
        return self.before


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
            case ChangeRows(verb="DELETE", whole=True) | CreateTable(if_not_exists=False) | DropTable():
                return True
    return False


def not_read_about(table: Table, earlier: tuple[Operation, ...], path: Path) -> NotRead | None:
    """The first operation that could not be read and may have to do with the table: any of the same file, and of
    another one that names the table.
    """
    for one in earlier:
        if isinstance(one, NotRead) and (one.at.path == path or re.search(rf"\b{re.escape(table.name)}\b", one.call)):
            return one
    return None


def quoted(name: str) -> str:
    """A name as SQL takes it: in quotes where it is a reserved word or not in small letters."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_$]*", name) and name not in RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def sql_name(table: Table) -> str:
    """A table's name as SQL takes it."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def literal(text: str) -> str:
    """A name as Python takes it, in double quotes."""
    import json  # 5 ms, only for a remedy

    return json.dumps(text, ensure_ascii=not text.isprintable())


def schema_keyword(table: Table) -> str:
    """What the call of a directive ends with where its table is in a schema."""
    return f", schema={literal(table.schema)}" if table.schema else ""


def python_call(call: str) -> ast.Call | None:
    """An operation's text as a syntax tree; None where it is SQL."""
    try:
        tree = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return tree if isinstance(tree, ast.Call) else None


# The arguments that say what a directive is for, as op has them. A batch leaves the table out.
_ARGUMENTS = {
    "add_column": ("table_name", "column"),
    "alter_column": ("table_name", "column_name"),
    "create_primary_key": ("constraint_name", "table_name", "columns"),
}


def in_batch(call: ast.Call) -> bool:
    """Whether a call is a batch's, not op's: it has one argument less."""
    names = _ARGUMENTS.get(_method(call), ())
    if any(isinstance(one, ast.Starred) for one in call.args):
        return False
    return len(call.args) + sum(one.arg in names for one in call.keywords) < len(names)


def out_of_batch(call: ast.Call, table: Table) -> ast.Call:
    """A batch's call as op's own. What stands in a batch runs at its end, and an op.execute() beside it before that."""
    name = _method(call)
    made = python_call(f"op.{name}(table_name={literal(table.name)}{schema_keyword(table)})")
    assert made is not None
    table_name, *schema = made.keywords
    at = _ARGUMENTS[name].index("table_name")
    kept = [one for one in call.keywords if one.arg not in ("insert_before", "insert_after")]
    if len(call.args) < at:
        return ast.Call(made.func, call.args, [table_name, *kept, *schema])
    return ast.Call(made.func, [*call.args[:at], table_name.value, *call.args[at:]], [*kept, *schema])


def _method(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def tidy(call: str) -> str:
    """A call of several lines as one, where that is short enough to read."""
    try:
        line = ast.unparse(ast.parse(call, mode="eval"))
    except (SyntaxError, ValueError):
        return call
    return line if len(line) <= 110 else call


def execute(sql: str) -> str:
    """The call that runs a statement in a migration."""
    text = sql.replace("\\", r"\\")
    if '"' not in text:
        return f'op.execute("{text}")'
    text = text.replace('""', r"\"\"")
    return f'op.execute("""{text}""")'


# PostgreSQL's documentation, appendix C: reserved, also those that may be a function's or a type's name.
RESERVED = frozenset(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch "
    "for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer "
    "overlaps placing primary references returning right select session_user similar some symmetric table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with".split()
)
