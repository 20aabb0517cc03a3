"""What of a revision file decides what its upgrade() does: formatting, comments, docstrings, annotations, unused names
and downgrade() left out. Two texts with one essence do the same to a database.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from migration_gate.project.revision import SyntaxProblem, parse_python

# Whoever asks for these may reach any name of the module, as Flask-Migrate's template for several databases does.
_REACH_ALL = {"globals", "vars", "locals", "eval", "exec"}


class Step(NamedTuple):
    """A statement of upgrade()'s body, or one of the module's that it needs. Lines are 1-based."""

    essence: str  # the same text for the same code, whatever its formatting
    node: ast.AST
    line: int
    end: int
    inside: bool  # upgrade()'s own

    @property
    def code(self) -> str:
        """As a person would write it, on one line where it fits one."""
        try:
            return ast.unparse(self.node)
        except ValueError:  # an f-string that only a newer Python can write
            return "…"


class Difference(NamedTuple):
    """The first place where a text does something else than the one before it. None where there is no such step."""

    old: Step | None
    new: Step | None
    line: int  # in the new text, also where something is only missing


def difference(old: bytes, new: bytes) -> Difference | None:
    """Where two revision files first differ in essence. None where they do not, or where one of them is no Python.
    Raises RecursionError where they are nested too deeply to compare.
    """
    trees = parse_python(old), parse_python(new)
    if isinstance(trees[0], SyntaxProblem) or isinstance(trees[1], SyntaxProblem):
        return None
    before, after = _steps(trees[0]), _steps(trees[1])
    if [one.essence for one in before] == [one.essence for one in after]:
        return None
    from difflib import SequenceMatcher  # 3 ms, only where something differs

    matcher = SequenceMatcher(None, [one.essence for one in before], [one.essence for one in after], False)
    _, i, i_end, j, j_end = next(one for one in matcher.get_opcodes() if one[0] != "equal")
    removed, added = before[i] if i < i_end else None, after[j] if j < j_end else None
    near = added or (after[j - 1] if j else None)
    return Difference(removed, added, near.line if near else 1)


def _steps(tree: ast.Module) -> list[Step]:
    _Bare().visit(tree)
    needed = _needed(tree)
    steps = sorted(_imports(needed), key=lambda one: one.essence)
    for statement in needed:
        if isinstance(statement, ast.FunctionDef) and statement.name == "upgrade":
            steps += [_step(one, statement) for one in (*statement.decorator_list, statement.args)]
            steps += [_step(one, one, inside=True) for one in statement.body]
        elif not isinstance(statement, ast.Import | ast.ImportFrom):
            steps.append(_step(statement, statement))
    return steps


def _step(code: ast.AST, at: ast.stmt, inside: bool = False) -> Step:
    return Step(ast.dump(code), code, at.lineno, at.end_lineno or at.lineno, inside)


def _imports(needed: Iterable[ast.stmt]) -> Iterator[Step]:
    """Each imported name on its own: their order and grouping is formatting."""
    used = {name for one in needed for name in _loaded(one)}
    for one in needed:
        if isinstance(one, ast.Import | ast.ImportFrom):
            for alias in one.names:
                if _binds(alias) in used or alias.name == "*":
                    alone = ast.Import([alias])
                    if isinstance(one, ast.ImportFrom):
                        alone = ast.ImportFrom(one.module, [alias], one.level)  # type: ignore[assignment]
                    yield _step(alone, one)


def _needed(tree: ast.Module) -> list[ast.stmt]:
    """The module's statements that upgrade() reaches by name, and those that run by themselves."""
    binders: dict[str, list[ast.stmt]] = {}
    always: list[ast.stmt] = []
    for statement in tree.body:
        names = _bound(statement)
        for name in names:
            binders.setdefault(name, []).append(statement)
        if not names and not _only_for_types(statement):
            always.append(statement)
    kept = set(map(id, always))
    todo = ["upgrade", *(name for one in always for name in _loaded(one))]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in _REACH_ALL and name not in binders:
            todo += [one for one in binders if not one.startswith("downgrade")]
        for statement in binders.get(name, ()):
            kept.add(id(statement))
            todo += _loaded(statement)
    return [one for one in tree.body if id(one) in kept]


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement gives a value, where it does no more than that. Empty for any other."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Import() | ast.ImportFrom():
            return [name for name in map(_binds, statement.names) if name != "*"]
        case ast.Assign():
            nodes = [node for target in statement.targets for node in ast.walk(target)]
            return [one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    return []


def _binds(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _loaded(statement: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]


def _only_for_types(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=[]):
            return True
    return False


class _Bare(ast.NodeTransformer):
    """Takes out what has no effect."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            plain = ast.Assign([node.target], node.value) if node.value else ast.Pass()
            return self.visit(ast.copy_location(plain, node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = _spaced(node.value)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [one for one in body if not _is_idle(one)]
            node.body = kept or [ast.copy_location(ast.Pass(), one) for one in body[:1]]  # type: ignore[attr-defined]
        return self.generic_visit(node)


def _is_idle(statement: ast.stmt) -> bool:
    """A docstring, a constant that stands for itself, or `pass`."""
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _spaced(text: str) -> str:
    """SQL without its indentation. Text that may hold a string or a comment of SQL's own is left as it is."""
    return text if any(one in text for one in ("'", '"', "$", "--", "/*")) else " ".join(text.split())
