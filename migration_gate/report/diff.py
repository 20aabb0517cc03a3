"""Changes of files as a diff that `git apply` takes (git-diff, "GENERATING PATCH TEXT WITH -P")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge


class Change(NamedTuple):
    """A file's content before and after; None: it was not there."""

    path: Path
    before: bytes | None
    after: bytes


def diff(changes: Sequence[Change], top: Path) -> bytes:
    """The changes, to the byte, with paths relative to ``top``."""
    return "".join(line for one in changes for line in _lines(one, top)).encode("latin-1")


def _lines(change: Change, top: Path) -> Iterator[str]:
    if not change.path.is_relative_to(top):
        raise CannotJudge(f"{change.path} is outside of {top}, and no diff can say so: type this without --dry-run")
    name = change.path.relative_to(top).as_posix().encode("utf-8", "surrogateescape").decode("latin-1")
    old, new = (_quoted(f"{side}/{name}") for side in "ab")
    yield f"diff --git {old} {new}\n"
    yield "new file mode 100644\n" if change.before is None else ""
    end = "\t" if " " in name else ""  # git ends a name with blanks so
    yield f"--- {'/dev/null' if change.before is None else old + end}\n+++ {new}{end}\n"
    for number, line in enumerate(unified_diff(_split(change.before or b""), _split(change.after))):
        if number > 1:  # the first two are names
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _split(text: bytes) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text.decode("latin-1"))


def _quoted(name: str) -> str:
    if not re.search(r'["\\\x00-\x1f\x7f]', name):
        return name
    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', lambda one: f"\\{ord(one[0]):03o}", name) + '"'
