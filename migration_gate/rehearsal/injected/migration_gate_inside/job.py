"""What a process of the rehearsal was told to do, and how it reports what it sees."""

from __future__ import annotations

import json
import os
import time
from typing import Any, NamedTuple


class Job(NamedTuple):
    """Written by the gate as JSON, into the folder that MIGRATION_GATE_JOB names; see rehearsal/child.py."""

    folder: str  # private to this run: events, requests, logs
    gate: int  # the gate's own pid
    deadline: float  # time.time() at which the process has to be gone
    host: str
    port: int
    user: str
    password: str
    query: dict[str, str]  # what libpq's drivers need besides, such as sslmode
    primary: str  # the database that the URL in the environment names
    own: bool  # the environment and the URL are the project's own: what it asks for is told, and it gets a throwaway
    allow: list[list[Any]]  # [host, port] pairs that the project's code may reach besides
    # how to upgrade; unused by a process that an upgrade-command started
    kind: str
    directory: str
    config_file: str | None
    section: str
    toml_file: str | None
    script_location: str | None
    version_locations: list[str]
    flask_app: str | None
    x: list[str]
    url: str
    start_at: str | None
    create_all: bool
    start_from: str | None
    # what to do now, and as which command of the session
    number: int
    do: str  # "upgrade", "downgrade", "call", "apply", "ask" or "end"
    to: list[str]  # revisions, one after the other; of "call" the function, "package.module:name"; of "apply" the code
    begin: bool  # where the settings say: create_all, stamp
    compare: bool  # with the models afterwards
    watch: list[str]  # the revisions whose statements are told of
    stop: list[Any] | None  # [revision, how many of its statements run]


_job: Job | None = None
_asked = 0


def next_job() -> Job:
    """The next command's job, when it has come: the gate writes it, and then a file that says so."""
    global _job
    number = job().number + 1
    while not os.path.exists(os.path.join(job().folder, f"go-{number}")):
        time.sleep(0.002)
    _job = None
    return job()


def job() -> Job:
    """This process's job. Raises KeyError outside of a rehearsal."""
    global _job
    if _job is None:
        with open(os.path.join(os.environ["MIGRATION_GATE_JOB"], "job.json"), encoding="utf-8") as file:
            _job = Job(**json.load(file))
    return _job


def emit(kind: str, **data: Any) -> None:
    """Append one event. A single write to a file opened for appending: events of several processes do not mix."""
    line = json.dumps({"event": kind, "pid": os.getpid(), **data}, default=str) + "\n"
    handle = os.open(os.path.join(job().folder, "events"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode("utf-8", "backslashreplace"))
    finally:
        os.close(handle)


def ask(kind: str, **data: Any) -> Any:
    """Ask the gate something, as an event, and wait for its answer, which is JSON. Raises TimeoutError where none comes
    in time; None is the answer of a gate that does not know the question.
    """
    global _asked
    _asked += 1
    key = f"{job().number}-{os.getpid()}-{_asked}"
    emit(kind, key=key, **data)
    path = os.path.join(job().folder, "answer-" + key)
    while time.time() < job().deadline:
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            time.sleep(0.002)
    raise TimeoutError("migration-gate did not answer in time")
