"""Texts that match a pattern: LIKE's, and as much of PostgreSQL's regular expressions as CHECKs are made of.

What comes out need not match (lookahead, back references, what ``|`` means in odd places): PostgreSQL tries it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

LONGEST_REPEAT = 6  # how often "any number of times" is done, beyond the least

_DIGITS, _LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"
_CLASSES = {
    "d": _DIGITS,
    "w": _LETTERS + _DIGITS,
    "s": " ",
    "D": _LETTERS,
    "W": "-",
    "S": _LETTERS + _DIGITS,
}
_NAMED = {
    "alpha": _LETTERS,
    "digit": _DIGITS,
    "alnum": _LETTERS + _DIGITS,
    "lower": _LETTERS,
    "upper": _LETTERS.upper(),
    "space": " ",
    "punct": "-_.",
    "xdigit": _DIGITS + "abcdef",
}
_PRINTABLE = "".join(map(chr, range(33, 127)))


def like(pattern: str, number: int) -> str:
    """A text that is LIKE the pattern; other numbers give other texts where the pattern lets them."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    filler = str(number)
    return "".join("" if one == "%" and number == 0 else filler if one == "%" else _one(one) for one in parts)


def _one(part: str) -> str:
    return "a" if part == "_" else part[-1]


def matching(pattern: str, number: int, shortest: int = 0, longest: int | None = None) -> str | None:
    """A text that the regular expression matches; None where none was found, or the pattern is not understood."""
    try:
        tree = _Reader(_tokens(pattern)).alternatives()
    except (ValueError, RecursionError):
        return None
    random = Random(f"{pattern} {number}")  # noqa: S311 the same texts in every run
    found = None
    for _ in range(20):
        text = _spelled(tree, random)
        if len(text) >= shortest and (longest is None or len(text) <= longest):
            return text
        if found is None and longest is None:
            found = text
    return found


class _Choice(NamedTuple):
    """One of several sequences."""

    sequences: tuple[tuple[_Repeat, ...], ...]


class _Repeat(NamedTuple):
    """Letters to choose from, or a group, and how often."""

    what: str | _Choice
    least: int
    most: int


def _spelled(choice: _Choice, random: Random) -> str:
    text = []
    for part in random.choice(choice.sequences):
        for _ in range(random.randint(part.least, max(part.least, part.most))):
            text.append(random.choice(part.what) if isinstance(part.what, str) else _spelled(part.what, random))
    return "".join(text)


_TOKEN = re.compile(
    r"\(\?[:=!]|\(\?<[=!]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]])*\]|\{\d+(?:,\d*)?\}\??|[*+?]\??|.",
    re.DOTALL,
)


def _tokens(pattern: str) -> list[str]:
    options = re.match(r"\(\?[a-z]+\)|\*\*\*[:=]", pattern)
    return _TOKEN.findall(pattern[options.end() :] if options else pattern)


class _Reader:
    """Reads tokens into a tree. It moves along them, which is all that it remembers."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def alternatives(self) -> _Choice:
        found = [tuple(self._sequence())]
        while self.at < len(self.tokens) and self.tokens[self.at] == "|":
            self.at += 1
            found.append(tuple(self._sequence()))
        return _Choice(tuple(found))

    def _sequence(self) -> Iterator[_Repeat]:
        while self.at < len(self.tokens) and self.tokens[self.at] not in ("|", ")"):
            token = self.tokens[self.at]
            self.at += 1
            if token in ("^", "$", "\\A", "\\Z", "\\m", "\\M", "\\y"):
                continue
            what = self._group(token) if token.startswith("(") else _letters(token)
            if what is not None:
                yield _Repeat(what, *self._times())

    def _group(self, token: str) -> _Choice | None:
        inner = self.alternatives()
        if self.at >= len(self.tokens):
            raise ValueError("a group that does not end")
        self.at += 1
        return inner if token in ("(", "(?:") else None  # what looks ahead or behind takes no room

    def _times(self) -> tuple[int, int]:
        if self.at >= len(self.tokens):
            return 1, 1
        token = self.tokens[self.at].removesuffix("?") or "?"
        times = {"*": (0, LONGEST_REPEAT), "+": (1, LONGEST_REPEAT), "?": (0, 1)}.get(token)
        if bounds := re.fullmatch(r"\{(\d+)(,?)(\d*)\}", token):
            least = int(bounds[1])
            most = int(bounds[3]) if bounds[3] else least + LONGEST_REPEAT if bounds[2] else least
            times = (min(least, 2000), min(most, 2000))
        if times is None:
            return 1, 1
        self.at += 1
        return times


def _letters(token: str) -> str:
    """The letters that a token may stand for, at least one."""
    if token == ".":  # noqa: S105
        return _LETTERS
    if token.startswith("["):
        return _set(token[1:-1])
    if token[:2] in ("\\x", "\\u") and len(token) > 2:
        return chr(int(token[2:], 16))
    if token.startswith("\\"):
        return _CLASSES.get(token[1], {"n": "\n", "t": "\t"}.get(token[1], token[1]))
    return token


def _set(inside: str) -> str:
    inside = re.sub(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))", lambda one: chr(int(one[1] or one[2], 16)), inside)
    negated = inside.startswith("^")
    found: list[str] = []
    parts = re.findall(r"\[:(\w+):\]|(\\.)|(.)-((?:\\.|[^\]]))|(.)", inside.removeprefix("^"), re.DOTALL)
    for name, escaped, first, last, single in parts:
        if name:
            found += _NAMED.get(name, "")
        elif escaped:
            found += _letters(escaped)
        elif first:
            found += map(chr, range(ord(first), min(ord(last[-1]), ord(first) + 200) + 1))
        else:
            found.append(single)
    if negated:
        allowed = [one for one in _LETTERS + _DIGITS + _PRINTABLE if one not in found]
        found = allowed
    if not found:
        raise ValueError("a set of no letters")
    return "".join(found)
