"""The documentation's site: its pages come from the code, its commands run, and it can be built."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from migration_gate.postgres import databases
from migration_gate.project.settings import Settings, from_table
from tests import pictures, reference
from tests.conftest import Gate
from tests.console import ELSEWHERE, Walk, asks_a_database, blocks, left_out

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
README = TOP / "README.md"
# What is shown there is brought about by tests of their own.
TYPED_ELSEWHERE = {"causes.md", "github.md", "pytest.md"}
PAGES = [README, *(page for page in sorted(DOCS.rglob("*.md")) if page.name not in TYPED_ELSEWHERE)]
QUICK = {"README.md", "tutorial.md"}  # of those that ask a database


def commands(page: Path) -> list[str]:
    return [one.line for block in blocks(page) for one in block.commands()]


def slow(page: Path) -> bool:
    return page.name not in QUICK and any(asks_a_database(one) for one in commands(page))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=str(page.relative_to(TOP)), marks=[pytest.mark.slow] if slow(page) else [])
        for page in PAGES
        if any(not left_out(one) for one in commands(page))
    ],
)
def test_the_commands_of_a_page_do_what_it_says(
    page: Path, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if any(asks_a_database(one) for one in commands(page)):
        server = request.getfixturevalue("server")
        name = server.prefix + page.stem.replace("-", "_").lower()
        databases.create(server, name)
        request.addfinalizer(lambda: databases.drop(server, name))
        monkeypatch.setenv("DATABASE_URL", server.url(name, "psycopg"))
    folder = tmp_path / "typed"
    folder.mkdir()
    typed = Walk(folder, gate).go(page)
    assert typed == sum(not left_out(one) for one in commands(page))


def test_what_is_not_typed_is_the_smaller_part_and_known() -> None:
    every = [one for page in PAGES for one in commands(page)]
    left = [one for one in every if left_out(one)]
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


def test_every_picture_is_shown() -> None:
    pages = "".join(page.read_text("utf-8") for page in PAGES)
    assert {one.name for one in pictures.FOLDER.iterdir()} == set(re.findall(r"pictures/([\w-]+\.svg)", pages))


def test_the_site_leads_to_every_page_and_to_no_other() -> None:
    class Loader(yaml.SafeLoader):
        """The fences' format is named by a Python tag, and is nobody's business here."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda *_: None)
    menu = yaml.load((TOP / "mkdocs.yml").read_text("utf-8"), Loader)["nav"]
    named = re.findall(r"[\w/-]+\.md", str(menu))
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


@pytest.mark.slow
def test_the_site_can_be_built() -> None:
    done = subprocess.run(["make", "site"], cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (TOP / "site" / "howto" / "github" / "index.html").exists()
