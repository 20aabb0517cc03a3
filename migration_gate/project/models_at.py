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

from migration_gate.project import git
from migration_gate.project.model import Project
from migration_gate.project.models import Declared, Mapped, declared, mapped

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
    ``where`` says which state of the repository that is. ``whole`` is False where there are more of them, or larger
    ones, than are read. The rest is what has been found in them.
    """

    files: dict[str, bytes]
    where: str = "the working tree"
    whole: bool = True
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
    found = _at(project.root, commit) if commit and not commit.startswith("-") else None
    where = name or commit or ""
    if found is None:
        found, where = _in_tree(project.root), "the working tree"
    other = cache(lambda folder: _is_another(project, folder))
    files = {
        path: content
        for path, content in found.items()
        if content is not None and not _MIGRATION.search(content) and not other(os.path.dirname(path))
    }
    homes: dict[str, list[str]] = {}
    for path, content in files.items():
        for names in set(_NAMES.findall(content)):
            homes.setdefault(b"".join(names).decode(errors="replace"), []).append(path)
    return Models(files, where, len(found) < MOST_FILES and None not in found.values(), {}, homes)


def mappings(models: Models, table: str, schema: str | None) -> list[Mapping]:
    """What maps a table. ``schema`` is None, or "public", for one of the search path."""
    found = [
        Mapping(path, one, how)
        for path, content in models.files.items()
        if _MARKED.search(content) and _speaks_of(content, table)
        for one in mapped_in(models, path)
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


def not_read(models: Models, table: str) -> str | None:
    """A file that may map the table and cannot be read, by its path, or "" for what was not looked at at all."""
    for path, content in models.files.items():
        if _MARKED.search(content) and _speaks_of(content, table) and _parsed(content) is None:
            return path
    return None if models.whole else ""


def any_mapped(models: Models) -> bool:
    """Whether the repository maps anything at all."""
    return any(mapped_in(models, path) for path in marked(models))


def marked(models: Models) -> Iterator[str]:
    """The files that have a sign of something that they map."""
    return (path for path, content in models.files.items() if _MARKED.search(content))


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


def mapped_in(models: Models, path: str) -> tuple[Mapped, ...]:
    """What one file maps, its bases looked up where they are."""
    if path not in models.mapped:
        written = _declared(models.files[path])
        here = {one.name: one for one in written if one.kind != "table"}

        def find(name: str) -> Declared | None:
            return here.get(name) or _nearest(models, path, name)

        models.mapped[path] = tuple(found for one in written if (found := mapped(one, find)) is not None)
    return models.mapped[path]


@cache
def _parsed(content: bytes) -> tuple[Declared, ...] | None:
    return declared(content)


def _declared(content: bytes) -> tuple[Declared, ...]:
    return _parsed(content) or ()


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


_Found = dict[str, bytes | None]  # None for a file that is too large, or that cannot be read

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


def _at(root: Path, commit: str) -> _Found | None:
    """The files of a commit; None where git does not have it."""
    try:
        names = _chosen(git.grep(root, _EITHER, commit, "*.py"))
        found = git.objects(root, (f"{commit}:./{name}" for name in names))
    except git.Silent:
        return None
    contents = {name: found[at].content for name in names if (at := f"{commit}:./{name}") in found}
    return {name: content if len(content) <= LARGEST else None for name, content in contents.items()}


def _in_tree(root: Path) -> _Found:
    """Those of the working tree."""
    try:
        names = git.grep(root, _EITHER, None, "*.py")
    except git.Silent:
        return _walked(root)
    return {name: _content(root / name) for name in _chosen(names)}


def files_with(root: Path, pattern: str) -> list[str]:
    """The Python files of the working tree that have a line of an extended pattern, tests left out."""
    try:
        return _chosen(git.grep(root, pattern, None, "*.py"))
    except git.Silent:
        wanted = re.compile(pattern.encode(), re.MULTILINE)
        return [path for path in _python_files(root) if wanted.search(_content(root / path) or b"")]


def _chosen(names: list[str]) -> list[str]:
    return [one for one in names if not _TEST.search(one) and "\n" not in one][:MOST_FILES]


def _walked(root: Path) -> _Found:
    """As git would find them, without git."""
    wanted = re.compile(_EITHER.encode(), re.MULTILINE)
    found: _Found = {}
    for path in _python_files(root):
        content = _content(root / path)
        if content is None or wanted.search(content):
            found[path] = content
        if len(found) == MOST_FILES:
            break
    return found


def _python_files(root: Path) -> Iterator[str]:
    walked = 0
    for folder, folders, names in os.walk(root):
        skipped = {one for one in folders if one.startswith(".") or one in _SKIPPED or _is_venv(folder, one)}
        folders[:] = sorted(set(folders) - skipped)
        walked += len(names)
        if walked > MOST_WALKED:
            return
        for name in names:
            shown = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
            if name.endswith(".py") and not _TEST.search(shown):
                yield shown


def _is_venv(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _content(path: Path) -> bytes | None:
    try:
        if not path.is_file():  # a dangling link
            return b""
        return path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError:
        return None
