"""The folder that one server of the gate's own lives in; sweeping those that a crash left behind.

``migration-gate-pg-XXXXXXXX`` belongs to the gate's user and holds ``lock``, locked (flock) while
the gate or its keeper lives; ``log``; PostgreSQL's settings; and ``pg``, which only the server's
user may enter, with the data folder and the socket.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from migration_gate.findings import CannotJudge

NAME = "migration-gate-pg-"
ROOM = 300 * 1024 * 1024  # bytes that must be free
LONGEST = 100 - len("/pg/.s.PGSQL.65535")  # a socket's path has 103 bytes on macOS, 107 on Linux


def make(*, executable: bool) -> tuple[Path, int]:
    """A new workspace and the descriptor of its lock, which the caller closes.

    In memory where that is to be had. ``executable``: programs must be able to run from there.
    """
    for base in _bases():
        with contextlib.suppress(OSError):
            if not _serves(base, executable):
                continue
            directory = Path(tempfile.mkdtemp(prefix=NAME, dir=base))
            return directory, _lock(directory)
    raise CannotJudge(
        f"no temporary folder with {ROOM // 2**20} MB free for a PostgreSQL (tried"
        f" {', '.join(map(str, _bases()))}): set TMPDIR to one"
    )


def _bases() -> list[Path]:
    return list(dict.fromkeys(map(Path, ["/dev/shm", tempfile.gettempdir(), "/tmp"])))  # noqa: S108


def _serves(base: Path, executable: bool) -> bool:
    found = os.statvfs(base)
    return (
        os.access(base, os.W_OK)
        and found.f_bavail * found.f_frsize >= ROOM
        and len(os.fsencode(base)) + len("/" + NAME) + 8 <= LONGEST
        and not (executable and found.f_flag & getattr(os, "ST_NOEXEC", 0))
    )


def _lock(directory: Path) -> int:
    import fcntl

    # Locked before it gets its name: whoever finds it unlocked finds a workspace without a gate.
    new = os.open(directory / "lock.new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(new, fcntl.LOCK_EX)
    (directory / "lock.new").rename(directory / "lock")
    return new


def sweep() -> None:
    """Delete this user's workspaces whose gate and keeper are gone. Silent; follows no links."""
    for base in _bases():
        with contextlib.suppress(OSError):
            for found in base.iterdir():
                if found.name.startswith(NAME):
                    with contextlib.suppress(OSError):
                        _sweep_one(found)


def _sweep_one(directory: Path) -> None:
    import fcntl

    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = os.open(directory / "lock", os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: somebody holds it
        delete(directory)
    finally:
        os.close(lock)


def delete(directory: Path) -> None:
    """The lock last: a deletion that is interrupted can then be recognised and finished."""
    shutil.rmtree(directory / "pg", ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
