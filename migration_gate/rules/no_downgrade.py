"""A revision cannot be taken back: its downgrade() is missing, does nothing, or raises.

`alembic downgrade` is what a person reaches for when the new release has to go away at night. A downgrade() that is
`pass` is the worst of the three: Alembic runs it, writes into its version table that the revision is gone, and leaves
the schema as it is; the next `upgrade` fails on what is there already. One that is missing is an AttributeError, and
one that raises stops there, so that no revision before it can be taken back either.

Refused:

    op.add_column("users", sa.Column("locale", sa.Text(), nullable=True))

Write instead:

    def upgrade():
        op.add_column("users", sa.Column("locale", sa.Text(), nullable=True))


    def downgrade():
        op.drop_column("users", "locale")

Off unless `extend-select = ["no-downgrade"]` in [tool.migration-gate] switches it on: many projects only ever go
forward, and restore a backup where that is not enough.

Silent on merge revisions and others whose upgrade() does nothing. Where a change cannot be taken back, say so on
the line of downgrade(): `def downgrade():  # migration-gate: allow no-downgrade because the rows are gone`.

Source: Alembic's documentation, tutorial, "Downgrading"; measured: down and up again with a downgrade() that is `pass`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    Boundary,
    CreateIndex,
    CreateTable,
    DropNotNull,
    NotRead,
    Operation,
    Other,
    RenameColumn,
    RenameTable,
    Set,
    SetNotNull,
    UsesModel,
)
from migration_gate.project.revision import SyntaxProblem, parse_python
from migration_gate.rules.base import Hazard, Migration
from migration_gate.rules.remedies import literal, schema_keyword


def check(migration: Migration) -> Iterator[Hazard]:
    if not _changes(migration):
        return
    undone = migration.downgrade()
    if undone is None:
        yield _hazard(migration, "is missing: Alembic stops with an AttributeError where it should go back", None)
    elif not undone:
        yield _hazard(
            migration,
            "does nothing: Alembic marks the revision as gone and leaves in the database all that it has made, and the "
            "next upgrade fails on that",
            None,
        )
    elif len(undone) == 1 and isinstance(undone[0], NotRead) and undone[0].reason.startswith("raises"):
        yield _hazard(migration, "raises: neither this revision nor any before it can be taken back", undone[0].at.line)


def _changes(migration: Migration) -> list[Operation]:
    """What there is to take back."""
    return [one for one in migration.operations if not isinstance(one, Other | Boundary | Set | UsesModel)]


def _hazard(migration: Migration, why: str, line: int | None) -> Hazard:
    revision = migration.revision
    line = line or _line(migration) or revision.line
    return Hazard(f"downgrade() of {revision.id} {why}.", revision.path, line, line, revision.id, _remedy(migration))


def _line(migration: Migration) -> int | None:
    """Where downgrade() begins."""
    try:
        tree = parse_python(migration.revision.path.read_bytes())
    except OSError:
        return None
    if isinstance(tree, SyntaxProblem):
        return None
    named = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("downgrade"))
    return next((one.lineno for one in named), None)


def _remedy(migration: Migration) -> str | None:
    """The way back, last change first; None where a part of it cannot be made of the way there."""
    lines = []
    for one in reversed(_changes(migration)):
        back = _BACK.get(type(one), _nothing)(one)
        if back is None:
            return None
        lines += [f"    {back}"] if back else []
    return "def downgrade():\n" + "\n".join(lines)


def _nothing(_: object) -> None:
    return None


def _add_column(one: AddColumn) -> str:
    return f"op.drop_column({literal(one.table.name)}, {literal(one.column.name)}{schema_keyword(one.table)})"


def _create_table(one: CreateTable) -> str | None:
    return None if one.if_not_exists else f"op.drop_table({literal(one.table.name)}{schema_keyword(one.table)})"


def _create_index(one: CreateIndex) -> str | None:
    if one.name is None or one.if_not_exists:
        return None
    drop = f"op.drop_index({literal(one.name)}, table_name={literal(one.table.name)}{schema_keyword(one.table)}"
    if not one.concurrently:
        return f"{drop})"
    return f"with op.get_context().autocommit_block():\n        {drop}, postgresql_concurrently=True)"


def _add_constraint(one: AddConstraint) -> str | None:
    if one.inline:
        return ""
    if one.name is None:
        return None
    return f"op.drop_constraint({literal(one.name)}, {literal(one.table.name)}{schema_keyword(one.table)})"


def _rename_column(one: RenameColumn) -> str:
    names = f"{literal(one.table.name)}, {literal(one.to)}, new_column_name={literal(one.column)}"
    return f"op.alter_column({names}{schema_keyword(one.table)})"


def _rename_table(one: RenameTable) -> str | None:
    if one.table.schema != one.to.schema:
        return None
    return f"op.rename_table({literal(one.to.name)}, {literal(one.table.name)}{schema_keyword(one.table)})"


def _nullable(value: bool) -> Callable[[SetNotNull | DropNotNull], str]:
    def back(one: SetNotNull | DropNotNull) -> str:
        names = f"{literal(one.table.name)}, {literal(one.column)}, nullable={value}"
        return f"op.alter_column({names}{schema_keyword(one.table)})"

    return back


_BACK: dict[type[Operation], Callable[..., str | None]] = {
    AddColumn: _add_column,
    CreateTable: _create_table,
    CreateIndex: _create_index,
    AddConstraint: _add_constraint,
    RenameColumn: _rename_column,
    RenameTable: _rename_table,
    SetNotNull: _nullable(True),
    DropNotNull: _nullable(False),
}
