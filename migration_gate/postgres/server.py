"""What every throwaway server offers, whatever it runs on."""

from __future__ import annotations

import secrets
from typing import NamedTuple
from urllib.parse import quote

OLDEST = 12  # the oldest major version that the gate judges on


def new_prefix() -> str:
    """What begins the names of one run's databases: "migration_gate_1f2e3d4c_"."""
    return f"migration_gate_{secrets.token_hex(4)}_"


class Server(NamedTuple):
    """A running PostgreSQL server that the gate may make databases on.

    ``host`` is a name, an address, or the folder of a Unix socket. ``version`` is the server's own
    ("16.4"); ``origin`` says where it came from ("local binaries, /usr/lib/postgresql/15/bin"), for
    the report. ``prefix`` begins the name of every database that the gate makes here, so that on a
    server of somebody else's only those are dropped. ``maintenance`` is the database from which
    others are made; ``query`` has settings that only libpq's drivers know ("sslmode=require").
    """

    host: str
    port: int
    user: str
    password: str
    version: str
    origin: str
    prefix: str
    maintenance: str = "postgres"
    query: str = ""

    @property
    def major(self) -> int:
        """``version``'s first number: 16 for "16.4" and for "16beta1"."""
        digits = self.version.split(".")[0].split()[0]
        return int("".join(c for c in digits[:2] if c.isdigit()) or 0)

    def url(self, database: str, driver: str | None = None) -> str:
        """The database's URL, password included, as SQLAlchemy takes it: ``postgresql+driver://…``."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        user, password = quote(self.user, safe=""), quote(self.password, safe="")
        login = f"{user}:{password}" if password else user
        query = [self.query] if self.query and driver in (None, "psycopg", "psycopg2") else []
        if self.host.startswith("/"):
            where = ""
            query = [f"host={quote(self.host, safe='')}", f"port={self.port}", *query]
        else:
            where = (f"[{self.host}]" if ":" in self.host else self.host) + f":{self.port}"
        url = f"{scheme}://{login}@{where}/{quote(database, safe='')}"
        return url + ("?" + "&".join(query) if query else "")
