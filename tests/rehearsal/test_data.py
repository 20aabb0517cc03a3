"""Dumps that pg_dump really writes, restored; and what their version table says."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres.databases import connect, create
from migration_gate.postgres.server import Server
from migration_gate.rehearsal import data

SCHEMA = """
CREATE ROLE {role};
CREATE SCHEMA ops;
CREATE TABLE ops.versions (version_num varchar(32) PRIMARY KEY);
INSERT INTO ops.versions VALUES ('b'), ('a');
CREATE TABLE public.users (id serial PRIMARY KEY, name text);
INSERT INTO users (name) VALUES (E'tab\\there'), (NULL), ('\\.'), ('$$');
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
GRANT SELECT ON users TO PUBLIC;
END $body$;
ALTER TABLE users OWNER TO {role};
GRANT SELECT ON ops.versions TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT SELECT ON TABLES TO {role};
"""
FORMATS = ("plain", "custom", "directory", "tar")


@pytest.fixture(scope="module")
def dumps(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same database in every format. The role that owns its tables is gone when they are restored."""
    folder = tmp_path_factory.mktemp("dumps")
    name, role = new(server), f"rows_{secrets.token_hex(4)}"
    with connect(server, name) as connection:
        connection.execute(SCHEMA.format(role=role).encode())
        found = {kind: folder / kind for kind in FORMATS}
        for kind, path in found.items():
            words = ["pg_dump", f"--format={kind}", f"--file={path}", "--create", "--dbname", server.url(name)]
            subprocess.run(words, check=True)
        connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())
    return found


def new(server: Server) -> str:
    name = f"{server.prefix}data_{secrets.token_hex(4)}"
    create(server, name)
    return name


@pytest.mark.parametrize("kind", FORMATS)
def test_restored(server: Server, dumps: dict[str, Path], kind: str):
    name = new(server)
    data.restore(dumps[kind], server, name)
    with connect(server, name) as connection:
        assert connection.execute("SELECT name FROM public.users ORDER BY id").fetchall() == [
            ("tab\there",),
            (None,),
            ("\\.",),
            ("$$",),
        ]
        assert connection.execute("SELECT prosrc ~ 'GRANT' FROM pg_proc WHERE proname = 'f'").fetchone() == (True,)
        assert data.revision_of(connection, "versions", "ops") == ["a", "b"]
        assert data.revision_of(connection, "versions") == []
        assert data.revision_of(connection, 'no "such') == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"CREATE TABEL t ();", "syntax error"),
        (b"PGDMP but no more", "did not find magic string|unexpected end of file|unsupported version"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_what_cannot_be_restored(server: Server, tmp_path: Path, content: bytes | None, words: str):
    path = tmp_path / "dump"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotJudge, match=words) as refused:
        data.restore(path, server, new(server))
    assert "\n" not in str(refused.value)
    assert server.password not in str(refused.value)
    assert "which --data names" in str(refused.value)


def test_a_dump_that_does_not_go_in(server: Server, dumps: dict[str, Path]):
    name = new(server)
    data.restore(dumps["custom"], server, name)
    with pytest.raises(CannotJudge, match="already exists"):
        data.restore(dumps["custom"], server, name)


def test_no_pg_restore(server: Server, dumps: dict[str, Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data.local, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotJudge, match="needs pg_restore"):
        data.restore(dumps["custom"], server, "never made")
