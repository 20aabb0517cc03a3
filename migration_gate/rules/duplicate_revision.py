"""Several files have the same revision id.

Alembic warns "Revision … is present more than once" and uses the file that it happened to read last: the other one's
changes are never applied, and nobody is told. It happens when a file is copied to begin a new one.

Give one of them an id of its own, and a `down_revision` that says what it follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for ident, found in history.duplicates.items():
        names = ", ".join(one.path.name for one in found)
        for one in found[:-1]:
            yield Hazard(
                message=f"{len(found)} files have the revision id {ident}: {names}. Alembic warns, takes the last "
                "that it reads, and never applies the others.",
                path=one.path,
                line=one.line,
                end=one.line,
                revision=ident,
                remedy=f'# in the file that was copied:\nrevision = "{_another(ident, history)}"\n'
                f'down_revision = "{ident}"',
            )


def _another(ident: str, history: History) -> str:
    """An id that is free, made from the one that is taken: the same every time, so that output is stable."""
    from hashlib import sha256

    new = sha256(ident.encode()).hexdigest()[:12]
    while new in history.revisions:
        new = sha256(new.encode()).hexdigest()[:12]
    return new
