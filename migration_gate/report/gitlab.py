"""GitLab's code quality report: an array of findings, for the merge request's widget and its changed lines.

Source: GitLab's documentation, "Code Quality report format". GitLab wants a severity of each; the gate has none: what
it finds closes it, so all are "blocker". Notes are left out, and what could not be judged is an entry as well: an empty
array means that all is well.
"""

from __future__ import annotations

import json

from migration_gate.findings import Finding, Verdict
from migration_gate.report.clean import clean_line, harmless_json
from migration_gate.report.places import fingerprints, from_root, worst_first
from migration_gate.report.words import told

SEVERITY = "blocker"
EVIDENCE = 600  # characters of each
NOWHERE = "pyproject.toml"  # GitLab wants a path of what has none, and settings are there


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """A JSON array, the worst first. Without the remedies: the widget shows one paragraph of each."""
    found = worst_first(verdict.findings)
    found += [Finding("not-judged", problem) for problem in verdict.problems]
    entries = [
        {
            "description": told(one, EVIDENCE),
            "check_name": one.rule,
            "fingerprint": fingerprint,
            "severity": SEVERITY,
            "location": {
                "path": clean_line(from_root(one.path or verdict.home or NOWHERE)),
                "lines": {"begin": one.line if one.path and one.line else 1},
            },
        }
        for one, fingerprint in zip(found, fingerprints(found), strict=True)
    ]
    return harmless_json(json.dumps(entries, indent=1)) + "\n"
