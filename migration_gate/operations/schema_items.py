"""``sa.Column(…)`` and what stands in it, as SQLAlchemy's PostgreSQL dialect and Alembic's add_column render them.

The claims are measured: tests/operations/test_directives.py renders each case with the installed Alembic, and reads
what PostgreSQL would get.
"""

from __future__ import annotations

from migration_gate.operations.arguments import Call, NotKnown, kind, name_or_none, source, sql_text, text
from migration_gate.operations.from_sql import check_proves_not_null, default_is_null, default_writes
from migration_gate.operations.grammar import quoted
from migration_gate.operations.model import AddConstraint, AlterTable, Column, CreateIndex, Operation, Table
from migration_gate.operations.sql_columns import Writes, function_writes
from migration_gate.operations.texts import GAP
from migration_gate.operations.type_names import of_value
from migration_gate.operations.values import CoreColumn, Gapped, Made, Value, is_plain

_ABSENT = object()
_INTEGERS = {"Integer", "INTEGER", "BigInteger", "BIGINT", "SmallInteger", "SMALLINT"}
_ITEMS = {"CheckConstraint", "Computed", "FetchedValue", "ForeignKey", "Identity", "Sequence", "UniqueConstraint"}


def is_column(value: Value) -> bool:
    return isinstance(value, Made) and value.kind in ("Column", "mapped_column")


def column_of(value: Value) -> Column:
    """A ``sa.Column(...)`` as data. Raises NotKnown where it is not one that can be read."""
    if not isinstance(value, Made) or not is_column(value):
        raise NotKnown("the column is computed")
    args = list(value.args)
    name = args.pop(0) if args and isinstance(args[0], str) else value.keywords.get("name")
    type_ = value.keywords.get("type_", args[0] if args and kind(args[0]) not in _ITEMS else None)
    items = _items(value)
    default = value.keywords.get("server_default")
    serial = _is_serial(value, type_, {*items})
    fills_itself: bool | None = False
    if {"Identity", "Computed"} & items.keys() or serial:
        fills_itself = True
    elif not value.whole or not (is_plain(default) or isinstance(default, Made)):
        fills_itself = None
    return Column(
        name=text(name, "the column's name"),
        type=source(type_),
        not_null=_not_null(value, items),
        default=None if fills_itself is None or kind(default) in ("Identity", "Computed") else default_of(default),
        fills_itself=fills_itself,
        sql_type=of_value(type_),
        writes=_writes(items, serial, default, type_) if value.whole else None,
    )


def columns_of_table(items: list[Made]) -> tuple[Column, ...]:
    """The columns of a new table, of what ``op.create_table`` is given; those that are computed are left out: the table
    is new all the same, and that is what the rules ask.

    A column of its primary key is NOT NULL whatever ``nullable`` says, and SQLAlchemy makes it SERIAL where it is the
    only one ("autoincrement" in the documentation of ``Column``).
    """
    found = []
    key = {*_keys(items, "PrimaryKeyConstraint")}
    key |= {_name(one) for one in items if is_column(one) and one.keywords.get("primary_key") is True}
    foreign = {*_keys(items, "ForeignKeyConstraint")}
    for one in filter(is_column, items):
        try:
            if (name := _name(one)) in key:
                found.append(
                    column_of(_in_a_key(one, len(key) == 1, name in foreign))._replace(not_null=True, key=True)
                )
            else:
                found.append(column_of(one))
        except NotKnown:
            continue
    return tuple(found)


def _name(column: Made) -> str | None:
    return name_or_none(column.args[0] if column.args else column.keywords.get("name"))


def _keys(items: list[Made], kind: str) -> list[str | None]:
    """The columns of the table's constraints of one kind."""
    given = [
        item.args if kind == "PrimaryKeyConstraint" else item.args[0]
        for item in items
        if item.kind == kind and item.args
    ]
    return [name_or_none(one) for several in given if type(several) in (list, tuple) for one in several]


def _in_a_key(column: Made, alone: bool, foreign: bool) -> Made:
    """A column of the primary key, as if the column itself said all that decides whether it counts up."""
    automatic = column.keywords.get("autoincrement", "auto")
    counts = automatic is True or (alone and (automatic == "ignore_fk" or not foreign))
    words = {**column.keywords, "primary_key": True}
    return column._replace(keywords=words if counts else {**words, "autoincrement": False})


def _items(column: Made) -> dict[str, Made]:
    """What stands in a column beside its name and type, by the name of its class; Identity and Computed may also be
    given as the server default.
    """
    given = [*column.args, *(column.keywords.get(one) for one in ("server_default", "default"))]
    found = {one.kind: one for one in given[:-2] if isinstance(one, Made)}
    if isinstance(given[-2], Made) and given[-2].kind in ("Identity", "Computed"):
        found[given[-2].kind] = given[-2]
    return found


def _not_null(column: Made, items: dict[str, Made]) -> bool | None:
    primary = column.keywords.get("primary_key", False)
    nullable = column.keywords.get("nullable", _ABSENT)
    if nullable is not _ABSENT:
        return not nullable if isinstance(nullable, bool) else None
    if not column.whole or not isinstance(primary, bool):
        return None
    return primary or "Identity" in items


def _is_serial(column: Made, type_: Value, items: set[str]) -> bool:
    """Whether SQLAlchemy makes it SERIAL: an integer primary key that nothing else gives a value to."""
    words = column.keywords
    automatic = words.get("autoincrement", "auto")
    if words.get("primary_key") is not True or kind(type_) not in _INTEGERS:
        return False
    if words.get("default") is not None or items & {"Sequence", "ColumnDefault"}:
        return False
    if automatic is True:
        return True
    if words.get("server_default") is not None or items & {"DefaultClause", "FetchedValue"}:
        return False
    return automatic == "ignore_fk" or (automatic == "auto" and "ForeignKey" not in items)


# ── server defaults ──────────────────────────────────────────────────────────────────────────────────────


def default_of(value: Value) -> str | None:
    """A server default as the model's ``Column.default`` has it. ``FetchedValue()`` says that something else fills
    the column, and writes no DEFAULT into the DDL.
    """
    if value is None or kind(value) == "FetchedValue":
        return None
    if isinstance(value, str):
        return repr(value)
    if not isinstance(value, Made):
        return "an expression"
    sql = sql_text(value)
    if sql is not None:
        if sql == "…":  # what a remedy leaves to its reader
            return None
        maybe_null = "null" in sql.lower()  # most are not, and need no parser
        return "NULL" if maybe_null and default_is_null(sql) else sql
    if value.kind == "DefaultClause" and value.args:
        return default_of(value.args[0])
    if (function := _function(value)) and not value.args:
        return f"{'.'.join(function)}()" if function[-1] not in _SQL_VALUES else function[-1]
    return "NULL" if value.kind in ("null", "Null") else "an expression"


# What SQLAlchemy writes without brackets.
_SQL_VALUES = {
    "current_date", "current_time", "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user",
}  # fmt: skip


def _function(value: Made) -> tuple[str, ...] | None:
    """The name of ``sa.func.lower(…)``, with its schema."""
    _, func, name = value.name.partition(".func.")
    return tuple(name.split(".")) if func else None


def _writes(items: dict[str, Made], serial: bool, default: Value, type_: Value) -> Writes:
    if serial:
        return "serial"
    if "Identity" in items:
        return "identity"
    if computed := items.get("Computed"):
        persisted = computed.args[1] if len(computed.args) > 1 else computed.keywords.get("persisted")
        # Left open, it is VIRTUAL with SQLAlchemy 2.1 on PostgreSQL 18, and STORED with any older one.
        return "generated" if persisted is True else "" if persisted is False else None
    said = value_writes(default)
    # A domain's own CHECK has to be tried on each row, and only the database knows whether it has one.
    return None if said == "" and kind(type_) == "DOMAIN" else said


def value_writes(value: Value) -> Writes:
    """Whether ADD COLUMN with this server default writes the table anew."""
    if value is None or isinstance(value, str | bool | int | float):
        return ""
    if not isinstance(value, Made):
        return None
    sql = sql_text(value)
    if sql is not None:
        if sql.endswith("()") and sql[:-2].isidentifier():  # now(): most need no parser
            return function_writes((sql[:-2],))
        return default_writes(sql) if "(" in sql else ""
    if value.kind in ("true", "false", "null", "True_", "False_", "Null", "FetchedValue", "literal"):
        return ""
    if value.kind == "Sequence":  # its next_value()
        return "volatile default"
    function = _function(value)
    if function:
        own: Writes = "" if function[-1] in _SQL_VALUES else function_writes(function)
    elif value.kind in ("cast", "type_coerce", "DefaultClause", "array", "concat"):
        own = ""
    else:
        return None
    parts: set[Writes] = {own, *(value_writes(one) for one in _parts(value))}
    return "volatile default" if "volatile default" in parts else None if None in parts else ""


def _parts(value: Made) -> list[Value]:
    """What a function or a cast is given, but not the type that is cast to."""
    given = value.args[:1] if value.kind in ("cast", "type_coerce") else value.args
    return [part for one in given for part in (one if type(one) in (list, tuple) else [one])]


# ── constraints ──────────────────────────────────────────────────────────────────────────────────────────


def refers_to(value: Made) -> Table | None:
    """The table of ``sa.ForeignKey("s.p.id")`` and ``sa.ForeignKey(Model.id)``; None where it is computed."""
    target = value.args[0] if value.args else value.keywords.get("column")
    return table_of_target(target)


def table_of_target(target: Value) -> Table | None:
    if isinstance(target, Gapped):  # as the names of tables are read that a prefix completes
        target = target.text.replace(GAP, "…")
    if isinstance(target, CoreColumn):
        return target.table
    if not isinstance(target, str) or "." not in target:
        return None
    *schema, table, _ = target.split(".")
    return Table(table, ".".join(schema) or None)


def condition_of(condition: Value) -> tuple[str | None, tuple[str, ...]]:
    """A CHECK's expression as SQL text, and the columns that it shows to be NOT NULL."""
    if isinstance(condition, Made) and condition.kind in ("is_not", "isnot") and condition.args[1:] == (None,):
        column = condition.args[0]
        if isinstance(column, CoreColumn):
            return f"{quoted(column.name)} IS NOT NULL", (column.name,)
    sql = sql_text(condition)
    return (None, ()) if sql is None else (sql, check_proves_not_null(sql) if "null" in sql.lower() else ())


def extras(value: Made, column: Column, table: Table, call: Call) -> list[Operation]:
    """What ``op.add_column`` does beside ADD COLUMN, in Alembic's order: a CHECK stands in the same statement, and so
    does, if asked for, a key; foreign keys, UNIQUE, the index and the comment are statements of their own.
    """
    at, text_, words = call.at, call.source, value.keywords
    made = [one for one in value.args if isinstance(one, Made)]
    found: list[Operation] = []
    if call.flag("inline_primary_key") and words.get("primary_key") is True:
        found.append(AddConstraint(at, text_, table, None, "primary key", (column.name,), inline=True))
    keys = [one for one in made if one.kind == "ForeignKey"]
    inline = call.flag("inline_references") and len(keys) == 1
    foreign: list[Operation] = [
        AddConstraint(
            at,
            text_,
            table,
            name_or_none(one.keywords.get("name")),
            "foreign key",
            (column.name,),
            valid=one.keywords.get("postgresql_not_valid") is not True,
            references=refers_to(one),
            inline=inline,
        )
        for one in keys
    ]
    found += foreign if inline else []
    for one in made:
        if one.kind == "CheckConstraint":
            condition, proves = condition_of(one.args[0] if one.args else one.keywords.get("sqltext"))
            name = name_or_none(one.keywords.get("name"))
            found.append(
                AddConstraint(
                    at,
                    text_,
                    table,
                    name,
                    "check",
                    (column.name,),
                    proves_not_null=proves,
                    condition=condition,
                    inline=True,
                )
            )
    found += [] if inline else foreign
    unique, index = words.get("unique") is True, words.get("index") is True
    if unique and not index:
        found.append(AddConstraint(at, text_, table, None, "unique", (column.name,)))
    if index:
        found.append(CreateIndex(at, text_, table, None, unique=unique, columns=(column.name,)))
    if words.get("comment") is not None:
        found.append(AlterTable(at, text_, table, "COMMENT", "SHARE UPDATE EXCLUSIVE"))
    return found
