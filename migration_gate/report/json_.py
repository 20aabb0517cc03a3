"""For programs: the verdict as JSON, version 1."""

from __future__ import annotations

import json

from migration_gate.findings import Finding, Node, Verdict
from migration_gate.report.clean import harmless_json


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """One JSON object, as ``schema.json`` beside this file describes it. Text is as it was found: the reader of a JSON
    string is the one who escapes it.
    """
    document: dict[str, object] = {
        "version": 1,
        "verdict": verdict.word,
        "title": verdict.title,
        "facts": list(verdict.facts),
        "stages": [one._asdict() for one in verdict.stages],
        "findings": list(map(_finding, verdict.findings)),
        "allowed": [{**_finding(one.finding), "reason": one.reason} for one in verdict.allowed],
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
    return harmless_json(json.dumps(document, indent=2)) + "\n"


def _finding(one: Finding) -> dict[str, object]:
    return {**one._asdict(), "evidence": [evidence._asdict() for evidence in one.evidence]}


def _revision(node: Node) -> dict[str, object]:
    names = ("id", "parents", "depends_on", "labels", "message", "path", "head", "base", "own")
    return {name: getattr(node, name) for name in names}
