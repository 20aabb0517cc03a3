"""The revision graph for other programs: JSON, Mermaid, Graphviz; nothing that a file says can break out of them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from migration_gate.findings import Finding, Graph, Node, Verdict
from migration_gate.report import dot, mermaid
from tests.conftest import Gate, revision
from tests.report.conftest import HOSTILE
from tests.under_git import PROJECT, VERSIONS, Work, start

SETTINGS = {name: text for name, text in PROJECT.items() if VERSIONS not in name}
PLAIN = ['"]', "`a`", "</script>", "%%{init: {}}%%", "a;b|c", "#34; &lt; größe", "\\N \\", "end", "x [y] {z} -> (b)"]
EVIL = [*HOSTILE, *PLAIN, "x\n  y --> z"]


def files(*ids: str) -> dict[str, str]:
    pairs = [one.partition("<") for one in ids]
    return {f"{VERSIONS}/{one}.py": revision(one, "pass", down or None, f"change {one}") for one, _, down in pairs}


@pytest.fixture
def forked(tmp_path: Path) -> Work:
    """main has a ← c, this branch a ← b ← d, both are here; c needs nothing, d depends on c."""
    work = start(tmp_path, SETTINGS | files("a", "c<a"))
    needs = revision("d", "pass", "b", "change d").replace("down_revision", 'depends_on = "c"\ndown_revision', 1)
    work.write(files("b<a") | {f"{VERSIONS}/d.py": needs})
    return work


def test_json_has_the_verdict_and_the_whole_graph(forked: Work, gate: Gate) -> None:
    said = gate("heads", "--format", "json", "--base", "main", cwd=forked.root)
    assert (said.status, said.rules) == (1, ["multiple-heads"])
    (graph,) = said.json["graph"]
    assert (graph["project"], graph["into"]) == ("migrations", "main")
    nodes = {one["id"]: one for one in graph["revisions"]}
    assert nodes["d"] == {
        "id": "d",
        "parents": ["b"],
        "depends_on": ["c"],
        "labels": [],
        "message": "change d",
        "path": f"{VERSIONS}/d.py",
        "head": True,
        "base": False,
        "own": True,
    }
    assert [(name, one["head"], one["base"], one["own"]) for name, one in nodes.items()] == [
        ("c", True, False, False),
        ("d", True, False, True),
        ("b", False, False, True),
        ("a", False, True, False),
    ]
    assert "graph" not in gate("lint", "--format", "json", "--base", "main", cwd=forked.root).json


def test_json_says_of_an_unknown_base_that_nobody_knows(forked: Work, gate: Gate) -> None:
    (graph,) = gate("heads", "--format", "json", cwd=forked.root).json["graph"]
    assert graph["into"] is None
    assert {one["own"] for one in graph["revisions"]} == {None}


@pytest.mark.parametrize(("form", "arrow"), [("mermaid", "-->"), ("dot", "->")])
def test_an_upgrade_runs_along_the_arrows(form: str, arrow: str, forked: Work, gate: Gate) -> None:
    said = gate("heads", "--format", form, "--base", "main", cwd=forked.root)
    assert said.status == 1
    names = {one[1]: one[2] for one in re.finditer(r'(p0n\d) ?\[(?:label=)?"(\w)', said.out)}
    solid = {(names[one], names[other]) for one, other in re.findall(rf"(p0n\d) {arrow} (p0n\d)(?!.*dashed)", said.out)}
    assert solid == {("a", "b"), ("b", "d"), ("a", "c")}
    (dashed,) = re.findall(r"(p0n\d) (?:-\.->|->) (p0n\d)(?= \[style=dashed\];$|$)", said.out, re.MULTILINE)
    assert (names[dashed[0]], names[dashed[1]]) == ("c", "d")


def test_long_stretches_are_folded_unless_all_of_it_is_asked_for(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path, SETTINGS | files("r10", *(f"r{number}<r{number - 1}" for number in range(11, 40))))
    for form in ("mermaid", "dot"):
        end, whole = (gate("heads", "--format", form, *more, cwd=work.root).out for more in ([], ["--graph"]))
        assert "26 revisions" in end
        assert "r25" not in end
        assert all(f"r{number}" in whole for number in range(10, 40))


def test_a_graph_goes_to_a_file(forked: Work, gate: Gate) -> None:
    said = gate("heads", "--format", "dot", "--output", "graph.dot", "--base", "main", cwd=forked.root)
    assert (said.status, said.out) == (1, "")
    assert (forked.root / "graph.dot").read_text().startswith("digraph migrations {\n")


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_what_cannot_be_judged_is_a_graph_without_revisions(form: str, tmp_path: Path, gate: Gate) -> None:
    said = gate("heads", "--format", form, cwd=tmp_path)
    assert said.status == 2
    assert "no migrations found" in said.out.replace("#58;", ":")
    assert said.err.startswith("migration-gate: no migrations found")


def hostile(text: str) -> Verdict:
    one = Node(f"b{text}", (f"a{text}",), ("l",), (f"l{text}",), text, f"p{text}", True, False, True, f"m{text}")
    other = Node(f"a{text}", (), (), (), "", "p", False, True, None, "", 0)
    return Verdict((Finding(text, text),), problems=(text,), graphs=(Graph(text, text, (one, other)),))


# The whole of what each of the two may consist of, line by line.
MERMAID = re.compile(
    r"""graph\ TD | \ +%%\ [^%{}"`<>\\]* | \ +subgraph\ p0\[TEXT\] | \ +p0n\d+\[TEXT\](:::\w+)? |
    \ +p0n\d+\ (-->|-\.->)\ p0n\d+ | \ +end | \ +classDef\ [\w\ :,#-]+""".replace("TEXT", r'"(?:[^"`<>\\{}]|<br/>)*"'),
    re.VERBOSE,
)
DOT = re.compile(
    r"""digraph\ migrations\ \{ | \ +//\ .* | \ +node\ \[shape=box,\ fontname=TEXT\]; | \ +subgraph\ cluster_0\ \{ |
    \ +label=TEXT; | \ +p0n\d+\ \[label=TEXT(,\ \w+=(\w+|TEXT))*\]; | \ +p0n\d+\ ->\ p0n\d+(\ \[style=dashed\])?; |
    \ *\}""".replace("TEXT", r'"(?:[^"\\]|\\.)*"'),
    re.VERBOSE,
)


@pytest.mark.parametrize("text", EVIL)
def test_no_text_breaks_out_of_mermaid(text: str) -> None:
    lines = mermaid.render(hostile(text)).splitlines()
    assert [line for line in lines if not MERMAID.fullmatch(line)] == []
    assert sum(":::own" in line for line in lines) == 1


@pytest.mark.parametrize("text", EVIL)
def test_no_text_breaks_out_of_dot(text: str) -> None:
    lines = dot.render(hostile(text)).splitlines()
    assert [line for line in lines if not DOT.fullmatch(line)] == []


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    (box,) = re.findall(r'n0\["(.*)"\]', mermaid.render(hostile(text)))
    shown = re.sub(r"#(\d+);", lambda one: chr(int(one[1])), box)
    assert shown == f"b{text}<br/>{text}<br/>labels: l{text}<br/>m{text}"
    (box,) = re.findall(r'n0 \[label="((?:[^"\\]|\\.)*)"', dot.render(hostile(text)))
    lines = box.replace("\\\\", "\0").replace('\\"', '"').split("\\n")
    assert [unescape(one).replace("\0", "\\") for one in lines] == [f"b{text}", text, f"labels: l{text}", f"m{text}"]
