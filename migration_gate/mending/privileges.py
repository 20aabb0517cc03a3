"""What GRANT and REVOKE turn one list of privileges into another.

Source: PostgreSQL's documentation, chapter "Privileges": the letters of an ``aclitem``, and what an object's owner and
PUBLIC may do with it by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from migration_gate.rules.remedies import quoted

_WORDS = {
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "m": "MAINTAIN",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
}
# By kind of object: the letters of its owner, and of PUBLIC.
_DEFAULTS = {
    "schema": ("UC", ""),
    "enum": ("U", "U"),
    "domain": ("U", "U"),
    "composite": ("U", "U"),
    "range": ("U", "U"),
    "sequence": ("rwU", ""),
    "table": ("arwdDxt", ""),
    "view": ("arwdDxt", ""),
    "materialized view": ("arwdDxt", ""),
    "function": ("X", "X"),
    "procedure": ("X", "X"),
    "column": ("", ""),
}
OF_DEFAULT_PRIVILEGES = {
    "tables": "table",
    "sequences": "sequence",
    "functions": "function",
    "types": "enum",
    "schemas": "schema",
}
_ITEM = re.compile(r'("(?:[^"]|"")*"|[^=",]*)=([A-Za-z*]*)/("(?:[^"]|"")*"|[^,]*)(?:, |$)')

# A role's letters, each with whether it may be passed on; "" is PUBLIC.
Privileges = Mapping[str, Mapping[str, bool]]


class Place(NamedTuple):
    """How a statement names what it is about: ALTER DEFAULT PRIVILEGES stands before it, a column behind the word."""

    on: str  # "TABLE users", "TABLES"
    before: str = ""
    column: str = ""


def read(acl: str) -> Privileges:
    """What ``aclitem`` prints, "a=r/b, =X/b"; who has given it is left out."""
    found: dict[str, dict[str, bool]] = {}
    for role, letters, _ in _ITEM.findall(acl):
        name = role[1:-1].replace('""', '"') if role.startswith('"') else role
        own = found.setdefault(name, {})
        own.update({one[0]: len(one) > 1 for one in re.findall(r"[A-Za-z]\*?", letters)})
    return found


def default(kind: str, owner: str) -> Privileges:
    """What an object has where nobody has granted or revoked anything."""
    own, public = _DEFAULTS[kind]
    return {owner: dict.fromkeys(own, False), "": dict.fromkeys(public, False)}


def changes(before: Privileges, after: Privileges, place: Place) -> Iterator[str]:
    """Statements, the taking before the giving."""
    for role in sorted(before.keys() | after.keys()):
        old, new = before.get(role, {}), after.get(role, {})
        gone = [one for one in old if one not in new]
        if not new and gone:
            yield _said("REVOKE", "ALL" + (f" ({place.column})" if place.column else ""), place, "FROM", role)
        elif gone:
            yield _said("REVOKE", _listed(gone, place), place, "FROM", role)
        if less := [one for one in new if old.get(one) and not new[one]]:
            yield _said("REVOKE GRANT OPTION FOR", _listed(less, place), place, "FROM", role)
        for passed_on in (False, True):
            given = [one for one in new if new[one] == passed_on and (one not in old or (passed_on and not old[one]))]
            if given:
                tail = " WITH GRANT OPTION" if passed_on else ""
                yield _said("GRANT", _listed(given, place), place, "TO", role) + tail


def _listed(letters: list[str], place: Place) -> str:
    column = f" ({place.column})" if place.column else ""
    return ", ".join(_WORDS.get(one, one) + column for one in letters)


def _said(verb: str, what: str, place: Place, word: str, role: str) -> str:
    return f"{place.before}{verb} {what} ON {place.on} {word} {quoted(role) if role else 'PUBLIC'}"
