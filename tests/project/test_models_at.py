"""Which classes map a table: in a commit, in the working tree, with and without git."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from migration_gate.project import discovery
from migration_gate.project.model import Project
from migration_gate.project.models_at import LARGEST, any_mapped, likeness, mappings, models_at, not_read
from tests.conftest import write

FILES = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": "from alembic import context\n",
    "migrations/versions/a.py": 'revision = "a"\ndown_revision = None\nusers = sa.table("users", sa.Column("old"))\n',
}
BASE = "class Base(DeclarativeBase):\n    pass\n"
USER = 'class User(Base):\n    __tablename__ = "users"\n    id = Column(Integer)\n    bio = Column(Text)\n'
Found = list[tuple[str, str, set[str], bool]]


def project(folder: Path, files: Mapping[str, str]) -> Project:
    write(folder, {**FILES, **files})
    return discovery.find(folder)[0]


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder: Path) -> str:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def by_walking(folder: Path) -> None:
    """No git at all."""


def in_git(folder: Path) -> str | None:
    """In the index, and the working tree is asked."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    return None


def untracked(folder: Path) -> str | None:
    git(folder, "init", "-q")
    return None


def in_a_commit(folder: Path) -> str:
    commit = committed(folder)
    for path in folder.rglob("*.py"):
        path.unlink()
    return commit


WAYS = [by_walking, in_git, untracked, in_a_commit]

# Files beside those above, and what maps `users` then: file, class, columns, whether these are all.
CASES: dict[str, tuple[dict[str, str], Found]] = {
    "one file": ({"app/models.py": BASE + USER}, [("app/models.py", "User", {"id", "bio"}, True)]),
    "a base in another file": (
        {"app/base.py": BASE, "app/models.py": USER},
        [("app/models.py", "User", {"id", "bio"}, True)],
    ),
    "a base with columns": (
        {"app/base.py": "class Base(DeclarativeBase):\n    made: Mapped[int]\n", "app/models.py": USER},
        [("app/models.py", "User", {"id", "bio", "made"}, True)],
    ),
    "a base that has only bases": (
        {
            "app/mixins.py": "class Stamped:\n    made = Column(Text)\n",
            "app/base.py": BASE,
            "app/own.py": "class Own(Stamped, Base):\n    __abstract__ = True\n",
            "app/models.py": USER.replace("(Base)", "(Own)"),
        },
        [("app/models.py", "User", {"id", "bio", "made"}, True)],
    ),
    "a base of a library": (
        {"app/models.py": BASE + USER.replace("(Base)", "(TheirTable, Base)")},
        [("app/models.py", "User", {"id", "bio"}, False)],
    ),
    "a base that makes the table's name": (
        {
            "app/base.py": "class Base(DeclarativeBase):\n    @declared_attr\n"
            "    def __tablename__(cls): return cls.__name__.lower() + 's'\n",
            "app/user.py": "class User(Base):\n    id = Column(Integer)\n",
        },
        [("app/user.py", "User", {"id"}, True)],
    ),
    "a table's name that nobody can tell": (
        {
            "app/base.py": BASE,
            "app/user.py": "class User(Base):\n    __tablename__ = name('user')\n    id = Column()\n",
        },
        [("app/user.py", "User", {"id"}, True)],
    ),
    "of two bases the one that is near": (
        {
            "a/base.py": "class Base(DeclarativeBase):\n    near: Mapped[int]\n",
            "a/models.py": USER,
            "b/base.py": "class Base(DeclarativeBase):\n    far: Mapped[int]\n",
        },
        [("a/models.py", "User", {"id", "bio", "near"}, True)],
    ),
    "a table": (
        {"app/tables.py": 'users = Table("users", metadata, Column("id", Integer))\n'},
        [("app/tables.py", "users", {"id"}, True)],
    ),
    "several": (
        {"app/a.py": BASE + USER, "app/b.py": 'people = Table("users", metadata, Column("id", Integer))\n'},
        [("app/a.py", "User", {"id", "bio"}, True), ("app/b.py", "people", {"id"}, True)],
    ),
    "another schema": (
        {"app/models.py": BASE + USER.replace('"users"\n', '"users"\n    __table_args__ = {"schema": "crm"}\n')},
        [],
    ),
    "tests": ({"tests/models.py": BASE + USER, "app/test_models.py": BASE + USER, "conftest.py": BASE + USER}, []),
    "another Alembic project": (
        {"billing/alembic.ini": FILES["alembic.ini"], "billing/models.py": BASE + USER, "app/x.py": BASE},
        [],
    ),
    "another table": ({"app/models.py": BASE + USER.replace('"users"', '"accounts"')}, []),
    "syntax errors": ({"app/models.py": BASE + USER + "\n)"}, []),
    "nothing": ({}, []),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES)
def test_finds_what_maps_a_table(
    files: dict[str, str], expected: Found, way: Callable[[Path], str | None], tmp_path: Path
) -> None:
    one = project(tmp_path, files)._replace(root=tmp_path)
    found = mappings(models_at(one, way(tmp_path)), "users", None)
    mapped = [(at.path, at.mapped.name, {name for name, _ in at.mapped.columns}, at.mapped.whole) for at in found]
    assert sorted(mapped, key=str) == expected


def test_a_project_below_the_top_of_a_repository(tmp_path: Path) -> None:
    one = project(tmp_path / "shop", {"app/models.py": BASE + USER})
    commit = committed(tmp_path)
    for asked in (commit, None):
        assert [at.path for at in mappings(models_at(one, asked), "users", None)] == ["app/models.py"]


def test_a_commit_is_not_the_working_tree(tmp_path: Path) -> None:
    one = project(tmp_path, {"app/models.py": BASE + USER})
    commit = committed(tmp_path)
    write(tmp_path, {"app/models.py": BASE + USER.replace("    bio = Column(Text)\n", "")})
    (before,) = mappings(models_at(one, commit, "origin/main"), "users", None)
    (now,) = mappings(models_at(one), "users", None)
    assert "bio" in dict(before.mapped.columns)
    assert "bio" not in dict(now.mapped.columns)
    assert (models_at(one, commit, "origin/main").where, models_at(one).where) == ("origin/main", "the working tree")


def test_names_that_git_could_take_amiss(tmp_path: Path) -> None:
    files = {
        "app/ü b.py": BASE + USER,
        "app/-x.py": USER.replace("users", "others"),
        "app/a:b.py": "class Table(Base):1",
    }
    one = project(tmp_path, files)
    commit = committed(tmp_path)
    for asked in (commit, None):
        models = models_at(one, asked)
        assert [at.path for at in mappings(models, "users", None)] == ["app/ü b.py"]
        assert [at.path for at in mappings(models, "others", None)] == ["app/-x.py"]


def test_leaves_out_what_is_installed(tmp_path: Path) -> None:
    hidden = (".venv/a.py", "node_modules/b.py", "env/lib/site-packages/c.py", "mine/d.py")
    one = project(tmp_path, {**dict.fromkeys(hidden, BASE + USER), "mine/pyvenv.cfg": ""})
    assert not any_mapped(models_at(one))


@pytest.mark.parametrize("commit", ["0" * 40, "--help", "--open-files-in-pager=false"])
def test_a_commit_that_is_none_gives_the_working_tree(commit: str, tmp_path: Path) -> None:
    one = project(tmp_path, {"app/models.py": BASE + USER})
    committed(tmp_path)
    models = models_at(one, commit, "origin/main")
    assert any_mapped(models)
    assert models.where == "the working tree"


@pytest.mark.parametrize("way", WAYS)
def test_tells_what_it_could_not_read(way: Callable[[Path], str | None], tmp_path: Path) -> None:
    broken = BASE + USER + "\n)"
    one = project(tmp_path, {"app/models.py": broken, "app/large.py": BASE + "#" * LARGEST})
    models = models_at(one, way(tmp_path))
    assert not_read(models, "users") == "app/models.py"
    assert not_read(models, "groups") == ""


def test_tells_nothing_of_what_it_could_read(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/dangling.py").symlink_to("nowhere.py")
    one = project(tmp_path, {"app/models.py": BASE + USER, "app/__init__.py": "", "app/other.py": BASE + "\n)"})
    assert not_read(models_at(one), "users") is None


SCHEMAS = {
    "the metadata has one": ("Base.metadata = MetaData(schema='crm')\n", "crm", True),
    "nothing has one": ("", "crm", False),
    "public": ("", "public", True),
}


@pytest.mark.parametrize(("more", "schema", "found"), SCHEMAS.values(), ids=SCHEMAS)
def test_schemas(more: str, schema: str, found: bool, tmp_path: Path) -> None:
    models = models_at(project(tmp_path, {"app/models.py": BASE + more + USER}))
    assert bool(mappings(models, "users", schema)) is found


LIKE = {
    "users": ("name", ["User", "Users", "UserModel", "UserORM", "user"]),
    "app_users": ("ending", ["User", "Users", "UserModel"]),
    "order_lines": ("name", ["OrderLine", "OrderLineTable"]),
    "categories": ("name", ["Category"]),
    "boxes": ("name", ["Box"]),
    "accounts": (None, ["Group", "User", "AccountUser", "S", "Ts"]),
}


@pytest.mark.parametrize(("table", "how", "names"), [(table, *one) for table, one in LIKE.items()], ids=LIKE)
def test_a_computed_name_may_be_like_the_class_s(table: str, how: str | None, names: list[str]) -> None:
    assert [likeness(name, table) for name in names] == [how] * len(names)


def test_the_class_that_is_called_like_the_table_comes_before_one_that_ends_so(tmp_path: Path) -> None:
    classes = "".join(
        f"class {name}(Base):\n    __tablename__ = x()\n    id = Column()\n" for name in ("User", "AppUser")
    )
    models = models_at(project(tmp_path, {"app/models.py": BASE + classes}))
    assert [one.mapped.name for one in mappings(models, "app_users", None)] == ["AppUser"]
    assert [one.mapped.name for one in mappings(models, "crm_users", None)] == ["User"]
