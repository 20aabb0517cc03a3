"""Every form in which a repository holds Alembic projects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.project.discovery import find
from migration_gate.project.model import Project

ENV = "from alembic import context\n"
FLASK_ENV = "from flask import current_app\nfrom alembic import context\n"
REVISION = 'revision = "a1"\ndown_revision = None\n'


def the_one(root: Path, *only: str) -> Project:
    (project,) = find(root, only)
    return project


def locations(project: Project) -> list[str]:
    return [os.path.relpath(path, project.root) for path in project.version_locations]


def refusal(root: Path, *only: str) -> str:
    with pytest.raises(CannotJudge) as caught:
        find(root, only)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- ini files ---


def test_an_ini_beside_its_script_folder(make):
    root = make({"alembic.ini": "[alembic]\nscript_location = migrations\n", "migrations/": ""})
    project = the_one(root)
    assert project.name == "migrations"
    assert project.kind == "alembic"
    assert project.config_file == root / "alembic.ini"
    assert project.section == "alembic"
    assert project.directory == root / "migrations"
    assert locations(project) == ["migrations/versions"]
    assert project.working_directory == root
    assert project.toml_file is None


def test_a_relative_script_location_is_found_from_a_folder_above_the_ini(make):
    ini = "[alembic]\nscript_location = h/migrations\n"
    project = the_one(make({"conf/alembic.ini": ini, "h/migrations/": ""}))
    assert project.name == "h/migrations"
    assert project.working_directory == project.root


def test_the_nearest_folder_with_an_env_wins(make):
    ini = "[alembic]\nscript_location = db\n"
    root = make({"a/b/alembic.ini": ini, "a/b/db/readme": "", "a/db/": "", "db/": ""})
    (project,) = [one for one in find(root) if one.config_file]
    assert project.directory == root / "a/db"
    assert project.working_directory == root / "a"


@pytest.mark.parametrize("location", ["%(here)s/db", "%(where)s/db", "%(here)s/../b/db"])
def test_interpolation(make, location):
    ini = f"[DEFAULT]\nwhere = %(here)s\n[alembic]\nscript_location = {location}\n"
    project = the_one(make({"b/alembic.ini": ini, "b/db/": ""}))
    assert project.name == "b/db"
    assert project.working_directory == project.root / "b"


def test_an_absolute_script_location(make, tmp_path):
    ini = f"[alembic]\nscript_location = {tmp_path}/b/db\n"
    assert the_one(make({"alembic.ini": ini, "b/db/": ""})).name == "b/db"


def test_a_script_location_in_default_counts_once(make):
    ini = "[DEFAULT]\nscript_location = db\n[alembic]\n[loggers]\nkeys = root\n"
    assert the_one(make({"alembic.ini": ini, "db/": ""})).section == "alembic"
    only_named = "[DEFAULT]\nscript_location = db\n[one]\nx = 1\n[two]\nx = 2\n"
    assert the_one(make({"alembic.ini": only_named})).section == "one"


@pytest.mark.parametrize("name", ["development.ini", "db.ini", "setup.cfg", "conf/x.ini"])
def test_any_ini_with_a_script_location(make, name):
    root = make({name: "[app]\nx = 1\n[alembic]\nscript_location: db\n", "db/": ""})
    assert the_one(root).config_file == root / name


def test_an_ini_that_only_mentions_it_is_nobodys(make):
    ini = "[flake8]\n# not script_location\nx = 1\n"
    root = make({"tox.ini": ini, "alembic.ini": "[alembic]\nscript_location = db\n", "db/": ""})
    assert the_one(root).config_file == root / "alembic.ini"


def test_two_inis_for_the_same_revisions_are_one_project(make):
    text = "[alembic]\nscript_location = %(here)s/db\n[other]\nscript_location = db\n"
    root = make({"production.ini": text, "alembic.ini": text, "a.ini": text, "db/": ""})
    project = the_one(root)
    assert (project.config_file, project.section) == (root / "alembic.ini", "alembic")
    assert the_one(root, str(root / "production.ini")).config_file == root / "production.ini"


def test_each_section_of_an_ini_is_a_project(make):
    ini = "[main]\nscript_location = app:db\nversion_locations = app:db/main\n"
    ini += "[tenant]\nscript_location = app:db\nversion_locations = app:db/tenant\n"
    files = {"app/alembic.ini": ini, "app/__init__.py": "", "app/db/env.py": ENV}
    files |= {"app/db/main/a1.py": REVISION, "app/db/tenant/a1.py": REVISION}
    projects = find(make(files))
    assert [one.name for one in projects] == ["app/db [main]", "app/db [tenant]"]
    assert [one.section for one in projects] == ["main", "tenant"]
    assert [locations(one) for one in projects] == [["app/db/main"], ["app/db/tenant"]]
    assert {one.working_directory for one in projects} == {projects[0].root}


# --- packages, found as folders ---


@pytest.mark.parametrize(
    ("ini_at", "prepend", "package_at"),
    [
        ("alembic.ini", "", "app/sub"),
        ("alembic.ini", "", "src/app/sub"),
        ("alembic.ini", "", "lib/app/sub"),
        ("alembic.ini", "prepend_sys_path = backend", "backend/app/sub"),
        ("conf/alembic.ini", "prepend_sys_path = ../backend", "backend/app/sub"),
        ("conf/alembic.ini", "", "services/python/one/app/sub"),
    ],
)
def test_a_package_location(make, ini_at, prepend, package_at):
    ini = f"[alembic]\nscript_location = app.sub:dir/db\n{prepend}\n"
    project = the_one(make({ini_at: ini, f"{package_at}/dir/db/": ""}))
    assert project.name == f"{package_at}/dir/db"


def test_a_package_that_is_not_here(make):
    root = make({"alembic.ini": "[alembic]\nscript_location = gone.pkg:db\n"})
    assert "no folder here is package 'gone.pkg'" in refusal(root)


# --- version locations ---


@pytest.mark.parametrize(
    "written",
    [
        "version_locations = one two",
        "version_locations = one, two",
        "version_locations = one,two",
        "path_separator = space\nversion_locations = one two",
        "path_separator = os\nversion_locations = %(here)s/one:two",
        "path_separator = :\nversion_locations = one:%(here)s/two",
        "path_separator = ;\nversion_locations = one;two",
        "path_separator = newline\nversion_locations =\n   one\n   %(here)s/two",
        "version_path_separator = space\nversion_locations = one two",
        "path_separator = ;\nversion_path_separator = wrong\nversion_locations = one;two",
        "path_separator = ;\nversion_locations = pkg:../one;two",
    ],
)
def test_version_locations(make, written):
    ini = f"[alembic]\nscript_location = db\n{written}\n"
    files = {"alembic.ini": ini, "db/env.py": ENV, "one/a1.py": REVISION, "pkg/__init__.py": ""}
    assert locations(the_one(make(files))) == ["one", "two"]


def test_relative_version_locations_choose_the_working_directory(make):
    ini = "[alembic]\nscript_location = %(here)s/db\nversion_locations = a/one\n"
    root = make({"a/alembic.ini": ini, "a/db/env.py": ENV, "a/one/a1.py": REVISION})
    project = the_one(root)
    assert (project.working_directory, locations(project)) == (root, ["a/one"])


@pytest.mark.parametrize(("written", "expected"), [("true", True), ("True", False), ("1", False)])
def test_switches_are_true_only_as_true(make, written, expected):
    ini = f"[alembic]\nscript_location = db\nrecursive_version_locations = {written}\n"
    ini += f"sourceless = {written}\n"
    project = the_one(make({"alembic.ini": ini, "db/": ""}))
    assert (project.recursive, project.sourceless) == (expected, expected)


def test_revisions_below_the_versions_that_alembic_does_not_read(make):
    ini = "[alembic]\nscript_location = db\n"
    root = make({"alembic.ini": ini, "db/": "", "db/versions/old/a2.py": REVISION})
    assert "db/versions/old holds revisions" in refusal(root)
    make({"alembic.ini": ini + "recursive_version_locations = true\n"})
    assert the_one(root).recursive
    make({"alembic.ini": ini})
    make({"pyproject.toml": '[tool.migration-gate]\nexclude = ["**/versions/old"]\n'})
    assert locations(the_one(root)) == ["db/versions"]


# --- pyproject.toml ---


def test_a_toml_table(make):
    toml = '[tool.alembic]\nscript_location = "%(here)s/db"\nprepend_sys_path = ["."]\n'
    toml += 'version_locations = ["%(here)s/one", "two"]\nrecursive_version_locations = true\n'
    root = make({"pyproject.toml": toml, "db/env.py": ENV, "one/a1.py": REVISION})
    project = the_one(root)
    assert (project.config_file, project.toml_file) == (None, root / "pyproject.toml")
    assert locations(project) == ["one", "two"]
    assert project.recursive


def test_a_toml_table_and_an_ini_with_the_url_alone(make):
    toml = '[tool.alembic]\nscript_location = "db"\nversion_locations = ["one"]\n'
    ini = "[alembic]\nsqlalchemy.url = postgresql://u:p@h/d\n"
    files = {"pyproject.toml": toml, "alembic.ini": ini, "db/env.py": ENV, "one/a1.py": REVISION}
    root = make(files)
    project = the_one(root)
    assert project.config_file == root / "alembic.ini"
    assert project.toml_file == root / "pyproject.toml"
    assert locations(project) == ["one"]


def test_the_ini_wins_over_the_toml_table(make):
    toml = '[tool.alembic]\nscript_location = "gone"\nversion_locations = ["one"]\nsourceless=true'
    ini = "[alembic]\nscript_location = db\nsourceless = false\n"
    files = {"pyproject.toml": toml, "alembic.ini": ini, "db/env.py": ENV, "one/a1.py": REVISION}
    project = the_one(make(files))
    assert (project.name, locations(project), project.sourceless) == ("db", ["one"], False)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('script_location = "%(there)s/db"', "only %(here)s is known"),
        ('script_location = "100%/db"', "only %(here)s is known"),
        ("script_location = 3", "must be made of strings"),
        ('script_location = "db"\nversion_locations = "db"', "must be a list"),
        ('script_location = "db"\nsourceless = "true"', "must be true or false"),
        ('script_location = "db"\nscript_location = "db"', "is not TOML"),
        ('script_location = "gone"', "'gone' is not there"),
    ],
)
def test_a_toml_table_that_alembic_would_refuse(make, toml, said):
    message = refusal(make({"pyproject.toml": f"[tool.alembic]\n{toml}\n", "db/": ""}))
    assert message.startswith("pyproject.toml")
    assert said in message


# --- Flask-Migrate ---


def test_flask_migrate(make):
    ini = "[alembic]\n# file_template = %%(rev)s\n[loggers]\nkeys = root\n"
    root = make({"migrations/": FLASK_ENV, "migrations/alembic.ini": ini})
    project = the_one(root)
    assert project.kind == "flask"
    assert project.config_file == root / "migrations/alembic.ini"
    assert locations(project) == ["migrations/versions"]
    assert project.working_directory == root


@pytest.mark.parametrize(
    ("files", "script_location", "expected"),
    [
        ({"shop/__init__.py": "", "shop/app.py": "", "pyproject.toml": ""}, None, ""),
        ({"shop/__init__.py": "", "wsgi.py": ""}, ".", ""),
        ({"shop/app.py": "", "pyproject.toml": ""}, None, "shop"),
        ({".flaskenv": ""}, None, ""),
        ({}, "shop/migrations", ""),
        ({}, "./migrations/", "shop"),
        ({}, None, "shop"),
    ],
)
def test_where_flask_is_run(make, files, script_location, expected):
    ini = "[alembic]\n" + (f"script_location = {script_location}\n" if script_location else "")
    migrations = {"shop/migrations/": FLASK_ENV, "shop/migrations/alembic.ini": ini}
    root = make({**files, **migrations})
    project = the_one(root)
    assert project.kind == "flask"
    assert project.directory == root / "shop/migrations"
    assert project.working_directory == root / expected


def test_an_ini_beside_an_env_without_flask_is_a_config_built_in_code(make):
    project = the_one(make({"db/": "", "db/alembic.ini": "[alembic]\n"}))
    assert (project.kind, project.name) == ("alembic", "db")
    assert project.config_file


# --- a Config that is built in code ---


def test_an_env_with_versions_is_found_by_itself(make):
    root = make({"app/__init__.py": "", "app/db/": "", "setup.cfg": ""})
    project = the_one(root)
    assert (project.name, project.config_file) == ("app/db", None)
    assert project.working_directory == root


def test_revisions_beside_the_env(make):
    root = make({"db/env.py": ENV, "db/a1.py": REVISION, "db/helpers.py": ""})
    assert locations(the_one(root)) == ["db"]


def test_what_is_no_project(make):
    root = make({"app/env.py": "import os\n", "app/versions/v1.py": REVISION})
    make({"template/env.py": ENV, "template/script.py.mako": ""})
    make({"helpers/env.py": ENV, "helpers/versions/tools.py": "x = 1\n"})
    assert refusal(root).startswith("no migrations found: looked for alembic.ini, [tool.alembic] ")


def test_that_all_of_it_is_left_out_is_said(make):
    root = make({"alembic.ini": "[alembic]\nscript_location = m\n", "m/env.py": ENV})
    make({"pyproject.toml": '[tool.migration-gate]\nexclude = ["*"]\n'})
    assert f"below {root}, but not in what exclude names (*). " in refusal(root)


def test_settings_name_what_code_knows(make):
    toml = '[tool.migration-gate]\nscript-location = "app:db"\n'
    toml += 'version-locations = ["app/db/v/one", "app:db/v/two"]\n'
    files = {"app/__init__.py": "", "app/db/env.py": ENV, "app/db/v/one/a1.py": REVISION}
    root = make({"pyproject.toml": toml, **files, "app/db/v/two/a2.py": REVISION})
    assert locations(the_one(root)) == ["app/db/v/one", "app/db/v/two"]
    make({"pyproject.toml": '[tool.migration-gate]\nscript-location = "gone"\n'})
    assert "names 'gone', which is no folder" in refusal(root)


def test_settings_add_version_locations_to_the_only_project(make):
    toml = '[tool.migration-gate]\nversion-locations = ["db/versions", "db/versions/old"]\n'
    files = {"alembic.ini": "[alembic]\nscript_location = db\n", "db/": ""}
    root = make({**files, "pyproject.toml": toml, "db/versions/old/a2.py": REVISION})
    assert locations(the_one(root)) == ["db/versions", "db/versions/old"]
    make({"other/": ""})
    assert "needs script-location beside it, because 2 projects" in refusal(root)


def test_settings_stand_in_for_an_ini_that_leads_nowhere_here(make):
    ini = "[alembic]\nscript_location = /opt/app/db\n"
    root = make({"alembic.ini": ini, "db/": ""})
    assert "script_location = '/opt/app/db' is not there" in refusal(root)
    make({"pyproject.toml": '[tool.migration-gate]\nscript-location = "db"\n'})
    assert the_one(root).name == "db"
    make({"other/alembic.ini": ini})
    assert refusal(root).startswith("other/alembic.ini: script_location")
    make({"other/alembic.ini": "", "alembic.ini": "[alembic]\nscript_location = %(gone)s\n"})
    assert "is set nowhere" in refusal(root)


# --- several, and which ---


@pytest.fixture
def three(make):
    one = {"one/alembic.ini": "[alembic]\nscript_location = db\n", "one/db/": ""}
    two = {"two/migrations/": FLASK_ENV, "two/migrations/alembic.ini": "[alembic]\n"}
    return make({**one, **two, "three/db/": ""})


def test_several_projects(three):
    assert [one.name for one in find(three)] == ["one/db", "three/db", "two/migrations"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("one", "one/db"),
        ("one/alembic.ini", "one/db"),
        ("one/db", "one/db"),
        ("one/db/versions", "one/db"),
        ("two/migrations", "two/migrations"),
        ("./two/migrations/versions/", "two/migrations"),
        ("three", "three/db"),
    ],
)
def test_only(three, only, expected, monkeypatch):
    assert the_one(three, only).name == expected
    monkeypatch.chdir(three)
    assert the_one(three, only).name == expected


def test_only_several(three):
    assert len(find(three, ["one", "two"])) == 2
    assert len(find(three, ["one", "one/db"])) == 1


def test_only_takes_what_it_names(make):
    root = make({".hidden/db/": "", "other/env.py": ENV, "other/revs/a1.py": "x = 1\n"})
    make({"conf/alembic.conf": "[alembic]\nscript_location = other\n"})
    make({"other/versions/a1.py": "x = 1\n"})
    assert the_one(root, ".hidden").name == ".hidden/db"
    assert locations(the_one(root, "other")) == ["other/versions"]
    assert locations(the_one(root, "other/revs")) == ["other/revs"]
    assert the_one(root, "conf/alembic.conf").config_file == root / "conf/alembic.conf"


def test_only_that_is_no_project(make):
    root = make({"db/": "", "docs/a.txt": "", "pyproject.toml": "", "x.ini": "[a]\nb=1\n"})
    assert "--project docs is no Alembic project" in refusal(root, "docs")
    assert "--project nowhere is not there" in refusal(root, "nowhere")
    assert "pyproject.toml is no Alembic project" in refusal(root, "pyproject.toml")
    assert "x.ini has no script_location" in refusal(root, "x.ini")


def test_only_is_not_stopped_by_what_is_broken_elsewhere(three):
    (three / "one/alembic.ini").write_text("nonsense\n")
    assert "one/alembic.ini:1" in refusal(three)
    assert the_one(three, "two").name == "two/migrations"
    assert "one/alembic.ini:1" in refusal(three, "one")
    assert "one/alembic.ini:1" in refusal(three, "one/db")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('project = "one"', ["one/db"]),
        ('project = ["one/alembic.ini", "two/migrations"]', ["one/db", "two/migrations"]),
        ('exclude = ["one", "thr*"]', ["two/migrations"]),
        ('exclude = ["**/migrations/", "one/**"]', ["three/db"]),
    ],
)
def test_settings_narrow(three, table, expected):
    (three / "pyproject.toml").write_text(f"[tool.migration-gate]\n{table}\n")
    assert [one.name for one in find(three)] == expected


def test_settings_that_name_no_project(three):
    (three / "pyproject.toml").write_text('[tool.migration-gate]\nproject = ["four"]\n')
    assert "pyproject.toml: project = four is not there" in refusal(three)


def test_what_is_excluded_is_not_read(make):
    toml = '[tool.migration-gate]\nexclude = ["fixtures"]\n'
    broken = {"fixtures/alembic.ini": "nonsense", "fixtures/pyproject.toml": "[tool.alembic]\n="}
    assert the_one(make({"pyproject.toml": toml, **broken, "db/": ""})).name == "db"


def test_the_nearest_settings_count(three):
    (three / "pyproject.toml").write_text('[tool.migration-gate]\nignore = "a"\n')
    (three / "one/pyproject.toml").write_text('[tool.migration-gate]\nignore = "b"\n')
    (three / "two/pyproject.toml").write_text("[tool.other]\n")
    assert [one.settings.ignore for one in find(three)] == [("b",), ("a",), ("a",)]


@pytest.mark.parametrize(
    "folder",
    [".tox/x", "node_modules/x", "venv/x", "lib/site-packages/x", "build/lib", "a.egg/x", "dist"],
)
def test_folders_that_are_not_entered(make, folder):
    root = make({"db/": "", f"{folder}/db/": "", "venv/pyvenv.cfg": "", "setup.py": ""})
    assert the_one(root).name == "db"


def test_a_folder_called_build_that_no_tool_made(make):
    assert the_one(make({"services/build/db/": ""})).name == "services/build/db"


def test_links_do_not_loop_and_count_once(make):
    root = make({"db/": "", "alembic.ini": "[alembic]\nscript_location = linked\n"})
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "db/again").symlink_to(root / "db", target_is_directory=True)
    (root / "linked").symlink_to(root / "db", target_is_directory=True)
    (root / "dangling.ini").symlink_to(root / "gone.ini")
    assert "linked" in {one.name for one in find(root)}


# --- what cannot be judged ---


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("[alembic]\nscript_location = gone\n", "script_location = 'gone' is not there"),
        ("[alembic]\nscript_location = db  ; why\n", "'db  ; why' is not there"),
        ("[alembic]\nx = 1\n", "alembic.ini has no script_location, and no env.py stands"),
        ("[alembic]\nscript_location = {db}\n", "still to be filled in"),
        ("[alembic]\nscript_location = %(missing)s/db\n", "%(missing)s is set nowhere"),
        ("[alembic]\nscript_location = 100%/db\n", "is written %%"),
        ("[alembic]\nscript_location = %(script_location)s\n", "refer to each other"),
        ("script_location = db\n", "alembic.ini:1 stands before any [section]"),
        ("[alembic]\nscript_location = db\nurl secret\n", "alembic.ini:3 is neither"),
        ("[alembic]\nscript_location = db\nscript_location = db\n", "script_location a second"),
        ("[alembic]\nscript_location = db\n[alembic]\n", "alembic.ini:3 has [alembic] a second"),
        ("[alembic]\nscript_location = db\n# caf\xe9".encode("latin-1"), "is not UTF-8 (byte 36)"),
        (b"[alembic]\nscript_location = d\0b\n", "null byte"),
        (
            "[alembic]\nscript_location = db\nversion_path_separator = os  # why\nversion_locations = a:b\n",
            "version_path_separator = 'os  # why' is not one of space, newline, os, :, ;",
        ),
        ("[alembic]\nscript_location = db\nversion_locations = none/here\n", "no revisions in"),
    ],
)
def test_an_ini_that_leads_nowhere(make, ini, said):
    message = refusal(make({"alembic.ini": ini, "db/env.py": ENV}))
    assert "alembic.ini" in message or "no revisions" in message
    assert said in message
    assert "secret" not in message


def test_an_ini_without_a_location_is_no_matter_beside_a_project_built_in_code(make):
    root = make({"app/alembic.ini": "[alembic]\nscript_location = {db}\n", "app/db/": ""})
    assert the_one(root).config_file is None


@pytest.mark.parametrize("content", [b"[tool.alembic]\nx = 'caf\xe9'", b"[tool.migration-gate]\n\0"])
def test_a_pyproject_that_is_no_text(make, content):
    assert refusal(make({"pyproject.toml": content, "db/": ""})).startswith("pyproject.toml is not")


def test_a_broken_pyproject_that_says_nothing_to_us_is_not_read(make):
    assert the_one(make({"pyproject.toml": b"[tool.black\n\xe9", "db/": ""})).name == "db"


def test_settings_errors_stop(make):
    root = make({"pyproject.toml": "[tool.migration-gate]\nselct = []\n", "db/": ""})
    assert "Did you mean select?" in refusal(root)
    assert "Did you mean select?" in refusal(root, "db")


def test_an_empty_versions_folder_is_no_pass(make):
    root = make({"alembic.ini": "[alembic]\nscript_location = db\n", "db/env.py": ENV})
    assert refusal(root).startswith("no revisions in db/versions")
    make({"db/versions/__init__.py": "", "db/versions/.#a1.py": "", "db/versions/a.txt": ""})
    assert refusal(root).startswith("no revisions in db/versions")
    make({"other/": ""})
    assert [one.name for one in find(root)] == ["db", "other"]


def test_nothing_at_all(tmp_path):
    assert f"below {tmp_path}. Name the folder: migration-gate lint" in refusal(tmp_path)
    assert "cannot list" in refusal(tmp_path / "gone")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root reads everything")
def test_what_may_not_be_read(make):
    root = make({"db/": "", "data/pg/x": "", "one/alembic.ini": "[alembic]\n"})
    (root / "data").chmod(0)
    try:
        assert "cannot list data: Permission denied. To leave it out, exclude" in refusal(root)
        assert the_one(root, "db").name == "db"
    finally:
        (root / "data").chmod(0o755)


def test_nothing_heavy_is_imported_and_nothing_of_the_project(make):
    root = make({"migrations/": FLASK_ENV + "1 / 0\n", "migrations/alembic.ini": "[alembic]\n"})
    code = (
        "import sys; from pathlib import Path; from migration_gate.project.discovery import find\n"
        f"assert find(Path({str(root)!r}))\n"
        "heavy = {'alembic', 'sqlalchemy', 'configparser', 'tomllib', 'dataclasses', 'difflib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_do_not_name_their_way_around_a_broken_ini(three):
    (three / "pyproject.toml").write_text('[tool.migration-gate]\nproject = ["one/db"]\n')
    (three / "one/alembic.ini").write_text("nonsense\n")
    (three / "two/migrations/alembic.ini").write_text("nonsense script_location\n")
    assert "one/alembic.ini:1" in refusal(three)
    (three / "one/alembic.ini").write_text("[alembic]\nscript_location = db\n")
    assert the_one(three).name == "one/db"
