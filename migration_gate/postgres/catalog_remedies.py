"""Stub."""

from migration_gate.postgres.catalog_differences import Difference


def mend(one: Difference) -> str | None:
    return None
