"""After the upgrade the code that still runs can no longer read or write a table.

A migration runs before the new release is everywhere. Until then the old one goes on answering, and its models are
those of the base branch. A column that it selects is gone; a new column is NOT NULL, has no default, and is in none
of its INSERTs; the default that it left to PostgreSQL is no more; an enum value that it writes has another name.

    op.add_column("orders", sa.Column("currency", sa.Text(), nullable=False))

fails on each new order that the old code takes. Give the column a default, at least until that code is gone, and
change what the old code names only in the release after the one that no longer names it:

    op.add_column("orders", sa.Column("currency", sa.Text(), nullable=False, server_default="EUR"))

Only `migration-gate ci` can see it: it loads the base's code from git into a folder of its own, lets PostgreSQL judge
the SELECT and the INSERT of each mapped class before and after the new revisions, and says what it refuses after
them alone. Where that code cannot be loaded, a note says why.

A note is made of a column that may be NULL in the old models and is NOT NULL now: whether that code leaves it
empty is not known. Silent on what the old code writes and a CHECK, UNIQUE or FOREIGN KEY refuses, and on tables that
no model maps.

Source: SQLAlchemy's documentation, "Column INSERT/UPDATE Defaults"; PostgreSQL's, appendix A, "Error Codes".
"""
