"""One hazard per file; the module's docstring is the rule's page, its name the rule's name.

To add a rule: write ``rules/<name>.py`` with that docstring and a ``check`` function, and name it in one of the
tables below, in the order of the documentation.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterTable,
    AttachPartition,
    Boundary,
    ChangeRows,
    ChangeType,
    CreateIndex,
    CreateTable,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    NotRead,
    Other,
    RefreshView,
    Reindex,
    Rename,
    RenameColumn,
    RenameTable,
    RewriteTable,
    Set,
    SetDefault,
    SetNotNull,
    UsesModel,
    ValidateConstraint,
)

# Judge the whole history: check(project, history) → Hazard
GRAPH: tuple[str, ...] = (
    "multiple-heads",
    "heads-after-merge",
    "missing-revision",
    "duplicate-revision",
    "revision-cycle",
    "unreadable-revision",
    "merged-revision-changed",
    "merged-revision-deleted",
)
# Judge the operations of one revision: check(migration) → Hazard. Beside each rule are the operations without one of
# which it has nothing to say, and is not even imported; () is any revision.
FAILS_ON_ROWS: dict[str, tuple[type, ...]] = {
    "not-null-without-default": (AddColumn,),
    "set-not-null-without-backfill": (SetNotNull, AddConstraint),
    "narrows-type": (ChangeType,),
}
BLOCKS_TRAFFIC: dict[str, tuple[type, ...]] = {
    "rewrites-table": (AddColumn, ChangeType, RewriteTable, RefreshView),
    "index-without-concurrently": (CreateIndex, DropIndex, Reindex),
    "constraint-without-not-valid": (AddConstraint,),
    "constraint-builds-index": (AddConstraint,),
    "validated-in-same-transaction": (ValidateConstraint,),
    "work-under-exclusive-lock": (SetNotNull, ChangeRows, ValidateConstraint),
    "locks-several-tables": (),
    "locks-partition-parent": (CreateTable, AttachPartition, DetachPartition),
    "missing-lock-timeout": (),
}
FAILS_MIDWAY: dict[str, tuple[type, ...]] = {
    "concurrently-in-transaction": (
        CreateIndex,
        DropIndex,
        Reindex,
        DetachPartition,
        AlterTable,
        RewriteTable,
        Other,
    ),
    "autocommit-block-not-alone": (Boundary,),
    "keeps-invalid-index": (CreateIndex,),
    "enum-value-used-at-once": (
        AddEnumValue,
        AddColumn,
        AddConstraint,
        AlterTable,
        ChangeRows,
        ChangeType,
        CreateIndex,
        CreateTable,
        NotRead,
        Other,
        SetDefault,
    ),
    "drops-unnamed-constraint": (DropConstraint, AddConstraint),
}
LOSES_DATA: dict[str, tuple[type, ...]] = {
    "discards-rows": (ChangeRows, DropTable, DropColumn, DropConstraint),
    "disables-checks": (AlterTable, Set, DropConstraint),
}
BREAKS_CODE: dict[str, tuple[type, ...]] = {
    "drops-in-use": (DropColumn, DropTable),
    "renames": (RenameColumn, RenameTable, Rename),
    "imports-application": (UsesModel,),
}
CANNOT_GO_BACK: dict[str, tuple[type, ...]] = {"no-downgrade": ()}
OPERATIONS = FAILS_ON_ROWS | BLOCKS_TRAFFIC | FAILS_MIDWAY | LOSES_DATA | BREAKS_CODE | CANNOT_GO_BACK
# Said by the rehearsal of `migration-gate ci`
REHEARSAL = (
    "upgrade-fails",
    "fails-on-rows",
    "blocks-traffic",
    "not-retryable",
    "required-by-old-code",
    "downgrade-fails",
    "downgrade-leaves-trace",
)
DRIFT = ("drift",)
# Said of the comments that allow a rule on one line
ALLOWS = ("allow-without-reason", "unused-allow")

ALL = (*GRAPH, *OPERATIONS, *REHEARSAL, *DRIFT, *ALLOWS)
# On only where settings say so.
OFF = ("missing-lock-timeout", "no-downgrade")
# Of those, what makes one note for a project while it is off.
NOTED = ("missing-lock-timeout",)
# Of a table whose size nobody has told, these are notes; the other rules of BLOCKS_TRAFFIC are findings there.
WHERE_LARGE = ("work-under-exclusive-lock", "locks-several-tables")


def module(name: str) -> ModuleType:
    """The module of a rule, by the rule's name."""
    return import_module("migration_gate.rules." + name.replace("-", "_"))
