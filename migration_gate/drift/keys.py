"""Which object of the catalog an operation of autogenerate's is about."""

from __future__ import annotations

from typing import Any

from migration_gate.drift.declared import Schemas
from migration_gate.postgres.catalog import Key, facets, join, split
from migration_gate.rules.remedies import quoted

Said = dict[str, Any]  # an operation as the child describes it: injected/migration_gate_inside/compare.py


def key_of(one: Said, schemas: Schemas, default: str) -> Key | None:
    """The object that an operation makes, drops or changes; of one without a name the object that it will be. None
    where that cannot be told.
    """
    schema = one.get("schema") or one.get("source_schema") or default
    table = one.get("table_name") or one.get("source_table")
    kind = one["kind"]
    if table is None:
        return _plugged(one, schemas, default)
    if "Table" in kind:  # comments too
        return Key("table", schema, table)
    if "Index" in kind:
        return Key("index", schema, join(table, one["index_name"])) if one.get("index_name") else None
    if "Column" in kind:
        return Key("column", schema, join(table, one["column_name"]))
    if one.get("constraint_name"):
        return Key("constraint", schema, join(table, one["constraint_name"]))
    return _unnamed(one, schemas, schema, table)


def _unnamed(one: Said, schemas: Schemas, schema: str, table: str) -> Key | None:
    """A constraint that gets its name from the database: the declared one of the same columns, one that the migrations
    have not if there is one.
    """
    word = {"CreateForeignKeyOp": "FOREIGN KEY", "CreateUniqueConstraintOp": "UNIQUE"}.get(one["kind"])
    beginning = f"{word} ({', '.join(map(quoted, one.get('columns', ())))})"
    found = [
        key
        for key, text in schemas.declared.items()
        if key.kind == "constraint"
        and (key.schema, split(key.name)[0]) == (schema, table)
        and facets(text)[0].startswith(beginning)
    ]
    return min(found, key=lambda key: key in schemas.migrated, default=None)


def _plugged(one: Said, schemas: Schemas, default: str) -> Key | None:
    """What a plug-in of autogenerate's proposes: an entity, an enum. Found by its schema and name."""
    about = one.get("about")
    if not about:
        return None
    schema, name = about.get("schema") or default, about["name"].partition("(")[0]
    for key in (*schemas.declared, *schemas.migrated):
        bare = split(key.name)[1] if key.kind in ("trigger", "policy", "rule") else key.name.partition("(")[0]
        if bare == name and key.schema in (schema, "") and key.kind not in ("table", "column", "index", "constraint"):
            return key
    return None
