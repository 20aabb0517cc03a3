"""``upgrade()`` → operations, by walking the syntax tree. Nothing is imported or run.

The walk follows constants, locals, both branches of an ``if``, loops over sequences that are known, and functions of
the file itself. Whatever may change the database and could not be followed becomes ``NotRead``, with its place.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from migration_gate.operations.directives import Call, operations_of, statement_operations
from migration_gate.operations.model import At, NotRead, Operation, Other, Table
from migration_gate.operations.plain import (
    BUILTINS,
    LONGEST_LOOP,
    LONGEST_TEXT,
    add,
    binary,
    boolean,
    builtin,
    is_sequence,
    plain_method,
    same,
    subscript,
)
from migration_gate.operations.values import (
    HANDLE,
    UNKNOWN,
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
)
from migration_gate.project.revision import SyntaxProblem, parse_python

STEPS = 20_000  # statements and expressions of one file; past that the rest is not read
DEPTH = 40  # nested expressions and calls

Scope = dict[str, Value]

_LIBRARIES = {
    "sqlalchemy",
    "alembic",
    "sqlmodel",
    "sqlalchemy_utils",
    "geoalchemy2",
    "pgvector",
    "advanced_alchemy",
}
_LIBRARIES |= sys.stdlib_module_names
_WRITING = {
    "add", "add_all", "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "delete", "insert",
    "merge", "update",
}  # fmt: skip


class _TooMuch(Exception):  # noqa: N818
    """The file asks for more steps than the reader takes."""


class _Return(Exception):  # noqa: N818
    """Control leaves the function, for certain."""

    def __init__(self, value: Value = None) -> None:
        self.value = value


def read_upgrade(path: Path, source: bytes) -> list[Operation]:
    """The operations of one revision's ``upgrade()``, in the order in which they would run.

    For a multi-database revision, those of every ``upgrade_<engine>()``. Never raises: a file that does not parse
    gives one ``NotRead``.
    """
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        return [NotRead(At(path, tree.line or 1, tree.line or 1), "", tree.reason)]
    reader = _Reader(path, source)
    try:
        reader.module(tree)
    except (_TooMuch, RecursionError):
        reader.not_read(
            reader.last,
            "the file asks for more steps than the gate takes; the rest of it is not read",
        )
    return reader.operations


class _Reader:
    def __init__(self, path: Path, source: bytes) -> None:
        self.path = path
        self.lines = source.splitlines(keepends=True)
        self.operations: list[Operation] = []
        self.globals: Scope = {}
        self.steps = 0
        self.calls: list[str] = []
        self.reading = False  # False while the module's top level is walked: nothing there is an operation
        self.last: ast.AST = ast.Pass(lineno=1, end_lineno=1)
        self.current: ast.stmt | None = None

    def module(self, tree: ast.Module) -> None:
        self.block(tree.body, self.globals)
        self.reading = True
        entry = self.globals.get("upgrade")
        engines = [one for name, one in self.globals.items() if name.startswith("upgrade_")]
        if isinstance(entry, Function) and entry.node.args.args and any(isinstance(one, Function) for one in engines):
            for one in engines:  # flask db init --multidb: upgrade(engine_name) calls upgrade_<engine_name>()
                if isinstance(one, Function):
                    self.run(one, (), {})
        elif isinstance(entry, Function):
            self.run(entry, (UNKNOWN,) * len(entry.node.args.args), {})
        else:
            self.not_read(tree.body[0] if tree.body else self.last, "no `upgrade()` is defined in this file")

    # ── what is found ────────────────────────────────────────────────────────────────────────────────────

    def at(self, node: ast.AST) -> At:
        line = getattr(node, "lineno", 1)
        return At(self.path, line, getattr(node, "end_lineno", None) or line)

    def text(self, node: ast.AST) -> str:
        """The node's own source. As ``ast.get_source_segment``, which splits the whole file at every call."""
        if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
            return ""
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"".join(lines).decode(errors="replace")

    def not_read(self, node: ast.AST, reason: str) -> None:
        said = NotRead(self.at(node), self.text(node)[:500], reason)
        if (self.reading or isinstance(node, ast.Pass)) and said not in self.operations[-20:]:  # a loop says it again
            self.operations.append(said)

    def found(self, operations: Sequence[Operation]) -> None:
        if self.reading:
            self.operations += operations

    def step(self, node: ast.AST) -> None:
        self.last = node
        self.steps += 1
        if self.steps > STEPS:
            raise _TooMuch

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self.step(statement)
            self.current = statement
            self.statement(statement, scope)

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.Expr():
                self.expression(node.value, scope)
            case ast.Assign():
                value = self.expression(node.value, scope)
                for target in node.targets:
                    self.bind(target, value, scope)
            case ast.AnnAssign(value=ast.expr() as given):
                self.bind(node.target, self.expression(given, scope), scope)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add()):
                scope[name] = add(scope.get(name, UNKNOWN), self.expression(node.value, scope))
            case ast.AugAssign():
                self.bind(node.target, UNKNOWN, scope)
            case ast.If():
                self.branch(node, scope)
            case ast.For() | ast.AsyncFor():
                self.loop(node, scope)
            case ast.While():
                self.expression(node.test, scope)
                self.maybe(node.body, scope)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    value = self.expression(item.context_expr, scope)
                    if item.optional_vars:
                        self.bind(item.optional_vars, value, scope)
                self.block(node.body, scope)
            case ast.Try() | ast.TryStar():
                self.maybe(node.body, scope)
                for handler in node.handlers:
                    self.maybe(handler.body, scope)
                self.maybe(node.orelse, scope)
                self.block(node.finalbody, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope[node.name] = Function(node)
            case ast.ClassDef():
                scope[node.name] = Unknown()
            case ast.Import():
                for alias in node.names:
                    scope[alias.asname or alias.name.partition(".")[0]] = Imported(
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            case ast.ImportFrom():
                for alias in node.names:
                    scope[alias.asname or alias.name] = Imported(f"{'.' * node.level}{node.module or ''}.{alias.name}")
            case ast.Return():
                raise _Return(self.expression(node.value, scope) if node.value else None)
            case ast.Raise():
                raise _Return
            case ast.Match():
                self.expression(node.subject, scope)
                for one in node.cases:
                    self.maybe(one.body, scope)
            case _:
                pass

    def branch(self, node: ast.If, scope: Scope) -> None:
        test = self.expression(node.test, scope)
        if is_plain(test):
            self.block(node.body if test else node.orelse, scope)
            return
        before = dict(scope)
        left = self.maybe(node.body, scope)
        after = dict(scope)
        scope.clear()
        scope.update(before)
        right = self.maybe(node.orelse, scope)
        if left and right:
            raise _Return(UNKNOWN)
        if left:
            return
        if right:
            scope.update(after)
            return
        for name, value in after.items():
            if name not in scope or scope[name] is not value:
                scope[name] = value if name in scope and same(scope[name], value) else UNKNOWN

    def maybe(self, statements: Sequence[ast.stmt], scope: Scope) -> bool:
        """Walk a block that may or may not run; True if it leaves the function."""
        try:
            self.block(statements, scope)
        except _Return:
            return True
        return False

    def loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        sequence = self.expression(node.iter, scope)
        items = list(sequence) if is_sequence(sequence) else [Unknown(touches_database(sequence))]
        if len(items) > LONGEST_LOOP:
            self.not_read(node, f"a loop of {len(items)} turns: longer than the gate follows")
            return
        for item in items:
            self.bind(node.target, item, scope)
            if self.maybe(node.body, scope):
                break
        self.maybe(node.orelse, scope)

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        match target:
            case ast.Name():
                scope[target.id] = value
            case ast.Tuple() | ast.List():
                known = is_sequence(value) and len(value) == len(target.elts)
                for index, one in enumerate(target.elts):
                    self.bind(one, value[index] if known else Unknown(touches_database(value)), scope)
            case ast.Attribute():
                if isinstance(owner := self.expression(target.value, scope), Unknown | Method) and touches_database(
                    owner
                ):
                    self.not_read(target, "rows changed through the ORM, by setting an attribute, are not read")
            case ast.Subscript():
                owner = self.expression(target.value, scope)
                key = self.expression(target.slice, scope)
                if isinstance(owner, dict) and isinstance(key, str | int):
                    owner[key] = value

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────

    def expression(self, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
        self.step(node)
        if depth > DEPTH:
            return UNKNOWN
        down = depth + 1
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return scope[node.id] if node.id in scope else self.globals.get(node.id, UNKNOWN)
            case ast.Tuple() | ast.List() | ast.Set():
                items = self.items(node.elts, scope, down)
                return UNKNOWN if items is None else tuple(items) if isinstance(node, ast.Tuple) else items
            case ast.Dict():
                return self.dictionary(node, scope, down)
            case ast.JoinedStr():
                return self.format(node, scope, down)
            case ast.FormattedValue():
                value = self.expression(node.value, scope, down)
                plain = is_plain(value) and node.format_spec is None
                return (repr(value) if node.conversion == ord("r") else str(value)) if plain else UNKNOWN
            case ast.BinOp():
                left = self.expression(node.left, scope, down)
                right = self.expression(node.right, scope, down)
                return binary(node.op, left, right)
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
                return subscript(
                    self.expression(node.value, scope, down),
                    self.expression(node.slice, scope, down),
                )
            case ast.Call():
                return self.call(node, scope, down)
            case ast.Await() | ast.Starred():
                return self.expression(node.value, scope, down)
            case ast.NamedExpr():
                value = self.expression(node.value, scope, down)
                self.bind(node.target, value, scope)
                return value
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self.comprehension(node, scope, down)
            case _:
                return UNKNOWN

    def items(self, nodes: Sequence[ast.expr], scope: Scope, depth: int) -> list[Value] | None:
        """Elements or arguments, with ``*sequence`` laid out; None where one of those is not known."""
        found: list[Value] = []
        for node in nodes:
            value = self.expression(node, scope, depth)
            if not isinstance(node, ast.Starred):
                found.append(value)
            elif is_sequence(value):
                found += value
            else:
                return None
        return found

    def dictionary(self, node: ast.Dict, scope: Scope, depth: int) -> Value:
        found: dict[Value, Value] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.expression(value_node, scope, depth)
            if key_node is None:
                if not isinstance(value, dict):
                    return UNKNOWN
                found |= value
                continue
            key = self.expression(key_node, scope, depth)
            if not isinstance(key, str | int | bool | CoreColumn):
                return UNKNOWN
            found[key] = value
        return found

    def format(self, node: ast.JoinedStr, scope: Scope, depth: int) -> Value:
        parts = [self.expression(part, scope, depth) for part in node.values]
        if all(isinstance(part, str) for part in parts):
            return "".join(parts)[:LONGEST_TEXT]
        return UNKNOWN

    def compare(self, node: ast.Compare, scope: Scope, depth: int) -> Value:
        left = self.expression(node.left, scope, depth)
        right = self.expression(node.comparators[0], scope, depth)
        if len(node.ops) > 1 or not (is_plain(left) and is_plain(right)):
            if isinstance(node.ops[0], ast.IsNot | ast.NotEq) and right is None and isinstance(left, CoreColumn):
                return Made("isnot", (left, None), {}, self.text(node))
            return UNKNOWN
        try:
            match node.ops[0]:
                case ast.Eq() | ast.Is():
                    return left == right
                case ast.NotEq() | ast.IsNot():
                    return left != right
                case ast.In():
                    return left in right
                case ast.NotIn():
                    return left not in right
        except TypeError:
            pass
        return UNKNOWN

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope, depth: int) -> Value:
        first, *more = node.generators
        sequence = self.expression(first.iter, scope, depth)
        inner = dict(scope)
        if more or first.ifs or not is_sequence(sequence) or len(sequence) > LONGEST_LOOP:
            self.bind(first.target, UNKNOWN, inner)
            self.expression(node.elt, inner, depth)
            return UNKNOWN
        found = []
        for item in sequence:
            self.bind(first.target, item, inner)
            found.append(self.expression(node.elt, inner, depth))
        return found

    def attribute(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Imported):
            return Imported(f"{owner.name}.{name}")
        if isinstance(owner, Method) and isinstance(owner.owner, CoreTable) and owner.name in ("c", "columns"):
            return CoreColumn(name)
        # The gate judges for PostgreSQL: other dialects' branches are not its business.
        if isinstance(owner, Method) and touches_database(owner):
            if owner.name in ("dialect", "engine") and name == "name":
                return "postgresql"
            if owner.name == "url" and name in ("drivername", "get_backend_name", "get_dialect"):
                return "postgresql" if name == "drivername" else Method(owner, name)
        return Method(owner, name)

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, node: ast.Call, scope: Scope, depth: int) -> Value:
        called = self.expression(node.func, scope, depth)
        args = self.items(node.args, scope, depth)
        keywords: dict[str, Value] = {}
        whole = args is not None
        for keyword in node.keywords:
            value = self.expression(keyword.value, scope, depth)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, dict):
                keywords |= {str(key): one for key, one in value.items()}
            else:
                whole = False
        given = tuple(args or ())
        match called:
            case Imported():
                return self.call_imported(called.name, node, given, keywords, whole)
            case Method():
                return self.call_method(called, node, given, keywords, whole)
            case Function():
                return self.run(called, given, keywords, node)
            case Connection(session=True):  # sessionmaker(bind)()
                return called
            case Made(kind="sessionmaker" | "scoped_session"):  # sessionmaker()(bind=…), or bound somewhere else
                return Connection(session=True)
            case _:
                if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
                    if node.func.id == "str" and given and _is_url(given[0]):
                        return "postgresql://"
                    return builtin(node.func.id, given)
                if any(map(touches_database, [called, *given, *keywords.values()])):
                    self.not_read(node, "what is called here is not known, and it is given the database")
                return UNKNOWN

    def call_imported(self, name: str, node: ast.Call, args: tuple[Value, ...], keywords: Scope, whole: bool) -> Value:
        if name.startswith("alembic.op."):
            return self.directive(name.removeprefix("alembic.op."), node, args, keywords, whole)
        last = name.rpartition(".")[2]
        if name.startswith("alembic.context."):
            return HANDLE
        handed = any(map(touches_database, [*args, *keywords.values()]))
        if last in ("Session", "sessionmaker", "scoped_session") and handed:
            return Connection(session=True)
        if last in ("table", "Table") and args:
            schema = keywords.get("schema")
            known = isinstance(args[0], str) and (schema is None or isinstance(schema, str))
            return CoreTable(Table(args[0], schema) if known else None)
        if last == "column" and name.startswith("sqlalchemy") and args and isinstance(args[0], str):
            return CoreColumn(args[0])
        if last in ("update", "insert", "delete") and args and isinstance(args[0], CoreTable):
            return Change(last.upper(), args[0].table)
        library = name.partition(".")[0] in _LIBRARIES
        if last == "inspect" and name.startswith("sqlalchemy"):
            return UNKNOWN  # an inspector reads, and does not write
        # A call that is a whole statement can only be there for what it does.
        alone = isinstance(self.current, ast.Expr) and self.current.value is node
        if not library and (handed or alone):
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
            return Batch(Table(str(table), schema) if known else None)
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
        if isinstance(owner, Batch):
            if name != "f":
                call = Call(name, args, keywords, whole, self.at(node), self.text(node), True, owner.table)
                self.found(operations_of(call))
                return UNKNOWN
            return args[0] if args else UNKNOWN
        if isinstance(owner, Connection):
            return self.connection(owner, name, node, args)
        if isinstance(owner, CoreTable | Change):
            return self.core(owner, name, node, args, keywords)
        if isinstance(owner, Method) and owner.name == "url" and name == "get_backend_name" and touches_database(owner):
            return "postgresql"
        if isinstance(owner, CoreColumn) and name in ("is_not", "isnot"):
            return Made(name, (owner, *args), {}, self.text(node))
        if isinstance(owner, Made):
            if any(map(touches_database, [*args, *keywords.values()])) and name in (
                "create",
                "drop",
            ):
                self.found([Other(self.at(node), self.text(node), f"{name.upper()} TYPE")])
                return UNKNOWN
            if touches_database(args):
                self.not_read(node, f"{owner.kind}.{name}() is given the database, and is not followed")
            return owner
        if is_plain(owner):
            return plain_method(owner, name, args, keywords)
        if touches_database(owner) and name in _WRITING:
            self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
        elif touches_database([*args, *keywords.values()]):
            self.not_read(node, f".{name}() is given the database, and is not followed")
        return Unknown(touches_database(owner))

    def connection(self, owner: Connection, name: str, node: ast.Call, args: tuple[Value, ...]) -> Value:
        if name in ("execute", "exec_driver_sql", "scalar", "scalars", "executemany"):
            binds = name != "exec_driver_sql"
            self.found(statement_operations(args[0] if args else None, self.at(node), self.text(node), binds))
            return Unknown(handle=owner.session)  # a session gives mapped objects, and they can be changed
        if name in (
            "connect",
            "begin",
            "begin_nested",
            "execution_options",
            "connection",
            "get_bind",
            "__enter__",
        ):
            return owner
        if owner.session and name in _WRITING:
            self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
        return HANDLE if name == "query" else UNKNOWN

    def core(
        self,
        owner: CoreTable | Change,
        name: str,
        node: ast.Call,
        args: tuple[Value, ...],
        keywords: Scope,
    ) -> Value:
        if isinstance(owner, CoreTable):
            if name in ("update", "insert", "delete"):
                return Change(name.upper(), owner.table)
            if touches_database(args) or touches_database(list(keywords.values())):
                self.not_read(node, f"Table.{name}() is given the database, and is not followed")
            return Made("select", args, keywords, self.text(node)) if name == "select" else UNKNOWN
        if name != "values":
            return owner
        columns = list(keywords)
        for one in args:
            if isinstance(one, dict):
                columns += [key.name if isinstance(key, CoreColumn) else str(key) for key in one]
        return owner._replace(columns=(*owner.columns, *columns))

    def run(
        self,
        function: Function,
        args: tuple[Value, ...],
        keywords: Scope,
        node: ast.Call | None = None,
    ) -> Value:
        """Walk a function of this file with what is known of its arguments."""
        name = function.node.name
        if name in self.calls or len(self.calls) >= 12:
            self.not_read(node or function.node, f"{name}() calls itself, and is followed only once")
            return UNKNOWN
        scope = self.parameters(function.node, args, keywords)
        outer = self.current
        self.calls.append(name)
        try:
            self.block(function.node.body, scope)
        except _Return as left:
            return left.value
        finally:
            self.calls.pop()
            self.current = outer
        return None

    def parameters(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, args: tuple[Value, ...], keywords: Scope
    ) -> Scope:
        positional = [*node.args.posonlyargs, *node.args.args]
        scope: Scope = {one.arg: UNKNOWN for one in [*positional, *node.args.kwonlyargs]}
        for parameter, default in zip(reversed(positional), reversed(node.args.defaults), strict=False):
            scope[parameter.arg] = self.expression(default, self.globals)
        for parameter, given in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if given is not None:
                scope[parameter.arg] = self.expression(given, self.globals)
        scope.update({one.arg: value for one, value in zip(positional, args, strict=False)})
        scope.update({name: value for name, value in keywords.items() if name in scope})
        if node.args.vararg:
            scope[node.args.vararg.arg] = args[len(positional) :]
        if node.args.kwarg:
            scope[node.args.kwarg.arg] = {name: one for name, one in keywords.items() if name not in scope}
        return scope


def _is_url(value: Value) -> bool:
    return isinstance(value, Method) and value.name == "url" and touches_database(value)
