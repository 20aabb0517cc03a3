"""Alembic's directives, each beside what the installed Alembic makes of it: both have to read the same."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeType,
    Column,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    NotRead,
    Operation,
    Other,
    SetDefault,
    SetNotNull,
)
from tests.operations.reading import AT, operations, read, read_sql

HEAD = """
from alembic import op
from alembic.operations import ops
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
"""
CHECKED = (
    'CHECKED = sa.Enum("a", native_enum=False, create_constraint=True, name="k")\n'
    'KEY = sa.PrimaryKeyConstraint("a", "b")\n'
)


def rendered(body: str) -> str:
    """The SQL that Alembic sends to PostgreSQL for the body of an upgrade()."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

    out = StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": out})
    names = {"op": Operations(context), "sa": sa, "postgresql": postgresql, "ops": ops}
    exec(CHECKED, names)
    exec(compile(body, "upgrade", "exec"), names)
    return out.getvalue()


def essence(operation: Operation) -> tuple[str, dict[str, Any]] | None:
    """What both ways of reading have to agree on: not how it is written, nor the names that SQLAlchemy makes up."""
    if isinstance(operation, Other):
        return None
    fields = operation._asdict()
    left_out = {"at", "call"}
    match operation:
        case AddColumn():
            fields["column"] = _column(operation.column)
        case CreateTable():
            fields["columns"] = [_column(one) for one in operation.columns]
            fields["references"] = {*operation.references}
        case ChangeType():
            left_out |= {"to", "existing", "existing_type"}
        case SetDefault():
            fields["default"] = operation.default not in (None, "NULL") or operation.default
        case SetNotNull():
            left_out |= {"type"}
        case CreateIndex(name=str(name)):
            fields["name"] = None if name.startswith("ix_") else name
        case AddConstraint():  # an inline CHECK knows its column, and one of a table does not say
            left_out |= {"columns"} if operation.kind in ("check", "exclude") else set()
        case DropConstraint():
            left_out |= {"kind", "unnamed"}
        case DropIndex():
            left_out |= {"table"}
    return type(operation).__name__, {name: one for name, one in fields.items() if name not in left_out}


def _column(one: Column) -> dict[str, Any]:
    has_default = one.default is not None and (one.default == "NULL" or "a default")
    return {**one._asdict(), "type": None, "default": has_default}


CASES = """
op.add_column("t", sa.Column("c", sa.Integer()))
op.add_column("t", sa.Column("c", sa.String(50), nullable=False), schema="s")
op.add_column("t", sa.Column("c", sa.String(50), nullable=False, server_default="x"))
op.add_column("t", sa.Column("c", sa.Text, server_default=sa.text("NULL")))
op.add_column("t", sa.Column("c", sa.Text, server_default=sa.null()))
op.add_column("t", sa.Column("c", sa.Boolean(), server_default=sa.true()))
op.add_column("t", sa.Column("c", sa.Boolean(), server_default=sa.text("false"), nullable=False))
op.add_column("t", sa.Column("c", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False))
op.add_column("t", sa.Column("c", sa.DateTime(), server_default=sa.text("clock_timestamp()")))
op.add_column("t", sa.Column("c", sa.DateTime(), server_default=sa.func.clock_timestamp()))
op.add_column("t", sa.Column("c", sa.Date(), server_default=sa.func.current_date()))
op.add_column("t", sa.Column("c", sa.DateTime(), server_default=sa.func.current_timestamp()))
op.add_column("t", sa.Column("c", sa.DateTime(), server_default=sa.func.timezone("UTC", sa.func.now())))
op.add_column("t", sa.Column("c", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False))
op.add_column("t", sa.Column("c", sa.Uuid(), server_default=sa.text("public.uuid_generate_v4()")))
op.add_column("t", sa.Column("c", sa.Text(), server_default=sa.func.md5(sa.cast(sa.func.random(), sa.Text))))
op.add_column("t", sa.Column("c", sa.Text(), server_default=sa.func.my.own()))
op.add_column("t", sa.Column("c", sa.Text(), server_default=sa.text("own()")))
op.add_column("t", sa.Column("c", sa.Text(), server_default=sa.text("('a' || 'b')::text")))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.Sequence("s").next_value()))
op.add_column("t", sa.Column("c", sa.Integer(), sa.Sequence("s")))
op.add_column("t", sa.Column("c", sa.Integer(), sa.Identity()))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.Identity(always=True)))
op.add_column("t", sa.Column("c", sa.Integer(), sa.Computed("a + 1", persisted=True)))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.Computed("a + 1", persisted=True)))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.FetchedValue()))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.DefaultClause("1")))
op.add_column("t", sa.Column("c", sa.Integer(), server_default=sa.DefaultClause(sa.text("random()"))))
op.add_column("t", sa.Column("c", sa.Integer(), primary_key=True))
op.add_column("t", sa.Column("c", sa.BigInteger(), primary_key=True), inline_primary_key=True)
op.add_column("t", sa.Column("c", sa.Text(), primary_key=True))
op.add_column("t", sa.Column("c", sa.Integer(), sa.ForeignKey("p.id")))
op.add_column("t", sa.Column("c", sa.Integer(), sa.ForeignKey("s.p.id", name="fk", ondelete="CASCADE")))
op.add_column("t", sa.Column("c", sa.Integer(), sa.ForeignKey("p.id")), inline_references=True)
op.add_column("t", sa.Column("c", sa.Integer(), unique=True))
op.add_column("t", sa.Column("c", sa.Integer(), index=True))
op.add_column("t", sa.Column("c", sa.Integer(), sa.ForeignKey("p.id"), unique=True, index=True, comment="x"))
op.add_column("t", sa.Column("c", sa.Integer(), sa.CheckConstraint("c > 0", name="k"), sa.ForeignKey("p.id")))
op.add_column("t", sa.Column("c", sa.Integer(), sa.CheckConstraint("c IS NOT NULL")), if_not_exists=True)
op.add_column("t", sa.Column("c", sa.Enum("a", "b", name="mood"), server_default="a"))
op.add_column("t", sa.Column("c", postgresql.ARRAY(sa.String(5)), server_default="{}"))
op.add_column("t", sa.Column("c", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False))
op.add_column("t", sa.Column("c", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")))
op.create_table("t", sa.Column("id", sa.Integer()), sa.PrimaryKeyConstraint("id"))
op.create_table("t", sa.Column("id", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint("id", name="k"))
op.create_table("t", sa.Column("id", sa.Integer(), autoincrement=False), sa.PrimaryKeyConstraint("id"))
op.create_table("t", sa.Column("id", sa.Integer(), server_default="1"), sa.PrimaryKeyConstraint("id"))
op.create_table("t", sa.Column("id", sa.Integer(), default=1), sa.PrimaryKeyConstraint("id"))
op.create_table("t", sa.Column("id", sa.Integer(), sa.ForeignKey("p.id")), sa.PrimaryKeyConstraint("id"))
op.create_table("t", sa.Column("a", sa.Integer(), primary_key=True), sa.ForeignKeyConstraint(["a"], ["p.id"]))
op.create_table("t", sa.Column("a", sa.Integer(), primary_key=True), sa.Column("b", sa.Integer(), primary_key=True))
op.create_table("t", sa.Column("a", sa.Integer(), autoincrement=True), sa.Column("b", sa.Text()), KEY)
op.create_table("t", sa.Column("a", sa.Integer()), sa.Column("b", sa.Integer()), KEY)
op.create_table("t", sa.Column("a", sa.Integer(), primary_key=True), sa.Column("b", sa.Text(), primary_key=True), KEY)
op.create_table("t", sa.Column("a", sa.Text(), primary_key=True, nullable=True), sa.Column("b", sa.Integer()))
op.create_table("t", sa.Column("a", sa.Text(), sa.ForeignKey(column="p.id")), sa.Index("i", sa.text("a DESC")))
op.create_index("i", "t", ["a", sa.text("b DESC"), sa.text("c ASC NULLS FIRST"), sa.text("lower(d)")])
op.create_index("i", "t", [sa.text('"E" desc'), sa.text("F")])
op.drop_column("t", "c", schema="s")
op.drop_column("t", "c", if_exists=True)
op.create_table("t", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("b", sa.Text(), nullable=False))
op.create_table("t", sa.Column("id", sa.Integer()), sa.Column("b", sa.Text()), sa.PrimaryKeyConstraint("id", "b"))
op.create_table("t", sa.Column("p_id", sa.Integer(), sa.ForeignKey("p.id")), schema="s", if_not_exists=True)
op.create_table("t", sa.Column("a", sa.Integer()), sa.ForeignKeyConstraint(["a"], ["s.p.id"], name="fk"))
op.create_table("t", sa.Column("a", sa.Integer(), sa.ForeignKey("t.b")), sa.Column("b", sa.Integer()))
op.create_table("t", sa.Column("a", sa.Integer(), index=True), sa.Column("b", sa.Text(), unique=True))
op.create_table("t", sa.Column("a", sa.Integer(), index=True, unique=True, comment="x"), comment="y")
op.create_table("t", sa.Column("a", sa.Integer()), sa.Index("i", "a", unique=True))
op.create_table("t", sa.Column("a", sa.Date()), postgresql_partition_by="RANGE (a)")
op.create_table("t", sa.Column("a", sa.Enum("a", name="mood")), sa.CheckConstraint("a = 'a'"))
op.create_table("t", sa.Column("a", sa.Uuid(), server_default=sa.func.gen_random_uuid()))
op.drop_table("t", schema="s", if_exists=True)
op.rename_table("t", "u", schema="s")
op.create_table_comment("t", "x", schema="s")
op.drop_table_comment("t")
op.create_index("i", "t", ["a", "b"])
op.create_index("i", "t", ["a", sa.text("lower(b)")], unique=True, schema="s")
op.create_index("i", "t", ["a"], postgresql_concurrently=True, if_not_exists=True, postgresql_where=sa.text("a > 0"))
op.create_index("i", "t", ["a"], postgresql_using="gin", postgresql_include=["b"])
op.drop_index("i", table_name="t", postgresql_concurrently=True, if_exists=True)
op.create_unique_constraint("u", "t", ["a", "b"], schema="s")
op.create_unique_constraint("u", "t", ["a"], postgresql_nulls_not_distinct=True)
op.create_primary_key("p", "t", ["a", "b"])
op.create_foreign_key("f", "t", "p", ["a"], ["id"])
op.create_foreign_key("f", "t", "p", ["a"], ["id"], source_schema="s", referent_schema="r", ondelete="CASCADE")
op.create_foreign_key("f", "t", "p", ["a"], ["id"], postgresql_not_valid=True)
op.create_check_constraint("k", "t", "a > 0")
op.create_check_constraint("k", "t", sa.text("a IS NOT NULL"), postgresql_not_valid=True)
op.create_check_constraint("k", "t", sa.column("a").is_not(None), schema="s")
op.create_exclude_constraint("x", "t", (sa.column("a"), "&&"), using="gist")
op.drop_constraint("k", "t", type_="foreignkey", schema="s")
op.drop_constraint("k", "t", if_exists=True)
op.alter_column("t", "c", nullable=False, existing_type=sa.Text())
op.alter_column("t", "c", nullable=True, schema="s")
op.alter_column("t", "c", server_default="x")
op.alter_column("t", "c", server_default=sa.text("now()"))
op.alter_column("t", "c", server_default=None)
op.alter_column("t", "c", server_default=sa.Identity())
op.alter_column("t", "c", server_default=None, existing_server_default=sa.Identity())
op.alter_column("t", "c", type_=sa.Text(), existing_type=sa.String(5))
op.alter_column("t", "c", type_=sa.Integer(), existing_type=sa.Text(), postgresql_using="c::integer")
op.alter_column("t", "c", type_=sa.Text(), nullable=False, server_default="x", comment="x", new_column_name="d")
op.alter_column("t", "c", comment=None)
op.alter_column("t", "c", type_=sa.Enum("a", native_enum=False, create_constraint=True, name="k"))
op.alter_column("t", "c", type_=sa.JSON(), existing_type=CHECKED)
op.execute("UPDATE t SET a = 1")
op.execute(sa.text("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID"))
op.execute(sa.schema.CreateTable(sa.Table("t", sa.MetaData())))
op.execute(sa.schema.DropTable(sa.Table("t", sa.MetaData(), schema="s")))
op.execute(sa.update(sa.table("t", sa.column("a"))).values(a="x"))
op.invoke(ops.DropColumnOp("t", "c", schema="s"))
op.invoke(ops.AddColumnOp("t", sa.Column("c", sa.Text())))
op.invoke(ops.CreateTableOp("t", [sa.Column("c", sa.Text())]))
op.invoke(ops.CreateIndexOp("i", "t", ["a"], unique=True))
op.invoke(ops.ExecuteSQLOp("DELETE FROM t"))
""".strip().split("\n")


@pytest.mark.parametrize("body", CASES)
def test_a_directive_is_read_as_what_alembic_makes_of_it(body: str):
    sent = [essence(one) for one in read_sql(rendered(body), AT, binds=False)]
    assert [essence(one) for one in operations(body, HEAD + CHECKED)] == [one for one in sent if one]


BATCHES = """
b.add_column(sa.Column("c", sa.Integer(), sa.ForeignKey("p.id"), nullable=False))
b.alter_column("c", type_=sa.Text(), existing_type=sa.String(5), nullable=False)
b.create_index("i", ["a"], unique=True, postgresql_concurrently=True)
b.create_unique_constraint("u", ["a"])
b.create_foreign_key("f", "p", ["a"], ["id"], referent_schema="r")
b.create_check_constraint("k", "a > 0")
b.create_primary_key("p", ["a"])
b.drop_constraint("k", type_="check")
b.drop_index("i")
b.drop_column("c")
b.create_table_comment("x")
""".strip().split("\n")


@pytest.mark.parametrize("body", BATCHES)
def test_a_batch_is_read_as_what_alembic_makes_of_it(body: str):
    body = f'with op.batch_alter_table("t", schema="s") as b:\n    {body}'
    sent = [essence(one) for one in read_sql(rendered(body), AT, binds=False)]
    assert [essence(one) for one in operations(body, HEAD)] == [one for one in sent if one]


@pytest.mark.parametrize(
    ("given", "writes"),
    [
        ("sa.Integer(), sa.Computed('a')", None),  # STORED, but with SQLAlchemy 2.1 on PostgreSQL 18
        ("sa.Integer(), sa.Computed('a', True)", "generated"),
        ("sa.Integer(), sa.Computed('a', persisted=False)", ""),
        ("sa.Integer(), server_default=COMPUTED", None),
        ("sa.Text(), server_default=sa.func.own()", None),
        ("sa.Text(), server_default=sa.text(COMPUTED)", None),
        ("sa.Text(), server_default=sa.text('…')", ""),
        ("sa.Text(), server_default=sa.text('now(')", None),
        ("sa.Text(), **COMPUTED", None),
        ("postgresql.DOMAIN('d', sa.Text())", None),
        ("postgresql.ARRAY(sa.Text()), server_default=postgresql.array([sa.func.random()])", "volatile default"),
        ("sa.Text(), default=sa.func.random()", ""),
        ("sa.Boolean(), server_default=sa.sql.False_()", ""),
    ],
)
def test_whether_a_column_writes_into_each_row(given: str, writes: str | None):
    added = operations(f'op.add_column("t", sa.Column("c", {given}))', HEAD + "from app import COMPUTED\n")[0]
    assert isinstance(added, AddColumn)
    assert added.column.writes == writes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('op.drop_constraint(None, "t")', ["DropConstraint t unnamed"]),
        ('op.drop_constraint(None, "t", type_="foreignkey")', ["DropConstraint t foreign key unnamed"]),
        ('op.drop_constraint(op.f("k"), "t", "unique")', ["DropConstraint t k unique"]),
        ('op.drop_constraint(NAME, "t")', ["DropConstraint t"]),
        ('with op.batch_alter_table("t") as b:\n    b.drop_constraint(None)', ["DropConstraint t unnamed"]),
        ('op.create_index("i", "t", COLUMNS)', ["CreateIndex t i"]),
        ('op.drop_index(NAME, "t")', ["DropIndex t"]),
        ('with op.batch_alter_table("t") as b:\n    b.drop_index(NAME)', ["DropIndex t"]),
        ('op.create_foreign_key("f", "t", NAME, ["a"], ["id"])', ["AddConstraint t f foreign key (a)"]),
        ('op.create_check_constraint("k", "t", sa.column("a") > 0)', ["AddConstraint t k check"]),
        (
            'op.create_check_constraint("k", "t", sa.column("A b").isnot(None))',
            ["AddConstraint t k check proves_not_null=('A b',) condition=\"A b\" IS NOT NULL"],
        ),
        (
            'op.create_check_constraint("k", "t", sa.column("user").isnot(None))',
            ["AddConstraint t k check proves_not_null=('user',) condition=\"user\" IS NOT NULL"],
        ),
        ('op.bulk_insert(sa.table("t"), [])', ["Other bulk_insert"]),
        ('op.bulk_insert(sa.table("t"), ROWS)', ["ChangeRows t INSERT"]),
        (
            'op.alter_column("t", "c", type_=sa.Text(), postgresql_using=NAME)',
            ["ChangeType t c sa.Text() to_type=text using=an expression"],
        ),
    ],
)
def test_what_is_known_of_a_call_in_part(body: str, expected: list[str]):
    assert read(body, HEAD + "from app import COLUMNS, NAME, ROWS\n") == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("op.add_column(NAME, sa.Column('c', sa.Text()))", "the table's name is computed"),
        ("op.add_column('t', COLUMN)", "the column is computed"),
        ("op.add_column('t', sa.Column(NAME, sa.Text()))", "the column's name is computed"),
        ("op.alter_column('t', NAME, nullable=False)", "the column's name is computed"),
        ("op.alter_column('t', 'c', nullable=NAME)", "`nullable` is computed"),
        ("op.alter_column('t', 'c', **NAME)", "alter_column's keywords are computed"),
        ("op.alter_column('t', 'c', server_default=sa.Computed('a'))", "Alembic refuses"),
        ("op.alter_column('t', 'c', new_column_name=NAME)", "the new name is computed"),
        ("op.drop_index(NAME)", "the index's name is computed"),
        ("op.create_index('i', NAME, ['a'])", "the table's name is computed"),
        ("op.create_index('i', 't', ['a'], schema=NAME)", "the schema's name is computed"),
        ("op.invoke(NAME)", "the operation that op.invoke() is given is computed"),
        ("op.execute(sa.schema.CreateIndex(NAME))", "what is created or dropped here is computed"),
        ("op.execute(NAME)", "the SQL is computed"),
    ],
)
def test_a_call_whose_needed_argument_is_computed_is_not_read(body: str, reason: str):
    (one,) = operations(body, HEAD + "from app import COLUMN, NAME\n")
    assert isinstance(one, NotRead)
    assert one.reason.startswith(reason)
