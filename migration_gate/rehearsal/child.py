"""Runs the project's upgrade in a child process, guarded and redirected, and collects what it reports.

The guards travel by PYTHONPATH: ``injected/sitecustomize.py`` is imported first by every Python process that the
upgrade starts, so an upgrade-command of the project's own is watched in the same way as ``alembic upgrade``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server
from migration_gate.project.model import Project
from migration_gate.rehearsal.environment import filled, interpreter, url_for, variables

INJECTED = Path(__file__).parent / "injected"
GRACE = 3  # seconds that the child has to say where it was, after its time is up

Event = dict[str, Any]


class Ran(NamedTuple):
    """One upgrade: what it reported, how it ended, and how long it took. ``log`` is the end of what it printed."""

    events: tuple[Event, ...]
    status: int
    log: str
    seconds: float

    def of(self, kind: str) -> list[Event]:
        return [one for one in self.events if one["event"] == kind]


def upgrade(
    project: Project,
    server: Server,
    primary: str,
    make: Callable[[str], None],
    seen: Callable[[Event], None],
    instead: tuple[str, ...] = (),
) -> Ran:
    """Upgrade ``project`` from where its settings begin to its heads, on databases of ``server``. ``instead`` names
    another of the injected programs to run, with its arguments.

    ``primary`` is the database that the URL in the environment names; ``make(name)`` makes a further one when the
    project asks for another; ``seen`` is told of every event. Raises CannotJudge where the command cannot be started.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="migration-gate-") as folder:
        _write_job(Path(folder), project, server, primary)
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = _start(project, server, primary, variables(project, server, primary, folder), output, instead)
            try:
                events = _follow(process, Path(folder), project.settings.time_limit, primary, make, seen)
            finally:
                _end(process)
        text = redacted(log.read_text("utf-8", errors="replace")[-20_000:])
    return Ran(tuple(events), process.returncode, text, time.monotonic() - started)


def _write_job(folder: Path, project: Project, server: Server, primary: str) -> None:
    settings = project.settings
    job = {
        "folder": str(folder),
        "gate": os.getpid(),
        "deadline": time.time() + settings.time_limit,
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "query": dict(parse_qsl(server.query)),
        "primary": primary,
        "allow": [_host_and_port(one) for one in settings.allow_connections],
        "kind": project.kind,
        "directory": str(project.directory),
        "config_file": str(project.config_file) if project.config_file else None,
        "section": project.section,
        "toml_file": str(project.toml_file) if project.toml_file else None,
        "script_location": None if project.config_file or project.toml_file else str(project.directory),
        "version_locations": [str(one) for one in project.version_locations],
        "flask_app": settings.flask_app,
        "x": list(settings.x),
        "url": url_for(project, server, primary),
        "start_at": settings.start_at,
        "create_all": settings.start_from == "create_all",
        "start_from": settings.start_from,
    }
    descriptor = os.open(folder / "job.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(job, file)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise CannotJudge(f'allow-connections names {text!r}: write host:port, as in "vault.internal:443"')
    return host.strip("[]"), int(port)


def _own_command(project: Project, server: Server, database: str) -> list[str]:
    """The words of ``upgrade-command``, with {url} and its parts filled in."""
    settings = project.settings
    if settings.start_at or settings.start_from == "create_all":
        raise CannotJudge(
            'start-at and start-from = "create_all" are for `alembic upgrade`, and do not go with upgrade-command: '
            "begin with an SQL file (start-from), or let the command begin where it should"
        )
    try:
        return [filled(word, server, database) for word in shlex.split(settings.upgrade_command or "")]
    except ValueError as error:
        raise CannotJudge(f"upgrade-command cannot be split into words: {error}") from error


def _start(
    project: Project,
    server: Server,
    database: str,
    environment: dict[str, str],
    output: Any,
    instead: tuple[str, ...],
) -> subprocess.Popen[bytes]:
    # By its path, not by -m, which would put the working directory before everything that is installed.
    program, *arguments = instead or ("run.py",)
    command = [interpreter(project), str(INJECTED / "migration_gate_inside" / program), *arguments]
    own = project.settings.upgrade_command and not instead
    if own:
        command = _own_command(project, server, database)
    try:
        return subprocess.Popen(
            command,
            cwd=project.settings_folder if own else project.working_directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the gate's; it ends the whole group
        )
    except OSError as error:
        raise CannotJudge(f"cannot start `{command[0]}`: {error.strerror}") from error


def _follow(
    process: subprocess.Popen[bytes],
    folder: Path,
    limit: int,
    primary: str,
    make: Callable[[str], None],
    seen: Callable[[Event], None],
) -> list[Event]:
    """Read events until the process has ended, making the databases that it asks for."""
    deadline = time.monotonic() + limit + GRACE
    events: list[Event] = []
    offset, made, primary_taken = 0, 0, False
    while True:
        ended = process.poll() is not None
        new, offset = _read(folder / "events", offset)
        for event in new:
            if event["event"] == "database" and not (folder / f"database-{event['key']}").exists():
                # The first database that is asked for, under whatever name, is the one that the URL names.
                if event["own"] or not primary_taken:
                    name, primary_taken = primary, True
                else:
                    made += 1
                    name = f"{primary}_{made}"
                    make(name)
                event["name"] = name
                _answer(folder / f"database-{event['key']}", name)
            events.append(event)
            seen(event)
        if ended:
            return events
        if time.monotonic() > deadline:
            events.append({"event": "too-long", "path": None, "line": None})
            return events
        time.sleep(0.01)


def _read(path: Path, offset: int) -> tuple[list[Event], int]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return [], offset
    whole = text[: text.rfind(b"\n") + 1]
    return [_without_passwords(json.loads(line)) for line in whole.split(b"\n") if line], offset + len(whole)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_passwords(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_passwords(one) for one in value]
    return redacted(value) if isinstance(value, str) else value


def redacted(text: str) -> str:
    """Text with the passwords of URLs and of libpq's connection strings hidden."""
    text = re.sub(r"(\w+://[^:/@\s]*:)[^@\s]+@", r"\1***@", text)
    return re.sub(
        r"(passw(?:or)?d\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s'\"]+)",
        r"\1***",
        text,
        flags=re.IGNORECASE,
    )


def _answer(path: Path, name: str) -> None:
    draft = path.with_name("new-" + path.name)
    draft.write_text(name, encoding="utf-8")
    draft.rename(path)  # whole or not at all: the child polls for it


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
