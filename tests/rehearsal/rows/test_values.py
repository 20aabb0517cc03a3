"""Values of types, and texts that match a pattern: what no server here can try, and what needs none."""

from __future__ import annotations

import re

import pytest

from migration_gate.rehearsal.rows import patterns
from migration_gate.rehearsal.rows.catalog import Type
from migration_gate.rehearsal.rows.values import draw
from migration_gate.rehearsal.rows.wants import ANYTHING, Want

# The forms that PostGIS (EWKT) and pgvector document for these types.
EXTENSIONS = (
    (Type("public.vector(3)", "vector", modifier=3), "[3,1,2]"),
    (Type("public.halfvec", "halfvec"), "[3,1,2]"),
    (Type("public.sparsevec(5)", "sparsevec", modifier=5), "{1:3}/5"),
    (Type("public.geometry", "geometry"), "POINT (2 1)"),
    (Type("public.geometry(Point,4326)", "geometry"), "SRID=4326;POINT (2 1)"),
    (Type("public.geometry(PointZ,4326)", "geometry"), "SRID=4326;POINT Z (2 1 0)"),
    (Type("public.geography(LineString,4326)", "geography"), "SRID=4326;LINESTRING (2 0, 3 1)"),
    (Type("public.geometry(Polygon)", "geometry"), "POLYGON ((2 0, 3 0, 3 1, 2 0))"),
    (
        Type("public.geometry(MultiPolygonZM,3857)", "geometry"),
        "SRID=3857;MULTIPOLYGON ZM (((2 0 0 0, 3 0 0 0, 3 1 0 0, 2 0 0 0)))",
    ),
)


@pytest.mark.parametrize(("type_", "text"), EXTENSIONS, ids=[type_.name for type_, _ in EXTENSIONS])
def test_extensions(type_, text):
    assert draw(type_, ANYTHING, 2) == text


def test_what_nobody_knows():
    assert draw(Type("public.mystery", "mystery"), ANYTHING, 1) is None


PATTERNS = (
    r"^[a-z][a-z0-9_-]{2,30}$",
    r"^(foo|ba[rz])+$",
    r"^\d{3}-\d{4}$",
    r"\w+@\w+\.(com|org)",
    r"^[^\s/]+$",
    r"^(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$",
    r"^a{2,}b?c*$",
    r"^\(x\)\.\*$",
    r"^[]a]+$",
    r"^[a\-z]+$",
    r"^[\d.]+$",
    r"^\x41\u0042$",
    r"",
    r"a|",
    r"^.$",
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern):
    texts = [patterns.matching(pattern, number) for number in range(30)]
    assert all(text is not None and re.search(pattern, text) for text in texts), texts
    assert texts == [patterns.matching(pattern, number) for number in range(30)]


@pytest.mark.parametrize("pattern", ["(", "(a", "[^\\x00-\\xff]", "(" * 5000])
def test_patterns_that_are_none(pattern):
    assert patterns.matching(pattern, 1) is None


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"), [(r"^[a-z]+$", 4, 5), (r"^a*$", 0, 0), (r"^\d{2,40}$", 30, None)]
)
def test_patterns_of_a_length(pattern, shortest, longest):
    text = patterns.matching(pattern, 3, shortest, longest)
    assert text is not None
    assert shortest <= len(text) <= (len(text) if longest is None else longest)


def test_short_texts_all_differ():
    short = Type("character varying(2)", "varchar", modifier=6)
    texts = [draw(short, ANYTHING, number, distinct=True) for number in range(200)]
    assert len(set(texts)) == 200
    assert all(text is not None and len(text) <= 2 for text in texts)


@pytest.mark.parametrize(
    ("base", "want"),
    [
        ("int4", Want(low=("5", True), high=("6", True))),
        ("int2", Want(low=("40000", False))),
        ("text", Want(shortest=3, longest=2)),
        ("text", Want(among=())),
    ],
)
def test_nothing_is_between(base, want):
    assert draw(Type(base, base), want, 1) is None
    assert draw(Type(base, base), want, 1, distinct=True) is None
