"""A database's schema as PostgreSQL prints it, to be compared with another one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg

from migration_gate.postgres.catalog_queries import PRINTED, REST, queries


class Key(NamedTuple):
    """One object of a schema. ``kind`` is one of catalog_queries.py's, ``schema`` "" for what is in none. The name of
    what belongs to a table begins with the table's: "users.email" is a column, "users.ix_users_email" an index.
    """

    kind: str
    schema: str
    name: str


# What PostgreSQL prints of each object: its facets (type, NOT NULL, default …), one a line; a facet's own further lines
# are indented.
Snapshot = Mapping[Key, str]

INDENT = "    "


def snapshot(connection: psycopg.Connection, leave: Collection[tuple[str, str]] = ()) -> Snapshot:
    """The schema of the database that ``connection`` is open to, for ``differences``.

    ``leave`` has tables to leave out, as (schema, name): the version table. So are what belongs to an extension, to
    PostgreSQL itself, and temporary objects. Rows and the positions of sequences are not looked at, nor the order of
    a table's columns, which a column that was dropped and added again cannot get back.

    A name is compared also where PostgreSQL chose it ("users_email_key"): it is what the next migration has to name.
    Its choice depends only on the names that are taken.

    Gives the transaction back as it was. Raises psycopg.Error where the database cannot be asked.
    """
    found: dict[Key, str] = {}
    left = set(leave)
    # Rolled back: in a transaction of the caller's, SET LOCAL would outlive this one.
    with connection.transaction(force_rollback=True):
        connection.execute(PRINTED, prepare=False)  # several statements in one
        for kind, query in queries(connection.info.server_version // 10_000).items():
            for schema, table, name, *facets in connection.execute(query):
                if (schema, table or name) not in left:
                    definition = "\n".join(_facets(facets))
                    found[Key(kind, schema, join(table, name))] = (
                        definition if kind in ("function", "procedure") else _one_spelling(definition)
                    )
        for kind, schema, name in connection.execute(REST):
            found[Key(kind, schema, name)] = ""
    return found


def _facets(values: Sequence[str | None]) -> Iterator[str]:
    return (one.strip().replace("\n", f"\n{INDENT}") for one in values if one)


_EACH_CAST = re.compile(r"ARRAY\[((?:\('(?:[^']|'')*'::character varying\)::text(?:, )?)+)\]")


def _one_spelling(definition: str) -> str:
    """What PostgreSQL prints of ``IN ('a', 'b')`` on a varchar column it prints in another way once it has read that
    again, as it does from a dump: each value is cast to text then, and not the whole list.
    """
    if "::character varying)::text" not in definition:
        return definition
    return _EACH_CAST.sub(
        lambda one: "(ARRAY[" + re.sub(r"\(('(?:[^']|'')*'::character varying)\)::text", r"\1", one[1]) + "])::text[]",
        definition,
    )


def facets(definition: str) -> list[str]:
    """The facets that a definition consists of, with the lines that they have."""
    found: list[str] = []
    for line in definition.split("\n"):
        if line.startswith(INDENT) and found:
            found[-1] += "\n" + line.removeprefix(INDENT)
        elif line:
            found.append(line)
    return found


def join(table: str, name: str) -> str:
    """A key's name. Parts that have a dot or a quote themselves are quoted, so that it can be split again."""
    return f"{_part(table)}.{_part(name)}" if table else name


def _part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "." in name or '"' in name else name


def split(name: str) -> tuple[str, str]:
    """The table and the name of what belongs to a table: "users.email" → ("users", "email")."""
    quoted = re.match(r'"(?:[^"]|"")*"', name)
    end = quoted.end() if quoted else name.find(".")
    return _plain(name[:end]), _plain(name[end + 1 :])


def owner(sequence: str) -> Key | None:
    """The column that a sequence belongs to, from its definition."""
    owned = next((one.removeprefix("OWNED BY ") for one in facets(sequence) if one.startswith("OWNED BY ")), "")
    parts = [_plain(one) for one in re.findall(r'"(?:[^"]|"")*"|[^."]+', owned)]
    return Key("column", parts[0], join(parts[1], parts[2])) if len(parts) == 3 else None


def _plain(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') and part.endswith('"') else part
