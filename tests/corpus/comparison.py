"""Whether what was read in a revision is what Alembic renders of it.

Both are lists of operations. One that was rendered came from certain lines of the file (the call, and whatever called
that), and is looked for among those that were read on one of these lines:

- *right*: one of them says the same. What only one of the two can know is not compared.
- *wrong*: one of them is about the same thing, and says something else of it.
- *not read*: none is, and the reader says that it could not follow one of the lines.
- *lost*: none is, and the reader says nothing. This is what must not be.

The other way round, an operation that was read on a line that ran, and that nothing rendered there comes near to, was
*made up*. What was read on lines that did not run, in the other branch of an ``if``, proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from migration_gate.operations.model import (
    AddColumn,
    Boundary,
    ChangeType,
    Column,
    CreateTable,
    NotRead,
    Operation,
    Other,
    Table,
    UsesModel,
)

# Not in the SQL, or of no concern to any rule.
IGNORED = (Boundary, Other, UsesModel)

# What an operation is about; the rest of its fields is what it says of that.
_ABOUT = ("table", "column", "name", "verb", "how", "what", "type", "value", "to", "partition", "kind")
# Fields that only the migration's own text has, or that are another spelling of a field that is compared.
_ITS_OWN = {"at", "call", "existing", "existing_type", "unnamed", "condition"}
_ITS_OWN_OF = {"SetNotNull": {"type"}, "ChangeType": {"to"}, "DropConstraint": {"kind"}, "DropIndex": {"table"}}
# A constraint or an index may be named by PostgreSQL or by a convention: then the name says nothing of which it is.
_NAMED_LATER = {"AddConstraint", "CreateIndex"}

Judgement = Literal["right", "wrong", "not read", "lost"]


class Fact(NamedTuple):
    """An operation, to be compared. A value of None, in ``says``, is not known."""

    kind: str
    about: tuple[tuple[str, str], ...]
    says: dict[str, Any]

    def __str__(self) -> str:
        about = " ".join(value for _, value in self.about)
        says = ", ".join(
            f"{name}={value}" for name, value in self.says.items() if value not in (None, False, (), "none")
        )
        return f"{self.kind} {about}" + (f" ({says})" if says else "")


class Rendered(NamedTuple):
    """An operation that Alembic rendered, and the lines of the file that it came from."""

    operation: Operation
    lines: tuple[int, ...]


class Judged(NamedTuple):
    """One rendered operation, and what was read of it: ``differs`` names the fields that are wrong."""

    rendered: Rendered
    judgement: Judgement
    read: Operation | None = None
    differs: tuple[str, ...] = ()


def fact(operation: Operation) -> Fact:
    """An operation's kind, what it is about, and what it says of that."""
    kind = type(operation).__name__
    skipped = _ITS_OWN | _ITS_OWN_OF.get(kind, set())
    about: list[tuple[str, str]] = []
    says: dict[str, Any] = {}
    for name, value in operation._asdict().items():
        if name in skipped:
            continue
        if isinstance(value, Column):
            about.append((name, value.name))
            says |= {f"{name}.{key}": one for key, one in _column(value).items()}
        elif kind == "CreateTable" and name == "columns":
            says["columns"] = tuple(one.name for one in value)
            for column in value:
                says |= {f"{column.name}.{key}": one for key, one in _column(column).items()}
        elif name in _ABOUT and not (name == "name" and kind in _NAMED_LATER):
            about.append((name, str(value)))
        else:
            says[name] = _said(kind, name, value)
    return Fact(kind, tuple(about), says)


def _column(column: Column) -> dict[str, Any]:
    default = {None: "none", "NULL": "NULL"}.get(column.default, "some")
    return {
        "not_null": column.not_null,
        "sql_type": str(column.sql_type) if column.sql_type else None,
        "default": None if column.fills_itself is None else default,
        "fills_itself": column.fills_itself,
        "writes": column.writes,
    }


def _said(kind: str, name: str, value: Any) -> Any:
    """A value, in a form in which both readers have it."""
    if kind == "SetDefault" and name == "default":
        return {None: "none", "NULL": "NULL"}.get(value, "some")
    if kind == "ChangeType" and name == "using":
        return value is not None
    if isinstance(value, Table) or name in ("to_type", "existing_type"):
        return str(value) if value else None
    if kind == "ChangeRows" and name == "columns":
        return tuple(sorted(value)) or None  # empty where the reader could not tell
    if name in ("every_null", "to_null") and value is not None:
        return tuple(sorted(value))
    if kind in ("AddConstraint", "CreateIndex") and name == "columns":
        return value or None
    return value


def differs(rendered: Fact, read: Fact) -> tuple[str, ...] | None:
    """The fields that the two say different things in; None where they are not about the same thing."""
    if (rendered.kind, rendered.about) != (read.kind, read.about):
        return None
    found = [
        name
        for name, value in rendered.says.items()
        if name in read.says and None not in (value, read.says[name]) and value != read.says[name]
    ]
    return tuple(found)


def judged(rendered: Iterable[Rendered], read: list[Operation]) -> Iterator[Judged]:
    """What was read of each operation that was rendered; one that came twice from the same lines counts once."""
    facts = [(one, fact(one)) for one in read if not isinstance(one, (NotRead, *IGNORED))]
    seen = set()
    for one in rendered:
        if isinstance(one.operation, IGNORED):
            continue
        theirs = fact(one.operation)
        key = (one.lines, str(theirs))
        if key in seen:
            continue
        seen.add(key)
        yield _judge(one, theirs, facts, read)


def _judge(one: Rendered, theirs: Fact, facts: list[tuple[Operation, Fact]], read: list[Operation]) -> Judged:
    if isinstance(one.operation, NotRead):
        return Judged(one, "not read")
    nearest: Judged | None = None
    for operation, ours in facts:
        if not on(operation, one.lines):
            continue
        different = differs(theirs, ours)
        if different == ():
            return Judged(one, "right", operation)
        if different and (nearest is None or len(different) < len(nearest.differs)):
            nearest = Judged(one, "wrong", operation, different)
    if nearest:
        return nearest
    for operation in read:
        if isinstance(operation, NotRead) and covers(operation, one.lines):
            return Judged(one, "not read", operation)
    return Judged(one, "lost")


def made_up(rendered: list[Rendered], read: list[Operation], ran: set[int]) -> Iterator[Operation]:
    """Operations that were read on lines that ran, and that nothing rendered there is about."""
    theirs = [(one.lines, fact(one.operation)) for one in rendered]
    for operation in read:
        if isinstance(operation, (NotRead, *IGNORED)) or not any(line in ran for line in _lines(operation)):
            continue
        ours = fact(operation)
        if not any(on(operation, lines) and differs(one, ours) is not None for lines, one in theirs):
            yield operation


def on(operation: Operation, lines: tuple[int, ...]) -> bool:
    return any(line in _lines(operation) for line in lines)


def covers(operation: NotRead, lines: tuple[int, ...]) -> bool:
    """Whether the reader said of one of these lines, or of all from some line on, that it could not follow them."""
    onwards = operation.reason.endswith("is not read") and (
        "after it" in operation.reason or "rest of" in operation.reason
    )
    return on(operation, lines) or (onwards and any(line >= operation.at.line for line in lines))


def _lines(operation: Operation) -> range:
    return range(operation.at.line, operation.at.end + 1)


def is_about_rows(operation: Operation) -> bool:
    return not isinstance(operation, AddColumn | ChangeType | CreateTable)
