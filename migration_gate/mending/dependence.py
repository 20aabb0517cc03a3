"""Which objects of a snapshot stand on which others, as far as their definitions tell.

``pg_depend`` would know it better, and a snapshot does not have it. What is taken for a dependence and is none costs a
line that drops a view and makes it again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from migration_gate.mending import columns
from migration_gate.mending.statements import OF_A_TABLE, ROUTINES, TYPES, VIEWS, parents, table_key
from migration_gate.postgres.catalog import Key, Snapshot, facets, join, split

RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            *("schema", "extension", *TYPES, "sequence", "table", "column", "constraint", "index", *ROUTINES, *VIEWS),
            *("statistics", "rule", "trigger", "policy", "default privileges"),
        )
    )
}
_IN_QUERIES = ("rule", "policy", *VIEWS)


def stands_on(key: Key, other: Key, of: Snapshot) -> bool:
    """Whether ``other`` cannot be dropped while ``key`` is there, or takes it along."""
    text = of[key]
    match other.kind:
        case "table" | "view" | "materialized view":
            if key.kind in OF_A_TABLE and table_key(key) == other._replace(kind="table"):
                return True
            below = key.kind == "table" and any(one.startswith(("PARTITION OF ", "INHERITS ")) for one in facets(text))
            return (key.kind in _IN_QUERIES or below or _is_foreign(key, text)) and mentions(text, other)
        case "column":
            if hinders_retyping(key, other, of):
                return True
            beside = key.kind in ("index", "constraint", "statistics") and table_key(key) == table_key(other)
            far = _is_foreign(key, text) and mentions(text.partition("REFERENCES")[2], table_key(other))
            return (beside or far) and _has_word(text, split(other.name)[1])
        case "function" | "procedure":
            standing = ("constraint", "index", "trigger", *_IN_QUERIES)
            body = columns.read(text).generated if key.kind == "column" else text if key.kind in standing else ""
            return mentions(body, other)
        case "constraint":
            return _is_foreign(key, text) and _points_to(text, other, of[other])
    return False


def hinders_retyping(key: Key, other: Key, of: Snapshot) -> bool:
    """Whether the type of ``other``, a column, or what it is made of, a type, cannot change while ``key`` is there."""
    text = of[key]
    if other.kind != "column":
        return key.kind in ("constraint", "index", "trigger", *_IN_QUERIES) and mentions(text, other)
    name = split(other.name)[1]
    if key.kind in OF_A_TABLE and table_key(key) == table_key(other):
        if key.kind == "column":
            return key != other and _has_word(columns.read(text).generated, name)
        return key.kind in ("policy", "trigger", "rule") and _has_word(text, name)
    return key.kind in _IN_QUERIES and mentions(text, table_key(other)) and _has_word(text, name)


def _is_foreign(key: Key, text: str) -> bool:
    return key.kind == "constraint" and text.startswith("FOREIGN KEY")


def _points_to(foreign: str, key: Key, definition: str) -> bool:
    """Whether a foreign key stands on this primary key or unique constraint."""
    listed = re.match(r"(?:PRIMARY KEY|UNIQUE)[^(]*\((.*?)\)", definition)
    there = foreign.partition(" REFERENCES ")[2]
    names = re.match(r'(?:"(?:[^"]|"")*"|[^"(])*\((.*?)\)', there)
    same = bool(listed and names) and set(listed[1].split(", ")) == set(names[1].split(", "))  # type: ignore[index]
    return same and mentions(there, table_key(key))


def mentions(text: str, key: Key) -> bool:
    """Whether PostgreSQL's text has the object's name, with its schema, as it prints it."""
    name = key.name.partition("(")[0] if key.kind in ROUTINES else key.name
    if name not in text and name.replace('"', '""') not in text:
        return False
    parts = (re.escape(one.replace('"', '""')) for one in (key.schema, name))
    return bool(re.search(r'(?<![\w$"])"?{}"?\."?{}"?(?![\w$"])'.format(*parts), text))


def _has_word(text: str, name: str) -> bool:
    return bool(re.search(rf"(?<![\w$]){re.escape(name.replace(chr(34), chr(34) * 2))}(?![\w$])", text))


# ── an order ─────────────────────────────────────────────────────────────────────────────────────────────


def in_order(keys: Collection[Key], of: Snapshot) -> list[Key]:
    """The objects, each of them behind those that its definition needs; else by kind. A circle is cut."""
    needs = _Needs(keys, of)
    placed: dict[Key, None] = {}
    begun: set[Key] = set()
    for first in sorted(keys, key=lambda one: _rank(one, of)):
        stack = [] if first in begun else [(first, needs.of(first))]
        begun.add(first)
        while stack:  # no recursion: views may stand on views deeply
            key, needed = stack[-1]
            following = next((one for one in needed if one not in begun), None)
            if following is None:
                placed[key] = None
                stack.pop()
            else:
                begun.add(following)
                stack.append((following, needs.of(following)))
    return list(placed)


def _rank(key: Key, of: Snapshot) -> tuple[int, bool, str, str]:
    """What points to another table comes behind what it may point to."""
    return RANK.get(key.kind, RANK["sequence"]), _is_foreign(key, of[key]), key.schema, key.name


class _Needs:
    """Finds the objects that another one's definition has the names of, whatever their schema, which a routine's body
    need not say; and those that it belongs to.
    """

    def __init__(self, keys: Collection[Key], of: Snapshot) -> None:
        self.keys, self.snapshot = set(keys), of
        self.words: dict[str, list[Key]] = defaultdict(list)
        self.others: list[Key] = []
        for key in sorted(keys):
            if key.kind in ("table", "sequence", *TYPES, *VIEWS, *ROUTINES):
                name = key.name.partition("(")[0] if key.kind in ROUTINES else key.name
                if re.fullmatch(r"\w+", name):
                    self.words[name].append(key)
                else:
                    self.others.append(key)
        self.columns = _by_table(key for key in self.keys if key.kind == "column")
        self.parts = _by_table(
            key for key, text in of.items() if key.kind in ("column", "constraint") and not _is_foreign(key, text)
        )
        self.parents = {key: found for key in of if key.kind == "table" and (found := parents(key, of))}

    def of(self, key: Key) -> Iterator[Key]:
        text = self.snapshot[key]
        if key.kind in OF_A_TABLE:
            wholes = (table_key(key)._replace(kind=kind) for kind in ("table", *VIEWS))
            yield from (one for one in wholes if one in self.keys)
        if key.kind == "column":
            yield from self._columns(key, text)
        if key.kind == "table":  # its columns and checks are made with it
            text += "".join("\n" + self.snapshot[one] for one in self.parts[key])
        yield from (one for one in self._named(text) if one != key)

    def _named(self, text: str) -> Iterator[Key]:
        for word in dict.fromkeys(re.findall(r"\w+", text)):
            yield from self.words.get(word, ())
        yield from (key for key in self.others if mentions(text, key))

    def _columns(self, key: Key, text: str) -> Iterator[Key]:
        """Those that it is generated from; a child's that is its own, which cannot go before its parent's, nor come
        after; a parent's that it comes with.
        """
        generated = columns.read(text).generated
        for one in self.columns[table_key(key)]:
            if one != key and _has_word(generated, split(one.name)[1]):
                yield one
        for child, above in self.parents.items():
            one = Key("column", child.schema, join(child.name, split(key.name)[1]))
            if one in self.keys and table_key(key) in above and "INHERITED" not in facets(self.snapshot[one]):
                yield one
        if "INHERITED" in facets(text):
            name = split(key.name)[1]
            theirs = (Key("column", one.schema, join(one.name, name)) for one in self.parents.get(table_key(key), ()))
            yield from (one for one in theirs if one in self.keys)


def _by_table(keys: Iterable[Key]) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = defaultdict(list)
    for key in keys:
        found[table_key(key)].append(key)
    return found
