"""Single differences: what is run on a database that was made by ``create_all()`` turns it into one that the
migrations could have left. What the models declare and the migrations do not build is undone here, and so on.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One difference from models.py. ``kind`` is the catalog's (catalog_queries.py), ``names`` what a report has to
    name; both are of the first difference to be mended where one thing shows in several places.
    """

    name: str
    kind: str
    sql: str  # with <role> and <extension>, see models.written
    names: tuple[str, ...]
    since: int = 14  # the first major version that can run it


def _type(column: str, type_: str) -> str:
    """Another type for a column of ``things``, which a default of the old one would not survive."""
    return f"ALTER TABLE things ALTER {column} DROP DEFAULT, ALTER {column} TYPE {type_} USING NULL::{type_}"


def _index(name: str, rest: str, unique: str = "") -> str:
    return f"DROP INDEX {name}; CREATE {unique} INDEX {name.rpartition('.')[2]} ON {rest}"


def _constraint(table: str, name: str, definition: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {name}; ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"


TABLES = (
    Case("table missing", "table", "DROP TABLE notes", ("notes",)),
    Case("table missing, with serial", "table", "DROP TABLE users CASCADE", ("users",)),
    Case("table missing, with everything", "table", "DROP TABLE things", ("things",)),
    Case("table missing, that views use", "table", "DROP TABLE shop.orders CASCADE", ("shop.orders",)),
    Case("table missing, with reserved words", "table", "DROP TABLE shop.order", ("shop.order",)),
    Case("table missing, with odd names", "table", 'DROP TABLE "Odd.Name"', ("Odd.Name",)),
    Case("table missing, with an identity", "table", "DROP TABLE log", ("log",)),
    Case("table extra", "table", "CREATE TABLE old_carts (id serial PRIMARY KEY, user_id int REFERENCES users)",
         ("old_carts",)),
    Case("table renamed", "table", "ALTER TABLE notes RENAME TO remarks", ("notes", "remarks")),
    Case("table in another schema", "table", "ALTER TABLE cache SET SCHEMA shop", ("cache", "shop.cache")),
    Case("partition missing", "table", "DROP TABLE measures_2025", ("measures_2025",)),
    Case("partition extra", "table",
         "CREATE TABLE measures_2026 PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
         ("measures_2026",)),
    Case("partition detached", "table", "ALTER TABLE measures DETACH PARTITION measures_2025", ("measures_2025",)),
    Case("partition of other bounds", "table",
         "ALTER TABLE measures DETACH PARTITION measures_2025; ALTER TABLE measures ATTACH PARTITION measures_2025 "
         "FOR VALUES FROM ('2025-01-01') TO ('2025-07-01')", ("measures_2025",)),
    Case("not partitioned", "table",
         "DROP TABLE measures; CREATE TABLE measures (day date PRIMARY KEY, value float);"
         "CREATE INDEX ix_measures_value ON measures (value)", ("measures",)),
    Case("inheritance lost", "table", "ALTER TABLE cats NO INHERIT animals", ("cats",)),
    Case("inheritance extra", "table", "ALTER TABLE cats ADD word text; CREATE TABLE words (word text); "
         "ALTER TABLE cats INHERIT words", ("cats", "words")),
    Case("logged", "table", "ALTER TABLE cache SET LOGGED", ("cache",)),
    Case("unlogged", "table", "ALTER TABLE log SET UNLOGGED", ("log",)),
    Case("storage parameters missing", "table", "ALTER TABLE log RESET (fillfactor)", ("log",)),
    Case("storage parameters changed", "table",
         "ALTER TABLE log SET (fillfactor = 90, autovacuum_enabled = off, toast.autovacuum_enabled = off)", ("log",)),
    Case("row level security off", "table", "ALTER TABLE notes DISABLE ROW LEVEL SECURITY", ("notes",)),
    Case("row level security forced", "table", "ALTER TABLE notes FORCE ROW LEVEL SECURITY", ("notes",)),
    Case("replica identity lost", "table", "ALTER TABLE log REPLICA IDENTITY DEFAULT", ("log",)),
    Case("replica identity by an index", "table", "ALTER TABLE log REPLICA IDENTITY USING INDEX log_pkey", ("log",)),
    Case("cluster lost", "table", "ALTER TABLE log SET WITHOUT CLUSTER", ("log",)),
    Case("cluster on another index", "table", "CLUSTER log USING log_pkey", ("log",)),
    Case("comment on table missing", "table", "COMMENT ON TABLE users IS NULL", ("users",)),
    Case("comment on table changed", "table", "COMMENT ON TABLE users IS 'it''s \\ :b'", ("users",)),
    Case("grant missing", "table", "REVOKE INSERT ON shop.orders FROM <role>", ("shop.orders",)),
    Case("grants missing", "table", "REVOKE ALL ON shop.orders FROM <role>", ("shop.orders",)),
    Case("grant extra", "table", "GRANT UPDATE ON users TO PUBLIC; GRANT SELECT ON users TO <role> WITH GRANT OPTION",
         ("users",)),
    Case("owner", "table", "ALTER TABLE notes OWNER TO <role>", ("notes",)),
)  # fmt: skip

COLUMNS = (
    Case("column missing", "column", "ALTER TABLE users DROP age", ("users.age",)),
    Case("column missing, NOT NULL", "column", "ALTER TABLE users DROP active", ("users.active",)),
    Case("column missing, with a default", "column", "ALTER TABLE things DROP extra", ("things.extra",)),
    Case("column missing, an enum", "column", "ALTER TABLE things DROP state", ("things.state",)),
    Case("column missing, a serial", "column", "ALTER TABLE notes DROP id", ("notes.id",)),
    Case("column missing, an identity", "column", "ALTER TABLE log DROP id", ("log.id",)),
    Case("column missing, generated", "column", "ALTER TABLE things DROP double", ("things.double",)),
    Case("column missing, that views use", "column", "ALTER TABLE shop.orders DROP total CASCADE",
         ("shop.orders.total",)),
    Case("column missing, that is generated from", "column", "ALTER TABLE things DROP count CASCADE",
         ("things.count",)),
    Case("column missing, of a partitioned table", "column", "ALTER TABLE measures DROP value", ("measures.value",)),
    Case("column missing, of a parent", "column", "ALTER TABLE animals DROP name; ALTER TABLE cats DROP name",
         ("animals.name",)),
    Case("column missing, with odd names", "column", 'ALTER TABLE "Odd.Name" DROP "x.y"', ('"Odd.Name"."x.y"',)),
    Case("column extra", "column", "ALTER TABLE users ADD phone varchar(20) NOT NULL DEFAULT ''", ("users.phone",)),
    Case("column extra, that a view uses", "column",
         "ALTER TABLE users ADD phone text; CREATE VIEW phones AS SELECT phone FROM users", ("users.phone",)),
    Case("column extra, a serial", "column", "ALTER TABLE users ADD number serial", ("users.number",)),
    Case("column renamed", "column", "ALTER TABLE users RENAME age TO years", ("users.age", "users.years")),
    Case("varchar shorter", "column", "ALTER TABLE things ALTER code TYPE varchar(10)", ("things.code",)),
    Case("varchar longer", "column", "ALTER TABLE things ALTER code TYPE varchar(40)", ("things.code",)),
    Case("varchar limited", "column", "ALTER TABLE things ALTER label TYPE varchar(100)", ("things.label",)),
    Case("varchar unlimited", "column", "ALTER TABLE things ALTER code TYPE varchar", ("things.code",)),
    Case("text for varchar", "column", "ALTER TABLE things ALTER code TYPE text", ("things.code",)),
    Case("char for varchar", "column", "ALTER TABLE things ALTER code TYPE char(20)", ("things.code",)),
    Case("numeric precision", "column", "ALTER TABLE things ALTER amount TYPE numeric(10,2)", ("things.amount",)),
    Case("numeric scale", "column", "ALTER TABLE things ALTER amount TYPE numeric(12,4)", ("things.amount",)),
    Case("numeric without arguments", "column", "ALTER TABLE things ALTER amount TYPE numeric", ("things.amount",)),
    Case("numeric with arguments", "column", "ALTER TABLE things ALTER plain TYPE numeric(8)", ("things.plain",)),
    Case("numeric of a view", "column",
         "DROP VIEW shop.best, shop.revenue; ALTER TABLE shop.orders ALTER total TYPE numeric(9,1);"
         "CREATE VIEW shop.revenue AS SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;"
         "COMMENT ON VIEW shop.revenue IS 'per customer';"
         "CREATE VIEW shop.best AS SELECT customer_id FROM shop.revenue WHERE total > 1000", ("shop.orders.total",)),
    Case("timestamp without time zone", "column", "ALTER TABLE things ALTER seen TYPE timestamp", ("things.seen",)),
    Case("timestamp precision", "column", "ALTER TABLE things ALTER at TYPE timestamp(0)", ("things.at",)),
    Case("date for timestamp", "column", "ALTER TABLE things ALTER seen TYPE date", ("things.seen",)),
    Case("bigint for integer", "column", "ALTER TABLE users ALTER age TYPE bigint", ("users.age",)),
    Case("integer for bigint", "column", "ALTER TABLE things ALTER big TYPE int", ("things.big",)),
    Case("text for integer", "column", _type("count", "text").replace("things", "things DROP double, "),
         ("things.count",)),
    Case("text for enum", "column", "ALTER TABLE things ALTER state DROP DEFAULT, ALTER state TYPE text, "
         "ALTER state SET DEFAULT 'ok'", ("things.state",)),
    Case("enum for text", "column", _type("title", "mood").replace("ALTER", "DROP INDEX ix_things_title; ALTER", 1),
         ("things.title",)),
    Case("array lost", "column", _type("tags", "text"), ("things.tags",)),
    Case("array of another type", "column", "ALTER TABLE things ALTER tags TYPE varchar(9)[]", ("things.tags",)),
    Case("integer for domain", "column", "ALTER TABLE things ALTER price TYPE integer", ("things.price",)),
    Case("domain for integer", "column", _type("big", "cents"), ("things.big",)),
    Case("jsonb for json", "column", "ALTER TABLE things ALTER raw TYPE jsonb", ("things.raw",)),
    Case("json for jsonb", "column", "DROP INDEX ix_things_extra; ALTER TABLE things ALTER extra TYPE json",
         ("things.extra",)),
    Case("text for uuid", "column", _type("key", "text"), ("things.key",)),
    Case("text for boolean", "column",
         "DROP INDEX ix_users_active; ALTER TABLE users ALTER active DROP DEFAULT, ALTER active TYPE text",
         ("users.active",)),
    Case("nullable", "column", "ALTER TABLE users ALTER name DROP NOT NULL", ("users.name",)),
    Case("not nullable", "column", "ALTER TABLE users ALTER age SET NOT NULL", ("users.age",)),
    Case("default missing", "column", "ALTER TABLE things ALTER code DROP DEFAULT", ("things.code",)),
    Case("default extra", "column", "ALTER TABLE users ALTER city SET DEFAULT 'it''s :here'", ("users.city",)),
    Case("default changed", "column", "ALTER TABLE things ALTER count SET DEFAULT 2", ("things.count",)),
    Case("default another function", "column", "ALTER TABLE users ALTER joined SET DEFAULT clock_timestamp()",
         ("users.joined",)),
    Case("default of a sequence lost", "column", "ALTER TABLE users ALTER id DROP DEFAULT", ("users.id",)),
    Case("sequence and default lost", "column", "DROP SEQUENCE users_id_seq CASCADE", ("users.id",)),
    Case("identity for serial", "column",
         "ALTER TABLE users ALTER id DROP DEFAULT; DROP SEQUENCE users_id_seq; "
         "ALTER TABLE users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY", ("users.id",)),
    Case("serial for identity", "column",
         "ALTER TABLE things ALTER id DROP IDENTITY; CREATE SEQUENCE things_id_seq OWNED BY things.id; "
         "ALTER TABLE things ALTER id SET DEFAULT nextval('things_id_seq')", ("things.id",)),
    Case("identity of the other kind", "column", "ALTER TABLE log ALTER id SET GENERATED BY DEFAULT", ("log.id",)),
    Case("identity lost", "column", "ALTER TABLE log ALTER id DROP IDENTITY", ("log.id",)),
    Case("identity extra", "column",
         "ALTER TABLE users ALTER age SET NOT NULL, ALTER age ADD GENERATED ALWAYS AS IDENTITY", ("users.age",)),
    Case("identity counts otherwise", "sequence", "ALTER TABLE log ALTER id SET INCREMENT 1", ("log_id_seq",)),
    Case("generated lost", "column", "ALTER TABLE things ALTER double DROP EXPRESSION", ("things.double",)),
    Case("generated another way", "column",
         "ALTER TABLE things DROP double; ALTER TABLE things ADD double integer GENERATED ALWAYS AS (count * 3) STORED",
         ("things.double",)),
    Case("generated virtually", "column",
         "ALTER TABLE things DROP double; ALTER TABLE things ADD double integer GENERATED ALWAYS AS (count * 2) "
         "VIRTUAL",
         ("things.double",), 18),
    Case("generated extra", "column", "ALTER TABLE things DROP big; "
         "ALTER TABLE things ADD big bigint GENERATED ALWAYS AS (id * 2) STORED", ("things.big",)),
    Case("collation lost", "column", 'ALTER TABLE users ALTER city TYPE varchar(60)', ("users.city",)),
    Case("collation extra", "column", 'ALTER TABLE users ALTER name TYPE text COLLATE "POSIX"', ("users.name",)),
    Case("storage", "column", "ALTER TABLE things ALTER title SET STORAGE EXTENDED", ("things.title",)),
    Case("storage extra", "column", "ALTER TABLE things ALTER note SET STORAGE MAIN", ("things.note",)),
    Case("compression lost", "column", "ALTER TABLE things ALTER note SET COMPRESSION default", ("things.note",)),
    Case("compression extra", "column", "ALTER TABLE things ALTER title SET COMPRESSION pglz", ("things.title",)),
    Case("statistics target lost", "column", "ALTER TABLE things ALTER label SET STATISTICS -1", ("things.label",)),
    Case("statistics target extra", "column", "ALTER TABLE things ALTER note SET STATISTICS 10", ("things.note",)),
    Case("options lost", "column", "ALTER TABLE things ALTER big RESET (n_distinct)", ("things.big",)),
    Case("options changed", "column", "ALTER TABLE things ALTER big SET (n_distinct = 5, n_distinct_inherited = 7)",
         ("things.big",)),
    Case("comment on column missing", "column", "COMMENT ON COLUMN users.email IS NULL", ("users.email",)),
    Case("comment on column extra", "column", "COMMENT ON COLUMN shop.order.\"it's\" IS 'a \"b\"'",
         ("shop.order.it's",)),
    Case("grant on column missing", "column", "REVOKE SELECT (email) ON users FROM <role>", ("users.email",)),
    Case("inherited column is its own", "column", "ALTER TABLE animals ADD legs int; ALTER TABLE cats ALTER legs "
         "SET DEFAULT 4",
         ("animals.legs",)),
)  # fmt: skip

CONSTRAINTS = (
    Case("CHECK missing", "constraint", "ALTER TABLE users DROP CONSTRAINT age_is_likely", ("age_is_likely",)),
    Case("CHECK missing, unnamed", "constraint", "ALTER TABLE users DROP CONSTRAINT users_name_check",
         ("users_name_check",)),
    Case("CHECK missing, quoted", "constraint", 'ALTER TABLE shop.order DROP CONSTRAINT "Select It"', ("Select It",)),
    Case("CHECK missing, of a list", "constraint", "ALTER TABLE shop.customers DROP CONSTRAINT known_country",
         ("known_country",)),
    Case("CHECK extra", "constraint", "ALTER TABLE users ADD CONSTRAINT grown_up CHECK (age > 17)", ("grown_up",)),
    Case("CHECK extra, unnamed", "constraint", "ALTER TABLE users ADD CHECK (city <> '')", ("users_city_check",)),
    Case("CHECK of another expression", "constraint", _constraint("users", "age_is_likely", "CHECK (age >= 0)"),
         ("age_is_likely",)),
    Case("CHECK NOT VALID", "constraint",
         _constraint("users", "age_is_likely", "CHECK (age >= 0 AND age < 150) NOT VALID"), ("age_is_likely",)),
    Case("CHECK of an enum", "constraint", _constraint("shop.orders", "nobody_is_sad", "CHECK (mood <> 'ok')"),
         ("nobody_is_sad",)),
    Case("CHECK NO INHERIT", "constraint", _constraint("users", "users_name_check", "CHECK (name <> '') NO INHERIT"),
         ("users_name_check",)),
    Case("PRIMARY KEY missing", "constraint", "ALTER TABLE cache DROP CONSTRAINT cache_pkey", ("cache_pkey",)),
    Case("PRIMARY KEY missing, that keys point to", "constraint", "ALTER TABLE users DROP CONSTRAINT users_pkey "
         "CASCADE",
         ("users_pkey",)),
    Case("PRIMARY KEY of other columns", "constraint", _constraint("notes", "notes_pkey", "PRIMARY KEY (id, "
         "author_id)"),
         ("notes_pkey",)),
    Case("PRIMARY KEY in another order", "constraint",
         "ALTER TABLE shop.orders DROP CONSTRAINT fk_orders_customer;"
         + _constraint("shop.customers", "customers_pkey", "PRIMARY KEY (id, country)")
         + ";ALTER TABLE shop.orders ADD CONSTRAINT fk_orders_customer FOREIGN KEY (country, customer_id) "
         "REFERENCES shop.customers (country, id) MATCH FULL ON UPDATE CASCADE", ("customers_pkey",)),
    Case("PRIMARY KEY of another name", "constraint", "ALTER TABLE users RENAME CONSTRAINT users_pkey TO pk_users",
         ("users_pkey", "pk_users")),
    Case("UNIQUE missing", "constraint", "ALTER TABLE users DROP CONSTRAINT users_email_key", ("users_email_key",)),
    Case("UNIQUE extra", "constraint", "ALTER TABLE users ADD CONSTRAINT one_city UNIQUE (city)", ("one_city",)),
    Case("UNIQUE not deferrable", "constraint", _constraint("users", "one_name_a_city", "UNIQUE (name, city)"),
         ("one_name_a_city",)),
    Case("UNIQUE initially immediate", "constraint",
         _constraint("users", "one_name_a_city", "UNIQUE (name, city) DEFERRABLE"), ("one_name_a_city",)),
    Case("UNIQUE with INCLUDE", "constraint", _constraint("users", "users_email_key", "UNIQUE (email) INCLUDE (name)"),
         ("users_email_key",)),
    Case("UNIQUE NULLS NOT DISTINCT", "constraint",
         _constraint("users", "users_email_key", "UNIQUE NULLS NOT DISTINCT (email)"), ("users_email_key",), 15),
    Case("UNIQUE of other columns", "constraint", _constraint("users", "one_name_a_city",
         "UNIQUE (name, age) DEFERRABLE INITIALLY DEFERRED"), ("one_name_a_city",)),
    Case("UNIQUE with an option", "constraint", _constraint("users", "users_email_key", "UNIQUE (email) WITH "
         "(fillfactor=50)"),
         ("users_email_key",)),
    Case("UNIQUE is an index", "constraint",
         "ALTER TABLE users DROP CONSTRAINT users_email_key; CREATE UNIQUE INDEX users_email_key ON users (email)",
         ("users_email_key",)),
    Case("EXCLUDE missing", "constraint", "ALTER TABLE things DROP CONSTRAINT one_at_a_time", ("one_at_a_time",)),
    Case("EXCLUDE changed", "constraint",
         _constraint("things", "one_at_a_time", "EXCLUDE USING gist (period WITH -|-)"), ("one_at_a_time",)),
    Case("EXCLUDE with WHERE", "constraint",
         _constraint("things", "one_at_a_time", "EXCLUDE USING gist (period WITH &&) WHERE (count > 0)"),
         ("one_at_a_time",)),
    Case("FOREIGN KEY missing", "constraint", "ALTER TABLE users DROP CONSTRAINT fk_users_boss", ("fk_users_boss",)),
    Case("FOREIGN KEY missing, unnamed", "constraint", "ALTER TABLE notes DROP CONSTRAINT notes_author_id_fkey",
         ("notes_author_id_fkey",)),
    Case("FOREIGN KEY extra", "constraint",
         "ALTER TABLE shop.orders ADD CONSTRAINT fk_extra FOREIGN KEY (customer_id) REFERENCES users", ("fk_extra",)),
    Case("FOREIGN KEY without ON DELETE", "constraint",
         _constraint("notes", "notes_author_id_fkey", "FOREIGN KEY (author_id) REFERENCES users"),
         ("notes_author_id_fkey",)),
    Case("FOREIGN KEY with another ON DELETE", "constraint",
         _constraint("users", "fk_users_boss", "FOREIGN KEY (boss_id) REFERENCES users ON DELETE CASCADE"),
         ("fk_users_boss",)),
    Case("FOREIGN KEY with ON UPDATE", "constraint",
         _constraint("users", "fk_users_boss", "FOREIGN KEY (boss_id) REFERENCES users ON UPDATE CASCADE ON DELETE "
         "SET NULL"),
         ("fk_users_boss",)),
    Case("FOREIGN KEY not deferrable", "constraint",
         "ALTER TABLE shop.orders ALTER CONSTRAINT fk_orders_user NOT DEFERRABLE", ("fk_orders_user",)),
    Case("FOREIGN KEY initially immediate", "constraint",
         "ALTER TABLE shop.orders ALTER CONSTRAINT fk_orders_user INITIALLY IMMEDIATE", ("fk_orders_user",)),
    Case("FOREIGN KEY NOT VALID", "constraint",
         _constraint("users", "fk_users_boss", "FOREIGN KEY (boss_id) REFERENCES users ON DELETE SET NULL NOT VALID"),
         ("fk_users_boss",)),
    Case("FOREIGN KEY not MATCH FULL", "constraint", _constraint("shop.orders", "fk_orders_customer",
         "FOREIGN KEY (country, customer_id) REFERENCES shop.customers ON UPDATE CASCADE"), ("fk_orders_customer",)),
    Case("FOREIGN KEY to other columns", "constraint", _constraint("shop.orders", "fk_orders_customer",
         "FOREIGN KEY (customer_id) REFERENCES shop.customers (id) MATCH FULL ON UPDATE CASCADE"),
         ("fk_orders_customer",)),
    Case("FOREIGN KEY to another table", "constraint", _constraint("shop.orders", "fk_orders_user",
         "FOREIGN KEY (user_id) REFERENCES shop.customers (id) DEFERRABLE INITIALLY DEFERRED"), ("fk_orders_user",)),
    Case("FOREIGN KEY not enforced", "constraint", _constraint("users", "fk_users_boss",
         "FOREIGN KEY (boss_id) REFERENCES users ON DELETE SET NULL NOT ENFORCED"), ("fk_users_boss",), 18),
    Case("comment on constraint", "constraint", "COMMENT ON CONSTRAINT age_is_likely ON users IS 'so far'",
         ("age_is_likely",)),
)  # fmt: skip

INDEXES = (
    Case("index missing", "index", "DROP INDEX ix_users_name", ("ix_users_name",)),
    Case("index missing, quoted", "index", 'DROP INDEX shop."ix Order"', ("ix Order",)),
    Case("index missing, of a partitioned table", "index", "DROP INDEX ix_measures_value", ("ix_measures_value",)),
    Case("index missing, that the table is clustered on", "index", "DROP INDEX ix_log_at", ("ix_log_at",)),
    Case("index missing, of a materialized view", "index", "DROP INDEX shop.ix_per_day", ("ix_per_day",)),
    Case("index extra", "index", "CREATE INDEX ix_users_age ON users (age)", ("ix_users_age",)),
    Case("index extra, on ONLY", "index", "CREATE INDEX ix_measures_day ON ONLY measures (day, value)",
         ("ix_measures_day",)),
    Case("index not unique", "index", _index("ix_users_lower_email", "users (lower(email))"),
         ("ix_users_lower_email",)),
    Case("index unique", "index", _index("ix_users_name", "users (name)", "UNIQUE"), ("ix_users_name",)),
    Case("index NULLS NOT DISTINCT", "index", _index("ix_users_lower_email", "users (lower(email)) NULLS NOT "
         "DISTINCT", "UNIQUE"),
         ("ix_users_lower_email",), 15),
    Case("index without WHERE", "index", _index("ix_users_active", "users (city)"), ("ix_users_active",)),
    Case("index with another WHERE", "index", _index("ix_users_active", "users (city) WHERE NOT active"),
         ("ix_users_active",)),
    Case("index by another method", "index", _index("ix_things_label", "things (label)"), ("ix_things_label",)),
    Case("index without INCLUDE", "index", _index("ix_things_code", "things (code)"), ("ix_things_code",)),
    Case("index with other INCLUDE", "index", _index("ix_things_code", "things (code) INCLUDE (label)"),
         ("ix_things_code",)),
    Case("index without operator class", "index", _index("ix_things_title", "things (title)"), ("ix_things_title",)),
    Case("index of another operator class", "index", _index("ix_things_extra", "things USING gin (extra "
         "jsonb_path_ops)"),
         ("ix_things_extra",)),
    Case("index without WITH", "index", _index("ix_things_big", "things (big)"), ("ix_things_big",)),
    Case("index WITH another value", "index", "ALTER INDEX ix_things_big SET (fillfactor = 60)", ("ix_things_big",)),
    Case("index without collation", "index", _index("ix_things_note", "things (note)"), ("ix_things_note",)),
    Case("index in another order", "index", _index("ix_users_joined", "users (joined)"), ("ix_users_joined",)),
    Case("index with NULLS FIRST", "index", _index("ix_users_joined", "users (joined DESC)"), ("ix_users_joined",)),
    Case("index of another expression", "index", _index("ix_users_lower_email", "users (upper(email))", "UNIQUE"),
         ("ix_users_lower_email",)),
    Case("index without expression", "index", _index("ix_users_lower_email", "users (email)", "UNIQUE"),
         ("ix_users_lower_email",)),
    Case("index INVALID", "index",
         "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_users_name'::regclass", ("ix_users_name",)),
    Case("index of other columns", "index", _index("shop.ix_orders_customer", "shop.orders (customer_id)"),
         ("ix_orders_customer",)),
    Case("index of columns in another order", "index", _index("shop.ix_orders_customer", "shop.orders (placed, "
         "customer_id)"),
         ("ix_orders_customer",)),
    Case("index renamed", "index", "ALTER INDEX ix_users_name RENAME TO users_name_idx",
         ("ix_users_name", "users_name_idx")),
    Case("comment on index", "index", "COMMENT ON INDEX shop.ix_orders_customer IS 'for the list'",
         ("ix_orders_customer",)),
)  # fmt: skip

_MOOD = (
    "ALTER TABLE shop.orders DROP CONSTRAINT nobody_is_sad; ALTER TYPE mood RENAME TO old;"
    "CREATE TYPE mood AS ENUM (<labels>); COMMENT ON TYPE mood IS 'how somebody is';"
    "ALTER TABLE things ALTER state DROP DEFAULT, ALTER state TYPE mood USING state::text::mood, "
    "ALTER state SET DEFAULT 'ok'; ALTER TABLE shop.orders ALTER mood TYPE mood USING mood::text::mood; DROP TYPE old;"
    "ALTER TABLE shop.orders ADD CONSTRAINT nobody_is_sad CHECK (mood <> 'sad')"
)

TYPES = (
    Case("enum label missing, the last", "enum", _MOOD.replace("<labels>", "'sad', 'ok'"), ("mood",)),
    Case("enum label missing, in the middle", "enum",
         _MOOD.replace("<labels>", "'sad', 'happy'").replace("SET DEFAULT 'ok'", "SET DEFAULT 'sad'"), ("mood",)),
    Case("enum label missing, the first", "enum",
         _MOOD.replace("<labels>", "'ok', 'happy'").replace("<> 'sad'", "<> 'ok'"), ("mood",)),
    Case("enum label extra", "enum", "ALTER TYPE mood ADD VALUE 'it''s'", ("mood",)),
    Case("enum label renamed", "enum", "ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'", ("mood",)),
    Case("enum in another order", "enum", _MOOD.replace("<labels>", "'happy', 'ok', 'sad'"), ("mood",)),
    Case("enum left over", "enum", "CREATE TYPE shop.size AS ENUM ('S', 'M')", ("shop.size",)),
    Case("enum missing, with its columns", "enum", "DROP TYPE mood CASCADE", ("mood",)),
    Case("domain CHECK missing", "domain", "ALTER DOMAIN cents DROP CONSTRAINT cents_check", ("cents",)),
    Case("domain CHECK extra", "domain", "ALTER DOMAIN cents ADD CONSTRAINT \"Not Much\" CHECK (VALUE < 99)",
         ("cents",)),
    Case("domain CHECK changed", "domain",
         "ALTER DOMAIN cents DROP CONSTRAINT cents_check; ALTER DOMAIN cents ADD CONSTRAINT cents_check CHECK "
         "(VALUE > 0)",
         ("cents",)),
    Case("domain default missing", "domain", "ALTER DOMAIN cents DROP DEFAULT", ("cents",)),
    Case("domain default changed", "domain", "ALTER DOMAIN cents SET DEFAULT 7", ("cents",)),
    Case("domain nullable", "domain", "ALTER DOMAIN cents DROP NOT NULL", ("cents",)),
    Case("domain missing", "domain", "DROP DOMAIN cents CASCADE", ("cents",)),
    Case("domain extra", "domain", "CREATE DOMAIN shop.zip AS varchar(5) COLLATE \"C\" DEFAULT '0' NOT NULL "
         "CONSTRAINT digits CHECK (VALUE ~ '^[0-9]+$') CHECK (VALUE <> '')", ("shop.zip",)),
    Case("domain of another type", "domain",
         "ALTER TABLE things DROP price; DROP DOMAIN cents; CREATE DOMAIN cents AS bigint DEFAULT 0 NOT NULL CHECK "
         "(VALUE >= 0);"
         "ALTER TABLE things ADD price cents", ("cents",)),
    Case("composite of other attributes", "composite",
         "ALTER TYPE shop.place DROP ATTRIBUTE number, ADD ATTRIBUTE city text, ALTER ATTRIBUTE street TYPE varchar(9)",
         ("shop.place",)),
    Case("composite missing", "composite", "DROP TYPE shop.place", ("shop.place",)),
    Case("composite in another order", "composite",
         "DROP TYPE shop.place; CREATE TYPE shop.place AS (number integer, street text)", ("shop.place",)),
    Case("range missing", "range", "DROP TYPE shop.span", ("shop.span",)),
    Case("range of another type", "range", "DROP TYPE shop.span; CREATE TYPE shop.span AS RANGE (SUBTYPE = date)",
         ("shop.span",)),
    Case("comment on type", "enum", "COMMENT ON TYPE mood IS NULL", ("mood",)),
    Case("grant on type", "enum", "REVOKE USAGE ON TYPE mood FROM PUBLIC", ("mood",)),
)  # fmt: skip

CODE = (
    Case("view missing", "view", "DROP VIEW shop.best", ("shop.best",)),
    Case("view missing, that a view uses", "view", "DROP VIEW shop.revenue CASCADE", ("shop.revenue",)),
    Case("view extra", "view", "CREATE VIEW shop.all AS SELECT * FROM shop.best", ("shop.all",)),
    Case("view changed", "view", "CREATE OR REPLACE VIEW shop.best AS SELECT customer_id FROM shop.revenue WHERE "
         "total > 5",
         ("shop.best",)),
    Case("view of other columns", "view",
         "DROP VIEW shop.best; CREATE VIEW shop.best AS SELECT total FROM shop.revenue WHERE total > 1000",
         ("shop.best",)),
    Case("view with options", "view", "ALTER VIEW shop.best SET (security_barrier = true)", ("shop.best",)),
    Case("comment on view", "view", "COMMENT ON VIEW shop.revenue IS 'other'", ("shop.revenue",)),
    Case("grant on view", "view", "GRANT SELECT ON shop.best TO <role>", ("shop.best",)),
    Case("materialized view missing", "materialized view", "DROP MATERIALIZED VIEW shop.per_day", ("shop.per_day",)),
    Case("materialized view changed", "materialized view",
         "DROP MATERIALIZED VIEW shop.per_day; CREATE MATERIALIZED VIEW shop.per_day AS SELECT placed, sum(total) "
         "AS number "
         "FROM shop.orders GROUP BY placed; CREATE UNIQUE INDEX ix_per_day ON shop.per_day (placed)",
         ("shop.per_day",)),
    Case("materialized view without data", "materialized view", "REFRESH MATERIALIZED VIEW shop.per_day WITH NO DATA",
         ("shop.per_day",)),
    Case("function body", "function", "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
         "'BEGIN RETURN NEW; END'", ("touch()",)),
    Case("function volatility", "function", "ALTER FUNCTION shop.gross STABLE", ("shop.gross",)),
    Case("function option", "function", "ALTER FUNCTION shop.gross SET work_mem = '8MB'", ("shop.gross",)),
    Case("function security", "function", "ALTER FUNCTION touch() SECURITY DEFINER", ("touch()",)),
    Case("function signature", "function", "DROP FUNCTION shop.gross; CREATE FUNCTION shop.gross(net numeric) "
         "RETURNS numeric "
         "LANGUAGE sql IMMUTABLE AS 'SELECT net * 1.19'", ("shop.gross",)),
    Case("function result", "function", "DROP FUNCTION shop.gross; CREATE FUNCTION shop.gross(net numeric, "
         "rate numeric DEFAULT 0.19) RETURNS float LANGUAGE sql IMMUTABLE AS 'SELECT net * (1 + rate)'",
         ("shop.gross",)),
    Case("function missing", "function", "DROP FUNCTION shop.gross", ("shop.gross",)),
    Case("function missing, that a trigger calls", "function", "DROP FUNCTION touch CASCADE", ("touch()",)),
    Case("function extra", "function", "CREATE FUNCTION nothing(VARIADIC a int[], OUT b text, OUT c int) LANGUAGE "
         "sql AS "
         "'SELECT ''x'', 1'", ("nothing",)),
    Case("comment on function", "function", "COMMENT ON FUNCTION touch() IS NULL", ("touch()",)),
    Case("grant on function", "function", "REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC", ("touch()",)),
    Case("procedure missing", "procedure", "DROP PROCEDURE shop.forget", ("shop.forget",)),
    Case("procedure changed", "procedure",
         "CREATE OR REPLACE PROCEDURE shop.forget(who integer) LANGUAGE sql AS 'SELECT 1'", ("shop.forget",)),
    Case("grant on procedure", "procedure", "GRANT EXECUTE ON PROCEDURE shop.forget(integer) TO PUBLIC",
         ("shop.forget",)),
    Case("trigger missing", "trigger", "DROP TRIGGER touches ON notes", ("touches",)),
    Case("trigger extra", "trigger",
         "CREATE CONSTRAINT TRIGGER again AFTER INSERT ON users DEFERRABLE FOR EACH ROW EXECUTE FUNCTION touch()",
         ("again",)),
    Case("trigger disabled", "trigger", "ALTER TABLE notes DISABLE TRIGGER touches", ("touches",)),
    Case("trigger enabled always", "trigger", "ALTER TABLE notes ENABLE ALWAYS TRIGGER touches", ("touches",)),
    Case("trigger at another time", "trigger", "DROP TRIGGER touches ON notes; CREATE TRIGGER touches AFTER UPDATE "
         "OF body "
         "ON notes FOR EACH ROW WHEN (OLD.body <> NEW.body) EXECUTE FUNCTION touch()", ("touches",)),
    Case("policy missing", "policy", "DROP POLICY own_notes ON notes", ("own_notes",)),
    Case("policy extra", "policy", "CREATE POLICY everything ON notes FOR DELETE TO <role> USING (true)",
         ("everything",)),
    Case("policy with another condition", "policy", "ALTER POLICY own_notes ON notes USING (author_id = 2)",
         ("own_notes",)),
    Case("policy for others", "policy", "ALTER POLICY no_secrets ON notes TO PUBLIC", ("no_secrets",)),
    Case("policy permissive", "policy", "DROP POLICY no_secrets ON notes; CREATE POLICY no_secrets ON notes TO <role> "
         "USING (body <> 'secret') WITH CHECK (body <> 'secret')", ("no_secrets",)),
    Case("policy for another command", "policy",
         "DROP POLICY own_notes ON notes; CREATE POLICY own_notes ON notes USING (author_id = 1)", ("own_notes",)),
    Case("rule missing", "rule", "DROP RULE keep_log ON log", ("keep_log",)),
    Case("rule changed", "rule", "CREATE OR REPLACE RULE keep_log AS ON UPDATE TO log DO INSTEAD NOTHING",
         ("keep_log",)),
    Case("rule disabled", "rule", "ALTER TABLE log DISABLE RULE keep_log", ("keep_log",)),
    Case("statistics missing", "statistics", "DROP STATISTICS shop.city_and_zip", ("city_and_zip",)),
    Case("statistics of another kind", "statistics",
         "DROP STATISTICS shop.city_and_zip; CREATE STATISTICS shop.city_and_zip (ndistinct) ON city, zip FROM "
         "shop.customers",
         ("city_and_zip",)),
    Case("statistics extra", "statistics", "CREATE STATISTICS more ON (age * 2), lower(name) FROM users", ("more",)),
)  # fmt: skip

REST = (
    Case("sequence missing", "sequence", "ALTER TABLE things ALTER number DROP DEFAULT; DROP SEQUENCE tickets",
         ("tickets",)),
    Case("sequence extra", "sequence", "CREATE SEQUENCE shop.\"Numbers\" AS smallint INCREMENT -1 CYCLE",
         ("shop.Numbers",)),
    Case("sequence by another increment", "sequence", "ALTER SEQUENCE tickets INCREMENT 1", ("tickets",)),
    Case("sequence within other bounds", "sequence", "ALTER SEQUENCE tickets MINVALUE 5 MAXVALUE 10000 START 50 "
         "CACHE 7",
         ("tickets",)),
    Case("sequence of another type", "sequence", "ALTER SEQUENCE tickets AS integer", ("tickets",)),
    Case("sequence cycles", "sequence", "ALTER SEQUENCE tickets CYCLE", ("tickets",)),
    Case("sequence owned", "sequence", "ALTER SEQUENCE tickets OWNED BY things.number", ("tickets",)),
    Case("sequence not owned", "sequence", "ALTER SEQUENCE users_id_seq OWNED BY NONE", ("users_id_seq",)),
    Case("grant on sequence missing", "sequence", "REVOKE USAGE ON SEQUENCE tickets FROM <role>", ("tickets",)),
    Case("comment on sequence", "sequence", "COMMENT ON SEQUENCE tickets IS 'of the queue'", ("tickets",)),
    Case("schema missing", "schema", "DROP SCHEMA archive CASCADE", ("archive",)),
    Case("schema missing, with what it holds", "schema", "DROP SCHEMA shop CASCADE", ("shop",)),
    Case("schema extra", "schema",
         "CREATE SCHEMA den; CREATE TABLE den.bears (id serial PRIMARY KEY); CREATE VIEW den.all AS SELECT id FROM "
         "den.bears",
         ("den",)),
    Case("comment on schema", "schema", "COMMENT ON SCHEMA shop IS 'sells'", ("shop",)),
    Case("grant on schema missing", "schema", "REVOKE USAGE ON SCHEMA shop FROM <role>", ("shop",)),
    Case("default privileges missing", "default privileges",
         "ALTER DEFAULT PRIVILEGES IN SCHEMA archive REVOKE SELECT ON TABLES FROM <role>", ("archive",)),
    Case("default privileges extra", "default privileges",
         "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", ("functions",)),
    Case("default privileges changed", "default privileges",
         "ALTER DEFAULT PRIVILEGES IN SCHEMA archive GRANT INSERT ON TABLES TO PUBLIC", ("archive",)),
    Case("extension missing", "extension", "DROP EXTENSION <extension>", ("<extension>",)),
    Case("extension in another schema", "extension", "ALTER EXTENSION <extension> SET SCHEMA shop", ("<extension>",)),
)  # fmt: skip

CASES = (*TABLES, *COLUMNS, *CONSTRAINTS, *INDEXES, *TYPES, *CODE, *REST)
