"""Values of a type, as the texts that PostgreSQL reads: ordinary ones, those at the edges, and as many different ones
as are wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from migration_gate.rehearsal.rows import patterns, scales
from migration_gate.rehearsal.rows.catalog import Type
from migration_gate.rehearsal.rows.wants import ANYTHING, Want, Way, merge, ways

LONG = 300  # characters of the longest text in a column without a limit: more than the 255 that others have
LONGEST = 4000  # characters, however long a column may be
TEXTS = ("text", "varchar", "bpchar", "citext", "name", "char")


def draw(type_: Type, want: Want, number: int, distinct: bool = False, edge: int | None = None) -> str | None:
    """A value that is what is wanted, as far as this is understood; None where there is none, or none is known.

    ``number`` chooses among them. ``distinct``: another number gives another value, as long as there are such.
    ``edge`` asks for the longest, largest, emptiest value: the one of this place.
    """
    if type_.checks:
        inner = _of_domain(type_)
        both = merge(want, inner[number % len(inner)].want("value"))
        if both is None:
            return None
        want = both
    if want.among is not None:
        fit = [value for value in want.among if fits(type_, want, value)]
        return fit[number % len(fit)] if fit else None
    for turn in range(4 + len(want.never)):
        value = _one(type_, want, number + turn, distinct, None if turn else edge)
        if value not in want.never:
            return value
    return None


@lru_cache(maxsize=1000)
def _of_domain(type_: Type) -> list[Way]:
    return ways(tuple(expression for _, expression in type_.checks))


def fits(type_: Type, want: Want, value: str) -> bool:
    """Whether a value is none that must not be, and lies between the bounds."""
    if want.among is not None and value not in want.among:
        return False
    if value in want.never:
        return False
    line = scales.scale(type_)
    number = line.read(value) if line else None
    if line is None or number is None:
        return want.longest is None or len(value) <= want.longest
    low, high, _, _ = scales.bounds(line, want)
    return low <= number <= high


def _one(type_: Type, want: Want, number: int, distinct: bool, edge: int | None) -> str | None:
    hints = tuple(one for one in want.hints if _readable(type_, want, one)) if edge is None else ()
    if distinct:  # a guess serves once; and a number that a sequence counts is not to be a large one
        hints = hints if number % 4 == 1 and scales.scale(type_) is None else ()
    if hints and number % 2:
        return hints[number // 2 % len(hints)]
    if line := scales.scale(type_):
        return _on(line, want, number, distinct, edge)
    if type_.base in TEXTS:
        return _text(type_, want, number, distinct, edge)
    if type_.kind == "e":
        return type_.labels[number % len(type_.labels)] if type_.labels else None
    if type_.kind in _KINDS:
        return _KINDS[type_.kind](type_, want, number, edge)
    if type_.base in ("json", "jsonb"):
        return _json(want, number, distinct, edge)
    maker = _MAKERS.get(type_.base)
    if maker is None:
        return None
    if type_.base == "bytea" and (want.shortest or want.longest is not None):
        return "\\x" + format(number, "08x").ljust(2 * want.shortest, "f")[-2 * (want.shortest or want.longest or 0) :]
    edges = _EDGES.get(type_.base, ())
    if edge is not None and edges and not distinct:
        return edges[edge % len(edges)]
    return maker(type_, number if distinct else number % 7)


def _readable(type_: Type, want: Want, text: str) -> bool:
    """Whether a guess is a value of the type at all: one that is none would end the whole statement."""
    if scales.scale(type_):
        return text != "now" and fits(type_, want, text) and re.fullmatch(r"[-+:.\d ]+", text) is not None
    if type_.base in TEXTS:
        longest = _longest(type_)
        return longest is None or len(text) <= longest
    if type_.kind == "e":
        return text in type_.labels
    if type_.base in ("json", "jsonb"):
        try:
            json.loads(text)
        except ValueError:
            return False
        return True
    if type_.kind == "a":
        return text.startswith("{") and text.endswith("}") and type_.parts[0].base in TEXTS
    return type_.base == "bool" and text in ("true", "false")


def _on(line: scales.Scale, want: Want, number: int, distinct: bool, edge: int | None) -> str | None:
    if distinct:
        value = scales.nth(line, want, number)
        return None if value is None else line.write(value)
    ordinary, edges = scales.numbers(line, want)
    chosen = edges if edge is not None else ordinary
    return line.write(chosen[(number if edge is None else edge) % len(chosen)]) if chosen else None


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _longest(type_: Type) -> int | None:
    """Characters that a type has room for: varchar(n) and char(n) have a modifier of n + 4."""
    if type_.base in ("varchar", "bpchar") and type_.modifier >= 4:
        return type_.modifier - 4
    return {"name": 63, "char": 1}.get(type_.base)


def _text(type_: Type, want: Want, number: int, distinct: bool, edge: int | None) -> str | None:
    limits = [one for one in (_longest(type_), want.longest) if one is not None]
    longest = min(limits, default=None)
    if longest is not None and longest < want.shortest:
        return None
    if want.like:
        return _matching(want, number, longest)
    if want.unlike:
        texts = (f"value {number}", _short(number, 9), _short(number, 9).upper(), f" {number}", f"-{number}", "")
        fit = (one for one in texts if not any(_like(one, *pattern) for pattern in want.unlike))
        return _fitted(next(fit, "word"), want.shortest, longest)
    if edge is None:
        # One in seven is long also where all must be different.
        if distinct and number % 7 == 5 and (longest is None or longest > 20):
            return _fitted(f"{number} ", want.shortest, longest, _room(longest))
        return _fitted(f"value {number}" if number % 2 else f"value{number}", want.shortest, longest)
    last = str(number) if distinct else ""
    if edge % 3 == 0:
        return _fitted(last, want.shortest, longest, _room(longest))
    if edge % 3 == 1 and not distinct:
        return _fitted("", want.shortest, longest)
    return _fitted(f'{last}é漢字 it\'s "ø" \\', want.shortest, longest)


def _room(longest: int | None) -> int:
    return LONG if longest is None else min(longest, LONGEST)


def _fitted(text: str, shortest: int, longest: int | None, wanted: int = 0) -> str:
    """The text, longer or shorter. What is cut is its beginning: "value 12" in two characters is "12"."""
    if longest is not None and len(text) > longest:
        digits = text.split()[-1].removeprefix("value") if text.isascii() and text.startswith("value") else ""
        text = _short(int(digits), longest) if digits.isdigit() else text[:longest]
    missing = max(min(shortest, LONGEST * 10), wanted) - len(text)
    return text + "x" * missing


def _short(number: int, longest: int) -> str:
    """A number in so many letters at most, in base 26: a, b, … ba."""
    letters = ""
    while True:
        number, digit = divmod(number, 26)
        letters = chr(97 + digit) + letters
        if not number:
            return letters[-longest:] if longest else ""


def _matching(want: Want, number: int, longest: int | None) -> str | None:
    """A text for one of the patterns, which may be for all of them."""
    found = None
    for turn in range(6):
        for kind, pattern in want.like:
            if kind == "~~":
                text: str | None = patterns.like(pattern, number + turn)
            else:
                text = patterns.matching(pattern, number + 1000 * turn, want.shortest, longest)
            if text is None:
                continue
            if longest is not None and len(text) > longest:
                continue
            found = text if found is None else found
            if all(_like(text, *one) for one in want.like):
                return text
    return found


def _like(text: str, kind: str, pattern: str) -> bool:
    """Whether a text matches, as far as Python reads PostgreSQL's patterns."""
    if kind == "~~":
        parts = re.findall(r"\\.|.", pattern, re.DOTALL)
        pattern = "".join({"%": ".*", "_": "."}.get(one) or re.escape(one[-1]) for one in parts)
        return re.fullmatch(pattern, text, re.DOTALL) is not None
    if "[:" in pattern:
        return True  # a class of letters, which Python takes for a set
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


# ── json ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _json(want: Want, number: int, distinct: bool, edge: int | None) -> str:
    items = max(want.shortest, min(number % 3, want.longest if want.longest is not None else 3))
    match want.json or ("array" if want.shortest or want.longest is not None else ""):
        case "array":
            return json.dumps([f"item {n}" for n in range(items)])
        case "string":
            return json.dumps(f"text {number}")
        case "number":
            return str(number)
        case "boolean":
            return "true" if number % 2 else "false"
        case "null":
            return "null"
        case "object" if edge is not None:
            return ('{"nested": {"list": [1, null, "é漢字"]}}', "{}")[edge % 2]
    if edge is not None and not distinct:
        return ('{"nested": {"list": [1, null, "é漢字"]}}', "{}", "[]")[edge % 3]
    return json.dumps({"key": f"value {number if distinct else number % 5}"})


# ── types that are made of others ────────────────────────────────────────────────────────────────────────────────────


def _quoted(text: str) -> str:
    """As an element of an array or a composite."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array(type_: Type, want: Want, number: int, edge: int | None) -> str | None:
    inner = type_.parts[0]
    if inner.base == "unknown":
        return "{}"
    least, most = want.shortest, want.longest
    count = (10, 0, 1)[edge % 3] if edge is not None else 1 + number % 3
    count = max(least, count if most is None else min(count, most))
    items = [draw(inner, ANYTHING, number + n, True, edge) for n in range(count)]
    return None if None in items else "{" + ",".join(_quoted(one) for one in items if one is not None) + "}"


def _range(type_: Type, want: Want, number: int, edge: int | None) -> str | None:
    """Ranges of different numbers do not overlap."""
    inner = type_.parts[0]
    line = scales.scale(inner)
    if edge is not None:
        return ("empty", "(,)", "[,)")[edge % 3]
    if line is None:
        ends = sorted(filter(None, (draw(inner, ANYTHING, n, True) for n in (number, number + 1))))
        return f"[{_quoted(ends[0])},{_quoted(ends[-1])}]" if ends else "empty"
    begin = line.first + line.step * (2 * number)
    if begin + line.step > line.high:
        return "empty"
    return f"[{_quoted(line.write(begin))},{_quoted(line.write(begin + line.step))})"


def _multirange(type_: Type, want: Want, number: int, edge: int | None) -> str | None:
    if edge is not None:
        return ("{}", "{(,)}")[edge % 2]
    return "{" + (_range(type_.parts[0], want, number, None) or "") + "}"


def _composite(type_: Type, want: Want, number: int, edge: int | None) -> str | None:
    items = [draw(one, ANYTHING, number, True, edge) for one in type_.parts]
    return "(" + ",".join("" if one is None else _quoted(one) for one in items) + ")"


_KINDS: dict[str, Callable[[Type, Want, int, int | None], str | None]] = {
    "a": _array,
    "r": _range,
    "m": _multirange,
    "c": _composite,
}


# ── the rest of PostgreSQL's types, and some extensions' ─────────────────────────────────────────────────────────────


def _bits(type_: Type, number: int) -> str:
    width = type_.modifier if type_.modifier > 0 else 8
    return format(number % 2 ** min(width, 60), "b").zfill(min(width, LONGEST) if type_.base == "bit" else 1)[-width:]


def _vector(type_: Type, number: int) -> str:
    size = type_.modifier if type_.modifier > 0 else 3
    return "[" + ",".join(str(one) for one in (number + 1, *range(1, size))) + "]"


def _geometry(type_: Type, number: int) -> str:
    """PostGIS: the type and the system of coordinates stand in the cast, geometry(PointZ,4326)."""
    known = re.search(r"\((\w+)(?:,(\d+))?\)", type_.cast)
    kind, system = (known[1].lower(), known[2]) if known else ("point", None)
    shape = re.fullmatch(r"(\w+?)(zm|z|m)?", kind)
    assert shape
    name = "point" if shape[1] == "geometry" else shape[1]
    dimensions = f" {shape[2].upper()}" if shape[2] else ""
    more = " 0" * {"z": 1, "m": 1, "zm": 2, None: 0}[shape[2]]
    return (
        f"SRID={system};" if system else ""
    ) + f"{name.upper()}{dimensions} {_shape(name, number, dimensions, more)}"


def _shape(name: str, number: int, dimensions: str, more: str) -> str:
    """What stands behind a shape's name, near the equator. ``more`` is what each point has beside its two numbers."""
    x = number % 80
    a, b, c = (f"{x} 0{more}", f"{x + 1} 0{more}", f"{x + 1} 1{more}")
    ring, line = f"({a}, {b}, {c}, {a})", f"({a}, {c})"
    match name:
        case "linestring" | "multipoint":
            return line
        case "compoundcurve" | "multilinestring" | "multicurve":
            return f"({line})"
        case "polygon" | "curvepolygon" | "triangle":
            return f"({ring})"
        case "multipolygon" | "multisurface" | "tin" | "polyhedralsurface":
            return f"(({ring}))"
        case "circularstring":
            return f"({a}, {c}, {b})"
        case "geometrycollection":
            return f"(POINT{dimensions} ({a}))"
    return f"({x} 1{more})"


_EAN = {"isbn": "978", "isbn13": "978", "ismn": "9790", "ismn13": "9790", "issn": "977", "issn13": "977", "upc": "0"}


def _book(type_: Type, number: int) -> str:
    """The numbers of books and goods (isn): thirteen digits, the last of which checks the others."""
    prefix = _EAN.get(type_.base, "4")
    middle = str(number % 10**7).zfill(7) + "00" if prefix == "977" else str(number % 10**7).zfill(12 - len(prefix))
    digits = prefix + middle
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _sized(template: str) -> Callable[[Type, int], str]:
    return lambda _, number: template.format(number, number % 256, number // 256 % 256)


_MAKERS: dict[str, Callable[[Type, int], str]] = {
    "bool": lambda _, number: "true" if number % 2 else "false",
    "uuid": _sized("00000000-0000-4000-8000-{0:012x}"),
    "bytea": _sized("\\x{0:08x}"),
    "inet": _sized("10.0.{2}.{1}"),
    "cidr": _sized("10.{2}.{1}.0/24"),
    "macaddr": _sized("08:00:2b:01:{2:02x}:{1:02x}"),
    "macaddr8": _sized("08:00:2b:01:02:03:{2:02x}:{1:02x}"),
    "bit": _bits,
    "varbit": _bits,
    "xml": _sized('<value number="{0}"/>'),
    "tsvector": _sized("'value':1 'word{0}':2"),
    "tsquery": _sized("'value' & 'word{0}'"),
    "jsonpath": _sized("$.key{0}"),
    "point": _sized("({0},1)"),
    "line": _sized("{{1,2,{0}}}"),
    "lseg": _sized("[(0,0),({0},1)]"),
    "box": _sized("({0}.6,1),({0}.2,0)"),
    "path": _sized("[(0,0),(1,{0})]"),
    "polygon": _sized("((0,0),(1,1),(1,{0}))"),
    "circle": _sized("<({0},0),0.2>"),
    "pg_lsn": _sized("0/{0:X}"),
    "xid": _sized("{0}"),
    "cid": _sized("{0}"),
    "tid": _sized("({0},1)"),
    "txid_snapshot": _sized("1:{0}9:"),
    "pg_snapshot": _sized("1:{0}9:"),
    "refcursor": _sized("cursor{0}"),
    "int2vector": _sized("1 {1}"),
    "oidvector": _sized("1 {0}"),
    "regclass": _sized("pg_catalog.pg_class"),
    "regtype": _sized("pg_catalog.int4"),
    "regproc": _sized("pg_catalog.now"),
    "regprocedure": _sized("pg_catalog.now()"),
    "regoperator": _sized("pg_catalog.+(integer,integer)"),
    "regrole": _sized("10"),
    "regnamespace": _sized("pg_catalog"),
    "regconfig": _sized("pg_catalog.simple"),
    "regdictionary": _sized("pg_catalog.simple"),
    "regcollation": _sized('pg_catalog."C"'),
    "hstore": _sized('"key"=>"value {0}", "none"=>NULL'),
    "ltree": _sized("top.branch.leaf{0}"),
    "lquery": _sized("top.*.leaf{0}"),
    "ltxtquery": _sized("top & leaf{0}"),
    "cube": _sized("({0},1)"),
    "seg": _sized("{0}"),
    "semver": _sized("1.0.{0}"),
    "box2d": _sized("BOX({0} 0,{0} 1)"),
    "box3d": _sized("BOX3D({0} 0 0,{0} 1 1)"),
    "vector": _vector,
    "halfvec": _vector,
    "sparsevec": lambda type_, number: f"{{1:{number + 1}}}/{type_.modifier if type_.modifier > 0 else 3}",
    "geometry": _geometry,
    "geography": _geometry,
    "ean13": _book,
    **dict.fromkeys(_EAN, _book),
}
_EDGES: dict[str, tuple[str, ...]] = {
    "bytea": ("\\x" + "ff" * LONG, "\\x", "\\x00"),
    "inet": ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/64", "0.0.0.0/0", "192.168.0.1"),
    "cidr": ("2001:db8::/32", "0.0.0.0/0"),
    "uuid": ("ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"),
    "tsvector": ("",),
    "hstore": ("", '"é"=>"漢字"'),
    "ltree": ("", "top"),
}


def guesses(number: int) -> Iterator[str]:
    """Values worth trying in a column of a type that nobody here knows."""
    yield from (str(number), f"value{number}", f"({number},1)", f"[{number}]", "{}", f"({number})", "")
