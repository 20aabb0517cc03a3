"""How a project is installed in CI, guessed from the files that say what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from migration_gate.init.changes import current

# The first that is there. All of them install into the Python that is on PATH, which is the one that runs the gate.
_COMMANDS = (
    ("uv.lock", "pip install uv && uv export --quiet --frozen --no-hashes | pip install -r /dev/stdin"),
    ("poetry.lock", "pip install poetry && POETRY_VIRTUALENVS_CREATE=false poetry install"),
    ("Pipfile.lock", "pip install pipenv && pipenv install --system --deploy"),
    ("Pipfile", "pip install pipenv && pipenv install --system --skip-lock"),
    ("requirements.txt", "pip install -r requirements.txt"),
    ("requirements/prod.txt", "pip install -r requirements/prod.txt"),
    ("requirements/base.txt", "pip install -r requirements/base.txt"),
    ("pyproject.toml", "pip install -e ."),
    ("setup.py", "pip install -e ."),
)
_PACKAGE = re.compile(r"^[ \t]*\[(?:project|build-system|tool\.poetry)\]", re.MULTILINE)
_REQUIRES = re.compile(r"""^[ \t]*(?:requires-)?python[ \t]*=[ \t]*["']([^"'\n]*)["']""", re.MULTILINE)
_FROM = re.compile(r"(?:>=|~=|==|\^|~|>)\s*3\.(\d+)")
_OLDEST, _USUAL = 11, 12  # Python 3.11 is the oldest that the gate runs on


def upwards(folder: Path, top: Path) -> Iterator[Path]:
    """A folder and those above it, up to the top; the top alone where the folder is not below it."""
    yield from (one for one in (folder, *folder.parents) if one.is_relative_to(top))
    if not folder.is_relative_to(top):
        yield top


def place(folder: Path, top: Path) -> Path:
    """The nearest folder at or above this one that says what to install; the top where none does."""
    return next((one for one in upwards(folder, top) if _first(one)), top)


def command(folder: Path, top: Path) -> str | None:
    """What installs the project of a folder, run in that folder; None where nothing tells. Members of a workspace of
    uv's have their lock above them.
    """
    found = _first(folder)
    locked = any((one / "uv.lock").is_file() for one in upwards(folder, top))
    return _COMMANDS[0][1] if found == "pip install -e ." and locked else found


def _first(folder: Path) -> str | None:
    for name, words in _COMMANDS:
        path = folder / name
        if path.is_file() and (name != "pyproject.toml" or _PACKAGE.search(current(path) or "")):
            return words
    return None


def python(folder: Path, top: Path) -> str:
    """The version of Python to install with: the one that is pinned, or the oldest that the project allows."""
    for one in upwards(folder, top):
        pinned = re.search(r"^(?:cpython-|python-)?3\.(\d+)", current(one / ".python-version") or "", re.MULTILINE)
        required = _REQUIRES.search(current(one / "pyproject.toml") or "")
        if found := pinned or (required and _FROM.search(required[1])):
            return f"3.{max(int(found[1]), _OLDEST)}"
    return f"3.{_USUAL}"
