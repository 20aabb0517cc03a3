"""disables-checks, against PostgreSQL: what it refuses lets in what production's keys keep out, the rest does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.rules.afterwards import afterwards
from tests.rules.conftest import Watch
from tests.rules.production import KEPT_OUT
from tests.rules.traffic import judge
from tests.rules.watch import Lab

RULE = "disables-checks"
OFF, ON = 'op.execute("ALTER TABLE orders DISABLE TRIGGER ALL")', 'op.execute("ALTER TABLE orders ENABLE TRIGGER ALL")'
ROLE = 'op.execute("SET session_replication_role = replica")'
UPDATE = "op.execute(\"UPDATE orders SET note = 'x'\")"
PKEY = 'op.drop_constraint("memberships_pkey", "memberships", type_="primary")'

BAD = {
    "triggers": OFF,
    "triggers, rows changed between": f"{OFF}\n{UPDATE}\n{ON}",
    "the role": ROLE,
    "the role, in quotes": "op.execute(\"SET session_replication_role TO 'replica'\")",
    "the role, LOCAL": 'op.execute("SET LOCAL session_replication_role = replica")',
    "the role, by set_config": "op.execute(\"SELECT set_config('session_replication_role', 'replica', true)\")",
    "the role, rows changed between": f'{ROLE}\n{UPDATE}\nop.execute("RESET session_replication_role")',
    "a primary key": PKEY,
    "a primary key by its name": 'op.drop_constraint("memberships_pkey", "memberships")',
    "a primary key, batch": (
        'with op.batch_alter_table("memberships") as batch:\n'
        '    batch.drop_constraint("memberships_pkey", type_="primary")'
    ),
    "a primary key, SQL": 'op.execute("ALTER TABLE memberships DROP CONSTRAINT memberships_pkey")',
    "a primary key, and one for another table": (
        f'{PKEY}\nop.create_table("n", sa.Column("id", sa.Integer()))\nop.create_primary_key("n_pkey", "n", ["id"])'
    ),
}

GOOD = {
    "triggers that people have written": """
        op.execute("ALTER TABLE orders DISABLE TRIGGER USER")
        op.execute("UPDATE orders SET note = 'x'")
        op.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    """,
    "the role's default": 'op.execute("SET session_replication_role = origin")',
    "another setting": 'op.execute("SET LOCAL synchronous_commit = off")',
    "another constraint": """
        op.execute("ALTER TABLE orders ADD CONSTRAINT has_note CHECK (note <> '') NOT VALID")
        op.drop_constraint("has_note", "orders", type_="check")
    """,
    "a new table": """
        op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True))
        op.execute("ALTER TABLE notes DISABLE TRIGGER ALL")
        op.drop_constraint("notes_pkey", "notes", type_="primary")
    """,
    "another key in one statement": (
        'op.execute("ALTER TABLE memberships DROP CONSTRAINT memberships_pkey, ADD PRIMARY KEY (id)")'
    ),
}
# Nobody else sees these tables while the transaction lasts, and nothing is written meanwhile.
ON_AGAIN = {
    "triggers": f"{OFF}\n{ON}",
    "the role": f'{ROLE}\nop.execute("SET session_replication_role = DEFAULT")',
    "a key": f'{PKEY}\nop.create_primary_key("memberships_pkey", "memberships", ["id"])',
    "a key, batch": """
        with op.batch_alter_table("memberships") as batch:
            batch.drop_constraint("memberships_pkey", type_="primary")
            batch.create_primary_key("pk_memberships", ["id"])
    """,
    "a key of a table that is renamed": """
        op.drop_constraint("memberships_pkey", "memberships", type_="primary")
        op.rename_table("memberships", "members")
        op.create_primary_key("members_pkey", "members", ["id"])
        op.rename_table("members", "memberships")
    """,
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_refuses_lets_in_what_keys_keep_out(case: str, tmp_path: Path, watch: Watch) -> None:
    assert len(judge(tmp_path, RULE, BAD[case]).findings) == 1
    seen = watch(BAD[case], probes=KEPT_OUT)
    assert seen.error is None, seen.message
    assert any(one.passed for one in seen.statements)


@pytest.mark.parametrize("case", GOOD)
def test_what_it_lets_through_keeps_them_out(case: str, tmp_path: Path, watch: Watch) -> None:
    body = dedent(GOOD[case])
    assert judge(tmp_path, RULE, body).findings == ()
    seen = watch(body, probes=KEPT_OUT)
    assert seen.error is None, seen.message
    assert not any(one.passed for one in seen.statements)


@pytest.mark.parametrize("body", ON_AGAIN.values(), ids=ON_AGAIN)
def test_checks_that_are_on_again_at_the_end(body: str, tmp_path: Path, lab: Lab) -> None:
    body = dedent(body)
    assert judge(tmp_path, RULE, body).findings == ()
    assert all(isinstance(one, str) for one in afterwards(lab, tmp_path, body, *KEPT_OUT))


def test_rows_that_came_in_meanwhile_stay(tmp_path: Path, lab: Lab) -> None:
    """The constraint calls itself valid, and is not."""
    body = f'{OFF}\nop.execute("INSERT INTO orders (user_id) VALUES (-1)")\n{ON}'
    rows = "SELECT count(*) FROM orders WHERE user_id = -1"
    valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'orders_user_id_fkey'"
    assert afterwards(lab, tmp_path, body, rows, valid) == [[(1,)], [(True,)]]


def test_a_published_table_without_its_key_takes_no_update(tmp_path: Path, lab: Lab) -> None:
    published = 'op.execute("CREATE PUBLICATION everything FOR TABLE memberships")'
    update = "UPDATE memberships SET group_id = 2"
    assert afterwards(lab, tmp_path, published, update) == [[]]
    assert afterwards(lab, tmp_path, f"{published}\n{PKEY}", update) == ["55000"]


REMEDIES = {name: BAD[name] for name in ("a primary key", "a primary key, batch", "a primary key, SQL", "triggers")}


@pytest.mark.parametrize("body", REMEDIES.values(), ids=REMEDIES)
def test_its_remedy(body: str, tmp_path: Path, lab: Lab) -> None:
    (finding,) = judge(tmp_path, RULE, body).findings
    lines = [one for one in (finding.remedy or "").replace("…", "id").splitlines() if not one.startswith("#")]
    changed = "\n".join(lines)
    for rule in (RULE, "constraint-builds-index"):
        assert judge(tmp_path, rule, changed).findings == ()
    assert all(isinstance(one, str) for one in afterwards(lab, tmp_path, changed, *KEPT_OUT))
