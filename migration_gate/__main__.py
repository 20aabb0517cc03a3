"""``python -m migration_gate``."""

from migration_gate.cli import program

program()
