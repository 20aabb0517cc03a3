"""Whatever files, revisions and servers say, each format's own reader sees the report that it sees of harmless text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from migration_gate.report import FORMATS, gitlab, junit, markdown, sarif
from tests.report.conftest import HOSTILE, MARKUP, hostile
from tests.report.test_forgery import UNSEEN, commands

TEXTS = (
    st.lists(st.sampled_from((*HOSTILE, *MARKUP)) | st.text(max_size=6), min_size=1, max_size=4)
    .map("".join)
    .filter(bool)
)
CHEAP = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
RENDER: dict[str, Callable[..., str]] = {
    name: import_module(f"migration_gate.report.{module}").render for name, module in FORMATS.items()
}


@pytest.mark.parametrize("form", FORMATS)
def test_no_report_holds_a_command_or_a_control_character(form: str) -> None:
    for bad in (*HOSTILE, *MARKUP):
        said = RENDER[form](hostile(bad), notes=True)
        assert commands(said) == [], bad
        assert not UNSEEN.search(said.replace("\n", "")), bad


@pytest.mark.parametrize("form", FORMATS)
@given(text=TEXTS)
@CHEAP
def test_nor_does_it_of_any_text(form: str, text: str) -> None:
    said = RENDER[form](hostile(text), notes=True)
    assert commands(said) == []
    assert not UNSEEN.search(said.replace("\n", ""))


@pytest.mark.parametrize("form", [one for one in FORMATS if one != "json"])  # which is to be whole
def test_a_text_without_end_is_cut(form: str) -> None:
    said = RENDER[form](hostile("x" * 1_000_000), notes=True)
    said = re.sub(r'"uri": ".*"', "", said)  # no file has such a name
    assert len(said) < 150_000
    assert re.search(r"characters(\)|#41;)", said)


# ── JSON, XML ────────────────────────────────────────────────────────────────────────────────────────────


def shape(value: Any) -> Any:
    """JSON without its texts."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


@given(text=TEXTS)
@CHEAP
def test_gitlab(text: str) -> None:
    assert shape(json.loads(gitlab.render(hostile(text)))) == shape(json.loads(gitlab.render(hostile("x"))))


@given(text=TEXTS)
@CHEAP
def test_sarif(text: str) -> None:
    found = json.loads(sarif.render(hostile(text)))
    assert shape(found) == shape(json.loads(sarif.render(hostile("x"))))
    for result in found["runs"][0]["results"]:
        assert "](" not in result["message"]["text"]
        assert re.fullmatch(r"[\w.~/%-]+", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@given(text=TEXTS)
@CHEAP
def test_junit(text: str) -> None:
    def tree(said: str) -> list[tuple[str, list[str]]]:
        top = ElementTree.fromstring(said.encode("utf-8", errors="strict"))
        return [(one.tag, sorted(one.attrib)) for one in top.iter()]

    assert tree(junit.render(hostile(text), notes=True)) == tree(junit.render(hostile("x"), notes=True))


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """What a browser is given: each element that opens has to close, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str, str | None]] = set()
        self.loose: list[str] = []  # text outside of code
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update((tag, *one) for one in attributes)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def handle_data(self, data: str) -> None:
        if "code" not in self.open:
            self.loose.append(data)


LISTED = {"code", "details", "h2", "h3", "h4", "li", "summary", "table", "td", "th", "tr", "ul"}  # one for one
REST = {"p", "pre", "br", "strong", "b"}  # more of them the more lines there are
Reader = Callable[[str], str]


def commonmark(text: str) -> str:
    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def github(text: str) -> str:
    """GitHub's own parser."""
    return str(cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))


def judge(read: Reader, text: str) -> None:
    said = markdown.render(hostile(text), notes=True).encode("utf-8", errors="replace").decode()
    page, plain = Page(read(said)), Page(read(markdown.render(hostile("x"), notes=True)))
    assert set(page.tags) <= LISTED | REST
    for tag in LISTED - {"code"}:
        assert page.tags[tag] == plain.tags[tag], (tag, text)
    languages = {"mermaid", "sql", "python", "text"}
    assert page.attributes <= {
        *(("code", "class", f"language-{one}") for one in languages),
        *(("pre", "lang", one) for one in languages),
    }
    assert not [one for one in page.loose if re.search(r"(@|#|GH-)\w", one)]


@pytest.mark.parametrize("read", [commonmark, github])
def test_markdown_holds_no_markup_but_its_own(read: Reader) -> None:
    for text in (*HOSTILE, *MARKUP):
        judge(read, text)


@pytest.mark.parametrize("read", [commonmark, github])
@given(text=TEXTS)
@CHEAP
def test_nor_does_markdown_of_any_text(read: Reader, text: str) -> None:
    judge(read, text)
