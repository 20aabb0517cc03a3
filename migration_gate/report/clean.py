"""Makes text from files, revisions and servers safe to print: it can forge nothing."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
# GitHub's runner obeys a line that begins with "::" after blanks, and "##[" wherever it stands (ActionCommand.cs).
_COMMAND = re.compile(r"^((?:[^\S\n]|\x1b\[[\d;]*m)*:)(?=:)|##(?=\[)", re.MULTILINE)
LONGEST = 4_000  # characters of one text; what is longer is cut, and says so
SHORT = 500  # of one line of a page


def clean(text: str, longest: int = LONGEST) -> str:
    """Control characters (but newline and tab) and direction marks shown as escapes; long text cut; no line of it a
    workflow command.
    """
    if len(text) > longest:
        text = f"{text[:longest]} … (+{len(text) - longest:,} characters)"
    return harmless(_CONTROL.sub(lambda one: f"\\x{ord(one[0]):02x}", text))


def clean_line(text: str) -> str:
    """As ``clean``, of what has one line only: a name, a path, a phrase."""
    return clean(text.replace("\n", " "))


def short_line(text: str) -> str:
    """As ``clean_line``, and cut where a page would be all of it."""
    line = clean_line(text)
    return line if len(line) <= SHORT else f"{line[:SHORT]} … (+{len(line) - SHORT:,} characters)"


def harmless(text: str) -> str:
    """A blank put into whatever GitHub's runner would take for a command. For lines put together from clean text."""
    return _COMMAND.sub(lambda one: f"{one[1] or '##'} ", text)


def harmless_json(text: str) -> str:
    """JSON in which GitHub's runner finds no command: "##[" can stand in a string only, where this is the same."""
    return text.replace("##[", "#\\u0023[")
