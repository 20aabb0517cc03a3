"""Models and migrations that say the same in other words have no difference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from migration_gate.postgres.catalog import snapshot
from migration_gate.postgres.catalog_differences import DRIFT, differences, said
from migration_gate.postgres.databases import create
from migration_gate.postgres.server import Server
from tests.drift.controls import CONTROLS, Control
from tests.drift.judged import judged
from tests.drift.stage import driver


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[sa.Connection]:
    name = f"{server.prefix}controls"
    create(server, name)
    engine = sa.create_engine(server.url(name, "psycopg"), poolclass=sa.pool.NullPool)
    with engine.connect() as one:
        yield one


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.name)
def test_no_difference(connection: sa.Connection, control: Control) -> None:
    with connection.begin() as transaction:
        control.declared().create_all(connection)
        declared = snapshot(driver(connection))
        transaction.rollback()
    with connection.begin() as transaction:
        control.upgrade(Operations(MigrationContext.configure(connection)))
        migrated = snapshot(driver(connection))
        transaction.rollback()
    found = differences(migrated, declared)
    assert [said(one, DRIFT) for one in found if one.kind not in control.only_notes] == []
    assert {one.kind for one in found} == set(control.only_notes)
    assert declared


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.name)
def test_no_finding(connection: sa.Connection, control: Control) -> None:
    """With autogenerate asked too, and what only the migrations make in one note."""
    metadata = control.declared()
    with connection.begin() as transaction:
        empty = snapshot(driver(connection))
        metadata.create_all(connection)
        declared = snapshot(driver(connection))
        transaction.rollback()
    with connection.begin() as transaction:
        control.upgrade(Operations(MigrationContext.configure(connection)))
        found = judged(connection, metadata, snapshot(driver(connection)), declared, empty)
        transaction.rollback()
    assert [one.message for one in found.findings] == []
    assert bool(control.only_notes) == any("managed by migrations only" in one.message for one in found.notes)
