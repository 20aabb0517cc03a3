"""A constraint is dropped by the name None.

ALTER TABLE … DROP CONSTRAINT wants a name, and Alembic has none to write: `Can't emit DROP CONSTRAINT for constraint …;
it has no name`. `op.f(None)` raises, too. A naming_convention in the models' metadata does not help: most make a name
out of the constraint's columns, which a drop does not have, and with `if_exists=True` nothing is dropped then, and
nothing said. Autogenerate writes `None` wherever the models do not name a constraint, and in the downgrade() that
undoes one it always fails.

PostgreSQL itself has named the constraint: table_column_fkey, table_column_key, table_column_check, table_pkey.

Refused:

    op.drop_constraint(None, "orders", type_="foreignkey")

Write instead:

    op.drop_constraint("orders_user_id_fkey", "orders", type_="foreignkey")

In a downgrade() it makes a note, where upgrade() adds the constraint: going back stops there. Give it a name in both.

A convention without columns, `"pk": "pk_%(table_name)s"`, names a primary key that is dropped by None: that is a note.

Source: SQLAlchemy's documentation, "Configuring Constraint Naming Conventions"; PostgreSQL's, ALTER TABLE, and
ChooseConstraintName in src/backend/catalog/pg_constraint.c; measured with Alembic 1.20.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migration_gate.operations.model import AddConstraint, DropConstraint, Operation
from migration_gate.rules.base import Hazard, Migration, backwards
from migration_gate.rules.remedies import literal, python_call, source, sql_name, with_keywords

_SUFFIX = {"foreign key": "fkey", "unique": "key", "check": "check", "primary key": "pkey", "exclude": "excl"}
_CONTYPE = {"foreign key": "f", "unique": "u", "check": "c", "primary key": "p", "exclude": "x"}
_LONGEST = 63  # bytes of a name; of a longer one PostgreSQL shortens the parts


def check(migration: Migration) -> Iterator[Hazard]:
    for one in migration.operations:
        if isinstance(one, DropConstraint) and one.unnamed:
            yield _hazard(migration, one, migration.shipped() + migration.earlier(one))
    added = [one for one in migration.operations if isinstance(one, AddConstraint) and one.name is None]
    for one in migration.downgrade() or () if added else ():
        if isinstance(one, DropConstraint) and one.unnamed:
            yield _hazard(migration, one, tuple(added), downgrade=True)


def _hazard(
    migration: Migration, one: DropConstraint, earlier: tuple[Operation, ...], downgrade: bool = False
) -> Hazard:
    candidates = [
        other
        for other, _ in backwards(one.table, earlier)
        if isinstance(other, AddConstraint) and other.name is None and one.kind in (None, other.kind)
    ]
    added = candidates[0] if len(candidates) == 1 else None
    name = _given_name(added) if added else None
    command = "`alembic downgrade`" if downgrade else "`alembic upgrade`"
    message = (
        f"a constraint of {one.table} is dropped by the name None: {command} stops there, since DROP CONSTRAINT wants "
        "a name."
    )
    if name:
        message += f" PostgreSQL has called it {name}, unless a naming convention has."
    if one.kind == "primary key":
        message += ' A naming_convention with "pk" may name it.'
    lines = []
    if name is None:
        lines.append(f"# its name: {_question(one)}")
    if downgrade and added and name and (call := python_call(added.call)) and _first_is_none(call):
        lines += ["# in upgrade():", source(_named(call, name)), "# in downgrade():"]
    call = python_call(one.call)
    lines.append(source(_named(call, name or "…")) if call else "…")
    return migration.hazard(one, message, "\n".join(lines), sure=one.kind != "primary key" and not downgrade)


def _given_name(one: AddConstraint) -> str | None:
    """The name that PostgreSQL gives a constraint without one; None where that depends on more than what is known."""
    if one.kind in ("check", "exclude") or (one.kind != "primary key" and not one.columns):
        return None
    columns = () if one.kind == "primary key" else one.columns
    name = "_".join([one.table.name, *columns, _SUFFIX[one.kind]])
    return name if len(name.encode()) <= _LONGEST else None


def _question(one: DropConstraint) -> str:
    kind = f" AND contype = '{_CONTYPE[one.kind]}'" if one.kind in _CONTYPE else ""
    return f"SELECT conname FROM pg_constraint WHERE conrelid = '{sql_name(one.table)}'::regclass{kind}"


def _first_is_none(call: ast.Call) -> bool:
    given = [*call.args[:1], *(one.value for one in call.keywords if one.arg == "constraint_name")]
    return any(isinstance(one, ast.Constant) and one.value is None for one in given)


def _named(call: ast.Call, name: str) -> ast.Call:
    """The call, with a name in the place of None."""
    if call.args:
        return ast.Call(call.func, [ast.Constant(name), *call.args[1:]], call.keywords)
    return with_keywords(call, constraint_name=literal(name))
