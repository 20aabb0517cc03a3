"""How a type becomes another one: an enum's labels, a composite's attributes; what cannot be changed is made anew.

Source: PostgreSQL's documentation, "ALTER TYPE": labels can be added and renamed, and neither taken away nor moved; a
label that is added cannot be used in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migration_gate.mending import columns
from migration_gate.mending.sql import execute, own_name, schema_of, table_name
from migration_gate.operations.model import Table
from migration_gate.postgres.catalog import Key, Snapshot, facets, split
from migration_gate.rules.remedies import quoted, sql_name

_LABEL = re.compile(r"E?'(?:[^']|'')*'")
_ATTRIBUTE = re.compile(r'("(?:[^"]|"")*"|[^\s"]+) (.+)')


def in_place(key: Key, before: Snapshot, after: Snapshot) -> bool:
    """Whether PostgreSQL can make one of the other."""
    old, new = facets(before[key])[0], facets(after[key])[0]
    if old == new:
        return key.kind != "domain" or _collation(before[key]) == _collation(after[key])
    if key.kind == "enum":
        return _renamed(old, new) is not None or (
            _is_longer(old, new) and not _used_at_once(key, old, new, before, after)
        )
    if key.kind == "composite":
        return not users(key, before, after) and _keeps_its_order(old, new)
    return False


def _collation(domain: str) -> list[str]:
    return [one for one in facets(domain) if one.startswith("COLLATE ")]


def _renamed(old: str, new: str) -> tuple[str, str] | None:
    """The one label that has another name."""
    was, now = _LABEL.findall(old), _LABEL.findall(new)
    other = [pair for pair in zip(was, now, strict=False) if pair[0] != pair[1]]
    fresh = len(was) == len(now) and len(other) == 1 and other[0][1] not in was and other[0][0] not in now
    return other[0] if fresh else None


def _is_longer(old: str, new: str) -> bool:
    was = _LABEL.findall(old)
    return [one for one in _LABEL.findall(new) if one in was] == was


def _used_at_once(key: Key, old: str, new: str, before: Snapshot, after: Snapshot) -> bool:
    added = set(_LABEL.findall(new)) - set(_LABEL.findall(old))
    changed = (text for one, text in after.items() if text != before.get(one) and one != key)
    type_ = f"{quoted(key.schema)}.{quoted(key.name)}"
    return any(f"{label}::{type_}" in text for text in changed for label in added)


def _attributes(body: str) -> dict[str, str]:
    """A composite's "(street text, price numeric(8,2))" by name."""
    listed = re.split(r", (?=[^()]*(?:\([^()]*\)[^()]*)*$)", body[1:-1])
    return {found[1]: found[2] for one in listed if (found := _ATTRIBUTE.fullmatch(one))}


def _keeps_its_order(old: str, new: str) -> bool:
    was, now = _attributes(old), list(_attributes(new))
    kept = [one for one in was if one in now]
    return now[: len(kept)] == kept


def users(key: Key, before: Snapshot, after: Snapshot) -> list[Key]:
    """The columns that are of a type, or of arrays of it, in both."""
    return [
        one
        for one in before
        if one.kind == "column" and one in after and all(_is_of(key, side[one]) for side in (before, after))
    ]


def _is_of(key: Key, definition: str) -> bool:
    names = re.findall(r'"(?:[^"]|"")*"|[^."]+', columns.read(definition).type.removesuffix("[]"))
    return [one[1:-1].replace('""', '"') if one.startswith('"') else one for one in names] == [key.schema, key.name]


def altered(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Labels and attributes, in place; what else a type has is statements.py's."""
    old, new = facets(before[key])[0], facets(after[key])[0]
    at = f"ALTER TYPE {own_name(key)}"
    if old == new:
        return
    if key.kind == "composite":
        had, has = _attributes(old), _attributes(new)
        words = [f"DROP ATTRIBUTE {one}" for one in had if one not in has]
        words += [f"ALTER ATTRIBUTE {one} TYPE {has[one]}" for one in had if one in has and has[one] != had[one]]
        words += [f"ADD ATTRIBUTE {one} {has[one]}" for one in has if one not in had]
        yield execute(f"{at} {', '.join(words)}")
    elif pair := _renamed(old, new):
        yield execute(f"{at} RENAME VALUE {pair[0]} TO {pair[1]}")
    else:
        yield from _longer(at, _LABEL.findall(old), _LABEL.findall(new))


def _longer(at: str, was: list[str], now: list[str]) -> Iterator[str]:
    for position, label in enumerate(now):
        if label not in was:
            after = f" AFTER {now[position - 1]}" if position else f" BEFORE {was[0]}" if was else ""
            last = not any(one in was for one in now[position:])
            yield execute(f"{at} ADD VALUE {label}{'' if last else after}")


def rebuilt(key: Key, before: Snapshot, after: Snapshot, create: list[str]) -> Iterator[str]:
    """The type anew, and each column that is of it, with the default that it has now. ``create`` makes the new one.
    Domains, composites and functions that use it do not come along. ``old_dropped`` has to follow, once columns that
    are to be of another type are.
    """
    name, old = own_name(key), _old(key)
    if not any(one.kind == "column" and _is_of(key, text) for one, text in before.items()):
        yield execute(f"DROP {_word(key)} {name}")
        yield from create
        return
    yield execute(f"ALTER {_word(key)} {name} RENAME TO {quoted(old)}")
    if key.kind == "range":  # since 14 its multirange has a name, made from its own ("CREATE TYPE", Notes)
        many = key.name.replace("range", "multirange", 1) if "range" in key.name else f"{key.name}_multirange"
        whole = sql_name(Table(many, schema_of(key.schema)))
        yield execute(f"ALTER TYPE {whole} RENAME TO {quoted(f'{many}_old')}")
    yield from create
    for one in users(key, before, after):
        column = quoted(split(one.name)[1])
        array = "[]" if columns.read(before[one]).type.endswith("[]") else ""
        at = f"ALTER TABLE {table_name(one)} ALTER COLUMN {column}"
        if columns.read(before[one]).default:
            yield execute(f"{at} DROP DEFAULT")
        yield execute(f"{at} TYPE {name}{array} USING {column}::text{array}::{name}{array}")
        if default := columns.read(after[one]).default:
            yield execute(f"{at} SET DEFAULT {default}")


def old_dropped(key: Key, before: Snapshot) -> Iterator[str]:
    if any(one.kind == "column" and _is_of(key, text) for one, text in before.items()):
        yield execute(f"DROP {_word(key)} {sql_name(Table(_old(key), schema_of(key.schema)))}")


def _old(key: Key) -> str:
    return f"{key.name}_old"[:63]


def _word(key: Key) -> str:
    return "DOMAIN" if key.kind == "domain" else "TYPE"
