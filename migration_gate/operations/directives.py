"""Alembic's directives, called with what is known of their arguments → operations.

The parameters are those of ``alembic.operations.Operations`` (docs: "Operation Reference") and of the batch form,
which leaves the table out. The operations are those of the statements that Alembic sends to PostgreSQL, in its order.
"""

from __future__ import annotations

from collections.abc import Callable

from migration_gate.operations.arguments import (
    Call,
    NotKnown,
    kind,
    name_or_none,
    name_then_table,
    names,
    source,
    sql_text,
    table,
    table_of,
    text,
)
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.grammar import quoted
from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    AlterTable,
    At,
    ChangeRows,
    ChangeType,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropNotNull,
    DropTable,
    Lock,
    NotRead,
    Operation,
    Other,
    RenameColumn,
    RenameTable,
    SetDefault,
    SetNotNull,
    Table,
)
from migration_gate.operations.schema_items import (
    column_of,
    columns_of_table,
    condition_of,
    default_of,
    extras,
    is_column,
    refers_to,
    table_of_target,
)
from migration_gate.operations.type_names import of_value
from migration_gate.operations.values import Change, Made, Value

__all__ = ["Call", "column_of", "operations_of", "statement_operations"]

_COMMENT_LOCK: Lock = "SHARE UPDATE EXCLUSIVE"


def operations_of(call: Call) -> list[Operation]:
    """What one call of a directive does. Never raises; what is not known becomes ``NotRead``."""
    reader = _DIRECTIVES.get(call.name)
    if call.name in _HARMLESS:
        return [Other(call.at, call.source, call.name)]
    if reader is None:
        return [NotRead(call.at, call.source, f"op.{call.name} is not one of Alembic's own directives")]
    try:
        return reader(call)
    except NotKnown as unknown:
        return [NotRead(call.at, call.source, str(unknown))]


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────


def _add_column(call: Call) -> list[Operation]:
    of, value = table(call), call.get(1, "column")
    column = column_of(value)
    return [AddColumn(call.at, call.source, of, column), *extras(value, column, of, call)]


def _drop_column(call: Call) -> list[Operation]:
    return [DropColumn(call.at, call.source, table(call), text(call.get(1, "column_name"), "the column's name"))]


def _alter_column(call: Call) -> list[Operation]:
    """As Alembic does it on PostgreSQL: the type, NOT NULL, the default, the comment, the name."""
    of = table(call)
    column = text(call.get(1, "column_name"), "the column's name")
    if not call.whole:
        raise NotKnown("alter_column's keywords are computed")
    words = call.keywords
    found = [
        *_change_type(call, of, column),
        *_nullable(call, of, column),
        *_server_default(call, of, column),
    ]
    if words.get("comment", False) is not False:
        found.append(AlterTable(call.at, call.source, of, "COMMENT", _COMMENT_LOCK))
    if (new := words.get("new_column_name")) is not None:
        found.append(RenameColumn(call.at, call.source, of, column, text(new, "the new name")))
    return found or [Other(call.at, call.source, "alter_column")]


def _change_type(call: Call, of: Table, column: str) -> list[Operation]:
    """Types that bring a CHECK with them, Enum and Boolean where they are asked to, take the old one's away and add
    the new one's.
    """
    to, existing = call.keywords.get("type_"), call.keywords.get("existing_type")
    if to is None:
        return []
    using = call.keywords.get("postgresql_using")
    found: list[Operation] = []
    if isinstance(existing, Made) and _has_check(existing):
        name = name_or_none(existing.keywords.get("name"))
        found.append(DropConstraint(call.at, call.source, of, name, kind="check", unnamed=name is None))
    found.append(
        ChangeType(
            call.at,
            call.source,
            of,
            column,
            source(to),
            source(existing),
            of_value(to),
            of_value(existing),
            None if using is None else sql_text(using) or "an expression",
        )
    )
    if _has_check(to):
        labels = ", ".join(f"'{one}'" for one in to.args if isinstance(one, str) and "'" not in one)
        condition = f"{quoted(column)} IN ({labels})" if labels.count("', '") == len(to.args) - 1 else None
        name = name_or_none(to.keywords.get("name"))
        found.append(AddConstraint(call.at, call.source, of, name, "check", condition=condition))
    return found


def _has_check(type_: Value) -> bool:
    return (
        isinstance(type_, Made)
        and type_.kind == "Enum"
        and type_.keywords.get("create_constraint") is True
        and type_.keywords.get("native_enum") is False
    )


def _nullable(call: Call, of: Table, column: str) -> list[Operation]:
    nullable = call.keywords.get("nullable")
    if nullable is True:
        return [DropNotNull(call.at, call.source, of, column)]
    if nullable is False and call.keywords.get("existing_nullable") is not False:
        type_ = source(call.keywords.get("existing_type")) or source(call.keywords.get("type_"))
        return [SetNotNull(call.at, call.source, of, column, type_)]
    if nullable not in (None, False):
        raise NotKnown("`nullable` is computed")
    return []


def _server_default(call: Call, of: Table, column: str) -> list[Operation]:
    default = call.keywords.get("server_default", False)
    if default is False:
        return []
    kinds = {kind(default), kind(call.keywords.get("existing_server_default"))}
    if "Computed" in kinds:
        raise NotKnown("Alembic refuses to make a column computed, or a computed one plain")
    if "Identity" in kinds:
        what = "DROP IDENTITY" if default is None else "ADD GENERATED AS IDENTITY"
        return [AlterTable(call.at, call.source, of, what, "ACCESS EXCLUSIVE")]
    return [SetDefault(call.at, call.source, of, column, default_of(default))]


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────


def _create_table(call: Call) -> list[Operation]:
    of = table(call)
    made = [one for one in call.args[1:] if isinstance(one, Made)]
    created = CreateTable(
        call.at, call.source, of, columns_of_table(made), call.flag("if_not_exists"), references=_references(made, of)
    )
    return [created, *_beside_a_table(call, made, of)]


def _references(made: list[Made], of: Table) -> tuple[Table, ...]:
    """The other tables that a new one's foreign keys point to."""
    found: dict[Table, None] = {}
    for one in made:
        targets = [refers_to(part) for part in one.args if isinstance(part, Made) and part.kind == "ForeignKey"]
        if one.kind == "ForeignKeyConstraint":
            remote = one.args[1] if len(one.args) > 1 else one.keywords.get("refcolumns")
            targets += [table_of_target(remote[0])] if type(remote) in (list, tuple) and remote else []
        found |= dict.fromkeys(target for target in targets if target and target != of)
    return tuple(found)


def _beside_a_table(call: Call, made: list[Made], of: Table) -> list[Operation]:
    """The indexes and comments that Alembic makes after the table."""
    found: list[Operation] = []
    for one in made:
        words = one.keywords
        if is_column(one) and words.get("index") is True:
            name = name_or_none(one.args[0] if one.args else words.get("name"))
            unique = words.get("unique") is True
            found.append(CreateIndex(call.at, call.source, of, None, unique=unique, columns=(name or "",)))
        elif one.kind == "Index":
            index = name_or_none(one.args[0]) if one.args else None
            unique = words.get("unique") is True
            found.append(CreateIndex(call.at, call.source, of, index, unique=unique, columns=names(one.args[1:])))
    comments = [call.keywords.get("comment"), *(one.keywords.get("comment") for one in made if is_column(one))]
    found += [AlterTable(call.at, call.source, of, "COMMENT", _COMMENT_LOCK) for one in comments if one is not None]
    return found


def _drop_table(call: Call) -> list[Operation]:
    return [DropTable(call.at, call.source, table(call))]


def _rename_table(call: Call) -> list[Operation]:
    of = table(call, "old_table_name")
    return [
        RenameTable(call.at, call.source, of, Table(text(call.get(1, "new_table_name"), "the new name"), of.schema))
    ]


def _comment(call: Call) -> list[Operation]:
    return [AlterTable(call.at, call.source, table(call), "COMMENT", _COMMENT_LOCK)]


# ── constraints and indexes ──────────────────────────────────────────────────────────────────────────────


def _constraint(call: Call, kind_: str, columns: tuple[str, ...] = ()) -> AddConstraint:
    name, of = name_then_table(call)
    valid = call.keywords.get("postgresql_not_valid", False) is not True
    return AddConstraint(call.at, call.source, of, name_or_none(name), kind_, columns, valid)  # type: ignore[arg-type]


def _create_unique(call: Call) -> list[Operation]:
    return [_constraint(call, "unique", names(call.after_name(0, "columns")))]


def _create_primary_key(call: Call) -> list[Operation]:
    return [_constraint(call, "primary key", names(call.after_name(0, "columns")))]


def _create_exclude(call: Call) -> list[Operation]:
    elements = [one for one in call.args[1 if call.batch else 2 :] if type(one) in (list, tuple) and one]
    columns = tuple((name_or_none(one[0]) or "") if not isinstance(one[0], Made) else "" for one in elements)
    return [_constraint(call, "exclude", columns)]


def _create_foreign_key(call: Call) -> list[Operation]:
    referent, local = call.after_name(0, "referent_table"), call.after_name(1, "local_cols")
    schema = call.keywords.get("referent_schema")
    name = name_or_none(referent)
    known = name is not None and isinstance(schema, str | None)
    references = Table(name, schema) if known and name else None
    return [_constraint(call, "foreign key", names(local))._replace(references=references)]


def _create_check(call: Call) -> list[Operation]:
    condition, proves = condition_of(call.after_name(0, "condition"))
    return [_constraint(call, "check")._replace(proves_not_null=proves, condition=condition)]


def _drop_constraint(call: Call) -> list[Operation]:
    name, of = name_then_table(call)
    type_ = call.after_name(0, "type_")
    return [
        DropConstraint(
            call.at,
            call.source,
            of,
            name_or_none(name),
            kind={"foreignkey": "foreign key", "primary": "primary key"}.get(type_, type_)
            if isinstance(type_, str)
            else None,
            unnamed=name is None and call.whole,
        )
    ]


def _create_index(call: Call) -> list[Operation]:
    name, of = name_then_table(call)
    return [
        CreateIndex(
            call.at,
            call.source,
            of,
            name_or_none(name),
            call.keywords.get("postgresql_concurrently", False) is True,
            call.flag("if_not_exists"),
            call.keywords.get("unique") is True,
            names(call.after_name(0, "columns")),
        )
    ]


def _drop_index(call: Call) -> list[Operation]:
    given = call.args[0] if call.args else call.keywords.get("index_name")
    try:
        of: Table | None = name_then_table(call)[1]
    except NotKnown:
        of = None  # it may be left out
    name = name_or_none(given) if of else text(given, "the index's name")
    concurrently = call.keywords.get("postgresql_concurrently", False) is True
    return [DropIndex(call.at, call.source, name, of, concurrently)]


# ── rows, statements, operations as objects ──────────────────────────────────────────────────────────────


def _bulk_insert(call: Call) -> list[Operation]:
    if call.get(1, "rows") == [] and call.whole:
        return [Other(call.at, call.source, "bulk_insert")]
    return [ChangeRows(call.at, call.source, table_of(call.get(0, "table"), None), "INSERT")]


def _execute(call: Call) -> list[Operation]:
    statement = call.args[0] if call.args else call.keywords.get("sqltext", call.keywords.get("statement"))
    return statement_operations(statement, call.at, call.source)


def _invoke(call: Call) -> list[Operation]:
    """What is known of an operation that is given as an object, the reader of calls has made a directive's call of."""
    raise NotKnown("the operation that op.invoke() is given is computed")


def statement_operations(statement: Value, at: At, source: str, binds: bool = True) -> list[Operation]:
    """What executing a statement does: SQL text, ``sa.text(…)``, or a Core construct."""
    if isinstance(statement, Made) and statement.kind in ("text", "DDL") and statement.args:
        statement = statement.args[0]
    if isinstance(statement, str):
        return read_sql(statement, at, binds)
    if isinstance(statement, Change):
        return [_change(statement, at, source)]
    if isinstance(statement, Made) and statement.kind in _STATEMENTS:
        return [Other(at, source, statement.kind)]
    return [NotRead(at, source, "the SQL is computed")]


def _change(statement: Change, at: At, source: str) -> Operation:
    if statement.table is None:
        return NotRead(at, source, "the table that it changes is computed")
    change = ChangeRows(at, source, statement.table, statement.verb, statement.columns)  # type: ignore[arg-type]
    if statement.verb == "INSERT":
        return change
    reached = statement.filled if not statement.where else [one for one in statement.filled if one == statement.null_of]
    filled = tuple(reached)
    return change._replace(every_null=filled, to_null=statement.to_null, whole=not statement.where)


# Constructs that no rule so far asks about: queries, and what makes sequences, schemas and views.
_STATEMENTS = {
    "CreateSchema", "CreateSequence", "CreateView", "DropSchema", "DropSequence", "DropView", "SetColumnComment",
    "SetTableComment", "exists", "func", "select", "union", "union_all",
}  # fmt: skip
_HARMLESS = {"f", "get_bind", "get_context", "implementation_for", "inline_literal", "register_operation"}
_DIRECTIVES: dict[str, Callable[[Call], list[Operation]]] = {
    "add_column": _add_column,
    "alter_column": _alter_column,
    "bulk_insert": _bulk_insert,
    "create_check_constraint": _create_check,
    "create_exclude_constraint": _create_exclude,
    "create_foreign_key": _create_foreign_key,
    "create_index": _create_index,
    "create_primary_key": _create_primary_key,
    "create_table": _create_table,
    "create_table_comment": _comment,
    "create_unique_constraint": _create_unique,
    "drop_column": _drop_column,
    "drop_constraint": _drop_constraint,
    "drop_index": _drop_index,
    "drop_table": _drop_table,
    "drop_table_comment": _comment,
    "execute": _execute,
    "invoke": _invoke,
    "rename_table": _rename_table,
}
