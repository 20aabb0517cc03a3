"""A dump of the user's own to rehearse on (``--data``): plain, custom, directory and tar format, and the revision that
it stands at.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from migration_gate.findings import CannotJudge
from migration_gate.postgres import local
from migration_gate.postgres.server import Server
from migration_gate.rehearsal.start import run_file

SECONDS = 600  # for a whole restore
NAMED = "which --data names"


def restore(path: Path, server: Server, database: str) -> None:
    """Restore a dump of pg_dump's into an empty database, whatever its format: without owners and privileges, whose
    roles are production's. Raises CannotJudge, in one line, where it cannot be read or does not go in.
    """
    if not path.exists():
        raise CannotJudge(f"cannot read {path}, {NAMED}: there is no such file")
    if _is_plain(path):
        run_file(path, server, database, _leave(), NAMED)
        return
    command = [_pg_restore(server), "--no-owner", "--no-privileges", "--exit-on-error"]
    try:
        done = subprocess.run(
            [*command, "--dbname", server._replace(password="").url(database), str(path)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=local.environment() | ({"PGPASSWORD": server.password} if server.password else {}),
        )
    except subprocess.TimeoutExpired:
        raise CannotJudge(f"cannot restore {path}, {NAMED}: pg_restore took longer than {SECONDS} s") from None
    except OSError as error:
        raise CannotJudge(f"cannot restore {path}, {NAMED}: {command[0]} does not start: {error.strerror}") from None
    if done.returncode:
        raise CannotJudge(f"cannot restore {path}, {NAMED}: {_reason(done.stderr, server.password)}")


def revision_of(connection: psycopg.Connection, version_table: str, schema: str | None = None) -> list[str]:
    """The revisions that a database stands at, from Alembic's version table; none where there is no such table."""
    name = sql.Identifier(*filter(None, (schema, version_table)))
    row = connection.execute("SELECT to_regclass(%s)", [name.as_string(connection)]).fetchone()
    if row is None or row[0] is None:
        return []
    found = connection.execute(sql.SQL("SELECT version_num FROM {}").format(name)).fetchall()
    return sorted(str(one) for (one,) in found)


# ── plain dumps ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_plain(path: Path) -> bool:
    """A custom dump begins with PGDMP, a tar with its member toc.dat (src/bin/pg_dump/pg_backup_archiver.c)."""
    if path.is_dir():
        return False
    try:
        with path.open("rb") as file:
            begin = file.read(512)
    except OSError as error:
        raise CannotJudge(f"cannot read {path}, {NAMED}: {error.strerror}") from None
    return not begin.startswith((b"PGDMP", b"toc.dat\0"))


# Each is one line where pg_dump writes it. The time limits are all 0, and an older server does not know the newer ones.
_LEFT_OUT = re.compile(
    r"(ALTER [A-Z ]+ .* OWNER TO .*|(CREATE|ALTER|DROP) DATABASE .*|SET \w+_timeout = 0|SET SESSION AUTHORIZATION .*);$"
)
_HEADER = re.compile(r"-- (Data for )?Name: .*; Type: (?P<type>[A-Z ]+); Schema: ")
_PRIVILEGES = re.compile(r"(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .*;$")


def _leave() -> Callable[[str], bool]:
    """Which lines of a plain dump are about owners, privileges and the database as a whole. It is asked line by line:
    what looks like a privilege is one where the dump says so in the comment above it, and not in a function's body.
    """
    kind = ""

    def leave(line: str) -> bool:
        nonlocal kind
        if header := _HEADER.match(line):
            kind = header["type"]
        return bool(_LEFT_OUT.match(line) or ("ACL" in kind and _PRIVILEGES.match(line)))

    return leave


# ── pg_restore ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _pg_restore(server: Server) -> str:
    """The server's own major first: a newer one says what an older server does not know."""
    name = "pg_restore.exe" if os.name == "nt" else "pg_restore"
    for major in (server.major, None):
        try:
            beside = local.find(major).folder / name
        except CannotJudge:
            continue
        if beside.exists():
            return str(beside)
    found = shutil.which(name)
    if found is None:
        raise CannotJudge(
            "--data needs pg_restore for this dump, and it is neither on PATH nor beside PostgreSQL's programs; "
            "a plain dump (pg_dump --format=plain) needs none"
        )
    return found


def _reason(output: str, password: str) -> str:
    """pg_restore's first error, without what comes around it."""
    lines = [line.strip() for line in output.splitlines() if "error:" in line] or output.strip().splitlines() or ["?"]
    text = re.sub(r"^pg_restore: (error: )?(could not execute query: ERROR:\s*)?", "", lines[0])
    return text.replace(password, "***") if password else text
