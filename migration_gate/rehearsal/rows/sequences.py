"""Sequences, moved past the numbers that were put in without them."""

from __future__ import annotations

import psycopg
from psycopg import sql

from migration_gate.rehearsal.rows.catalog import Catalog


def move(connection: psycopg.Connection, catalog: Catalog) -> None:
    """Move each sequence past what its column holds, so that the next row of a migration's own gets a number that is
    free.
    """
    moves = [
        sql.SQL("""SELECT setval({0}::oid::regclass, m.most) FROM (SELECT max({1})::int8 AS most FROM {2}) m,
            pg_sequence s WHERE s.seqrelid = {0} AND s.seqincrement > 0 AND m.most BETWEEN s.seqmin AND s.seqmax
            AND m.most >= COALESCE(pg_sequence_last_value({0}), s.seqmin)""").format(
            sql.Literal(sequence), sql.Identifier(column), catalog.tables[oid].quoted
        )
        for sequence, oid, column in catalog.sequences
    ]
    if moves:
        connection.execute(sql.SQL(" UNION ALL ").join(moves))
