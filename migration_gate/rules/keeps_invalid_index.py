"""CREATE INDEX CONCURRENTLY IF NOT EXISTS may keep an index that an earlier attempt left INVALID.

When CREATE INDEX CONCURRENTLY fails, for duplicate values, a deadlock or a lock timeout, PostgreSQL leaves the index
behind, marked INVALID: no query uses it, and every write pays for it. The next attempt finds an index of that name,
says `already exists, skipping`, and the revision is stamped. A UNIQUE index that is INVALID for its duplicates keeps
them.

Refused:

    with op.get_context().autocommit_block():
        op.create_index("ux_email", "users", ["email"], unique=True, postgresql_concurrently=True, if_not_exists=True)

or:

    with op.get_context().autocommit_block():
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ux_email ON users (email)")

Write instead:

    with op.get_context().autocommit_block():
        op.drop_index("ux_email", table_name="users", postgresql_concurrently=True, if_exists=True)
        op.create_index("ux_email", "users", ["email"], unique=True, postgresql_concurrently=True)

or:

    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ux_email")
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY ux_email ON users (email)")

Silent where the same revision drops the index first: a drop in an earlier one is not run again. Silent on tables that a
new revision creates.

Source: PostgreSQL's documentation, CREATE INDEX, "Building Indexes Concurrently"; measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.model import CreateIndex, DropIndex, NotRead
from migration_gate.rules.base import Hazard, Migration, is_new
from migration_gate.rules.remedies import directive, drop_first, source, statement, with_keywords


def check(migration: Migration) -> Iterator[Hazard]:
    for position, one in enumerate(migration.operations):
        if not isinstance(one, CreateIndex) or not one.concurrently or not one.if_not_exists:
            continue
        earlier = migration.operations[:position]
        dropped = {other.name for other in earlier if isinstance(other, DropIndex)}
        if (one.name and one.name in dropped) or is_new(one.table, migration.earlier(one)):
            continue
        name = one.name or f"the index on {one.table}"
        unread = next((other for other in earlier if isinstance(other, NotRead)), None)
        known = None not in dropped and (one.name is not None or not dropped)
        yield migration.hazard(
            one,
            f"if an attempt at {name} has failed, PostgreSQL has left it INVALID, and IF NOT EXISTS keeps it so: the "
            f"revision passes, and no query uses {name}."
            + (f" Line {unread.at.line} may drop it; it was not read." if unread else ""),
            f"{drop_first(one)}\n{_without_if_not_exists(one)}",
            sure=known and unread is None,
        )


def _without_if_not_exists(one: CreateIndex) -> str:
    call = directive(one, "create_index")
    if call is None:
        return statement(one._replace(call=re.sub(r"\bIF\s+NOT\s+EXISTS\s+", "", one.call, count=1, flags=re.I)))
    return source(with_keywords(call, if_not_exists=None))
