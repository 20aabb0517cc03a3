"""A history drawn in lines of text, the newest revision first: a lane for each branch, as in `git log --graph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from migration_gate.project.history import History


class Row(NamedTuple):
    """One revision. ``mark`` stands in a column of its own, to the right of all texts that have one."""

    ident: str
    parents: tuple[str, ...]
    text: str
    mark: str = ""


def draw(rows: Sequence[Row]) -> list[str]:
    """The lines of a graph whose rows are in order, each before its parents; a parent that has no row of its own, or an
    earlier one (in a circle), is not drawn to.
    """
    known = {one.ident for one in rows}
    lanes: list[str | None] = []  # which revision each lane leads to; None is free
    lines: list[tuple[str, str]] = []
    for row in rows:
        first, *others = [at for at, one in enumerate(lanes) if one == row.ident] or [_free(lanes)]
        if others:
            lines.append((_link(lanes, first, others, "┴╯"), ""))
        _put(lanes, dict.fromkeys(others) | {first: row.ident})
        cells = ["●" if at == first else "│" if lane else " " for at, lane in enumerate(lanes)]
        lines.append((f"{' '.join(cells)} {row.text}", row.mark))
        known.discard(row.ident)
        lead = [one for one in row.parents if one in known]
        _put(lanes, {first: lead[0] if lead else None})
        more = []
        for parent in lead[1:]:
            more.append(_free(lanes, first + 1))
            _put(lanes, {more[-1]: parent})
        if more:
            lines.append((_link(lanes, first, more, "┬╮"), ""))
    width = max((len(line) for line, mark in lines if mark), default=0)
    return [(f"{line:<{width}}    {mark}" if mark else line).rstrip() for line, mark in lines]


def _free(lanes: list[str | None], start: int = 0) -> int:
    """The first free lane from ``start`` on."""
    return next((at for at in range(start, len(lanes)) if lanes[at] is None), max(start, len(lanes)))


def _put(lanes: list[str | None], leads: Mapping[int, str | None]) -> None:
    for at, ident in leads.items():
        lanes += [None] * (at + 1 - len(lanes))
        lanes[at] = ident
    while lanes and lanes[-1] is None:
        lanes.pop()


def _link(lanes: Sequence[str | None], first: int, others: Sequence[int], corners: str) -> str:
    """The line between two rows that joins lanes with the first of them, or parts them from it."""
    last = max(others)
    cells = []
    for at in range(max(len(lanes), last + 1)):
        lane = at < len(lanes) and lanes[at] is not None
        if at == first:
            cell = "├"
        elif at in others:
            cell = corners[at == last]
        elif first < at < last:
            cell = "┼" if lane else "─"
        else:
            cell = "│" if lane else " "
        cells.append(cell + ("─" if first <= at < last else " "))
    return "".join(cells).rstrip()


def fork(history: History, heads: tuple[str, ...], whose: Mapping[str, str]) -> str:
    """The fork alone: each head on a line of its own, with whose it is, and the last revision that all of them come
    after.
    """
    shared = set.intersection(*(history.ancestors(head) for head in heads))
    common = [one for one in shared if not any(one in history.parents[other] for other in shared)][:1]
    rows = []
    for head in heads:
        own = len(history.ancestors(head) - shared) - 1
        more = f"  (+{own} below it)" if own else ""
        rows.append(Row(head, tuple(common), f"{_title(history, head)}{more}", whose.get(head, "")))
    lines = draw([*rows, *(Row(one, (), _title(history, one)) for one in common)])
    return "\n".join("    " + line for line in (*lines, *([] if common else ["  they have no revision in common"])))


def _title(history: History, ident: str) -> str:
    return f"{ident}  {history.revisions[ident].message}".rstrip()


def newest_first(history: History, heads: Iterable[str]) -> list[str]:
    """All revisions, each before its parents, and each branch down to where it parted in one piece; those of a circle
    last.
    """
    waits = dict.fromkeys(history.revisions, 0)
    for parents in history.parents.values():
        for parent in parents:
            waits[parent] += 1
    stack = list(heads)[::-1]
    order: list[str] = []
    while stack:
        order.append(stack.pop())
        for parent in reversed(history.parents[order[-1]]):
            waits[parent] -= 1
            if not waits[parent]:
                stack.append(parent)
    placed = set(order)
    return order + [one for one in history.revisions if one not in placed]
