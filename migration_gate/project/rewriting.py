"""Changes what a revision comes after, in the text of its file, and nothing else in it."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from migration_gate.project.revision import Revision, SyntaxProblem, assignments, parse, parse_python

_QUOTED = re.compile(r"""[a-zA-Z]*("{3}|'{3}|"|')""")
_REVISES = re.compile(r"^([ \t]*Revises:)([ \t]*)([^\r\n]*?)([ \t]*)(?=\r?$)", re.MULTILINE)


def reparented(one: Revision, source: bytes, down: tuple[str, ...]) -> bytes | None:
    """A revision's text with other parents: the value of its ``down_revision`` and the line "Revises:" of its
    docstring, where it has one. Quotes, tuples, annotations, encoding and line ends stay. None where the text cannot be
    changed so that it is read again as the same revision with these parents.
    """
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem) or not (value := assignments(tree).get("down_revision")):
        return None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        if text.encode(encoding) != source:
            return None
        edits = [_value(text, value, down, tree), *_docstring(text, tree, down)]
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        changed = text.encode(encoding)
    except (SyntaxError, ValueError, LookupError):
        return None
    again = parse(one.path, changed, whole=True)
    if not isinstance(again, Revision):
        return None
    read = (again.id, again.down, again.labels, again.depends_on)
    return changed if read == (one.id, down, one.labels, one.depends_on) else None


Edit = tuple[int, int, str]  # from where, to where, what stands there then


def _value(text: str, node: ast.expr, down: tuple[str, ...], tree: ast.Module) -> Edit:
    start, end = _span(text, node)
    strings = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == len(down) == len(strings) == 1:
        start, end = _span(text, strings[0])
    model = strings[0] if strings else assignments(tree).get("revision")
    found = _QUOTED.match(text, _span(text, model)[0]) if model else None
    quote = found[1][0] if found else '"'
    words = [f"{quote}{ident}{quote}" for ident in down]
    return start, end, words[0] if len(words) == 1 else f"({', '.join(words)})"


def _docstring(text: str, tree: ast.Module, down: tuple[str, ...]) -> list[Edit]:
    match tree.body[:1]:
        case [ast.Expr(ast.Constant(str()) as docstring)]:
            start, end = _span(text, docstring)
        case _:
            return []
    quoted = _QUOTED.match(text, start)
    if quoted:
        start, end = quoted.end(), end - len(quoted[1])
    line = _REVISES.search(text[start:end])
    return [(start + line.start(2), start + line.end(3), f"{line[2] or ' '}{', '.join(down)}")] if line else []


def _span(text: str, node: ast.expr) -> tuple[int, int]:
    """Where a node stands in the text. The tree counts bytes of UTF-8, whatever the file's encoding, without the mark
    at its beginning.
    """
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)

    def at(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    return at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0)
