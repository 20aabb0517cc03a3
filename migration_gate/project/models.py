"""The classes and tables that a module maps to a database, read from its text.

SQLAlchemy learns this by running the module; the gate walks its syntax tree and imports nothing. It reads the forms of
SQLAlchemy's documentation ("Table Configuration with Declarative", "Composing Mapped Hierarchies with Mixins",
"Describing Databases with MetaData"), of Flask-SQLAlchemy ("Models and Tables") and of SQLModel.

A class is first read as it is written (``Declared``), then its bases are looked up (``mapped``), in the same file or,
where a caller has read more of them, in others.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from migration_gate.project.revision import SyntaxProblem, parse_python

Columns = tuple[tuple[str, int], ...]


class Mapped(NamedTuple):
    """A mapped class, or a ``Table``."""

    name: str  # of the class or variable
    table: str | None  # None: computed
    schema: str | None
    columns: Columns  # names as the database has them, with 1-based lines
    line: int
    whole: bool  # False where it has bases or mixins that are not in this file, so that it may map more
    missing: tuple[str, ...] = ()  # the names of those
    perhaps: frozenset[str] = frozenset()  # columns that stand under an `if` or the like, and may not be there


class Declared(NamedTuple):
    """One class or table as its file writes it. ``table`` and ``schema`` are expressions, None where it has none."""

    name: str
    line: int
    bases: tuple[str, ...] = ()  # the last part of each one's name
    columns: Columns = ()
    perhaps: Columns = ()  # set to what some function returns: a column, as it seems
    fields: Columns = ()  # bare annotations, which SQLModel maps
    table: ast.expr | None = None
    schema: ast.expr | None = None
    known: dict[str, ast.expr] = {}  # noqa: RUF012 -- the module's names, never changed
    kind: str = "class"  # "base": what classes are derived from; "table"; "flask": Flask-SQLAlchemy's Model
    abstract: bool = False
    maps: bool = False  # says itself that it is mapped: SQLModel's table=True, @registry.mapped
    key: bool = False  # has a primary key of its own
    unsure: frozenset[str] = frozenset()  # columns that stand under an `if` or the like
    reflected: bool = False  # columns come from the database, or from what is not written here


# Base classes of libraries that have no columns.
PLAIN = frozenset(
    "ABC AsyncAttrs AnonymousUserMixin DeclarativeBase DeclarativeBaseNoMeta Generic MappedAsDataclass "
    "Protocol SQLModel SerializerMixin UserMixin object".split()
)
_BASES = frozenset(("DeclarativeBase", "DeclarativeBaseNoMeta"))
_MAKES_BASE = frozenset(("declarative_base", "automap_base", "generate_base", "make_declarative_base"))
_COLUMN = frozenset(("Column", "mapped_column", "MappedColumn"))
_WRAPS = frozenset(("deferred", "column_property", "composite"))
_NO_COLUMN = frozenset(
    "relationship Relationship relation dynamic_loader backref synonym association_proxy hybrid_property property "
    "query_expression index_property classmethod staticmethod declared_attr cached_property partial partialmethod "
    "Index UniqueConstraint CheckConstraint ForeignKeyConstraint PrimaryKeyConstraint PrivateAttr ConfigDict dict list "
    "set tuple frozenset str int float bool len sorted compile namedtuple getLogger TypeVar Lock RLock Manager".split()
)
_RELATIONS = frozenset(("DynamicMapped", "WriteOnlyMapped", "AssociationProxy", "ClassVar", "InitVar"))


def read_mapped(source: bytes) -> tuple[Mapped, ...]:
    """What one module maps, in the order of its lines. Never raises: what is no Python maps nothing."""
    written = declared(source) or ()
    known = {one.name: one for one in written if one.kind != "table"}
    return tuple(found for one in written if (found := mapped(one, known.get)) is not None)


# ── from what is written to what is mapped ───────────────────────────────────────────────────────────────────


def mapped(one: Declared, find: Callable[[str], Declared | None]) -> Mapped | None:
    """What a class maps, its bases being looked up by ``find``; None where it is a base, a mixin or no model at all."""
    if one.kind != "class":
        return _table(one) if one.kind == "table" else None
    chain, missing = _chain(one, find)
    if not _is_mapped(one, chain, missing):
        return None
    table = _table_name(one, chain)
    columns, complete = _columns(one, chain, table, find)
    schema = next((each for each in (one, *chain) if each.schema is not None), None)
    return Mapped(
        one.name,
        table,
        text(schema.schema, schema.known, one.name) if schema else None,
        columns,
        one.line,
        complete and not missing,
        missing,
        frozenset().union(*(each.unsure for each in (one, *chain))),
    )


def _table(one: Declared) -> Mapped:
    table = text(one.table, one.known)
    return Mapped(one.name, table, text(one.schema, one.known), one.columns, one.line, not one.reflected)


def _chain(one: Declared, find: Callable[[str], Declared | None]) -> tuple[tuple[Declared, ...], tuple[str, ...]]:
    """Its bases and theirs, the nearest first, and the names of those that are nowhere."""
    found: dict[str, Declared] = {}
    missing: dict[str, None] = {}
    waiting = list(one.bases)
    while waiting and len(found) < 100:
        name = waiting.pop(0)
        if name in found:
            continue
        base = find(name) if name != one.name else None  # its own name is that of another file's class
        if base is not None:
            found[name] = base
            waiting[:0] = base.bases
        elif name not in PLAIN and name != "Model":
            missing[name] = None
    return tuple(found.values()), tuple(missing)


def _is_mapped(one: Declared, chain: tuple[Declared, ...], missing: tuple[str, ...]) -> bool:
    """Whether SQLAlchemy maps it, as far as can be seen: a class of bases that nobody knows needs a sign of it."""
    if one.maps:
        return True
    if one.kind != "class" or one.abstract or not one.bases or _BASES.intersection(one.bases):
        return False
    names = {name for each in (one, *chain) for name in each.bases}
    if "SQLModel" in names:  # table=True is not inherited
        return False
    if any(base.kind != "class" or _BASES.intersection(base.bases) for base in chain):
        return True
    if "Model" in names:  # Flask-SQLAlchemy's, or some other library's
        return any(each.columns or each.table for each in (one, *chain))
    return bool(missing) and (one.table is not None or bool(one.columns) or any(each.table for each in chain))


def _table_name(one: Declared, chain: tuple[Declared, ...]) -> str | None:
    """The table that it has, or shares with a base."""
    for each in (one, *chain):
        if each.table is not None:
            return text(each.table, each.known, one.name)
    if "Model" in one.bases or any(base.kind == "flask" or "Model" in base.bases for base in chain):
        # Flask-SQLAlchemy: a class without a primary key of its own lives in the table of the one that it extends.
        parents = [base for base in chain if base.key and base.kind == "class" and base.bases and not base.abstract]
        return snake_case(one.name if one.key or not parents else parents[0].name)
    return one.name.lower() if one.maps and one.fields else None


def _columns(
    one: Declared, chain: tuple[Declared, ...], table: str | None, find: Callable[[str], Declared | None]
) -> tuple[Columns, bool]:
    """The columns that a class has in its table, and whether these are all: those of mixins and abstract bases, and
    of a base that is mapped only where both live in one table (single table inheritance).
    """
    found: dict[str, int] = {}
    complete = True
    for each in (one, *chain):
        if each is not one:
            above, missing = _chain(each, find)
            if _is_mapped(each, above, missing) and _table_name(each, above) != table:
                continue  # joined table inheritance
        for name, line in (*each.columns, *each.perhaps, *(each.fields if one.maps else ())):
            found.setdefault(name, line if each.known is one.known else one.line)  # of one file
        complete = complete and not each.reflected
    return tuple(found.items()), complete


def snake_case(name: str) -> str:
    """The table that Flask-SQLAlchemy gives a class without ``__tablename__`` (docs: "Models and Tables")."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<!^)(?=[A-Z][a-z])", "_", name).lower().lstrip("_")


# ── one file ─────────────────────────────────────────────────────────────────────────────────────────────────


def declared(source: bytes) -> tuple[Declared, ...] | None:
    """The classes, bases and tables of a module, as they are written; None where it does not parse. Never raises."""
    tree = parse_python(source)
    if isinstance(tree, SyntaxProblem):
        return None
    known = _constants(tree)
    nodes = list(ast.walk(tree))
    try:
        found = [_class(one, known) for one in nodes if isinstance(one, ast.ClassDef)]
        found += [*_bases(tree), *(_tables(nodes, known) if b"Table" in source else ())]
        return tuple(sorted(_with_later_columns(tree, found, known), key=lambda one: one.line))
    except RecursionError:
        return None


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the module's top level, and its classes of constants, set once each: "NAME" and "Names.NAME"."""
    found: dict[str, ast.expr] = {}
    for prefix, body in [("", tree.body), *((f"{c.name}.", c.body) for c in tree.body if isinstance(c, ast.ClassDef))]:
        for node in body:
            for name, value in _assigned(node):
                found[prefix + name] = value
    return found


def _assigned(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(value=value):
            return [(one.id, value) for one in node.targets if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
            return [(name, value)]
    return []


def _class(node: ast.ClassDef, known: dict[str, ast.expr]) -> Declared:
    columns: dict[str, int] = {}
    perhaps: dict[str, int] = {}
    fields: dict[str, int] = {}
    said: dict[str, ast.expr] = {}
    key = False
    for name, value, annotation, line in _members(node.body):
        key = key or (value is not None and any(map(_is_key, ast.walk(value))))
        if name in ("__tablename__", "__table_args__", "__table__", "__abstract__"):
            if value is not None:
                said[name] = value
        elif name.startswith("__"):
            continue
        elif (sure := _column_names(name, value, annotation, known)) is not None:
            columns.update(dict.fromkeys(sure, line))
        else:
            if annotation is not None:
                fields.update(dict.fromkeys(_field(name, value, annotation, known), line))
            if isinstance(value, ast.Call) and last(value.func) not in ("Field", "field"):
                perhaps[name] = line
    table = _own_table(said.get("__table__"), known)
    names = [name for name, *_ in _members(node.body)]  # what both branches set is there
    conditional = _members([one for one in node.body if isinstance(one, ast.If | ast.Try | ast.For)])
    under = {line for name, *_, line in conditional if names.count(name) == 1}
    return Declared(
        name=node.name,
        line=node.lineno,
        bases=tuple(name for base in node.bases if (name := last(base))),
        columns=(*(table.columns if table else ()), *columns.items()),
        perhaps=tuple(perhaps.items()),
        fields=tuple(fields.items()),
        table=table.table if table else said.get("__tablename__"),
        schema=table.schema if table else _schema(said.get("__table_args__"), known),
        known=known,
        abstract=isinstance(one := said.get("__abstract__"), ast.Constant) and bool(one.value),
        maps=_says_so(node),
        key=key,
        unsure=frozenset(name for name, line in (*columns.items(), *perhaps.items(), *fields.items()) if line in under),
        reflected=table.reflected if table else "__table__" in said,
    )


def _members(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr | None, ast.expr | None, int]]:
    """What a class's body sets: name, value, annotation, line. A method that is a declared_attr has the value that it
    returns; what stands under an `if` or `try` may be there.
    """
    for node in body:
        match node:
            case ast.AnnAssign(target=ast.Name(name)):
                yield name, node.value, node.annotation, node.lineno
            case ast.Assign():
                for name, value in _assigned(node):
                    yield name, value, None, node.lineno
            case ast.FunctionDef(name=name) if _is_declared_attr(node):
                for one in ast.walk(node):
                    if isinstance(one, ast.Return) and one.value is not None:
                        yield name, one.value, None, node.lineno
            case ast.If() | ast.Try() | ast.With() | ast.For():
                yield from _members([one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)])


def _is_declared_attr(node: ast.FunctionDef) -> bool:
    names = {last(part) for one in node.decorator_list for part in ast.walk(one) if isinstance(part, ast.expr)}
    return "declared_attr" in names or (node.name.startswith("__table") and "property" not in names)


def _says_so(node: ast.ClassDef) -> bool:
    table = any(
        one.arg == "table" and isinstance(one.value, ast.Constant) and one.value.value is True for one in node.keywords
    )
    decorators = {last(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
    return table or bool(decorators & {"mapped", "mapped_as_dataclass"})


def _is_key(node: ast.AST) -> bool:
    match node:
        case ast.keyword("primary_key", ast.Constant(True)) | ast.Name("PrimaryKeyConstraint"):
            return True
        case ast.Attribute(attr="PrimaryKeyConstraint"):
            return True
    return False


def _column_names(
    name: str, value: ast.expr | None, annotation: ast.expr | None, known: dict[str, ast.expr]
) -> list[str] | None:
    """The columns that a member surely is, none of them for a relationship; None where it does not look like one."""
    if isinstance(value, ast.Call):
        called = last(value.func)
        if called in _COLUMN:
            return [_name_in(value, known) or name]
        if called in _WRAPS:
            inside = [*value.args, *(one.value for one in value.keywords)]
            calls = [one for one in inside if isinstance(one, ast.Call) and last(one.func) in _COLUMN]
            return [_name_in(one, known) or name for one in calls]
        if called in _NO_COLUMN:
            return []
    kind = _annotated(annotation)
    if kind in _RELATIONS:
        return []
    return [name] if kind == "Mapped" else None


def _annotated(annotation: ast.expr | None) -> str:
    """The outermost name of an annotation: "Mapped" of ``orm.Mapped[int]``."""
    match annotation:
        case ast.Subscript(value=value):
            return last(value)
        case ast.Constant(str(written)):
            return written.partition("[")[0].rpartition(".")[2]
        case None:
            return ""
    return last(annotation)


def _field(name: str, value: ast.expr | None, annotation: ast.expr, known: dict[str, ast.expr]) -> list[str]:
    """A field of SQLModel: ``Field(sa_column=Column("n"))``, ``Field(sa_column_kwargs={"name": "n"})``, or plain."""
    if name.startswith("_") or _annotated(annotation) in _RELATIONS:
        return []
    if isinstance(value, ast.Call):
        for one in value.keywords:
            if one.arg == "sa_column" and isinstance(one.value, ast.Call):
                return [_name_in(one.value, known) or name]
            if one.arg == "sa_column_kwargs" and isinstance(one.value, ast.Dict):
                return [text(_item(one.value, "name"), known) or name]
    return [name]


def _name_in(call: ast.Call, known: dict[str, ast.expr]) -> str | None:
    """The name that a Column's call gives it."""
    given = [one.value for one in call.keywords if one.arg == "name"] or call.args[:1]
    return text(given[0], known) if given else None


def _item(node: ast.Dict, key: str) -> ast.expr | None:
    pairs = zip(node.keys, node.values, strict=True)
    return next((value for one, value in pairs if isinstance(one, ast.Constant) and one.value == key), None)


def _schema(args: ast.expr | None, known: dict[str, ast.expr]) -> ast.expr | None:
    """The schema that ``__table_args__`` names: a dict, or a tuple that ends with one."""
    if isinstance(args, ast.Name):
        args = known.get(args.id)
    if isinstance(args, ast.Tuple | ast.List):
        args = args.elts[-1] if args.elts else None
    match args:
        case ast.Dict():
            return _item(args, "schema")
        case ast.Call(func=ast.Name("dict")):
            return next((one.value for one in args.keywords if one.arg == "schema"), None)
    return None


def _own_table(value: ast.expr | None, known: dict[str, ast.expr]) -> Declared | None:
    """What ``__table__`` is: a Table, a variable that holds one, or one that is taken from the metadata by name."""
    if isinstance(value, ast.Name):
        value = known.get(value.id)
    if isinstance(value, ast.Call):
        return _table_call("", value, known)
    if isinstance(value, ast.Subscript) and last(value.value) == "tables":
        return Declared("", value.lineno, table=value.slice, known=known, kind="table", reflected=True)
    return None


def _bases(tree: ast.Module) -> Iterator[Declared]:
    """Variables that classes are derived from, and classes that automap has made."""
    for node in tree.body:
        for name, value in _assigned(node):
            match value:
                case ast.Call() if last(value.func) in _MAKES_BASE:
                    own = tuple(last(one.value) for one in value.keywords if one.arg == "cls")
                    yield Declared(name, node.lineno, own, kind="base")
                case ast.Attribute(attr="Model"):
                    yield Declared(name, node.lineno, kind="flask")
                case ast.Attribute(value=ast.Attribute(attr="classes"), attr=table):
                    here = ast.Constant(table)
                    yield Declared(name, node.lineno, table=here, kind="table", reflected=True)


def _tables(nodes: list[ast.AST], known: dict[str, ast.expr]) -> Iterator[Declared]:
    """Every ``Table(…)`` of the module but those that are a class's ``__table__``."""
    names = {value: name for node in nodes if isinstance(node, ast.stmt) for name, value in _assigned(node)}
    for node in nodes:
        if isinstance(node, ast.Call) and names.get(node) != "__table__":
            table = _table_call(names.get(node, ""), node, known)
            if table:
                yield table


def _table_call(name: str, call: ast.Call, known: dict[str, ast.expr]) -> Declared | None:
    """SQLAlchemy's ``Table(name, metadata, *columns)``, or Flask-SQLAlchemy's, which needs no metadata."""
    if last(call.func) != "Table" or not call.args:
        return None
    columns = [one for one in call.args if isinstance(one, ast.Call) and last(one.func) in _COLUMN]
    reflected = any((one.arg or "").startswith("autoload") for one in call.keywords)
    metadata = len(call.args) > 1 and "meta" in last(call.args[1]).lower()
    if not (columns or reflected or metadata):  # some other library's
        return None
    return Declared(
        name=name or text(call.args[0], known) or "Table",
        line=call.lineno,
        columns=tuple((named, one.lineno) for one in columns if (named := _name_in(one, known))),
        table=call.args[0],
        schema=next((one.value for one in call.keywords if one.arg == "schema"), None),
        known=known,
        kind="table",
        reflected=reflected or any(isinstance(one, ast.Starred) for one in call.args),
    )


def _with_later_columns(tree: ast.Module, found: list[Declared], known: dict[str, ast.expr]) -> Iterator[Declared]:
    """``User.bio = Column(…)`` after the class, which declarative takes as well."""
    later: dict[str, list[tuple[str, int]]] = {}
    for node in tree.body:
        match node:
            case ast.Assign([ast.Attribute(ast.Name(owner), attr=name)], value):
                for column in _column_names(name, value, None, known) or ():
                    later.setdefault(owner, []).append((column, node.lineno))
    for one in found:
        yield one._replace(columns=(*one.columns, *later[one.name])) if one.name in later else one


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────


def last(node: ast.AST) -> str:
    """The last part of a dotted name: "Column" of ``db.Column``, and of ``Generic[T]`` "Generic"; "" of all else."""
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value) | ast.Call(func=value):
            return last(value)
    return ""


def text(node: ast.expr | None, known: dict[str, ast.expr], own: str = "", depth: int = 0) -> str | None:
    """The text that an expression is, with the module's constants and, for a class's table, the class's own name;
    None where it is computed in some other way.
    """
    if node is None or depth > 20:
        return None

    def inside(one: ast.expr) -> str | None:
        return text(one, known, own, depth + 1)

    match node:
        case ast.Constant(str(value)):
            return value
        case ast.Name(name):
            return inside(known[name]) if name in known else None
        case ast.Attribute(ast.Name(), "__name__"):
            return own or None
        case ast.Attribute(ast.Name(owner), name):
            return inside(known[f"{owner}.{name}"]) if f"{owner}.{name}" in known else None
        case ast.BinOp(left, ast.Add(), right):
            return _joined([inside(left), inside(right)])
        case ast.JoinedStr(values):
            return _joined([inside(one.value if isinstance(one, ast.FormattedValue) else one) for one in values])
        case ast.Call(ast.Attribute(value, "lower" | "upper" as method), []):
            inner = inside(value)
            return None if inner is None else inner.lower() if method == "lower" else inner.upper()
        case ast.Call(func, [first, *_]) if last(func) in ("quoted_name", "str"):
            return inside(first)
    return None


def _joined(parts: list[str | None]) -> str | None:
    return None if None in parts else "".join(map(str, parts))
