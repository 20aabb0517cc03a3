"""A new revision that was stopped midway cannot be run again, or then reaches another schema.

What an autocommit block does is committed at once, and so is what came before it. Alembic notes the revision as done
only at its end. Between the two, a lock timeout, a lost connection or a deploy that is stopped leaves the
database between two revisions. The next upgrade begins at the revision's first line and fails on what is
already there (`column "phone" of relation "users" already exists`), until somebody mends production by hand.

    def upgrade():
        op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS phone text")
        with op.get_context().autocommit_block():
            op.drop_index("ix_users_phone", if_exists=True, postgresql_concurrently=True)
            op.create_index("ix_users_phone", "users", ["phone"], postgresql_concurrently=True)

Better, give the block a revision of its own. See also autocommit-block-not-alone, which reads the same from the file.

Only `migration-gate ci` can see it: it stops the revision after each commit, runs it again, and compares what
PostgreSQL's catalogs say with what they say when nothing comes between.

Silent on revisions that run in one transaction: stopped midway, they leave nothing.

Source: Alembic's documentation, MigrationContext.autocommit_block.
"""
