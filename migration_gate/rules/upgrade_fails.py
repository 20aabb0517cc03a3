"""The upgrade from base to head fails on an empty PostgreSQL server.

A fresh machine, a new colleague, a disaster recovery and every test run that builds its database from migrations begin
there. The finding names the revision, its line, and PostgreSQL's own words.

Only `migration-gate ci` can see it: it runs the project's own env.py against a throwaway server.

Where the base revision alters tables that no earlier revision creates, the history does not begin on an empty
database: `create_all()` or a dump once made them. Say where it begins, and the rehearsal starts there:

    [tool.migration-gate]
    start-from = "schema.sql"     # a plain pg_dump
    start-at = "1a2b3c4d"         # the revision that it stands at, if the dump has no alembic_version
"""
