"""Whom a server of the gate's own runs as, and how that user comes by PostgreSQL's programs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge
from migration_gate.postgres.local import VERSION_SECONDS, Binaries, environment


class User(NamedTuple):
    """Whom the server runs as; -1: the gate's own user."""

    uid: int
    gid: int
    name: str


def server_user() -> User:
    """PostgreSQL refuses to run as root, and as a user without a name."""
    import pwd

    if os.geteuid() != 0:
        return User(-1, -1, own_name())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return User(found.pw_uid, found.pw_gid, name)
    raise CannotJudge("PostgreSQL does not run as root, and there is no user postgres or nobody")


def own_name() -> str:
    """The name of the user that the gate runs as; CannotJudge for a number without a name."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise CannotJudge(f"PostgreSQL does not run as uid {os.geteuid()}, without a name") from None


def can_run(user: User, binaries: Binaries) -> bool:
    """Whether the server's user reaches the programs; CannotJudge if not and they cannot be copied.

    A virtualenv below /root, for one, is closed to it.
    """
    if user.uid == -1:
        return True
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [binaries.folder / "initdb", "-V"],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            env=environment(),
            capture_output=True,
            timeout=VERSION_SECONDS,
        )
        if done.returncode == 0:
            return True
    if not binaries.trees:
        raise CannotJudge(f"PostgreSQL does not run as root, and {user.name} cannot run {binaries.folder}")
    return False


def copy(binaries: Binaries, directory: Path) -> Path:
    """A copy that everybody may read: the originals keep the permissions they were given."""
    common, programs = os.path.commonpath(binaries.trees), directory / "programs"
    unneeded = shutil.ignore_patterns("include", "doc", "man", "pgxs", "pkgconfig", "*.a")
    for tree in binaries.trees:
        shutil.copytree(tree, programs / tree.relative_to(common), symlinks=True, ignore=unneeded)
    for path in [programs, *programs.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return programs / binaries.folder.relative_to(common)
