"""Writes one revision file as `alembic revision` and `alembic merge` would: by the project's own script.py.mako,
file_template, timezone and post-write hooks. A program of its own: what to write comes as JSON on standard input, and
what was written goes out as JSON.

The project's revisions are not imported: the gate has read what Alembic has to know of them. What does run of the
project's is its template, its hooks, and the new file itself; none of them may connect to a database by SQLAlchemy.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.pop(0)  # this file's own folder, whose names are not for the project to import
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn


class Job(NamedTuple):
    """See rehearsal/writing.py. Paths are absolute."""

    directory: str
    config_file: str | None
    section: str
    toml_file: str | None
    version_locations: list[str]
    revisions: list[list[Any]]  # id, parents, labels, dependencies, path of every revision that there is
    revision: str  # the new one's id
    message: str
    parents: list[str]
    blocks: dict[str, str]  # what the template is given besides: upgrades, downgrades, imports
    keep: bool  # whether the file is to stay


def main() -> None:
    sys.dont_write_bytecode = True
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # hooks print, and what they print is no answer
    sys.path.append(os.getcwd())
    try:
        said = _written(Job(**json.load(sys.stdin)))
    except ImportError as error:
        said = {"missing" if error.name == "alembic" else "error": str(error)}
    except BaseException as error:  # SystemExit too: a template may say it
        said = {"error": _reason(error)}
    with answer:
        json.dump(said, answer)


def _reason(error: BaseException) -> str:
    """What went wrong first: of a template Alembic itself says no more than the name of a file."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def _written(job: Job) -> dict[str, str]:
    from alembic.script import ScriptDirectory

    _refuse_connections()
    config = _config(job)
    value = str(_option(config, "revision_environment") or "").lower()
    if value in ("1", "true", "t", "yes", "y", "on"):
        return {"environment": "revision_environment"}
    script = ScriptDirectory.from_config(config)
    hooks = "hooks" if hasattr(script, "hooks") else "hook_config"  # as an older Alembic calls it
    given, place = getattr(script, hooks), _place(job)
    # What the file is called is for Alembic to say, and it would write over one that is there: so elsewhere first.
    with tempfile.TemporaryDirectory(prefix="migration-gate-") as folder:
        draft = Path(folder, "draft").resolve()
        draft.mkdir()
        tempfile.tempdir = folder  # where Alembic leaves its account of a template that fails
        setattr(script, hooks, None if job.keep else given)
        made = _generate(script, config, job, draft)
        path = place / made.relative_to(draft)
        if path.exists():
            return {"error": f"{path} is there already: file_template gives two revisions one name"}
        if job.keep:
            setattr(script, hooks, given)
            made = path = _generate(script, config, job, place)
        return {"path": str(path), "text": _text(made)}


def _text(path: Path) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def _place(job: Job) -> Path:
    """The version location that holds the first parent's file, as ``ScriptDirectory.generate_revision`` has it where
    that is not in a folder further down.
    """
    paths = {ident: Path(path) for ident, _, _, _, path in job.revisions}
    locations = [Path(one) for one in job.version_locations]
    for location in locations:
        if job.parents and paths[job.parents[0]].is_relative_to(location.resolve()):
            return location
    return locations[0]


def _generate(script: Any, config: Any, job: Job, location: Path) -> Path:
    """The new file, in one version location. Where Alembic fails after it has written it, it does not stay."""
    from alembic.script.revision import RevisionMap

    script.__dict__.pop("_version_locations", None)
    script.version_locations = [str(location)]
    script.revision_map = RevisionMap(lambda: _scripts(job))
    before = set(location.rglob("*.py")) if location.is_dir() else set()
    try:
        made = script.generate_revision(
            job.revision,
            job.message,
            refresh=True,
            head=job.parents,
            version_path=str(location),
            config=config,
            **job.blocks,
        )
        if made is None:
            raise RuntimeError("script.py.mako makes a file that is no revision")
        return Path(made.path)
    except BaseException:
        for path in set(location.rglob("*.py")) - before:
            path.unlink()
        raise


def _scripts(job: Job) -> Iterator[Any]:
    from alembic.script import Script

    for ident, down, labels, dependencies, path in job.revisions:
        module: Any = SimpleNamespace(
            __doc__="", down_revision=tuple(down) or None, branch_labels=labels, depends_on=tuple(dependencies) or None
        )
        yield Script(module, ident, path)


def _config(job: Job) -> Any:
    from alembic.config import Config

    words = SimpleNamespace(x=[], raiseerr=True)
    toml = [job.toml_file] if job.toml_file else []
    config: Any = Config(job.config_file, *toml, ini_section=job.section, cmd_opts=words)
    config.set_main_option("script_location", job.directory.replace("%", "%%"))
    return config


def _option(config: Any, name: str) -> Any:
    """From the ini or, since Alembic 1.16, pyproject.toml."""
    return getattr(config, "get_alembic_option", config.get_main_option)(name)


def _refuse_connections() -> None:
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
    except ImportError:
        return

    def refuse(*_: Any) -> NoReturn:
        raise ConnectionError("nothing may connect to a database while a revision is written")

    event.listen(Engine, "do_connect", refuse)


if __name__ == "__main__":
    main()
