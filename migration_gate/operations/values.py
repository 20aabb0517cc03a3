"""What an expression of a migration file stands for, as far as it can be known without running anything.

Plain Python values stand for themselves: str, int, float, bool, None, bytes, list, tuple, dict. The classes below
stand for the rest.
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from migration_gate.operations.model import Table

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
    """``op.get_bind()``, or an ORM session on it."""

    session: bool = False


class Batch(NamedTuple):
    """What ``with op.batch_alter_table(...) as batch`` binds; its table is None where the name is not known."""

    table: Table | None


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


class Function(NamedTuple):
    """A function of the file itself."""

    node: ast.FunctionDef | ast.AsyncFunctionDef


UNKNOWN = Unknown()
HANDLE = Unknown(handle=True)
PLAIN = (str, int, float, bool, type(None), bytes, list, tuple, dict)


def is_plain(value: Value) -> bool:
    """Whether the value is Python's own and known to the bottom."""
    if isinstance(
        value,
        Unknown | Imported | Made | Connection | Batch | Method | CoreTable | CoreColumn | Function | Change,
    ):
        return False
    if isinstance(value, dict):
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN)


def touches_database(value: Value) -> bool:
    """Whether whoever is given this value could change the database with it."""
    if isinstance(value, Connection | Batch):
        return True
    if isinstance(value, Imported):
        return value.name in ("alembic.op", "alembic.context")
    if isinstance(value, Unknown):
        return value.handle
    if isinstance(value, Method):
        return touches_database(value.owner)
    return type(value) in (list, tuple) and any(map(touches_database, value))
