"""Which statements of a rehearsal belong to a line of a migration file."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from migration_gate.rehearsal.evidence import Seen
from migration_gate.rules.judging import shown

Lines = tuple[int, int]  # 1-based, the last one included


def at_place(path: str | None, line: int | None, end: int | None, statements: Sequence[Seen]) -> tuple[Seen, ...]:
    """The statements that ran from the lines ``line`` to ``end`` of a file, as output names it, or from a Python
    statement that they belong to. Where there are none, those of the ``with`` statement around them:
    ``batch_alter_table`` sends what was written in its block when the block ends, and Python says then that it is at
    the line of ``with``.
    """
    if path is None or line is None:
        return ()
    own = [one for one in statements if shown(one.path) == path]
    if not own:
        return ()
    first, last = line, max(line, end or line)
    simple, headers = _around(own[0].path, line)
    if simple:
        first, last = min(first, simple[0]), max(last, simple[1])
    there = tuple(one for one in own if first <= one.line <= last)
    for begin, stop in () if there else headers:
        there = there or tuple(one for one in own if begin <= one.line <= stop)
    return there


def statement_at(path: Path, line: int) -> Lines:
    """The lines of the Python statement that a line is in; of ``with``, those of its head."""
    simple, heads = _around(path, line)
    return simple or next((one for one in heads if one[0] <= line <= one[1]), (line, line))


def _around(path: Path, line: int) -> tuple[Lines | None, list[Lines]]:
    """The lines of the innermost statement without a body that a line is in, and those of the heads of the ``with``
    statements around it, the innermost first.
    """
    simple: Lines | None = None
    heads: list[Lines] = []
    for one in _statements(path):
        if not one.lineno <= line <= (one.end_lineno or one.lineno):
            continue
        if isinstance(one, ast.With | ast.AsyncWith):
            heads.insert(0, (one.lineno, max(one.lineno, one.body[0].lineno - 1)))
        if not hasattr(one, "body"):
            simple = one.lineno, one.end_lineno or one.lineno
    return simple, heads


@cache
def _statements(path: Path) -> tuple[ast.stmt, ...]:
    """Every statement of a file, those around others first; none where it cannot be parsed."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    return tuple(_walk(tree))


def _walk(node: ast.AST) -> Iterator[ast.stmt]:
    waiting = [node]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, ast.stmt):
            yield one
        waiting += ast.iter_child_nodes(one)
