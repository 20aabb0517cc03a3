"""``make bench``: what a hook and a rehearsal cost here and now, beside Alembic's own commands.

Only the ratios mean something on another machine. Each number is the median of runs that take turns, so that a busy
moment falls on all of them; byte code is cached, as it is in an installed package.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from migration_gate.postgres.throwaway import URL_VARIABLE, Choice, throwaway

SHOP = Path(__file__).parents[1] / "examples" / "shop"
REVISIONS = 500
REVISION = '''"""add numbers.n{number}"""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("numbers", sa.Column("n{number}", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("numbers", "n{number}")
'''

Command = Sequence[str]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="migration-gate-bench-") as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/pycache"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        hook(Path(folder), environment)
        rehearsal(Path(folder), environment)


def hook(folder: Path, environment: dict[str, str]) -> None:
    """Reading one new revision of many, in a repository whose base has the others."""
    last = generate(folder / "history")
    commands: dict[str, list[Command]] = {
        "python -c pass": [[sys.executable, "-c", "pass"]],
        "migration-gate lint ONE_FILE": [[beside("migration-gate"), "lint", last]],
        "migration-gate lint --all": [[beside("migration-gate"), "lint", "--all"]],
        "migration-gate heads": [[beside("migration-gate"), "heads"]],
        "alembic heads": [[beside("alembic"), "heads"]],
    }
    took = measure(commands, folder / "history", environment, 9)
    show(f"A hook, in a history of {REVISIONS} revisions", took, "ms", 1000)
    names = ("migration-gate lint ONE_FILE", "migration-gate lint --all", "alembic heads", "python -c pass")
    gate, whole, alembic, bare = (took[name] for name in names)
    print(f"  lint takes {gate / alembic:.2f} × alembic heads, and {gate / bare:.1f} × python -c pass;")
    print(f"  with all {REVISIONS} judged, {whole / bare:.1f} ×\n")


def rehearsal(folder: Path, environment: dict[str, str]) -> None:
    """The whole verdict on examples/shop, on one server, beside what a team would write into its CI by hand."""
    shop = Path(shutil.copytree(SHOP, folder / "shop", ignore=shutil.ignore_patterns("__pycache__")))
    with throwaway(Choice()) as server:
        name = f"{server.prefix}byhand"
        environment |= {
            URL_VARIABLE: server.url(server.maintenance),
            "SQLALCHEMY_DATABASE_URI": server.url(name).replace("postgresql://", "postgresql+psycopg://"),
        }
        commands: dict[str, list[Command]] = {
            "flask db upgrade && flask db check": [
                [beside("flask"), "db", "upgrade"],
                [beside("flask"), "db", "check"],
            ],
            "migration-gate ci": [[beside("migration-gate"), "ci"]],
        }
        took = measure(commands, shop, environment, 5, (server, name))
        show(f"A rehearsal of examples/shop, on one PostgreSQL {server.version} ({server.origin})", took, "s", 1)
        by_hand, gate = took.values()
        print(f"  migration-gate ci takes {gate / by_hand:.2f} × the two commands")
    alone = measure({"migration-gate ci": [[beside("migration-gate"), "ci"]]}, shop, without(environment), 3)
    print(f"  with a server of its own to start and stop: {alone['migration-gate ci']:.2f} s")


def generate(folder: Path) -> str:
    """A project with a long, straight history, all of it but its head merged into origin's default branch; the path of
    the head's file, relative to the project.
    """
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (folder / "migrations" / "env.py").write_text("from alembic import context\n")
    down = None
    for number in range(REVISIONS):
        if number == REVISIONS - 1:
            merge_all(folder)
        ident = f"{number:012x}"
        (versions / f"{ident}_add_numbers.py").write_text(REVISION.format(number=number, id=ident, down=down))
        down = ident
    return f"migrations/versions/{down}_add_numbers.py"


def merge_all(folder: Path) -> None:
    """Commit what is there, as what origin/HEAD has."""
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["-c", "user.name=bench", "-c", "user.email=bench", "commit", "--quiet", "--message=merged"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)


def measure(
    commands: dict[str, list[Command]],
    cwd: Path,
    environment: dict[str, str],
    rounds: int,
    renewed: tuple[Server, str] | None = None,
) -> dict[str, float]:
    """Median seconds of each entry's commands together. The first round fills caches and is not counted.

    ``renewed`` is a database that is made anew, untimed, before each entry.
    """
    took: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, steps in commands.items():
            if renewed:
                databases.drop_all(renewed[0])
                databases.create(*renewed)
            started = time.perf_counter()
            for step in steps:
                done = subprocess.run(step, cwd=cwd, env=environment, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{' '.join(step)} failed:\n{done.stdout}{done.stderr}")
            if turn:
                took[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in took.items()}


def show(title: str, took: dict[str, float], unit: str, factor: int) -> None:
    print(title)
    for name, seconds in took.items():
        value = f"{seconds * factor:.0f}" if factor > 1 else f"{seconds:.2f}"
        print(f"  {name:<36}{value:>8} {unit}")


def without(environment: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key != URL_VARIABLE}


def beside(program: str) -> str:
    """A program of this Python's environment."""
    return str(Path(sys.executable).with_name(program))


if __name__ == "__main__":
    main()
