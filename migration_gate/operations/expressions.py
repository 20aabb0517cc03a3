"""What the expressions of a migration stand for, and what its calls do to the database.

A call that may change the database is either an operation or a ``NotRead``: where what is called is not known, it
depends on whether it is given the database, or stands alone as a statement, so that all it can be there for is what it
does.
"""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from migration_gate.operations.directives import Call, operations_of, statement_operations
from migration_gate.operations.model import At, Boundary, NotRead, Operation, Other, Table
from migration_gate.operations.plain import (
    BUILTINS,
    LONGEST_LOOP,
    LONGEST_TEXT,
    as_text,
    binary,
    boolean,
    builtin,
    compared,
    is_sequence,
    plain_method,
    same,
    subscript,
)
from migration_gate.operations.values import (
    HANDLE,
    MOST,
    UNKNOWN,
    Autocommit,
    Batch,
    Change,
    Connection,
    CoreColumn,
    CoreTable,
    Function,
    Imported,
    Made,
    Method,
    Unknown,
    Value,
    is_plain,
    touches_database,
    weight,
)

STEPS = 200_000  # statements and expressions of one file; past that the rest is not read
SECONDS = 0.5  # of processor time for one file, whatever its steps cost; a usual one takes a thousandth of that
DEPTH = 60  # nested expressions
LONGEST_LITERAL = 2_000  # elements of a list or dict that are looked at

Scope = dict[str, Value]

_LIBRARIES = {
    "advanced_alchemy", "alembic", "geoalchemy2", "pgvector", "sqlalchemy", "sqlalchemy_utils", "sqlmodel",
}  # fmt: skip
_LIBRARIES |= sys.stdlib_module_names
_WRITING = {
    "add", "add_all", "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "delete", "insert",
    "merge", "update",
}  # fmt: skip
_EXECUTING = {"execute", "exec_driver_sql", "executemany", "scalar", "scalars"}
_SAME_CONNECTION = {
    "__enter__", "begin", "begin_nested", "connect", "connection", "execution_options", "get_bind",
}  # fmt: skip


class TooMuch(Exception):  # noqa: N818
    """The file asks for more than the reader gives."""


class Expressions:
    """Evaluates expressions, and collects the operations of the calls in them. from_python.py adds statements."""

    def __init__(self, path: Path, source: bytes) -> None:
        self.path = path
        self.lines = source.splitlines(keepends=True)
        self.operations: list[Operation] = []
        self.globals: Scope = {}
        self.steps = 0
        self.ends = time.process_time() + SECONDS
        self.calls: list[str] = []
        self.returns: list[list[Value]] = []  # of each call, what it may return before its end
        self.batches: list[Batch] = []  # that have begun, and whose operations still wait
        self.autocommit: ast.AST | None = (
            None  # what took the connection out of transactions, until it is told otherwise
        )
        self.reading = False  # False while the module's top level is walked: nothing there is an operation
        self.last: ast.AST = ast.Pass(lineno=1, end_lineno=1)
        self.current: ast.stmt | None = None

    def run(self, function: Function, args: tuple[Value, ...], keywords: Scope, node: ast.Call | None = None) -> Value:
        """Walk a function of the file."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a target."""
        raise NotImplementedError

    # ── what is found ────────────────────────────────────────────────────────────────────────────────────

    def at(self, node: ast.AST) -> At:
        line = getattr(node, "lineno", 1)
        return At(self.path, line, getattr(node, "end_lineno", None) or line)

    def text(self, node: ast.AST) -> str:
        """The node's own source. As ``ast.get_source_segment``, which splits the whole file at every call."""
        if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
            return ""
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        if not lines:
            return ""  # the file's own encoding has other line ends
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"".join(lines).decode(errors="replace")

    def not_read(self, node: ast.AST, reason: str) -> None:
        said = NotRead(self.at(node), self.text(node)[:500], reason)
        if self.reading and said not in self.operations[-20:]:  # a loop says it again
            self.operations.append(said)

    def found(self, operations: Sequence[Operation]) -> None:
        if self.reading:
            self.operations += operations

    def boundary(
        self, kind: Literal["autocommit", "end of autocommit", "commit"], node: ast.AST, line: int | None = None
    ) -> None:
        at = self.at(node)
        self.found([Boundary(At(at.path, line, line) if line else at, self.text(node), kind)])

    def isolation(self, node: ast.AST, autocommit: bool) -> None:
        """The migration's own connection commits each statement from here on, or no longer does. (SQLAlchemy 2 refuses
        to change that within a transaction; drivers do, and psycopg2 rolls the transaction back.)
        """
        if autocommit and self.autocommit is None:
            self.autocommit = node
            self.boundary("autocommit", node)
        elif not autocommit and self.autocommit is not None:
            self.autocommit = None
            self.boundary("end of autocommit", node)

    def flush(self, batch: Batch) -> None:
        self.found(batch.waiting)
        batch.waiting.clear()

    def end(self) -> None:
        """What began and nobody ended, ends with the function: ``stack.enter_context(op.batch_alter_table(…))``."""
        for batch in self.batches:
            self.flush(batch)
        if self.autocommit is not None:
            self.isolation(self.autocommit, False)

    def step(self, node: ast.AST) -> None:
        self.last = node
        self.steps += 1
        if self.steps > STEPS or (self.steps % 64 == 0 and time.process_time() > self.ends):
            raise TooMuch

    def weighed(self, value: Value) -> Value:
        """The value, unless it has grown too heavy to be compared and copied at will."""
        return UNKNOWN if weight(value) >= MOST else value

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────

    def expression(self, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
        self.step(node)
        if depth > DEPTH:
            if any(isinstance(one, ast.Call) for one in ast.walk(node)):
                self.not_read(node, "expressions nested too deeply to follow")
            return UNKNOWN
        down = depth + 1
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self.name(node.id, scope)
            case ast.Tuple() | ast.List() | ast.Set():
                if len(node.elts) > LONGEST_LITERAL:
                    return UNKNOWN
                items, whole = self.items(node.elts, scope, down)
                return UNKNOWN if not whole else self.weighed(tuple(items) if isinstance(node, ast.Tuple) else items)
            case ast.Dict():
                return self.weighed(self.dictionary(node, scope, down))
            case ast.JoinedStr():
                parts = [self.expression(part, scope, down) for part in node.values]
                return "".join(parts)[:LONGEST_TEXT] if all(isinstance(part, str) for part in parts) else UNKNOWN
            case ast.FormattedValue():
                value = self.expression(node.value, scope, down)
                plain = is_plain(value) and node.format_spec is None
                return as_text(value, node.conversion == ord("r")) if plain else UNKNOWN
            case ast.BinOp():
                return self.weighed(self.binary(node, scope, down))
            case ast.UnaryOp():
                value = self.expression(node.operand, scope, down)
                if isinstance(node.op, ast.Not) and is_plain(value):
                    return not value
                return -value if isinstance(node.op, ast.USub) and isinstance(value, int | float) else UNKNOWN
            case ast.BoolOp():
                return boolean(node.op, [self.expression(one, scope, down) for one in node.values])
            case ast.Compare():
                return self.compare(node, scope, down)
            case ast.IfExp():
                test = self.expression(node.test, scope, down)
                left = self.expression(node.body, scope, down)
                right = self.expression(node.orelse, scope, down)
                return (left if test else right) if is_plain(test) else left if same(left, right) else UNKNOWN
            case ast.Attribute():
                return self.attribute(self.expression(node.value, scope, down), node.attr)
            case ast.Subscript():
                owner = self.expression(node.value, scope, down)
                return subscript(owner, self.expression(node.slice, scope, down))
            case ast.Call():
                return self.weighed(self.call(node, scope, down))
            case ast.Await() | ast.Starred():
                return self.expression(node.value, scope, down)
            case ast.NamedExpr():
                value = self.expression(node.value, scope, down)
                self.bind(node.target, value, scope)
                return value
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.weighed(self.comprehension(node, scope, down))
            case ast.Lambda():
                return UNKNOWN
            case _:
                return self.parts(node, scope, down)

    def parts(self, node: ast.AST, scope: Scope, depth: int = 0) -> Value:
        """Evaluate whatever expressions a node is made of, for what their calls do."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child, scope, depth)
        return UNKNOWN

    def name(self, name: str, scope: Scope) -> Value:
        return scope[name] if name in scope else self.globals.get(name, UNKNOWN)

    def items(self, nodes: Sequence[ast.expr], scope: Scope, depth: int) -> tuple[list[Value], bool]:
        """Elements or arguments, with ``*sequence`` laid out; and whether that is all of them: what comes after an
        unknown ``*sequence`` has no known place.
        """
        found: list[Value] = []
        whole = True
        for node in nodes:
            value = self.expression(node, scope, depth)
            if not whole:
                continue
            if not isinstance(node, ast.Starred):
                found.append(value)
            elif is_sequence(value):
                found += value
            else:
                whole = False
        return found, whole

    def dictionary(self, node: ast.Dict, scope: Scope, depth: int) -> Value:
        if len(node.values) > LONGEST_LITERAL:
            return UNKNOWN
        found: dict[Value, Value] = {}
        known = True
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.expression(value_node, scope, depth)
            if key_node is None:
                known = known and type(value) is dict
                found |= value if type(value) is dict else {}
                continue
            key = self.expression(key_node, scope, depth)
            known = known and isinstance(key, str | int | bool | CoreColumn)
            if known:
                found[key] = value
        return found if known else UNKNOWN

    def binary(self, node: ast.BinOp, scope: Scope, depth: int) -> Value:
        """``a + b + c …`` is nested to the left, as deep as it is long."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.expression(chain[-1].left, scope, depth)
        for one in reversed(chain):
            value = binary(one.op, value, self.expression(one.right, scope, depth))
        return value

    def compare(self, node: ast.Compare, scope: Scope, depth: int) -> Value:
        left = self.expression(node.left, scope, depth)
        right, *more = [self.expression(one, scope, depth) for one in node.comparators]
        if isinstance(node.ops[0], ast.IsNot | ast.NotEq) and right is None and isinstance(left, CoreColumn):
            return Made("isnot", (left, None), {}, self.text(node))
        return UNKNOWN if more else compared(node.ops[0], left, right)

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope, depth: int
    ) -> Value:
        first, *more = node.generators
        sequence = self.expression(first.iter, scope, depth)
        inner = dict(scope)
        if more or first.ifs or isinstance(node, ast.DictComp) or not is_sequence(sequence):
            self.bind(first.target, Unknown(touches_database(sequence)), inner)
            for one in more:
                self.expression(one.iter, inner, depth)
                self.bind(one.target, UNKNOWN, inner)
            for test in [test for one in node.generators for test in one.ifs]:
                self.expression(test, inner, depth)
            results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            for result in results:
                self.expression(result, inner, depth)
            return UNKNOWN
        found = []
        for item in list(sequence)[: LONGEST_LOOP + 1]:
            self.bind(first.target, item, inner)
            found.append(self.expression(node.elt, inner, depth))
        return found if len(found) <= LONGEST_LOOP else UNKNOWN

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Imported):
            return Imported(f"{owner.name}.{name}")
        if isinstance(owner, Method) and isinstance(owner.owner, CoreTable) and owner.name in ("c", "columns"):
            return CoreColumn(name)
        # The gate judges for PostgreSQL: other dialects' branches are not its business.
        if isinstance(owner, Method) and touches_database(owner):
            if owner.name in ("dialect", "engine") and name == "name":
                return "postgresql"
            if owner.name == "url" and name == "drivername":
                return "postgresql"
        return Method(owner, name)

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, node: ast.Call, scope: Scope, depth: int) -> Value:
        called = self.expression(node.func, scope, depth)
        items, whole = self.items(node.args, scope, depth)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.expression(keyword.value, scope, depth)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif type(value) is dict:
                keywords |= {str(key): one for key, one in value.items()}
            else:
                whole = False
        args = tuple(items)
        match called:
            case Imported():
                return self.call_imported(called.name, node, args, keywords, whole)
            case Method():
                return self.call_method(called, node, args, keywords, whole)
            case Function():
                return self.run(called, args, keywords, node)
            case Connection(session=True):  # sessionmaker(bind)()
                return called
            case Made(kind="sessionmaker" | "scoped_session"):  # sessionmaker()(bind=…), or bound somewhere else
                return Connection(session=True)
            case _:
                return self.call_unknown(called, node, args, keywords)

    def call_unknown(self, called: Value, node: ast.Call, args: tuple[Value, ...], keywords: Scope) -> Value:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        handed = _handed(args, keywords) or touches_database(called)
        if name == "str" and args and _is_url(args[0]):
            return "postgresql://"
        if name in BUILTINS and not (handed and name in ("map", "filter")):
            return builtin(name, args, keywords)
        by_name = isinstance(node.func, ast.Subscript) and self.text(node.func).startswith("globals()")
        if handed or (self.stands_alone(node) and (name or isinstance(node.func, ast.Call)) and not by_name):
            self.not_read(node, "what is called here is not known, and it may change the database")
        return Unknown(handed)

    def stands_alone(self, node: ast.Call) -> bool:
        """Whether the call is all of its statement, or what that returns: it is there for what it does."""
        current = self.current
        if not isinstance(current, ast.Expr | ast.Return):
            return False
        value = current.value
        return (value.value if isinstance(value, ast.Await) else value) is node

    def call_imported(self, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope, whole: bool) -> Value:
        if name.startswith("alembic.op."):
            return self.directive(name.removeprefix("alembic.op."), node, args, keywords, whole)
        last = name.rpartition(".")[2]
        if name.startswith("alembic.context."):
            return Connection() if last == "get_bind" else HANDLE
        handed = _handed(args, keywords)
        if last in ("Session", "sessionmaker", "scoped_session") and handed:
            return Connection(session=True)
        if name == "alembic.operations.Operations":
            return Imported("alembic.op")
        if last in ("table", "Table") and args:
            schema = keywords.get("schema")
            known = isinstance(args[0], str) and (schema is None or isinstance(schema, str))
            return CoreTable(Table(args[0], schema) if known else None)
        if last == "column" and name.startswith("sqlalchemy") and args and isinstance(args[0], str):
            return CoreColumn(args[0])
        if last in ("update", "insert", "delete") and args and isinstance(args[0], CoreTable):
            return Change(last.upper(), args[0].table)
        if last == "inspect" and name.startswith("sqlalchemy"):
            return UNKNOWN  # an inspector reads, and does not write
        library = name.partition(".")[0] in _LIBRARIES
        if (not library and (handed or self.stands_alone(node))) or (handed and last == "partial"):
            self.not_read(node, f"{name}() is another module's, and is not followed")
            return Unknown(handed)
        return Made(name, args, keywords, self.text(node), whole)

    def directive(self, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope, whole: bool) -> Value:
        if name == "f":
            return args[0] if args else UNKNOWN
        if name == "get_bind":
            return Connection()
        if name == "get_context":
            return HANDLE
        if name == "batch_alter_table":
            table, schema = args[0] if args else keywords.get("table_name"), keywords.get("schema")
            if len(args) > 1:
                schema = args[1]
            known = isinstance(table, str) and (schema is None or isinstance(schema, str))
            self.batches.append(batch := Batch(Table(str(table), schema) if known else None, []))
            return batch
        if name == "inline_literal":
            return UNKNOWN
        if "." in name:  # op.get_context().…, as an attribute chain of the module itself
            return Unknown(handle=True)
        self.found(operations_of(Call(name, args, keywords, whole, self.at(node), self.text(node))))
        if name == "create_table":
            return CoreTable(Table(args[0], keywords.get("schema"))) if args and isinstance(args[0], str) else UNKNOWN
        return HANDLE if name in ("execute", "run_async") else UNKNOWN

    def call_method(
        self, method: Method, node: ast.Call, args: tuple[Value, ...], keywords: Scope, whole: bool
    ) -> Value:
        owner, name = method.owner, method.name
        if name == "enter_context" and args and isinstance(args[0], Batch | Autocommit):
            if isinstance(args[0], Autocommit):
                self.isolation(node, True)
            return args[0] if isinstance(args[0], Batch) else UNKNOWN
        if isinstance(owner, Batch):
            return self.batch(owner, name, node, args, keywords, whole)
        if isinstance(owner, Connection):
            return self.connection(owner, name, node, args, keywords)
        if isinstance(owner, Autocommit):
            return self.connection(Connection(), name, node, args, keywords)
        if isinstance(owner, CoreTable | Change):
            return self.core(owner, name, node, args, keywords)
        if isinstance(owner, Method) and owner.name == "url" and name == "get_backend_name" and touches_database(owner):
            return "postgresql"
        if isinstance(owner, CoreColumn) and name in ("is_not", "isnot"):
            return Made(name, (owner, *args), {}, self.text(node))
        if isinstance(owner, Made):
            return self.made(owner, name, node, args, keywords)
        if is_plain(owner):
            return plain_method(owner, name, args, keywords)
        if touches_database(owner):
            if name == "autocommit_block":
                return Autocommit()
            if name in ("begin", "connect") and isinstance(owner, Method) and owner.name == "engine":
                return Connection(inner=True)
            if name == "commit":  # of a driver's connection, or a transaction of the connection's own
                self.boundary("commit", node)
            if name == "set_isolation_level":
                self.isolation(node, _says_autocommit(args[0] if args else None))
            if name == "execution_options" and "isolation_level" in keywords:  # of another connection of the engine
                return Autocommit(True) if _says_autocommit(keywords["isolation_level"]) else HANDLE
            if name in _EXECUTING:  # op.get_context().connection, a cursor, an engine: all of them are the connection
                return self.connection(Connection(), name, node, args, keywords)
            if name in _WRITING:
                self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
            return HANDLE
        if _handed(args, keywords):
            self.not_read(node, f".{name}() is given the database, and is not followed")
            return HANDLE
        return UNKNOWN

    def batch(
        self, owner: Batch, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope, whole: bool
    ) -> Value:
        if name == "f":
            return args[0] if args else UNKNOWN
        if name == "get_bind":
            return Connection()
        call = Call(name, args, keywords, whole, self.at(node), self.text(node), True, owner.table)
        if name == "execute":  # the only one that does not wait: `batch_execute` goes past the batch
            self.found(operations_of(call))
        elif self.reading:
            owner.waiting.extend(operations_of(call))
        return UNKNOWN

    def made(self, owner: Made, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope) -> Value:
        """A method of something that an imported class or function made."""
        handed = _handed(args, keywords)
        library = owner.name.partition(".")[0] in _LIBRARIES and owner.kind != "import_module"
        if name == "with_variant" and library and args:  # one type for some databases, and another for the rest
            known = all(isinstance(one, str) for one in args[1:])
            return (args[0] if "postgresql" in args[1:] else owner) if known else UNKNOWN
        if handed and name in ("create", "drop") and library:
            self.found([Other(self.at(node), self.text(node), f"{name.upper()} TYPE")])
            return UNKNOWN
        if handed or (not library and self.stands_alone(node)):
            self.not_read(node, f"{owner.kind}.{name}() is given the database or stands alone, and is not followed")
        return owner

    def connection(
        self, owner: Connection, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope
    ) -> Value:
        if name == "commit" and not (owner.session or owner.inner):
            # A session on a connection that has a transaction does not end it: "conditional_savepoint".
            self.boundary("commit", node)
        if name == "execution_options" and "isolation_level" in keywords:
            if owner.inner and _says_autocommit(keywords["isolation_level"]):
                return Autocommit(True)
            self.isolation(node, _says_autocommit(keywords["isolation_level"]))
        if name in _EXECUTING:
            binds = name in ("execute", "scalar", "scalars")
            self.found(statement_operations(args[0] if args else None, self.at(node), self.text(node), binds))
            return Unknown(handle=owner.session)  # a session gives mapped objects, and they can be changed
        if name in _SAME_CONNECTION:
            return owner._replace(inner=owner.inner or name == "begin_nested")
        if name in ("run_callable", "run_sync"):
            self.not_read(node, f".{name}() is given the database, and is not followed")
        if owner.session and name in _WRITING:
            self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
        return HANDLE if name in ("query", "cursor", "get_transaction") else UNKNOWN

    def core(
        self, owner: CoreTable | Change, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope
    ) -> Value:
        if isinstance(owner, CoreTable):
            if name in ("update", "insert", "delete"):
                return Change(name.upper(), owner.table)
            if _handed(args, keywords):
                self.not_read(node, f"Table.{name}() is given the database, and is not followed")
            return Made("select", args, keywords, self.text(node)) if name == "select" else UNKNOWN
        if name in ("where", "filter", "filter_by"):
            return owner._replace(where=True)
        if name != "values":
            return owner
        given: dict[str, Value] = dict(keywords)
        for one in args:
            if type(one) is dict:
                given |= {key.name if isinstance(key, CoreColumn) else str(key): value for key, value in one.items()}
        return owner._replace(
            columns=(*owner.columns, *given),
            filled=(*owner.filled, *(key for key, value in given.items() if value is not None and is_plain(value))),
            to_null=(*owner.to_null, *(key for key, value in given.items() if value is None)),
        )


def _handed(args: tuple[Value, ...], keywords: Scope) -> bool:
    """Whether a call is given something by which it could change the database."""
    return any(map(touches_database, [*args, *keywords.values()]))


def _says_autocommit(level: Value) -> bool:
    """Of SQLAlchemy's levels, and of psycopg2's ``ISOLATION_LEVEL_AUTOCOMMIT``, which is 0."""
    if isinstance(level, Imported):
        return level.name.endswith("AUTOCOMMIT")
    return level == 0 or (isinstance(level, str) and level.upper() == "AUTOCOMMIT")


def _is_url(value: Value) -> bool:
    return isinstance(value, Method) and value.name == "url" and touches_database(value)
