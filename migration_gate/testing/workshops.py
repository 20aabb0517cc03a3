"""The servers and workshops of one pytest session, made when the first test asks for one, and gone at its end."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from migration_gate.commands.ci import choice
from migration_gate.findings import CannotJudge
from migration_gate.postgres.server import Server
from migration_gate.postgres.throwaway import Choice, throwaway, without_libpq_variables
from migration_gate.project import discovery
from migration_gate.project.model import Project
from migration_gate.testing.migrations import Workshop


class Workshops:
    """``top`` is the folder that projects are looked for below, ``postgres`` as the option of ``migration-gate ci``."""

    def __init__(self, top: Path, postgres: str | None) -> None:
        self.top, self.options = top, Namespace(postgres=postgres, image=None)
        self.stack = ExitStack()
        self.servers: dict[Choice, Server] = {}
        self.shops: dict[tuple[str, ...], Workshop] = {}

    def of(self, only: Sequence[str]) -> Workshop:
        """The one of the project that ``only`` names, or of the only one that there is. Raises CannotJudge."""
        if (key := tuple(only)) not in self.shops:
            project = self._project(only)
            server = self._server(choice([project], self.options))
            shop = self.shops[key] = Workshop(project, server, len(self.shops) + 1)
            self.stack.callback(shop.close)
        return self.shops[key]

    def close(self) -> None:
        with without_libpq_variables():
            self.stack.close()

    def _project(self, only: Sequence[str]) -> Project:
        found = discovery.find_around(self.top, only)
        if len(found) > 1:
            names = ", ".join(one.name for one in found)
            raise CannotJudge(
                f"there are several projects, {names}: write a fixture migration_gate_project, of scope session, that "
                "returns the path of one"
            )
        return found[0]

    def _server(self, wanted: Choice) -> Server:
        if wanted not in self.servers:
            before = {name: value for name, value in os.environ.items() if name.startswith("PG")}
            self.servers[wanted] = self.stack.enter_context(throwaway(wanted))
            os.environ.update(before)  # they are for the session's other tests
        return self.servers[wanted]
