"""What is wrong with one real database, asked read-only: which of five causes it is, and the commands that mend it."""
