"""Loads a project's code from another folder than the one that is installed, and tells what its models would say to
PostgreSQL: of each table the SELECT and the INSERT.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import sysconfig
from collections import defaultdict
from functools import cache
from typing import Any

from migration_gate_inside import run  # run takes this file's own folder off the path, as for itself
from migration_gate_inside.errors import is_own, say
from migration_gate_inside.job import emit, job


def main(repository: str, export: str) -> None:
    """The whole child process. ``export`` has the old files of the folder ``repository``."""
    prefer(repository, export)
    sys.argv = ["alembic", "current"]
    try:
        _load(repository, export)
    except BaseException as error:
        say(error)
        sys.exit(1)
    emit("finished")


def prefer(repository: str, export: str) -> None:
    """Put the exported folder before everything that is installed, though after Python's own modules, and in the place
    of what leads to the repository: an editable installation's paths, which stand in sys.path or in a finder's table
    (setuptools), and PYTHONPATH's.
    """
    mapped = [
        os.path.dirname(path)
        for name, module in list(sys.modules.items())
        if name.startswith("__editable__")
        for path in getattr(module, "MAPPING", {}).values()
    ]
    entries = [os.path.realpath(one) for one in [*sys.path, *mapped] if one]
    moved = [export + one[len(repository) :] for one in entries if _is_below(one, repository) and not _installed(one)]
    usual = [top + below for top in dict.fromkeys((os.path.realpath(os.getcwd()), export)) for below in ("", "/src")]
    kept = [one for one in sys.path if not _is_below(os.path.realpath(one), repository) or _installed(one)]
    first = [one for one in dict.fromkeys((*usual, *moved)) if os.path.isdir(one)]
    library = [one for one in kept if "site-packages" in one or "dist-packages" in one]
    sys.path[:] = [*(one for one in kept if one not in library), *first, *library]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


# The gate's own, and Python's; a repository may well lie below /usr, as /usr/src/app does in containers.
_OWN = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PYTHON = [os.path.realpath(sysconfig.get_paths()[one]) for one in ("stdlib", "platstdlib")]
if sys.prefix != sys.base_prefix:
    _PYTHON.append(os.path.realpath(sys.prefix))


def _installed(path: str) -> bool:
    """Of the environment, which may lie in the repository, as .venv does."""
    real = os.path.realpath(path)
    own = any(_is_below(real, one) for one in (*_PYTHON, _OWN))
    return own or "site-packages" in real or "dist-packages" in real


def _load(repository: str, export: str) -> None:
    if job().kind == "flask":
        with run._flask_app().app_context():
            from flask import current_app

            migrate = current_app.extensions["migrate"].migrate
            _tell(migrate.get_config(job().directory, x_arg=job().x or None), repository, export)
    else:
        _tell(run._config(), repository, export)


def _tell(config: Any, repository: str, export: str) -> None:
    """Run env.py until it has said which metadata it means, and report what is in it."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config)
    found: list[Any] = []
    dialects: list[Any] = []

    def keep(_: Any, context: Any) -> list[Any]:
        given = context.opts.get("target_metadata")
        found.extend(given if isinstance(given, list | tuple) else [given])
        dialects.append(context.dialect)
        return []

    with EnvironmentContext(config, script, fn=keep):
        script.run_env()
    tables = [table for one in found if one is not None for table in one.tables.values()]
    if not tables:
        emit("not-loaded", reason="its env.py has no target_metadata, or nothing in it")
        return
    classes = _classes()
    if other := _another_copy(classes, repository, export):
        emit("not-loaded", reason=f"another copy of it was loaded, {other}")
        return
    emit("mapped", tables=[_table(one, classes, dialects[-1]) for one in dict.fromkeys(tables)])


def _classes() -> dict[Any, type]:
    """The mapped class of each table, as far as a module has it by name."""
    found: dict[Any, type] = {}
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
            table = value.__dict__.get("__table__") if isinstance(value, type) else None
            if table is not None:
                found.setdefault(table, value)
    return found


def _another_copy(classes: dict[Any, type], repository: str, export: str) -> str | None:
    """The file of a module of the repository, or of one that is installed and that the export has too."""
    for module in list(sys.modules.values()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if _is_below(path, repository) and not _is_below(path, export) and not _installed(path):
            return path
    for name in {one.__module__ for one in classes.values()}:
        path = os.path.realpath(getattr(sys.modules.get(name), "__file__", None) or "")
        top = name.partition(".")[0]
        has = any(os.path.exists(os.path.join(one, top)) for one in sys.path if _is_below(one, export))
        if has and not _is_below(path, export):
            return path
    return None


def _table(table: Any, classes: dict[Any, type], dialect: Any) -> dict[str, Any]:
    import sqlalchemy

    mapped = classes.get(table)
    place = _place(mapped) if mapped else {}
    return {
        "schema": table.schema,
        "name": table.name,
        "class": mapped.__name__ if mapped else None,
        **place,
        "columns": [_column(one, mapped) for one in table.columns],
        "select": _text(sqlalchemy.select(table), dialect),
        "insert": _insert(table, dialect),
    }


def _column(column: Any, mapped: type | None) -> dict[str, Any]:
    labels = getattr(column.type, "enums", None) if getattr(column.type, "native_enum", False) else None
    attribute = _attribute(column, mapped)
    place = _place(mapped, attribute, column.name) if mapped else {}
    return {
        "name": column.name,
        "line": place.get("line"),
        "path": place.get("path"),
        "written": _is_written(column),
        "nullable": bool(column.nullable) and column.default is None,
        "labels": [str(one) for one in labels] if labels else [],
    }


def _place(mapped: type, *names: str) -> dict[str, Any]:
    """Where a class, or a mixin or base of it, writes the first of the names that it has; else where it begins."""
    written = [one for one in map(_written, mapped.__mro__) if one is not None]
    for name in names:
        pattern = re.compile(rf"^\s+{re.escape(name)}\s*[:=]|['\"]{re.escape(name)}['\"]")
        for path, start, lines in written:
            for offset, line in enumerate(lines):
                if pattern.search(line):
                    return {"path": path, "line": start + offset}
    return {"path": written[0][0], "line": written[0][1]} if written else {}


@cache
def _written(one: type) -> tuple[str, int, list[str]] | None:
    """The file of a class of the project's own, its first line and its lines."""
    path = os.path.realpath(getattr(sys.modules.get(one.__module__), "__file__", None) or "")
    found = _classes_in(path).get(one.__qualname__) if is_own(path) else None
    return (path, *found) if found else None


@cache
def _classes_in(path: str) -> dict[str, tuple[int, list[str]]]:
    """A file's classes. ``inspect.getsourcelines`` would parse the file for each anew: minutes for 200 in one file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return {}
    lines = text.split("\n")
    found: dict[str, tuple[int, list[str]]] = {}

    def visit(body: list[ast.stmt], above: str) -> None:
        for one in body:
            if isinstance(one, ast.ClassDef):
                found[above + one.name] = one.lineno, lines[one.lineno - 1 : one.end_lineno]
                visit(one.body, f"{above}{one.name}.")
            elif isinstance(one, ast.If | ast.Try | ast.With):
                visit(one.body, above)

    visit(tree.body, "")
    return found


def _attribute(column: Any, mapped: type | None) -> str:
    mapper = getattr(mapped, "__mapper__", None)
    try:
        return str(mapper.get_property_by_column(column).key)  # type: ignore[union-attr]
    except Exception:
        return str(column.name)


def _is_written(column: Any) -> bool:
    """Whether an INSERT of the mapped class names the column where the program gives it no value: not where PostgreSQL
    is to fill it (SQLAlchemy's documentation, "Column INSERT/UPDATE Defaults").
    """
    if column.server_default is not None or getattr(column, "identity", None) is not None or column.computed:
        return False
    return column is not column.table._autoincrement_column  # public since SQLAlchemy 2.0.4


def _insert(table: Any, dialect: Any) -> str | None:
    """An INSERT of NULL into each column, cast as the driver's statements would be."""
    import sqlalchemy

    own = {one.key: None for one in table.columns if not one.computed and getattr(one, "identity", None) is None}
    try:
        return _text(sqlalchemy.insert(table).values(own), dialect) if own else None
    except Exception:
        return None


def _text(statement: Any, dialect: Any) -> str:
    """A statement as PostgreSQL gets it, with NULL for each parameter."""
    compiled = statement.compile(dialect=type(dialect)(paramstyle="pyformat"))
    return str(compiled.string % defaultdict(lambda: "NULL"))


if __name__ == "__main__":
    main(*sys.argv[1:3])
