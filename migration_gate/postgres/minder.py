"""A second process that tidies up when the gate is gone, however it went.

It holds the read end of a pipe from the gate. When that closes before the gate has said "done", the
gate was killed, and the minder calls one function. (For servers of the gate's own: keeper.py.)
"""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator

_SCRIPT = (
    "import json, sys; told = json.loads(sys.stdin.readline()); sys.path[:] = told['path'];"
    "from migration_gate.postgres.minder import wait; wait(told['call'], told['arguments'])"
)


@contextlib.contextmanager
def minded(call: str, *arguments: object) -> Iterator[None]:
    """Should the gate be killed during the block, ``call`` ("module:function") is called.

    ``arguments`` are what JSON can hold; they go through the pipe, where nobody sees a password.
    A block that ends in an orderly way tidies up itself: then nothing is called.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in the terminal goes to the gate alone
        cwd="/" if sys.platform != "win32" else None,
        text=True,
    )
    assert process.stdin is not None
    pipe = process.stdin
    path = [place for place in sys.path if place]
    try:
        pipe.write(json.dumps({"path": path, "call": call, "arguments": arguments}) + "\n")
        pipe.flush()
        yield
    finally:
        with contextlib.suppress(OSError):
            pipe.write("done\n")
            pipe.close()
        process.wait()


def wait(call: str, arguments: list[object]) -> None:
    """The minder's life: read to the pipe's end; unless the gate said "done", make the call."""
    if sys.stdin.read().strip() != "done":
        module, _, function = call.partition(":")
        getattr(importlib.import_module(module), function)(*arguments)
