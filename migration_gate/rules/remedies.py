"""Builds remedies from the user's own call: names as SQL and Python take them, calls changed as syntax trees."""

from __future__ import annotations

import ast
import copy
import re

from migration_gate.operations.grammar import quoted as quoted
from migration_gate.operations.model import AddColumn, AddEnumValue, CreateIndex, Operation, Table


def sql_name(table: Table) -> str:
    """A table's name as SQL takes it."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def literal(text: str) -> str:
    """A name as Python takes it, in double quotes."""
    import json  # 5 ms, only for a remedy

    return json.dumps(text, ensure_ascii=not text.isprintable())


def schema_keyword(table: Table, name: str = "schema") -> str:
    """What the call of a directive ends with where its table is in a schema."""
    return f", {name}={literal(table.schema)}" if table.schema else ""


def python_call(call: str) -> ast.Call | None:
    """An operation's text as a syntax tree; None where it is SQL."""
    try:
        tree = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(tree, ast.Call) or (isinstance(tree.func, ast.Name) and tree.func.id.isupper()):
        return None  # VACUUM (ANALYZE) is both
    return tree


# The arguments that say what a directive is for, as op has them. A batch leaves the table out.
_ARGUMENTS = {
    "add_column": ("table_name", "column"),
    "alter_column": ("table_name", "column_name"),
    "create_check_constraint": ("constraint_name", "table_name", "condition"),
    "create_foreign_key": ("constraint_name", "source_table", "referent_table", "local_cols", "remote_cols"),
    "create_index": ("index_name", "table_name", "columns"),
    "create_primary_key": ("constraint_name", "table_name", "columns"),
    "create_unique_constraint": ("constraint_name", "table_name", "columns"),
    "drop_column": ("table_name", "column_name"),
    "drop_constraint": ("constraint_name", "table_name"),
    "drop_index": ("index_name", "table_name"),
}
_TABLES = ("table_name", "source_table")


def in_batch(call: ast.Call) -> bool:
    """Whether a call is a batch's, not op's: it has one argument less."""
    names = _ARGUMENTS.get(method(call), ())
    if any(isinstance(one, ast.Starred) for one in call.args):
        return False
    return len(call.args) + sum(one.arg in names for one in call.keywords) < len(names)


def out_of_batch(call: ast.Call, table: Table) -> ast.Call:
    """A batch's call as op's own. What stands in a batch runs at its end, and an op.execute() beside it before that."""
    name = method(call)
    at, argument = next((at, one) for at, one in enumerate(_ARGUMENTS[name]) if one in _TABLES)
    schema_is = schema_keyword(table, "source_schema" if argument == "source_table" else "schema")
    made = python_call(f"op.{name}({argument}={literal(table.name)}{schema_is})")
    assert made is not None
    for part in ast.walk(call):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "f":
            part.func = ast.parse("op.f", mode="eval").body  # a batch has one of its own
    table_name, *schema = made.keywords
    kept = [one for one in call.keywords if one.arg not in ("insert_before", "insert_after")]
    if len(call.args) < at:
        return ast.Call(made.func, call.args, [table_name, *kept, *schema])
    return ast.Call(made.func, [*call.args[:at], table_name.value, *call.args[at:]], [*kept, *schema])


def method(call: ast.Call) -> str:
    """The last part of what is called: "add_column"."""
    return ast.unparse(call.func).rpartition(".")[2]


def directive(operation: Operation, *names: str) -> ast.Call | None:
    """The operation's own call, as op has it, where it is one of these directives; else, and for SQL, None. What it is
    about is spelled out where the call has variables for it: a remedy may stand outside of the loop or the helper that
    they belong to.
    """
    call = python_call(operation.call)
    if call is None or method(call) not in names:
        return None
    table = getattr(operation, "table", None)
    if table is None:
        return call
    return _spelled_out(out_of_batch(call, table) if in_batch(call) else call, operation, table)


def _spelled_out(call: ast.Call, operation: Operation, table: Table) -> ast.Call:
    known = _what_it_is_about(operation, table)
    arguments = _ARGUMENTS.get(method(call), ())
    args = [_known(one, known.get(name)) for name, one in zip(arguments, call.args, strict=False)]
    keywords = [ast.keyword(one.arg, _known(one.value, known.get(one.arg or ""))) for one in call.keywords]
    func = ast.parse(f"op.{method(call)}", mode="eval").body if operation.at.inside else call.func
    return ast.Call(func, [*args, *call.args[len(args) :]], keywords)


def _what_it_is_about(operation: Operation, table: Table) -> dict[str, str | None]:
    """The arguments of directives that an operation knows, as source text; None of what it does not."""
    name, columns = getattr(operation, "name", None), getattr(operation, "columns", ())
    other, column = getattr(operation, "references", None), getattr(operation, "column", None)
    given = literal(name) if name and "…" not in name else '"…"' if operation.at.inside else None
    names = [one for one in columns if isinstance(one, str) and one]  # an expression is "", a new table's is a Column
    listed = f"[{', '.join(map(literal, names))}]" if names and len(names) == len(columns) else None
    return {
        **dict.fromkeys(_TABLES, literal(table.name) if "…" not in table.name else None),
        **dict.fromkeys(("index_name", "constraint_name"), given),
        **dict.fromkeys(("columns", "local_cols"), listed),
        **dict.fromkeys(("schema", "source_schema"), literal(table.schema) if table.schema else None),
        "column_name": literal(column) if isinstance(column, str) else None,
        "referent_table": literal(other.name) if isinstance(other, Table) and "…" not in other.name else None,
        "unique": str(operation.unique) if isinstance(operation, CreateIndex) else None,
    }


def _known(value: ast.expr, known: str | None) -> ast.expr:
    """What is written out, by itself or in ``op.f()``, stays as it is."""
    written = value.args[0] if isinstance(value, ast.Call) and method(value) == "f" and value.args else value
    try:
        ast.literal_eval(written)
    except ValueError:
        return ast.parse(known, mode="eval").body if known else value
    return value


def with_keywords(call: ast.Call, **keywords: str | None) -> ast.Call:
    """The call, with keywords set anew, or (None) taken out."""
    kept = [one for one in call.keywords if one.arg not in keywords]
    given = [
        ast.keyword(name, ast.parse(value, mode="eval").body) for name, value in keywords.items() if value is not None
    ]
    return ast.Call(call.func, call.args, [*kept, *given])


def source(call: ast.Call) -> str:
    """A call's text; the place that is left to its reader stands in double quotes."""
    return ast.unparse(call).replace("'…'", '"…"')


def columns_in(call: ast.Call) -> list[ast.Call]:
    """The columns that are written in the call itself."""
    calls = [node for node in ast.walk(call) if isinstance(node, ast.Call)]
    return [one for one in calls if method(one) in ("Column", "mapped_column")]


def add_column(operation: AddColumn) -> ast.Call:
    """The call that adds its column, as op or a batch has it: the user's own, or one made from what is known of it,
    where the column is made somewhere else or the statement is SQL.
    """
    call = python_call(operation.call)
    if call and method(call) == "add_column" and columns_in(call):
        return call
    table, column = operation.table, operation.column
    type_ = f", {column.type}" if column.type else ""
    added = f"sa.Column({literal(column.name)}{type_})"
    made = python_call(f"op.add_column({literal(table.name)}, {added}{schema_keyword(table)})")
    assert made is not None
    return made


def column_with(call: ast.Call, **keywords: str | None) -> str:
    """The call's text, with keywords of its column set anew, or (None) taken out."""
    tree = copy.deepcopy(call)
    column = columns_in(tree)[0]
    column.keywords = [one for one in column.keywords if one.arg not in (*keywords, "primary_key")]
    for name, value in keywords.items():
        if value is not None:
            column.keywords.append(ast.keyword(name, ast.parse(value, mode="eval").body))
    return source(tree)


def added_without(operation: Operation, *parts: str) -> list[str]:
    """The add_column that an index or a constraint comes with, without that: keywords of its column, and classes that
    stand in it. Nothing where it comes by a call of its own, or in SQL.
    """
    call = directive(operation, "add_column")
    if call is None or not columns_in(call):
        return []
    tree = copy.deepcopy(call)
    column = columns_in(tree)[0]
    column.args = [one for one in column.args if not (isinstance(one, ast.Call) and method(one) in parts)]
    column.keywords = [one for one in column.keywords if one.arg not in parts]
    return [source(tree)]


def in_autocommit_block(*lines: str) -> str:
    """The statements, each of which is committed by itself."""
    return "\n".join(["with op.get_context().autocommit_block():", *map(indented, lines)])


def indented(code: str) -> str:
    """Code as the body of a block."""
    return "\n".join("    " + line for line in code.split("\n"))


def tidy(call: str) -> str:
    """A call of several lines as one, where that is short enough to read."""
    try:
        line = ast.unparse(ast.parse(call, mode="eval"))
    except (SyntaxError, ValueError):
        return call
    return line if len(line) <= 110 else call


def execute(sql: str) -> str:
    """The call that runs a statement in a migration."""
    text = sql.replace("\\", r"\\")
    if '"' not in text and "\n" not in text:
        return f'op.execute("{text}")'
    text = text.replace('""', r"\"\"")
    if text.endswith('"') and not text.endswith(r"\""):
        text = text[:-1] + r"\""
    return f'op.execute("""{text}""")'


def statement(operation: Operation) -> str:
    """An operation's own text as a statement of upgrade(), outside of the batch that it may stand in."""
    call = python_call(operation.call)
    if call is None:
        return execute(operation.call.strip("; \n"))
    table = getattr(operation, "table", None)
    if table is None:
        return tidy(operation.call)
    made = _spelled_out(out_of_batch(call, table) if in_batch(call) else call, operation, table)
    return tidy(operation.call) if ast.dump(made) == ast.dump(call) else source(made)


def not_null_in_steps(table: Table, column: str, type_: str | None, version: int) -> str:
    """SET NOT NULL of a column without a scan under ACCESS EXCLUSIVE: from a constraint that is validated apart, which
    from PostgreSQL 18 on may be NOT NULL itself. ``type_`` is the column's, as the migration has it.
    """
    name = f"{table.name}_{column}_not_null"  # as PostgreSQL would call it
    apart = "# and, in a revision that is deployed after it, or with transaction_per_migration=True in env.py:"
    validated = execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {quoted(name)}")
    if version >= 18:
        not_valid = f"ADD CONSTRAINT {quoted(name)} NOT NULL {quoted(column)} NOT VALID"
        return "\n".join([execute(f"ALTER TABLE {sql_name(table)} {not_valid}"), apart, validated])
    schema = schema_keyword(table)
    existing = f", existing_type={type_}" if type_ else ""
    return "\n".join(
        [
            f"op.create_check_constraint({literal(name)}, {literal(table.name)}, "
            f"{literal(f'{quoted(column)} IS NOT NULL')}, postgresql_not_valid=True{schema})",
            apart,
            validated,
            "# and in the next one, which has nothing left to read:",
            f"op.alter_column({literal(table.name)}, {literal(column)}{existing}, nullable=False{schema})",
            f'op.drop_constraint({literal(name)}, {literal(table.name)}, type_="check"{schema})',
        ]
    )


def drop_first(index: CreateIndex) -> str:
    """The statement that drops what an earlier attempt at an index may have left."""
    if python_call(index.call) is None:
        schema = f"{quoted(index.table.schema)}." if index.table.schema else ""
        return execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}{quoted(index.name or '…')}")
    where = f"table_name={literal(index.table.name)}{schema_keyword(index.table)}"
    return f"op.drop_index({literal(index.name or '…')}, {where}, if_exists=True, postgresql_concurrently=True)"


def create_index(index: CreateIndex) -> ast.Call:
    """The call that makes an index concurrently, from what is known of it."""
    columns = ", ".join(literal(one or "…") for one in index.columns) or '"…"'
    unique = ", unique=True" if index.unique else ""
    made = python_call(
        f"op.create_index({literal(index.name or '…')}, {literal(index.table.name)}, [{columns}]{unique}"
        f"{schema_keyword(index.table)}, postgresql_concurrently=True)"
    )
    assert made is not None
    return made


def add_value(operation: AddEnumValue) -> str:
    """The statement that adds a value to an enum, so that it may run twice."""
    again = re.sub(
        r"\bADD\s+VALUE\s+(?!IF\b)", "ADD VALUE IF NOT EXISTS ", operation.call, count=1, flags=re.IGNORECASE
    )
    return statement(operation._replace(call=again))


def makes_enum(text: str) -> str:
    """The line that makes an enum type which some code mentions, "" where it mentions none: Alembic makes it with a new
    table, and not with a column that is added.
    """
    found = re.search(r"\b(?:\w+\.)*(?:Enum|ENUM)\((?:[^()]|\([^()]*\))*\bname=(?:[^()]|\([^()]*\))*\)", text)
    return f"{found[0]}.create(op.get_bind(), checkfirst=True)\n" if found and "create_type=False" not in text else ""
