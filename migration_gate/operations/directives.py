"""Alembic's directives, called with what is known of their arguments → operations.

The parameters are those of ``alembic.operations.Operations`` (docs: "Operation Reference") and of the batch form,
which leaves the table out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from migration_gate.operations.from_sql import check_proves_not_null, default_is_null, read_sql
from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    At,
    ChangeRows,
    ChangeType,
    Column,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropNotNull,
    DropTable,
    NotRead,
    Operation,
    Other,
    RenameColumn,
    RenameTable,
    SetDefault,
    SetNotNull,
    Table,
)
from migration_gate.operations.type_names import of_value
from migration_gate.operations.values import (
    Change,
    CoreColumn,
    CoreTable,
    Imported,
    Made,
    Value,
    is_plain,
)

_INTEGERS = {"Integer", "INTEGER", "BigInteger", "BIGINT", "SmallInteger", "SMALLINT"}
_ABSENT = object()


class Call(NamedTuple):
    """One call of a directive. ``table`` is the batch's own, None outside of a batch."""

    name: str
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    whole: bool  # False: *args or **keywords that are not known
    at: At
    source: str
    batch: bool = False
    table: Table | None = None

    def get(self, position: int, name: str, default: Value = None) -> Value:
        """An argument by its position outside of a batch, or its name."""
        if self.batch:
            position -= 1  # the table comes first in the calls that ask here
        if 0 <= position < len(self.args):
            return self.args[position]
        return self.keywords.get(name, default)


class _NotKnown(Exception):  # noqa: N818
    """An argument that the operation cannot do without is not known."""


def operations_of(call: Call) -> list[Operation]:
    """What one call of a directive does. Never raises; what is not known becomes ``NotRead``."""
    reader = _DIRECTIVES.get(call.name)
    if call.name in _HARMLESS:
        return [Other(call.at, call.source, call.name)]
    if reader is None:
        return [NotRead(call.at, call.source, f"op.{call.name} is not one of Alembic's own directives")]
    try:
        return reader(call)
    except _NotKnown as unknown:
        return [NotRead(call.at, call.source, str(unknown))]


def _text(value: Value, what: str) -> str:
    if isinstance(value, Made) and value.kind in ("quoted_name", "f"):
        value = value.args[0] if value.args else None
    if isinstance(value, CoreColumn):
        return value.name
    if not isinstance(value, str):
        raise _NotKnown(f"{what} is computed")
    return value


def _optional_text(value: Value, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _table(call: Call, name: str = "table_name") -> Table:
    if call.batch:
        if call.table is None:
            raise _NotKnown("the batch's table is computed")
        return call.table
    return _table_of(call.get(0, name), call.keywords.get("schema"))


def _table_of(name: Value, schema: Value) -> Table:
    if isinstance(name, CoreTable) and name.table:
        return name.table
    return Table(_text(name, "the table's name"), _optional_text(schema, "the schema's name"))


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────


def column_of(value: Value) -> Column:
    """A ``sa.Column(...)`` as data. Raises _NotKnown where it is not one that can be read."""
    if not isinstance(value, Made) or value.kind not in ("Column", "mapped_column"):
        raise _NotKnown("the column is computed")
    args = list(value.args)
    name = args.pop(0) if args and isinstance(args[0], str) else value.keywords.get("name")
    made = [one for one in args if isinstance(one, Made)]
    type_ = value.keywords.get("type_", args[0] if args and not _is_schema_item(args[0]) else None)
    primary = value.keywords.get("primary_key", False)
    nullable = value.keywords.get("nullable", _ABSENT)
    default = value.keywords.get("server_default")
    kinds = {one.kind for one in made}
    not_null: bool | None = primary is True or "Identity" in kinds
    if nullable is not _ABSENT:
        not_null = not nullable if isinstance(nullable, bool) else None
    elif not value.whole or not isinstance(primary, bool):
        not_null = None
    fills_itself: bool | None = False
    if {"Identity", "Computed"} & kinds or _is_serial(value, type_, kinds):
        fills_itself = True
    elif not value.whole or not (is_plain(default) or isinstance(default, Made)):
        fills_itself = None
    return Column(
        name=_text(name, "the column's name"),
        type=_source(type_),
        not_null=not_null,
        default=_default(default) if fills_itself is not None else None,
        fills_itself=fills_itself,
        sql_type=of_value(type_),
    )


def _is_serial(column: Made, type_: Value, kinds: set[str]) -> bool:
    """Whether SQLAlchemy makes it SERIAL: an integer primary key that nothing else gives a value to."""
    words = column.keywords
    automatic = words.get("autoincrement", "auto")
    if words.get("primary_key") is not True or _kind(type_) not in _INTEGERS:
        return False
    if words.get("default") is not None or kinds & {"Sequence", "ColumnDefault"}:
        return False
    if automatic is True:
        return True
    if words.get("server_default") is not None or kinds & {"DefaultClause", "FetchedValue"}:
        return False
    return automatic == "ignore_fk" or (automatic == "auto" and "ForeignKey" not in kinds)


def _is_schema_item(value: Value) -> bool:
    return isinstance(value, Made) and value.kind in {
        "CheckConstraint", "Computed", "FetchedValue", "ForeignKey", "Identity", "Sequence", "UniqueConstraint",
    }  # fmt: skip


def _kind(value: Value) -> str:
    if isinstance(value, Made):
        return value.kind
    return value.name.rpartition(".")[2] if isinstance(value, Imported) else ""


def _source(value: Value) -> str | None:
    if isinstance(value, Made):
        return value.source
    return value.name.replace("sqlalchemy.", "sa.") if isinstance(value, Imported) else None


def _default(value: Value) -> str | None:
    """A server default as the model's ``Column.default`` has it. ``FetchedValue()`` says that something else fills
    the column, and writes no DEFAULT into the DDL.
    """
    if value is None or _kind(value) == "FetchedValue":
        return None
    if isinstance(value, str):
        return repr(value)
    if not isinstance(value, Made):
        return "an expression"
    if value.kind in ("text", "literal_column") and value.args and isinstance(value.args[0], str):
        if value.args[0] == "…":  # what a remedy leaves to its reader
            return None
        maybe_null = "null" in value.args[0].lower()  # most are not, and need no parser
        return "NULL" if maybe_null and default_is_null(value.args[0]) else value.args[0]
    return "NULL" if value.kind == "null" else "an expression"


def _column_extras(value: Made, column: Column, table: Table, call: Call) -> list[Operation]:
    """The constraints that ``op.add_column`` takes from the column's own arguments, as Alembic emits them."""
    found: list[Operation] = []
    for one in value.args:
        if isinstance(one, Made) and one.kind == "ForeignKey":
            found.append(AddConstraint(call.at, call.source, table, None, "foreign key", (column.name,)))
    if value.keywords.get("unique") is True:
        found.append(AddConstraint(call.at, call.source, table, None, "unique", (column.name,)))
    if value.keywords.get("index") is True:
        found.append(CreateIndex(call.at, call.source, table, None))
    return found


def _add_column(call: Call) -> list[Operation]:
    table, value = _table(call), call.get(1, "column")
    column = column_of(value)
    return [
        AddColumn(call.at, call.source, table, column),
        *_column_extras(value, column, table, call),
    ]


def _drop_column(call: Call) -> list[Operation]:
    return [
        DropColumn(
            call.at,
            call.source,
            _table(call),
            _text(call.get(1, "column_name"), "the column's name"),
        )
    ]


def _alter_column(call: Call) -> list[Operation]:
    table = _table(call)
    name = _text(call.get(1, "column_name"), "the column's name")
    if not call.whole:
        raise _NotKnown("alter_column's keywords are computed")
    found: list[Operation] = []
    words = call.keywords
    existing = _source(words.get("existing_type"))
    if (type_ := words.get("type_")) is not None:
        found.append(ChangeType(call.at, call.source, table, name, _source(type_), existing))
    nullable = words.get("nullable")
    if nullable is False and words.get("existing_nullable") is not False:
        found.append(SetNotNull(call.at, call.source, table, name, existing or _source(type_)))
    elif nullable is True:
        found.append(DropNotNull(call.at, call.source, table, name))
    elif nullable not in (None, False):
        raise _NotKnown("`nullable` is computed")
    if (default := words.get("server_default", False)) is not False:
        found.append(SetDefault(call.at, call.source, table, name, _default(default)))
    if (new := words.get("new_column_name")) is not None:
        found.append(RenameColumn(call.at, call.source, table, name, _text(new, "the new name")))
    return found or [Other(call.at, call.source, "alter_column")]


# ── tables, indexes, constraints ─────────────────────────────────────────────────────────────────────────


def _create_table(call: Call) -> list[Operation]:
    table = _table(call)
    columns = []
    for one in call.args[1:]:
        if isinstance(one, Made) and one.kind in ("Column", "mapped_column"):
            try:
                columns.append(column_of(one))
            except _NotKnown:
                continue  # the table is new all the same, and that is what the rules ask
    keys = [one.args for one in call.args[1:] if isinstance(one, Made) and one.kind == "PrimaryKeyConstraint"]
    columns = [one._replace(not_null=True) if any(one.name in key for key in keys) else one for one in columns]
    if_not_exists = call.keywords.get("if_not_exists", False) not in (False, None)
    return [CreateTable(call.at, call.source, table, tuple(columns), if_not_exists)]


def _drop_table(call: Call) -> list[Operation]:
    return [DropTable(call.at, call.source, _table(call))]


def _rename_table(call: Call) -> list[Operation]:
    table = _table(call, "old_table_name")
    to = Table(_text(call.get(1, "new_table_name"), "the new name"), table.schema)
    return [RenameTable(call.at, call.source, table, to)]


def _name_then_table(call: Call) -> tuple[Value, Table]:
    """Constraints and indexes are named first, and their table comes second."""
    name = call.args[0] if call.args else call.keywords.get("constraint_name", call.keywords.get("index_name"))
    if call.batch:
        return name, _table(call)
    schema = call.keywords.get("schema", call.keywords.get("source_schema"))
    second = call.args[1] if len(call.args) > 1 else call.keywords.get("table_name", call.keywords.get("source_table"))
    return name, _table_of(second, schema)


def _name(value: Value) -> str | None:
    try:
        return _optional_text(value, "name")
    except _NotKnown:
        return None


def _constraint(kind: str) -> Callable[[Call], list[Operation]]:
    def reader(call: Call) -> list[Operation]:
        name, table = _name_then_table(call)
        columns = call.args[(1 if call.batch else 2) :]
        if kind == "foreign key":
            columns = columns[1:] or (call.keywords.get("local_cols"),)
        names = columns[0] if columns else call.keywords.get("columns")
        proves: tuple[str, ...] = ()
        if kind == "check":
            proves = _proves(names if columns else call.keywords.get("condition"))
            names = ()
        known = tuple(one for one in names if isinstance(one, str)) if isinstance(names, list | tuple) else ()
        valid = call.keywords.get("postgresql_not_valid", False) is not True
        return [AddConstraint(call.at, call.source, table, _name(name), kind, known, valid, proves)]  # type: ignore[arg-type]

    return reader


def _proves(condition: Value) -> tuple[str, ...]:
    if isinstance(condition, Made) and condition.kind in ("text", "literal_column") and condition.args:
        condition = condition.args[0]
    if isinstance(condition, Made) and condition.kind in ("is_not", "isnot") and condition.args[1:] == (None,):
        column = condition.args[0]
        return (column.name,) if isinstance(column, CoreColumn) else ()
    return check_proves_not_null(condition) if isinstance(condition, str) else ()


def _drop_constraint(call: Call) -> list[Operation]:
    name, table = _name_then_table(call)
    return [DropConstraint(call.at, call.source, table, _name(name))]


def _create_index(call: Call) -> list[Operation]:
    name, table = _name_then_table(call)
    concurrently = call.keywords.get("postgresql_concurrently", False) is True
    return [CreateIndex(call.at, call.source, table, _name(name), concurrently)]


def _drop_index(call: Call) -> list[Operation]:
    name = _text(call.args[0] if call.args else call.keywords.get("index_name"), "the index's name")
    try:
        table: Table | None = _name_then_table(call)[1]
    except _NotKnown:
        table = None  # it may be left out
    concurrently = call.keywords.get("postgresql_concurrently", False) is True
    return [DropIndex(call.at, call.source, name, table, concurrently)]


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────


def _bulk_insert(call: Call) -> list[Operation]:
    return [ChangeRows(call.at, call.source, _table_of(call.get(0, "table"), None), "INSERT")]


def _execute(call: Call) -> list[Operation]:
    statement = call.args[0] if call.args else call.keywords.get("sqltext", call.keywords.get("statement"))
    return statement_operations(statement, call.at, call.source)


def statement_operations(statement: Value, at: At, source: str, binds: bool = True) -> list[Operation]:
    """What executing a statement does: SQL text, ``sa.text(…)``, or a Core construct."""
    if isinstance(statement, Made) and statement.kind in ("text", "DDL") and statement.args:
        statement = statement.args[0]
    if isinstance(statement, str):
        return read_sql(statement, at, binds)
    if isinstance(statement, Change):
        if statement.table is None:
            return [NotRead(at, source, "the table that it changes is computed")]
        change = ChangeRows(at, source, statement.table, statement.verb, statement.columns)  # type: ignore[arg-type]
        if statement.verb == "INSERT":
            return [change]
        filled = () if statement.where else statement.filled
        return [change._replace(every_null=filled, to_null=statement.to_null, whole=not statement.where)]
    if isinstance(statement, Made) and statement.kind in _STATEMENTS:
        return [Other(at, source, statement.kind)]
    return [NotRead(at, source, "the SQL is computed")]


# Constructs that no rule so far asks about: queries, and what makes sequences, schemas and views.
_STATEMENTS = {
    "CreateSchema", "CreateSequence", "CreateView", "DropSchema", "DropSequence", "DropView", "SetColumnComment",
    "SetTableComment", "exists", "func", "select", "union", "union_all",
}  # fmt: skip
_HARMLESS = {
    "create_table_comment", "drop_table_comment", "f", "get_bind", "get_context", "implementation_for",
    "inline_literal", "register_operation",
}  # fmt: skip
_DIRECTIVES: dict[str, Callable[[Call], list[Operation]]] = {
    "add_column": _add_column,
    "alter_column": _alter_column,
    "bulk_insert": _bulk_insert,
    "create_check_constraint": _constraint("check"),
    "create_exclude_constraint": _constraint("exclude"),
    "create_foreign_key": _constraint("foreign key"),
    "create_index": _create_index,
    "create_primary_key": _constraint("primary key"),
    "create_table": _create_table,
    "create_unique_constraint": _constraint("unique"),
    "drop_column": _drop_column,
    "drop_constraint": _drop_constraint,
    "drop_index": _drop_index,
    "drop_table": _drop_table,
    "execute": _execute,
    "rename_table": _rename_table,
}
