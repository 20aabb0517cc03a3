"""Rows of the project's own: an SQL file, or a Python function that takes a connection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import CannotJudge

_FUNCTION = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)")


class Function(NamedTuple):
    """A function of the project's own. It is imported and called where the project's code runs, and nowhere else: in
    the child process, as ``function(connection)``, with a SQLAlchemy connection to the database that wants rows, in a
    transaction that is committed when it returns.
    """

    module: str
    name: str


def read(text: str, folder: Path) -> Path | Function:
    """What a project's setting means: "package.module:function", or else the path of an SQL file below ``folder``, the
    settings' own, to be run by ``start.run_file``. Raises CannotJudge for a file that is not there.
    """
    function = _FUNCTION.fullmatch(text)
    if function and not (folder / text).exists():
        return Function(function["module"], function["name"])
    path = folder / text
    if not path.is_file():
        raise CannotJudge(
            f"cannot read {path}, which the settings name: it is neither an SQL file nor package.module:function"
        )
    return path
