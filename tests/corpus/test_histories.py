"""Histories that PyPI packages ship, read by the gate and by Alembic: the same graph.

The wheels are downloaded once, into .corpus/ at the top of this repository. Nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from migration_gate.project import history
from migration_gate.project.discovery import find
from migration_gate.project.model import Project

PACKAGES = (
    "aiida-core",
    "argilla-server",
    "cinder",
    "ckan",
    "dagster",
    "fief-server",
    "jupyterhub",
    "keystone",
    "langflow-base",
    "mlflow",
    "octavia",
    "open-webui",
    "optuna",
    "zenml",
)
# Their code adds the folders below versions/, which no configuration says.
ADDED_IN_CODE = {"keystone": "keystone/common/sql/migrations/versions"}
STORE = Path(__file__).parents[2] / ".corpus"
HEADING = ("package", "version", "project", "revisions", "heads", "bases", "equal")


@pytest.mark.corpus
def test_the_same_graph_as_alembic(tmp_path, capsys):
    rows: list[tuple[object, ...]] = []
    differences: list[str] = []
    for package in PACKAGES:
        wheel = fetched(package)
        root = tmp_path / package
        unpack(wheel, root)
        if package in ADDED_IN_CODE:
            tell(root, ADDED_IN_CODE[package])
        for project in find(root):
            ours, theirs = told_by_us(project), told_by_alembic(project)
            different = [name for name in theirs if ours[name] != theirs[name]]
            for name in different:
                what = f"{package}: {project.name}: {name}"
                differences.append(f"{what}\n  here    {ours[name]}\n  Alembic {theirs[name]}")
            counts = (len(ours["parents"]), len(ours["heads"]), len(ours["bases"]))
            version = wheel.name.split("-")[1]
            equal = "no: " + ", ".join(different) if different else "yes"
            rows.append((package, version, project.name, *counts, equal))
    with capsys.disabled():
        show(rows)
    assert not differences, "\n".join(differences)


def fetched(package: str) -> Path:
    pattern = f"{package.replace('-', '_')}-*.whl"
    if not any(STORE.glob(pattern)):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command = [*pip, "--only-binary=:all:", "--dest", str(STORE), package]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return max(STORE.glob(pattern))


def unpack(wheel: Path, root: Path) -> None:
    """The configuration, and every file of the folders that hold an env.py or revisions."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        folders = {
            os.path.dirname(name)
            for name in names
            if name.endswith("/env.py") or (name.endswith(".py") and b"down_revision" in archive.read(name))
        }
        for name in names:
            configuration = name.endswith((".ini", ".cfg", "pyproject.toml"))
            if configuration or os.path.dirname(name) in folders:
                archive.extract(name, root)


def tell(root: Path, versions: str) -> None:
    folders = sorted({path.parent for path in (root / versions).rglob("*.py")})
    names = json.dumps([path.relative_to(root).as_posix() for path in folders])
    (root / "pyproject.toml").write_text(f"[tool.migration-gate]\nversion-locations = {names}\n")


def told_by_us(project: Project) -> dict[str, object]:
    found = history.load(project)
    assert not found.unreadable, found.unreadable
    return {
        "version_locations": [str(path.resolve()) for path in project.version_locations],
        "heads": sorted(found.heads),
        "bases": sorted(found.bases),
        "parents": {one.id: sorted(one.down) for one in found.revisions.values()},
    }


def told_by_alembic(project: Project) -> dict[str, object]:
    asked = {
        "config_file": str(project.config_file) if project.config_file else None,
        "section": project.section,
        "told": bool(project.settings.version_locations),
        "directory": str(project.directory),
        "version_locations": [str(path) for path in project.version_locations],
        "recursive": project.recursive,
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("ask_alembic.py")), json.dumps(asked)],
        cwd=project.working_directory,
        env={**os.environ, "PYTHONPATH": str(project.root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{project.name}: {done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


def show(rows: list[tuple[object, ...]]) -> None:
    total = ("", "", f"{len(rows)} projects", sum(int(str(row[3])) for row in rows), "", "", "")
    table = [[str(cell) for cell in row] for row in (HEADING, *rows, total)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    print()
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
