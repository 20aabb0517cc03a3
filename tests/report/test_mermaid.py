"""The graph that mermaid sees is the one that was given, whatever its labels hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migration_gate.report.clean import clean_line
from migration_gate.report.mermaid import LONGEST, Edge, Node, escape, flowchart
from tests.report.conftest import HOSTILE, MARKUP, install


def test_nodes_edges_and_styles() -> None:
    nodes = [Node("a", ("a", "first")), Node("b", ("b", "", "head"), "new")]
    edges = [Edge("a", "b"), Edge("a", "b", weak=True), Edge("a", "gone")]
    assert flowchart(nodes, edges, [("new", "stroke-width:3px")]).splitlines() == [
        "flowchart BT",
        '    n0["a<br/>first"]',
        '    n1["b<br/>head"]:::new',
        "    n0 --> n1",
        "    n0 -.-> n1",
        "    classDef new stroke-width:3px",
    ]


def test_a_label_holds_nothing_that_mermaid_reads() -> None:
    for text in (*HOSTILE, *MARKUP):
        assert re.fullmatch(r"(?:\w|[ ,]|#\d+;)*", escape(text)), text


def test_a_long_label_is_cut() -> None:
    assert escape("x" * LONGEST) == "x" * LONGEST
    assert escape("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "#8230;"


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
    labels = [f"a{text}b"[:LONGEST] for text in (*HOSTILE, *MARKUP)]
    nodes = [Node(str(number), (label,), "new") for number, label in enumerate(labels)]
    edges = [Edge("0", str(number)) for number in range(1, len(labels))]
    whole = flowchart(nodes, edges, [("new", "stroke-width:3px")])
    alone = [flowchart([one], []) for one in nodes]
    done = subprocess.run(
        ["node", "parse.mjs"], cwd=npm, input=json.dumps([whole, *alone]), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)
    assert [read(one) for one in first["nodes"]] == [clean_line(one) for one in labels]
    assert first["edges"] == [["n0", f"n{number}"] for number in range(1, len(labels))]
    assert all(len(one["nodes"]) == 1 and not one["edges"] for one in others)


def read(text: Any) -> str:
    return re.sub(r"ﬂ°°(\d+)¶ß", lambda one: chr(int(one[1])), str(text))
