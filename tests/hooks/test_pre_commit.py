"""The hooks, run by pre-commit itself from `git commit` and `git merge` in a project's repository.

pre-commit clones this checkout, builds an environment and installs it there, once for all tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migration_gate import __version__
from migration_gate.init.hooks import URL
from tests.conftest import ENV, EXAMPLES, Gate, revision, write

CONFIG = """
repos:
  - repo: {checkout}
    rev: {commit}
    hooks:
      - id: migration-gate-heads
      - id: migration-gate-lint
      - id: migration-gate-ci
"""
PROJECT = {
    "alembic.ini": "[alembic]\nscript_location = db\nversion_locations = db/steps\n",
    "db/env.py": ENV.format(engine="create_engine('postgresql://')", before=""),
    "db/steps/a1_users.py": revision("a1", 'op.create_table("users", sa.Column("id", sa.Integer()))'),
    "db/steps/b2_email.py": revision("b2", 'op.add_column("users", sa.Column("email", sa.Text()))', "a1"),
}
NOT_NULL = 'op.add_column("users", sa.Column("age", sa.Integer(), nullable=False))'


class Repository:
    """A project under git, with the hooks installed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def run(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout

    def git(self, *words: str) -> str:
        status, said = self.run("git", *words)
        assert status == 0, said
        return said.strip()

    def commit(self, files: dict[str, str] | None = None) -> tuple[int, str]:
        """`git commit` of everything that changed: its exit status, and all that it printed."""
        write(self.folder, files or {})
        self.git("add", "--all")
        return self.run("git", "commit", "-m", "change")

    @property
    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "HEAD"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def repository(tmp_path: Path, home: Path, checkout: Path, outside: dict[str, str]) -> Repository:
    """A sound project of two revisions, committed; the hooks watch from then on."""
    one = Repository(tmp_path / "project", outside | {"PRE_COMMIT_HOME": str(home)})
    commit = Repository(checkout, outside).git("rev-parse", "HEAD")
    write(one.folder, {**PROJECT, ".pre-commit-config.yaml": CONFIG.format(checkout=checkout, commit=commit)})
    one.git("init", "-q", "-b", "main")
    one.git("add", ".")
    one.git("commit", "-q", "-m", "two revisions")
    kinds = ["--hook-type", "pre-commit", "--hook-type", "pre-merge-commit"]
    status, said = one.run(sys.executable, "-m", "pre_commit", "install", *kinds)
    assert status == 0, said
    return one


def test_a_sound_revision_is_committed(repository: Repository) -> None:
    status, said = repository.commit(
        {"db/steps/c3_age.py": revision("c3", 'op.add_column("users", sa.Column("age", sa.Integer()))', "b2")}
    )
    assert status == 0, said
    assert "migration-gate heads" in said
    assert "migration-gate lint" in said
    assert said.count("Passed") == 2  # and the rehearsal is for later: before a push
    assert "migration-gate ci" not in said


def test_two_heads_are_refused_until_they_are_merged(repository: Repository) -> None:
    second = {"db/steps/c3_phone.py": revision("c3", 'op.add_column("users", sa.Column("phone", sa.Text()))', "a1")}
    status, said = repository.commit(second)
    assert status == 1
    assert "multiple-heads" in said
    assert repository.commits == 1

    merge = revision("d4", "pass").replace("down_revision = None", 'down_revision = ("b2", "c3")')
    status, said = repository.commit({"db/steps/d4_merge.py": merge})
    assert status == 0, said


def test_a_merge_that_brings_a_second_head_in_is_refused(repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "feature")
    assert repository.commit({"db/steps/c3_left.py": revision("c3", "pass", "b2")})[0] == 0
    repository.git("switch", "-q", "main")
    assert repository.commit({"db/steps/d4_right.py": revision("d4", "pass", "b2")})[0] == 0
    status, said = repository.run("git", "merge", "--no-edit", "feature")
    assert status == 1
    assert "multiple-heads" in said


def test_not_null_without_a_default_is_refused_until_it_is_mended(repository: Repository) -> None:
    status, said = repository.commit({"db/steps/c3_age.py": revision("c3", NOT_NULL, "b2")})
    assert status == 1
    assert "db/steps/c3_age.py:10" in said
    assert "not-null-without-default" in said

    mended = NOT_NULL.replace("nullable=False", "nullable=False, server_default='0'")
    status, said = repository.commit({"db/steps/c3_age.py": revision("c3", mended, "b2")})
    assert status == 0, said


def test_a_revision_that_others_follow_is_not_deleted(repository: Repository) -> None:
    (repository.folder / "db/steps/a1_users.py").unlink()
    status, said = repository.commit()
    assert status == 1
    assert "missing-revision" in said
    assert "no files to check" in said  # so only heads could know: pre-commit names no deleted file

    repository.git("restore", "--staged", "--worktree", "db/steps/a1_users.py")
    (repository.folder / "db/steps/b2_email.py").unlink()  # the head: nobody follows it
    assert repository.commit()[0] == 0


@pytest.mark.parametrize(
    ("reason", "taken"), [("because users is emptied on every deployment", True), ("", False)], ids=["why", "no why"]
)
def test_a_line_may_be_allowed_with_a_reason(repository: Repository, reason: str, taken: bool) -> None:
    allowed = f"{NOT_NULL}  # migration-gate: allow not-null-without-default {reason}"
    status, said = repository.commit({"db/steps/c3_age.py": revision("c3", allowed, "b2")})
    assert (status == 0) is taken, said
    assert ("allow-without-reason" in said) is not taken


def test_python_files_that_are_no_revisions_are_passed_over(repository: Repository) -> None:
    status, said = repository.commit({"app/models.py": "import nothing_that_exists\n", "app/script": "#!/bin/sh\n"})
    assert status == 0, said
    assert said.count("Passed") == 2


def test_the_heads_are_judged_where_no_python_changes(repository: Repository) -> None:
    status, said = repository.commit({"README.md": "# project\n"})
    assert status == 0, said
    assert "no files to check" in said
    assert "migration-gate heads" in said.partition("Passed")[0]


def test_a_repository_without_migrations_is_not_judged(repository: Repository) -> None:
    repository.git("rm", "-q", "-r", "db", "alembic.ini")
    status, said = repository.commit()
    assert status == 1
    assert "no migrations found" in said


@pytest.mark.slow
def test_the_rehearsal_runs_by_hand_in_the_projects_own_environment(repository: Repository) -> None:
    repository.git("rm", "-q", "-r", "db", "alembic.ini")
    shop = {
        one.relative_to(EXAMPLES / "shop").as_posix(): one.read_text(encoding="utf-8")
        for one in (EXAMPLES / "shop").rglob("*")
        if one.is_file() and "__pycache__" not in one.parts
    }
    assert repository.commit(shop)[0] == 0
    words = ["run", "migration-gate-ci", "--hook-stage", "manual", "--verbose"]
    status, said = repository.run(sys.executable, "-m", "pre_commit", *words)
    assert status == 0, said
    assert "the gate is open" in said
    assert "base → head" in said


def test_the_hooks_install_one_package_beside_the_gate(repository: Repository, home: Path) -> None:
    assert repository.commit({"README.md": "# project\n"})[0] == 0
    found = {one.name.partition("-")[0].lower().replace("_", "-") for one in installed(home)}
    assert found - {"pip", "setuptools", "wheel"} <= {"migration-gate", "pgparse"}
    assert "migration-gate" in found


def installed(home: Path) -> list[Path]:
    """What lies in pre-commit's environment: `name-version.dist-info` folders, the endings cut off."""
    return [one.with_suffix("") for one in home.glob("repo*/py_env-*/lib/python*/site-packages/*.dist-info")]


def test_what_the_base_has_is_not_judged_again_and_not_to_be_changed(repository: Repository) -> None:
    """With the configuration of every day: origin's default branch is the base."""
    name, old = "db/steps/c3_age.py", revision("c3", NOT_NULL, "b2")
    write(repository.folder, {name: old})
    repository.git("add", "--all")
    repository.git("commit", "--no-verify", "-m", "has shipped")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    repository.git("switch", "-q", "-c", "feature")
    status, said = repository.commit({name: f"# a comment\n{old}"})
    assert status == 0, said
    status, said = repository.commit({name: old.replace("age", "years")})
    assert (status, "merged-revision-changed" in said, "not-null" in said) == (1, True, False), said
    repository.git("restore", "--staged", "--worktree", "--source=origin/main", "--", name)
    status, said = repository.commit({"db/steps/d4_size.py": revision("d4", NOT_NULL.replace("age", "size"), "c3")})
    assert (status, "d4_size.py:10  not-null-without-default" in said, "c3_age.py" in said) == (1, True, False), said


def test_what_init_writes_is_what_pre_commit_runs(repository: Repository, gate: Gate) -> None:
    """Beside a hook that is there; only where the gate is cloned from is changed: it is this checkout."""
    config = repository.folder / ".pre-commit-config.yaml"
    source = [line.split()[-1] for line in config.read_text().splitlines() if "repo:" in line or "rev:" in line]
    config.write_text("repos:\n- repo: meta\n  hooks:\n  - id: identity\n")
    for hook in (repository.folder / ".git/hooks").glob("pre-*commit"):
        hook.unlink()
    assert gate("init", "--yes", cwd=repository.folder).status == 0
    text = config.read_text()
    assert (text.count(URL), text.count(f"rev: v{__version__}")) == (1, 1)
    config.write_text(text.replace(URL, source[0]).replace(f"v{__version__}", source[1]))
    assert repository.run(sys.executable, "-m", "pre_commit", "install")[0] == 0
    assert (repository.folder / ".git/hooks/pre-merge-commit").exists()  # without being asked for it

    status, said = repository.commit({"db/steps/c3_age.py": revision("c3", NOT_NULL, "b2")})
    assert (status, "not-null-without-default" in said, "identity" in said) == (1, True, True), said
    status, said = repository.commit({"db/steps/c3_age.py": revision("c3", "pass", "b2")})
    assert status == 0, said
