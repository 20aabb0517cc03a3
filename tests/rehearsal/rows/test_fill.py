"""Every table gets rows, of every kind that a migration stumbles over, and nothing of the schema changes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration_gate.postgres.server import Server
from migration_gate.rehearsal.rows.fill import Filled, fill

EVERY_KIND = (Path(__file__).parent / "every_kind.sql").read_text("utf-8")


def one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def schema(connection: psycopg.Connection, server: Server) -> str:
    """What pg_dump says of a schema: triggers' and rules' states, too."""
    command = ["pg_dump", "--schema-only", "--dbname", server.url(connection.info.dbname)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    return "\n".join(line for line in done.stdout.split("\n") if "restrict" not in line)


@pytest.fixture(scope="module")
def filled(database, server) -> tuple[psycopg.Connection, Filled, str]:
    connection = database(EVERY_KIND)
    before = schema(connection, server)
    return connection, fill(connection), before


def test_every_table(filled):
    connection, result, _ = filled
    tables = one(
        connection,
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p')"
        " AND nspname IN ('public', 'other') AND relname <> 'alembic_version'",
    )
    assert result.not_filled == {}
    assert len(result.tables) == tables
    assert all(result.tables.values())


def test_the_schema_is_what_it_was(filled, server):
    connection, _, before = filled
    assert schema(connection, server) == before


def test_version_tables_are_left(filled):
    assert one(filled[0], "SELECT count(*) FROM alembic_version") == 0


def test_the_same_rows_in_every_run(filled, database):
    again = database(EVERY_KIND)
    fill(again)
    for table in ("checks", "made_of_others", "tenants_members", "ranges", "hard_a"):
        query = f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {table} t"
        assert one(again, query) == one(filled[0], query), table


# In these tables nothing is NOT NULL that need not be, and no check is in the way.
FREE = ("texts", "times", "odds", "shapes", "numbers", "made_of_others", "tree", "unlogged")


@pytest.mark.parametrize("table", FREE)
def test_a_row_with_nothing_and_a_row_with_everything(filled, table):
    connection = filled[0]
    names = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attnotnull", [table]
    ).fetchall()
    domains = {"q"} if table == "made_of_others" else set()
    columns = ", ".join(name for (name,) in names if name not in domains)
    count = len(names) - len(domains)
    assert one(connection, f"SELECT count(*) FROM {table} WHERE num_nulls({columns}) = {count}") >= 1
    assert one(connection, f"SELECT count(*) FROM {table} WHERE num_nulls({columns}) = 0") >= 1
    for (name,) in names:
        assert one(connection, f"SELECT count({name}) FROM {table}") > 0, name


EDGES = (
    ("a text longer than any varchar(255)", "SELECT max(length(a)) > 255 FROM texts"),
    ("the longest that varchar(1000) takes", "SELECT max(length(e)) = 1000 FROM texts"),
    ("the longest name", "SELECT max(octet_length(h::text)) = 63 FROM texts"),
    ("an empty text", "SELECT bool_or(a = '') FROM texts"),
    ("other letters than ASCII's", "SELECT bool_or(octet_length(a) > length(a)) FROM texts"),
    ("the largest integer", "SELECT max(b) = 2147483647 AND min(b) = -2147483648 FROM numbers"),
    ("the largest bigint", "SELECT max(c) = 9223372036854775807 FROM numbers"),
    ("the largest numeric(10, 2)", "SELECT max(f) = 99999999.99 FROM numbers"),
    ("the largest numeric(3, 3)", "SELECT max(g) = 0.999 FROM numbers"),
    ("a number that is no integer", "SELECT bool_or(d <> trunc(d)) FROM numbers"),
    ("duplicates of all that is no key", "SELECT count(*) > count(DISTINCT name) FROM tree"),
    ("duplicates of a nullable uuid", "SELECT count(b) > count(DISTINCT b) FROM odds"),
    ("every label of an enum", "SELECT count(DISTINCT e) = 3 FROM made_of_others"),
    ("an empty array", "SELECT bool_or(cardinality(a) = 0) FROM made_of_others"),
    ("an empty and an unbounded range", "SELECT bool_or(isempty(h)) AND bool_or(upper_inf(h)) FROM made_of_others"),
    ("rows below others", "SELECT count(parent) > 2 AND count(*) > count(parent) FROM tree"),
    ("several rows that point to one", "SELECT count(parent) > count(DISTINCT parent) FROM tree"),
    ("the other half of a soft circle", "SELECT count(b) > 2 AND count(*) > count(b) FROM soft_a"),
    ("old partitions and new", "SELECT count(DISTINCT tableoid) = 4 FROM ranges"),
    ("rows of a table that others inherit from", "SELECT count(*) > 0 FROM ONLY animals"),
    (
        "keys of rows that do exist",
        "SELECT count(*) = 0 FROM of_cats WHERE animal NOT IN (SELECT id FROM ONLY animals)",
    ),
)


@pytest.mark.parametrize(("what", "query"), EDGES, ids=[what for what, _ in EDGES])
def test_what_migrations_stumble_over(filled, what, query):
    assert one(filled[0], query) is True


INSERTS = (
    "INSERT INTO tree (root) VALUES (1)",
    "INSERT INTO numbers (d, p) VALUES (1, 1)",
    "INSERT INTO identities (small) VALUES (1)",
    "INSERT INTO seeded (name) VALUES ('mine')",
    "INSERT INTO tenants_groups (tenant) SELECT id FROM other.tenants",
    "INSERT INTO ranges (day) VALUES ('2024-01-05'), ('2024-02-05')",
    "INSERT INTO only_identity DEFAULT VALUES",
)


@pytest.mark.parametrize("statement", INSERTS)
def test_sequences_have_moved(filled, statement):
    filled[0].execute(statement)


UNCHECKED = """
    SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE contype IN ('f', 'c') AND relkind = 'r' AND conparentid = 0
    AND connamespace::regnamespace::text IN ('public', 'other')
"""


def test_constraints_hold(filled):
    connection = filled[0]
    with connection.transaction(force_rollback=True):
        connection.execute("UPDATE pg_constraint SET convalidated = false")
        found = connection.execute(UNCHECKED).fetchall()
        assert len(found) > 50
        for table, name in found:
            connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}".encode())


REASONS = (
    (
        "CREATE TABLE t (a integer NOT NULL CONSTRAINT never CHECK (a > 5 AND a < 3))",
        {"public.t": "CHECK never could not be satisfied"},
    ),
    (
        "CREATE TABLE p (a integer PRIMARY KEY CHECK (false));"
        "CREATE TABLE c (a integer NOT NULL CONSTRAINT k REFERENCES p)",
        {
            "public.p": "CHECK p_check could not be satisfied",
            "public.c": "its foreign key k needs a row of public.p, which has none",
        },
    ),
    (
        "CREATE TABLE t (a text) PARTITION BY LIST (a)",
        {"public.t": "it has no partition that could hold a row"},
    ),
    (
        "CREATE FUNCTION no(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', $1; END $$;"
        "CREATE TABLE t (a text NOT NULL CHECK (no(a)))",
        {"public.t": "not value0"},
    ),
)


@pytest.mark.parametrize(("text", "reasons"), REASONS, ids=["check", "parent", "partition", "function"])
def test_what_stays_empty_has_a_reason(database, text, reasons):
    assert fill(database(text)).not_filled == reasons


def test_an_existing_transaction_stays_the_callers(database):
    connection = database("CREATE TABLE t (a integer)")
    with connection.transaction(force_rollback=True):
        assert fill(connection).tables == {"public.t": 20}
    assert one(connection, "SELECT count(*) FROM t") == 0


def test_no_superuser_is_needed(database):
    connection = database(
        """
        CREATE ROLE rows_owner; GRANT CREATE ON SCHEMA public TO rows_owner; SET ROLE rows_owner;
        CREATE TABLE a (id serial PRIMARY KEY, b integer NOT NULL);
        CREATE TABLE b (id serial PRIMARY KEY, a integer NOT NULL REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
        CREATE TABLE policed (id serial PRIMARY KEY, name text);
        ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
        ALTER TABLE policed FORCE ROW LEVEL SECURITY;
        """
    )
    try:
        assert fill(connection) == Filled({"public.a": 20, "public.b": 20, "public.policed": 20}, {})
        assert one(connection, "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'policed'") is True
    finally:
        connection.execute("RESET ROLE; DROP OWNED BY rows_owner; DROP ROLE rows_owner")
