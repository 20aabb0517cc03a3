"""However a run ends, nothing of it stays: no process, no folder, no database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import alembic_project, revision

ENGINE = 'create_engine("postgresql+psycopg://app@db.internal/app")'


def processes(word: str) -> list[str]:
    """The command lines of running processes that hold a word, or whose environment does."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in text and int(folder.name) != os.getpid():
            found.append(text[:200].decode(errors="replace"))
    return found


def wait_until(true: Callable[[], object], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_gate_that_is_ended_in_the_middle(how: signal.Signals, tmp_path: Path) -> None:
    mark = f"leaves-nothing-{os.getpid()}-{how}"
    sleeper = revision("a1", 'import time\nopen("begun", "w").close()\ntime.sleep(3600)')
    project = alembic_project(tmp_path, ENGINE, {"a1": sleeper})
    command = [sys.executable, "-m", "migration_gate", "ci", "--postgres", "local"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "MARK": mark, "TMPDIR": str(temporary)}
    gate = subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    assert wait_until((project / "begun").exists), gate.communicate()
    assert len(processes(mark)) > 1
    gate.send_signal(how)
    said, _ = gate.communicate(timeout=20)
    assert b"Traceback" not in said
    assert wait_until(lambda: not processes(mark)), processes(mark)
    assert wait_until(lambda: not list(temporary.iterdir())), list(temporary.iterdir())
