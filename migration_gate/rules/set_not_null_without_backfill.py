"""A column is set NOT NULL, and nothing before it fills the NULLs that it may hold.

PostgreSQL reads the whole table to prove that no NULL is left, and refuses with `column "…" of relation "…"
contains null values` (23502) if it finds one. On an empty laptop there is none.

Fill them first, in the same revision or an earlier new one. On a large table the UPDATE belongs in a revision of
its own, in batches, and a CHECK (column IS NOT NULL), added NOT VALID and validated apart, lets SET NOT NULL skip
its scan.

Silent where an UPDATE of that column or a DELETE on that table comes before it, where a valid CHECK proves it,
where the column was added with a server default, and on tables that a new revision creates.

Source: PostgreSQL's documentation, ALTER TABLE, SET NOT NULL; measured on a table with rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.operations.model import (
    AddColumn,
    AddConstraint,
    ChangeRows,
    Operation,
    SetNotNull,
    ValidateConstraint,
)
from migration_gate.rules.base import Hazard, Migration, is_new, not_read_in, same


def check(migration: Migration) -> Iterator[Hazard]:
    for operation in migration.operations:
        if not isinstance(operation, SetNotNull):
            continue
        earlier = migration.earlier(operation)
        if is_new(operation.table, earlier) or _filled(operation, earlier):
            continue
        table, column = operation.table, operation.column
        unread = not_read_in(earlier)
        doubt = f" Line {unread.at.line} was not read, and may fill them." if unread else ""
        yield Hazard(
            message=f"{table}.{column} is set NOT NULL, and nothing before it fills the NULLs that it may hold. "
            f"PostgreSQL reads all of {table} to look for one, and refuses the migration if it finds it.{doubt}",
            path=operation.at.path,
            line=operation.at.line,
            end=operation.at.end,
            revision=migration.revision.id,
            remedy=_remedy(operation),
            sure=unread is None,
        )


def _filled(target: SetNotNull, earlier: tuple[Operation, ...]) -> bool:
    not_valid: set[str | None] = set()
    for operation in earlier:
        if not same(getattr(operation, "table", None), target.table):
            continue
        match operation:
            case ChangeRows(verb="UPDATE", columns=columns):
                if not columns or target.column in columns:
                    return True
            case ChangeRows(verb="DELETE"):
                return True
            case AddColumn(column=column) if column.name == target.column:
                if column.fills_itself or column.default not in (None, "NULL"):
                    return True
            case AddConstraint(valid=valid, proves_not_null=proves) if target.column in proves:
                if valid:
                    return True
                not_valid.add(operation.name)
            case ValidateConstraint(name=name):
                if name in not_valid:
                    return True
    return False


def _remedy(operation: SetNotNull) -> str:
    table, column = operation.table, operation.column
    sql = f"UPDATE {table} SET {column} = … WHERE {column} IS NULL"
    if operation.call.lstrip().upper().startswith("ALTER"):
        return f"{sql};\n{operation.call.rstrip('; ')};"
    call = operation.call.replace("batch_op.alter_column(", f'op.alter_column("{table.name}", ', 1)
    return f'op.execute("{sql}")\n{call}'
