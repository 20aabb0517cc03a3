"""The whole judgement on two schemas in this process: autogenerate as the child runs it, the catalogs, what is said."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext

from migration_gate.drift.compared import Compared, compared
from migration_gate.drift.declared import compare
from migration_gate.postgres.catalog import Key, Snapshot
from migration_gate.project.model import Project
from migration_gate.project.settings import Settings
from migration_gate.rehearsal.child import INJECTED, Ran

DATABASE = "migrated"
RENDER = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None}
OPTIONS = {
    "compare_type": True,
    "compare_server_default": False,
    "include_schemas": True,
    "render_as_batch": False,
    **RENDER,
}


def judged(
    connection: sa.Connection,
    metadata: sa.MetaData,
    migrated: Snapshot,
    declared: Snapshot,
    lent: Iterable[Key],
    unmanaged: Sequence[str] = (),
    **options: Any,
) -> Compared:
    """What is said of the database that ``connection`` is open to, with the schema ``migrated``, beside ``declared``.
    ``lent`` is what every database has.
    """
    if str(INJECTED) not in sys.path:
        sys.path.append(str(INJECTED))
    from migration_gate_inside.compare import describe
    from migration_gate_inside.declare import _Filters

    from migration_gate.drift.declared import _asked

    context = MigrationContext.configure(connection, opts={"target_metadata": metadata, **OPTIONS, **options})
    operations = [
        {**one, "database": DATABASE}
        for one in describe(produce_migrations(context, metadata).upgrade_ops.ops, [metadata], context)
    ]
    schemas = compare(migrated, declared, frozenset(lent))
    filters = _Filters(context, [metadata])
    wanted = [filters.let_through(_asked(one, schemas.migrated)) for one in schemas.differences]
    event = {
        "event": "declared",
        "database": DATABASE,
        "schema": "public",
        "version_table": ["public", "alembic_version"],
        "include_schemas": True,
        "wanted": wanted,
        "places": [{} for _ in wanted],
    }
    configured = {"event": "configured", **OPTIONS, "include_object": True, "include_name": False}
    ran = Ran((configured, {"event": "compared", "operations": operations}, event), 0, "", 0.0)
    return compared(project(unmanaged), ran, {DATABASE: schemas})


def project(unmanaged: Sequence[str] = ()) -> Project:
    here = Path(__file__).parent
    settings = Settings(unmanaged=tuple(unmanaged))
    return Project(
        "migrations", here, here, (here,), False, False, "alembic", None, "alembic", None, here, settings, here
    )
