"""Arguments → command → exit status, and nothing else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from migration_gate import __version__
from migration_gate.report import FORMATS, OF_A_DATABASE, OF_A_VERDICT


def program() -> None:
    """What the shell starts. What only reads ends at once, and collects no garbage: to take apart what a process has in
    memory, when it ends, costs a hook a tenth of its time.
    """
    if sys.argv[1:2] not in (["lint"], ["heads"]):
        sys.exit(main())
    import gc
    import os

    gc.disable()
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, by whoever read it or by main
            stream.flush()
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 the gate is open, 1 findings, 2 the gate could not judge."""
    from migration_gate.findings import CannotJudge, CannotWrite

    options = parser().parse_args(arguments)
    try:
        if options.command == "lint":
            from migration_gate.commands import lint

            return lint.run(options)
        if options.command == "heads":
            from migration_gate.commands import heads

            return heads.run(options)
        if options.command == "explain":
            from migration_gate.commands import explain

            return explain.run(options)
        if options.command == "init":
            from migration_gate.commands import init

            return init.run(options)
        if options.command == "doctor":
            from migration_gate.commands import doctor

            return doctor.run(options)
        from migration_gate.commands import ci

        return ci.run(options)
    except CannotJudge as reason:
        from migration_gate.report.clean import clean

        print(f"migration-gate: {clean(str(reason))}", file=sys.stderr)
        if "output" in options and not isinstance(reason, CannotWrite):
            from migration_gate.commands.emit import emit_problem

            with suppress(CannotWrite):
                emit_problem(str(reason), options)
        return 2
    except KeyboardInterrupt:
        print("migration-gate: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output has gone
        sys.stderr.close()
        return 2


class _Output(argparse.Action):
    """``FILE`` or ``FORMAT=FILE``, collected as (format or None, file). "-" is standard output."""

    def __init__(self, *words: Any, formats: Sequence[str], **more: Any) -> None:
        super().__init__(*words, **more)
        self.formats = formats

    def __call__(self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, *_: object) -> None:
        form, equals, file = value.partition("=")
        if equals and form.isalpha() and form not in self.formats:
            names = ", ".join(self.formats)
            parser.error(f"--output {value}: this command has no format {form}, but {names}; a file is ./{value}")
        report = (form, file) if form in self.formats and equals else (None, value)
        if not report[1]:
            parser.error(f"--output {value}: it names no file")
        if report[1] in [one for _, one in options.output]:
            parser.error(f"--output {value}: another report goes there already")
        options.output = [*options.output, report]


class _Help(argparse.HelpFormatter):
    """As argparse's own, which imports shutil (9 ms) to ask how wide the terminal is, at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def parser() -> argparse.ArgumentParser:
    """The command line, as documented in the README."""
    top = argparse.ArgumentParser(
        prog="migration-gate", description="Judge Alembic and Flask-Migrate migrations.", formatter_class=_Help
    )
    top.add_argument("--version", action="version", version=f"migration-gate {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = partial(commands.add_parser, formatter_class=_Help)

    lint = add("lint", help="read the migrations; run nothing")
    lint.add_argument("files", nargs="*", metavar="PATH", help="judge only these files' operations, or a folder's")
    lint.add_argument(
        "--plan", action="store_true", help="show what will run, by transaction: the locks, and what waits for them"
    )
    _common(lint)
    _everything(lint)

    heads = add("heads", help="judge the revision graph alone; draw it, and mend a fork")
    _common(heads, tuple(FORMATS))
    heads.add_argument("--graph", action="store_true", help="draw all of the history, the newest revision first")
    mend = heads.add_mutually_exclusive_group()
    mend.add_argument("--merge", action="store_true", help="join the heads by a merge revision of your own template")
    mend.add_argument(
        "--rebase", action="store_true", help="put this branch's revisions behind the head of what it will merge into"
    )
    heads.add_argument("-m", "--message", default=None, metavar="MESSAGE", help="the merge revision's")
    heads.add_argument("--dry-run", action="store_true", help="show what --merge or --rebase would change, as a diff")

    ci = add("ci", help="rehearse the upgrade on a throwaway PostgreSQL, and compare with the models")
    _common(ci)
    _everything(ci)
    _throwaway(ci)
    ci.add_argument(
        "--data", default=None, metavar="DUMP", help="begin with a dump of pg_dump's, at the revision that it stands at"
    )
    ci.add_argument("--plan", action="store_true", help="show what ran, by transaction: the locks, and what waited")
    ci.add_argument(
        "--suggest",
        nargs="?",
        const="",
        default=None,
        metavar="FILE",
        help="write a migration that closes the drift: as the project names its revisions, to FILE, or - for standard "
        "output (the report then goes to --output, or standard error)",
    )

    doctor = add("doctor", help="say what is wrong with a real database, read-only, and the commands that mend it")
    doctor.add_argument(
        "--url", default=None, metavar="URL", help="the database, postgresql://…; default: the one that env.py asks for"
    )
    _report(doctor, OF_A_DATABASE)
    _throwaway(doctor)
    doctor.add_argument(
        "--adopt", action="store_true", help="write what was changed in the database by hand as a revision"
    )
    doctor.add_argument(
        "--save-sizes",
        default=None,
        metavar="FILE",
        help="write how large the tables are, for the setting sizes: names and numbers, no rows",
    )
    doctor.add_argument("--plan", action="store_true", help="show what the pending revisions will run, by transaction")

    init = add("init", help="write the hooks, the settings and a workflow; shows them first")
    _project(init)
    init.add_argument("--yes", action="store_true", help="write without asking")
    init.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")

    explain = add("explain", help="why a rule exists, and what to write instead")
    explain.add_argument("rule", nargs="?", metavar="RULE", help="a rule's name; all of them are listed if none")
    return top


def _seconds(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _everything(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--all", action="store_true", help="judge what has shipped too, each revision as if it alone were new"
    )


def _throwaway(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--postgres",
        default=None,
        metavar="WHERE",
        help="auto (the default), local, embedded, docker, a postgresql:// URL, or a major version such as 16",
    )
    command.add_argument("--image", default=None, metavar="IMAGE", help="a container image, such as postgres:16")
    command.add_argument("--time-limit", type=_seconds, default=None, metavar="SECONDS", help="for the whole rehearsal")


def _common(command: argparse.ArgumentParser, formats: Sequence[str] = OF_A_VERDICT) -> None:
    _report(command, formats)
    command.add_argument(
        "--base",
        default=None,
        metavar="REF",
        help="the git ref that this branch will merge into; what it has, has shipped",
    )


def _project(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="PATH",
        help="only this project (its folder or ini file)",
    )


def _report(command: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    _project(command)
    command.add_argument("--format", choices=formats, default="text", help="of the report on standard output")
    command.add_argument(
        "--output",
        action=_Output,
        formats=formats,
        metavar="[FORMAT=]FILE",
        default=[],
        help="FILE: write the report there, not to standard output; FORMAT=FILE: write one more, as often as you like",
    )
    command.add_argument("--notes", action="store_true", help="show every note")
    command.add_argument("--exit-zero", action="store_true", help="report findings, and leave the gate open")


if __name__ == "__main__":
    program()
