"""Text that comes from elsewhere, as HTML. Whatever the page says of files and servers goes through here, and is clean,
cut and escaped when it comes out.

Source: the HTML Standard, 13.1.2 "Elements": in an element's text and in a quoted attribute, "&", "<", ">" and the
quotes are all that begins or ends anything.
"""

from __future__ import annotations

import re
from html import escape

from migration_gate.report.clean import clean, short_line
from migration_gate.report.places import from_root


def line(text: str) -> str:
    """One line of prose."""
    return _spoken(short_line(text))


def code(text: str) -> str:
    """One line, as it is."""
    return f"<code>{escape(short_line(text))}</code>"


def plain(text: str) -> str:
    """One line without markup, for a title or an attribute."""
    return escape(short_line(text))


def pre(*texts: str) -> str:
    """Lines as they are, each text beginning a new one. They wrap: what scrolls would have to take the focus."""
    lines = "\n".join(clean(text).strip("\n") for text in texts)
    return f"<pre><code>{escape(lines)}</code></pre>"


def prose(text: str) -> str:
    """Lines of prose as a paragraph, and those that begin with blanks, drawings and code, as they are."""
    parts = re.findall(r"(?:^[ \t].*\n?)+|(?:^[^ \t\n].*\n?)+", clean(text), re.MULTILINE)
    return "\n".join(pre(part) if part[0] in " \t" else _paragraph(part.rstrip("\n")) for part in parts)


def place(path: str | None, number: int | None = None) -> str:
    """A file and a line of it, from the repository's root; "" where there is no file."""
    return code(from_root(short_line(path)) + (f":{number}" if number else "")) if path else ""


def _paragraph(text: str) -> str:
    return "<p>" + "<br>".join(map(_spoken, text.split("\n"))) + "</p>"


def _spoken(text: str) -> str:
    """Clean prose; in it `names` are code."""
    parts = re.split("`([^`\n]+)`", text)
    parts[::2] = map(escape, parts[::2])
    parts[1::2] = [f"<code>{escape(one)}</code>" for one in parts[1::2]]
    return "".join(parts)
