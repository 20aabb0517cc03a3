"""Operations in short, so that a table of what is read can be read itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import AddColumn, At, Column, Operation

HEAD = "from alembic import op\nimport sqlalchemy as sa\n"
FILE = Path("versions/a1.py")
AT = At(FILE, 7, 9)


def upgrade(body: str, head: str = HEAD) -> str:
    """A revision file's text: what stands above upgrade(), and its body."""
    return f"{head}\n\ndef upgrade():\n{indent(dedent(body).strip() or 'pass', '    ')}\n"


def operations(body: str, head: str = HEAD) -> list[Operation]:
    return read_upgrade(FILE, upgrade(body, head).encode())


def read(body: str, head: str = HEAD) -> list[str]:
    """What upgrade() with this body does, in short."""
    return [short(one) for one in operations(body, head)]


def read_statement(sql: str, binds: bool = True) -> list[str]:
    return [short(one) for one in read_sql(sql, AT, binds)]


def short(operation: Operation) -> str:
    """ "AddColumn users phone:sa.Text() NOT NULL": kind, table, columns, and fields that are not empty."""
    words = [type(operation).__name__]
    for name, value in operation._asdict().items():
        if name in ("at", "call", "whole") or value in (None, (), False):
            continue
        if name in ("table", "to", "column", "name", "verb", "kind", "reason", "what"):
            words.append(column(value) if isinstance(value, Column) else str(value))
        elif name == "columns":
            words.append("(" + ", ".join(column(one) if isinstance(one, Column) else one for one in value) + ")")
        elif name == "valid":
            continue
        else:
            words.append(name if value is True else f"{name}={value}")
    if getattr(operation, "valid", True) is False:
        words.append("NOT VALID")
    return " ".join(words)


def column(one: Column) -> str:
    null = {True: " NOT NULL", False: "", None: " NOT NULL?"}[one.not_null]
    fills = {True: " FILLED", False: "", None: " FILLED?"}[one.fills_itself]
    default = f" DEFAULT {one.default}" if one.default is not None else ""
    return f"{one.name}:{one.type}{null}{default}{fills}"


def read_sql_column(type_: str) -> Column:
    """A column of that type, as ADD COLUMN in SQL declares it."""
    added = read_sql(f"ALTER TABLE t ADD c {type_}", AT)[0]
    assert isinstance(added, AddColumn)
    return added.column
