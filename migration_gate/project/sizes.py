"""How large production's tables are: a file that ``migration-gate doctor --save-sizes`` writes, and that the setting
``sizes`` names. It has their names and two numbers each: no row, no host.

What is large and what is small was measured on PostgreSQL 15, on an idle machine with a fast disk. Of a million rows
(138 MB) an index takes 0.7 s to build and the table 1 s to write anew, of a gigabyte ten times that: traffic that waits
so long is noticed. Of 10,000 rows (1.4 MB) it is 5 ms and 10 ms: on a machine ten times slower nobody notices either.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from migration_gate.findings import CannotJudge, CannotWrite
from migration_gate.project.model import Project

VERSION = 1
LARGE_ROWS, LARGE_BYTES = 1_000_000, 1 << 30  # from either on a table is large
SMALL_ROWS, SMALL_BYTES = 10_000, 10 << 20  # below both it is small
DAYS = 90  # after which a file is old
_AGAIN = "migration-gate doctor --save-sizes {} writes it"


class Size(NamedTuple):
    """One table's, its indexes and its partitions among it. ``rows`` is an estimate, None where nobody has counted."""

    rows: int | None
    bytes: int

    @property
    def word(self) -> Literal["small", "large", "unknown"]:
        """What it is to a rule; of one in between nothing is known that the settings could not say better."""
        rows = self.rows or 0
        if rows >= LARGE_ROWS or self.bytes >= LARGE_BYTES:
            return "large"
        return "small" if rows < SMALL_ROWS and self.bytes < SMALL_BYTES else "unknown"


class Sizes(NamedTuple):
    """``taken`` is a date, "2026-11-24"; ``tables`` are by "schema.name"."""

    taken: str
    tables: Mapping[str, Size]

    def of(self, table: str) -> Size | None:
        """The size of a table as a migration calls it. Where it names no schema, and public has no such table, the
        search path decides what it means, which nobody knows here: the largest of that name, then.
        """
        found = self.tables.get(table) or self.tables.get(f"public.{table}")
        if found or "." in table:
            return found
        others = (size for name, size in self.tables.items() if name.partition(".")[2] == table)
        return max(others, key=lambda one: one.bytes, default=None)

    @property
    def days(self) -> int:
        """How many days old they are."""
        from datetime import date

        return (date.today() - date.fromisoformat(self.taken)).days


def of_project(project: Project) -> Sizes | None:
    """The sizes that a project's settings name; None where they name none. Raises CannotJudge as ``load`` does."""
    name = project.settings.sizes
    return load(project.settings_folder / name, name) if name else None


@cache
def load(path: Path, name: str) -> Sizes:
    """The sizes of a file; messages call it ``name``. Raises CannotJudge where it is not there, or not such a file."""
    import json

    again = _AGAIN.format(name)
    if not path.is_file():
        raise CannotJudge(f"sizes in [tool.migration-gate] names {name}, which is no file: {again}")
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CannotJudge(f"cannot read {name}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CannotJudge(f"{name} is not JSON: {again} anew") from None
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and version != VERSION:
        raise CannotJudge(f"{name} is of version {version}, and this gate reads version {VERSION}: {again} anew")
    sizes = _sizes(document) if version == VERSION else None
    if sizes is None:
        raise CannotJudge(f"{name} holds no sizes of tables: {again} anew")
    return sizes


def _sizes(document: dict[str, Any]) -> Sizes | None:
    """A file's sizes; None where something in it is not as ``save`` has it."""
    from datetime import date

    tables = document.get("tables")
    try:
        taken = date.fromisoformat(document["taken"]).isoformat()
        found = {name: Size(one["rows"], one["bytes"]) for name, one in tables.items()}  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    whole = all((size.rows is None or _is_count(size.rows)) and _is_count(size.bytes) for size in found.values())
    return Sizes(taken, found) if whole else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def save(sizes: Sizes, path: Path) -> None:
    """Write the file, a line for each table, sorted: what git shows of the next one is what has grown. Raises
    CannotWrite.
    """
    import json

    lines = [f"    {json.dumps(name)}: {json.dumps(size._asdict())}" for name, size in sorted(sizes.tables.items())]
    tables = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    text = f'{{\n  "version": {VERSION},\n  "taken": {json.dumps(sizes.taken)},\n  "tables": {tables}\n}}\n'
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from error


def in_words(size: Size) -> str:
    """A size as people say it: "48 GB, 120 million rows"."""
    return _bytes(size.bytes) + ("" if size.rows is None else f", {_rows(size.rows)}")


def _bytes(count: int) -> str:
    """In powers of 1024, as pg_size_pretty counts."""
    for unit, name in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB")):
        if count >= unit:
            return f"{_short(count / unit)} {name}"
    return f"{(count + 1023) >> 10} kB"


def _rows(count: int) -> str:
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if count >= unit:
            return f"{_short(count / unit)} {name} rows"
    digits = max(len(str(count)) - 2, 0)  # two that count: it is an estimate
    return f"{round(count, -digits):,} row{'s' if count != 1 else ''}"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}".removesuffix(".0")
