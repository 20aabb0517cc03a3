"""Functions that a migration calls, walked with what is known of their arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable

from migration_gate.operations.calls import Calls
from migration_gate.operations.modules import Modules
from migration_gate.operations.names import MOST_STEPS
from migration_gate.operations.plain import same
from migration_gate.operations.reader import DEEPEST_CALLS, Frame, TooMuch
from migration_gate.operations.values import (
    UNKNOWN,
    Function,
    Home,
    Imported,
    Partial,
    Scope,
    Unknown,
    Value,
    touches_database,
)

_MANAGERS = {"contextlib.asynccontextmanager", "contextlib.contextmanager"}


MOST_SECONDS = 0.2  # of processor time for one call of another module's function


class Leave(Exception):  # noqa: N818
    """Control leaves the block for certain: by return or raise, by break, by continue."""

    def __init__(self, how: str, value: Value = None) -> None:
        self.how = how
        self.value = value


class Functions(Calls):
    def __init__(self, file: Home, modules: Modules) -> None:
        super().__init__(file, modules)
        self.again: dict[ast.AST, ast.AST] = {}  # functions that call themselves, and where

    def run(
        self,
        function: Function,
        args: tuple[Value, ...],
        keywords: Scope,
        node: ast.AST | None = None,
        body: Callable[[Value], None] | None = None,
    ) -> Value:
        """Walk a function with what is known of its arguments; ``body`` runs at its ``yield``."""
        outer = self.frame
        if not self.may_run(function, args, keywords, node):
            return UNKNOWN
        called_at = outer.called_at if outer.home.module else self.at(node or function.node)
        self.frame = frame = Frame(function.home, called_at, outer, function.node)
        if body:
            frame.yields = body
        before = len(self.operations)
        try:
            leads_away = function.home.module and not outer.home.module
            value = (self.within_bounds if leads_away else self.result)(function, args, keywords)
        finally:
            self.frame = outer
            if (place := self.again.pop(function.node, None)) and len(self.operations) > before:
                self.not_followed(place, f"{function.name}() calls itself, and is followed only once")
        return frame.yields if frame.yields and not body else value

    def may_run(self, function: Function, args: tuple[Value, ...], keywords: Scope, node: ast.AST | None) -> bool:
        """Whether a function can be followed: it is not being walked already, nor too deep in others."""
        callers = self.frame.callers()
        if function.node in callers:
            self.again.setdefault(function.node, node or function.node)
            return False
        if len(callers) < DEEPEST_CALLS:
            return True
        if self.handed(args, keywords) or self.reaches(function):
            self.not_followed(node or function.node, f"{function.name}() is called too deep to follow")
        return False

    def within_bounds(self, function: Function, args: tuple[Value, ...], keywords: Scope) -> Value:
        """As ``result``, of another module's function, with less of everything: an application leads anywhere."""
        limit, ends, doubt = self.limit, self.ends, self.doubt
        self.limit = min(limit, self.steps + MOST_STEPS)
        self.ends = min(ends, self.spent() + MOST_SECONDS)
        try:
            return self.result(function, args, keywords)
        except TooMuch:
            if self.steps > limit or self.spent() > ends:
                raise
            self.not_followed(function.node, f"{function.name}() asks for more steps than the gate takes")
            return UNKNOWN
        except Leave:  # what it raises on certainly may depend on what another process has set up
            return UNKNOWN
        finally:
            self.limit, self.ends, self.doubt = limit, ends, doubt

    def result(self, function: Function, args: tuple[Value, ...], keywords: Scope) -> Value:
        """What a function returns, from whichever of its ends."""
        frame = self.frame
        value: Value = None
        try:
            value = self.body(function, self.parameters(function, args, keywords))
        except Leave as left:
            value = left.value
            if left.how == "raise" and not frame.returns:
                reason = "raises here on PostgreSQL, as far as can be read: what comes after it is not read"
                if isinstance(value, ast.AST):
                    self.not_read(value, reason)
                raise Leave("raise") from None
        others = frame.returns
        if all(same(one, value) for one in others):
            return value
        return Unknown(any(map(touches_database, [value, *others])))

    def body(self, function: Function, scope: Scope) -> Value:
        if isinstance(function.node, ast.Lambda):
            return self.expression(function.node.body, scope)
        self.block(function.node.body, scope)
        return None

    def block(self, statements: list[ast.stmt], scope: Scope) -> None:
        """Walk statements one after the other."""
        raise NotImplementedError

    def parameters(self, function: Function, args: tuple[Value, ...], keywords: Scope) -> Scope:
        """The scope that a call begins with: what surrounds the function, its defaults, what is given."""
        given = function.node.args
        positional = [*given.posonlyargs, *given.args]
        scope: Scope = {**(function.scope or {}), **{one.arg: UNKNOWN for one in [*positional, *given.kwonlyargs]}}
        around = function.scope or {}
        for parameter, default in zip(reversed(positional), reversed(given.defaults), strict=False):
            scope[parameter.arg] = self.expression(default, around)
        for parameter, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if value is not None:
                scope[parameter.arg] = self.expression(value, around)
        names = {one.arg for one in [*positional, *given.kwonlyargs]}
        scope.update({one.arg: value for one, value in zip(positional, args, strict=False)})
        scope.update({name: value for name, value in keywords.items() if name in names})
        if given.vararg:
            scope[given.vararg.arg] = args[len(positional) :]
        if given.kwarg:
            scope[given.kwarg.arg] = {name: one for name, one in keywords.items() if name not in names}
        return scope

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        """``def``, with decorators: those of the project are followed, and all others taken to change nothing."""
        home = self.frame.home
        value: Value = Function(node, home, None if scope is home.globals else scope)
        for decorator in reversed(node.decorator_list):
            found = self.expression(decorator, scope)
            if isinstance(found, Imported) and found.name in _MANAGERS:
                value = value._replace(managed=True) if isinstance(value, Function) else value
            elif isinstance(found, Function | Partial):
                wrapped = self.invoke(found, decorator, (value,), {})
                value = wrapped if isinstance(wrapped, Function | Partial) else value
        scope[node.name] = value
