"""What autogenerate would still change, said in plain words: what it is about, and the call to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from migration_gate.drift.taken_out import Left
from migration_gate.drift.unimported import files
from migration_gate.findings import Finding, Note
from migration_gate.project.model import Project
from migration_gate.rehearsal.child import Ran
from migration_gate.rules.remedies import makes_enum


def required(operation: dict[str, Any], left: Left) -> Finding:
    """A column that is left behind, and that rows cannot be written without."""
    message = (
        f"{object_of(operation)} is taken out of {left.name}'s models here, and is NOT NULL without a default: each "
        "INSERT of this branch's code fails. Let rows be written without it, and drop it in the next release"
    )
    schema = f", schema={operation['schema']!r}" if operation.get("schema") else ""
    call = f"op.alter_column({operation['table_name']!r}, {operation['column_name']!r}, nullable=True{schema})"
    return Finding("drift", message, remedy=f"# in a new revision:\n{call}")


# Reasons that come of models that were not loaded: the gate's own, and SQLAlchemy's NoReferencedTableError.
_FEW_LOADED = ("modules that declare models", "could not find table")


def why_not(project: Project, ran: Ran) -> str:
    """Why there was no comparison at all, and what to do."""
    ways = 'To leave it out: ignore = ["drift"] in pyproject.toml, under [tool.migration-gate]'
    if reasons := ran.of("not-compared"):
        reason = reasons[-1]["reason"].split("\n")[0]
        if "does not provide a MetaData" in reason:
            return f"{project.name}: env.py has no target_metadata, so drift cannot be compared. {ways}"
        if any(said in reason for said in _FEW_LOADED) and (paths := files(project, ran)):
            reason += f" (not imported: {paths})"
        return f"{project.name}: drift could not be compared: {reason}. {ways}"
    return f"{project.name}: drift was not compared, because the upgrade did not go through env.py. {ways}"


def comparisons(project: Project, ran: Ran) -> Note:
    """What autogenerate was asked."""
    on = ran.of("configured")[-1]
    parts = ["tables, columns, nullability, indexes, unique constraints, foreign keys"]
    parts.append("types" if on["compare_type"] else "types not (compare_type is off)")
    default = on["compare_server_default"]
    parts.append("server defaults" if default else "server defaults not (compare_server_default is off)")
    if not on["include_schemas"]:
        parts.append("the default schema only (include_schemas is off)")
    filters = [name for name in ("include_object", "include_name") if on[name]]
    if filters:
        parts.append(f"less what env.py's {' and '.join(filters)} leaves out")
    return Note(f"{project.name}: autogenerate compared {'; '.join(parts)}")


def code_of(one: dict[str, Any]) -> str:
    """Alembic's own code for an operation, with what has to be said or done before it; "" where it has none."""
    return _before(one) + (one.get("code") or "")


def _before(operation: dict[str, Any]) -> str:
    """What has to be said or done before Alembic's own code for it: the enum type, rows that hold NULL."""
    code = operation.get("code") or ""
    if operation["kind"] == "AddColumnOp":
        needs = "nullable=False" in code and "server_default" not in code
        return makes_enum(code) + ("# where the table has rows, it needs a server_default\n" if needs else "")
    if operation.get("changes", {}).get("nullable", [True])[0] is not False:
        return ""
    table, column = _table(operation), operation["column_name"]
    return f'op.execute("UPDATE {table} SET {column} = … WHERE {column} IS NULL")\n'


def grouped(operations: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Each difference once. A drop and a create of the same index or constraint are one difference: it is another. What
    goes with its table is said with that.
    """
    gone = {_table(one) for one in operations if one["kind"] == "DropTableOp"}
    found: dict[object, list[dict[str, Any]]] = {}
    for one in operations:
        part = one["kind"] in ("DropIndexOp", "DropConstraintOp")
        if part and _table(one) in gone:
            continue
        paired = _named(one) and (part or one["kind"].startswith("Create"))
        found.setdefault(object_of(one) if paired else id(one), []).append(one)
    for same in found.values():
        yield tuple(same)


def sentence(operations: Sequence[dict[str, Any]]) -> str:
    """What a difference is, from its operations alone."""
    if len(operations) > 1:
        return f"{object_of(operations[0])} is declared in another way than the migrations build it"
    return _sentence(operations[0])


def _named(one: dict[str, Any]) -> bool:
    return bool(one.get("index_name") or one.get("constraint_name"))


def _table(one: dict[str, Any]) -> str:
    schema = one.get("schema") or one.get("source_schema")
    name = one.get("table_name") or one.get("source_table") or "?"
    return f"{schema}.{name}" if schema else str(name)


def object_of(one: dict[str, Any]) -> str:
    """What an operation is about, in words that PostgreSQL's own messages use."""
    columns = f" ({', '.join(one['columns'])})" if one.get("columns") else ""
    kind = one["kind"]
    if "Index" in kind:
        return f"index `{one.get('index_name')}` on `{_table(one)}`"
    if "Table" in kind and "Comment" not in kind:
        return f"table `{_table(one)}`"
    if one.get("column_name"):
        return f"column `{_table(one)}.{one['column_name']}`"
    if "TableComment" in kind:
        return f"the comment of table `{_table(one)}`"
    name = one.get("constraint_name")
    if "ForeignKey" in kind:
        what = f"foreign key `{name}`" if name else "a foreign key"
        return f"{what} from `{_table(one)}` to `{one.get('referent_table')}`"
    if name:
        return f"constraint `{name}` on `{_table(one)}`"
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removeprefix("Create").removesuffix("Op")).lower()
    return f"a {spaced} on `{_table(one)}`{columns}"


_KNOWN = ("Index", "Table", "Column", "Constraint", "ForeignKey", "PrimaryKey")


def _sentence(one: dict[str, Any]) -> str:
    kind, what = one["kind"], object_of(one)
    if kind == "AlterColumnOp":
        return f"{what} " + "; ".join(_change(name, *pair) for name, pair in one["changes"].items())
    if kind.startswith("Drop") and any(word in kind for word in _KNOWN):
        return f"{what} is made by the migrations and is not in the models"
    if kind.startswith(("Create", "Add")) and any(word in kind for word in _KNOWN):
        type_ = f" ({one['type']})" if kind == "AddColumnOp" and one.get("type") else ""
        return f"{what}{type_} is in the models and in no migration"
    return f"autogenerate proposes {kind}: {one.get('code') or 'no code'}"


def _change(name: str, declared: object, migrated: object) -> str:
    if name == "nullable":
        words = {True: "nullable", False: "NOT NULL"}
        return f"is {words[bool(declared)]} in the models and {words[bool(migrated)]} in the migrations"
    if name == "type":
        return f"is {declared} in the models and {migrated} in the migrations"
    said = "none" if declared is None else declared
    return f"has the {name} {said} in the models and {'none' if migrated is None else migrated} in the migrations"
