"""GitHub's workflow commands: annotations on the pull request's lines.

Source: GitHub's documentation, "Workflow commands for GitHub Actions". GitHub shows ten errors and ten notices of
one step, so the worst are shown and the rest is counted in one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migration_gate.findings import Verdict
from migration_gate.report.clean import clean, clean_line
from migration_gate.report.places import from_root, worst_first
from migration_gate.report.words import STATE, whole

MOST = 10
EVIDENCE = 600  # characters of each: the runner cuts an annotation at 4,096, and the remedy comes after them

_Said = tuple[str, str, str | None, int | None]  # title, text, path, line


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """Annotations, one line each: findings and problems as errors, notes as notices, and the summary."""
    errors = [(one.rule, whole(one, EVIDENCE), one.path, one.line) for one in worst_first(verdict.findings)]
    errors += [("not judged", problem, None, None) for problem in verdict.problems]
    notices = [("migration-gate", one.message, one.path, one.line) for one in verdict.notes]
    facts = " · ".join(map(clean_line, verdict.facts))
    lines = [*_commands("error", errors), *_commands("notice", notices)]
    return "\n".join([*lines, f"migration-gate: {STATE[verdict.word]}. {facts}"]) + "\n"


def _commands(kind: str, said: Sequence[_Said]) -> Iterator[str]:
    room = MOST if len(said) <= MOST else MOST - 1
    for rule, text, path, line in said[:room]:
        yield _command(kind, text, path, line, rule)
    if len(said) > room:
        yield _command(kind, f"{len(said) - room} more: see the log", None, None, "migration-gate")


def _command(kind: str, text: str, path: str | None, line: int | None, title: str) -> str:
    places = [f"title={_property(title)}"]
    if path:
        places.insert(0, f"file={_property(from_root(clean(path)))}")
        if line:
            places.insert(1, f"line={line}")
    return f"::{kind} {','.join(places)}::{_data(clean(text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
