"""A revision has an autocommit block and other work, and cannot be tried again when a part of it fails.

An autocommit block commits what came before it, and then each of its own statements by itself. The revision is stamped
only at its end. When a statement of the block fails (a concurrent index finds duplicates, a lock is not to be had),
what came before it stays in the database, the version table does not know of it, and the next upgrade begins at the
first line again: `column "…" of relation "…" already exists`. Somebody has to undo it by hand, on production.

Refused:

    op.add_column("users", sa.Column("phone", sa.Text()))
    with op.get_context().autocommit_block():
        op.create_index("ix_users_phone", "users", ["phone"], postgresql_concurrently=True)

or:

    with op.get_context().autocommit_block():
        op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)
        op.create_index("ix_users_bio", "users", ["bio"], postgresql_concurrently=True)

Write instead:

    op.add_column("users", sa.Column("phone", sa.Text()))
    # the next revision
    with op.get_context().autocommit_block():
        op.drop_index("ix_users_phone", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_phone", "users", ["phone"], postgresql_concurrently=True)

or, so that each line may run twice:

    with op.get_context().autocommit_block():
        op.drop_index("ix_users_email", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)
        op.drop_index("ix_users_bio", table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_bio", "users", ["bio"], postgresql_concurrently=True)

Silent on what may run twice: SET, VALIDATE CONSTRAINT, REINDEX, IF EXISTS and IF NOT EXISTS, an index or constraint
that the same revision drops IF EXISTS before it makes it, an UPDATE that does not compute a column from itself, a
DELETE. Silent, too, on work after the block that is undone when it fails, where all before it may run twice.
What stands under an `if` that asks for an earlier attempt's traces, or after one that returns, makes a note.

Alembic runs all pending revisions in one transaction, and the one that begins after a block also holds the stamp of
the block's revision: when a later revision fails, that stamp is undone, and the block runs again. With
`transaction_per_migration=True` each revision keeps its stamp; Alembic recommends it to who has such blocks.

Source: Alembic's documentation, MigrationContext.autocommit_block; measured with Alembic 1.20.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterTable,
    Boundary,
    ChangeRows,
    ChangeType,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    DropNotNull,
    NotRead,
    Operation,
    Other,
    RefreshView,
    Reindex,
    RewriteTable,
    Set,
    SetDefault,
    SetNotNull,
    UsesModel,
    ValidateConstraint,
)
from migration_gate.rules.base import Hazard, Migration, nodes_of
from migration_gate.rules.remedies import (
    add_value,
    create_index,
    drop_first,
    in_autocommit_block,
    python_call,
    source,
    statement,
)


class Part(NamedTuple):
    """What of a revision stands in one block, or between two of them."""

    in_block: bool
    operations: tuple[Operation, ...]


def check(migration: Migration) -> Iterator[Hazard]:
    parts = _parts(migration.operations)
    steps = list(_steps(parts))
    once = [one for step in steps[:-1] for one in step if not _may_run_twice(one, migration.operations)]
    if not once or not any(part.in_block for part in parts):
        return
    stuck = next((one for one in once if not isinstance(one, NotRead)), once[0])
    later = _after(steps, stuck)
    fails = next((one for one in later if not isinstance(one, NotRead)), later[0])
    block = _block(migration.operations, stuck)
    sure = NotRead not in (type(stuck), type(fails)) and not _is_guarded(stuck)
    yield migration.hazard(block, _message(migration, stuck, fails), _remedy(parts), sure)


def _message(migration: Migration, stuck: Operation, fails: Operation) -> str:
    commits = "the autocommit block commits before the revision is stamped."
    if isinstance(stuck, NotRead):
        return f"{commits} What line {stuck.at.line} does was not read: if it changes the database, it is done again."
    again = "does it a second time" if isinstance(stuck, ChangeRows) else "stops there"
    return (
        f"{commits} If line {fails.at.line} ({_what(fails)}) fails, line {stuck.at.line} ({_what(stuck)}) stays, "
        f"{migration.revision.id} is not stamped, and the next upgrade {again}."
    )


def _parts(operations: Sequence[Operation]) -> list[Part]:
    found: list[Part] = []
    in_block = False
    current: list[Operation] = []
    for one in operations:
        if isinstance(one, Boundary) and one.kind != "commit":
            found.append(Part(in_block, tuple(current)))
            in_block, current = one.kind == "autocommit", []
        elif not isinstance(one, Boundary):
            current.append(one)
    found.append(Part(in_block, tuple(current)))
    return [one for one in found if any(map(_does_something, one.operations))]


def _steps(parts: Sequence[Part]) -> Iterator[list[Operation]]:
    """What is committed together, in order: all between two blocks, and each statement in a block."""
    for part in parts:
        working = list(filter(_does_something, part.operations))
        if not part.in_block:
            yield working
            continue
        step: list[Operation] = []
        for one in working:
            if step and not _one_statement(step, one):
                yield step
                step = []
            step.append(one)
        yield step


def _one_statement(step: Sequence[Operation], one: Operation) -> bool:
    """Whether an operation belongs to the statement before it: SQL's is one text, a directive that a loop calls does
    the same again.
    """
    if (step[0].at, step[0].call) != (one.at, one.call):
        return False
    return type(one) not in map(type, step) or python_call(one.call) is None


def _after(steps: Sequence[Sequence[Operation]], stuck: Operation) -> list[Operation]:
    """What may fail when ``stuck`` has been committed."""
    at = next(at for at, step in enumerate(steps) if any(one is stuck for one in step))
    return [one for step in steps[at + 1 :] for one in step]


def _block(operations: Sequence[Operation], stuck: Operation) -> Operation:
    """The beginning of the block that commits an operation: its own, or the next."""
    own: Boundary | None = None
    passed = False
    for one in operations:
        passed |= one is stuck
        if isinstance(one, Boundary) and one.kind == "autocommit":
            own = one
        elif isinstance(one, Boundary) and not passed:
            own = None
        if passed and own:
            return own
    return stuck


def _does_something(one: Operation) -> bool:
    return not isinstance(one, Set | UsesModel) and not (isinstance(one, Other) and one.what in _NOTHING)


_NOTHING = ("SELECT", "select", "func", "exists", "union", "union_all", "get_bind", "get_context", "f", "VariableShow")
_TWICE = (
    Reindex, RefreshView, RewriteTable, SetDefault, SetNotNull, DropNotNull, ValidateConstraint, Set, UsesModel
)  # fmt: skip
_GUARD = re.compile(
    r"\bIF\s+(NOT\s+)?EXISTS\b|\bif_(not_)?exists=True\b|\bcheckfirst=True\b|\bOR\s+REPLACE\b", re.IGNORECASE
)


def _may_run_twice(one: Operation, all_: Sequence[Operation]) -> bool:
    """Whether a second run of it, after one that went through, neither fails nor changes anything more."""
    if isinstance(one, _TWICE) or _GUARD.search(one.call):
        return True
    match one:
        case CreateIndex() | AddConstraint():
            return one.name is not None and one.name in _dropped_before(one, all_)
        case ChangeType():
            return one.using is None
        case ChangeRows(verb="DELETE" | "TRUNCATE"):
            return True
        case ChangeRows(verb="UPDATE"):
            return bool(one.columns) and not any(_from_itself(column, one.call) for column in one.columns)
        case ChangeRows():
            return re.search(r"\bON\s+CONFLICT\b|\bNOT\s+EXISTS\b|on_conflict_do", one.call, re.IGNORECASE) is not None
        case AlterTable():
            return not one.what.startswith("CREATE") and not one.what.startswith("DROP")
        case Other():
            return re.match(r"COMMENT|GRANT|ANALYZE|VACUUM|alter_column|\w+_comment", one.what, re.I) is not None
    return False


def _is_guarded(one: Operation) -> bool:
    """Whether it stands under an `if`, or after one that returns, that asks for more than the dialect: for what an
    earlier attempt has left, as a rule.
    """
    nodes = nodes_of(one.at.path)
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and _holds(node, one)]
    for node in (node for function in functions for node in ast.walk(function)):
        if isinstance(node, ast.If) and node.lineno < one.at.line:
            returns = any(isinstance(inner, ast.Return) for inner in node.body)
            if (_holds(node, one) or returns) and not _is_of_dialect(node.test):
                return True
    return False


def _is_of_dialect(test: ast.expr) -> bool:
    """Whether a condition asks for no more than the kind of database."""
    names = [one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in ast.walk(test)]
    combined = any(isinstance(one, ast.BoolOp) for one in ast.walk(test))
    return not combined and any(word in name.lower() for name in names for word in ("dialect", "postgres"))


def _holds(node: ast.FunctionDef | ast.If, one: Operation) -> bool:
    return node.lineno <= one.at.line <= (node.end_lineno or 0)


def _dropped_before(one: Operation, all_: Sequence[Operation]) -> set[str | None]:
    names: set[str | None] = set()
    for other in all_:
        if other is one:
            break
        if isinstance(other, DropIndex | DropConstraint) and _GUARD.search(other.call):
            names.add(other.name)
    return names


def _from_itself(column: str, call: str) -> bool:
    """Whether an UPDATE computes a column from itself: ``balance = balance * 100``."""
    name = re.escape(column)
    return (
        re.search(rf"\b{name}\b\W{{0,3}}[=:](?!=)[^,;]*?\b{name}\b(?!\W{{0,3}}(=|IS\b))", call, re.IGNORECASE)
        is not None
    )


def _what(one: Operation) -> str:
    match one:
        case AddColumn():
            return f"the column {one.table}.{one.column.name}"
        case CreateTable():
            return f"the table {one.table}"
        case CreateIndex() | DropIndex() | Reindex():
            return f"the index {one.name or f'on {one.table}'}"
        case AddConstraint() | DropConstraint() | ValidateConstraint() if one.name:
            return f"the constraint {one.name}"
        case ChangeRows():
            return f"{one.verb} of {one.table}"
        case NotRead():
            return "which was not read"
    first = one.call.strip().split("\n")[0]
    return first if len(first) <= 60 else first[:59] + "…"


def _remedy(parts: Sequence[Part]) -> str:
    """Each part in a revision of its own, and what stands in a block so that it may run twice."""
    revisions: list[str] = []
    for part in parts:
        if not part.in_block:
            revisions.append("\n".join(dict.fromkeys(map(statement, part.operations))))
            continue
        lines: list[str] = []
        for position, one in enumerate(part.operations):
            lines += [line for line in _twice(one, part.operations) if line not in lines]
            only_once = not _may_run_twice(one, part.operations) and not isinstance(one, CreateIndex | AddEnumValue)
            if only_once and any(_does_something(other) for other in part.operations[position + 1 :]):
                revisions.append(in_autocommit_block(*lines))
                lines = []
        revisions.append(in_autocommit_block(*lines))
    return "# this revision:\n" + "\n# the next revision:\n".join(revisions)


def _twice(one: Operation, beside: Sequence[Operation]) -> list[str]:
    """The statement, and what lets it run a second time."""
    if isinstance(one, AddEnumValue):
        return [add_value(one)]
    if not isinstance(one, CreateIndex) or not one.name or one.name in _dropped_before(one, beside):
        return [statement(one)]
    in_loop = sum(other.call == one.call for other in beside) > 1
    return [drop_first(one), source(create_index(one)) if in_loop else statement(one)]
