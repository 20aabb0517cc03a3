"""What a CHECK asks of the values of a row: its expression, as PostgreSQL prints it, read into ways to satisfy it.

A way says of single columns what they must hold, and how two of them stand to each other. It need not be exact: what
is made from it is tried by PostgreSQL before it goes into a table. What is not understood still gives its constants,
which are good guesses.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from migration_gate.operations.grammar import Node, constant, expression, is_null, strings

MOST = 32  # ways that one table's checks are multiplied out to
FAR_PAST, FAR_FUTURE = "2001-01-01", "2901-01-01"  # what is compared with now() is tried with these

Bound = tuple[str, bool]  # a constant, and whether it is itself left out


class Want(NamedTuple):
    """What one column must hold. ``like`` are patterns: the operator and the pattern; ``unlike``
    those that it must not match. ``json`` is what jsonb_typeof
    says. ``items`` bounds an array's length. ``hints`` are values worth trying.
    """

    null: bool | None = None
    among: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()
    low: Bound | None = None
    high: Bound | None = None
    shortest: int = 0
    longest: int | None = None
    like: tuple[tuple[str, str], ...] = ()
    unlike: tuple[tuple[str, str], ...] = ()
    json: str | None = None
    hints: tuple[str, ...] = ()


class Relation(NamedTuple):
    """``left`` stands to ``right``, another column, as the operator says."""

    left: str
    operator: str
    right: str


class Way(NamedTuple):
    """One way to satisfy an expression."""

    wants: Mapping[str, Want] = {}
    relations: tuple[Relation, ...] = ()

    def want(self, column: str) -> Want:
        return self.wants.get(column, ANYTHING)


ANYTHING = Want()
FREE = Way()


def ways(expressions: Iterable[str]) -> list[Way]:
    """The ways to satisfy all of these expressions together, at most MOST; one that asks nothing where nothing is read.
    Ways that contradict themselves are left out, unless all of them do.
    """
    found = [FREE]
    for text in expressions:
        node = expression(text)
        if node is not None:
            found = _both(found, _read(node, True)) or found
    return found


def mentioned(text: str) -> tuple[str, ...]:
    """The columns that an expression, or a list of them, speaks of."""
    node = expression(f"ROW({text})")
    return tuple(dict.fromkeys(_columns(node))) if node else ()


def default(text: str | None) -> str | None:
    """A column's DEFAULT where it is a constant."""
    node = expression(text) if text else None
    return _constant(node) if node else None


# ── ways, multiplied and added ───────────────────────────────────────────────────────────────────────────────────────


def _both(left: list[Way], right: list[Way]) -> list[Way]:
    """Each with each, at most MOST: along the diagonals, so that every one of both sides is among the first."""
    longer, shorter = max(len(left), len(right)), min(len(left), len(right))
    places = ((place, shift) for shift in range(shorter) for place in range(longer))
    pairs = (
        (left[place % len(left)], right[(place + shift) % len(right)]) for place, shift in places if left and right
    )
    return list(itertools.islice(filter(None, itertools.starmap(_merged, itertools.islice(pairs, MOST * 16))), MOST))


def _merged(left: Way, right: Way) -> Way | None:
    wants = dict(left.wants)
    for name, want in right.wants.items():
        both = merge(wants[name], want) if name in wants else want
        if both is None:
            return None
        wants[name] = both
    return Way(wants, tuple(dict.fromkeys(left.relations + right.relations)))


def merge(one: Want, two: Want) -> Want | None:
    """What satisfies both; None where nothing does."""
    if None not in (one.null, two.null) and one.null != two.null:
        return None
    among = one.among if two.among is None else two.among
    if one.among is not None and two.among is not None:
        among = tuple(value for value in one.among if value in two.among)
    never = one.never + two.never
    if among is not None:
        among = tuple(value for value in among if value not in never)
        if not among:
            return None
    if one.json and two.json and one.json != two.json:
        return None
    longest = [value for value in (one.longest, two.longest) if value is not None]
    return Want(
        two.null if one.null is None else one.null,
        among,
        never,
        _tighter(one.low, two.low, 1),
        _tighter(one.high, two.high, -1),
        max(one.shortest, two.shortest),
        min(longest, default=None),
        one.like + two.like,
        one.unlike + two.unlike,
        one.json or two.json,
        one.hints + two.hints,
    )


def _tighter(one: Bound | None, two: Bound | None, sign: int) -> Bound | None:
    if one is None or two is None:
        return one or two
    try:
        first, second = float(one[0]) * sign, float(two[0]) * sign
    except ValueError:  # dates, which sort as their texts do
        return max(one, two) if sign > 0 else min(one, two)
    if first == second:
        return (one[0], one[1] or two[1])
    return one if first > second else two


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(node: Node, wanted: bool) -> list[Way]:
    """The ways in which an expression is true, or is false where it is not ``wanted``."""
    node = _bare(node)
    kind, body = next(iter(node.items()))
    if kind == "BoolExpr":
        return _logic(body, wanted)
    if kind == "NullTest":
        return _null_test(body, (body["nulltesttype"] == "IS_NULL") == wanted)
    if kind == "BooleanTest" and body["booltesttype"] in ("IS_TRUE", "IS_NOT_FALSE", "IS_FALSE", "IS_NOT_TRUE"):
        return _read(body["arg"], (body["booltesttype"] in ("IS_TRUE", "IS_NOT_FALSE")) == wanted)
    if kind == "A_Expr":
        return _operator(body, wanted) or _unread(node)
    if kind == "ColumnRef":
        return [Way({name: Want(among=("true" if wanted else "false",))}) for name in _columns(node)]
    if kind == "FuncCall" and wanted and strings(body["funcname"])[-1] == "starts_with":
        return _compare(body["args"][0], "^@", body["args"][1]) or _unread(node)
    if kind == "CaseExpr":
        return _case(body, wanted)
    if (kind == "A_Const") and constant(node) == ("true" if wanted else "false"):
        return [FREE]
    return _unread(node)


def _logic(body: Node, wanted: bool) -> list[Way]:
    if body["boolop"] == "NOT_EXPR":
        return _read(body["args"][0], not wanted)
    parts = [_read(one, wanted) for one in body["args"]]
    if (body["boolop"] == "AND_EXPR") == wanted:
        found = [FREE]
        for part in parts:
            found = _both(found, part)
        return found
    # In turn, so that a long first part does not use up all that is allowed.
    turns = itertools.chain.from_iterable(itertools.zip_longest(*parts))
    return list(itertools.islice(filter(None, turns), MOST))


def _null_test(body: Node, null: bool) -> list[Way]:
    names = list(_columns(body["arg"]))
    if "CoalesceExpr" in _bare(body["arg"]) and not null:
        return [Way({name: Want(null=False)}) for name in names] or [FREE]
    return [Way({name: Want(null=null) for name in names})] if names else [FREE]


def _case(body: Node, wanted: bool) -> list[Way]:
    """Each branch, where its condition holds."""
    found: list[Way] = []
    for one in body.get("args", ()):
        branch = one["CaseWhen"]
        when = _compare(body["arg"], "=", branch["expr"]) if "arg" in body else _read(branch["expr"], True)
        found += _both(when or [FREE], _read(branch["result"], wanted))
    if "defresult" in body:
        found += _read(body["defresult"], wanted)
    return found[:MOST] or [FREE]


_OPPOSITE = {
    "=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
    "~": "!~", "!~": "~", "~*": "!~*", "!~*": "~*", "~~": "!~~", "!~~": "~~", "~~*": "!~~*", "!~~*": "~~*",
}  # fmt: skip
MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def _operator(body: Node, wanted: bool) -> list[Way] | None:
    operator, kind = strings(body["name"])[-1], body["kind"]
    left, right = body.get("lexpr"), body.get("rexpr")
    if left is None or right is None:
        return None
    if kind == "AEXPR_NOT_DISTINCT":
        kind, operator = "AEXPR_OP", "="
    if kind == "AEXPR_DISTINCT":
        if is_null(right):
            return _null_test({"arg": left}, not wanted)
        kind, operator = "AEXPR_OP", "<>"
    if kind in ("AEXPR_OP_ANY", "AEXPR_OP_ALL", "AEXPR_IN"):
        return _list(left, operator, right, (kind != "AEXPR_OP_ALL") == wanted, wanted)
    if kind not in ("AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE"):
        return None
    if not wanted:
        if operator not in _OPPOSITE:
            return None
        operator = _OPPOSITE[operator]
    if operator in ("=", "<>") and _truth(left) and _truth(right):
        return _same_truth(left, right, operator == "=")
    return _compare(left, operator, right)


def _truth(node: Node) -> bool:
    """Whether an expression is a condition by its form."""
    node = _bare(node)
    if "A_Expr" in node:
        return strings(node["A_Expr"]["name"])[-1] in _OPPOSITE
    return bool(node.keys() & {"BoolExpr", "NullTest", "BooleanTest"}) or constant(node) in ("true", "false")


def _same_truth(left: Node, right: Node, same: bool) -> list[Way]:
    return [
        *_both(_read(left, True), _read(right, same)),
        *_both(_read(left, False), _read(right, not same)),
    ]


def _list(left: Node, operator: str, right: Node, any_of: bool, wanted: bool) -> list[Way] | None:
    """``x = ANY (…)``, ``x <> ALL (…)``, and their opposites."""
    right = _bare(right)
    if "A_ArrayExpr" in right:
        items = right["A_ArrayExpr"].get("elements", [])
    elif "List" in right:
        items = right["List"].get("items", [])
    else:
        text = constant(right)
        if text is None or not text.startswith("{"):
            return None
        items = [{"A_Const": {"sval": {"sval": one.strip('"')}}} for one in text[1:-1].split(",")]
    if not wanted:
        operator = _OPPOSITE.get(operator, operator)
    values = [_constant(one) for one in items]
    name = _column(left)
    if name and operator == "=" and any_of and None not in values:
        return [Way({name: Want(among=tuple(one for one in values if one is not None))})]
    each = [_compare(left, operator, one) or _unread(one) for one in items[:MOST]]
    if any_of:
        return [way for part in each for way in part][:MOST]
    found = [FREE]
    for part in each:
        found = _both(found, part)
    return found


def _compare(left: Node, operator: str, right: Node) -> list[Way] | None:
    left, right = _bare(left), _bare(right)
    if _constant(left) is not None and _constant(right) is None:
        if operator not in MIRRORED:
            return None
        left, right, operator = right, left, MIRRORED[operator]
    value, name = _constant(right), _column(left)
    if value is None:
        other = _column(right)
        if name and other and name != other:
            return [Way({}, (Relation(name, operator, other),))]
        if name and name == other:
            return _itself(name, left, right)
        return None
    if name:
        want = of_value(operator, value)
        return [Way({name: want})] if want else None
    function, names = _measure(left)
    if not function:
        return None
    return _of_measure(function, names, operator, value)


def _itself(name: str, left: Node, right: Node) -> list[Way]:
    """``lower(x) = x``, ``upper(x) = x``, ``btrim(x) = x``."""
    functions = {strings(one["FuncCall"]["funcname"])[-1] for one in (left, right) if "FuncCall" in one}
    if "upper" in functions:
        return [Way({name: Want(like=(("~", "^[A-Z]{3,12}$"),))})]
    return [Way({name: Want(like=(("~", "^[a-z]{3,12}$"),))})] if functions else [FREE]


def of_value(operator: str, value: str) -> Want | None:
    """What ``column operator value`` asks of the column."""
    match operator:
        case "=":
            return Want(among=(value,))
        case "<>":
            return Want(never=(value,), hints=_beside(value))
        case "<" | "<=":
            value = FAR_PAST if value == "now" else value
            return Want(high=(value, operator == "<"), hints=() if operator == "<" else (value,))
        case ">" | ">=":
            value = FAR_FUTURE if value == "now" else value
            return Want(low=(value, operator == ">"), hints=() if operator == ">" else (value,))
        case "~" | "~*" | "~~" | "~~*":
            return Want(like=(("~~" if operator.startswith("~~") else "~", value),))
        case "^@":
            return Want(like=(("~~", value.replace("%", "\\%") + "%"),))
        case "!~" | "!~*" | "!~~" | "!~~*":
            return Want(unlike=(("~~" if operator.startswith("!~~") else "~", value),))
        case "<@" | "@>" | "&&":
            return Want(hints=(value,))
        case "?":
            return Want(hints=('{"' + value + '": 1}',))
    return None


def _beside(value: str) -> tuple[str, ...]:
    return (str(int(value) + 1),) if value.lstrip("-").isdigit() else ()


_LENGTHS = ("length", "char_length", "character_length", "octet_length", "bit_length")
_ITEMS = ("cardinality", "array_length", "jsonb_array_length", "json_array_length")
_COUNTS = ("num_nonnulls", "num_nulls")
_TYPEOF = ("jsonb_typeof", "json_typeof")
# What gives a value so much like its argument that the argument may be taken for it.
_ALIKE = ("lower", "upper", "btrim", "ltrim", "rtrim", "abs", "round", "floor", "ceil", "date_trunc", "trunc")


def _measure(node: Node) -> tuple[str, tuple[str, ...]]:
    """A function of columns that a constant may be compared with."""
    if "FuncCall" not in node:
        return "", ()
    name, arguments = strings(node["FuncCall"]["funcname"])[-1], node["FuncCall"].get("args", ())
    names = tuple(dict.fromkeys(itertools.chain.from_iterable(map(_columns, arguments))))
    known = (*_LENGTHS, *_ITEMS, *_COUNTS, *_TYPEOF)
    return (name, names) if name in known and names else ("", ())


def _of_measure(function: str, names: tuple[str, ...], operator: str, value: str) -> list[Way] | None:
    name = names[0]
    if function in _TYPEOF:
        return [Way({name: Want(json=value)})] if operator == "=" else [FREE]
    if not value.lstrip("-").isdigit():
        return None
    number = int(value)
    if function in _COUNTS:
        return _counted(names, operator, number, function == "num_nulls")
    low, high = _interval(operator, number)
    if function == "bit_length":
        low, high = -(-low // 8), None if high is None else high // 8
    return [Way({name: Want(shortest=low, longest=high)})]


def _interval(operator: str, number: int) -> tuple[int, int | None]:
    """The whole numbers, from 0, that stand so to a number; for <> those above it."""
    match operator:
        case "=":
            return number, number
        case "<>":
            return number + 1, None
        case "<":
            return 0, number - 1
        case "<=":
            return 0, number
        case ">":
            return number + 1, None
    return number, None


_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "=": int.__eq__, "<>": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__,
}  # fmt: skip


def _counted(names: tuple[str, ...], operator: str, number: int, nulls: bool) -> list[Way] | None:
    holds = _NUMBERS.get(operator)
    if holds is None or len(names) > 8:
        return None
    found = []
    for pattern in itertools.product((False, True), repeat=len(names)):
        if holds(sum(pattern) if nulls else len(names) - sum(pattern), number):
            found.append(Way({name: Want(null=null) for name, null in zip(names, pattern, strict=True)}))
    return found[:MOST]


# ── nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bare(node: Node) -> Node:
    """An expression without casts, collations and the like."""
    while True:
        for kind in ("TypeCast", "CollateClause"):
            if kind in node:
                node = node[kind]["arg"]
                break
        else:
            return node


def _column(node: Node) -> str | None:
    """The column that an expression is, or is much like."""
    node = _bare(node)
    if "ColumnRef" in node:
        return next(iter(_columns(node)), None)
    if "CoalesceExpr" in node:
        return _column(node["CoalesceExpr"]["args"][0])
    if "FuncCall" in node and strings(node["FuncCall"]["funcname"])[-1] in _ALIKE:
        return next(filter(None, map(_column, node["FuncCall"].get("args", ()))), None)
    return None


def _constant(node: Node) -> str | None:
    """A constant as a text: also -1, 60 * 60, now()."""
    node = _bare(node)
    if "A_Expr" in node and node["A_Expr"]["kind"] == "AEXPR_OP":
        return _computed(node["A_Expr"])
    if "SQLValueFunction" in node:
        return "now"
    if "FuncCall" in node:
        return _called(node["FuncCall"])
    if "A_ArrayExpr" in node:
        items = [_constant(one) for one in node["A_ArrayExpr"].get("elements", ())]
        return None if None in items else "{" + ",".join(f'"{one}"' for one in items) + "}"
    return constant(node)


_NOW = ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")


def _called(body: Node) -> str | None:
    """What a function gives: the moment, or the regular expression that PostgreSQL makes of SIMILAR TO's pattern."""
    name, arguments = strings(body["funcname"])[-1], body.get("args", ())
    if name == "similar_to_escape" and arguments and (pattern := constant(arguments[0])):
        return "^(?:" + re.sub(r"(?<!\\)%", ".*", pattern).replace("_", ".") + ")$"
    return "now" if name in _NOW else None


def _computed(body: Node) -> str | None:
    sides = [_constant(body[side]) for side in ("lexpr", "rexpr") if side in body]
    operator = strings(body["name"])[-1]
    if sides and sides[0] == "now":
        return "now"
    try:
        numbers = [float(side) for side in sides if side is not None]
        if len(numbers) != len(sides):
            return None
        if len(numbers) == 1:
            result = -numbers[0] if operator == "-" else numbers[0]
        else:
            one, two = numbers
            result = {"+": one + two, "-": one - two, "*": one * two}[operator]
    except (KeyError, ValueError):
        return None
    return str(int(result)) if result == int(result) else repr(result)


def _columns(node: object) -> Iterable[str]:
    """The columns below a node. A column of a whole row, t.a, is its last part."""
    if isinstance(node, list):
        for one in node:
            yield from _columns(one)
    elif isinstance(node, dict):
        if "ColumnRef" in node:
            names = strings(node["ColumnRef"]["fields"])
            if names:
                yield names[-1]
        else:
            for one in node.values():
                yield from _columns(one)


def _unread(node: Node) -> list[Way]:
    """What nobody understands: its constants are worth trying in each of its columns."""
    names = dict.fromkeys(_columns(node))
    values = tuple(dict.fromkeys(_constants(node)))[:20]
    return [Way({name: Want(hints=values) for name in names})] if names and values else [FREE]


def _constants(node: object) -> Iterable[str]:
    if isinstance(node, list):
        for one in node:
            yield from _constants(one)
    elif isinstance(node, dict):
        value = constant(node) if "A_Const" in node else None
        if value is not None:
            yield value
            yield from _beside(value) if value.lstrip("-").isdigit() else (f"value{value}value",)
        for one in node.values():
            yield from _constants(one)
