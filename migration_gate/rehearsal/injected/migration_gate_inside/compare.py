"""Drift as autogenerate sees it: after an upgrade, what would it still change?

As ``alembic check`` does (its ``RevisionContext.run_autogenerate``), by running the project's env.py once more, so
that its own ``include_object``, ``process_revision_directives`` and plug-ins are honoured.
"""

from __future__ import annotations

from typing import Any

from migration_gate_inside import loaded
from migration_gate_inside.declare import declare
from migration_gate_inside.errors import say
from migration_gate_inside.job import emit
from migration_gate_inside.mapped import declared_at

FEW = 3  # times as many tables that no model declares as declared ones: nobody leaves out that much on purpose


def compare(config: Any, script: Any) -> None:
    """Run autogenerate against the databases that were just upgraded. Reports; never raises."""
    from alembic.autogenerate import RevisionContext
    from alembic.runtime.environment import EnvironmentContext

    words = {"message": None, "autogenerate": True, "sql": False, "head": "head", "splice": False,
             "branch_label": None, "version_path": None, "rev_id": None, "depends_on": None}  # fmt: skip
    metadata: list[Any] = []
    behind: list[list[str]] = []
    operations: list[dict[str, Any]] = []
    asked = seen = 0
    try:
        revisions = RevisionContext(config, script, words)

        def retrieve(heads: Any, context: Any) -> list[Any]:
            nonlocal asked, seen
            asked += 1
            if {one.revision for one in script.get_revisions(heads)} != {
                one.revision for one in script.get_revisions("heads")
            }:
                behind.append(list(heads))
            else:
                given = context.opts.get("target_metadata")
                own = given if isinstance(given, list | tuple) else [given]
                metadata.extend(own)
                refused = _hook(context, metadata)
                revisions.run_autogenerate(heads, context)
                generated = revisions.generated_revisions  # none where env.py has emptied its list of directives
                groups = generated[-1].upgrade_ops_list if generated else []
                database = declare(context, [one for one in own if one is not None])
                for group in groups[seen:]:
                    operations.extend({**one, "database": database} for one in describe(group.ops, metadata, context))
                left = [one for one in refused if not any(_same(one, other) for other in operations)]
                emit("left-out", database=database, operations=left)
                seen = len(groups)
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
        loaded.tell(metadata)


def _hook(context: Any, metadata: list[Any]) -> list[dict[str, Any]]:
    """What autogenerate has found before env.py's ``process_revision_directives`` takes from it what it will: filled as
    soon as that is called.
    """
    found: list[dict[str, Any]] = []
    real = context.opts.get("process_revision_directives")

    def hook(migration: Any, revision: Any, directives: Any) -> None:
        for one in directives:
            found.extend(describe(one.upgrade_ops_list[-1].ops, metadata, context))
        real(migration, revision, directives)

    if real is not None:
        context.opts["process_revision_directives"] = hook
    return found


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(other.get(name) == value for name, value in one.items())


def describe(operations: Any, metadata: list[Any], context: Any) -> list[dict[str, Any]]:
    """Autogenerate's operations, one after the other, each with the code that Alembic would write for it."""
    found = []
    for one in operations:
        if hasattr(one, "ops"):  # all changes of one table
            found += describe(one.ops, metadata, context)
        else:
            found.append(_operation(one, metadata, context))
    return found


_FIELDS = ("table_name", "schema", "column_name", "index_name", "constraint_name", "source_table", "source_schema",
           "referent_table", "comment")  # fmt: skip


def _operation(one: Any, metadata: list[Any], context: Any) -> dict[str, Any]:
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
    elif getattr(one, "local_cols", None) is not None:
        said["columns"] = [str(name) for name in one.local_cols]
    if said["kind"].startswith("Drop"):
        said |= _dropped(one)
    if not {"table_name", "source_table"} & said.keys():
        said |= _about(one)
    said |= _code(one, context)
    table = said.get("table_name") or said.get("source_table")
    said |= declared_at(metadata, table, said.get("schema") or said.get("source_schema"), said)
    return said


def _about(one: Any) -> dict[str, Any]:
    """The object of an operation that a plug-in has added to Alembic's: what it has that has a name, or itself."""
    for holder in (*vars(one).values(), one):
        name = getattr(holder, "signature", None) or getattr(holder, "name", None)
        if isinstance(name, str):
            return {"about": {"name": name, "schema": getattr(holder, "schema", None)}}
    return {}


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


def _code(one: Any, context: Any) -> dict[str, Any]:
    """The call that Alembic would write for it, as env.py has it written, and the imports that it needs."""
    from alembic.autogenerate.api import AutogenContext
    from alembic.autogenerate.render import render_op

    written = AutogenContext(context, autogenerate=False)
    try:
        lines = "\n".join(map(str, render_op(written, one))).split("\n")
    except Exception:
        return {"code": None}
    code = "\n".join(line for line in lines if not line.startswith("#")).strip()
    return {"code": code, "imports": sorted(written.imports)}
