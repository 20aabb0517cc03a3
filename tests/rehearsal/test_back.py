"""A revision that was taken back on PostgreSQL: what the gate says of it, and that its remedies mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.postgres.server import Server
from migration_gate.rehearsal import back
from migration_gate.rehearsal.outcome import Outcome
from tests.rehearsal.walk import Walk, written
from tests.rules.production import SCHEMA

DEF, BODY = 0, 1  # lines, counted from that of `def downgrade`
FAILS, TRACE, NOTE = "downgrade-fails", "downgrade-leaves-trace", "note"
MOOD = """
def upgrade():
    op.create_table("cats", sa.Column("id", sa.Integer()), sa.Column("mood", sa.Enum("sad", "ok", name="mood")))
"""
ADD = """
def upgrade():
    op.add_column("users", sa.Column("phone", sa.Text()))
"""
DOWN = "\n\ndef downgrade():\n"

CASES = {
    "taken back": (ADD + DOWN + '    op.drop_column("users", "phone")', ()),
    "a merge": ("def upgrade():\n    pass" + DOWN + "    pass", ()),
    "rows alone": (
        "def upgrade():\n    op.execute(\"INSERT INTO users (name) VALUES ('Ana')\")"
        + DOWN + "    pass",
        (),
    ),
    "an enum type stays": (
        MOOD + DOWN + '    op.drop_table("cats")',
        (TRACE, DEF, "type `mood` (enum) is left behind. The next upgrade fails: type \"mood\" already exists"),
    ),
    "pass": (
        ADD + DOWN + "    pass",
        (NOTE, DEF, "notes the revision as gone: column `users.phone` is left behind"),
    ),
    "a docstring": (ADD + DOWN + '    """Later."""', (NOTE, DEF, "does nothing")),
    "pass, and nothing in the way": (
        ADD.replace("op.add_column", "op.drop_column('users', 'bio')  # ") + DOWN + "    pass",
        (NOTE, DEF, "does nothing"),
    ),
    "an index is lost": (
        'def upgrade():\n    op.drop_column("users", "name")'
        + DOWN + '    op.add_column("users", sa.Column("name", sa.Text(), nullable=False))',
        (TRACE, DEF, "index `ix_users_name` on `users` is gone"),
    ),
    "nullable stays": (
        'def upgrade():\n    op.alter_column("users", "email", nullable=False, type_=sa.String())'
        + DOWN + '    op.alter_column("users", "email", type_=sa.Text())',
        (TRACE, DEF, "column `users.email` is NOT NULL now and was nullable"),
    ),
    "another schema the second time": (
        "def upgrade():\n    op.execute('CREATE TABLE IF NOT EXISTS marks ()')\n"
        '    seen = op.get_bind().execute(sa.text("SELECT nextval(\'users_id_seq\')")).scalar()\n'
        '    op.execute(f"CREATE VIEW seen AS SELECT {seen} AS number")'
        + DOWN + "    op.execute('DROP VIEW seen'); op.execute('DROP TABLE marks')",
        (TRACE, DEF, "up, down and up again is another schema: view `seen` is SELECT 2 AS number"),
    ),
    "many": (
        "def upgrade():\n" + "\n".join(f"    op.execute('CREATE TABLE t{n} ()')" for n in range(9))
        + DOWN + "    op.execute('DROP TABLE t0')",
        (TRACE, DEF, "`t6` is left behind; and 2 more. The next"),
    ),
    "postgresql refuses": (
        ADD + DOWN + '    op.drop_column("users", "fone")',
        (FAILS, BODY, 'cannot be taken back: column "fone" of relation "users" does not exist'),
    ),
    "a name of None": (
        'def upgrade():\n    op.create_unique_constraint(None, "users", ["email"])'
        + DOWN + '    op.drop_constraint(None, "users", type_="unique")',
        (FAILS, BODY, "a1 cannot be taken back: "),
    ),
    "python fails": (ADD + DOWN + "    op.drop_colunm('users', 'phone')", (FAILS, BODY, "AttributeError: ")),
    "there is none": (ADD, (FAILS, DEF, "has no downgrade()")),
    "irreversible": (ADD + DOWN + "    raise NotImplementedError", (NOTE, BODY, "says that it cannot be taken back")),
    "irreversible, with words": (
        ADD + DOWN + '    raise Exception("Irreversible: the rows are gone")',
        (NOTE, BODY, "a1 says that it cannot be taken back: Irreversible: the rows are gone"),
    ),
    "irreversible, in other words": (
        ADD + DOWN + '    raise RuntimeError("Downgrade is not supported")',
        (NOTE, BODY, "cannot be taken back: Downgrade is not supported"),
    ),
    "raised by accident": (ADD + DOWN + '    raise ValueError("no column")', (FAILS, BODY, "ValueError: no column")),
    "not supported, says a library": (
        'import re\n\n' + ADD + DOWN + "    sa.Column().label('x').is_not_supported",
        (FAILS, BODY, ""),
    ),
    "a label cannot go": (
        "def upgrade():\n    op.execute(\"ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'lost'\")"
        + DOWN + "    pass",
        (NOTE, DEF, "type `order_status` (enum) has the label 'lost' now and had not"),
    ),
    "a label, and no second time": (
        "def upgrade():\n    op.execute(\"ALTER TYPE order_status ADD VALUE 'lost'\")" + DOWN + "    pass",
        (NOTE, DEF, "does nothing"),
    ),
    "an extension stays": (
        "def upgrade():\n    op.execute('CREATE EXTENSION IF NOT EXISTS tablefunc')" + DOWN + "    pass",
        (NOTE, DEF, "extension `tablefunc` is left behind"),
    ),
    "several databases": (
        "def upgrade(engine=None):\n    pass\n\n\ndef downgrade(engine=None):\n    globals()['downgrade_x']()\n\n\n"
        "def upgrade_x():\n    pass\n\n\ndef downgrade_x():\n    raise KeyError('x')",
        (FAILS, BODY, "KeyError"),
    ),
}  # fmt: skip


def judged(server: Server, folder: Path, functions: str) -> Outcome:
    return back.judge([Walk(server, SCHEMA, written(folder, functions)).back()])


@pytest.mark.parametrize("case", CASES)
def test_a_way_back(server: Server, tmp_path: Path, case: str) -> None:
    functions, expected = CASES[case]
    found = judged(server, tmp_path, functions)
    said = [(one.rule, one.line, one.message) for one in found.findings]
    said += [(NOTE, one.line, one.message) for one in found.notes]
    if not expected:
        assert said == []
        assert found.went_through
        return
    ((rule, line, message),) = said
    text = (tmp_path / "a1.py").read_text().split("\n")
    begins = [number for number, one in enumerate(text, 1) if one.startswith("def downgrade")]
    assert rule == expected[0], message
    assert line == (begins[-1] + expected[1] if begins else 5)  # or that of `revision =`
    assert expected[2] in message


LEFT = {
    "an enum": ('sa.Enum("a", name="kind").create(op.get_bind())', 'sa.Enum(name="kind").drop(op.get_bind())'),
    "an enum of a schema": ("op.execute(\"CREATE TYPE crm.kind AS ENUM ('a')\")", 'schema="crm"'),
    "a table": ('op.create_table("cats", sa.Column("id", sa.Integer()), schema="crm")', "op.drop_table"),
    "a column": ('op.add_column("users", sa.Column("n", sa.Integer()))', "op.drop_column"),
    "an index": ('op.create_index("ix_Bio", "users", ["bio"])', "op.drop_index"),
    "a constraint": ('op.create_unique_constraint("one", "users", ["email"], schema="crm")', "op.drop_constraint"),
    "a NOT NULL": ('op.alter_column("users", "email", nullable=False)', "nullable=True"),
    "a lost index": ("op.execute('DROP INDEX ix_users_name')", "CREATE INDEX ix_users_name ON public.users"),
    "another index": (
        "op.execute('DROP INDEX ix_users_name; CREATE INDEX ix_users_name ON users (bio)')",
        'op.drop_index("ix_users_name", table_name="users")',
    ),
    "lost constraints": (
        "op.execute('ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey'); "
        "op.execute('ALTER TABLE users DROP CONSTRAINT users_pkey; ALTER TABLE crm.users DROP CONSTRAINT users_pkey')",
        'op.create_primary_key("users_pkey", "users", ["id"], schema="crm")',
    ),
    "no NOT NULL": ('op.alter_column("users", "name", nullable=True)', "nullable=False"),
    "a sequence": ("op.execute('CREATE SEQUENCE \"Tickets\"')", 'DROP SEQUENCE "Tickets"'),
    "a schema": ("op.execute('CREATE SCHEMA den; CREATE TABLE den.cats ()')", "DROP SCHEMA den"),
    "a function, its trigger and a rule": (
        "op.execute('CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$');"
        "op.execute('CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()');"
        "op.execute('CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING')",
        "DROP FUNCTION f()",
    ),
    "views": (
        "op.execute('CREATE VIEW crm.v AS SELECT 1 AS a'); op.execute('CREATE MATERIALIZED VIEW m AS SELECT 1 AS a')",
        "DROP MATERIALIZED VIEW m",
    ),
    "types": (
        "op.execute('CREATE DOMAIN d AS text'); op.execute('CREATE TYPE c AS (a int)'); "
        "op.execute('CREATE TYPE r AS RANGE (SUBTYPE = date)')",
        "DROP DOMAIN d",
    ),
    "statistics and a policy": (
        "op.execute('CREATE STATISTICS s ON age, name FROM users'); op.execute('CREATE POLICY p ON users')",
        "DROP POLICY p ON users",
    ),
}


@pytest.mark.parametrize("what", LEFT)
def test_the_remedy_takes_back_what_was_left(server: Server, tmp_path: Path, what: str) -> None:
    made, expected = LEFT[what]
    functions = f"def upgrade():\n    {made}\n\n\ndef downgrade():\n    op.get_bind()\n"
    (finding,) = judged(server, tmp_path, functions).findings
    assert finding.remedy is not None
    assert expected in finding.remedy
    lines = "\n".join("    " + line for line in (finding.remedy or "").split("\n"))
    assert judged(server, tmp_path, functions + lines) == Outcome(went_through=True)


def test_what_could_not_be_tried_is_a_problem(server: Server, tmp_path: Path) -> None:
    walk = Walk(server, SCHEMA, written(tmp_path, ADD))
    schema = walk.schema()
    late = {"event": "too-long", "path": None, "line": None}
    found = back.judge([back.Step(walk.revision, schema, schema, failed="down", error=late)])
    assert found.problems == ("a1 was not tried back: it did not end in time. A longer limit: --time-limit SECONDS",)
    assert not found.went_through
