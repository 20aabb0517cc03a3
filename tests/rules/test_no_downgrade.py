"""no-downgrade: what it refuses cannot be taken back, what it lets through can, and its remedy does that."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migration_gate.project import discovery, history
from migration_gate.project.settings import Settings
from migration_gate.rules.judging import judge_operations, select
from tests.rules.conftest import Repository
from tests.rules.traffic import judge
from tests.rules.watch import SHIPPED, Lab, ask, fork, project, upgrade

RULE = "no-downgrade"
UP = 'def upgrade():\n    op.add_column("users", sa.Column("locale", sa.Text(), nullable=True))\n'
LOCALE = "SELECT locale FROM users"

# Each with its place, and what it is called.
BAD = {
    "missing": (UP, 5, "is missing"),
    "pass": (f"{UP}\n\ndef downgrade():\n    pass\n", 16, "does nothing"),
    "a docstring": (f'{UP}\n\ndef downgrade():\n    """There is no way back."""\n', 16, "does nothing"),
    "a comment": (f"{UP}\n\ndef downgrade() -> None:\n    # later\n    ...\n", 16, "does nothing"),
    "raising": (f"{UP}\n\ndef downgrade():\n    raise NotImplementedError('no way back')\n", 17, "raises"),
}
GOOD = {
    "a way back": f'{UP}\n\ndef downgrade():\n    op.drop_column("users", "locale")\n',
    "a way back in SQL": f'{UP}\n\ndef downgrade():\n    op.execute("ALTER TABLE users DROP locale")\n',
    "nothing to take back": "def upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n",
    "nothing to take back, and raising": "def upgrade():\n    pass\n\n\ndef downgrade():\n    raise ValueError\n",
    "a question": 'def upgrade():\n    op.execute("SELECT 1")\n\n\ndef downgrade():\n    pass\n',
}


def down_again(lab: Lab, folder: Path, body: str) -> tuple[str | None, list[tuple[object, ...]] | str]:
    """What stops the way back, and what a question for the new column meets afterwards."""
    place = project(folder / "ran", body)
    with fork(lab) as database:
        assert upgrade(lab, database, place).error is None
        return upgrade(lab, database, place, to=SHIPPED).error, ask(lab, database, LOCALE)


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_stays(case: str, tmp_path: Path, lab: Lab) -> None:
    body, line, said = BAD[case]
    (finding,) = judge(tmp_path, RULE, body).findings
    assert said in finding.message
    assert finding.line == line
    stopped, answer = down_again(lab, tmp_path, body)
    assert stopped or not isinstance(answer, str)


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_leaves_nothing(case: str, tmp_path: Path, lab: Lab) -> None:
    assert judge(tmp_path, RULE, GOOD[case]).findings == ()
    if "locale" in GOOD[case]:
        assert down_again(lab, tmp_path, GOOD[case]) == (None, "42703")


def test_a_merge_revision(repository: Repository) -> None:
    head = '"""m"""\nfrom alembic import op\n\nrevision = "{}"\ndown_revision = {}\n\n\n'
    empty = "def upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
    repository.write(
        {
            "a.py": head.format("a", None) + empty,
            "b.py": head.format("b", '"a"') + empty,
            "c.py": head.format("c", '"a"') + empty,
            "d.py": head.format("d", '("b", "c")') + empty,
        }
    )
    assert repository.findings(select=(RULE,)) == ()


def test_it_is_off(tmp_path: Path) -> None:
    place = project(tmp_path, BAD["pass"][0])
    one = discovery.find(place)[0]._replace(settings=Settings(start_after=(SHIPPED,)))
    said = judge_operations(one, select(one, history.load(one), None))
    assert RULE not in [finding.rule for finding in said.findings]


REMEDIES = {
    "columns": 'op.add_column("users", sa.Column("locale", sa.Text()))\n'
    'op.add_column("users", sa.Column("code", sa.Text()), schema="crm")',
    "a table": 'op.create_table("notes", sa.Column("id", sa.Integer()))\nop.create_index("ix", "notes", ["id"])',
    "a table in a schema": 'op.create_table("notes", sa.Column("id", sa.Integer()), schema="crm")',
    "a concurrent index": """
        with op.get_context().autocommit_block():
            op.create_index("ix_bio", "users", ["bio"], postgresql_concurrently=True)
    """,
    "names": 'op.alter_column("users", "bio", new_column_name="about")\nop.rename_table("groups", "teams")',
    "NULL": 'op.alter_column("users", "name", nullable=True)',
    "NOT NULL": 'op.alter_column("groups", "name", nullable=False)',
    "a constraint": 'op.create_check_constraint("short", "groups", "length(name) < 200")',
    "a column and its key": (
        'op.execute("ALTER TABLE memberships ADD COLUMN order_id integer REFERENCES orders")\n'
        'op.add_column("memberships", sa.Column("kind", sa.Text()))'
    ),
}
SHAPE = """
    SELECT attrelid::regclass::text, attname, attnotnull FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text IN ('public', 'crm')
    UNION ALL SELECT conrelid::regclass::text, conname, true FROM pg_constraint
    ORDER BY 1, 2
"""


@pytest.mark.parametrize("body", REMEDIES.values(), ids=REMEDIES)
def test_its_remedy_leads_back(body: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, dedent(body)).findings
    assert finding.remedy is not None
    up = "def upgrade():\n" + "\n".join("    " + line for line in dedent(body).strip().split("\n"))
    place = project(tmp_path / "ran", f"{up}\n\n\n{finding.remedy}")
    with fork(lab, rows=False) as database:
        shape = ask(lab, database, SHAPE)
        assert upgrade(lab, database, place).error is None
        assert ask(lab, database, SHAPE) != shape
        assert upgrade(lab, database, place, to=SHIPPED).error is None
        assert ask(lab, database, SHAPE) == shape
    assert judge(tmp_path, RULE, f"{up}\n\n\n{finding.remedy}").findings == ()


def test_no_remedy_is_made_up_where_something_is_gone(tmp_path: Path) -> None:
    (finding,) = judge(tmp_path, RULE, 'op.drop_column("users", "bio")').findings
    assert finding.remedy is None
