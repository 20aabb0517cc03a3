"""A throwaway PostgreSQL server: an external URL, local binaries, the embedded wheel, or Docker."""
