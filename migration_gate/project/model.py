"""What is known of a project before any of its code runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from migration_gate.project.settings import Settings


class Project(NamedTuple):
    """One Alembic script environment. All paths are absolute and resolved as Alembic would resolve them."""

    name: str  # how messages call it: its folder relative to the root, "shop/migrations"
    root: Path  # the repository, or the folder where the gate was started
    directory: Path  # the folder that holds env.py
    version_locations: tuple[Path, ...]
    recursive: bool  # recursive_version_locations
    sourceless: bool
    kind: Literal["alembic", "flask"]
    config_file: Path | None  # the ini file, None for a Config that is built in code or [tool.alembic] alone
    section: str  # the ini section, "alembic" unless there are several
    toml_file: Path | None  # the pyproject.toml that has [tool.alembic]
    working_directory: Path  # where `alembic` or `flask` is run, so that relative paths resolve
    settings: Settings
    settings_folder: Path  # that of the pyproject.toml that has them: what they name is relative to it


def command(project: Project, flask: str, alembic: str) -> str:
    """A command line as this project's users type it in its working directory, with the options that say where its
    configuration is: ``flask db`` and the words ``flask``, or ``alembic`` and the words ``alembic``.
    """
    if project.kind == "flask":
        folder = near(project.directory, project.working_directory)
        word, _, rest = flask.partition(" ")
        where = "" if folder == "migrations" else f" -d {folder}"
        return f"flask db {word}{where}{' ' + rest if rest else ''}"
    options = ""
    ini = project.config_file
    if ini and ini != project.working_directory / "alembic.ini":
        options += f" -c {near(ini, project.working_directory)}"
    if ini and project.section != "alembic":
        options += f" -n {project.section}"
    return f"alembic{options} {alembic}"


def near(path: Path, folder: Path) -> str:
    """A path as people type it in a folder: relative where it is below it, with forward slashes."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
