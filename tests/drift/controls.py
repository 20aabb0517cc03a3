"""Pairs that are no drift: models, and migrations that say the same as a person or autogenerate writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SchemaItem

from tests.drift.models import EXTENSIONS


class Control(NamedTuple):
    """``only_notes`` has the kinds (catalog_queries.py) of what the migrations alone make, on purpose: reports may tell
    of them, and nothing more.
    """

    name: str
    declared: Callable[[], sa.MetaData]
    upgrade: Callable[[Operations], None]
    only_notes: tuple[str, ...] = ()


CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Parts = Callable[[], tuple[SchemaItem, ...]]


def _table(parts: Parts, convention: dict[str, str] | None = None) -> Callable[[], sa.MetaData]:
    """A table ``t`` of these parts."""

    def declared() -> sa.MetaData:
        made = sa.MetaData(naming_convention=convention)
        sa.Table("t", made, *parts())
        return made

    return declared


def _ops(*calls: Callable[[Operations], object]) -> Callable[[Operations], None]:
    def upgrade(op: Operations) -> None:
        for call in calls:
            call(op)

    return upgrade


def _sql(*statements: str) -> Callable[[Operations], None]:
    return _ops(*(lambda op, one=one: op.execute(one) for one in statements))


def _made(*parts: Callable[[], SchemaItem]) -> Callable[[Operations], object]:
    return lambda op: op.create_table("t", *(part() for part in parts))


# ── the forms in which people write columns ──────────────────────────────────────────────────────────────


def _defaults() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("a", sa.Integer, server_default="0"),
        sa.Column("b", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("c", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("d", sa.String(9), server_default=""),
        sa.Column("e", sa.Numeric(8, 2), server_default=sa.text("0.00")),
        sa.Column("f", sa.Date, server_default=sa.func.current_date()),
        sa.Column("g", postgresql.JSONB, server_default=sa.text("'{}'::jsonb")),
        sa.Column("h", postgresql.ARRAY(sa.Text), server_default="{}"),
        sa.Column("i", sa.Uuid, server_default=sa.func.gen_random_uuid()),
        sa.Column("j", sa.Text, server_default=sa.text("'it''s'")),
        sa.Column("k", sa.Interval, server_default=sa.text("'1 day'::interval")),
    )


_DEFAULTS = _sql(
    "CREATE TABLE t (a integer DEFAULT '0', b bool DEFAULT 'f' NOT NULL, c timestamptz DEFAULT NOW(), "
    "d character varying(9) DEFAULT ''::varchar, e decimal(8, 2) DEFAULT (0.00), f date DEFAULT current_date, "
    "g jsonb DEFAULT '{}', h text[] DEFAULT CAST('{}' AS text[]), i uuid DEFAULT (gen_random_uuid()), "
    "j text DEFAULT 'it''s'::text, k interval DEFAULT INTERVAL '1 day')"
)


def _types() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("a", sa.String(30)),
        sa.Column("b", sa.Text),
        sa.Column("c", sa.Numeric(10, 3)),
        sa.Column("d", postgresql.ARRAY(sa.Integer, dimensions=2)),
        sa.Column("e", sa.Float),
        sa.Column("f", sa.Unicode(5)),
        sa.Column("g", sa.LargeBinary),
        sa.Column("h", sa.Uuid),
        sa.Column("i", postgresql.TIMESTAMP(timezone=True, precision=0)),
        sa.Column("j", sa.Float(24)),
        sa.Column("k", sa.String),
    )


_TYPES = _sql(
    "CREATE TABLE t (k varchar, a varchar(30), b text, c decimal(10,3), d int[], e float8, f character varying(5), "
    "g bytea, h uuid, i timestamptz(0), j real)"
)


def _serial() -> tuple[SchemaItem, ...]:
    return (sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=True), sa.Column("n", sa.Integer))


def _small() -> tuple[SchemaItem, ...]:
    return (sa.Column("id", sa.Integer, primary_key=True),)


def _identity() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("n", sa.Integer),
        sa.Column("m", sa.Integer, sa.Computed("n * 2 + 1", persisted=True)),
    )


def _booleans() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("a", sa.Boolean(name="a", create_constraint=True), nullable=False),
        sa.Column("b", sa.Enum("x", "y", name="b", native_enum=False, create_constraint=True)),
        sa.Column("c", sa.Enum("x", "y", name="c")),
        sa.Column("d", sa.Enum("x", "longer", name="d", native_enum=False)),
    )


_BOOLEANS = _ops(
    _made(
        lambda: sa.Column("a", sa.Boolean(), nullable=False),
        lambda: sa.Column("b", sa.String(1), nullable=True),
        lambda: sa.Column("d", sa.String(6)),
        lambda: sa.CheckConstraint("b = 'x' OR b = 'y'", name="other"),
    ),
    lambda op: op.drop_constraint("other", "t"),
    lambda op: op.create_check_constraint("b", "t", "b IN ('x', 'y')"),
    lambda op: op.execute("CREATE TYPE c AS ENUM ('y')"),
    lambda op: op.execute("ALTER TYPE c ADD VALUE 'x' BEFORE 'y'"),
    lambda op: op.add_column("t", sa.Column("c", postgresql.ENUM("x", "y", name="c", create_type=False))),
)


# ── names, keys, indexes ─────────────────────────────────────────────────────────────────────────────────


def _named() -> sa.MetaData:
    made = sa.MetaData(naming_convention=CONVENTION)
    sa.Table("p", made, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "t",
        made,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("p_id", sa.ForeignKey("p.id", ondelete="CASCADE"), index=True),
        sa.CheckConstraint("id > 0", name="positive"),
    )
    return made


def _named_upgrade(op: Operations) -> None:
    op.create_table("p", sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_p"))
    op.execute("CREATE SEQUENCE t_id_seq")
    op.create_table("t", sa.Column("id", sa.Integer(), nullable=False))
    op.execute("ALTER TABLE t ALTER id SET DEFAULT nextval('t_id_seq')")
    op.execute("ALTER SEQUENCE t_id_seq AS integer OWNED BY t.id")
    op.create_primary_key("pk_t", "t", ["id"])
    op.add_column("t", sa.Column("p_id", sa.Integer()))
    op.add_column("t", sa.Column("email", sa.Text()))
    op.create_unique_constraint(op.f("uq_t_email"), "t", ["email"])
    op.create_foreign_key(op.f("fk_t_p_id_p"), "t", "p", ["p_id"], ["id"], ondelete="cascade")
    op.create_index(op.f("ix_t_p_id"), "t", ["p_id"], unique=False)
    op.create_check_constraint(op.f("ck_t_positive"), "t", sa.text("(id>0)"))


def _unnamed() -> sa.MetaData:
    made = sa.MetaData()
    sa.Table("p", made, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "t",
        made,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.Text, unique=True),
        sa.Column("p_id", sa.ForeignKey("p.id", onupdate="CASCADE")),
        sa.CheckConstraint("id > 0"),
    )
    return made


_UNNAMED = _sql(
    "CREATE TABLE p (id serial CONSTRAINT p_pkey PRIMARY KEY)",
    "CREATE TABLE t (id serial, email text, p_id integer)",
    "ALTER TABLE t ADD PRIMARY KEY (id), ADD UNIQUE (email), ADD CHECK (id > 0), "
    "ADD FOREIGN KEY (p_id) REFERENCES p ON UPDATE CASCADE ON DELETE NO ACTION",
)


def _indexes() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("a", sa.String(50)),
        sa.Column("b", sa.Boolean),
        sa.Column("c", sa.DateTime),
        sa.Column("d", postgresql.JSONB),
        sa.Index("ix_lower", sa.func.lower(sa.column("a", sa.Text)), unique=True),
        sa.Index("ix_where", "a", postgresql_where=sa.text("b IS TRUE AND a IN ('x', 'y')")),
        sa.Index("ix_desc", sa.text("c DESC")),
        sa.Index("ix_gin", "d", postgresql_using="gin", postgresql_ops={"d": "jsonb_path_ops"}),
        sa.Index("ix_include", "a", postgresql_include=["b"]),
    )


_INDEXES = _sql(
    "CREATE TABLE t (a varchar(50), b boolean, c timestamp, d jsonb)",
    "CREATE UNIQUE INDEX ix_lower ON t USING btree (lower(a::text) ASC)",
    "CREATE INDEX ix_where ON t (a) WHERE ((b) is true) and (a in ('x'::varchar, 'y'))",
    "CREATE INDEX ix_desc ON t (c DESC NULLS FIRST)",
    "CREATE INDEX ix_gin ON public.t USING gin (d jsonb_path_ops)",
    "CREATE INDEX ix_include ON t (a text_ops) INCLUDE (b)",
)


def _checks() -> tuple[SchemaItem, ...]:
    return (
        sa.Column("a", sa.Integer),
        sa.Column("b", sa.Text),
        sa.Column("c", sa.Date),
        sa.CheckConstraint("a BETWEEN 1 AND 9", name="range"),
        sa.CheckConstraint("b != 'x'", name="not_x"),
        sa.CheckConstraint("c >= '2020-01-01'", name="late"),
    )


_CHECKS = _ops(
    _made(lambda: sa.Column("a", sa.Integer()), lambda: sa.Column("b", sa.Text()), lambda: sa.Column("c", sa.Date())),
    lambda op: op.create_check_constraint("range", "t", "((a >= 1) AND (a <= 9))"),
    lambda op: op.create_check_constraint("not_x", "t", sa.column("b") != "x"),
    lambda op: op.execute("ALTER TABLE t ADD CONSTRAINT late CHECK (c >= DATE '2020-01-01') NOT VALID"),
    lambda op: op.execute("ALTER TABLE t VALIDATE CONSTRAINT late"),
)


def _unique_by_index() -> tuple[SchemaItem, ...]:
    return (sa.Column("a", sa.Integer), sa.Column("b", sa.Integer, index=True), sa.UniqueConstraint("a", name="uq_a"))


_UNIQUE_BY_INDEX = _ops(
    _made(lambda: sa.Column("b", sa.Integer()), lambda: sa.Column("a", sa.Integer())),
    lambda op: op.create_index("uq_a", "t", ["a"], unique=True),
    lambda op: op.execute("ALTER TABLE t ADD CONSTRAINT uq_a UNIQUE USING INDEX uq_a"),
    lambda op: op.create_index(op.f("ix_t_b"), "t", [sa.text("b")]),
)


# ── names that want care ─────────────────────────────────────────────────────────────────────────────────


def _quoted() -> sa.MetaData:
    made = sa.MetaData()
    sa.Table(
        "User",
        made,
        sa.Column("select", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("Name", sa.Text, sa.CheckConstraint("\"Name\" <> 'a:b'", name="Said")),
        sa.Column("a.b", sa.Text, unique=True),
        sa.Index("By Name", "Name"),
    )
    sa.Table("order", made, sa.Column("id", sa.ForeignKey("User.select"), primary_key=True))
    return made


def _quoted_upgrade(op: Operations) -> None:
    op.execute('CREATE TABLE "User" ("select" int NOT NULL, "Name" text, "a.b" text UNIQUE)')
    op.create_primary_key(None, "User", ["select"])
    op.create_check_constraint("Said", "User", "\"Name\" != 'a\\:b'")
    op.create_index("By Name", "User", ["Name"])
    op.create_table("order", sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("id"))
    op.create_foreign_key(None, "order", "User", ["id"], ["select"])
    op.execute('ALTER TABLE "order" ALTER id DROP DEFAULT; DROP SEQUENCE order_id_seq')


def _schemas() -> sa.MetaData:
    made = sa.MetaData(schema="app")
    sa.event.listen(made, "before_create", sa.DDL("CREATE SCHEMA app"))
    sa.Table("p", made, sa.Column("id", sa.Integer, primary_key=True))
    m = sa.Enum("x", name="m", schema="app")  # before SQLAlchemy 2.1 it is not the metadata's by itself
    sa.Table("t", made, sa.Column("p_id", sa.ForeignKey("app.p.id")), sa.Column("m", m))
    return made


_SCHEMAS = _sql(
    "CREATE SCHEMA IF NOT EXISTS app",
    "SET LOCAL search_path = app",
    "CREATE TYPE m AS ENUM ('x')",
    "CREATE TABLE p (id serial PRIMARY KEY)",
    "CREATE TABLE t (m m, p_id int REFERENCES p (id))",
    "SET LOCAL search_path = public",
)


def _comments() -> tuple[SchemaItem, ...]:
    return (sa.Column("a", sa.Integer, comment="it's 5%"), sa.Column("b", sa.Integer))


def _commented() -> sa.MetaData:
    made = sa.MetaData()
    sa.Table("t", made, *_comments(), comment="a table")
    return made


_COMMENTED = _ops(
    lambda op: op.create_table("t", sa.Column("a", sa.Integer()), sa.Column("b", sa.Integer(), comment="gone")),
    lambda op: op.alter_column("t", "a", comment="it's 5%"),
    lambda op: op.alter_column("t", "b", comment=None),
    lambda op: op.create_table_comment("t", "a table"),
)


# ── ways that lead to the same place, and what belongs to migrations alone ───────────────────────────────


def _history(op: Operations) -> None:
    """As a history grows: columns come, go and change, tables are renamed with what belongs to them."""
    op.create_table("old", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("gone", sa.Text()))
    op.add_column("old", sa.Column("n", sa.String(5), nullable=True))
    op.drop_column("old", "gone")
    op.rename_table("old", "t")
    op.execute("ALTER SEQUENCE old_id_seq RENAME TO t_id_seq")
    op.execute("ALTER INDEX old_pkey RENAME TO t_pkey")
    op.alter_column("t", "id", type_=sa.BigInteger())
    op.execute("ALTER SEQUENCE t_id_seq AS bigint")
    op.alter_column("t", "n", type_=sa.Integer(), postgresql_using="n::integer")


def _batches(op: Operations) -> None:
    op.create_table("t")
    with op.batch_alter_table("t") as batch:
        batch.add_column(sa.Column("id", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("n", sa.Integer(), server_default="1"))
    with op.batch_alter_table("t") as batch:
        batch.alter_column("n", server_default=None)
    op.execute("CREATE SEQUENCE t_id_seq OWNED BY t.id")
    op.execute("ALTER TABLE t ALTER id SET DEFAULT nextval('public.t_id_seq'::regclass)")
    op.create_primary_key("t_pkey", "t", ["id"])


def _partitioned() -> sa.MetaData:
    made = sa.MetaData()
    sa.Table("t", made, sa.Column("day", sa.Date, primary_key=True), postgresql_partition_by="RANGE (day)")
    return made


_CODE = _sql(
    "CREATE TABLE t (id serial PRIMARY KEY)",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE VIEW v AS SELECT id FROM t",
    "CREATE MATERIALIZED VIEW w AS SELECT id FROM t",
    "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'",
)


def _extension(op: Operations) -> None:
    """One that the server has; none where it has none."""
    for name in op.get_bind().scalars(
        sa.text("SELECT name FROM pg_available_extensions WHERE name = ANY (:names) LIMIT 1"), {"names": [*EXTENSIONS]}
    ):
        op.execute(f"CREATE EXTENSION {name}")


_SETTINGS = _sql(
    "CREATE TABLE t (id serial PRIMARY KEY)",
    "GRANT SELECT ON t TO PUBLIC",
    "GRANT UPDATE (id) ON t TO PUBLIC",
    "ALTER TABLE t SET (fillfactor = 80)",
    "ALTER TABLE t ALTER id SET STATISTICS 500",
    "CREATE STATISTICS s ON (id * 2) FROM t",
)
_PARTS = _sql(
    "CREATE TABLE t (day date PRIMARY KEY) PARTITION BY RANGE (day)",
    "CREATE TABLE t_2025 PARTITION OF t FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
)

CONTROLS = (
    Control("server defaults", _table(_defaults), _DEFAULTS),
    Control("types", _table(_types), _TYPES),
    Control("booleans and enums", _table(_booleans), _BOOLEANS),
    Control("an enum by create_table", _table(lambda: (sa.Column("c", sa.Enum("x", "y", name="c")),)),
            _ops(_made(lambda: sa.Column("c", sa.Enum("x", "y", name="c"), nullable=True)))),
    Control("bigserial", _table(_serial), _sql("CREATE TABLE t (n int, id bigserial PRIMARY KEY)")),
    Control("serial", _table(_small), _sql("CREATE TABLE t (id serial NOT NULL PRIMARY KEY)")),
    Control("an explicit Identity and Computed", _table(_identity), _sql(
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n integer, "
        "m int GENERATED ALWAYS AS (((n * 2)) + 1) STORED)")),
    Control("identity added later", _table(_identity), _sql(
        "CREATE TABLE t (id int PRIMARY KEY)", "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ADD n int, ADD m int GENERATED ALWAYS AS (n*2+1) STORED")),
    Control("a naming convention", _named, _named_upgrade),
    Control("PostgreSQL's own names", _unnamed, _UNNAMED),
    Control("indexes spelled otherwise", _table(_indexes), _INDEXES),
    Control("checks spelled otherwise", _table(_checks), _CHECKS),
    Control("a list of values, from a dump",
            _table(lambda: (sa.Column("a", sa.Enum("x", "it's", name="a", native_enum=False, create_constraint=True)),
                            sa.Index("i", "a", postgresql_where=sa.text("a NOT IN ('y', 'z')")))),
            _sql("CREATE TABLE t (a varchar(4) CONSTRAINT a CHECK (((a)::text = ANY ((ARRAY['x'::character varying, "
                 "'it''s'::character varying])::text[]))))",
                 "CREATE INDEX i ON t (a) WHERE ((a)::text <> ALL ((ARRAY['y'::character varying, "
                 "'z'::character varying])::text[]))")),
    Control("unique by an index", _table(_unique_by_index), _UNIQUE_BY_INDEX),
    Control("unique=True and create_unique_constraint",
            _table(lambda: (sa.Column("a", sa.Integer, unique=True),), CONVENTION),
            _ops(_made(lambda: sa.Column("a", sa.Integer())),
                 lambda op: op.create_unique_constraint("uq_t_a", "t", ["a"]))),
    Control("quoted names", _quoted, _quoted_upgrade),
    Control("another schema", _schemas, _SCHEMAS),
    Control("comments", _commented, _COMMENTED),
    Control("columns in another order", _table(lambda: (sa.Column("a", sa.Integer), sa.Column("b", sa.Text))),
            _ops(_made(lambda: sa.Column("b", sa.Text())),
                 lambda op: op.add_column("t", sa.Column("a", sa.Integer())))),
    Control("renamed on the way",
            _table(lambda: (sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("n", sa.Integer))), _history),
    Control("in batches", _table(_serial), _batches),
    Control("a default for the rows that are there", _table(lambda: (sa.Column("a", sa.Integer, nullable=False),)),
            _ops(_made(lambda: sa.Column("a", sa.Integer(), server_default="0", nullable=False)),
                 lambda op: op.alter_column("t", "a", server_default=None))),
    Control("a grant taken back", _table(_small), _sql(
        "CREATE TABLE t (id serial PRIMARY KEY)", "GRANT ALL ON t TO PUBLIC", "REVOKE ALL ON t FROM PUBLIC")),
    Control("rows", _table(_small), _sql("CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t DEFAULT VALUES")),
    Control("code of the migrations", _table(_small), _CODE,
            ("function", "procedure", "trigger", "view", "materialized view")),
    Control("an extension of the migrations", _table(_small),
            _ops(lambda op: op.execute("CREATE TABLE t (id serial PRIMARY KEY)"), _extension), ("extension",)),
    Control("settings of the migrations", _table(_small), _SETTINGS, ("table", "column", "statistics")),
    Control("partitions of the migrations", _partitioned, _PARTS, ("table",)),
)  # fmt: skip
