""".pre-commit-config.yaml, with the two hooks of a commit.

The file is a person's: comments, order and indentation stay as they are. It is changed as text, a line after the other,
and only where each line that stands at its margin is one that this knows; any other file is left alone, and the person
gets the lines to paste. Of YAML no more is understood than that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate import __version__
from migration_gate.init.changes import Change, Paste, current, ended, line_end

NAME = ".pre-commit-config.yaml"
URL = "https://github.com/migration-gate/migration-gate"
KINDS = "default_install_hook_types"
_KINDS = f"{KINDS}: [pre-commit, pre-merge-commit] # a clean merge can bring a second head in"
_KEY = re.compile(r"([A-Za-z_]\w*) *:(?: |$)")
_REPOS = re.compile(r"repos *:(?P<empty> *\[ *\])? *(?P<comment>#.*)?$")
_ITEM = re.compile(r"(?P<margin> *)-(?P<gap> +)\w+ *:(?: |$)")


class Style(NamedTuple):
    """How a list of repositories is indented: the blanks before a dash, those after it, and how far the dashes of
    ``hooks:`` are to the right of that word.
    """

    margin: int = 2
    gap: int = 1
    hooks: int = 2


def wanted(top: Path) -> Change | Paste | None:
    """What is to be done with a repository's file; None where it has a hook of the gate already."""
    path = top / NAME
    before = current(path)
    if "migration-gate" in without_comments(before or ""):
        return None
    after = added(before or "")
    if after is None:
        why = "it is written in a form that is not added to"
        return Paste(path, why, "\n".join((_KINDS, "repos:", *entry(Style()))))
    return Change(path, before, after)


def installs_all(top: Path) -> bool:
    """Whether `pre-commit install` alone, by the file as it is now, watches over merges too."""
    line = re.search(rf"^{KINDS} *:(.*(?:\n[ -].*)*)", current(top / NAME) or "", re.MULTILINE)
    return line is not None and "pre-merge-commit" in line[1]


def without_comments(text: str) -> str:
    return re.sub(r"(?m)(?:^|[ \t])#.*$", "", text)


def entry(style: Style) -> list[str]:
    """The gate's item of ``repos:``, line by line."""
    item, gap = " " * style.margin, " " * style.gap
    key, hook = item + " " + gap, item + " " + gap + " " * style.hooks
    return [
        f"{item}-{gap}repo: {URL}",
        f"{key}rev: v{__version__}",
        f"{key}hooks:",
        f"{hook}-{gap}id: migration-gate-heads # one head, no revision missing: the graph, whole, in milliseconds",
        f"{hook}-{gap}id: migration-gate-lint # what the committed revisions do",
    ]


def added(text: str) -> str | None:
    """A file's text with the gate's entry, and nothing else changed; None where its form is not known."""
    if text.startswith("\ufeff"):  # a byte order mark, which is to stay the first
        rest = added(text[1:])
        return f"\ufeff{rest}" if rest else None
    kept = ended(text).split("\n")[:-1]  # each with its carriage return, where it has one
    lines = [line.removesuffix("\r") for line in kept]
    sections = _sections(lines)
    keys = [key for key, _ in sections or ()]
    if sections is None or keys.count("repos") > 1:
        return None
    kinds = [] if KINDS in keys else [_KINDS]
    if "repos" in keys:
        first = sections[keys.index("repos")][1]
        last = next((at for _, at in sections if at > first), len(lines))
        found = _after(lines, first, last)
        if found is None:
            return None
        at, new = found
    else:
        first = at = len(lines)
        new = ["repos:", *entry(Style())]
    return_ = line_end(text).removesuffix("\n")
    before, after = ([one + return_ for one in part] for part in (kinds, new))
    if at > first and _REPOS.match(lines[first])["empty"]:  # type: ignore[index]
        kept[first] = kept[first].replace("[", "", 1).replace("]", "", 1)
    return "\n".join((*kept[:first], *before, *kept[first:at], *after, *kept[at:])) + "\n"


def _sections(lines: Sequence[str]) -> list[tuple[str, int]] | None:
    """The keys at the margin and their lines' positions; None where something else stands there that is neither blank
    nor a comment nor an item of a key's list, or where the file is a template of one.
    """
    found: list[tuple[str, int]] = []
    for at, line in enumerate(lines):
        if key := _KEY.match(line):
            found.append((key[1], at))
        elif "{{" in line or "{%" in line or line.startswith("\t"):
            return None
        elif line.strip() and line[0] not in " #":
            starts = line.rstrip() == "---" and not found
            if not starts and not (line.startswith("- ") and found):
                return None
    return found


def _after(lines: Sequence[str], first: int, last: int) -> tuple[int, list[str]] | None:
    """Where in the section from ``first`` to ``last`` the entry has its place, and its lines; None where the form of
    what is there is not known.
    """
    repos = _REPOS.match(lines[first])
    if repos is None:
        return None
    content = [at for at in range(first + 1, last) if lines[at].strip() and lines[at].lstrip()[0] != "#"]
    if not content or repos["empty"]:
        return None if content else (first + 1, entry(Style()))
    margin = _indentation(lines[content[0]])
    items = [at for at in content if _indentation(lines[at]) <= margin]
    matched = [_ITEM.match(lines[at]) for at in items]
    if any(one is None or len(one["margin"]) != margin for one in matched):
        return None
    end = content[-1]
    for at in range(end + 1, last):  # a comment that is indented as the list is belongs to it
        if lines[at].strip() and _indentation(lines[at]) >= max(margin, 1):
            end = at
    apart = [""] if any(_stands_apart(lines, at) for at in items[1:]) else []
    gap = len(matched[-1]["gap"])  # type: ignore[index]
    return end + 1, [*apart, *entry(Style(margin, gap, _hooks(lines, content, 2 if margin else 0)))]


def _stands_apart(lines: Sequence[str], at: int) -> bool:
    """Whether there is a blank line before an item, or before the comment above it."""
    while lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return not lines[at - 1].strip()


def _hooks(lines: Sequence[str], content: Sequence[int], usual: int) -> int:
    """How far the hooks of the last repository are indented, beside the word."""
    for at, following in zip(reversed(content[:-1]), reversed(content[1:]), strict=True):
        if lines[at].strip() == "hooks:":
            return max(_indentation(lines[following]) - _indentation(lines[at]), 0)
    return usual


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
