"""What all tests share: a real PostgreSQL per worker, projects written from text, and the gate itself."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from migration_gate.cli import main
from migration_gate.postgres.server import Server
from migration_gate.postgres.throwaway import Choice, throwaway
from migration_gate.project.target import VARIABLES

# Tests write a file again within the second, and at the same size: Python would take the bytecode of the one before.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def pytest_collection_finish() -> None:
    """What was imported up to here is this checkout. Its bytecode is kept: to rewrite these tests takes seconds."""
    sys.dont_write_bytecode = True


# What a CI tells all that runs in it of a pull request is not about these tests' projects.
for name in (*VARIABLES, "GITHUB_REF"):
    os.environ.pop(name, None)

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for a worker's whole run."""
    with throwaway(Choice()) as one:
        yield one


@pytest.fixture(scope="session")
def lab(server: Server) -> Iterator[Any]:
    """Production with rows and without, ready to be forked: a ``tests.rules.watch.Lab``."""
    from tests.rules.watch import laboratory

    with laboratory(server) as one:
        yield one


class Said(NamedTuple):
    """What one run of the gate printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def rules(self) -> list[str]:
        return sorted(one["rule"] for one in self.json["findings"])


Gate = Callable[..., Said]


@pytest.fixture
def gate(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], request: pytest.FixtureRequest
) -> Gate:
    """Run the gate in this process: ``gate("ci", cwd=folder)``. A rehearsal uses the worker's own server; ``alone``
    there is none that answers.
    """

    def run(*words: str, cwd: Path, alone: bool = False) -> Said:
        monkeypatch.chdir(cwd)
        if alone:
            monkeypatch.setenv("MIGRATION_GATE_POSTGRES_URL", "postgresql://127.0.0.1:1/none")
        elif words[0] in ("ci", "doctor") and "--postgres" not in words:
            own: Server = request.getfixturevalue("server")
            monkeypatch.setenv("MIGRATION_GATE_POSTGRES_URL", own.url("postgres"))
        capfdbinary.readouterr()
        status = main(list(words))
        out, err = capfdbinary.readouterr()
        return Said(status, out.decode(), err.decode())

    return run


def often(cases: Iterable[Any], *named: Any) -> list[Any]:
    """Cases as parameters, of which `make test` tries those that are named, or else the first. `make slow` tries the
    others: further drivers, and further spellings.
    """
    every = list(cases)
    assert all(one in every for one in named)
    return [pytest.param(one, marks=() if one in (named or every[:1]) else pytest.mark.slow) for one in every]


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Files below a folder, from their text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one of the example projects, to change at will."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(EXAMPLES / name, tmp_path / name))

    return copy


ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

{before}
target_metadata = None

connectable = {engine}
with connectable.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''"""{message}"""
import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}


def upgrade():
{body}


def downgrade():
    pass
'''


def revision(ident: str, body: str, down: str | None = None, message: str = "") -> str:
    """A revision file's text; ``body`` is the code of its upgrade()."""
    lines = "\n".join("    " + line if line else "" for line in body.strip("\n").split("\n"))
    return REVISION.format(id=ident, down=down, message=message or ident, body=lines)


def alembic_project(folder: Path, engine: str, revisions: Mapping[str, str], before: str = "") -> Path:
    """A plain Alembic project without models: ``engine`` is the expression that env.py makes its engine by."""
    files = {
        "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
        "migrations/env.py": ENV.format(engine=engine, before=before),
        "pyproject.toml": '[tool.migration-gate]\nignore = ["drift"]\n',
    }
    return write(folder, files | {f"migrations/versions/{name}.py": text for name, text in revisions.items()})
