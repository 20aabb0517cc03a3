"""The end of a history as a picture, the newest revision first, and as a list for whoever does not see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from migration_gate.findings import Graph, Node
from migration_gate.report.html.markup import code, line, plain
from migration_gate.report.lines import caption

ROW, LANE, EDGE = 46, 22, 16  # pixels: between revisions, between branches, around all of it
_LETTER = 8.2  # pixels that one takes, at the most, of the two lines beside a revision


class Edge(NamedTuple):
    """A line from a revision down to what comes before it. Ends are (lane, row); ``lane`` is where it runs between."""

    start: tuple[int, int]
    end: tuple[int, int]
    lane: int
    depends: bool


def drawn(end: Graph) -> str:
    """The picture, and the list."""
    rows, edges = layout(end.nodes)
    left = EDGE + LANE * (1 + max((*rows, *(one.lane for one in edges)), default=0))
    boxes = [caption(one) for one in end.nodes]
    width = left + EDGE + max((_width(text) for box in boxes for text in _two(box)), default=0)
    height = EDGE + ROW * len(rows)
    parts = [
        *map(_edge, edges),
        *(_dot(one, lane, row) for row, (one, lane) in enumerate(zip(end.nodes, rows, strict=True))),
        *(_words(box, left, row) for row, box in enumerate(boxes)),
    ]
    heads = ", ".join(one.id for one in end.nodes if one.head) or "none"
    name = plain(f"The end of the history of {end.project}, the newest revision first; heads: {heads}")
    return (
        f'<section class="scroll" tabindex="0" aria-label="{name}">\n'
        f'<svg role="img" aria-label="{name}" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}">\n' + "\n".join(parts) + "\n</svg></section>\n" + _list(end.nodes)
    )


def layout(nodes: Sequence[Node]) -> tuple[list[int], list[Edge]]:
    """A lane for each revision, and the lines between them: each runs in a lane that no revision stands in meanwhile.
    A parent that has no row, or an earlier one (in a circle), is not drawn to.
    """
    row_of = {one.id: row for row, one in enumerate(nodes)}
    lanes: list[str | None] = []  # which revision each lane leads to; None is free
    rows: list[int] = []
    begun: list[tuple[tuple[int, int], str, int, bool]] = []
    for row, one in enumerate(nodes):
        mine = lanes.index(one.id) if one.id in lanes else _free(lanes)
        lanes[:] = [None if leads == one.id else leads for leads in lanes]
        rows.append(mine)
        ups = dict.fromkeys(one.parents, False) | dict.fromkeys(set(one.depends_on).difference(one.parents), True)
        for up, depends in ups.items():
            if row_of.get(up, 0) <= row:
                continue
            lane = mine if lanes[mine] is None else lanes.index(up) if up in lanes else _free(lanes)
            lanes[lane] = up
            begun.append(((mine, row), up, lane, depends))
    ends = ((start, (rows[row_of[up]], row_of[up]), lane, depends) for start, up, lane, depends in begun)
    return rows, [Edge(*one) for one in ends]


def _free(lanes: list[str | None]) -> int:
    if None not in lanes:
        lanes.append(None)
    return lanes.index(None)


# ── the picture ──────────────────────────────────────────────────────────────────────────────────────────


def _at(lane: int, row: int) -> tuple[int, int]:
    return EDGE + LANE * lane, EDGE + ROW * row


def _edge(one: Edge) -> str:
    (x, y), (to_x, to_y), (by, _) = _at(*one.start), _at(*one.end), _at(one.lane, 0)
    half = ROW // 2
    down, up = y + ROW - 8, to_y - ROW + 8  # by where it is in its lane, and where it leaves that
    path = f"M{x} {y}"
    path += f"C{x} {y + half} {by} {y + half} {by} {down}" if by != x else ""
    path += f"V{up}C{by} {to_y - half} {to_x} {to_y - half} {to_x} {to_y}" if by != to_x else f"V{to_y}"
    return f'<path class="{"depends" if one.depends else "edge"}" d="{path}"/>'


def _dot(one: Node, lane: int, row: int) -> str:
    """A new revision is full, others are hollow; a head has a ring around it, and what is folded is broken."""
    x, y = _at(lane, row)
    ring = f'<circle class="ring" cx="{x}" cy="{y}" r="10"/>' if one.head else ""
    kind = "folded" if one.folded else "new" if one.own else "old"
    return f'{ring}<circle class="{kind}" cx="{x}" cy="{y}" r="6"/>'


def _words(box: Sequence[str], left: int, row: int) -> str:
    _, y = _at(0, row)
    first, second = _two(box)
    lower = f'<tspan class="message" x="{left}" dy="17">{plain(second)}</tspan>' if second else ""
    return f'<text x="{left}" y="{y + 1}"><tspan class="id">{plain(first)}</tspan>{lower}</text>'


def _two(box: Sequence[str]) -> tuple[str, str]:
    """The lines of a box in two: what it is called, and the rest."""
    return box[0], " · ".join(box[1:])


def _width(text: str) -> float:
    return _LETTER * sum(1 if one.isascii() else 2 for one in plain(text))


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────


def _list(nodes: Sequence[Node]) -> str:
    known = {one.id: one for one in nodes}
    lines = "".join(f"<li>{' '.join(_told(one, known))}</li>\n" for one in nodes)
    return f"<details><summary>The same as a list</summary>\n<ol>\n{lines}</ol></details>"


def _told(one: Node, known: dict[str, Node]) -> Iterator[str]:
    if one.folded:
        yield line(one.message)
        return
    yield code(one.id)
    if one.message:
        yield line(one.message)
    if one.mark:
        yield f"({line(one.mark)})"
    if after := [known[up] for up in one.parents if up in known]:
        yield "after " + ", ".join(line(up.message) if up.folded else code(up.id) for up in after)
    if one.depends_on:
        yield f"depends on {', '.join(map(code, one.depends_on))}"
    if one.labels:
        yield f"labels {', '.join(map(code, one.labels))}"
