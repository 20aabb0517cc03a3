"""What a long run is doing now: a line that moves on a terminal, plain lines when piped; on standard error."""

from __future__ import annotations

import sys
import time
from typing import Any

from migration_gate.commands.emit import use_color
from migration_gate.report.clean import clean

SECONDS = 2.0  # between plain lines: a log of five hundred revisions has no use for each


class Progress:
    """Use as a context manager, and ``say`` what is being done."""

    def __init__(self) -> None:
        self.status: Any = None
        self.said = -SECONDS  # when the last plain line was printed

    def __enter__(self) -> Progress:
        if use_color(sys.stderr):
            try:
                from rich.console import Console
            except ImportError:
                return self
            self.status = Console(stderr=True).status("")
            self.status.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        if self.status:
            self.status.stop()

    def say(self, text: str) -> None:
        if self.status:
            from rich.text import Text

            self.status.update(Text(clean(text)))
        elif time.monotonic() - self.said >= SECONDS:
            self.said = time.monotonic()
            print(f"migration-gate: {clean(text)}", file=sys.stderr, flush=True)
