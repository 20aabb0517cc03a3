"""What keeps rows right is switched off: foreign keys and triggers, or a primary key.

Foreign keys are triggers. ALTER TABLE … DISABLE TRIGGER ALL and SET session_replication_role = replica switch them off,
and rows that break them get in. Switched on again, PostgreSQL does not look at these rows: the constraint says that
it is valid and is not, and a dump of that database cannot be restored.

A table without its primary key takes the same row twice. What logical replication publishes of it can no longer be
updated or deleted: `cannot update table "memberships" because it does not have a replica identity and publishes
updates` (55000), and that is the application's UPDATE that fails, not the migration.

Refused:

    op.execute("ALTER TABLE orders DISABLE TRIGGER ALL")
    op.execute("INSERT INTO orders (user_id, total) VALUES (-1, 0)")
    op.execute("ALTER TABLE orders ENABLE TRIGGER ALL")

or:

    op.execute("SET LOCAL session_replication_role = replica")
    op.execute("UPDATE orders SET user_id = -1")

or:

    op.drop_constraint("memberships_pkey", "memberships", type_="primary")

Write instead:

    op.execute("ALTER TABLE orders DISABLE TRIGGER USER")
    op.execute("UPDATE orders SET note = status::text WHERE note IS NULL")
    op.execute("ALTER TABLE orders ENABLE TRIGGER USER")

which leaves out the triggers that people have written and keeps the foreign keys, and for a key one statement with an
index that is there already:

    with op.get_context().autocommit_block():
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY memberships_key ON memberships (id)")
    # the next revision
    op.execute(
        "ALTER TABLE memberships DROP CONSTRAINT memberships_pkey, "
        "ADD CONSTRAINT memberships_pkey PRIMARY KEY USING INDEX memberships_key"
    )

Silent on tables that a new revision makes, where the checks are on again before any row is changed, and where the same
revision gives the table another primary key.

Source: PostgreSQL's documentation, ALTER TABLE (DISABLE TRIGGER), "session_replication_role", "Logical Replication:
Publication"; measured: a violating row after each, and an UPDATE of a published table.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.model import (
    AddConstraint,
    AlterTable,
    ChangeRows,
    DropConstraint,
    NotRead,
    RenameTable,
    Set,
)
from migration_gate.rules.base import Hazard, Migration, is_new, same
from migration_gate.rules.names import after
from migration_gate.rules.remedies import execute, in_autocommit_block, quoted, sql_name

_OFF = "replica"  # the one value with which the triggers of foreign keys do not fire


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        earlier = migration.earlier(operation)
        match operation:
            case AlterTable(what="DISABLE TRIGGER ALL", table=table):
                if not is_new(table, earlier) and not _on_again(migration, operation):
                    yield _triggers(migration, operation)
            case Set(name="session_replication_role", value=str(value)) if value.lower().strip("'\"") == _OFF:
                if not _on_again(migration, operation):
                    yield _role(migration, operation)
            case DropConstraint(table=table) if _is_key(operation) and not is_new(table, earlier):
                if not _has_another(migration, operation):
                    yield _key(migration, operation)


def _on_again(migration: Migration, off: AlterTable | Set) -> bool:
    """Whether the checks are on again before anything that may change a row."""
    for one in after(migration, off):
        match one:
            case ChangeRows() | NotRead():
                return False
            case AlterTable(what="ENABLE TRIGGER ALL") if isinstance(off, AlterTable) and same(one.table, off.table):
                return True
            case Set(name="session_replication_role", value=value) if isinstance(off, Set) and value != _OFF:
                return True
    return False


def _triggers(migration: Migration, one: AlterTable) -> Hazard:
    message = (
        f"DISABLE TRIGGER ALL switches off the foreign keys of {one.table}, which are triggers. Rows that break them "
        "get in, and stay: PostgreSQL does not look at them again when the triggers are enabled."
    )
    sql = f"ALTER TABLE {sql_name(one.table)} DISABLE TRIGGER USER"
    other = "# where only triggers that people have written are meant (and ENABLE TRIGGER USER afterwards):\n"
    return migration.hazard(one, message, other + execute(sql))


def _role(migration: Migration, one: Set) -> Hazard:
    session = "" if one.local else ", until the end of the connection: for all migrations that run after this one too"
    message = (
        f"session_replication_role = replica switches off every foreign key and trigger{session}. Rows that break them "
        "get in, and stay: PostgreSQL does not look at them again."
    )
    tables = [op.table for op in after(migration, one) if isinstance(op, ChangeRows)]
    lines = [
        line
        for table in dict.fromkeys(tables)
        for line in (
            execute(f"ALTER TABLE {sql_name(table)} DISABLE TRIGGER USER"),
            f"# the changes of {table}, and then:",
            execute(f"ALTER TABLE {sql_name(table)} ENABLE TRIGGER USER"),
        )
    ]
    remedy = "# where only triggers that people have written are meant:\n" + "\n".join(lines) if lines else None
    return migration.hazard(one, message, remedy)


def _is_key(one: DropConstraint) -> bool:
    """Whether it is a primary key: PostgreSQL itself names these "…_pkey", and Alembic's naming conventions "pk_…"."""
    name = one.name or ""
    return one.kind in ("primary", "primary key") or (
        one.kind is None and (name.endswith(("_pkey", "_pk")) or name.startswith("pk_"))
    )


def _has_another(migration: Migration, dropped: DropConstraint) -> bool:
    table = dropped.table
    for one in after(migration, dropped):
        if isinstance(one, RenameTable) and same(one.table, table):
            table = one.to
        elif isinstance(one, AddConstraint) and one.kind == "primary key" and same(one.table, table):
            return True
    return False


def _key(migration: Migration, one: DropConstraint) -> Hazard:
    table, name = one.table, one.name or f"{one.table.name}_pkey"
    message = (
        f"{table} loses its primary key and gets no other one in this revision: the same row can come in twice, and "
        "if a publication of logical replication has the table, each UPDATE and DELETE of it fails."
    )
    index = quoted(f"{table.name}_key")
    schema = f"{quoted(table.schema)}." if table.schema else ""
    remedy = [
        "# in a revision of its own, of columns that are NOT NULL:",
        in_autocommit_block(
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}{index}"),
            execute(f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {sql_name(table)} (…)"),
        ),
        "# and in the next one, in the place of this:",
        execute(
            f"ALTER TABLE {sql_name(table)} DROP CONSTRAINT {quoted(name)}, "
            f"ADD CONSTRAINT {quoted(name)} PRIMARY KEY USING INDEX {index}"
        ),
    ]
    return migration.hazard(one, message, "\n".join(remedy))
