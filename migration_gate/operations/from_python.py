"""``upgrade()`` → operations, by walking the syntax tree. Nothing is imported or run.

The walk follows constants, locals, both branches of an ``if``, loops over sequences that are known, and functions of
the file itself and of the project's own modules. Whatever may change the database and could not be followed becomes
``NotRead``, with its place. This file has the flow of statements; names, expressions and calls have their own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from migration_gate.operations.expressions import element_of
from migration_gate.operations.functions import Functions, Leave
from migration_gate.operations.model import At, NotRead, Operation
from migration_gate.operations.modules import NOWHERE, Modules
from migration_gate.operations.names import ABSENT
from migration_gate.operations.plain import LONGEST_LOOP, add, is_sequence, same
from migration_gate.operations.reader import TooMuch
from migration_gate.operations.values import (
    HANDLE,
    UNKNOWN,
    Autocommit,
    Batch,
    Class,
    Connection,
    Function,
    Home,
    Instance,
    Made,
    Managed,
    Partial,
    Scope,
    Unknown,
    Value,
    touches_database,
)
from migration_gate.project.revision import SyntaxProblem, parse_python

LARGEST = 2_000_000  # bytes
MOST_WORDS = 150_000  # between blanks; Python's own parser takes half a second for that many


def read_upgrade(path: Path, source: bytes, modules: Modules = NOWHERE) -> list[Operation]:
    """The operations of one revision's ``upgrade()``, in the order in which they would run. ``modules`` finds those of
    the project that it imports.

    For a multi-database revision, those of every ``upgrade_<engine>()``. Never raises: a file that does not parse
    gives one ``NotRead``.
    """
    return _read(path, source, "upgrade", modules) or []


def read_downgrade(path: Path, source: bytes, modules: Modules = NOWHERE) -> tuple[Operation, ...] | None:
    """Likewise of its ``downgrade()``; None where the file has none."""
    found = _read(path, source, "downgrade", modules)
    return None if found is None else tuple(found)


def _read(path: Path, source: bytes, entry: str, modules: Modules) -> list[Operation] | None:
    if len(source) > LARGEST or len(source.split()) > MOST_WORDS:
        return [NotRead(At(path, 1, 1), "", "the file is larger than the gate reads")]
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        return [NotRead(At(path, tree.line or 1, tree.line or 1), "", tree.reason)]
    reader = _Reader(Home(path, source, source.splitlines(keepends=True)), modules)
    try:
        if not reader.module(tree, entry):
            return None
    except (TooMuch, RecursionError):
        reason = "the file asks for more steps than the gate takes; the rest of it is not read"
        reader.end()
        reader.operations.append(NotRead(reader.at(reader.last), "", reason))
    return reader.operations


class _Reader(Functions):
    def module(self, tree: ast.Module, direction: str) -> bool:
        """Walk the file's top level, then its ``upgrade`` or ``downgrade``; whether it has that."""
        top = self.file.globals
        self.maybe(tree.body, top)
        self.reading = True
        entry = self.name(direction, top)
        engines = [one for name, one in top.items() if name.startswith(f"{direction}_") and isinstance(one, Function)]
        if not isinstance(entry, Function | Partial):
            self.not_read(tree.body[0] if tree.body else self.last, f"no `{direction}()` is defined in this file")
            return direction == "upgrade"
        here = isinstance(entry, Function) and entry.home is self.file
        place = tree.body[0] if here else _where(tree, direction)
        given, words = _unknown_arguments(entry)
        # flask db init --multidb: upgrade(engine_name) calls upgrade_<engine_name>() by its name
        for one, args in [(entry, given), *((one, ()) for one in engines if given or words)]:
            with suppress(Leave):
                self.invoke(one, ast.copy_location(ast.Constant(None), place), args, words if one is entry else {})
            self.end()
        return True

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self.step(statement)
            self.frame.current = statement
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
            case ast.AnnAssign():
                pass  # a type, and nothing else
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
                self.define(node, scope)
            case ast.ClassDef():
                scope[node.name] = Class(node, self.frame.home, None if scope is self.frame.home.globals else scope, {})
            case ast.Import() | ast.ImportFrom():
                self.imports(node, scope)
            case ast.Global():
                for name in node.names:
                    scope[name] = self.frame.home.globals[name] = UNKNOWN
            case ast.Return():
                raise Leave("return", self.expression(node.value, scope) if node.value else None)
            case ast.Raise():
                self.parts(node, scope)
                raise Leave("raise", node)
            case ast.Break() | ast.Continue():
                raise Leave("break" if isinstance(node, ast.Break) else "continue")
            case ast.Match():
                self.expression(node.subject, scope)
                for one in node.cases:
                    if one.guard:
                        self.expression(one.guard, scope)
                    self.perhaps(one.body, scope)
            case _:
                self.parts(node, scope)

    def walk(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        self.maybe(statements, scope)

    def within(self, node: ast.With | ast.AsyncWith, scope: Scope, position: int = 0) -> None:
        """A block with its contexts, which end in the opposite order. A batch's directives run when its block ends:
        ``BatchOperationsImpl.flush``.
        """
        if position == len(node.items):
            self.block(node.body, scope)
            return
        item = node.items[position]
        value = self.expression(item.context_expr, scope)

        def body(given: Value) -> None:
            if item.optional_vars:
                self.bind(item.optional_vars, given, scope)
            self.within(node, scope, position + 1)

        match value:
            case Autocommit(connection):
                self.boundary("autocommit", item.context_expr)
                try:
                    body(Connection(inner=True) if connection else UNKNOWN)
                finally:
                    self.boundary("end of autocommit", item.context_expr, node.end_lineno)
            case Batch():
                try:
                    body(value)
                finally:
                    self.flush(value)
            case Managed():
                self.manage(value, item.context_expr, body)
            case Instance() if (enter := self.member(value.of, "__enter__")) is not ABSENT:
                body(self.invoke(enter, item.context_expr, (value,), {}))
                if (leave := self.member(value.of, "__exit__")) is not ABSENT:
                    self.invoke(leave, item.context_expr, (value, None, None, None), {})
            case Made(kind="closing" | "nullcontext", args=(given,)):
                body(given)
            case _:
                body(value)

    def manage(self, value: Managed, node: ast.expr, body: Callable[[Value], None]) -> None:
        """A function that yields once: the block runs at that point."""
        frame = self.frame
        left: list[Leave] = []

        def within(given: Value) -> None:
            inner, self.frame = self.frame, frame
            try:
                body(given)
            except Leave as one:
                left.append(one)
            finally:
                self.frame = inner

        self.run(value.function, value.args, value.keywords, node, within)
        if left:
            raise left[0]

    def branch(self, node: ast.If, scope: Scope) -> None:
        test = self.expression(node.test, scope)
        if self.certain(test):
            self.block(node.body if test else node.orelse, scope)
            return
        before = dict(scope)
        self.doubt += 1
        left = self.maybe(node.body, scope)
        after = dict(scope)
        scope.clear()
        scope.update(before)
        right = self.maybe(node.orelse, scope)
        self.doubt -= 1
        if left and right:
            raise left if left.how == right.how else Leave("return", UNKNOWN)
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
            self.doubt += 1
            self.maybe(handler.body, inner)
            self.doubt -= 1
            scope.update({name: value for name, value in inner.items() if name not in scope})
        self.maybe(node.orelse, scope)
        self.block(node.finalbody, scope)
        if left and not node.handlers:
            raise left

    def maybe(self, statements: Sequence[ast.stmt], scope: Scope) -> Leave | None:
        """Walk a block that may or may not run; how it leaves, if it does."""
        try:
            self.block(statements, scope)
        except Leave as left:
            if left.how == "return":
                self.frame.returns.append(left.value)
            return left
        return None

    def perhaps(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Walk a block that may run or not; what it sets anew is not known afterwards."""
        before = dict(scope)
        self.doubt += 1
        self.maybe(statements, scope)
        self.doubt -= 1
        _merge(scope, before)

    def loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        sequence = self.expression(node.iter, scope)
        items = self.elements(sequence)
        if items is None:
            self.bind(node.target, element_of(sequence), scope)
            self.perhaps([*node.body, *node.orelse], scope)
            return
        if len(items) > LONGEST_LOOP:
            self.bind(node.target, UNKNOWN if not touches_database(items) else HANDLE, scope)
            self.perhaps([*node.body, *node.orelse], scope)
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
                if isinstance(owner, Instance):
                    owner.fields[target.attr] = value
                elif target.attr == "autocommit" and touches_database(owner):
                    self.isolation(target, value is not False)
                else:
                    self.set_attribute(owner, target.attr, target)
            case ast.Subscript():
                owner = self.expression(target.value, scope)
                key = self.expression(target.slice, scope)
                if type(owner) in (list, dict):
                    self.changed(owner)
                    _put(owner, key, value)
                else:
                    self.set_attribute(owner, "", target, "an item")


def _unknown_arguments(entry: Function | Partial) -> tuple[tuple[Value, ...], Scope]:
    """What Alembic may call ``upgrade`` with: nobody knows, unless it says so by a default that is not None."""
    if not isinstance(entry, Function):
        return (), {}
    names = [one.arg for one in entry.node.args.args]
    defaults = entry.node.args.defaults
    without = len(names) - len(defaults)
    none = [isinstance(one, ast.Constant) and one.value is None for one in defaults]
    words = {name: UNKNOWN for name, is_none in zip(names[without:], none, strict=True) if is_none}
    return (UNKNOWN,) * without, words


def _where(tree: ast.Module, name: str) -> ast.stmt:
    """The place of the call that Alembic makes: the statement which gives the file its ``upgrade``."""
    for one in tree.body:
        names = {getattr(part, "id", getattr(part, "name", "")) for part in ast.walk(one)}
        if name in names:
            return one
    return tree.body[0]


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
        known = isinstance(key, str | int)
        owner[key if known else UNKNOWN] = value if known else Unknown(touches_database(value))
    elif type(owner) is list:
        known = type(key) is int and -len(owner) <= key < len(owner)
        owner[:] = [*owner[:key], value, *owner[key:][1:]] if known else [UNKNOWN] * len(owner)
