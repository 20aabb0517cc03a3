"""Files to be changed: as they are, as they will be, and the difference for a person to see before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge, CannotWrite


class Change(NamedTuple):
    """A file to write; ``before`` is None where there is none yet."""

    path: Path
    before: str | None
    after: str


class Paste(NamedTuple):
    """What is left to a person: the file that the text belongs in, and why it is not written there."""

    path: Path
    why: str
    text: str


def current(path: Path) -> str | None:
    """A file's text, its line ends as they are; None where there is no file. Raises CannotJudge."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotJudge(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CannotJudge(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None


def line_end(text: str) -> str:
    """What a file's lines end with, and what is added to it ends with as well."""
    return "\r\n" if "\r\n" in text else "\n"


def ended(text: str) -> str:
    """The text with its last line ended."""
    return text if not text or text.endswith("\n") else text + line_end(text)


def unified(change: Change, name: str) -> Iterator[str]:
    """The difference as lines without their ends; ``name`` is the file's."""
    import difflib

    before, after = ((text or "").replace("\r\n", "\n").splitlines() for text in (change.before, change.after))
    old = name if change.before is not None else "/dev/null"
    yield from difflib.unified_diff(before, after, old, name, lineterm="")


def write(change: Change) -> None:
    """Write a file, and the folders that it needs. Raises CannotWrite."""
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        change.path.write_bytes(change.after.encode())
    except OSError as error:
        raise CannotWrite(f"cannot write {change.path}: {error.strerror}") from error
