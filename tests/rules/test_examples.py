"""Every example of a rule's page runs on PostgreSQL, which has to bear out what the rule says of it.

An example is the body of an ``upgrade()``, or a file's functions; ``# the next revision`` begins another one. They run
on production.py in the order in which they stand, as Alembic does by default: all in one transaction. An example with
the words ``transaction_per_migration=True`` runs with that. One that begins with ``# env.py`` stands in env.py, where
the transaction begins, and what runs is the first example that the rule refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from migration_gate.findings import Verdict
from migration_gate.rules import OPERATIONS
from migration_gate.rules.pages import INSTEAD, REFUSED, page, revisions
from tests.rules.conftest import Repository
from tests.rules.production import KEPT_OUT, MODELS, READS, WRITES
from tests.rules.watch import SHIPPED, Lab, Locks, Seen, Statement, answers, ask, fork, project, upgrade

TABLES = frozenset("users groups memberships orders events events_2024 events_2025 order_totals".split()) | {
    "crm.users",
    "order",
    "Users",
}
STRONG = ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")  # writes wait for these


class Example:
    """An example in a project of its own, which can run any number of times."""

    def __init__(self, lab: Lab, folder: Path, rule: str, text: str) -> None:
        self.lab, self.folder = lab, folder
        self.begins = text if text.startswith("# env.py") else "pass"
        self.bodies = revisions(page(rule).refused[0] if self.begins == text else text)
        self.per_migration = "transaction_per_migration=True" in text
        self.write()

    def write(self, application: str = MODELS) -> None:
        how = {"application": application, "begins": self.begins}
        project(self.folder, *self.bodies, per_migration=self.per_migration, **how)

    @cached_property
    def seen(self) -> Seen:
        """What PostgreSQL does with it on rows."""
        return self.run()

    def run(self, rows: bool = True, probes: tuple[str, ...] = ()) -> Seen:
        with fork(self.lab, rows) as database:
            return upgrade(self.lab, database, self.folder, probes=probes)

    def judge(self, *rules: str) -> Verdict:
        return Repository(self.folder).judge(select=rules, start_after=(SHIPPED,))


def exclusively(locks: Locks) -> set[str]:
    return {table for table, mode in locks if mode == "ACCESS EXCLUSIVE" and table in TABLES}


def strongly(locks: Locks) -> set[str]:
    return {table for table, mode in locks if mode in STRONG and table in TABLES}


def any_statement(claim: Callable[[Statement], object]) -> Callable[[Example], bool]:
    return lambda example: any(map(claim, example.seen.statements))


def ends_with(*errors: str) -> Callable[[Example], bool]:
    return lambda example: example.seen.error in errors


def fails_on_rows(*errors: str) -> Callable[[Example], bool]:
    return lambda example: example.seen.error in errors and example.run(rows=False).error is None


def narrows(example: Example) -> bool:
    """Values do not fit, or they are not what they were, and nobody has changed them by an UPDATE."""
    if example.seen.error:
        return fails_on_rows("22001", "22003", "22P02", "22007", "22008", "23514")(example)
    updates = any(one.rows for one in example.seen.statements)
    return not updates and after(example, *READS) != (values := before(example, *READS)) and bool(values)


def before(example: Example, *questions: str) -> list[object]:
    with fork(example.lab) as database:
        return _sorted(answers(example.lab, database, *questions))


def after(example: Example, *questions: str) -> list[object]:
    """The answers after the upgrade."""
    with fork(example.lab) as database:
        upgrade(example.lab, database, example.folder)
        return _sorted(answers(example.lab, database, *questions))


def _sorted(found: list[list[tuple[Any, ...]] | str]) -> list[object]:
    return [one if isinstance(one, str) else sorted(map(str, one)) for one in found]


def discards(example: Example) -> bool:
    """A table has no rows any more, or something went that nobody named."""
    counts = [f"SELECT count(*) FROM {one.partition(' FROM ')[2]}" for one in READS]
    emptied = any(
        was != now == ["(0,)"] for was, now in zip(before(example, *counts), after(example, *counts), strict=True)
    )
    return emptied or any(" cascades to " in said for one in example.seen.statements for said in one.said)


def unchecked(example: Example) -> bool:
    """At some moment the database takes what production's keys refuse."""
    return any(one.passed for one in example.run(probes=KEPT_OUT).statements)


def old_code_fails(example: Example) -> bool:
    return any(isinstance(one, str) for one in after(example, *READS, *WRITES))


def several_at_once(example: Example) -> bool:
    locked: dict[int | None, set[str]] = {}
    for one in example.seen.statements:
        if one.transaction is not None:
            locked.setdefault(one.transaction, set()).update(strongly(one.locks))
    return any(len(tables) > 1 for tables in locked.values())


def works_under_exclusive_lock(one: Statement) -> bool:
    works = one.rows or one.scanned or one.built or one.rewrote
    own_scan = one.scanned & exclusively(one.held) and re.search("SET NOT NULL", one.sql, re.IGNORECASE)
    return bool(own_scan or (works and exclusively(one.held - one.locks)))


def cannot_be_repeated(example: Example) -> bool:
    """Stopped somewhere in the middle, the upgrade fails when it is tried again."""
    for position in range(len(example.seen.statements)):
        with fork(example.lab) as database:
            upgrade(example.lab, database, example.folder, stop_before=position, traffic=False)
            if upgrade(example.lab, database, example.folder, traffic=False).error:
                return True
    return False


def invalid_index_stays(example: Example) -> bool:
    """A statement timeout ends the build; the next upgrade goes through, and the index is invalid all the same."""
    with fork(example.lab) as database:
        assert upgrade(example.lab, database, example.folder, cancel=True).error == "57014"
        assert upgrade(example.lab, database, example.folder).error is None
        return bool(ask(example.lab, database, "SELECT 1 FROM pg_index WHERE NOT indisvalid"))


def depends_on_application(example: Example) -> bool:
    """It fails once the application's models have gone their way."""
    example.write(application="")
    return example.run().error is not None


SHAPE = """
    SELECT format('%s.%s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relnamespace::regnamespace::text IN ('public', 'crm')
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace::regnamespace::text IN ('public', 'crm')
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index
    UNION ALL SELECT format('%s %s', enumtypid::regtype, enumlabel) FROM pg_enum
"""


def no_way_back(example: Example) -> bool:
    """A downgrade fails, or leaves the schema as it found it."""
    shape = before(example, SHAPE)
    with fork(example.lab) as database:
        assert upgrade(example.lab, database, example.folder).error is None
        if upgrade(example.lab, database, example.folder, to=SHIPPED).error:
            return True
        return _sorted(answers(example.lab, database, SHAPE)) != shape


# What PostgreSQL, or Alembic, has to do with an example that a rule refuses, and not with what it would have instead.
PROOF: dict[str, Callable[[Example], bool]] = {
    "not-null-without-default": fails_on_rows("23502"),
    "set-not-null-without-backfill": fails_on_rows("23502"),
    "narrows-type": narrows,
    "rewrites-table": any_statement(lambda one: one.rewrote & exclusively(one.held)),
    "index-without-concurrently": any_statement(lambda one: "INDEX" in one.sql.upper() and strongly(one.locks)),
    "constraint-without-not-valid": any_statement(lambda one: one.scanned & strongly(one.held)),
    "constraint-builds-index": any_statement(lambda one: one.built & exclusively(one.held)),
    "validated-in-same-transaction": any_statement(lambda one: one.scanned & strongly(one.held - one.locks)),
    "work-under-exclusive-lock": any_statement(works_under_exclusive_lock),
    "locks-several-tables": several_at_once,
    "locks-partition-parent": any_statement(
        lambda one: "events" in exclusively(one.locks) or one.scanned & exclusively(one.held)
    ),
    "missing-lock-timeout": any_statement(lambda one: strongly(one.locks) and one.lock_timeout == "0"),
    "concurrently-in-transaction": ends_with("25001"),
    "autocommit-block-not-alone": cannot_be_repeated,
    "keeps-invalid-index": invalid_index_stays,
    "enum-value-used-at-once": ends_with("55P04"),
    "drops-unnamed-constraint": ends_with("CompileError", "ValueError"),
    "discards-rows": discards,
    "disables-checks": unchecked,
    "drops-in-use": old_code_fails,
    "renames": old_code_fails,
    "imports-application": depends_on_application,
    "no-downgrade": no_way_back,
}
# Of these, the claim is that the upgrade ends there.
FAILS = (
    "not-null-without-default",
    "set-not-null-without-backfill",
    "narrows-type",
    "concurrently-in-transaction",
    "enum-value-used-at-once",
    "drops-unnamed-constraint",
)


# What another rule says of an example all the same, and rightly: a narrower type costs a rewrite, once its values fit.
ALSO = {"narrows-type": {"rewrites-table"}}


def examples(heading: str) -> list[object]:
    return [
        pytest.param(name, text, id=f"{name} {number}")
        for name in OPERATIONS
        for number, text in enumerate(page(name).examples(heading), 1)
    ]


@pytest.mark.parametrize("rule", OPERATIONS)
def test_every_rule_shows_what_it_refuses_and_what_to_write_instead(rule: str) -> None:
    shown = page(rule)
    assert shown.refused
    assert shown.instead
    elsewhere = [one.text for one in shown.parts if one.code and not one.heading]
    assert not [one for one in elsewhere if "op." in one], "an example that nobody runs"


@pytest.mark.parametrize(("rule", "text"), examples(REFUSED))
def test_what_a_rule_refuses_does_what_it_says(rule: str, text: str, lab: Lab, tmp_path: Path) -> None:
    example = Example(lab, tmp_path, rule, text)
    if rule not in FAILS:
        assert example.seen.error is None, example.seen.message
    assert PROOF[rule](example), example.seen


@pytest.mark.parametrize(("rule", "text"), examples(INSTEAD))
def test_what_a_rule_would_have_instead_does_not(rule: str, text: str, lab: Lab, tmp_path: Path) -> None:
    example = Example(lab, tmp_path, rule, text)
    assert example.seen.error is None, example.seen.message
    assert not PROOF[rule](example), example.seen


@pytest.mark.parametrize(("rule", "text"), examples(REFUSED))
def test_a_rule_refuses_its_own_examples(rule: str, text: str, lab: Lab, tmp_path: Path) -> None:
    verdict = Example(lab, tmp_path, rule, text).judge(rule)
    assert verdict.findings or [one for one in verdict.notes if one.message.startswith(rule)]


@pytest.mark.parametrize(("rule", "text"), examples(INSTEAD))
def test_a_rule_is_content_with_what_it_would_have_instead(rule: str, text: str, lab: Lab, tmp_path: Path) -> None:
    verdict = Example(lab, tmp_path, rule, text).judge(rule)
    assert verdict.findings == ()
    assert not [one for one in verdict.notes if one.message.startswith(rule)]


@pytest.mark.parametrize(("rule", "text"), examples(INSTEAD))
def test_no_other_rule_refuses_what_one_would_have_instead(rule: str, text: str, lab: Lab, tmp_path: Path) -> None:
    findings = Example(lab, tmp_path, rule, text).judge().findings
    assert {one.rule for one in findings} <= ALSO.get(rule, set()), findings
