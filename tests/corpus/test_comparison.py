"""How one reading of a revision is judged by the other: SQL that was rendered, beside the file that it came from."""

from __future__ import annotations

import pytest

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import At
from tests.corpus.comparison import Rendered, judged, made_up, out_of_order
from tests.operations.reading import FILE, upgrade

FIRST = 6  # the line that a body begins on

# body of upgrade(); what is rendered, each from a line of the body; how each of it was read
JUDGED = {
    "the same": ("op.drop_table('t')", [("DROP TABLE t", 1)], ["right"]),
    "from a call inside the file": (
        "def drop(name):\n    op.drop_table(name)\nfor name in ('a', 'b'):\n    drop(name)",
        [("DROP TABLE a", 4, 2), ("DROP TABLE b", 4, 2)],
        ["right", "right"],
    ),
    "an attribute that differs": (
        "op.add_column('t', sa.Column('c', sa.Text()))",
        [("ALTER TABLE t ADD COLUMN c text NOT NULL", 1)],
        ["wrong: not_null"],
    ),
    "a name that PostgreSQL gives": (
        "op.create_check_constraint(None, 't', 'a > 0')",
        [("ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0)", 1)],
        ["right"],
    ),
    "another table": ("op.drop_table('t')", [("DROP TABLE u", 1)], ["lost"]),
    "another line": ("pass\nop.drop_table('t')", [("DROP TABLE t", 1)], ["lost"]),
    "said not to be read": ("helper(op)", [("DROP TABLE t", 1)], ["not read"]),
    "said on another line": ("helper(op)\npass", [("DROP TABLE t", 2)], ["lost"]),
    "twice from one line": ("op.drop_table('t')", [("DROP TABLE t", 1), ("DROP TABLE t", 1)], ["right"]),
    "both say that they do not read it": ("op.execute('DO $$ x $$')", [("DO $$ x $$", 1)], ["not read"]),
    "set by one branch": (
        "values = {'a': None}\nif x():\n    values['b'] = 1\nt = sa.table('t')\n"
        "op.execute(t.update().where(t.c.id == 1).values(**values))",
        [("UPDATE t SET a = NULL WHERE id = 1", 5)],
        ["right"],
    ),
    "not null already": (
        "op.alter_column('t', 'c', nullable=False, existing_nullable=False)",
        [("ALTER TABLE t ALTER c SET NOT NULL", 1)],
        [],
    ),
    "refused by both": ("op.execute('ALTER TABLE t MODIFY c int')", [("ALTER TABLE t MODIFY c int", 1)], []),
    "of no concern": ("op.execute('SELECT 1')", [("SELECT 1", 1), ("SELECT 2", 1)], []),
}


@pytest.mark.parametrize("case", JUDGED)
def test_judged(case):
    body, statements, expected = JUDGED[case]
    found = judged(rendered(statements), read_upgrade(FILE, upgrade(body).encode()))
    said = [one.judgement + (f": {', '.join(one.differs)}" if one.differs else "") for one in found]
    assert said == expected


def test_what_is_only_supposed_counts_once_for_a_line():
    statements = [("DROP TABLE a", 1), ("DROP TABLE b", 1), ("DROP TABLE c", 2)]
    read = read_upgrade(FILE, upgrade("helper(op)\nhelper(op)").encode())
    assert len(list(judged(rendered(statements), read))) == 3
    assert len(list(judged(rendered(statements, supposed=True), read))) == 2


def test_what_a_session_sends_later_is_said_where_it_was_asked_for():
    body = "s = sa.orm.Session(op.get_bind())\ns.add(thing)\ns.commit()"
    read = read_upgrade(FILE, upgrade(body).encode())
    insert = rendered([("INSERT INTO t VALUES (1)", 3)])
    assert [one.judgement for one in judged(insert, read)] == ["lost"]
    assert [one.judgement for one in judged([insert[0]._replace(flushed=True)], read)] == ["not read"]


# body, rendered as above, lines of the body that ran, and kinds of what was made up
MADE_UP = {
    "nothing": ("op.drop_table('t')", [("DROP TABLE t", 1)], {1}, []),
    "on a line that ran": ("op.drop_table('t')", [], {1}, ["DropTable"]),
    "on a line that did not": ("if x():\n    op.drop_table('t')", [], {1}, []),
    "another turn of a loop": ("for t in ('a', 'b'):\n    op.drop_table(t)", [("DROP TABLE a", 2)], {1, 2}, []),
}


@pytest.mark.parametrize("case", MADE_UP)
def test_made_up(case):
    body, statements, ran, expected = MADE_UP[case]
    read = read_upgrade(FILE, upgrade(body).encode())
    found = made_up(rendered(statements), read, {(str(FILE), FIRST - 1 + line) for line in ran}, set())
    assert [type(one).__name__ for one in found] == expected


def test_out_of_order():
    read = read_upgrade(FILE, upgrade("op.drop_table('a')\nop.drop_table('b')").encode())
    assert not list(out_of_order(rendered([("DROP TABLE a", 1), ("DROP TABLE b", 2)]), read))
    assert len(list(out_of_order(rendered([("DROP TABLE b", 2), ("DROP TABLE a", 1)]), read))) == 1


def rendered(statements, supposed=False):
    found = []
    for sql, *lines in statements:
        places = tuple(FIRST - 1 + line for line in lines)
        at = At(FILE, places[-1], places[-1])
        found += [Rendered(one, places, supposed) for one in read_sql(sql, at, binds=False)]
    return found
