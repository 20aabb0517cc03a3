"""A revision's parents, changed in its text: every form in which people write them, and nothing else in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.project.revision import Revision, parse
from migration_gate.project.rewriting import reparented

UP = "\n\ndef upgrade():\n    pass\n"
# What stands there, and what then does, with "new" for the only parent.
FORMS = {
    "double quotes": ('down_revision = "old"', 'down_revision = "new"'),
    "single quotes": ("down_revision = 'old'", "down_revision = 'new'"),
    "spaces and a comment": (
        "down_revision  =  'old'   # the one before",
        "down_revision  =  'new'   # the one before",
    ),
    "an annotation": (
        'down_revision: Union[str, Sequence[str], None] = "old"',
        'down_revision: Union[str, Sequence[str], None] = "new"',
    ),
    "the first": ("down_revision = None", "down_revision = 'new'"),
    "a tuple of one": ("down_revision = ('old',)", "down_revision = ('new',)"),
    "a list": ('down_revision = [ "old" ]', 'down_revision = [ "new" ]'),
    "a merge": ('down_revision = ("old", "gone")', 'down_revision = "new"'),
    "brackets over lines": ('down_revision = (\n    "old"\n)', 'down_revision = (\n    "new"\n)'),
    "several targets": ("a, down_revision = 1, 'old'", "a, down_revision = 1, 'new'"),
    "a chain": ("parent = down_revision = 'old'", "parent = down_revision = 'new'"),
    "pieces": ("down_revision = 'o' + 'ld'", "down_revision = 'new'"),
    "a name": ("PARENT = 'old'\ndown_revision = PARENT", "PARENT = 'old'\ndown_revision = 'new'"),
    "a raw string": ("down_revision = r'old'", "down_revision = 'new'"),
    "twice": ("down_revision = 'older'\ndown_revision = 'old'", "down_revision = 'older'\ndown_revision = 'new'"),
    "a line with others": ("x = 'ö'; down_revision = 'old'; y = 1", "x = 'ö'; down_revision = 'new'; y = 1"),
}


def changed(source: bytes, *down: str) -> bytes | None:
    one = parse(Path("r.py"), source, whole=True)
    assert isinstance(one, Revision)
    return reparented(one, source, down)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["", "\ufeff", '"""größer\n\nRevises: old\n"""\n'])
def test_a_form_keeps_its_form(name: str, end: str, head: str) -> None:
    before, after = (f"{head}revision = 'r'\n{text}\n{UP}".replace("\n", end) for text in FORMS[name])
    after = after.replace("Revises: old", "Revises: new")
    assert changed(before.encode(), "new") == after.encode()


DOCSTRINGS = {
    '"""x\n\nRevision ID: r\nRevises: old\nCreated: 1\n"""': '"""x\n\nRevision ID: r\nRevises: new\nCreated: 1\n"""',
    "'''add x\n\n    Revises:   old, gone  \n'''": "'''add x\n\n    Revises:   new  \n'''",
    '"""add x\n\nRevises: \n"""': '"""add x\n\nRevises: new\n"""',
    '"""add x\n\nRevises:\n"""': '"""add x\n\nRevises: new\n"""',
    'r"""\\d\nRevises: old"""': 'r"""\\d\nRevises: new"""',
    '"""it revises: old things"""': '"""it revises: old things"""',
    "# Revises: old": "# Revises: old",
}


@pytest.mark.parametrize("docstring", DOCSTRINGS)
def test_the_docstrings_line_says_the_same(docstring: str) -> None:
    body = f"\nrevision = 'r'\ndown_revision = '{{}}'\nREVISES = '''\nRevises: old\n'''\n{UP}"
    after = changed((docstring + body.format("old")).encode(), "new")
    assert after == (DOCSTRINGS[docstring] + body.format("new")).encode()


def test_another_encoding_stays() -> None:
    before = f"# coding: latin-1\n'''größer\n\nRevises: old\n'''\nx = 'ß'; revision = 'r'\ndown_revision = 'old'\n{UP}"
    after = changed(before.encode("latin-1"), "new")
    assert after == before.replace("old", "new").encode("latin-1")


def test_several_parents_are_a_tuple() -> None:
    before = f"revision = 'r'\ndown_revision = ('a', 'b', 'c')\n{UP}".encode()
    assert changed(before, "a", "b") == before.replace(b"('a', 'b', 'c')", b"('a', 'b')")


@pytest.mark.parametrize(
    "text",
    [
        "down_revision = 'old'\nrevision = down_revision",  # its own id would change with it
        "down_revision = depends_on = 'old'",
    ],
)
def test_what_means_more_than_the_parents_is_left_alone(text: str) -> None:
    assert changed(f"revision = 'r'\n{text}\n{UP}".encode(), "new") is None
