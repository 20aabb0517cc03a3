"""Models that env.py never imports, in `ci` on projects with them; and names followed to the metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migration_gate.drift.leads import Loaded, read
from tests.conftest import Gate, Said, alembic_project, revision, write
from tests.under_git import Work

ENGINE = 'create_engine("postgresql+psycopg://app@db.internal/app")'
BASE = """
from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.orm import declarative_base

Base = declarative_base()
Other = declarative_base()  # of another database
metadata = MetaData(schema="audit")
"""
USER = """
from app.db import Base, Column, Integer

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer(), primary_key=True))'


def model(table: str, base: str = "Base", imports: str = "from app.db import Base, Column, Integer") -> str:
    """A module with one class, that has the table's name as a title."""
    name = table.title().replace("_", "")
    return f'{imports}\n\nclass {name}({base}):\n    __tablename__ = "{table}"\n    {KEY}\n'


KEY = "id = Column(Integer, primary_key=True)"


def plain(folder: Path, target: str, files: dict[str, str], migrated: str = USERS) -> Path:
    """A project of Alembic whose env.py imports the package app."""
    project = alembic_project(folder, ENGINE, {"a1": revision("a1", migrated)})
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata = None", target))
    (project / "pyproject.toml").unlink()
    package = {"app/__init__.py": "", "app/db.py": BASE, "app/models/__init__.py": "from app.models import user\n"}
    return write(project, package | {"app/models/user.py": USER} | files)


def drift(gate: Gate, project: Path) -> tuple[Said, dict[str, dict[str, Any]]]:
    """What a run says, and its findings of drift by their tables."""
    said = gate("ci", "--format", "json", cwd=project)
    return said, {one["message"].split("`")[1]: one for one in said.json["findings"] if one["rule"] == "drift"}


TARGET = "import app.models\nfrom app.db import Base, metadata\ntarget_metadata = [Base.metadata, metadata]"
MIGRATED = f"""{USERS}
op.create_table("audit_log", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("who", sa.String()))
op.create_index("ix_audit_log_who", "audit_log", ["who"])
op.create_table("legacy", sa.Column("id", sa.Integer(), primary_key=True))
op.execute("CREATE SCHEMA audit")
op.create_table("logins", sa.Column("id", sa.Integer(), primary_key=True), schema="audit")
"""


def test_a_file_that_is_not_imported_is_named_and_its_remedy_heals(tmp_path: Path, gate: Gate) -> None:
    files = {
        "app/models/audit.py": """
from .kinds import Kept
from ..db import Column, String

class AuditLog(Kept):
    __tablename__ = "audit_log"
    who = Column(String, index=True)
""",
        "app/models/kinds.py": f"""
from app import db
from app.db import Column, Integer

class Kept(db.Base):
    __abstract__ = True
    {KEY}
""",
        "app/models/logins.py": """
from app.db import *

logins = Table("logins", metadata, Column("id", Integer, primary_key=True))
roles = Table("roles", Base.metadata, Column("id", Integer, primary_key=True))
""",
    }
    project = plain(tmp_path, TARGET, files, MIGRATED)
    env = project / "migrations/env.py"
    env.write_text(env.read_text().replace("target_metadata=", "include_schemas=True, target_metadata="))
    _, found = drift(gate, project)
    assert {name: (one["path"], one["line"]) for name, one in found.items()} == {
        "audit_log": ("app/models/audit.py", 5),
        "logins": ("app/models/logins.py", 4),
        "roles": ("app/models/logins.py", 5),
        "legacy": (None, None),  # no file declares it: autogenerate's own sentence
    }
    never = "is declared in app/models/audit.py, which env.py never imports: autogenerate does not see it"
    assert found["audit_log"]["message"] == f"table `audit_log` {never} and proposes to drop it"
    assert found["logins"]["message"].endswith("autogenerate does not see it and proposes to drop it")
    assert found["roles"]["message"].endswith("autogenerate does not see it")
    assert found["legacy"]["message"] == "table `legacy` is made by the migrations and is not in the models"

    lines = [found[name]["remedy"].split("\n") for name in ("audit_log", "logins", "roles")]
    assert {one[0] for one in lines} == {"# in migrations/env.py, after its other imports:"}
    assert lines[0][1] == "from app.models.audit import AuditLog  # noqa: F401"
    pasted = "\n".join(one[1] for one in lines)
    env.write_text(env.read_text().replace("import app.models\n", f"import app.models\n{pasted}\n"))
    _, found = drift(gate, project)
    assert sorted(found) == ["legacy", "roles"]
    assert found["roles"]["message"] == "table `roles` is in the models and in no migration"


def test_what_is_loaded_or_is_not_of_this_metadata_is_no_finding(tmp_path: Path, gate: Gate) -> None:
    inside = "\n".join("    " + line for line in model("built").split("\n"))
    files = {
        "app/models/__init__.py": "from . import packaged, user\nfrom importlib import import_module\n"
        'import_module("app.models.late")\n',
        "app/models/packaged.py": model("packaged"),
        "app/models/late.py": model("late"),
        "app/models/copied.py": model("late"),
        "app/models/kinds.py": "from app.db import Base\n\nclass Kind(Base):\n    __abstract__ = True\n",
        "app/models/tests/kept.py": model("tested"),
        "app/models/user_old.py": model("older"),
        "app/models/other.py": model("elsewhere", "Other", "from app.db import Column, Integer, Other"),
        "app/models/own.py": model("owned", imports=BASE),
        "app/models/second.py": model("second")
        .replace("    id", "    metadata = other\n    id")
        .replace("\n\n", "\nfrom sqlalchemy import MetaData\nother = MetaData()\n\n", 1),
        "app/models/typed.py": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n{inside}",
        "app/models/made.py": f"from app.db import Base, Column, Integer\ndef make():\n{inside}",
        "app/models/heir.py": "from app.models.user import User\n\nclass Admin(User):\n    pass\n",
        "app/models/optional.py": model("optional"),
        "app/plugins.py": "try:\n    from app.models import optional\nexcept ImportError:\n    pass\n",
        "app/scratch/idea.py": model("ideas"),
        "elsewhere/models.py": model("outside"),
    }
    migrated = "\n".join(USERS.replace("users", one) for one in ("users", "packaged", "late"))
    target = "import app.models\nfrom app.db import Base\ntarget_metadata = Base.metadata"
    project = plain(tmp_path, target, files, migrated)
    Work(project).git("init", "-q")
    said, found = drift(gate, project)
    assert (said.status, found) == (0, {}), said.out
    notes = [(one["path"], one["message"]) for one in said.json["notes"] if "never imports" in one["message"]]
    assert notes == [
        (path, f"table `{table}` is declared in a file that env.py never imports: autogenerate does not see it")
        for path, table in (("app/models/optional.py", "optional"), ("app/scratch/idea.py", "ideas"))
    ]


FLASK = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg://localhost/shop"
    from shop import models
    db.init_app(app)
    Migrate(app, db)
    return app
"""
FLASK_ENV = """
from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db
with db.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=db.metadatas[None])
    with context.begin_transaction():
        context.run_migrations()
"""
FLASK_MODEL = "from shop import db\n\nclass {}(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n"


@pytest.mark.slow
def test_flask_migrate(tmp_path: Path, gate: Gate) -> None:
    audit = (
        FLASK_MODEL.format("AuditLog") + 'marks = db.Table("marks", db.Column("id", db.ForeignKey("audit_log.id")))\n'
    )
    bound = FLASK_MODEL.format("Metric").replace("    id", '    __bind_key__ = "metrics"\n    id')
    files = {
        ".flaskenv": "FLASK_APP=shop:create_app\n",
        "shop/__init__.py": FLASK,
        "shop/models.py": FLASK_MODEL.format("User"),
        "shop/audit/models.py": audit,
        "shop/audit/views.py": "def show():\n    from shop.audit.models import AuditLog, marks\n",
        "shop/audit/metrics.py": bound + "\n# Metric\n",
        "shop/audit/graphs.py": "from shop.audit.metrics import Metric\n",
        "migrations/alembic.ini": "[alembic]\n",
        "migrations/env.py": FLASK_ENV,
        "migrations/versions/a1.py": revision("a1", USERS.replace("users", "user")),
    }
    project = write(tmp_path, files)
    _, found = drift(gate, project)
    assert {name: one["message"].partition(" is ")[2] for name, one in found.items()} == dict.fromkeys(
        ("audit_log", "marks"),
        "declared in shop/audit/models.py, which env.py never imports: autogenerate does not see it",
    )
    line = found["audit_log"]["remedy"].split("\n")[1]
    (project / "migrations/env.py").write_text(FLASK_ENV.replace("\ndb =", f"\n{line}\ndb ="))
    both = """
op.create_table("audit_log", sa.Column("id", sa.Integer(), primary_key=True))
op.create_table("marks", sa.Column("id", sa.Integer(), sa.ForeignKey("audit_log.id")))
"""
    write(project, {"migrations/versions/b2.py": revision("b2", both, down="a1")})
    assert gate("ci", cwd=project).status == 0


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ("", "env.py imports few, if any, of the modules that declare models (not imported: app/models/audit.py)"),
        (
            USER + '    audit_id = Column(Integer, __import__("sqlalchemy").ForeignKey("audit_log.id"))\n',
            "could not find table 'audit_log'",
        ),
    ],
)
def test_where_nothing_can_be_compared_the_file_is_named(user: str, reason: str, tmp_path: Path, gate: Gate) -> None:
    files = {"app/models/user.py": user, "app/models/audit.py": model("audit_log")}
    migrated = f"{USERS}\n{USERS.replace('users', 'audit_log')}"
    said = gate("ci", "--format", "json", cwd=plain(tmp_path, TARGET, files, migrated))
    assert said.status == 2
    (problem,) = said.json["problems"]
    assert reason in problem
    assert "(not imported: app/models/audit.py)" in problem


# ── names, without a run ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("from app.db import Base", True),
        ("from app.db import Base as Root\nBase = Root", True),
        ("from .db import *", True),
        ("from . import db\nBase = db.Base", True),
        ("import app.db\nBase = app.db.Base", True),
        ("import app.db as d\nclass Base(d.Base): pass", True),
        ("try:\n    from app.db import Base\nexcept ImportError:\n    Base = object", True),
        ("from app.round import Base", True),  # another file that was not loaded
        ("from app.db import metadata\nBase = declarative_base(metadata=metadata)", True),
        ("from app.db import registry\n@registry.mapped\nclass Base: pass", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.db import Base", False),
        ("Base = declarative_base()", False),
        ("from app.db import Other as Base", False),
        ("from app.db import Base as One, Other\nclass Base(One):\n    metadata = Other.metadata", False),
        ("from app.db import Base as One\nBase = One.registry.generate_base()", False),
        ("from app.circle import Base", False),
        ("class Base(Base): pass", False),
        ("from nowhere import Base", False),
        ("from ....... import Base", False),
        ("Base = Base", False),
    ],
)
def test_a_name_is_followed_to_the_object_that_was_loaded(text: str, leads: bool, tmp_path: Path) -> None:
    import ast

    write(
        tmp_path,
        {
            "app/round.py": "from app.db import Base as One\nclass Base(One[int]): pass",
            "app/circle.py": "from app.circle import *\nfrom app.circle import Base\nclass Base(Base, Base): pass",
            "app/audit.py": text,
        },
    )
    names = ["Base", "metadata", "registry"]
    loaded = Loaded(
        {"app": (str(tmp_path / "app/__init__.py"), [], False), "app.db": (str(tmp_path / "app/db.py"), names, True)}
    )
    source = read("app.audit", str(tmp_path / "app/audit.py"))
    assert source is not None
    made = [one for one in source.tree.body if isinstance(one, ast.ClassDef)]
    found = loaded.class_leads(source, made[0]) if made else loaded.leads(source, ast.Name("Base"))
    assert found is leads


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("app/audit.py", "app.audit"),
        ("app/deep/er/__init__.py", "app.deep.er"),
        ("app/not-a-name/audit.py", None),
        ("other/audit.py", None),
        ("audit.py", None),
    ],
)
def test_a_file_is_named_as_its_package_was_imported(path: str, name: str | None, tmp_path: Path) -> None:
    loaded = Loaded({"app.db": (str(tmp_path / "src/app/db.py"), ["Base"], True)})
    assert loaded.name_of(str(tmp_path / "src" / path)) == name
