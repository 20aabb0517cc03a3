"""Whether a name in a module that nothing has loaded leads to env.py's metadata.

The name is followed through imports, classes and assignments, read from text, until it comes to a module that was
loaded. There the child has said which objects are the metadata, or classes of it (its event "models"): two bases
called ``Base`` are not mistaken for each other.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.project.revision import SyntaxProblem, parse_python

_LARGEST = 1 << 20
_DEEPEST = 50


class Source(NamedTuple):
    """A module that was not loaded, as its text has it. ``names`` says what each name of its top level is: the class,
    the value, or ("from", module, name), with None for a module itself. ``stars`` are modules imported by ``*``.
    """

    name: str
    path: str
    tree: ast.Module
    names: dict[str, ast.ClassDef | ast.expr | tuple[str, str | None]]
    stars: tuple[str, ...]


class Loaded:
    """The modules of an event "models", and below their folders those that could have been loaded."""

    def __init__(self, modules: dict[str, tuple[str, list[str], bool]]) -> None:
        self.leading: dict[str, frozenset[str]] = {name: frozenset(names) for name, (_, names, _) in modules.items()}
        self.files = {path for path, *_ in modules.values()}
        self.folders: dict[str, str] = {}  # where a package's modules are, and its name; "" is where Python looks
        self.tops: set[tuple[str, str]] = set()  # (the folder where Python looks, the first part of a name) with models
        self.beside: set[str] = set()  # the folders of packages with modules that declare models
        self.sources: dict[str, Source | None] = {}
        self.known: dict[tuple[str, ...], bool] = {}  # a module and a name in it: whether that leads there
        for name, (path, names, declares) in modules.items():
            self._place(name, path, bool(names))
            if declares and "." in name:
                self.beside.add(os.path.dirname(path))

    def _place(self, name: str, path: str, leads: bool) -> None:
        """A module's folder, and those of the packages that it is in."""
        file, parts = Path(path), name.split(".")
        place = file.parent if file.name == "__init__.py" else file.with_suffix("")
        if list(place.parts[-len(parts) :]) != parts:
            return  # loaded under another name than its file's
        packages = parts if file.name == "__init__.py" else parts[:-1]
        root = place.parents[len(parts) - 1]
        for depth in range(len(packages) + 1):
            self.folders.setdefault(str(root.joinpath(*packages[:depth])), ".".join(packages[:depth]))
        if leads:
            self.tops.add((str(root), packages[0] if packages else ""))

    def name_of(self, path: str) -> str | None:
        """How a file that was not loaded would be imported; None where it is in no package that has loaded models."""
        file = Path(path)
        folder = next((one for one in file.parents if str(one) in self.folders), None)
        if folder is None:
            return None
        package = self.folders[str(folder)]
        below = file.relative_to(folder).with_suffix("").parts
        parts = [*filter(None, package.split(".")), *below[: -1 if file.name == "__init__.py" else None]]
        root = folder.parents[package.count(".")] if package else folder
        top = parts[0] if package or len(parts) > 1 else ""
        known = (str(root), top) in self.tops and all(one.isidentifier() for one in parts)
        return ".".join(parts) if known else None

    def has_beside(self, path: str) -> bool:
        """Whether other modules with models stand in a file's own package."""
        return os.path.dirname(path) in self.beside

    def source(self, name: str) -> Source | None:
        """A module that was not loaded, where it is a file of the project."""
        if name not in self.sources:
            self.sources[name] = self._read(name)
        return self.sources[name]

    def _read(self, name: str) -> Source | None:
        package, _, last = name.rpartition(".")
        for folder in [one for one, known in self.folders.items() if known == package]:
            for path in (os.path.join(folder, last, "__init__.py"), os.path.join(folder, f"{last}.py")):
                if os.path.isfile(path) and os.path.getsize(path) <= _LARGEST:
                    self.folders.setdefault(os.path.join(folder, last), name)
                    return read(name, path)
        return None

    # ── following a name ─────────────────────────────────────────────────────────────────────────────────────

    def leads(self, source: Source, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression of a module is the metadata, a class of it, or what makes such classes."""
        parts = _dotted(node)
        if isinstance(node, ast.Call):  # declarative_base(metadata=…)
            given = [one.value for one in node.keywords if one.arg == "metadata"]
            return any(self.leads(source, one, depth + 1) for one in given)
        return bool(parts) and self._name(source, parts, depth)

    def _name(self, source: Source, parts: list[str], depth: int) -> bool:
        key = (source.name, *parts)
        if key not in self.known:
            self.known[key] = False  # for names that lead to themselves
            self.known[key] = depth < _DEEPEST and self._bound(source, parts, depth)
        return self.known[key]

    def _bound(self, source: Source, parts: list[str], depth: int) -> bool:
        head, *rest = parts
        match source.names.get(head):
            case ast.ClassDef() as made:
                return _leads_on(rest) and self.class_leads(source, made, depth + 1)
            case (module, None):
                return self._member(module, rest, depth + 1)
            case (module, str(name)):
                return self._member(module, [name, *rest], depth + 1)
            case ast.expr() as value:
                return _leads_on(rest) and self.leads(source, value, depth + 1)
        return any(self._member(one, parts, depth + 1) for one in source.stars)

    def class_leads(self, source: Source, made: ast.ClassDef, depth: int = 0) -> bool:
        """Whether a class is of the metadata: it may name another one, else its bases say."""
        own = [one.value for one in made.body if isinstance(one, ast.Assign) and _assigns(one, "metadata")]
        makers = [one.func if isinstance(one, ast.Call) else one for one in made.decorator_list]
        makers = [one for one in makers if _dotted(one)[-1:] in (["mapped"], ["mapped_as_dataclass"])]
        return any(self.leads(source, one, depth + 1) for one in own or [*made.bases, *makers])

    def _member(self, module: str, parts: list[str], depth: int) -> bool:
        """A name of a module, or of a module in it."""
        if not parts:
            return False
        head, *rest = parts
        if module in self.leading:
            if head in self.leading[module]:
                return _leads_on(rest)
        elif (source := self.source(module)) is not None and (head in source.names or source.stars):
            return self._name(source, parts, depth + 1)
        below = f"{module}.{head}"
        there = bool(rest) and (below in self.leading or self.source(below) is not None)
        return there and self._member(below, rest, depth + 1)


def read(name: str, path: str) -> Source | None:
    """A module's names, from its text; None where it cannot be read or is no Python."""
    try:
        tree = parse_python(Path(path).read_bytes())
    except OSError:
        return None
    if isinstance(tree, SyntaxProblem):
        return None
    package = name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]
    names: dict[str, ast.ClassDef | ast.expr | tuple[str, str | None]] = {}
    stars: list[str] = []
    for node in _statements(tree.body):
        match node:
            case ast.ClassDef():
                names[node.name] = node
            case ast.Assign(value=value):
                names.update({one.id: value for one in node.targets if isinstance(one, ast.Name)})
            case ast.AnnAssign(target=ast.Name(target), value=ast.expr() as value):
                names[target] = value
            case ast.Import():
                for one in node.names:
                    first = one.name.partition(".")[0]
                    names[one.asname or first] = (one.name if one.asname else first, None)
            case ast.ImportFrom():
                module = imported(node, package)
                stars += [module for one in node.names if one.name == "*"]
                names.update({one.asname or one.name: (module, one.name) for one in node.names if one.name != "*"})
    return Source(name, path, tree, names, tuple(stars))


def imported(node: ast.ImportFrom, package: str) -> str:
    """The module that a ``from`` names, its dots resolved."""
    above = package.split(".")
    kept = above[: len(above) - node.level + 1] if node.level else []
    return ".".join([*kept, *filter(None, [node.module])])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that run when a module is loaded, but for what only a type checker reads. Of an `if` or `try` what is there
    in its stead comes first, so that a name is what it is meant to be.
    """
    for node in body:
        match node:
            case ast.If():
                yield from _statements(node.orelse if only_for_types(node) else [*node.orelse, *node.body])
            case ast.Try():
                for one in node.handlers:
                    yield from _statements(one.body)
                yield from _statements([*node.body, *node.orelse, *node.finalbody])
            case ast.With():
                yield from _statements(node.body)
            case _:
                yield node


def only_for_types(node: ast.If) -> bool:
    return _dotted(node.test)[-1:] == ["TYPE_CHECKING"]


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in node.targets)


def _dotted(node: ast.expr) -> list[str]:
    """["db", "Model"] of ``db.Model``, ["Base"] of ``Base[T]``; nothing of all else."""
    match node:
        case ast.Name(name):
            return [name]
        case ast.Attribute(value, attr) if inner := _dotted(value):
            return [*inner, attr]
        case ast.Subscript(value=value):
            return _dotted(value)
    return []


def _leads_on(rest: list[str]) -> bool:
    """Whether what is asked of a base, a registry or Flask-SQLAlchemy's db is of the same metadata."""
    return set(rest) <= {"metadata", "Model", "Table", "mapped", "mapped_as_dataclass"}
