"""How large a database's tables are, by its catalog: no row is read."""

from __future__ import annotations

import psycopg

from migration_gate.project.sizes import Size, Sizes

# Rows are estimated as the planner does it (estimate_rel_size): what VACUUM or ANALYZE last counted of a page, times
# the pages that there are now. Nothing has been counted where relpages is 0 (reltuples is -1 then, since 14; before it
# 0). pg_total_relation_size wants ACCESS SHARE and no privilege: where ACCESS EXCLUSIVE is held or waited for, it would
# wait, so the pages of the last count serve there. What inherits from a table, a partition above all, is added to it.
_SIZES = """
WITH RECURSIVE locked AS MATERIALIZED (
    SELECT DISTINCT coalesce(i.indrelid, t.oid, l.relation) AS oid
    FROM pg_locks l
    LEFT JOIN pg_index i ON i.indexrelid = l.relation
    LEFT JOIN pg_class t ON t.reltoastrelid = l.relation
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
), own AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, c.relpages,
        CASE WHEN locked.oid IS NULL THEN pg_relation_size(c.oid) / block.size ELSE c.relpages END AS pages,
        CASE WHEN locked.oid IS NULL THEN pg_total_relation_size(c.oid) ELSE block.size * (
            SELECT sum(r.relpages) FROM pg_class r
            WHERE r.oid IN (c.oid, c.reltoastrelid)
               OR r.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid IN (c.oid, c.reltoastrelid))
        ) END AS bytes
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) block
    LEFT JOIN locked ON locked.oid = c.oid
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
), counted AS (
    SELECT oid, nspname, relname, bytes,
        CASE WHEN relkind = 'p' OR pages = 0 THEN 0
             WHEN reltuples >= 0 AND relpages > 0 THEN reltuples::numeric / relpages * pages END AS rows
    FROM own WHERE bytes IS NOT NULL
), tree AS (
    SELECT oid AS top, oid FROM counted
    UNION
    SELECT tree.top, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
)
SELECT top.nspname || '.' || top.relname,
    CASE WHEN count(part.rows) = count(*) THEN round(sum(part.rows))::bigint END,
    sum(part.bytes)::bigint
FROM tree JOIN counted top ON top.oid = tree.top JOIN counted part ON part.oid = tree.oid
GROUP BY top.oid, top.nspname, top.relname
"""


def read(connection: psycopg.Connection) -> Sizes:
    """The sizes of all tables and materialized views of the database that ``connection`` is open to, those of
    PostgreSQL itself and temporary ones aside, as of today. A role that may only connect may ask. Raises psycopg.Error.
    """
    found = connection.execute(_SIZES).fetchall()
    taken = connection.execute("SELECT current_date::text").fetchone()
    return Sizes(taken[0] if taken else "", {name: Size(rows, size) for name, rows, size in found})
