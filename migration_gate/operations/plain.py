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
_LARGE = 1 << 64
LONGEST_TEXT = 200_000  # characters that a `*` or a format may build

BUILTINS = {
    "bool", "dict", "enumerate", "frozenset", "getattr", "hasattr", "int", "isinstance", "len", "list", "print",
    "range", "repr", "reversed", "set", "sorted", "str", "tuple", "zip", "any", "all", "next", "iter", "max", "min",
    "open", "map", "filter", "sum", "type",
}  # fmt: skip


_CONVERT: dict[str, Callable[[Value], Value]] = {"str": str, "repr": repr, "int": int, "bool": bool, "len": len}
_REDUCE: dict[str, Callable[..., Value]] = {"any": any, "all": all, "min": min, "max": max, "sum": sum}
_TEXT_METHODS = {
    "capitalize", "endswith", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
}  # fmt: skip
LIST_METHODS = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}
DICT_METHODS = {"clear", "copy", "get", "items", "keys", "pop", "setdefault", "update", "values"}
# A width of two digits at most: alignment, sign, zeros, thousands, precision, kind.
_SPEC = r"(?:.?[<>=^])?[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[bcdeEfFgGnosxX%]?"
_SAFE_SPEC = re.compile(_SPEC)
_FIELD = re.compile(rf"\{{\{{|\}}\}}|\{{\w*(?:![rs])?(?::{_SPEC})?\}}")
# What Python raises at plain values: for a wrong type or place, and for numbers too large to be written out.
_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def is_sequence(value: Value) -> bool:
    """A list or tuple (named tuples stand for other things) or a dict, whose elements may be anything."""
    return type(value) in (list, tuple, dict)


def same(left: Value, right: Value) -> bool:
    return type(left) is type(right) and (left is right or (is_plain(left) and is_plain(right) and left == right))


def formatted(value: Value, conversion: int, spec: Value) -> Value:
    """What an f-string's braces give: a value, a conversion ("r" as a number, or -1), and what stands after a colon."""
    if not isinstance(spec, str) or not _SAFE_SPEC.fullmatch(spec):
        return UNKNOWN  # "{1:999999999}" builds what it says
    try:
        text = repr(value) if conversion == ord("r") else str(value) if conversion == ord("s") or not spec else value
        return format(text, spec)[:LONGEST_TEXT]
    except _ERRORS:
        return UNKNOWN


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
        if re.search(r"%(?:\([^)]*\))?[^%a-zA-Z(]*(?:\d{3}|\*)", left):
            return UNKNOWN  # "%999999999d" builds what it says
        try:
            return (left % right)[:LONGEST_TEXT]
        except _ERRORS:
            return UNKNOWN
    if type(left) is int and type(right) is int and max(abs(left), abs(right)) < _LARGE:
        return _arithmetic(operator, left, right)
    if isinstance(operator, ast.Mult) and type(right) is int and type(left) in (str, list, tuple):
        return left * right if len(left) * right <= LONGEST_LOOP else UNKNOWN
    if isinstance(operator, ast.BitOr) and type(left) is dict and type(right) is dict:
        return left | right
    return UNKNOWN


def _arithmetic(operator: ast.operator, left: int, right: int) -> Value:
    try:
        match operator:
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.FloorDiv():
                return left // right
            case ast.Mod():
                return left % right
    except _ERRORS:
        pass
    return UNKNOWN


def compared(operator: ast.cmpop, left: Value, right: Value) -> Value:
    """The result of one comparison, where both sides are known."""
    if not (is_plain(left) and is_plain(right)):
        return UNKNOWN
    try:
        match operator:
            case ast.Eq() | ast.Is():
                return left == right
            case ast.NotEq() | ast.IsNot():
                return left != right
            case ast.In():
                return left in right
            case ast.NotIn():
                return left not in right
            case ast.Lt():
                return left < right
            case ast.LtE():
                return left <= right
            case ast.Gt():
                return left > right
            case ast.GtE():
                return left >= right
    except _ERRORS:
        pass
    return UNKNOWN


def subscript(owner: Value, key: Value) -> Value:
    try:
        if type(owner) in (list, tuple, str) and type(key) in (int, slice):
            return owner[key]
        if type(owner) is dict and isinstance(key, str | int) and is_plain(list(owner)):
            return owner[key]
    except _ERRORS:
        pass
    return Unknown(touches_database(owner))


def builtin(name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    """What a builtin function gives; UNKNOWN for those that the gate does not know by heart."""
    known = bool(args) and all(map(is_sequence, args))
    try:
        if name == "zip" and known:
            return [tuple(one) for one in zip(*args, strict=False)]
        if name == "enumerate" and args and is_sequence(args[0]):
            start = args[1] if len(args) > 1 else keywords.get("start", 0)
            return list(enumerate(args[0], start)) if type(start) is int else UNKNOWN
        if name in ("list", "tuple", "sorted", "reversed", "set", "frozenset") and known and len(args) == 1:
            items = list(args[0])
            if name == "sorted":
                backwards = keywords.get("reverse", False)
                known = not keywords.keys() - {"reverse"} and type(backwards) is bool and is_plain(items)
                return sorted(items, reverse=backwards) if known else UNKNOWN
            if name in ("set", "frozenset"):
                return list(dict.fromkeys(items)) if is_plain(items) else UNKNOWN
            return items[::-1] if name == "reversed" else items
        if name == "dict" and len(args) <= 1:
            pairs = list((args[0].items() if type(args[0]) is dict else args[0]) if args else [])
            known = all(type(one) in (list, tuple) and len(one) == 2 and isinstance(one[0], str | int) for one in pairs)
            return {**dict(pairs), **keywords} if known else UNKNOWN
        if name in ("any", "all", "min", "max", "sum") and args and not keywords and is_plain(list(args)):
            return _REDUCE[name](*args)
        if name in _CONVERT and len(args) == 1 and is_plain(args[0]):
            result = _CONVERT[name](args[0])
            return result[:LONGEST_TEXT] if isinstance(result, str) else result
        if name == "range" and args and all(type(one) is int for one in args) and len(args) <= 3:
            turns = range(*args)
            return list(turns) if len(turns) <= LONGEST_LOOP else UNKNOWN
    except _ERRORS:
        return UNKNOWN
    return Unknown(touches_database(list(args))) if name in ("getattr", "iter", "next") else UNKNOWN


def plain_method(owner: Value, name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    """What a method of a str, list or dict gives; lists and dicts are changed by it as they would be."""
    try:
        if type(owner) is list and name in LIST_METHODS and len(owner) <= LONGEST_LOOP:
            if (name in ("insert", "pop", "remove") and not is_plain(args[:1])) or (name == "sort" and keywords):
                owner[:] = [UNKNOWN] * len(owner)
                return UNKNOWN
            return getattr(owner, name)(*args, **keywords)
        if type(owner) is dict and name in DICT_METHODS and len(owner) <= LONGEST_LOOP:
            if name in ("get", "pop", "setdefault", "update") and not (is_plain(args[:1]) and is_plain(list(owner))):
                if name != "get":
                    owner[UNKNOWN] = UNKNOWN
                return UNKNOWN
            result = getattr(owner, name)(*args, **keywords)
            return list(result) if name in ("items", "keys", "values") else result
        if isinstance(owner, str) and is_plain(list(args)) and is_plain(keywords):
            return _text_method(owner, name, args, keywords)
    except _ERRORS:
        pass
    return UNKNOWN


def _text_method(owner: str, name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    lengths = [sum(map(len, one)) if is_sequence(one) and all(isinstance(part, str) for part in one) else 0
               for one in args]  # fmt: skip
    lengths += [len(one) for one in (*args, *keywords.values()) if isinstance(one, str)]
    pieces = max([len(one) for one in args if is_sequence(one)], default=1)
    if sum(lengths) + len(owner) * max(pieces, *lengths, 1) > LONGEST_TEXT * 10:
        return UNKNOWN  # "a…".replace("", "b…") builds the product
    if name in _TEXT_METHODS:
        return getattr(owner, name)(*args, **keywords)
    if name == "format" and not re.search(r"[{}]", _FIELD.sub("", owner)):  # no way into an object
        return owner.format(*args, **keywords)[:LONGEST_TEXT]
    return UNKNOWN
