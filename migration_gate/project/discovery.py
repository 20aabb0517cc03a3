"""Where the migrations are: every Alembic project of a repository, found by reading text.

Nothing is imported: a package in ``pkg:dir`` is looked for as a folder. One walk of the tree, and
no file is opened but ini files, pyproject.toml files, env.py files and a revision or two.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, NamedTuple

from migration_gate.findings import CannotJudge, NoMigrations
from migration_gate.project import settings as settings_file
from migration_gate.project.files import Options, ini_options, peek, pyproject_tables, read_options
from migration_gate.project.model import Project
from migration_gate.project.settings import Settings

_NAME_IT = "Name the folder: migration-gate lint --project path/to/migrations"
_SKIPPED = {"node_modules", "__pycache__", "site-packages"}
_BUILT = {"build", "dist"}  # only beside one of _PACKAGED: elsewhere they may be anybody's names
_PACKAGED = {"pyproject.toml", "setup.py", "setup.cfg", "package.json"}
_LAUNCH = {".flaskenv", "pyproject.toml", "setup.cfg", "requirements.txt", "Pipfile"}
_NO_OPTIONS = Options(None, (), (), False, False)

Tree = dict[str, list[str]]  # folder → the names of its files


class _LeadsNowhere(CannotJudge):
    """A location that is not there: only this can settings put right, a broken file they cannot."""


class _Problem(NamedTuple):
    """Something that cannot be read. A mild one counts where no project was found in its stead."""

    path: str
    message: str
    mild: bool = False
    leads_nowhere: bool = False


class _Survey(NamedTuple):
    """What one walk saw. Paths are text: thousands of Paths would cost more than the walk."""

    top: str
    tree: Tree
    tables: dict[str, Settings]  # [tool.migration-gate] by folder
    tomls: dict[str, dict[str, Any]]  # [tool.alembic] by folder
    projects: list[Project]  # without name and settings, one for each way to reach it
    problems: list[_Problem]

    def where(self, path: str) -> str:
        """A path as messages show it: relative to the root, where it is below the root."""
        return _below(path, self.top) if _inside(path, self.top) and path != self.top else path

    def attempt(self, path: str, read: Callable[..., None], *args: Any) -> None:
        try:
            read(self, *args)
        except CannotJudge as error:
            nowhere = isinstance(error, _LeadsNowhere)
            self.problems.append(_Problem(path, str(error), leads_nowhere=nowhere))


def find(root: Path, only: Sequence[str] = ()) -> list[Project]:
    """Every Alembic project at or below ``root``, or those that ``only`` names, sorted by name.

    A name in ``only`` is an ini file, a pyproject.toml, a folder with env.py, a folder of versions
    or a folder that holds projects; a relative one is looked for in the working directory, then in
    ``root``. Raises CannotJudge where there is nothing to judge, and where something that may be a
    project cannot be read.
    """
    top = os.path.abspath(root)
    survey = _look(top, top)
    asked = [("--project", name) for name in only]
    if not asked and top in survey.tables:
        asked = [("pyproject.toml: project =", name) for name in survey.tables[top].project]
    projects = [one for how, name in asked for one in _named(survey, how, name)]
    if not asked:
        projects = [p for p in survey.projects if not _excluded(str(p.directory), survey.tables)]
        for problem in survey.problems:
            if not _settled(survey, problem):
                raise CannotJudge(problem.message)
    projects = _finished(survey, projects)
    if not projects:
        left_out = next((one.exclude for one in survey.tables.values() if one.exclude), ())
        but = f", but not in what exclude names ({', '.join(left_out)})" if left_out else ""
        raise NoMigrations(
            "no migrations found: looked for alembic.ini, [tool.alembic] in pyproject.toml and"
            f" migrations/ below {top}{but}. {_NAME_IT}"
        )
    _refuse_unread(survey, projects)
    return projects


def find_around(folder: Path, only: Sequence[str] = ()) -> list[Project]:
    """As ``find``; where there is nothing at or below the folder, in the whole repository that it is part of."""
    try:
        return find(folder, only)
    except NoMigrations:
        top = next((one for one in folder.parents if (one / ".git").exists()), None)
        if top is None or only:
            raise
        return find(top)


def excluded(path: Path, root: Path) -> bool:
    """Whether the settings of a pyproject.toml between ``root`` and the path leave it out."""
    tables: dict[str, Settings] = {}
    for folder in _upwards(str(path.parent), os.path.abspath(root)):
        toml = os.path.join(folder, "pyproject.toml")
        table = pyproject_tables(toml, toml)[1]
        if table is not None:
            tables[folder] = settings_file.from_table(table, toml)
    return _excluded(str(path), tables)


# --- one walk ------------------------------------------------------------------------------------


def _look(folder: str, top: str) -> _Survey:
    """Walk a folder; resolve what an ini, a TOML table, an env.py or settings make known."""
    survey = _Survey(top, {}, {}, {}, [], [])
    _walk(folder, survey)
    for path in _files(survey, ".ini", ".cfg"):
        survey.attempt(path, _from_ini, path)
    for place in sorted(survey.tomls):
        survey.attempt(place, _from_toml, place)
    for path in _files(survey, "env.py"):
        if os.path.basename(path) == "env.py":
            survey.attempt(path, _from_env, os.path.dirname(path))
    for place in sorted(survey.tables):
        survey.attempt(place, _from_settings, place)
    return survey


def _walk(top: str, survey: _Survey) -> None:
    """Fill in the tree and the tables of every pyproject.toml.

    Links are not followed: what they lead to inside the repository is met at its own place, and
    there are no loops. A pyproject.toml is read before the folders below it, so that what it
    excludes is never entered.
    """
    stack = [top]
    while stack:
        folder = stack.pop()
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and folder != top:
                continue  # gone since its parent was listed
            message = f"cannot list {survey.where(folder)}: {error.strerror}"
            if folder != top:
                message += f". To leave it out, exclude {survey.where(folder)!r} in"
                message += " [tool.migration-gate]"
            survey.problems.append(_Problem(folder, message))
            continue
        if folder != top and ("pyvenv.cfg" in files or "conda-meta" in folders):
            continue
        survey.tree[folder] = files
        if "pyproject.toml" in files:
            survey.attempt(folder, _read_pyproject, folder)
        skipped = _SKIPPED if _PACKAGED.isdisjoint(files) else _SKIPPED | _BUILT
        for name in folders:
            if name[0] != "." and name not in skipped and not name.endswith((".egg-info", ".egg")):
                path = os.path.join(folder, name)
                if not (survey.tables and _excluded(path, survey.tables)):
                    stack.append(path)


def _read_pyproject(survey: _Survey, folder: str) -> None:
    path = os.path.join(folder, "pyproject.toml")
    alembic, own = pyproject_tables(path, survey.where(path))
    if alembic is not None:
        survey.tomls[folder] = alembic
    if own is not None:
        survey.tables[folder] = settings_file.from_table(own, survey.where(path))


def _excluded(path: str, tables: Mapping[str, Settings]) -> bool:
    """Whether settings at or above a path exclude it: ``*`` crosses folders, as in fnmatch."""
    for folder, one in tables.items():
        if one.exclude and _inside(path, folder):
            name = _below(path, folder)
            for given in one.exclude:
                plain = given.removeprefix("./").removesuffix("/**").rstrip("/")
                forms = (plain, f"{plain}/*", plain.removeprefix("**/"))
                if any(fnmatchcase(name, form) for form in forms):
                    return True
    return False


def _files(survey: _Survey, *endings: str) -> list[str]:
    paths = [
        os.path.join(folder, name) for folder, names in survey.tree.items() for name in names if name.endswith(endings)
    ]
    return sorted(path for path in paths if not _excluded(path, survey.tables))


# --- the five forms ------------------------------------------------------------------------------


def _from_ini(survey: _Survey, ini: str, asked: bool = False) -> None:
    """The projects of an ini file, one for each section that ``alembic -n SECTION`` could take.

    One without a ``script_location`` is completed by the pyproject.toml beside it (``alembic init
    -t pyproject``) or by the env.py beside it: Flask-Migrate sets the location in code, to the
    folder of the ini (``flask_migrate.Migrate.get_config``).
    """
    folder, name = os.path.split(ini)
    content = peek(ini).lower()
    usual = asked or name == "alembic.ini"
    if not usual and b"script_location" not in content:
        return
    where = survey.where(ini)
    toml = survey.tomls.get(folder)
    env = _env(folder) if usual else b""
    # What Flask-Migrate writes has none of these options, and then no parser is imported.
    telling = (b"script_location", b"version_locations", b"sourceless", b"\0")
    sections = [("alembic", _NO_OPTIONS)]
    if toml is not None or not env or any(word in content for word in telling):
        sections = ini_options(ini, where, toml)
    toml_folder = None if toml is None else folder
    mute = True
    for section, options in sections:
        if env and (b"current_app" in env or options.script_location is None):
            cwd = _launch_folder(survey, folder, options)
            _add(survey, folder, cwd, options, where, _kind(env), ini, section, toml_folder)
        elif options.script_location is None:
            continue
        elif "{" in options.script_location:  # a template, as jupyterhub's, filled in by str.format
            what = f"script_location = {options.script_location!r} is still to be filled in"
            survey.problems.append(_Problem(ini, f"{where}: {what}. {_NAME_IT}", mild=not asked))
        else:
            directory, cwd = _script_folder(survey, folder, options, where)
            _add(survey, directory, cwd, options, where, "alembic", ini, section, toml_folder)
        mute = False
    if mute and usual:
        message = f"{where} has no script_location, and no env.py stands beside it. {_NAME_IT}"
        survey.problems.append(_Problem(ini, message, mild=not asked))


def _from_toml(survey: _Survey, folder: str) -> None:
    """``[tool.alembic]`` without an alembic.ini beside it: with one, the ini has been asked."""
    if "alembic.ini" in survey.tree[folder]:
        return
    where = survey.where(os.path.join(folder, "pyproject.toml"))
    options = read_options(folder, where, survey.tomls[folder])
    if options.script_location is not None:  # else it only complements an ini somewhere else
        directory, cwd = _script_folder(survey, folder, options, where)
        _add(survey, directory, cwd, options, where, toml_folder=folder)


def _from_env(survey: _Survey, folder: str, asked: bool = False) -> None:
    """A Config that is built in code: env.py, with revision files in ``versions/`` or beside it."""
    if any(str(one.directory) == folder for one in survey.projects):
        return
    env = _env(folder)
    if asked or b"alembic" in env:
        places = [os.path.join(folder, "versions"), folder]
        held = [place for place in places if _revisions_in(survey, place)]
        if held or asked:
            options = _NO_OPTIONS._replace(version_locations=((held or places)[0],))
            cwd = _launch_folder(survey, folder, options)
            _add(survey, folder, cwd, options, survey.where(folder), _kind(env))


def _from_settings(survey: _Survey, folder: str) -> None:
    """``script-location`` and ``version-locations``, which say what only the project's code knows.

    Both are relative to the pyproject.toml that has them.
    """
    table = survey.tables[folder]
    where = survey.where(os.path.join(folder, "pyproject.toml"))
    if table.script_location is not None:
        directory = _settled_folder(survey, folder, table.script_location, where)
        _from_env(survey, directory, asked=True)
        mine = [one for one in survey.projects if str(one.directory) == directory]
    elif table.version_locations:
        mine = [one for one in survey.projects if _governing(survey, one.directory) == folder]
        if len({one.directory for one in mine}) != 1:
            raise CannotJudge(
                f"{where}: version-locations needs script-location beside it, because"
                f" {len(mine) or 'no'} projects were found here"
            )
    if table.version_locations:
        locations = tuple(
            Path(_settled_folder(survey, folder, location, where)) for location in table.version_locations
        )
        for one in mine:
            survey.projects.remove(one)
            survey.projects.append(one._replace(version_locations=locations))


def _settled_folder(survey: _Survey, folder: str, location: str, where: str) -> str:
    """A folder that settings name. Unlike Alembic they insist that it is there."""
    path = _joined(folder, location)
    if _is_resource(location):
        path = _resource(survey, location, [folder], (), where)
    if not os.path.isdir(path):
        raise CannotJudge(f"{where}: [tool.migration-gate] names {location!r}, which is no folder")
    return path


# --- from what is written to folders -------------------------------------------------------------


def _add(
    survey: _Survey,
    directory: str,
    cwd: str,
    options: Options,
    where: str,
    kind: Literal["alembic", "flask"] = "alembic",
    ini: str | None = None,
    section: str = "alembic",
    toml_folder: str | None = None,
) -> None:
    survey.projects.append(
        Project(
            name="",
            root=Path(survey.top),
            directory=Path(directory),
            version_locations=_locations(survey, directory, cwd, options, where),
            recursive=options.recursive,
            sourceless=options.sourceless,
            kind=kind,
            config_file=Path(ini) if ini else None,
            section=section,
            toml_file=Path(toml_folder, "pyproject.toml") if toml_folder else None,
            working_directory=Path(cwd),
            settings=Settings(),
            settings_folder=Path(cwd),
        )
    )


def _script_folder(survey: _Survey, folder: str, options: Options, where: str) -> tuple[str, str]:
    """The script folder, and the working directory in which its relative name leads there.

    Alembic resolves a relative name against the working directory (``ScriptDirectory``), and that
    is written nowhere. It is the folder of the file or one above it: the first where an env.py
    stands at that name and the relative version locations exist too. Where several lead to the
    same place, it is the first one above that place that is no package: code is run from there.
    """
    location = options.script_location or ""
    bases = _upwards(folder, survey.top)
    if _is_resource(location):
        location = _resource(survey, location, bases, options.prepend_sys_path, where)
    found = [(path, base) for base in bases if os.path.isdir(path := _joined(base, location))]
    if not found:
        raise _LeadsNowhere(
            f"{where}: script_location = {options.script_location!r} is not there, neither below"
            f" {survey.where(folder)} nor below a folder above it. {_NAME_IT}"
        )

    def fit(one: tuple[str, str]) -> tuple[bool, int]:
        there = [os.path.isdir(_joined(one[1], each)) for each in options.version_locations]
        return os.path.isfile(os.path.join(one[0], "env.py")), sum(there)

    best = max(found, key=fit)  # the first of the fittest
    for path, base in found:
        above = path != base and _inside(path, base) and not _is_package(base)
        if above and path == best[0] and fit((path, base)) == fit(best):
            return path, base
    return best


def _locations(survey: _Survey, directory: str, cwd: str, options: Options, where: str) -> tuple[Path, ...]:
    """As ``ScriptDirectory._version_locations``: relative to the working directory, or versions/.

    One that is not there is kept: Alembic passes over it, and git keeps no empty folders.
    """
    if not options.version_locations:
        return (Path(directory, "versions"),)
    bases = _upwards(cwd, survey.top)
    return tuple(
        Path(
            _resource(survey, location, bases, options.prepend_sys_path, where)
            if _is_resource(location)
            else _joined(cwd, location)
        )
        for location in options.version_locations
    )


def _is_resource(location: str) -> bool:
    """What Alembic takes for one: ``alembic.util.pyfiles.coerce_resource_to_filename``."""
    return ":" in location and not os.path.isabs(location)


def _resource(survey: _Survey, location: str, bases: list[str], prepend: Sequence[str], where: str) -> str:
    """The folder that ``package.sub:dir`` names. Alembic imports the package, here it is looked
    for: in ``prepend_sys_path``, the folders from the file upwards, their src/ and lib/, anywhere.
    """
    package, *rest = location.split(":")
    tail = os.path.join(*package.split("."))
    entries = (*prepend, "", "src", "lib")
    near = [_joined(os.path.join(base, entry), tail) for base in bases for entry in entries]
    far = [folder for folder in survey.tree if folder.endswith(os.sep + tail)]
    far = sorted((one for one in far if not _is_package(one.removesuffix(tail))), key=len)
    packages = [path for path in near + far if os.path.isdir(path)]
    if not packages:
        raise _LeadsNowhere(f"{where}: {location!r}: no folder here is package {package!r}. {_NAME_IT}")
    paths = [_joined(path, os.path.join("", *rest)) for path in packages]
    return next((path for path in paths if os.path.isdir(path)), paths[0])


def _launch_folder(survey: _Survey, directory: str, options: Options) -> str:
    """Where ``flask`` or the program is started, for a Config that is built in code.

    A relative ``script_location`` shows it, though Flask-Migrate does not use it. Otherwise it is
    the first folder above, itself no package (it must be importable), that looks like a start.
    """
    above = [directory]
    if directory != survey.top:
        above = _upwards(os.path.dirname(directory), survey.top)
    location = options.script_location
    if location and not os.path.isabs(location):
        for base in above:
            if _joined(base, location) == directory:
                return base
    free = [base for base in above if not _is_package(base)]
    for base in free:
        names = survey.tree.get(base, [])
        if any(name in _LAUNCH or name.endswith(".py") for name in names):
            return base
    return (free or above)[0]


# --- which of them, and what they are called -----------------------------------------------------


def _named(survey: _Survey, how: str, name: str) -> list[Project]:
    """The projects that somebody names. What is named need not show by itself that it is one:
    a folder with env.py is taken as it is, and so is a file in the form of an ini.
    """
    path = os.path.abspath(name)
    if not os.path.exists(path):
        path = os.path.normpath(os.path.join(survey.top, name))
    if not os.path.exists(path):
        raise CannotJudge(f"{how} {name} is not there")
    hits = [one for one in survey.projects if _means(path, one)]
    # Where nothing written stands behind a project, an unreadable file above it may be what should.
    guessed = not any(one.config_file or one.toml_file for one in hits)
    for problem in survey.problems:
        near = _inside(problem.path, path) or _inside(path, problem.path)
        ini = problem.path.endswith((".ini", ".cfg")) and not problem.mild
        above = guessed and ini and _inside(path, os.path.dirname(problem.path))
        if (near or above) and not (problem.mild and hits):
            raise CannotJudge(problem.message)
    return hits or _taken_as_it_is(survey, path, f"{how} {name}")


def _taken_as_it_is(survey: _Survey, path: str, what: str) -> list[Project]:
    fresh = survey._replace(projects=[], problems=[])
    if os.path.isfile(path) and os.path.basename(path) != "pyproject.toml":
        _from_ini(fresh, path, asked=True)
    elif os.path.isfile(os.path.join(path, "env.py")):
        _from_env(fresh, path, asked=True)
    elif os.path.isdir(path) and os.path.isfile(os.path.join(os.path.dirname(path), "env.py")):
        _from_env(fresh, os.path.dirname(path), asked=True)
        fresh.projects[0] = fresh.projects[0]._replace(version_locations=(Path(path),))
    elif os.path.isdir(path) and path not in survey.tree:  # hidden, excluded, outside of the root
        fresh = _look(path, survey.top)
        survey.tables.update(fresh.tables)
        survey.tree.update(fresh.tree)
    for problem in fresh.problems:
        raise CannotJudge(problem.message)
    if not fresh.projects:
        raise CannotJudge(
            f"{what} is no Alembic project: name its alembic.ini, the folder that holds"
            " env.py, or its folder of versions"
        )
    return fresh.projects


def _means(path: str, project: Project) -> bool:
    files = [str(one) for one in (project.config_file, project.toml_file) if one]
    folders = [str(project.directory), *map(str, project.version_locations)]
    return path in folders or any(_inside(one, path) for one in (*files, *folders[:1]))


def _settled(survey: _Survey, problem: _Problem) -> bool:
    """Whether a project found by itself, or one that settings name, stands in for what is wrong."""
    folder = os.path.dirname(problem.path)
    table = survey.tables.get(_governing(survey, folder) or "", Settings())
    built = [one for one in survey.projects if one.config_file is None]
    if problem.leads_nowhere and table.script_location:
        return any(_inside(str(one.directory), folder) for one in built)
    return problem.mild and any(
        _inside(str(one.directory), folder)
        or (one.toml_file is not None and _inside(folder, str(one.toml_file.parent)))
        for one in built
    )


def _governing(survey: _Survey, path: str | Path) -> str | None:
    """The folder of the nearest pyproject.toml at or above a path that has settings."""
    held = [folder for folder in survey.tables if _inside(str(path), folder)]
    return max(held, key=len, default=survey.top if survey.top in survey.tables else None)


def _finished(survey: _Survey, projects: list[Project]) -> list[Project]:
    """Each project once, with its settings and a name of its own.

    Several inis or sections may lead to the same revisions; the one that a person would type is
    kept. Two that share a folder and not its revisions are told apart by their section.
    """

    def rank(one: Project) -> tuple[object, ...]:
        ini = one.config_file or Path()
        usual = one.section != "alembic", ini.name != "alembic.ini"
        return one.kind != "flask", *usual, len(ini.parts), str(ini)

    once: dict[tuple[Path, tuple[Path, ...]], Project] = {}
    for one in sorted(projects, key=rank):
        once.setdefault((one.directory, one.version_locations), one)
    folders = [one.directory for one in once.values()]
    named = []
    for one in once.values():
        governing = _governing(survey, one.directory)
        table = survey.tables[governing] if governing is not None else Settings()
        name = survey.where(str(one.directory))
        if folders.count(one.directory) > 1:
            name += f" [{one.section}]"
        folder = Path(governing) if governing is not None else one.working_directory
        named.append(one._replace(name=name, settings=table, settings_folder=folder))
    return sorted(named, key=lambda one: one.name)


def _toml_list(survey: _Survey, folders: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{survey.where(one)}"' for one in folders) + "]"


def _refuse_unread(survey: _Survey, projects: list[Project]) -> None:
    """Nothing to judge is not a pass: no revisions at all, or revisions where Alembic does not look
    (some programs, keystone for one, add the folders below versions/ in code).
    """
    everybody = (*survey.projects, *projects)
    read = {str(place) for one in everybody for place in one.version_locations}
    filled = False
    for one in projects:
        for place in map(str, one.version_locations):
            below = [
                folder for folder in survey.tree if folder != place and _inside(folder, place) and folder not in read
            ]
            held = [folder for folder in sorted(below) if _revisions_in(survey, folder)]
            if held and not one.recursive:
                raise CannotJudge(
                    f"{survey.where(held[0])} holds revisions, and Alembic reads no folder below"
                    f" {survey.where(place)}. If code adds it, name every folder, this one too, in"
                    f" [tool.migration-gate]: version-locations = {_toml_list(survey, [place, *held])};"
                    " else exclude it there"
                )
            endings = (".py", ".pyc", ".pyo") if one.sourceless else (".py",)
            names = [name for folder in (place, *held) for name in _names(survey, folder)]
            filled |= any(_is_revision(name, endings) for name in names)
    if not filled:
        places = {survey.where(str(path)) for one in projects for path in one.version_locations}
        raise CannotJudge(
            f"no revisions in {', '.join(sorted(places))}. If they are elsewhere, name the folders"
            " in [tool.migration-gate] version-locations"
        )


# --- small things --------------------------------------------------------------------------------


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _below(path: str, folder: str) -> str:
    return path[len(folder.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def _upwards(folder: str, top: str) -> list[str]:
    """A folder and those above it, up to the root; only itself where it is not below the root."""
    folders = [folder]
    while _inside(folder, top) and folder != top:
        folder = os.path.dirname(folder)
        folders.append(folder)
    return folders


def _joined(base: str, name: str) -> str:
    """An absolute path without ``..``, whose meaning a link on the way would change."""
    path = os.path.join(base, name)
    plain = os.path.normpath(path)
    if ".." in name and os.path.realpath(path) != os.path.realpath(plain):
        return os.path.realpath(path)
    return plain


def _is_package(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def _env(folder: str) -> bytes:
    return peek(os.path.join(folder, "env.py"))


def _kind(env: bytes) -> Literal["alembic", "flask"]:
    """Flask-Migrate's env.py asks the current app; one that somebody rewrote still mentions it."""
    words = (b"current_app", b"app_context", b"flask")
    return "flask" if any(word in env.lower() for word in words) else "alembic"


def _names(survey: _Survey, folder: str) -> list[str]:
    if folder in survey.tree:
        return survey.tree[folder]
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotJudge(f"cannot list {survey.where(folder)}: {error.strerror}") from None


def _is_revision(name: str, endings: tuple[str, ...] = (".py",)) -> bool:
    """``alembic.script.base._only_source_rev_file``."""
    return name.endswith(endings) and not name.startswith((".#", "__init__"))


def _revisions_in(survey: _Survey, folder: str) -> bool:
    """Whether a folder holds a file that says ``down_revision``: a helper module does not."""
    return any(
        b"down_revision" in peek(os.path.join(folder, name)) for name in _names(survey, folder) if _is_revision(name)
    )
