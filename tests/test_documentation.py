"""README, CONTRIBUTING and the examples say what is so: their commands run, their output is what comes out."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from migration_gate.cli import parser
from migration_gate.project.settings import from_table
from migration_gate.rules import ALL, DRIFT, OFF, REHEARSAL
from tests import console
from tests.pages import DOCUMENT, GROUPS, document

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text()
ACTION = yaml.safe_load((TOP / "action.yml").read_text())
PAGES = [
    TOP / "README.md",
    TOP / "CONTRIBUTING.md",
    *sorted((TOP / "docs").rglob("*.md")),
    *TOP.glob("examples/**/*.md"),
]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands() -> list[str]:
    typed = [one.line for page in PAGES for block in console.blocks(page) for one in block.commands()]
    return sorted({part for line in typed for part in line.split(" && ") if part.startswith("migration-gate ")})


@pytest.mark.parametrize("command", commands())
def test_a_command_that_a_page_tells_to_type_is_one(command: str) -> None:
    parser().parse_args(shlex.split(command)[1:])


def test_every_make_target_that_a_page_names_is_one() -> None:
    named = {name for page in PAGES for name in re.findall(r"(?:`|\$ )make ([a-z]+)\b", page.read_text())}
    for name in sorted(named):
        done = subprocess.run(["make", "--dry-run", name], cwd=TOP, capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)


def test_the_readme_names_every_rule_and_no_other() -> None:
    table = README.partition("## What it finds")[2].partition("\n\n¹")[0]
    assert sorted(re.findall(r"`([a-z-]+)`", table)) == sorted(ALL)
    assert set(re.findall(r"`([a-z-]+)` ¹", table)) == set(OFF)
    assert set(re.findall(r"`([a-z-]+)` ²", table)) == {*REHEARSAL, *DRIFT}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_the_settings_that_a_page_shows_are_taken(page: Path) -> None:
    for block in blocks(page.read_text(), "toml"):
        from_table(tomllib.loads(block)["tool"]["migration-gate"], page.name)


def test_the_hooks_and_the_actions_inputs_of_the_readme_are_there() -> None:
    hooks = {one["id"] for one in yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())}
    config, workflow = (yaml.safe_load(block) for block in blocks(README, "yaml"))
    assert {one["id"] for one in config["repos"][0]["hooks"]} <= hooks
    step = workflow["jobs"]["gate"]["steps"][-1]
    assert set(step["with"]) <= set(ACTION["inputs"])


def test_the_actions_inputs_and_outputs_of_its_page_are_there() -> None:
    text = (TOP / "docs/github.md").read_text()
    uses = 0
    for block in map(yaml.safe_load, blocks(text, "yaml")):
        for step in block if isinstance(block, list) else block["jobs"]["gate"]["steps"]:
            if step.get("uses", "").startswith("migration-gate/"):
                assert set(step["with"]) <= set(ACTION["inputs"])
                uses += 1
    assert uses == text.count("uses: migration-gate/")
    named = set(re.findall(r"steps\.gate\.outputs\.(\w+)", text))
    table = text.partition("| output |")[2].partition("\n\n")[0]
    cells = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if row[:3] == "| `" else "")
    }
    assert (cells, named - cells) == (set(ACTION["outputs"]), set())


def test_the_project_speaks_of_itself_alone() -> None:
    words = "/" + "work/", "pypi" + ".org", "registry." + "npmjs", "docker" + ".io/", "deb." + "debian"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        text = (TOP / name).read_text("utf-8", errors="replace")
        assert not [word for word in words if word in text], name


def test_the_page_of_the_rules_is_what_the_rules_say() -> None:
    assert DOCUMENT.read_text() == document(), "make docs writes it anew"


def test_every_rule_has_its_place_on_the_page() -> None:
    assert [name for names in GROUPS.values() for name in names if name in ALL] == list(ALL)
