"""Types as PostgreSQL's ``format_type`` names them, from its grammar and from SQLAlchemy's type expressions."""

from __future__ import annotations

import re
from typing import NamedTuple

from migration_gate.operations.grammar import Node, expression, number, strings
from migration_gate.operations.model import SqlType
from migration_gate.operations.values import Imported, Made, Value

# What the system catalog, and the grammar, call the types that have a name of several words in SQL, or another one.
_CATALOG = {
    "bit": "bit",
    "bool": "boolean",
    "bpchar": "bpchar",
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "interval": "interval",
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_SAME_NAME = frozenset(
    "box bytea cidr circle date inet int4range int8range int4multirange int8multirange json jsonb jsonpath line lseg "
    "macaddr macaddr8 money numeric nummultirange numrange oid path pg_lsn point polygon regclass regconfig regtype "
    "text tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector uuid xml datemultirange daterange name".split()
)
# Every type of which the gate knows what casts of it do; citext is an extension's, in whatever schema.
BUILT_IN = frozenset(_CATALOG.values()) | _SAME_NAME | {"character", "citext"}

# src/include/utils/timestamp.h: the bits of an interval's fields.
_FIELDS = {
    1 << 2: "year", 1 << 1: "month", 1 << 3: "day", 1 << 10: "hour", 1 << 11: "minute", 1 << 12: "second",
    6: "year to month", 1 << 3 | 1 << 10: "day to hour", 1 << 3 | 1 << 10 | 1 << 11: "day to minute",
    1 << 3 | 1 << 10 | 1 << 11 | 1 << 12: "day to second", 1 << 10 | 1 << 11: "hour to minute",
    1 << 10 | 1 << 11 | 1 << 12: "hour to second", 1 << 11 | 1 << 12: "minute to second",
}  # fmt: skip
_ALL_FIELDS = 0x7FFF


def of_node(node: Node) -> SqlType | None:
    """The type of a TypeName node; None where its modifiers are no numbers, as PostGIS's are not."""
    names = strings(node.get("names", ()))
    if not names or node.get("pct_type") or node.get("setof"):
        return None
    numbers = [number(one) for one in node.get("typmods", ())]
    if None in numbers:
        return None
    modifiers = tuple(one for one in numbers if one is not None)
    own = names[0] == "pg_catalog" or len(names) == 1
    name = names[-1]
    if own and (name in _CATALOG or name in _SAME_NAME):
        name = _CATALOG.get(name, name)
    elif name != "citext":
        name = ".".join(one if re.fullmatch(r"[a-z_][a-z0-9_$]*", one) else f'"{one}"' for one in names)
    made = _finished(name, modifiers)
    return made and made._replace(array=bool(node.get("arrayBounds")))


def _finished(name: str, modifiers: tuple[int, ...]) -> SqlType | None:
    """What PostgreSQL adds to, or takes from, what was written."""
    if name == "interval" and modifiers:
        fields, *rest = modifiers
        name = name if fields == _ALL_FIELDS else f"interval {_FIELDS.get(fields, '?')}"
        return None if name.endswith("?") else SqlType(name, tuple(rest))
    if name == "numeric" and len(modifiers) == 1:
        return SqlType(name, (*modifiers, 0))
    if name == "bpchar" and modifiers:
        return SqlType("character", modifiers)
    if name == "bit" and not modifiers:
        return SqlType(name, (1,))
    if name[:4] == "time":
        modifiers = tuple(min(one, 6) for one in modifiers)  # "precision reduced to maximum allowed, 6"
    return SqlType(name, modifiers)


def casts_of(using: str, column: str | None) -> tuple[SqlType | None, ...] | bool | None:
    """The casts of USING, the innermost first, where it is nothing but the column and casts of it. True where it is
    something else, that is computed row by row; None where that is not known.
    """
    node = expression(using)
    casts: list[SqlType | None] = []
    while node and "TypeCast" in node:
        casts.insert(0, of_node(node["TypeCast"]["typeName"]))
        node = node["TypeCast"]["arg"]
    if node is None or "CollateClause" in node:
        return None
    if "ColumnRef" not in node:
        return True
    name = strings(node["ColumnRef"]["fields"])[-1:]
    if column is None:
        return None
    return tuple(casts) if name == (column,) else True


# ── SQLAlchemy ───────────────────────────────────────────────────────────────────────────────────────────


class _Known(NamedTuple):
    """A type class of SQLAlchemy's: PostgreSQL's name, and the parameters of its constructor that make the modifiers,
    in their order and with the place that each has among the positional ones.
    """

    name: str
    parameters: tuple[str, ...] = ()


_STRING = _Known("character varying", ("length",))
_NUMERIC = _Known("numeric", ("precision", "scale"))
_SQLALCHEMY = {
    "AutoString": _STRING,
    "BIGINT": _Known("bigint"),
    "BOOLEAN": _Known("boolean"),
    "BYTEA": _Known("bytea"),
    "BigInteger": _Known("bigint"),
    "Boolean": _Known("boolean"),
    "CHAR": _Known("character", ("length",)),
    "CIDR": _Known("cidr"),
    "CITEXT": _Known("citext"),
    "DATE": _Known("date"),
    "DATEMULTIRANGE": _Known("datemultirange"),
    "DATERANGE": _Known("daterange"),
    "DECIMAL": _NUMERIC,
    "DOUBLE_PRECISION": _Known("double precision"),
    "Date": _Known("date"),
    "Double": _Known("double precision"),
    "HSTORE": _Known("hstore"),
    "INET": _Known("inet"),
    "INT4MULTIRANGE": _Known("int4multirange"),
    "INT4RANGE": _Known("int4range"),
    "INT8MULTIRANGE": _Known("int8multirange"),
    "INT8RANGE": _Known("int8range"),
    "INTEGER": _Known("integer"),
    "Integer": _Known("integer"),
    "JSON": _Known("json"),
    "JSONB": _Known("jsonb"),
    "JSONPATH": _Known("jsonpath"),
    "LargeBinary": _Known("bytea"),
    "MACADDR": _Known("macaddr"),
    "MACADDR8": _Known("macaddr8"),
    "MONEY": _Known("money"),
    "NUMERIC": _NUMERIC,
    "NUMMULTIRANGE": _Known("nummultirange"),
    "NUMRANGE": _Known("numrange"),
    "Numeric": _NUMERIC,
    "OID": _Known("oid"),
    "PickleType": _Known("bytea"),
    "REAL": _Known("real"),
    "REGCLASS": _Known("regclass"),
    "REGCONFIG": _Known("regconfig"),
    "SMALLINT": _Known("smallint"),
    "SmallInteger": _Known("smallint"),
    "String": _STRING,
    "TEXT": _Known("text"),
    "TSMULTIRANGE": _Known("tsmultirange"),
    "TSQUERY": _Known("tsquery"),
    "TSRANGE": _Known("tsrange"),
    "TSTZMULTIRANGE": _Known("tstzmultirange"),
    "TSTZRANGE": _Known("tstzrange"),
    "TSVECTOR": _Known("tsvector"),
    "Text": _Known("text"),
    "UUID": _Known("uuid"),
    "Unicode": _STRING,
    "UnicodeText": _Known("text"),
    "VARCHAR": _STRING,
}
_CLOCKS = {
    "DateTime": "timestamp", "TIMESTAMP": "timestamp", "Time": "time", "TIME": "time",
}  # fmt: skip


def of_value(value: Value) -> SqlType | None:
    """The type that SQLAlchemy's PostgreSQL dialect makes of ``sa.String(50)``, ``sa.Text`` and their like; None of
    what is computed, and of types that are not its own.
    """
    if isinstance(value, Imported):
        value = Made(value.name, (), {}, "")
    if not isinstance(value, Made) or not value.whole or not value.name.startswith(("sqlalchemy.", "sqlmodel.")):
        return None
    kind = value.kind
    if reader := _READERS.get(kind):
        return reader(value)
    if kind in _CLOCKS:
        return _clock(value)
    known = _SQLALCHEMY.get(kind)
    if known is None:
        return None
    if not known.parameters:
        return SqlType(known.name)
    given = [_argument(value, place, name) for place, name in enumerate(known.parameters)]
    if given and given[0] is None:
        given = []  # without a precision, the scale is left out too
    while given and given[-1] is None:
        given.pop()
    if any(type(one) is not int for one in given):
        return None
    if known.name == "character" and not given:
        given = [1]
    return _finished(known.name, tuple(given))


def _argument(value: Made, place: int, name: str, default: Value = None) -> Value:
    return value.args[place] if place < len(value.args) else value.keywords.get(name, default)


def _clock(value: Made) -> SqlType | None:
    """DateTime and Time know of the zone only; PostgreSQL's own TIMESTAMP and TIME have a precision too."""
    zone = _argument(value, 0, "timezone", False)
    precision = _argument(value, 1, "precision")
    if not isinstance(zone, bool) or type(precision) not in (int, type(None)):
        return None
    name = f"{_CLOCKS[value.kind]} with{'' if zone else 'out'} time zone"
    return _finished(name, () if precision is None else (precision,))


def _float(value: Made) -> SqlType | None:
    precision = _argument(value, 0, "precision")
    if precision is None:
        return SqlType("double precision")
    return SqlType("real" if precision <= 24 else "double precision") if type(precision) is int else None


def _interval(value: Made) -> SqlType | None:
    """``sa.Interval(native, second_precision, …)``; ``postgresql.INTERVAL(precision, fields)``."""
    if value.kind == "Interval":
        precision, fields = _argument(value, 1, "second_precision"), None
    else:
        precision, fields = _argument(value, 0, "precision"), _argument(value, 1, "fields")
    if type(precision) not in (int, type(None)) or not isinstance(fields, str | None):
        return None
    name = f"interval {fields.lower()}" if fields else "interval"
    return SqlType(name, () if precision is None else (precision,))


def _enum(value: Made) -> SqlType | None:
    """A type of its own, by its name, which is that of a class where no ``name`` is given; or a VARCHAR as long as the
    longest label.
    """
    words = value.keywords
    if words.get("native_enum", True) is not True:
        labels = value.args
        length = words.get("length")
        if words.get("native_enum") is not False or not all(isinstance(one, str) for one in labels) or not labels:
            return None
        return SqlType("character varying", (max([*map(len, labels), length or 0]),))
    name, schema = words.get("name"), words.get("schema")
    if not isinstance(name, str) or not isinstance(schema, str | None):
        return None
    return of_node({"names": [{"String": {"sval": one}} for one in (schema, name) if one]})


def _domain(value: Made) -> SqlType | None:
    return _enum(Made("ENUM", (), {**value.keywords, "name": _argument(value, 0, "name")}, ""))


def _uuid(value: Made) -> SqlType | None:
    native = value.keywords.get("native_uuid", True)
    if not isinstance(native, bool):
        return None
    return SqlType("uuid") if native else SqlType("character", (32,))


def _bit(value: Made) -> SqlType | None:
    length, varying = _argument(value, 0, "length"), _argument(value, 1, "varying", False)
    if type(length) not in (int, type(None)) or not isinstance(varying, bool):
        return None
    if varying:
        return SqlType("bit varying", (length,) if length else ())
    return SqlType("bit", (length or 1,))


def _array(value: Made) -> SqlType | None:
    item = of_value(_argument(value, 0, "item_type"))
    return item and item._replace(array=True)


_READERS = {
    "ARRAY": _array,
    "BIT": _bit,
    "DOMAIN": _domain,
    "ENUM": _enum,
    "Enum": _enum,
    "FLOAT": _float,
    "Float": _float,
    "INTERVAL": _interval,
    "Interval": _interval,
    "Uuid": _uuid,
}
