"""A statement works on a table under a lock that traffic waits for, and reading the migration did not show it.

The other rules read what a migration is written to do. Some of it nobody can read: SQL that is put together at run
time, functions and DO blocks, triggers, a file that is loaded, a helper of another package. PostgreSQL shows what it
does all the same. The rehearsal asks it after each statement of a new revision, and finds a table that production has,
locked SHARE or stronger while all of it is read or written anew or an index is built on it, or locked ACCESS EXCLUSIVE
while rows are changed.

Only `migration-gate ci` can see it: it runs the new revisions on a throwaway server, as production will run them, and
reads pg_locks, each table's file and the counters of scans in the migration's own transaction. An empty table shows it
as well as a large one.

What to write instead depends on what the statement does; the page of the rule that reads it has it:
`rewrites-table`, `index-without-concurrently`, `constraint-without-not-valid`, `constraint-builds-index`,
`validated-in-same-transaction`, `work-under-exclusive-lock`.

Silent where one of these has spoken at the same place, or is allowed there. On `small-tables` it is a note; so is,
where a table's size is not known, that rows are changed under the lock.

Source: PostgreSQL's documentation, 13.3 "Explicit Locking"; measured.
"""
