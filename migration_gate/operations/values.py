"""What an expression of a migration file stands for, as far as it can be known without running anything.

Plain Python values stand for themselves: str, int, float, bool, None, bytes, list, tuple, dict. The classes below
stand for the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from migration_gate.operations.model import Operation, Table

if TYPE_CHECKING:
    from pathlib import Path

    from migration_gate.operations.modules import Module

Value = Any  # one of the plain types above, or one of the classes below
Scope = dict[str, Value]


class Unknown(NamedTuple):
    """Not known. ``handle`` is true where it came from the database connection, so that its methods may write;
    ``table`` and ``columns`` are then those of a mapped object which a session gave.
    """

    handle: bool = False
    table: Table | None = None
    columns: tuple[str, ...] = ()


class Some(NamedTuple):
    """A sequence of such elements, nobody knows how many."""

    element: Value


class Gapped(NamedTuple):
    """A text of which parts are not known: ``texts.GAP`` stands for each of them."""

    text: str


class Home:
    """A file whose code is walked: the migration itself, or a module of the project that it uses (``module``).

    ``waiting`` has, for a module, the statements that set or change a name and have not been walked yet: a module's top
    level is walked no further than the migration needs.
    """

    __slots__ = ("globals", "lines", "module", "path", "source", "stars", "waiting", "walked")

    def __init__(self, path: Path, source: bytes, lines: list[bytes], module: Module | None = None) -> None:
        self.path = path
        self.source = source
        self.lines = lines
        self.module = module
        self.globals: dict[str, Value] = {}
        self.waiting: dict[str, list[ast.stmt]] = {}
        self.walked: set[int] = set()  # of those, the ids of such as have been
        self.stars: list[str] = []  # libraries of which it imports everything


class Imported(NamedTuple):
    """A module, class or function that a file imports: ``sqlalchemy.Column``, ``alembic.op``. ``home`` and ``node`` say
    which file does so and where; ``home`` is None where nothing of the project can be meant.
    """

    name: str
    home: Home | None = None
    node: ast.stmt | None = None


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
    """``sa.table("users", …)`` or ``sa.Table("users", …)``, with what it is made of."""

    table: Table | None
    items: tuple[Value, ...] = ()


class CoreColumn(NamedTuple):
    """``users.c.email`` or ``sa.column("email")``."""

    name: str
    table: Table | None = None


class Change(NamedTuple):
    """A Core statement that changes rows, however far it has been built. ``null_of`` is the column of which its WHERE
    asks that it IS NULL, and nothing else.
    """

    verb: str
    table: Table | None
    columns: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()  # those that are given a value that is not NULL for certain
    to_null: tuple[str, ...] = ()
    where: bool = False
    null_of: str | None = None


class Query(NamedTuple):
    """``session.query(User)`` or ``select(User)``. ``entity`` is true where it gives mapped objects, not columns."""

    table: Table
    entity: bool = True
    where: bool = False
    columns: tuple[str, ...] = ()
    null_of: str | None = None  # the column that its only condition says is NULL


class Row(NamedTuple):
    """A new object of a mapped class, ``User(name="Ana")``: not in the database before a session has it."""

    table: Table
    columns: tuple[str, ...]


class Function(NamedTuple):
    """A function or lambda, the file that it is written in, and the scope that it was defined in; None for the
    module's. ``managed`` is true of one that ``contextlib.contextmanager`` decorates.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    home: Home
    scope: dict[str, Value] | None = None
    managed: bool = False

    @property
    def name(self) -> str:
        return "a lambda" if isinstance(self.node, ast.Lambda) else self.node.name


class Partial(NamedTuple):
    """``functools.partial(op.add_column, "users")``, or a method with what it belongs to."""

    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]


class Managed(NamedTuple):
    """A context manager made by a function with a ``yield``, not yet entered."""

    function: Function
    args: tuple[Value, ...]
    keywords: dict[str, Value]


class Class(NamedTuple):
    """A class of the project. ``members`` is filled when one of them is asked for."""

    node: ast.ClassDef
    home: Home
    scope: dict[str, Value] | None
    members: dict[str, Value]

    @property
    def name(self) -> str:
        return self.node.name


class Instance(NamedTuple):
    """An object of a class of the project, with what its attributes are set to."""

    of: Class
    fields: dict[str, Value]


UNKNOWN = Unknown()
HANDLE = Unknown(handle=True)
PLAIN = (str, int, float, bool, type(None), bytes)
_OWN = (*PLAIN, list, tuple, dict)
MOST = 20_000  # values that are looked at in one list or dict, those inside it included


def inside(value: Value) -> Iterator[Value]:
    """The value itself and all that it holds, however deep; no more than ``MOST``: one list may hold itself, or another
    one very often.
    """
    todo = [value]
    for _ in range(MOST):
        if not todo:
            return
        one = todo.pop()
        yield one
        kind = type(one)
        if kind is list or kind is tuple:
            todo += one
        elif kind is dict:
            todo += [*one, *one.values()]
        elif kind is Partial:
            todo += [one.function, *one.args, *one.keywords.values()]
        elif kind is Instance:
            todo += one.fields.values()
        elif kind is Some:
            todo.append(one.element)


def weight(value: Value) -> int:
    """How many values there are in it, itself included; at most ``MOST``."""
    return sum(1 for _ in inside(value)) if type(value) in (list, tuple, dict) else 1


def is_plain(value: Value) -> bool:
    """Whether the value is Python's own and known to the bottom."""
    if type(value) in PLAIN:
        return True
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
