"""Hands a verdict to its format, and the text to its file; the last step of every command."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path

from migration_gate.findings import CannotWrite, Verdict

_FORMATS = {"text": "text", "json": "json_", "github": "github", "mermaid": "mermaid", "dot": "dot"}


def emit(verdict: Verdict, options: Namespace) -> int:
    """Write the report, and give the exit status. Raises CannotWrite where the file cannot be written."""
    if options.exit_zero and verdict.findings:
        verdict = verdict._replace(facts=(*verdict.facts, "left open by --exit-zero"))
    render = import_module("migration_gate.report." + _FORMATS[options.format]).render
    text = render(verdict, color=options.output is None and use_color(sys.stdout), notes=options.notes)
    hand_out(text, options)
    return verdict._replace(findings=()).exit_status if options.exit_zero else verdict.exit_status


def hand_out(text: str | bytes, options: Namespace) -> None:
    """To the file of ``--output``, or to standard output; to standard error, where that has the migration which
    ``--suggest -`` asks for. Raises CannotWrite.
    """
    if not options.output and getattr(options, "suggest", None) == "-":
        sys.stderr.write(text if isinstance(text, str) else text.decode("utf-8", "replace"))
        return
    if not options.output:
        write(text)
        return
    try:
        Path(options.output).write_bytes(_encoded(text))
    except OSError as error:
        raise CannotWrite(f"cannot write {options.output}: {error.strerror}") from error


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", errors="replace")


def write(text: str | bytes) -> None:
    """Text to standard output, at once. Raises CannotWrite where it does not take it: a disk that is full."""
    try:
        sys.stdout.buffer.write(_encoded(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left of it, Python would try to write as it ends
        raise CannotWrite(f"cannot write to standard output: {error.strerror}") from error


def use_color(stream: object) -> bool:
    """Whether a stream is a terminal that wants color (https://no-color.org)."""
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
