"""A column gets a type that values which are there may not fit.

PostgreSQL converts each value of the column and stops at the first that the new type cannot hold: a longer text
(22001), a larger number (22003), a text that is no number, date or label (22P02). On an empty laptop there is none.
Other values are changed without a word: digits after the point are rounded away, a timestamp loses its time, and a text
that USING casts, `name::varchar(50)`, is cut. Nothing brings them back.

Refused:

    op.alter_column("orders", "note", existing_type=sa.String(200), type_=sa.String(50))

or:

    op.execute("ALTER TABLE users ALTER COLUMN age TYPE smallint")

or:

    op.alter_column("users", "bio", existing_type=sa.Text(), type_=sa.Integer(), postgresql_using="bio::integer")

Write instead:

    op.create_check_constraint("orders_note_length", "orders", "length(note) <= 50", postgresql_not_valid=True)

which bounds what is written from now on and reads nothing; or, for another type, a column beside it, that the
application writes as well:

    op.add_column("users", sa.Column("age_new", sa.SmallInteger()))
    # the next revision
    op.execute("UPDATE users SET age_new = age WHERE age BETWEEN -32768 AND 32767")

Silent on widening, on tables without rows, and where the length is bounded before: by an UPDATE that cuts it, such as
`SET note = left(note, 50) WHERE length(note) > 50`, by a DELETE, by a valid CHECK, or by USING left(…). Any other
UPDATE or DELETE before it, CHECK of that column, or expression of USING makes a note, and so does a type that is not
known, where the new one can be too narrow for some. The type before is what the revisions say, or else `existing_type`.
json to jsonb is a note: all but \\u0000 and doubled keys fit. So is a limit of 65,535 characters and more.

Source: PostgreSQL's documentation, ALTER TABLE, and 10.4, "Value Storage"; measured, pair by pair, on 14 to 18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeRows,
    ChangeType,
    Operation,
    SqlType,
    ValidateConstraint,
)
from migration_gate.operations.type_names import BUILT_IN, casts_of
from migration_gate.operations.types import narrows, rewrites
from migration_gate.rules.base import (
    Hazard,
    Migration,
    backwards,
    column_type,
    is_empty,
    is_enum,
    is_new,
    not_read_about,
)
from migration_gate.rules.remedies import (
    directive,
    execute,
    literal,
    quoted,
    schema_keyword,
    source,
    sql_name,
    statement,
    with_keywords,
)

_TEXTS = ("text", "character varying", "character", "citext", "bpchar")
_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}  # bits
_FITS_NEARLY = {("json", "jsonb"), ("real", "numeric"), ("double precision", "numeric")}
_LONG = 65_535  # characters that hardly a text has
_WIDEST = (SqlType("text"), SqlType("character varying"), SqlType("citext"), SqlType("numeric"), SqlType("bytea"))


def check(migration: Migration) -> Iterator[Hazard]:
    for one in migration.operations:
        if not isinstance(one, ChangeType):
            continue
        earlier = migration.earlier(one)
        if is_empty(one.table, earlier) or _is_unused(one, earlier):
            continue
        old = column_type(migration, one)
        casts = casts_of(one.using, one.column) if one.using is not None else ()
        if not isinstance(casts, tuple):
            yield from _by_expression(migration, one)
        elif (answer := _narrows(old, casts, one.to_type)) and old and one.to_type:
            yield from _narrowed(migration, one, old, one.to_type, bool(casts) and casts[-1] == one.to_type)
        elif answer is None and one.to_type not in _WIDEST:
            yield migration.hazard(one, _unknown(one, old), sure=False, table=one.table)


def _narrows(old: SqlType | None, casts: tuple[SqlType | None, ...], new: SqlType | None) -> bool | None:
    """Whether a value may be lost on the way from one type to the next."""
    if (
        old
        and new
        and casts
        and not {old.name, new.name} & BUILT_IN
        and all(one in _WIDEST for one in casts if one != new)
    ):
        return None  # from enum to enum by its labels' text
    types = [old, *casts, new]
    steps = [narrows(one, other) for one, other in pairwise(types)]
    return True if True in steps else None if None in steps else False


def _is_unused(one: ChangeType, earlier: tuple[Operation, ...]) -> bool:
    """Whether a new revision has added the column, and nothing has put a value into it."""
    for other, column in backwards(one.table, earlier, one.column):
        if isinstance(other, ChangeRows):
            return False
        if isinstance(other, AddColumn) and other.column.name == column:
            return other.column.default in (None, "NULL") and not other.column.fills_itself
    return False


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────


def _by_expression(migration: Migration, one: ChangeType) -> Iterator[Hazard]:
    """USING that computes something: its author has thought of the values that do not fit, of all or of some."""
    limit = _limit(one.to_type)
    cut = re.search(rf"^\s*{_cutting(one.column)}\s*$", one.using or "", re.IGNORECASE)
    if one.to_type in _WIDEST or (cut and limit is not None and _number(cut) <= limit):
        return
    if one.to_type and one.to_type.name in ("boolean", "timestamp with time zone", "timestamp without time zone"):
        return
    if re.match(r"\s*to_jsonb?\s*\(", one.using or "", re.IGNORECASE):
        return
    yield migration.hazard(
        one,
        f"{_name(one)} becomes {one.to_type or one.to} by USING {one.using}. Whether that fits whatever the rows hold "
        "cannot be told by reading.",
        sure=False,
    )


def _unknown(one: ChangeType, old: SqlType | None) -> str:
    to = one.to_type or " ".join((one.to or "a type that could not be read").split())
    clocks = {"timestamp without time zone", "timestamp with time zone"}
    if old and one.to_type and {old.name, one.to_type.name} == clocks:
        return (
            f"{_name(one)} becomes {to}: PostgreSQL takes the times that are there for those of the session's "
            f"TimeZone. USING {quoted(one.column)} AT TIME ZONE 'UTC' says which they are."
        )
    before = f"from {old}" if old else "and its type before is not known"
    return f"{_name(one)} becomes {to}, {before}: whether every value fits cannot be told by reading."


def _narrowed(migration: Migration, one: ChangeType, old: SqlType, new: SqlType, explicit: bool) -> Iterator[Hazard]:
    earlier = migration.earlier(one)
    bounded = _bounded(one, migration.shipped(), earlier, _limit(new))
    if bounded is True:
        return
    unread = not_read_about(one.table, earlier, one.at.path)
    doubt = bounded or unread
    message = f"{_name(one)} becomes {new}, from {old}. {_consequence(one, old, new, explicit)}"
    if doubt:
        message += f" What {doubt.at.path.name}:{doubt.at.line} does beforehand may make every value fit."
    elif is_new(one.table, earlier):
        message += " Only new revisions have put rows into the table."
    nearly = ((old.name, new.name) in _FITS_NEARLY and not new.modifiers) or (_limit(new) or 0) >= _LONG
    sure = not (doubt or nearly or is_new(one.table, earlier))
    enum = is_enum(new, migration.shipped() + earlier, one.to)
    misfit = _misfit(quoted(one.column), old, new, enum, migration.project.settings.postgres_version)
    anew = enum or bool(rewrites(old, new, one.using, one.column))
    yield migration.hazard(one, message, _remedy(one, old, new, misfit, anew), sure, one.table)


def _name(one: ChangeType) -> str:
    return f"{one.table}.{one.column}"


def _consequence(one: ChangeType, old: SqlType, new: SqlType, explicit: bool) -> str:
    """What PostgreSQL does with a value that does not fit."""
    refuses = "PostgreSQL refuses the migration as soon as a row has"
    if _limit(new) is not None:
        return "The cast cuts longer values without a word." if explicit else f"{refuses} a longer one (22001)."
    if old.name in _TEXTS:
        stops = f"as soon as a row has a text that is no {new} (22P02)."
        if one.using is None:
            return f"Without USING PostgreSQL refuses it in any case (42804), and with a cast {stops}"
        return f"PostgreSQL refuses it {stops}"
    if new.name == "boolean":
        without = "Without USING PostgreSQL refuses it in any case (42804); by a cast e" if one.using is None else "E"
        return f"{without}very number but 0 becomes true."
    if new.name in _INTEGERS and old.name in _INTEGERS:
        return f"{refuses} a larger number (22003)."
    if new.name in _INTEGERS or (new.name == "numeric" and new.modifiers):
        return f"Digits after the point are rounded away without a word, and {refuses} a larger number (22003)."
    if new.name == "jsonb":
        return "Of a key that an object has twice only the last value stays, and PostgreSQL refuses \\u0000 (22P05)."
    return f"What {new} cannot hold of a value is lost without a word."


# ── what comes before ────────────────────────────────────────────────────────────────────────────────────


def _limit(new: SqlType | None) -> int | None:
    """How many characters the type can hold, where it is a text of limited length."""
    if new and new.name in ("character varying", "character") and not new.array:
        return new.modifiers[0] if new.modifiers else None
    return None


def _column(name: str) -> str:
    return rf"(?:\w+\.)?\"?{re.escape(name)}\"?"


def _cutting(name: str) -> str:
    column = _column(name)
    first = rf"left\s*\(\s*{column}\s*,\s*(\d+)\s*\)"
    second = rf"substr(?:ing)?\s*\(\s*{column}\s*(?:,|\bFROM\b)\s*1\s*(?:,|\bFOR\b)\s*(\d+)\s*\)"
    return rf"(?:{first}|{second})(?:\s*::[\w\s]+(?:\(\d+\))?)?"


def _number(found: re.Match[str]) -> int:
    return min(int(one) for one in found.groups() if one is not None)


def _bounded(
    one: ChangeType, shipped: tuple[Operation, ...], earlier: tuple[Operation, ...], limit: int | None
) -> bool | Operation:
    """True where what ran before leaves no value that is too long, the operation that may have done so, or False. Rows
    that a shipped revision has changed have been written to since.
    """
    maybe: Operation | None = None
    validated: set[str | None] = set()
    new = set(map(id, earlier))
    for other, column in backwards(one.table, shipped + earlier, one.column):
        match other:
            case ValidateConstraint():
                validated.add(other.name)
            case AddConstraint(kind="check") if other.valid or other.name in validated:
                condition = other.condition or other.call
                if limit is not None and _at_most(column, condition, limit, r"<=?"):
                    return True
                if re.search(rf"\b{re.escape(column)}\b", condition):
                    maybe = maybe or other
            case ChangeRows() if id(other) not in new:
                continue
            case ChangeRows(verb="UPDATE") if column in other.columns or not other.columns:
                if limit is not None and _cuts(column, other, limit):
                    return True
                maybe = maybe or other
            case ChangeRows(verb="DELETE"):
                if limit is not None and _at_most(column, other.call, limit, r">=?"):
                    return True
                maybe = maybe or other
            case ChangeType() if other.column == column:
                break
    return maybe or False


def _at_most(column: str, condition: str, limit: int, sign: str) -> bool:
    """Whether a condition is about no more than a column's length, and bounds it."""
    length = rf"(?:char_|character_)?length\s*\(\s*\(?{_column(column)}\)?(?:::text)?\s*\)"
    found = re.search(rf"{length}\s*({sign})\s*(\d+)", condition, re.IGNORECASE)
    if found is None or re.search(r"\b(OR|AND)\b", condition, re.IGNORECASE):
        return False
    return int(found[2]) - (found[1] in ("<", ">=")) <= limit


def _cuts(column: str, update: ChangeRows, limit: int) -> bool:
    """Whether an UPDATE cuts every value that is longer: ``SET c = left(c, 50) WHERE length(c) > 50``."""
    found = re.search(rf"{_column(column)}\s*=\s*{_cutting(column)}", update.call, re.IGNORECASE)
    if found is None or _number(found) > limit:
        return False
    where = re.split(r"\bWHERE\b", update.call, maxsplit=1, flags=re.IGNORECASE)
    return update.whole or (len(where) == 2 and _at_most(column, where[1], limit, r">=?"))


# ── remedies ─────────────────────────────────────────────────────────────────────────────────────────────


def _remedy(one: ChangeType, old: SqlType, new: SqlType, misfit: str, anew: bool) -> str:
    table, column, beside = sql_name(one.table), quoted(one.column), quoted(f"{one.column}_new")
    limit = _limit(new)
    fit = misfit.removeprefix("NOT ") if misfit.startswith("NOT pg_input_is_valid(") else f"NOT ({misfit})"
    value, fits = f"{column}::{new}", f"{beside} IS NULL AND {fit}"
    if limit is not None:
        text = column if old.name in _TEXTS else f"{column}::text"
        value, fits = f"left({text}, {limit})", f"{beside} IS NULL AND {column} IS NOT NULL"
    fitting = f"left({column}, {limit})" if limit is not None and old.name in _TEXTS else "…"
    rewritten = "; rewrites-table says why this is for a small table" * anew
    since = " (since PostgreSQL 16)" if "pg_input_is_valid" in misfit else ""
    if misfit == "…":
        since = f" (from PostgreSQL 16 on, NOT pg_input_is_valid({column}, '{new}') tells)"
    check = quoted(f"{one.table.name}_{one.column}_length")
    bound = f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({misfit.replace('>', '<=')}) NOT VALID"
    return "\n".join(
        [
            f"# how many values do not fit{since}: SELECT count(*) FROM {table} WHERE {misfit}",
            f"# where there are any, make them fit first{rewritten}:",
            execute(f"UPDATE {table} SET {column} = {fitting} WHERE {misfit}"),
            _with_using(one, old, new),
            *(["# or keep the type, and bound what is written from now on:", execute(bound)] if limit else []),
            "# or lose none, in a column beside it, that the application writes as well:",
            execute(f"ALTER TABLE {table} ADD COLUMN {beside} {new}"),
            "# then, in a revision of its own, some thousand rows at a time:",
            execute(f"UPDATE {table} SET {beside} = {value} WHERE {fits}"),
            f"# and in a later release, when nothing uses {one.column} any more:",
            f"op.drop_column({literal(one.table.name)}, {literal(one.column)}{schema_keyword(one.table)})",
        ]
    )


def _misfit(column: str, old: SqlType, new: SqlType, enum: bool, version: int) -> str:
    """What is true of a value that does not fit; "…" where PostgreSQL cannot be asked before 16."""
    limit = _limit(new)
    if limit is not None:
        return f"length({column if old.name in _TEXTS else column + '::text'}) > {limit}"
    if new.name in _INTEGERS:
        largest = 2 ** _INTEGERS[new.name]
        outside = f"{column} NOT BETWEEN {-largest} AND {largest - 1}"
        if old.name in _TEXTS:
            return f"{column} !~ '^[-+]?[0-9]{{1,{len(str(largest)) - 1}}}$'"
        return outside if old.name in _INTEGERS else f"{column} <> round({column}) OR {outside}"
    if old.name in _TEXTS and enum:
        return f"{column} <> ALL (enum_range(NULL::{new})::text[])"
    if old.name in _TEXTS and version < 16:
        return "…"
    if old.name in _TEXTS:
        return f"NOT pg_input_is_valid({column}, '{new}')"
    if new.name == "numeric" and new.modifiers:
        precision, scale = new.modifiers
        rounded = f"round({column}::numeric, {scale})"
        return f"{column}::numeric <> {rounded} OR abs({rounded}) >= 1e{precision - scale}"
    return f"{column} IS DISTINCT FROM {column}::{new}::{old}"


def _with_using(one: ChangeType, old: SqlType, new: SqlType) -> str:
    """The user's own change, with the USING that it cannot do without."""
    casts_itself = new.name != "boolean" and (old.name not in _TEXTS or new.name in _TEXTS)
    if one.using is not None or casts_itself:
        return statement(one)
    using = f"{quoted(one.column)}::{new}"
    call = directive(one, "alter_column")
    if call is None:
        return execute(f"ALTER TABLE {sql_name(one.table)} ALTER COLUMN {quoted(one.column)} TYPE {new} USING {using}")
    return source(with_keywords(call, postgresql_using=literal(using)))
