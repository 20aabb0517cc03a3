"""The page for a browser: whole, well-formed, closed to everything outside, and the same whatever its texts hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_gate.findings import Allowed, Evidence, Finding, Graph, Held, Node, Note, Planned, Step, Verdict
from migration_gate.operations.effects import STRENGTH, blocks
from migration_gate.report.clean import harmless
from migration_gate.report.html import page
from migration_gate.report.html.history import layout
from migration_gate.report.html.page import render
from migration_gate.report.html.timeline import MOST_ROWS, MOST_TABLES
from tests.conftest import Gate, alembic_project, revision
from tests.report.conftest import FINDING, HOSTILE, MARKUP, VERDICT, hostile, install
from tests.report.test_hostile import TEXTS

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
STYLE = (Path(page.__file__).parent / "style.css").read_text()
VOID = {"meta", "br", "path", "circle"}  # the last two close themselves
ATTRIBUTES = {
    "a": {"class", "href"},
    "article": {"aria-labelledby"},
    "circle": {"class", "cx", "cy", "r"},
    "details": {"open"},
    "div": {"class", "id"},
    "h2": {"id"},
    "h3": {"id"},
    "header": {"class"},
    "html": {"lang"},
    "main": {"id"},
    "meta": {"charset", "content", "http-equiv", "name"},
    "nav": {"aria-label"},
    "p": {"class"},
    "path": {"class", "d"},
    "section": {"aria-label", "aria-labelledby", "class", "tabindex"},
    "span": {"aria-hidden", "class"},
    "svg": {"aria-label", "height", "role", "viewbox", "width"},
    "table": {"class"},
    "td": {"class", "colspan", "rowspan"},
    "text": {"x", "y"},
    "th": {"colspan", "scope"},
    "tr": {"class"},
    "tspan": {"class", "dy", "x"},
    "ul": {"class"},
}  # of any other element: none


class Element:
    def __init__(self, tag: str, attributes: dict[str, str | None], inside: list[str]) -> None:
        self.tag, self.attributes, self.inside = tag, attributes, inside
        self.text = ""


class Page(HTMLParser):
    """The elements in order; each has to be one that the page may have, and to close in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        one = Element(tag, dict(attributes), [each.tag for each in self.open])
        assert len(one.attributes) == len(attributes)
        assert one.attributes.keys() <= ATTRIBUTES.get(tag, set()), one.attributes
        self.elements.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ("path", "circle")
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment

    def handle_decl(self, data: str) -> None:
        assert (data, self.elements) == ("DOCTYPE html", [])

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.text += data

    def all(self, tag: str) -> list[Element]:
        return [one for one in self.elements if one.tag == tag]


def read(said: str) -> Page:
    """The page as a browser gets it, once it has been found whole."""
    found = Page(said.encode("utf-8", errors="replace").decode())
    ids = [one.attributes["id"] for one in found.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in found.elements:
        for name in ("aria-labelledby", "href"):
            if target := one.attributes.get(name):
                assert target.removeprefix("#") in ids
                assert name != "href" or target[0] == "#"  # it leads nowhere else
        if one.tag in ("p", "pre", "h1", "h2", "h3"):
            assert not {"p", "pre", "h1", "h2", "h3", "summary", "a"} & set(one.inside) or one.tag == "p"
            assert "p" not in one.inside
        assert one.tag != "a" or "a" not in one.inside
    return found


# ── whole, and closed to everything outside ──────────────────────────────────────────────────────────────


def test_a_browser_may_load_and_run_nothing_but_the_one_style() -> None:
    said = render(hostile("x"))
    assert said.count("<style>") == 1
    (style,) = re.findall("<style>(.*?)</style>", said, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', said)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert said.index("Content-Security-Policy") < said.index("<style>")
    assert harmless(style) == style == STYLE  # or its hash would be another's
    assert not re.search(r"url\(|@import|@font-face|https?:|<", style)
    assert "://" not in said


def test_the_page_says_what_it_is_to_whoever_does_not_see_it() -> None:
    found = read(render(VERDICT._replace(endings=hostile("x").endings, plan=hostile("x").plan), notes=True))
    assert found.all("html")[0].attributes == {"lang": "en"}
    assert [len(found.all(one)) for one in ("title", "main", "header", "nav", "footer", "h1")] == [1] * 6
    assert (
        found.all("title")[0].text == "migration-gate: 1 finding: the gate is closed, and not all of it could be judged"
    )
    levels = [int(one.tag[1]) for one in found.elements if re.fullmatch("h[1-6]", one.tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for one in found.all("section"):
        if one.attributes.get("class") == "scroll":
            assert one.attributes["tabindex"] == "0"
            assert {"aria-label", "aria-labelledby"} & one.attributes.keys()
    assert all(one.attributes["scope"] in ("row", "col") for one in found.all("th"))
    assert found.all("details")[-1].text.startswith("What informs")
    assert all(one.attributes["role"] == "img" and one.attributes["aria-label"] for one in found.all("svg"))
    states = [one.text for one in found.all("span") if one.attributes.get("class") == "unseen"]
    assert states == ["went well", "did not", "not judged"]


def test_every_part_of_a_verdict_is_there() -> None:
    drift = Finding("drift", "column `t.c` differs", evidence=(Evidence("models", "m"), Evidence("migrations", "n")))
    said = render(
        VERDICT._replace(
            findings=(FINDING, drift), allowed=(Allowed(FINDING, "it is empty"),), order=("git merge main",)
        )
    )
    found = read(said)
    assert [one.text for one in found.all("h2")] == [
        "Not judged", "What was tried", "Findings", "Drift", "All of it, in this order", "Allowed by a comment",
        "Notes: 2",
    ]  # fmt: skip
    assert "<p>users.phone is NOT NULL.<br>It has no server default.</p>" in said
    assert "column <code>t.c</code> differs" in said
    pres = [one.text for one in found.all("pre")]
    assert pres == [FINDING.remedy, "m\nn", "git merge main"]
    assert "because it is empty" in said
    assert "no PostgreSQL to rehearse on" in said


def test_what_nothing_was_found_in_is_a_page_too() -> None:
    found = read(render(Verdict(facts=("1 revision",))))
    assert found.all("h1")[0].text == "✓ migration-gate: the gate is open"
    assert found.all("h2") == found.all("nav") == []


def test_of_very_many_things_the_first_are_shown_and_the_rest_is_counted() -> None:
    many = page.MOST + 7
    said = render(Verdict(findings=(FINDING,) * many, notes=(Note("n"),) * many, problems=("p",) * many))
    assert len(read(said).all("article")) == page.MOST
    for kind in ("finding", "note", "problem"):
        assert f"Shown are the first 500 of 507 {kind}s; JSON has them all." in said


# ── whatever its texts hold ──────────────────────────────────────────────────────────────────────────────

MORE = {"p", "pre", "br", "code"}  # more of them the more lines there are
PLAIN = Counter(one.tag for one in read(render(hostile("x"), notes=True)).elements)


def judge(text: str) -> None:
    found = Counter(one.tag for one in read(render(hostile(text), notes=True)).elements)
    assert found.keys() <= PLAIN.keys() | MORE
    assert {tag: found[tag] for tag in PLAIN if tag not in MORE} == {
        tag: PLAIN[tag] for tag in PLAIN if tag not in MORE
    }


def test_it_holds_no_markup_but_its_own() -> None:
    for text in (
        *HOSTILE,
        *MARKUP,
        "</title>",
        "</style>",
        '" onload="x',
        "' x='",
        "</text></svg>",
        "`<b>`",
        "x" * 1_000_000,
    ):
        judge(text)


@given(text=TEXTS)
@FEW
def test_nor_does_it_of_any_text(text: str) -> None:
    judge(text)


# ── the timeline ─────────────────────────────────────────────────────────────────────────────────────────


def lock(table: str, name: str, work: str | None = "") -> Held:
    return Held(table, name, blocks(name), work)


Cell = tuple[int, Element]


def grid(said: str) -> list[list[Cell]]:
    """The body of the first timeline, a row for each statement: in each column the cell that covers it, with the row
    where this one begins. Fails where cells leave a hole, or are one above the other.
    """
    elements = Page(said).elements
    begin = next(at for at, one in enumerate(elements) if one.attributes.get("class") == "timeline")
    end = next((at for at in range(begin + 1, len(elements)) if elements[at].tag == "table"), len(elements))
    lines: list[list[Element]] = []
    for one in elements[begin:end]:
        if one.tag == "tr":
            lines.append([])
        elif one.tag in ("th", "td"):
            lines[-1].append(one)
    width = sum(_span(one, "col") for one in lines[0])
    rows: list[list[Cell | None]] = [[None] * width for _ in lines[1:]]
    for at, line in enumerate(lines[1:]):
        for cell in line:
            first = rows[at].index(None)
            for below in range(at, at + _span(cell, "row")):
                for column in range(first, first + _span(cell, "col")):
                    assert rows[below][column] is None
                    rows[below][column] = (at, cell)
    return [[cell for cell in row if cell is not None] for row in rows if None not in row or pytest.fail("a hole")]


def _span(cell: Element, kind: str) -> int:
    return int(cell.attributes.get(f"{kind}span") or 1)


def shown(*steps: Step, autocommit: bool | None = False, **more: tuple[Finding, ...]) -> str:
    return render(Verdict(plan=(Planned("shop", ("a",), autocommit, steps),), **more))


def step(number: int, *held: Held) -> Step:
    return Step("a.py", number, f"S{number}", held, "", "a", f"SELECT {number}")


def test_a_lock_is_a_bar_from_its_statement_to_the_end() -> None:
    taken = lock("users", "SHARE", "index build")._replace(rows=120_000_000, bytes=48 << 30)
    still = lock("users", "SHARE")._replace(since="a.py:2")
    rows = grid(said := shown(step(1), step(2, taken), step(3, still, lock("t", "ROW EXCLUSIVE", "rows")), step(4)))
    users = [(begun, cell.text) for begun, cell in (row[2] for row in rows)]
    assert users[0] == (0, "")
    assert [one for one, _ in users[1:4]] == [1, 1, 1]
    assert users[1][1] == "SHAREwrites waitfrom statement 2 to the endan index is built"
    assert rows[2][3][1].text == "ROW EXCLUSIVEnothing waitsfrom statement 3 to the endrows are written"
    assert rows[1][2][1].attributes["class"] == "bar writes begins"
    assert rows[4][0][1].text == "The end of the transaction: its locks are let go"
    assert '<a href="#s1-2"><b>SHARE</b>' in said
    assert "<code>users</code><br><small>48 GB, 120 million rows</small>" in said
    assert "<li><code>users</code>: SHARE, since a.py:2, writes wait</li>" in said


def test_it_is_in_pieces_where_it_grows_or_work_is_done_under_it() -> None:
    rows = grid(
        shown(
            step(1, lock("t", "SHARE")),
            step(2, lock("t", "ACCESS EXCLUSIVE", None)),
            step(3, lock("t", "SHARE", "scan")),
            step(4),
        )
    )
    cells = [row[2] for row in rows]
    assert [begun for begun, _ in cells] == [0, 1, 2, 2, 4]
    assert [cell.attributes["class"] for _, cell in cells[:3]] == [
        "bar writes begins", "bar all begins goes-on", "bar all"
    ]  # fmt: skip
    assert cells[1][1].text.endswith("work not known")
    assert cells[2][1].text == "still ACCESS EXCLUSIVEall of it is read"


@pytest.mark.parametrize(("autocommit", "until"), [(True, "while statement 1 runs"), (None, "runs, or to the end")])
def test_outside_of_a_transaction_it_ends_with_its_statement(autocommit: bool | None, until: str) -> None:
    rows = grid(shown(step(1, lock("t", "SHARE")), step(2), autocommit=autocommit))
    assert rows[0][2][1].text.endswith(until)
    assert rows[1][2][1].text == ""
    assert len(rows) == 2


LOCKS = st.builds(lock, st.sampled_from("tuv"), st.sampled_from(list(STRENGTH)), st.sampled_from(["", "scan", None]))
STEPS = st.lists(st.lists(LOCKS, max_size=3), min_size=1, max_size=8)


@given(helds=STEPS)
@FEW
def test_at_every_statement_the_bar_is_the_strongest_lock_so_far(helds: list[list[Held]]) -> None:
    rows = grid(shown(*(step(number, *held) for number, held in enumerate(helds, 1))))
    tables = list(dict.fromkeys(one.table for held in helds for one in held))
    assert len(rows) == len(helds) + 1
    for at in range(len(helds)):
        for column, table in enumerate(tables, 2):
            names = [one.lock for held in helds[: at + 1] for one in held if one.table == table]
            strongest = max(names, key=STRENGTH.__getitem__, default="")
            assert re.match(rf"(still )?{strongest}(?! [A-Z]{{2}})", rows[at][column][1].text)


def test_a_loop_is_one_row_and_of_many_rows_and_tables_the_first_are_shown() -> None:
    loop = [step(1)] * 30
    more = [step(number, lock(f"t{number}", "SHARE" if number > 50 else "ROW SHARE")) for number in range(2, 300)]
    said = shown(*loop, *more)
    rows = grid(said)
    assert len(rows) == MOST_ROWS + 2
    assert '<span class="times">× 30</span>' in said
    assert rows[MOST_ROWS][0][1].text == "… and 99 more statements, whose locks are not shown"
    assert len(rows[0]) == MOST_TABLES + 2
    assert "<code>t51</code></th>" in said  # the strongest of them
    assert "<p>And 187 tables more: each statement names what it locks.</p>" in said


def test_a_statement_and_its_findings_lead_to_each_other() -> None:
    two = Finding("index-without-concurrently", "It waits.", "a.py", 1, end=3)
    said = shown(step(3), step(4), findings=(two,))
    assert 'href="#f1"' in said[said.index('id="s1-1"') : said.index('id="s1-2"')]
    assert 'href="#f1"' not in said[said.index('id="s1-2"') :]
    assert '<a href="#s1-1">transaction 1, statement 1</a>' in said[said.index('<h3 id="f1">') :]
    assert said.count("SELECT 3") == 1


def test_what_is_not_known_is_said() -> None:
    lost = step(1)._replace(not_read="the SQL is computed")
    said = shown(lost, step(2), autocommit=True)
    assert said.count('<span class="not-read">? not read</span>') == 1
    assert "<p>Not read: the SQL is computed</p>" in said
    gone = "A lock is gone when its statement has committed itself"
    assert gone in said
    assert gone not in shown(step(2))
    assert gone not in shown(step(2)._replace(sql=""), autocommit=True)


def test_a_new_revision_of_which_no_statement_ran_is_named() -> None:
    def node(name: str, own: bool, *parents: str) -> Node:
        return Node(name, parents, (), (), "m", "", False, True, own)

    end = Graph("shop", None, (node("merge", True, "a", "b"), node("b", True), node("a", True), node("0", False)))
    said = render(Verdict(plan=(Planned("shop", ("a",), False, (step(1),)),), endings=(end,)))
    assert "<p>No statement was seen of <code>b</code>.</p>" in said


# ── the history ──────────────────────────────────────────────────────────────────────────────────────────


def test_nodes_lines_and_the_list() -> None:
    one = Node("b", ("a", "gone"), ("c",), ("shop",), "second", "b.py", True, False, True, "new, head")
    rest = (Node("a", ("z",), (), (), "", "", False, False, None), Node("c", (), (), (), "", "", False, True, False))
    folded = Node("z", (), (), (), "9 earlier revisions", "", False, True, False, folded=9)
    said = render(Verdict(endings=(Graph("p", None, (one, *rest, folded)),)))
    found = read(said)
    assert [str(each.attributes["class"]) for each in found.all("circle")] == ["ring", "new", "old", "old", "folded"]
    assert [each.attributes["class"] for each in found.all("path")] == ["edge", "depends", "edge"]
    assert found.all("text")[0].text == "bsecond · labels: shop · new, head"
    listed = [each.text for each in found.all("li") if "ol" in each.inside]
    assert listed == [
        "b second (new, head) after a depends on c labels shop",
        "a after 9 earlier revisions",
        "c",
        "9 earlier revisions",
    ]


def test_a_straight_history_is_a_straight_line_and_a_lane_is_free_again_when_its_branch_has_joined() -> None:
    def node(name: str, *parents: str) -> Node:
        return Node(name, parents, (), (), "", "", False, False, None)

    assert layout([node("c", "b"), node("b", "a"), node("a")])[0] == [0, 0, 0]
    forks = [node("f", "e", "d"), node("e", "c"), node("d", "c"), node("c", "b", "a"), node("b", "0"), node("a", "0")]
    assert layout([*forks, node("0")])[0] == [0, 0, 1, 0, 0, 1, 0]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Node, ...]:
    """Any graph, each revision before its parents, some that are missing, some in a circle."""
    count = draw(st.integers(1, 9))
    links = st.lists(st.integers(0, count + 1).map(str), max_size=3, unique=True).map(tuple)
    return tuple(Node(str(number), draw(links), draw(links), (), "", "", False, False, None) for number in range(count))


@given(nodes=histories())
@FEW
def test_no_line_runs_through_a_revision_that_it_does_not_lead_to(nodes: tuple[Node, ...]) -> None:
    lanes, edges = layout(nodes)
    links = {(row, int(up)) for row, one in enumerate(nodes) for up in (*one.parents, *one.depends_on)}
    below = {(row, up) for row, up in links if row < up < len(nodes)}
    assert {(one.start[1], one.end[1]) for one in edges} == below
    for one in edges:
        assert one.start[0] == lanes[one.start[1]]
        assert one.end[0] == lanes[one.end[1]]
        assert one.lane not in lanes[one.start[1] + 1 : one.end[1]]


# ── what can be read ─────────────────────────────────────────────────────────────────────────────────────


def palettes() -> Iterator[dict[str, str]]:
    """The colors, light and dark."""
    blocks = re.findall(r":root \{([^}]*)\}", STYLE)
    assert len(blocks) == 2
    yield from (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", one)) for one in blocks)


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", list(palettes()), ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(palette: dict[str, str]) -> None:
    words = ("text", "quiet", "link", "passed", "failed", "unknown")
    pairs = [(word, ground) for word in words for ground in ("page", "soft")]
    for front, ground in (*pairs, ("on-all", "all"), ("on-writes", "writes"), ("on-writes", "stripe")):
        dark, light = sorted((luminance(palette[front]), luminance(palette[ground])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, ground)


# ── what a run puts into it ──────────────────────────────────────────────────────────────────────────────


def test_a_run_shows_its_history_its_plan_and_its_findings(gate: Gate, tmp_path: Path) -> None:
    bad = 'op.create_index("i", "users", ["age"])'
    project = alembic_project(tmp_path, "None", {"a": revision("a", bad), "b": revision("b", bad, "a")})
    said = gate("lint", "--output", "html=gate.html", cwd=project)
    assert said.status == 1
    found = read((project / "gate.html").read_text())
    assert [one.text for one in found.all("h2")][:3] == ["The history", "What the new revisions do", "Findings"]
    assert found.all("h3")[0].text == "1. One transaction, as it is written"
    assert any("bar writes" in str(one.attributes.get("class")) for one in found.all("td"))
    assert "The history" in gate("heads", "--format", "html", cwd=project).out


# Chromium, with what axe finds wrong: in both schemes and narrow, every fold opened.
OPEN = """
import puppeteer from "puppeteer-core"
import { readFileSync } from "node:fs"
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8")
const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ["--no-sandbox"], headless: true })
const found = []
for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360]]) {
  const page = await browser.newPage()
  const said = [], asked = []
  page.on("console", (one) => said.push(one.text()))
  page.on("pageerror", (one) => said.push(String(one)))
  page.on("request", (one) => asked.push(one.url()))
  await page.setViewport({ width, height: 800 })
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" },
  ])
  await page.goto(process.argv[3])
  const styled = await page.evaluate(() => getComputedStyle(document.querySelector("td.bar")).backgroundColor)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  await page.focus("td.bar a")
  await page.keyboard.press("Enter")
  await page.waitForFunction(() => document.querySelector(location.hash).checkVisibility())
  const hash = await page.evaluate(() => location.hash)
  const forged = await page.evaluate(() => window.forged === undefined && document.title)
  await page.emulateMediaType("print")
  const folded = await page.evaluate(() =>
    [...document.querySelectorAll(".more")].filter((one) => !one.checkVisibility()).map((one) => one.id))
  await page.emulateMediaType("screen")
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true }))
  await page.evaluate(axe)
  const wrong = await page.evaluate(async () => (await axe.run()).violations.map((one) => [one.id, one.nodes[0].html]))
  found.push({ said, asked, styled, wide, hash, folded, forged, wrong })
  await page.close()
}
await browser.close()
console.log(JSON.stringify(found))
"""


@pytest.mark.slow
def test_a_real_browser_opens_it_asks_for_nothing_and_complains_of_nothing(npm: Path, tmp_path: Path) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if not chromium:
        pytest.skip("needs chromium or google-chrome on the path")
    install(npm, "puppeteer-core", "axe-core")
    (npm / "open.mjs").write_text(OPEN)
    for bad in ("x", "</style></title><script>window.forged = 1</script><img src=x onerror='window.forged = 1'>"):
        verdict = hostile(bad)._replace(stages=VERDICT.stages)
        file = tmp_path / "gate.html"
        file.write_text(render(verdict, notes=True), "utf-8")
        done = subprocess.run(["node", "open.mjs", chromium, file.as_uri()], cwd=npm, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for one in json.loads(done.stdout):
            assert one["said"] == one["wrong"] == one["folded"] == []
            assert one["asked"] == [file.as_uri()]
            assert one["hash"] == "#s1-1"
            assert one["wide"] <= 0
            assert one["styled"] in ("rgb(163, 23, 27)", "rgb(140, 29, 31)")
            assert one["forged"].startswith("migration-gate: 2 findings")
