"""Tells which variables of the environment the project's code asks for and does not find: production may need them."""

from __future__ import annotations

import os
import sys
from typing import Any

from migration_gate_inside.errors import is_own
from migration_gate_inside.job import emit

_told: set[str] = set()


def install() -> None:
    """Watch ``os.environ``: ``[]``, ``get`` and ``os.getenv`` all come to one method."""
    cls = type(os.environ)
    real = cls.__getitem__

    def get(self: Any, key: Any) -> Any:
        try:
            return real(self, key)
        except KeyError:
            _tell(key)
            raise

    cls.__getitem__ = get  # type: ignore[method-assign]


def _tell(name: object) -> None:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename.startswith(("<frozen", os.__file__)):
        frame = frame.f_back
    if isinstance(name, str) and name not in _told and is_own(frame.f_code.co_filename):
        _told.add(name)
        emit("missing-variable", name=name, path=os.path.realpath(frame.f_code.co_filename), line=frame.f_lineno)
