"""Helpers of the tables of migrations: how a remedy is pasted."""

from __future__ import annotations

import ast
import re

from migration_gate.findings import Finding

SA = "# import sqlalchemy as sa"
_OTHER_WAY = re.compile(r"^# ")


def alternatives(finding: Finding) -> list[str]:
    """The ways that a remedy offers; a comment begins each but the first."""
    found: list[list[str]] = [[]]
    for line in (finding.remedy or "").splitlines():
        if _OTHER_WAY.match(line):
            found.append([])
        else:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found if lines]


def pasted(source: str, finding: Finding, way: str, value: str) -> str:
    """The file with the finding's statement replaced by a way of its remedy, whose "…" is filled in."""
    statements = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno == finding.line and isinstance(node, ast.Expr)
    ]
    end = statements[0].end_lineno
    lines = source.split("\n")
    at = statements[0].lineno - 1
    indent = lines[at][: statements[0].col_offset]
    filled = way.replace("…", value)
    if (finding.remedy or "").startswith(SA):
        filled = f"{SA.removeprefix('# ')}\n{filled}"
    return "\n".join([*lines[:at], *(indent + line for line in filled.split("\n")), *lines[end:]])
