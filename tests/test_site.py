"""The documentation's site: its pages come from the code, its commands run, and it can be built."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.project.settings import Settings, from_table
from tests import page_picture, pictures, reference
from tests.conftest import Gate
from tests.console import ELSEWHERE, Walk, asks_a_database, blocks, elsewhere

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
README = TOP / "README.md"
# What is shown there is brought about by tests of their own.
TYPED_ELSEWHERE = {DOCS / "causes.md", DOCS / "pytest.md"}
PAGES = [README, *(page for page in sorted(DOCS.rglob("*.md")) if page not in TYPED_ELSEWHERE)]
WHOLE = {"README.md"}  # typed to the end each time


def commands(page: Path) -> list[str]:
    return [one.line for block in blocks(page) for one in block.commands()]


def only_reads(line: str) -> bool:
    return not elsewhere(line) and not asks_a_database(line)


def reads(page: Path) -> bool:
    return any(map(only_reads, commands(page)))


def named(pages: list[Path]) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(TOP))) for page in pages]


@pytest.fixture
def walk(gate: Gate, tmp_path: Path) -> Callable[[Path, Callable[[str], bool]], None]:
    """Type a page's commands but for those that are left out."""

    def go(page: Path, left_out: Callable[[str], bool]) -> None:
        folder = tmp_path / "typed"
        folder.mkdir()
        typed = Walk(folder, gate, left_out).go(page)
        assert typed == sum(not left_out(one) for one in commands(page))

    return go


@pytest.fixture
def database(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty one, which DATABASE_URL names."""
    name = f"{server.prefix}site"
    databases.create(server, name)
    monkeypatch.setenv("DATABASE_URL", server.url(name, "psycopg"))
    yield
    databases.drop(server, name)


@pytest.mark.parametrize(
    "page", named([one for one in PAGES if one.name not in WHOLE and any(map(only_reads, commands(one)))])
)
def test_what_a_page_types_to_read_says_what_it_shows(page: Path, walk: Any) -> None:
    walk(page, lambda line: not only_reads(line))


@pytest.mark.parametrize("page", named([one for one in PAGES if one.name in WHOLE]))
def test_the_commands_of_a_page_do_what_it_says(page: Path, walk: Any, database: None) -> None:
    walk(page, elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", named([one for one in PAGES if one.name not in WHOLE and any(map(asks_a_database, commands(one)))])
)
def test_the_commands_of_a_long_page_do_what_it_says(page: Path, walk: Any, database: None) -> None:
    walk(page, elsewhere)


def test_what_is_not_typed_is_the_smaller_part_and_known() -> None:
    every = [one for page in PAGES for one in commands(page)]
    left = [one for one in every if elsewhere(one)]
    assert 0 < len(left) < len(every) / 3, left
    unused = [pattern for pattern in ELSEWHERE if not any(re.fullmatch(pattern, one) for one in left)]
    assert not unused


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_that_comes_from_the_code_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == reference.PAGES[name](), "make docs writes it anew"


def test_every_setting_has_a_line_and_an_example_that_is_taken() -> None:
    listed = [one.key for rows in reference.sections().values() for one in rows]
    assert [key.replace("-", "_") for key in listed] == list(Settings._fields)
    assert list(reference.examples()) == listed
    from_table(reference.examples(), "docs/settings.md")


@pytest.mark.parametrize(
    "name", ["refusal", "fork", *(pytest.param(one, marks=pytest.mark.slow) for one in ("rehearsal", "doctor"))]
)
def test_a_picture_shows_what_the_gate_says(name: str) -> None:
    for file, text in pictures.files(name).items():
        assert (pictures.FOLDER / file).read_text("utf-8") == text, "make pictures draws it anew"


@pytest.mark.slow
def test_the_picture_of_a_page_shows_what_the_gate_writes() -> None:
    assert (pictures.FOLDER / "page.svg").read_text("utf-8") == page_picture.drawn(), "make pictures draws it anew"


def test_every_picture_is_shown() -> None:
    pages = "".join(page.read_text("utf-8") for page in PAGES)
    assert {one.name for one in pictures.FOLDER.iterdir()} == set(re.findall(r"pictures/([\w-]+\.svg)", pages))


def test_the_site_leads_to_every_page_and_to_no_other() -> None:
    class Loader(yaml.SafeLoader):
        """Functions are named by Python tags, and are nobody's business here."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    menu = yaml.load((TOP / "mkdocs.yml").read_text("utf-8"), Loader)["nav"]
    named = re.findall(r"[\w/-]+\.md", str(menu))
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


@pytest.mark.slow
def test_the_site_can_be_built() -> None:
    done = subprocess.run(["make", "site"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (TOP / "site" / "howto" / "github" / "index.html").exists()
