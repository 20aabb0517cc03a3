"""What PostgreSQL's catalog says of the tables that want rows: columns, types, keys, checks, partitions.

Everything is read with an empty search_path, so that every name that PostgreSQL prints is whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

Rows = list[tuple[Any, ...]]


class Type(NamedTuple):
    """A type as values are made for it. ``base`` is its pg_type.typname, or that of what a domain lies on;
    ``kind`` its typtype, and "a" for an array. ``parts`` are an array's element, a range's subtype, a multirange's
    range, a composite's attributes. ``checks`` are the CHECKs of a domain, which speak of VALUE.
    """

    name: str  # as a cast takes it, whole: character varying(20), public.mood
    base: str
    kind: str = "b"
    modifier: int = -1
    labels: tuple[str, ...] = ()
    parts: tuple[Type, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()  # name, expression
    not_null: bool = False
    plain: str = ""  # the cast to what a domain is laid over

    @property
    def cast(self) -> str:
        return self.plain or self.name


class Column(NamedTuple):
    """A column. ``generated`` is the expression of one that PostgreSQL computes; nothing can be put into it."""

    name: str
    type: Type
    not_null: bool
    default: str | None = None
    generated: str | None = None


class Key(NamedTuple):
    """What no two rows may share: UNIQUE, PRIMARY KEY, EXCLUDE. ``columns`` are those of the index itself, without
    those that its ``expressions`` speak of.
    """

    name: str
    columns: tuple[str, ...]
    expressions: str | None
    predicate: str | None
    deferrable: bool
    nulls_equal: bool
    exclusion: bool


class ForeignKey(NamedTuple):
    """``columns`` of a table point to ``referenced`` of the table ``target``, whose schema and name are ``place``.
    ``full`` is MATCH FULL.
    """

    name: str
    columns: tuple[str, ...]
    target: int
    place: tuple[str, str]
    referenced: tuple[str, ...]
    full: bool


class Table(NamedTuple):
    """A table. ``root`` is the partitioned table that rows of a partition go through, else the table itself."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    parent: int | None
    partition: str | None  # the partition's own constraint, as an expression
    columns: tuple[Column, ...]
    checks: tuple[tuple[str, str], ...]
    keys: tuple[Key, ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> sql.Composed:
        """The whole name, as SQL takes it."""
        return sql.Composed([sql.Identifier(self.schema, self.name)])

    @property
    def only(self) -> sql.Composed:
        """The table's own rows, without those of tables that inherit from it; a partitioned one's, all of them."""
        return self.quoted if self.partitioned else sql.SQL("ONLY {}").format(self.quoted)

    def column(self, name: str) -> Column:
        return next(one for one in self.columns if one.name == name)


class Catalog(NamedTuple):
    """The tables of a database by oid, and ``sequences``: sequence's oid, table's oid, column."""

    tables: Mapping[int, Table]
    sequences: tuple[tuple[int, int, str], ...]
    rows: Mapping[int, int]  # how many each table had

    def root(self, table: Table) -> Table:
        """Where rows of a partition are put in: the outermost partitioned table."""
        while table.parent is not None and table.parent in self.tables:
            table = self.tables[table.parent]
        return table


# Tables of people: not the server's, not a session's, not those that an extension made.
_WANTED = """
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""


def read(connection: psycopg.Connection, leave: Iterable[str] = ()) -> Catalog:
    """The catalog of a database, without the tables that ``leave`` names ("table" or "schema.table")."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        tables = _tables(connection, set(leave))
        sequences = _sequences(connection)
        rows = count(connection, tables.values())
    kept = tuple(one for one in sequences if one[1] in tables)
    return Catalog(tables, kept, rows)


def count(connection: psycopg.Connection, tables: Iterable[Table]) -> dict[int, int]:
    """How many rows each table has, by oid."""
    selects = [sql.SQL("SELECT {}, count(*) FROM {}").format(sql.Literal(one.oid), one.only) for one in tables]
    return dict(_ask(connection, sql.SQL(" UNION ALL ").join(selects))) if selects else {}


def _ask(connection: psycopg.Connection, query: str | sql.Composed) -> Rows:
    return connection.execute(query).fetchall()


def _tables(connection: psycopg.Connection, leave: set[str]) -> dict[int, Table]:
    columns, checks = _columns(connection), _checks(connection)
    keys, foreign = _keys(connection), _foreign_keys(connection)
    tables = {}
    for oid, schema, name, kind, parent, partition in _ask(
        connection,
        f"""SELECT c.oid, n.nspname, c.relname, c.relkind::text, i.inhparent, pg_get_partition_constraintdef(c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
        WHERE c.oid IN ({_WANTED}) ORDER BY n.nspname, c.relname""",
    ):
        if name in leave or f"{schema}.{name}" in leave:
            continue
        what = (tuple(columns[oid]), tuple(checks[oid]), tuple(keys[oid]), tuple(foreign[oid]))
        tables[oid] = Table(oid, schema, name, kind == "p", parent, partition, *what)
    return tables


def _columns(connection: psycopg.Connection) -> dict[int, list[Column]]:
    types = _types(connection)
    found = defaultdict(list)
    for table, name, type_, modifier, cast, not_null, generated, default in _ask(
        connection,
        f"""SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attgenerated <> '', pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ({_WANTED}) ORDER BY a.attrelid, a.attnum""",
    ):
        made = types.type(type_, modifier, cast)
        found[table].append(
            Column(
                name, made, not_null or made.not_null, None if generated else default, default if generated else None
            )
        )
    return found


def _checks(connection: psycopg.Connection) -> dict[int, list[tuple[str, str]]]:
    found = defaultdict(list)
    for table, name, expression in _ask(
        connection,
        f"""SELECT conrelid, conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
        WHERE contype = 'c' AND conrelid IN ({_WANTED}) ORDER BY conrelid, conname""",
    ):
        found[table].append((name, expression))
    return found


_NAMES = """(SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest({numbers}) WITH ORDINALITY k(number, place)
    JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.number)"""


def _keys(connection: psycopg.Connection) -> dict[int, list[Key]]:
    nulls = "i.indnullsnotdistinct" if connection.info.server_version >= 150000 else "false"
    names = _NAMES.format(numbers="(i.indkey::int2[])[0:i.indnkeyatts - 1]", table="i.indrelid")
    found = defaultdict(list)
    for table, name, columns, expressions, predicate, deferrable, equal, exclusion in _ask(
        connection,
        f"""SELECT i.indrelid, c.relname, {names}, pg_get_expr(i.indexprs, i.indrelid),
        pg_get_expr(i.indpred, i.indrelid), NOT i.indimmediate, {nulls}, i.indisexclusion
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE (i.indisunique OR i.indisexclusion) AND i.indrelid IN ({_WANTED}) ORDER BY i.indrelid, c.relname""",
    ):
        found[table].append(Key(name, tuple(columns or ()), expressions, predicate, deferrable, equal, exclusion))
    return found


def _foreign_keys(connection: psycopg.Connection) -> dict[int, list[ForeignKey]]:
    """A key that points to a partitioned table has copies, one for each partition of that: they say nothing more."""
    columns = _NAMES.format(numbers="c.conkey", table="c.conrelid")
    referenced = _NAMES.format(numbers="c.confkey", table="c.confrelid")
    found = defaultdict(list)
    for table, *what in _ask(
        connection,
        f"""SELECT c.conrelid, c.conname, {columns}, c.confrelid, {referenced}, c.confmatchtype = 'f',
        n.nspname, t.relname
        FROM pg_constraint c JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        LEFT JOIN pg_constraint p ON p.oid = c.conparentid
        WHERE c.contype = 'f' AND c.conrelid IN ({_WANTED}) AND p.conrelid IS DISTINCT FROM c.conrelid
        ORDER BY c.conrelid, c.conname""",
    ):
        name, here, target, there, full, *place = what
        found[table].append(ForeignKey(name, tuple(here), target, (place[0], place[1]), tuple(there), full))
    return found


def _sequences(connection: psycopg.Connection) -> tuple[tuple[int, int, str], ...]:
    """Those that a column of whole numbers owns (serial, identity), and those that its default asks."""
    found = _ask(
        connection,
        """SELECT d.objid, d.refobjid, a.attname FROM pg_depend d
        JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.atttypid IN (20, 21, 23)
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
        UNION
        SELECT d.refobjid, f.adrelid, a.attname FROM pg_depend d
        JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
        JOIN pg_attrdef f ON f.oid = d.objid
        JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.atttypid IN (20, 21, 23)
        WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass ORDER BY 1, 2, 3""",
    )
    return tuple((sequence, table, column) for sequence, table, column in found)


# ── types ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Types(NamedTuple):
    """pg_type and what belongs to it, by oid."""

    rows: dict[int, tuple[Any, ...]]
    labels: dict[int, list[str]]
    parts: dict[int, list[tuple[int, int, str]]]
    checks: dict[int, list[tuple[str, str]]]

    def type(self, oid: int, modifier: int, cast: str, deep: int = 0) -> Type:
        """The type of this oid; one that is nested too deeply, or that is not there, is one that nobody knows."""
        row = self.rows.get(oid)
        if row is None or deep > 8:
            return Type(cast, "unknown")
        name, kind, element, base, base_modifier, not_null, base_cast = row
        if kind == "d":
            under = self.type(base, base_modifier, base_cast, deep + 1)
            checks = (*under.checks, *self.checks[oid])
            return under._replace(name=cast, checks=checks, not_null=not_null or under.not_null, plain=under.cast)
        if element:
            part = self.rows.get(element)
            # An element has the array's modifier: varchar(20)[]
            inner = self.type(element, modifier, cast.removesuffix("[]"), deep + 1) if part else Type("", "unknown")
            return Type(cast, name, "a", modifier, parts=(inner,))
        parts = tuple(self.type(*one, deep + 1) for one in self.parts[oid])
        return Type(cast, name, kind, modifier, tuple(self.labels[oid]), parts)


def _types(connection: psycopg.Connection) -> _Types:
    rows = _ask(
        connection,
        """SELECT t.oid, t.typname, t.typtype::text, CASE WHEN e.typarray = t.oid THEN t.typelem ELSE 0 END,
        t.typbasetype, t.typtypmod, t.typnotnull, format_type(t.typbasetype, t.typtypmod)
        FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem""",
    )
    labels = defaultdict(list)
    for oid, label in _ask(connection, "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"):
        labels[oid].append(label)
    checks = defaultdict(list)
    for oid, name, expression in _ask(
        connection,
        """SELECT contypid, conname, pg_get_expr(conbin, 0) FROM pg_constraint
        WHERE contype = 'c' AND contypid <> 0 ORDER BY contypid, conname""",
    ):
        checks[oid].append((name, expression))
    return _Types({row[0]: row[1:] for row in rows}, labels, _parts(connection), checks)


def _parts(connection: psycopg.Connection) -> dict[int, list[tuple[int, int, str]]]:
    found = defaultdict(list)
    for oid, part, modifier, cast, _ in _ask(
        connection,
        """SELECT rngtypid, rngsubtype, -1, format_type(rngsubtype, NULL), 0 AS place FROM pg_range
        UNION ALL SELECT rngmultitypid, rngtypid, -1, format_type(rngtypid, NULL), 0 FROM pg_range
        UNION ALL SELECT c.reltype, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnum
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('c', 'r', 'p') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 5""",
    ):
        found[oid].append((part, modifier, cast))
    return found
