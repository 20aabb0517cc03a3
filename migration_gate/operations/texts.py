"""Text that is known in part, and files of text beside a migration: SQL that people build or keep apart."""

from __future__ import annotations

import os
import re
from pathlib import Path

from migration_gate.operations.modules import Modules
from migration_gate.operations.plain import LONGEST_TEXT
from migration_gate.operations.values import Gapped, Made, Method, Value, is_plain

GAP = "\ue000"  # where something stands that is not known
_PERCENT = re.compile(r"%%|%(?:\(\w+\))?[a-zA-Z]")
_BRACES = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_NAME = re.compile(r"[\w$.\"]")


# ── text with gaps ───────────────────────────────────────────────────────────────────────────────────────────


def joined(parts: list[Value]) -> Value:
    """Parts of a text one after the other, those that are not known as gaps."""
    texts = [one if isinstance(one, str) else one.text if isinstance(one, Gapped) else GAP for one in parts]
    text = "".join(texts)[:LONGEST_TEXT]
    return text if GAP not in text else Gapped(text)


def percent(left: str) -> Gapped:
    """``left % …`` of what is not known."""
    return Gapped(_PERCENT.sub(lambda one: "%" if one[0] == "%%" else GAP, left)[:LONGEST_TEXT])


def braces(left: str) -> Gapped:
    """``left.format(…)`` of what is not known."""
    return Gapped(_BRACES.sub(lambda one: one[0][0] if one[0] in ("{{", "}}") else GAP, left)[:LONGEST_TEXT])


def filled(text: str) -> str | None:
    """SQL with its gaps filled as if each were a value: a parameter, or some text where it is quoted. None where one
    may be anything else: part of a name, or quoted as one. PostgreSQL's grammar takes a parameter for values alone.
    """
    found = ""
    for position, part in enumerate(pieces := text.split(GAP)):
        found += part
        if position == len(pieces) - 1:
            return found
        after = pieces[position + 1][:1]
        if found.count("'") % 2:
            found += "x"
        elif found.count('"') % 2 or (found and _NAME.match(found[-1])) or _NAME.match(after):
            return None
        else:
            found += "$1"
    return found


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────


def path_of(value: Value) -> str | None:
    """A path as text, of a string or a ``pathlib.Path``."""
    if isinstance(value, Made) and value.name == "pathlib.Path" and len(value.args) == 1:
        value = value.args[0]
    return value if isinstance(value, str) and "\0" not in value else None


def made_path(path: str) -> Made:
    return Made("pathlib.Path", (path,), {}, "")


def path_attribute(owner: Made, name: str) -> Value:
    path = path_of(owner)
    if path is None:
        return Method(owner, name)
    match name:
        case "parent":
            return made_path(os.path.dirname(path))
        case "name":
            return os.path.basename(path)
        case "stem":
            return os.path.splitext(os.path.basename(path))[0]
        case "parents":
            return [made_path(str(one)) for one in list(Path(path).parents)[:20]]
    return Method(owner, name)


def function_of_paths(name: str, args: tuple[Value, ...], keywords: dict[str, Value], modules: Modules) -> Value:
    """What functions of os.path and pathlib give, and methods of paths: ``name`` is "Path.joinpath" for one of those.
    None where it is not one of them, or not known.
    """
    paths = [path_of(one) for one in args]
    first = paths[0] if paths else None
    if first is None:
        return None
    known = [one for one in paths if one is not None]
    match name:
        case "os.path.join" | "Path.joinpath" | "pathlib.Path" if len(known) == len(paths):
            path = os.path.join(*known)
            return path if name == "os.path.join" else made_path(path)
        case "os.path.dirname":
            return os.path.dirname(first)
        case "os.path.abspath" | "os.path.realpath" | "os.path.normpath":
            return os.path.normpath(first)
        case "Path.resolve" | "Path.absolute":
            return made_path(os.path.normpath(first))
        case "Path.with_name" | "Path.with_suffix" if len(known) == 2 and known[1]:
            base = os.path.splitext(first)[0] if name.endswith("suffix") else os.path.dirname(first)
            return made_path(base + known[1] if name.endswith("suffix") else os.path.join(base, known[1]))
        case "Path.read_text":
            return modules.text(first)
        case "Path.open" | "open" | "io.open" | "codecs.open" if (text := modules.text(first)) is not None:
            return Made("io.TextIO", (text,), {}, "")
    return None


def method_of_file(owner: Made, name: str) -> Value:
    """A file that is open: all that its methods give is its text, or its lines."""
    text = str(owner.args[0])
    if name == "read":
        return text
    return text.splitlines(keepends=True) if name == "readlines" else None


# ── what the standard library makes of text ──────────────────────────────────────────────────────────────────


def function_of_text(name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    """``json.dumps``, ``textwrap.dedent``, ``inspect.cleandoc``; None for any other, and where it is not known."""
    if not args or not is_plain(args[0]) or not is_plain(keywords):
        return None
    try:
        if name == "json.dumps" and keywords.keys() <= {"ensure_ascii", "indent", "sort_keys"}:
            import json

            return json.dumps(args[0], **keywords)[:LONGEST_TEXT]
        if name in ("textwrap.dedent", "inspect.cleandoc") and isinstance(args[0], str):
            import textwrap

            return textwrap.dedent(args[0])
    except (TypeError, ValueError, RecursionError):
        pass
    return None
