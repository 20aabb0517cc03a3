"""A migration imports a mapped class of the application.

The class is that of today's code; the migration is of the day on which it was written. As soon as a later revision adds
a column to the class, each query that this migration makes with it names a column that is not there yet, and a new
database, the one of a test or of a new colleague, cannot be built: `column users.locale does not exist` (42703). When
the class is renamed or removed, the file cannot even be imported, and with it no other revision.

Refused:

    from app.models import User

    op.execute(sa.update(User).where(User.email.is_(None)).values(email=User.name))

Write instead:

    users = sa.table("users", sa.column("id"), sa.column("email"), sa.column("name"))
    op.execute(users.update().where(users.c.email.is_(None)).values(email=users.c.name))

That is the table as this migration needs it, with the few columns that it uses, for as long as the file is kept.

Silent on helper modules without mapped classes: what they hold is the author's to keep. A class that is imported for
its `__tablename__` alone is a note.

Source: SQLAlchemy's documentation, "Lightweight Table constructs"; measured: a migration with its class, after the
class has got another column.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from migration_gate.operations.model import UsesModel
from migration_gate.project.models import Mapped, read_mapped
from migration_gate.project.revision import SyntaxProblem, parse_python
from migration_gate.rules.base import Hazard, Migration, nodes_of
from migration_gate.rules.remedies import literal


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if isinstance(operation, UsesModel) and _is_name_alone(operation):
            yield migration.hazard(
                operation,
                f"{operation.name} is the application's own class ({operation.where}), imported for its __tablename__ "
                "alone. Once it is renamed or removed, this file can no longer be imported, and no database upgraded: "
                "write the table's name.",
                sure=False,
            )
        elif isinstance(operation, UsesModel):
            yield migration.hazard(
                operation,
                f"{operation.name} is the application's own class ({operation.where}), as it is today and not as it "
                "was when this migration was written. Once a later revision adds a column to it, the queries here name "
                "a column that is not there yet, and a new database can no longer be built.",
                _remedy(operation, migration.project.root),
            )


def _is_name_alone(operation: UsesModel) -> bool:
    """Whether the migration takes nothing of a class but what its table is called."""
    nodes = nodes_of(operation.at.path)
    uses = [one for one in nodes if operation.name in (getattr(one, "id", None), getattr(one, "attr", None))]
    names = [one.value for one in nodes if isinstance(one, ast.Attribute) and one.attr == "__tablename__"]
    return bool(uses) and all(any(one is name for name in names) for one in uses)


def _remedy(operation: UsesModel, root: Path) -> str | None:
    """The table with those of its columns that the migration speaks of."""
    path = root / operation.where.rpartition(":")[0]
    found = next((one for one in read_mapped(_read(path)) if one.name == operation.name and one.table), None)
    if found is None or found.table is None:
        return None
    variable = found.table if found.table.isidentifier() else "table"
    columns = "".join(f", sa.column({literal(name)})" for name in _used(found, _read(operation.at.path)))
    schema = f", schema={literal(found.schema)}" if found.schema else ""
    return (
        f"{variable} = sa.table({literal(found.table)}{columns}{schema})\n"
        f"# and with it op.execute({variable}.update()…) or op.get_bind().execute(sa.select({variable}.c.…)), no ORM"
    )


def _used(found: Mapped, source: bytes) -> list[str]:
    """The mapped columns that a file names, as attributes, keywords or texts; all where it names none."""
    tree = parse_python(source)
    names: set[str | None] = set()
    for node in () if isinstance(tree, SyntaxProblem) else ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=name) | ast.Constant(value=str(name)):
                names.add(name)
    columns = list(dict(found.columns))
    return [one for one in columns if one in names] or columns


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return b""
