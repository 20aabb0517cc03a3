"""Builds what the models declare in a database of its own, beside the one that the migrations have built: by the
project's own ``metadata.create_all()``, its DDL events included, on the same server and with the same driver.

The gate makes that database and compares the two catalogs (drift/declared.py). What create_all() needs and only the
migrations make, a function in a default, say, it makes there when it is told of the error. env.py's own filters then
say which of the differences are the project's: its ``include_object`` and ``include_name`` are asked here, where they
are.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from migration_gate_inside import errors, redirect
from migration_gate_inside.job import ask, emit
from migration_gate_inside.mapped import declared_at

_FILTERED = {"column": "column", "index": "index"}
# What a constraint is for env.py's filters, by how PostgreSQL prints it; it knows no others.
_CONSTRAINTS = (("UNIQUE", "unique_constraint"), ("FOREIGN KEY", "foreign_key_constraint"))


def begin(context: Any) -> dict[str, Any]:
    """Tell which database will be compared, so that the gate makes its other half ready while autogenerate works."""
    default = context.connection.dialect.default_schema_name
    where = {
        "database": context.connection.exec_driver_sql("SELECT current_database()").scalar(),
        "schema": default,
        "version_table": [context.version_table_schema or default, context.version_table],
        "include_schemas": bool(context.opts.get("include_schemas")),
        "refused": [],  # parts of the models that PostgreSQL does not make
    }
    emit("comparing", **where)
    return where


def declare(context: Any, metadata: list[Any], where: dict[str, Any]) -> None:
    """Build it, and tell which of the differences the project's filters let through. ``where`` is what ``begin`` has
    told. Reports; never raises.
    """
    default = where["schema"]
    try:
        if not (problem := _build(context, metadata, where)):
            differences = ask("differ", **where)
            filters = _Filters(context, metadata)
            wanted = [filters.let_through(one) for one in differences]
            told = zip(differences, wanted, strict=True)
            places = [_place(metadata, one, default) if passes else {} for one, passes in told]
            emit("declared", wanted=wanted, places=places, **where)
            return
    except Exception as error:
        problem = f"{type(error).__name__}: {errors.message(error, getattr(error, 'orig', None))}"
    emit("not-declared", reason=_first(problem), **where)


def _build(context: Any, metadata: list[Any], where: dict[str, Any]) -> str | None:
    """Make everything, as often as the gate can mend what stops it, or a part can be left out; why not, where neither
    helps.
    """
    name = ask("declare", problem=None, code=None, **where)
    while error := _try(context, metadata, name):
        problem, code = errors.message(error, error.orig), errors.code(error.orig)
        helped = ask("declare", problem=problem, code=code, **where)
        if not helped and not _left_out(metadata, problem, error.statement or "", where["refused"]):
            return problem
    return None


def _try(context: Any, metadata: list[Any], name: str) -> Any:
    """PostgreSQL's error, or None. Raises ValueError where the connection does not go where it should."""
    from sqlalchemy import exc
    from sqlalchemy.engine import Engine

    real = context.connection
    path = real.exec_driver_sql("SELECT current_setting('search_path')").scalar() or "''"
    options = {**real.engine.get_execution_options(), **real.get_execution_options()}
    # The pool's own settings and listeners, and none of its connections, which are to the migrated database.
    engine = Engine(real.engine.pool.recreate(), real.dialect, real.engine.url, execution_options=options)
    try:
        with redirect.only(name), engine.begin() as own:
            if (there := own.exec_driver_sql("SELECT current_database()").scalar()) != name:
                raise ValueError(f"the connection went to {there}, where the migrations are")
            own.exec_driver_sql(f"SET search_path = {path}")
            for one in metadata:
                _make_all(own, one, context)
    except exc.DBAPIError as error:
        return error
    finally:
        engine.dispose()
    return None


def _left_out(metadata: list[Any], problem: str, statement: str, refused: list[str]) -> bool:
    """Whether an index or foreign key of the models, which PostgreSQL refuses, could be taken out of them: the rest is
    still to be compared.
    """
    words = set(re.findall(r"[\w$]+", problem))
    for table in (table for one in metadata for table in one.tables.values()):
        for index in list(table.indexes):
            if re.match(r"CREATE (UNIQUE )?INDEX", statement) and f" {index.name} ON " in statement.replace('"', ""):
                table.indexes.discard(index)
                refused.append(f"index `{index.name}` on `{table.name}`: {_first(problem)}")
                return True
        if re.match(rf'\s*(CREATE TABLE|ALTER TABLE) (\w+\.)?"?{re.escape(table.name)}"?\s', statement):
            keys = table.foreign_key_constraints & table.constraints
            for key in [one for one in keys if one.referred_table.name in words and _is_refused(one, words)]:
                table.constraints.discard(key)
                columns = ", ".join(key.column_keys)
                refused.append(f"foreign key from `{table.name}` ({columns}): {_first(problem)}")
                return True
    return False


def _is_refused(key: Any, words: set[str]) -> bool:
    """Whether a foreign key points to columns that no key is made of, or an error names its own."""
    table, pointed = key.referred_table, {one.column.name for one in key.elements}
    unique = [one.columns for one in table.constraints if type(one).__name__ == "UniqueConstraint"]
    unique += [one.columns for one in table.indexes if one.unique]
    known = [{column.name for column in one} for one in (table.primary_key.columns, *unique)]
    return pointed not in known or set(key.column_keys) <= words


def _first(text: str) -> str:
    return text.strip().split("\n")[0]


def _make_all(connection: Any, metadata: Any, context: Any) -> None:
    """``create_all``, with what other libraries keep beside the metadata. Types that are declared with
    ``create_type=False`` are made too, because they say what the models expect.
    """
    _types(connection, metadata)
    _said_once(metadata)
    _extensions_events(metadata)
    metadata.create_all(connection, tables=_kept(metadata, context))
    _entities(connection)


def _kept(metadata: Any, context: Any) -> list[Any]:
    """The tables, less those that env.py's filters leave out and nothing refers to: a view that is mapped as one."""
    passes = _filters(context, metadata).run_object_filters
    kept = {table for table in metadata.tables.values() if passes(table, table.name, "table", False, None)}
    todo = list(kept)
    while todo:
        for key in todo.pop().foreign_keys:
            with suppress(Exception):  # refers to what no metadata has: create_all says so
                if key.column.table not in kept:
                    kept.add(key.column.table)
                    todo.append(key.column.table)
    return [table for table in metadata.tables.values() if table in kept]


def _said_once(metadata: Any) -> None:
    """A migration that makes a constraint of a model's column, by ``Model.column.in_(…)``, say, has attached it to the
    model's table, in this process.
    """
    for table in metadata.tables.values():
        seen = set()
        for one in sorted(table.constraints, key=lambda one: one._creation_order):
            name = one.name if isinstance(one.name, str) else None
            if name is not None and name in seen:
                table.constraints.discard(one)  # a table has no two of one name
            seen.add(name)


def _types(connection: Any, metadata: Any) -> None:
    """Enums of ``create_type=False`` whose columns agree on their labels."""
    found: dict[tuple[str | None, str], list[Any]] = {}
    for table in metadata.tables.values():
        for column in table.columns:
            kind = getattr(column.type, "item_type", column.type)
            if getattr(kind, "create_type", True) is False and getattr(kind, "enums", None) and kind.name:
                found.setdefault((kind.schema or metadata.schema, kind.name), []).append(kind)
    for same in found.values():
        if len({tuple(one.enums) for one in same}) == 1:
            same[0].create(connection, checkfirst=True)


def _extensions_events(metadata: Any) -> None:
    """sqlalchemy-declarative-extensions keeps what it declares in ``metadata.info``, and lets create_all make it where
    it has been told to. Roles and databases belong to the whole server, and rows are no schema.
    """
    kinds = ("schemas", "views", "functions", "procedures", "triggers", "grants")
    if not any(metadata.info.get(name) for name in kinds):
        return
    with suppress(ImportError):
        from sqlalchemy_declarative_extensions.api import register_create_events

        if not metadata.info.get("migration_gate"):
            metadata.info["migration_gate"] = True
            register_create_events(metadata, **dict.fromkeys(kinds, True))


def _entities(connection: Any) -> None:
    """alembic-utils has a registry of its own; in which order its entities can be made, only trying tells."""
    import sys

    module = sys.modules.get("alembic_utils.replaceable_entity")
    left = list(module.registry.entities()) if module else []
    while left:
        failed: list[Any] = []
        for one in left:
            try:
                with connection.begin_nested():
                    for statement in one.to_sql_statement_create_or_replace():
                        connection.execute(statement)
            except Exception as error:
                failed.append(one)
                last = error
        if len(failed) == len(left):
            raise last
        left = failed


# ── env.py's filters ─────────────────────────────────────────────────────────────────────────────────────


def _filters(context: Any, metadata: Any) -> Any:
    from alembic.autogenerate.api import AutogenContext

    return AutogenContext(context, metadata=metadata, autogenerate=False)


class _Filters:
    """env.py's ``include_name`` and ``include_object``, asked as alembic.autogenerate.compare asks: of a name where
    the database has it, of an object with what it is compared to.
    """

    def __init__(self, context: Any, metadata: list[Any]) -> None:
        self.context, self.asked = context, _filters(context, metadata)
        self.tables = {key: table for one in metadata for key, table in one.tables.items()}
        self.default = context.connection.dialect.default_schema_name
        self.reflected: dict[tuple[str | None, str], Any] = {}

    def let_through(self, one: dict[str, Any]) -> bool:
        """Whether they have nothing against a difference."""
        schema = None if one["schema"] == self.default else one["schema"]
        if one["schema"] and not self.asked.run_name_filters(schema, "schema", {}):
            return False
        if not one["table"]:
            return True
        if one["there"] and not self.asked.run_name_filters(one["table"], "table", {"schema_name": schema}):
            return False
        table = self.tables.get(f"{schema}.{one['table']}" if schema else one["table"])
        theirs = self._reflected(schema, one["table"]) if one["there"] else None
        if not self._pass(table, theirs, one["table"], "table"):
            return False
        type_ = _type(one)
        if type_ is None:
            return True
        names = {"schema_name": schema, "table_name": one["table"]}
        if one["before"] and not self.asked.run_name_filters(one["name"], type_, names):
            return False
        return self._pass(_part(table, type_, one["name"]), _part(theirs, type_, one["name"]), one["name"], type_)

    def _pass(self, declared: Any, reflected: Any, name: str, type_: str) -> bool:
        if declared is None and reflected is None:
            return True
        if declared is None:
            return bool(self.asked.run_object_filters(reflected, name, type_, True, None))
        return bool(self.asked.run_object_filters(declared, name, type_, False, reflected))

    def _reflected(self, schema: str | None, name: str) -> Any:
        from sqlalchemy import MetaData, Table

        if (schema, name) not in self.reflected:
            self.reflected[schema, name] = None
            with suppress(Exception):  # a kind of relation that SQLAlchemy does not reflect
                self.reflected[schema, name] = Table(
                    name, MetaData(), schema=schema, autoload_with=self.context.connection, resolve_fks=False
                )
        return self.reflected[schema, name]


def _place(metadata: list[Any], one: dict[str, Any], default: str) -> dict[str, Any]:
    schema = None if one["schema"] == default else one["schema"]
    if one["kind"] == "enum":  # the first column of it
        of = ((each.table, each) for whole in metadata for table in whole.tables.values() for each in table.columns)
        for table, column in of:
            kind = getattr(column.type, "item_type", column.type)
            if getattr(kind, "enums", None) and kind.name == one["name"]:
                return declared_at(metadata, table.name, table.schema, {"column_name": column.name})
        return {}
    said = {f"{one['kind']}_name": one["name"]}
    found = declared_at(metadata, one["table"], schema, said)
    if one["kind"] == "column":  # SQLAlchemy gives it a value of its own
        key = f"{schema}.{one['table']}" if schema else one["table"]
        tables = [each.tables[key] for each in metadata if key in each.tables]
        parts = [_part(table, "column", one["name"]) for table in tables]
        found["default"] = any(getattr(part, "default", None) is not None for part in parts)
    return found


def _type(one: dict[str, Any]) -> str | None:
    if one["kind"] == "constraint":
        return next((name for prefix, name in _CONSTRAINTS if one["definition"].startswith(prefix)), None)
    return _FILTERED.get(one["kind"])


def _part(table: Any, type_: str, name: str) -> Any:
    if table is None:
        return None
    parts = {"column": table.columns, "index": table.indexes}.get(type_, table.constraints)
    return next((one for one in parts if str(one.name) == name), None)
