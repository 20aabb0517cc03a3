"""A server of the gate's own, started from PostgreSQL's programs.

No other user of the machine may use it: its socket lies in a folder of the server's user, takes
only the gate's own user (peer), and serves to set a random password, which TCP on 127.0.0.1 asks
for. keeper.py starts it and sees to its end; workspace.py is the folder it lives in.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from migration_gate.findings import CannotJudge
from migration_gate.postgres import cache, workspace
from migration_gate.postgres.account import User, can_run, copy, own_name, server_user
from migration_gate.postgres.databases import CONNECT_SECONDS, one_line
from migration_gate.postgres.local import Binaries, environment
from migration_gate.postgres.server import Server, new_prefix

START_SECONDS = 60.0
STOP_SECONDS = 15.0
ATTEMPTS = 4  # against a broken cache, and ports that somebody else took meanwhile

# A cached data folder is only as good as these.
INITDB_OPTIONS = (
    "--username=postgres",
    "--encoding=UTF8",
    # Every supported glibc and musl know C.UTF-8; macOS does since some release.
    f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'C'}",
    "--auth=reject",  # hba.conf is written anew for each server
    "--no-sync",
    "--wal-segsize=1",  # MB: a smaller folder to copy
)

# Nothing is kept safe, for there is nothing to keep.
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}/pg'
unix_socket_permissions = 0700
hba_file = '{directory}/hba.conf'
ident_file = '{directory}/ident.conf'
password_encryption = 'scram-sha-256'
max_connections = 50
max_locks_per_transaction = 256 # one transaction of a long history touches many tables
shared_buffers = 64MB
dynamic_shared_memory_type = mmap # in the data folder, so that it goes with it
max_wal_size = 64MB
wal_init_zero = off
wal_recycle = off
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off # its locks are not the migrations'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
"""
HBA = "local all postgres peer map=gate\nhost all all 127.0.0.1/32 scram-sha-256\n"


@contextlib.contextmanager
def started(binaries: Binaries) -> Iterator[Server]:
    """A new server from ``binaries``, gone after the block and whenever the gate is.

    CannotJudge, with the last word of the server's log, when it does not start in START_SECONDS.
    """
    workspace.sweep()
    user = server_user()
    ready_made = cache.place(binaries.folder / "postgres", binaries.version, INITDB_OPTIONS)
    with contextlib.ExitStack() as stack:
        for attempt in range(1, ATTEMPTS + 1):
            cached = cache.open_for_reading(ready_made) if shutil.which("tar") else None
            try:
                server = stack.enter_context(_attempt(binaries, user, ready_made, cached))
                break
            except CannotJudge as reason:
                port_taken = "TCP/IP socket" in str(reason)
                if attempt == ATTEMPTS or (cached is None and not port_taken):
                    raise
                if not port_taken:
                    cache.forget(ready_made)
        yield server


@contextlib.contextmanager
def _attempt(binaries: Binaries, user: User, ready_made: Path, cached: int | None) -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        given = os.open(os.devnull, os.O_RDONLY) if cached is None else cached
        stack.callback(os.close, given)
        copied = not can_run(user, binaries)
        directory, lock = workspace.make(executable=copied)
        stack.callback(os.close, lock)
        stack.callback(workspace.delete, directory)  # should the keeper have been killed
        folder = copy(binaries, directory) if copied else binaries.folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        _furnish(directory, user, port)
        commands = _commands(folder, directory, unpack=cached is not None)
        keeper = stack.enter_context(_kept(directory, user, lock, given, commands))
        _until_ready(keeper, directory / "pg/data/postmaster.pid")
        password = secrets.token_urlsafe(24)
        _set_password(directory / "pg", port, password)
        cache.move(directory / "pg/data.tar", ready_made)
        origin = binaries.origin
        yield Server("127.0.0.1", port, "postgres", password, binaries.version, origin, new_prefix())


def _furnish(directory: Path, user: User, port: int) -> None:
    me = own_name().replace('"', '""')
    for name, text in {
        "postgresql.conf": SETTINGS.format(port=port, directory=directory),
        "hba.conf": HBA,
        "ident.conf": f'gate "{me}" postgres\n',
    }.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o644)
    for name in ("pg", "pg/data"):
        (directory / name).mkdir(mode=0o700)
        os.chown(directory / name, user.uid, user.gid)
    if user.uid != -1:
        directory.chmod(0o711)  # for the server's user to pass through, not to list


def _commands(folder: Path, directory: Path, *, unpack: bool) -> list[list[str]]:
    """What the keeper runs, one after the other: fill the data folder, serve it."""
    data, tar = f"{directory}/pg/data", shutil.which("tar")
    serve = [f"{folder}/postgres", "-D", data, "-c", f"config_file={directory}/postgresql.conf"]
    if unpack:
        return [[str(tar), "-xf", "-", "-C", data], serve]
    make = [[f"{folder}/initdb", "-D", data, *INITDB_OPTIONS]]
    pack = [[tar, "-cf", f"{directory}/pg/data.tar", "-C", data, "."]] if tar else []
    return [*make, *pack, serve]


@contextlib.contextmanager
def _kept(
    directory: Path, user: User, lock: int, given: int, commands: list[list[str]]
) -> Iterator[subprocess.Popen[bytes]]:
    numbers = [str(number) for number in (user.uid, user.gid, lock, given)]
    words = [word for command in commands for word in (";", *command)][1:]
    script = str(Path(__file__).with_name("keeper.py"))
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", script, str(directory), *numbers, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock, given],
        start_new_session=True,  # Ctrl-C in the terminal goes to the gate alone
        cwd="/",
        env=environment(),
    )
    try:
        yield keeper
    finally:
        _let_go(keeper)


def _let_go(keeper: subprocess.Popen[bytes]) -> str:
    """Close the keeper's pipe, wait until it has tidied up, return the end of the server's log."""
    try:
        said, _ = keeper.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    return said.decode("utf-8", "replace")


def _until_ready(keeper: subprocess.Popen[bytes], status: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while not _is_ready(status):
        if keeper.poll() is not None:
            raise CannotJudge(f"PostgreSQL does not start: {_reason(_let_go(keeper))}")
        if time.monotonic() > limit:
            log = _let_go(keeper)
            raise CannotJudge(f"PostgreSQL did not start in {START_SECONDS:g} s: {_reason(log)}")
        time.sleep(0.003)


def _is_ready(status: Path) -> bool:
    """The eighth line of postmaster.pid says how far it is (PostgreSQL's utils/pidfile.h)."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search("FATAL|PANIC|[Ee]rror|could not|cannot", line)]
    return (telling or lines or ["it left no message"])[-1]


def _set_password(folder: Path, port: int, password: str) -> None:
    try:
        with psycopg.connect(
            host=str(folder),
            port=port,
            user="postgres",
            dbname="postgres",
            connect_timeout=CONNECT_SECONDS,
        ) as connection:
            command = sql.SQL("ALTER ROLE postgres PASSWORD {}")
            connection.execute(command.format(sql.Literal(password)))
    except psycopg.Error as error:
        text = one_line(error, password)
        raise CannotJudge(f"PostgreSQL started and does not answer: {text}") from None
