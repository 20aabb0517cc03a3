"""SQL text → operations, by PostgreSQL's own grammar (libpg_query, through pgparse).

The keys below are the fields of PostgreSQL's parse nodes (src/include/nodes/parsenodes.h).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

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
    ValidateConstraint,
)

Node = dict[str, Any]

# Nothing bounds the parser, which is C code, but its input. Some 70,000 terms in a row overflow its stack and end the
# process, and its scanner takes the square of the time for comments that open and do not close (both measured).
LONGEST = 400_000  # characters
MOST_OPERATORS = 40_000
MOST_COMMENTS = 500
_OPERATORS = re.compile(r"[-+*/<>=~!@#%^&|]")
# As sqlalchemy.text() finds bind parameters: `:name`, but not `::type` and not `\:name`.
_BIND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_SERIAL = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}
_CONSTRAINTS = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_EXCLUSION": "exclude",
}


def read_sql(sql: str, at: At, binds: bool = True) -> list[Operation]:
    """The operations of one SQL string, which may hold several statements. Never raises.

    With ``binds``, ``:name`` is a bind parameter, as in ``sqlalchemy.text`` and in a string given to ``op.execute``.
    Invalid SQL is a ``NotRead`` with PostgreSQL's own message and position.
    """
    try:
        import pgparse
    except ImportError:
        return [
            NotRead(
                at,
                sql,
                "pgparse is not installed (it has no wheel for this platform), and it reads SQL",
            )
        ]
    if len(sql) > LONGEST:
        return [NotRead(at, sql[:200], f"SQL of {len(sql):,} characters: longer than the gate reads")]
    if "\0" in sql:
        return [NotRead(at, sql, "SQL with a null byte, which PostgreSQL refuses")]
    if sql.count("/*") > MOST_COMMENTS or len(_OPERATORS.findall(sql)) > MOST_OPERATORS:
        return [NotRead(at, sql[:200], "SQL with more operators or comments than the gate reads")]
    if any("\ud800" <= letter <= "\udfff" for letter in sql):
        return [NotRead(at, "", "SQL with half a character (a surrogate), which PostgreSQL refuses")]
    text = _BIND.sub(lambda bind: "$1".ljust(len(bind[0])), sql).replace(r"\:", " :") if binds else sql
    try:
        statements = pgparse.parse(text)
    except pgparse.PGQueryError as error:
        message, position = (*error.args, None)[:2]
        said = f"{message:.200}, at character {position}"
        return [NotRead(at, sql, f"PostgreSQL cannot parse this SQL: {said}")]
    except RecursionError:
        return [NotRead(at, sql[:200], "SQL nested too deeply to read")]
    raw = text.encode()
    if re.search(r"=\s*…", sql):  # what a remedy leaves to its reader, pasted as it was: it does nothing yet
        return [Other(at, sql, "a placeholder")]
    found: list[Operation] = []
    for statement in statements:
        start = statement.get("stmt_location", 0)
        end = start + statement["stmt_len"] if statement.get("stmt_len") else len(raw)
        found += _statement(statement["stmt"], at, raw[start:end].decode(errors="replace").strip())
    return found


_UNSEEN = dict.fromkeys(("DoStmt", "CallStmt"), "a DO block's or procedure's body") | {
    "ExecuteStmt": "a prepared statement"
}


def _statement(node: Node, at: At, sql: str) -> Iterator[Operation]:
    (kind, body), *_ = node.items()
    reader = _READERS.get(kind)
    if reader:
        yield from reader(body, at, sql)
    elif kind in _UNSEEN:
        yield NotRead(at, sql, f"{_UNSEEN[kind]} is not read")
    else:
        yield Other(at, sql, kind.removesuffix("Stmt"))


def _alter_table(body: Node, at: At, sql: str) -> Iterator[Operation]:
    if body.get("objtype") != "OBJECT_TABLE":
        yield Other(at, sql, "ALTER " + str(body.get("objtype", "")).removeprefix("OBJECT_"))
        return
    table = _table(body["relation"])
    for wrapped in body["cmds"]:
        yield from _alter_command(wrapped["AlterTableCmd"], table, at, sql)


def _alter_command(command: Node, table: Table, at: At, sql: str) -> Iterator[Operation]:
    kind, name, definition = command["subtype"], command.get("name", ""), command.get("def", {})
    match kind:
        case "AT_AddColumn":
            yield AddColumn(at, sql, table, _column(definition["ColumnDef"]))
            yield from _inline_constraints(definition["ColumnDef"], table, at, sql)
        case "AT_DropColumn":
            yield DropColumn(at, sql, table, name)
        case "AT_SetNotNull":
            yield SetNotNull(at, sql, table, name)
        case "AT_DropNotNull":
            yield DropNotNull(at, sql, table, name)
        case "AT_ColumnDefault":
            yield SetDefault(at, sql, table, name, _default(definition) if definition else None)
        case "AT_AlterColumnType":
            yield ChangeType(at, sql, table, name, _type(definition["ColumnDef"]))
        case "AT_AddConstraint":
            constraint = definition["Constraint"]
            if constraint["contype"] in _CONSTRAINTS:
                yield _constraint(constraint, table, at, sql)
            elif constraint["contype"] == "CONSTR_NOTNULL":  # PostgreSQL 18 names NOT NULL constraints
                for column in _strings(constraint.get("keys", ())):
                    yield SetNotNull(at, sql, table, column)
            else:
                yield Other(at, sql, "ALTER TABLE " + constraint["contype"])
        case "AT_ValidateConstraint":
            yield ValidateConstraint(at, sql, table, name)
        case "AT_DropConstraint":
            yield DropConstraint(at, sql, table, name)
        case _:
            yield Other(at, sql, "ALTER TABLE " + kind.removeprefix("AT_"))


def _inline_constraints(column: Node, table: Table, at: At, sql: str) -> Iterator[Operation]:
    for wrapped in column.get("constraints", ()):
        constraint = wrapped["Constraint"]
        if constraint["contype"] in _CONSTRAINTS:
            yield _constraint(constraint, table, at, sql, column=column["colname"])


def _constraint(node: Node, table: Table, at: At, sql: str, column: str | None = None) -> AddConstraint:
    keys = _strings(node.get("fk_attrs") or node.get("keys") or ())
    return AddConstraint(
        at,
        sql,
        table,
        node.get("conname"),
        _CONSTRAINTS[node["contype"]],  # type: ignore[arg-type]
        (column,) if column else keys,
        valid=not node.get("skip_validation", False),
        proves_not_null=tuple(_not_nulls(node.get("raw_expr", {}))) if node["contype"] == "CONSTR_CHECK" else (),
    )


def _not_nulls(expression: Node) -> Iterator[str]:
    """The columns that a CHECK proves NOT NULL: ``c IS NOT NULL``, alone or under AND."""
    if test := expression.get("NullTest"):
        if test["nulltesttype"] == "IS_NOT_NULL" and "ColumnRef" in test["arg"]:
            yield from _strings(test["arg"]["ColumnRef"]["fields"][-1:])
    elif (both := expression.get("BoolExpr")) and both["boolop"] == "AND_EXPR":
        for part in both["args"]:
            yield from _not_nulls(part)


def check_proves_not_null(expression: str) -> tuple[str, ...]:
    """The columns that a CHECK expression, as SQL text, shows to be NOT NULL. Empty where it cannot be read."""
    at = At(path=None, line=0, end=0)  # type: ignore[arg-type]
    for operation in read_sql(f"ALTER TABLE t ADD CHECK ({expression})", at):
        if isinstance(operation, AddConstraint):
            return operation.proves_not_null
    return ()


def _create_table(body: Node, at: At, sql: str) -> Iterator[Operation]:
    elements = body.get("tableElts", ())
    constraints = [one["Constraint"] for one in elements if "Constraint" in one]
    keys = [key for one in constraints if one["contype"] == "CONSTR_PRIMARY" for key in _strings(one.get("keys", ()))]
    columns = [_column(one["ColumnDef"]) for one in elements if "ColumnDef" in one]
    columns = [one._replace(not_null=True) if one.name in keys else one for one in columns]
    yield CreateTable(at, sql, _table(body["relation"]), tuple(columns), bool(body.get("if_not_exists")))


def _create_table_as(body: Node, at: At, sql: str) -> Iterator[Operation]:
    if body.get("objtype") == "OBJECT_TABLE":
        into = body["into"]
        with_data = not into.get("skipData", False)
        yield CreateTable(at, sql, _table(into["rel"]), (), bool(body.get("if_not_exists")), with_data)
    else:
        yield Other(at, sql, "CREATE MATERIALIZED VIEW")


def _create_index(body: Node, at: At, sql: str) -> Iterator[Operation]:
    yield CreateIndex(at, sql, _table(body["relation"]), body.get("idxname"), bool(body.get("concurrent")))


def _drop(body: Node, at: At, sql: str) -> Iterator[Operation]:
    for wrapped in body["objects"]:
        names = _strings(wrapped["List"]["items"]) if "List" in wrapped else ()
        if not names:
            yield Other(at, sql, "DROP " + body["removeType"].removeprefix("OBJECT_"))
            continue
        name, schema = names[-1], names[-2] if len(names) > 1 else None
        if body["removeType"] == "OBJECT_TABLE":
            yield DropTable(at, sql, Table(name, schema))
        elif body["removeType"] == "OBJECT_INDEX":
            yield DropIndex(at, sql, name, concurrently=bool(body.get("concurrent")))
        else:
            yield Other(at, sql, "DROP " + body["removeType"].removeprefix("OBJECT_"))


def _rename(body: Node, at: At, sql: str) -> Iterator[Operation]:
    kind = body["renameType"]
    if kind == "OBJECT_TABLE":
        table = _table(body["relation"])
        yield RenameTable(at, sql, table, Table(body["newname"], table.schema))
    elif kind == "OBJECT_COLUMN" and body.get("relationType") == "OBJECT_TABLE":
        yield RenameColumn(at, sql, _table(body["relation"]), body["subname"], body["newname"])
    else:
        yield Other(at, sql, "RENAME " + kind.removeprefix("OBJECT_"))


def _update(body: Node, at: At, sql: str) -> Iterator[Operation]:
    values = {one["ResTarget"].get("name", ""): _assigned(one["ResTarget"]) for one in body.get("targetList", ())}
    to_null = tuple(name for name, value in values.items() if _is_null(value))
    filled = _every_null(body, [name for name, value in values.items() if _never_null(value)])
    whole = not {"whereClause", "fromClause"} & body.keys()
    yield ChangeRows(at, sql, _table(body["relation"]), "UPDATE", tuple(values), filled, whole, to_null)
    yield from _changes_in_with(body, at, sql)


def _assigned(target: Node) -> Node:
    """What SET gives a column, alone or as one of a row: ``(a, b) = (1, 2)``."""
    value: Node = target.get("val", {})
    if several := value.get("MultiAssignRef"):
        row = several["source"].get("RowExpr", {}).get("args", ())
        value = row[several["colno"] - 1] if len(row) == several["ncolumns"] else {}
    return value


def _never_null(value: Node) -> bool:
    """Whether an expression surely has a value: a constant, a parameter, what a few well-known functions give, and
    what is made of these. A column, a subquery or any other function may be NULL.
    """
    if not value:
        return False
    kind, body = next(iter(value.items()))
    match kind:
        case "A_Const":
            return not body.get("isnull")
        case "ParamRef" | "SQLValueFunction" | "A_ArrayExpr" | "NullTest":
            return True
        case "TypeCast":
            return _never_null(body["arg"])
        case "CoalesceExpr":
            return any(map(_never_null, body["args"]))
        case "A_Expr":
            return _never_null(body.get("lexpr", {"A_Const": {}})) and _never_null(body.get("rexpr", {}))
        case "CaseExpr":
            results = [one["CaseWhen"]["result"] for one in body["args"]]
            return "defresult" in body and all(map(_never_null, [*results, body["defresult"]]))
        case "FuncCall":
            name = _strings(body["funcname"])[-1]
            return name in _ALWAYS or (name in _STRICT and all(map(_never_null, body.get("args", ()))))
        case "SubLink" if body["subLinkType"] == "EXPR_SUBLINK":
            return _one_row(body["subselect"].get("SelectStmt", {}))
        case "SubLink":
            return bool(body["subLinkType"] == "EXISTS_SUBLINK")
    return False


def _one_row(query: Node) -> bool:
    """Whether a query gives one row for certain, with a value in it: an aggregate over everything does."""
    if {"groupClause", "havingClause", "limitCount", "limitOffset", "larg"} & query.keys() or "targetList" not in query:
        return False
    value: Node = query["targetList"][0]["ResTarget"].get("val", {})
    text = str(value)  # the aggregate may stand anywhere in it, but neither in a window nor in a query of its own
    aggregate = any(f"'sval': '{name}'" in text for name in _AGGREGATES)
    return aggregate and "'over':" not in text and "'SubLink'" not in text and _never_null(value)


_AGGREGATES = (
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "json_agg",
    "jsonb_agg",
    "max",
    "min",
    "string_agg",
    "sum",
)
# Functions that give a value whatever they are given, and some that do whenever their arguments have one.
_ALWAYS = {
    "clock_timestamp", "concat", "count", "concat_ws", "gen_random_uuid", "json_build_array", "json_build_object",
    "jsonb_build_array", "jsonb_build_object", "nextval", "now", "random", "statement_timestamp",
    "transaction_timestamp", "uuid_generate_v1", "uuid_generate_v4",
}  # fmt: skip
_STRICT = {
    "abs",
    "btrim",
    "date_trunc",
    "length",
    "lower",
    "ltrim",
    "md5",
    "replace",
    "round",
    "rtrim",
    "timezone",
    "upper",
}


def _every_null(body: Node, columns: list[str]) -> tuple[str, ...]:
    """Those of the columns that an UPDATE leaves no NULL in, as far as its WHERE says."""
    if "fromClause" in body:
        return ()
    where = body.get("whereClause")
    if where is None:
        return tuple(columns)
    test = where.get("NullTest", {})
    if test.get("nulltesttype") == "IS_NULL" and "ColumnRef" in test["arg"]:
        return tuple(name for name in _strings(test["arg"]["ColumnRef"]["fields"][-1:]) if name in columns)
    return ()


def _insert(body: Node, at: At, sql: str) -> Iterator[Operation]:
    yield ChangeRows(at, sql, _table(body["relation"]), "INSERT")
    if targets := body.get("onConflictClause", {}).get("targetList"):
        columns = tuple(one["ResTarget"].get("name", "") for one in targets)
        yield ChangeRows(at, sql, _table(body["relation"]), "UPDATE", columns, ())
    yield from _changes_in_with(body, at, sql)


def _merge(body: Node, at: At, sql: str) -> Iterator[Operation]:
    """MERGE changes those rows that its condition finds: all of them or some, nobody can say by reading."""
    for wrapped in body.get("mergeWhenClauses", ()):
        clause = wrapped["MergeWhenClause"]
        verb = {"CMD_UPDATE": "UPDATE", "CMD_DELETE": "DELETE", "CMD_INSERT": "INSERT"}.get(clause["commandType"])
        if verb:
            columns = tuple(one["ResTarget"].get("name", "") for one in clause.get("targetList", ()))
            columns = columns if verb == "UPDATE" else ()
            yield ChangeRows(at, sql, _table(body["relation"]), verb, columns, ())  # type: ignore[arg-type]
    yield from _changes_in_with(body, at, sql)


def _copy(body: Node, at: At, sql: str) -> Iterator[Operation]:
    if body.get("is_from"):
        yield ChangeRows(at, sql, _table(body["relation"]), "INSERT")
    else:
        yield Other(at, sql, "COPY TO")


def _delete(body: Node, at: At, sql: str) -> Iterator[Operation]:
    whole = not {"whereClause", "usingClause"} & body.keys()
    yield ChangeRows(at, sql, _table(body["relation"]), "DELETE", whole=whole)
    yield from _changes_in_with(body, at, sql)


def _truncate(body: Node, at: At, sql: str) -> Iterator[Operation]:
    for wrapped in body["relations"]:
        yield ChangeRows(at, sql, _table(wrapped["RangeVar"]), "TRUNCATE", whole=True)


def _select(body: Node, at: At, sql: str) -> Iterator[Operation]:
    if "intoClause" in body:
        yield CreateTable(at, sql, _table(body["intoClause"]["rel"]), from_query=True)
    else:
        yield Other(at, sql, "SELECT")
    yield from _changes_in_with(body, at, sql)


def _changes_in_with(body: Node, at: At, sql: str) -> Iterator[Operation]:
    """WITH may hold statements that change rows."""
    for wrapped in body.get("withClause", {}).get("ctes", ()):
        query = wrapped["CommonTableExpr"]["ctequery"]
        if "SelectStmt" not in query:
            yield from _statement(query, at, sql)


_READERS: dict[str, Callable[[Node, At, str], Iterator[Operation]]] = {
    "AlterTableStmt": _alter_table,
    "CopyStmt": _copy,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "DeleteStmt": _delete,
    "DropStmt": _drop,
    "IndexStmt": _create_index,
    "InsertStmt": _insert,
    "MergeStmt": _merge,
    "RenameStmt": _rename,
    "SelectStmt": _select,
    "TruncateStmt": _truncate,
    "UpdateStmt": _update,
}


def _column(node: Node) -> Column:
    kinds = {one["Constraint"]["contype"]: one["Constraint"] for one in node.get("constraints", ())}
    default = kinds.get("CONSTR_DEFAULT")
    type_ = _type(node)
    counts = "CONSTR_IDENTITY" in kinds or type_ in _SERIAL  # and is NOT NULL without saying so
    return Column(
        name=node["colname"],
        type=type_,
        not_null=counts or "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds,
        default=_default(default["raw_expr"]) if default else None,
        fills_itself=counts or "CONSTR_GENERATED" in kinds,
    )


def _default(expression: Node) -> str:
    """ "NULL" where the default is NULL, else that there is one."""
    return "NULL" if _is_null(expression) else "an expression"


def _is_null(expression: Node) -> bool:
    """Whether the expression is NULL, however it is cast."""
    while "TypeCast" in expression:
        expression = expression["TypeCast"]["arg"]
    return bool(expression.get("A_Const", {}).get("isnull"))


def default_is_null(expression: str) -> bool:
    """Whether a server default, as SQL text, is NULL. False where it cannot be read."""
    at = At(path=None, line=0, end=0)  # type: ignore[arg-type]
    operations = read_sql(f"ALTER TABLE t ADD c text DEFAULT ({expression})", at)
    return any(isinstance(one, AddColumn) and one.column.default == "NULL" for one in operations)


# What the grammar calls the types that people write with words of their own.
_WRITTEN = {
    "bool": "boolean",
    "bpchar": "character",
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
}


def _type(node: Node) -> str | None:
    """A type as SQL text, with its schema, modifiers and brackets."""
    type_ = node.get("typeName", {})
    names = [one if re.fullmatch(r"[a-z_][a-z0-9_$]*", one) else f'"{one}"' for one in _strings(type_.get("names", ()))]
    if not names:
        return None
    built_in = names[0] == "pg_catalog"
    name = _WRITTEN.get(names[-1], names[-1]) if built_in else ".".join(names)
    # An interval's modifiers are bits of a mask, which no one writes.
    modifiers = () if name == "interval" else [_modifier(one) for one in type_.get("typmods", ())]
    return name + (f"({', '.join(modifiers)})" if modifiers else "") + "[]" * len(type_.get("arrayBounds", ()))


def _modifier(node: Node) -> str:
    """One of a type's modifiers: a number, a string, or a word such as PostGIS has."""
    if column := node.get("ColumnRef"):
        return ".".join(_strings(column["fields"]))
    constant = node.get("A_Const", {})
    if "sval" in constant:
        return f"'{constant['sval'].get('sval', '')}'"
    return str(constant.get("ival", {}).get("ival", 0))


def _table(relation: Node) -> Table:
    return Table(relation["relname"], relation.get("schemaname"))


def _strings(nodes: Any) -> tuple[str, ...]:
    return tuple(one["String"]["sval"] for one in nodes if "String" in one)
