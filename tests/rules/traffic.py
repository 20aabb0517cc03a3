"""What the tests of the rules of what blocks traffic share: judge migrations on production, and run their remedies."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from migration_gate.findings import Finding, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.settings import Settings
from migration_gate.rules.judging import judge_operations, select
from tests.rules.watch import SHIPPED, Seen, project

EXCLUSIVE = "ACCESS EXCLUSIVE"
Watch = Callable[..., Seen]


def judge(folder: Path, rule: str, *bodies: str, per_migration: bool = False, **settings: Any) -> Verdict:
    """What one rule says of revisions that come after production's own."""
    shutil.rmtree(folder / "judged", ignore_errors=True)
    place = project(folder / "judged", *bodies, per_migration=per_migration)
    (one,) = discovery.find(place)
    one = one._replace(settings=Settings(**{"select": (rule,), "start_after": (SHIPPED,), **settings}))
    graph = history.load(one)
    said = judge_operations(one, select(one, graph, None))
    notes = tuple(note for note in said.notes if note.message.startswith(f"{rule}:"))
    return Verdict(said.findings, notes)


def steps(finding: Finding) -> list[str]:
    """A remedy's parts, each the body of a revision of its own. A comment begins each part but the first, and what is
    meant for env.py is none.
    """
    parts: list[list[str]] = [[]]
    for line in (finding.remedy or "").splitlines():
        if line.startswith("#"):
            parts.append([])
        elif not line.startswith("context.configure"):
            parts[-1].append(line)
    return ["\n".join(lines) for lines in parts if lines]


def filled(body: str, value: str) -> str:
    """A body with "…" filled in."""
    return re.sub("…", lambda _: value, body)
