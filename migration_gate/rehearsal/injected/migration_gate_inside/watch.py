"""Watches Alembic at work: each revision as it begins and ends, and what env.py configured.

``MigrationContext.run_migrations`` takes its steps from the function given to ``EnvironmentContext`` (Alembic's
documentation, "Runtime Objects"); wrapping that function shows every revision before it runs, whichever command
started it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from migration_gate_inside import compare, observe, redirect
from migration_gate_inside.errors import say
from migration_gate_inside.job import emit, job

_upgraded: set[int] = set()  # ids of the environment contexts that ran upgrade steps
compares = True  # whether the end of an upgrade is the time to compare; run.py has a time of its own
_contexts = 0


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
            first = True
            for step in steps(heads, context):
                script = getattr(step, "revision", None)  # a stamp has none: nothing of a revision runs
                if script is None:
                    emit("stamp", context=number)
                    yield step
                    continue
                if first and not heads:
                    _look_around(self)
                first = False
                current[0] = script.revision
                if step.is_upgrade and self.environment_context is not None:
                    _upgraded.add(id(self.environment_context))
                emit("step", revision=script.revision, file=script.path, up=step.is_upgrade, context=number)
                observe.enter(script.revision, self.connection)
                yield step
                observe.leave()
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
            observe.leave()

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
            version_table=str(options.get("version_table") or "alembic_version"),
            version_table_schema=options.get("version_table_schema"),
            transaction_per_migration=bool(options.get("transaction_per_migration", False)),
            which=redirect.which(self.get_context().connection),
        )
        return result

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        result = real_exit(self, kind, error, trace)
        if kind is None and compares and id(self) in _upgraded:
            _upgraded.discard(id(self))
            compare.compare(self.config, self.script)
        return result

    cls.configure, cls.__exit__ = configure, leave
