"""A PostgreSQL that is not there: SQLAlchemy talks to it as to any other, and it writes down what it is told.

Three worlds answer what a migration asks of it. In the *empty* one there is nothing; in that of *tables* there is
whatever the migration names, without rows; in the *full* one there is a row too, for the first time that a query is
asked. A migration that looks before it acts does one thing here and the other there. SQL that PostgreSQL could not
parse passes.
"""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import String, create_engine
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

Write = Callable[[str], None]

WORLDS = ("empty", "tables", "full")
MANY = 5_000  # statements of one revision; a loop that goes on until something changes would not end here


class TooMany(Exception):  # noqa: N818
    """A migration says more than anybody would read."""


class World:
    """What is there, and the names that the migration at hand might ask for."""

    def __init__(self, write: Write) -> None:
        self.write = write
        self.tables = self.rows = False
        self.names: Sequence[str] = ()
        self.asked: set[str] = set()
        self.count = 0

    def begin(self, world: str, names: Sequence[str]) -> None:
        self.tables, self.rows = world != "empty", world == "full"
        self.names, self.asked, self.count = names, set(), 0

    def told(self, sql: str) -> None:
        self.count += 1
        if self.count > MANY:
            raise TooMany(f"more than {MANY} statements")
        self.write(sql)

    def has_rows(self, sql: str) -> bool:
        """A query has its one row once: what reads until nothing is left comes to its end."""
        first = sql not in self.asked
        self.asked.add(sql)
        return self.rows and first


class Cursor:
    """DB-API's cursor, as far as SQLAlchemy asks for it."""

    arraysize = 1

    def __init__(self, world: World) -> None:
        self.world = world
        self.description: list[tuple[Any, ...]] | None = None
        self.rows: list[tuple[Any, ...]] = []
        self.columns: list[tuple[str, Any]] | None = None  # of the statement to come, where SQLAlchemy made it

    def execute(self, sql: str, parameters: object = None) -> None:
        self.world.told(_with_nulls(sql, parameters))
        written, always = _columns(sql, int(self.world.rows))
        columns = self.columns or written
        if len(columns) == len(written):  # what counts is known by its SQL alone
            columns = [two if isinstance(two[1], int) else one for one, two in zip(columns, written, strict=True)]
        self.description = [(name, None, None, None, None, None, None) for name, _ in columns] or None
        self.rows = []
        if columns and (self.world.has_rows(sql) or always):
            self.rows = [tuple(value for _, value in columns)]
        self.columns = None

    def executemany(self, sql: str, parameters: object = None) -> None:
        self.execute(sql)

    @property
    def rowcount(self) -> int:
        return int(self.world.rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows.pop(0) if self.rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        return self.fetchall()

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self.rows = self.rows, []
        return rows

    def setinputsizes(self, *sizes: object) -> None:
        pass

    def close(self) -> None:
        pass


class Connection:
    def __init__(self, world: World) -> None:
        self.world = world

    def cursor(self, *args: object, **keywords: object) -> Cursor:
        return Cursor(self.world)

    def commit(self) -> None:
        pass

    rollback = close = commit


def _with_nulls(sql: str, parameters: object) -> str:
    """The statement with NULL in the place of those of its parameters that are: what it sets to NULL is to be seen."""
    given = list(parameters) if isinstance(parameters, tuple | list) else []
    nulls = {f"${number}" for number, one in enumerate(given, 1) if one is None}
    return re.sub(r"\$\d+", lambda found: "NULL" if found[0] in nulls else found[0], sql) if nulls else sql


def _columns(sql: str, count: int) -> tuple[list[tuple[str, Any]], bool]:
    """The columns that a query gives, with a value for each, and whether there is a row of them in any case. An
    aggregate has ``count`` for its value.
    """
    import pgparse

    try:
        statement = pgparse.parse(sql)[-1]["stmt"]
    except (pgparse.PGQueryError, IndexError):
        return [], False  # what PostgreSQL would refuse, or nothing but a comment
    (kind, body), *_ = statement.items()
    targets = body.get("targetList", ()) if kind == "SelectStmt" else body.get("returningList", ())
    found = [(_name_and_function(one["ResTarget"])) for one in targets]
    columns = [(name, count if function in _AGGREGATES else "{}") for name, function in found]
    alone = "groupClause" not in body and any(function in _AGGREGATES for _, function in found)
    return columns, alone or kind != "SelectStmt"


_AGGREGATES = {"count", "max", "min", "sum"}


def _name_and_function(target: dict[str, Any]) -> tuple[str, str]:
    value = target.get("val", {})
    function = _last(value.get("FuncCall", {}).get("funcname"))
    name = target.get("name") or function or _last(value.get("ColumnRef", {}).get("fields"))
    return str(name or "?column?"), function


def _last(names: list[dict[str, Any]] | None) -> str:
    return str((names or [{}])[-1].get("String", {}).get("sval", ""))


_VALUES: dict[type, Any] = {
    sqltypes.Boolean: False,
    sqltypes.Date: datetime.date(2024, 1, 1),
    sqltypes.DateTime: datetime.datetime(2024, 1, 1),
    sqltypes.Numeric: 1,
    sqltypes.Integer: 1,
    sqltypes.LargeBinary: b"{}",
    sqltypes.Uuid: "00000000-0000-0000-0000-000000000001",
    sqltypes.ARRAY: [],
}


def _value(type_: Any) -> Any:
    """A value that the driver could give for a type: for text one that is JSON too, because it often holds that."""
    for known, value in _VALUES.items():
        if isinstance(type_, known):
            return value
    return type_.enums[0] if isinstance(type_, sqltypes.Enum) and type_.enums else "{}"


class Dialect(PGDialect):
    """PostgreSQL's dialect, with PostgreSQL's own ``$1`` for parameters, and answers that come from the world."""

    driver = "offline"
    supports_statement_cache = True
    supports_sane_rowcount = supports_sane_multi_rowcount = False
    use_insertmanyvalues = False
    default_paramstyle = "numeric_dollar"
    default_schema_name = "public"
    default_isolation_level = "READ COMMITTED"
    server_version_info = (15, 0)
    world: World

    @classmethod
    def import_dbapi(cls) -> types.ModuleType:
        module: Any = types.ModuleType("offline")
        module.paramstyle = "numeric_dollar"
        module.Error = module.OperationalError = module.ProgrammingError = type("Error", (Exception,), {})
        module.connect = lambda *args, **keywords: Connection(cls.world)
        return module  # type: ignore[no-any-return]

    def do_execute(self, cursor, statement, parameters, context=None):  # type: ignore[no-untyped-def]
        compiled = getattr(context, "compiled", None)
        if compiled is not None and getattr(compiled, "_result_columns", None):
            cursor.columns = [(str(one[0]), _value(one[3])) for one in compiled._result_columns]
        cursor.execute(statement, parameters)

    def set_isolation_level(self, dbapi_connection, level):  # type: ignore[no-untyped-def]
        pass

    def get_isolation_level(self, dbapi_connection):  # type: ignore[no-untyped-def]
        return "READ COMMITTED"

    def get_isolation_level_values(self, dbapi_connection):  # type: ignore[no-untyped-def]
        return ["AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

    # ── what an inspector asks ───────────────────────────────────────────────────────────────────────────

    def _everything(self) -> list[str]:
        return list(self.world.names) if self.world.tables else []

    def has_table(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return self.world.tables

    has_index = has_schema = has_sequence = has_type = has_table

    def get_table_names(self, connection, schema=None, **kw):  # type: ignore[no-untyped-def]
        return self._everything()

    get_view_names = get_materialized_view_names = get_schema_names = get_sequence_names = get_table_names

    def get_columns(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return [
            {"name": name, "type": String(), "nullable": True, "default": None, "autoincrement": False, "comment": None}
            for name in self._everything()
        ]

    def get_pk_constraint(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return {"name": f"{table_name}_pkey", "constrained_columns": ["id"] if "id" in self._everything() else []}

    def get_indexes(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return [{"name": name, "column_names": [name], "unique": False} for name in self._everything()]

    def get_unique_constraints(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return [{"name": name, "column_names": [name]} for name in self._everything()]

    def get_check_constraints(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return [{"name": name, "sqltext": name} for name in self._everything()]

    def get_foreign_keys(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return []

    def get_enums(self, connection, schema=None, **kw):  # type: ignore[no-untyped-def]
        return []

    def get_table_comment(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return {"text": None}

    def get_table_options(self, connection, table_name, schema=None, **kw):  # type: ignore[no-untyped-def]
        return {}


for _name in (name for name in vars(DefaultDialect) if name.startswith("get_multi_")):
    setattr(Dialect, _name, getattr(DefaultDialect, _name))


def engine(world: World) -> Engine:
    """An engine whose connections go to the world."""
    Dialect.world = world
    registry.impls["postgresql.offline"] = lambda: Dialect
    return create_engine("postgresql+offline://", _initialize=False)
