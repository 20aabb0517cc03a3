"""One hazard per file; the module's docstring is the rule's page, its name the rule's name.

To add a rule: write ``rules/<name>.py`` with that docstring and a ``check`` function, and name it in one of the
tables below, in the order of the documentation.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

# Judge the whole history: check(project, history) → Hazard
GRAPH = (
    "multiple-heads",
    "missing-revision",
    "duplicate-revision",
    "revision-cycle",
    "unreadable-revision",
)
# Judge the operations of one revision: check(migration) → Hazard
OPERATIONS = ("not-null-without-default", "set-not-null-without-backfill")
# Said by the rehearsal of `migration-gate ci`
REHEARSAL = ("upgrade-fails",)
DRIFT = ("drift",)
# Said of the comments that allow a rule on one line
ALLOWS = ("allow-without-reason", "unused-allow")

ALL = GRAPH + OPERATIONS + REHEARSAL + DRIFT + ALLOWS


def module(name: str) -> ModuleType:
    """The module of a rule, by the rule's name."""
    return import_module("migration_gate.rules." + name.replace("-", "_"))
