"""The gate inside pytest: its checks as items, and databases at any revision for tests of one's own."""

from migration_gate.testing.migrations import Database, MigrationFails, Migrations

__all__ = ["Database", "MigrationFails", "Migrations"]
