"""Which classes of a repository map a table: at a commit, from git's objects, or in the working tree.

All files that may say so are read, and only those parsed that name the table, or have a class that may be called after
it, and those that hold their bases.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from migration_gate.project.model import Project
from migration_gate.project.models import Declared, Mapped, declared, mapped

SECONDS = 20
MOST_FILES = 10_000
MOST_WALKED = 40_000
LARGEST = 1 << 20
# What a file has that maps something, and what else one has that may hold a base class.
_MARKS = (
    r"__tablename__|__table__|mapped_column|Column[(]|Table[(]|table=True|Mapped\[|[.]Model[^A-Za-z_]"
    r"|declarative_base|DeclarativeBase|automap_base|SQLModel"
)
_EITHER = rf"{_MARKS}|^ *class +[A-Za-z0-9_]+ *[(]"  # for git and for Python
_MARKED = re.compile(_MARKS.encode())
_NAMES = re.compile(rb"^[ \t]*class[ \t]+(\w+)|^(\w+)[ \t]*=", re.MULTILINE)
_SKIPPED = frozenset(("node_modules", "site-packages", "__pycache__", "venv", "build", "dist"))
_TEST = re.compile(r"(?:^|/)(?:tests?/|test_[^/]*$|[^/]*_test\.py$|conftest\.py$)")
_SCHEMA = re.compile(rb"\bschema\s*=")
_MIGRATION = re.compile(rb"^down_revision\b", re.MULTILINE)


class Models(NamedTuple):
    """The files of a repository that may hold models or their bases, by their paths from the project's root.
    ``where`` says which state of the repository that is. The rest is what has been found in them.
    """

    files: dict[str, bytes]
    where: str = "the working tree"
    mapped: dict[str, tuple[Mapped, ...]] = {}  # noqa: RUF012 -- models_at gives each its own
    homes: dict[str, list[str]] = {}  # noqa: RUF012 -- the files of each class or variable


Likeness = Literal["name", "ending"]


class Mapping(NamedTuple):
    """What maps a table. ``by`` is how that is known: the table's name is written there; or it is computed, and the
    class is called like the table, or like the end of its name.
    """

    path: str
    mapped: Mapped
    by: Likeness | Literal["written"] = "written"


def models_at(project: Project, commit: str | None = None, name: str | None = None) -> Models:
    """The files with models that a commit has, or (None) the working tree, those that git does not know yet included.
    ``name`` is what messages call the commit, "origin/main".

    Tests, migrations and what belongs to another Alembic project of the repository are left out. Where git does not
    answer, or there is none, the working tree is walked.
    """
    root = project.root
    if commit and (commit.startswith("-") or _git_grep(root, "^$", commit, ("*.none",)) is None):
        commit = name = None
    found = _git_grep(root, _EITHER, commit)
    if found is None:
        found = _walked_grep(root, _EITHER)
    other = cache(lambda folder: _is_another(project, folder))
    files = {
        path: content
        for path, content in found.items()
        if not _MIGRATION.search(content) and not other(os.path.dirname(path))
    }
    homes: dict[str, list[str]] = {}
    for path, content in files.items():
        for names in set(_NAMES.findall(content)):
            homes.setdefault(b"".join(names).decode(errors="replace"), []).append(path)
    return Models(files, name or commit or "the working tree", {}, homes)


def mappings(models: Models, table: str, schema: str | None) -> list[Mapping]:
    """What maps a table. ``schema`` is None, or "public", for one of the search path."""
    found = [
        Mapping(path, one, how)
        for path, content in models.files.items()
        if _MARKED.search(content) and _speaks_of(content, table)
        for one in _mapped_in(models, path)
        if (how := "written" if one.table == table else one.table is None and likeness(one.name, table))
    ]
    best = next((how for how in ("written", "name", "ending") if any(one.by == how for one in found)), None)
    found = [one for one in found if one.by == best]
    exact = [one for one in found if (one.mapped.schema or "public") == (schema or "public")]
    if exact:
        return exact
    # MetaData(schema="…") gives a schema to tables that name none.
    elsewhere = any(b"MetaData" in content and _SCHEMA.search(content) for content in models.files.values())
    return [one for one in found if elsewhere and (one.mapped.schema is None or schema is None)]


def any_mapped(models: Models) -> bool:
    """Whether the repository maps anything at all."""
    marked = (path for path, content in models.files.items() if _MARKED.search(content))
    return any(_mapped_in(models, path) for path in marked)


def likeness(name: str, table: str) -> Likeness | None:
    """Whether a computed table name of the class ``name`` may be ``table``: "name" for user, users, or that of a class
    UserModel, "ending" for app_users.
    """
    squashed = table.replace("_", "").lower()
    word = re.sub(r"(?<=.)(?:Model|Table|Entity|Record|ORM|Orm|DB|Db)$", "", name).replace("_", "").lower()
    forms = (name.lower(), word, word + "s", word + "es", re.sub("y$", "ies", word))
    if squashed in forms:
        return "name"
    return "ending" if len(word) > 2 and squashed.endswith(forms) else None


def _speaks_of(content: bytes, table: str) -> bool:
    if table.encode() in content:
        return True
    return any(likeness(one, table) for one in _class_names(content))


@cache
def _class_names(content: bytes) -> tuple[str, ...]:
    names = re.findall(rb"^[ \t]*class[ \t]+(\w+)", content, re.MULTILINE)
    return tuple(one.decode(errors="replace") for one in names)


# ── bases in other files ─────────────────────────────────────────────────────────────────────────────────────


def _mapped_in(models: Models, path: str) -> tuple[Mapped, ...]:
    """What one file maps, its bases looked up where they are."""
    if path not in models.mapped:
        written = _declared(models.files[path])
        here = {one.name: one for one in written if one.kind != "table"}

        def find(name: str) -> Declared | None:
            return here.get(name) or _nearest(models, path, name)

        models.mapped[path] = tuple(found for one in written if (found := mapped(one, find)) is not None)
    return models.mapped[path]


@cache
def _declared(content: bytes) -> tuple[Declared, ...]:
    return declared(content)


def _nearest(models: Models, path: str, name: str) -> Declared | None:
    """A class or base of that name in another file; of several, that whose file is nearest."""
    folders = path.split("/")

    def shared(other: str) -> int:
        pairs = zip(folders, other.split("/"), strict=False)
        return next((at for at, (one, two) in enumerate(pairs) if one != two), len(folders))

    for other in sorted(models.homes.get(name, ()), key=shared, reverse=True):
        found = next((one for one in _declared(models.files[other]) if one.name == name and one.kind != "table"), None)
        if other != path and found is not None:
            return found
    return None


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_another(project: Project, folder: str) -> bool:
    """Whether a folder, from the root, is of another Alembic project of the repository: its models are of another
    database. An alembic.ini stands in the folder of the application, or in its migrations/.
    """
    own = (project.directory, project.working_directory)
    while folder:
        path = project.root / folder
        if any(one.is_relative_to(path) for one in own):
            return False
        if any((path / below / "alembic.ini").exists() for below in ("", "migrations", "alembic")):
            return True
        folder = os.path.dirname(folder)
    return False


def _git_grep(
    root: Path, pattern: str, commit: str | None, paths: tuple[str, ...] = ("*.py",)
) -> dict[str, bytes] | None:
    """The *.py files that a pattern finds, with their content; None where git does not answer."""
    words = ("grep", "-l", "-z", "-I", "--no-color", "--no-full-name", "-E", "-e", pattern)
    listed = _git(root, *words, commit or "--untracked", "--", *paths, ok=(0, 1))
    if listed is None:
        return None
    names = [name.removeprefix(f"{commit}:") for name in os.fsdecode(listed).split("\0") if name]
    chosen = [name for name in names if not _TEST.search(name) and "\n" not in name][:MOST_FILES]
    if commit is None:
        return {name: content for name in chosen if (content := _content(root / name))}
    asked = "".join(f"{commit}:./{name}\n" for name in chosen)
    answer = _git(root, "cat-file", "--batch", given=os.fsencode(asked))
    return None if answer is None else dict(zip(chosen, _blobs(answer), strict=False))


def _blobs(answer: bytes) -> Iterator[bytes]:
    """What ``git cat-file --batch`` prints: "<id> blob <size>", the content, a line feed; or "<name> missing"."""
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        words = answer[at:end].split(b" ")
        size = int(words[-1]) if words[-1].isdigit() else -1
        yield answer[end + 1 : end + 1 + size] if 0 <= size <= LARGEST else b""
        at = end + 1 + size + 1


def _walked_grep(root: Path, pattern: str) -> dict[str, bytes]:
    """As git would find them, without git."""
    wanted = re.compile(pattern.encode(), re.MULTILINE)
    found: dict[str, bytes] = {}
    walked = 0
    for folder, folders, names in os.walk(root):
        hidden = {one for one in folders if one.startswith(".") or one in _SKIPPED}
        folders[:] = sorted(one for one in folders if one not in hidden and not _is_venv(folder, one))
        walked += len(names)
        if walked > MOST_WALKED or len(found) > MOST_FILES:
            break
        for name in names:
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, root).replace(os.sep, "/")
            if name.endswith(".py") and not _TEST.search(shown) and wanted.search(content := _content(Path(path))):
                found[shown] = content
    return found


def _is_venv(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= LARGEST else b""
    except OSError:
        return b""


def _git(folder: Path, *words: str, given: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes | None:
    """Git's output; None where there is no git, no repository or commit, or no answer in time."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-c", "submodule.recurse=false", "-C", str(folder), *words],
            input=given,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode in ok else None
