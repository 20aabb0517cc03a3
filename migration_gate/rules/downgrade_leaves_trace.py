"""A new revision that was taken back leaves the schema another one than it found.

Alembic notes the revision as gone, whatever is still there. The next `upgrade` then fails on it (`type "mood" already
exists`), or passes, and the schema is not the one that other servers have. It happens where upgrade() was changed by
hand and downgrade() was not, where downgrade() is `pass`, and with enum types: Alembic makes the type with the table
that has it, and drops it neither with the table nor with the column.

    def downgrade():
        op.drop_table("cats")
        sa.Enum(name="mood").drop(op.get_bind())         # or: op.execute("DROP TYPE mood")

A column that is dropped and added again has lost its indexes and constraints, its default and its comment: downgrade()
has to make them again.

Only `migration-gate ci` can see it: it compares what PostgreSQL's catalogs say before the revision, after it, after its
downgrade(), and after another upgrade.

A note is made of an extension that stays, because others may use it by now, and of a new enum value, which PostgreSQL
cannot take away, as long as the next upgrade reaches the same schema. Silent on the order of a table's columns, on rows
and the positions of sequences, and on revisions that change no schema, such as a merge.

Source: PostgreSQL's documentation, chapter "System Catalogs", and "ALTER TYPE", Notes.
"""
