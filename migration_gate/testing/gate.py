"""The projects of one pytest session, each judged once, by whichever worker asks first."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stderr
from io import StringIO
from pathlib import Path
from urllib.parse import quote

from migration_gate.commands import ci, lint
from migration_gate.findings import CannotJudge, Verdict
from migration_gate.project import discovery, history
from migration_gate.project.base import compare
from migration_gate.project.model import Project
from migration_gate.testing.checks import Check, Said, checks, said
from migration_gate.testing.words import in_pytests_words


class Gate:
    """``where`` is the folder that pytest was started in, ``top`` the one that projects are looked for below.
    ``base`` and ``postgres`` are as the options of ``migration-gate ci``. ``folder`` is one that all workers have, None
    where this process is the only one. Raises CannotJudge where there is no project, or its settings are wrong.
    """

    def __init__(
        self, where: Path, top: Path, only: Sequence[str], base: str | None, postgres: str | None, folder: Path | None
    ) -> None:
        self.where, self.folder = where, folder
        asked = {"all": False, "plan": False, "image": None, "data": None, "suggest": None, "format": "text"}
        self.options = Namespace(base=base, postgres=postgres, output=[], **asked)
        self.checks: dict[str, tuple[Check, ...]] = {}
        self.projects = discovery.find_around(top, only)
        for project in self.projects:
            self.checks[project.name] = checks(project)
        self.known: dict[str, dict[str, Said]] = {}

    def said(self, project: Project, check: str) -> Said:
        """What the gate says of one check. The first question takes as long as ``migration-gate ci``."""
        if project.name not in self.known:
            self.known[project.name] = _once(self.folder, project.name, lambda: self._judge(project))
        return self.known[project.name][check]

    def _judge(self, project: Project) -> dict[str, Said]:
        # A test may have gone elsewhere; and what a long run shows of itself is no output of one item.
        with chdir(self.where), redirect_stderr(StringIO()):
            try:
                return said(project, self._verdict(project))
            except CannotJudge as reason:  # not even by reading
                return {one.name: Said("not judged", in_pytests_words(reason)) for one in self.checks[project.name]}

    def _verdict(self, project: Project) -> Verdict:
        try:
            return ci.judge([project], self.options)
        except CannotJudge as reason:
            graphs, notes = compare([(project, history.load(project))], self.options.base)
            verdict = lint.judge(graphs, None)
            return verdict._replace(notes=notes + verdict.notes, problems=(*verdict.problems, in_pytests_words(reason)))


def _once(folder: Path | None, name: str, judge: Callable[[], dict[str, Said]]) -> dict[str, Said]:
    """What ``judge`` gives, for all workers: the first one writes it, the others wait and read it."""
    try:
        import fcntl
    except ImportError:  # Windows: each for itself
        return judge()
    if folder is None or not folder.is_dir():  # a worker on another machine
        return judge()
    path = folder / quote(name, safe="")
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the process ends, however it does
        if path.exists():
            return {one: Said(*words) for one, words in json.loads(path.read_text("utf-8")).items()}
        found = judge()
        draft = f"{path}.new"
        Path(draft).write_text(json.dumps(found), "utf-8")
        os.replace(draft, path)
        return found
