"""How a revision says what a snapshot's keys and definitions are: names, calls of ``op``, SQL in ``op.execute()``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.operations.model import Table
from migration_gate.postgres.catalog import Key, split
from migration_gate.rules.remedies import execute as execute_text
from migration_gate.rules.remedies import literal, schema_keyword, sql_name


def schema_of(name: str) -> str | None:
    """A schema as a migration names it: ``public`` goes without saying."""
    return None if name in ("", "public") else name


def own_name(key: Key) -> str:
    """The name, qualified, of what belongs to no table."""
    return sql_name(Table(key.name, schema_of(key.schema)))


def table_name(key: Key) -> str:
    """The name of the table that something belongs to."""
    return sql_name(Table(split(key.name)[0], schema_of(key.schema)))


def part_name(key: Key) -> str:
    """The name, qualified, of an index or of statistics, which belong to a table and have names of their own."""
    return sql_name(Table(split(key.name)[1], schema_of(key.schema)))


def call(name: str, key: Key, *arguments: str) -> str:
    """``op.alter_column("users", "age", …)``, of a part of a table."""
    table, part = split(key.name)
    schema = schema_keyword(Table(table, schema_of(key.schema)))
    return f"op.{name}({', '.join((literal(table), literal(part), *arguments))}{schema})"


def execute(sql: str) -> str:
    """The call that runs a statement, whatever it holds: ``op.execute()`` takes ``:name`` for a parameter."""
    text = escaped(sql.strip().rstrip(";"))
    if not all(one.isprintable() or one in "\n\t" for one in text):
        return f"op.execute({literal(text)})"
    if '"' in text and not re.search(r"['\n\\]", text):
        return f"op.execute('{text}')"
    return execute_text(text)


def escaped(sql: str) -> str:
    """SQL as ``sqlalchemy.text()`` takes it."""
    return re.sub(r"\\(?=:)|(?<![:\w]):(?=[\w$]+(?![:\w$]))", r"\\\g<0>", sql)


def value(text: str) -> str:
    """A string as SQL takes it."""
    return "'" + text.replace("'", "''") + "'"


def options(before: str, after: str) -> Iterator[str]:
    """SET and RESET of storage parameters, from "(fillfactor=70, user_catalog_table=true)" to another such list."""
    old, new = _options(before), _options(after)
    if gone := [one for one in old if one not in new]:
        yield f"RESET ({', '.join(gone)})"
    if given := [f"{one} = {_setting(new[one])}" for one in new if new[one] != old.get(one)]:
        yield f"SET ({', '.join(given)})"


def _options(listed: str) -> dict[str, str]:
    pairs = re.findall(r"(?:^|, )([\w.]+)=(.*?)(?=, [\w.]+=|$)", listed.removeprefix("(").removesuffix(")"))
    return dict(pairs)


def _setting(text: str) -> str:
    return text if re.fullmatch(r"\w+|-?\d+(\.\d+)?", text) else value(text)


def with_options(listed: str) -> str:
    """As CREATE takes them."""
    found = ", ".join(f"{name} = {_setting(one)}" for name, one in _options(listed).items())
    return f" WITH ({found})" if found else ""
