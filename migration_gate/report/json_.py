"""For programs: the verdict as JSON, version 1."""

from __future__ import annotations

import json

from migration_gate.findings import Node, Verdict


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """One JSON object: ``version``, ``verdict``, ``findings``, ``notes``, ``problems``; ``plan`` where that
    was asked for, and ``graph`` of the command that shows it. Text is as it was found: the reader of a JSON string is
    the one who escapes it.
    """
    document: dict[str, object] = {
        "version": 1,
        "verdict": verdict.word,
        "findings": [
            {
                "rule": one.rule,
                "message": one.message,
                "path": one.path,
                "line": one.line,
                "revision": one.revision,
                "remedy": one.remedy,
                "evidence": [evidence._asdict() for evidence in one.evidence],
            }
            for one in verdict.findings
        ],
        "notes": [one._asdict() for one in verdict.notes],
        "problems": list(verdict.problems),
    }
    if verdict.order:
        document["commands"] = list(verdict.order)
    if verdict.plan is not None:
        document["plan"] = [
            {
                "project": one.project,
                "revisions": list(one.revisions),
                "autocommit": one.autocommit,
                "steps": [{**step._asdict(), "held": [held._asdict() for held in step.held]} for step in one.steps],
            }
            for one in verdict.plan
        ]
    if verdict.graphs is not None:
        document["graph"] = [
            {"project": one.project, "into": one.into, "revisions": [_revision(node) for node in one.nodes]}
            for one in verdict.graphs
        ]
    # GitHub's runner would take "##[" for a command; it can stand in a string only, where this is the same.
    return json.dumps(document, indent=2).replace("##[", "#\\u0023[") + "\n"


def _revision(node: Node) -> dict[str, object]:
    names = ("id", "parents", "depends_on", "labels", "message", "path", "head", "base", "own")
    return {name: getattr(node, name) for name in names}
