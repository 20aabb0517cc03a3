"""Which edits of a revision file change what its upgrade() does."""

from __future__ import annotations

import pytest

from migration_gate.operations.essence import difference

OLD = '''"""add users

Revision ID: a
"""
from typing import Sequence, Union

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "a"
down_revision: Union[str, None] = None

TABLE = "users"
KINDS = ("x", "y")


def _columns():
    return [sa.Column("id", sa.Integer())]


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table(TABLE, *_columns())
    op.execute("""
        UPDATE users
        SET a = 1
    """)
    op.execute("INSERT INTO users VALUES ('a  b')")


def _undo():
    op.drop_table(TABLE)


def downgrade() -> None:
    _undo()
'''


def edited(*pairs: str) -> bytes:
    text = OLD
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    return text.encode()


SA, OP = "import sqlalchemy as sa\n", "from alembic import op\n"
DIALECT = "from sqlalchemy.dialects import postgresql"
CREATE = "    op.create_table(TABLE, *_columns())\n"
SAME = {
    "comments": ('TABLE = "users"', 'TABLE = "users"  # of people'),
    "docstrings": ('"""Upgrade schema."""', '"""Up."""', "add users\n", "add people\n"),
    "no docstring": ('    """Upgrade schema."""\n', ""),
    "annotations": ("revision: str =", "revision =", "def upgrade() -> None:", "def upgrade():"),
    "a type without a value": ('TABLE = "users"', 'TABLE: str\nTABLE = "users"'),
    "quotes": ('"users"', "'users'"),
    "line breaks": ("(TABLE, *_columns())", "(\n        TABLE,\n        *_columns(),\n    )"),
    "the order of imports": (f"{SA}{OP}", f"{OP}{SA}"),
    "imports that nothing uses": ("from typing import Sequence, Union\n", "", f"{DIALECT}\n", ""),
    "imports for types alone": (SA, f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import x\n{SA}"),
    "indentation of SQL": ("\n        UPDATE users\n        SET a = 1\n    ", "UPDATE users SET a = 1"),
    "downgrade": ("    _undo()\n", "    raise NotImplementedError\n"),
    "what downgrade calls": ("op.drop_table(TABLE)", 'op.drop_table("users")'),
    "names that nothing uses": ('KINDS = ("x", "y")\n', ""),
    "pass": ("    op.create_table", "    pass\n    op.create_table"),
}
CHANGED = {
    "an argument": ("sa.Integer()", "sa.BigInteger()"),
    "a constant": ('TABLE = "users"', 'TABLE = "people"'),
    "the order": (CREATE, "", "\n\n\ndef _undo", f"\n{CREATE}\n\ndef _undo"),
    "SQL": ("SET a = 1", "SET a = 2"),
    "blanks in a string of SQL": ("'a  b'", "'a b'"),
    "a statement more": ('    op.execute("INSERT', "    op.drop_table('x')\n    op.execute(\"INSERT"),
    "a statement less": (CREATE, ""),
    "where a name comes from": ("import sqlalchemy as sa", "import other as sa"),
    "a decorator": ("def upgrade", "@sa.once\ndef upgrade"),
    "something that runs at import": ("TABLE =", "print(op)\nTABLE ="),
    "a condition around it": ('TABLE = "users"', 'if sa:\n    TABLE = "users"'),
    "everything": (OLD.partition("def upgrade")[2], "(): pass\n"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing(name: str) -> None:
    assert difference(OLD.encode(), edited(*SAME[name])) is None
    assert difference(edited(*SAME[name]), OLD.encode()) is None


@pytest.mark.parametrize("name", CHANGED)
def test_what_changes_something(name: str) -> None:
    assert difference(OLD.encode(), edited(*CHANGED[name]))
    assert difference(edited(*CHANGED[name]), OLD.encode())


def test_where_it_first_differs() -> None:
    found = difference(OLD.encode(), edited("SET a = 1", "SET a = 2"))
    assert found
    assert found.old
    assert found.new
    assert (found.old.code, found.new.code) == (
        "op.execute('UPDATE users SET a = 1')",
        "op.execute('UPDATE users SET a = 2')",
    )
    assert (found.line, found.new.end, found.new.inside) == (25, 28, True)
    found = difference(OLD.encode(), edited("    op.execute(\"INSERT INTO users VALUES ('a  b')\")\n", ""))
    assert found
    assert (found.new, found.line) == (None, 25)


SEVERAL = """
def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()
def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()
def upgrade_one():
    op.drop_table("a")
def downgrade_one():
    op.drop_table("b")
"""


def test_functions_that_are_reached_by_their_names_text() -> None:
    assert difference(SEVERAL.encode(), SEVERAL.replace('"a"', '"c"').encode())
    assert difference(SEVERAL.encode(), SEVERAL.replace('"b"', '"c"').encode()) is None


@pytest.mark.parametrize("text", ["def (", "\0", "x = '\udcff'", "(" * 5000])
def test_what_is_no_python_is_for_another_rule_to_say(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    assert difference(OLD.encode(), content) is None
    assert difference(content, OLD.encode()) is None
