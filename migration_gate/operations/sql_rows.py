"""Statements that change rows, from PostgreSQL's parse nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migration_gate.operations.grammar import Node, Statement, constant, is_null, strings, table
from migration_gate.operations.model import ChangeRows, CreateTable, NotRead, Operation, Other, Set
from migration_gate.operations.sql_columns import NOT_VOLATILE, VOLATILE


def _update(body: Node, here: Statement) -> Iterator[Operation]:
    values = {one["ResTarget"].get("name", ""): _assigned(one["ResTarget"]) for one in body.get("targetList", ())}
    to_null = tuple(name for name, value in values.items() if is_null(value))
    filled = _every_null(body, [name for name, value in values.items() if _never_null(value)])
    whole = not {"whereClause", "fromClause"} & body.keys()
    yield ChangeRows(here.at, here.call, table(body["relation"]), "UPDATE", tuple(values), filled, whole, to_null)
    yield from _changes_in_with(body, here)


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
            name = strings(body["funcname"])[-1]
            return name in ALWAYS or (name in _STRICT and all(map(_never_null, body.get("args", ()))))
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
ALWAYS = {
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
    where = _where(body)
    if where is None:
        return tuple(columns)
    test = where.get("NullTest", {})
    if test.get("nulltesttype") == "IS_NULL" and "ColumnRef" in test["arg"]:
        return tuple(name for name in strings(test["arg"]["ColumnRef"]["fields"][-1:]) if name in columns)
    return ()


def _where(body: Node) -> Node | None:
    """A statement's WHERE; None where it has none, and where it is of every row: WHERE true, WHERE 1 = 1."""
    where: Node | None = body.get("whereClause")
    if where is None or where.get("A_Const", {}).get("boolval", {}).get("boolval"):
        return None
    test = where.get("A_Expr", {})
    left, right = (_value(test.get(side, {})) for side in ("lexpr", "rexpr"))
    equal = strings(test.get("name", ())) == ("=",) and left is not None and left == right
    return None if equal else where


def _value(node: Node) -> Node | None:
    constant = node.get("A_Const", {})
    return {name: one for name, one in constant.items() if name != "location"} or None


def _insert(body: Node, here: Statement) -> Iterator[Operation]:
    yield ChangeRows(here.at, here.call, table(body["relation"]), "INSERT")
    if targets := body.get("onConflictClause", {}).get("targetList"):
        columns = tuple(one["ResTarget"].get("name", "") for one in targets)
        yield ChangeRows(here.at, here.call, table(body["relation"]), "UPDATE", columns, ())
    yield from _changes_in_with(body, here)


def _merge(body: Node, here: Statement) -> Iterator[Operation]:
    """MERGE changes those rows that its condition finds: all of them or some, nobody can say by reading."""
    for wrapped in body.get("mergeWhenClauses", ()):
        clause = wrapped["MergeWhenClause"]
        verb = {"CMD_UPDATE": "UPDATE", "CMD_DELETE": "DELETE", "CMD_INSERT": "INSERT"}.get(clause["commandType"])
        if verb:
            columns = tuple(one["ResTarget"].get("name", "") for one in clause.get("targetList", ()))
            columns = columns if verb == "UPDATE" else ()
            yield ChangeRows(here.at, here.call, table(body["relation"]), verb, columns, ())  # type: ignore[arg-type]
    yield from _changes_in_with(body, here)


def _copy(body: Node, here: Statement) -> Iterator[Operation]:
    if body.get("is_from"):
        yield ChangeRows(here.at, here.call, table(body["relation"]), "INSERT")
    else:
        yield Other(here.at, here.call, "COPY TO")


def _delete(body: Node, here: Statement) -> Iterator[Operation]:
    whole = "usingClause" not in body and _where(body) is None
    yield ChangeRows(here.at, here.call, table(body["relation"]), "DELETE", whole=whole)
    yield from _changes_in_with(body, here)


def _truncate(body: Node, here: Statement) -> Iterator[Operation]:
    for wrapped in body["relations"]:
        yield ChangeRows(here.at, here.call, table(wrapped["RangeVar"]), "TRUNCATE", whole=True)


def _select(body: Node, here: Statement) -> Iterator[Operation]:
    if "intoClause" in body:
        yield CreateTable(here.at, here.call, table(body["intoClause"]["rel"]), from_query=True)
    else:
        yield from _called(body, here) or [Other(here.at, here.call, "SELECT")]
    yield from _changes_in_with(body, here)


def _called(body: Node, here: Statement) -> list[Operation]:
    """What a query that only calls functions does: ``SELECT set_config(…)``, ``SELECT audit_table('t')``."""
    found: list[Operation] = []
    if "fromClause" in body:
        return found
    for one in body.get("targetList", ()):
        call = one["ResTarget"].get("val", {}).get("FuncCall")
        if call is None:
            continue
        names = strings(call["funcname"])
        if names[-1] == "set_config" and len(call.get("args", ())) == 3:
            name, value, local = map(constant, call["args"])
            if name is not None:
                found.append(Set(here.at, here.call, name.lower(), value, local != "false"))
                continue
        if not _reads_only(names):
            found.append(NotRead(here.at, here.call, f"what the function {'.'.join(names)}() does is not read"))
    return found


def _reads_only(names: tuple[str, ...]) -> bool:
    """Whether a function is one of PostgreSQL's own that change neither tables nor rows."""
    name = names[-1]
    known = name in NOT_VOLATILE or name in VOLATILE or name in _AGGREGATES or name in ALWAYS or name in _STRICT
    return names[:-1] == ("pg_catalog",) or (len(names) == 1 and (known or name.startswith(("pg_", "to_reg", "has_"))))


def _changes_in_with(body: Node, here: Statement) -> Iterator[Operation]:
    """WITH may hold statements that change rows."""
    for wrapped in body.get("withClause", {}).get("ctes", ()):
        query = wrapped["CommonTableExpr"]["ctequery"]
        if "SelectStmt" not in query:
            yield from changes(query, here)


_READERS: dict[str, Callable[[Node, Statement], Iterator[Operation]]] = {
    "CopyStmt": _copy,
    "DeleteStmt": _delete,
    "InsertStmt": _insert,
    "MergeStmt": _merge,
    "SelectStmt": _select,
    "TruncateStmt": _truncate,
    "UpdateStmt": _update,
}
KINDS = frozenset(_READERS)


def changes(node: Node, here: Statement) -> Iterator[Operation]:
    """The operations of a statement of one of KINDS, those in its WITH included."""
    (kind, body), *_ = node.items()
    if reader := _READERS.get(kind):
        yield from reader(body, here)
