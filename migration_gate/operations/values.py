"""What an expression of a migration file stands for, as far as it can be known without running anything.

Plain Python values stand for themselves: str, int, float, bool, None, bytes, list, tuple, dict. The classes below
stand for the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from migration_gate.operations.model import Operation, Table

Value = Any  # one of the plain types above, or one of the classes below


class Unknown(NamedTuple):
    """Not known. ``handle`` is true where it came from the database connection, so that its methods may write."""

    handle: bool = False


class Imported(NamedTuple):
    """A module, class or function that the file imports: ``sqlalchemy.Column``, ``alembic.op``."""

    name: str


class Made(NamedTuple):
    """What calling something imported returns: ``sa.Column("id", sa.Integer())``."""

    name: str  # of what was called
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    source: str
    whole: bool = True  # False: it also takes *args or **keywords that are not known

    @property
    def kind(self) -> str:
        """The last part of the name: "Column", however it was imported."""
        return self.name.rpartition(".")[2]


class Connection(NamedTuple):
    """``op.get_bind()``, or an ORM session on it. ``inner`` is true of a savepoint, and of another connection of the
    engine: its commit() does not end the migration's transaction.
    """

    session: bool = False
    inner: bool = False


class Batch(NamedTuple):
    """What ``with op.batch_alter_table(...) as batch`` binds; its table is None where the name is not known. Its
    operations wait for the block's end.
    """

    table: Table | None
    waiting: list[Operation]


class Autocommit(NamedTuple):
    """``op.get_context().autocommit_block()``, not yet entered; or a connection that commits each statement."""

    connection: bool = False


class Method(NamedTuple):
    """An attribute of something, not yet called."""

    owner: Value
    name: str


class CoreTable(NamedTuple):
    """``sa.table("users", …)`` or ``sa.Table("users", …)``."""

    table: Table | None


class CoreColumn(NamedTuple):
    """``users.c.email`` or ``sa.column("email")``."""

    name: str


class Change(NamedTuple):
    """A Core statement that changes rows, however far it has been built."""

    verb: str
    table: Table | None
    columns: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()  # those that are given a value that is not NULL for certain
    to_null: tuple[str, ...] = ()
    where: bool = False


class Function(NamedTuple):
    """A function of the file itself, and the scope that it was defined in; None for the module's."""

    node: ast.FunctionDef | ast.AsyncFunctionDef
    scope: dict[str, Any] | None = None


UNKNOWN = Unknown()
HANDLE = Unknown(handle=True)
PLAIN = (str, int, float, bool, type(None), bytes)
_OWN = (*PLAIN, list, tuple, dict)
MOST = 20_000  # values that are looked at in one list or dict, those inside it included


def inside(value: Value) -> Iterator[Value]:
    """The value itself and, of lists, tuples and dicts, all that they hold, however deep; no more than ``MOST``: one
    list may hold itself, or another one very often.
    """
    todo = [value]
    for _ in range(MOST):
        if not todo:
            return
        one = todo.pop()
        yield one
        if type(one) in (list, tuple):
            todo += one
        elif type(one) is dict:
            todo += [*one, *one.values()]


def weight(value: Value) -> int:
    """How many values there are in it, itself included; at most ``MOST``."""
    return sum(1 for _ in inside(value)) if type(value) in (list, tuple, dict) else 1


def is_plain(value: Value) -> bool:
    """Whether the value is Python's own and known to the bottom."""
    count = 0
    for one in inside(value):
        count += 1
        if type(one) not in _OWN:
            return False
    return count < MOST


def touches_database(value: Value) -> bool:
    """Whether whoever is given this value could change the database with it."""
    for one in inside(value):
        while isinstance(one, Method):
            one = one.owner
        if isinstance(one, Connection | Batch | Autocommit) or (isinstance(one, Unknown) and one.handle):
            return True
        if isinstance(one, Imported) and (one.name + ".").startswith(("alembic.op.", "alembic.context.")):
            return True
    return False
