"""Whether what was read in a revision is what Alembic renders of it.

Both are lists of operations. One that was rendered came from certain lines of the file (the call, and whatever called
that), and is looked for among those that were read on one of these lines:

- *right*: one of them says the same. What only one of the two can know is not compared.
- *wrong*: one of them is about the same thing, and says something else of it.
- *not read*: none is, and the reader says that it could not follow one of the lines.
- *lost*: none is, and the reader says nothing. This is what must not be.

The other way round, an operation that was read on a line that ran, and where nothing of its kind was rendered, was
*made up*. What was read on lines that did not run, in the other branch of an ``if``, proves nothing. And what is right
has to come in the same *order*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeGuard

from migration_gate.operations.model import (
    Boundary,
    ChangeRows,
    Column,
    NotRead,
    Operation,
    Other,
    RewriteTable,
    SetNotNull,
    Table,
    UsesModel,
)

# Not in the SQL, or of no concern to any rule.
IGNORED = (Boundary, Other, UsesModel)

# What an operation is about; the rest of its fields is what it says of that.
_ABOUT = {"table", "column", "name", "verb", "how", "what", "type", "value", "to", "partition", "kind"}
# A name that a database or a convention gives, or that is computed, does not say which constraint or index it is.
_NAMED_LATER = {"AddConstraint", "CreateIndex", "DropConstraint", "DropIndex"}
# Fields that only a migration's own text has, or that spell in another way what is compared.
_ITS_OWN = {"at", "call", "condition", "existing", "existing_type", "unnamed"}
_ITS_OWN_OF = {"SetNotNull": {"type"}, "ChangeType": {"to"}, "DropConstraint": {"kind"}, "DropIndex": {"table"}}

Line = tuple[str, int]  # of the migration itself, or of a module: its path as ``At.inside`` has it
Judgement = Literal["right", "wrong", "not read", "lost"]


class Fact(NamedTuple):
    """An operation, to be compared. A value of None, in ``says``, is not known."""

    kind: str
    about: tuple[str, ...]
    says: dict[str, Any]

    def __str__(self) -> str:
        says = [f"{name}={value}" for name, value in self.says.items() if value not in (None, False, (), "none", "")]
        return " ".join([self.kind, *self.about, *says])


class Rendered(NamedTuple):
    """An operation that Alembic rendered, and the lines of the file that it came from, outermost first. ``supposed`` is
    true where it was rendered only because tables and rows had been made up for the migration to find, ``flushed``
    where a session of the ORM sent it, at some line after the one that asked for it.
    """

    operation: Operation
    lines: tuple[int, ...]
    supposed: bool = False
    flushed: bool = False


class Judged(NamedTuple):
    """One rendered operation, and what was read of it: ``differs`` names the fields that are wrong."""

    rendered: Rendered
    judgement: Judgement
    read: Operation | None = None
    differs: tuple[str, ...] = ()


def fact(operation: Operation) -> Fact:
    """An operation's kind, what it is about, and what it says of that."""
    kind = type(operation).__name__
    about: list[str] = []
    says: dict[str, Any] = {}
    for name, value in operation._asdict().items():
        if name in _ITS_OWN or name in _ITS_OWN_OF.get(kind, ()):
            continue
        if isinstance(value, Column):
            about.append(value.name)
            says |= _column(value)
        elif kind == "CreateTable" and name == "columns":
            says["columns"] = tuple(one.name for one in value)
            for column in value:
                says |= {f"{column.name}.{key}": one for key, one in _column(column).items()}
        elif name in _ABOUT and not (name == "name" and kind in _NAMED_LATER):
            about.append(str(value))
        else:
            says[name] = _said(kind, name, value)
    return Fact(kind, tuple(about), says)


def _column(column: Column) -> dict[str, Any]:
    return {
        "not_null": column.not_null,
        "sql_type": str(column.sql_type) if column.sql_type else None,
        "default": None if column.fills_itself is None else _default(column.default),
        "fills_itself": column.fills_itself,
        "writes": column.writes,
    }


def _default(default: str | None) -> str:
    """The text of an expression is the migration's own: whether there is one, and whether it is NULL, is compared."""
    return {None: "none", "NULL": "NULL"}.get(default, "some")


def _said(kind: str, name: str, value: Any) -> Any:
    """A field's value, in a form that both readers have it in."""
    if name == "default":
        return _default(value)
    if name == "using":
        return value is not None
    if name == "references" and kind == "CreateTable":
        return tuple(sorted({str(one) for one in value}))
    if isinstance(value, Table) or name == "to_type":
        return str(value) if value else None
    if name == "columns":  # empty where it could not be told; an UPDATE's have no order
        return (tuple(sorted(value)) if kind == "ChangeRows" else value) or None
    return tuple(sorted(value)) if name in ("every_null", "to_null") and value is not None else value


def differs(rendered: Fact, read: Fact) -> tuple[str, ...] | None:
    """The fields in which the two say different things; None where they are not about the same thing."""
    if (rendered.kind, rendered.about) != (read.kind, read.about):
        return None
    both = rendered.says.keys() & read.says.keys()
    return tuple(name for name in sorted(both) if not _agree(rendered, name, rendered.says[name], read.says[name]))


def _agree(rendered: Fact, name: str, theirs: Any, ours: Any) -> bool:
    if None in (theirs, ours) or theirs == ours:
        return True
    # What an UPDATE sets may depend on a branch: the reader has both, one of them was rendered.
    return rendered.kind == "ChangeRows" and name in ("columns", "to_null") and set(theirs) <= set(ours)


def judged(rendered: Iterable[Rendered], read: Sequence[Operation]) -> Iterator[Judged]:
    """What was read of each operation that was rendered. One that came from the same lines again counts once; of those
    that only supposed tables and rows gave, one of each kind counts for a line and a judgement: how many there are
    depends on what was supposed.
    """
    facts = [(one, fact(one)) for one in read if not isinstance(one, (NotRead, *IGNORED))]
    seen: set[object] = set()
    for one in rendered:
        if isinstance(one.operation, IGNORED) or _no_change(one, read) or _refused(one, read):
            continue
        theirs = fact(one.operation)
        if (one.lines, str(theirs)) in seen:
            continue
        found = _judge(one, theirs, facts, read)
        place = (one.lines, theirs.kind, found.judgement)
        if not (one.supposed and place in seen):
            yield found
        seen |= {(one.lines, str(theirs)), place}


def _judge(one: Rendered, theirs: Fact, facts: list[tuple[Operation, Fact]], read: Sequence[Operation]) -> Judged:
    if isinstance(one.operation, NotRead):  # the SQL that was rendered is not read either
        return Judged(one, "not read", one.operation)
    nearest: Judged | None = None
    for operation, ours in facts:
        if not (one.flushed or _on(operation, one.lines)):
            continue
        different = () if _recreates(operation) else differs(theirs, ours)
        if different is not None and (nearest is None or len(different) < len(nearest.differs)):
            nearest = Judged(one, "wrong" if different else "right", operation, different)
    if nearest:
        return nearest
    operation = next(_unread(one, read), None)
    return Judged(one, "not read" if operation else "lost", operation)


def _unread(one: Rendered, read: Sequence[Operation]) -> Iterator[NotRead]:
    for operation in read:
        if isinstance(operation, NotRead):
            through_orm = one.flushed and "through the ORM" in operation.reason
            if through_orm or _covers(operation, one.lines):
                yield operation


def _no_change(one: Rendered, read: Sequence[Operation]) -> bool:
    """SET NOT NULL where the migration itself says that the column is NOT NULL already. PostgreSQL finds nothing to do,
    and the reader leaves it out.
    """
    return isinstance(one.operation, SetNotNull) and any(
        "existing_nullable=False" in operation.call for operation in read if _on(operation, one.lines)
    )


def _refused(one: Rendered, read: Sequence[Operation]) -> bool:
    """SQL that PostgreSQL refuses, and of which the reader says so, or that was made of a row that was supposed: it
    does nothing that could be read.
    """
    return _cannot_parse(one.operation) and (one.supposed or any(map(_cannot_parse, _unread(one, read))))


def _cannot_parse(operation: Operation) -> bool:
    return isinstance(operation, NotRead) and operation.reason.startswith("PostgreSQL cannot parse")


def made_up(
    rendered: Sequence[Rendered], read: Sequence[Operation], ran: set[Line], failed: set[Line]
) -> Iterator[Operation]:
    """Operations that were read on lines that ran and did not fail, and where nothing of their kind was rendered."""
    for operation in read:
        if isinstance(operation, (NotRead, *IGNORED)):
            continue
        if not any(map(ran.__contains__, _places(operation))) or any(map(failed.__contains__, _places(operation))):
            continue
        if any(_recreates(one) and getattr(operation, "table", None) == one.table for one in read):
            continue  # it is in the new table's CREATE TABLE
        there = (one.operation for one in rendered if one.flushed or _on(operation, one.lines))
        if not _may_have_no_rows(operation) and not any(isinstance(one, (type(operation), NotRead)) for one in there):
            yield operation


def _recreates(operation: Operation) -> TypeGuard[RewriteTable]:
    """A batch that copies the table: the statements by which it does so are one operation to the reader."""
    return isinstance(operation, RewriteTable) and operation.how.startswith("batch_alter_table")


def out_of_order(rendered: Sequence[Rendered], read: Sequence[Operation]) -> Iterator[Rendered]:
    """Operations of one run that were read as coming before the one that was rendered before them. The indexes of one
    CREATE TABLE have no order of their own.
    """
    facts = [(place, fact(one), one) for place, one in enumerate(read) if not isinstance(one, (NotRead, *IGNORED))]
    last, before = -1, None
    for one in rendered:
        theirs = fact(one.operation)
        found = [place for place, ours, it in facts if _on(it, one.lines) and differs(theirs, ours) == ()]
        if not found or one.flushed:
            continue
        later = [place for place in found if place >= last]
        if not later and (theirs.kind, one.lines) != ("CreateIndex", before):
            yield one
        last, before = min(later or found), one.lines


def _may_have_no_rows(operation: Operation) -> bool:
    """Whether the call takes a list of rows: of an empty one it sends nothing."""
    return isinstance(operation, ChangeRows) and any(word in operation.call for word in ("bulk_", "_all("))


def _covers(operation: NotRead, lines: tuple[int, ...]) -> bool:
    """Whether the reader said of one of these lines that it could not follow it, or that it read no further."""
    stops = operation.reason.endswith(("the rest of it is not read", "what comes after it is not read"))
    return _on(operation, lines) or (stops and any(line >= operation.at.line for line in lines))


def _on(operation: Operation, lines: tuple[int, ...]) -> bool:
    return any(line in _lines(operation) for line in lines)


def _lines(operation: Operation) -> range:
    return range(operation.at.line, operation.at.end + 1)


def _places(operation: Operation) -> list[Line]:
    """Where the operation is written: in the migration, or in a module that it calls."""
    if operation.at.inside is None:
        return [(str(operation.at.path), line) for line in _lines(operation)]
    file, _, line = operation.at.inside.rpartition(":")
    return [(file, int(line))]
