"""The schema that the models declare is not the one that the migrations build.

The application meets a column, table or index that is not there, or the next `--autogenerate` proposes changes that
nobody made. Usually a model was changed and `flask db migrate` or `alembic revision --autogenerate` was not run, or its
result was edited.

Write the revision that is missing, and read it before you commit it:

    flask db migrate -m "add users.nickname"                      # or:
    alembic revision --autogenerate -m "add users.nickname"

`migration-gate ci --suggest` writes it: Alembic's own code for what autogenerate knows, and the rest by the catalogs.
It is tried on a copy, up, and compared once more, before you get it.

Only `migration-gate ci` can see drift. It upgrades a throwaway database to head, and makes another one by the models'
own `metadata.create_all()`, DDL events included, on the same server. Alembic's autogenerate is asked what it would
still change, with the project's own `include_object`, `compare_type`, `process_revision_directives` and plug-ins; and
what PostgreSQL prints of both databases is compared: CHECK, EXCLUDE and primary keys, enum labels, domains, defaults,
identity, generated columns, every part of an index, sequences, views, functions, triggers, policies, comments, storage,
partitions, privileges. Each object that is not the same is one finding, with both definitions below it.

These are notes:

- What only the migrations manage. Models have a say about tables, columns, constraints and indexes, and of functions,
  triggers, views, grants, storage and the like where they declare at least one of that kind.
- What has another name and is the same: constraints that PostgreSQL or a naming convention has named, the sequence of
  a table that was renamed.
- A default that the migrations keep for rows which were there, where the models give every row a value themselves.
- What autogenerate proposes and PostgreSQL prints in the same way for both.
- What the base's models map and this branch's do not: the release that takes a column or table out of the code leaves
  it in the database, and the next one drops it (drops-in-use). A column that is NOT NULL without a default stays a
  finding, because rows cannot be written without it. Where the base is not known, all of it stays a finding.

A model in a module that env.py never imports is named with its file, and the import to add.

Objects that the models are not to manage are left out by `include_object` or `include_name` in env.py, or here, each
with its reason:

    [tool.migration-gate]
    unmanaged = ["index ix_legacy_* because the DBA makes them", "table audit_* because pgaudit makes them"]
"""
