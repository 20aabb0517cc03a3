"""Histories that PyPI packages ship, read by the gate and rendered by Alembic: the same operations.

The wheels are those of test_histories.py. What the packages' own helper modules need in order to be imported is
downloaded once too, into .corpus/site.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import At, NotRead
from migration_gate.operations.modules import Modules, modules_of
from migration_gate.project import history
from migration_gate.project.discovery import find
from migration_gate.project.model import Project
from tests.corpus.comparison import Judged, Line, Rendered, fact, judged, made_up, out_of_order
from tests.corpus.test_histories import ADDED_IN_CODE, PACKAGES, STORE, fetched, tell

BESIDES = (
    "cryptography email-validator keystonemiddleware numpy octavia-lib opentelemetry-proto oslo.config oslo.db "
    "oslo.log oslo.utils protobuf pydantic-settings sqlalchemy-utils sqlmodel"
).split()
ENOUGH = 0.99  # of the operations are read right
HEADING = ("package", "revisions", "rendered", "operations", "right", "wrong", "not read", "lost", "made up", "order")
TEXT = (".py", ".ini", ".cfg", ".toml", ".sql", ".txt", ".yaml", ".yml", ".json")


@pytest.mark.corpus
def test_the_same_operations_as_alembic(tmp_path, capsys):
    site = besides()
    rows: list[tuple[str, Counter[str]]] = []
    said: list[str] = []
    for package in PACKAGES:
        root = tmp_path / package
        unpack(fetched(package), root)
        if package in ADDED_IN_CODE:
            tell(root, ADDED_IN_CODE[package])
        counts: Counter[str] = Counter()
        for project in find(root):
            modules = modules_of(project)
            for answer in rendered_offline(project, root, site, tmp_path):
                counts.update(judge(answer, package, modules, said))
        rows.append((package, counts))
    total = sum((counts for _, counts in rows), Counter())
    with capsys.disabled():
        print("\n" + "\n".join(sorted(said)))
        show([*rows, ("", total)])
    assert not total["lost"]
    assert total["right"] >= ENOUGH * total["operations"]


def besides() -> Path:
    site = STORE / "site"
    if not site.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(site)]
        done = subprocess.run([*pip, *BESIDES], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return site


def unpack(wheel: Path, root: Path) -> None:
    """All of its text: what the revisions import is there too."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(TEXT):
                archive.extract(name, root)


def rendered_offline(project: Project, root: Path, site: Path, folder: Path) -> list[dict[str, Any]]:
    """What render_offline.py answers for each of the project's revisions."""
    answers = folder / "answers.jsonl"
    asked = {
        "paths": [str(root)],
        "site": str(site),
        "directory": str(project.directory),
        "config_file": str(project.config_file) if project.config_file else None,
        "section": project.section,
        "files": [str(one.path) for one in history.load(project).revisions.values()],
        "answers": str(answers),
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("render_offline.py"))],
        input=json.dumps(asked),
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PYTHONHASHSEED": "0", "WEBUI_SECRET_KEY": "x"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{project.name}: {done.stderr}"
    return [json.loads(line) for line in answers.read_text().splitlines()]


def judge(answer: dict[str, Any], package: str, modules: Modules, said: list[str]) -> Counter[str]:
    """How one revision was read; what is not right about it is added to ``said``."""
    path = Path(answer["file"])
    read = read_upgrade(path, path.read_bytes(), modules)
    rendered = list(operations(answer))
    counts = Counter({"revisions": 1})
    where = f"{package}: {path.name}"
    if all(world["error"] for world in answer["worlds"].values()):
        said.append(f"not rendered  {where}: {answer['worlds']['tables']['error']}")
    else:
        counts["rendered"] = 1
    for one in judged(rendered, read):
        counts.update(("operations", one.judgement))
        if one.judgement != "right":
            said.append(f"{one.judgement:8}  {where}:{_lines(one.rendered.lines)}: {_told(one)}")
    for world in answer["worlds"]:
        for one in out_of_order(list(operations(answer, world)), read):
            counts["order"] += 1
            said.append(f"order     {where}:{_lines(one.lines)}: {fact(one.operation)} ({world})")
    for operation in made_up(rendered, read, lines(answer, "ran", modules), lines(answer, "failed", modules)):
        counts["made up"] += 1
        said.append(f"made up   {where}:{operation.at.line}: {fact(operation)}")
    return counts


def operations(answer: dict[str, Any], only: str | None = None) -> Iterator[Rendered]:
    """What was rendered, in one world or in all of them."""
    path = Path(answer["file"])
    for name, world in answer["worlds"].items():
        if only not in (None, name):
            continue
        for sql, lines, flushed in world["statements"]:
            at = At(path, *(lines or [1])[-1:] * 2)
            for operation in read_sql(sql, at, binds=False):
                yield Rendered(operation, tuple(lines), name != "empty", flushed)


def lines(answer: dict[str, Any], name: str, modules: Modules) -> set[Line]:
    """Lines that ran or failed in any of the worlds; a module's path is relative to the repository."""
    found: set[Line] = set()
    for world in answer["worlds"].values():
        for file, line in world[name]:
            found.add((file if file == answer["file"] else os.path.relpath(os.path.realpath(file), modules.root), line))
    return found


def _lines(lines: tuple[int, ...]) -> str:
    return ">".join(map(str, lines))


def _told(one: Judged) -> str:
    if one.judgement == "not read":
        return one.read.reason if isinstance(one.read, NotRead) else ""
    theirs = fact(one.rendered.operation)
    if one.read is None or not one.differs:
        return str(theirs)
    ours = fact(one.read)
    differences = [f"{name} is {theirs.says[name]}, read as {ours.says[name]}" for name in one.differs]
    return f"{' '.join([theirs.kind, *theirs.about])}: {'; '.join(differences)}"


def show(rows: list[tuple[str, Counter[str]]]) -> None:
    table = [list(HEADING), *([package, *(str(counts[name]) for name in HEADING[1:])] for package, counts in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print()
    for first, *cells in table:
        right = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print(first.ljust(widths[0]) + "  " + right)
