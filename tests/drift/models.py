"""A schema with something of everything: what SQLAlchemy can declare, and, as DDL events, what it cannot.

``declared`` gives it anew for each server, because a server's version and its extensions decide what it may hold, and
because a role belongs to the whole server. Nothing in it is chosen for beauty: each part is there to be got wrong by a
case of cases.py.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

# Members of PostgreSQL's own contrib that say nothing of a schema by being there; a server may have none of them.
EXTENSIONS = ("citext", "hstore", "tablefunc", "unaccent", "fuzzystrmatch")

# Before the tables: the types, functions and sequences that their columns use.
BEFORE = """
CREATE SCHEMA shop;
CREATE SCHEMA archive;
CREATE TYPE shop.place AS (street text, number integer);
CREATE TYPE shop.span AS RANGE (SUBTYPE = numeric);
CREATE SEQUENCE tickets START 1000 INCREMENT 5;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := now();
    RETURN NEW;
END $$;
CREATE FUNCTION shop.gross(net numeric, rate numeric DEFAULT 0.19) RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT net * (1 + rate)'
"""

# After the tables: what stands on them.
AFTER = """
CREATE PROCEDURE shop.forget(who integer) LANGUAGE sql AS 'DELETE FROM log WHERE id = who';
CREATE VIEW shop.revenue AS SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.revenue WHERE total > 1000;
CREATE MATERIALIZED VIEW shop.per_day AS SELECT placed, count(*) AS number FROM shop.orders GROUP BY placed;
CREATE UNIQUE INDEX ix_per_day ON shop.per_day (placed);
CREATE TRIGGER touches BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON notes FOR SELECT USING (author_id = 1);
CREATE POLICY no_secrets ON notes AS RESTRICTIVE TO <role> USING (body <> 'secret') WITH CHECK (body <> 'secret');
CREATE RULE keep_log AS ON DELETE TO log DO INSTEAD NOTHING;
CREATE STATISTICS shop.city_and_zip (dependencies) ON city, zip FROM shop.customers;
CREATE TABLE measures_2025 PARTITION OF measures FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measures_rest PARTITION OF measures DEFAULT;
ALTER TABLE things ALTER title SET STORAGE EXTERNAL, ALTER label SET STATISTICS 500, ALTER note SET COMPRESSION pglz;
ALTER TABLE things ALTER big SET (n_distinct = 100);
ALTER TABLE log REPLICA IDENTITY FULL;
CLUSTER log USING ix_log_at;
GRANT SELECT, INSERT ON shop.orders TO <role>;
GRANT SELECT (email) ON users TO <role>;
GRANT USAGE ON SCHEMA shop TO <role>;
GRANT USAGE ON SEQUENCE tickets TO <role>;
REVOKE EXECUTE ON PROCEDURE shop.forget(integer) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA archive GRANT SELECT ON TABLES TO <role>;
COMMENT ON VIEW shop.revenue IS 'per customer';
COMMENT ON FUNCTION touch() IS 'keeps the time of the last change';
COMMENT ON TYPE mood IS 'how somebody is'
"""

# Made by DDL: autogenerate would find them in the database, and not in the metadata.
PARTITIONS = ("measures_2025", "measures_rest")


def include_object(_: object, name: str | None, type_: str, __: bool, ___: object) -> bool:
    """As a person writes it into env.py for what the DDL events make."""
    return not (type_ == "table" and name in PARTITIONS)


def written(sql: str, role: str, extension: str | None = None) -> str:
    """SQL of this suite, for a role and an extension of the server at hand."""
    return sql.replace("<role>", role).replace("<extension>", extension or "")


def declared(role: str, extension: str | None = None) -> sa.MetaData:
    """The schema's metadata. ``role`` is one that the server has; ``extension`` one of EXTENSIONS that it can make."""
    made = sa.MetaData()
    before = (BEFORE + f";CREATE EXTENSION {extension}") if extension else BEFORE
    for event, sql in (("before_create", before), ("after_create", AFTER)):
        sa.event.listen(made, event, sa.DDL(written(sql, role).replace("%", "%%")))
    _people(made)
    _things(made)
    _shop(made)
    _shapes(made)
    return made


def _people(made: sa.MetaData) -> None:
    sa.Table(
        "users",
        made,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(120), nullable=False, unique=True, comment="for signing in"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("age", sa.Integer),
        sa.Column("city", sa.String(60, collation="C")),
        sa.Column("boss_id", sa.Integer, sa.ForeignKey("users.id", name="fk_users_boss", ondelete="SET NULL")),
        sa.Column("joined", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.CheckConstraint("age >= 0 AND age < 150", name="age_is_likely"),
        sa.CheckConstraint("name <> ''"),
        sa.UniqueConstraint("name", "city", name="one_name_a_city", deferrable=True, initially="DEFERRED"),
        sa.Index("ix_users_name", "name"),
        sa.Index("ix_users_lower_email", sa.text("lower(email)"), unique=True),
        sa.Index("ix_users_active", "city", postgresql_where=sa.text("active")),
        sa.Index("ix_users_joined", sa.text("joined DESC NULLS LAST")),
        comment="who can sign in",
    )
    sa.Table(
        "notes",
        made,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.Text, nullable=False, server_default="at \\ 10:30 :now %"),
        sa.Column("changed", sa.DateTime(timezone=True)),
    )
    sa.Table(
        "log",
        made,
        sa.Column("id", sa.Integer, sa.Identity(always=True, start=100, increment=10), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("said", sa.Text),
        sa.Index("ix_log_at", "at"),
        postgresql_with={"fillfactor": 70},
    )


def _things(made: sa.MetaData) -> None:
    mood = postgresql.ENUM("sad", "ok", "happy", name="mood", metadata=made)
    money = postgresql.DOMAIN("cents", sa.Integer, check="VALUE >= 0", default="0", not_null=True, metadata=made)
    sa.Table(
        "things",
        made,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("code", sa.String(20), nullable=False, server_default="none"),
        sa.Column("title", sa.Text),
        sa.Column("label", sa.String),
        sa.Column("note", sa.Text),
        sa.Column("amount", sa.Numeric(12, 2)),
        sa.Column("plain", sa.Numeric),
        sa.Column("seen", sa.DateTime(timezone=True)),
        sa.Column("at", postgresql.TIMESTAMP(precision=3)),
        sa.Column("count", sa.Integer, server_default=sa.text("1")),
        sa.Column("big", sa.BigInteger),
        sa.Column("number", sa.Integer, server_default=sa.text("nextval('tickets')")),
        sa.Column("state", mood, server_default="ok"),
        sa.Column("tags", postgresql.ARRAY(sa.Text)),
        sa.Column("price", money),
        sa.Column("raw", sa.JSON),
        sa.Column("extra", postgresql.JSONB, server_default=sa.text("'{}'::jsonb")),
        sa.Column("key", sa.Uuid, server_default=sa.text("gen_random_uuid()")),
        sa.Column("double", sa.Integer, sa.Computed("count * 2", persisted=True)),
        sa.Column("period", postgresql.DATERANGE),
        postgresql.ExcludeConstraint(("period", "&&"), using="gist", name="one_at_a_time"),
        sa.Index("ix_things_code", "code", postgresql_include=["title"]),
        sa.Index("ix_things_title", "title", postgresql_ops={"title": "text_pattern_ops"}),
        sa.Index("ix_things_label", "label", postgresql_using="hash"),
        sa.Index("ix_things_extra", "extra", postgresql_using="gin"),
        sa.Index("ix_things_big", "big", postgresql_with={"fillfactor": 80}),
        sa.Index("ix_things_note", sa.text('note COLLATE "C"')),
    )


def _shop(made: sa.MetaData) -> None:
    sa.Table(
        "customers",
        made,
        sa.Column("country", sa.String(2), primary_key=True),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("city", sa.Text),
        sa.Column("zip", sa.Text),
        sa.UniqueConstraint("id", name="uq_customers_id"),
        sa.CheckConstraint("country IN ('de', 'fr')", name="known_country"),
        schema="shop",
    )
    sa.Table(
        "orders",
        made,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("user_id", sa.Integer),
        sa.Column("placed", sa.Date, nullable=False),
        sa.Column("total", sa.Numeric(10, 2), nullable=False, server_default="0"),
        sa.Column("mood", postgresql.ENUM("sad", "ok", "happy", name="mood", create_type=False)),
        sa.ForeignKeyConstraint(
            ["country", "customer_id"],
            ["shop.customers.country", "shop.customers.id"],
            name="fk_orders_customer",
            onupdate="CASCADE",
            match="FULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_orders_user", deferrable=True, initially="DEFERRED"
        ),
        sa.CheckConstraint("total >= 0", name="total_is_positive"),
        sa.CheckConstraint("mood <> 'sad'", name="nobody_is_sad"),
        sa.Index("ix_orders_customer", "customer_id", "placed"),
        schema="shop",
    )
    sa.Table(
        "order",  # a reserved word, and names that want quotes
        made,
        sa.Column("User", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("select", sa.Text, nullable=False, server_default="a:b"),
        sa.Column("it's", sa.Text),
        sa.CheckConstraint("\"select\" <> 'x:y'", name="Select It"),
        sa.Index("ix Order", "select"),
        schema="shop",
    )


def _shapes(made: sa.MetaData) -> None:
    sa.Table(
        "Odd.Name", made, sa.Column('a"b', sa.Integer, primary_key=True, autoincrement=False), sa.Column("x.y", sa.Text)
    )
    sa.Table("cache", made, sa.Column("key", sa.Text, primary_key=True), prefixes=["UNLOGGED"])
    sa.Table("animals", made, sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
    sa.Table(
        "cats",
        made,
        sa.Column("id", sa.Integer),
        sa.Column("name", sa.Text),
        sa.Column("lives", sa.Integer),
        postgresql_inherits="animals",
    )
    sa.Table(
        "measures",
        made,
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("value", sa.Float),
        sa.Index("ix_measures_value", "value"),
        postgresql_partition_by="RANGE (day)",
    )
