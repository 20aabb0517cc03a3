"""Classes of the project, as far as migrations use them: constants, static methods, records, enums, column types."""

from __future__ import annotations

import ast

from migration_gate.operations.names import ABSENT, Names
from migration_gate.operations.reader import Frame
from migration_gate.operations.values import (
    UNKNOWN,
    Class,
    CoreColumn,
    CoreTable,
    Function,
    Imported,
    Instance,
    Made,
    Method,
    Partial,
    Query,
    Row,
    Scope,
    Value,
    is_plain,
)

_ENUMS = {"Enum", "IntEnum", "StrEnum"}


class Classes(Names):
    def member(self, cls: Class, name: str, depth: int = 0) -> Value:
        """What a class or one of its bases sets a name to; ``ABSENT`` where none of them does."""
        members = cls.members
        if not members:
            members["__module__"] = ""
            self.walk_elsewhere(cls, members)
        if name in members:
            return members[name]
        for base in cls.node.bases if depth < 5 else []:
            value = self.elsewhere(cls, base)
            if isinstance(value, Class) and (found := self.member(value, name, depth + 1)) is not ABSENT:
                return found
        return ABSENT

    def walk_elsewhere(self, cls: Class, members: Scope) -> None:
        """Walk a class's body: its names are its own, and those of the scope around it are known in it."""
        frame, reading = self.frame, self.reading
        self.frame, self.reading = Frame(cls.home, frame.called_at, frame), False
        around = dict(cls.scope or {})
        scope = dict(around)
        try:
            self.walk(cls.node.body, scope)
        finally:
            self.frame, self.reading = frame, reading
        members.update({name: one for name, one in scope.items() if name not in around or around[name] is not one})

    def elsewhere(self, cls: Class, node: ast.expr) -> Value:
        """An expression of the place where a class is defined."""
        frame, reading = self.frame, self.reading
        self.frame, self.reading = Frame(cls.home, frame.called_at, frame), False
        try:
            return self.expression(node, cls.scope or {}) if frame.depth < 40 else UNKNOWN
        finally:
            self.frame, self.reading = frame, reading

    # ── attributes ───────────────────────────────────────────────────────────────────────────────────────

    def class_attribute(self, cls: Class, name: str) -> Value:
        if (table := self.table_of(cls)) is not None:
            if name == "__table__":
                return CoreTable(table)
            if name == "__tablename__":
                return table.name
            if name == "query":
                return Query(table, columns=self.entity(cls).columns)
        value = self.member(cls, name)
        if isinstance(value, Function):
            kinds = decorators(value)
            return Partial(value, (cls,), {}) if "classmethod" in kinds else value
        if _ENUMS & bases(cls) and value is not ABSENT and is_plain(value):
            return Instance(cls, {"name": name, "value": value})
        if table is not None and (value is ABSENT or isinstance(value, Made)):
            first = value.args[0] if isinstance(value, Made) and value.args else None
            return CoreColumn(first if isinstance(first, str) else name, table)
        return Method(cls, name) if value is ABSENT else value

    def instance_attribute(self, one: Instance, name: str) -> Value:
        if name in one.fields:
            return one.fields[name]
        value = self.member(one.of, name)
        if not isinstance(value, Function):
            return Method(one, name) if value is ABSENT else value
        kinds = decorators(value)
        if "staticmethod" in kinds:
            return value
        if kinds & {"property", "cached_property"}:
            return self.run(value, (one,), {})
        return Partial(value, (one.of if "classmethod" in kinds else one,), {})

    def enumerated(self, cls: Class) -> list[Value] | None:
        """The members of an enum, in order."""
        if not _ENUMS & bases(cls):
            return None
        self.member(cls, "")
        return [
            Instance(cls, {"name": name, "value": value})
            for name, value in cls.members.items()
            if not name.startswith("_") and is_plain(value)
        ]

    # ── objects ──────────────────────────────────────────────────────────────────────────────────────────

    def new(self, cls: Class, node: ast.AST, args: tuple[Value, ...], keywords: Scope) -> Value:
        """What calling a class gives."""
        if (table := self.table_of(cls)) is not None:
            return Row(table, tuple(keywords))
        own = bases(cls)
        if "TypeDecorator" in own:
            return self.decorated_type(cls, node, args, keywords)
        if "NamedTuple" in own or "dataclass" in decorators(cls):
            return self.record(cls, args, keywords)
        made = Instance(cls, {})
        init = self.member(cls, "__init__")
        if isinstance(init, Function):
            self.run(init, (made, *args), keywords, node)
            return made
        if all(
            isinstance(self.elsewhere(cls, base), Class) or last(base) in ("ABC", "object") for base in cls.node.bases
        ):
            return made
        return Made(f"{cls.home.path.name}.{cls.name}", args, keywords, self.text(node))

    def record(self, cls: Class, args: tuple[Value, ...], keywords: Scope) -> Instance:
        names = [
            one.target.id
            for one in cls.node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        defaults = {name: one for name in names if (one := self.member(cls, name)) is not ABSENT}
        return Instance(
            cls, {**dict.fromkeys(names, UNKNOWN), **defaults, **dict(zip(names, args, strict=False)), **keywords}
        )

    def decorated_type(self, cls: Class, node: ast.AST, args: tuple[Value, ...], keywords: Scope) -> Made:
        """A ``TypeDecorator`` is in the database what its ``impl`` is, unless it asks the dialect."""
        impl = self.member(cls, "impl")
        source = self.text(node)
        if self.member(cls, "load_dialect_impl") is ABSENT and self.member(cls, "__init__") is ABSENT:
            if isinstance(impl, Imported):
                return Made(impl.name, args, keywords, source)
            if isinstance(impl, Made) and not args and not keywords:
                return impl._replace(source=source)
        return Made(f"{cls.home.path.name}.{cls.name}", args, keywords, source)


def last(node: ast.expr) -> str:
    """The last part of a name, whether or not it is called: "dataclass" of ``@dataclasses.dataclass(frozen=True)``."""
    match node:
        case ast.Call(func) | ast.Subscript(func):
            return last(func)
        case ast.Attribute(attr=name) | ast.Name(name):
            return name
    return ""


def bases(cls: Class) -> set[str]:
    return {last(one) for one in cls.node.bases}


def decorators(one: Function | Class) -> set[str]:
    return set() if isinstance(one.node, ast.Lambda) else {last(each) for each in one.node.decorator_list}
