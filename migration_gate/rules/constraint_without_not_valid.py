"""A foreign key or CHECK is added to a table that is there, and all its rows are read before anybody may go on.

ADD CHECK holds ACCESS EXCLUSIVE while PostgreSQL reads the whole table to see that each row agrees: reads and writes
wait. ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while each row is looked up in the other: writes to
both wait. With NOT VALID the lock is the same and held for a moment: rows that come from now on are judged, those
that are there are not read. VALIDATE CONSTRAINT then reads them under a lock that neither reads nor writes wait for,
in a transaction of its own.

Refused:

    op.create_check_constraint("age_positive", "users", "age >= 0")

or:

    op.create_foreign_key("memberships_user_id_fkey", "memberships", "users", ["user_id"], ["id"])

or, with its column:

    op.execute("ALTER TABLE users ADD COLUMN height integer CHECK (height > 0)")

Write instead:

    op.create_check_constraint("age_positive", "users", "age >= 0", postgresql_not_valid=True)

or:

    op.create_foreign_key(
        "memberships_user_id_fkey", "memberships", "users", ["user_id"], ["id"], postgresql_not_valid=True
    )

and, in a revision that is deployed after it, or with `transaction_per_migration=True` in env.py:

    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")

Silent on tables that a new revision creates, and on a foreign key that ALTER TABLE adds together with its column: the
rows hold NULL there, and PostgreSQL does not look.

Source: PostgreSQL's documentation, ALTER TABLE, "ADD table_constraint" and Notes; measured on 14 to 18.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from migration_gate.operations.effects import effects
from migration_gate.operations.model import AddColumn, AddConstraint
from migration_gate.rules.base import Hazard, Migration, is_new, same
from migration_gate.rules.remedies import (
    added_without,
    columns_in,
    directive,
    execute,
    literal,
    method,
    python_call,
    quoted,
    source,
    sql_name,
    with_keywords,
)


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, AddConstraint) or operation.kind not in ("check", "foreign key"):
            continue
        (effect, *_) = effects(operation)
        scans = effect.work == "scan" or _gets_values(migration, operation)
        if not scans or is_new(operation.table, migration.earlier(operation)):
            continue
        yield migration.hazard(operation, _message(operation), _remedy(operation), table=operation.table)


def _gets_values(migration: Migration, operation: AddConstraint) -> bool:
    """Whether a foreign key comes with a column that has a value in the rows that are there: PostgreSQL then looks each
    of them up, and where they hold NULL it does not (parse_utilcmd.c, transformAlterTableStmt).
    """
    return operation.inline and any(
        isinstance(one, AddColumn)
        and one.at == operation.at
        and same(one.table, operation.table)
        and one.column.name in operation.columns
        and one.column.default not in (None, "NULL")
        for one in migration.operations
    )


def _message(operation: AddConstraint) -> str:
    table, name = operation.table, operation.name or "it"
    if operation.kind == "check":
        return (
            f"{operation.name or 'a CHECK'} is added to {table}, and PostgreSQL reads all of {table} under ACCESS "
            "EXCLUSIVE "
            f"to see that each row agrees: reads and writes of {table} wait until that has ended."
        )
    other = f" and of {operation.references}" if operation.references else ""
    to = f" to {operation.references}" if operation.references else ""
    if operation.inline:
        return (
            f"{operation.name or 'a foreign key'} is added from {table}{to} with its column, and PostgreSQL looks "
            f"up the default for each row of {table} under ACCESS EXCLUSIVE: reads and writes of {table} wait until "
            "that has ended."
        )
    return (
        f"{operation.name or 'a foreign key'} is added from {table}{to}, and PostgreSQL looks up each row of {table} "
        "before "
        f"{name} stands: INSERT, UPDATE and DELETE of {table}{other} wait until that has ended."
    )


def _remedy(operation: AddConstraint) -> str:
    table = operation.table
    name = operation.name or _default_name(operation)
    call = directive(operation, "create_check_constraint", "create_foreign_key")
    if call is not None:
        added = source(with_keywords(call, postgresql_not_valid="True"))
        if operation.name is None:
            added = re.sub(r"\(None, |constraint_name=None", lambda one: _named(one[0], name), added, count=1)
    else:
        added = execute(_sql(operation, name))
    return "\n".join(
        [
            *added_without(operation, "ForeignKey", "CheckConstraint"),
            added,
            "# and, in a revision that is deployed after it, or with transaction_per_migration=True in env.py:",
            execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {quoted(name)}"),
        ]
    )


def _named(argument: str, name: str) -> str:
    return argument.replace("None", literal(name))


def _default_name(operation: AddConstraint) -> str:
    """As PostgreSQL would call it (ChooseConstraintName)."""
    ending = {"check": "check", "foreign key": "fkey"}[operation.kind]
    columns = operation.columns if operation.kind == "foreign key" or operation.inline else ()
    return "_".join([operation.table.name, *columns, ending])


def _sql(operation: AddConstraint, name: str) -> str:
    """The statement that adds the constraint alone, as far as it is known."""
    head = f"ALTER TABLE {sql_name(operation.table)} ADD CONSTRAINT {quoted(name)}"
    if operation.kind == "check":
        return f"{head} CHECK ({operation.condition or '…'}) NOT VALID"
    columns = ", ".join(map(quoted, operation.columns)) or "…"
    return f"{head} FOREIGN KEY ({columns}) {_references(operation)} NOT VALID"


# ── a foreign key that is not a directive's ──────────────────────────────────────────────────────────────

_NAME = r'(?:"(?:[^"]|"")+"|[\w$…]+)'
# PostgreSQL's documentation, CREATE TABLE: the clause, and what may follow it.
_CLAUSE = (
    rf"\bREFERENCES\s+{_NAME}(?:\s*\.\s*{_NAME})?(?:\s*\([^()]*\))?"
    r"(?:\s+(?:MATCH\s+\w+|ON\s+(?:DELETE|UPDATE)\s+(?:NO\s+ACTION|RESTRICT|CASCADE|SET\s+(?:NULL|DEFAULT))"
    r"(?:\s*\([^()]*\))?|(?:NOT\s+)?DEFERRABLE|INITIALLY\s+\w+))*"
)
# ForeignKey's keywords, in the order in which SQL has them.
_KEYWORDS = {"match": "MATCH", "ondelete": "ON DELETE", "onupdate": "ON UPDATE"}


def _references(operation: AddConstraint) -> str:
    """The clause with all that the user's own says: the columns, and what happens to rows that lose theirs."""
    other = sql_name(operation.references) if operation.references else "…"
    call = python_call(operation.call)
    if call is None:
        first = re.escape(operation.columns[0]) if operation.columns else ""
        begins = re.search(
            rf'(?<![\w$]){first}(?![\w$])"?\s*(?:[,)]|\s[^,]*?REFERENCES)', operation.call, re.IGNORECASE
        )
        found = re.compile(_CLAUSE, re.IGNORECASE).search(operation.call, begins.start() if begins else 0)
        return found[0] if found else f"REFERENCES {other}"
    keys = [one for column in _columns(operation, call) for one in column.args if _is_constraint(one, "ForeignKey")]
    if len(keys) != 1 or not isinstance(keys[0], ast.Call):
        return f"REFERENCES {other}"
    return f"REFERENCES {other}{_options(keys[0])}"


def _options(key: ast.Call) -> str:
    """What ``ForeignKey("groups.code", ondelete="CASCADE")`` says beside the table."""
    said = ""
    if key.args and isinstance(key.args[0], ast.Constant) and isinstance(key.args[0].value, str):
        said = f" ({quoted(key.args[0].value.rpartition('.')[2])})"
    words = {
        one.arg: str(one.value.value) for one in key.keywords if isinstance(one.value, ast.Constant) and one.value.value
    }
    said += "".join(f" {sql} {words[name].upper()}" for name, sql in _KEYWORDS.items() if words.get(name))
    said += " DEFERRABLE" * bool(words.get("deferrable"))
    return said + (f" INITIALLY {words['initially']}" if words.get("initially") else "")


def _columns(operation: AddConstraint, call: ast.Call) -> list[ast.Call]:
    """The columns in a call that may be the constraint's: those of its name, and those whose name is computed."""
    names = (None, *operation.columns)
    return [one for one in columns_in(call) if one.args and getattr(one.args[0], "value", None) in names]


def _is_constraint(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Call) and method(node) in names
