"""A rule's page, as its docstring has it: what is wrong, why, what is refused and what to write instead.

The form: one sentence; paragraphs; a line "Refused:" with indented examples; a line "Write instead:" with more of them;
then when it stays silent, and the source. Sentences that end in a colon ("or:") part the examples under a heading.
"""

from __future__ import annotations

import inspect
import re
from textwrap import dedent
from typing import NamedTuple

from migration_gate.rules import module

REFUSED, INSTEAD = "Refused:", "Write instead:"
NEXT = "# the next revision"

_PARTS = re.compile(r"(?:^ {4}.*\n?(?:[ \t]*\n)*)+|(?:^(?! {4}).*\S.*\n?)+", re.MULTILINE)


class Part(NamedTuple):
    """A paragraph of prose, or a block of code; an example stands below one of the two headings."""

    text: str
    code: bool = False
    heading: str | None = None


class Page(NamedTuple):
    """``text`` is the whole docstring, its first line included."""

    name: str
    text: str
    parts: tuple[Part, ...]

    @property
    def summary(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def refused(self) -> tuple[str, ...]:
        return self.examples(REFUSED)

    @property
    def instead(self) -> tuple[str, ...]:
        return self.examples(INSTEAD)

    def examples(self, heading: str) -> tuple[str, ...]:
        return tuple(one.text for one in self.parts if one.heading == heading)


def page(name: str) -> Page:
    """The page of a rule, by the rule's name."""
    text = inspect.cleandoc(module(name).__doc__ or "")
    return Page(name, text, parts(text))


def parts(text: str) -> tuple[Part, ...]:
    """A page's paragraphs and blocks in order; blank lines inside of a block belong to it."""
    found, heading = [], None
    for one in _PARTS.findall(text):
        if one.startswith(" "):
            found.append(Part(dedent(one).strip("\n"), True, heading))
            continue
        sentence = one.strip()
        if sentence in (REFUSED, INSTEAD):
            heading = sentence
        elif not sentence.endswith(":") or sentence.startswith(("Silent", "Source")):
            heading = None
        found.append(Part(sentence))
    return tuple(found)


def revisions(example: str) -> tuple[str, ...]:
    """The revisions that an example consists of, in order."""
    bodies = re.split(rf"^{NEXT}.*\n", example, flags=re.MULTILINE)
    return tuple(one.strip("\n") for one in bodies if one.strip())
