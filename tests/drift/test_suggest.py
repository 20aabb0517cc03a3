"""``ci --suggest``: the migration that it writes closes the drift, all of it, and its downgrade opens it again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from migration_gate.drift.suggest import steady
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server
from tests.conftest import Gate, write
from tests.drift.cases import CASES
from tests.drift.models import EXTENSIONS, written
from tests.drift.test_declared import USERS, project

# Of every kind some that do not stand in each other's way.
TOGETHER = (
    "table missing, with odd names", "table extra", "unlogged", "row level security forced", "comment on table changed",
    "grants missing", "column missing, with a default", "column missing, generated", "column extra", "varchar longer",
    "numeric scale", "bigint for integer", "not nullable", "default changed", "identity of the other kind",
    "collation lost", "storage", "CHECK missing", "CHECK NO INHERIT", "PRIMARY KEY in another order",
    "UNIQUE not deferrable", "EXCLUDE missing", "FOREIGN KEY missing", "index missing", "index by another method",
    "enum label missing, in the middle", "domain CHECK changed", "composite of other attributes", "function body",
    "view changed", "materialized view missing", "policy missing", "rule missing", "statistics missing",
    "sequence by another increment", "default privileges missing",
)  # fmt: skip
ROLE = "pg_monitor"  # every server has it

ENV_OPTIONS = "include_schemas=True"
REVISION = """
from pathlib import Path

from alembic import op
from models import metadata

revision = "a1"
down_revision = None


def upgrade():
    metadata.create_all(op.get_bind())
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";--\\n"):
        op.get_bind().exec_driver_sql(statement)


def downgrade():
    pass
"""
TEMPLATE = """
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


@pytest.fixture
def drifted(tmp_path: Path, server: Server) -> Path:
    """A project whose migrations miss its models in all these ways."""
    with connect(server, "postgres") as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
    extension = next((one for one in EXTENSIONS if one in known), None)
    models = f"from rich import declared\nmetadata = declared({ROLE!r}, {extension!r})\n"
    folder = project(tmp_path, models, "", ENV_OPTIONS)
    by_name = {one.name: written(one.sql, ROLE, extension) for one in CASES}
    (folder / "rich.py").write_text((Path(__file__).parent / "models.py").read_text())
    files = {"a1.py": REVISION, "a1.sql": ";--\n".join(by_name[name] for name in TOGETHER)}
    write(folder / "migrations/versions", files)
    write(folder, {"migrations/script.py.mako": TEMPLATE})
    return folder


def test_what_it_writes_closes_the_drift_and_goes_back(drifted: Path, gate: Gate) -> None:
    before = gate("ci", "--format", "json", "--suggest", cwd=drifted)
    assert len(before.json["findings"]) >= len(TOGETHER)
    (path,) = set((drifted / "migrations/versions").glob("*.py")) - {drifted / "migrations/versions/a1.py"}
    settings = (
        '[tool.migration-gate]\nselect = ["drift", "upgrade-fails", "downgrade-fails", "downgrade-leaves-trace"]\n'
    )
    (drifted / "pyproject.toml").write_text(settings + 'start-after = "a1"\n')
    after = gate("ci", cwd=drifted)
    assert after.status == 0, after.out + path.read_text()
    assert "1 revision down and up again, same schema" in after.out


def test_to_standard_output_the_report_goes_elsewhere(tmp_path: Path, gate: Gate) -> None:
    folder = project(tmp_path, USERS, "CREATE TABLE users (id serial PRIMARY KEY, age integer)")
    write(folder, {"migrations/script.py.mako": TEMPLATE})
    said = gate("ci", "--suggest", "-", cwd=folder)
    assert said.status == 1
    ast.parse(said.out)
    assert 'op.create_check_constraint(op.f("born"), "users", "age > 0")' in said.out
    assert 'op.drop_constraint("born", "users")' in said.out
    assert "check constraint `born`" in said.err
    assert [one.name for one in (folder / "migrations/versions").iterdir()] == ["a1.py"]


def test_texts_of_several_lines_stay_what_they_are() -> None:
    code = 'op.execute("""CREATE FUNCTION f() AS $$\n  BEGIN\n\n\'"\n$$""")\nop.drop_table("t")'
    indented = "def upgrade():\n" + "\n".join("    " + line for line in steady(code).split("\n"))
    calls = [one.value for one in ast.parse(indented).body[0].body]  # type: ignore[attr-defined]
    assert ast.literal_eval(calls[0].args[0]) == ast.literal_eval(code.split("op.execute(")[1].split(")\nop")[0])
