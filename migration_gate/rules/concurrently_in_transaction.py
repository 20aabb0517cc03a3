"""A CONCURRENTLY statement stands outside of an autocommit block.

CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION wait for other transactions when they are told CONCURRENTLY, and
commit several times on the way. Alembic runs revisions in a transaction, and PostgreSQL refuses the statement there
with 25001, `cannot run inside a transaction block`: on every table, a new and empty one too, and on every version. It
refuses VACUUM, ALTER SYSTEM, and what makes or drops a database or a tablespace there too.

Refused:

    op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)

or:

    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")

or, since a string of several statements is one transaction of its own, in an autocommit block too:

    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY ix_users_email ON users (email)")

Write instead:

    with op.get_context().autocommit_block():
        op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)

or:

    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")

or:

    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        op.execute("CREATE INDEX CONCURRENTLY ix_users_email ON users (email)")

Silent on REFRESH MATERIALIZED VIEW CONCURRENTLY, which may run in a transaction. After a COMMIT of the migration's own
it depends on the driver: psycopg2 runs the statement outside of a transaction, psycopg begins another one. That makes
a note, and so does an env.py that speaks of the isolation level AUTOCOMMIT, or lets other code configure the context.

Source: PostgreSQL's documentation, CREATE INDEX, "Building Indexes Concurrently", and 55.2.2.1, "Multiple Statements in
a Simple Query"; Alembic's, MigrationContext.autocommit_block; measured with psycopg, psycopg2 and pg8000. asyncpg takes
no string of several statements at all (42601).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from migration_gate.operations.model import (
    AlterTable,
    At,
    Boundary,
    CreateIndex,
    DetachPartition,
    DropIndex,
    Operation,
    Other,
    Reindex,
    RewriteTable,
)
from migration_gate.rules.base import Hazard, Migration, maybe_no_transaction, nodes_of
from migration_gate.rules.remedies import drop_first, in_autocommit_block, python_call, statement


def check(migration: Migration) -> Iterator[Hazard]:
    seen: set[At] = set()
    for one in migration.operations:
        what = _what(one)
        if what is None or _place(one) in seen:
            continue
        autocommit = migration.together(one).autocommit
        beside = [
            other for other in migration.operations if _place(other) == _place(one) and not isinstance(other, Boundary)
        ]
        if autocommit and not _one_string(beside):
            continue
        seen.add(_place(one))
        why = "inside the transaction that Alembic has begun"
        unless = ""
        if autocommit:
            why = "in a string of several statements, which PostgreSQL takes for one transaction"
        elif autocommit is None:
            unless = " Whether there is one after a COMMIT depends on the driver: psycopg begins another."
        else:
            unless = maybe_no_transaction(migration.environment())
        yield migration.hazard(
            one,
            f"{what} runs {why}. PostgreSQL refuses it there, whatever the table (25001).{unless}",
            in_autocommit_block(*dict.fromkeys(line for other in beside for line in _lines(other))),
            sure=not unless,
        )


def _lines(one: Operation) -> list[str]:
    """Its statement, and before an index is built what takes away that of an attempt that failed."""
    builds = isinstance(one, CreateIndex) and one.concurrently and one.name
    return [*([drop_first(one)] if builds else []), statement(one)]  # type: ignore[arg-type]


def _place(one: Operation) -> At:
    """Where it is written; of what a helper does, the call of the helper."""
    return one.at._replace(inside=None)


# What PostgreSQL's utility.c refuses in a transaction beside CONCURRENTLY, as the readers name it.
_ALONE = {
    "AlterSystem": "ALTER SYSTEM",
    "CreateTableSpace": "CREATE TABLESPACE",
    "Createdb": "CREATE DATABASE",
    "DropTableSpace": "DROP TABLESPACE",
    "Dropdb": "DROP DATABASE",
    "VACUUM": "VACUUM",
}


def _what(one: Operation) -> str | None:
    """The statement, where it is one that cannot run in a transaction."""
    match one:
        case Other(what=what):
            return _ALONE.get(what)
        case AlterTable(what="VACUUM") | RewriteTable(how="VACUUM FULL"):
            return f"VACUUM {one.table or ''}".rstrip()
        case CreateIndex() | DropIndex() | Reindex() | DetachPartition() if not one.concurrently:
            return None
        case CreateIndex():
            return f"CREATE INDEX CONCURRENTLY {one.name or f'on {one.table}'}"
        case DropIndex():
            return f"DROP INDEX CONCURRENTLY {one.name or f'on {one.table}'}"
        case Reindex():
            return f"REINDEX CONCURRENTLY {one.name or one.table or ''}".rstrip()
        case DetachPartition():
            return f"DETACH PARTITION {one.partition} CONCURRENTLY"
    return None


def _one_string(operations: Sequence[Operation]) -> bool:
    """Whether operations of one place are the statements of one string, and not a loop's."""
    texts = {one.call for one in operations}
    if len(texts) < 2 or any(python_call(one) for one in texts) or operations[0].at.inside:
        return False
    at = operations[0].at
    nodes = nodes_of(at.path)
    calls = [one for one in nodes if isinstance(one, ast.Call) and (one.lineno, one.end_lineno) == (at.line, at.end)]
    constants = [one.value for call in calls for one in ast.walk(call) if isinstance(one, ast.Constant)]
    strings = [one for one in constants if isinstance(one, str)]
    if strings:
        return any(re.search(r";\s*[^\s;]", one) for one in strings)
    loops = [one for one in nodes if isinstance(one, ast.For | ast.While)]
    return not any(one.lineno < at.line <= (one.end_lineno or 0) for one in loops)
