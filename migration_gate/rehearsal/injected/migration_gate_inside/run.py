"""Upgrades one project, and takes it down, as `alembic` or `flask db` would: a session that loads the project once and
then obeys the gate's commands, each on a database of its own.
"""

from __future__ import annotations

import os
import sys

sys.path.pop(0)  # this file's own folder, whose names are not for the project to import

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from migration_gate_inside import compare, observe, redirect, stop, watch
from migration_gate_inside.errors import say
from migration_gate_inside.job import emit, job, next_job

Obey = Callable[[], None]


def main() -> None:
    """The whole child process. Each command ends with an "obeyed" event; an "error" event says why one failed."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # where `alembic` and `flask` are run from; what is installed comes first
    sys.argv = ["alembic", "upgrade", "heads"]
    watch.compares = False
    obey: Obey | None = None
    while job().do != "end":
        passed = False
        try:
            obey = obey or _loaded()
            obey()
            passed = True
        except BaseException as error:  # SystemExit too
            say(error)
        observe.end()
        redirect.forget()
        emit("obeyed", number=job().number, passed=passed)
        next_job()


def _loaded() -> Obey:
    """Load the project; what is given back obeys the command that there is then."""
    try:
        from alembic import command  # noqa: F401
    except ImportError as error:
        raise RuntimeError(f"the project's Python ({sys.executable}) has no alembic: {error}") from error
    _keep_scripts()
    if job().kind != "flask":
        return lambda: _obey(_config())
    app = _flask_app()

    def obey() -> None:
        with app.app_context():
            from flask import current_app

            if "migrate" not in current_app.extensions:
                raise RuntimeError(
                    f"the Flask application {current_app.name!r} has no Migrate: is it the one that calls "
                    "Migrate(app, db)?"
                )
            migrate = current_app.extensions["migrate"].migrate
            _obey(migrate.get_config(job().directory, x_arg=job().x or None))

    return obey


def _keep_scripts() -> None:
    """Let Alembic load the revisions' files once, and not for each command: of hundreds that takes most of the time."""
    from alembic.script import ScriptDirectory

    kept: dict[tuple[Any, ...], Any] = {}
    load = ScriptDirectory.from_config

    def from_config(config: Any) -> Any:
        options = ("script_location", "version_locations", "recursive_version_locations")
        key = (config.config_file_name, config.config_ini_section, *map(config.get_main_option, options))
        if key not in kept:
            kept[key] = load(config)
        return kept[key]

    ScriptDirectory.from_config = from_config  # type: ignore[method-assign,assignment]


def _obey(config: Any) -> None:
    """One command. It compares afterwards and not as soon as an upgrade ends, because an application may upgrade while
    it is loaded, before all of its models are.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    if job().do == "call":
        _call(job().to[0])
        return
    if job().do == "apply":
        _apply(config, *job().to)
        return
    if job().do == "ask":
        _ask(config, ScriptDirectory.from_config(config))
        return
    if job().begin:
        _start(config)
    if job().watch:
        observe.begin(job().watch)
    if job().stop:
        stop.after(*job().stop)
    for revision in job().to:
        (command.downgrade if job().do == "downgrade" else command.upgrade)(config, revision)
    if job().compare:
        compare.compare(config, ScriptDirectory.from_config(config))


def _ask(config: Any, script: Any) -> None:
    """Run env.py as ``alembic current`` does: what it connects to and configures is told, and no revision runs."""
    from alembic.runtime.environment import EnvironmentContext

    with EnvironmentContext(config, script, fn=lambda heads, context: [], dont_mutate=True):
        script.run_env()


def _call(function: str) -> None:
    """A function of the project's own that puts rows into the database: ``function(connection)``, in a transaction."""
    from importlib import import_module

    from sqlalchemy import create_engine, make_url

    url = make_url(job().url)
    if url.drivername == "postgresql+asyncpg":  # the function is no coroutine
        url = url.set(drivername=f"postgresql+{'psycopg' if find_spec('psycopg') else 'psycopg2'}")
    module, _, name = function.partition(":")
    with create_engine(url).begin() as connection:
        getattr(import_module(module), name)(connection)


def _apply(config: Any, imports: str, body: str) -> None:
    """The body of an upgrade() that no file has yet, run as that of a revision would be."""
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config)

    def apply(heads: Any, context: Any) -> list[Any]:
        names: dict[str, Any] = {}
        exec(f"from alembic import op\nimport sqlalchemy as sa\n{imports}", names)  # noqa: S102
        with Operations.context(context):
            exec(body, names)  # noqa: S102
        return []

    with EnvironmentContext(config, script, fn=apply):
        script.run_env()


def _config() -> Any:
    """The project's Alembic configuration, with its URL set to the throwaway server's."""
    from alembic.config import Config

    words = argparse.Namespace(x=job().x, raiseerr=True)
    if job().toml_file:
        config: Any = Config(job().config_file, job().toml_file, ini_section=job().section, cmd_opts=words)
    else:
        config = Config(job().config_file, ini_section=job().section, cmd_opts=words)
    if job().script_location:
        config.set_main_option("script_location", job().script_location.replace("%", "%%"))
        if job().version_locations:
            config.set_main_option("path_separator", "newline")
            config.set_main_option("version_locations", "\n".join(job().version_locations).replace("%", "%%"))
    if not job().own:
        config.set_main_option("sqlalchemy.url", job().url.replace("%", "%%"))
    return config


def _flask_app() -> Any:
    """Load the application as the `flask` command would: FLASK_APP, .flaskenv, else wsgi.py or app.py."""
    try:
        from flask.cli import NoAppException, ScriptInfo, load_dotenv
    except ImportError as error:
        raise RuntimeError(f"the project's Python ({sys.executable}) has no flask: {error}") from error
    sys.argv = ["flask", "db", "upgrade"]
    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # as the command sets it; app.run() at a module's end then does nothing
    load_dotenv()
    name = job().flask_app or os.environ.get("FLASK_APP")
    try:
        return ScriptInfo(app_import_path=name).load_app()
    except NoAppException as error:
        lines = str(error.message).strip().split("\n")
        if "ImportError" in lines[0]:  # its traceback stands below
            raise ImportError(f"{lines[0]} {lines[-1]}") from error
        raise RuntimeError(
            f"Flask finds no application: {error.message} "
            'Name it in pyproject.toml, under [tool.migration-gate]: flask-app = "shop:create_app"'
        ) from error


def _start(config: Any) -> None:
    """Begin where the settings say: tables made by create_all, and a revision stamped."""
    if not job().create_all and not job().start_at:
        return
    from alembic import command
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    if job().create_all:
        script = ScriptDirectory.from_config(config)

        def make(heads: Any, context: Any) -> list[Any]:
            given = context.opts.get("target_metadata")
            for one in given if isinstance(given, list | tuple) else [given]:
                if one is not None:
                    # On a connection of its own: whether env.py commits this one is the revisions' matter.
                    with context.connection.engine.begin() as connection:
                        one.create_all(connection)
            return []

        with EnvironmentContext(config, script, fn=make):
            script.run_env()
    if job().start_at:
        command.stamp(config, job().start_at)


if __name__ == "__main__":
    main()
