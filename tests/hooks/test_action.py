"""action.yml, run step by step as a runner would: the same shell, the inputs as environment variables. What GitHub
itself would answer, its cache and its API, is stood in for.

Most tests say `version: installed`, a thing that callers may say too: the gate of this Python is the one that runs.
The slow one installs the checkout and a project into an environment of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from action import cached
from migration_gate.postgres import cache, embedded
from migration_gate.postgres.own import INITDB_OPTIONS
from tests.conftest import EXAMPLES, often
from tests.hooks.conftest import ROOT
from tests.hooks.github import TOKEN, GitHub, surroundings
from tests.under_git import Work

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]}


class Ran(NamedTuple):
    """What a use of the action came to."""

    status: int
    said: str
    outputs: dict[str, str]
    steps: list[str]  # the names of those that ran

    @property
    def verdict(self) -> str | None:
        return self.outputs["verdict"] or None

    @property
    def counts(self) -> tuple[str, ...]:
        return tuple(self.outputs[name] for name in ("findings", "notes", "problems"))

    @property
    def errors(self) -> list[str]:
        return re.findall(r"^::error .*title=([^:,]*)", self.said, re.MULTILINE)


class Runner:
    """The part of GitHub's runner that a composite action needs."""

    def __init__(self, folder: Path, environment: Mapping[str, str], python: str = sys.executable) -> None:
        self.workspace = folder / "workspace"
        self.temporary = folder / "temporary"
        self.workspace.mkdir()
        self.temporary.mkdir()
        programs = folder / "programs"  # what setup-python puts on PATH
        programs.mkdir()
        (programs / "python").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        (programs / "python").chmod(0o755)
        self.output = folder / "output"
        self.summary = folder / "the summary"
        self.cache = folder / "GitHub's cache"
        self.environment = {
            **environment,
            "PATH": f"{programs}{os.pathsep}{environment['PATH']}",
            "GITHUB_ACTION_PATH": f"{ROOT}/./",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_BASE_REF": "",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
        }

    def use(self, **given: str) -> Ran:
        """The action with these inputs, ``_`` for ``-``. After a step that fails, those alone run that ask for it."""
        inputs = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        for name, value in given.items():
            assert name.replace("_", "-") in inputs
            inputs[name.replace("_", "-")] = value
        values = {f"inputs.{name}": value for name, value in inputs.items()}
        values |= {
            "github.base_ref": self.environment["GITHUB_BASE_REF"],
            "github.event_name": self.environment["GITHUB_EVENT_NAME"],
        }
        ran, said, status = [], "", 0
        for step in STEPS:
            if not condition(step.get("if", "true"), values, bool(status)):
                continue
            ran.append(step["name"])
            self.output.write_text("")
            failed, more = self.cached(step, values) if "uses" in step else self.step(step, values)
            said += more
            status = status or failed
            outputs = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
            values |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in outputs.items()}
        outputs = {name: evaluate(one["value"], values) for name, one in ACTION["outputs"].items()}
        return Ran(status, said, outputs, ran)

    def step(self, step: Mapping[str, Any], values: Mapping[str, str]) -> tuple[int, str]:
        script = self.temporary / "step.sh"
        script.write_text(evaluate(step["run"], values))
        folder = self.workspace / evaluate(step.get("working-directory", "."), values)
        if not folder.is_dir():
            return 1, "the runner finds no such folder\n"
        done = subprocess.run(
            [*SHELLS[step["shell"]], str(script)],
            cwd=folder,
            env=self.environment | {name: evaluate(text, values) for name, text in step.get("env", {}).items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def cached(self, step: Mapping[str, Any], values: Mapping[str, str]) -> tuple[int, str]:
        """What actions/cache/restore and actions/cache/save do with one file."""
        key, path = (evaluate(step["with"][name], values) for name in ("key", "path"))
        there = self.cache / key
        if step["uses"].startswith("actions/cache/save@"):
            there.parent.mkdir(exist_ok=True)
            shutil.copy2(path, there)
        elif there.exists():
            shutil.copy2(there, path)
            self.output.write_text("cache-hit=true\n")
        return 0, ""

    def project(self, name: str, where: str = "app") -> str:
        """A copy of an example in the workspace, and what `working-directory` calls it."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(EXAMPLES / name, self.workspace / where, ignore=ignored)
        return where


def evaluate(text: str, values: Mapping[str, str]) -> str:
    """The text with its expressions filled in, as the runner does it before any shell sees it."""
    return EXPRESSION.sub(lambda found: value(found[1], values), text)


def value(name: str, values: Mapping[str, str]) -> str:
    """What a step that did not run has said is empty."""
    assert name in values or re.fullmatch(r"steps\.[a-z]+\.outputs\.[a-z-]+", name), name
    return values.get(name, "")


def condition(text: str, values: Mapping[str, str], failed: bool) -> bool:
    """An `if`: after a failure it is false, unless it names a function of the status."""
    if failed and "!cancelled()" not in text:
        return False
    return any(all(holds(one, values) for one in part.split(" && ")) for part in text.split(" || "))


def holds(text: str, values: Mapping[str, str]) -> bool:
    if text in ("true", "!cancelled()"):
        return True
    found = re.fullmatch(r"([\w.-]+) (!=|==) '([^']*)'", text)
    assert found, f"the runner of these tests does not know `if: {text}`"
    return (value(found[1], values) == found[3]) is (found[2] == "==")


GATE = ["Read the inputs", "migration-gate ci"]
COMMENT = "Comment on the pull request"
EVENT = '{"pull_request": {"number": 7, "head": {"sha": "0123456789abcdef"}}}'


@pytest.fixture
def runner(tmp_path: Path, outside: dict[str, str]) -> Runner:
    return Runner(tmp_path, outside)


def test_no_script_holds_an_expression() -> None:
    for step in STEPS:
        assert not EXPRESSION.search(step.get("run", ""))
        assert step.get("shell", "bash") == "bash"


def test_a_healthy_project_is_let_through(runner: Runner) -> None:
    ran = runner.use(working_directory=runner.project("shop"), version="installed")
    assert (ran.status, ran.verdict, ran.errors) == (0, "open", []), ran.said
    assert "the gate is open.  6 revisions" in ran.said
    assert ran.steps == GATE
    assert "✓ upgrade   6 revisions, base → head" in ran.said
    assert ran.counts == ("0", str(ran.said.count("\n::notice ")), "0")


def test_drift_fails_the_step_and_annotates(runner: Runner) -> None:
    ran = runner.use(working_directory=runner.project("broken/drift"), version="installed")
    assert (ran.status, ran.verdict) == (1, "closed"), ran.said
    assert set(ran.errors) == {"drift"}
    assert ran.outputs["findings"] == str(len(ran.errors))
    assert "::group::Annotations\n::error " in ran.said
    summary = runner.summary.read_text()
    assert Path(ran.outputs["summary"]).read_text() == summary
    assert re.match(r"## migration-gate: \d findings?: the gate is closed\n", summary)
    assert "### Drift" in summary


def test_what_cannot_be_judged_is_not_open(runner: Runner) -> None:
    ran = runner.use(version="installed")
    assert (ran.status, ran.verdict) == (2, "not judged")
    assert "no migrations found" in ran.said
    assert "no migrations found" in runner.summary.read_text()
    assert (ran.counts, ran.errors) == (("0", "0", "1"), ["not judged"])
    assert "no migrations found" in Path(ran.outputs["sarif"]).read_text()


def test_what_was_never_begun_has_no_counts_and_no_reports(runner: Runner) -> None:
    (runner.workspace / "old.sarif").write_text("of another run")
    ran = runner.use(version="installed", arguments="--no-such-argument", sarif="old.sarif", cache="true")
    assert ran.steps == [GATE[0], "Look for the data folder", GATE[1]]
    assert (ran.status, ran.verdict, ran.counts) == (2, "not judged", ("", "", ""))
    assert {ran.outputs[name] for name in ("summary", "sarif", "json")} == {""}
    assert not (runner.workspace / "old.sarif").exists()
    assert not runner.summary.exists()


@pytest.mark.parametrize("name", ["cache", "comment", "exit-zero"])
def test_a_switch_is_true_or_false(runner: Runner, name: str) -> None:
    ran = runner.use(version="installed", **{name: "yes"})
    assert (ran.status, ran.verdict, ran.steps) == (2, None, ["Read the inputs"])
    assert ran.said == f"::error title=migration-gate::{name} must be true or false\n"


def test_the_name_of_a_report_adds_no_output_of_its_own(runner: Runner) -> None:
    ran = runner.use(version="installed", sarif="a\nverdict=open")
    assert (ran.status, ran.verdict, ran.steps) == (2, None, ["Read the inputs"])
    assert ran.said == "::error title=migration-gate::sarif must be one path\n"


def test_all_that_can_be_asked_for_at_once(runner: Runner) -> None:
    """Two projects in a folder with a blank, of which one is named; reports where they are wanted; an open gate."""
    for where in ("my apps/a", "my apps/b"):
        runner.project("broken/drift", where)
    ran = runner.use(
        working_directory="my apps",
        version="installed",
        projects="\n  a  \n",
        sarif="../a report.sarif",
        exit_zero="true",
    )
    assert (ran.status, ran.verdict, set(ran.errors)) == (0, "open", {"drift"}), ran.said
    report = json.loads(Path(ran.outputs["json"]).read_text())
    assert (report["verdict"], str(len(report["findings"]))) == ("closed", ran.outputs["findings"])
    assert {one["path"].split("/")[0] for one in report["findings"] if one["path"]} == {"a"}
    sarif = runner.workspace / "a report.sarif"
    assert Path(ran.outputs["sarif"]).samefile(sarif)
    assert len(json.loads(sarif.read_text())["runs"][0]["results"]) == len(report["findings"])


def test_the_image_and_the_arguments_reach_the_command(runner: Runner) -> None:
    where = runner.project("shop")
    ran = runner.use(
        working_directory=where,
        version="installed",
        postgres_image="no such image",
        arguments=" --format\ttext\n  --project migrations \n",
    )
    assert (ran.status, ran.verdict) == (2, "not judged")
    assert "no such image" in ran.said or "no Docker engine answers" in ran.said
    assert ran.errors == []
    ran = runner.use(working_directory=where, version="installed", arguments="--format github\n--project elsewhere")
    assert (ran.status, ran.verdict) == (2, "not judged")
    assert "elsewhere" in ran.said
    assert ran.errors == ["not judged"]  # once, by what the arguments ask for


def test_the_install_command_runs_first_in_the_project(runner: Runner) -> None:
    where = runner.project("shop")
    ran = runner.use(
        working_directory=where, version="installed", install='echo "in $PWD" > told\nfalse | cat\necho never > wrong'
    )
    assert (runner.workspace / where / "told").read_text() == f"in {(runner.workspace / where).resolve()}\n"
    assert not (runner.workspace / where / "wrong").exists()
    assert (ran.status, ran.verdict, ran.steps) == (1, None, ["Install the project"])


def pull_request(runner: Runner, base: str) -> str:
    """The shop as actions/checkout has it in a pull request from `feature` into ``base``: one commit, no branch."""
    work = Work(runner.workspace.with_name("origin"))
    shutil.copytree(EXAMPLES / "shop", work.root, ignore=shutil.ignore_patterns("__pycache__"))
    work.git("init", "--quiet", "-b", base)
    work.commit()
    work.branch("feature")
    work.commit({"README": "changed"})
    work.clone(runner.workspace / "app", "--depth=1", "--branch=feature")
    runner.environment |= {"GITHUB_BASE_REF": base, "GITHUB_EVENT_NAME": "pull_request"}
    return "app"


BASES = ["main", "-release/1.x", "a;touch${IFS}pwned", "$(touch${IFS}pwned)"]


@pytest.mark.parametrize("base", often(BASES, "main", "$(touch${IFS}pwned)"))
def test_the_base_of_a_pull_request_is_fetched(runner: Runner, base: str) -> None:
    where = pull_request(runner, "main")
    origin = Work(runner.workspace.with_name("origin"))
    origin.git("update-ref", f"refs/heads/{base}", "main")
    runner.environment["GITHUB_BASE_REF"] = base
    ran = runner.use(working_directory=where, version="installed")
    assert (ran.status, ran.verdict, ran.steps) == (0, "open", ["Fetch the base", *GATE]), ran.said
    assert f"6 revisions, 0 new since origin/{base}; " in ran.said
    assert not (runner.workspace / where / "pwned").exists()
    assert Work(runner.workspace / where).git("rev-list", "--count", f"refs/remotes/origin/{base}") == "1"


@pytest.mark.slow
def test_the_base_of_a_merge_queue_is_fetched(runner: Runner) -> None:
    where = pull_request(runner, "main")
    queue = f"refs/heads/gh-readonly-queue/main/pr-7-{'0f' * 20}"
    runner.environment |= {"GITHUB_BASE_REF": "", "GITHUB_EVENT_NAME": "merge_group", "GITHUB_REF": queue}
    ran = runner.use(working_directory=where, version="installed")
    assert (ran.status, ran.steps) == (0, ["Fetch the base", *GATE]), ran.said
    assert "6 revisions, 0 new since origin/main; " in ran.said


@pytest.mark.slow
def test_a_base_that_cannot_be_fetched_is_told_and_judged_without(runner: Runner) -> None:
    where = pull_request(runner, "main")
    Work(runner.workspace / where).git("remote", "set-url", "origin", "file:///nowhere")
    ran = runner.use(working_directory=where, version="installed", arguments="--format text")
    assert (ran.status, ran.verdict) == (0, "open"), ran.said
    assert "::notice title=migration-gate::the base branch was not fetched" in ran.said
    assert "GITHUB_BASE_REF names 'main', and git does not have it here" in ran.said
    ran = runner.use(working_directory=where, version="installed", base="origin/main")
    assert (ran.status, ran.verdict) == (2, "not judged")


@pytest.mark.slow
def test_a_base_may_be_given(runner: Runner) -> None:
    where = pull_request(runner, "main")
    ran = runner.use(working_directory=where, version="installed", base="HEAD")
    assert (ran.status, ran.verdict) == (0, "open"), ran.said
    assert "6 revisions, 0 new since HEAD; " in ran.said


def test_a_pull_request_is_commented_on_and_the_data_folder_kept(
    runner: Runner, github: GitHub, tmp_path: Path
) -> None:
    """Twice, the second time on a new machine, and where nothing can be judged."""
    where = pull_request(runner, "main")
    (tmp_path / "event.json").write_text(EVENT)
    runner.environment |= surroundings(github.address, tmp_path / "event.json")
    runner.environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    runner.environment.pop("MIGRATION_GATE_POSTGRES_URL", None)
    restored = [GATE[0], "Look for the data folder", "Restore the data folder", GATE[1]]
    ran = runner.use(working_directory=where, version="installed", comment="true", github_token=TOKEN, cache="true")
    assert (ran.verdict, ran.steps[1:]) == ("open", [*restored, "Save the data folder", COMMENT]), ran.said
    [kept], [data] = runner.cache.iterdir(), (tmp_path / "cache/migration-gate").iterdir()
    name = f"migration-gate-{version('migration-gate')}-{sys.platform}-"
    assert kept.name.startswith(name)
    assert kept.name.endswith(data.stem)
    assert TOKEN not in ran.said
    [body] = github.bodies()
    assert body.partition("\n")[2].startswith(Path(ran.outputs["summary"]).read_text())

    shutil.rmtree(tmp_path / "cache")
    ran = runner.use(
        working_directory=where, version="installed", comment="true", github_token=TOKEN, cache="true", base="no-such"
    )
    assert (ran.verdict, ran.steps[1:]) == ("not judged", [*restored, COMMENT]), ran.said
    assert data.stat().st_size == kept.stat().st_size
    [body] = github.bodies()
    assert body.partition("\n")[2].startswith(Path(ran.outputs["summary"]).read_text())


def test_a_step_that_failed_before_the_gate_is_commented_on(runner: Runner, github: GitHub, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(EVENT)
    runner.environment |= surroundings(github.address, tmp_path / "event.json")
    runner.environment["GITHUB_EVENT_NAME"] = "pull_request"
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('the token was near')")
    runner.environment["PYTHONPATH"] = str(tmp_path)
    ran = runner.use(install="false", comment="true", github_token=TOKEN)
    assert (ran.status, ran.verdict) == (1, None)
    assert ran.steps == ["Install the project", COMMENT]
    assert "the gate could not judge" in github.bodies()[0]


@pytest.mark.parametrize("event", ["push", "merge_group", "pull_request_target"])
def test_without_a_pull_request_there_is_no_comment(runner: Runner, event: str) -> None:
    runner.environment["GITHUB_EVENT_NAME"] = event
    ran = runner.use(install="false", comment="true", github_token=TOKEN)
    assert ran.steps == ["Install the project"]


def test_the_data_folder_is_looked_for_where_the_gate_will_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MIGRATION_GATE_POSTGRES_URL", raising=False)
    monkeypatch.chdir(EXAMPLES / "shop")

    def said(*words: str) -> dict[str, str]:
        cached.main(list(words))
        return dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())

    for words in (["docker"], ["99"], ["?"], ["postgresql://127.0.0.1:1/none"], ["auto", "--image=postgres:16"]):
        assert said("--postgres", *words) == {}
    assert said("--project=elsewhere") == {}
    own = said("--postgres=embedded")
    found = embedded.find()
    assert Path(own["path"]) == cache.place(found.folder / "postgres", found.version, INITDB_OPTIONS)
    assert f"-postgresql-{found.version}-data-" in own["key"]
    assert said(f"--postgres={found.major}")["path"]
    assert said()["path"]
    Path(own["path"]).touch()
    assert said("--postgres=embedded") == {}  # it is there
    monkeypatch.setenv("MIGRATION_GATE_POSTGRES_URL", "postgresql://127.0.0.1:1/none")
    assert said() == {}


EVIL = ["; touch pwned", "$(touch pwned)", "`touch pwned`", "' ; touch pwned ; '", '" && touch pwned "', "* ${IFS}"]


@pytest.mark.parametrize("text", often(EVIL, "; touch pwned", "$(touch pwned)"))
def test_no_input_is_shell(runner: Runner, text: str) -> None:
    where = runner.project("shop")
    runner.environment["MIGRATION_GATE_POSTGRES_URL"] = "postgresql://nobody@127.0.0.1:1/none"  # no server: quick
    before = everything(runner.workspace)
    named = dict.fromkeys(("base", "postgres", "postgres_image", "projects"), text)
    assert runner.use(working_directory=where, version="installed", arguments=text).verdict == "not judged"
    assert runner.use(working_directory=where, version="installed", **named).verdict == "not judged"
    assert runner.use(working_directory=where, version="installed", python=text).verdict == "not judged"
    assert everything(runner.workspace) == before


def test_a_working_directory_is_a_name_and_nothing_else(runner: Runner) -> None:
    name = "-$(touch pwned) ; `touch pwned` \"'"
    (runner.workspace / name).mkdir()
    before = everything(runner.workspace)
    ran = runner.use(working_directory=name, version="installed", install="true")
    assert (ran.status, ran.verdict) == (2, "not judged")
    assert "no migrations found" in ran.said
    assert everything(runner.workspace) == before


@pytest.mark.parametrize("text", ["0.1; touch pwned", "$(touch pwned)", "0.1 --target=.", "0.1\n0.2"])
def test_a_version_is_a_version(runner: Runner, text: str) -> None:
    ran = runner.use(version=text)
    assert (ran.status, ran.verdict, ran.steps) == (2, None, ["Install migration-gate"])
    assert ran.said == "::error title=migration-gate::version must be a version number, such as 0.1.0\n"
    assert everything(runner.workspace) == []


@pytest.mark.slow
def test_the_action_installs_itself_and_leaves_the_projects_alembic(tmp_path: Path, outside: dict[str, str]) -> None:
    """Into an environment of its own, without pip, which sees this one's packages: only the gate is to be installed."""
    python = environment_upon_this_one(tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "pip.py").write_text("raise ImportError")
    runner = Runner(tmp_path, outside)
    where = runner.project("shop")
    ran = runner.use(working_directory=where, python=os.path.relpath(python, runner.workspace / where))
    assert (ran.status, ran.verdict) == (0, "open"), ran.said
    assert ran.steps == ["Install migration-gate", *GATE]
    assert list(packages.rglob("migration_gate/__main__.py"))
    pins = (runner.temporary / "migration-gate-pins.txt").read_text().lower().split()
    assert pins == [f"{name}=={version(name)}" for name in ("alembic", "sqlalchemy")]


def environment_upon_this_one(folder: Path) -> Path:
    """A virtual environment whose Python finds this Python's packages after its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "below.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_everything_from_nothing(tmp_path: Path, outside: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    runner = Runner(tmp_path, outside, str(tmp_path / "venv/bin/python"))
    install = "python -m pip install --quiet -r requirements.txt 'sqlalchemy<2.1' && python -m pip list"
    ran = runner.use(working_directory=runner.project("shop"), install=install)
    assert (ran.status, ran.verdict) == (0, "open"), ran.said
    assert ran.steps == ["Install the project", "Install migration-gate", *GATE]
    before = re.search(r"^SQLAlchemy +2\.0\.\d+$", ran.said, re.MULTILINE)
    assert before
    pins = (runner.temporary / "migration-gate-pins.txt").read_text().lower()
    assert before[0].lower().replace(" ", "") == pins.split()[-1].replace("==", "")
    ran = runner.use(working_directory=runner.project("broken/drift", "drift"), version="installed")
    assert (ran.status, set(ran.errors)) == (1, {"drift"})


@pytest.mark.slow
def test_a_project_is_not_judged_with_another_sqlalchemy_than_its_own(tmp_path: Path, outside: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    runner = Runner(tmp_path, outside, str(tmp_path / "venv/bin/python"))
    install = "python -m pip install --quiet 'sqlalchemy==1.4.*' alembic"
    ran = runner.use(working_directory=runner.project("shop"), install=install)
    assert (ran.status, ran.verdict, ran.steps[-1]) == (1, None, "Install migration-gate")
    assert "conflict" in ran.said.lower()
    kept = subprocess.run([tmp_path / "venv/bin/python", "-m", "pip", "list"], capture_output=True, text=True).stdout
    assert re.search(r"^SQLAlchemy +1\.4\.", kept, re.MULTILINE)


def everything(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if "__pycache__" not in one.parts)
