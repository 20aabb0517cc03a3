"""What Alembic's configuration says, read as Alembic reads it: ini files, ``[tool.alembic]``.

``configparser`` and ``tomllib`` cost about 10 ms each: they are imported where a file needs them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from migration_gate.findings import CannotJudge

if TYPE_CHECKING:
    from configparser import ConfigParser

# alembic.config.Config._get_file_separator_char
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_OWN_TABLES = re.compile(rb"""tool\s*["']?\s*\.\s*["']?(?:alembic|migration[-_ ]?gate)""")
_LARGEST = 1 << 20  # no configuration is larger, and an *.ini of some other program may be


class Options(NamedTuple):
    """What one section says. Locations are as written, with ``%(here)s`` filled in."""

    script_location: str | None
    version_locations: tuple[str, ...]
    prepend_sys_path: tuple[str, ...]
    recursive: bool
    sourceless: bool


def peek(path: str) -> bytes:
    """A file's content, empty where it is no file. Raises CannotJudge where it cannot be read."""
    if not os.path.isfile(path):  # a dangling link, a folder, a pipe that would block
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise CannotJudge(f"cannot read {path}: {error.strerror}") from None


def pyproject_tables(path: str, where: str) -> tuple[dict[str, Any] | None, Any]:
    """``[tool.alembic]`` and ``[tool.migration-gate]``, None for one that is not there.

    Raises CannotJudge if the pyproject.toml may hold one of them and is not TOML.
    """
    content = peek(path)
    if not _OWN_TABLES.search(content):
        return None, None
    import tomllib

    try:
        tool = tomllib.loads(content.decode()).get("tool")
    except UnicodeDecodeError as error:
        raise CannotJudge(f"{where} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CannotJudge(f"{where} is not TOML: {error}") from None
    if not isinstance(tool, dict):
        return None, None
    alembic = tool.get("alembic")
    if alembic is not None and not isinstance(alembic, dict):
        raise CannotJudge(f"{where}: tool.alembic must be a table")
    for name in ("migration_gate", "migrationgate", "migration gate"):
        if name in tool:
            raise CannotJudge(f"{where} has [tool.{name}], which nobody reads: the table is [tool.migration-gate]")
    return alembic, tool.get("migration-gate")


def ini_options(path: str, where: str, toml: Mapping[str, Any] | None = None) -> list[tuple[str, Options]]:
    """The sections of an ini that ``alembic -n SECTION`` could mean, with their options.

    These are ``[alembic]`` and those with a ``script_location`` or ``version_locations`` of their
    own. ``toml`` is the ``[tool.alembic]`` of the pyproject.toml beside it, which fills in what the
    ini does not say (``alembic.config.Config.get_alembic_option``). Raises CannotJudge where
    Alembic could not read the file either.
    """
    parser, own = _parse_ini(path, where)
    names = ("script_location", "version_locations")
    sections = [
        section
        for section in parser.sections()
        if section == "alembic" or any(own.has_option(section, name) for name in names)
    ]
    if not sections and "script_location" in parser.defaults():
        sections = parser.sections()
    return [
        (section, read_options(os.path.dirname(path), where, toml, parser, section))
        for section in sections or ["alembic"]
    ]


def read_options(
    folder: str,
    where: str,
    toml: Mapping[str, Any] | None,
    parser: ConfigParser | None = None,
    section: str = "alembic",
) -> Options:
    """The options of an ini section, of ``[tool.alembic]`` alone, or of both, the ini first.

    As ``alembic.script.ScriptDirectory.from_config``. Raises CannotJudge where a value cannot be
    filled in or is of a type that Alembic does not take.
    """

    def ini(name: str) -> str | None:
        if parser is None or not parser.has_option(section, name):
            return None
        return _interpolated(parser, section, name, where)

    def text(name: str) -> str | None:
        value = ini(name)
        if value is None and name in (toml or {}):
            return _filled((toml or {})[name], folder, name, where)
        return value

    def switch(name: str) -> bool:
        value = ini(name)
        if value is not None:
            return value == "true"  # nothing else: get_alembic_boolean_option
        other = (toml or {}).get(name, False)
        if not isinstance(other, bool):
            raise CannotJudge(f"{where}: {name} in [tool.alembic] must be true or false")
        return other

    def several(name: str, separators: tuple[str, ...], legacy: str) -> tuple[str, ...]:
        value = ini(name)
        if not value:
            values = (toml or {}).get(name) or []
            if not isinstance(values, list):
                raise CannotJudge(f"{where}: {name} in [tool.alembic] must be a list of strings")
            return tuple(_filled(one, folder, name, where) for one in values)
        given = [(one, ini(one)) for one in separators]
        for option, choice in given:
            if choice is not None:
                if choice not in _SEPARATORS:
                    raise CannotJudge(
                        f"{where}: {option} = {choice!r} is not one of {', '.join(_SEPARATORS)}"
                        " (a comment needs a line of its own)"
                    )
                return tuple(x.strip() for x in value.split(_SEPARATORS[choice]) if x)
        return tuple(re.split(legacy, value))

    both = ("path_separator", "version_path_separator")
    return Options(
        script_location=text("script_location"),
        version_locations=several("version_locations", both, r", *|(?: +)"),
        prepend_sys_path=several("prepend_sys_path", both[:1], r", *|(?: +)|\:"),
        recursive=switch("recursive_version_locations"),
        sourceless=switch("sourceless"),
    )


def _parse_ini(path: str, where: str) -> tuple[ConfigParser, ConfigParser]:
    """The file as Alembic sees it, and again with [DEFAULT] as a section among others.

    What the parser says of errors quotes lines, and a line may hold a password.
    """
    import configparser

    content = peek(path)
    if b"\0" in content:
        raise CannotJudge(f"{where} holds a null byte: it is not a text file")
    try:
        text = content.decode()
        parser = configparser.ConfigParser({"here": os.path.dirname(path).replace(os.sep, "/")})
        parser.read_string(text)
        own = configparser.ConfigParser(default_section="")
        own.read_string(text)
    except UnicodeDecodeError as error:
        raise CannotJudge(f"{where} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except configparser.MissingSectionHeaderError as error:
        raise CannotJudge(f"{where}:{error.lineno} stands before any [section]") from None
    except configparser.DuplicateSectionError as error:
        raise CannotJudge(f"{where}:{error.lineno} has [{error.section}] a second time") from None
    except configparser.DuplicateOptionError as error:
        twice = f"{error.option} a second time in [{error.section}]"
        raise CannotJudge(f"{where}:{error.lineno} has {twice}") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 1
        raise CannotJudge(f"{where}:{line} is neither a [section] nor an `option = value`") from None
    except (configparser.Error, ValueError):
        raise CannotJudge(f"{where} cannot be read as an ini file") from None
    return parser, own


def _interpolated(parser: ConfigParser, section: str, name: str, where: str) -> str:
    import configparser

    try:
        return parser.get(section, name)
    except configparser.InterpolationMissingOptionError as error:
        why = f"%({error.reference})s is set nowhere in the file"
    except configparser.InterpolationDepthError:
        why = "its %(…)s refer to each other without end"
    except configparser.InterpolationError:
        why = "a % that stands for itself is written %%"
    raise CannotJudge(f"{where}: {name} in [{section}] cannot be filled in: {why}")


def _filled(value: Any, folder: str, name: str, where: str) -> str:
    """``%(here)s`` in a TOML string, by plain formatting: ``Config._get_toml_config_value``."""
    if not isinstance(value, str):
        raise CannotJudge(f"{where}: {name} in [tool.alembic] must be made of strings")
    try:
        return value % {"here": folder.replace(os.sep, "/")}
    except (KeyError, ValueError, TypeError):
        raise CannotJudge(
            f"{where}: {name} in [tool.alembic] cannot be filled in: only %(here)s is known,"
            " and a % that stands for itself is written %%"
        ) from None
