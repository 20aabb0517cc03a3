"""The statements that make an object anew from what the catalog prints of it: what create_all() needs and does not make
itself. Comments, owners and privileges are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.postgres.catalog import Key, facets
from migration_gate.rules.remedies import quoted

LENDABLE = ("schema", "extension", "enum", "domain", "composite", "range", "sequence", "function", "procedure")


def drops(key: Key) -> str:
    """SQL that takes it away again, with what was made of it."""
    kind = "TYPE" if key.kind in ("enum", "composite", "range") else key.kind.upper()
    return f"DROP {kind} {_name(key)} CASCADE"


def _name(key: Key) -> str:
    name, bracket, arguments = key.name.partition("(")  # a function's
    return (f"{quoted(key.schema)}." if key.schema else "") + quoted(name) + bracket + arguments


def makes(key: Key, definition: str) -> Iterator[str]:
    """SQL for an object of one of the LENDABLE kinds, from its definition (postgres/catalog_queries.py)."""
    first, *rest = facets(definition) or [""]
    name = _name(key)
    match key.kind:
        case "schema":
            yield f"CREATE SCHEMA IF NOT EXISTS {name}"
        case "extension":
            where = next((one for one in (first, *rest) if one.startswith("SCHEMA ")), "")
            yield f"CREATE EXTENSION IF NOT EXISTS {name} {where} CASCADE"
        case "enum":
            yield f"CREATE TYPE {name} AS ENUM {first}"
        case "domain":
            parts = [one for one in rest if one.startswith(("NOT NULL", "DEFAULT ", "COLLATE "))]
            yield f"CREATE DOMAIN {name} AS {' '.join((first, *parts))}"
            others = [one for one in rest if one not in parts and " CHECK (" in one]
            for line in (line for one in others for line in one.split("\n")):
                yield f"ALTER DOMAIN {name} ADD CONSTRAINT {line}"
        case "composite":
            yield f"CREATE TYPE {name} AS {first}"
        case "range":
            yield f"CREATE TYPE {name} AS RANGE (SUBTYPE = {first})"
        case "sequence":
            numbers = next((one for one in rest if one.startswith("START ")), "")
            yield f"CREATE SEQUENCE {name} AS {first} {numbers}" + (" CYCLE" if "CYCLE" in rest else "")
        case "function" | "procedure":
            yield "SET LOCAL check_function_bodies = off"
            yield first
