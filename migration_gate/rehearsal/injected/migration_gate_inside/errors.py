"""What went wrong, and where: an exception as an event, with the line of the project's own that it came from."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from functools import cache
from types import FrameType, TracebackType
from typing import Any

from migration_gate_inside.job import emit, job

_real = cache(os.path.realpath)  # a look at each folder of a path, and a stack has a hundred of them
_said: list[BaseException] = []  # kept alive, so that an id cannot be another exception's


def say(error: BaseException, revision: str | None = None) -> None:
    """Report an exception once, however many places see it pass."""
    if any(one is error for one in _said):
        return
    _said.append(error)
    database = getattr(error, "orig", None)
    emit(
        "error",
        revision=revision,
        type=type(error).__name__,
        message=message(error, database),
        sql=_text(getattr(error, "statement", None)),
        code=code(database),
        chain=[f"{type(one).__name__}: {one}"[:500] for one in _causes(error)],
        **place_in_trace(error.__traceback__),
    )


def _causes(error: BaseException) -> Iterable[BaseException]:
    seen: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in seen and len(seen) < 5:
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return seen


def message(error: BaseException, database: Any) -> str:
    """PostgreSQL's own words where it was PostgreSQL that refused, else the exception's."""
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r})".partition("\\n")[0]
    if database is None:
        return str(error) or type(error).__name__
    first = database.args[0] if getattr(database, "args", None) else None
    if isinstance(first, dict):  # pg8000 hands over the fields of the server's message
        return "\n".join(str(first[key]) for key in ("M", "D", "H") if key in first)
    return re.sub(r"^<class '[\w.]+'>: ", "", str(database))


def code(database: Any) -> str | None:
    """PostgreSQL's SQLSTATE, from whatever driver it was."""
    for name in ("sqlstate", "pgcode"):
        if getattr(database, name, None):
            return str(getattr(database, name))
    first = database.args[0] if getattr(database, "args", None) else None
    return str(first["C"]) if isinstance(first, dict) and "C" in first else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:5000]


def place_in_trace(trace: TracebackType | None) -> dict[str, Any]:
    """The deepest line of the project's own that an exception passed: a revision's, else env.py's or a module's."""
    places = []
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return _best(places)


def place_in_frames(frame: FrameType | None) -> dict[str, Any]:
    """The same, of a stack that is still running."""
    places = []
    while frame is not None:
        places.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return _best(places[::-1])


def is_own(name: str) -> bool:
    """Whether a file belongs to the project, and not to what is installed."""
    path = _real(name)
    roots = (_real(job().directory) + os.sep, _real(os.getcwd()) + os.sep)
    return path.startswith(roots) and not path.startswith((sys.prefix + os.sep, _OWN)) and "site-packages" not in path


def _best(places: list[tuple[str, int]]) -> dict[str, Any]:
    versions = [_real(one) for one in job().version_locations]
    best: dict[int, tuple[str, int]] = {}
    for name, line in places:
        if name.startswith("<"):
            continue  # <frozen importlib._bootstrap>, <string>
        path = _real(name)
        if any(path.startswith(one + os.sep) for one in versions):
            best[0] = (path, line)
        elif is_own(path):
            best[1] = (path, line)
    if not best:
        return {"path": None, "line": None}
    path, line = best[min(best)]
    return {"path": path, "line": line}


_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
