"""Where findings are, as the services name it that read reports: paths from the repository's root, and fingerprints."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from migration_gate.findings import Finding
from migration_gate.project.git import top_of
from migration_gate.rules import ALLOWS, DRIFT, GRAPH

STOPS = (*GRAPH, "upgrade-fails", "fails-on-rows")  # nothing goes through
FRAME = 6  # lines of a statement that are shown


def from_root(path: str) -> str:
    """A path that is relative to the working directory, relative to the repository: GitHub and GitLab know files by
    that, wherever below it the gate was started. Without git it is the folder that the service checked out, which is
    where ``GITHUB_WORKSPACE`` and ``CI_PROJECT_DIR`` say. A path outside of it stays as it is.
    """
    try:
        relative = os.path.relpath(os.path.realpath(path), root())
    except ValueError:  # a null byte, or another drive
        return path
    return path if relative.startswith("..") else relative.replace(os.sep, "/")


def root() -> str:
    """The repository's root; the working directory where there is none."""
    here = Path(os.path.realpath(os.curdir))
    top = top_of(here) or os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or here
    return os.path.realpath(top)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """What lets nothing through; then what PostgreSQL was seen to do; what was read; drift, and comments. There are no
    severities: this is for a reader who is shown the first few. Drift stays in its order, in which its remedies run.
    """
    last = (*DRIFT, *ALLOWS)

    def rank(one: Finding) -> tuple[bool, bool, bool]:
        late = one.rule in last
        return one.rule not in STOPS, late, not (late or one.evidence)

    return sorted(findings, key=rank)


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """What a finding is known by from one run to the next, one each, all different: rule, file, revision and statement,
    in whatever line that is; the message where there is no statement. Of those that agree in all of this, their number.
    """
    import hashlib

    read = cache(source)
    seen: dict[str, int] = {}
    found = []
    for one in findings:
        said = "\0".join((one.rule, from_root(one.path or ""), one.revision or "", _statement(one, read)))
        seen[said] = seen.get(said, 0) + 1
        whole = f"{said}\0{seen[said]}" if seen[said] > 1 else said
        found.append(hashlib.sha256(whole.encode(errors="surrogateescape")).hexdigest())
    return found


def _statement(one: Finding, read: Callable[[str], list[str]]) -> str:
    """The statement's text without its layout, or the message without the numbers of lines in it."""
    lines = read(one.path)[one.line - 1 : one.end or one.line] if one.path and one.line else []
    text = " ".join(" ".join(lines).split())
    return text or re.sub(r"\bline \d+", "line", one.message, flags=re.IGNORECASE)


def excerpt(one: Finding) -> list[tuple[int, str]]:
    """The statement's lines by their numbers, with one above it, if the file is there to read; of a long one the
    beginning.
    """
    lines = source(one.path) if one.path and one.line else []
    if not one.line or one.line > len(lines):
        return []
    end = min(one.end or one.line, one.line + FRAME - 1, len(lines))
    return [(line, lines[line - 1]) for line in range(max(1, one.line - 1), end + 1)]


def source(path: str) -> list[str]:
    """A file's lines; none where it cannot be read."""
    try:
        return Path(path).read_text("utf-8", errors="replace").split("\n")
    except (OSError, ValueError):  # a null byte in its name
        return []
