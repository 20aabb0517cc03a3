"""``upgrade()`` → operations, by walking the syntax tree. Nothing is imported or run.

The walk follows constants, locals, both branches of an ``if``, loops over sequences that are known, and functions of
the file itself. Whatever may change the database and could not be followed becomes ``NotRead``, with its place. This
file has the flow of statements; what expressions stand for and what calls do is in expressions.py.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from migration_gate.operations.expressions import Expressions, Scope, TooMuch
from migration_gate.operations.model import At, NotRead, Operation
from migration_gate.operations.plain import LONGEST_LOOP, add, is_sequence, same
from migration_gate.operations.values import (
    UNKNOWN,
    Autocommit,
    Batch,
    Connection,
    Function,
    Imported,
    Method,
    Unknown,
    Value,
    is_plain,
    touches_database,
)
from migration_gate.project.revision import SyntaxProblem, parse_python

LARGEST = 2_000_000  # bytes
MOST_WORDS = 150_000  # between blanks; Python's own parser takes half a second for that many


class _Leave(Exception):  # noqa: N818
    """Control leaves the block for certain: by return or raise, by break, by continue."""

    def __init__(self, how: str, value: Value = None) -> None:
        self.how = how
        self.value = value


def read_upgrade(path: Path, source: bytes) -> list[Operation]:
    """The operations of one revision's ``upgrade()``, in the order in which they would run.

    For a multi-database revision, those of every ``upgrade_<engine>()``. Never raises: a file that does not parse
    gives one ``NotRead``.
    """
    return _read(path, source, "upgrade") or []


def read_downgrade(path: Path, source: bytes) -> tuple[Operation, ...] | None:
    """Likewise of its ``downgrade()``; None where the file has none."""
    found = _read(path, source, "downgrade")
    return None if found is None else tuple(found)


def _read(path: Path, source: bytes, entry: str) -> list[Operation] | None:
    if len(source) > LARGEST or len(source.split()) > MOST_WORDS:
        return [NotRead(At(path, 1, 1), "", "the file is larger than the gate reads")]
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        return [NotRead(At(path, tree.line or 1, tree.line or 1), "", tree.reason)]
    reader = _Reader(path, source)
    try:
        if not reader.module(tree, entry):
            return None
    except (TooMuch, RecursionError):
        reason = "the file asks for more steps than the gate takes; the rest of it is not read"
        reader.operations.append(NotRead(reader.at(reader.last), "", reason))
    return reader.operations


class _Reader(Expressions):
    def module(self, tree: ast.Module, direction: str) -> bool:
        """Walk the file's top level, then its ``upgrade`` or ``downgrade``; whether it has that."""
        self.maybe(tree.body, self.globals)
        self.reading = True
        entry = self.globals.get(direction)
        engines = [
            one for name, one in self.globals.items() if name.startswith(f"{direction}_") and isinstance(one, Function)
        ]
        if not isinstance(entry, Function):
            self.not_read(tree.body[0] if tree.body else self.last, f"no `{direction}()` is defined in this file")
            return direction == "upgrade"
        parameters = len(entry.node.args.args)
        # flask db init --multidb: upgrade(engine_name) calls upgrade_<engine_name>() by its name
        for one, args in [(entry, (UNKNOWN,) * parameters), *((one, ()) for one in engines if parameters)]:
            with suppress(_Leave):
                self.run(one, args, {})
            self.end()
        return True

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self.step(statement)
            self.current = statement
            self.statement(statement, scope)

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.Assign():
                value = self.expression(node.value, scope)
                for target in node.targets:
                    self.bind(target, value, scope)
            case ast.AnnAssign(value=ast.expr() as given):
                self.bind(node.target, self.expression(given, scope), scope)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add()):
                scope[name] = self.weighed(add(self.name(name, scope), self.expression(node.value, scope)))
            case ast.AugAssign():
                self.expression(node.value, scope)
                self.bind(node.target, UNKNOWN, scope)
            case ast.If():
                self.branch(node, scope)
            case ast.For() | ast.AsyncFor():
                self.loop(node, scope)
            case ast.While():
                self.expression(node.test, scope)
                self.perhaps(node.body, scope)
                self.perhaps(node.orelse, scope)
            case ast.With() | ast.AsyncWith():
                self.within(node, scope)
            case ast.Try() | ast.TryStar():
                self.attempt(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in node.decorator_list:
                    self.expression(decorator, scope)
                scope[node.name] = Function(node, None if scope is self.globals else scope)
            case ast.ClassDef():
                scope[node.name] = Imported(f"{self.path.name}.{node.name}")
            case ast.Import() | ast.ImportFrom():
                _imports(node, scope)
            case ast.Return():
                raise _Leave("return", self.expression(node.value, scope) if node.value else None)
            case ast.Raise():
                self.parts(node, scope)
                raise _Leave("raise", node)
            case ast.Break() | ast.Continue():
                raise _Leave("break" if isinstance(node, ast.Break) else "continue")
            case ast.Match():
                self.expression(node.subject, scope)
                for one in node.cases:
                    if one.guard:
                        self.expression(one.guard, scope)
                    self.perhaps(one.body, scope)
            case _:
                self.parts(node, scope)

    def within(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        """A block with its contexts, which end in the opposite order. A batch's directives run when its block ends:
        ``BatchOperationsImpl.flush``.
        """
        ends: list[Value] = []
        try:
            for item in node.items:
                value = self.expression(item.context_expr, scope)
                if isinstance(value, Autocommit):
                    self.boundary("autocommit", item.context_expr)
                    value = Connection() if value.connection else UNKNOWN
                    ends.append(item.context_expr)
                elif isinstance(value, Batch):
                    ends.append(value)
                if item.optional_vars:
                    self.bind(item.optional_vars, value, scope)
            self.block(node.body, scope)
        finally:
            for one in reversed(ends):
                if isinstance(one, Batch):
                    self.flush(one)
                else:
                    self.boundary("end of autocommit", one, node.end_lineno)

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
            raise left if left.how == right.how else _Leave("return", UNKNOWN)
        if left:
            return
        if right:
            scope.update(after)
            return
        _merge(scope, after)

    def attempt(self, node: ast.Try | ast.TryStar, scope: Scope) -> None:
        """What a handler sets counts only where the body did not set it: it is there for when that failed."""
        left = self.maybe(node.body, scope)
        for handler in node.handlers:
            inner = dict(scope)
            self.maybe(handler.body, inner)
            scope.update({name: value for name, value in inner.items() if name not in scope})
        self.maybe(node.orelse, scope)
        self.block(node.finalbody, scope)
        if left and not node.handlers:
            raise left

    def maybe(self, statements: Sequence[ast.stmt], scope: Scope) -> _Leave | None:
        """Walk a block that may or may not run; how it leaves, if it does."""
        try:
            self.block(statements, scope)
        except _Leave as left:
            if left.how == "return" and self.returns:
                self.returns[-1].append(left.value)
            return left
        return None

    def perhaps(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Walk a block that may run or not; what it sets anew is not known afterwards."""
        before = dict(scope)
        self.maybe(statements, scope)
        _merge(scope, before)

    def loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        sequence = self.expression(node.iter, scope)
        if not is_sequence(sequence):
            self.bind(node.target, Unknown(touches_database(sequence)), scope)
            self.perhaps([*node.body, *node.orelse], scope)
            return
        items = list(sequence)
        if len(items) > LONGEST_LOOP:
            self.not_read(node, f"a loop of {len(items)} turns: longer than the gate follows")
            return
        for item in items:
            self.bind(node.target, item, scope)
            left = self.maybe(node.body, scope)
            if left and left.how != "continue":
                if left.how != "break":
                    raise left
                return
        self.block(node.orelse, scope)

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        match target:
            case ast.Name():
                scope[target.id] = value
            case ast.Tuple() | ast.List():
                parts = list(value) if is_sequence(value) else []
                known = len(parts) == len(target.elts)
                for index, one in enumerate(target.elts):
                    self.bind(one, parts[index] if known else Unknown(touches_database(value)), scope)
            case ast.Starred():
                self.bind(target.value, UNKNOWN, scope)
            case ast.Attribute():
                owner = self.expression(target.value, scope)
                if target.attr == "autocommit" and touches_database(owner):
                    self.isolation(target, value is not False)
                elif isinstance(owner, Unknown | Method) and touches_database(owner):
                    self.not_read(target, "rows changed through the ORM, by setting an attribute, are not read")
            case ast.Subscript():
                owner = self.expression(target.value, scope)
                key = self.expression(target.slice, scope)
                if isinstance(owner, Unknown | Method) and touches_database(owner):
                    self.not_read(target, "rows changed through the ORM, by setting an item, are not read")
                else:
                    _put(owner, key, value)

    # ── functions of the file ────────────────────────────────────────────────────────────────────────────

    def run(self, function: Function, args: tuple[Value, ...], keywords: Scope, node: ast.Call | None = None) -> Value:
        """Walk a function of this file with what is known of its arguments."""
        name = function.node.name
        if name in self.calls or len(self.calls) >= 12:
            self.not_read(node or function.node, f"{name}() calls itself, and is followed only once")
            return UNKNOWN
        scope = self.parameters(function, args, keywords)
        outer = self.current
        self.calls.append(name)
        self.returns.append([])
        value: Value = None
        try:
            self.block(function.node.body, scope)
        except _Leave as left:
            value = left.value
            if left.how == "raise" and not self.returns[-1]:
                reason = "raises here on PostgreSQL, as far as can be read: what comes after it is not read"
                self.not_read(left.value, reason)
                raise
        finally:
            self.calls.pop()
            self.current = outer
            others = self.returns.pop()
        return value if all(same(one, value) for one in others) else Unknown(any(map(touches_database, others)))

    def parameters(self, function: Function, args: tuple[Value, ...], keywords: Scope) -> Scope:
        """The scope that a call begins with: what surrounds the function, its defaults, what is given."""
        given = function.node.args
        positional = [*given.posonlyargs, *given.args]
        scope: Scope = {**(function.scope or {}), **{one.arg: UNKNOWN for one in [*positional, *given.kwonlyargs]}}
        for parameter, default in zip(reversed(positional), reversed(given.defaults), strict=False):
            scope[parameter.arg] = self.expression(default, self.globals)
        for parameter, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if value is not None:
                scope[parameter.arg] = self.expression(value, self.globals)
        names = {one.arg for one in [*positional, *given.kwonlyargs]}
        scope.update({one.arg: value for one, value in zip(positional, args, strict=False)})
        scope.update({name: value for name, value in keywords.items() if name in names})
        if given.vararg:
            scope[given.vararg.arg] = args[len(positional) :]
        if given.kwarg:
            scope[given.kwarg.arg] = {name: one for name, one in keywords.items() if name not in names}
        return scope


def _merge(scope: Scope, other: Scope) -> None:
    """What is known after either of two ways. A name that only one of them set has that value wherever it is used."""
    for name, value in other.items():
        if name not in scope:
            scope[name] = value
        elif scope[name] is not value and not same(scope[name], value):
            scope[name] = Unknown(touches_database(scope[name]) or touches_database(value))


def _put(owner: Value, key: Value, value: Value) -> None:
    """``owner[key] = value``, of a dict or list that is known; with a key that is not, so is what it holds then."""
    if type(owner) is dict:
        owner[key if isinstance(key, str | int) else UNKNOWN] = value
    elif type(owner) is list:
        known = type(key) is int and -len(owner) <= key < len(owner)
        owner[:] = [*owner[:key], value, *owner[key:][1:]] if known else [UNKNOWN] * len(owner)


def _imports(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            scope[alias.asname or alias.name] = Imported(f"{'.' * node.level}{node.module or ''}.{alias.name}")
        elif alias.asname:
            scope[alias.asname] = Imported(alias.name)
        else:
            first = alias.name.partition(".")[0]
            scope[first] = Imported(first)
