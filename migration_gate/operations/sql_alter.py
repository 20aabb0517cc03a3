"""ALTER TABLE, from PostgreSQL's parse nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from migration_gate.operations.grammar import Node, Statement, strings, table, text_after
from migration_gate.operations.model import (
    AddColumn,
    AlterTable,
    AttachPartition,
    ChangeType,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropNotNull,
    Lock,
    Operation,
    Other,
    RewriteTable,
    SetDefault,
    SetNotNull,
    Table,
    ValidateConstraint,
)
from migration_gate.operations.sql_columns import CONSTRAINTS, column, constraint, default_text, type_text
from migration_gate.operations.type_names import of_node

Found = Iterator[Operation]


def alter_table(body: Node, here: Statement) -> Found:
    """An AlterTableStmt, each of its commands."""
    kind = body.get("objtype", "").removeprefix("OBJECT_")
    if kind not in ("TABLE", "MATVIEW"):
        yield Other(here.at, here.call, "ALTER " + kind)
        return
    of = table(body["relation"])
    for wrapped in body["cmds"]:
        command = wrapped["AlterTableCmd"]
        reader = _COMMANDS.get(command["subtype"], _other)
        yield from reader(command, of, here)


def _add_column(command: Node, of: Table, here: Statement) -> Found:
    definition = command["def"]["ColumnDef"]
    yield AddColumn(here.at, here.call, of, column(definition, here.text))
    for wrapped in definition.get("constraints", ()):
        if wrapped["Constraint"]["contype"] in CONSTRAINTS:
            yield constraint(wrapped["Constraint"], of, here, definition["colname"])


def _drop_column(command: Node, of: Table, here: Statement) -> Found:
    yield DropColumn(here.at, here.call, of, command["name"], _cascade(command))


def _cascade(command: Node) -> bool:
    return bool(command.get("behavior") == "DROP_CASCADE")


def _set_not_null(command: Node, of: Table, here: Statement) -> Found:
    yield SetNotNull(here.at, here.call, of, command["name"])


def _drop_not_null(command: Node, of: Table, here: Statement) -> Found:
    yield DropNotNull(here.at, here.call, of, command["name"])


def _set_default(command: Node, of: Table, here: Statement) -> Found:
    default = default_text(command["def"]) if command.get("def") else None
    yield SetDefault(here.at, here.call, of, command["name"], default)


def _change_type(command: Node, of: Table, here: Statement) -> Found:
    definition = command["def"]["ColumnDef"]
    type_ = definition["typeName"]
    using = text_after(here.text, type_["location"], b"using") if "raw_default" in definition else None
    yield ChangeType(
        here.at,
        here.call,
        of,
        command["name"],
        type_text(definition),
        to_type=of_node(type_),
        using=using,
    )


def _add_constraint(command: Node, of: Table, here: Statement) -> Found:
    node = command["def"]["Constraint"]
    if node["contype"] in CONSTRAINTS:
        yield constraint(node, of, here)
    elif node["contype"] == "CONSTR_NOTNULL":  # PostgreSQL 18 names NOT NULL constraints
        for name in strings(node.get("keys", ())):
            yield SetNotNull(here.at, here.call, of, name)
    else:
        yield Other(here.at, here.call, "ALTER TABLE " + node["contype"])


def _validate(command: Node, of: Table, here: Statement) -> Found:
    yield ValidateConstraint(here.at, here.call, of, command["name"])


def _drop_constraint(command: Node, of: Table, here: Statement) -> Found:
    yield DropConstraint(here.at, here.call, of, command["name"], _cascade(command))


def _attach(command: Node, of: Table, here: Statement) -> Found:
    yield AttachPartition(here.at, here.call, of, table(command["def"]["PartitionCmd"]["name"]))


def _detach(command: Node, of: Table, here: Statement) -> Found:
    partition = command["def"]["PartitionCmd"]
    yield DetachPartition(here.at, here.call, of, table(partition["name"]), bool(partition.get("concurrent")))


def _rewrite(how: str) -> Callable[[Node, Table, Statement], Found]:
    def reader(command: Node, of: Table, here: Statement) -> Found:
        yield RewriteTable(here.at, here.call, of, how)

    return reader


_COMMANDS: dict[str, Callable[[Node, Table, Statement], Found]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AlterColumnType": _change_type,
    "AT_AttachPartition": _attach,
    "AT_ColumnDefault": _set_default,
    "AT_DetachPartition": _detach,
    "AT_DropColumn": _drop_column,
    "AT_DropConstraint": _drop_constraint,
    "AT_DropNotNull": _drop_not_null,
    "AT_SetAccessMethod": _rewrite("SET ACCESS METHOD"),
    "AT_SetExpression": _rewrite("SET EXPRESSION"),
    "AT_SetLogged": _rewrite("SET LOGGED"),
    "AT_SetNotNull": _set_not_null,
    "AT_SetTableSpace": _rewrite("SET TABLESPACE"),
    "AT_SetUnLogged": _rewrite("SET UNLOGGED"),
    "AT_ValidateConstraint": _validate,
}

# AlterTableGetLockLevel in src/backend/commands/tablecmds.c; what is not here takes ACCESS EXCLUSIVE.
_SUE: Lock = "SHARE UPDATE EXCLUSIVE"
_SRE: Lock = "SHARE ROW EXCLUSIVE"
_LOCKS: dict[str, Lock] = {
    "AT_ClusterOn": _SUE,
    "AT_DetachPartitionFinalize": _SUE,
    "AT_DisableTrig": _SRE,
    "AT_DisableTrigAll": _SRE,
    "AT_DisableTrigUser": _SRE,
    "AT_DropCluster": _SUE,
    "AT_EnableAlwaysTrig": _SRE,
    "AT_EnableReplicaTrig": _SRE,
    "AT_EnableTrig": _SRE,
    "AT_EnableTrigAll": _SRE,
    "AT_EnableTrigUser": _SRE,
    "AT_ResetOptions": _SUE,
    "AT_SetOptions": _SUE,
    "AT_SetStatistics": _SUE,
}
# Storage parameters whose change waits for reads and writes, in src/backend/access/common/reloptions.c.
_STRICT_PARAMETERS = {"user_catalog_table"}
_WORDS = {
    "AT_AddIdentity": "ADD GENERATED AS IDENTITY",
    "AT_AddInherit": "INHERIT",
    "AT_AddOf": "OF",
    "AT_ChangeOwner": "OWNER TO",
    "AT_DetachPartitionFinalize": "DETACH PARTITION FINALIZE",
    "AT_DisableRowSecurity": "DISABLE ROW LEVEL SECURITY",
    "AT_DropCluster": "SET WITHOUT CLUSTER",
    "AT_DropInherit": "NO INHERIT",
    "AT_DropOf": "NOT OF",
    "AT_DropOids": "SET WITHOUT OIDS",
    "AT_EnableAlwaysTrig": "ENABLE ALWAYS TRIGGER",
    "AT_EnableReplicaTrig": "ENABLE REPLICA TRIGGER",
    "AT_EnableRowSecurity": "ENABLE ROW LEVEL SECURITY",
    "AT_ForceRowSecurity": "FORCE ROW LEVEL SECURITY",
    "AT_NoForceRowSecurity": "NO FORCE ROW LEVEL SECURITY",
}
_NAMED = {"AT_EnableTrig", "AT_DisableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_ClusterOn"}


def _other(command: Node, of: Table, here: Statement) -> Found:
    kind = command["subtype"]
    words = _WORDS.get(kind)
    if words is None:  # AT_SetStorage → SET STORAGE
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removeprefix("AT_")).upper().replace("TRIG", "TRIGGER")
    if kind in _NAMED:
        words += " " + command["name"]
    lock = _LOCKS.get(kind, "ACCESS EXCLUSIVE")
    if kind in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        names = [one["DefElem"]["defname"] for one in command["def"]["List"]["items"]]
        words = f"{'SET' if kind == 'AT_SetRelOptions' else 'RESET'} ({', '.join(names)})"
        lock = "ACCESS EXCLUSIVE" if _STRICT_PARAMETERS.intersection(names) else _SUE
    yield AlterTable(here.at, here.call, of, words, lock)
