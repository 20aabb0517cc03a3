"""A revision passes on empty tables and fails on tables with rows.

A test run that builds its database from migrations has empty tables, and so has a laptop, mostly. Production has rows,
and PostgreSQL refuses what they do not agree with: NOT NULL where a NULL is, UNIQUE where a value is twice, a CHECK or
a foreign key that a row breaks, a type that a value does not fit. The deployment stops there.

Only `migration-gate ci` can see it: it fills a copy of the schema that production has with rows, and runs the new
revisions on it. The rows are made from the schema alone. They hold NULL where NULL is allowed, and the same value
twice where nothing forbids it; if production's cannot, say so to PostgreSQL by a constraint, or to the gate by a
comment with the reason.

What to write instead depends on what was refused; `not-null-without-default`, `set-not-null-without-backfill` and
`narrows-type` have it. For a constraint, mend the rows first: in a revision before it, or above it in the same one.

A data migration that fails is a note: a Python error in the revision, or a statement of its own that reads or changes
rows. It may rightly expect rows that nobody can make up from a schema.

Source: PostgreSQL's documentation, appendix A "PostgreSQL Error Codes", classes 21, 22 and 23.
"""
