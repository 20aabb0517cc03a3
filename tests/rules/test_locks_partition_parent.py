"""locks-partition-parent, against PostgreSQL: the locks that it speaks of, and the scans, are those that are seen."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.conftest import revision
from tests.rules.conftest import Repository, Watch
from tests.rules.production import SCHEMA
from tests.rules.tables import alternatives
from tests.rules.watch import Seen

RULE = "locks-partition-parent"
BOUNDS = "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
NEXT = "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
ATTACH = f'op.execute("ALTER TABLE events ATTACH PARTITION events_2025 {BOUNDS}")'
CHECK = "day >= '2025-01-01' AND day < '2026-01-01'"

# ACCESS EXCLUSIVE on the partitioned table.
LOCKS = {
    "PARTITION OF": f'op.execute("CREATE TABLE events_2026 PARTITION OF events {NEXT}")',
    "PARTITION OF, with a schema": f'op.execute("CREATE TABLE public.events_2026 PARTITION OF public.events {NEXT};")',
    "PARTITION OF, quoted": f'op.execute("""CREATE TABLE "Events 2026" PARTITION OF events {NEXT}""")',
    "a DEFAULT partition": 'op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")',
    "DETACH": 'op.execute("ALTER TABLE events DETACH PARTITION events_2024")',
    "partitions of a loop": """
        for year in (2026, 2027):
            bounds = f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
            op.execute(f"CREATE TABLE events_{year} PARTITION OF events {bounds}")
    """,
}
# The partition is read whole under ACCESS EXCLUSIVE.
SCANS = {
    "ATTACH": ATTACH,
    "ATTACH, a CHECK of something else": f'op.execute("ALTER TABLE events_2024 ADD CHECK (id > 0)")\n{ATTACH}',
    "a CHECK that is NOT VALID": f"""
        op.execute("ALTER TABLE events_2025 ADD CHECK (day IS NOT NULL AND {CHECK}) NOT VALID")
        {ATTACH}
    """,
    "a CHECK that is dropped again": f"""
        op.execute("ALTER TABLE events_2025 ADD CONSTRAINT bounds CHECK (day IS NOT NULL AND {CHECK}) NOT VALID")
        op.execute("ALTER TABLE events_2025 VALIDATE CONSTRAINT bounds")
        op.execute("ALTER TABLE events_2025 DROP CONSTRAINT bounds")
        {ATTACH}
    """,
}
# As above, but that the gate cannot know it: a note.
NULLABLE = {
    "a CHECK without IS NOT NULL": f'op.execute("ALTER TABLE events_2025 ADD CHECK ({CHECK})")\n{ATTACH}',
}
GOOD = {
    "made apart, then attached": f"""
        op.execute("CREATE TABLE events_2026 (LIKE events INCLUDING ALL)")
        op.execute("ALTER TABLE events ATTACH PARTITION events_2026 {NEXT}")
    """,
    "made by Alembic, then attached": f"""
        op.create_table(
            "events_2026",
            sa.Column("id", sa.BigInteger()),
            sa.Column("day", sa.Date()),
            sa.Column("payload", sa.Text()),
        )
        op.execute("ALTER TABLE events ATTACH PARTITION events_2026 {NEXT}")
    """,
    "DETACH CONCURRENTLY": """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY")
    """,
    "a CHECK of the bounds": f'op.execute("ALTER TABLE events_2025 ADD CHECK (day IS NOT NULL AND {CHECK})")\n{ATTACH}',
    "a CHECK that is validated": f"""
        op.execute("ALTER TABLE events_2025 ADD CONSTRAINT bounds CHECK (day IS NOT NULL AND {CHECK}) NOT VALID")
        op.execute("ALTER TABLE events_2025 VALIDATE CONSTRAINT bounds")
        {ATTACH}
    """,
    "a CHECK and NOT NULL": f"""
        op.execute("ALTER TABLE events_2025 ALTER day SET NOT NULL, ADD CHECK ({CHECK})")
        {ATTACH}
    """,
    "a new partitioned table": f"""
        op.execute("CREATE TABLE visits (day date) PARTITION BY RANGE (day)")
        op.execute("CREATE TABLE visits_2026 PARTITION OF visits {NEXT}")
        op.execute("ALTER TABLE visits DETACH PARTITION visits_2026")
    """,
}
# These hold, or read, nothing of the kind after the CHECK's own scan.
ATTACHES = [one for one in GOOD if "ATTACH" in GOOD[one]]


def locks(seen: Seen) -> bool:
    assert seen.error is None, seen
    return any(("events", "ACCESS EXCLUSIVE") in one.locks for one in seen.statements)


def scans(seen: Seen) -> bool:
    assert seen.error is None, seen
    return any("events_2025" in one.scanned for one in seen.statements if "ATTACH" in one.sql)


@pytest.mark.parametrize("body", LOCKS.values(), ids=LOCKS)
def test_the_partitioned_table_is_locked(body: str, watch: Watch):
    assert locks(watch(dedent(body)))


@pytest.mark.parametrize("body", [*SCANS.values(), *NULLABLE.values()], ids=[*SCANS, *NULLABLE])
def test_the_partition_is_read(body: str, watch: Watch):
    seen = watch(dedent(body))
    assert scans(seen)
    assert not locks(seen)
    assert ("events_2025", "ACCESS EXCLUSIVE") in seen.statements[-1].held


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_neither_happens(body: str, watch: Watch):
    seen = watch(dedent(body))
    assert not locks(seen)
    assert not scans(seen)


@pytest.mark.parametrize("body", [*LOCKS.values(), *SCANS.values()], ids=[*LOCKS, *SCANS])
def test_the_gate_refuses_it(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    assert {one.rule for one in repository.findings(select=(RULE,))} == {RULE}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_gate_lets_it_through(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    verdict = repository.judge(select=(RULE,))
    assert (verdict.findings, verdict.notes) == ((), ())


@pytest.mark.parametrize("body", NULLABLE.values(), ids=NULLABLE)
def test_what_depends_on_not_null_is_a_note(body: str, repository: Repository):
    repository.write({"a1.py": revision("a1", dedent(body))})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "does not say IS NOT NULL" in one.message]


@pytest.mark.parametrize("name", [*LOCKS, *SCANS])
def test_the_remedy_works(name: str, repository: Repository, watch: Watch):
    repository.write(
        {
            "a0.py": revision("a0", f"op.execute('''{SCHEMA}''')"),
            "a1.py": revision("a1", dedent((LOCKS | SCANS)[name]), "a0"),
        }
    )
    for finding in repository.findings(select=(RULE,), start_after=("a0",)):
        bodies = alternatives(finding)
        seen = watch(*bodies, per_migration=True)
        assert not locks(seen)
        assert not scans(seen)
        for number, body in enumerate(bodies, 1):
            repository.write({f"a{number}.py": revision(f"a{number}", body, f"a{number - 1}")})
        assert repository.findings(select=(RULE,), start_after=("a0",)) == ()


def test_a_check_in_the_history_is_a_proof(repository: Repository):
    check = f'op.execute("ALTER TABLE events_2025 ADD CHECK (day IS NOT NULL AND {CHECK})")'
    repository.write({"a0.py": revision("a0", check), "a1.py": revision("a1", ATTACH, "a0")})
    assert repository.findings(select=(RULE,), start_after=("a0",)) == ()


def test_what_was_not_read_before_it_makes_a_note_of_the_finding(repository: Repository):
    repository.write({"a1.py": revision("a1", f"from app import check\ncheck(op.get_bind())\n{ATTACH}")})
    verdict = repository.judge(select=(RULE,))
    assert verdict.findings == ()
    assert [one.message for one in verdict.notes if "could not be read" in one.message]


@pytest.mark.parametrize("setting", ["small", "large"])
def test_the_size_of_the_table_that_waits_decides(setting: str, repository: Repository):
    repository.write({"a1.py": revision("a1", f"{LOCKS['DETACH']}\n{ATTACH}")})
    settings = {f"{setting}_tables": ("events*",)}
    assert len(repository.findings(select=(RULE,), **settings)) == (0 if setting == "small" else 2)


def test_a_default_partition_forbids_to_detach_concurrently(watch: Watch):
    default = 'op.execute("CREATE TABLE events_rest PARTITION OF events DEFAULT")'
    assert watch(default, GOOD["DETACH CONCURRENTLY"].replace("\n        ", "\n")).error == "55000"
