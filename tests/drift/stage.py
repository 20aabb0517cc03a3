"""A database that is made as models.py declares it, for cases that run one after another, each of them rolled back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql

from migration_gate.postgres.catalog import Snapshot, snapshot
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from tests.drift.cases import Case
from tests.drift.models import EXTENSIONS, declared, written


class Stage(NamedTuple):
    """``declared`` is its schema; ``role`` and ``extension`` are what the cases' SQL is written for."""

    connection: sa.Connection
    major: int
    role: str
    extension: str | None
    declared: Snapshot
    empty: Snapshot  # what every database here has

    def why_not(self, case: Case) -> str | None:
        """Why a case cannot be played here; None where it can."""
        if self.major < case.since:
            return f"PostgreSQL {case.since}"
        return "the server has none of the extensions" if "<extension>" in case.sql and not self.extension else None

    @contextmanager
    def migrated(self, case: Case) -> Iterator[Snapshot]:
        """The schema that the case's migrations leave, for as long as the block."""
        with self.connection.begin() as transaction:
            self.connection.exec_driver_sql(written(case.sql, self.role, self.extension))
            yield self.schema()
            transaction.rollback()

    def run(self, lines: Sequence[str]) -> None:
        """The lines of an upgrade(), as Alembic runs them."""
        op = Operations(MigrationContext.configure(self.connection))
        exec("\n".join(lines), {"op": op, "sa": sa, "postgresql": postgresql})

    def schema(self) -> Snapshot:
        return snapshot(driver(self.connection))


def driver(connection: sa.Connection) -> psycopg.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@contextmanager
def staged(server: Server) -> Iterator[Stage]:
    """A role belongs to the whole server, which may be somebody else's: it has a name of its own, and goes."""
    name, role = f"{server.prefix}stage", f"migration_gate_{secrets.token_hex(4)}"
    create(server, name)
    engine = sa.create_engine(server.url(name, "psycopg"), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        known = set(connection.scalars(sa.text("SELECT name FROM pg_available_extensions")))
        extension = next((one for one in EXTENSIONS if one in known), None)
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        empty = snapshot(driver(connection))
        declared(role, extension).create_all(connection)
        connection.commit()
        try:
            yield Stage(connection, server.major, role, extension, snapshot(driver(connection)), empty)
        finally:
            connection.rollback()
            with connect(server, name) as plain:
                plain.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
