"""The PostgreSQL programs that are already on this machine."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import OLDEST

USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat, from PostgreSQL's own repository
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
)
VERSION_SECONDS = 10


class Binaries(NamedTuple):
    """The programs of one PostgreSQL.

    ``version`` is "16.4"; ``trees`` are the folders that make a working copy of it together, none
    where it cannot be copied.
    """

    folder: Path
    version: str
    origin: str
    trees: tuple[Path, ...] = ()

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def find(major: int | None = None) -> Binaries:
    """PostgreSQL's programs on PATH, else the newest in the usual places; ``major``: only that one.

    CannotJudge when there are none.
    """
    usual = [Path(place) for pattern in USUAL_PLACES for place in glob.glob(pattern)]
    known = sorted(filter(None, map(examine, usual)), key=_number, reverse=True)
    on_path = shutil.which("postgres")
    first = examine(Path(on_path).resolve().parent) if on_path else None
    candidates = [first, *known] if first else known
    for found in candidates:
        if found.major == major or (major is None and found.major >= OLDEST):
            return found
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST} or newer"
    seen = ", ".join(sorted({found.version for found in candidates}))
    where = f"(found {seen})" if seen else "on PATH or in the usual places"
    raise CannotJudge(f"no local {wanted} {where}")


def examine(folder: Path) -> Binaries | None:
    """The PostgreSQL whose programs lie in ``folder``; None without a server that runs here."""
    if not (folder / "initdb").exists():
        return None
    try:
        done = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, timeout=VERSION_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "… 19beta1"
    version = re.search(r"\) (\d+(\.\d+)?)", done.stdout)
    return Binaries(folder, version[1], f"local binaries, {folder}") if version else None


def environment() -> dict[str, str]:
    """No PG… variables, none of the user's secrets; what programs need to find their libraries."""
    wanted = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {**{name: os.environ[name] for name in wanted if name in os.environ}, "LC_ALL": "C"}


def _number(found: Binaries) -> tuple[int, ...]:
    return tuple(map(int, found.version.split(".")))
