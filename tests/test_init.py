"""``migration-gate init``: it writes what it has shown and nothing else, and the tools that it is written for take it.
That pre-commit runs it is in tests/hooks/test_pre_commit.py.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from migration_gate import __version__
from migration_gate.findings import CannotJudge
from migration_gate.init import install
from migration_gate.init.hooks import URL, added
from migration_gate.init.start_after import added as added_to_settings
from tests.conftest import ENV, Gate, revision, write
from tests.under_git import Work

HOOKS, WORKFLOW, SETTINGS = ".pre-commit-config.yaml", ".github/workflows/migrations.yml", "pyproject.toml"
GITHUB = "git@github.com:ana/shop.git"
PROJECT = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": ENV.format(engine="create_engine('postgresql://')", before=""),
    "migrations/versions/a.py": revision("a", "pass"),
    "migrations/versions/b.py": revision("b", "pass", "a"),
}


def made(folder: Path, files: dict[str, str] | None = None, origin: str | None = GITHUB) -> Work:
    """A project in a repository that has nothing of the gate's yet."""
    write(folder, {**PROJECT, **(files or {})})
    work = Work(folder)
    work.git("init", "-q", "-b", "main")
    if origin:
        work.git("remote", "add", "origin", origin)
    return work


def files(folder: Path) -> dict[str, bytes]:
    """All files, by name."""
    there = (one for one in folder.rglob("*") if one.is_file() and ".git" not in one.relative_to(folder).parts)
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in there}


def settings(folder: Path) -> dict[str, Any]:
    return dict(tomllib.loads((folder / SETTINGS).read_text())["tool"]["migration-gate"])


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


def test_it_shows_all_writes_it_and_has_nothing_to_do_then(example: Callable[[str], Path], gate: Gate) -> None:
    """A Flask project without a pyproject.toml; what is shown is what is written, line by line."""
    folder = example("shop")
    Work(folder).git("init", "-q")
    Work(folder).git("remote", "add", "origin", GITHUB)
    before = files(folder)
    shown = gate("init", "--dry-run", cwd=folder)
    assert (shown.status, files(folder)) == (0, before)
    said = gate("init", "--yes", cwd=folder)
    assert said.status == 0, said.err
    assert said.out.startswith(shown.out)
    after = files(folder)
    assert sorted(after.keys() - before.keys()) == sorted([HOOKS, WORKFLOW, SETTINGS])
    assert {name: after[name] for name in before} == before
    for name in (HOOKS, WORKFLOW, SETTINGS):
        block = shown.out.partition(f"+++ {name}\n")[2].partition("\n\n")[0]
        lines = [line[1:] for line in block.splitlines()[1:]]
        assert lines == after[name].decode().splitlines()
    assert said.out.endswith(
        f"\nwrote {HOOKS}, {WORKFLOW}, {SETTINGS}\n\nNext:\n  git add {HOOKS} {WORKFLOW} {SETTINGS}\n"
        "  pre-commit install\n  pre-commit run --all-files\n"
    )
    again = gate("init", "--yes", cwd=folder)
    assert (again.status, again.out) == (0, "nothing to do: all of it is there\n")
    assert files(folder) == after
    assert settings(folder) == {"start-after": "9bb0f9fbf117"}
    assert "0 new since start-after" in gate("lint", cwd=folder).out


def test_without_a_terminal_it_asks_nobody_and_writes_nothing(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path)
    before = files(tmp_path)
    said = gate("init", cwd=tmp_path)
    assert said.status == 2
    assert f"+++ {HOOKS}" in said.out
    assert said.err == (
        "migration-gate: nothing was written, because there is no terminal to ask at: --yes writes it\n"
    )
    assert files(tmp_path) == before


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)])
def test_at_a_terminal_it_asks(answer: str, status: int, tmp_path: Path) -> None:
    made(tmp_path)
    before = files(tmp_path)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    words = [sys.executable, "-m", "migration_gate", "init"]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "NO_COLOR": "1"}
    done = subprocess.run(words, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=here)
    os.close(theirs)
    said = os.read(ours, 100_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert done.returncode == status, said
    assert "Write this? [y/N] " in said
    assert (files(tmp_path) == before) is (status == 1)
    assert ("nothing was written" in said) is (status == 1)


def test_several_heads_are_all_named(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {"migrations/versions/c.py": revision("c", "pass", "a")})
    said = gate("init", "--yes", cwd=tmp_path)
    assert sorted(settings(tmp_path)["start-after"]) == ["b", "c"]
    assert "migrations has 2 heads, which closes the gate: migration-gate heads" in said.out


def test_what_a_branch_adds_has_not_shipped(tmp_path: Path, gate: Gate) -> None:
    work = made(tmp_path)
    work.commit()
    work.git("update-ref", "refs/remotes/origin/main", "HEAD")
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    work.git("switch", "-q", "-c", "feature")
    work.commit({"migrations/versions/c.py": revision("c", "pass", "b")})
    gate("init", "--yes", cwd=tmp_path)
    assert settings(tmp_path) == {"start-after": "b"}


def test_where_nothing_has_shipped_nothing_is_said_to(tmp_path: Path, gate: Gate) -> None:
    work = made(tmp_path)
    write(tmp_path, {"README.md": "shop\n"})
    work.git("add", "README.md")
    work.git("commit", "-q", "-m", "begin")
    work.git("update-ref", "refs/remotes/origin/main", "HEAD")
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    gate("init", "--yes", cwd=tmp_path)
    assert not (tmp_path / SETTINGS).exists()
    assert gate("init", "--yes", cwd=tmp_path).out.startswith("nothing to do")


def test_a_history_that_is_not_sound_is_to_be_mended_first(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {"migrations/versions/c.py": revision("c", "pass", "nowhere")})
    before = files(tmp_path)
    said = gate("init", "--yes", cwd=tmp_path)
    assert said.status == 2
    assert said.err.startswith("migration-gate: the history of migrations is not sound (missing-revision: ")
    assert said.err.endswith(". Mend that first: migration-gate lint\n")
    assert said.err.count("\n") == 1
    assert files(tmp_path) == before


def test_where_there_are_no_migrations_nothing_is_written(tmp_path: Path, gate: Gate) -> None:
    said = gate("init", "--yes", cwd=tmp_path)
    assert (said.status, files(tmp_path)) == (2, {})
    assert "no migrations found" in said.err


def test_a_file_that_cannot_be_read_or_written_is_said_in_one_line(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {SETTINGS: "[project\n"})
    said = gate("init", "--yes", cwd=tmp_path)
    assert said.status == 2
    assert f"{tmp_path}/{SETTINGS} is not TOML: " in said.err
    (tmp_path / SETTINGS).write_bytes(b"# caf\xe9\n")
    assert "is not UTF-8 (byte 5)" in gate("init", "--yes", cwd=tmp_path).err
    (tmp_path / SETTINGS).unlink()
    (tmp_path / HOOKS).mkdir()
    assert (
        gate("init", "--yes", cwd=tmp_path).err == f"migration-gate: cannot read {tmp_path}/{HOOKS}: Is a directory\n"
    )
    (tmp_path / HOOKS).rmdir()
    (tmp_path / HOOKS).symlink_to("nowhere/at-all")
    said = gate("init", "--yes", cwd=tmp_path)
    assert said.status == 2
    assert said.err == f"migration-gate: cannot write {tmp_path}/{HOOKS}: No such file or directory\n"


# ── several projects ─────────────────────────────────────────────────────────────────────────────────────


def services(folder: Path, files: dict[str, str] | None = None) -> Work:
    """Two projects in one repository."""
    both = {f"services/{service}/{name}": text for service in ("a", "b") for name, text in PROJECT.items()}
    both["services/b/migrations/versions/c.py"] = revision("c", "pass", "b")
    work = Work(write(folder, {**both, **(files or {})}))
    work.git("init", "-q")
    work.git("remote", "add", "origin", GITHUB)
    return work


def test_each_project_has_its_settings_and_all_have_one_hook_and_one_workflow(tmp_path: Path, gate: Gate) -> None:
    needs = {"services/a/requirements.txt": "alembic\n", "services/b/pyproject.toml": '[project]\nname = "b"\n'}
    services(tmp_path, needs)
    assert gate("init", "--yes", cwd=tmp_path).status == 0
    assert settings(tmp_path / "services/a") == {"start-after": "b"}
    assert settings(tmp_path / "services/b") == {"start-after": "c"}
    assert not (tmp_path / SETTINGS).exists()
    jobs = yaml.safe_load((tmp_path / WORKFLOW).read_text())["jobs"]
    assert list(jobs) == ["gate-services-a", "gate-services-b"]
    assert [job["steps"][-1]["with"] for job in jobs.values()] == [
        {"working-directory": "services/a", "install": "pip install -r requirements.txt"},
        {"working-directory": "services/b", "install": "pip install -e ."},
    ]
    assert gate("init", "--yes", cwd=tmp_path).out.startswith("nothing to do")
    for place in (tmp_path, tmp_path / "services/a", tmp_path / "services/b"):  # the hook's, and the workflow's
        assert "0 new since start-after" in gate("lint", cwd=place).out


def test_settings_that_are_for_both_name_the_heads_of_both(tmp_path: Path, gate: Gate) -> None:
    """And the gate runs where they are."""
    needs = {"services/a/requirements.txt": "alembic\n", "services/b/requirements.txt": "alembic\n"}
    services(tmp_path, needs | {SETTINGS: '[tool.migration-gate]\nignore = ["drift"]\n'})
    assert gate("init", "--yes", cwd=tmp_path).status == 0
    assert settings(tmp_path) == {"ignore": ["drift"], "start-after": ["b", "c"]}
    (job,) = yaml.safe_load((tmp_path / WORKFLOW).read_text())["jobs"].values()
    assert job["steps"][-1]["with"] == {
        "install": "(cd services/a && pip install -r requirements.txt) && "
        "(cd services/b && pip install -r requirements.txt)"
    }
    assert "0 new since start-after" in gate("lint", cwd=tmp_path).out
    assert gate("init", "--yes", cwd=tmp_path).out.startswith("nothing to do")


def test_one_of_them_from_the_folder_that_it_is_in(tmp_path: Path, gate: Gate) -> None:
    services(tmp_path, {"services/a/requirements.txt": "alembic\n"})
    said = gate("init", "--yes", cwd=tmp_path / "services/a")
    assert f"wrote ../../{HOOKS}, ../../{WORKFLOW}, {SETTINGS}\n" in said.out
    assert settings(tmp_path / "services/a") == {"start-after": "b"}
    assert not (tmp_path / "services/b" / SETTINGS).exists()
    said = gate("init", "--yes", "--project", "services/b", cwd=tmp_path)
    assert f"\nwrote {SETTINGS}\n" in said.out
    assert settings(tmp_path) == {"start-after": "c"}


def test_settings_that_are_for_one_that_nobody_chose_name_its_head_too(tmp_path: Path, gate: Gate) -> None:
    """Without it that one could not be judged."""
    services(tmp_path, {"services/a/requirements.txt": "alembic\n"})
    gate("init", "--yes", "--project", "services/b", cwd=tmp_path)
    assert settings(tmp_path) == {"start-after": ["c", "b"]}
    assert "0 new since start-after" in gate("lint", cwd=tmp_path).out
    write(tmp_path, {SETTINGS: '[tool.migration-gate]\nignore = ["drift"]\n'})
    gate("init", "--yes", cwd=tmp_path / "services/b")
    assert settings(tmp_path) == {"start-after": ["c", "b"], "ignore": ["drift"]}
    assert "0 new since start-after" in gate("lint", cwd=tmp_path).out


# ── .pre-commit-config.yaml ──────────────────────────────────────────────────────────────────────────────

FORMS = {
    "two blanks": """\
# what everybody has
repos:
  - repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v5.0.0
    hooks:
      - id: trailing-whitespace # at the end
      - id: check-yaml
        args: [--unsafe,
          --allow-multiple-documents]
""",
    "none": "repos:\n- repo: local\n  hooks:\n  - id: a\n    entry: |\n      b\n\n      # c\n    language: system\n",
    "none, hooks two": "repos:\n- repo: meta\n  hooks:\n    - id: check-hooks-apply\n",
    "as sample-config has it": "repos:\n-   repo: meta\n    hooks:\n    -   id: identity\n    -   id: check-hooks\n",
    "four": "repos:\n    - repo: meta\n      hooks:\n          - id: identity\n",
    "keys before and after": (
        "---\nfail_fast: true\nexclude: |\n  (?x)^(\n    a|\n\n    b\n  )$\n\nrepos:\n  - repo: meta\n    hooks:\n"
        "      - id: identity\n\n# what CI does\nci:\n  skip: [identity]\n"
    ),
    "blank lines between, a comment for the last": (
        "repos:\n\n  # one\n  - repo: meta\n    hooks:\n      - id: identity\n\n  # two\n  - repo: meta\n    hooks:\n"
        "      - id: identity\n      # - id: later\n\n  # - repo: later\n\n"
    ),
    "its own kinds": (
        "default_install_hook_types:\n- pre-commit\n- pre-push\n"
        "repos:\n  - repo: meta\n    hooks:\n      - id: identity\n"
    ),
    "its own kinds, on a line": (
        "default_install_hook_types: [pre-commit]\nrepos:\n  - repo: meta\n    hooks: [{id: identity}]\n"
    ),
    "its own kinds, at the end": (
        "repos:\n  - repo: meta\n    hooks:\n      - id: identity\ndefault_install_hook_types: [pre-push]\n"
    ),
    "empty list": "repos: [] # none yet\n",
    "empty list in a file": "fail_fast: true\nrepos: []\nci: {}\n",
    "no repositories": "fail_fast: true\n",
    "comments alone": "# later\n",
    "a byte order mark": "\ufeffrepos:\n  - repo: meta\n    hooks:\n      - id: identity\n",
    "nothing": "",
}
UNKNOWN = {
    "flow": "repos: [{repo: meta, hooks: [{id: identity}]}]\n",
    "flow items": "repos:\n  - {repo: meta, hooks: [{id: identity}]}\n",
    "anchor": "repos: &all\n  - repo: meta\n    hooks:\n      - id: identity\n",
    "anchored item": "repos:\n  - &one\n    repo: meta\n    hooks:\n      - id: identity\n",
    "template": "repos:\n{% if lint %}\n  - repo: meta\n    hooks:\n      - id: identity\n{% endif %}\n",
    "filled in": "repos:\n  - repo: {{ where }}\n",
    "tabs": "repos:\n\t- repo: meta\n",
    "twice": "repos:\n  - repo: meta\nrepos:\n  - repo: meta\n",
    "quoted key": '"repos":\n  - repo: meta\n    hooks:\n      - id: identity\n',
    "two documents": "repos:\n  - repo: meta\n---\nrepos:\n  - repo: meta\n",
    "flow over lines": "repos: [\n]\n",
}


def keeps(before: str, after: str) -> bool:
    """Whether all lines of a text are in the other, in their order and with their ends."""
    lines = iter(after.splitlines(keepends=True))
    end = "\r\n" if "\r\n" in before else "\n"
    return all(f"{one}{end}" in lines for one in before.removeprefix("\ufeff").splitlines())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "final newline missing"])
@pytest.mark.parametrize("form", FORMS)
def test_the_entry_is_added_and_nothing_else_changes(form: str, ended: bool, end: str) -> None:
    before = FORMS[form].replace("\n", end)
    before = before if ended else before.removesuffix(end)
    after = added(before)
    assert after is not None
    old, new = yaml.safe_load(before) or {}, yaml.safe_load(after)
    hooks = [{"id": f"migration-gate-{one}"} for one in ("heads", "lint")]
    kinds = {"default_install_hook_types": ["pre-commit", "pre-merge-commit"]}
    entry = {"repo": URL, "rev": f"v{__version__}", "hooks": hooks}
    assert new == kinds | old | {"repos": [*old.get("repos", []), entry]}
    assert keeps(before.replace("repos: []", "repos: "), after.removeprefix("\ufeff"))
    assert after.startswith("\ufeff") is before.startswith("\ufeff")
    if end in before:
        assert after.count("\n") == after.count(end)
    assert "# - repo: later" not in after.partition(URL)[2]
    more = 5 + ("default_install_hook_types" not in old) + ("repos" not in old) + ("blank lines" in form)
    assert len(after.splitlines()) == len(before.splitlines()) + more


@pytest.mark.parametrize("form", UNKNOWN)
def test_a_form_that_is_not_known_is_left_alone_and_the_entry_shown(form: str, tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {HOOKS: UNKNOWN[form]})
    said = gate("init", "--yes", cwd=tmp_path)
    assert said.status == 0
    assert (tmp_path / HOOKS).read_text() == UNKNOWN[form]
    assert f"{HOOKS} is left alone: " in said.out
    assert f"    - repo: {URL}\n      rev: v{__version__}\n" in said.out
    assert (tmp_path / WORKFLOW).exists()
    said = gate("init", "--yes", cwd=tmp_path)
    assert (said.status, "wrote" in said.out, "left alone" in said.out) == (0, False, True)


def test_the_entry_is_indented_as_its_neighbours_are() -> None:
    assert f"\n-   repo: {URL}\n    rev: v{__version__}\n    hooks:\n    -   id: " in (
        added(FORMS["as sample-config has it"]) or ""
    )
    assert f"\n\n  - repo: {URL}\n    rev:" in (added(FORMS["blank lines between, a comment for the last"]) or "")


@pytest.mark.parametrize(
    "there",
    [
        f"repos:\n  - repo: {URL}\n    rev: v0.0.1\n    hooks:\n      - id: migration-gate-lint\n",
        "repos:\n  - repo: local\n    hooks:\n      - id: gate\n        entry: migration-gate lint\n",
    ],
)
def test_a_hook_that_is_there_stays_as_it_is(there: str, tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {HOOKS: there})
    said = gate("init", "--yes", cwd=tmp_path)
    assert (tmp_path / HOOKS).read_text() == there
    assert "  pre-commit install --hook-type pre-commit --hook-type pre-merge-commit\n" in said.out


def test_a_comment_about_the_gate_is_no_hook(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {HOOKS: "# migration-gate comes next\n" + FORMS["four"]})
    gate("init", "--yes", cwd=tmp_path)
    assert URL in (tmp_path / HOOKS).read_text()


# ── pyproject.toml ───────────────────────────────────────────────────────────────────────────────────────

TABLES = {
    "no section": '[project]\nname = "a" # ours\n',
    "a section": '[tool.migration-gate] # the gate\nignore = ["drift"]\n\n[tool.black]\n',
    "an empty section at the end": "[tool.black]\n[ tool . 'migration-gate' ]",
    "a table of the section alone": '[tool.migration-gate.environment]\nA = "{url}"\n',
    "a section in a string": 'text = """\n[tool.migration-gatekeeper]\n"""\n',
    "nothing": "",
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("heads", [("1a2b",), ("1a2b", 'odd "one"')])
@pytest.mark.parametrize("form", TABLES)
def test_the_key_is_added_and_nothing_else_changes(form: str, heads: tuple[str, ...], end: str) -> None:
    before = TABLES[form].replace("\n", end)
    after = added_to_settings(before, heads, "pyproject.toml")
    assert after is not None
    table = tomllib.loads(after)["tool"]["migration-gate"]
    assert table.pop("start-after") == (heads[0] if len(heads) == 1 else list(heads))
    assert table == tomllib.loads(before).get("tool", {}).get("migration-gate", {})
    assert keeps(before, after)
    if end in before:
        assert after.count("\n") == after.count(end)


@pytest.mark.parametrize(
    "text",
    [
        '[tool]\nmigration-gate = { ignore = ["drift"] }\n',
        '[tool]\nmigration-gate.ignore = ["drift"]\n',
        'text = """\n[tool.migration-gate]\n"""\n',
    ],
)
def test_settings_in_another_form_are_left_alone_and_the_key_shown(text: str, tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {SETTINGS: text})
    said = gate("init", "--yes", cwd=tmp_path)
    assert said.status == 0
    assert (tmp_path / SETTINGS).read_text() == text
    assert f"{SETTINGS} is left alone: " in said.out
    assert '  start-after = "b"' in said.out


def test_a_start_after_that_is_there_stays_as_it_is(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {SETTINGS: '[tool.migration-gate]\nstart-after = "a"\n'})
    gate("init", "--yes", cwd=tmp_path)
    assert settings(tmp_path) == {"start-after": "a"}


# ── the workflow ─────────────────────────────────────────────────────────────────────────────────────────


def checked(folder: Path, schema: str, name: str) -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [program, "--builtin-schema", f"vendor.{schema}", name], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_workflow_is_what_github_and_zizmor_want(tmp_path: Path, gate: Gate) -> None:
    """But for the hashes that zizmor wants in place of versions: these are for the project to choose."""
    services(tmp_path, {"services/a/requirements.txt": "alembic\n", "services/b/uv.lock": ""})
    gate("init", "--yes", cwd=tmp_path)
    checked(tmp_path, "github-workflows", WORKFLOW)
    program = Path(sys.executable).parent / "zizmor"
    words = [program, "--offline", "--no-progress", "--quiet", "--format", "json", WORKFLOW]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert {one["ident"] for one in json.loads(done.stdout)} <= {"unpinned-uses"}
    action = yaml.safe_load((Path(__file__).parents[1] / "action.yml").read_text())
    for job in yaml.safe_load((tmp_path / WORKFLOW).read_text())["jobs"].values():
        assert job["steps"][-1]["uses"] == f"migration-gate/migration-gate@v{__version__}"
        assert job["steps"][-1]["with"].keys() <= action["inputs"].keys()


def test_gitlab_gets_a_job_in_a_new_file(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {"requirements.txt": "alembic\n"}, "https://ana:secret@gitlab.example.org/ana/shop.git")
    said = gate("init", "--yes", cwd=tmp_path)
    assert "secret" not in said.out
    checked(tmp_path, "gitlab-ci", ".gitlab-ci.yml")
    (job,) = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text()).values()
    assert job["script"][0] == "pip install -r requirements.txt"
    assert job["script"][-1] == "migration-gate ci"
    assert gate("init", "--yes", cwd=tmp_path).out.startswith("nothing to do")


def test_the_base_that_the_job_for_gitlab_fetches_is_the_one_that_the_gate_asks_for(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = made(tmp_path / "origin")
    work.commit()
    clone = Work(tmp_path / "clone")
    work.git("clone", "-q", "--no-local", "--depth=1", f"file://{work.root}", str(clone.root))
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.write({".gitlab-ci.yml": "stages: [test]\n", "migrations/versions/c.py": revision("c", "pass", "b")})
    said = gate("init", "--yes", cwd=clone.root)
    fetch = next(line.strip() for line in said.out.splitlines() if "git fetch" in line)
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
    subprocess.run(["bash", "-c", yaml.safe_load(fetch)[0]], cwd=clone.root, check=True, capture_output=True)
    (clone.root / SETTINGS).unlink()
    assert "3 revisions, 1 new" in gate("lint", cwd=clone.root).out


def test_a_pipeline_that_is_there_is_left_alone_and_the_job_shown(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {".gitlab-ci.yml": "stages: [test]\n"}, None)
    said = gate("init", "--yes", cwd=tmp_path)
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "stages: [test]\n"
    assert ".gitlab-ci.yml is left alone: " in said.out
    assert "    - migration-gate ci\n" in said.out


def test_where_nothing_is_known_of_ci_a_hint_says_what_runs_there(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, origin=None)
    said = gate("init", "--yes", cwd=tmp_path)
    assert f"wrote {HOOKS}, {SETTINGS}\n" in said.out
    assert f"pip install 'migration-gate[ci]=={__version__}' && migration-gate ci" in said.out
    assert gate("init", "--yes", cwd=tmp_path).out.startswith("nothing to do")


def test_a_workflow_of_the_projects_own_is_not_overwritten(tmp_path: Path, gate: Gate) -> None:
    made(tmp_path, {WORKFLOW: "name: ours\n"}, None)
    gate("init", "--yes", cwd=tmp_path)
    assert (tmp_path / WORKFLOW).read_text() == "name: ours\n"
    assert (tmp_path / ".github/workflows/migration-gate.yml").exists()


def test_a_workflow_that_runs_the_gate_is_enough(tmp_path: Path, gate: Gate) -> None:
    mine = ".github/workflows/mine.yaml"
    made(tmp_path, {mine: "jobs:\n  a:\n    steps:\n      - run: migration-gate ci\n"}, None)
    assert f"wrote {HOOKS}, {SETTINGS}\n" in gate("init", "--yes", cwd=tmp_path).out


@pytest.mark.parametrize(
    ("needs", "command", "python"),
    [
        ({"requirements.txt": ""}, "pip install -r requirements.txt", "3.12"),
        ({"requirements/prod.txt": ""}, "pip install -r requirements/prod.txt", "3.12"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.13"\n'}, "pip install -e .", "3.13"),
        ({"pyproject.toml": '[project]\nrequires-python = "<3.14,>=3.8"\n'}, "pip install -e .", "3.11"),
        ({"pyproject.toml": "[tool.black]\n"}, None, "3.12"),
        ({"setup.py": "", ".python-version": "3.13.1\n"}, "pip install -e .", "3.13"),
        ({"requirements.txt": "", "pyproject.toml": "[project]\n"}, "pip install -r requirements.txt", "3.12"),
        ({"Pipfile": ""}, "pip install pipenv && pipenv install --system --skip-lock", "3.12"),
        ({"Pipfile": "", "Pipfile.lock": ""}, "pip install pipenv && pipenv install --system --deploy", "3.12"),
        (
            {"poetry.lock": "", "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.12"\n'},
            "pip install poetry && POETRY_VIRTUALENVS_CREATE=false poetry install",
            "3.12",
        ),
        ({}, None, "3.12"),
    ],
)
def test_what_installs_the_project_is_guessed(
    needs: dict[str, str], command: str | None, python: str, tmp_path: Path
) -> None:
    write(tmp_path, {"app/migrations/env.py": "", **needs})
    place = install.place(tmp_path / "app", tmp_path)
    assert place == tmp_path
    assert (install.command(place, tmp_path), install.python(place, tmp_path)) == (command, python)


def test_a_member_of_a_workspace_is_installed_by_the_lock_above_it(tmp_path: Path) -> None:
    write(tmp_path, {"uv.lock": "", "pyproject.toml": "[tool.uv.workspace]\n", "a/pyproject.toml": "[project]\n"})
    assert install.place(tmp_path / "a", tmp_path) == tmp_path / "a"
    assert (install.command(tmp_path / "a", tmp_path) or "").startswith("pip install uv && uv export ")


def test_settings_that_are_no_toml_are_named() -> None:
    with pytest.raises(CannotJudge, match=r"shop/pyproject.toml is not TOML"):
        added_to_settings("[", ("a",), "shop/pyproject.toml")
