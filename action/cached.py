"""Where the gate keeps the ready-made data folder of the PostgreSQL that it will start, as outputs: `key` and `path`.

Takes the file with the words of `migration-gate ci`. Says nothing where there is nothing to fetch: the run takes a
server of somebody else's, or the folder is there.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from migration_gate import __version__
from migration_gate.cli import parser
from migration_gate.commands.ci import choice
from migration_gate.findings import CannotJudge
from migration_gate.postgres import cache, embedded, local
from migration_gate.postgres.own import INITDB_OPTIONS
from migration_gate.postgres.throwaway import URL_VARIABLE, Choice
from migration_gate.project import discovery


def main(words: list[str]) -> None:
    options = parser().parse_args(["ci", *words])
    try:
        binaries = programs(choice(discovery.find_around(Path.cwd(), options.project), options))
    except CannotJudge:  # the run itself says why
        return
    if not binaries:
        return
    path = cache.place(binaries.folder / "postgres", binaries.version, INITDB_OPTIONS)
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    machine = f"{sys.platform}-{platform.machine()}"
    print(f"key=migration-gate-{__version__}-{machine}-postgresql-{binaries.version}-{path.stem}")
    print(f"path={path}")


def programs(wanted: Choice) -> local.Binaries | None:
    """Those that the gate will start, in the order in which it tries them; None where it asks another server."""
    if wanted.image or (wanted.postgres == "auto" and os.environ.get(URL_VARIABLE)):
        return None
    major = int(wanted.postgres) if wanted.postgres.isdecimal() else None
    places = {"local": (local.find,), "embedded": (embedded.find,), "auto": (local.find, embedded.find)}
    for find in places["auto"] if major else places.get(wanted.postgres, ()):
        try:
            return find(major)
        except CannotJudge:
            continue
    return None


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text("utf-8").split("\0")[:-1])
