"""PostgreSQL's own grammar (libpg_query, through pgparse), bounded, and the few shapes that all of its nodes share.

The keys are the fields of PostgreSQL's parse nodes (src/include/nodes/parsenodes.h).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from migration_gate.operations.model import At, Table

Node = dict[str, Any]

# Nothing bounds the parser, which is C code, but its input. Some 70,000 terms in a row overflow its stack and end the
# process, and its scanner takes the square of the time for comments that open and do not close (both measured).
LONGEST = 400_000  # characters
MOST_OPERATORS = 40_000
MOST_COMMENTS = 500
_OPERATORS = re.compile(r"[-+*/<>=~!@#%^&|]")


class Statement(NamedTuple):
    """One statement: the place and the text that its operations get, and the whole text, in whose bytes positions are
    counted.
    """

    at: At
    call: str
    text: bytes = b""


CANNOT_PARSE = "PostgreSQL cannot parse this SQL"


class Unreadable(NamedTuple):
    """Why a text could not be parsed."""

    reason: str


def parse(sql: str) -> list[Node] | Unreadable:
    """The statements of a text: ``{"stmt": {kind: …}, "stmt_location": …, "stmt_len": …}``, positions in bytes. Never
    raises: what PostgreSQL would refuse, and what is too large to hand to its parser, is an Unreadable.
    """
    reason = _refused(sql)
    if reason:
        return Unreadable(reason)
    try:
        import pgparse
    except ImportError:
        return Unreadable("pgparse is not installed (it has no wheel for this platform), and it reads SQL")
    try:
        return list(pgparse.parse(sql))
    except pgparse.PGQueryError as error:
        message, position = (*error.args, None)[:2]
        return Unreadable(f"{CANNOT_PARSE}: {message:.200}, at character {position}")
    except RecursionError:
        return Unreadable("SQL nested too deeply to read")


def _refused(sql: str) -> str | None:
    if len(sql) > LONGEST:
        return f"SQL of {len(sql):,} characters: longer than the gate reads"
    if "\0" in sql:
        return "SQL with a null byte, which PostgreSQL refuses"
    if sql.count("/*") > MOST_COMMENTS or (len(sql) > MOST_OPERATORS and len(_OPERATORS.findall(sql)) > MOST_OPERATORS):
        return "SQL with more operators or comments than the gate reads"
    if not sql.isascii() and any("\ud800" <= letter <= "\udfff" for letter in sql):
        return "SQL with half a character (a surrogate), which PostgreSQL refuses"
    return None


def parse_plpgsql(sql: str) -> list[Node] | Unreadable:
    """The PL/pgSQL functions and DO blocks of a text, as ``PLpgSQL_function`` nodes. Never raises."""
    reason = _refused(sql)
    if reason:
        return Unreadable(reason)
    try:
        import pgparse
    except ImportError:
        return Unreadable("pgparse is not installed")
    try:
        return list(pgparse.parse_pgsql(sql))
    except pgparse.PGQueryError as error:
        return Unreadable(str(error.args[0])[:200])
    except (RecursionError, ValueError):
        return Unreadable("nested too deeply to read")


def expression(sql: str) -> Node | None:
    """One expression's node; None where the text is not one."""
    statements = parse(f"SELECT ({sql}\n)")
    if isinstance(statements, Unreadable) or len(statements) != 1:
        return None
    query = statements[0]["stmt"].get("SelectStmt", {})
    if query.keys() - {"targetList", "limitOption", "op"} or len(query.get("targetList", ())) != 1:
        return None
    target: Node = query["targetList"][0]["ResTarget"]
    return None if "name" in target else target.get("val")


def table(relation: Node) -> Table:
    """A RangeVar's name."""
    return Table(relation["relname"], relation.get("schemaname"))


def named(names: tuple[str, ...]) -> Table:
    """A name of one, two or three parts; the database's is left out."""
    return Table(names[-1], names[-2] if len(names) > 1 else None)


def strings(nodes: Any) -> tuple[str, ...]:
    """A list of String nodes."""
    return tuple(one["String"]["sval"] for one in nodes if "String" in one)


def quoted(name: str) -> str:
    """A name as SQL takes it: in quotes where it is a reserved word or not in small letters."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_$]*", name) and name not in RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def number(node: Node) -> int | None:
    """An integer constant."""
    constant = node.get("A_Const", {})
    return int(constant["ival"].get("ival", 0)) if "ival" in constant else None


def constant(node: Node) -> str | None:
    """A constant as text: 'a', 1, true; None where it is none, or NULL."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    value = node.get("A_Const", {})
    for kind in ("sval", "fval", "bsval"):
        if kind in value:
            return str(value[kind].get(kind, ""))
    if "ival" in value:
        return str(value["ival"].get("ival", 0))
    if "boolval" in value:
        return "true" if value["boolval"].get("boolval") else "false"
    return None


def is_null(node: Node) -> bool:
    """Whether an expression is NULL, however it is cast."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return bool(node.get("A_Const", {}).get("isnull"))


# ── text between nodes: the grammar says where something begins, and not where it ends ───────────────────

_TOKEN = re.compile(
    rb"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/"""
    rb"""|[A-Za-z_\x80-\xff][\w$\x80-\xff]*|.""",
    re.DOTALL,
)


def text_after(text: bytes, start: int, word: bytes) -> str | None:
    """What follows a keyword, up to the comma, bracket or semicolon that ends it: an expression in brackets without
    them. ``start`` is where to look for the keyword. None where it is not found.
    """
    depth, begins = 0, None
    for token in _TOKEN.finditer(text, start):
        one = token[0]
        if one in (b"(", b"["):
            depth += 1
        elif one in (b")", b"]"):
            depth -= 1
        elif depth == 0 and begins is None and one.lower() == word:
            begins = token.end()
        if depth < 0 or (depth == 0 and begins is not None and one in (b",", b";")):
            return None if begins is None else _said(text[begins : token.start()])
        if depth == 0 and one == b")" and word == b"check" and begins is not None:
            return _said(text[begins : token.end()])[1:-1].strip()
    return None if begins is None else _said(text[begins:])


def _said(text: bytes) -> str:
    """The text without its comments: one that ends a line would swallow what is pasted behind it."""
    if b"--" in text or b"/*" in text:
        text = _TOKEN.sub(lambda one: b" " if one[0][:2] in (b"--", b"/*") else one[0], text)
    return text.decode(errors="replace").strip()


# PostgreSQL's documentation, appendix C: reserved, also those that may be a function's or a type's name.
RESERVED = frozenset(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch "
    "for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer "
    "overlaps placing primary references returning right select session_user similar some symmetric table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with".split()
)
