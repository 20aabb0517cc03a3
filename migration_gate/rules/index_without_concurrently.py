"""An index is made, dropped or built again in a way that a table's traffic waits for.

CREATE INDEX holds SHARE while it reads and sorts the whole table: INSERT, UPDATE and DELETE wait. DROP INDEX holds
ACCESS EXCLUSIVE, and REINDEX blocks writes to the table and every read that would use the index. With CONCURRENTLY
all three hold SHARE UPDATE EXCLUSIVE, which neither reads nor writes wait for. That cannot run in a transaction, so
it stands in an autocommit block, in a revision of its own; and because a build that fails leaves an invalid index
behind, drop that first.

Refused:

    op.create_index("ix_users_email", "users", ["email"])

or:

    op.drop_index("ix_users_name", table_name="users")

or:

    op.execute("REINDEX TABLE users")

Write instead:

    with op.get_context().autocommit_block():
        op.drop_index("ix_users_email", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)

or:

    with op.get_context().autocommit_block():
        op.drop_index("ix_users_name", table_name="users", if_exists=True, postgresql_concurrently=True)

or:

    with op.get_context().autocommit_block():
        op.execute("REINDEX TABLE CONCURRENTLY users")

Silent on tables that a new revision creates, and on ON ONLY, which builds nothing yet. On a partitioned table
PostgreSQL builds no index concurrently: make it there with ON ONLY, on each partition concurrently, and attach them.

Source: PostgreSQL's documentation, CREATE INDEX, "Building Indexes Concurrently"; measured on 14 to 18.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.model import CreateIndex, CreateTable, DropIndex, Operation, Reindex, Table
from migration_gate.rules.base import Hazard, Migration, backwards, is_new, same
from migration_gate.rules.remedies import (
    added_without,
    directive,
    execute,
    in_autocommit_block,
    literal,
    quoted,
    schema_keyword,
    source,
    sql_name,
    with_keywords,
)


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, CreateIndex | DropIndex | Reindex) or operation.concurrently:
            continue
        if isinstance(operation, CreateIndex) and operation.only:
            continue
        earlier = migration.earlier(operation)
        table = operation.table or _table_of(operation.name, migration, operation)
        if (table and is_new(table, earlier)) or _is_made_anew(operation, earlier):
            continue
        remedy = _remedy(operation, table)
        if isinstance(operation, CreateIndex) and _is_partitioned(operation.table, migration):
            remedy = _by_partition(operation)
        yield migration.hazard(operation, _message(operation, table), remedy, table=table)


def _table_of(name: str | None, migration: Migration, operation: Operation) -> Table | None:
    """The table of an index that is called by its name alone, as the revisions before say."""
    for one in reversed(migration.earlier(operation)):
        if isinstance(one, CreateIndex) and one.name == name:
            return one.table
    for one in reversed(migration.shipped()):
        if isinstance(one, CreateIndex) and one.name == name:
            return one.table
    return None


def _is_partitioned(table: Table, migration: Migration) -> bool:
    """Whether the revisions before have made it a partitioned table: no index of it is built concurrently (0A000)."""
    for one, _ in backwards(table, migration.shipped() + migration.before):
        if isinstance(one, CreateTable):
            return re.search(r"partition[\s_]+by", one.call, re.IGNORECASE) is not None
    return False


def _is_made_anew(operation: Operation, earlier: tuple[Operation, ...]) -> bool:
    """An index that a new revision has just made is of no use to anybody yet, and goes as quickly as it came."""
    return isinstance(operation, DropIndex) and any(
        isinstance(one, CreateIndex)
        and one.name == operation.name is not None
        and (operation.table is None or same(one.table, operation.table))
        for one in earlier
    )


def _message(operation: CreateIndex | DropIndex | Reindex, table: Table | None) -> str:
    where = str(table) if table else "its table"
    name = operation.name or "an index"
    if isinstance(operation, CreateIndex) and not operation.name and all(operation.columns):
        name = f"the index of {', '.join(operation.columns)}"
    if isinstance(operation, CreateIndex):
        return (
            f"{name} is built on {where} under a SHARE lock: INSERT, UPDATE and DELETE on {where} wait until "
            "PostgreSQL has "
            "read all of it."
        )
    if isinstance(operation, DropIndex):
        return (
            f"{name} is dropped under ACCESS EXCLUSIVE on {where}: the statement waits for every query that is "
            "running there, "
            "and all that come after it, reads too, wait for the statement."
        )
    what = operation.name or where
    return (
        f"{what} is indexed anew: INSERT, UPDATE and DELETE on {where} wait, and so does every read that uses an "
        "index of it, "
        "until that has ended."
    )


def _remedy(operation: CreateIndex | DropIndex | Reindex, table: Table | None) -> str:
    added = added_without(operation, "index", "unique")
    head = "\n".join([*added, f"# in a revision of its own{', once the column is there' * bool(added)}:\n"])
    on = {"postgresql_concurrently": "True"}
    call = directive(operation, "create_index", "drop_index")
    if call is None and isinstance(operation, CreateIndex) and not _is_sql(operation.call):
        call = _anew(operation)
    if call is None:
        return head + in_autocommit_block(*_sql(operation))
    if isinstance(operation, DropIndex):
        return head + in_autocommit_block(source(with_keywords(call, if_exists="True", **on)))
    made = source(with_keywords(call, if_not_exists=None, **on))
    name = operation.name or (_own_name(operation) if added and isinstance(operation, CreateIndex) else None)
    if not name or not table:
        return head + in_autocommit_block(made)
    where = f"table_name={literal(table.name)}{schema_keyword(table)}"
    drop = f"op.drop_index({literal(name)}, {where}, if_exists=True, postgresql_concurrently=True)"
    return head + in_autocommit_block(drop, made)


def _by_partition(operation: CreateIndex) -> str:
    """An index of a partitioned table, without a wait: of the parent alone, of each partition, and the two joined."""
    table, name = operation.table, operation.name or f"ix_{operation.table.name}"
    columns = ", ".join(map(quoted, filter(None, operation.columns))) or "…"
    unique = "UNIQUE " * operation.unique
    return "\n".join(
        [
            execute(f"CREATE {unique}INDEX {quoted(name)} ON ONLY {sql_name(table)} ({columns})"),
            "# and, in a revision of its own, for each partition:",
            in_autocommit_block(
                execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(name + '_part')}"),
                execute(f"CREATE {unique}INDEX CONCURRENTLY {quoted(name + '_part')} ON … ({columns})"),
                execute(f"ALTER INDEX {quoted(name)} ATTACH PARTITION {quoted(name + '_part')}"),
            ),
        ]
    )


def _anew(operation: CreateIndex) -> ast.Call | None:
    """The call for an index that comes with a column: ``index=True``."""
    columns = [one for one in operation.columns if one]
    if not columns:
        return None
    table = operation.table
    name = literal(operation.name or _own_name(operation))
    listed = ", ".join(map(literal, columns))
    unique = ", unique=True" if operation.unique else ""
    text = f"op.create_index({name}, {literal(table.name)}, [{listed}]{unique}{schema_keyword(table)})"
    tree = ast.parse(text, mode="eval").body
    assert isinstance(tree, ast.Call)
    return tree


def _own_name(operation: CreateIndex) -> str:
    """As SQLAlchemy calls it where no naming convention says otherwise: "ix_%(column_0_label)s"."""
    return "_".join(["ix", *filter(None, [operation.table.schema, operation.table.name, *operation.columns])])


def _is_sql(call: str) -> bool:
    return re.match(r"\s*(?:CREATE|DROP|REINDEX)\b", call, re.IGNORECASE) is not None


def _sql(operation: CreateIndex | DropIndex | Reindex) -> list[str]:
    if not _is_sql(operation.call):
        return ["…"]
    made = re.sub(
        r"(\b(?:INDEX|REINDEX(?:\s*\([^)]*\))?\s+(?:INDEX|TABLE|SCHEMA|DATABASE)))\b",
        r"\1 CONCURRENTLY",
        operation.call.strip().rstrip(";"),
        count=1,
        flags=re.IGNORECASE,
    )
    made = re.sub(r"\bIF NOT EXISTS\s+", "", made, flags=re.IGNORECASE)
    if isinstance(operation, CreateIndex) and operation.name:
        schema = f"{quoted(operation.table.schema)}." if operation.table.schema else ""
        return [execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}{quoted(operation.name)}"), execute(made)]
    return [execute(made)]
