"""docs/facts.md is what the server at hand does, and what lint takes for granted of a statement is what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.operations.effects import STRENGTH, Work, effects
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import At, Lock, NotRead
from tests.majors import MAJORS
from tests.rules.facts import DOCUMENT, Fact, Measured, blind, every, measure, written
from tests.rules.watch import Lab

FACTS = [
    pytest.param(one, id=one.shown, marks=[pytest.mark.xfail(reason=one.blind, strict=True)] * bool(one.blind))
    for one in every()
]
WEAK = STRENGTH["ROW SHARE"]  # a foreign key's other side: nothing that ALTER TABLE takes is as weak


@pytest.fixture(scope="module")
def measured(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Measured]:
    """Each statement, measured once."""
    folder = tmp_path_factory.mktemp("facts")
    facts = [one for one in every() if lab.server.major >= one.since]
    return {one.shown: measure(lab, one, folder / str(number)) for number, one in enumerate(facts)}


def test_every_statement_is_named_once() -> None:
    assert len({one.shown for one in every()}) == len(every())


@pytest.mark.slow
def test_the_page_is_what_this_server_does(measured: dict[str, Measured], lab: Lab) -> None:
    if lab.server.major not in MAJORS:
        pytest.skip(f"the page has nothing of PostgreSQL {lab.server.major}")
    now = {shown: one.cells for shown, one in measured.items()}
    assert written(DOCUMENT.read_text(), lab.server.major) == now, "make facts writes it anew"


def test_the_page_says_what_lint_takes_otherwise() -> None:
    assert DOCUMENT.read_text().endswith(f"\n{blind()}")


@pytest.mark.parametrize("fact", FACTS)
def test_lint_takes_for_granted_what_postgresql_does(fact: Fact, measured: dict[str, Measured]) -> None:
    done = measured.get(fact.shown)
    if done is None or done.error:
        pytest.skip("not on this server, or not at all")
    locks, work = foreseen(fact)
    seen = {table: lock for table, lock in done.tables if STRENGTH[lock] > WEAK and table not in fact.unsaid}
    assert locks == seen
    for table, what in work.items():
        found = {its for name, its in done.work if name == table or name in fact.unsaid}
        assert what is None or what in (found or {""})
    assert {name for name, _ in done.work} - fact.unsaid <= set(work)


def foreseen(fact: Fact) -> tuple[dict[str, Lock], dict[str, Work | None]]:
    """Each table's strongest lock and the work on it, as lint has them from the statement's text."""
    locks: dict[str, Lock] = {}
    work: dict[str, Work | None] = {}
    for operation in read_sql(fact.sql, At(Path("a.py"), 1, 1), binds=False):
        assert not isinstance(operation, NotRead), operation.reason
        for table, lock, what in effects(operation, fact.known):
            name = str(table)
            if STRENGTH[lock] > STRENGTH[locks.get(name, "ACCESS SHARE")]:
                locks[name] = lock
            if what != "" or name not in work:
                work[name] = what
    return locks, work
