"""Refuses every connection that is not to a throwaway database, below SQLAlchemy: at the drivers, which may be called
without it, and at Python's own sockets. Where the kernel can (sandbox.py), it refuses them once more.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any

from migration_gate_inside import imports
from migration_gate_inside.job import emit, job

_SETTING = (
    "In pyproject.toml, under [tool.migration-gate]: if it reads its URL from a variable, "
    'environment = { THE_VARIABLE = "{url}" }; if it is no database, allow-connections = ["host:port"]'
)


also: set[str] = set()  # databases of the gate's own that a driver may go to besides those that were asked for


class Refused(ConnectionError):  # noqa: N818 (the word of its message)
    """A connection that the project's code asked for and may not have during a rehearsal."""


def refuse(target: str, what: str) -> Refused:
    """The error to raise; it is reported even where the project's code swallows it."""
    from migration_gate_inside.errors import place_in_frames

    emit("refused", target=target, what=what, **place_in_frames(sys._getframe(1)))
    return Refused(f"migration-gate refused a connection to {target}: {what}")


def install() -> None:
    """Watch Python's sockets, and the drivers as they are imported."""
    sys.addaudithook(_audit)
    if job().own:
        sys.addaudithook(_audit_processes)
    imports.after("psycopg.generators", _guard_psycopg)
    imports.after("psycopg2", _guard_psycopg2)
    imports.after("asyncpg.connect_utils", _guard_asyncpg)
    imports.after("pg8000.core", _guard_pg8000)
    imports.after("subprocess", _guard_subprocess)


@cache
def own_hosts() -> frozenset[str]:
    """Every name and address of the throwaway server."""
    host = job().host
    names = {host}
    if host in ("127.0.0.1", "localhost"):
        names |= {"127.0.0.1", "localhost"} | ({"::1"} if host == "localhost" else set())
    else:
        with suppress(OSError):
            names |= {str(found[4][0]) for found in socket.getaddrinfo(host, job().port)}
    return frozenset(names)


def _check(host: object, port: object, database: object) -> None:
    """Let a driver go to one of the gate's own databases, and nowhere else."""
    folder = job().folder
    if str(host) in own_hosts() and str(port) == str(job().port):
        if str(database) == job().primary or str(database) in also:
            return
        for name in os.listdir(folder):
            if name.startswith("database-"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    if file.read() == str(database):
                        return
    raise refuse(
        f"{host}:{port}/{database}",
        "the project's code connects by itself, past SQLAlchemy's engine (creator=, or a driver's connect()), "
        f"and the gate cannot take it to the throwaway database. {_SETTING}",
    )


# ── drivers ──────────────────────────────────────────────────────────────────────────────────────────────


def _check_conninfo(parameters: dict[str, Any]) -> None:
    host = parameters.get("hostaddr") or parameters.get("host") or os.environ.get("PGHOST")
    if parameters.get("service"):
        host = f"service={parameters['service']}"
    port = parameters.get("port") or os.environ.get("PGPORT")
    _check(host, port, parameters.get("dbname") or os.environ.get("PGDATABASE"))


def _guard_psycopg(generators: ModuleType) -> None:
    real = generators.connect

    def connect(conninfo: str, *args: Any, **keywords: Any) -> Any:
        from psycopg.conninfo import conninfo_to_dict

        _check_conninfo(dict(conninfo_to_dict(conninfo)))
        return real(conninfo, *args, **keywords)

    generators.connect = connect  # type: ignore[attr-defined]


def _guard_psycopg2(psycopg2: ModuleType) -> None:
    from psycopg2.extensions import parse_dsn

    real = psycopg2._connect

    def connect(dsn: str, *args: Any, **keywords: Any) -> Any:
        _check_conninfo(parse_dsn(dsn))
        return real(dsn, *args, **keywords)

    psycopg2._connect = connect  # type: ignore[attr-defined]


def _guard_asyncpg(connect_utils: ModuleType) -> None:
    real = connect_utils._connect_addr

    async def connect(*, addr: Any, params: Any, **keywords: Any) -> Any:
        host, port = addr if isinstance(addr, tuple) else (addr, "socket")
        _check(host, port, params.database)
        return await real(addr=addr, params=params, **keywords)

    connect_utils._connect_addr = connect  # type: ignore[attr-defined]


def _guard_pg8000(core: ModuleType) -> None:
    real = core.CoreConnection.__init__

    def connect(self: Any, user: Any, host: Any = "localhost", database: Any = None, port: Any = 5432, *args: Any,
                **keywords: Any) -> None:  # fmt: skip
        where = keywords.get("unix_sock") or keywords.get("sock") or host
        _check(where, port, database.decode() if isinstance(database, bytes) else database or user)
        real(self, user, host, database, port, *args, **keywords)

    core.CoreConnection.__init__ = connect


# ── sockets and processes ────────────────────────────────────────────────────────────────────────────────


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    sock, address = args
    if sock.family == socket.AF_UNIX:
        text = os.fsdecode(address) if isinstance(address, str | bytes) else ""
        if re.search(r"\.s\.PGSQL\.\d+$|mysql", text):
            raise refuse(text, f"a database's socket. {_SETTING}")
    elif sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
        host, port = str(address[0]), address[1]
        if not ((host in own_hosts() and port == job().port) or _allowed(host, port)):
            raise refuse(f"{host}:{port}", f"not the throwaway server. {_SETTING}")


def _audit_processes(event: str, args: tuple[Any, ...]) -> None:
    """Where the environment is the project's own, a program such as psql would find the real server in it, and on its
    way is no guard but the kernel's: none is started but Python, which is guarded, and what looks at the machine alone.
    """
    if event not in _STARTS:
        return
    program = os.fsdecode(args[0]) if args and isinstance(args[0], str | bytes) else str(args[0]) if args else ""
    name = os.path.basename(program)
    if event != "os.system" and (name in _HARMLESS or os.path.realpath(program) == os.path.realpath(sys.executable)):
        return
    raise refuse(name or program, "a program that the project's code starts, and that might find the real server")


# Python's documentation, "Audit events table".
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
# What ctypes.util, platform and uuid start, and what tells an application its version.
_HARMLESS = ("ldconfig", "gcc", "cc", "ld", "objdump", "uname", "ifconfig", "ip", "arp", "lsb_release", "git")


def _allowed(host: str, port: int) -> bool:
    for name, allowed_port in job().allow:
        if port == allowed_port and (host == name or host in _addresses(name)):
            return True
    return False


@cache
def _addresses(name: str) -> frozenset[str]:
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(name, None))
    except OSError:
        return frozenset()


def _guard_subprocess(subprocess: ModuleType) -> None:
    """A process started with an environment of its own is guarded like the others."""
    real = subprocess.Popen.__init__
    guarded = (
        "PYTHONPATH",
        "MIGRATION_GATE_JOB",
        *(name for name in os.environ if name.startswith("PG")),
    )
    ours = {name: os.environ[name] for name in guarded if name in os.environ}

    def start(self: Any, args: Any, *more: Any, **keywords: Any) -> None:
        if keywords.get("env") is not None:
            given = dict(keywords["env"])
            path = given.get("PYTHONPATH")
            keywords["env"] = {**given, **ours}
            if path and path not in ours["PYTHONPATH"].split(os.pathsep):
                keywords["env"]["PYTHONPATH"] = ours["PYTHONPATH"] + os.pathsep + path
        real(self, args, *more, **keywords)

    subprocess.Popen.__init__ = start
