"""drops-in-use, against PostgreSQL: what it refuses breaks the queries of running code, and nothing else does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from migration_gate.findings import Verdict
from migration_gate.project import discovery, history
from migration_gate.project.settings import Settings
from migration_gate.rules.judging import judge_operations, select
from tests.conftest import Gate, revision, write
from tests.rules.afterwards import broken
from tests.rules.production import MODELS
from tests.rules.tables import alternatives, pasted
from tests.rules.watch import SHIPPED, Lab, project
from tests.under_git import PROJECT, VERSIONS, Work, said, start

RULE = "drops-in-use"
NO_COLUMN, NO_TABLE = "42703", "42P01"
OLD_MODELS = (
    MODELS
    + """

class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
)


def judge(folder: Path, *bodies: str, models: str | dict[str, str] = MODELS) -> Verdict:
    """What the rule says of new revisions, beside the models of the working tree."""
    place = project(folder / "judged", *bodies)
    (place / "app/models.py").unlink()
    write(place, {"app/models.py": models} if isinstance(models, str) else models)
    (one,) = discovery.find(place)
    one = one._replace(settings=Settings(select=(RULE,), start_after=(SHIPPED,)), root=place)
    judged = judge_operations(one, select(one, history.load(one), None))
    return Verdict(judged.findings, tuple(note for note in judged.notes if note.message.startswith(RULE)))


# Each with what its message says of the mapping, and what the old code meets.
BAD = {
    "op": ('op.drop_column("users", "bio")', "app/models.py:16 maps users.bio", NO_COLUMN),
    "keywords": ('op.drop_column(table_name="users", column_name="age")', "app/models.py:17 maps users.age", NO_COLUMN),
    "batch": ('with op.batch_alter_table("users") as batch:\n    batch.drop_column("bio")', "users.bio", NO_COLUMN),
    "SQL": ('op.execute("ALTER TABLE users DROP COLUMN bio")', "app/models.py:16 maps users.bio", NO_COLUMN),
    "SQL, several": ('op.execute("ALTER TABLE users DROP nickname, ADD locale text")', "users.nickname", NO_COLUMN),
    "a schema that is the path's": ('op.drop_column("users", "bio", schema="public")', "users.bio", NO_COLUMN),
    "a column renamed before": (
        'op.alter_column("users", "bio", new_column_name="about")\nop.drop_column("users", "about")',
        "app/models.py:16 maps users.bio",
        NO_COLUMN,
    ),
    "a table renamed before": (
        'op.rename_table("groups", "teams")\nop.drop_table("teams")',
        "app/models.py:21 maps groups",
        NO_TABLE,
    ),
    "a table": ('op.drop_table("groups")', "app/models.py:21 maps groups", NO_TABLE),
    "a table in SQL": ('op.execute("DROP TABLE IF EXISTS groups")', "app/models.py:21 maps groups", NO_TABLE),
    "CASCADE": ('op.execute("DROP TABLE users CASCADE")', "app/models.py:10 maps users", NO_TABLE),
}

GOOD = {
    "a column that no model has": 'op.drop_column("users", "created_at")',
    "a table that no model has": 'op.drop_table("memberships")',
    "a table of another schema": 'op.drop_column("users", "bio", schema="crm")',
    "a new column": 'op.add_column("users", sa.Column("bio2", sa.Text()))\nop.drop_column("users", "bio2")',
    "a new table": 'op.create_table("notes", sa.Column("id", sa.Integer()))\nop.drop_table("notes")',
    "a column that a new one takes the name of": """
        op.add_column("users", sa.Column("bio2", sa.Text()))
        op.execute("UPDATE users SET bio2 = bio")
        op.drop_column("users", "bio")
        op.alter_column("users", "bio2", new_column_name="bio")
    """,
    "a column whose name a new one has": """
        op.alter_column("users", "bio", new_column_name="bio_before")
        op.add_column("users", sa.Column("bio", sa.Text()))
        op.drop_column("users", "bio_before")
    """,
    "a column of a table whose name a new one has": """
        op.rename_table("users", "users_before")
        op.execute(
            "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, email text, bio text, age integer, "
            "nickname varchar(50), balance numeric(10,2), created_at timestamp)"
        )
        op.drop_column("users_before", "bio")
    """,
    "a table that a view takes the name of": """
        op.execute("CREATE TABLE teams AS SELECT * FROM groups")
        op.drop_table("groups")
        op.execute("CREATE VIEW groups AS SELECT * FROM teams")
    """,
    "a constraint": 'op.drop_constraint("orders_total_positive", "orders")',
    "an index": 'op.drop_index("ix_users_name")',
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_breaks_running_code(case: str, tmp_path: Path, lab: Lab) -> None:
    body, mapping, error = BAD[case]
    (finding,) = judge(tmp_path, body).findings
    assert mapping in finding.message
    assert error in broken(lab, tmp_path, body).values()


# created_at, memberships and crm.users are what production's other programs read: no model of this one does.
OTHERS = ("created_at", "memberships", "crm.")


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_breaks_nothing_that_models_map(case: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(GOOD[case])
    assert judge(tmp_path, body) == Verdict((), ())
    if case != "a table of another schema":  # it has no such column
        failing = broken(lab, tmp_path, body)
        assert [one for one in failing if not any(other in one for other in OTHERS)] == []


DROP = 'op.drop_column("users", "bio")'
BASE = "class Base(DeclarativeBase): pass\n"
USER = 'class User({0}):\n    __tablename__ = "users"\n    id: Mapped[int]\n'
# Other models than production's, and whether `users.bio` may go: a finding, a note, or neither.
MODELS_AND = {
    "nothing is mapped at all": ("x = 1\n", "finding", "no mapped class and no Table"),
    "a column under a condition": (
        BASE + USER.format("Base") + "    if settings.BIO:\n        bio: Mapped[str]\n",
        "note",
        "under a condition",
    ),
    "a column in both branches": (
        BASE
        + USER.format("Base")
        + "    if settings.BIO:\n        bio: Mapped[str]\n    else:\n        bio: Mapped[int]\n",
        "finding",
        "maps users.bio",
    ),
    "a column beside a condition": (
        BASE + USER.format("Base") + "    bio: Mapped[str]\n    if settings.AGE:\n        age: Mapped[int]\n",
        "finding",
        "maps users.bio",
    ),
    "a model without the column": (BASE + USER.format("Base"), "", ""),
    "a mixin of the repository without it": (BASE + "class M:\n    at: Mapped[int]\n" + USER.format("M, Base"), "", ""),
    "a mixin of the repository with it": (
        BASE + "class M:\n    bio: Mapped[str]\n" + USER.format("M, Base"),
        "finding",
        "app/models.py:3 maps users.bio",
    ),
    "a mixin of a library": (BASE + USER.format("SQLAlchemyBaseUserTable, Base"), "note", "SQLAlchemyBaseUserTable"),
    "a mixin of a library that has no columns": (BASE + USER.format("UserMixin, Base"), "", ""),
    "reflection": ('t = Table("users", metadata, autoload_with=engine)\n', "note", "reflected"),
    "a column of another name in Python": (
        BASE + USER.format("Base") + '    about: Mapped[str] = mapped_column("bio")\n',
        "finding",
        "app/models.py:5 maps users.bio",
    ),
    "an attribute of that name, another column": (
        BASE + USER.format("Base") + '    bio: Mapped[str] = mapped_column("about")\n',
        "",
        "",
    ),
    "a file that may map it, and that nobody can read": (
        BASE + USER.format("Base") + "    type X[T] = ???\n",
        "note",
        "app/models.py may map it",
    ),
    "only other tables": (BASE + USER.format("Base").replace('"users"', '"people"'), "", ""),
    "a computed name that may be it": (
        BASE + "class User(Base):\n    __tablename__ = name()\n    bio: Mapped[str]\n",
        "finding",
        "may well be it",
    ),
    "a computed name that may end so": (
        BASE + "class Sers(Base):\n    __tablename__ = name()\n    bio: Mapped[str]\n",
        "note",
        "if the table's name",
    ),
    "a computed name that is not it": (
        BASE + "class Order(Base):\n    __tablename__ = name()\n    bio: Mapped[str]\n",
        "",
        "",
    ),
    "a class in single table inheritance": (
        BASE + USER.format("Base") + "class Admin(User):\n    bio: Mapped[str]\n",
        "finding",
        "app/models.py:6 maps users.bio",
    ),
    "Flask-SQLAlchemy's automatic name": (
        "class Users(db.Model):\n    id = db.Column(primary_key=True)\n    bio = db.Column(db.Text)\n",
        "finding",
        "app/models.py:3 maps users.bio",
    ),
}


@pytest.mark.parametrize(("models", "kind", "words"), MODELS_AND.values(), ids=MODELS_AND)
def test_it_depends_on_the_models(models: str, kind: str, words: str, tmp_path: Path) -> None:
    verdict = judge(tmp_path, DROP, models=models)
    assert (len(verdict.findings), len(verdict.notes)) == {"finding": (1, 0), "note": (0, 1), "": (0, 0)}[kind]
    messages = [*(one.message for one in verdict.findings), *(one.message for one in verdict.notes)]
    assert all(words in one for one in messages)


def test_a_table_that_another_new_revision_makes(tmp_path: Path) -> None:
    made = 'op.create_table("notes", sa.Column("id", sa.Integer()))'
    assert judge(tmp_path, made, 'op.drop_table("notes")', models=OLD_MODELS).findings == ()


def test_without_git_and_in_a_repository_it_says_the_same(tmp_path: Path) -> None:
    (without,) = judge(tmp_path, DROP).findings
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "judged", check=True)
    (within,) = judge(tmp_path, DROP).findings
    assert without.message == within.message


REMEDIES = {name: BAD[name][0] for name in ("op", "keywords", "batch", "SQL", "a table", "a table in SQL")}


@pytest.mark.parametrize("body", REMEDIES.values(), ids=REMEDIES)
def test_the_first_release_of_its_remedy_breaks_nothing(body: str, tmp_path: Path, lab: Lab) -> None:
    place = tmp_path / "judged"
    (finding,) = judge(tmp_path, body).findings
    source = (place / "migrations/versions/new1.py").read_text()
    *first, _ = alternatives(finding)
    for way in first:
        text = pasted(source, finding, way, "")
        changed = text.partition("def upgrade():\n")[2].partition("\n\n\ndef downgrade")[0]
        assert broken(lab, tmp_path, dedent(changed)) == {}
        assert judge(tmp_path, dedent(changed)).findings == ()
    # The next release has no such column any more.
    models = "\n".join(one for one in MODELS.split("\n") if "bio" not in one and "age" not in one)
    models = models.partition("class Group")[0] + BASE if "groups" in body else models
    assert judge(tmp_path, body, models=models).findings == ()


MODEL = BASE + USER.format("Base") + "    bio: Mapped[str]\n"
WITHOUT = BASE + USER.format("Base")
DROPS = {f"{VERSIONS}/c.py": revision("c", DROP, "b")}


def lint(gate: Gate, work: Work, *words: str) -> list[str]:
    report = gate("lint", "--format", "json", "--base", "main", *words, cwd=work.root).json
    return [str(one["message"]) for one in said(report, RULE)]


def test_model_and_migration_in_one_release(tmp_path: Path, gate: Gate) -> None:
    """What runs in production is the base's code: it does not help that this branch's has no such column any more."""
    work = start(tmp_path / "work", {**PROJECT, "app/models.py": MODEL})
    work.commit({"app/models.py": WITHOUT, **DROPS})
    (message,) = lint(gate, work)
    assert message.startswith("app/models.py:5 maps users.bio in main.")
    assert lint(gate, work, "--all") == [message]


def test_two_releases(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work", {**PROJECT, "app/models.py": MODEL})
    work.git("switch", "--quiet", "main")
    work.commit({"app/models.py": WITHOUT})
    work.git("switch", "--quiet", "-C", "feature")
    work.commit(DROPS)
    assert lint(gate, work) == []


def test_a_column_that_only_the_branch_maps_again(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work", {**PROJECT, "app/models.py": WITHOUT})
    work.commit({"app/models.py": MODEL, **DROPS})
    assert lint(gate, work) == []


def test_a_shallow_clone_has_the_base_s_models(tmp_path: Path, gate: Gate) -> None:
    work = start(tmp_path / "work", {**PROJECT, "app/models.py": MODEL})
    work.commit({"app/models.py": WITHOUT, **DROPS})
    clone = work.clone(tmp_path / "clone", "--depth", "1", "--no-single-branch")
    (message,) = lint(gate, clone, "--base", "origin/main")
    assert "in origin/main" in message
