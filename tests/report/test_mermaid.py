"""The graph that mermaid sees is the one that was given, whatever its labels hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migration_gate.findings import Graph, Node
from migration_gate.report.clean import clean_line
from migration_gate.report.lines import LONGEST
from migration_gate.report.mermaid import escape, flowchart, render
from tests.report.conftest import HOSTILE, MARKUP, hostile, install


def drawn(*nodes: tuple[str, str, tuple[str, ...]]) -> str:
    """A flowchart of revisions, the newest first: id, message, parents; all of them new."""
    made = (Node(one, parents, (), (), message, "", False, False, True) for one, message, parents in nodes)
    return flowchart(Graph("p", None, tuple(made)))


def test_nodes_edges_and_styles() -> None:
    one = Node("b", ("a", "gone"), ("a",), ("shop",), "second", "b.py", True, False, True, "new, head")
    other = Node("a", (), (), (), "", "a.py", False, True, None)
    assert flowchart(Graph("p", None, (one, other))).splitlines() == [
        "graph TD",
        '  n1["a"]',
        '  n0["b<br/>second<br/>labels#58; shop<br/>new, head"]:::own',
        "  n1 --> n0",
        "  n1 -.-> n0",
        "  classDef head stroke-width:3px",
        "  classDef own fill:#fff3c4,color:#000",
        "  classDef folded stroke-dasharray:3",
    ]


def test_a_label_holds_nothing_that_mermaid_reads() -> None:
    for text in (*HOSTILE, *MARKUP):
        assert re.fullmatch(r"(?:\w|[ ,]|#\d+;)*", escape(text)), text


def test_every_line_of_a_long_label_is_cut() -> None:
    said = drawn(("x" * 1_000, "y" * LONGEST, ()))
    assert f'"{"x" * LONGEST}#8230;<br/>{"y" * LONGEST}"' in said


# mermaid's own parser, in node. In place of "&#" and ";" of an entity it keeps marks, which its renderer turns back.
PARSE = """
import { readFileSync } from "node:fs"
import { JSDOM } from "jsdom"
const dom = new JSDOM("")
globalThis.window = dom.window
globalThis.document = dom.window.document
const mermaid = (await import("mermaid")).default
mermaid.initialize({ startOnLoad: false })
const texts = JSON.parse(readFileSync(0, "utf8"))
const graphs = []
for (const text of texts) {
  const graph = await mermaid.mermaidAPI.getDiagramFromText(text)
  const nodes = [...graph.db.getVertices().values()].map((one) => one.text)
  graphs.push({ nodes, edges: graph.db.getEdges().map((one) => [one.start, one.end]) })
}
console.log(JSON.stringify(graphs))
"""


@pytest.mark.slow
def test_mermaids_own_parser_reads_the_graph_that_was_given(npm: Path) -> None:
    install(npm, "mermaid", "jsdom")
    (npm / "parse.mjs").write_text(PARSE)
    labels = [f"a{text}b" for text in (*HOSTILE, *MARKUP)]
    whole = drawn(*((label, "", (labels[-1],)) for label in labels[:-1]), (labels[-1], "", ()))
    alone = [drawn((label, "", ())) for label in labels]
    heads = [render(hostile(text)) for text in (*HOSTILE, *MARKUP)]
    done = subprocess.run(
        ["node", "parse.mjs"], cwd=npm, input=json.dumps([whole, *alone, *heads]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)
    assert [read(one) for one in first["nodes"]] == [clean_line(one) for one in labels[::-1]]
    last = f"n{len(labels) - 1}"
    assert first["edges"] == [[last, f"n{number}"] for number in range(len(labels) - 2, -1, -1)]
    assert all(len(one["nodes"]) == 1 and not one["edges"] for one in others[: len(labels)])
    for one in others[len(labels) :]:  # the history of heads, which draws the same in a frame for each project
        assert len(one["nodes"]) == 4
        assert one["edges"] == [["p0n3", "p0n2"], ["p0n2", "p0n1"], ["p0n2", "p0n0"], ["p0n2", "p0n0"]]


def read(text: Any) -> str:
    return re.sub(r"ﬂ°°(\d+)¶ß", lambda one: chr(int(one[1])), str(text))
