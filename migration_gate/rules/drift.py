"""The schema that the models declare is not the one that the migrations build.

The application meets a column, table or index that is not there, or the next `--autogenerate` proposes changes that
nobody made. Usually a model was changed and `flask db migrate` or `alembic revision --autogenerate` was not run, or its
result was edited.

Write the revision that is missing, and read it before you commit it:

    flask db migrate -m "add users.nickname"                      # or:
    alembic revision --autogenerate -m "add users.nickname"

Only `migration-gate ci` can see it: it upgrades a throwaway database to head and asks Alembic's autogenerate, with
the project's own `include_object`, `compare_type`, `compare_server_default` and plug-ins, what it would still
change. A note says which comparisons were on.

What the base's models map and this branch's do not is a note: the release that takes a column or table out of the code
leaves it in the database, and the next one drops it (drops-in-use). A column that is NOT NULL without a default stays a
finding, because rows cannot be written without it. Where the base is not known, all of it stays a finding.

Tables that models do not manage are left out of the comparison by `include_object` or `include_name` in env.py.
"""
