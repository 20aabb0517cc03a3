"""What the calls of a migration do to the database.

A call that may change the database is either an operation or a ``NotRead``: where what is called is not known, it
depends on whether it is given the database, or stands alone as a statement, so that all it can be there for is what it
does.
"""

from __future__ import annotations

import ast
import sys

from migration_gate.operations.directives import Call, operations_of
from migration_gate.operations.expressions import element_of
from migration_gate.operations.model import Operation, Other, RewriteTable, Table
from migration_gate.operations.names import ABSENT, LIBRARIES
from migration_gate.operations.plain import BUILTINS, LONGEST_LOOP, builtin, is_sequence, plain_method
from migration_gate.operations.rows import GIVES, WRITING, Rows
from migration_gate.operations.texts import GAP, braces, function_of_paths, function_of_text, method_of_file
from migration_gate.operations.values import (
    HANDLE,
    UNKNOWN,
    Autocommit,
    Batch,
    Change,
    Class,
    Connection,
    CoreColumn,
    CoreTable,
    Function,
    Gapped,
    Imported,
    Instance,
    Made,
    Managed,
    Method,
    Partial,
    Query,
    Scope,
    Unknown,
    Value,
    is_plain,
    touches_database,
)

# What has nothing to do with this database, and may be called alone for what it prints or counts.
_HARMLESS = LIBRARIES | {
    "bcrypt", "click", "cryptography", "dateutil", "loguru", "nanoid", "oslo_log", "packaging", "passlib", "pydantic",
    "pytz", "rich", "sentry_sdk", "slugify", "structlog", "tqdm", "ulid", "unidecode", "werkzeug",
}  # fmt: skip
_LOGS = {"log", "LOG", "logger", "logging", "_logger", "_log"}
_PROGRAMS = ("alembic.command.", "os.popen", "os.system", "subprocess.")
_EXECUTING = {"copy_expert", "exec", "exec_driver_sql", "execute", "executemany", "scalar", "scalars", "stream"}
_WITH_BINDS = {"exec", "execute", "scalar", "scalars", "stream"}
_SAME_CONNECTION = {
    "__enter__", "begin", "begin_nested", "connect", "connection", "execution_options", "get_bind",
}  # fmt: skip
# What most calls of a migration are, and nothing else could be meant by.
_PLAIN_ITEMS = {
    "Boolean", "Column", "Date", "DateTime", "Enum", "Float", "ForeignKey", "ForeignKeyConstraint", "Integer", "JSON",
    "Numeric", "PrimaryKeyConstraint", "String", "Text", "UniqueConstraint", "text",
}  # fmt: skip
_NULL_TESTS = {"is_", "is_not", "isnot"}
_SESSIONS = {"AsyncSession", "Session", "scoped_session"}
_MAKES_SESSIONS = {"async_sessionmaker", "sessionmaker"}
_ENGINES = {"create_async_engine", "create_engine", "engine_from_config"}
_DIRECTIVE = ("add_", "alter_", "bulk_", "create_", "drop_", "rename_")  # how their names begin
_READS = {"get_columns", "get_indexes", "prepare", "reflect"}  # what a MetaData does with a connection, and an automap
_PLAIN_READS = {"copy", "count", "get", "index", "items", "keys", "values"}  # methods that change no list or dict
_OF_TEXT = {"codecs", "inspect", "io", "json", "os", "pathlib", "textwrap"}
_WRAPPERS = {"functools.cache", "functools.lru_cache", "functools.update_wrapper", "functools.wraps"}
_OF_WHOLE = {"all", "any", "bool", "len", "max", "min", "sum"}
# alembic.operations.ops: what op.invoke() is given, and the directive that takes the same arguments.
_INVOKED = {
    "AddColumnOp": "add_column",
    "BulkInsertOp": "bulk_insert",
    "CreateCheckConstraintOp": "create_check_constraint",
    "CreateForeignKeyOp": "create_foreign_key",
    "CreateIndexOp": "create_index",
    "CreatePrimaryKeyOp": "create_primary_key",
    "CreateTableOp": "create_table",
    "CreateUniqueConstraintOp": "create_unique_constraint",
    "DropColumnOp": "drop_column",
    "DropConstraintOp": "drop_constraint",
    "DropIndexOp": "drop_index",
    "DropTableOp": "drop_table",
    "ExecuteSQLOp": "execute",
    "RenameTableOp": "rename_table",
}

SHORTEST_PART = 3  # letters of a name that must be known


class Calls(Rows):
    def call(self, node: ast.Call, scope: Scope, depth: int) -> Value:
        called = self.expression(node.func, scope, depth)
        items, whole = self.items(node.args, scope, depth)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.expression(keyword.value, scope, depth)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif type(value) is dict:
                keywords |= {str(key): one for key, one in value.items()}
            else:
                whole = False
        return self.invoke(called, node, tuple(items), keywords, whole)

    def invoke(
        self, called: Value, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool = True
    ) -> Value:
        match called:
            case Imported():
                return self.call_imported(called, node, args, keywords, whole)
            case Method():
                return self.call_method(called, node, args, keywords, whole)
            case Function(managed=True):
                return Managed(called, args, keywords)
            case Function():
                return self.run(called, args, keywords, node)
            case Partial():
                return self.invoke(called.function, node, (*called.args, *args), {**called.keywords, **keywords}, whole)
            case Class():
                return self.new(called, node, args, keywords)
            case Instance() if (method := self.member(called.of, "__call__")) is not ABSENT:
                return self.invoke(method, node, (called, *args), keywords, whole)
            case Connection(session=True):  # sessionmaker(bind)()
                return called
            case Made(kind="async_sessionmaker" | "sessionmaker"):  # sessionmaker()(bind=…), or bound somewhere else
                return Connection(session=True)
            case _:
                return self.call_unknown(called, node, args, keywords)

    def handed(self, args: tuple[Value, ...], keywords: Scope) -> bool:
        """Whether a call is given something by which it could change the database."""
        return any(touches_database(one) or self.reaches(one) for one in (*args, *keywords.values()))

    def reaches(self, value: Value, seen: frozenset[ast.AST] = frozenset()) -> bool:
        """Whether a function has the database at hand by itself, or calls one of its file that has."""
        if isinstance(value, Partial):
            return self.reaches(value.function, seen)
        if not isinstance(value, Function) or value.node in seen:
            return False
        names = {one.id for one in ast.walk(value.node) if isinstance(one, ast.Name)}
        scope = value.scope or {}
        known = [scope.get(one, value.home.globals.get(one)) for one in names]
        return any(touches_database(one) or self.reaches(one, seen | {value.node}) for one in known)

    def stands_alone(self, node: ast.expr) -> bool:
        """Whether the call is all of its statement, or what the migration's own functions return: it is there for what
        it does. What a function of another module returns, it is there to return.
        """
        current = self.frame.current
        if not isinstance(current, ast.Expr | ast.Return):
            return False
        if isinstance(current, ast.Return) and self.frame.home.module:
            return False
        value = current.value
        return (value.value if isinstance(value, ast.Await) else value) is node

    # ── what is not known by name ────────────────────────────────────────────────────────────────────────

    def call_unknown(self, called: Value, node: ast.expr, args: tuple[Value, ...], keywords: Scope) -> Value:
        func = node.func if isinstance(node, ast.Call) else node
        name = func.id if isinstance(func, ast.Name) else ""
        handed = self.handed(args, keywords) or touches_database(called)
        if name == "str" and args and _is_url(args[0]):
            return "postgresql://"
        if name in ("getattr", "setattr") and len(args) > 1 and isinstance(args[1], str):
            if name == "getattr":
                return self.attribute(args[0], args[1])
            self.set_attribute(args[0], args[1], node)
            return None
        if name == "open" and (file := function_of_paths("open", args[:1], {}, self.modules)) is not None:
            return file
        if name == "map" and len(args) == 2 and (elements := self.elements(args[1])) is not None:
            return [self.invoke(args[0], node, (one,), {}) for one in elements[:LONGEST_LOOP]]
        if name in ("list", "tuple", "sorted", "set") and len(args) == 1 and not is_sequence(args[0]):
            elements = self.elements(args[0])
            return elements if elements is not None else element_of(args[0])
        if name == "str" and len(args) == 1 and not is_plain(args[0]):
            return Gapped(GAP)  # a text, whatever it says
        if name in _OF_WHOLE and args and not self.certain(list(args)):
            return UNKNOWN
        if name in BUILTINS and not (handed and name in ("map", "filter")):
            return builtin(name, args, keywords)
        by_name = isinstance(func, ast.Subscript) and self.text(func).startswith("globals()")
        if handed or (self.stands_alone(node) and (name or isinstance(func, ast.Call)) and not by_name):
            self.not_followed(node, "what is called here is not known, and it may change the database")
        return Unknown(handed)

    # ── what is imported ─────────────────────────────────────────────────────────────────────────────────

    def call_imported(
        self, called: Imported, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool
    ) -> Value:
        name = called.name
        if name.startswith("alembic.op."):
            return self.directive(name.removeprefix("alembic.op."), node, args, keywords, whole)
        first, last = name.partition(".")[0], name.rpartition(".")[2]
        if first == "sqlalchemy" and last in _PLAIN_ITEMS:
            return Made(name, args, keywords, self.text(node), whole)
        if name.startswith("alembic.context."):
            return Connection() if last == "get_bind" else HANDLE
        if name == "functools.partial" and args:
            return Partial(args[0], args[1:], keywords)
        if name == "importlib.import_module" and args and isinstance(args[0], str):
            return Imported(args[0], self.frame.home)
        library = first in LIBRARIES
        handed = self.handed(args, keywords)
        if first in _OF_TEXT:
            made = function_of_text(name, args, keywords) or function_of_paths(name, args, keywords, self.modules)
            if made is not None:
                return made
        if (made := self.of_sqlalchemy(last, library, handed, args, keywords)) is not None:
            return made
        harmless = first in _HARMLESS or not _LOGS.isdisjoint(name.split("."))
        if name.startswith(_PROGRAMS):
            self.not_read(node, f"{name}() may change the database, and is not followed")
        elif (not harmless and (handed or self.stands_alone(node))) or (handed and not library):
            self.not_followed(node, f"{name}() is another module's, and is not followed")
            return Unknown(handed)
        elif (
            name not in _WRAPPERS
            and first in sys.stdlib_module_names
            and any(map(self.is_action, args + tuple(keywords.values())))
        ):
            self.not_read(node, f"{name}() is given what may change the database, and is not followed")
        return Made(name, args, keywords, self.text(node), whole)

    def is_action(self, value: Value) -> bool:
        """A function that may change the database when somebody calls it."""
        return self.reaches(value) or (isinstance(value, Imported) and value.name.startswith("alembic.op."))

    def of_sqlalchemy(self, last: str, library: bool, handed: bool, args: tuple[Value, ...], keywords: Scope) -> Value:
        """What SQLAlchemy's functions give, as far as more is known of it than its name; else None."""
        if (last in _SESSIONS and (handed or library)) or (last in _MAKES_SESSIONS and handed):
            return Connection(session=True)
        if last in _ENGINES:
            return Connection(inner=True)
        if last == "Operations":
            return Imported("alembic.op")
        if last in ("table", "Table") and args:
            schema = keywords.get("schema")
            known = isinstance(args[0], str) and (schema is None or isinstance(schema, str))
            return CoreTable(Table(args[0], schema) if known else None, args[2:] if last == "Table" else args[1:])
        if not library:
            return None
        if last == "column" and args and isinstance(args[0], str):
            return CoreColumn(args[0])
        if last in ("update", "insert", "delete") and args and (table := self.table_of(args[0])):
            return Change(last.upper(), table)
        if last in ("update", "insert", "delete") and args and isinstance(args[0], CoreTable):
            return Change(last.upper(), None)
        return UNKNOWN if last == "inspect" else None  # an inspector reads, and does not write

    # ── Alembic ──────────────────────────────────────────────────────────────────────────────────────────

    def directive(self, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool) -> Value:
        if name == "f":
            return args[0] if args else UNKNOWN
        if name == "get_bind":
            return Connection()
        if name == "get_context":
            return HANDLE
        if name == "batch_alter_table":
            return self.begin_batch(node, args, keywords)
        if name == "inline_literal":
            return UNKNOWN
        if name == "run_async" and args and isinstance(args[0], Function | Partial):
            return self.invoke(args[0], node, (Connection(), *args[1:]), keywords)
        if name == "invoke" and args and isinstance(args[0], Made) and args[0].kind in _INVOKED:
            name, args, keywords, whole = _INVOKED[args[0].kind], args[0].args, args[0].keywords, args[0].whole
            if name == "create_table" and len(args) > 1 and is_sequence(args[1]):  # its columns are a list
                args = (args[0], *args[1])
        if "." in name:  # op.impl.execute(…), op.migration_context.connection.…
            return self.call_method(Method(HANDLE, name.rpartition(".")[2]), node, args, keywords, whole)
        if name == "execute":
            statement = args[0] if args else keywords.get("sqltext", keywords.get("statement"))
            self.found(self.executed(statement, node))
            return HANDLE
        args = tuple(map(self.in_part, args))
        keywords = {key: self.in_part(one) for key, one in keywords.items()}
        self.found(operations_of(Call(name, args, keywords, whole, self.at(node), self.text(node))))
        if name == "create_table":
            known = args and isinstance(args[0], str)
            return CoreTable(Table(args[0], keywords.get("schema")), args[1:]) if known else UNKNOWN
        return HANDLE if name == "run_async" else UNKNOWN

    def in_part(self, value: Value) -> Value:
        """A name that is known but for a part which only the running project knows, as a prefix of all its tables: with
        an ellipsis there, and so the same wherever it is written so. Not in a block that may run often or not at all.
        """
        if not isinstance(value, Gapped) or self.doubt or len(value.text.replace(GAP, "")) < SHORTEST_PART:
            return value
        return value.text.replace(GAP, "…")

    def begin_batch(self, node: ast.expr, args: tuple[Value, ...], keywords: Scope) -> Batch:
        name, schema = self.in_part(args[0] if args else keywords.get("table_name")), keywords.get("schema")
        if len(args) > 1:
            schema = args[1]
        known = isinstance(name, str) and (schema is None or isinstance(schema, str))
        table = Table(str(name), schema) if known else None
        waiting: list[Operation] = []
        if keywords.get("recreate") == "always":  # on PostgreSQL too: a new table, all rows copied, the old one dropped
            waiting.append(RewriteTable(self.at(node), self.text(node), table, 'batch_alter_table(recreate="always")'))
        self.batches.append(batch := Batch(table, waiting))
        return batch

    def batch(
        self, owner: Batch, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool
    ) -> Value:
        if name == "f":
            return args[0] if args else UNKNOWN
        if name == "get_bind":
            return Connection()
        if name != "execute":
            args = tuple(map(self.in_part, args))
            keywords = {key: self.in_part(one) for key, one in keywords.items()}
        call = Call(name, args, keywords, whole, self.at(node), self.text(node), True, owner.table)
        if name == "execute":  # the only one that does not wait: `batch_execute` goes past the batch
            self.found(operations_of(call))
        elif self.reading:
            owner.waiting.extend(operations_of(call))
        return UNKNOWN

    # ── methods ──────────────────────────────────────────────────────────────────────────────────────────

    def call_method(
        self, method: Method, node: ast.expr, args: tuple[Value, ...], keywords: Scope, whole: bool
    ) -> Value:
        owner, name = method.owner, method.name
        if name == "enter_context" and args and isinstance(args[0], Batch | Autocommit | Managed | Connection):
            return self.entered(args[0], node)
        match owner:
            case Batch():
                return self.batch(owner, name, node, args, keywords, whole)
            case Connection():
                return self.connection(owner, name, node, args, keywords)
            case Autocommit():
                return self.connection(Connection(inner=True), name, node, args, keywords)
            case CoreTable() | Change():
                return self.core(owner, name, node, args, keywords)
            case Query():
                return self.query(owner, name, node, args)
            case CoreColumn():
                return Made(name, (owner, *args), {}, self.text(node)) if name in _NULL_TESTS else UNKNOWN
            case Made():
                return self.made(owner, name, node, args, keywords)
            case Method(name="url") if name == "get_backend_name" and touches_database(owner):
                return "postgresql"
        if type(owner) in (list, dict) or is_plain(owner):
            return self.of_plain(owner, name, args, keywords)
        if isinstance(owner, Gapped):
            return owner if name in ("lstrip", "rstrip", "strip") else UNKNOWN
        if touches_database(owner):
            return self.of_handle(owner, name, node, args, keywords)
        if self.handed(args, keywords):
            self.not_followed(node, f".{name}() is given the database, and is not followed")
            return HANDLE
        if isinstance(_root(owner), Class | Instance) and self.stands_alone(node):
            self.not_followed(node, "what is called here is not known, and it may change the database")
        return UNKNOWN

    def of_plain(self, owner: Value, name: str, args: tuple[Value, ...], keywords: Scope) -> Value:
        """A method of a str, list or dict that is known."""
        if isinstance(owner, str) and name == "format" and not (is_plain(list(args)) and is_plain(keywords)):
            return braces(owner)
        if type(owner) in (list, dict) and name not in _PLAIN_READS:
            self.changed(owner)
        result = plain_method(owner, name, args, keywords)
        if id(owner) in self.unsure and type(result) in (list, dict):
            self.unsure[id(result)] = result
        return result

    def entered(self, value: Value, node: ast.expr) -> Value:
        """``stack.enter_context(value)``"""
        if isinstance(value, Autocommit):
            self.isolation(node, True)
            return Connection(inner=True) if value.connection else UNKNOWN
        if isinstance(value, Managed):
            given: list[Value] = []
            self.run(value.function, value.args, value.keywords, node, given.append)
            return given[0] if given else UNKNOWN
        return value

    def of_handle(self, owner: Value, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope) -> Value:
        """A method of something that came from the database connection."""
        if name == "autocommit_block":
            return Autocommit()
        if isinstance(owner, Unknown) and owner.table:
            if name not in GIVES and name not in WRITING and self.stands_alone(node):
                self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
            return owner
        if name in ("begin", "connect") and isinstance(owner, Method) and owner.name == "engine":
            return Connection(inner=True)
        if name == "commit":  # of a driver's connection, or a transaction of the connection's own
            self.boundary("commit", node)
        if name == "set_isolation_level":
            self.isolation(node, _says_autocommit(args[0] if args else None))
        if name in ("scalar", "scalars") and not args and not keywords:  # of a query
            return UNKNOWN
        if name in _EXECUTING:  # op.get_context().connection, a cursor, an engine: all of them are the connection
            return self.connection(Connection(), name, node, args, keywords)
        if name in WRITING:
            self.not_read(node, f"rows changed through the ORM by .{name}() are not read")
        if name.startswith(_DIRECTIVE):
            self.not_read(node, "what this is called on is not known, and it may change the database")
        return HANDLE

    def connection(
        self, owner: Connection, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope
    ) -> Value:
        if name == "commit" and not (owner.session or owner.inner):
            # A session on a connection that has a transaction does not end it: "conditional_savepoint".
            self.boundary("commit", node)
        if name == "execution_options" and "isolation_level" in keywords:
            autocommit = _says_autocommit(keywords["isolation_level"])
            if not owner.inner:
                self.isolation(node, autocommit)
            elif autocommit:
                return Autocommit(True)
        if name in _EXECUTING:
            result = self.execute(node, args, keywords, name in _WITH_BINDS)
            if isinstance(result, Unknown) and not result.handle:
                return Unknown(handle=owner.session)  # a session gives mapped objects, and they can be changed
            return result
        if name in _SAME_CONNECTION:
            return owner._replace(inner=owner.inner or name == "begin_nested")
        if name in ("run_callable", "run_sync") and args:
            if isinstance(args[0], Function | Partial):
                return self.invoke(args[0], node, (owner, *args[1:]), keywords)
            self.not_read(node, f".{name}() is given the database, and is not followed")
        if owner.session and (name in WRITING or name in ("get", "query")):
            return self.session(name, node, args, keywords)
        return HANDLE if name in ("query", "cursor", "get_transaction") else UNKNOWN

    def made(self, owner: Made, name: str, node: ast.expr, args: tuple[Value, ...], keywords: Scope) -> Value:
        """A method of something that an imported class or function made."""
        if owner.name == "pathlib.Path":
            found = function_of_paths(f"Path.{name}", (owner, *args), keywords, self.modules)
            return Method(owner, name) if found is None else found
        if owner.name == "io.TextIO":
            return method_of_file(owner, name)
        handed = self.handed(args, keywords)
        first = owner.name.partition(".")[0]
        library = first in LIBRARIES and owner.kind != "import_module"
        if name == "with_variant" and library and args:  # one type for some databases, and another for the rest
            known = all(isinstance(one, str) for one in args[1:])
            return (args[0] if "postgresql" in args[1:] else owner) if known else UNKNOWN
        if name in ("create", "drop") and handed and library:
            if owner.kind == "Index":
                self.found(self.of_schema(f"{name}_index", owner, node, keywords))
            else:
                self.found([Other(self.at(node), self.text(node), f"{name.upper()} TYPE")])
            return UNKNOWN
        if handed and library and name in _READS:
            return UNKNOWN
        logs = not _LOGS.isdisjoint(owner.name.split(".")) or owner.kind in ("get_logger", "getLogger")
        harmless = first in _HARMLESS and owner.kind != "import_module"
        if not logs and (handed or (not harmless and self.stands_alone(node))):
            self.not_followed(node, f"{owner.kind}.{name}() is given the database or stands alone, and is not followed")
        return owner


def _root(value: Value) -> Value:
    while isinstance(value, Method):
        value = value.owner
    return value


def _says_autocommit(level: Value) -> bool:
    """Of SQLAlchemy's levels, and of psycopg2's ``ISOLATION_LEVEL_AUTOCOMMIT``, which is 0."""
    if isinstance(level, Imported):
        return level.name.endswith("AUTOCOMMIT")
    return (type(level) is int and level == 0) or (isinstance(level, str) and level.upper() == "AUTOCOMMIT")


def _is_url(value: Value) -> bool:
    return isinstance(value, Method) and value.name == "url" and touches_database(value)
