"""What a transaction does, as a table: statements downwards in their order, the tables that they lock across. A lock is
a bar from the statement that takes it to the end of the transaction, in pieces where it grows or work is done under it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Finding, Graph, Held, Planned, Step
from migration_gate.operations.effects import STRENGTH
from migration_gate.report.html.markup import code, line, plain, pre, prose
from migration_gate.report.words import WORK, size

MOST_ROWS = 200  # statements of one transaction
MOST_TABLES = 12  # side by side

_KIND = {
    False: "One transaction",
    True: "Each statement by itself (autocommit)",
    None: "After a COMMIT: with or without a transaction, as the driver has it",
}
_CLASS = {"reads and writes": "all", "writes": "writes", "": "none"}
_UNTIL = {
    False: "from statement {} to the end",
    True: "while statement {} runs",
    None: "while statement {} runs, or to the end",
}


class Row(NamedTuple):
    """A statement, and how often it runs in a row."""

    step: Step
    times: int


class Piece(NamedTuple):
    """Rows ``start`` to ``end`` (which it does not reach) of one table's column. ``held`` is None where it is free,
    else the lock as it is by then, with the work that row ``start`` does; ``taken`` is the row where this lock began.
    """

    start: int
    end: int
    held: Held | None
    taken: int


Anchors = Mapping[str, Sequence[tuple[int, Finding]]]  # by file: findings, with the number that each has on the page
Links = Mapping[str, Sequence[tuple[int, str]]]  # by file: lines of statements, with links to these


def timelines(plans: Sequence[Planned], ends: Sequence[Graph], findings: Mapping[int, Finding]) -> list[str]:
    """The transactions, one by one. ``findings`` are by the numbers that they have on the page."""
    messages = {(end.project, one.id): one.message for end in ends for one in end.nodes}
    several = len({one.project for one in plans}) > 1
    of_file: dict[str, list[tuple[int, Finding]]] = {}
    for number, one in findings.items():
        of_file.setdefault(one.path or "", []).append((number, one))
    return [_timeline(number, planned, messages, of_file, several) for number, planned in enumerate(plans, 1)]


def statements(plans: Sequence[Planned]) -> Links:
    """Where the statements are that are shown."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, planned in enumerate(plans, 1):
        for row, one in enumerate(rows(planned)[:MOST_ROWS], 1):
            link = f'<a href="#s{number}-{row}">transaction {number}, statement {row}</a>'
            found.setdefault(one.step.path, []).append((one.step.line, link))
    return found


def about(finding: Finding, line: int) -> bool:
    """Whether a finding is about the statement in a line of its own file."""
    return finding.line is not None and finding.line <= line <= (finding.end or finding.line)


def rows(planned: Planned) -> list[Row]:
    """The statements, those that are the same and follow each other as one: a loop says nothing new each time."""
    return [Row(step, len(list(group))) for step, group in groupby(planned.steps)]


def pieces(shown: Sequence[Row], table: str, lasting: bool) -> list[Piece]:
    """A table's column. With ``lasting`` a lock is held until the end, else while its statement runs."""
    found: list[Piece] = []
    now: Held | None = None
    taken = 0
    for at, row in enumerate(shown):
        own = [one for one in row.step.held if one.table == table and not one.since]
        if own:
            new = max(own, key=lambda one: STRENGTH[one.lock])
            stays = lasting and now and STRENGTH[now.lock] >= STRENGTH[new.lock]
            taken = taken if stays else at
            now = now._replace(work=new.work) if now and stays else new
            found.append(Piece(at, at + 1, now, taken))
        elif found and (lasting or found[-1].held is None):
            found[-1] = found[-1]._replace(end=at + 1)
        else:
            found.append(Piece(at, at + 1, None, at))
    return found


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────


def _timeline(
    number: int, planned: Planned, messages: Mapping[tuple[str, str], str], findings: Anchors, several: bool
) -> str:
    whole = rows(planned)
    shown = whole[:MOST_ROWS]
    tables, left = _tables(shown)
    columns = [pieces(shown, one.table, planned.autocommit is False) for one in tables]
    body = []
    for at, row in enumerate(shown):
        first = not at or shown[at - 1].step.revision != row.step.revision
        message = messages.get((planned.project, row.step.revision), "")
        head = f'<p class="revision">{code(row.step.revision)} {line(message)}</p>' if first else ""
        cells = (_cell(number, planned, piece, column) for column in columns for piece in column if piece.start == at)
        body.append(
            f'<tr><th scope="row">{at + 1}</th><td class="statement">{head}{_statement(number, at, row, findings)}</td>'
            f"{''.join(cells)}</tr>"
        )
    if more := sum(one.times for one in whole[MOST_ROWS:]):
        body.append(_last(f"… and {more:,} more statements, whose locks are not shown", len(tables)))
    if planned.autocommit is False:
        body.append(_last("The end of the transaction: its locks are let go", len(tables)))
    ran = any(one.sql for one in planned.steps)
    seen = "as it ran on PostgreSQL" if ran else "as it is written"
    name = f"{line(planned.project)}: " if several else ""
    others = f"<p>And {left:,} tables more: each statement names what it locks.</p>\n" if left else ""
    if ran and planned.autocommit:
        others += "<p>A lock is gone when its statement has committed itself, and so is not seen here.</p>\n"
    return (
        f'<h3 id="t{number}">{number}. {name}{_KIND[planned.autocommit]}, <small>{seen}</small></h3>\n{others}'
        f'<section class="scroll" tabindex="0" aria-labelledby="t{number}">\n<table class="timeline">\n'
        f'<thead><tr><th scope="col" colspan="2">Statement</th>{"".join(map(_column, tables))}</tr></thead>\n'
        f"<tbody>\n{chr(10).join(body)}\n</tbody></table></section>"
    )


def _tables(shown: Sequence[Row]) -> tuple[list[Held], int]:
    """A lock of each table, in the order in which they are first locked; of many those that are locked most strongly.
    Then how many are left out.
    """
    strongest: dict[str, Held] = {}
    for row in shown:
        for one in row.step.held:
            before = strongest.get(one.table)
            if not before or STRENGTH[one.lock] > STRENGTH[before.lock]:
                strongest[one.table] = one
    worst = sorted(strongest, key=lambda name: -STRENGTH[strongest[name].lock])[:MOST_TABLES]
    return [one for name, one in strongest.items() if name in worst], len(strongest) - len(worst)


def _column(one: Held) -> str:
    known = size(one)
    return f'<th scope="col">{code(one.table)}{f"<br><small>{known.strip()[1:-1]}</small>" if known else ""}</th>'


def _cell(number: int, planned: Planned, piece: Piece, column: Sequence[Piece]) -> str:
    span = f' rowspan="{piece.end - piece.start}"' if piece.end - piece.start > 1 else ""
    held = piece.held
    if held is None:
        return f"<td{span}></td>"
    goes_on = any(one.start == piece.end and one.held and one.taken == piece.taken for one in column)
    begins = piece.taken == piece.start
    kinds = ["bar", _CLASS.get(held.blocks, "all"), *(["begins"] * begins), *(["goes-on"] * goes_on)]
    words = [f"<b>{plain(held.lock)}</b>"]
    if begins:
        words.append(f"{plain(held.blocks)} wait" if held.blocks else "nothing waits")
        words.append(f"<small>{_UNTIL[planned.autocommit].format(piece.taken + 1)}</small>")
    else:
        words[0] = f"still {words[0]}"
    if work := _work(held):
        words.append(f'<span class="work">{work}</span>')
    link = f'<a href="#s{number}-{piece.start + 1}">{"<br>".join(words)}</a>'
    return f'<td{span} class="{" ".join(kinds)}">{link}</td>'


def _work(held: Held) -> str:
    return "work not known" if held.work is None else WORK[held.work]


def _last(text: str, tables: int) -> str:
    return f'<tr class="last"><td colspan="2">{text}</td>{"<td></td>" * tables}</tr>'


# ── one statement ────────────────────────────────────────────────────────────────────────────────────────


def _statement(number: int, at: int, row: Row, findings: Anchors) -> str:
    step = row.step
    here = [one for one in findings.get(step.path, ()) if step.path and about(one[1], step.line)]
    file = f"{code(f'{Path(step.path).name}:{step.line}')}" if step.path else ""
    times = f' <span class="times">× {row.times:,}</span>' if row.times > 1 else ""
    marks = '<span class="not-read">? not read</span>' if step.not_read else ""
    marks += "".join(f'<span class="refused">✗ {plain(one.rule)}</span>' for _, one in here)
    return (
        f"<details><summary>{code(step.text)}{times} "
        f'<span class="where">{file}</span>{marks}</summary>\n'
        f'<div class="more" id="s{number}-{at + 1}">\n{chr(10).join(_more(step, here))}\n</div></details>'
    )


def _more(step: Step, here: Sequence[tuple[int, Finding]]) -> Iterator[str]:
    yield pre(step.sql or step.text)
    if step.not_read:
        yield f"<p>Not read: {line(step.not_read)}</p>"
    if step.held:
        yield f"<ul>\n{''.join(f'<li>{_told(one)}</li>{chr(10)}' for one in step.held)}</ul>"
    for number, one in here:
        yield f'<div class="refusal"><p><a href="#f{number}">{code(one.rule)}</a></p>\n{prose(one.message)}</div>'


def _told(one: Held) -> str:
    since = f"since {line(one.since)}" if one.since else ""
    waits = f"{plain(one.blocks)} wait" if one.blocks else "nothing waits"
    return f"{code(one.table)}{size(one)}: " + ", ".join(filter(None, (plain(one.lock), since, waits, _work(one))))
