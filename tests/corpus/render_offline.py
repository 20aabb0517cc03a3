"""What Alembic itself makes of each revision: the SQL that it would send to PostgreSQL, and from which line.

Run as a program, in a process of its own, by the test; what it is asked comes as JSON on its standard input, one
answer a line goes to the file named there:

    python render_offline.py <<< '{"paths": […], "directory": …, "config_file": …, "files": […], "answers": …}'

Each revision runs alone, without env.py, on a database that is not there (offline_database.py), once where nothing
exists and once where everything does. The project's own modules are the real ones, as far as they can be imported
without what they depend on; the rest are stubs (ask_alembic.py).
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import json
import logging
import os
import re
import signal
import socket
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import ask_alembic
from offline_database import WORLDS, World, engine

SECONDS = 20  # for one revision in one world
SESSION = os.path.join("sqlalchemy", "orm", "session.py")
NAME = re.compile(r"[A-Za-z_]\w{0,62}")


class TooLong(Exception):  # noqa: N818
    pass


class Real(importlib.machinery.SourceFileLoader):
    """A module of the project's own: as much of it as can be run, and stubs for the rest."""

    def exec_module(self, module: types.ModuleType) -> None:
        try:
            super().exec_module(module)
        except TooLong:
            raise
        except Exception:
            module.__getattr__ = lambda name: _submodule(module, name) or ask_alembic.Stub.__getattr__(module, name)
        else:
            if "__getattr__" not in vars(module):
                module.__getattr__ = lambda name: _found(_submodule(module, name), module, name)


def _submodule(module: types.ModuleType, name: str) -> types.ModuleType | None:
    """A module of the package that env.py would have imported by now."""
    if name.startswith("__") or not hasattr(module, "__path__"):
        return None
    try:
        return importlib.import_module(f"{module.__name__}.{name}") if _exists(module, name) else None
    except ImportError:
        return None


def _exists(module: types.ModuleType, name: str) -> bool:
    return importlib.machinery.PathFinder.find_spec(f"{module.__name__}.{name}", module.__path__) is not None


def _found(value: types.ModuleType | None, module: types.ModuleType, name: str) -> types.ModuleType:
    if value is None:
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    return value


class Options(dict):
    """The options of the migration context; what env.py would have put there is a stub. A prefix of names is what the
    reader writes where it knows a part of a name.
    """

    def __missing__(self, name: str) -> object:
        return "…" if name.endswith("prefix") else ask_alembic.Thing(name=name)


class Modules:
    """The first finder: it finds what the package ships, before anything that happens to be installed."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path if path is not None else self.paths)
        if spec is None or type(spec.loader) is not importlib.machinery.SourceFileLoader:
            return None
        if not any(str(spec.origin).startswith(one + os.sep) for one in self.paths):
            return None
        spec.loader = Real(spec.loader.name, spec.loader.path)
        return spec


class Recorder:
    """Each statement with the lines of the migration that were being run, outermost first, and whether a session sent
    it later than the line that asked for it.
    """

    def __init__(self, paths: list[str]) -> None:
        self.paths = tuple(one + os.sep for one in paths)
        self.statements: list[tuple[str, tuple[int, ...], bool]] = []
        self.file = ""
        self.queued: tuple[int, ...] | None = None
        self.ran: set[tuple[str, int]] = set()

    def begin(self, file: str) -> None:
        self.file, self.queued = file, None

    def write(self, sql: str) -> None:
        frames = list(_frames())
        flushed = any(one.f_code.co_name == "flush" and one.f_code.co_filename.endswith(SESSION) for one in frames)
        self.statements.append((sql, self.queued or self.here(), flushed))

    def here(self) -> tuple[int, ...]:
        return tuple(reversed([one.f_lineno for one in _frames() if one.f_code.co_filename == self.file]))

    def trace(self, frame, event, argument):
        """For ``sys.settrace``: the lines of the project's own files that are run."""
        file = frame.f_code.co_filename
        if not file.startswith(self.paths):
            return None
        if event == "line":
            self.ran.add((file, frame.f_lineno))
        return self.trace


def _frames() -> Iterator[types.FrameType]:
    frame = sys._getframe(1)
    while frame:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


class Queue(list):
    """What a batch collects until its end, each with the line that asked for it."""

    recorder: Recorder

    def append(self, one: object) -> None:
        super().append((one, self.recorder.here()))

    def __iter__(self):
        for one, lines in super().__iter__():
            self.recorder.queued = lines
            yield one
        self.recorder.queued = None


def main(asked: dict) -> None:
    from alembic.config import Config
    from alembic.operations.batch import BatchOperationsImpl
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    recorder = Recorder(asked["paths"])
    Queue.recorder = recorder
    plain = BatchOperationsImpl.__init__

    def init(self, *args, **keywords):
        plain(self, *args, **keywords)
        self.batch = Queue()

    BatchOperationsImpl.__init__ = init  # type: ignore[method-assign]
    world = World(recorder.write)
    database = engine(world)
    config = Config(asked["config_file"], ini_section=asked["section"]) if asked["config_file"] else Config()
    config.set_main_option("script_location", asked["directory"].replace("%", "%%"))
    script = ScriptDirectory(asked["directory"])
    sys.path.append(asked["site"])
    sys.meta_path.insert(0, Modules(asked["paths"]))
    sys.meta_path.append(ask_alembic.Stubs())
    signal.signal(signal.SIGALRM, _stop)
    with open(asked["answers"], "w") as answers, EnvironmentContext(config, script) as context:
        for file in asked["files"]:
            answer = rendered(file, context, database, world, recorder)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def rendered(file: str, context, database, world: World, recorder: Recorder) -> dict:
    """``{"file", "worlds": {name: {"error", "statements": [[sql, lines, flushed], …], "ran", "failed"}}}``: the lines
    of the project's files that ran, and those of them that ended in the error, each as ``[file, line]``.
    """
    answer: dict = {"file": file, "worlds": {}}
    for name in WORLDS:
        recorder.begin(file)
        recorder.statements, recorder.ran = [], set()
        signal.alarm(SECONDS)
        error: BaseException | None = None
        try:
            run(file, context, database, world, recorder, name)
        except (Exception, SystemExit) as problem:
            error = problem
        finally:
            sys.settrace(None)
            signal.alarm(0)
        answer["worlds"][name] = {
            "error": _short(error) if error else None,
            "statements": recorder.statements,
            "ran": sorted(recorder.ran),
            "failed": [*_lines(error, recorder.paths), *((file, one) for one in recorder.queued or ())],
        }
    return answer


def run(file: str, context, database, world: World, recorder: Recorder, name: str) -> None:
    from alembic.operations import Operations

    world.begin("empty", ())
    with database.connect() as connection:
        context.configure(connection=connection)
        migration_context = context.get_context()
        migration_context.opts = Options(migration_context.opts)
        with Operations.context(migration_context):
            module = load(file)
            entries = [module.upgrade]
            if module.upgrade.__code__.co_argcount:  # flask db init --multidb
                entries = [one for name, one in vars(module).items() if name.startswith("upgrade_")]
            recorder.statements.clear()
            world.begin(name, names(file, module))
            sys.settrace(recorder.trace)
            for entry in entries:
                entry()


def load(file: str) -> types.ModuleType:
    sys.path.insert(0, os.path.dirname(file))
    spec = importlib.util.spec_from_file_location("revision_" + re.sub(r"\W", "_", Path(file).stem), file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def names(file: str, module: types.ModuleType) -> list[str]:
    """Every word that the revision, or a module of the project's that it uses, writes as a string or an attribute."""
    used = {getattr(one, "__module__", None) or getattr(one, "__name__", "") for one in vars(module).values()}
    files = [file]
    for name in sorted(one for one in used if isinstance(one, str)):
        found = sys.modules.get(name)
        if found is not None and isinstance(getattr(found, "__loader__", None), Real):
            files.append(str(found.__file__))
    words: dict[str, None] = {}
    for node in (node for one in files for node in ast.walk(ast.parse(Path(one).read_bytes()))):
        if isinstance(node, ast.Attribute):
            words[node.attr] = None
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            words[node.value] = None
    return list(words)


def _stop(number: int, frame: object) -> None:
    raise TooLong(f"more than {SECONDS} s")


def _short(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said:.200} [{Path(last.filename).name}:{last.lineno}]"


def _lines(error: BaseException | None, paths: tuple[str, ...]) -> list[tuple[str, int]]:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return [(one.filename, one.lineno) for one in frames if one.filename.startswith(paths) and one.lineno]


def _refuse(*args: object) -> None:
    raise ConnectionRefusedError("no network here")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    socket.socket.connect = _refuse  # type: ignore[method-assign,assignment]
    main(json.load(sys.stdin))
