"""Writes a revision file by the project's own Alembic: its template, file names, time zone and post-write hooks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.rehearsal.environment import interpreter

PROGRAM = Path(__file__).parent / "injected" / "migration_gate_inside" / "write.py"
SECONDS = 60  # for the whole of it: a hook may start a formatter
GRACE = 3  # seconds, when that is over


class Written(NamedTuple):
    """A new revision's file, as it is or, where it was not kept, as it would be."""

    revision: str
    path: Path
    text: bytes


def written(
    project: Project,
    history: History,
    message: str,
    parents: tuple[str, ...],
    upgrades: str = "",
    downgrades: str = "",
    imports: str = "",
    keep: bool = True,
) -> Written:
    """Write a revision that comes after ``parents``, heads of a sound history; several make it a merge. ``upgrades``
    and ``downgrades`` are statements, not indented, for the two functions ("" is ``pass``), ``imports`` are lines for
    the file's beginning. Without ``keep`` nothing stays in the project.

    A hook that looks for its settings around the file sees the project's only where the file is kept. Neither env.py
    nor the application runs; where the project's template or settings want one of them, and where the project's Python
    has no alembic, CannotJudge says what to type.
    """
    words = ["merge", *parents] if len(parents) > 1 else ["revision"]
    by_hand = " ".join([*words, "-m", quote(message)])
    by_hand = command(project, by_hand, by_hand)
    if '"""' in message or "\0" in message:
        raise CannotJudge('the message would end the docstring that it goes into: leave the """ out')
    with suppress(OSError):
        if b"current_app" in (project.directory / "script.py.mako").read_bytes():
            raise CannotJudge(
                f"script.py.mako of {project.name} asks the application, which is not run for this: {by_hand}"
            )
    ident = uuid.uuid4().hex[-12:]  # as alembic.util.rev_id
    said = _run(project, _job(project, history, ident, message, parents, keep, _blocks(upgrades, downgrades, imports)))
    if "environment" in said:
        raise CannotJudge(f"{project.name} has revision_environment = true, and env.py is not run for this: {by_hand}")
    if "missing" in said:
        raise CannotJudge(
            f"{interpreter(project)} has no alembic ({said['missing']}): install migration-gate[ci], or name the "
            "project's own interpreter by python in [tool.migration-gate]"
        )
    if "error" in said:
        reason = " ".join(said["error"].split())
        raise CannotJudge(f"{project.name}: Alembic could not write the revision: {reason}")
    return Written(ident, Path(said["path"]), said["text"].encode("utf-8", "surrogateescape"))


def _blocks(upgrades: str, downgrades: str, imports: str) -> dict[str, str]:
    """The template's own variables; it indents the first line of a function's body, as autogenerate counts on."""
    bodies = {"upgrades": upgrades, "downgrades": downgrades}
    given = {
        name: "\n".join(f"    {line}" if line else "" for line in text.strip("\n").split("\n")).strip()
        for name, text in bodies.items()
    }
    return {name: text for name, text in (given | {"imports": imports}).items() if text}


def _job(
    project: Project,
    history: History,
    ident: str,
    message: str,
    parents: tuple[str, ...],
    keep: bool,
    blocks: dict[str, str],
) -> dict[str, Any]:
    return {
        "directory": str(project.directory),
        "config_file": str(project.config_file) if project.config_file else None,
        "section": project.section,
        "toml_file": str(project.toml_file) if project.toml_file else None,
        "version_locations": [str(one) for one in project.version_locations],
        "revisions": [
            [one.id, one.down, one.labels, one.depends_on, str(one.path)] for one in history.revisions.values()
        ],
        "revision": ident,
        "message": message,
        "parents": parents,
        "blocks": blocks,
        "keep": keep,
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs, and all that it started. It is asked first, and takes back what it has written by then."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _run(project: Project, job: dict[str, Any]) -> dict[str, str]:
    """The program's answer. What it started ends with it, and where its time is up."""
    python = interpreter(project)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
        given.write(json.dumps(job).encode())
        given.seek(0)
        try:
            process = subprocess.Popen(
                [python, str(PROGRAM)],
                stdin=given,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                cwd=project.working_directory,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotJudge(f"cannot run {python}, which the setting `python` names: {error.strerror}") from None
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise CannotJudge(
                f"{project.name}: the revision was not written in {SECONDS} seconds: do its post-write hooks wait?"
            ) from None
        finally:
            _end(process)
        answer.seek(0)
        with suppress(ValueError):
            return dict(json.loads(answer.read()))
    return {"error": f"{python} stopped with exit status {process.returncode}"}
