"""Rows that are changed by SQLAlchemy's Core statements, and through its ORM.

Of the ORM, what a session is asked to write is read where the class says its table: queries' update() and delete(), new
objects, and attributes of loaded ones that are set ("ORM-Enabled INSERT, UPDATE, and DELETE statements").
"""

from __future__ import annotations

import ast
import re
from typing import Literal

from migration_gate.operations.directives import Call, operations_of, statement_operations
from migration_gate.operations.expressions import Expressions, element_of
from migration_gate.operations.model import ChangeRows, NotRead, Operation, Other, Set, Table
from migration_gate.operations.sql_rows import ALWAYS
from migration_gate.operations.texts import filled
from migration_gate.operations.values import (
    HANDLE,
    UNKNOWN,
    Change,
    Class,
    CoreColumn,
    CoreTable,
    Gapped,
    Imported,
    Made,
    Query,
    Row,
    Scope,
    Some,
    Unknown,
    Value,
    is_plain,
    touches_database,
)

WRITING = {
    "add", "add_all", "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "delete", "insert",
    "merge", "update",
}  # fmt: skip
_NARROWS = {"filter", "filter_by", "having", "join", "limit", "offset", "outerjoin", "slice", "where"}
_ONE = {"first", "get", "one", "one_or_none"}
# Methods of results and queries that give the same objects again.
GIVES = {
    "all", "columns", "execution_options", "fetchall", "fetchmany", "fetchone", "first", "one", "one_or_none",
    "options", "order_by", "partitions", "scalar", "scalar_one", "scalar_one_or_none", "scalars", "unique",
    "with_for_update", "yield_per",
}  # fmt: skip
_DRIVER_BIND = re.compile(r"%%|%s|%\(\w+\)s")
_DRIVER_LIST = re.compile(r"\bIN\s+(%s|%\(\w+\)s)", re.IGNORECASE)  # psycopg2 writes a tuple's parentheses itself


class Rows(Expressions):
    # ── statements ───────────────────────────────────────────────────────────────────────────────────────

    def execute(self, node: ast.expr, args: tuple[Value, ...], keywords: Scope, binds: bool) -> Value:
        """A statement is executed; what its result gives."""
        statement = args[0] if args else keywords.get("statement", keywords.get("query"))
        if isinstance(statement, str) and (len(args) > 1 or keywords):
            # With parameters, the driver takes %s for one, and %% for a percent sign.
            statement = _DRIVER_LIST.sub(r"IN (\1)", statement)
            statement = _DRIVER_BIND.sub(lambda one: "%" if one[0] == "%%" else "$1", statement)
        self.found(self.executed(statement, node, binds))
        if isinstance(statement, Made) and statement.kind == "select" and statement.args:
            entity = statement.args[0]
            return self.entity(entity) if isinstance(entity, Class) else UNKNOWN
        return UNKNOWN

    def executed(self, statement: Value, node: ast.expr, binds: bool = True) -> list[Operation]:
        if (
            isinstance(statement, Made)
            and statement.kind == "text"
            and statement.args
            and isinstance(statement.args[0], Gapped)
        ):
            statement = statement.args[0]
        if isinstance(statement, Gapped):
            return self.gapped(statement.text, node, binds)
        if isinstance(statement, Made) and statement.args:
            name = _CONSTRUCTS.get(statement.kind)
            if name is not None:
                return self.of_schema(name, statement.args[0], node, statement.keywords)
        return statement_operations(statement, self.at(node), self.text(node), binds)

    def gapped(self, text: str, node: ast.expr, binds: bool) -> list[Operation]:
        """What SQL does of which parts are not known: read where these can be nothing but values."""
        at, source = self.at(node), self.text(node)
        found: list[Operation] = []
        sql = filled(text)
        for one in statement_operations(sql, at, source, binds) if sql is not None else []:
            if isinstance(one, Set):
                found.append(one._replace(value=None))
            elif isinstance(one, ChangeRows | Other):
                found.append(one)
            else:
                return [NotRead(at, source, "the SQL is computed")]
        return found or [NotRead(at, source, "the SQL is computed")]

    def of_schema(self, name: str, item: Value, node: ast.expr, keywords: Scope) -> list[Operation]:
        """What creating or dropping a Core table or index does: ``name`` is the directive that does the same."""
        at, source = self.at(node), self.text(node)
        exists = keywords.get("checkfirst", keywords.get("if_not_exists", keywords.get("if_exists", False)))
        words: Scope = {}
        args: tuple[Value, ...] = ()
        if isinstance(item, CoreTable) and item.table:
            words["schema"] = item.table.schema
            args = (item.table.name, *(item.items if name == "create_table" else ()))
        elif isinstance(item, Made) and item.kind == "Index" and item.args:
            columns = [one for one in item.args[1:] if isinstance(one, CoreColumn)]
            table = next((one.table for one in columns if one.table), None)
            if table:
                args = (item.args[0], table.name, list(item.args[1:]))
                args = args if name == "create_index" else args[:2]
                words = {**item.keywords, "schema": table.schema}
        if not args:
            return [NotRead(at, source, "what is created or dropped here is computed")]
        if name == "create_table":
            words["if_not_exists"] = exists
        return operations_of(Call(name, args, words, True, at, source))

    # ── Core ─────────────────────────────────────────────────────────────────────────────────────────────

    def core(
        self, owner: CoreTable | Change, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope
    ) -> Value:
        if isinstance(owner, CoreTable):
            if name in ("update", "insert", "delete"):
                return Change(name.upper(), owner.table)
            if name in ("create", "drop") and (args or keywords):
                self.found(self.of_schema(f"{name}_table", owner, node, keywords))
            elif name == "join":
                return UNKNOWN
            elif any(map(touches_database, [*args, *keywords.values()])):
                self.not_read(node, f"Table.{name}() is given the database, and is not followed")
            return Made("select", args, keywords, self.text(node)) if name == "select" else owner
        if name in ("where", "filter", "filter_by"):
            null_of = None if owner.where or keywords or len(args) != 1 else _null_of(args[0])
            return owner._replace(where=True, null_of=null_of)
        if name not in ("values", "ordered_values"):
            return owner
        return _with_values(owner, args, keywords)

    # ── the ORM ──────────────────────────────────────────────────────────────────────────────────────────

    def session(self, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope) -> Value:
        """A method of a session that is about mapped objects."""
        first = args[0] if args else None
        if name in ("query", "get"):
            table = self.table_of(first)
            if table is None and isinstance(first, CoreColumn):
                table = first.table
            if table is None:
                return HANDLE
            entity = isinstance(first, Class) and len(args) == (1 if name == "query" else 2)
            one = self.entity(first) if isinstance(first, Class) else UNKNOWN
            return Query(table, entity, columns=one.columns) if name == "query" else one
        if (changes := self._written(name, args, node)) is None:
            self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
        else:
            self.found(changes)
        return UNKNOWN

    def _written(self, name: str, args: tuple[Value, ...], node: ast.expr) -> list[Operation] | None:
        """What a session is given to write; None where that is not known."""
        first = args[0] if args else UNKNOWN
        if name in ("bulk_insert_mappings", "bulk_update_mappings"):
            table = self.table_of(first)
            return table and [self.change(node, table, "INSERT" if "insert" in name else "UPDATE")]
        several = first if name in ("add_all", "bulk_save_objects") else [first]
        if isinstance(several, Some):
            several = [several.element]
        if type(several) not in (list, tuple):
            return None
        found: list[Operation] = []
        for one in several:
            if isinstance(one, Row):
                found.append(self.change(node, one.table, "INSERT", one.columns))
                if name == "merge":  # the row may be there
                    found.append(self.change(node, one.table, "UPDATE", one.columns))
            elif isinstance(one, Unknown) and one.table and name == "delete":
                found.append(self.change(node, one.table, "DELETE"))
            elif not (isinstance(one, Unknown) and one.table):  # what was loaded and set has been noted
                return None
        return found

    def change(
        self,
        node: ast.AST,
        table: Table,
        verb: Literal["INSERT", "UPDATE", "DELETE"],
        columns: tuple[str, ...] = (),
    ) -> ChangeRows:
        return ChangeRows(self.at(node), self.text(node), table, verb, columns)

    def query(self, owner: Query, name: str, node: ast.expr, args: tuple[Value, ...]) -> Value:
        """A method of a query: what it narrows, gives, or changes."""
        if name in ("update", "delete"):
            change = Change(name.upper(), owner.table, where=owner.where, null_of=owner.null_of)
            if name == "update":
                change = _with_values(change, args[:1], {})
            self.found(statement_operations(change, self.at(node), self.text(node)))
            return UNKNOWN
        if name in _NARROWS:
            conditions = name in ("filter", "where") and len(args) == 1 and not owner.where
            return owner._replace(where=True, null_of=_null_of(args[0]) if conditions else None)
        if name in _ONE or name in ("all", "scalars", "yield_per"):
            return element_of(owner)
        if name in ("count", "exists", "scalar", "subquery", "statement"):
            return UNKNOWN
        return owner._replace(entity=False) if name in ("with_entities", "values", "value") else owner

    def set_attribute(self, owner: Value, name: str, node: ast.AST, how: str = "an attribute") -> None:
        """``owner.name = …``"""
        if isinstance(owner, Unknown) and owner.table:
            self.found([self.change(node, owner.table, "UPDATE", (name,) if name else ())])
        elif not isinstance(owner, Row) and touches_database(owner):
            self.not_read(node, f"rows changed through the ORM, by setting {how}, are not read")


def _with_values(owner: Change, args: tuple[Value, ...], keywords: Scope) -> Change:
    given: dict[str, Value] = dict(keywords)
    for one in args:
        if type(one) is dict:
            given |= {key.name if isinstance(key, CoreColumn) else str(key): value for key, value in one.items()}
    return owner._replace(
        columns=(*owner.columns, *given),
        filled=(*owner.filled, *(key for key, value in given.items() if _has_a_value(value))),
        to_null=(*owner.to_null, *(key for key, value in given.items() if value is None)),
    )


def _null_of(condition: Value) -> str | None:
    """The column of ``users.c.email.is_(None)`` and ``users.c.email == None``."""
    if not isinstance(condition, Made) or condition.kind != "is_" or len(condition.args) != 2:
        return None
    column, other = condition.args
    null = other is None or (isinstance(other, Made | Imported) and other.name in _NULL)
    return column.name if null and isinstance(column, CoreColumn) else None


def _has_a_value(value: Value) -> bool:
    """Whether a value that a column is given is surely not NULL."""
    if isinstance(value, Made):
        _, func, name = value.name.partition(".func.")
        return value.name in _NEVER_NONE or (bool(func) and name in ALWAYS)
    return isinstance(value, Gapped) or (value is not None and is_plain(value))


_NULL = {"sqlalchemy.null", "sqlalchemy.sql.null", "sqlalchemy.sql.expression.null"}
# Functions of Python's own that people fill columns with; none of them gives None.
_NEVER_NONE = {
    "datetime.date.today", "datetime.datetime.now", "datetime.datetime.utcnow", "json.dumps", "secrets.token_hex",
    "secrets.token_urlsafe", "time.time", "uuid.uuid1", "uuid.uuid4",
}  # fmt: skip
_CONSTRUCTS = {
    "CreateIndex": "create_index",
    "CreateTable": "create_table",
    "DropIndex": "drop_index",
    "DropTable": "drop_table",
}
