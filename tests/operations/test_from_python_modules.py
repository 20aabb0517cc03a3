"""What a migration imports from the project's own modules: found as files, read, and never imported."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import Operation, UsesModel
from migration_gate.operations.modules import Modules, modules_of
from migration_gate.project import discovery
from tests.conftest import write
from tests.operations.reading import HEAD, short, upgrade

REVISION = "migrations/versions/a1.py"
OP = "from alembic import op\nimport sqlalchemy as sa\n"
DROP = f"{OP}def drop(name='x'):\n    op.drop_table(name)\n"


def reading(root: Path, files: Mapping[str, str], body: str, head: str = "", roots: tuple[str, ...] = ("",)):
    """The operations of a revision beside these files."""
    write(root, files)
    modules = Modules(root, lambda: [root / one for one in roots])
    return read_upgrade(root / REVISION, upgrade(body, HEAD + head).encode(), modules)


def said(operations: list[Operation]) -> list[str]:
    return [short(one) for one in operations]


FOUND = {
    "a function": ({"app/db.py": DROP}, "from app.db import drop\n", "drop()"),
    "by another name": ({"app/db.py": DROP}, "from app.db import drop as away\n", 'away(name="x")'),
    "a module": ({"app/db.py": DROP}, "from app import db\n", "db.drop()"),
    "a module by another name": ({"app/db.py": DROP}, "import app.db as d\n", "d.drop()"),
    "a module by its path": ({"app/db.py": DROP}, "import app.db\n", "app.db.drop()"),
    "a package": ({"app/db/__init__.py": DROP}, "from app.db import drop\n", "drop()"),
    "a namespace package": ({"app/sub/db.py": DROP}, "import app.sub.db\n", "app.sub.db.drop()"),
    "passed on": (
        {"app/__init__.py": "from .db import drop\n", "app/db.py": DROP},
        "from app import drop\n",
        "drop()",
    ),
    "passed on from two folders up": (
        {"app/a/b.py": "from ..db import drop\n", "app/db.py": DROP},
        "from app.a.b import drop\n",
        "drop()",
    ),
    "everything of a module": ({"app/db.py": DROP}, "from app.db import *\n", "drop()"),
    "everything that it lists": (
        {"app/db.py": f"__all__ = ['_drop']\n{DROP}_drop = drop\n"},
        "from app.db import *\n",
        "_drop()",
    ),
    "everything, passed on": (
        {"app/__init__.py": "from .db import *\n", "app/db.py": DROP},
        "from app import drop\n",
        "drop()",
    ),
    "in the same folder": ({"migrations/versions/near.py": DROP}, "from .near import drop\n", "drop()"),
    "in the folder above": ({"migrations/near.py": DROP}, "from ..near import drop\n", "drop()"),
    "from a dot": ({"migrations/versions/near.py": DROP}, "from . import near\n", "near.drop()"),
    "inside upgrade()": ({"app/db.py": DROP}, "", "from app.db import drop\ndrop()"),
    "importlib": ({"app/db.py": DROP}, "import importlib\n", 'importlib.import_module("app.db").drop()'),
    "in an if": (
        {"app/db.py": f"import sys\nif sys.version_info > (3,):\n    {DROP.replace(chr(10), chr(10) + '    ')}\n"},
        "from app.db import drop\n",
        "drop()",
    ),
    "in a try": (
        {
            "app/db.py": "try:\n    from .other import drop\nexcept ImportError:\n    drop = None\n",
            "app/other.py": DROP,
        },
        "from app.db import drop\n",
        "drop()",
    ),
    "a helper's helper": (
        {"app/db.py": "from app.other import drop\ndef away():\n    drop()\n", "app/other.py": DROP},
        "from app.db import away\n",
        "away()",
    ),
    "given op": ({"app/db.py": "def drop(op):\n    op.drop_table('x')\n"}, "from app.db import drop\n", "drop(op)"),
    "given the connection": (
        {"app/db.py": "def run(c):\n    c.execute('DROP TABLE x')\n"},
        "from app.db import run\n",
        "run(op.get_bind())",
    ),
    "a constant": ({"app/db.py": "NAME = 'x'\n"}, "from app.db import NAME\n", "op.drop_table(NAME)"),
    "a constant made of others": (
        {"app/db.py": "from app.other import P\nNAME = f'{P}'\n", "app/other.py": "P = 'x'\n"},
        "from app.db import NAME\n",
        "op.drop_table(NAME)",
    ),
    "a list that is added to": (
        {"app/db.py": "NAMES = []\nNAMES.append('x')\n"},
        "from app.db import NAMES\n",
        "for n in NAMES: op.drop_table(n)",
    ),
    "a dict that is added to": (
        {"app/db.py": "NAMES = {}\nNAMES['a'] = 'x'\n"},
        "from app.db import NAMES\n",
        "op.drop_table(NAMES['a'])",
    ),
    "a sum": ({"app/db.py": "N = ''\nN += 'x'\n"}, "from app.db import N\n", "op.drop_table(N)"),
    "a table": ({"app/db.py": f"{OP}t = sa.table('x')\n"}, "from app.db import t\n", "op.drop_table(t.name)"),
    "a static method": (
        {"app/db.py": f"{OP}class H:\n    @staticmethod\n    def drop():\n        op.drop_table('x')\n"},
        "from app.db import H\n",
        "H.drop()",
    ),
    "a class method": (
        {"app/db.py": f"{OP}class H:\n    N = 'x'\n    @classmethod\n    def drop(c):\n        op.drop_table(c.N)\n"},
        "from app.db import H\n",
        "H.drop()",
    ),
    "a decorated function": (
        {"app/db.py": f"import functools\n{OP}@functools.cache\ndef drop():\n    op.drop_table('x')\n"},
        "from app.db import drop\n",
        "drop()",
    ),
    "upgrade itself": ({"app/db.py": DROP}, "from app.db import drop\n", "pass"),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_is_imported_from_the_project_is_followed(name: str, tmp_path: Path):
    files, head, body = FOUND[name]
    if name == "upgrade itself":
        write(tmp_path, files)
        source = "from app.db import drop as upgrade\n"
        found = read_upgrade(tmp_path / REVISION, source.encode(), Modules(tmp_path, lambda: [tmp_path]))
    else:
        found = reading(tmp_path, files, body, head)
    assert said(found)[0].startswith("DropTable x")
    assert len(found) == 1


def test_an_operation_of_a_module_stands_where_it_is_called(tmp_path: Path):
    (one,) = reading(tmp_path, {"app/db.py": DROP}, "drop(\n)", "from app.db import drop\n")
    assert (one.at.line, one.at.end, one.at.inside, one.call) == (7, 8, "app/db.py:4", "op.drop_table(name)")


def test_a_function_of_the_migration_keeps_its_own_line_when_a_module_calls_it(tmp_path: Path):
    files = {"app/db.py": "def twice(f):\n    f()\n    f()\n"}
    found = reading(tmp_path, files, "twice(lambda: op.drop_table('x'))", "from app.db import twice\n")
    assert [(one.at.line, one.at.inside) for one in found] == [(7, None)] * 2


def test_a_call_that_leads_to_what_is_not_read_says_so_once(tmp_path: Path):
    files = {
        "app/db.py": "import other\ndef run(op):\n    other.a(op)\n    other.b(op)\n    op.drop_table(other.name())\n"
    }
    found = said(reading(tmp_path, files, "run(op)", "from app.db import run\n"))
    assert [one.partition(" at=")[0] for one in found] == [
        "NotRead other.a() is another module's, and is not followed",
        "NotRead the table's name is computed",
    ]


NOT_FOLLOWED = {
    "not there": ({}, "from app.db import drop\n", "drop()"),
    "another name": ({"app/db.py": DROP}, "from app.db import gone\n", "gone()"),
    "no Python": ({"app/db.py": "def drop(:\n"}, "from app.db import drop\n", "drop()"),
    "too large": ({"app/db.py": DROP + "#" * 1_000_001}, "from app.db import drop\n", "drop()"),
    "computed": ({"app/db.py": "drop = something()\n"}, "from app.db import drop\n", "drop()"),
    "two that import each other": (
        {"app/a.py": "from app.b import drop\n", "app/b.py": "from app.a import drop\n"},
        "from app.a import drop\n",
        "drop()",
    ),
    "set by a function": (
        {"app/db.py": "run = print\ndef configure(f):\n    global run\n    run = f\n"},
        "from app.db import run\n",
        "run(op)",
    ),
    "above the repository": ({"../app/db.py": DROP}, "from ....app.db import drop\n", "drop()"),
}


@pytest.mark.parametrize("name", NOT_FOLLOWED)
def test_what_cannot_be_followed_says_so(name: str, tmp_path: Path):
    files, head, body = NOT_FOLLOWED[name]
    root = tmp_path / "repository"
    (found,) = said(reading(root, files, body, head))
    assert found.startswith("NotRead")


@pytest.mark.parametrize("name", ["", ".", "../db", "a\\0b", "\\ud800", "/etc/x", "a" * 5000, "..", "a..b"])
def test_no_name_of_a_module_makes_the_reader_raise(name: str, tmp_path: Path):
    body = f'importlib.import_module("{name}").run(op)'
    (found,) = said(reading(tmp_path, {}, body, "import importlib\n"))
    assert found.startswith("NotRead")


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path):
    root = tmp_path / "repository"
    write(tmp_path, {"elsewhere/db.py": DROP})
    root.mkdir()
    (root / "app").symlink_to(tmp_path / "elsewhere")
    (found,) = said(reading(root, {}, "drop()", "from app.db import drop\n"))
    assert found.startswith("NotRead")


LAYOUTS = {
    "beside alembic.ini": ("", "app/db.py", "from app.db import drop\n"),
    "in src": ("", "src/app/db.py", "from app.db import drop\n"),
    "beside env.py": ("", "migrations/helpers.py", "from helpers import drop\n"),
    "the migrations as a package": ("", "migrations/helpers.py", "from migrations.helpers import drop\n"),
    "prepend_sys_path": ("prepend_sys_path = lib\n", "lib/db.py", "from db import drop\n"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_modules_are_looked_for_where_python_would(name: str, tmp_path: Path):
    option, file, head = LAYOUTS[name]
    write(
        tmp_path,
        {"alembic.ini": f"[alembic]\nscript_location = migrations\n{option}", "migrations/env.py": "", file: DROP},
    )
    write(tmp_path, {REVISION: upgrade("drop()", f"revision = 'a1'\ndown_revision = None\n{head}")})
    (project,) = discovery.find(tmp_path)
    path = tmp_path / REVISION
    assert [type(one).__name__ for one in read_upgrade(path, path.read_bytes(), modules_of(project))] == ["DropTable"]


def test_a_module_is_parsed_once_for_all_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, {"app/db.py": DROP})
    modules = Modules(tmp_path, lambda: [tmp_path])
    source = upgrade("drop()", "from app.db import drop\n").encode()
    assert len(read_upgrade(tmp_path / REVISION, source, modules)) == 1
    (tmp_path / "app/db.py").unlink()
    assert len(read_upgrade(tmp_path / REVISION, source, modules)) == 1


def test_what_a_migration_changes_of_a_module_is_as_new_for_the_next(tmp_path: Path):
    write(tmp_path, {"app/db.py": "NAMES = []\n"})
    modules = Modules(tmp_path, lambda: [tmp_path])
    source = upgrade(
        "NAMES.append('x')\nfor n in NAMES: op.drop_table(n)", HEAD + "from app.db import NAMES\n"
    ).encode()
    for _ in range(2):
        assert said(read_upgrade(tmp_path / REVISION, source, modules)) == ["DropTable x"]


def test_an_application_that_leads_everywhere_takes_no_second_and_hides_nothing(tmp_path: Path):
    files = {
        f"app/m{i}.py": f"from app.m{i + 1} import f as g\nX = [{'1, ' * 3000}]\n"
        + f"def f(op):\n{'    g(op)' + chr(10)}" * 5
        for i in range(80)
    }
    write(tmp_path, files)
    modules = Modules(tmp_path, lambda: [tmp_path])
    source = upgrade("f(op)\nop.drop_table('x')", HEAD + "from app.m0 import f\n").encode()
    began = time.process_time()
    found = said(read_upgrade(tmp_path / REVISION, source, modules))
    assert time.process_time() - began < 1
    assert found[0].startswith("NotRead")
    assert found[-1] == "DropTable x"


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────

MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, mapped_column
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "users"
    id = mapped_column(sa.Integer, primary_key=True)
    name = mapped_column("full_name", sa.Text)
class Helper:
    @staticmethod
    def nothing(): pass
groups = sa.Table("groups", Base.metadata, sa.Column("id", sa.Integer))
"""
USES = {
    "a class": ("from app.models import User\n", "session.query(User).all()", "User"),
    "in upgrade()": ("", "from app.models import User\nsession.query(User).all()", "User"),
    "through a module": ("from app import models\n", "session.query(models.User).all()", "User"),
    "passed on": ("from app import User\n", "session.query(User).all()", "User"),
    "its table": ("from app.models import User\n", "op.get_bind().execute(User.__table__.select())", "User"),
    "a Core table": ("from app.models import groups\n", "op.get_bind().execute(groups.select())", "groups"),
    "in the module's top level": ("from app.models import User\nT = User.__table__\n", "pass", "User"),
}


@pytest.mark.parametrize("name", USES)
def test_a_mapped_class_that_is_imported_is_named_once_at_its_import(name: str, tmp_path: Path):
    head, body, model = USES[name]
    files = {"app/models.py": MODELS, "app/__init__.py": "from app.models import User\n"}
    setup = "from sqlalchemy.orm import Session\nsession = Session(bind=op.get_bind())\n"
    found = reading(tmp_path, files, f"{setup}{body}\n{body}", head)
    (one,) = [each for each in found if isinstance(each, UsesModel)]
    assert one.name == model
    assert one.where == f"app/models.py:{12 if model == 'groups' else 5}"
    assert one.call in head + body
    assert "import" in one.call
    lines = upgrade(f"{setup}{body}\n{body}", HEAD + head).split("\n")
    assert "app" in lines[one.at.line - 1]


UNUSED = {
    "for a type hint": ("from app.models import User\n", "x: User"),
    "no mapped class": ("from app.models import Helper\n", "Helper.nothing()"),
    "nowhere": ("from app.models import User\n", "pass"),
    "in downgrade()": ("from app.models import User\ndef downgrade():\n    User.a\n", "pass"),
    "a class of its own": (
        "from sqlalchemy.orm import declarative_base\nclass U(declarative_base()):\n    __tablename__ = 'u'\n",
        "U.a",
    ),
}


@pytest.mark.parametrize("name", UNUSED)
def test_what_upgrade_does_not_reach_is_not_named(name: str, tmp_path: Path):
    head, body = UNUSED[name]
    assert said(reading(tmp_path, {"app/models.py": MODELS}, body, head)) == []


def test_a_column_has_the_name_that_the_database_knows(tmp_path: Path):
    body = "op.execute(sa.update(User).values({User.name: 'x'}))"
    found = said(reading(tmp_path, {"app/models.py": MODELS}, body, "from app.models import User\n"))
    assert found[-1] == "ChangeRows users UPDATE (full_name) every_null=('full_name',)"
