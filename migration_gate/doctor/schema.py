"""A real schema beside the one that revisions build: what differs, and which revision's it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import psycopg

from migration_gate.doctor.url import looking
from migration_gate.postgres.catalog import INDENT, Snapshot, facets, snapshot
from migration_gate.postgres.catalog_differences import Difference, Words, differences
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server
from migration_gate.project.history import History

# How a sentence tells the migrations' schema (the first) from the real one.
REAL = Words(
    "is in the database and in no migration",
    "is made by the migrations and is not in the database",
    "is another one in the database than the migrations build",
    " in the database",
    "",
    "",
    " in the migrations",
)
# What is a server's own, and no migration's: roles and disks have other names there, planners other targets.
_OWN_FACETS = ("OWNER ", "PRIVILEGES ", "COMMENT ", "STATISTICS ", "VERSION ", "TABLESPACE ")
_OWN_KINDS = ("default privileges",)
# What administrators add to a database beside its schema.
_BESIDE = ("extension", "publication", "event trigger", "foreign-data wrapper", "server")
NO_SERVER = "there is no PostgreSQL to build the revisions' schema on, so it was not compared"


class Compared(NamedTuple):
    """``found`` are the differences from what the migrations build to what is there; ``beside`` what administrators
    add: extensions, publications.
    """

    found: tuple[Difference, ...] = ()
    beside: tuple[Difference, ...] = ()


def real(connection: psycopg.Connection, leave: Collection[tuple[str, str]], default: str | None) -> Snapshot:
    """The schema of the real database, less what is a server's own. Names in its ``default`` schema are told as if that
    were "public", which is what a throwaway database has. Raises psycopg.Error.
    """
    with looking(connection):
        return _plain(snapshot(connection, leave), default)


def built(server: Server, database: str, leave: Collection[tuple[str, str]], default: str | None) -> Snapshot:
    """The same of a throwaway database, where the tables may be in "public", or in the schema that is the real one's
    ``default``, because the project's own URL says so.
    """
    with connect(server, database) as connection:
        return _plain(snapshot(connection, leave), default)


def _plain(whole: Snapshot, default: str | None) -> Snapshot:
    moved = default if default not in (None, "public") else None
    found = {}
    for key, definition in whole.items():
        if key.kind in _OWN_KINDS or (key.kind == "schema" and key.name in ("public", moved)):
            continue
        kept = [one for one in facets(definition) if not one.startswith(_OWN_FACETS)]
        text = "\n".join(one.replace("\n", f"\n{INDENT}") for one in kept)
        if moved:
            name = re.escape(moved)
            text = re.sub(rf'(?<![\w"]){name}\.', "public.", text)
            key = key._replace(schema="public" if key.schema == moved else key.schema)
        found[key] = text
    return found


def compare(migrated: Snapshot, there: Snapshot) -> Compared:
    found = differences(migrated, there)
    beside = tuple(one for one in found if one.kind in _BESIDE and one.before is None)
    return Compared(tuple(one for one in found if one not in beside), beside)


# ── which revision's schema it is ────────────────────────────────────────────────────────────────────────────


def walk(history: History, run: Sequence[str], begun: Collection[str] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The revisions one by one, each with the heads of what has run then; ``begun`` has run already."""
    done = set(begun)
    for one in run:
        done.add(one)
        followed = {parent for each in done for parent in history.parents[each]}
        yield one, tuple(sorted(each for each in done if each not in followed))


def ways(history: History) -> Iterator[list[str]]:
    """The orders in which the revisions are run to find a state: for each head what leads to it, in order."""
    ordered = [one.id for one in history.in_order()]
    for head in history.heads:
        before = history.ancestors(head)
        yield [one for one in ordered if one in before]
