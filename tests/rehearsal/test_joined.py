"""Each refused example of a rule is confirmed by what PostgreSQL did with it; where it did not, it is cleared."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from migration_gate.findings import Finding, Note
from migration_gate.operations.model import Table
from migration_gate.postgres.server import Server
from migration_gate.rehearsal import evidence
from migration_gate.rehearsal.child import Ran
from migration_gate.rehearsal.joined import CLEARED, JUDGES, join
from migration_gate.rehearsal.on_rows import Failure, failure
from migration_gate.rehearsal.unforeseen import blocks_traffic
from migration_gate.rules.pages import page, revisions
from tests.rehearsal import observed
from tests.rehearsal.observed import DRIVERS

EXAMPLES = [
    pytest.param(rule, text, heading == "refused", id=f"{rule} {heading} {number}")
    for rule in JUDGES
    for heading in ("refused", "instead")
    for number, text in enumerate(getattr(page(rule), heading))
    if not text.startswith("# env.py")
]


class Joined(NamedTuple):
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    static: tuple[Finding, ...]
    ran: Ran
    statements: tuple[evidence.Seen, ...]
    failure: Failure | None

    def of(self, rule: str) -> list[Finding]:
        return [one for one in self.findings if one.rule == rule]

    def noted(self, rule: str) -> list[str]:
        return [one.message.removeprefix(f"{rule}: ") for one in self.notes if one.message.startswith(f"{rule}: ")]


def joined(
    server: Server,
    folder: Path,
    *bodies: str,
    driver: str = "psycopg",
    per_migration: bool = False,
    settings: str = "",
    setup: tuple[str, ...] = (),
) -> Joined:
    """What is said of new revisions on production with its rows, by reading and by rehearsing."""
    observed.project(folder, *bodies, driver=driver, per_migration=per_migration, settings=settings)
    project, verdict = observed.found(folder), observed.read(folder)
    database = observed.fork(server, *setup)
    ran = observed.upgrade(folder, server, database)
    observed.drop(server, database)
    statements = evidence.seen(ran.events)
    findings, notes = join(project, server.version, verdict.findings, verdict.notes, statements)
    more, others = blocks_traffic(project, server.version, findings, notes, statements)
    errors = ran.of("error")
    failed = failure(errors[0], verdict.findings, statements, {Table("users"): 3}) if errors else None
    return Joined((*findings, *more), (*notes, *others), verdict.findings, ran, statements, failed)


def check(server: Server, folder: Path, rule: str, text: str, refused: bool, driver: str) -> None:
    per_migration = "transaction_per_migration=True" in text
    said = joined(server, folder, *revisions(text), driver=driver, per_migration=per_migration)
    if refused:
        static = [one for one in said.static if one.rule == rule]
        assert len(said.of(rule)) >= len(static)
        assert all(one.evidence for one in said.of(rule)), [(one.line, one.message) for one in said.of(rule)]
        assert said.of(rule) or any("If " in one for one in said.noted(rule)), said.noted(rule)
    else:
        assert said.of(rule) == []
        assert not said.ran.of("error")
        assert said.of("blocks-traffic") == []


@pytest.mark.parametrize(("rule", "text", "refused"), EXAMPLES)
def test_an_example(rule: str, text: str, refused: bool, server: Server, tmp_path: Path) -> None:
    check(server, tmp_path, rule, text, refused, "psycopg")


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS.keys() - {"psycopg"})
@pytest.mark.parametrize(("rule", "text", "refused"), EXAMPLES)
def test_an_example_on_every_driver(
    rule: str, text: str, refused: bool, driver: str, server: Server, tmp_path: Path
) -> None:
    if driver == "pg8000" and ("autocommit_block" in text or "CONCURRENTLY" in text):
        pytest.skip("pg8000 opens a transaction there, watched or not")
    check(server, tmp_path, rule, text, refused, driver)
