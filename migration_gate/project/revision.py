"""One revision file's identity, read from its text: id, parents, labels, dependencies, message.

Alembic imports the file to learn these; the gate evaluates the few expressions that real headers use (literals,
names of constants, concatenation) and calls everything else computed.
"""

from __future__ import annotations

import ast
import os
import re
import stat
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

IDENTITY = ("revision", "down_revision", "branch_labels", "depends_on")

# A header ends where the first function or class begins. Parsing no more than that makes a graph of hundreds of files
# cheap (measured on 500 real files: 26 ms instead of 417 ms), and knowing again a header that differs from another
# one only in its ids is cheaper still.
_BODY = re.compile(rb"^(?:async[ \t]+def|def|class|@)\b", re.MULTILINE)
_IDENTITY_LATER = re.compile(rb"\n[ \t]*(?:revision|down_revision|branch_labels|depends_on)\b")
_IDENTITY_LINE = re.compile(
    rb"""^((revision|down_revision|branch_labels|depends_on)\b[^=\n]*=[ ]?)(?:None|"([\w.]+)"|'([\w.]+)')""",
    re.MULTILINE,
)
_UPGRADE = re.compile(rb"^(?:async[ \t]+)?def[ \t]+upgrade", re.MULTILINE)
_ASYNC_UPGRADE = re.compile(rb"^async[ \t]+def[ \t]+upgrade\b", re.MULTILINE)
# MigrationContext.run_migrations calls it, and does nothing with what it gives back.
NEVER_AWAITED = "defines upgrade() as async: Alembic never awaits it, none of it runs, and the revision counts as done"
# What git writes around the two sides of a conflict (git-merge, "HOW CONFLICTS ARE PRESENTED").
_CONFLICT = [re.compile(mark, re.MULTILINE) for mark in (rb"^<{7} ", rb"^={7}\r?$", rb"^>{7} ")]
IN_CONFLICT = (
    "holds the two sides of a merge conflict: keep what is right, and take the lines <<<<<<<, ======= and >>>>>>> out"
)
# Before Alembic 0.2 the id was the file's name, and Alembic still takes it so (ScriptDirectory's `_legacy_rev`).
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py$")
# What may give a module a `revision` that it does not write.
_BORROWS = re.compile(rb"import[ \t]+\(?[ \t]*\*|\b(?:globals|exec|setattr|vars|__getattr__|__dict__)\b")
_NO_REVISION = "has neither revision nor upgrade(): a helper, as it seems, and where one is Alembic loads no revision"
_ILLEGAL = set("@-+:")  # alembic.script.revision refuses them in an id


class Revision(NamedTuple):
    """A revision file as Alembic would know it. Lines are 1-based; ``depends_on`` may name labels."""

    id: str
    down: tuple[str, ...]
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    message: str
    path: Path
    line: int  # of `revision = …`
    down_line: int  # of `down_revision = …`
    depends_line: int


class Unreadable(NamedTuple):
    """A file in a version location that Alembic would load, and whose identity the gate cannot read."""

    path: Path
    line: int | None
    reason: str


class Helper(NamedTuple):
    """A module in a version location with neither ``revision`` nor ``upgrade``, but what may give it them."""

    path: Path


def read(path: Path, whole: bool = False) -> Revision | Unreadable | Helper:
    """Read one file. With ``whole`` a syntax error anywhere in it counts, else only in its header.

    Never raises for bad content or an unreadable file.
    """
    source = content(path)
    return parse(path, source, whole) if isinstance(source, bytes) else source


def content(path: Path) -> bytes | Unreadable:
    """A file's text, as ``parse`` takes it."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # whoever opens a pipe waits for its other end
            return Unreadable(path, None, "is no file, but a folder, a pipe or a device")
        # As path.read_bytes(), in half the time: a hook reads every revision.
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError as error:
        with suppress(OSError):  # it is no link
            return Unreadable(path, None, f"is a link to {os.readlink(path)}, which cannot be read: {error.strerror}")
        return Unreadable(path, None, f"cannot be read: {error.strerror}")


def parse(path: Path, source: bytes, whole: bool = False) -> Revision | Unreadable | Helper:
    """As ``read``, of a text already at hand, for instance from another git ref."""
    found = _parse(path, source, whole)
    if isinstance(found, Revision) and b"async" in source and (line := _never_awaited(source)):
        return Unreadable(path, line, NEVER_AWAITED)
    return found


def _never_awaited(source: bytes) -> int | None:
    """The line of an upgrade() that is a coroutine function, where nothing makes another of it."""
    tree = parse_python(source) if _ASYNC_UPGRADE.search(source) else None
    statements = tree.body if isinstance(tree, ast.Module) else []
    for one in reversed(statements):
        if isinstance(one, ast.AsyncFunctionDef) and one.name == "upgrade":
            return None if one.decorator_list else one.lineno
        if any(getattr(node, "id", getattr(node, "name", None)) == "upgrade" for node in ast.walk(one)):
            return None
    return None


def _parse(path: Path, source: bytes, whole: bool) -> Revision | Unreadable | Helper:
    usual = _by_template(path, source)
    if usual and (not whole or _compiles(source)):
        return usual
    if not whole:
        body = _BODY.search(source)
        if body and not _IDENTITY_LATER.search(source, body.start()):
            tree = parse_python(source[: body.start()])
            if isinstance(tree, ast.Module) and "revision" in assignments(tree):
                return _identity(path, source, tree)
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        conflict = _conflict(source)
        return Unreadable(path, conflict, IN_CONFLICT) if conflict else Unreadable(path, tree.line, tree.reason)
    return _identity(path, source, tree)


def _conflict(source: bytes) -> int | None:
    """The line where the first merge conflict begins that git has left in a text."""
    start = end = -1
    for mark in _CONFLICT:
        found = mark.search(source, end + 1)
        if not found:
            return None
        start, end = (found.start() if start < 0 else start), found.end()
    return source.count(b"\n", 0, start) + 1


def _by_template(path: Path, source: bytes) -> Revision | None:
    """The identity of a file whose header is what Alembic's template writes: a docstring without escapes, then nothing
    but imports and each name once, set to a plain string or None. None for any other: it is parsed.
    """
    quotes = source[:3]
    end = source.find(quotes, 3) + 3
    body = _BODY.search(source, end)
    if quotes not in (b'"""', b"'''") or end < 3 or body is None or not source.isascii():
        return None
    if b"\\" in source[:end] or b"\0" in source[:end] or _IDENTITY_LATER.search(source, body.start()):
        return None
    header = source[end : body.start()]
    found, blank, last = {}, b"", 0
    for one in _IDENTITY_LINE.finditer(header):
        _, name, double, single = one.groups()
        found[name.decode()] = (double or single or b"").decode()
        blank += header[last : one.end(1)] + b"None"
        last = one.end()
    lines = _lines(blank + header[last:])
    if not found.get("revision") or "down_revision" not in found or lines.keys() != found.keys():
        return None
    above = source.count(b"\n", 0, end)
    at = {name: above + line for name, line in lines.items()}
    message = " ".join(source[3 : end - 3].decode().strip().partition("\n\n")[0].split())
    ids = {name: (value,) if value else () for name, value in found.items()}
    return Revision(
        id=found["revision"],
        down=ids["down_revision"],
        depends_on=ids.get("depends_on", ()),
        labels=ids.get("branch_labels", ()),
        message=message,
        path=path,
        line=at["revision"],
        down_line=at["down_revision"],
        depends_line=at.get("depends_on", at["revision"]),
    )


@cache
def _lines(header: bytes) -> dict[str, int]:
    """The line of each name's assignment in what follows a docstring, each value being None. Empty where there is
    anything but that and imports. The headers of one project are the same text, so that one is parsed for all.
    """
    tree = parse_python(b'""""""' + header)
    if isinstance(tree, SyntaxProblem):
        return {}
    docstring, *statements = tree.body
    lines: dict[str, int] = {}
    for one in statements:
        if isinstance(one, ast.Import | ast.ImportFrom):
            if any((alias.asname or alias.name) in (*IDENTITY, "*") for alias in one.names):
                return {}
            continue
        match one:
            case ast.Assign([ast.Name(name)], ast.Constant(None)) | ast.AnnAssign(
                ast.Name(name), value=ast.Constant(None)
            ) if name in IDENTITY and name not in lines:
                lines[name] = one.lineno
            case _:
                return {}
    plain = isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant) and not docstring.value.value
    return lines if plain else {}


class SyntaxProblem(NamedTuple):
    """Why a text is not Python: the 1-based line where the parser stopped, if it said, and its reason."""

    line: int | None
    reason: str


def parse_python(source: bytes) -> ast.Module | SyntaxProblem:
    """Parse Python source as this interpreter reads it. Never raises: a syntax error, a wrong encoding, a null byte
    or a nesting too deep is returned as a ``SyntaxProblem``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "invalid escape sequence" is not this gate's business
            return ast.parse(source)
    except SyntaxError as error:
        what = "is not UTF-8" if "codec can't decode" in str(error.msg) else f"has a syntax error: {error.msg}"
        return SyntaxProblem(error.lineno, what.split("\n")[0])
    except ValueError as error:  # null bytes, before Python 3.12
        return SyntaxProblem(None, str(error))
    except (RecursionError, MemoryError):
        return SyntaxProblem(None, "is nested too deeply to parse")


def _compiles(source: bytes) -> bool:
    """Whether it is Python from end to end: a quarter of the time that a syntax tree takes, as Python objects."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "revision", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _identity(path: Path, source: bytes, tree: ast.Module) -> Revision | Unreadable | Helper:
    known = assignments(tree)
    if "revision" in known:
        revision_node = known["revision"]
        ident = _value(revision_node, known)
        line = revision_node.lineno
        if not isinstance(ident, str):
            return Unreadable(path, line, "computes its `revision`: write the id as a plain string")
    else:
        if "down_revision" not in known and not _UPGRADE.search(source):
            # Revisions beside env.py are a layout that only code can have told Alembic of, in some other way then.
            unsure = path.name == "env.py" or _BORROWS.search(source)
            return Helper(path) if unsure else Unreadable(path, None, _NO_REVISION)
        legacy = _LEGACY_NAME.match(path.name)
        if not legacy:
            return Unreadable(path, None, "has no `revision`")
        ident, line = legacy.group(1), 1
    if illegal := sorted(_ILLEGAL & set(ident)):
        return Unreadable(path, line, f"has the id {ident!r}, and Alembic allows no {' '.join(illegal)} in an id")
    if "down_revision" not in known:
        return Unreadable(path, None, "has no `down_revision`: write None for the first revision")
    fields: dict[str, tuple[str, ...]] = {}
    for name in ("down_revision", "depends_on", "branch_labels"):
        ids = _ids(_value(known[name], known)) if name in known else ()
        if ids is None:
            return Unreadable(path, known[name].lineno, f"computes its `{name}`: write ids as plain strings")
        fields[name] = ids
    lines = {name: known[name].lineno if name in known else line for name in IDENTITY}
    return Revision(
        id=ident,
        down=fields["down_revision"],
        depends_on=fields["depends_on"],
        labels=fields["branch_labels"],
        message=_message(tree),
        path=path,
        line=line,
        down_line=lines["down_revision"],
        depends_line=lines["depends_on"],
    )


def _message(tree: ast.Module) -> str:
    """The docstring's first paragraph, as ``Script.doc`` (``ast.get_docstring`` would import inspect: 10 ms)."""
    first = tree.body[0] if tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return " ".join(first.value.value.strip().partition("\n\n")[0].split())
    return ""


def assignments(tree: ast.Module) -> dict[str, ast.expr]:
    """The last value that the module's top level gives to each simple name."""
    known: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                _bind(target, statement.value, known)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            _bind(statement.target, statement.value, known)
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            for node in ast.walk(statement):  # whatever is set there depends on what runs: computed
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in IDENTITY:
                    known[node.id] = ast.Name(node.id, ast.Load(), lineno=node.lineno, col_offset=0)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                name = alias.asname or alias.name
                if name in IDENTITY:
                    known[name] = ast.Name(name, ast.Load(), lineno=statement.lineno, col_offset=0)
    return known


def _bind(target: ast.expr, value: ast.expr, known: dict[str, ast.expr]) -> None:
    if isinstance(target, ast.Name):
        known[target.id] = value
    elif (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(value, ast.Tuple | ast.List)
        and len(target.elts) == len(value.elts)
    ):
        for one, its_value in zip(target.elts, value.elts, strict=True):
            _bind(one, its_value, known)


class _Computed:
    """The value of an expression that is more than constants."""


def _value(node: ast.expr, known: dict[str, ast.expr], depth: int = 0) -> object:
    if depth > 20:
        return _Computed
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in known:
        return _value(known[node.id], known, depth + 1)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [_value(element, known, depth + 1) for element in node.elts]
    if isinstance(node, ast.JoinedStr):
        parts = [
            _value(part.value if isinstance(part, ast.FormattedValue) else part, known, depth + 1)
            for part in node.values
        ]
        return "".join(parts) if all(isinstance(part, str) for part in parts) else _Computed  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left, known, depth + 1), _value(node.right, known, depth + 1)
        if isinstance(left, str) and isinstance(right, str):
            return left + right
    return _Computed


def _ids(value: object) -> tuple[str, ...] | None:
    """Alembic takes None, a string or any collection of strings; an empty string counts as none."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(dict.fromkeys(value))
    return None
