"""Which revisions are new: by the base that is named or known, in every kind of clone, and where it is not known."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from migration_gate.project.git import entries, objects, top_of
from migration_gate.project.target import VARIABLES, how_to_get, target
from tests.conftest import Gate, Said, revision
from tests.under_git import BAD, PROJECT, RULE, VERSIONS, C, Work, start


def judged(said: Said) -> list[str]:
    """The revisions that were judged: the body of each is bad."""
    assert said.json["problems"] == []
    return [one["revision"] for one in said.json["findings"] if one["rule"] == RULE]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """a and b are on main; this branch adds c."""
    one = start(tmp_path / "work")
    one.commit(C)
    return one


@pytest.fixture
def lint(gate: Gate) -> Callable[..., Said]:
    return lambda work, *words: gate("lint", "--format", "json", *words, cwd=work.root)


# ── which ref ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_option_names_the_base(work: Work, lint: Callable[..., Said]) -> None:
    assert judged(lint(work, "--base", "main")) == ["c"]
    assert judged(lint(work, "--base", work.git("rev-parse", "main"))) == ["c"]
    assert judged(lint(work, "--base", "main~0")) == ["c"]
    work.git("tag", "--annotate", "-m", "a release", "v1", "main")
    assert judged(lint(work, "--base", "v1")) == ["c"]


def test_a_setting_names_it_and_the_option_overrides(work: Work, lint: Callable[..., Said]) -> None:
    work.write({"pyproject.toml": '[tool.migration-gate]\nbase = "main"\n'})
    assert judged(lint(work)) == ["c"]
    assert judged(lint(work, "--base", "feature")) == []
    assert judged(lint(work, "--all")) == ["a", "b", "c"]


def test_a_branch_that_only_origin_has_may_be_named_without_it(
    work: Work, lint: Callable[..., Said], tmp_path: Path
) -> None:
    clone = work.clone(tmp_path / "clone", "--branch", "feature")
    assert judged(lint(clone, "--base", "main")) == ["c"]


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["main", "refs/heads/main"])
def test_the_ci_names_it(
    variable: str, value: str, work: Work, lint: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("DRONE_PULL_REQUEST", "7")
    assert judged(lint(work)) == ["c"]


def test_a_merge_queue_names_it_in_its_branch(
    work: Work, lint: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REF", f"refs/heads/gh-readonly-queue/main/pr-7-{'0f' * 20}")
    assert judged(lint(work)) == ["c"]
    environment = {"GITHUB_REF": "refs/heads/gh-readonly-queue/release/1.x/pr-12-ab12"}
    assert target(None, None, None, environment).refs == ("origin/release/1.x", "release/1.x")


def test_what_drone_calls_the_target_of_a_push_is_no_base() -> None:
    assert target(None, None, None, {"DRONE_TARGET_BRANCH": "feature"}).named_by is None


def test_the_first_that_applies() -> None:
    environment = {"GITHUB_BASE_REF": "main", "CHANGE_TARGET": "dev"}
    assert target("x", "y", None, environment).refs == ("x", "origin/x")
    assert target("", "y", None, environment).refs == ("y", "origin/y")
    assert target(None, None, None, environment).refs == ("origin/main", "main")
    assert target(None, None, None, {"GITHUB_BASE_REF": ""}).refs == ("origin/HEAD",)


def test_origins_default_branch_serves_by_itself(work: Work, gate: Gate, tmp_path: Path) -> None:
    work.git("switch", "--quiet", "main")
    clone = work.clone(tmp_path / "clone")
    clone.branch("feature", "origin/feature")
    said = gate("lint", cwd=clone.root)
    assert "3 revisions, 1 new · 1 operation read" in said.out
    said = gate("lint", "--base", "feature", cwd=clone.root)
    assert "3 revisions, 0 new since feature; --all judges each as if it alone were new · " in said.out


MISSING = {
    "nope": "git fetch origin +refs/heads/nope:refs/remotes/origin/nope",
    "origin/nope": "git fetch origin +refs/heads/nope:refs/remotes/origin/nope",
    "team/nope": "git fetch origin +refs/heads/team/nope:refs/remotes/origin/team/nope",
    "upstream/nope": "git fetch upstream +refs/heads/nope:refs/remotes/upstream/nope",
    "main^{tree}": "git fetch",
    "a\nb": "git fetch",
}


@pytest.mark.parametrize("name", MISSING)
@pytest.mark.parametrize("how", ["option", "setting"])
def test_a_named_ref_that_git_does_not_have_is_no_pass(name: str, how: str, work: Work, gate: Gate) -> None:
    work.git("remote", "add", "upstream", "https://example.org/shop.git")
    words = ("--base", name) if how == "option" else ()
    if how == "setting":
        work.write({"pyproject.toml": f"[tool.migration-gate]\nbase = {name!r}\n".replace("'", '"')})
    for command in ("lint", "heads"):
        said = gate(command, *words, cwd=work.root)
        assert (said.status, said.out) == (2, "")
        assert said.err.strip().endswith(f"git does not have it here: {MISSING[name]}")


def test_the_command_that_is_told_brings_the_ref(work: Work, gate: Gate, tmp_path: Path) -> None:
    clone = work.clone(tmp_path / "clone", "--depth", "1", "--branch", "feature")
    command = how_to_get("origin/main", clone.root)
    assert command == "git fetch --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    assert gate("lint", "--base", "origin/main", cwd=clone.root).err.strip().endswith(command)
    clone.git(*command.split()[1:])
    assert judged(gate("lint", "--format", "json", "--base", "origin/main", cwd=clone.root)) == ["c"]


def test_a_target_of_the_cis_that_is_missing_is_told_and_all_is_judged(
    work: Work, lint: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_BASE_REF", "trunk")
    said = lint(work)
    assert judged(said) == ["a", "b", "c"]
    (note,) = [one["message"] for one in said.json["notes"] if "trunk" in one["message"]]
    assert note.startswith("GITHUB_BASE_REF names 'trunk', and git does not have it here: git fetch origin +refs/")


# ── what a pull request's checkout has ───────────────────────────────────────────────────────────────────


@pytest.fixture
def merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Work]:
    """What actions/checkout makes of a pull request: HEAD is GitHub's merge commit, and no branch is there."""
    work = start(tmp_path / "work")
    work.commit(C)
    work.git("switch", "--quiet", "main")
    work.commit({"README": "moved on"})
    work.branch("pull", "main")
    work.git("merge", "--quiet", "--no-ff", "feature")
    work.git("update-ref", "refs/pull/7/merge", "HEAD")
    made = work.git("rev-parse", "HEAD")

    def checkout(depth: int) -> Work:
        clone = Work(tmp_path / "clone")
        clone.root.mkdir()
        clone.git("init", "--quiet", "-b", "none")
        clone.git("remote", "add", "origin", work.root.as_uri())
        clone.git("fetch", "--quiet", f"--depth={depth}", "origin", f"+{made}:refs/remotes/pull/7/merge")
        clone.git("checkout", "--quiet", "refs/remotes/pull/7/merge")
        monkeypatch.setenv("GITHUB_BASE_REF", "main")
        monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
        monkeypatch.setenv("GITHUB_SHA", made)
        return clone

    return checkout


def test_a_merge_commit_with_its_parents_needs_no_base_branch(
    merge: Callable[..., Work], lint: Callable[..., Said]
) -> None:
    clone = merge(2)
    assert judged(lint(clone)) == ["c"]
    clone.write({f"{VERSIONS}/a.py": PROJECT[f"{VERSIONS}/a.py"].replace("phone", "fax"), f"{VERSIONS}/b.py": None})
    said = lint(clone)
    assert [one for one in said.rules if one.startswith("merged")] == [
        "merged-revision-changed",
        "merged-revision-deleted",
    ]
    for finding in said.json["findings"]:
        if finding["rule"].startswith("merged"):
            clone.git(*finding["remedy"].splitlines()[0].split()[1:])
    assert lint(clone).rules == [RULE]


def test_a_merge_commit_alone_is_judged_whole_until_the_base_is_fetched(
    merge: Callable[..., Work], lint: Callable[..., Said]
) -> None:
    clone = merge(1)
    said = lint(clone)
    assert judged(said) == ["a", "b", "c"]
    command = "git fetch --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    assert any(command in one["message"] for one in said.json["notes"])
    clone.git(*command.split()[1:])
    assert judged(lint(clone)) == ["c"]
    # HEAD names the base's tip as a parent, so the shallow clone still tells whose edit it is.
    clone.write({f"{VERSIONS}/a.py": PROJECT[f"{VERSIONS}/a.py"].replace("phone", "fax")})
    assert "merged-revision-changed" in lint(clone).rules


def test_a_merge_of_the_persons_own_is_not_taken_for_githubs(
    work: Work, lint: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first parent is this branch: c would be taken for shipped."""
    work.git("switch", "--quiet", "main")
    work.commit({"README": "moved on"})
    work.git("switch", "--quiet", "feature")
    work.git("merge", "--quiet", "main")
    monkeypatch.setenv("GITHUB_BASE_REF", "trunk")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    monkeypatch.setenv("GITHUB_SHA", work.git("rev-parse", "main"))
    assert "c" in judged(lint(work))


# ── every kind of repository ─────────────────────────────────────────────────────────────────────────────


def worktree(work: Work, folder: Path) -> Work:
    work.git("worktree", "add", "--quiet", "--detach", str(folder), "feature")
    return Work(folder)


def shallow(work: Work, folder: Path) -> Work:
    clone = work.clone(folder, "--depth", "1", "--branch", "feature")
    clone.git("fetch", "--quiet", "--depth=1", "origin", "main:main")
    return clone


def submodule(work: Work, folder: Path) -> Work:
    outer = start(folder, {"README": "outer"})
    outer.git("submodule", "add", "--quiet", "-b", "feature", work.root.as_uri(), "inner")
    inner = Work(folder / "inner")
    inner.git("fetch", "--quiet", "origin", "main:main")
    return inner


def blobless(work: Work, folder: Path) -> Work:
    work.git("config", "uploadpack.allowFilter", "true")
    clone = work.clone(folder, "--filter=blob:none", "--branch", "feature")
    clone.git("branch", "--quiet", "main", "origin/main")
    return clone


def packed(work: Work, folder: Path) -> Work:
    work.git("gc", "--quiet")
    return work


def detached(work: Work, folder: Path) -> Work:
    work.git("switch", "--quiet", "--detach")
    return work


@pytest.mark.parametrize("make", [worktree, shallow, submodule, blobless, packed, detached])
def test_what_kind_of_clone_it_is_does_not_matter(
    make: Callable[[Work, Path], Work], work: Work, lint: Callable[..., Said], tmp_path: Path
) -> None:
    assert judged(lint(make(work, tmp_path / "other"), "--base", "main")) == ["c"]


def test_a_repository_of_sha256(tmp_path: Path, lint: Callable[..., Said]) -> None:
    work = start(tmp_path / "work", PROJECT, "--object-format=sha256")
    work.commit(C)
    work.write({f"{VERSIONS}/a.py": PROJECT[f"{VERSIONS}/a.py"].replace("phone", "fax")})
    said = lint(work, "--base", "main")
    assert (judged(said), said.rules) == (["c"], ["merged-revision-changed", RULE])


def test_a_hooks_own_variables_do_not_mislead(
    work: Work, lint: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = start(tmp_path / "other", {"README": "another repository"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    assert judged(lint(work, "--base", "main")) == ["c"]


NAMES = ["plain", "with blank", "ünïcode", 'quo"te', "-dash", "new\nline", "back\\slash", "tab\t"]


@pytest.mark.parametrize("name", NAMES)
def test_files_and_folders_of_any_name_below_the_root(name: str, tmp_path: Path, lint: Callable[..., Said]) -> None:
    files = {f"{name}/{path}": text for path, text in PROJECT.items()}
    files[f"{name}/{VERSIONS}/{name}.py"] = files.pop(f"{name}/{VERSIONS}/b.py")
    work = start(tmp_path / "work", files)
    work.commit({f"{name}/{VERSIONS}/c {name}.py": C[f"{VERSIONS}/c.py"]})
    assert judged(lint(work, "--base", "main")) == ["c"]
    assert judged(lint(Work(work.root / name), "--base", "main")) == ["c"]


def test_windows_line_ends_are_no_edit(work: Work, lint: Callable[..., Said]) -> None:
    path = work.root / VERSIONS / "a.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    said = lint(work, "--base", "main")
    assert (judged(said), said.rules) == (["c"], [RULE])


def test_work_that_is_not_committed_yet_is_new(tmp_path: Path, lint: Callable[..., Said]) -> None:
    work = start(tmp_path / "work")
    work.write(C)
    assert judged(lint(work, "--base", "main")) == ["c"]
    assert judged(lint(work, "--base", "HEAD")) == ["c"]


def test_new_revisions_are_new_together(tmp_path: Path, gate: Gate) -> None:
    """The table of the one is empty for the other: nothing to refuse."""
    table = 'op.create_table("tags", sa.Column("id", sa.Integer()))'
    column = 'op.add_column("tags", sa.Column("name", sa.Text(), nullable=False))'
    empty = {name: text for name, text in PROJECT.items() if VERSIONS not in name}
    work = start(tmp_path / "work", empty)
    work.commit({f"{VERSIONS}/a.py": revision("a", table), f"{VERSIONS}/b.py": revision("b", column, "a")})
    assert gate("lint", "--base", "main", cwd=work.root).status == 0
    assert gate("lint", "--base", "main", "--all", cwd=work.root).status == 1
    work.git("branch", "--force", "main", "feature")
    assert gate("lint", "--base", "main", cwd=work.root).status == 0


# ── what is where ────────────────────────────────────────────────────────────────────────────────────────


def moved_folder(work: Work) -> None:
    (work.root / "db").mkdir()
    work.git("mv", "migrations", "db/alembic")
    work.write({"alembic.ini": "[alembic]\nscript_location = db/alembic\n"})


def renamed_files(work: Work) -> None:
    for name in "abc":
        (work.root / VERSIONS / f"{name}.py").rename(work.root / VERSIONS / f"2026_{name}.py")


def moved_and_edited(work: Work) -> None:
    moved_folder(work)
    for path in (work.root / "db/alembic/versions").glob("*.py"):
        path.write_text(path.read_text() + "\n# a comment\n")


def into_years(work: Work) -> None:
    (work.root / VERSIONS / "2026").mkdir()
    for name in "ab":
        (work.root / VERSIONS / f"{name}.py").rename(work.root / VERSIONS / "2026" / f"{name}.py")
    work.write({"alembic.ini": PROJECT["alembic.ini"] + "recursive_version_locations = true\n"})


def two_locations(work: Work) -> None:
    (work.root / "old").mkdir()
    (work.root / VERSIONS / "a.py").rename(work.root / "old" / "a.py")
    work.write({"alembic.ini": PROJECT["alembic.ini"] + "version_locations = migrations/versions old\n"})


def behind_a_link(work: Work) -> None:
    (work.root / "kept").mkdir()
    (work.root / VERSIONS / "a.py").rename(work.root / "kept" / "a.py")
    (work.root / VERSIONS / "a.py").symlink_to(work.root / "kept" / "a.py")
    work.commit()
    work.git("branch", "--force", "main", "HEAD")
    work.git("reset", "--quiet", "--soft", "main~1")
    work.write({f"{VERSIONS}/d.py": revision("d", "pass", "c")})


MOVES = [moved_folder, renamed_files, moved_and_edited, into_years, two_locations]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("committed", [True, False])
def test_a_file_that_moved_is_not_new(
    move: Callable[[Work], None], committed: bool, work: Work, lint: Callable[..., Said]
) -> None:
    move(work)
    if committed:
        work.commit()
    said = lint(work, "--base", "main")
    assert judged(said) == ["c"]
    assert not [rule for rule in said.rules if rule.startswith(("merged", "heads"))]


def test_a_revision_behind_a_link_is_known(work: Work, lint: Callable[..., Said]) -> None:
    behind_a_link(work)
    assert judged(lint(work, "--base", "main")) == []


def test_a_project_that_was_copied_from_another_is_new(work: Work, lint: Callable[..., Said]) -> None:
    shutil.copytree(work.root / "migrations", work.root / "second/migrations")
    work.write({"second/alembic.ini": PROJECT["alembic.ini"]})
    assert judged(lint(Work(work.root / "second"), "--base", "main")) == ["a", "b", "c"]


def test_several_projects_each_have_their_own(work: Work, gate: Gate) -> None:
    shutil.copytree(work.root / "migrations", work.root / "second/migrations")
    work.write({"second/alembic.ini": PROJECT["alembic.ini"]})
    work.commit()
    work.git("branch", "--force", "main", "feature")
    work.write({f"second/{VERSIONS}/d.py": revision("d", BAD, "c")})
    said = gate("lint", "--base", "main", cwd=work.root)
    assert "7 revisions, 1 new · " in said.out


def test_a_version_folder_outside_of_the_repository_is_told(
    work: Work, lint: Callable[..., Said], tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "x.py").write_text(revision("x", BAD, "c"))
    work.write(
        {"alembic.ini": f"{PROJECT['alembic.ini']}version_locations = {work.root / VERSIONS} {tmp_path / 'shared'}\n"}
    )
    said = lint(work, "--base", "main")
    assert judged(said) == ["c", "x"]
    assert any("is not in the repository of its env.py" in one["message"] for one in said.json["notes"])


# ── named files, and the summary ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("files", "summary"),
    [
        ([], "4 revisions, 2 new · 2 operations"),
        (["c"], "4 revisions, 2 new, 1 judged · 1 operation"),
        (["c", "d"], "4 revisions, 2 new · 2 operations"),
        (["a", "c"], "4 revisions, 2 new, 1 judged, 1 named and not judged, because it has shipped · 1 operation"),
        (["a", "b"], "4 revisions, 2 new, 0 judged, 2 named and not judged, because they have shipped · "),
    ],
)
def test_the_summary_says_what_was_judged(files: list[str], summary: str, work: Work, gate: Gate) -> None:
    work.write({f"{VERSIONS}/d.py": revision("d", "op.execute('SELECT 1')", "c")})
    said = gate("lint", "--base", "main", *(f"{VERSIONS}/{name}.py" for name in files), cwd=work.root)
    assert summary in said.out


def test_base_and_start_after_add_up(work: Work, lint: Callable[..., Said]) -> None:
    work.write(
        {"pyproject.toml": '[tool.migration-gate]\nstart-after = "c"\n', f"{VERSIONS}/d.py": revision("d", BAD, "c")}
    )
    assert judged(lint(work, "--base", "main")) == ["d"]
    assert judged(lint(work)) == ["d"]
    assert judged(lint(work, "--all")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("start", "left"), [("b", None), ("c", "c"), ("d", "c, d")])
def test_what_start_after_hides_of_the_branch_is_said(
    start: str, left: str | None, work: Work, lint: Callable[..., Said]
) -> None:
    table = f'[tool.migration-gate]\nstart-after = "{start}"\n'
    work.write({"pyproject.toml": table, f"{VERSIONS}/d.py": revision("d", BAD, "c")})
    notes = [one["message"] for one in lint(work, "--base", "main").json["notes"]]
    said = f"migrations: start-after leaves out what main does not have: {left}"
    assert [one for one in notes if "start-after" in one] == ([said] if left else [])


# ── where git has nothing to say ─────────────────────────────────────────────────────────────────────────


def no_repository(work: Work) -> None:
    shutil.rmtree(work.root / ".git")


def broken(work: Work) -> None:
    (work.root / ".git" / "HEAD").write_text("")


def unborn(work: Work) -> None:
    no_repository(work)
    work.git("init", "--quiet")


NOTHING: Mapping[Callable[[Work], None], str] = {
    no_repository: "migrations is in no git repository",
    broken: "git cannot say what has shipped: not a git repository",
    unborn: "git does not have it here: git fetch",
}


@pytest.mark.parametrize("spoil", NOTHING)
def test_without_a_repository_all_is_judged_and_a_named_base_is_no_pass(
    spoil: Callable[[Work], None], work: Work, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(work)
    assert judged(gate("lint", "--format", "json", cwd=work.root)) == ["a", "b", "c"]
    said = gate("lint", "--base", "main", cwd=work.root)
    assert said.status == 2
    assert NOTHING[spoil] in said.err
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    said = gate("lint", "--format", "json", cwd=work.root)
    assert judged(said) == ["a", "b", "c"]
    assert any(NOTHING[spoil] in one["message"] for one in said.json["notes"])


def test_a_repository_around_a_broken_one_is_not_asked(work: Work, gate: Gate, tmp_path: Path) -> None:
    Work(tmp_path).git("init", "--quiet", "-b", "main")
    shutil.rmtree(work.root / ".git")
    Work(tmp_path).commit()
    (work.root / ".git").mkdir()
    assert "not a git repository" in gate("lint", "--base", "main", cwd=work.root).err


def test_without_git_all_is_judged(work: Work, gate: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = gate("lint", "--format", "json", cwd=work.root)
    assert judged(said) == ["a", "b", "c"]
    assert any("git is not installed" in one["message"] for one in said.json["notes"])
    assert "git is not installed" in gate("lint", "--base", "main", cwd=work.root).err


def test_a_base_without_the_project_makes_all_of_it_new(work: Work, lint: Callable[..., Said]) -> None:
    work.git("switch", "--quiet", "--orphan", "empty")
    work.commit({"README": "nothing"})
    work.git("switch", "--quiet", "feature")
    assert judged(lint(work, "--base", "empty")) == ["a", "b", "c"]


def test_objects_and_their_entries(work: Work) -> None:
    found = objects(work.root, ["HEAD^{tree}", "no such thing", "HEAD:", f"HEAD:{VERSIONS}/a.py", "x\ny"])
    assert list(found) == ["HEAD^{tree}", "HEAD:", f"HEAD:{VERSIONS}/a.py"]
    assert [(mode, name) for mode, name, _ in entries(found["HEAD:"])] == [
        ("100644", "alembic.ini"),
        ("40000", "migrations"),
    ]
    assert found[f"HEAD:{VERSIONS}/a.py"].content.decode() == PROJECT[f"{VERSIONS}/a.py"]
    assert top_of(work.root / "migrations") == work.root
