"""What a branch has taken out of the models and left in the database, for the next release to drop.

The code that runs still names the column in its queries, so the release that takes it out of the models must not drop
it (the rule drops-in-use). Until the next release does, autogenerate finds it, and nothing is wrong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from migration_gate.project.base import Base
from migration_gate.project.model import Project
from migration_gate.project.models_at import Models, mappings, models_at


class Left(NamedTuple):
    """The columns, as (schema, table, column), and the tables, whose column is "", that the base's models map and
    those of the working tree do not. ``name`` is the base's.
    """

    names: frozenset[tuple[str | None, str, str]]
    name: str

    def has(self, operation: dict[str, Any]) -> bool:
        """Whether a difference is one of these, or an index or constraint of a column that is."""
        schema, table = operation.get("schema"), operation.get("table_name")
        columns = [operation["column_name"]] if operation.get("column_name") else operation.get("over", [""])
        return operation["kind"].startswith("Drop") and any((schema, table, one) in self.names for one in columns)


def taken_out(project: Project, base: Base | None, operations: list[dict[str, Any]]) -> Left:
    """What of the differences is there because this branch took it out of the models. Nothing where the base is not
    known: it may as well have been forgotten.
    """
    dropped = [one for one in operations if one["kind"] in ("DropColumnOp", "DropTableOp")]
    if base is None or not dropped:
        return Left(frozenset(), "")
    before, now = models_at(project, base.ref, base.name), models_at(project)
    found = [(one.get("schema"), one["table_name"], one.get("column_name", "")) for one in dropped]
    return Left(frozenset(one for one in found if _mapped(before, *one) and not _mapped(now, *one)), base.name)


def _mapped(models: Models, schema: str | None, table: str, column: str) -> bool:
    found = mappings(models, table, schema)
    return any(column in dict(one.mapped.columns) for one in found) if column else bool(found)
