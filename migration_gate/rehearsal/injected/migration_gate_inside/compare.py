"""Drift as autogenerate sees it: after an upgrade, what would it still change?

As ``alembic check`` does (its ``RevisionContext.run_autogenerate``), by running the project's env.py once more, so
that its own ``include_object``, ``process_revision_directives`` and plug-ins are honoured.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from functools import cache
from typing import Any

from migration_gate_inside import declared
from migration_gate_inside.errors import is_own, say
from migration_gate_inside.job import emit

FEW = 3  # times as many tables that no model declares as declared ones: nobody leaves out that much on purpose


def compare(config: Any, script: Any) -> None:
    """Run autogenerate against the databases that were just upgraded. Reports; never raises."""
    from alembic.autogenerate import RevisionContext
    from alembic.runtime.environment import EnvironmentContext

    words = {"message": None, "autogenerate": True, "sql": False, "head": "head", "splice": False,
             "branch_label": None, "version_path": None, "rev_id": None, "depends_on": None}  # fmt: skip
    metadata: list[Any] = []
    behind: list[list[str]] = []
    asked = False
    try:
        revisions = RevisionContext(config, script, words)

        def retrieve(heads: Any, context: Any) -> list[Any]:
            nonlocal asked
            asked = True
            if {one.revision for one in script.get_revisions(heads)} != {
                one.revision for one in script.get_revisions("heads")
            }:
                behind.append(list(heads))
            else:
                given = context.opts.get("target_metadata")
                metadata.extend(given if isinstance(given, list | tuple) else [given])
                revisions.run_autogenerate(heads, context)
            return []

        with EnvironmentContext(
            config,
            script,
            fn=retrieve,
            as_sql=False,
            template_args=revisions.template_args,
            revision_context=revisions,
        ):
            script.run_env()
        if not asked:
            emit("not-compared", reason="env.py ended without context.run_migrations()")
            return
        if behind:
            emit("behind", heads=behind[0])
            return
        generated = revisions.generated_revisions
        groups = generated[-1].upgrade_ops_list if generated else []
        operations = [one for ops in groups for one in _describe(ops.ops, metadata)]
        held = sum(len(one.tables) for one in metadata if one is not None)
        unknown = sum(one["kind"] == "DropTableOp" for one in operations)
        if unknown > FEW * held:
            # Each of them would be a finding, and none of them true.
            reason = f"target_metadata has {held} tables, and the migrations make {unknown} more: env.py imports "
            emit("not-compared", reason=reason + "few, if any, of the modules that declare models")
            return
        emit("compared", operations=operations)
    except BaseException as error:  # SystemExit too: an env.py may end with it
        emit("not-compared", reason=f"{type(error).__name__}: {error}")
        say(error)
    finally:
        declared.tell(metadata)


def _describe(operations: Any, metadata: list[Any]) -> list[dict[str, Any]]:
    found = []
    for one in operations:
        if hasattr(one, "ops"):  # all changes of one table
            found += _describe(one.ops, metadata)
        else:
            found.append(_operation(one, metadata))
    return found


_FIELDS = ("table_name", "schema", "column_name", "index_name", "constraint_name", "source_table", "source_schema",
           "referent_table", "comment")  # fmt: skip


def _operation(one: Any, metadata: list[Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": type(one).__name__}
    for name in _FIELDS:
        value = getattr(one, name, None)
        if value is not None:
            said[name] = str(value)
    column = getattr(one, "column", None)
    if column is not None:
        said["column_name"] = str(column.name)
        said["type"] = _type(column.type)
    if said["kind"] == "AlterColumnOp":
        said |= _alterations(one)
    if getattr(one, "columns", None) is not None and "CreateTable" not in said["kind"]:
        said["columns"] = [str(getattr(part, "name", part)) for part in one.columns]
    if said["kind"].startswith("Drop"):
        said |= _dropped(one)
    said["code"] = _code(one)
    table = said.get("table_name") or said.get("source_table")
    said |= _declared_at(metadata, table, said.get("schema") or said.get("source_schema"), said)
    return said


def _dropped(one: Any) -> dict[str, Any]:
    """Of a column that goes, whether rows cannot be written without it; of an index or constraint, its columns."""
    try:
        if said := getattr(one, "to_column", None):
            column = said()
            given = column.server_default or column.identity or column.computed
            return {"required": not column.nullable and not given}
        said = getattr(one, "to_index", None) or getattr(one, "to_constraint", None)
        return {"over": [str(part.name) for part in said().columns]} if said else {}
    except Exception:  # one that a plug-in made, and that does not know what it drops
        return {}


def _alterations(one: Any) -> dict[str, Any]:
    """What an AlterColumnOp changes, as {what: [declared, migrated]}."""
    changes: dict[str, Any] = {}
    if one.modify_type is not None:
        changes["type"] = [_type(one.modify_type), _type(one.existing_type)]
    if one.modify_nullable is not None:
        changes["nullable"] = [one.modify_nullable, one.existing_nullable]
    if one.modify_server_default is not False:
        changes["server default"] = [
            _default(one.modify_server_default),
            _default(one.existing_server_default),
        ]
    if one.modify_comment is not False:
        changes["comment"] = [one.modify_comment, one.existing_comment]
    return {"changes": changes}


def _type(value: Any) -> str:
    from sqlalchemy.dialects import postgresql

    try:
        return str(value.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    except Exception:
        return repr(value)


def _default(value: Any) -> str | None:
    argument = getattr(value, "arg", value)
    if argument in (None, False):
        return None
    return str(getattr(argument, "text", argument))


def _code(one: Any) -> str | None:
    """The call that Alembic would write for it."""
    from alembic.autogenerate import render_python_code
    from alembic.operations.ops import UpgradeOps

    try:
        text = render_python_code(UpgradeOps([one]))
    except Exception:
        return None
    lines = [line[4:] if line.startswith("    ") else line for line in text.split("\n")]
    return "\n".join(line for line in lines if not line.startswith("#")).strip()


def _declared_at(metadata: list[Any], table: str | None, schema: str | None, said: dict[str, Any]) -> dict[str, Any]:
    """The file and line of the model that declares it, if a mapped class does."""
    for one in metadata:
        declared = getattr(one, "tables", {}).get(f"{schema}.{table}" if schema else table)
        if declared is not None:
            return _class_of(declared, said)
    return {}


def _class_of(table: Any, said: dict[str, Any]) -> dict[str, Any]:
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
            if not isinstance(value, type) or value.__dict__.get("__table__") is not table:
                continue
            names = [said.get("index_name"), said.get("constraint_name"), said.get("column_name")]
            return _line_of(value, [*filter(None, names), *said.get("columns", [])[:1]])
    return {}


@cache
def _sources(mapped: type) -> list[tuple[str, list[str], int]]:
    """The text of a class and its bases, with the file and the first line of each. ``inspect`` parses the whole file
    for each class.
    """
    sources = []
    for one in mapped.__mro__:
        try:
            path = os.path.realpath(inspect.getsourcefile(one) or "")
            if is_own(path):
                sources.append((path, *inspect.getsourcelines(one)))
        except (OSError, TypeError):
            continue
    return sources


def _line_of(mapped: type, names: list[str]) -> dict[str, Any]:
    """Where a class, or a mixin or base of it, writes the first of the names that it has; else the class itself."""
    sources = _sources(mapped)
    for name in names:
        pattern = re.compile(rf"^\s+{re.escape(name)}\s*[:=]|['\"]{re.escape(name)}['\"]")
        for path, lines, start in sources:
            for offset, line in enumerate(lines):
                if pattern.search(line):
                    return {"path": path, "line": start + offset}
    return {"path": sources[0][0], "line": sources[0][2]} if sources else {}
