"""What plain Python does with values that are known: operators, builtins, methods of strings, lists and dicts.

Each gives UNKNOWN where a value is not known, and where the result would be large: nothing that a file asks for
may cost more than a moment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from migration_gate.operations.values import UNKNOWN, Unknown, Value, is_plain, touches_database

LONGEST_LOOP = 500
LONGEST_TEXT = 200_000  # characters that a `*` or a format may build

BUILTINS = {
    "bool", "dict", "enumerate", "frozenset", "getattr", "hasattr", "int", "isinstance", "len", "list", "print",
    "range", "repr", "reversed", "set", "sorted", "str", "tuple", "zip", "any", "all", "next", "iter", "max", "min",
    "open", "map", "filter", "sum", "type",
}  # fmt: skip


_CONVERT: dict[str, Callable[[Value], Value]] = {"str": str, "repr": repr, "int": int, "bool": bool, "len": len}


def is_sequence(value: Value) -> bool:
    """A list or tuple (named tuples stand for other things) or a dict, whose elements may be anything."""
    return type(value) in (list, tuple, dict)


def same(left: Value, right: Value) -> bool:
    return type(left) is type(right) and bool(left == right)


def add(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return (left + right)[:LONGEST_TEXT]
    if type(left) in (list, tuple) and type(left) is type(right):
        return (left + right)[: LONGEST_LOOP + 1]
    if type(left) is int and type(right) is int:
        return left + right
    return UNKNOWN


def binary(operator: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(operator, ast.Add):
        return add(left, right)
    if isinstance(operator, ast.Mod) and isinstance(left, str) and is_plain(right):
        if re.search(r"%[^%a-zA-Z(]*[\d*]", left):
            return UNKNOWN  # "%999999999d" builds what it says
        try:
            return (left % (tuple(right) if isinstance(right, tuple) else right))[:LONGEST_TEXT]
        except (TypeError, ValueError, KeyError, OverflowError):
            return UNKNOWN
    return UNKNOWN


def boolean(operator: ast.boolop, values: list[Value]) -> Value:
    stops = isinstance(operator, ast.Or)
    for value in values:
        if is_plain(value) and bool(value) is stops:
            return value
    return values[-1] if all(map(is_plain, values)) else UNKNOWN


def subscript(owner: Value, key: Value) -> Value:
    try:
        if type(owner) in (list, tuple, str) and type(key) is int:
            return owner[key]
        if type(owner) is dict and isinstance(key, str | int):
            return owner[key]
    except (IndexError, KeyError):
        pass
    return Unknown(touches_database(owner))


def builtin(name: str, args: tuple[Value, ...]) -> Value:
    known = [one for one in args if is_sequence(one)]
    if name == "zip" and args and len(known) == len(args):
        return [tuple(one) for one in zip(*args, strict=False)]
    if name == "enumerate" and known and len(args) == 1:
        return list(enumerate(args[0]))
    if name in ("list", "tuple", "sorted", "reversed", "set", "frozenset") and known and len(args) == 1:
        try:
            items = list(args[0])
            return sorted(items) if name == "sorted" else items[::-1] if name == "reversed" else items
        except TypeError:
            return UNKNOWN
    if name in ("str", "repr", "int", "bool", "len") and len(args) == 1 and is_plain(args[0]):
        try:
            return _CONVERT[name](args[0])
        except (TypeError, ValueError):
            return UNKNOWN
    if name == "range" and args and all(type(one) is int for one in args) and len(args) <= 3 and 0 not in args[2:]:
        turns = range(*args)
        return list(turns) if len(turns) <= LONGEST_LOOP else UNKNOWN
    return Unknown(touches_database(list(args))) if name in ("getattr", "iter", "next") else UNKNOWN


def plain_method(owner: Value, name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    if type(owner) is dict and name in ("items", "keys", "values", "copy"):
        return owner.copy() if name == "copy" else list(getattr(owner, name)())
    if type(owner) is dict and name == "get" and args and isinstance(args[0], str | int):
        return owner.get(args[0], args[1] if len(args) > 1 else None)
    if type(owner) is list and name in ("append", "extend") and len(args) == 1 and len(owner) < LONGEST_LOOP:
        if name == "append":
            owner.append(args[0])
        elif is_sequence(args[0]):
            owner.extend(args[0])
        return None
    if not isinstance(owner, str) or not is_plain(list(args)) or not is_plain(keywords):
        return UNKNOWN
    if len(owner) * sum(len(str(one)) for one in (*args, *keywords.values(), "")) > LONGEST_TEXT * 10:
        return UNKNOWN  # "a…".replace("", "b…") builds the product
    if name in (
        "strip",
        "lower",
        "upper",
        "title",
        "replace",
        "join",
        "split",
        "splitlines",
        "lstrip",
        "rstrip",
        "startswith",
        "endswith",
    ):
        try:
            return getattr(owner, name)(*args, **keywords)
        except (TypeError, ValueError):
            return UNKNOWN
    if name == "format" and not re.search(r"\{[^{}]*[:.\[]", owner):  # no widths, and no way into an object
        try:
            return owner.format(*args, **keywords)[:LONGEST_TEXT]
        except (IndexError, KeyError, ValueError):
            return UNKNOWN
    return UNKNOWN
