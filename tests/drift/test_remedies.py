"""What mends a difference: in the other direction, and of many differences at once."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from migration_gate.mending.plan import mend, mends
from migration_gate.postgres.catalog import Key, Snapshot
from migration_gate.postgres.catalog_differences import Difference, differences, said
from tests.drift.cases import CASES, Case
from tests.drift.models import written
from tests.drift.stage import Stage

# Nothing makes an index invalid on purpose.
BACKWARDS = [one for one in CASES if one.name != "index INVALID"]


def mended(stage: Stage, before: Snapshot, after: Snapshot) -> None:
    """The remedies of ``before`` leave ``after``, on a database that is ``before``."""
    lines = mends(differences(before, after), before, after)
    stage.run(lines)
    assert [said(one) for one in differences(stage.schema(), after)] == [], "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("case", BACKWARDS, ids=[one.name for one in BACKWARDS])
def test_what_was_made_is_dropped_and_the_other_way_round(stage: Stage, case: Case) -> None:
    if reason := stage.why_not(case):
        pytest.skip(reason)
    with stage.migrated(case) as migrated:
        pass
    with stage.connection.begin() as transaction:
        mended(stage, stage.declared, migrated)
        transaction.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_at_once(stage: Stage, seed: int) -> None:
    # A partition that is detached and attached again keeps an index of its own, which nothing takes away.
    cases = [one for one in random.Random(seed).sample(BACKWARDS, 15) if not one.name.startswith("partition ")]
    with stage.connection.begin() as transaction:
        for case in cases:
            if not stage.why_not(case):
                _try(stage.connection, written(case.sql, stage.role, stage.extension))
        migrated = stage.schema()
        mended(stage, migrated, stage.declared)
        transaction.rollback()
    with stage.connection.begin() as transaction:
        mended(stage, stage.declared, migrated)
        transaction.rollback()


def _try(connection: sa.Connection, sql: str) -> None:
    """One case may have taken away what another one changes."""
    point = connection.begin_nested()
    try:
        connection.exec_driver_sql(sql)
    except sa.exc.DBAPIError:
        point.rollback()
    else:
        point.commit()


WRITTEN = [
    # a difference, and the lines as a person writes them
    (("column", "public", "users.age", "bigint", "integer\nDEFAULT 1\nNOT NULL"), """\
op.alter_column("users", "age", type_=sa.Integer())
op.alter_column("users", "age", server_default=sa.text("1"))
op.alter_column("users", "age", nullable=False)"""),
    (("column", "shop", "order.select", None, "text\nDEFAULT ':a'::text"),
     'op.add_column("order", sa.Column("select", sa.Text(), nullable=True, '
     'server_default=sa.text("\'\\\\:a\'::text")), schema="shop")'),
    (("column", "public", "users.at", "text", "timestamp with time zone"),
     'op.alter_column("users", "at", type_=sa.DateTime(timezone=True), '
     'postgresql_using="at::timestamp with time zone")'),
    (("constraint", "public", "users.ck", None, "CHECK (((age > 0) AND (age < 9)))"),
     'op.create_check_constraint(op.f("ck"), "users", "(age > 0) AND (age < 9)")'),
    (("constraint", "public", "users.ck", None, "CHECK ((age > 0)) NOT VALID"),
     'op.execute("ALTER TABLE users ADD CONSTRAINT ck CHECK ((age > 0)) NOT VALID")'),
    (("constraint", "shop", "orders.fk", None, "FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE"),
     'op.create_foreign_key("fk", "orders", "users", ["user_id"], ["id"], ondelete="CASCADE", source_schema="shop")'),
    (("enum", "public", "mood", "('a', 'b')", "('a', 'c', 'b')"),
     "op.execute(\"ALTER TYPE mood ADD VALUE 'c' AFTER 'a'\")"),
    (("enum", "public", "mood", "('a', 'b')", "('a', 'c')"), "op.execute(\"ALTER TYPE mood RENAME VALUE 'b' TO 'c'\")"),
    (("table", "public", "cats", None, "OWNER ana"), 'op.execute("CREATE TABLE cats ()")'),
    (("table", "public", "cats", "OWNER ana", None), 'op.drop_table("cats")'),
    (("aggregate", "public", "public.total(integer)", "", None), 'op.execute("DROP AGGREGATE public.total(integer)")'),
    (("aggregate", "public", "public.total(integer)", None, ""), None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "lines"), WRITTEN)
def test_it_is_written_as_a_person_writes_it(
    given: tuple[str, str, str, str | None, str | None], lines: str | None
) -> None:
    one = Difference(*given)
    key = Key(*given[:3])
    before, after = ({} if text is None else {key: text} for text in given[3:])
    assert mend(one, before, after) == lines
