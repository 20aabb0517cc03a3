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
from migration_gate.report import DRAWINGS, FORMATS, PAGES
from migration_gate.report.clean import clean_line


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


def is_asked(options: Namespace, *forms: str) -> bool:
    """Whether one of the run's reports is of these formats: some want what takes a while to gather."""
    return any(one.form in forms for one in asked(options))


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
    """What is for standard output goes to standard error where ``--suggest -`` has the migration stand there."""
    stream = sys.stderr if getattr(options, "suggest", None) == "-" else sys.stdout
    failed: CannotWrite | None = None
    for form, file in reports:
        render = import_module("migration_gate.report." + FORMATS[form]).render
        said = _shown(form, verdict, options)
        text = render(said, color=file == "-" and use_color(stream), notes=options.notes)
        try:
            if file == "-" and stream is sys.stderr:
                stream.write(text)
            else:
                hand_out(text, file)
        except CannotWrite as error:
            failed = failed or error
    if failed:
        raise failed


def _shown(form: str, verdict: Verdict, options: Namespace) -> Verdict:
    """What one format is to show of what was gathered for all: the plan where that was asked for, and the graphs. JSON
    has all of a graph, the text none without ``--graph``; long stretches are folded, without it in drawings too.
    """
    if form not in PAGES and not getattr(options, "plan", False):
        verdict = verdict._replace(plan=None)
    whole = getattr(options, "graph", False)
    if not verdict.graphs or form == "json" or (form in DRAWINGS and whole):
        return verdict
    if form == "text" and not whole:
        return verdict._replace(graphs=None)
    from migration_gate.project.graph import folded

    return verdict._replace(graphs=tuple(map(folded, verdict.graphs)))


def hand_out(text: str | bytes, file: str) -> None:
    """To a file, where "-" is standard output. Bytes are for a program to read, and stay as they are; but where a
    terminal or GitHub's runner shows them, and obeys some of it, they are made harmless. Raises CannotWrite.
    """
    if file == "-":
        if isinstance(text, bytes) and (sys.stdout.isatty() or os.environ.get("GITHUB_ACTIONS")):
            text = "".join(f"{clean_line(line)}\n" for line in text.decode(errors="replace").splitlines())
        write(text)
        return
    try:
        Path(file).write_bytes(_encoded(text))
    except (OSError, ValueError) as error:  # ValueError: a null byte in its name
        raise CannotWrite(f"cannot write {file}: {getattr(error, 'strerror', None) or error}") from error


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
