"""The rules of the revision graph: what each says of small histories, and that what it says to do mends them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import CycleDetected
from alembic.util import CommandError

from migration_gate.findings import Finding
from migration_gate.project.revision import parse
from migration_gate.rules import GRAPH
from tests.conftest import write
from tests.rules.conftest import VERSIONS, Repository


def node(ident: str, down: Any = None, message: str = "", **more: Any) -> str:
    """A revision file without operations; ``more`` are ``depends_on`` and ``branch_labels``."""
    lines = "".join(f"{name} = {value!r}\n" for name, value in more.items())
    return (
        f'"""{message or "change " + ident}"""\nrevision = "{ident}"\ndown_revision = {down!r}\n{lines}\n\n'
        "def upgrade():\n    pass\n"
    )


def graph(repository: Repository, **parents: Any) -> None:
    repository.write({f"{ident}.py": node(ident, down) for ident, down in parents.items()})


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return sorted(one.rule for one in findings)


def alembic_heads(repository: Repository) -> set[str]:
    """Alembic's own word for the heads, of files as they are now."""
    with contextlib.chdir(repository.root):
        return set(ScriptDirectory.from_config(Config("alembic.ini")).get_heads())


# ── multiple-heads ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "parents",
    [
        {"a": None},
        {"a": None, "b": "a", "c": "b"},
        {"a": None, "b": "a", "c": "a", "d": ("b", "c")},
        {"a": None, "b": None, "c": ("a", "b")},
        {"a": None, "b": ("a",), "c": ["b"]},
    ],
    ids=["one", "a line", "a merge", "merged bases", "tuples and lists"],
)
def test_one_head_is_no_finding(parents: dict[str, Any], repository: Repository):
    graph(repository, **parents)
    assert repository.findings() == ()
    assert len(alembic_heads(repository)) == 1


def test_two_heads_are_drawn_with_the_revision_that_they_share(repository: Repository):
    graph(repository, a=None, b="a", c="b", d="b")
    finding = repository.only()
    assert finding.rule == "multiple-heads"
    assert (finding.path, finding.line, finding.revision) == (f"{VERSIONS}/d.py", 3, "d")
    assert finding.message.splitlines() == [
        "migrations has 2 heads; `alembic upgrade head` will stop with",
        "\"Multiple head revisions are present for given argument 'head'\".",
        "",
        "    ● c  change c",
        "    │ ● d  change d",
        "    ├─╯",
        "    ● b  change b",
    ]


def test_the_drawing_counts_what_lies_below_a_head(repository: Repository):
    graph(repository, a=None, b="a", c="b", d="c", e="a")
    drawing = repository.only().message.splitlines()[-4:]
    assert drawing == ["    ● d  change d  (+2 below it)", "    │ ● e  change e", "    ├─╯", "    ● a  change a"]


def test_three_heads_are_drawn_side_by_side(repository: Repository):
    graph(repository, a=None, b="a", c="a", d="a")
    drawing = repository.only().message.splitlines()[-5:]
    assert drawing == [
        "    ● b  change b",
        "    │ ● c  change c",
        "    │ │ ● d  change d",
        "    ├─┴─╯",
        "    ● a  change a",
    ]


def test_independent_bases_have_nothing_in_common(repository: Repository):
    graph(repository, a=None, b=None)
    assert repository.only().message.endswith("they have no revision in common")


def test_a_dependency_does_not_join_heads(repository: Repository):
    repository.write({"a.py": node("a"), "b.py": node("b", "a"), "c.py": node("c", "a", depends_on="b")})
    assert rules(repository.findings()) == ["multiple-heads"]
    assert alembic_heads(repository) == {"b", "c"}


def test_where_git_cannot_tell_either_head_may_move_and_both_ways_mend_the_fork(repository: Repository):
    graph(repository, a=None, b="a", c="b", d="a", e="d")
    remedy = (repository.only().remedy or "").splitlines()
    for first, name, behind, head in ((remedy[0:2], "b.py", "e", "c"), (remedy[2:4], "d.py", "c", "e")):
        assert (
            first[0]
            == f"# if only {behind} may have been deployed: put its branch behind {behind}, in {VERSIONS}/{name}"
        )
        own = repository.root / VERSIONS / name
        before = own.read_text()
        own.write_text(before.replace("down_revision = 'a'", first[1]))
        assert repository.findings() == ()
        assert alembic_heads(repository) == {head}
        own.write_text(before)


def test_the_head_that_the_trunk_has_does_not_move(repository: Repository):
    graph(repository, a=None)
    git(repository.root, "init", "--quiet", "--initial-branch=main")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "--quiet", "-m", "a")
    git(repository.root, "checkout", "--quiet", "-b", "feature")
    graph(repository, b="a")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "--quiet", "-m", "mine")
    git(repository.root, "checkout", "--quiet", "main")
    graph(repository, z="a")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "--quiet", "-m", "theirs")
    for way in ("merge", "rebase"):
        git(repository.root, "checkout", "--quiet", "-B", f"try-{way}", "feature")
        git(repository.root, way, "--quiet", "main")
        finding = repository.only()
        assert (finding.path, finding.revision) == (f"{VERSIONS}/b.py", "b")
        remedy = (finding.remedy or "").splitlines()
        assert remedy[0] == f"# b is the newer one, as git has it: put its branch behind z, in {VERSIONS}/b.py"
        assert remedy[1] == 'down_revision = "z"'
        assert "down_revision" not in "".join(remedy[2:])


def test_a_missing_revision_is_not_a_fork_as_well(repository: Repository):
    graph(repository, a=None, b="a", c="b", d="c")
    (repository.root / VERSIONS / "b.py").unlink()
    assert [one.rule for one in repository.findings()] == ["missing-revision"]


def test_a_file_that_may_join_the_heads_and_cannot_be_read_leaves_no_fork(repository: Repository):
    graph(repository, a=None, b="a", c="a")
    write(repository.root, {f"{VERSIONS}/m.py": "revision = 'm'\ndown_revision = ('b', 'c')\ndef ("})
    assert [one.rule for one in repository.findings()] == ["unreadable-revision"]


def test_a_revision_after_one_that_git_does_not_have(repository: Repository):
    graph(repository, a=None)
    git(repository.root, "init", "--quiet")
    git(repository.root, "add", "-A")
    graph(repository, b="a")
    assert repository.findings() == ()  # not yet committed, and nothing that is comes after it
    graph(repository, c="b")
    git(repository.root, "add", f"{VERSIONS}/c.py")
    finding = repository.only()
    assert (finding.rule, finding.revision) == ("missing-revision", "c")
    assert "c comes after b, whose file git does not have" in finding.message
    subprocess.run(["sh", "-c", finding.remedy or ""], check=True, cwd=Path.cwd())
    assert repository.findings() == ()


def test_the_merge_command_mends_the_fork(repository: Repository):
    graph(repository, a=None, b="a", c="a", d="a")
    write(repository.root / "migrations", {"script.py.mako": TEMPLATE})
    words = (repository.only().remedy or "").splitlines()[-1].split(" ", 1)
    assert words[0] == "alembic"
    alembic = f"{sys.executable} -m alembic {words[1]}"
    subprocess.run(alembic, shell=True, check=True, cwd=repository.root, capture_output=True)
    assert repository.findings() == ()
    assert len(alembic_heads(repository)) == 1


TEMPLATE = '''"""${message}"""
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    pass
'''


LABELLED = {
    "a.py": node("a"),
    "b.py": node("b", "a", branch_labels="expand"),
    "c.py": node("c", "a", branch_labels=("contract",)),
    "d.py": node("d", "b"),
}


@pytest.mark.parametrize(
    ("branches", "closed"),
    [((), True), (("expand",), False), (("expand", "contract"), False), (("other",), True)],
)
def test_declared_labels_may_each_have_a_head(branches: tuple[str, ...], closed: bool, repository: Repository):
    repository.write(LABELLED)
    assert bool(repository.findings(branches=branches)) is closed


def test_the_remedy_offers_to_declare_the_labels(repository: Repository):
    repository.write(LABELLED)
    remedy = repository.only().remedy or ""
    assert remedy.endswith('[tool.migration-gate]\nbranches = ["contract", "expand"]')


@pytest.mark.parametrize(
    "branches",
    [
        ("expand",),
        ("expand", "contract"),
    ],
)
def test_a_label_covers_one_head_and_no_second(branches: tuple[str, ...], repository: Repository):
    repository.write(LABELLED | {"e.py": node("e", "b")})
    assert rules(repository.findings(branches=branches)) == ["multiple-heads"]


def test_two_heads_of_one_label_are_that_branchs_own(repository: Repository):
    repository.write(LABELLED | {"e.py": node("e", "b")})
    finding = repository.only(branches=("expand", "contract"))
    assert finding.message.splitlines()[:2] == [
        "The branch expand of migrations has 2 heads; `alembic upgrade expand@head` will stop with",
        "\"Multiple head revisions are present for given argument 'expand@head'\".",
    ]
    assert (finding.remedy or "").endswith('alembic merge d e -m "merge heads"')
    script = ScriptDirectory.from_config(Config("alembic.ini"))
    with pytest.raises(CommandError, match="Multiple head revisions are present for given argument 'expand@head'"):
        list(script.walk_revisions(head="expand@head"))


@pytest.mark.parametrize("names", ["abc", "acb"])
def test_a_branch_may_have_a_labelled_branch_of_its_own(names: str, repository: Repository):
    a, b, c = (f"{name}.py" for name in names)
    repository.write(
        {a: node("a", branch_labels="main"), b: node("b", "a", branch_labels="feature"), c: node("c", "a")}
    )
    assert repository.findings(branches=("main", "feature")) == ()
    assert rules(repository.findings(branches=("main",))) == ["multiple-heads"]


def test_a_fork_above_a_circle_is_judged_in_no_time(repository: Repository):
    graph(repository, a=None, b="c", c="b", d="b")
    code = "from migration_gate.cli import main; raise SystemExit(main(['heads']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository.root, timeout=3, capture_output=True)
    assert done.returncode == 1


# ── missing-revision ─────────────────────────────────────────────────────────────────────────────────────


def missing(repository: Repository) -> Finding:
    (finding,) = (one for one in repository.findings() if one.rule == "missing-revision")
    return finding


def test_a_parent_that_no_file_has_is_missing(repository: Repository):
    graph(repository, a=None, b="gone")
    finding = missing(repository)
    assert (finding.path, finding.line, finding.revision) == (f"{VERSIONS}/b.py", 3, "b")
    assert finding.message.startswith("b names 'gone' in its down_revision, and no file of migrations has that")
    assert "Git knows no commit that has it." in finding.message
    assert 'down_revision = "…"' in (finding.remedy or "")


def test_a_dependency_that_no_file_has_is_missing(repository: Repository):
    repository.write({"a.py": node("a", depends_on=("gone",))})
    finding = repository.only()
    assert (finding.rule, finding.line) == ("missing-revision", 4)
    assert "'gone' in its depends_on" in finding.message


def test_one_missing_parent_of_a_merge_is_missing(repository: Repository):
    graph(repository, a=None, b=("a", "gone"))
    assert rules(repository.findings()) == ["missing-revision"]


def test_an_abbreviated_id_is_missing_and_the_remedy_writes_it_out(repository: Repository):
    graph(repository, a1b2c3d4=None, b2="a1b2")
    finding = missing(repository)
    assert "abbreviates" in finding.message
    assert finding.remedy == 'down_revision = "a1b2c3d4"'


def test_the_nearest_id_is_named(repository: Repository):
    graph(repository, a1b2c3d4=None, b2="a1b2c3d5")
    finding = missing(repository)
    assert finding.remedy == 'down_revision = "a1b2c3d4"'


def test_a_label_is_a_dependency(repository: Repository):
    repository.write({"a.py": node("a", branch_labels="base"), "b.py": node("b", "a", depends_on="base")})
    assert repository.findings() == ()
    assert alembic_heads(repository) == {"b"}


def test_a_label_is_no_parent(repository: Repository):
    repository.write({"a.py": node("a", branch_labels="base"), "b.py": node("b", "base")})
    with pytest.raises(KeyError):
        alembic_heads(repository)
    finding = missing(repository)
    assert finding.revision == "b"
    assert "It is the branch label of a, and Alembic takes labels in `depends_on` alone." in finding.message
    assert finding.remedy == 'down_revision = "a"'


def git(folder: Path, *words: str) -> None:
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=os.environ | own)


@pytest.fixture
def committed(repository: Repository) -> Repository:
    graph(repository, a1=None, c3="b2")
    git(repository.root, "init", "-q", "-b", "main")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "-q", "-m", "a1 and c3")
    return repository


def bring_back(repository: Repository) -> None:
    """Do what the remedy says, in a shell, and see that it has mended the history."""
    finding = missing(repository)
    assert "It is in git:" in finding.message
    subprocess.run(["sh", "-c", finding.remedy or ""], check=True, cwd=Path.cwd(), capture_output=True)
    assert repository.findings() == ()
    assert alembic_heads(repository) == {"c3"}


@pytest.mark.parametrize(
    "name",
    [
        "b2.py",
        "2026/b2.py",
        "b2 add.py",
        "b2_größe.py",
        "b2;$(touch x).py",
    ],
)
def test_the_remedy_brings_back_a_deleted_file(name: str, committed: Repository):
    (committed.root / "alembic.ini").write_text(
        "[alembic]\nscript_location = migrations\nrecursive_version_locations = true\n"
    )
    committed.write({name: node("b2", "a1")})
    git(committed.root, "add", "-A")
    git(committed.root, "commit", "-q", "-m", "b2")
    (committed.root / VERSIONS / name).unlink()
    git(committed.root, "commit", "-q", "-a", "-m", "delete b2")
    bring_back(committed)


def test_the_remedy_brings_a_file_from_another_branch(committed: Repository):
    git(committed.root, "checkout", "-q", "-b", "feature/b2")
    committed.write({"b2.py": node("b2", "a1")})
    git(committed.root, "add", "-A")
    git(committed.root, "commit", "-q", "-m", "b2")
    git(committed.root, "checkout", "-q", "main")
    bring_back(committed)


def test_the_remedy_brings_a_file_from_the_stash(committed: Repository):
    committed.write({"b2.py": node("b2", "a1")})
    git(committed.root, "add", "-A")
    git(committed.root, "stash")
    bring_back(committed)


def test_the_remedy_brings_back_an_id_that_was_edited(committed: Repository):
    committed.write({"b2.py": node("b2", "a1")})
    git(committed.root, "add", "-A")
    git(committed.root, "commit", "-q", "-m", "b2")
    committed.write({"b2.py": node("x9", "a1")})
    git(committed.root, "commit", "-q", "-a", "-m", "another id")
    bring_back(committed)


def test_the_remedy_works_where_the_gate_was_started(committed: Repository, monkeypatch: pytest.MonkeyPatch):
    committed.write({"b2.py": node("b2", "a1")})
    git(committed.root, "add", "-A")
    git(committed.root, "commit", "-q", "-m", "b2")
    git(committed.root, "rm", "-q", f"{VERSIONS}/b2.py")
    git(committed.root, "commit", "-q", "-m", "delete b2")
    elsewhere = committed.root / "tools"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    bring_back(committed)


@pytest.mark.parametrize(
    "files",
    [
        {"../archive/b2.py": node("b2", "a1")},
        {"../archive/2026.py": node("b2", "a1").replace("revision =", "revision: str =", 1)},
        {"b2_more.py": node("x9", "a1")},
        {"b2x.py": "import os\n"},
    ],
)
def test_a_file_elsewhere_has_the_revision_only_if_its_id_says_so(files: dict[str, str], repository: Repository):
    graph(repository, a1=None, c3="b2")
    repository.write(files)
    (name,) = files
    has = (
        f"{VERSIONS}/{name}".replace("versions/../", "")
        + " has it, and is in none of this project's version locations."
    )
    assert (has in missing(repository).message) is name.startswith("../")


# ── duplicate-revision, revision-cycle ───────────────────────────────────────────────────────────────────


def test_two_files_with_one_id_are_a_duplicate(repository: Repository):
    repository.write({"a.py": node("a"), "b.py": node("b", "a"), "copy_of_b.py": node("b", "a")})
    finding = repository.only()
    assert (finding.rule, finding.path, finding.line) == ("duplicate-revision", f"{VERSIONS}/b.py", 2)
    assert "2 files have the revision id b: b.py, copy_of_b.py." in finding.message


def test_the_remedy_of_a_duplicate_mends_it(repository: Repository):
    repository.write({"a.py": node("a"), "b.py": node("b", "a"), "copy_of_b.py": node("b", "a")})
    _, *header = (repository.only().remedy or "").splitlines()
    copy = repository.root / VERSIONS / "copy_of_b.py"
    copy.write_text("\n".join(['"""copy"""', *header, "", "", "def upgrade():\n    pass\n"]))
    assert repository.findings() == ()


def test_three_files_with_one_id_are_two_findings(repository: Repository):
    repository.write({name: node("a") for name in ("a.py", "b.py", "c.py")})
    assert [(one.rule, one.path) for one in repository.findings()] == [
        ("duplicate-revision", f"{VERSIONS}/a.py"),
        ("duplicate-revision", f"{VERSIONS}/b.py"),
    ]


@pytest.mark.parametrize(
    ("parents", "way"),
    [
        ({"a": "a"}, "a → a"),
        ({"a": "b", "b": "a"}, "a → b → a"),
        ({"a": None, "b": ("a", "d"), "c": "b", "d": "c"}, "b → d → c → b"),
    ],
    ids=["itself", "two", "behind a merge"],
)
def test_a_circle_is_named_once_with_the_way_around_it(parents: dict[str, Any], way: str, repository: Repository):
    graph(repository, **parents)
    finding = repository.only()
    assert finding.rule == "revision-cycle"
    assert f"in a circle: {way}.\n" in finding.message
    with pytest.raises(CycleDetected):
        alembic_heads(repository)


def test_a_circle_through_depends_on_is_one(repository: Repository):
    repository.write({"a.py": node("a", depends_on="b"), "b.py": node("b", "a")})
    finding = repository.only()
    assert (finding.rule, finding.path, finding.line) == ("revision-cycle", f"{VERSIONS}/a.py", 4)
    with pytest.raises(CycleDetected):
        alembic_heads(repository)
    repository.write({"a.py": node("a").replace("\n\n", f"\n{(finding.remedy or '').splitlines()[-1]}\n\n", 1)})
    assert repository.findings() == ()
    assert alembic_heads(repository) == {"b"}


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": node("a", "b"), "b.py": node("b", "a")},
        {"a.py": node("a", "a")},
        {"a.py": node("a", depends_on="b"), "b.py": node("b", "a")},
        {"a.py": node("a", depends_on="a")},
        {"a.py": node("a", depends_on="own", branch_labels="own")},
    ],
)
def test_the_finding_has_alembics_own_words(files: dict[str, str], repository: Repository):
    repository.write(files)
    with pytest.raises(CycleDetected) as stopped:
        alembic_heads(repository)
    words = str(stopped.value).partition(" (")[0]
    assert f'"{words}"' in repository.only().message


def test_two_circles_are_two_findings(repository: Repository):
    graph(repository, a="b", b="a", c="d", d="c")
    assert rules(repository.findings()) == ["revision-cycle", "revision-cycle"]


# ── unreadable-revision ──────────────────────────────────────────────────────────────────────────────────

BODY = "\n\ndef upgrade():\n    pass\n"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ('revision = "b"\ndown_revision = "a"\ndef upgrade(:\n    pass\n', 3, "syntax error"),
        ('revision = "b"\ndown_revision = "a"\n\ndef upgrade():\n', 4, "syntax error"),
        (
            f'<<<<<<< HEAD\nrevision = "b"\n=======\nrevision = "c"\n>>>>>>> x\n{BODY}',
            1,
            "two sides of a merge conflict",
        ),
        (b'"""gr\xf6\xdfer"""\nrevision = "b"\ndown_revision = "a"\n' + BODY.encode(), None, "is not UTF-8"),
        (b'revision = "b"\ndown_revision = "a"\n\0' + BODY.encode(), None, "null byte"),
        (f'down_revision = "a"{BODY}', None, "has no `revision`"),
        (BODY, None, "has no `revision`"),
        (f'revision = "b"{BODY}', None, "has no `down_revision`"),
        (f'revision = make()\ndown_revision = "a"{BODY}', 1, "computes its `revision`"),
        (f'import os\nrevision = os.environ["ID"]\ndown_revision = "a"{BODY}', 2, "computes its `revision`"),
        (f'revision = "b"\ndown_revision = parent(){BODY}', 2, "computes its `down_revision`"),
        (f'revision = "b"\ndown_revision = "a"\ndepends_on = [x]{BODY}', 3, "computes its `depends_on`"),
        (f'revision = "b"\nif X:\n    down_revision = "a"{BODY}', 3, "computes its `down_revision`"),
        (f'revision = "b@c"\ndown_revision = "a"{BODY}', 1, "Alembic allows no @ in an id"),
        (f'revision = "b"\ndown_revision = {"(" * 300}"a"{")" * 300}{BODY}', None, "nested"),
    ],
)
def test_a_file_that_is_no_revision_is_unreadable(
    content: str | bytes, line: int | None, said: str, repository: Repository
):
    repository.write({"a.py": node("a"), "new one.py": content})
    finding = repository.only()
    assert (finding.rule, finding.path) == ("unreadable-revision", f"{VERSIONS}/new one.py")
    assert said in finding.message
    assert line is None or finding.line == line


HEADER = 'revision = "b"\ndown_revision = None\n'
COROUTINE = HEADER + "\n\nasync def upgrade():\n    pass\n"


def test_an_upgrade_that_is_never_awaited_is_a_finding(repository: Repository):
    repository.write({"b.py": COROUTINE})
    finding = repository.only()
    assert (finding.rule, finding.line) == ("unreadable-revision", 5)
    assert "never awaits" in finding.message


@pytest.mark.parametrize(
    "content",
    [
        COROUTINE.replace("async", "@run\nasync"),
        COROUTINE + "\n\nupgrade = run(upgrade)\n",
        COROUTINE.replace("upgrade", "upgrade_all") + BODY,
        HEADER + f'TEXT = """\nasync def upgrade():\n"""\n{BODY}',
    ],
)
def test_an_upgrade_that_something_else_awaits_is_none(content: str, repository: Repository):
    repository.write({"b.py": content})
    assert repository.findings() == ()


@pytest.mark.parametrize(
    "content",
    [
        'revision: str = "b"\ndown_revision: str | None = "a"\n',
        'NUMBER = "b"\nrevision = NUMBER\ndown_revision = ("a",)\n',
        'revision, down_revision = "b", "a"\n',
        'revision = "" + "b"\ndown_revision = ["a"]\n',
        '# -*- coding: latin-1 -*-\n# größer\nrevision = "b"\ndown_revision = "a"\n',
        '\ufeffrevision = "b"\r\ndown_revision = "a"\r\n',
    ],
)
def test_a_header_in_another_form_is_read(content: str, repository: Repository):
    encoding = "latin-1" if "latin-1" in content else "utf-8"
    repository.write({"a.py": node("a"), "b.py": (content + BODY).encode(encoding)})
    assert repository.findings() == ()
    assert alembic_heads(repository) == {"b"}


USUAL = '"""b"""\nfrom alembic import op\n\n# ids\nrevision: str = "b"\ndown_revision: str | None = "a"\n'


@pytest.mark.parametrize(
    "content",
    [
        USUAL + BODY,
        USUAL.replace("\n", "\r\n") + BODY,
        USUAL + 'if X:\n    down_revision = "z"\n' + BODY,
        USUAL + BODY + 'if X:\n    down_revision = "z"\n',
        USUAL + BODY + 'down_revision = "z"\n',
        USUAL + 'down_revision = "z"\n' + BODY,
        USUAL + 'down_revision = "z" + "y"\n' + BODY,
        USUAL + "from x import revision\n" + BODY,
        USUAL + "from x import (\n    revision,\n)\n" + BODY,
        USUAL + "import x as down_revision\n" + BODY,
        USUAL + "import\n" + BODY,
        USUAL + "<<<<<<< HEAD\n" + BODY,
        USUAL + "x = (\n" + BODY,
        USUAL + "\0" + BODY,
        USUAL.replace('"b"', '"b" "c"') + BODY,
        USUAL.replace('"b"', '"b"; revision = "c"') + BODY,
        USUAL.replace('"a"', '"a", "z"') + BODY,
        USUAL.replace('"a"', "Nonesuch") + BODY,
        USUAL.replace('"""b"""', '"""b"""" "') + BODY,
        USUAL.replace('"""b"""', '"""b""" "c"') + BODY,
        USUAL.replace('"""b"""', '"""b\0"""') + BODY,
        USUAL.replace(" | None", " |") + BODY,
    ],
)
def test_a_file_that_is_not_chosen_is_read_as_one_that_is(content: str, tmp_path: Path):
    path = tmp_path / "b.py"
    assert parse(path, content.encode()) == parse(path, content.encode(), whole=True)


@pytest.mark.parametrize(
    "content", ["def text(n):\n    return n\n", "x = 1\n", "", "# a note\n", "import sqlalchemy\n"]
)
def test_a_helper_module_stops_alembic(content: str, repository: Repository):
    repository.write({"a.py": node("a"), "helpers.py": content})
    finding = repository.only()
    assert (finding.rule, finding.path) == ("unreadable-revision", f"{VERSIONS}/helpers.py")
    with pytest.raises(Exception, match="Could not determine revision id"):
        alembic_heads(repository)


@pytest.mark.parametrize("content", ["from string import *\n", 'globals()["revision"] = "b"\n'])
def test_a_helper_that_may_be_given_a_revision_is_a_note(content: str, repository: Repository):
    repository.write({"a.py": node("a"), "helpers.py": content})
    verdict = repository.judge()
    assert verdict.findings == ()
    (note,) = verdict.notes
    assert note.path == f"{VERSIONS}/helpers.py"


@pytest.mark.parametrize("name", [".#a.py", "__init__.py", "__init__.cpython.py", "a.pyc", "a.py.orig", "a.txt"])
def test_a_file_that_alembic_passes_over_is_passed_over(name: str, repository: Repository):
    repository.write({"a.py": node("a"), name: "<<<<<<< not Python"})
    assert repository.judge().findings == ()
    assert repository.judge().notes == ()
    assert alembic_heads(repository) == {"a"}


@pytest.mark.parametrize("rule", [one for one in GRAPH if not one.startswith(("heads-after", "merged-"))])
def test_a_rule_that_settings_ignore_is_silent(rule: str, repository: Repository):
    histories = {
        "multiple-heads": {"a.py": node("a"), "b.py": node("b")},
        "missing-revision": {"a.py": node("a", "gone")},
        "duplicate-revision": {"a.py": node("a"), "b.py": node("a")},
        "revision-cycle": {"a.py": node("a", "a")},
        "unreadable-revision": {"a.py": "revision ="},
    }
    repository.write(histories[rule])
    assert rules(repository.findings()) == [rule]
    assert repository.findings(ignore=(rule,)) == ()
    assert rules(repository.findings(select=(rule,))) == [rule]


def test_a_revision_that_another_project_of_the_repository_has(repository: Repository):
    graph(repository, a="other1")
    write(repository.root, {"other/versions/o.py": "revision = 'other1'\ndown_revision = None\n"})
    git(repository.root, "init", "--quiet")
    git(repository.root, "add", "-A")
    finding = repository.only()
    assert "other/versions/o.py has it, and is in none of this project's version locations" in finding.message
    assert "version-locations = " in (finding.remedy or "")
