"""What a name stands for: local, of the file, or imported from another module of the project, which is then read.

A module's top level is not walked from end to end, as an import would run it: only the statements that set or change a
name which the migration comes to use. So an application's package costs no more than the helper that is asked of it.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migration_gate.operations.model import Table, UsesModel
from migration_gate.operations.modules import Module, Modules
from migration_gate.operations.plain import DICT_METHODS, LIST_METHODS
from migration_gate.operations.reader import Frame, Reader, TooMuch
from migration_gate.operations.values import (
    UNKNOWN,
    Class,
    CoreTable,
    Function,
    Home,
    Imported,
    Scope,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from migration_gate.project.models import Mapped

LIBRARIES = {
    "advanced_alchemy", "alembic", "geoalchemy2", "pgvector", "sqlalchemy", "sqlalchemy_utils", "sqlmodel",
}  # fmt: skip
LIBRARIES |= sys.stdlib_module_names
_STARS = ("sqlalchemy", "alembic.op")  # of which everything may be imported by `*`
MOST_MODULES = 40
MOST_BYTES = 1_200_000  # of all of them together
DEEPEST = 40  # modules whose names stand for names of others, and calls among them
MOST_STEPS = 20_000  # for what a module sets a name to
ABSENT = object()


class Names(Reader):
    def __init__(self, file: Home, modules: Modules) -> None:
        super().__init__(file, modules)
        self.homes: dict[str, Home] = {}
        self.came_from: dict[tuple[str, Home], Home | Imported] = {}
        self.looked_up: dict[tuple[str, Home], Value] = {}
        self.own_mapped: dict[int, Mapped] | None = None
        self.used: set[str] = set()
        self.bytes = 0

    # ── names ────────────────────────────────────────────────────────────────────────────────────────────

    def name(self, name: str, scope: Scope) -> Value:
        value = scope.get(name, ABSENT)
        if value is ABSENT:
            home = self.frame.home
            value = self.of_module(home, name) if home.waiting else home.globals.get(name, ABSENT)
            if value is ABSENT:
                stars = home.stars
                value = Imported(f"{stars[-1]}.{name}") if stars and not hasattr(builtins, name) else UNKNOWN
                if name == "__file__":
                    return os.path.abspath(self.frame.home.path)
        return self.resolved(value) if isinstance(value, Imported) and value.home else value

    def of_module(self, home: Home, name: str) -> Value:
        """A name of a file's top level; ``ABSENT`` where it has none."""
        if name in home.waiting:
            self.settle(home, name)
        return home.globals.get(name, ABSENT)

    def settle(self, home: Home, name: str) -> None:
        """Walk the statements of a module that set or change the name."""
        statements = home.waiting.pop(name)
        statements = [one for one in statements if id(one) not in home.walked]
        home.walked.update(map(id, statements))
        frame, reading, limit, doubt = self.frame, self.reading, self.limit, self.doubt
        if frame.depth > DEEPEST:
            home.globals[name] = UNKNOWN
            return
        self.doubt = 0
        self.frame, self.reading = Frame(home, frame.called_at, frame), False
        self.limit = min(limit, self.steps + MOST_STEPS)
        try:
            self.walk(statements, home.globals)
        except TooMuch:
            if self.steps > limit or self.spent() > self.ends:
                raise
            home.globals[name] = UNKNOWN
        finally:
            self.frame, self.reading, self.limit, self.doubt = frame, reading, limit, doubt

    # ── imports ──────────────────────────────────────────────────────────────────────────────────────────

    def imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = f"{'.' * node.level}{node.module or ''}"
                if alias.name == "*":
                    self.star(module, node, scope)
                    continue
                dot = "." if node.module else ""
                self.imported(alias.asname or alias.name, f"{module}{dot}{alias.name}", node, scope)
            elif alias.asname:
                self.imported(alias.asname, alias.name, node, scope)
            else:
                first = alias.name.partition(".")[0]
                self.imported(first, first, node, scope)

    def imported(self, name: str, what: str, node: ast.stmt, scope: Scope) -> None:
        library = what[0] != "." and what.partition(".")[0] in LIBRARIES
        scope[name] = Imported(what) if library else Imported(what, self.frame.home, node)

    def star(self, module: str, node: ast.ImportFrom, scope: Scope) -> None:
        """``from module import *``: of a module of the project, each of its names; of a library, whichever is used."""
        if module.startswith(_STARS):
            self.frame.home.stars.append(module)
            return
        dot = "" if module.endswith(".") else "."
        for file, rest in self.modules.candidates(f"{module}{dot}*", self.frame.home.path):
            if rest == ("*",) and (home := self.home_of(file)):
                chosen = self.of_module(home, "__all__")
                names = chosen if type(chosen) in (list, tuple) else [
                    one for one in (*home.globals, *home.waiting) if not one.startswith("_")
                ]  # fmt: skip
                for one in names:
                    if isinstance(one, str):
                        scope[one] = Imported(f"{module}{dot}{one}", self.frame.home, node)
                return

    def resolved(self, value: Imported) -> Value:
        """What an imported name stands for, where a module of the project has it; else the name itself."""
        found = self.look_up(value)
        if isinstance(found, Class | CoreTable):
            self.uses_model(value)
        return found

    def look_up(self, value: Imported) -> Value:
        home = value.home
        if home is None:
            return value
        key = (value.name, home)
        if key not in self.looked_up:
            self.looked_up[key] = value  # for a name that comes back to itself
            self.looked_up[key] = self.search(value, home)
        return self.looked_up[key]

    def search(self, value: Imported, importer: Home) -> Value:
        for file, rest in self.modules.candidates(value.name, importer.path):
            if not rest:
                return value  # a module
            home = self.home_of(file)
            if home is None or home is importer:
                continue
            found = self.of_module(home, rest[0])
            self.came_from[value.name, importer] = found if isinstance(found, Imported) else home
            if isinstance(found, Imported):
                found = self.look_up(found)
            for part in rest[1:]:
                found = self.attribute(found, part) if found is not ABSENT else found
            if found is ABSENT or isinstance(found, Unknown | Imported):
                continue
            return found
        return value

    def home_of(self, file: str) -> Home | None:
        """A module of the project, its top level noted but not walked."""
        if file not in self.homes:
            if len(self.homes) >= MOST_MODULES:
                return None
            began = time.process_time()
            module = self.modules.load(file)
            self.parsing += time.process_time() - began
            self.bytes += len(module.source) if module else 0
            if module is None or self.bytes > MOST_BYTES:
                return None
            self.homes[file] = home = Home(module.path, module.source, module.lines, module)
            self.declare(module, home)
        return self.homes[file]

    def declare(self, module: Module, home: Home) -> None:
        frame = self.frame
        self.frame = Frame(home, frame.called_at, frame)
        try:
            for statement in module.tree.body:
                self.step(statement)
                match statement:
                    case ast.Import() | ast.ImportFrom():
                        self.imports(statement, home.globals)
                    case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):
                        home.globals[statement.name] = Function(statement, home)
                    case ast.ClassDef():
                        home.globals[statement.name] = Class(statement, home, None, {})
                    case _:
                        for name in _concerns(statement):
                            home.waiting.setdefault(name, []).append(statement)
            for name in module.rebound:
                home.waiting.pop(name, None)
                home.globals[name] = UNKNOWN
        finally:
            self.frame = frame

    # ── models ───────────────────────────────────────────────────────────────────────────────────────────

    def mapped(self, home: Home, line: int) -> Mapped | None:
        """What the class or table at a line of a file maps."""
        if home.module:
            return self.modules.mapped(home.module).get(line)
        if self.own_mapped is None:
            from migration_gate.project.models import read_mapped

            self.own_mapped = {one.line: one for one in read_mapped(home.source)}
        return self.own_mapped.get(line)

    def table_of(self, value: Value) -> Table | None:
        """The table that a class is mapped to, or that a Core table is; None for anything else."""
        if isinstance(value, CoreTable):
            return value.table
        if isinstance(value, Class):
            mapped = self.mapped(value.home, value.node.lineno)
            if mapped and mapped.table:
                return Table(mapped.table, mapped.schema)
        return None

    def entity(self, cls: Class) -> Unknown:
        """An object of a mapped class, as a session gives it."""
        mapped = self.mapped(cls.home, cls.node.lineno)
        return Unknown(True, self.table_of(cls), tuple(name for name, _ in mapped.columns) if mapped else ())

    def uses_model(self, value: Imported) -> None:
        """Note, once, that the migration imports a mapped class or table of the application's, at the import's line."""
        home, node = value.home, value.node
        if home is None or node is None or not (self.reading or self.frame.home is self.file):
            return
        defined = self.defined_in(value)
        name = value.name.rpartition(".")[2]
        if defined is None or defined.module is None or name in self.used:
            return
        for one in self.modules.mapped(defined.module).values():
            if one.name == name:
                self.used.add(name)
                at = self.at(node, Frame(home, self.frame.called_at))
                call = b"".join(home.lines[node.lineno - 1 : node.end_lineno]).decode(errors="replace").strip()
                self.operations.append(UsesModel(at, call, name, f"{defined.module.shown}:{one.line}"))
                return

    def defined_in(self, value: Imported) -> Home | None:
        """The file in which what was imported is written, past those that only pass it on."""
        found = self.came_from.get((value.name, value.home)) if value.home else None
        return self.defined_in(found) if isinstance(found, Imported) else found


def _concerns(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module's top level sets, or whose value it changes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        match node:
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias():
                yield node.asname or node.name.partition(".")[0]
            case ast.Call(ast.Attribute(ast.Name(name), method)) if method in LIST_METHODS | DICT_METHODS:
                yield name
            case ast.Subscript(ast.Name(name), ctx=ast.Store()):
                yield name
