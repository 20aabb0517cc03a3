"""A column is set NOT NULL, and nothing before it fills the NULLs that it may hold.

PostgreSQL reads the whole table to prove that no NULL is left, and refuses with `column "…" of relation "…"
contains null values` (23502) if it finds one. On an empty laptop there is none.

Fill them first, in the same revision or an earlier new one. On a large table the UPDATE belongs in a revision of
its own, in batches, and a CHECK (column IS NOT NULL), added NOT VALID and validated apart, lets SET NOT NULL skip
its scan.

Silent where an UPDATE of all NULLs of that column or a DELETE on that table comes before it (one whose WHERE may
leave some is a note), where a valid CHECK proves it,
where the column was added with a server default or is NOT NULL already, and on tables that a new revision creates.

Source: PostgreSQL's documentation, ALTER TABLE, SET NOT NULL; measured on a table with rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeRows,
    CreateTable,
    DropColumn,
    DropNotNull,
    NotRead,
    Operation,
    RenameColumn,
    RenameTable,
    SetNotNull,
    ValidateConstraint,
)
from migration_gate.rules.base import Hazard, Migration, execute, is_new, not_read_about, quoted, same, sql_name, tidy


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, SetNotNull):
            continue
        earlier = migration.earlier(operation)
        if is_new(operation.table, earlier) or _filled(operation, earlier):
            continue
        if _is_not_null_already(operation, migration.shipped() + earlier):
            continue
        table, column = operation.table, operation.column
        partly = _partly_filled(operation, earlier)
        unread = not_read_about(table, earlier, operation.at.path)
        before = "nothing before it fills the NULLs that it may hold"
        if partly:
            before = f"the UPDATE of {_place(partly)} has a WHERE that may leave NULLs behind"
        elif unread:
            before = f"what {_place(unread)} does to the NULLs that it may hold could not be read"
        yield Hazard(
            message=f"{table}.{column} is set NOT NULL, and {before}. PostgreSQL reads all of {table} to look for one, "
            "and refuses the migration if it finds it.",
            path=operation.at.path,
            line=operation.at.line,
            end=operation.at.end,
            revision=migration.revision.id,
            remedy=_remedy(operation),
            sure=not (partly or unread),
        )


def _filled(target: SetNotNull, earlier: tuple[Operation, ...]) -> bool:
    """Whether no NULL can be left: read backwards, so that a column or table is followed through its renamings."""
    table, column = target.table, target.column
    validated: set[str] = set()
    for one in reversed(earlier):
        if isinstance(one, RenameTable) and same(one.to, table):
            table = one.table
        if not same(getattr(one, "table", None), table):
            continue
        match one:
            case RenameColumn(to=to) if to == column:
                column = one.column
            case ChangeRows(verb="DELETE"):
                return True
            case ChangeRows(verb="UPDATE"):
                if not one.columns or (column in one.columns and (one.every_null is None or column in one.every_null)):
                    return True
            case AddColumn() if one.column.name == column:
                return bool(one.column.fills_itself) or one.column.default not in (None, "NULL")
            case ValidateConstraint():
                validated.add(one.name)
            case AddConstraint() if column in one.proves_not_null and (one.valid or one.name in validated):
                return True
    return False


def _is_not_null_already(target: SetNotNull, earlier: tuple[Operation, ...]) -> bool:
    """Whether the column has been NOT NULL since an earlier revision; many a change of type repeats it."""
    table, column = target.table, target.column
    for one in reversed(earlier):
        if isinstance(one, RenameTable) and same(one.to, table):
            table = one.table
        if not same(getattr(one, "table", None), table):
            continue
        match one:
            case RenameColumn(to=to) if to == column:
                column = one.column
            case SetNotNull() if one.column == column:
                return True
            case DropNotNull() | DropColumn() if one.column == column:
                return False
            case AddColumn() if one.column.name == column:
                return one.column.not_null is True
            case CreateTable():
                return any(made.name == column and made.not_null is True for made in one.columns)
    return False


def _partly_filled(target: SetNotNull, earlier: tuple[Operation, ...]) -> ChangeRows | None:
    """An UPDATE that sets the column in some rows, and nobody can say by reading whether these are all."""
    for one in earlier:
        if isinstance(one, ChangeRows) and one.verb == "UPDATE" and same(one.table, target.table):
            filled = target.column in one.columns
            if filled:
                return one
    return None


def _place(one: ChangeRows | NotRead) -> str:
    return f"{one.at.path.name}:{one.at.line}"


def _remedy(operation: SetNotNull) -> str:
    table, column = operation.table, operation.column
    sql = f"UPDATE {sql_name(table)} SET {quoted(column)} = … WHERE {quoted(column)} IS NULL"
    if operation.call.lstrip().upper().startswith("ALTER"):
        return f"{sql};\n{operation.call.rstrip('; ')};"
    call = operation.call.replace("batch_op.alter_column(", f'op.alter_column("{table.name}", ', 1)
    return f"{execute(sql)}\n{tidy(call)}"
