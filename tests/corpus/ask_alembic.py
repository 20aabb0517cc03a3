"""What Alembic itself makes of a history. Run as a program, in a process of its own, by the test:

    python ask_alembic.py '{"config_file": …, "section": …, "directory": …, "version_locations": …}'

Nothing that the packages depend on is installed. Whatever a revision file imports and is not there
becomes a stub, so that Alembic can load every file.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
import types
import warnings
from unittest.mock import MagicMock


class Thing(MagicMock):
    """What a stub module holds. It may be a base class, and an expression to SQLAlchemy."""

    is_clause_element = False

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return ()

    def __clause_element__(self) -> object:
        from sqlalchemy import text

        return text("stub")


class Stub(types.ModuleType):
    __path__: list[str] = []  # so that submodules are asked for too  # noqa: RUF012

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return Thing(name=f"{self.__name__}.{name}")

    def __or__(self, other: object) -> object:  # in an annotation
        return self

    __ror__ = __or__


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: it finds everything that nobody else found."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


def main(asked: dict) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if asked["config_file"] and not asked["told"]:
        config = Config(asked["config_file"], ini_section=asked["section"])
        script = ScriptDirectory.from_config(config)
    else:
        script = ScriptDirectory(
            asked["directory"],
            version_locations=asked["version_locations"],
            recursive_version_locations=asked["recursive"],
        )
    sys.meta_path.append(Stubs())
    revisions = list(script.walk_revisions())
    parents = {one.revision: sorted(one._versioned_down_revisions) for one in revisions}
    answer = {
        "version_locations": [str(path.resolve()) for path in script._version_locations],
        "heads": sorted(script.get_heads()),
        "bases": sorted(script.get_bases()),
        "parents": parents,
    }
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(json.loads(sys.argv[1]))
