"""The documentation's console blocks, as they are typed: each page's run one after another in a folder of their own.

A comment before a block says where the page goes on: ``<!-- in shop -->`` begins anew, in a copy of that example under
git (without one a page begins in the shop); ``<!-- write PATH -->`` makes a block the text of a file there, and
``<!-- apply -->`` a change that ``git apply`` makes. What a block shows below a command is what the command must say,
less times, versions, commits and what a line "…" stands for; where it shows that the gate is closed, the exit status is
1.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import EXAMPLES, Gate
from tests.under_git import OWN, Work

BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]+) -->\n)?^```(?P<language>\w+).*\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
# What is not typed here, and why.
ELSEWHERE = {
    r"make \w+": "the targets are run by whoever works on the gate; that they are there is tested",
    r"(python -m )?pip install .+": "installs from an index",
    r"git (clone|push|fetch|pull) .+": "reaches a server",
    r"pre-commit .+": "installs from a tag of the repository; tests/hooks runs the hooks",
}


class Command(NamedTuple):
    line: str
    shown: str  # what the page shows of its output, or ""


class Block(NamedTuple):
    mark: str
    language: str
    text: str

    def commands(self) -> Iterator[Command]:
        """A line that ends in a backslash goes on in the next."""
        if self.language != "console":
            return
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.replace("\\\n", "").partition("\n")
            yield Command(line.partition(" # ")[0].strip(), shown.strip("\n"))


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["mark"] or "", one["language"], one["text"]) for one in found]


def asks_a_database(line: str) -> bool:
    return bool(re.match(r"migration-gate (ci|doctor)|flask|alembic", line))


def elsewhere(line: str) -> bool:
    return any(re.fullmatch(pattern, line) for pattern in ELSEWHERE)


class Walk:
    """One page, walked through: ``place`` is the folder in which the next command is typed."""

    def __init__(self, folder: Path, gate: Gate, left_out: Callable[[str], bool]) -> None:
        self.folder, self.gate, self.left_out = folder, gate, left_out
        self.place = folder

    def go(self, page: Path) -> int:
        """How many commands were typed."""
        typed = 0
        for block in blocks(page):
            if block.mark.startswith("in ") or (self.place == self.folder and any(block.commands())):
                self._begin(block.mark.removeprefix("in ") or "shop")
            if block.mark.startswith("write "):
                self._write(block.mark.removeprefix("write "), block.text)
            elif block.mark == "apply":
                subprocess.run(["git", "apply", "--recount"], cwd=self.place, input=block.text, text=True, check=True)
            for command in block.commands():
                if not self.left_out(command.line):
                    self._type(command)
                    typed += 1
        return typed

    def _begin(self, example: str) -> None:
        self.place = self.folder / str(len(list(self.folder.iterdir())))
        if example == "a clone":
            shutil.copytree(EXAMPLES, self.place / "migration-gate" / "examples")
            return
        shutil.copytree(EXAMPLES / example, self.place)
        work = Work(self.place)
        work.git("init", "--quiet", "-b", "main")
        work.commit()

    def _write(self, name: str, text: str) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _type(self, command: Command) -> None:
        plain = command.line.startswith("migration-gate ") and not re.search(r"[|>;&$(]", command.line)
        status, out = self._gate(command.line) if plain else self._shell(command.line)
        wanted = 1 if re.search("the gate is closed|causes? found", command.shown) else 0
        assert status == wanted, f"$ {command.line}\n{out}\nexit status {status}"
        rest = alike(out)
        parts = re.split(r"^…$", alike(command.shown), flags=re.MULTILINE)
        for part in filter(None, (one.strip("\n") for one in parts)):
            _, found, rest = rest.partition(part)
            assert found, f"$ {command.line}\n{out}\nhas not, in this place:\n{part}"

    def _gate(self, line: str) -> tuple[int, str]:
        said = self.gate(*shlex.split(line)[1:], cwd=self.place)
        return said.status, said.out + said.err

    def _shell(self, line: str) -> tuple[int, str]:
        own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **OWN}
        here = self.folder.parent / "here"
        done = subprocess.run(
            ["bash", "-c", f'{line}\nstatus=$?\npwd > "$HERE"\nexit $status'],
            cwd=self.place,
            env=os.environ | own | {"HERE": str(here)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.place = Path(here.read_text().strip())
        return done.returncode, done.stdout


def alike(text: str) -> str:
    """What is printed, without what differs from run to run."""
    text = re.sub(r"PostgreSQL [\d.]+( \(.*?\))?", "PostgreSQL", text)
    text = re.sub(r"\b\d+ ms|\b\d+\.\d s", "N s", text)
    text = re.sub(r"--source=\w+", "--source=COMMIT", text)
    return "\n".join(line.rstrip() for line in text.splitlines())
