"""Columns as a snapshot has them, and the calls of a revision that add one or change it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from migration_gate.mending.sql import call, escaped, execute, options, schema_of, table_name, value
from migration_gate.operations.model import Table
from migration_gate.postgres.catalog import Key, Snapshot, facets, join, owner, split
from migration_gate.rules.remedies import literal, quoted, schema_keyword, sql_name


class Column(NamedTuple):
    """A column's facets; "" for what it has not. ``generated`` is "(expression) STORED"."""

    type: str
    not_null: bool = False
    default: str = ""
    generated: str = ""
    identity: str = ""  # "ALWAYS", "BY DEFAULT"
    collate: str = ""
    storage: str = ""
    compression: str = ""
    statistics: str = ""
    options: str = ""
    inherited: bool = False


_PREFIXES = {
    "DEFAULT ": "default",
    "GENERATED (": "generated",
    "COLLATE ": "collate",
    "STORAGE ": "storage",
    "COMPRESSION ": "compression",
    "STATISTICS ": "statistics",
    "OPTIONS ": "options",
}


def read(definition: str) -> Column:
    type_, *rest = facets(definition)
    found = Column(type_)
    texts: dict[str, str] = {}
    for one in rest:
        if one == "NOT NULL":
            found = found._replace(not_null=True)
        elif one == "INHERITED":
            found = found._replace(inherited=True)
        elif one.endswith(" AS IDENTITY"):
            found = found._replace(identity=one.removeprefix("GENERATED ").removesuffix(" AS IDENTITY"))
        elif prefix := next((prefix for prefix in _PREFIXES if one.startswith(prefix)), None):
            tail = one.removeprefix(prefix) if not prefix.endswith("(") else one.removeprefix(prefix[:-1])
            texts[_PREFIXES[prefix]] = tail
    return Column(**{**found._asdict(), **texts})


# ── a new column ─────────────────────────────────────────────────────────────────────────────────────────


def in_sql(key: Key, of: Snapshot, made: set[Key]) -> str:
    """As CREATE TABLE has it. A sequence that is ``made`` with it is said by serial, or by the identity's options."""
    one = read(of[key])
    parts = [quoted(split(key.name)[1])]
    serial = _serial(key, one, of, made)
    parts.append(serial or one.type)
    if one.collate:
        parts.append(f"COLLATE {one.collate}")
    if one.not_null and not serial:
        parts.append("NOT NULL")
    if one.default and not serial:
        parts.append(f"DEFAULT {one.default}")
    if one.generated:
        parts.append(f"GENERATED ALWAYS AS {one.generated}")
    if one.identity:
        parts.append(f"GENERATED {one.identity} AS IDENTITY{_counting(key, of)}")
    return " ".join(parts)


_SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_MOST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def owned_sequence(key: Key, of: Snapshot) -> Key | None:
    """The sequence that belongs to a column."""
    usual = Key("sequence", key.schema, "_".join((*split(key.name), "seq")))
    if usual in of and owner(of[usual]) == key:
        return usual
    return next((one for one, text in of.items() if one.kind == "sequence" and owner(text) == key), None)


def _counts_plainly(key: Key, sequence: Key, type_: str, of: Snapshot) -> bool:
    """Whether the sequence is as PostgreSQL makes it for a column by itself, its name too."""
    table, column = split(key.name)
    plain = f"START 1 INCREMENT 1 MINVALUE 1 MAXVALUE {_MOST.get(type_)} CACHE 1"
    found = facets(of[sequence])
    named = sequence.schema == key.schema and sequence.name == f"{table}_{column}_seq"
    return named and found[:2] == [type_, plain] and "CYCLE" not in found


def _serial(key: Key, one: Column, of: Snapshot, made: set[Key]) -> str | None:
    sequence = owned_sequence(key, of) if one.not_null and one.default.startswith("nextval(") else None
    if sequence is None or sequence not in made:
        return None
    return _SERIAL.get(one.type) if _counts_plainly(key, sequence, one.type, of) else None


def is_made_with_its_column(of: Snapshot, column: Key, made: set[Key]) -> bool:
    """Whether the statement that makes a column makes its sequence too."""
    if column not in of:
        return False
    one = read(of[column])
    return bool(one.identity) or (column in made and _serial(column, one, of, made) is not None)


def _counting(key: Key, of: Snapshot) -> str:
    """What stands behind AS IDENTITY: nothing where PostgreSQL would count so by itself."""
    sequence = owned_sequence(key, of)
    if sequence is None or _counts_plainly(key, sequence, read(of[key]).type, of):
        return ""
    _, counted, *flags = facets(of[sequence])
    words = re.sub(r"START (\S+) INCREMENT (\S+)", r"START WITH \1 INCREMENT BY \2", counted)
    name = sql_name(Table(sequence.name, schema_of(sequence.schema)))
    return f" (SEQUENCE NAME {name} {words}{' CYCLE' if 'CYCLE' in flags else ''})"


def added(key: Key, of: Snapshot, made: set[Key]) -> Iterator[str]:
    """A column for a table that is there."""
    table, name = split(key.name)
    one = read(of[key])
    type_ = sa_type(one.type)
    if one.not_null and not (one.default or one.generated or one.identity):
        yield "# where the table has rows, it needs a server_default:"
    if type_ is None or one.collate or one.generated or one.identity or _serial(key, one, of, made):
        yield execute(f"ALTER TABLE {table_name(key)} ADD COLUMN {in_sql(key, of, made)}")
    else:
        default = f", server_default={text(one.default)}" if one.default else ""
        column = f"sa.Column({literal(name)}, {type_}, nullable={not one.not_null}{default})"
        yield f"op.add_column({literal(table)}, {column}{schema_keyword(Table(table, schema_of(key.schema)))})"
    yield from settings(key, Column(one.type), one)


# ── a changed column ─────────────────────────────────────────────────────────────────────────────────────


def in_place(before: str, after: str) -> bool:
    """Whether PostgreSQL can make one column of the other: of what is generated only what is stored, and plain."""
    old, new = read(before), read(after)
    if old.generated == new.generated:
        return not old.generated or (old.type, old.collate) == (new.type, new.collate)
    return not new.generated and old.generated.endswith("STORED")


def is_retyped(before: str, after: str) -> bool:
    old, new = read(before), read(after)
    return (old.type, old.collate) != (new.type, new.collate)


def freed(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """The sequence that an identity goes with, or comes instead of, may have the name of the next one."""
    old, new = read(before[key]), read(after[key])
    if old.identity and not new.identity:
        yield execute(f"ALTER TABLE {table_name(key)} ALTER COLUMN {quoted(split(key.name)[1])} DROP IDENTITY")
    if old.default and new.identity:
        yield without_default(key)


def counts_otherwise(before: str, after: str) -> bool:
    """Whether a column is an identity in one of them alone."""
    return bool(read(before).identity) != bool(read(after).identity)


def altered(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """From one definition to the other, in place."""
    old, new = read(before[key]), read(after[key])
    at = f"ALTER TABLE {table_name(key)} ALTER COLUMN {quoted(split(key.name)[1])}"
    default = old.default if not new.identity else ""
    if old.generated and not new.generated:
        yield execute(f"{at} DROP EXPRESSION")
    if is_retyped(before[key], after[key]):
        if default and not _same_family(old.type, new.type):
            yield without_default(key)
            default = ""
        yield _retyped(key, old, new, at)
        old = old._replace(storage="", compression="")  # they become the new type's
    if default and not new.default:
        yield without_default(key)
    if new.default and new.default != default:
        yield with_default(key, after)
    if old.not_null != new.not_null:
        yield call("alter_column", key, f"nullable={not new.not_null}")
    if new.identity and not old.identity:
        yield execute(f"{at} ADD GENERATED {new.identity} AS IDENTITY{_counting(key, after)}")
    elif new.identity != old.identity and new.identity:
        yield execute(f"{at} SET GENERATED {new.identity}")
    if bool(new.identity) > bool(old.identity):
        yield from counted_on(key, owned_sequence(key, after))
    yield from settings(key, old, new)


def without_default(key: Key) -> str:
    return call("alter_column", key, "server_default=None")


def with_default(key: Key, of: Snapshot) -> str:
    return call("alter_column", key, f"server_default={text(read(of[key]).default)}")


def counted_on(key: Key, sequence: Key | None) -> Iterator[str]:
    """A sequence that a column with rows gets begins behind what they hold."""
    if sequence is not None:
        name = sql_name(Table(sequence.name, schema_of(sequence.schema)))
        most = f"coalesce((SELECT max({quoted(split(key.name)[1])}) FROM {table_name(key)}), 0) + 1"
        yield execute(f"SELECT setval({value(name)}, {most}, false)")


def _retyped(key: Key, old: Column, new: Column, at: str) -> str:
    using = using_cast(split(key.name)[1], old.type, new.type)
    type_ = sa_type(new.type)
    if type_ and not new.collate:
        cast = f", postgresql_using={literal(using)}" if using else ""
        return call("alter_column", key, f"type_={type_}{cast}")
    collate = f" COLLATE {new.collate}" if new.collate else ""
    return execute(f"{at} TYPE {new.type}{collate}{f' USING {using}' if using else ''}")


_FAMILIES = (
    ("smallint", "integer", "bigint", "numeric", "real", "double precision"),
    ("text", "character varying", "character", '"char"', "name"),
    ("date", "timestamp with time zone", "timestamp without time zone"),
    ("time with time zone", "time without time zone"),
    ("json", "jsonb"),
    ("bit", "bit varying"),
    ("inet", "cidr"),
)


def _base(type_: str) -> str:
    """ "character varying(20)[]" → "character varying[]"."""
    return re.sub(r"\(\d+(,-?\d+)?\)", "", type_)


def _same_family(old: str, new: str) -> bool:
    first, second = _base(old), _base(new)
    if first.endswith("[]") and second.endswith("[]"):
        first, second = first[:-2], second[:-2]
    return first == second or any(first in family and second in family for family in _FAMILIES)


def using_cast(column: str, old: str, new: str) -> str | None:
    """What stands behind USING, None where PostgreSQL casts by itself: within a family, and to a string, by assignment
    ("CREATE CAST", Notes). Between others it casts the way by text.
    """
    if _same_family(old, new) or _base(new) in _FAMILIES[1]:
        return None
    by_text = "" if _base(old) in _FAMILIES[1] else "::text"
    return f"{quoted(column)}{by_text}::{new}"


# Those that are not stored as PostgreSQL stores text; the rest is "EXTENDED" where it can be set at all.
_STORED = {"numeric": "MAIN", "inet": "MAIN", "cidr": "MAIN"}


def settings(key: Key, old: Column, new: Column) -> Iterator[str]:
    """Storage, compression, statistics and options."""
    at = f"ALTER TABLE {table_name(key)} ALTER COLUMN {quoted(split(key.name)[1])}"
    if old.storage != new.storage:
        yield execute(f"{at} SET STORAGE {new.storage or _STORED.get(_base(new.type), 'EXTENDED')}")
    if old.compression != new.compression:
        yield execute(f"{at} SET COMPRESSION {new.compression or 'default'}")
    if old.statistics != new.statistics:
        yield execute(f"{at} SET STATISTICS {new.statistics or '-1'}")
    for one in options(old.options, new.options):
        yield execute(f"{at} {one}")


# ── as SQLAlchemy calls it ───────────────────────────────────────────────────────────────────────────────

_TYPES = {
    "bigint": "sa.BigInteger()",
    "boolean": "sa.Boolean()",
    "bytea": "sa.LargeBinary()",
    "character varying": "sa.String()",
    "date": "sa.Date()",
    "double precision": "sa.Double()",
    "integer": "sa.Integer()",
    "interval": "sa.Interval()",
    "json": "sa.JSON()",
    "jsonb": "postgresql.JSONB()",
    "numeric": "sa.Numeric()",
    "smallint": "sa.SmallInteger()",
    "text": "sa.Text()",
    "time without time zone": "sa.Time()",
    "timestamp with time zone": "sa.DateTime(timezone=True)",
    "timestamp without time zone": "sa.DateTime()",
    "uuid": "sa.Uuid()",
}


def sa_type(type_: str) -> str | None:
    """The type as a revision writes it; None for one that is better said in SQL."""
    if found := _TYPES.get(type_):
        return found
    if sized := re.fullmatch(r"character varying\((\d+)\)", type_):
        return f"sa.String({sized[1]})"
    if sized := re.fullmatch(r"numeric\((\d+),(-?\d+)\)", type_):
        return f"sa.Numeric({sized[1]}, {sized[2]})"
    return None


def text(expression: str) -> str:
    """An expression as ``server_default`` takes it."""
    return f"sa.text({literal(escaped(expression))})"


def of_table(table: Key, of: Snapshot) -> list[Key]:
    """A table's columns. A snapshot does not keep their order: those of the primary key first, then by name."""
    kinds, begin = ("column", "constraint"), join(table.name, "")
    own = [one for one in of if one.kind in kinds and one.schema == table.schema and one.name.startswith(begin)]
    keys = (of[one] for one in own if one.kind == "constraint" and of[one].startswith("PRIMARY KEY"))
    first = re.findall(r'"(?:[^"]|"")*"|[\w$]+', next(keys, "").partition("(")[2])
    return sorted(
        (one for one in own if one.kind == "column"),
        key=lambda one: (quoted(split(one.name)[1]) not in first, one.name),
    )
