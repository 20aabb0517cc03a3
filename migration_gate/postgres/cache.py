"""Ready-made data folders: initdb runs once for each PostgreSQL, not once for each rehearsal.

One tar file per PostgreSQL in the user's cache folder. A broken one costs an initdb's time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

FORGET_SECONDS = 30 * 24 * 3600


def place(binary: Path, version: str, options: tuple[str, ...]) -> Path:
    """The file for the data folder that ``binary`` makes with ``options``; it need not exist.

    It is the program's bytes that count (10 ms): a wheel is as new as the machine of each job that installs it.
    """
    with binary.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    what = (str(binary), digest, version, options)
    return folder() / f"data-{hashlib.sha256(repr(what).encode()).hexdigest()[:24]}.tar"


def folder() -> Path:
    """``$XDG_CACHE_HOME/migration-gate``, or the platform's usual place."""
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else usual) / "migration-gate"


def open_for_reading(path: Path) -> int | None:
    """A descriptor, or None: there is none, or somebody else could have written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    for found in (os.fstat(descriptor), path.parent.stat()):
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            os.close(descriptor)
            return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return descriptor


def move(tar: Path, path: Path) -> None:
    """Move ``tar``, if there is one, to ``path``, whole or not at all; forget the unused.

    Says nothing of a full or read-only disk: the next start makes its own.
    """
    if not tar.exists():
        return
    new = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(prefix="new-", dir=path.parent)
        source = os.open(tar, os.O_RDONLY | os.O_NOFOLLOW)
        with open(source, "rb") as reader, open(handle, "wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        os.replace(new, path)
        for old in path.parent.iterdir():
            if old.stat().st_mtime < time.time() - FORGET_SECONDS:
                old.unlink()
    except OSError:
        if new is not None:
            Path(new).unlink(missing_ok=True)
    finally:
        tar.unlink()


def forget(path: Path) -> None:
    """Remove a cached data folder that did not serve."""
    with contextlib.suppress(OSError):
        path.unlink()
