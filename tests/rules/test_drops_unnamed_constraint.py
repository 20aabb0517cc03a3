"""drops-unnamed-constraint, against Alembic and PostgreSQL: what it refuses never goes through."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.tables import alternatives, pasted
from tests.rules.watch import Lab, ask, fork, project, upgrade

RULE = "drops-unnamed-constraint"
CONVENTION = {
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}
# What adds the constraint in an earlier revision, and what drops it.
KEY = 'op.create_foreign_key(None, "memberships", "users", ["user_id"], ["id"])'
BAD = {
    "foreign key": (KEY, 'op.drop_constraint(None, "memberships", type_="foreignkey")'),
    "foreign key of two columns": (
        'op.create_unique_constraint("u", "groups", ["id", "name"])\n'
        'op.add_column("memberships", sa.Column("name", sa.String(50)))\n'
        'op.create_foreign_key(None, "memberships", "groups", ["group_id", "name"], ["id", "name"])',
        'op.drop_constraint(None, "memberships", type_="foreignkey")',
    ),
    "without type_": (KEY, 'op.drop_constraint(None, "memberships")'),
    "keywords": (KEY, 'op.drop_constraint(table_name="memberships", constraint_name=None, type_="foreignkey")'),
    "op.f": (KEY, 'op.drop_constraint(op.f(None), "memberships", type_="foreignkey")'),
    "if_exists": (KEY, 'op.drop_constraint(None, "memberships", type_="foreignkey", if_exists=True)'),
    "several lines": (KEY, 'op.drop_constraint(\n    None,\n    "memberships",\n    type_="foreignkey",\n)'),
    "batch": (
        KEY,
        'with op.batch_alter_table("memberships", schema=None) as batch_op:\n'
        '    batch_op.drop_constraint(None, type_="foreignkey")',
    ),
    "of a new column": (
        'op.add_column("memberships", sa.Column("owner", sa.Integer(), sa.ForeignKey("users.id")))',
        'op.drop_constraint(None, "memberships", type_="foreignkey")',
    ),
    "unique": (
        'op.create_unique_constraint(None, "memberships", ["user_id", "group_id"])',
        'op.drop_constraint(None, "memberships", type_="unique")',
    ),
    "schema": (
        'op.create_unique_constraint(None, "users", ["id"], schema="crm")',
        'op.drop_constraint(None, "users", schema="crm", type_="unique")',
    ),
    "SQL that names no constraint": (
        'op.execute("ALTER TABLE memberships ADD FOREIGN KEY (user_id) REFERENCES users")',
        'op.drop_constraint(None, "memberships", type_="foreignkey")',
    ),
}
# The name cannot be told from what is there.
UNKNOWN = {
    "a constraint of nobody knows where": 'op.drop_constraint(None, "orders", type_="foreignkey")',
    "a CHECK": """
        op.create_check_constraint(None, "users", "age > -1")
        op.drop_constraint(None, "users", type_="check")
    """,
    "one of two": f"""
        {KEY}
        op.create_foreign_key(None, "memberships", "groups", ["group_id"], ["id"])
        op.drop_constraint(None, "memberships", type_="foreignkey")
    """,
}
GOOD = {
    "a name": f'{KEY}\nop.drop_constraint("memberships_user_id_fkey", "memberships", type_="foreignkey")',
    "op.f of a name": f'{KEY}\nop.drop_constraint(op.f("memberships_user_id_fkey"), "memberships", type_="foreignkey")',
    "SQL": f'{KEY}\nop.execute("ALTER TABLE memberships DROP CONSTRAINT memberships_user_id_fkey")',
}
KEYS = "SELECT conname FROM pg_constraint WHERE conrelid = 'memberships'::regclass AND contype = 'f'"
DOWN = """
def upgrade():
    {up}


def downgrade():
    {down}
"""


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("body", [*map("\n".join, BAD.values()), *UNKNOWN.values()], ids=[*BAD, *UNKNOWN])
def test_alembic_cannot_emit_it(body: str, rows: bool, watch: Watch):
    assert watch(dedent(body), rows=rows).error in ("CompileError", "AssertionError")


@pytest.mark.parametrize("name", BAD)
def test_a_naming_convention_does_not_help(name: str, lab: Lab, tmp_path: Path):
    folder = project(tmp_path, "\n".join(BAD[name]))
    env = folder / "migrations/env.py"
    metadata = f"MetaData(naming_convention={CONVENTION!r})"
    source = env.read_text().replace("target_metadata=None", f"target_metadata={metadata}")
    env.write_text(f"from sqlalchemy import MetaData\n{source}")
    with fork(lab) as database:
        if name == "if_exists":  # it drops nothing, and says nothing
            assert upgrade(lab, database, folder).error is None
            assert ask(lab, database, KEYS) == [("fk_memberships_user_id",)]
        else:
            assert upgrade(lab, database, folder).error is not None


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_what_has_a_name_goes_through(body: str, watch: Watch, repository: Repository):
    assert watch(body).error is None
    repository.write({"a1.py": revision("a1", body)})
    assert repository.findings(select=(RULE,)) == ()


@pytest.mark.parametrize("name", BAD)
def test_the_remedy_has_the_name_that_postgresql_gave(name: str, repository: Repository, watch: Watch):
    added, dropped = BAD[name]
    source = revision("b2", dropped, "a1")
    repository.write({"a1.py": revision("a1", added), "b2.py": source})
    finding = repository.only(select=(RULE,), start_after=("a1",))
    (way,) = alternatives(finding)
    mended = pasted(source, finding, way, "")
    seen = watch(added, mended[mended.index("def upgrade") :])
    assert seen.error is None, seen


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_the_gate_refuses_it_and_says_where_the_name_is(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    finding = repository.only(select=(RULE,))
    assert "SELECT conname FROM pg_constraint" in (finding.remedy or "")


def test_a_primary_key_may_be_named_by_a_convention(repository: Repository, lab: Lab, tmp_path: Path):
    body = 'op.drop_constraint(None, "memberships", type_="primary")'
    folder = project(tmp_path / "pk", 'op.execute("ALTER INDEX memberships_pkey RENAME TO pk_memberships")', body)
    env = folder / "migrations/env.py"
    source = env.read_text().replace(
        "target_metadata=None", f"target_metadata=MetaData(naming_convention={CONVENTION!r})"
    )
    env.write_text(f"from sqlalchemy import MetaData\n{source}")
    with fork(lab) as database:
        assert upgrade(lab, database, folder).error is None
    repository.write({"a1.py": revision("a1", body)})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if one.message.startswith(RULE)]


def test_a_downgrade_that_drops_it_is_a_note(repository: Repository, lab: Lab, tmp_path: Path):
    dropped = BAD["foreign key"][1]
    head = revision("a1", "pass").partition("def upgrade")[0]
    repository.write({"a1.py": head + DOWN.format(up=KEY, down=dropped)})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    (note,) = [one for one in verdict.notes if one.message.startswith(RULE)]
    assert "`alembic downgrade` stops there" in note.message
    name = "memberships_user_id_fkey"
    assert name in note.message
    named = dropped.replace("None", repr(name))
    for folder_name, down, error in (("bad", dropped, "CompileError"), ("good", named, None)):
        folder = project(tmp_path / folder_name, DOWN.format(up=KEY, down=down))
        with fork(lab) as database:
            assert upgrade(lab, database, folder).error is None
            assert upgrade(lab, database, folder, to="-1").error == error
