"""CHECKs as people write them: each in a table of its own, whose columns must all have a value."""

from __future__ import annotations

import pytest

from migration_gate.rehearsal.rows.fill import fill

# Columns, and what is checked of them.
CHECKS = (
    # lists
    ("a text", "a IN ('x', 'y')"),
    ("a varchar(5)", "a IN ('x', 'y')"),
    ("a varchar(5)", "a::text = ANY (ARRAY['x', 'y']::text[])"),
    ("a integer", "a IN (1, 2, 3)"),
    ("a integer", "a = ANY ('{4,5,6}'::int[])"),
    ("a text", "a NOT IN ('value0', 'value 1', 'x')"),
    ("a text", "a <> ALL (ARRAY['value0', ''])"),
    ("a char(3)", "a IN ('USD', 'EUR')"),
    ("a text", "a = 'only'"),
    ("a text", "a LIKE ANY (ARRAY['x-%', 'y-%'])"),
    ("a text", "lower(a) IN ('x', 'y')"),
    # comparisons
    ("a integer", "a > 0"),
    ("a integer", "0 < a"),
    ("a integer", "a BETWEEN 2 AND 4"),
    ("a integer", "a NOT BETWEEN -100 AND 100"),
    ("a integer", "a >= 1000000 AND a < 1000003"),
    ("a integer", "a < -5"),
    ("a smallint", "a > 30000 AND a <> 30001"),
    ("a bigint", "a > 60 * 60 * 24"),
    ("a numeric(4, 2)", "a > 99.9"),
    ("a numeric", "a > 0.001 AND a < 0.002"),
    ("a numeric(3, 2)", "a >= 0 AND a <= 1"),
    ("a double precision", "a >= -180 AND a <= 180"),
    ("a double precision", "a > 0.1 AND a < 0.2"),
    ("a real", "a > 1e10"),
    ("a money", "a >= 0::money"),
    ("a date", "a > '2030-01-01'"),
    ("a date", "a >= '2024-02-28' AND a <= '2024-03-01'"),
    ("a timestamptz", "a < '1990-01-01 00:00:00+00'"),
    ("a timestamp", "a <= now()"),
    ("a timestamptz", "a > CURRENT_TIMESTAMP"),
    ("a date", "a > CURRENT_DATE - interval '1 day'"),
    ("a time", "a >= '09:00' AND a < '17:30'"),
    ("a interval", "a > '0'"),
    ("a interval", "a >= '1 day' AND a <= interval '2 days'"),
    ("a integer", "a % 2 = 0"),
    ("a integer", "abs(a) > 7"),
    ("a integer", "a IS DISTINCT FROM 0"),
    ("a integer", "COALESCE(a, 0) > 3"),
    # between columns
    ("a integer, b integer", "a < b"),
    ("a integer, b integer", "a <> b"),
    ("a integer, b integer", "a = b"),
    ("a date, b date", "b >= a"),
    ("a timestamptz, b timestamptz, c timestamptz", "a <= b AND b < c"),
    ("a integer, b integer, c integer", "a + b = c OR a > b + c"),
    ("a numeric(10, 2), b numeric(10, 2)", "a <= b AND b - a < 100"),
    ("a text, b text", "a <> b"),
    ("a uuid, b uuid", "a <> b"),
    # texts
    ("a text", "length(a) > 0"),
    ("a text", "char_length(a) = 40"),
    ("a varchar(64)", "length(a) BETWEEN 60 AND 64"),
    ("a text", "octet_length(a) <= 3"),
    ("a text", "character_length(trim(a)) >= 8"),
    ("a text", "a <> ''"),
    ("a text", "btrim(a) <> '' AND length(a) < 3"),
    ("a bytea", "length(a) = 16"),
    ("a text", "a = lower(a)"),
    ("a text", "a = upper(a)"),
    ("a text", "a = trim(both from a)"),
    ("a text", "a LIKE 'https://%'"),
    ("a text", "a LIKE '%@%.%'"),
    ("a text", "a ILIKE 'X\\_%'"),
    ("a text", "a NOT LIKE '% %'"),
    ("a text", "starts_with(a, 'pre%')"),
    ("a text", "position('@' in a) > 1"),
    ("a text", "a ~ '^[a-z][a-z0-9_-]{2,30}$'"),
    ("a text", "a ~* '^[A-F0-9]{8}(-[A-F0-9]{4}){3}-[A-F0-9]{12}$'"),
    ("a text", "a ~ '^\\+?[1-9]\\d{1,14}$'"),
    ("a text", "a ~ '^(foo|ba[rz])+$'"),
    ("a text", "a ~ '^#(?:[0-9a-fA-F]{3}){1,2}$'"),
    ("a text", "a ~ '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$'"),
    ("a text", "a ~ '^[[:alpha:]]+$'"),
    ("a text", "a !~ '\\s'"),
    ("a text", "a !~ '[^a-z]'"),
    ("a varchar(2)", "a ~ '^[A-Z]+$'"),
    ("a text", "a SIMILAR TO '(a|b)+[0-9]'"),
    ("a text", "a ~ '^v\\d+\\.\\d+\\.\\d+$' AND a !~ '^v0'"),
    # truth
    ("a boolean", "a"),
    ("a boolean", "NOT a"),
    ("a boolean", "a IS NOT TRUE"),
    ("a boolean, b boolean", "a <> b"),
    ("a boolean, b boolean", "a OR b"),
    ("a boolean, b integer", "a = (b > 100)"),
    ("a boolean, b text", "NOT a OR b = 'x'"),
    ("a text, b integer", "(a = 'x' AND b = 1) OR (a = 'y' AND b = 2)"),
    ("a text, b integer", "CASE a WHEN 'x' THEN b = 1 WHEN 'y' THEN b > 10 ELSE false END"),
    ("a text, b integer", "CASE WHEN a = 'x' THEN b < 0 ELSE b > 1000 END"),
    ("a text, b integer", "NOT (a = 'x' OR b > 3)"),
    ("a text, b integer", "(a = 'x')::int + (b = 7)::int = 2"),
    ("a integer", "a IS NOT NULL"),
    ("a integer", "(a > 3) IS TRUE"),
    # arrays, json, ranges
    ("a integer[]", "cardinality(a) > 0"),
    ("a text[]", "array_length(a, 1) BETWEEN 2 AND 3"),
    ("a text[]", "array_position(a, NULL) IS NULL"),
    ("a text[]", "a <@ ARRAY['x', 'y']"),
    ("a jsonb", "jsonb_typeof(a) = 'object'"),
    ("a json", "json_typeof(a) = 'array'"),
    ("a jsonb", "jsonb_typeof(a) IN ('string', 'number')"),
    ("a jsonb", "a ? 'kind'"),
    ("a jsonb", "jsonb_array_length(a) > 2"),
    ("a int4range", "NOT isempty(a)"),
    ("a tstzrange", "lower(a) IS NOT NULL AND upper(a) IS NOT NULL"),
    ("a daterange", "lower_inc(a) AND NOT upper_inf(a)"),
    ("a inet", "family(a) = 4"),
    ("a uuid", "a <> '00000000-0000-0000-0000-000000000000'"),
    ("a point", "a[0] BETWEEN -90 AND 90"),
)


@pytest.fixture(scope="module")
def filled(database):
    tables = []
    for number, (columns, check) in enumerate(CHECKS):
        required = ", ".join(f"{one.strip()} NOT NULL" for one in columns.replace("(10, 2)", "(10; 2)").split(", "))
        required = required.replace(";", ",").replace("(4 NOT NULL,", "(4,").replace("(3 NOT NULL,", "(3,")
        tables.append(f"CREATE TABLE t{number} ({required}, CHECK ({check}));")
    return fill(database("".join(tables)))


@pytest.mark.parametrize("number", range(len(CHECKS)), ids=[check for _, check in CHECKS])
def test_satisfied(filled, number):
    table = f"public.t{number}"
    assert filled.not_filled.get(table) is None
    assert filled.tables[table] >= 2


NULLS = (
    ("num_nonnulls(a, b, c) = 1", "a, b, c"),
    ("num_nulls(a, b) <= 1", "a, b"),
    ("(a IS NULL) = (b IS NULL)", "a, b"),
    ("(a IS NULL) <> (b IS NULL)", "a, b"),
    ("a IS NOT NULL OR b IS NOT NULL", "a, b"),
    ("(a IS NOT NULL)::int + (b IS NOT NULL)::int + (c IS NOT NULL)::int = 1", "a, b, c"),
    ("(a IS NULL AND b IS NULL) OR (a IS NOT NULL AND b > a)", "a, b"),
    ("CASE WHEN a IS NULL THEN b IS NOT NULL ELSE b IS NULL END", "a, b"),
    ("a IS NULL OR a > 5", "a"),
    ("COALESCE(a, b) IS NOT NULL", "a, b"),
)


@pytest.mark.parametrize(("check", "columns"), NULLS, ids=[check for check, _ in NULLS])
def test_which_may_be_null(database, check, columns):
    connection = database(f"CREATE TABLE t (a integer, b integer, c integer, CHECK ({check}))")
    assert fill(connection).tables["public.t"] >= 10
    for name in columns.split(", "):
        query = f"SELECT count({name}) > 0 AND count(*) > count({name}) FROM t"
        assert connection.execute(query.encode()).fetchone() == (True,), name
