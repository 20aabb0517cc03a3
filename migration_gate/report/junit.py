"""JUnit's XML, for whatever shows test results: a test for each rule, which fails with what the rule found.

Source: the schema of Jenkins' xUnit plugin, and what GitLab and pytest write and read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from migration_gate.findings import Finding, Verdict
from migration_gate.report.clean import clean, clean_line, harmless
from migration_gate.report.words import rule_order, whole

# What XML 1.0 cannot hold, however it is written; clean() has shown the control characters as escapes.
_ILLEGAL = re.compile("[\ud800-\udfff\ufffe\uffff]")


def render(verdict: Verdict, color: bool = False, notes: bool = False) -> str:
    """One suite. Its first test is whether all could be judged: problems are its error; the others are the rules that
    were applied. What comments allow, and notes where they were asked for, are the suite's output.
    """
    rules = sorted({*verdict.rules, *(one.rule for one in verdict.findings)}, key=rule_order)
    failed = [rule for rule in rules if any(one.rule == rule for one in verdict.findings)]
    counts = {"tests": str(len(rules) + 1), "failures": str(len(failed)), "errors": str(int(bool(verdict.problems)))}
    top = ElementTree.Element("testsuites", {"name": "migration-gate", **counts})
    suite = ElementTree.SubElement(top, "testsuite", {"name": _line(verdict.title or "migration-gate"), **counts})
    first = ElementTree.SubElement(suite, "testcase", {"classname": "migration-gate", "name": "all could be judged"})
    if verdict.problems:
        _add(first, "error", "not judged", verdict.problems[0], map(clean, verdict.problems))
    for rule in rules:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "migration-gate", "name": rule})
        if found := [one for one in verdict.findings if one.rule == rule]:
            _add(case, "failure", rule, found[0].message, map(_whole, found))
    said = [f"allowed: {_place(one.finding)}{one.finding.rule}: {one.reason}" for one in verdict.allowed]
    said += [f"note: {one.message}" for one in verdict.notes] if notes else []
    if said:
        ElementTree.SubElement(suite, "system-out").text = _text("\n".join(map(clean, said)))
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + harmless(ElementTree.tostring(top, encoding="unicode")) + "\n"


def _add(case: ElementTree.Element, kind: str, what: str, message: str, texts: Iterable[str]) -> None:
    first = _line(message.partition("\n")[0])
    ElementTree.SubElement(case, kind, {"type": what, "message": first}).text = _text("\n\n".join(texts))


def _whole(one: Finding) -> str:
    return clean(_place(one)) + whole(one)


def _place(one: Finding) -> str:
    return f"{one.path}:{one.line or 1}: " if one.path else ""


def _line(text: str) -> str:
    return _text(clean_line(text))


def _text(text: str) -> str:
    return _ILLEGAL.sub(lambda one: f"\\u{ord(one[0]):04x}", text)
