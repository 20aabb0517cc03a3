"""Puts the guards up. If one cannot be, the process ends: no guard, no project code."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import traceback

UNGUARDED = 97  # exit status


def start() -> None:
    """Called once per process, before any of the project's code."""
    try:
        from migration_gate_inside import guard, imports, job, redirect, sandbox, variables, watch

        job.job()
        sandbox.enter()
        guard.install()
        variables.install()
        imports.after("sqlalchemy", redirect.install)
        imports.after("alembic.runtime.migration", watch.install_migration)
        imports.after("alembic.runtime.environment", watch.install_environment)
        threading.Thread(target=_end_in_time, daemon=True, name="migration-gate").start()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(UNGUARDED)


def _end_in_time() -> None:
    """End this process at the deadline, saying where it was, and at once when the gate is gone."""
    from migration_gate_inside.job import emit, job

    main = threading.main_thread().ident
    while time.time() < job().deadline:
        try:
            if sys.platform != "win32":  # where signal 0 is no question but Ctrl-C
                os.kill(job().gate, 0)
        except ProcessLookupError:
            shutil.rmtree(job().folder, ignore_errors=True)  # the gate would have, and was killed
            os._exit(0)
        except OSError:
            pass  # it lives, and belongs to somebody else
        time.sleep(0.2)
    from migration_gate_inside.errors import place_in_frames

    frame = sys._current_frames().get(main) if main else None
    emit("too-long", **place_in_frames(frame))
    os._exit(124)
