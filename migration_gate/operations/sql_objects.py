"""Tables and indexes made, dropped and renamed, and all that stands beside them, from PostgreSQL's parse nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

from migration_gate.operations.grammar import Node, Statement, constant, named, strings, table
from migration_gate.operations.model import (
    AddEnumValue,
    AlterTable,
    Boundary,
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    Lock,
    NotRead,
    Operation,
    Other,
    RefreshView,
    Reindex,
    Rename,
    RenameColumn,
    RenameTable,
    RewriteTable,
    Set,
    Table,
)
from migration_gate.operations.sql_alter import alter_table
from migration_gate.operations.sql_columns import column

Found = Iterator[Operation]

_LOCKS: tuple[Lock, ...] = get_args(Lock)  # by the number that LockStmt.mode has, less one
_SUE: Lock = "SHARE UPDATE EXCLUSIVE"
_AE: Lock = "ACCESS EXCLUSIVE"


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────


def _create_table(body: Node, here: Statement) -> Found:
    of = table(body["relation"])
    elements = body.get("tableElts", ())
    constraints = [one["Constraint"] for one in elements if "Constraint" in one]
    keys = [key for one in constraints if one["contype"] == "CONSTR_PRIMARY" for key in strings(one.get("keys", ()))]
    definitions = [one["ColumnDef"] for one in elements if "ColumnDef" in one]
    for one in definitions:
        inline = [of_column["Constraint"]["contype"] for of_column in one.get("constraints", ())]
        keys += [one["colname"]] * ("CONSTR_PRIMARY" in inline)
    columns = [column(one, here.text) for one in definitions]
    columns = [one._replace(not_null=True, key=True) if one.name in keys else one for one in columns]
    for definition in definitions:
        constraints += [one["Constraint"] for one in definition.get("constraints", ())]
    references = dict.fromkeys(table(one["pktable"]) for one in constraints if "pktable" in one)
    references.pop(of, None)
    parents = body.get("inhRelations", ()) if "partbound" in body else ()
    yield CreateTable(
        here.at,
        here.call,
        of,
        tuple(columns),
        bool(body.get("if_not_exists")),
        references=tuple(references),
        partition_of=table(parents[0]["RangeVar"]) if parents else None,
    )


def _create_table_as(body: Node, here: Statement) -> Found:
    """A materialized view is a table that is filled by a query: nothing waits for it before it is there."""
    into = body["into"]
    with_data = not into.get("skipData", False)
    yield CreateTable(here.at, here.call, table(into["rel"]), (), bool(body.get("if_not_exists")), with_data)


def _drop(body: Node, here: Statement) -> Found:
    kind = body["removeType"].removeprefix("OBJECT_")
    cascade = body.get("behavior") == "DROP_CASCADE"
    for wrapped in body["objects"]:
        names = strings(wrapped["List"]["items"]) if "List" in wrapped else ()
        if kind == "TABLE":
            yield DropTable(here.at, here.call, named(names), cascade)
        elif kind == "INDEX":
            yield DropIndex(here.at, here.call, names[-1], concurrently=bool(body.get("concurrent")))
        elif kind in ("TRIGGER", "POLICY", "RULE"):
            yield AlterTable(here.at, here.call, named(names[:-1]), f"DROP {kind}", _AE)
        elif cascade and kind in ("SCHEMA", "TYPE", "DOMAIN", "EXTENSION", "FUNCTION"):
            yield NotRead(here.at, here.call, f"DROP {kind} … CASCADE drops whatever depends on it")
        else:
            yield Other(here.at, here.call, "DROP " + kind)


def _drop_owned(body: Node, here: Statement) -> Found:
    yield NotRead(here.at, here.call, "DROP OWNED drops whatever belongs to the role")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────

_KINDS = {
    "ATTRIBUTE": "attribute", "DOMAIN": "type", "DOMCONSTRAINT": "constraint", "FOREIGN_TABLE": "table",
    "FUNCTION": "function", "INDEX": "index", "MATVIEW": "view", "POLICY": "policy", "PROCEDURE": "function",
    "ROUTINE": "function", "RULE": "rule", "SCHEMA": "schema", "SEQUENCE": "sequence", "TABCONSTRAINT": "constraint",
    "TRIGGER": "trigger", "TYPE": "type", "VIEW": "view",
}  # fmt: skip
_PARTS = {"ATTRIBUTE", "POLICY", "RULE", "TABCONSTRAINT", "TRIGGER"}  # of a table or type


def _rename(body: Node, here: Statement) -> Found:
    kind, to = body["renameType"].removeprefix("OBJECT_"), body["newname"]
    relation = table(body["relation"]) if "relation" in body else None
    if kind in ("TABLE", "FOREIGN_TABLE") and relation:
        yield RenameTable(here.at, here.call, relation, Table(to, relation.schema))
    elif kind == "COLUMN" and relation:
        if body.get("relationType") in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
            yield RenameColumn(here.at, here.call, relation, body["subname"], to)
        else:  # of a view
            yield Rename(here.at, here.call, "column", body["subname"], to, relation)
    elif kind in _KINDS:
        own = _object(body)
        name = body.get("subname") or (relation or own or Table("")).name
        yield Rename(here.at, here.call, _KINDS[kind], name, to, (relation or own) if kind in _PARTS else None)
    else:
        yield Other(here.at, here.call, "RENAME " + kind)


def _object(body: Node) -> Table | None:
    """The name of what is neither a table nor like one: a type, a function, a schema."""
    node = body.get("object", {})
    if "List" in node:
        return named(strings(node["List"]["items"]))
    if "ObjectWithArgs" in node:
        return named(strings(node["ObjectWithArgs"]["objname"]))
    return Table(node["String"]["sval"]) if "String" in node else None


def _set_schema(body: Node, here: Statement) -> Found:
    kind, schema = body["objectType"].removeprefix("OBJECT_"), body["newschema"]
    old = table(body["relation"]) if "relation" in body else _object(body)
    if old and kind in ("TABLE", "FOREIGN_TABLE"):
        yield RenameTable(here.at, here.call, old, Table(old.name, schema))
    elif old and kind in _KINDS:
        yield Rename(here.at, here.call, _KINDS[kind], str(old), f"{schema}.{old.name}")
    else:
        yield Other(here.at, here.call, f"ALTER {kind} SET SCHEMA")


def _alter_enum(body: Node, here: Statement) -> Found:
    type_ = named(strings(body["typeName"]))
    if "oldVal" in body:
        yield Rename(here.at, here.call, "enum value", body["oldVal"], body["newVal"], type_)
    else:
        yield AddEnumValue(here.at, here.call, type_, body["newVal"])


# ── indexes and rewrites ─────────────────────────────────────────────────────────────────────────────────


def _create_index(body: Node, here: Statement) -> Found:
    yield CreateIndex(
        here.at,
        here.call,
        table(body["relation"]),
        body.get("idxname"),
        bool(body.get("concurrent")),
        bool(body.get("if_not_exists")),
        bool(body.get("unique")),
        tuple(one["IndexElem"].get("name", "") for one in body.get("indexParams", ())),
        not body["relation"].get("inh", False),
    )


def _option(options: list[Node], name: str) -> bool:
    """An option in brackets that is on: FULL, CONCURRENTLY true."""
    for wrapped in options:
        one = wrapped["DefElem"]
        if one["defname"] == name:
            argument = one.get("arg", {})
            said = argument.get("String", {}).get("sval", "true").lower()
            return said not in ("false", "off") and argument.get("Integer", {"ival": 1}).get("ival", 0) != 0
    return False


def _reindex(body: Node, here: Statement) -> Found:
    concurrently = _option(body.get("params", []), "concurrently")
    relation = table(body["relation"]) if "relation" in body else None
    index = body["kind"] == "REINDEX_OBJECT_INDEX"
    name = relation.name if relation and index else None
    yield Reindex(here.at, here.call, None if index else relation, name, concurrently)


def _cluster(body: Node, here: Statement) -> Found:
    yield RewriteTable(here.at, here.call, table(body["relation"]) if "relation" in body else None, "CLUSTER")


def _vacuum(body: Node, here: Statement) -> Found:
    relations = [one["VacuumRelation"] for one in body.get("rels", ())]
    tables = [table(one["relation"]) for one in relations if "relation" in one]
    if body.get("is_vacuumcmd") and _option(body.get("options", []), "full"):
        all_or_some: list[Table | None] = [*tables] or [None]
        for relation in all_or_some:
            yield RewriteTable(here.at, here.call, relation, "VACUUM FULL")
        return
    what = "VACUUM" if body.get("is_vacuumcmd") else "ANALYZE"
    if not tables:
        yield Other(here.at, here.call, what)
    for one in tables:
        yield AlterTable(here.at, here.call, one, what, _SUE)


def _move_all(body: Node, here: Statement) -> Found:
    yield RewriteTable(here.at, here.call, None, "SET TABLESPACE")


def _refresh(body: Node, here: Statement) -> Found:
    yield RefreshView(here.at, here.call, table(body["relation"]), bool(body.get("concurrent")))


# ── locks and nothing else ───────────────────────────────────────────────────────────────────────────────


def _lock(body: Node, here: Statement) -> Found:
    for wrapped in body["relations"]:
        yield AlterTable(here.at, here.call, table(wrapped["RangeVar"]), "LOCK", _LOCKS[body["mode"] - 1])


def _comment(body: Node, here: Statement) -> Found:
    """On a table or its column; on what belongs to one, a constraint or a trigger, it takes no lock to speak of."""
    kind = body["objtype"]
    names = strings(body["object"].get("List", {}).get("items", ()))
    if kind == "OBJECT_COLUMN":
        names = names[:-1]
    if kind in ("OBJECT_TABLE", "OBJECT_COLUMN") and names:
        yield AlterTable(here.at, here.call, named(names), "COMMENT", _SUE)
    else:
        yield Other(here.at, here.call, "COMMENT")


def _takes(what: str, lock: Lock, field: str = "relation") -> Callable[[Node, Statement], Found]:
    def reader(body: Node, here: Statement) -> Found:
        yield AlterTable(here.at, here.call, table(body[field]), what, lock)

    return reader


def _create_statistics(body: Node, here: Statement) -> Found:
    for wrapped in body.get("relations", ()):
        if "RangeVar" in wrapped:
            yield AlterTable(here.at, here.call, table(wrapped["RangeVar"]), "CREATE STATISTICS", _SUE)


# ── sessions and transactions ────────────────────────────────────────────────────────────────────────────


def _set(body: Node, here: Statement) -> Found:
    if body["kind"] == "VAR_SET_MULTI":
        yield Other(here.at, here.call, "SET " + body.get("name", ""))
        return
    value: str | None = None
    if body["kind"] == "VAR_SET_VALUE":
        given = [constant(one) for one in body.get("args", ())]
        value = None if None in given else ", ".join(one for one in given if one is not None)
    yield Set(here.at, here.call, body.get("name", "all").lower(), value, bool(body.get("is_local")))


_WITHIN = {"TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO"}


def _transaction(body: Node, here: Statement) -> Found:
    if body["kind"] in _WITHIN:
        yield Other(here.at, here.call, "SAVEPOINT")
    else:
        yield Boundary(here.at, here.call, "commit")


READERS: dict[str, Callable[[Node, Statement], Found]] = {
    "AlterEnumStmt": _alter_enum,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterPolicyStmt": _takes("ALTER POLICY", _AE, "table"),
    "AlterTableMoveAllStmt": _move_all,
    "AlterTableStmt": alter_table,
    "ClusterStmt": _cluster,
    "CommentStmt": _comment,
    "CreatePolicyStmt": _takes("CREATE POLICY", _AE, "table"),
    "CreateStatsStmt": _create_statistics,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "CreateTrigStmt": _takes("CREATE TRIGGER", "SHARE ROW EXCLUSIVE"),
    "DropOwnedStmt": _drop_owned,
    "DropStmt": _drop,
    "IndexStmt": _create_index,
    "LockStmt": _lock,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "RenameStmt": _rename,
    "RuleStmt": _takes("CREATE RULE", _AE),
    "TransactionStmt": _transaction,
    "VacuumStmt": _vacuum,
    "VariableSetStmt": _set,
}
