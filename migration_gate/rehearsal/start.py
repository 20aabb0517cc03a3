"""Where a rehearsal begins, when that is not an empty database: SQL files that the settings name, and plain dumps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from migration_gate.findings import CannotJudge
from migration_gate.postgres.databases import connect
from migration_gate.postgres.server import Server


def run_file(
    path: Path,
    server: Server,
    database: str,
    leave: Callable[[str], bool] = lambda line: False,
    named: str = "which the settings name",
) -> None:
    """Run an SQL file, also as ``pg_dump`` writes it, in a database: statements, ``COPY … FROM stdin`` with its rows,
    and psql's own commands, which are left out, as are lines that ``leave`` says so of. Raises CannotJudge with the
    line that failed; ``named`` says there where the file's name comes from.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotJudge(f"cannot read {path}, {named}: {error}") from None
    statements: list[str] = []
    begun, copy = 1, False
    rows: list[str] = []
    with connect(server, database) as connection:
        for number, line in enumerate(text.split("\n"), 1):
            if copy:
                if line != "\\.":
                    rows.append(line + "\n")
                    continue
                _run(connection, statements[-1], path, begun, named, rows)
                statements, rows, copy, begun = [], [], False, number + 1
            elif line.startswith("COPY ") and line.rstrip().endswith("FROM stdin;"):
                _run(connection, "\n".join(statements), path, begun, named)
                statements, copy, begun = [line], True, number
            elif not line.startswith("\\") and not leave(
                line
            ):  # \connect, and \restrict of newer pg_dump: psql's, not PostgreSQL's
                statements.append(line)
            else:
                statements.append("")
        _run(connection, "\n".join(statements), path, begun, named)


def _run(
    connection: psycopg.Connection, sql: str, path: Path, line: int, named: str, rows: list[str] | None = None
) -> None:
    if not sql.strip():
        return
    try:
        with connection.cursor() as cursor:
            if rows is None:
                cursor.execute(sql.encode())
            else:
                with cursor.copy(sql.encode()) as copy:
                    copy.write("".join(rows))
    except psycopg.Error as error:
        position = error.diag.statement_position
        if position and rows is None:
            line += sql[: int(position) - 1].count("\n")
        words = error.diag.message_primary or str(error).split("\n")[0]
        raise CannotJudge(f"{path}:{line}, {named}, fails: {words}") from None
