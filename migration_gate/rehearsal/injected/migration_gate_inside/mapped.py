"""Where a table's model is written, and the line of it that declares one of its columns, indexes or constraints."""

from __future__ import annotations

import inspect
import os
import re
import sys
from functools import cache
from typing import Any

from migration_gate_inside.errors import is_own


def declared_at(metadata: list[Any], table: str | None, schema: str | None, said: dict[str, Any]) -> dict[str, Any]:
    """The file and line of the model that declares it, if a mapped class does. ``said`` has the names to look for:
    ``index_name``, ``constraint_name``, ``column_name``, ``columns``.
    """
    for one in metadata:
        declared = getattr(one, "tables", {}).get(f"{schema}.{table}" if schema else table)
        if declared is not None:
            return _class_of(declared, said)
    return {}


def _class_of(table: Any, said: dict[str, Any]) -> dict[str, Any]:
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
            if not isinstance(value, type) or value.__dict__.get("__table__") is not table:
                continue
            names = [said.get("index_name"), said.get("constraint_name"), said.get("column_name")]
            return _line_of(value, [*filter(None, names), *said.get("columns", [])[:1]])
    return {}


@cache
def _sources(mapped: type) -> list[tuple[str, list[str], int]]:
    """The text of a class and its bases, with the file and the first line of each. ``inspect`` parses the whole file
    for each class.
    """
    sources = []
    for one in mapped.__mro__:
        try:
            path = os.path.realpath(inspect.getsourcefile(one) or "")
            if is_own(path):
                sources.append((path, *inspect.getsourcelines(one)))
        except (OSError, TypeError):
            continue
    return sources


def _line_of(mapped: type, names: list[str]) -> dict[str, Any]:
    """Where a class, or a mixin or base of it, writes the first of the names that it has; else the class itself."""
    sources = _sources(mapped)
    for name in names:
        pattern = re.compile(rf"^\s+{re.escape(name)}\s*[:=]|['\"]{re.escape(name)}['\"]")
        for path, lines, start in sources:
            for offset, line in enumerate(lines):
                if pattern.search(line):
                    return {"path": path, "line": start + offset}
    return {"path": sources[0][0], "line": sources[0][2]} if sources else {}
