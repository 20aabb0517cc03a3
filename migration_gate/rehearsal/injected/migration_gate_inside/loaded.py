"""What env.py's metadata holds, and which of the modules that were loaded lead to it.

So that drift/unimported.py can tell a model that no module has loaded from a class that only looks like one: a base
class is the metadata's own where the object that bears its name is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from migration_gate_inside.errors import is_own
from migration_gate_inside.job import emit

_LIBRARIES = ("sqlalchemy", "flask_sqlalchemy")


def tell(metadata: list[Any]) -> None:
    """Report "models": ``tables`` as [schema, name]; ``binds``, the keys that Flask-SQLAlchemy keeps these metadata
    under; ``modules``, by their names: the file, the names in it that lead to one of the metadata, and whether it
    declares models. Those of libraries are there where they have such names.
    """
    targets = [one for one in metadata if one is not None]
    if not targets:
        return
    known = {id(one) for one in targets}
    modules: dict[str, Any] = {}
    binds: set[str | None] = set()
    for name, module in list(sys.modules.items()):
        path = _path(module)
        if path is None:
            continue
        names = [key for key, value in list(vars(module).items()) if _leads(value, known)]
        if names or is_own(path):
            modules[name] = [os.path.realpath(path), names, any(_is_model(name, vars(module)[one]) for one in names)]
        for key in names:
            binds |= _binds(vars(module)[key], known)
    tables = {(_text(table.schema), str(table.name)) for one in targets for table in one.tables.values()}
    emit(
        "models",
        tables=sorted(tables, key=str),
        binds=sorted(binds, key=str),
        modules=modules,
    )


def _path(module: Any) -> str | None:
    try:
        path = vars(module).get("__file__")
    except TypeError:  # something else that a module has put there in its stead
        return None
    return path if isinstance(path, str) and path.endswith(".py") else None


def _leads(value: Any, known: set[int]) -> bool:
    try:
        return any(id(one) in known for one in _metadata(value))
    except Exception:  # a class with a metaclass of its own ideas
        return False


def _metadata(value: Any) -> Iterator[Any]:
    """The metadata that an object leads to: a base class and its heirs, a Table, a registry, Flask-SQLAlchemy's db.
    Nothing is asked of the object itself: a proxy, or what is loaded when it is first used, would wake.
    """
    kind = type(value)
    if issubclass(kind, type):
        yield next((vars(one)["metadata"] for one in value.__mro__ if "metadata" in vars(one)), None)
    elif _is_library(kind):
        yield value
        held = getattr(value, "__dict__", {})
        yield held.get("metadata")
        if isinstance(held.get("Model"), type):
            yield from _metadata(held["Model"])


@cache
def _is_library(kind: type) -> bool:
    return any(str(one.__module__).partition(".")[0] in _LIBRARIES for one in kind.__mro__)


def _is_model(module: str, value: Any) -> bool:
    return isinstance(value, type) and "__table__" in vars(value) and value.__module__ == module


def _keyed(held: dict[str, Any]) -> dict[str | None, Any]:
    metadatas = held.get("metadatas")
    return metadatas if isinstance(metadatas, dict) else {}


def _binds(value: Any, known: set[int]) -> set[str | None]:
    held = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    return {key for key, one in _keyed(held).items() if id(one) in known}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
