"""Two snapshots of one database differ by what was changed between them, and each difference is one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from migration_gate.postgres.catalog import facets, join, snapshot, split
from migration_gate.postgres.catalog_differences import DRIFT, Difference, differences, said
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from tests.rules.production import SCHEMA

MORE = """
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER touches BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON orders USING (user_id = 1);
CREATE VIEW names AS SELECT id, name FROM users;
CREATE DOMAIN cents AS integer CHECK (VALUE >= 0);
CREATE TYPE point3 AS (x integer, y integer, z integer);
CREATE SEQUENCE tickets;
CREATE TABLE day_of (id integer) INHERITS ("order");
"""


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[psycopg.Connection]:
    name = f"{server.prefix}catalog"
    create(server, name)
    with connect(server, name) as connection:
        connection.execute(SCHEMA + MORE)
        yield connection


CHANGES = [
    # what is done, and what is said of it
    ("CREATE TYPE mood AS ENUM ('sad', 'ok')", ["type `mood` (enum) is left behind"]),
    ("DROP INDEX ix_users_name", ["index `ix_users_name` on `users` is gone"]),
    ("ALTER TABLE users ALTER email SET NOT NULL", ["column `users.email` is NOT NULL now and was nullable"]),
    ("ALTER TABLE users ALTER name DROP NOT NULL", ["column `users.name` is nullable now and was NOT NULL"]),
    ("ALTER TABLE users ALTER age TYPE bigint", ["column `users.age` is bigint now and was integer"]),
    ("ALTER TABLE users ALTER age SET DEFAULT 5", ["column `users.age` has the default 5 now and had none"]),
    ("ALTER TABLE orders ALTER status DROP DEFAULT",
     ["column `orders.status` has the default none now and had 'new'::order_status"]),
    ('ALTER TABLE users ALTER email TYPE text COLLATE "C"',
     ['column `users.email` has the collation "C" now and had none']),
    ("ALTER TABLE users ALTER bio SET STORAGE EXTERNAL",
     ["column `users.bio` has the storage EXTERNAL now and had none"]),
    ("ALTER TABLE users ALTER bio SET STATISTICS 7",
     ["column `users.bio` has the statistics target 7 now and had none"]),
    ("ALTER TABLE users ALTER id DROP DEFAULT; DROP SEQUENCE users_id_seq;"
     "ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME users_id_seq)",
     ["column `users.id` is GENERATED ALWAYS AS IDENTITY now and was not; "
      "has the default none now and had nextval('users_id_seq'::regclass)"]),
    ("ALTER TABLE users ADD double integer GENERATED ALWAYS AS (age * 2) STORED",
     ["column `users.double` is left behind"]),
    ("ALTER TYPE order_status RENAME VALUE 'new' TO 'fresh'",
     ["type `order_status` (enum) has the label 'fresh' now and had not; lacks the label 'new' now, which it had",
      "column `orders.status` has the default 'fresh'::order_status now and had 'new'::order_status"]),
    ("ALTER DOMAIN cents SET DEFAULT 1", ["type `cents` (domain) has the default 1 now and had none"]),
    ("ALTER DOMAIN cents SET NOT NULL", ["type `cents` (domain) is NOT NULL now and was nullable"]),
    ("ALTER DOMAIN cents DROP CONSTRAINT cents_check",
     ["type `cents` (domain) is not cents_check CHECK ((VALUE >= 0)) now and was"]),
    ("ALTER TYPE point3 DROP ATTRIBUTE z",
     ["type `point3` (composite) is (x integer, y integer) now and was (x integer, y integer, z integer)"]),
    ("CREATE TYPE spans AS RANGE (SUBTYPE = date)", ["type `spans` (range) is left behind"]),
    ("ALTER SEQUENCE tickets CYCLE", ["sequence `tickets` is CYCLE now and was not"]),
    ("ALTER SEQUENCE tickets OWNED BY users.age",
     ["sequence `tickets` has the owning column users.age now and had none"]),
    ("SELECT nextval('tickets')", []),
    ("INSERT INTO users (name) VALUES ('Cy')", []),
    # constraints
    ("ALTER TABLE users ADD CONSTRAINT adult CHECK (age > 17) NOT VALID",
     ["check constraint `adult` on `users` is left behind"]),
    ("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;"
     "ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID",
     ["foreign key `orders_user_id_fkey` on `orders` is FOREIGN KEY (user_id) REFERENCES users(id) NOT VALID now and "
      "was FOREIGN KEY (user_id) REFERENCES users(id)"]),
    ("ALTER TABLE orders ALTER CONSTRAINT orders_user_id_fkey DEFERRABLE INITIALLY DEFERRED",
     ["foreign key `orders_user_id_fkey` on `orders` is FOREIGN KEY (user_id) REFERENCES users(id) DEFERRABLE "
      "INITIALLY DEFERRED now and was FOREIGN KEY (user_id) REFERENCES users(id)"]),
    ("ALTER TABLE users ADD CONSTRAINT one_email UNIQUE (email)",
     ["unique constraint `one_email` on `users` is left behind"]),
    # tables
    ("CREATE TABLE cats (id serial PRIMARY KEY, name text UNIQUE, CHECK (name <> '')); CREATE INDEX ON cats (name)",
     ["table `cats` is left behind"]),
    ("DROP TABLE memberships", ["table `memberships` is gone"]),
    ("CREATE SCHEMA den; CREATE TABLE den.cats (id serial); CREATE VIEW den.all AS SELECT 1 AS one",
     ["schema `den` is left behind"]),
    ("DROP SCHEMA crm CASCADE", ["schema `crm` is gone"]),
    ("ALTER TABLE crm.users DROP email", ["column `crm.users.email` is gone"]),
    ("ALTER TABLE users ADD n serial", ["column `users.n` is left behind"]),
    ("ALTER TABLE users DROP email; ALTER TABLE users ADD email text", []),  # in another place
    ("ALTER TABLE events_2025 SET UNLOGGED", ["table `events_2025` is UNLOGGED now and was not"]),
    ("ALTER TABLE users SET (fillfactor = 70)", ["table `users` has the options fillfactor=70 now and had none"]),
    ("ALTER TABLE orders ENABLE ROW LEVEL SECURITY", ["table `orders` is ROW LEVEL SECURITY now and was not"]),
    ("ALTER TABLE users REPLICA IDENTITY FULL", ["table `users` has the replica identity FULL now and had none"]),
    ("CLUSTER users USING ix_users_name", ["table `users` has the clustering index ix_users_name now and had none"]),
    ("COMMENT ON TABLE users IS 'people'", ["table `users` has the comment 'people' now and had none"]),
    ("COMMENT ON COLUMN users.name IS 'of a person'",
     ["column `users.name` has the comment 'of a person' now and had none"]),
    ("GRANT SELECT ON users TO PUBLIC; REVOKE SELECT ON users FROM PUBLIC", []),
    ("GRANT SELECT (email) ON users TO PUBLIC",
     ["column `users.email` has the privileges =r/postgres now and had none"]),
    # partitions and children
    ("ALTER TABLE events ADD host text", ["column `events.host` is left behind"]),
    ('ALTER TABLE "order" ADD host text', ["column `order.host` is left behind"]),
    ("ALTER TABLE events_2024 ALTER payload SET DEFAULT ''",
     ["column `events_2024.payload` has the default ''::text now and had none"]),
    ("CREATE INDEX ix_events_day ON events (day)", ["index `ix_events_day` on `events` is left behind"]),
    ("ALTER TABLE events DETACH PARTITION events_2024",
     ["table `events_2024` has the parent none now and had events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"]),
    # code
    ("CREATE OR REPLACE VIEW names AS SELECT id, lower(name) AS name FROM users", ["view `names` is not what it was"]),
    ("DROP MATERIALIZED VIEW order_totals", ["materialized view `order_totals` is gone"]),
    ("CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
     ["function `touch()` is not what it was"]),
    ("CREATE PROCEDURE nap(n integer) LANGUAGE sql AS 'SELECT 1'", ["procedure `nap(IN n integer)` is left behind"]),
    ("ALTER TABLE users DISABLE TRIGGER touches", ["trigger `touches` on `users` is DISABLED now and was not"]),
    ("DROP TRIGGER touches ON users", ["trigger `touches` on `users` is gone"]),
    ("ALTER POLICY own ON orders USING (user_id = 2)",
     ["policy `own` on `orders` is USING ((user_id = 2)) now and was USING ((user_id = 1))"]),
    ("CREATE RULE quiet AS ON DELETE TO users DO INSTEAD NOTHING", ["rule `quiet` on `users` is left behind"]),
    ("CREATE STATISTICS age_and_name ON age, name FROM users",
     ["statistics `age_and_name` on `users` is left behind"]),
    ("ALTER DEFAULT PRIVILEGES IN SCHEMA crm GRANT SELECT ON TABLES TO PUBLIC",
     ["default privileges `crm.postgres on tables` is left behind"]),
    ("CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
     ["aggregate `public.total(integer)` is left behind"]),
    ("CREATE COLLATION mine FROM \"C\"", ["collation `public.mine` is left behind"]),
    ("CREATE TEMPORARY TABLE passing (id integer)", []),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=lambda one: one[:50] if isinstance(one, str) else "")
def test_what_was_changed_is_said(database: psycopg.Connection, change: str, expected: list[str]) -> None:
    with database.transaction(force_rollback=True):
        before = snapshot(database)
        database.execute(change)
        found = differences(before, snapshot(database))
        assert [said(one) for one in found] == expected
        assert not differences(before, before)


def test_the_way_back_is_the_same_schema(database: psycopg.Connection) -> None:
    with database.transaction(force_rollback=True):
        before = snapshot(database)
        database.execute("ALTER TABLE users DROP bio; DROP TABLE groups; DROP INDEX ix_orders_user_id")
        database.execute("ALTER TABLE users ADD bio text; CREATE TABLE groups (id serial PRIMARY KEY);")
        database.execute("ALTER TABLE groups ADD name varchar(50); CREATE INDEX ix_orders_user_id ON orders (user_id)")
        assert differences(before, snapshot(database)) == ()


def test_a_session_s_settings_do_not_show(database: psycopg.Connection) -> None:
    before = snapshot(database)
    with database.transaction(force_rollback=True):
        database.execute(
            "SET LOCAL search_path = crm; SET LOCAL datestyle = 'SQL, DMY'; SET LOCAL timezone = 'Asia/Tokyo'"
        )
        assert differences(before, snapshot(database)) == ()
        assert database.execute("SHOW search_path").fetchone() == ("crm",)


def test_the_version_table_is_left_out(database: psycopg.Connection) -> None:
    with database.transaction(force_rollback=True):
        before = snapshot(database)
        database.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        assert snapshot(database, [("public", "alembic_version")]) == before
        assert len(snapshot(database)) == len(before) + 3


def test_an_extension_is_one_object(database: psycopg.Connection) -> None:
    has = database.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'hstore'").fetchone()
    if not has:
        pytest.skip("hstore is not installed")
    with database.transaction(force_rollback=True):
        before = snapshot(database)
        database.execute("CREATE EXTENSION hstore")
        assert [said(one) for one in differences(before, snapshot(database))] == ["extension `hstore` is left behind"]


@pytest.mark.parametrize(
    ("table", "name"), [("users", "email"), ("a.b", "c"), ('a"b', "c.d"), ('x".', '"y'), ("A b", "ü")]
)
def test_names_are_put_together_and_taken_apart(table: str, name: str) -> None:
    assert split(join(table, name)) == (table, name)


def test_a_facet_of_several_lines_is_one() -> None:
    assert facets("a\n    b\n    \n    c\nd") == ["a\nb\n\nc", "d"]


def test_drift_has_words_of_its_own() -> None:
    email = ("column", "public", "users.email")
    assert said(Difference(*email, None, "text"), DRIFT).endswith("is in the models and in no migration")
    assert said(Difference(*email, "text", "text\nNOT NULL\nDEFAULT 1"), DRIFT) == (
        "column `users.email` is NOT NULL in the models and nullable in the migrations; has the default 1 in the "
        "models and none in the migrations"
    )
