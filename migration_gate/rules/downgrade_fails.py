"""A new revision cannot be taken back: its downgrade() fails.

Nobody runs a downgrade() until the release has to go away at night, and then it is the first thing that is tried.
Autogenerate writes it and does not run it: it names constraints that PostgreSQL has named itself as `None`, drops
a table before the one that refers to it, adds a NOT NULL column back to a table that has rows.

Take the revision back once yourself, before it is merged:

    flask db upgrade && flask db downgrade && flask db upgrade
    alembic upgrade head && alembic downgrade -1 && alembic upgrade head

Only `migration-gate ci` can see it: it takes each new revision back on a throwaway server. The finding names the line
and PostgreSQL's own words.

Where there is no way back, say so, and the gate makes a note of it:

    def downgrade():
        raise NotImplementedError("the rows that were merged cannot be told apart again")

So it does where any other exception that is raised there says that it is irreversible.

Source: Alembic's documentation, tutorial, "Downgrading".
"""
