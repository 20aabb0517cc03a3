"""The project's own modules that its migrations import: found as files, parsed, never imported.

Python finds them on ``sys.path``, which nobody knows before env.py runs; what Alembic and Flask put there, and what the
usual layouts need, is looked through in that order.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from migration_gate.project.revision import SyntaxProblem, parse_python

if TYPE_CHECKING:
    from migration_gate.project.model import Project
    from migration_gate.project.models import Mapped

LARGEST = 1_000_000  # bytes of one module


class Module(NamedTuple):
    """A module's text and syntax tree; ``shown`` is its path relative to the repository. ``rebound`` are the names of
    its top level that its functions set, so that nobody knows what they are when.
    """

    path: Path
    shown: str
    source: bytes
    lines: list[bytes]
    tree: ast.Module
    rebound: frozenset[str] = frozenset()


class Modules:
    """Finds and parses the modules of one project, each once. Files outside of ``root`` are not there for it."""

    def __init__(self, root: Path | None = None, roots: Callable[[], Iterable[Path]] = tuple) -> None:
        """``roots`` is asked, once, for the folders in which names without a leading dot are looked for."""
        self.root = os.path.realpath(root) if root else None
        self.list_roots = roots
        self.roots: list[str] | None = None
        self.found: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
        self.parsed: dict[str, Module | None] = {}
        self.mappings: dict[str, dict[int, Mapped]] = {}

    def candidates(self, name: str, near: Path) -> list[tuple[str, tuple[str, ...]]]:
        """The files that a dotted name may stand in, and what it is called there, the innermost first:
        "app.db.add" → [("…/app/db.py", ("add",)), ("…/app/__init__.py", ("db", "add"))].

        With leading dots it is relative to the file ``near``, as in an import statement.
        """
        if self.root is None:
            return []
        level = len(name) - len(name.lstrip("."))
        folder = os.path.dirname(near) if level else ""
        key = (name, folder)
        if key not in self.found:
            parts = name.lstrip(".").split(".")
            sound = all(part.isidentifier() or part == "*" for part in parts)
            self.found[key] = self._search(parts, level, folder) if sound else []
        return self.found[key]

    def _search(self, parts: list[str], level: int, folder: str) -> list[tuple[str, tuple[str, ...]]]:
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._below(folder, parts)
        if self.roots is None:
            self.roots = list(dict.fromkeys(map(os.path.realpath, self.list_roots())))
        for root in self.roots:
            if found := self._below(root, parts):
                return found
        return []

    def _below(self, folder: str, parts: list[str]) -> list[tuple[str, tuple[str, ...]]]:
        found: list[tuple[str, tuple[str, ...]]] = []
        for position, part in enumerate(parts):
            package = os.path.join(folder, part)
            rest = tuple(parts[position + 1 :])
            for file in (os.path.join(package, "__init__.py"), f"{package}.py"):
                if self._is_ours(file):
                    found.insert(0, (file, rest))
                    break
            folder = package
            if not os.path.isdir(package):
                break
        return found

    def _is_ours(self, file: str) -> bool:
        real = os.path.realpath(file)
        return self.root is not None and real.startswith(os.path.join(self.root, "")) and os.path.isfile(real)

    def load(self, file: str) -> Module | None:
        """A module by its file; None where it cannot be read, is too large, or is no Python."""
        if file not in self.parsed:
            self.parsed[file] = self._parse(file)
        return self.parsed[file]

    def _parse(self, file: str) -> Module | None:
        try:
            if not os.path.isfile(file) or os.path.getsize(file) > LARGEST:
                return None
            source = Path(file).read_bytes()
        except OSError:
            return None
        tree = parse_python(source)
        if isinstance(tree, SyntaxProblem):
            return None
        shown = os.path.relpath(file, self.root).replace(os.sep, "/")
        rebound = frozenset[str]()
        if b"global " in source:
            rebound = frozenset(name for one in ast.walk(tree) if isinstance(one, ast.Global) for name in one.names)
        return Module(Path(file), shown, source, source.splitlines(keepends=True), tree, rebound)

    def text(self, file: str) -> str | None:
        """A file of the project as text; None where it is not there, or too large, or not UTF-8."""
        try:
            if not self._is_ours(file) or os.path.getsize(file) > LARGEST:
                return None
            return Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def mapped(self, module: Module) -> dict[int, Mapped]:
        """What a module maps to the database, by the line where it is defined."""
        key = str(module.path)
        if key not in self.mappings:
            from migration_gate.project.models import read_mapped

            self.mappings[key] = {one.line: one for one in read_mapped(module.source)}
        return self.mappings[key]


NOWHERE = Modules()


def modules_of(project: Project) -> Modules:
    """The modules of a project's repository, as its env.py and its migrations would find them."""
    return Modules(project.root, lambda: _roots(project))


def _roots(project: Project) -> list[Path]:
    """The folders that are on ``sys.path``, or that layouts put there: ``prepend_sys_path`` (Alembic's templates have
    ".", where `alembic` is run), the working directory, the repository, env.py's folder and those above; their src/.
    """
    root, work = project.root, project.working_directory
    above = [one for one in (project.directory, *project.directory.parents) if one.is_relative_to(root)]
    near = [work, root, root / "src", work / "src"]
    return [*(work / one for one in _prepended(project)), *near, *above, *(one / "src" for one in above)]


def _prepended(project: Project) -> tuple[str, ...]:
    from migration_gate.findings import CannotJudge
    from migration_gate.project.files import ini_options, pyproject_tables, read_options

    try:
        toml = None
        if project.toml_file:
            toml, _ = pyproject_tables(str(project.toml_file), project.name)
        if project.config_file:
            for section, options in ini_options(str(project.config_file), project.name, toml):
                if section == project.section:
                    return options.prepend_sys_path
        if toml is not None and project.toml_file:
            return read_options(str(project.toml_file.parent), project.name, toml).prepend_sys_path
    except CannotJudge:  # discovery has said so
        pass
    return ()
