"""What the parts of the reader of Python share: where it is, what it has found, and how much it may still do.

The parts build on each other: names, expressions, rows, calls, functions, and statements in from_python.py.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Sequence
from typing import Literal

from migration_gate.operations.model import At, Boundary, NotRead, Operation
from migration_gate.operations.modules import Modules
from migration_gate.operations.values import (
    MOST,
    UNKNOWN,
    Batch,
    Function,
    Home,
    Scope,
    Value,
    inside,
    is_plain,
    weight,
)

STEPS = 200_000  # statements and expressions of one file; past that the rest is not read
SECONDS = 0.5  # of processor time for one file, whatever its steps cost; a usual one takes a thousandth of that
DEEPEST_CALLS = 12


class TooMuch(Exception):  # noqa: N818
    """The file asks for more than the reader gives."""


class Frame:
    """A function that is being walked, or the top level of a file (``function`` None)."""

    __slots__ = ("called_at", "current", "depth", "function", "home", "outer", "returns", "yields")

    def __init__(self, home: Home, called_at: At, outer: Frame | None = None, function: ast.AST | None = None) -> None:
        self.home = home
        self.called_at = called_at  # the last place in the migration's own file that led here
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self.function = function
        self.current: ast.stmt | None = None
        self.returns: list[Value] = []  # what it may return before its end
        self.yields: list[Value] | Callable[[Value], None] = []  # what it yields, or what runs at that point

    def callers(self) -> list[ast.AST]:
        """The functions that are being walked, this one first."""
        found: list[ast.AST] = []
        frame: Frame | None = self
        while frame is not None:
            if frame.function is not None:
                found.append(frame.function)
            frame = frame.outer
        return found


class Reader:
    """Collects the operations of one migration file, ``file``."""

    def __init__(self, file: Home, modules: Modules) -> None:
        self.file = file
        self.modules = modules
        self.operations: list[Operation] = []
        self.frame = Frame(file, At(file.path, 1, 1))
        self.steps = 0
        self.limit = STEPS
        self.parsing = 0.0
        self.ends = self.spent() + SECONDS
        self.said: set[NotRead] = set()
        self.not_followed_at: set[At] = set()
        self.batches: list[Batch] = []  # that have begun, and whose operations still wait
        self.autocommit: ast.AST | None = (
            None  # what took the connection out of transactions, until it is told otherwise
        )
        self.doubt = 0  # how many blocks around this one may not run
        self.unsure: dict[int, Value] = {}  # lists and dicts that were changed in such, by their ids
        self.reading = False  # False while a file's top level is walked: nothing there is an operation
        self.last: ast.AST = ast.Pass(lineno=1, end_lineno=1)

    # ── what one part asks of a later one ────────────────────────────────────────────────────────────────

    def expression(self, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
        raise NotImplementedError

    def attribute(self, owner: Value, name: str) -> Value:
        raise NotImplementedError

    def invoke(
        self, called: Value, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool = True
    ) -> Value:
        """Call a value."""
        raise NotImplementedError

    def run(
        self,
        function: Function,
        args: tuple[Value, ...],
        keywords: Scope,
        node: ast.AST | None = None,
        body: Callable[[Value], None] | None = None,
    ) -> Value:
        """Walk a function; ``body`` runs at its ``yield``."""
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a target."""
        raise NotImplementedError

    def walk(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Walk statements that may or may not run to their end."""
        raise NotImplementedError

    # ── what is found ────────────────────────────────────────────────────────────────────────────────────

    def at(self, node: ast.AST, frame: Frame | None = None) -> At:
        """A node's place; of one in another module that of the call which leads there, with its own as ``inside``."""
        frame = frame or self.frame
        line = getattr(node, "lineno", 1)
        module = frame.home.module
        if module:
            return frame.called_at._replace(inside=f"{module.shown}:{line}")
        return At(self.file.path, line, getattr(node, "end_lineno", None) or line)

    def text(self, node: ast.AST) -> str:
        """The node's own source. As ``ast.get_source_segment``, which splits the whole file at every call."""
        if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
            return ""
        lines = self.frame.home.lines[node.lineno - 1 : node.end_lineno]
        if not lines:
            return ""  # the file's own encoding has other line ends
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"".join(lines).decode(errors="replace")

    def not_read(self, node: ast.AST, reason: str) -> None:
        said = NotRead(self.at(node), self.text(node)[:500], reason)
        if self.reading and said not in self.said:  # a loop says it again
            self.said.add(said)
            self.operations.append(said)

    def not_followed(self, node: ast.AST, reason: str) -> None:
        """As ``not_read``, of a call; said once of all that one call of the migration leads to in other modules."""
        if self.frame.home.module:
            if self.frame.called_at in self.not_followed_at:
                return
            if self.reading:
                self.not_followed_at.add(self.frame.called_at)
        self.not_read(node, reason)

    def found(self, operations: Sequence[Operation]) -> None:
        if self.reading:
            for one in operations:
                if isinstance(one, NotRead):
                    if one in self.said:
                        continue
                    self.said.add(one)
                self.operations.append(one)

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────

    def boundary(
        self, kind: Literal["autocommit", "end of autocommit", "commit"], node: ast.AST, line: int | None = None
    ) -> None:
        at = self.at(node)
        own = line and self.frame.home is self.file
        self.found([Boundary(At(at.path, line, line) if own and line else at, self.text(node), kind)])

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

    # ── how much ─────────────────────────────────────────────────────────────────────────────────────────

    def step(self, node: ast.AST) -> None:
        self.last = node
        self.steps += 1
        if self.steps > self.limit or (self.steps % 64 == 0 and self.spent() > self.ends):
            raise TooMuch

    def spent(self) -> float:
        """Seconds of processor time, without what parsing took: a module is parsed for all revisions together."""
        return time.process_time() - self.parsing

    def changed(self, value: Value) -> None:
        """A list or dict has been changed: where nobody knows whether that runs, nobody knows what it is now."""
        if self.doubt:
            self.unsure[id(value)] = value

    def certain(self, value: Value) -> bool:
        """Whether it is known to the bottom, so that a condition can be decided by it."""
        return is_plain(value) and not (self.unsure and any(id(one) in self.unsure for one in inside(value)))

    def weighed(self, value: Value) -> Value:
        """The value, unless it has grown too heavy to be compared and copied at will."""
        return UNKNOWN if type(value) in (list, tuple, dict) and weight(value) >= MOST else value
