"""A database made from SQL, on the worker's server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server

Database = Callable[[str], psycopg.Connection]


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Database]:
    """``database("CREATE TABLE …")`` is a connection to a new database that holds that."""
    with ExitStack() as stack:

        def make(text: str, **options: str) -> psycopg.Connection:
            name = f"{server.prefix}rows_{secrets.token_hex(4)}"
            create(server, name)
            connection = stack.enter_context(connect(server, name))
            connection.execute(text.encode())
            return connection

        yield make
