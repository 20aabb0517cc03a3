"""Watches Alembic at work: each revision as it begins and ends, what env.py configured, and what went wrong where.

``MigrationContext.run_migrations`` takes its steps from the function given to ``EnvironmentContext`` (Alembic's
documentation, "Runtime Objects"); wrapping that function shows every revision before it runs, whichever command
started it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from types import FrameType, ModuleType, TracebackType
from typing import Any

from migration_gate_inside.job import emit, job

_upgraded: set[int] = set()  # ids of the environment contexts that ran upgrade steps
compares = True  # whether the end of an upgrade is the time to compare; run.py has a time of its own
_contexts = 0
_said: list[BaseException] = []  # kept alive, so that an id cannot be another exception's


def install_migration(module: ModuleType) -> None:
    """Called when alembic.runtime.migration has been imported."""
    cls = module.MigrationContext
    real = cls.run_migrations

    def run_migrations(self: Any, **keywords: Any) -> Any:
        global _contexts
        steps = self._migrations_fn
        if self.as_sql or steps is None:
            return real(self, **keywords)
        _contexts += 1
        number = _contexts
        current: list[str | None] = [None]

        def watched(heads: Any, context: Any) -> Iterator[Any]:
            for step in steps(heads, context):
                script = getattr(step, "revision", None)  # a stamp has none: nothing of a revision runs
                if script is None:
                    emit("stamp", context=number)
                    yield step
                    continue
                if current == [None] and not heads:
                    _look_around(self)
                current[0] = script.revision
                if step.is_upgrade and self.environment_context is not None:
                    _upgraded.add(id(self.environment_context))
                emit("step", revision=script.revision, up=step.is_upgrade, context=number)
                yield step
                emit("done", revision=script.revision, up=step.is_upgrade, context=number)
                current[0] = None

        self._migrations_fn = watched
        try:
            return real(self, **keywords)
        except BaseException as error:
            say(error, revision=current[0])
            raise
        finally:
            self._migrations_fn = steps

    cls.run_migrations = run_migrations


def _look_around(context: Any) -> None:
    """Tells of tables that are there before the first revision runs: create_all() made them, as a rule."""
    if context.dialect.name != "postgresql" or job().start_from:
        return
    rows = context.connection.exec_driver_sql(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_' ORDER BY 1"
    )
    names = [row[0] for row in rows if row[0] != context.version_table]
    if names:
        emit("tables-before", names=names)


def install_environment(module: ModuleType) -> None:
    """Called when alembic.runtime.environment has been imported."""
    cls = module.EnvironmentContext
    real_configure, real_exit = cls.configure, cls.__exit__

    def configure(self: Any, *args: Any, **keywords: Any) -> Any:
        result = real_configure(self, *args, **keywords)
        options = self.context_opts
        emit(
            "configured",
            compare_type=bool(options.get("compare_type", True)),
            compare_server_default=bool(options.get("compare_server_default", False)),
            include_object=options.get("include_object") is not None,
            include_name=options.get("include_name") is not None,
            include_schemas=bool(options.get("include_schemas", False)),
            metadata=options.get("target_metadata") is not None,
            transaction_per_migration=bool(options.get("transaction_per_migration", False)),
        )
        return result

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        result = real_exit(self, kind, error, trace)
        if kind is None and compares and id(self) in _upgraded:
            _upgraded.discard(id(self))
            from migration_gate_inside import compare

            compare.compare(self.config, self.script)
        return result

    cls.configure, cls.__exit__ = configure, leave


# ── what went wrong, and where ───────────────────────────────────────────────────────────────────────────


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
        message=_message(error, database),
        sql=_text(getattr(error, "statement", None)),
        code=_code(database),
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


def _message(error: BaseException, database: Any) -> str:
    """PostgreSQL's own words where it was PostgreSQL that refused, else the exception's."""
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r})"
    if database is None:
        return str(error) or type(error).__name__
    first = database.args[0] if getattr(database, "args", None) else None
    if isinstance(first, dict):  # pg8000 hands over the fields of the server's message
        return "\n".join(str(first[key]) for key in ("M", "D", "H") if key in first)
    return re.sub(r"^<class '[\w.]+'>: ", "", str(database))


def _code(database: Any) -> str | None:
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


def _best(places: list[tuple[str, int]]) -> dict[str, Any]:
    versions = [os.path.realpath(one) for one in job().version_locations]
    env = os.path.realpath(job().directory)
    root = os.path.realpath(os.getcwd())
    best: dict[int, tuple[str, int]] = {}
    for name, line in places:
        if name.startswith("<"):
            continue  # <frozen importlib._bootstrap>, <string>
        path = os.path.realpath(name)
        if any(path.startswith(one + os.sep) for one in versions):
            best[0] = (path, line)
        elif path.startswith((env + os.sep, root + os.sep)) and not path.startswith((sys.prefix + os.sep, _OWN)):
            best[1] = (path, line)
    if not best:
        return {"path": None, "line": None}
    path, line = best[min(best)]
    return {"path": path, "line": line}


_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
