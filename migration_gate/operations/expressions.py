"""What the expressions of a migration stand for, as far as it can be known without running anything."""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence

from migration_gate.operations.classes import Classes
from migration_gate.operations.model import Table
from migration_gate.operations.plain import (
    LONGEST_LOOP,
    binary,
    compared,
    formatted,
    is_sequence,
    same,
    subscript,
)
from migration_gate.operations.texts import joined, made_path, path_attribute, path_of, percent
from migration_gate.operations.values import (
    UNKNOWN,
    Batch,
    Class,
    Connection,
    CoreColumn,
    CoreTable,
    Function,
    Gapped,
    Imported,
    Instance,
    Made,
    Method,
    Query,
    Row,
    Scope,
    Some,
    Unknown,
    Value,
    is_plain,
    touches_database,
)

_NOT_NONE = (Batch, Class, Connection, CoreTable, Function, Imported, Instance)
DEPTH = 60  # nested expressions
LONGEST_LITERAL = 2_000  # elements of a list or dict that are looked at


class Expressions(Classes):
    """Evaluates expressions. What their calls do is in calls.py."""

    def call(self, node: ast.Call, scope: Scope, depth: int) -> Value:
        raise NotImplementedError

    def expression(self, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
        self.step(node)
        if depth > DEPTH:
            if any(isinstance(one, ast.Call) for one in ast.walk(node)):
                self.not_read(node, "expressions nested too deeply to follow")
            return UNKNOWN
        down = depth + 1
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self.name(node.id, scope)
            case ast.Attribute():
                return self.attribute(self.expression(node.value, scope, down), node.attr)
            case ast.Call():
                return self.weighed(self.call(node, scope, down))
            case ast.Tuple() | ast.List() | ast.Set():
                if len(node.elts) > LONGEST_LITERAL:
                    return UNKNOWN
                items, whole = self.items(node.elts, scope, down)
                return UNKNOWN if not whole else self.weighed(tuple(items) if isinstance(node, ast.Tuple) else items)
            case ast.Dict():
                return self.weighed(self.dictionary(node, scope, down))
            case ast.JoinedStr():
                return joined([self.expression(part, scope, down) for part in node.values])
            case ast.FormattedValue():
                value = self.expression(node.value, scope, down)
                spec = self.expression(node.format_spec, scope, down) if node.format_spec else ""
                return formatted(value, node.conversion, spec) if is_plain(value) else value
            case ast.BinOp():
                return self.weighed(self.binary(node, scope, down))
            case ast.UnaryOp():
                value = self.expression(node.operand, scope, down)
                if isinstance(node.op, ast.Not):
                    return not value if self.certain(value) else UNKNOWN
                return -value if isinstance(node.op, ast.USub) and isinstance(value, int | float) else UNKNOWN
            case ast.BoolOp():
                return self.boolean(node, [self.expression(one, scope, down) for one in node.values])
            case ast.Compare():
                return self.compare(node, scope, down)
            case ast.IfExp():
                test = self.expression(node.test, scope, down)
                left = self.expression(node.body, scope, down)
                right = self.expression(node.orelse, scope, down)
                return (left if test else right) if self.certain(test) else either(left, right)
            case ast.Subscript():
                return self.item(self.expression(node.value, scope, down), self.expression(node.slice, scope, down))
            case ast.Await() | ast.Starred():
                return self.expression(node.value, scope, down)
            case ast.NamedExpr():
                value = self.expression(node.value, scope, down)
                self.bind(node.target, value, scope)
                return value
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.weighed(self.comprehension(node, scope, down))
            case ast.Lambda():
                return Function(node, self.frame.home, None if scope is self.frame.home.globals else scope)
            case ast.Yield():
                return self.yielded(self.expression(node.value, scope, down) if node.value else None)
            case ast.YieldFrom():
                for one in self.elements(self.expression(node.value, scope, down)) or [UNKNOWN]:
                    self.yielded(one)
                return UNKNOWN
            case ast.Slice():
                parts = [
                    self.expression(one, scope, down) if one else None for one in (node.lower, node.upper, node.step)
                ]
                known = all(one is None or type(one) is int for one in parts)
                return slice(*parts) if known else UNKNOWN
            case _:
                return self.parts(node, scope, down)

    def parts(self, node: ast.AST, scope: Scope, depth: int = 0) -> Value:
        """Evaluate whatever expressions a node is made of, for what their calls do."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child, scope, depth)
        return UNKNOWN

    def yielded(self, value: Value) -> Value:
        """A ``yield``: what runs there, or one more of what the generator gives."""
        if callable(self.frame.yields):
            self.frame.yields(value)
        elif len(self.frame.yields) <= LONGEST_LOOP:
            self.frame.yields.append(value)
        return UNKNOWN

    def elements(self, value: Value) -> list[Value] | None:
        """What a loop over it would give; None where that is not known."""
        if is_sequence(value):
            return list(value)
        return self.enumerated(value) if isinstance(value, Class) else None

    def boolean(self, node: ast.BoolOp, values: list[Value]) -> Value:
        """``or`` gives the first that is true, ``and`` the first that is not; those that are not known may be it."""
        stops = isinstance(node.op, ast.Or)
        possible: list[Value] = []
        for value in values:
            known = self.certain(value)
            if known and bool(value) is not stops and value is not values[-1]:
                continue
            possible.append(value)
            if known:
                break
            if isinstance(value, Connection | Function | Imported | Class) and stops:
                break
        found = possible[0]
        for value in possible[1:]:
            found = either(found, value)
        return found

    def items(self, nodes: Sequence[ast.expr], scope: Scope, depth: int) -> tuple[list[Value], bool]:
        """Elements or arguments, with ``*sequence`` laid out; and whether that is all of them: what comes after an
        unknown ``*sequence`` has no known place.
        """
        found: list[Value] = []
        whole = True
        for node in nodes:
            value = self.expression(node, scope, depth)
            if not whole:
                continue
            if not isinstance(node, ast.Starred):
                found.append(value)
            elif (elements := self.elements(value)) is not None:
                found += elements
            else:
                whole = False
        return found, whole

    def dictionary(self, node: ast.Dict, scope: Scope, depth: int) -> Value:
        if len(node.values) > LONGEST_LITERAL:
            return UNKNOWN
        found: dict[Value, Value] = {}
        known = True
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.expression(value_node, scope, depth)
            if key_node is None:
                known = known and type(value) is dict
                found |= value if type(value) is dict else {}
                continue
            key = self.expression(key_node, scope, depth)
            known = known and isinstance(key, str | int | bool | CoreColumn)
            if known:
                found[key] = value
        return found if known else UNKNOWN

    def binary(self, node: ast.BinOp, scope: Scope, depth: int) -> Value:
        """``a + b + c …`` is nested to the left, as deep as it is long."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.expression(chain[-1].left, scope, depth)
        for one in reversed(chain):
            right = self.expression(one.right, scope, depth)
            known = binary(one.op, value, right)
            value = with_gaps(one.op, value, right) if known is UNKNOWN else known
        return value

    def item(self, owner: Value, key: Value) -> Value:
        """``owner[key]``"""
        match owner, key:
            case Method(Made(kind="MetaData"), "tables"), str():
                schema, _, name = key.rpartition(".")
                return CoreTable(Table(name, schema or None))
            case Method(CoreTable(table), "c" | "columns"), str():
                return CoreColumn(key, table)
            case Some(element), _:
                return element
        return subscript(owner, key)

    def compare(self, node: ast.Compare, scope: Scope, depth: int) -> Value:
        left = self.expression(node.left, scope, depth)
        right, *more = [self.expression(one, scope, depth) for one in node.comparators]
        if isinstance(node.ops[0], ast.IsNot | ast.NotEq) and right is None and isinstance(left, CoreColumn):
            return Made("isnot", (left, None), {}, self.text(node))
        if more:
            return UNKNOWN
        if isinstance(node.ops[0], ast.Eq) and right is None and isinstance(left, CoreColumn):
            return Made("is_", (left, None), {}, self.text(node))
        if right is None and isinstance(node.ops[0], ast.Is | ast.IsNot) and isinstance(left, _NOT_NONE):
            return isinstance(node.ops[0], ast.IsNot)
        return compared(node.ops[0], left, right)

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope, depth: int
    ) -> Value:
        found: list[Value] = []
        inner = dict(scope)
        whole = self.generate(node, list(node.generators), inner, depth, found)
        if not whole or len(found) > LONGEST_LOOP:
            if found and isinstance(found[0], Row) and not isinstance(node, ast.DictComp):
                return Some(found[0])
            return UNKNOWN if not any(map(touches_database, found)) else Unknown(handle=True)
        if isinstance(node, ast.DictComp):
            known = all(isinstance(key, str | int) for key, _ in found)
            return dict(found) if known else UNKNOWN
        return found

    def generate(
        self,
        node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
        generators: list[ast.comprehension],
        scope: Scope,
        depth: int,
        found: list[Value],
    ) -> bool:
        """Go through a comprehension's loops; whether ``found`` then has exactly what it gives."""
        if not generators:
            if isinstance(node, ast.DictComp):
                found.append((self.expression(node.key, scope, depth), self.expression(node.value, scope, depth)))
            else:
                found.append(self.expression(node.elt, scope, depth))
            return True
        first, *more = generators
        sequence = self.expression(first.iter, scope, depth)
        elements = self.elements(sequence)
        whole = elements is not None and id(sequence) not in self.unsure
        for item in elements[: LONGEST_LOOP + 1] if elements is not None else [element_of(sequence)]:
            self.bind(first.target, item, scope)
            tests = [self.expression(one, scope, depth) for one in first.ifs]
            if any(self.certain(test) and not test for test in tests):
                continue
            whole = all(map(self.certain, tests)) and whole
            whole = self.generate(node, more, scope, depth, found) and whole
            if len(found) > LONGEST_LOOP:
                break
        return whole

    def attribute(self, owner: Value, name: str) -> Value:
        match owner:
            case Imported():
                value = Imported(f"{owner.name}.{name}", owner.home, owner.node)
                return self.resolved(value) if owner.home else value
            case Class():
                return self.class_attribute(owner, name)
            case Instance():
                return self.instance_attribute(owner, name)
            case CoreTable() if name == "name" and owner.table:
                return owner.table.name
            case Method(CoreTable(table), "c" | "columns"):
                return CoreColumn(name, table)
            case Row() if name == "id":
                return UNKNOWN
            # Flask-SQLAlchemy's db.session, and its names of SQLAlchemy's: db.Column.
            case Made(name="pathlib.Path"):
                return path_attribute(owner, name)
            case Unknown(columns=columns) if name in columns:
                return UNKNOWN  # a column's value
            case Unknown() | Made(kind="inspect") if name == "default_schema_name":
                return "public"
            case Made(kind="SQLAlchemy"):
                return Connection(session=True, inner=True) if name == "session" else Imported(f"sqlalchemy.{name}")
        # The gate judges for PostgreSQL: other dialects' branches are not its business.
        if isinstance(owner, Method) and touches_database(owner):
            if owner.name in ("dialect", "engine") and name == "name":
                return "postgresql"
            if owner.name == "url" and name == "drivername":
                return "postgresql"
        return Method(owner, name)


def either(left: Value, right: Value) -> Value:
    """One of two values, nobody knows which."""
    return left if same(left, right) else Unknown(touches_database(left) or touches_database(right))


def with_gaps(operator: ast.operator, left: Value, right: Value) -> Value:
    """Text that is put together of what is known and what is not."""
    if isinstance(operator, ast.Div) and (path := path_of(left)) is not None and isinstance(right, str):
        return made_path(os.path.join(path, right))
    if isinstance(operator, ast.Mod) and isinstance(left, str):
        return percent(left)
    if isinstance(operator, ast.Add) and (isinstance(left, str | Gapped) or isinstance(right, str | Gapped)):
        return joined([left, right])
    return Unknown(touches_database(left) or touches_database(right))


def element_of(value: Value) -> Value:
    """One of what a sequence gives that is not known: of a query's, one of its mapped objects."""
    if isinstance(value, Query):
        return Unknown(True, value.table, value.columns) if value.entity else UNKNOWN
    if isinstance(value, Some):
        return value.element
    if isinstance(value, Unknown):
        return value
    return Unknown(touches_database(value))
