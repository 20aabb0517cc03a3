"""Real servers, started here on loopback, and ended by the id of the process that we started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from migration_gate.postgres import databases, throwaway
from migration_gate.postgres.server import Server

ROOT = Path(__file__).parents[2]

# A gate that opens a server, tells where everything is, and waits to be ended.
GATE = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from migration_gate.postgres import databases
from migration_gate.postgres.throwaway import Choice, throwaway
with throwaway(Choice(sys.argv[2], sys.argv[3] or None)) as server:
    databases.create(server, server.prefix + "work")
    with databases.connect(server, server.maintenance) as connection:
        own = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        may_ask = own.fetchone()[0]
        data = connection.execute("SHOW data_directory").fetchone()[0] if may_ask else ""
    print(json.dumps({"server": server, "data": data}), flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests' own cache folder, so that they find and break nobody else's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.delenv(throwaway.URL_VARIABLE, raising=False)
        yield folder / "migration-gate"


@pytest.fixture(scope="session")
def server(own_cache: Path) -> Iterator[Server]:
    with throwaway.throwaway(throwaway.Choice("local")) as found:
        yield found


class Gate:
    """A gate in a process of its own: ``told`` is what it said of its server."""

    def __init__(self, choice: str, image: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", GATE, str(ROOT), choice, image],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.server = Server(*told["server"])
        self.data = Path(told["data"])

    @property
    def workspace(self) -> Path:
        return self.data.parent.parent

    @property
    def postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    @property
    def keeper(self) -> int:
        """The postmaster's parent: the fourth field of Linux's stat, the second after the name."""
        stat = Path(f"/proc/{self.postmaster}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])


@pytest.fixture
def start_gate(own_cache: Path) -> Iterator[Callable[..., Gate]]:
    gates: list[Gate] = []

    def start(choice: str = "local", image: str = "") -> Gate:
        gates.append(Gate(choice, image))
        return gates[-1]

    yield start
    for gate in gates:
        gate.process.kill()
        gate.process.wait()


@pytest.fixture
def names(server: Server) -> Callable[[], set[str]]:
    """The names of all databases on the session's server."""

    def read() -> set[str]:
        with databases.connect(server, "postgres") as connection:
            return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

    return read


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; whoever is to bury it is not our concern.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
