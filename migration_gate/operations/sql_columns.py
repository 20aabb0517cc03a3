"""Columns, their defaults and constraints, from PostgreSQL's parse nodes."""

from __future__ import annotations

import re
from typing import Literal

from migration_gate.operations.grammar import Node, Statement, is_null, number, strings, table, text_after
from migration_gate.operations.model import AddConstraint, Column, Table
from migration_gate.operations.type_names import of_node

Writes = Literal["", "serial", "identity", "generated", "volatile default"] | None

_SERIAL = {"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}
CONSTRAINTS = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_EXCLUSION": "exclude",
}


def column(node: Node, written: bytes = b"") -> Column:
    """A ColumnDef; ``written`` is the text that it stands in."""
    kinds = {one["Constraint"]["contype"]: one["Constraint"] for one in node.get("constraints", ())}
    default = kinds.get("CONSTR_DEFAULT")
    type_ = type_text(node)
    serial = type_ in _SERIAL
    counts = "CONSTR_IDENTITY" in kinds or serial  # and is NOT NULL without saying so
    why: Writes = ""
    if serial or "CONSTR_IDENTITY" in kinds:
        why = "serial" if serial else "identity"
    elif "CONSTR_GENERATED" in kinds:
        why = "generated"
    elif default:
        why = writes(default["raw_expr"])
    return Column(
        name=node["colname"],
        type=type_,
        not_null=counts or "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds,
        default=_default(node, default, written) if default else None,
        fills_itself=counts or "CONSTR_GENERATED" in kinds,
        sql_type=of_node(node.get("typeName", {})),
        writes=why,
    )


def _default(of: Node, default: Node, written: bytes) -> str:
    """DEFAULT's own text, up to the next of the column's constraints."""
    begins = default["location"]
    others = [one["Constraint"].get("location", 0) for one in of["constraints"]]
    if "collClause" in of:
        others.append(of["collClause"].get("location", 0))
    ends = min((one for one in others if one > begins), default=len(written))
    return default_text(default["raw_expr"], text_after(written[:ends], begins, b"default"))


def default_text(expression: Node, written: str | None = None) -> str:
    """ "NULL" where that is what the default is, else its text."""
    return "NULL" if is_null(expression) else written or "an expression"


# ── what a default costs ─────────────────────────────────────────────────────────────────────────────────

# pg_proc.provolatile, measured by a test; those of uuid-ossp, pgcrypto and citext too. statement_timestamp(),
# transaction_timestamp() and now() are STABLE: one value serves all rows.
VOLATILE = frozenset(
    "clock_timestamp currval gen_random_bytes gen_random_uuid gen_salt lastval nextval random random_normal setval "
    "timeofday uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7".split()
)
NOT_VOLATILE = frozenset(
    "abs age array_append array_cat array_fill array_length array_prepend array_remove array_to_json array_to_string "
    "ascii box btrim ceil ceiling char_length character_length chr concat concat_ws convert_from convert_to cos "
    "current_database current_schema current_setting current_user date date_part date_trunc daterange "
    "decode digest div encode exp extract floor format greatest hashtext initcap int4range int8range int8 isfinite "
    "json_array_length json_build_array json_build_object json_object json_typeof jsonb_array_length "
    "jsonb_build_array jsonb_build_object jsonb_object jsonb_set jsonb_typeof justify_days justify_hours "
    "justify_interval left length ln log lower lpad ltrim make_date make_interval make_time make_timestamp "
    "make_timestamptz md5 mod now numrange octet_length overlay pg_backend_pid pi point position power "
    "quote_ident quote_literal regexp_replace repeat replace reverse right round row_to_json rpad rtrim session_user "
    "sha256 sign sin split_part sqrt statement_timestamp string_to_array strpos substr substring text timestamptz "
    "timezone to_char to_date to_hex to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector "
    "transaction_timestamp translate trim_scale trunc tsrange tstzrange upper uuid_nil uuid_ns_dns "
    "uuid_generate_v3 uuid_generate_v5 version".split()
)


def function_writes(names: tuple[str, ...]) -> Writes:
    """Whether a default that calls this function has a value of its own for each row."""
    name = names[-1].lower()
    if name in VOLATILE:
        return "volatile default"
    return "" if name in NOT_VOLATILE and names[:-1] in ((), ("pg_catalog",)) else None


def writes(expression: Node) -> Writes:
    """Whether ADD COLUMN with this default writes the table anew, since PostgreSQL 11: if it calls a VOLATILE function.
    None where it calls one that is not known.
    """
    found: set[Writes] = {function_writes(names) for names in _functions(expression)}
    return "volatile default" if "volatile default" in found else None if None in found else ""


def _functions(node: object) -> list[tuple[str, ...]]:
    """The functions that are called anywhere in an expression. The walk keeps its own stack: a long chain of operators
    is as deep as it is long.
    """
    found, todo = [], [node]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            if "FuncCall" in one:
                found.append(strings(one["FuncCall"]["funcname"]))
            todo += one.values()
    return found


# ── constraints ──────────────────────────────────────────────────────────────────────────────────────────


def constraint(node: Node, of: Table, statement: Statement, column: str | None = None) -> AddConstraint:
    """A Constraint node of one of the kinds of CONSTRAINTS; ``column`` is the one that it is written with."""
    keys = strings(node.get("fk_attrs") or node.get("keys") or ())
    check = node["contype"] == "CONSTR_CHECK"
    return AddConstraint(
        statement.at,
        statement.call,
        of,
        node.get("conname"),
        CONSTRAINTS[node["contype"]],  # type: ignore[arg-type]
        (column,) if column else keys,
        valid=not node.get("skip_validation", False),
        proves_not_null=tuple(not_nulls(node.get("raw_expr", {}))) if check else (),
        references=table(node["pktable"]) if "pktable" in node else None,
        condition=text_after(statement.text, node.get("location", 0), b"check") if check else None,
        inline=column is not None,
        using_index=node.get("indexname"),
    )


def not_nulls(expression: Node) -> list[str]:
    """The columns that a CHECK proves NOT NULL: ``c IS NOT NULL``, alone or under AND."""
    found: list[str] = []
    todo = [expression]
    while todo:
        one = todo.pop()
        if test := one.get("NullTest"):
            if test["nulltesttype"] == "IS_NOT_NULL" and "ColumnRef" in test["arg"]:
                found += strings(test["arg"]["ColumnRef"]["fields"][-1:])
        elif (both := one.get("BoolExpr")) and both["boolop"] == "AND_EXPR":
            todo += reversed(both["args"])
    return found


# ── types as text ────────────────────────────────────────────────────────────────────────────────────────

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


def type_text(node: Node) -> str | None:
    """A ColumnDef's type as SQL text, with its schema, modifiers and brackets."""
    type_ = node.get("typeName", {})
    names = [one if re.fullmatch(r"[a-z_][a-z0-9_$]*", one) else f'"{one}"' for one in strings(type_.get("names", ()))]
    if not names:
        return None
    built_in = names[0] == "pg_catalog"
    name = _WRITTEN.get(names[-1], names[-1]) if built_in else ".".join(names)
    # An interval's modifiers are bits of a mask, which no one writes.
    modifiers = () if name == "interval" else [_modifier(one) for one in type_.get("typmods", ())]
    return name + (f"({', '.join(modifiers)})" if modifiers else "") + "[]" * len(type_.get("arrayBounds", ()))


def _modifier(node: Node) -> str:
    """One of a type's modifiers: a number, a string, or a word such as PostGIS has."""
    if reference := node.get("ColumnRef"):
        return ".".join(strings(reference["fields"]))
    value = node.get("A_Const", {})
    if "sval" in value:
        return f"'{value['sval'].get('sval', '')}'"
    return str(number(node) or 0)
