"""What to write to close one difference: a migration's call, or what the models or the settings should say."""

from __future__ import annotations

from migration_gate.drift import autogenerate
from migration_gate.drift.declared import Schemas
from migration_gate.drift.pairs import Item
from migration_gate.drift.rest import rest
from migration_gate.mending.plan import mends
from migration_gate.mending.sql import own_name, part_name, schema_of, table_name
from migration_gate.operations.model import Table
from migration_gate.postgres.catalog import Key, split
from migration_gate.project.model import Project, command
from migration_gate.rules.remedies import execute, literal, quoted, schema_keyword


def remedy(project: Project, item: Item, schemas: Schemas | None) -> str:
    """Commands or code to paste for one item."""
    code = calls(item, schemas)
    proposed = any(item.operations) and not item.renamed and not item.was
    ways = [command(project, 'migrate -m "…"', 'revision --autogenerate -m "…"')] if proposed else []
    if code:
        ways.append(("# or, by hand, in a new revision:\n" if ways else "# in a new revision:\n") + code)
    text = "\n".join(ways)
    if _is_gone(item):
        return (
            "# declare it in the models, or, if they are not to manage it, leave it out by include_object in env.py,\n"
            f'# or here, in pyproject.toml under [tool.migration-gate]: unmanaged = ["{_pattern(item)} because …"];\n'
            f"# if it is to go, with what it holds:\n{text}"
        )
    return text


def calls(item: Item, schemas: Schemas | None) -> str:
    """The code for a revision's ``upgrade()``: Alembic's own for what it knows, the catalog's for the rest; "" where
    neither knows any.
    """
    if item.key and item.renamed:
        return _called(item.key, item.renamed)
    if item.key and item.was:
        return _renamed(item.key, item.was)
    if item.difference and schemas and any("type" in one.get("changes", ()) for one in item.operations):
        code = "\n".join(mends([item.difference], schemas.real, schemas.target))
        if " USING " in code:  # PostgreSQL does not cast it by itself, and Alembic's code does not say how
            return code
    parts = [autogenerate.code_of(one) for one in item.operations]
    more = [*filter(None, (rest(item.difference, item.operations),)), *item.along]
    if more and schemas:
        parts += mends(more, schemas.real, schemas.target)
    return "\n".join(filter(None, parts))


def _called(new: Key, old: Key) -> str:
    """The object under its other name, where nothing else of it differs."""
    if new.kind == "constraint":
        (_, name), (_, now) = split(old.name), split(new.name)
        statement = f"ALTER TABLE {table_name(old)} RENAME CONSTRAINT {quoted(name)} TO"
        return execute(f"{statement} {quoted(now)}")
    was, now = (part_name(old), split(new.name)[1]) if new.kind == "index" else (own_name(old), new.name)
    return execute(f"ALTER {new.kind.upper()} {was} RENAME TO {quoted(now)}")


def _renamed(new: Key, old: Key) -> str:
    if new.kind == "table":
        at = schema_keyword(Table(old.name, schema_of(old.schema)))
        return f"op.rename_table({literal(old.name)}, {literal(new.name)}{at})"
    (table, name), (_, now) = split(old.name), split(new.name)
    at = schema_keyword(Table(table, schema_of(old.schema)))
    return f"op.alter_column({literal(table)}, {literal(name)}, new_column_name={literal(now)}{at})"


def _is_gone(item: Item) -> bool:
    if item.renamed or item.was:
        return False
    if item.difference:
        return item.difference.after is None
    return all(one["kind"].startswith("Drop") for one in item.operations)


def _pattern(item: Item) -> str:
    """How the setting ``unmanaged`` names it."""
    if item.key is None:
        one = item.operations[-1]
        return f"table {one.get('table_name') or one.get('source_table') or '…'}"
    name = item.key.name.partition("(")[0]
    return f"{item.key.kind} {name if item.key.schema == 'public' else f'{item.key.schema}.{name}'.lstrip('.')}"
