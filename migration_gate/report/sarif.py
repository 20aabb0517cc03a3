"""SARIF 2.1.0, for code scanning: a result for each finding, its rule's page as help.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's documentation, "SARIF
support for code scanning" and "SARIF results exceed one or more limits". GitHub refuses a file of more than 10 MB
(gzip) or 25,000 results, and takes 10 tags of a rule. It opens an alert for a suppressed result as for any other, so on
its runners what comments allow is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from migration_gate import __version__
from migration_gate.findings import Finding, Note, Verdict
from migration_gate.report.clean import clean, clean_line, harmless_json
from migration_gate.report.places import fingerprints, from_root, worst_first
from migration_gate.report.words import rule_order, whole
from migration_gate.rules import ALL
from migration_gate.rules.pages import page

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "migrationGate/v1"
MOST = 25_000  # results
MOST_NOTIFICATIONS = 1_000
LARGEST = 10_000_000  # bytes, compressed
DESCRIPTION = 1_024  # characters

_ROOT = "%SRCROOT%"


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """One run. Findings are results, the worst first, and those that a comment allows are suppressed ones; problems and
    notes are notifications: they are about the run, and nothing is to be opened for them.
    """
    allowed = () if on_github() else verdict.allowed
    findings = [*worst_first(verdict.findings), *(one.finding for one in allowed)]
    reasons = [None] * len(verdict.findings) + [one.reason for one in allowed]
    rules = sorted({*verdict.rules, *(one.rule for one in findings)}, key=rule_order)
    known = fingerprints(findings)
    results = [
        _result(one, rules, verdict.home, known[number], reasons[number]) for number, one in enumerate(findings[:MOST])
    ]
    while True:
        text = json.dumps(_log(verdict, rules, results, len(findings) - len(results)), indent=1)
        if not results or _fits(text):
            return harmless_json(text) + "\n"
        results = results[: len(results) // 2]


def on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _fits(text: str) -> bool:
    if len(text) <= LARGEST:
        return True
    import gzip

    return len(gzip.compress(text.encode(), 6)) <= LARGEST


def _log(verdict: Verdict, rules: Sequence[str], results: Sequence[dict[str, Any]], left: int) -> dict[str, Any]:
    said = list(_notifications(verdict, left))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "migration-gate",
                        "semanticVersion": __version__,
                        "rules": [_rule(name) for name in rules],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not verdict.problems,
                        "toolExecutionNotifications": said,
                        "properties": {"verdict": verdict.word},
                    }
                ],
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The repository's root."}}},
                "columnKind": "unicodeCodePoints",
                "results": list(results),
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name, "defaultConfiguration": {"level": "error"}}
    if name not in ALL:
        return rule
    about = page(name)
    prose = [one.text for one in about.parts if not one.code]
    return rule | {
        "shortDescription": {"text": about.summary[:DESCRIPTION]},
        "fullDescription": {"text": " ".join(" ".join(prose[:2]).split())[:DESCRIPTION]},
        "help": {"text": about.text, "markdown": about.text},
        "properties": {"tags": ["migrations", "postgresql"], "precision": "high"},
    }


def _result(one: Finding, rules: Sequence[str], home: str, fingerprint: str, reason: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": rules.index(one.rule),
        "level": "error",
        "message": {"text": _unlinked(whole(one))},
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if path := one.path or home:
        result["locations"] = [_location(path, one.line if one.path else None, one.end)]
    if one.revision:
        result["properties"] = {"revision": clean_line(one.revision)}
    if reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": _text(reason)}]
    return result


def _location(path: str, line: int | None, end: int | None) -> dict[str, Any]:
    region = {"startLine": line or 1} | ({"endLine": end} if line and end and end > line else {})
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": region}}


def _artifact(path: str) -> dict[str, str]:
    """A URI below the root; of what is elsewhere, the whole one."""
    path = from_root(path)
    if path.startswith("..") or os.path.isabs(path):
        return {"uri": "file://" + quote(os.fsencode(os.path.abspath(path).replace(os.sep, "/")))}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": _ROOT}


def _notifications(verdict: Verdict, left: int) -> Iterator[dict[str, Any]]:
    if left:
        yield _notification("error", f"{left:,} more findings are left out: GitHub takes no larger file")
    if verdict.allowed and on_github():
        count = len(verdict.allowed)
        text = f"{count} allowed by a comment, left out: GitHub opens alerts for suppressed results too"
        yield _notification("note", text)
    for problem in verdict.problems[:MOST_NOTIFICATIONS]:
        yield _notification("error", problem)
    for note in verdict.notes[:MOST_NOTIFICATIONS]:
        yield _notification("note", note.message, note)
    if more := max(0, len(verdict.notes) - MOST_NOTIFICATIONS):
        yield _notification("note", f"{more:,} more notes are left out")


def _notification(level: str, text: str, note: Note | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"level": level, "message": {"text": _text(text)}}
    if note and note.path:
        found["locations"] = [_location(note.path, note.line, None)]
    return found


def _text(text: str) -> str:
    return _unlinked(clean(text))


def _unlinked(text: str) -> str:
    """Text in which nothing is a link: SARIF has "[words](target)" for one, in plain text too (3.11.6)."""
    return text.replace("](", "] (")
