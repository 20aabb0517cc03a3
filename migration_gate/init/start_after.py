"""``start-after`` in pyproject.toml: what there is today has shipped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migration_gate.findings import CannotJudge
from migration_gate.init.changes import Change, Paste, current, ended, line_end
from migration_gate.project.history import History

_HEADER = re.compile(
    r"""^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*(["']?)migration-gate\1[ \t]*\][ \t]*(?:#.*)?\r?$""", re.MULTILINE
)


def shipped_heads(graph: History) -> tuple[str, ...]:
    """The last revisions that have shipped: those of the base, where it is known, and today's heads where it is not. A
    branch's own are still to be judged.
    """
    if graph.base is None:
        return graph.heads
    shipped = graph.base.past.revisions.keys() & graph.revisions.keys()
    followed = {parent for one in shipped for parent in graph.parents[one]}
    return tuple(one for one in graph.revisions if one in shipped and one not in followed)


def wanted(path: Path, heads: Sequence[str]) -> Change | Paste:
    """What is to be done with a pyproject.toml that has no ``start-after``. Raises CannotJudge where it is no TOML."""
    before = current(path)
    after = added(before or "", heads, str(path))
    if after is None:
        why = "it has [tool.migration-gate] in a form that is not added to"
        return Paste(path, why, f"[tool.migration-gate]\n{_line(heads)}")
    return Change(path, before, after)


def added(text: str, heads: Sequence[str], where: str) -> str | None:
    """A file's text with the key in its section, and nothing else changed; None where it cannot be put in as text."""
    import tomllib

    expected = _parsed(text, where)
    end = line_end(text)
    header = _HEADER.search(text)
    if header and header.end() < len(text):
        at = header.end() + 1
        after = f"{text[:at]}{_line(heads)}{end}{text[at:]}"
    elif header:
        after = f"{text}{end}{_line(heads)}{end}"
    else:
        apart = "" if not text or ended(text).endswith(end * 2) else end
        after = f"{ended(text)}{apart}[tool.migration-gate]{end}{_line(heads)}{end}"
    try:
        expected.setdefault("tool", {}).setdefault("migration-gate", {})["start-after"] = _value(heads)
        return after if tomllib.loads(after) == expected else None
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        return None


def _parsed(text: str, where: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotJudge(f"{where} is not TOML: {error}") from None


def _value(heads: Sequence[str]) -> str | list[str]:
    return heads[0] if len(heads) == 1 else list(heads)


def _line(heads: Sequence[str]) -> str:
    import json

    these = "this one" if len(heads) == 1 else "these"
    value = json.dumps(_value(heads), ensure_ascii=False)
    return f"start-after = {value} # revisions up to {these} have shipped, and are not judged"
