"""What changing a column's type does to its table and its values, from the two types alone.

The facts are PostgreSQL's own (``ATColumnChangeRequiresRewrite`` in src/backend/commands/tablecmds.c, the casts of
``pg_cast``, the planner's support functions of types with a length) and are measured again, pair by pair, by
tests/operations/test_types.py.
"""

from __future__ import annotations

from migration_gate.operations.model import SqlType
from migration_gate.operations.type_names import BUILT_IN, casts_of

_TIMESTAMPS = {"timestamp without time zone", "timestamp with time zone"}
_TIMES = {"time without time zone", "time with time zone"}
# Casts that change no bit, beside those of a type to itself: pg_cast.castmethod "b", and the functions that a cast of
# citext's is declared with.
_SAME_BITS = {
    ("character varying", "text"), ("text", "character varying"), ("text", "bpchar"), ("character varying", "bpchar"),
    ("text", "character"), ("character varying", "character"), ("cidr", "inet"), ("bit", "bit varying"),
    ("bit varying", "bit"), ("xml", "text"), ("xml", "character varying"), ("xml", "bpchar"), ("xml", "character"),
    ("integer", "oid"), ("oid", "integer"), ("integer", "regclass"), ("regclass", "integer"), ("oid", "regclass"),
    ("regclass", "oid"), ("character", "bpchar"), ("bpchar", "character"),
    ("citext", "text"), ("citext", "character varying"), ("text", "citext"), ("character varying", "citext"),
    ("citext", "bpchar"), ("citext", "character"),
}  # fmt: skip
_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_SECONDS = 6  # digits that a time can have at most


def rewrites(
    old: SqlType | None, new: SqlType | None, using: str | None = None, column: str | None = None
) -> bool | None:
    """Whether ALTER COLUMN … TYPE writes the whole table anew. None where the types do not say.

    ``using`` is the expression of USING. One that is no more than the column (``column`` is its name), or casts of it,
    costs what the casts do; any other is computed for each row.

    None of a change between timestamp and timestamptz, which is free in sessions whose TimeZone is UTC and in no other;
    and of enums, domains and types of extensions other than citext, unless nothing changes.
    """
    if old is None or new is None:
        return None
    steps: list[SqlType | None] = [old]
    if using is not None:
        casts = casts_of(using, column)
        if not isinstance(casts, tuple):
            return casts
        steps += casts
    steps.append(new)
    each = [_step_rewrites(one, other) for one, other in zip(steps, steps[1:], strict=False)]  # noqa: RUF007
    return True if True in each else None if None in each else False


def _step_rewrites(old: SqlType | None, new: SqlType | None) -> bool | None:
    if old is None or new is None:
        return None
    if old == new:
        return False
    if old.array != new.array:
        return True if {old.name, new.name} <= BUILT_IN else None
    if {old.name, new.name} == _TIMESTAMPS and not old.array:
        return True if _loses_seconds(old, new) else None
    names = _family(old), _family(new)
    if not {*names} <= BUILT_IN:
        return None
    if names[0] != names[1]:
        return old.array or names not in _SAME_BITS or _length_is_looked_at(old, new)
    if old.array:  # element by element, where there is anything to look at
        return bool(new.modifiers) or new.name != names[1]
    return _length_is_looked_at(old, new)


def _family(one: SqlType) -> str:
    """Its name, without the fields that an interval is cut to."""
    return "interval" if one.name.startswith("interval ") else one.name


def _length_is_looked_at(old: SqlType, new: SqlType) -> bool:
    """Whether PostgreSQL has to bring each value to the new type's length, precision or scale."""
    if not new.modifiers and new.name in BUILT_IN:
        return False
    match _family(new):
        case "character varying" | "bit varying":
            counts = old.name == new.name and bool(old.modifiers)
            return not (counts and new.modifiers[0] >= old.modifiers[0])
        case "numeric":
            return not (old.modifiers and old.modifiers[1] == new.modifiers[1] and new.modifiers >= old.modifiers)
        case "interval":
            return _loses_seconds(old, new) or _cut_at(new) < _cut_at(old)
        case name if name in _TIMESTAMPS | _TIMES:
            return _loses_seconds(old, new)
    return old != new


def _cut_at(interval: SqlType) -> int:
    """The smallest field that an interval keeps, by its place in the list."""
    last = interval.name.rpartition(" ")[2]
    return _FIELDS.index(last if last in _FIELDS else "second")


def _loses_seconds(old: SqlType, new: SqlType) -> bool:
    return _seconds(new) < _seconds(old)


def _seconds(one: SqlType) -> int:
    if one.name.startswith("interval ") and not one.name.endswith("second"):
        return 0
    return one.modifiers[0] if one.modifiers else _SECONDS


_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}  # of the largest value
_EXACT = {"real": 6, "double precision": 15}  # decimal digits that come back from a float as they were
_TEXTS = {"character varying", "text", "citext"}
_PADDED = {"character", "bpchar"}
_WRITTEN = {"smallint": 6, "integer": 11, "bigint": 20, "boolean": 5, "uuid": 36}  # characters of the longest value
_CLOCK = _TIMESTAMPS | _TIMES | {"date", "interval"}
# Pairs of which the names say all.
_WIDENS = {
    ("boolean", "integer"), ("cidr", "inet"), ("date", "timestamp without time zone"), ("jsonb", "json"),
    ("macaddr", "macaddr8"), ("real", "double precision"), ("time without time zone", "interval"),
}  # fmt: skip
_NARROWS = {
    ("double precision", "real"), ("inet", "cidr"), ("integer", "boolean"), ("interval", "time without time zone"),
    ("json", "jsonb"), ("macaddr8", "macaddr"), ("time with time zone", "time without time zone"),
    ("timestamp with time zone", "date"), ("timestamp with time zone", "time without time zone"),
    ("timestamp with time zone", "time with time zone"), ("timestamp without time zone", "date"),
    ("timestamp without time zone", "time without time zone"),
}  # fmt: skip


def narrows(old: SqlType | None, new: SqlType | None) -> bool | None:
    """Whether a value of the old type may not fit into the new one, or not come back from it as it was: a longer text,
    a larger number, digits after the point, the time of a timestamp. None where the types do not say: between timestamp
    and timestamptz it depends on the TimeZone, and of enums and domains on what they hold.

    Left aside are the ends that no table has: NaN, infinity, and dates after the year 294276.
    """
    if old is None or new is None:
        return None
    if old == new:
        return False
    if old.array and new.array:
        return narrows(old._replace(array=False), new._replace(array=False))
    if new in (SqlType("text"), SqlType("character varying"), SqlType("citext")):
        return False
    if old.array or new.array:
        return None
    if new.name in _TEXTS | _PADDED:
        return _text_narrows(old, new)
    if old.name in _TEXTS | _PADDED:
        return True
    if old.name in _DIGITS or old.name in _EXACT or old.name == "numeric":
        return _number_narrows(old, new)
    if old.name == new.name:
        return _length_narrows(old, new)
    if {old.name, new.name} == {"bit", "bit varying"}:
        limit = new.modifiers[0] if new.modifiers else None
        return new.name == "bit" or (limit is not None and limit < old.modifiers[0])
    pair = old.name, new.name
    if pair in _WIDENS:
        return _loses_seconds(old, new) if old.name.startswith("time ") else False
    return True if pair in _NARROWS else None


def _text_narrows(old: SqlType, new: SqlType) -> bool | None:
    """Into a text of limited length, or one whose spaces at the end do not count: whether they did, nobody can say."""
    length = new.modifiers[0] if new.modifiers else None
    if old.name in _TEXTS | _PADDED:
        if length is not None and (not old.modifiers or length < old.modifiers[0]):
            return True
        return None if old.name in _TEXTS and new.name in _PADDED else False
    if length is None or old.name not in _WRITTEN:
        return None
    return length < _WRITTEN[old.name]


def _length_narrows(old: SqlType, new: SqlType) -> bool | None:
    """Within one type that is neither text nor number."""
    if old.name in _CLOCK:
        return _loses_seconds(old, new)
    if old.name == "bit":
        return True
    if old.name == "bit varying":
        return bool(new.modifiers) and (not old.modifiers or new.modifiers[0] < old.modifiers[0])
    return None


def _number_narrows(old: SqlType, new: SqlType) -> bool | None:
    """From a number. Digits before and after the point are compared; None is any number of them."""
    pair = old.name, new.name
    if pair in _WIDENS | _NARROWS:
        return pair in _NARROWS
    if old.name in _EXACT:
        return True if new.name in _DIGITS or new.name == "numeric" else None
    before, after = _digits(old)
    if new.name in _EXACT:
        exact = 16 if new.name == "double precision" else 7
        if old.name in _DIGITS:  # 53 and 24 bits hold whole numbers of 15 and 7 digits
            return _DIGITS[old.name] > exact
        return before is None or after is None or before + after > _EXACT[new.name]
    if new.name in _DIGITS:
        if old.name in _DIGITS:
            return _DIGITS[new.name] < _DIGITS[old.name]
        return before is None or after != 0 or before >= _DIGITS[new.name]
    if new.name != "numeric":
        return None
    room, scale = _digits(new)
    if room is None or scale is None:
        return False
    return before is None or after is None or before > room or after > scale


def _digits(one: SqlType) -> tuple[int | None, int | None]:
    if one.name in _DIGITS:
        return _DIGITS[one.name], 0
    if not one.modifiers:
        return None, None
    return one.modifiers[0] - one.modifiers[1], one.modifiers[1]
