"""GitHub's workflow commands: annotations on the pull request's lines.

Source: GitHub's documentation, "Workflow commands for GitHub Actions". GitHub shows ten errors and ten notices of
one step, so the rest is counted in one line.
"""

from __future__ import annotations

import os

from migration_gate.findings import Finding, Verdict
from migration_gate.report.clean import clean, clean_line
from migration_gate.rules import OPERATIONS

MOST = 10


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """Annotations, one line each: findings and problems as errors, notes as notices, and the summary."""
    lines = []
    errors = [(one.rule, _text(one), one.path, one.line) for one in verdict.findings]
    errors += [("not judged", problem, None, None) for problem in verdict.problems]
    room = MOST if len(errors) <= MOST else MOST - 1
    for rule, text, path, line in errors[:room]:
        lines.append(_command("error", text, path, line, rule))
    if len(errors) > room:
        lines.append(_command("error", f"{len(errors) - room} more: see the log", None, None, "migration-gate"))
    for note in verdict.notes[:MOST]:
        lines.append(_command("notice", note.message, note.path, note.line, "migration-gate"))
    state = {
        "open": "the gate is open",
        "closed": "the gate is closed",
        "not judged": "the gate could not judge",
    }
    lines.append(f"migration-gate: {state[verdict.word]}. " + " · ".join(map(clean_line, verdict.facts)))
    return "\n".join(lines) + "\n"


def _text(finding: Finding) -> str:
    if not finding.remedy:
        return finding.message
    heading = "Write instead:" if finding.rule in OPERATIONS else "What to do:"
    return f"{finding.message}\n\n{heading}\n{finding.remedy}"


def _command(kind: str, text: str, path: str | None, line: int | None, title: str) -> str:
    places = [f"title={_property(title)}"]
    if path:
        places.insert(0, f"file={_property(_in_workspace(clean(path)))}")
        if line:
            places.insert(1, f"line={line}")
    return f"::{kind} {','.join(places)}::{_data(clean(text))}"


def _in_workspace(path: str) -> str:
    """GitHub wants a path that is relative to the checkout, wherever below it the gate was started."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace:
        return path
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(workspace))
    return path if relative.startswith("..") else relative.replace(os.sep, "/")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
