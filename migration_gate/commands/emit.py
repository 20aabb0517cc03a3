"""Hands a verdict to its format, and the text to its file; the last step of every command."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotWrite, Verdict
from migration_gate.report import FORMATS


class Report(NamedTuple):
    """One report that was asked for: its format and its file, "-" for standard output."""

    form: str
    file: str


def asked(options: Namespace) -> list[Report]:
    """The reports of a run. ``--format``'s goes to standard output, unless ``--output FILE`` takes it to a file or
    another one, ``--output FORMAT=-``, takes its place there; each ``--output FORMAT=FILE`` adds one.
    """
    reports = [Report(form or options.format, file) for form, file in options.output]
    moved = any(form is None or file == "-" for form, file in options.output)
    return reports if moved else [Report(options.format, "-"), *reports]


def emit(verdict: Verdict, options: Namespace) -> int:
    """Write every report, and give the exit status. Raises CannotWrite where one cannot be written; the others are."""
    if options.exit_zero and verdict.findings:
        verdict = verdict._replace(facts=(*verdict.facts, "left open by --exit-zero"))
    _write_all(verdict, options, asked(options))
    return verdict._replace(findings=()).exit_status if options.exit_zero else verdict.exit_status


def emit_problem(reason: str, options: Namespace) -> None:
    """The verdict of a run that could not judge at all. Standard error has said it already, so a terminal hears it
    once.
    """
    _write_all(Verdict(problems=(reason,)), options, [one for one in asked(options) if one != ("text", "-")])


def _write_all(verdict: Verdict, options: Namespace, reports: Sequence[Report]) -> None:
    failed: CannotWrite | None = None
    for form, file in reports:
        render = import_module("migration_gate.report." + FORMATS[form]).render
        planned = form == "markdown" or getattr(options, "plan", False)
        said = verdict if planned else verdict._replace(plan=None)
        text = render(said, color=file == "-" and use_color(sys.stdout), notes=options.notes)
        try:
            write(text) if file == "-" else _write_file(text, file)
        except CannotWrite as error:
            failed = failed or error
    if failed:
        raise failed


def _write_file(text: str, file: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # ValueError: a null byte in its name
        raise CannotWrite(f"cannot write {file}: {getattr(error, 'strerror', None) or error}") from error


def write(text: str) -> None:
    """Text to standard output, at once. Raises CannotWrite where it does not take it: a disk that is full."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
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
