"""Types, and what changing one into another does: each claim beside what a real PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql

from migration_gate.operations.model import AddColumn, SqlType
from migration_gate.operations.type_names import of_value
from migration_gate.operations.types import narrows, rewrites
from migration_gate.postgres.databases import create
from migration_gate.postgres.server import Server
from tests.operations.reading import operations, read_sql_column

Database = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Database]:
    name = f"{server.prefix}types"
    create(server, name)
    with psycopg.connect(server.url(name), autocommit=True) as one:
        one.execute("CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE \"Mood\" AS ENUM ('a')")
        one.execute("CREATE SCHEMA crm; CREATE TYPE crm.mood AS ENUM ('a')")
        one.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")
        yield one


def pg_type(sql: str) -> SqlType:
    made = read_sql_column(sql).sql_type
    assert made is not None, sql
    return made


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written",
    [
        "varchar(50)", "varchar", "character varying (5)", "char", "char(3)", "bpchar", "text", "int", "int2", "int4",
        "int8", "integer", "bigint", "smallint", "numeric", "numeric(10)", "numeric(10,2)", "decimal(5, 2)", "float",
        "float(24)", "float(25)", "real", "double precision", "bool", "boolean", "bytea", "date", "timestamp",
        "timestamp(3)", "timestamptz", "timestamp(0) with time zone", "time", "time(2)", "timetz", "interval",
        "interval(3)", "interval day to second(2)", "interval year", "bit", "bit(5)", "bit varying", "varbit(7)",
        "uuid", "json", "jsonb", "inet", "cidr", "macaddr", "money", "xml", "tsvector", "int4range", "oid", "regclass",
        "text[]", "varchar(5)[]", "int[3][3]", "mood", "crm.mood", '"Mood"', "positive", "pg_catalog.int4", "name",
    ],
)  # fmt: skip
def test_a_type_in_sql_has_postgresqls_own_name(database: Database, written: str):
    with database.transaction(force_rollback=True):
        database.execute(f"CREATE TABLE t (c {written})")
        row = database.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1"
        ).fetchone()
    assert row is not None
    assert _as_format_type(pg_type(written)) == row[0]


def _as_format_type(one: SqlType) -> str:
    """PostgreSQL writes a time's precision in the middle."""
    text = str(one)
    for name in ("timestamp", "time"):
        for zone in ("with", "without"):
            long = f"{name} {zone} time zone"
            if text.startswith(long):
                return f"{name}{_modifiers(one)} {zone} time zone{'[]' * one.array}"
    return text


def _modifiers(one: SqlType) -> str:
    return f"({one.modifiers[0]})" if one.modifiers else ""


@pytest.mark.parametrize(
    "written",
    [
        "sa.String(length=50)", "sa.String(50)", "sa.String", "sa.String()", "sa.Unicode(9)", "sa.VARCHAR(3)",
        "sa.VARCHAR(length=3)", "postgresql.VARCHAR(3)", "sa.CHAR(2)", "sa.CHAR()", "sa.Text", "sa.Text()", "sa.TEXT()",
        "sa.UnicodeText()", "sa.Integer", "sa.INTEGER()", "sa.BigInteger()", "sa.BIGINT()", "sa.SmallInteger()",
        "sa.SMALLINT()", "sa.Boolean()", "sa.BOOLEAN()", "sa.Date()", "sa.DATE()", "sa.DateTime()",
        "sa.DateTime(timezone=True)", "sa.DateTime(True)", "sa.TIMESTAMP(timezone=True)", "sa.TIMESTAMP()",
        "postgresql.TIMESTAMP(timezone=True, precision=3)", "postgresql.TIMESTAMP(True, 3)",
        "postgresql.TIME(precision=2)", "sa.Time()", "sa.Time(timezone=True)", "sa.Interval()",
        "sa.Interval(second_precision=3)", "postgresql.INTERVAL()", "postgresql.INTERVAL(precision=3)",
        "postgresql.INTERVAL(fields='DAY TO SECOND', precision=3)", "postgresql.INTERVAL(fields='YEAR')",
        "sa.Numeric()", "sa.Numeric(10)", "sa.Numeric(10, 2)", "sa.Numeric(precision=10, scale=2)",
        "sa.Numeric(scale=2)", "sa.NUMERIC(5, 1)", "sa.DECIMAL(5, 1)", "sa.Float()", "sa.Float(53)",
        "sa.Float(precision=24)", "sa.FLOAT()", "sa.REAL()", "postgresql.REAL()", "sa.Double()",
        "sa.DOUBLE_PRECISION()", "postgresql.DOUBLE_PRECISION(precision=53)", "sa.LargeBinary()",
        "sa.LargeBinary(length=9)", "postgresql.BYTEA()", "sa.PickleType()", "sa.Uuid()", "sa.Uuid(as_uuid=False)",
        "sa.Uuid(native_uuid=False)", "sa.UUID()", "postgresql.UUID(as_uuid=True)", "sa.JSON()", "sa.JSON(True)",
        "postgresql.JSON(astext_type=sa.Text())", "postgresql.JSONB(astext_type=sa.Text())", "postgresql.INET()",
        "postgresql.CIDR()", "postgresql.MACADDR()", "postgresql.MACADDR8()", "postgresql.MONEY()", "postgresql.OID()",
        "postgresql.REGCLASS()", "postgresql.TSVECTOR()", "postgresql.BIT(3)", "postgresql.BIT()",
        "postgresql.BIT(3, varying=True)", "postgresql.BIT(varying=True)", "postgresql.INT4RANGE()",
        "postgresql.DATERANGE()", "postgresql.TSTZRANGE()", "sa.ARRAY(sa.String(5))", "postgresql.ARRAY(sa.Integer)",
        "postgresql.ARRAY(sa.Text(), dimensions=2)", "postgresql.ARRAY(item_type=sa.Numeric(5, 2))",
        "sa.Enum('a', 'b', name='mood')", "sa.Enum('a', name='mood', schema='crm')", "sa.Enum('a', name='Mood')",
        "postgresql.ENUM('a', 'b', name='mood', create_type=False)", "sa.Enum('a', 'bbb', native_enum=False)",
        "sa.Enum('a', 'bbb', native_enum=False, length=20)", "sa.types.String(4)",
        "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')",
        "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')",
        "sa.String(5).with_variant(sa.Text(), 'postgresql', 'mysql')",
    ],
)  # fmt: skip
def test_a_type_of_sqlalchemy_is_what_its_dialect_makes_of_it(written: str):
    import sqlalchemy as sa

    real = eval(written, {"sa": sa, "postgresql": postgresql})
    real = real() if isinstance(real, type) else real
    rendered = real.compile(dialect=postgresql.dialect())
    head = "from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\n"
    added = operations(f'op.add_column("t", sa.Column("c", {written}))', head)[0]
    assert isinstance(added, AddColumn)
    assert added.column.sql_type == pg_type(rendered)


@pytest.mark.parametrize(
    "written",
    ["Money(2)", "Money", "sa.String(LENGTH)", "sa.Numeric(10, SCALE)", "sa.Enum(Color)", "sa.String(**OPTIONS)",
     "sa.DateTime(timezone=ZONE)", "postgresql.ARRAY(Money)", "sa.types.NullType()"],
)  # fmt: skip
def test_a_type_that_is_not_known_is_none(written: str):
    head = "from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\n"
    head += "from app import Money, LENGTH, SCALE, Color, OPTIONS, ZONE\n"
    added = operations(f'op.add_column("t", sa.Column("c", {written}))', head)[0]
    assert isinstance(added, AddColumn)
    assert added.column.sql_type is None


def test_every_type_that_is_known_is_one_of_sqlalchemys():
    from migration_gate.operations import type_names

    kinds = {*type_names._SQLALCHEMY, *type_names._CLOCKS, *type_names._READERS} - {"AutoString"}
    assert {one for one in kinds if not (hasattr(sqltypes, one) or hasattr(postgresql, one))} == set()
    assert of_value(None) is None


# ── what a change costs ──────────────────────────────────────────────────────────────────────────────────

GRID = [
    "varchar(5)", "varchar(9)", "varchar", "text", "char(5)", "char(9)", "bpchar", "smallint", "integer", "bigint",
    "numeric", "numeric(10,2)", "numeric(12,2)", "numeric(12,4)", "numeric(4,0)", "numeric(15,0)", "real",
    "double precision", "boolean", "date", "timestamp", "timestamp(3)", "timestamp(6)", "timestamptz", "timestamptz(3)",
    "time", "time(3)", "timetz", "interval", "interval(3)", "interval day to second", "interval day to second(3)",
    "interval year", "interval year to month", "interval minute",
    "uuid", "json", "jsonb", "inet", "cidr", "bit(4)", "bit(8)", "varbit(4)", "varbit(8)", "varbit", "bytea", "xml",
    "oid", "regclass", "money", "macaddr", "macaddr8", "text[]", "varchar(5)[]", "varchar(9)[]", "varchar[]",
    "numeric(10,2)[]", "numeric(12,2)[]", "int[]", "timestamp[]", "timestamptz[]", "timestamp(3)[]",
]  # fmt: skip


@pytest.mark.parametrize("old", GRID)
def test_which_changes_write_the_table_anew(database: Database, old: str):
    wrong = []
    with _table(database, old):
        for new in GRID:
            done = _rewritten(database, new, "", f"USING c::{new}")
            said = rewrites(pg_type(old), pg_type(new))
            unsure = {old.partition("(")[0], new.partition("(")[0]} == {"timestamp", "timestamptz"}
            if done is not None and said is not done and not (said is None and unsure):
                wrong.append(f"{old} → {new}: {done}, but said {said}")
    assert wrong == []


@contextmanager
def _table(database: Database, old: str) -> Iterator[None]:
    """A table with two columns of a type, as long as the block."""
    with database.transaction(force_rollback=True):
        database.execute("SET LOCAL timezone = 'Europe/Berlin'")
        database.execute(f"CREATE TEMP TABLE changed (c {old}, d {old})")
        yield


def _rewritten(database: Database, new: str, *using: str) -> bool | None:
    """Whether PostgreSQL writes the table anew, in the first of these ways that it takes; None where it takes none."""
    before = database.execute("SELECT pg_relation_filenode('changed')").fetchone()
    for how in using:
        try:
            with database.transaction(force_rollback=True):
                database.execute(f"ALTER TABLE changed ALTER COLUMN c TYPE {new} {how}")
                return before != database.execute("SELECT pg_relation_filenode('changed')").fetchone()
        except psycopg.errors.Error:
            continue
    return None


@pytest.mark.parametrize(
    ("old", "new", "using", "expected"),
    [
        ("varchar(5)", "text", "c", False),
        ("varchar(5)", "text", "(c)", False),
        ("varchar(5)", "text", "changed.c::text", False),
        ("varchar(5)", "varchar(9)", "CAST(c AS varchar(9))", False),
        ("varchar(9)", "varchar(9)", "c::varchar(5)", True),
        ("varchar(5)", "text", "c::varchar(9)::text", False),
        ("varchar(9)", "text", "c::varchar(5)::text", True),
        ("text", "text", "d", True),
        ("text", "text", "lower(c)", True),
        ("text", "text", "c || ''", True),
        ("integer", "bigint", "c::bigint", True),
        ("integer", "integer", "NULL", True),
        ("integer", "integer", "c", False),
        ("numeric(10,2)", "numeric", "c::numeric(12,2)", False),
        ("text", "text", 'c COLLATE "C"', None),
        ("text", "text", "c::mood::text", None),
    ],
)
def test_using_costs_nothing_where_it_is_no_more_than_the_column(
    database: Database, old: str, new: str, using: str, expected: bool | None
):
    assert rewrites(pg_type(old), pg_type(new), using, "c") is expected
    with _table(database, old):
        done = _rewritten(database, new, f"USING {using}")
    assert done is not None
    assert expected in (None, done)


def test_what_the_types_do_not_say():
    known = pg_type("text")
    for old, new in [(None, known), (known, None), (known, pg_type("mood")), (pg_type("mood"), pg_type("positive"))]:
        assert rewrites(old, new) is None
        assert rewrites(old, new, "c::text", "c") is None or new is None or old is None
    assert rewrites(pg_type("mood"), pg_type("mood")) is False
    assert rewrites(known, known, "c") is None  # whose column it is, nobody said
    assert narrows(None, known) is None
    assert narrows(known, None) is None
    assert narrows(pg_type("mood"), pg_type("crm.mood")) is None


# ── what a change does to values ─────────────────────────────────────────────────────────────────────────

# The values that a type can hold and that are likeliest not to fit somewhere else.
VALUES = {
    "varchar(5)": ["a", "a b ", "abcde"],
    "varchar(9)": ["a", "a b ", "abcdefghi"],
    "varchar": ["a", "a ", "x" * 99],
    "text": ["a", "a ", "x" * 99],
    "char(5)": ["a", "abcde"],
    "smallint": ["0", "32767", "-32768"],
    "integer": ["0", "2147483647", "-2147483648", "16777217"],
    "bigint": ["0", "9223372036854775807", "-9223372036854775808", "9007199254740993"],
    "numeric": ["0", "1234567890123456789.123456789", "9" * 40],
    "numeric(10,2)": ["0", "99999999.99", "0.01"],
    "numeric(12,2)": ["0", "9999999999.99"],
    "numeric(12,4)": ["0", "99999999.9999"],
    "numeric(4,0)": ["0", "9999", "-9999"],
    "numeric(15,0)": ["999999999999999"],
    "numeric(6,2)": ["9999.99"],
    "real": ["0", "0.1", "3.4e38", "1.1754944e-38"],
    "double precision": ["0", "0.1", "1e300", "0.30000000000000004"],
    "boolean": ["true", "false"],
    "date": ["2024-02-29"],
    "timestamp": ["2024-02-29 12:34:56.123456"],
    "timestamp(3)": ["2024-02-29 12:34:56.123"],
    "timestamptz": ["2024-02-29 12:34:56.123456+01"],
    "time": ["12:34:56.123456"],
    "time(3)": ["12:34:56.123"],
    "timetz": ["12:34:56.123456+05"],
    "interval": ["25:34:56.123456", "1 mon"],
    "interval(3)": ["25:34:56.123", "1 mon"],
    "uuid": ["7d444840-9dc0-11d1-b245-5ffdce74fad2"],
    "json": ['{"a": 1, "a":  2}'],
    "jsonb": ['{"a": 2}'],
    "inet": ["10.0.0.1/8"],
    "cidr": ["10.0.0.0/8"],
    "bit(4)": ["1010"],
    "bit(8)": ["10101010"],
    "varbit(4)": ["1", "1010"],
    "varbit(8)": ["1", "10101010"],
    "varbit": ["1", "1010101010"],
    "bytea": [r"\x00ff"],
    "money": ["1.23"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "mood": ["a"],
    "text[]": ["{a,b c,abcdefghijkl}"],
    "varchar(5)[]": ["{abcde}"],
    "varchar(9)[]": ["{abcdefghi}"],
    "int[]": ["{2147483647}"],
    "bigint[]": ["{9223372036854775807}"],
}
WIDER = ["varchar(36)", "varchar(11)", "char(9)", "timestamptz(3)", "timestamp(6)"]


@pytest.mark.parametrize("old", VALUES)
def test_which_changes_a_value_may_not_survive(database: Database, old: str):
    wrong = []
    there = [_come_back(database, value, old, [*VALUES, *WIDER]) for value in VALUES[old]]
    for new in [*VALUES, *WIDER]:
        said = narrows(pg_type(old), pg_type(new))
        kept = [one[new] for one in there]
        if None in kept:
            continue
        lost = not all(kept)
        if said is not None and said is not lost:
            wrong.append(f"{old} → {new}: {'loses' if lost else 'keeps'}, but said {said}")
    assert wrong == []


def _come_back(database: Database, value: str, old: str, types: Sequence[str]) -> dict[str, bool | None]:
    """Of each type whether a value is the same after it has been of that type; None where there is no such cast."""
    with database.transaction(force_rollback=True):
        database.execute(f"CREATE TEMP TABLE one (c {old})")
        database.execute("INSERT INTO one VALUES (%s)", [value])
        before = database.execute("SELECT c::text FROM one").fetchone()
        return {new: _comes_back(database, before, old, new) for new in types}


def _comes_back(database: Database, before: object, old: str, new: str) -> bool | None:
    for using in ("", f"USING c::{new}"):
        try:
            with database.transaction(force_rollback=True):
                database.execute(f"ALTER TABLE one ALTER c TYPE {new} {using}")
                return before == database.execute(f"SELECT c::{old}::text FROM one").fetchone()
        except (psycopg.errors.DatatypeMismatch, psycopg.errors.CannotCoerce):
            continue
        except psycopg.errors.Error:
            return False
    return None


def test_most_changes_are_known():
    pairs = [(pg_type(old), pg_type(new)) for old in VALUES for new in VALUES]
    known = [one for one in pairs if narrows(*one) is not None]
    assert len(known) > len(pairs) / 4
