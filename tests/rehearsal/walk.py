"""Takes one revision up, down and up again, or stops it midway, on a real database, and keeps what was seen."""

from __future__ import annotations

import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from migration_gate.postgres.catalog import Snapshot, snapshot
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from migration_gate.project.revision import Revision, read
from migration_gate.rehearsal.back import Step
from migration_gate.rehearsal.halfway import Stop

TEXT = '''"""example"""
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


{functions}
'''


def written(folder: Path, functions: str) -> Revision:
    """A revision file with these functions."""
    path = folder / "a1.py"
    path.write_text(TEXT.format(functions=functions.strip("\n")))
    one = read(path)
    assert isinstance(one, Revision)
    return one


class Walk:
    """A database with some tables, and a revision that runs on it."""

    number = 0

    def __init__(self, server: Server, schema: str, revision: Revision) -> None:
        Walk.number += 1
        self.server, self.revision = server, revision
        self.database = f"{server.prefix}walk_{Walk.number}"
        create(server, self.database)
        with connect(server, self.database) as connection:
            connection.execute(schema)

    def schema(self) -> Snapshot:
        with connect(self.server, self.database) as connection:
            return snapshot(connection, [("public", "alembic_version")])

    def run(self, direction: str, stop: int | None = None) -> dict[str, Any] | None:
        """Run upgrade() or downgrade(); the event of its error, None where it passes. ``stop`` is the number of
        statements after which it is cut off.
        """
        engine = sa.create_engine(self.server.url(self.database, "psycopg"), poolclass=sa.pool.NullPool)
        if stop is not None:
            left = iter(range(stop))
            sa.event.listen(engine, "before_cursor_execute", lambda *_: next(left))
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            try:
                with context.begin_transaction(), Operations.context(context):
                    getattr(self._module(), direction)()
            except Exception as error:
                return self._event(error)
        return None

    def back(self) -> Step:
        """Up, down and up again."""
        before = self.schema()
        assert self.run("upgrade") is None
        up = self.schema()
        if error := self.run("downgrade"):
            return Step(self.revision, before, up, failed="down", error=error)
        down = self.schema()
        if error := self.run("upgrade"):
            return Step(self.revision, before, up, down, failed="up", error=error)
        return Step(self.revision, before, up, down, self.schema())

    def stopped(self, undisturbed: Snapshot, statements: int, line: int) -> Stop:
        """Cut off after some statements, the last of them at ``line``, and run again."""
        assert self.run("upgrade", statements) is not None
        error = self.run("upgrade")
        reached = None if error else self.schema()
        return Stop(self.revision, str(self.revision.path), line, "the last statement", undisturbed, reached, error)

    def _module(self) -> ModuleType:
        spec = spec_from_file_location("a1", self.revision.path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _event(self, error: Exception) -> dict[str, Any]:
        database = getattr(error, "orig", None)
        places = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(self.revision.path)]
        return {
            "event": "error",
            "revision": self.revision.id,
            "type": type(error).__name__,
            "message": str(database or error),
            "code": getattr(database, "sqlstate", None),
            "path": places[-1].filename if places else None,
            "line": places[-1].lineno if places else None,
            "sql": getattr(error, "statement", None),
            "chain": [],
        }
