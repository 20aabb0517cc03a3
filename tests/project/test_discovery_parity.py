"""The same answer as Alembic: its ScriptDirectory, asked in the working directory found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from migration_gate.project.discovery import find

ENV = "from alembic import context\n"
REVISION = 'revision = "a1"\ndown_revision = None\n'

INI = {
    "relative": "script_location = db",
    "here": "script_location = %(here)s/db",
    "here and dots": "script_location = %(here)s/x/../db",
    "legacy spaces": "script_location = db\nversion_locations = one two  three",
    "legacy commas": "script_location = db\nversion_locations = one,two, three",
    "legacy here": "script_location = db\nversion_locations = %(here)s/one %(here)s/two",
    "os": "script_location = db\npath_separator = os\nversion_locations = one:%(here)s/two",
    "colon": "script_location = db\npath_separator = :\nversion_locations = one: two :three",
    "semicolon": "script_location = db\npath_separator = ;\nversion_locations = one;;two",
    "space": "script_location = db\npath_separator = space\nversion_locations = one  two",
    "newline": "script_location = db\npath_separator = newline\nversion_locations =\n one\n two",
    "deprecated": "script_location = db\nversion_path_separator = ;\nversion_locations = one;two",
    "package": "script_location = parity_pkg:db\nprepend_sys_path = .\npath_separator = os",
    "package in src": "script_location = parity_src:db\nprepend_sys_path = src\npath_separator=os",
    "package versions": (
        "script_location = db\nprepend_sys_path = .\npath_separator = ;\nversion_locations = parity_pkg:db/versions;one"
    ),
    "recursive": "script_location = db\nrecursive_version_locations = true",
    "not quite recursive": "script_location = db\nrecursive_version_locations = True",
    "sourceless": "script_location = db\nsourceless = true",
    "empty": "script_location = db\nversion_locations =",
    "upper case": "SCRIPT_LOCATION = db\nVersion_Locations: one",
}

TOML = {
    "relative": 'script_location = "db"',
    "here": 'script_location = "%(here)s/db"',
    "list": 'script_location = "db"\nversion_locations = ["one", "%(here)s/two"]',
    "empty list": 'script_location = "db"\nversion_locations = []',
    "switches": 'script_location = "db"\nrecursive_version_locations = true\nsourceless = true',
    "package": 'script_location = "parity_pkg:db"\nprepend_sys_path = ["."]',
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folders = ("db", "parity_pkg/db", "src/parity_src/db")
    for name in folders:
        (tmp_path / name / "versions").mkdir(parents=True)
        (tmp_path / name / "env.py").write_text(ENV)
        (tmp_path / name / "versions/a1.py").write_text(REVISION)
    for name in ("parity_pkg", "src/parity_src"):
        (tmp_path / name / "__init__.py").write_text("")
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a1.py").write_text(REVISION)
    (tmp_path / "x").mkdir()
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    sys.path_importer_cache.clear()  # it knows "." as the folder of the test before
    for name in ("parity_pkg", "parity_src"):
        sys.modules.pop(name, None)


def same(root: Path, config: Config, monkeypatch: pytest.MonkeyPatch, **wanted: str) -> None:
    (project,) = [
        one
        for one in find(root)
        if (one.config_file or one.toml_file) and all(getattr(one, name) == value for name, value in wanted.items())
    ]
    monkeypatch.chdir(project.working_directory)
    script = ScriptDirectory.from_config(config)
    assert str(project.directory) == os.path.abspath(script.dir)
    theirs = [os.path.normpath(path) for path in script._version_locations]
    assert [str(path) for path in project.version_locations] == theirs
    assert project.recursive == script.recursive_version_locations
    assert project.sourceless == script.sourceless


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("text", INI.values(), ids=INI)
def test_ini(repository, monkeypatch, text):
    path = repository / "alembic.ini"
    path.write_text(f"[alembic]\n{text}\n")
    same(repository, Config(path), monkeypatch)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ini_in_a_folder_of_its_own(repository, monkeypatch):
    (repository / "conf").mkdir()
    path = repository / "conf/alembic.ini"
    path.write_text("[alembic]\nscript_location = db\nversion_locations = one two\n")
    same(repository, Config(path), monkeypatch)


def test_sections(repository, monkeypatch):
    path = repository / "alembic.ini"
    text = "[DEFAULT]\nscript_location = db\npath_separator = os\nplace = %(here)s/one\n"
    path.write_text(text + "[first]\nversion_locations = %(place)s\n[second]\nscript_location = db")
    for section in ("first", "second"):
        same(repository, Config(path, ini_section=section), monkeypatch, section=section)


@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
@pytest.mark.parametrize("ini", ["", "[alembic]\nsqlalchemy.url = x\n"], ids=["alone", "with ini"])
def test_toml(repository, monkeypatch, text, ini):
    toml = repository / "pyproject.toml"
    toml.write_text(f"[tool.alembic]\n{text}\n")
    if ini:
        (repository / "alembic.ini").write_text(ini)
    config = Config(repository / "alembic.ini" if ini else None, toml_file=toml)
    same(repository, config, monkeypatch)


def test_the_ini_over_the_toml(repository, monkeypatch):
    toml, ini = repository / "pyproject.toml", repository / "alembic.ini"
    toml.write_text('[tool.alembic]\nscript_location = "x"\nversion_locations = ["one"]\n')
    ini.write_text("[alembic]\nscript_location = db\n")
    same(repository, Config(ini, toml_file=toml), monkeypatch)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_flask_migrate(repository, monkeypatch):
    path = repository / "db/alembic.ini"
    (repository / "db/env.py").write_text("from flask import current_app\n" + ENV)
    path.write_text("[alembic]\nscript_location = nowhere\nversion_locations = one two\n")
    config = Config(path)
    config.set_main_option("script_location", "db")  # flask_migrate.Migrate.get_config
    (repository / "app.py").write_text("")
    same(repository, config, monkeypatch, kind="flask")
