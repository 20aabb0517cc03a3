"""Ends a revision midway, as a deployment that is killed: after some of its statements, before the next one."""

from __future__ import annotations

from typing import Any

from migration_gate_inside import observe

_count = 0


class Stopped(BaseException):
    """The gate has stopped the revision here."""


def after(revision: str, statements: int) -> None:
    """Let so many of the revision's statements run, those that observe.py tells of, and no more."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    global _count
    _count = 0

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        global _count
        if observe.teller(statement) != revision:
            return
        if _count == statements:
            event.remove(Engine, "before_cursor_execute", before)
            raise Stopped(f"migration-gate stopped {revision} after {statements} statements")
        _count += 1

    event.listen(Engine, "before_cursor_execute", before)
