"""What the application that runs, and the database, say after a migration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.rules.production import READS, WRITES
from tests.rules.watch import Lab, ask, fork, project, upgrade


def afterwards(lab: Lab, folder: Path, body: str, *questions: str) -> list[list[tuple[Any, ...]] | str]:
    """The answers to questions after a revision has run on production; a SQLSTATE for a refusal."""
    place = project(folder / "ran", body)
    with fork(lab) as database:
        seen = upgrade(lab, database, place)
        assert seen.error is None, seen.message
        return [ask(lab, database, one) for one in questions]


def broken(lab: Lab, folder: Path, body: str) -> dict[str, str]:
    """Which of the running application's statements fail after a revision, and with what."""
    statements = (*READS, *WRITES)
    answers = afterwards(lab, folder, body, *statements)
    return {one: answer for one, answer in zip(statements, answers, strict=True) if isinstance(answer, str)}
