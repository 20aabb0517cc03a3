"""Which variables of the environment env.py, and what it imports of the project, read: from their text."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.operations.modules import Module, modules_of
from migration_gate.project.model import Project

MOST = 100  # modules that are read
_CASTS = ("config", "env")  # decouple and starlette: config("NAME"); environs: env("NAME"), env.str("NAME")


class Variable(NamedTuple):
    """``needed`` is true where the code has no other value for it."""

    name: str
    path: Path
    line: int
    needed: bool

    @property
    def is_set(self) -> bool:
        return self.name in os.environ


def variables(project: Project) -> tuple[Variable, ...]:
    """Each variable once, where it is read first: in env.py, then in what that imports, the application of a
    Flask-Migrate project among it.
    """
    modules = modules_of(project)
    start = project.directory / "env.py"
    todo = [str(start)]
    if project.kind == "flask":
        app = (project.settings.flask_app or os.environ.get("FLASK_APP") or "").partition(":")[0].removesuffix(".py")
        for name in filter(None, (app.replace("/", "."), "wsgi", "app")):
            todo += [file for file, _ in modules.candidates(name, start)]
    seen: set[str] = set()
    found: dict[str, Variable] = {}
    while todo and len(seen) < MOST:
        file = todo.pop(0)
        if file in seen:
            continue
        seen.add(file)
        module = modules.load(file)
        if module is None:
            continue
        for one in _read(module):
            found.setdefault(one.name, one)
        for name in _imports(module):
            todo += [path for path, _ in modules.candidates(name, module.path)]
    return tuple(found.values())


def _imports(module: Module) -> Iterator[str]:
    for one in ast.walk(module.tree):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            name = "." * one.level + (one.module or "")
            yield from (f"{name}{'.' if one.module else ''}{alias.name}" for alias in one.names)


def _read(module: Module) -> Iterator[Variable]:
    for one in ast.walk(module.tree):
        if isinstance(one, ast.Subscript) and _is_environ(one.value) and isinstance(one.ctx, ast.Load):
            name, needed = _text(one.slice), True
        elif isinstance(one, ast.Call) and _asks(one.func):
            name = _text(one.args[0]) if one.args else None
            given = len(one.args) > 1 or any(word.arg == "default" for word in one.keywords)
            needed = not given
        elif isinstance(one, ast.ClassDef) and any(_last(base) == "BaseSettings" for base in one.bases):
            yield from _settings(module, one)
            continue
        else:
            continue
        if name:
            yield Variable(name, module.path, one.lineno, needed)


def _settings(module: Module, one: ast.ClassDef) -> Iterator[Variable]:
    """pydantic's settings: a field is a variable of its name, after ``env_prefix``, in whatever case."""
    prefix = ""
    for node in ast.walk(one):
        if isinstance(node, ast.keyword) and node.arg == "env_prefix":
            prefix = _text(node.value) or ""
    for field in one.body:
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and field.target.id != "model_config"
        ):
            yield Variable((prefix + field.target.id).upper(), module.path, field.lineno, field.value is None)


def _is_environ(node: ast.expr) -> bool:
    return _last(node) == "environ"


def _asks(function: ast.expr) -> bool:
    """os.getenv, os.environ.get, and the usual readers of other packages."""
    if _last(function) == "getenv" or (isinstance(function, ast.Name) and function.id in _CASTS):
        return True
    if not isinstance(function, ast.Attribute):
        return False
    return (function.attr == "get" and _is_environ(function.value)) or (
        function.attr in ("str", "url", "int", "bool") and _last(function.value) == "env"
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and value.replace("_", "").isalnum() else None
