"""What an env.py says of how the migrations run, read from its text."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

from migration_gate.project.revision import SyntaxProblem, parse_python


class Environment(NamedTuple):
    """``transaction_per_migration`` as ``context.configure`` is given it, None where it is computed; Alembic's default
    is False: all pending revisions in one transaction (docs: "EnvironmentContext.configure"). ``lock_timeout`` is
    true where env.py or the ini beside it speaks of that setting at all, ``autocommit`` where they speak of that
    isolation level: then there may be no transaction. Where env.py hands the context on to code that configures it
    elsewhere, ``transaction_per_migration`` and ``autocommit`` are None.
    """

    transaction_per_migration: bool | None = False
    lock_timeout: bool = False
    autocommit: bool | None = False


def read_environment(env: Path, ini: Path | None = None) -> Environment:
    """What an env.py, and an ini file's URL, say. An env.py that is not there or does not parse says nothing."""
    try:
        source = env.read_bytes()
        configuration = ini.read_bytes() if ini else b""
    except OSError:
        return Environment()
    timeout = b"lock_timeout" in source + configuration
    autocommit = b"AUTOCOMMIT" in source + configuration
    if b"configure(" not in source and re.search(rb"\(\s*context\s*[,)]", source):
        return Environment(None, timeout, autocommit or None)
    if b"transaction_per_migration" not in source:
        return Environment(False, timeout, autocommit)
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        return Environment(None, timeout, autocommit)
    given = [
        keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "transaction_per_migration"
    ]
    one = set(map(bool, given)) if None not in given else set()
    return Environment(one.pop() if len(one) == 1 else None, timeout, autocommit)
