"""SQL text → operations, by PostgreSQL's own grammar.

What each kind of statement does is in the modules that are named sql_…; this one takes a text apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations import sql_objects, sql_rows
from migration_gate.operations.grammar import Node, Statement, Unreadable, expression, is_null, parse
from migration_gate.operations.model import At, NotRead, Operation, Other
from migration_gate.operations.sql_columns import Writes, not_nulls, writes

# As sqlalchemy.text() finds bind parameters: `:name`, but not `::type` and not `\:name`.
_BIND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)|\\:")
# As psycopg and psycopg2 have them in what a driver gets as it is.
_DRIVER = re.compile(r"%(?:\(\w+\))?s|%%")
_LEFT_OUT = re.compile(r"=\s*…")  # what a remedy leaves to its reader, pasted as it was: it does nothing yet
_NOT_FOLLOWED = {
    "CallStmt": "a procedure's body is not read",
    "ExecuteStmt": "a prepared statement is not read",
}
_OTHER = {"CreateFunctionStmt": "CREATE FUNCTION"}


def read_sql(sql: str, at: At, binds: bool = True) -> list[Operation]:
    """The operations of one SQL string, which may hold several statements. Never raises.

    With ``binds``, ``:name`` is a bind parameter, as in ``sqlalchemy.text`` and in a string given to ``op.execute``;
    without, ``%s`` and ``%(name)s`` are, as drivers have them. Invalid SQL is a ``NotRead`` with PostgreSQL's own
    message and position.
    """
    statements = parse(_parameters(sql, binds))
    if isinstance(statements, Unreadable):
        shown = sql.encode(errors="replace").decode() if len(sql) < 2_000 else sql[:200]
        return [NotRead(at, shown, statements.reason)]
    if _LEFT_OUT.search(sql):
        return [Other(at, sql, "a placeholder")]
    raw = sql.encode()
    found: list[Operation] = []
    for one in statements:
        start = one.get("stmt_location", 0)
        end = start + one["stmt_len"] if one.get("stmt_len") else len(raw)
        here = Statement(at, raw[start:end].decode(errors="replace").strip(), raw)
        try:
            found += list(_statement(one["stmt"], here))
        except (LookupError, TypeError, AttributeError, RecursionError):  # a shape that pgparse did not have so far
            found.append(NotRead(at, here.call, f"a form of {next(iter(one['stmt']))} that the gate does not know"))
    return found


def _parameters(sql: str, binds: bool) -> str:
    """The text with ``$1`` for each parameter, as long in bytes as before, so that positions stay."""
    if binds:
        return _BIND.sub(lambda one: " :" if one[0] == r"\:" else _padded(one[0]), sql) if ":" in sql else sql
    return _DRIVER.sub(lambda one: " %" if one[0] == "%%" else _padded(one[0]), sql) if "%" in sql else sql


def _padded(parameter: str) -> str:
    return "$1".ljust(len(parameter.encode(errors="replace")))


def _statement(node: Node, here: Statement) -> Iterator[Operation]:
    (kind, body), *_ = node.items()
    if kind in sql_rows.KINDS:
        yield from sql_rows.changes(node, here)
    elif reader := sql_objects.READERS.get(kind):
        yield from reader(body, here)
    elif kind == "DoStmt":
        from migration_gate.operations.sql_blocks import block  # few migrations have one

        yield from block(body, here, read_sql)
    elif kind in _NOT_FOLLOWED:
        yield NotRead(here.at, here.call, _NOT_FOLLOWED[kind])
    else:
        yield Other(here.at, here.call, _OTHER.get(kind, kind.removesuffix("Stmt")))


def check_proves_not_null(condition: str) -> tuple[str, ...]:
    """The columns that a CHECK expression, as SQL text, shows to be NOT NULL. Empty where it cannot be read."""
    node = expression(_parameters(condition, binds=True))
    return tuple(not_nulls(node)) if node else ()


def default_is_null(default: str) -> bool:
    """Whether a server default, as SQL text, is NULL. False where it cannot be read."""
    node = expression(_parameters(default, binds=True))
    return node is not None and is_null(node)


def default_writes(default: str) -> Writes:
    """Whether ADD COLUMN with this server default, as SQL text, writes the table anew; None where nobody can tell."""
    node = expression(_parameters(default, binds=True))
    return None if node is None else writes(node)
