"""One call of a directive, and its arguments as the names that operations have."""

from __future__ import annotations

import re
from typing import NamedTuple

from migration_gate.operations.model import At, Table
from migration_gate.operations.values import CoreColumn, CoreTable, Imported, Made, Value


class Call(NamedTuple):
    """One call of a directive. ``table`` is the batch's own, None outside of a batch."""

    name: str
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    whole: bool  # False: *args or **keywords that are not known
    at: At
    source: str
    batch: bool = False
    table: Table | None = None

    def get(self, position: int, name: str, default: Value = None) -> Value:
        """An argument by its position outside of a batch, or its name."""
        if self.batch:
            position -= 1  # the table comes first in the calls that ask here
        if 0 <= position < len(self.args):
            return self.args[position]
        return self.keywords.get(name, default)

    def after_name(self, place: int, name: str) -> Value:
        """An argument of a directive whose own name comes first and its table second: ``place`` counts after these."""
        position = place + (1 if self.batch else 2)
        return self.args[position] if position < len(self.args) else self.keywords.get(name)

    def flag(self, name: str) -> bool:
        """Whether a keyword is given and not known to be off."""
        return self.keywords.get(name) not in (None, False)


class NotKnown(Exception):  # noqa: N818
    """An argument that the operation cannot do without is not known."""


def text(value: Value, what: str) -> str:
    """A name. Raises NotKnown where it is computed."""
    if isinstance(value, Made) and value.kind in ("quoted_name", "f"):
        value = value.args[0] if value.args else None
    if isinstance(value, CoreColumn):
        return value.name
    if not isinstance(value, str):
        raise NotKnown(f"{what} is computed")
    return value


def optional_text(value: Value, what: str) -> str | None:
    return None if value is None else text(value, what)


def name_or_none(value: Value) -> str | None:
    """A name, None where there is none and where it is computed."""
    try:
        return optional_text(value, "name")
    except NotKnown:
        return None


def table(call: Call, name: str = "table_name") -> Table:
    """The table of a directive whose first argument it is."""
    if call.batch:
        if call.table is None:
            raise NotKnown("the batch's table is computed")
        return call.table
    return table_of(call.get(0, name), call.keywords.get("schema"))


def table_of(name: Value, schema: Value) -> Table:
    if isinstance(name, CoreTable) and name.table:
        return name.table
    return Table(text(name, "the table's name"), optional_text(schema, "the schema's name"))


def name_then_table(call: Call) -> tuple[Value, Table]:
    """Constraints and indexes are named first, and their table comes second."""
    name = call.args[0] if call.args else call.keywords.get("constraint_name", call.keywords.get("index_name"))
    if call.batch:
        return name, table(call)
    schema = call.keywords.get("schema", call.keywords.get("source_schema"))
    second = call.args[1] if len(call.args) > 1 else call.keywords.get("table_name", call.keywords.get("source_table"))
    return name, table_of(second, schema)


def kind(value: Value) -> str:
    """The name of what was called, or would be: "Text" of ``sa.Text()`` and of ``sa.Text``."""
    if isinstance(value, Made):
        return value.kind
    return value.name.rpartition(".")[2] if isinstance(value, Imported) else ""


def source(value: Value) -> str | None:
    """The value's own text in the file."""
    if isinstance(value, Made):
        return value.source
    return value.name.replace("sqlalchemy.", "sa.") if isinstance(value, Imported) else None


def sql_text(value: Value) -> str | None:
    """SQL that is given as a string or as ``sa.text(…)``; None of anything else."""
    if isinstance(value, Made) and value.kind in ("text", "literal_column") and value.args:
        value = value.args[0]
    return value if isinstance(value, str) else None


def names(value: Value) -> tuple[str, ...]:
    """A list of columns; what is no plain name, an expression, is "" there. Empty where the list is not known."""
    if type(value) not in (list, tuple):
        return ()
    return tuple((name_or_none(one) or "") if not isinstance(one, Made) else _ordered(one) for one in value)


def _ordered(value: Made) -> str:
    """The column of ``sa.text("created_at DESC")`` and of ``sa.desc("created_at")``."""
    if value.kind in ("asc", "desc", "nulls_first", "nulls_last") and value.args:
        return names(value.args[:1])[0]
    found = _ORDERED.fullmatch((sql_text(value) or "").strip())
    return (found["quoted"] or found["plain"].lower()) if found else ""


_ORDERED = re.compile(
    r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[A-Za-z_]\w*))(?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?',
    re.I | re.ASCII,
)
