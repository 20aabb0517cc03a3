"""Runs the project's upgrades in a child process, guarded and redirected, and collects what it reports.

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
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server
from migration_gate.project.model import Project
from migration_gate.rehearsal.environment import filled, interpreter, url_for, variables

INJECTED = Path(__file__).parent / "injected"
ASKS = ("declare", "differ")  # events that wait for an answer
GRACE = 3  # seconds that the child has to say where it was, after its time is up

Event = dict[str, Any]
Answers = Mapping[str, Callable[[Event], Any]]


class Ran(NamedTuple):
    """One upgrade: what it reported, how it ended, and how long it took. ``log`` is the end of what it printed."""

    events: tuple[Event, ...]
    status: int
    log: str
    seconds: float

    def of(self, kind: str) -> list[Event]:
        return [one for one in self.events if one["event"] == kind]

    @property
    def ended_by(self) -> Event | None:
        """What ended it before its end: an error, or that its time was up."""
        return next((one for one in self.events if one["event"] in ("error", "too-long")), None)


class Command(NamedTuple):
    """What a session's process is told to do: upgrade or downgrade a database to some revisions, one after the other,
    call a function of the project's own, "package.module:name", with a connection to it, apply the code of an
    ``upgrade()``, its imports and its body, or run env.py and no revision.

    ``begin`` begins where the settings say (start-at, create_all); ``compare`` asks autogenerate afterwards; of the
    revisions in ``watch`` each statement is told; ``stop`` ends one of them after so many of its statements.
    """

    do: Literal["upgrade", "downgrade", "call", "apply", "ask", "end"] = "upgrade"
    to: tuple[str, ...] = ("heads",)
    begin: bool = False
    compare: bool = False
    watch: tuple[str, ...] = ()
    stop: tuple[str, int] | None = None


class Session:
    """The project's own process, guarded and redirected, which loads the project once and obeys several commands, each
    on a database that the gate has made. An upgrade-command of the project's own is a process for one command.

    ``make(name)`` makes a database; ``seen`` is told of every event. ``instead`` names another of the injected
    programs, with its arguments, which runs for one command. ``answers`` are what the process may ask, by the kind of
    event: what they give is sent back as JSON. ``own`` is an environment that stays as it is, and so does the URL;
    connections are taken to the throwaway server all the same, and ``told`` knows what they were.
    """

    def __init__(
        self,
        project: Project,
        server: Server,
        make: Callable[[str], None],
        seen: Callable[[Event], None],
        instead: tuple[str, ...] = (),
        answers: Answers | None = None,
        own: Mapping[str, str] | None = None,
    ) -> None:
        self.project, self.server, self.make, self.seen, self.instead = project, server, make, seen, instead
        self.answers, self.own = answers or {}, own
        self.once = bool(instead or project.settings.upgrade_command)  # the process ends by itself
        self.deadline = time.monotonic() + project.settings.time_limit
        self.number = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.offset = 0  # in the file of events
        self.printed = 0  # in the log
        self.asked: dict[str, int] = {}  # which database the project asks for → 0 for the primary, 1, 2 …
        self.made: set[str] = set()

    def __enter__(self) -> Session:
        self.temporary = tempfile.TemporaryDirectory(prefix="migration-gate-")
        self.folder = Path(self.temporary.name)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.process and self.process.poll() is None and not self.once:
                self._tell(Command("end"), "")
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(1)
        finally:
            if self.process:
                _end(self.process)
            self.temporary.cleanup()

    def run(self, command: Command, primary: str) -> Ran:
        """Obey one command. ``primary`` is the database that the URL in the environment names; further ones that the
        project asks for are called after it. Raises CannotJudge where the process cannot be started.
        """
        started = time.monotonic()
        self._tell(command, primary)
        if self.process is None:
            with (self.folder / "log").open("ab") as output:
                environment = variables(self.project, self.server, primary, str(self.folder), self.own)
                self.process = _start(self.project, self.server, primary, environment, output, self.instead)
        events = self._follow(primary)
        ended = self.process.poll()
        passed = not self.once and any(one["event"] == "obeyed" and one["passed"] for one in events)
        status = ended if ended is not None else 0 if passed else 1
        with (self.folder / "log").open("rb") as log:
            log.seek(self.printed)
            text = log.read()
        self.printed += len(text)
        said = redacted(text.decode("utf-8", errors="replace")[-20_000:])
        return Ran(tuple(events), status, said, time.monotonic() - started)

    def others(self) -> list[int]:
        """The numbers of the databases that the project has asked for besides the primary one."""
        return sorted(set(self.asked.values()) - {0})

    def told(self, which: str) -> dict[str, Any]:
        """How the project would have connected to one of the databases that it asked for: ``driver``, ``dsn``,
        ``parameters`` with the password, and ``other``, the names of those that are no plain values.
        """
        try:
            return dict(json.loads((self.folder / f"asked-{which}").read_bytes()))
        except FileNotFoundError:
            return {}

    def _tell(self, command: Command, primary: str) -> None:
        self.number += 1
        _write_job(
            self.folder, self.project, self.server, primary, self.number, command, self.deadline, self.own is not None
        )
        (self.folder / f"go-{self.number}").touch()

    def _follow(self, primary: str) -> list[Event]:
        """Read events until the command has been obeyed or the process has ended, making the databases that it asks
        for.
        """
        assert self.process
        events: list[Event] = []
        while True:
            ended = self.process.poll() is not None
            new, self.offset = _read(self.folder / "events", self.offset)
            for event in new:
                if event["event"] == "database":
                    self._give(event, primary)
                elif event["event"] in ASKS:
                    known = self.answers.get(event["event"])
                    answer = known(event) if known else None
                    _answer(self.folder / f"answer-{event['key']}", json.dumps(answer))
                events.append(event)
                self.seen(event)
            if ended or any(one["event"] == "obeyed" and one["number"] == self.number for one in new):
                return events
            if time.monotonic() > self.deadline + GRACE:
                events.append({"event": "too-long", "path": None, "line": None})
                _end(self.process)
                return events
            time.sleep(0.003)

    def _give(self, event: Event, primary: str) -> None:
        """Answer which database stands for one that is asked for. The first, under whatever name, is the one that the
        URL names.
        """
        answer = self.folder / f"database-{event['key']}"
        if answer.exists():
            return
        number = self.asked.setdefault(event["which"], 0 if event["own"] else len(self.asked))
        name = f"{primary}_{number}" if number else primary
        if number and name not in self.made:
            self.made.add(name)
            self.make(name)
        event["name"] = name
        _answer(answer, name)


def once(
    project: Project,
    server: Server,
    primary: str,
    make: Callable[[str], None],
    seen: Callable[[Event], None],
    instead: tuple[str, ...] = (),
) -> Ran:
    """One command in a process of its own: an upgrade from where the settings begin to the heads, or a program."""
    with Session(project, server, make, seen, instead) as session:
        return session.run(Command(begin=True), primary)


def _write_job(
    folder: Path,
    project: Project,
    server: Server,
    primary: str,
    number: int,
    command: Command,
    deadline: float,
    own: bool = False,
) -> None:
    settings = project.settings
    job = {
        "folder": str(folder),
        "gate": os.getpid(),
        "deadline": time.time() + deadline - time.monotonic(),
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "query": dict(parse_qsl(server.query)),
        "primary": primary,
        "own": own,
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
        "number": number,
        **command._asdict(),
    }
    draft = folder / f"job-{number}.json"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(job, file)
    draft.replace(folder / "job.json")


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
