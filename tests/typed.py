"""Lines of a shell as a person types them, without what it costs to start Python for each: `alembic`, `flask` and
`migration-gate` are forked off a process that has imported them, and run what their console scripts run.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

# A shell function in the place of each program: it asks for the command, and waits for its status.
_PROGRAMS = """
_typed() {
    local job status
    job=$(mktemp -d "$TYPED/jobXXXXXX")
    printf '%s\\0' "$PWD" "$@" > "$job/words"
    env -0 > "$job/environment"
    mkfifo "$job/status"
    echo "$job" > "$TYPED/asked"
    read -r status < "$job/status"
    cat "$job/out"
    cat "$job/err" >&2
    return "$status"
}
alembic() { _typed alembic "$@"; }
flask() { _typed flask "$@"; }
migration-gate() { _typed migration-gate "$@"; }
"""
SECONDS = 60


class Shell:
    """``folder`` is where the process is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, lines: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run them with bash; the first that fails ends it."""
        return subprocess.run(
            ["bash", "-c", f"{_PROGRAMS}\nset -e\n{lines}"],
            cwd=cwd,
            env={**environment, "TYPED": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )


@contextmanager
def shell() -> Iterator[Shell]:
    with tempfile.TemporaryDirectory(prefix="migration-gate-typed-") as folder:
        os.mkfifo(Path(folder) / "asked")
        process = subprocess.Popen([sys.executable, __file__, folder], stdin=subprocess.PIPE)
        try:
            yield Shell(Path(folder))
        finally:
            assert process.stdin
            process.stdin.close()  # it ends with whoever started it
            process.wait()


# ── the process ──────────────────────────────────────────────────────────────────────────────────────────────


def serve(folder: Path) -> None:
    """Run what is asked for, one command after the other, until whoever has started this is gone."""
    programs = _programs()
    with open(os.open(folder / "asked", os.O_RDWR), "rb", buffering=0) as asked:
        while asked in select.select([asked, sys.stdin], [], [])[0]:
            for line in os.read(asked.fileno(), 4096).decode().split():
                job = Path(line)
                child = os.fork()
                if not child:
                    _obey(job, programs)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                (job / "status").write_text(f"{status % 256}\n")


def _programs() -> dict[str, Callable[[], object]]:
    import alembic.autogenerate  # noqa: F401
    import flask_migrate  # noqa: F401
    import flask_sqlalchemy  # noqa: F401
    import psycopg  # noqa: F401
    import sqlalchemy.dialects.postgresql  # noqa: F401
    from alembic.config import main as alembic_main
    from flask.cli import main as flask_main

    from migration_gate.cli import main as gate_main

    return {"alembic": alembic_main, "flask": flask_main, "migration-gate": lambda: sys.exit(gate_main())}


def _obey(job: Path, programs: Mapping[str, Callable[[], object]]) -> None:
    status = 1
    try:
        folder, *words = (job / "words").read_text().split("\0")[:-1]
        os.chdir(folder)
        given = (job / "environment").read_text().split("\0")[:-1]
        os.environ.clear()
        os.environ.update(one.split("=", 1) for one in given)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job / name, os.O_WRONLY | os.O_CREAT), number)
        sys.argv = words
        programs[words[0]]()
        status = 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.path.pop(0)  # this file's own folder
    serve(Path(sys.argv[1]))
