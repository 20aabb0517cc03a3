"""Writes docs/rules.md from the rules' own pages: ``python -m tests.pages``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from migration_gate import rules
from migration_gate.rules.pages import INSTEAD, REFUSED, Page, Part, page

DOCUMENT = Path(__file__).parent.parent / "docs/rules.md"
GROUPS: dict[str, Iterable[str]] = {
    "The history": rules.GRAPH,
    "Fails on rows": rules.FAILS_ON_ROWS,
    "Blocks traffic": rules.BLOCKS_TRAFFIC,
    "Fails midway": rules.FAILS_MIDWAY,
    "Loses or corrupts data": rules.LOSES_DATA,
    "Breaks running code": rules.BREAKS_CODE,
    "Cannot go back": rules.CANNOT_GO_BACK,
    "Seen by `migration-gate ci` alone": rules.REHEARSAL,
    "Drift": rules.DRIFT,
    "Comments that allow a rule": rules.ALLOWS,
}
HEAD = """# The rules

<!-- Written from the rules' docstrings by `make docs`. -->

What `migration-gate explain RULE` prints. Every example runs on a real PostgreSQL in the tests: what is refused does
there, on tables with rows, what the rule says, and what to write instead does not. What PostgreSQL does with each
statement is measured in [facts.md](facts.md).
"""


def document() -> str:
    grouped = {title: [page(name) for name in names if name in rules.ALL] for title, names in GROUPS.items()}
    index = "\n".join(
        f"| **{title}** | |\n" + "\n".join(f"| [`{one.name}`](#{one.name}) | {_cell(one)} |" for one in pages)
        for title, pages in grouped.items()
        if pages
    )
    sections = [
        f"## {title}\n\n" + "\n".join(_section(one) for one in pages) for title, pages in grouped.items() if pages
    ]
    return "\n".join([HEAD, f"| rule | what it finds |\n|---|---|\n{index}\n", *sections])


def _cell(one: Page) -> str:
    return one.summary.replace("|", "\\|")


def _section(one: Page) -> str:
    off = "Off unless settings select it.\n\n" if one.name in rules.OFF else ""
    return f"### {one.name}\n\n{off}" + "\n\n".join(map(_part, one.parts)) + "\n"


def _part(part: Part) -> str:
    if not part.code:
        return f"**{part.text}**" if part.text in (REFUSED, INSTEAD) else part.text
    language = "python" if part.heading else "toml" if part.text.startswith("[") else ""
    return f"```{language}\n{part.text}\n```"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
