"""What an installation brings: the files that run inside the project's process, and hardly any dependency."""

from __future__ import annotations

import subprocess
import sys
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from tests.hooks.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> ZipFile:
    """The wheel that pip builds from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(checkout)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (built,) = folder.glob("*.whl")
    return ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: ZipFile) -> Message:
    (name,) = [one for one in wheel.namelist() if one.endswith(".dist-info/METADATA")]
    return HeaderParser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_file_of_the_package(wheel: ZipFile) -> None:
    held = set(wheel.namelist())
    for one in (ROOT / "migration_gate").rglob("*"):
        if one.is_file() and "__pycache__" not in one.parts:
            assert one.relative_to(ROOT).as_posix() in held
    assert "migration_gate/rehearsal/injected/sitecustomize.py" in held
    assert "migration_gate/py.typed" in held


def test_the_wheel_holds_nothing_else(wheel: ZipFile) -> None:
    tops = {one.partition("/")[0] for one in wheel.namelist()}
    assert {one for one in tops if not one.endswith(".dist-info")} == {"migration_gate"}


def test_the_plain_install_needs_postgresqls_grammar_alone(metadata: Message) -> None:
    needed = metadata.get_all("Requires-Dist") or []
    plain = [one for one in needed if "extra ==" not in one]
    assert len(plain) == 1
    assert plain[0].startswith("pgparse>=")
    assert "sys_platform" in plain[0]  # there is no wheel for Windows
    assert metadata.get_all("Provides-Extra") == ["ci"]


def test_the_hooks_and_the_action_call_what_the_wheel_installs(wheel: ZipFile) -> None:
    (name,) = [one for one in wheel.namelist() if one.endswith(".dist-info/entry_points.txt")]
    assert "migration-gate = migration_gate.cli:program" in wheel.read(name).decode()
    assert "migration_gate/__main__.py" in wheel.namelist()
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {one["entry"].split()[0] for one in hooks} == {"migration-gate"}
