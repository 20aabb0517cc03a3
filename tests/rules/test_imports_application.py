"""imports-application: a migration with a class of the application depends on the day, and its remedy does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import write
from tests.rules.production import MODELS
from tests.rules.traffic import judge
from tests.rules.watch import Lab, fork, project, upgrade

RULE = "imports-application"
USES = "op.execute(sa.update(User).where(User.email.is_(None)).values(email=User.name))"

BAD = {
    "in the function": f"from app.models import User\n\n{USES}",
    "another name": f"from app.models import User as Person\n\n{USES.replace('User', 'Person')}",
    "a session": """
        from sqlalchemy.orm import Session

        from app.models import User

        session = Session(bind=op.get_bind())
        for user in session.query(User).filter(User.email.is_(None)):
            user.email = user.name
        session.flush()
    """,
}
GOOD = {
    "a table of its own": """
        users = sa.table("users", sa.column("email"), sa.column("name"))
        op.execute(users.update().where(users.c.email.is_(None)).values(email=users.c.name))
    """,
    "a helper without models": """
        from app.tools import NAME

        op.add_column("users", sa.Column(NAME, sa.Text()))
    """,
}
# What it takes of the class is the name of its table: today's columns are none of its business.
NAME_ALONE = """
    from app.models import User

    op.add_column(User.__tablename__, sa.Column("phone", sa.Text()))
"""
# The class as it is some releases later.
LATER = MODELS.replace("    age: Mapped[int | None]\n", "    age: Mapped[int | None]\n    locale: Mapped[str | None]\n")
GONE = MODELS.replace("class User(", "class Person(")


def run(lab: Lab, folder: Path, body: str, models: str) -> str | None:
    place = project(folder / "ran", body)
    write(place, {"app/models.py": models, "app/tools.py": 'NAME = "phone"\n'})
    with fork(lab) as database:
        return upgrade(lab, database, place).error


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_it_refuses_depends_on_the_day(body: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(body).strip()
    (finding,) = judge(tmp_path, RULE, body).findings
    assert "app/models.py" in finding.message
    assert run(lab, tmp_path, body, MODELS) is None
    assert run(lab, tmp_path, body, GONE) == "ImportError"


def test_a_column_that_is_not_there_yet(tmp_path: Path, lab: Lab) -> None:
    assert run(lab, tmp_path, dedent(BAD["a session"]).strip(), LATER) == "42703"


def test_a_table_name_alone_is_a_note(tmp_path: Path, lab: Lab) -> None:
    body = dedent(NAME_ALONE).strip()
    verdict = judge(tmp_path, RULE, body)
    assert verdict.findings == ()
    (note,) = verdict.notes
    assert "for its __tablename__ alone" in note.message
    assert run(lab, tmp_path, body, LATER) is None
    assert run(lab, tmp_path, body, GONE) == "ImportError"


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_what_it_lets_through_does_not(body: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(body).strip()
    assert judge(tmp_path, RULE, body).findings == ()
    assert run(lab, tmp_path, body, GONE) is None


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_its_remedy_names_the_columns_that_are_used(body: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, dedent(body).strip()).findings
    table = (finding.remedy or "").split("\n")[0]
    assert table == 'users = sa.table("users", sa.column("name"), sa.column("email"))'
    changed = f"{table}\n{USES.replace('sa.update(User)', 'users.update()').replace('User.', 'users.c.')}"
    assert judge(tmp_path, RULE, changed).findings == ()
    assert run(lab, tmp_path, changed, GONE) is None
