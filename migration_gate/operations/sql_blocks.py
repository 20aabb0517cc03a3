"""DO blocks of PL/pgSQL: the statements that stand in them as they are, by PL/pgSQL's own parser (libpg_query).

Both branches of an IF, each loop once, exception handlers too. What a block puts together and executes is not read,
unless it is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migration_gate.operations.grammar import Node, Statement, Unreadable, constant, expression, parse_plpgsql
from migration_gate.operations.model import At, Boundary, NotRead, Operation, Other

Read = Callable[[str, At, bool], list[Operation]]

MOST = 2_000  # statements of one block


def block(body: Node, here: Statement, read: Read) -> Iterator[Operation]:
    """What a DO block does. ``read`` reads SQL."""
    options = {one["DefElem"]["defname"]: one["DefElem"].get("arg", {}) for one in body.get("args", ())}
    language = options.get("language", {}).get("String", {}).get("sval", "plpgsql").lower()
    source = options.get("as", {}).get("String", {}).get("sval", "")
    if language != "plpgsql":
        yield NotRead(here.at, here.call, f"a DO block in {language} is not read")
        return
    tag = "$migration_gate$"
    functions = Unreadable("it quotes itself") if tag in source else parse_plpgsql(f"DO {tag}{source}{tag}")
    if isinstance(functions, Unreadable):
        yield NotRead(here.at, here.call, f"a DO block's body is not read: {functions.reason}")
        return
    found = [one for part in _parts(functions) for one in _operations(part, here, read)]
    if len(found) > MOST:
        yield NotRead(here.at, here.call, f"a DO block of {len(found)} statements is not read")
        return
    kept = [one for one in found if not isinstance(one, Other)]
    yield from kept or iter((Other(here.at, here.call, "DO"),))


def _parts(functions: list[Node]) -> Iterator[tuple[str, Node]]:
    """The nodes of statements, in their order."""
    todo: list[object] = list(reversed(functions))
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += reversed(one)
        elif isinstance(one, dict):
            for kind, inner in one.items():
                if kind.startswith("PLpgSQL_stmt_") and isinstance(inner, dict):
                    yield kind.removeprefix("PLpgSQL_stmt_"), inner
            todo += reversed(list(one.values()))


def _operations(part: tuple[str, Node], here: Statement, read: Read) -> list[Operation]:
    kind, node = part
    match kind:
        case "execsql":
            return read(_query(node, "sqlstmt"), here.at, False)
        case "perform":
            return read(_query(node, "expr"), here.at, False)
        case "fors" | "forc" | "return_query":
            return read(query, here.at, False) if (query := _query(node, "query")) else []
        case "dynexecute" | "dynfors":
            text = expression(_query(node, "query"))
            sql = constant(text) if text else None
            if sql is not None:
                return read(sql, here.at, False)
            return [NotRead(here.at, here.call, "a DO block executes what it puts together")]
        case "call":
            return [NotRead(here.at, _query(node, "expr"), "a procedure's body is not read")]
        case "commit" | "rollback":
            return [Boundary(here.at, kind.upper(), "commit")]
    return []


def _query(node: Node, field: str) -> str:
    return str(node.get(field, {}).get("PLpgSQL_expr", {}).get("query", ""))
