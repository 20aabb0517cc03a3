"""What autogenerate would still change, said in plain words: one sentence per object, and the call to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from migration_gate.drift.taken_out import Left, taken_out
from migration_gate.drift.unimported import files, unseen
from migration_gate.findings import Finding, Note
from migration_gate.project.base import Base
from migration_gate.project.model import Project, command
from migration_gate.rehearsal.child import Ran
from migration_gate.rules.remedies import makes_enum


class Compared(NamedTuple):
    """The result of a comparison, or the reason why there is none. ``left`` counts what the branch took out of the
    models for the next release to drop.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    problem: str | None = None
    left: int = 0


def compared(project: Project, ran: Ran, base: Base | None = None) -> Compared:
    """Drift, from the last comparison that an upgrade reported."""
    results = ran.of("compared")
    if not results:
        return Compared(problem=_why_not(project, ran))
    operations = results[-1]["operations"]
    left = taken_out(project, base, operations)
    hidden = unseen(project, ran, operations)
    found = [*hidden.findings]
    notes: list[Note] = []
    for sentence, one in sentences(operations):
        if hidden.has(one):
            continue
        if not left.has(one):
            found.append(_finding(project, sentence, one))
        elif one.get("required"):
            found.append(_required(one, left))
        else:
            said = f"{_object(one)} is taken out of {left.name}'s models here: drop it in the next release"
            notes.append(Note(said, rule="drift"))
    # Autogenerate's own order is that of sets, another one each time.
    findings = tuple(sorted(found, key=_order))
    return Compared(
        findings,
        (*sorted(notes, key=lambda one: one.message), *hidden.notes, _comparisons(project, ran)),
        left=len(notes),
    )


def _required(operation: dict[str, Any], left: Left) -> Finding:
    """A column that is left behind, and that rows cannot be written without."""
    message = (
        f"{_object(operation)} is taken out of {left.name}'s models here, and is NOT NULL without a default: each "
        "INSERT of this branch's code fails. Let rows be written without it, and drop it in the next release"
    )
    schema = f", schema={operation['schema']!r}" if operation.get("schema") else ""
    call = f"op.alter_column({operation['table_name']!r}, {operation['column_name']!r}, nullable=True{schema})"
    return Finding("drift", message, remedy=f"# in a new revision:\n{call}")


def _order(one: Finding) -> tuple[object, ...]:
    """By file; tables and columns before what is built on them, so that pasted in this order the remedies run."""
    built_on = not one.message.startswith(("table", "column"))
    return one.path is None, one.path or "", built_on, one.line or 0, one.message


# Reasons that come of models that were not loaded: the gate's own, and SQLAlchemy's NoReferencedTableError.
_FEW_LOADED = ("modules that declare models", "could not find table")


def _why_not(project: Project, ran: Ran) -> str:
    ways = 'To leave it out: ignore = ["drift"] in pyproject.toml, under [tool.migration-gate]'
    if reasons := ran.of("not-compared"):
        reason = reasons[-1]["reason"].split("\n")[0]
        if "does not provide a MetaData" in reason:
            return f"{project.name}: env.py has no target_metadata, so drift cannot be compared. {ways}"
        if any(said in reason for said in _FEW_LOADED) and (paths := files(project, ran)):
            reason += f" (not imported: {paths})"
        return f"{project.name}: drift could not be compared: {reason}. {ways}"
    return f"{project.name}: drift was not compared, because the upgrade did not go through env.py. {ways}"


def _comparisons(project: Project, ran: Ran) -> Note:
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
    return Note(
        f"{project.name}: autogenerate compared {'; '.join(parts)}. It never sees primary keys, CHECK constraints, "
        "enum labels, triggers, views or functions"
    )


def _finding(project: Project, sentence: str, operation: dict[str, Any]) -> Finding:
    code = _before(operation) + (operation.get("code") or "")
    remedy = command(project, 'migrate -m "…"', 'revision --autogenerate -m "…"') + (
        f"\n# or, by hand, in a new revision:\n{code}" if code else ""
    )
    if operation["kind"].startswith("Drop"):
        remedy = (
            "# declare it in the models, or, if they are not to manage it, leave it out by include_object in env.py;\n"
            f"# if it is to go, with what it holds:\n{remedy}"
        )
    return Finding("drift", sentence, operation.get("path"), operation.get("line"), None, remedy)


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


def sentences(operations: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each difference once. A drop and a create of the same index or constraint are one difference: it is another."""
    dropped = {
        _object(one): one for one in operations if one["kind"] in ("DropIndexOp", "DropConstraintOp") and _named(one)
    }
    gone = {_table(one) for one in operations if one["kind"] == "DropTableOp"}
    made = {_object(one) for one in operations if one["kind"].startswith("Create") and _named(one)}
    for one in operations:
        kind = one["kind"]
        if kind in ("DropIndexOp", "DropConstraintOp") and (
            (_named(one) and _object(one) in made) or _table(one) in gone
        ):
            continue  # said with what replaces it, or with its table
        if kind.startswith("Create") and _named(one) and _object(one) in dropped:
            old = dropped[_object(one)].get("code") or ""
            code = "\n".join(filter(None, (old, one.get("code"))))
            yield (
                f"{_object(one)} is declared in another way than the migrations build it",
                {**one, "code": code},
            )
        else:
            yield _sentence(one), one


def _named(one: dict[str, Any]) -> bool:
    return bool(one.get("index_name") or one.get("constraint_name"))


def _table(one: dict[str, Any]) -> str:
    schema = one.get("schema") or one.get("source_schema")
    name = one.get("table_name") or one.get("source_table") or "?"
    return f"{schema}.{name}" if schema else str(name)


def _object(one: dict[str, Any]) -> str:
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
    kind, what = one["kind"], _object(one)
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
