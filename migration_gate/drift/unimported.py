"""Models that env.py never imports: autogenerate does not see their tables, and proposes to drop them where the
migrations make them.

What the child has loaded is compared with what the files say. A model counts where its base class leads, by the names
of its file, to the very metadata that env.py compares, and where its file stands in a package of models that were
loaded; not in a folder of tests, examples, scripts or copies, not under a condition, and not in a function.

Where autogenerate proposes to drop the table, the migrations make it, and there is no doubt. Else it is a finding where
the file stands beside models that were loaded, or where another file speaks of the class: what nobody uses may be dead.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from migration_gate.drift.leads import Loaded, Source, read
from migration_gate.findings import Finding, Note
from migration_gate.project.discovery import excluded
from migration_gate.project.model import Project
from migration_gate.project.models import Mapped, last
from migration_gate.project.models_at import Models, files_with, mapped_in, marked, models_at
from migration_gate.rehearsal.child import Ran
from migration_gate.rules.judging import shown

_SHOWN = 3  # files that one line names

# Folders and files that are in a package and not of it.
_ASIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|fixtures|examples?|demos?|migrations?|alembic|scripts?|vendor|vendored|_vendor"
    r"|third_party|backups?|old|archived?|deprecated|legacy|bench|benchmarks)/"
    r"|[/_.](?:tests?|old|bak|backup|copy|orig|legacy|deprecated|example|demo)\d*\.py$"
    r"|/(?:(?:old|backup|copy|example|demo|test)_[^/]*|conftest)\.py$"
)


class Model(NamedTuple):
    """A table that a file declares and env.py's metadata does not hold, because nothing has loaded the file. ``name``
    is that of the class, or of the variable that holds a Table, in ``module``.
    """

    table: str
    schema: str | None  # None: not written, or computed
    path: str
    line: int
    name: str
    module: str
    beside: bool  # whether models that were loaded stand in the same package

    def is_dropped_by(self, operation: dict[str, Any]) -> bool:
        """Whether autogenerate proposes to drop it."""
        named = operation["kind"] == "DropTableOp" and operation["table_name"] == self.table
        return named and self.schema in (None, operation.get("schema") or "public", operation.get("schema"))


class Unseen(NamedTuple):
    """What there is to say of such tables, and those of autogenerate's operations that come of it alone."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    dropped: tuple[dict[str, Any], ...] = ()

    def has(self, operation: dict[str, Any]) -> bool:
        return operation in self.dropped


def unseen(project: Project, ran: Ran, operations: list[dict[str, Any]]) -> Unseen:
    """The tables that autogenerate does not see, because their models were not loaded."""
    findings: list[Finding] = []
    notes: list[Note] = []
    dropped: list[dict[str, Any]] = []
    for one in unimported(project, ran):
        proposed = [each for each in operations if one.is_dropped_by(each)]
        dropped += proposed
        if proposed or _is_meant(project, ran, one):
            findings.append(_finding(project, one, bool(proposed)))
        else:
            said = (
                f"table `{_table(one)}` is declared in a file that env.py never imports: autogenerate does not see it"
            )
            notes.append(Note(said, one.path, one.line, rule="drift"))
    return Unseen(tuple(findings), tuple(notes), tuple(dropped))


def files(project: Project, ran: Ran) -> str:
    """The files of such tables, in words; "" where there are none."""
    paths = list(dict.fromkeys(str(shown(Path(one.path))) for one in unimported(project, ran)))
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _finding(project: Project, one: Model, proposed: bool) -> Finding:
    drop = " and proposes to drop it" if proposed else ""
    env = shown(project.directory / "env.py")
    return Finding(
        "drift",
        f"table `{_table(one)}` is declared in {shown(Path(one.path))}, which env.py never imports: autogenerate does "
        f"not see it{drop}",
        one.path,
        one.line,
        remedy=f"# in {env}, after its other imports:\nfrom {one.module} import {one.name}  # noqa: F401",
    )


def _table(one: Model) -> str:
    return f"{one.schema}.{one.table}" if one.schema else one.table


def _is_meant(project: Project, ran: Ran, one: Model) -> bool:
    """Whether a table that no migration makes is meant to be there, as far as can be seen."""
    if any(each["include_object"] or each["include_name"] for each in ran.of("configured")):
        return False  # which may leave it out
    return (one.beside or _is_used(project, one)) and not _is_optional(project, one)


def _is_used(project: Project, one: Model) -> bool:
    """Whether another file of the project speaks of the class."""
    return any(True for _ in _elsewhere(project, one, rf"(^|[^A-Za-z0-9_]){one.name}([^A-Za-z0-9_]|$)"))


def _is_optional(project: Project, one: Model) -> bool:
    """Whether the project can do without the module: imports it, and carries on where that fails."""
    last_part = one.module.rpartition(".")[2]
    for path in _elsewhere(project, one, f"^[ \t]+(from|import) .*{last_part}"):
        source = read("", str(path))
        guarded = [node for node in ast.walk(source.tree) if isinstance(node, ast.Try)] if source else []
        if any(_imports(each, one.module) for node in guarded if _expects_failure(node) for each in node.body):
            return True
    return False


def _expects_failure(node: ast.Try) -> bool:
    """Whether it is there for an import that fails."""
    caught = [part for one in node.handlers if one.type is not None for part in ast.walk(one.type)]
    return any(last(one) in ("ImportError", "ModuleNotFoundError") for one in caught)


def _imports(node: ast.stmt, module: str) -> bool:
    """Whether a statement imports a module. A relative one is known by its end."""
    if isinstance(node, ast.Import):
        return any(one.name == module for one in node.names)
    if not isinstance(node, ast.ImportFrom):
        return False
    names = [".".join(filter(None, parts)) for one in node.names for parts in ((node.module,), (node.module, one.name))]
    return any(one and (module == one or (node.level and module.endswith(f".{one}"))) for one in names)


def _elsewhere(project: Project, one: Model, pattern: str) -> Iterator[Path]:
    """The other files that have a line of a pattern, tests and migrations left out."""
    for name in files_with(project.root, pattern):
        path = Path(os.path.realpath(project.root / name))
        if str(path) != one.path and not _ASIDE.search(f"/{name}") and not path.is_relative_to(project.directory):
            yield path


def unimported(project: Project, ran: Ran) -> list[Model]:
    """What the working tree's models declare, and the last comparison did not see. Of several files that declare a
    table, the first.
    """
    told = ran.of("models")
    if not told:
        return []
    loaded = Loaded(told[-1]["modules"])
    models = models_at(project)
    found: dict[tuple[str | None, str], Model] = {}
    for path in marked(models):
        if not _ASIDE.search(f"/{path}"):
            for one in _of_file(project, models, path, loaded, told[-1]):
                found.setdefault((one.schema, one.table), one)
    return list(found.values())


def _of_file(project: Project, models: Models, path: str, loaded: Loaded, told: dict[str, Any]) -> Iterator[Model]:
    file = os.path.realpath(project.root / path)
    name = None if file in loaded.files else loaded.name_of(file)
    if name is None or excluded(project.root / path, project.root):
        return
    source = read(name, file)
    held = [(schema, table) for schema, table in told["tables"]]
    for one in mapped_in(models, path) if source else ():
        if source and one.table and not _is_held(one, held) and _leads(loaded, source, one, told["binds"]):
            yield Model(one.table, one.schema, file, one.line, one.name, name, loaded.has_beside(file))


def _is_held(one: Mapped, held: Iterable[tuple[str | None, str]]) -> bool:
    """Whether the metadata has a table of that name. One whose schema is not written may be in any."""
    return any(table == one.table and (one.schema is None or one.schema == schema) for schema, table in held)


def _leads(loaded: Loaded, source: Source, one: Mapped, binds: list[str | None]) -> bool:
    """Whether it is declared whenever its module is loaded, in one of the metadata that env.py compares."""
    for node in source.tree.body:
        match node:
            case ast.ClassDef(lineno=line) if line == one.line:
                key = _bind_key(node)
                return loaded.class_leads(source, node) and (key is None or key in binds)
            case ast.Assign([ast.Name()], ast.Call() as call) | ast.AnnAssign(ast.Name(), value=ast.Call() as call):
                if call.lineno == one.line and last(call.func) == "Table":
                    return _table_leads(loaded, source, call)
    return False


def _bind_key(node: ast.ClassDef) -> object:
    """Flask-SQLAlchemy's name of the database that a class is in."""
    for one in node.body:
        match one:
            case ast.Assign([ast.Name("__bind_key__")], value) | ast.AnnAssign(ast.Name("__bind_key__"), value=value):
                return value.value if isinstance(value, ast.Constant) else value
    return None


def _table_leads(loaded: Loaded, source: Source, call: ast.Call) -> bool:
    """A Table names its metadata; Flask-SQLAlchemy's need not."""
    given = [one.value for one in call.keywords if one.arg == "metadata"] or [
        one for one in call.args[1:2] if not isinstance(one, ast.Call)
    ]
    if given:
        return loaded.leads(source, given[0])
    plain = not any(one.arg == "bind_key" for one in call.keywords)
    return isinstance(call.func, ast.Attribute) and loaded.leads(source, call.func) and plain
