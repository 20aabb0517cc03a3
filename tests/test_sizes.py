"""Production's sizes: read from a real database, saved, read again, and what the gate makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from migration_gate.findings import CannotJudge, CannotWrite
from migration_gate.postgres.databases import create
from migration_gate.postgres.server import Server
from migration_gate.postgres.sizes import read
from migration_gate.project.sizes import Size, Sizes, in_words, load, save
from tests.conftest import Gate, alembic_project, revision

MILLION = 10**6
TODAY = date.today().isoformat()
TABLES = """
CREATE SCHEMA audit;
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g;
CREATE TABLE audit.log (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE audit.log_2025 PARTITION OF audit.log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    PARTITION BY LIST (id);
CREATE TABLE audit.log_2025_1 PARTITION OF audit.log_2025 FOR VALUES IN (1);
CREATE TABLE audit.log_2026 PARTITION OF audit.log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO audit.log SELECT 1, '2025-05-05' FROM generate_series(1, 1000);
INSERT INTO audit.log SELECT 2, '2026-05-05' FROM generate_series(1, 500);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM orders;
CREATE TABLE empty ();
CREATE TABLE uncounted WITH (autovacuum_enabled = false) AS SELECT 1 AS id;
CREATE VIEW looks AS SELECT 1;
CREATE TEMPORARY TABLE passing (id int);
ANALYZE orders, audit.log_2025_1, audit.log_2026, totals;
INSERT INTO orders SELECT g, repeat('x', 100) FROM generate_series(5001, 10000) g;
CREATE ROLE "only connects" LOGIN PASSWORD 'of no use';
"""


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    """A database with the tables above; all of them are its owner's alone."""
    name = f"{server.prefix}sizes"
    create(server, name)
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(TABLES)
        yield name
        connection.execute('DROP ROLE "only connects"')


def test_rows_and_bytes_of_each_table(server: Server, database: str) -> None:
    with psycopg.connect(server.url(database)) as connection:
        sizes = read(connection)
        total = connection.execute("SELECT pg_total_relation_size('orders')").fetchone()
    found = sizes.tables
    assert sorted(found) == [
        *("audit.log", "audit.log_2025", "audit.log_2025_1", "audit.log_2026"),
        *("public.empty", "public.orders", "public.totals", "public.uncounted"),
    ]
    assert found["public.orders"].bytes == (total or [0])[0]
    assert found["public.orders"].rows == pytest.approx(10_000, rel=0.05)  # 5,000 of them came after ANALYZE
    assert found["public.empty"] == Size(0, 0)
    assert found["public.uncounted"] == Size(None, 8192)
    assert found["audit.log"].rows == 1500
    assert found["audit.log_2025"].rows == 1000
    parts = [found[f"audit.{name}"].bytes for name in ("log_2025_1", "log_2026")]
    assert found["audit.log"].bytes == sum(parts)
    assert sizes.taken == TODAY


def test_a_role_that_may_only_connect_reads_the_same(server: Server, database: str) -> None:
    with psycopg.connect(server.url(database)) as connection:
        whole = read(connection)
        connection.execute('SET SESSION AUTHORIZATION "only connects"')
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT FROM orders")
        connection.execute("SET default_transaction_read_only = on")
        connection.commit()
        assert read(connection) == whole


@pytest.mark.parametrize(
    ("held", "rows"),
    [("LOCK TABLE orders", 5000), ("REINDEX INDEX orders_pkey", 10_000)],  # as ANALYZE, and REINDEX, counted them
)
def test_a_table_that_somebody_locks_is_not_waited_for(held: str, rows: int, server: Server, database: str) -> None:
    with psycopg.connect(server.url(database)) as holder, psycopg.connect(server.url(database)) as connection:
        connection.execute("SET lock_timeout = '100ms'")
        holder.execute(held)
        found = read(connection).tables["public.orders"]
        holder.rollback()
    assert found.rows == rows
    assert found.bytes > 500_000


def test_what_is_saved_is_loaded_and_holds_nothing_else(server: Server, database: str, tmp_path: Path) -> None:
    with psycopg.connect(server.url(database)) as connection:
        sizes = read(connection)
    save(sizes, tmp_path / "sizes.json")
    text = (tmp_path / "sizes.json").read_text()
    assert load(tmp_path / "sizes.json", "sizes.json") == sizes
    document = json.loads(text)
    assert set(document) == {"version", "taken", "tables"}
    assert document["tables"]["public.uncounted"] == {"rows": None, "bytes": 8192}
    assert list(document["tables"]) == sorted(document["tables"])
    assert len(text.splitlines()) == len(sizes.tables) + 6
    assert server.host not in text
    save(sizes._replace(tables={}), tmp_path / "none.json")
    assert load(tmp_path / "none.json", "none.json").tables == {}
    with pytest.raises(CannotWrite, match="cannot write"):
        save(sizes, tmp_path)


@pytest.mark.parametrize(
    ("size", "words", "word"),
    [
        (Size(120 * MILLION, 48 << 30), "48 GB, 120 million rows", "large"),
        (Size(1_260_000, 200 << 20), "200 MB, 1.3 million rows", "large"),
        (Size(3 * 10**9, 2 << 40), "2 TB, 3 billion rows", "large"),
        (Size(None, 1 << 30), "1 GB", "large"),
        (Size(123_456, 15 << 20), "15 MB, 120,000 rows", "unknown"),
        (Size(9_999, 10 << 20), "10 MB, 10,000 rows", "unknown"),
        (Size(10_000, 8192), "8 kB, 10,000 rows", "unknown"),
        (Size(9_999, (10 << 20) - 1), "10 MB, 10,000 rows", "small"),
        (Size(None, 9000), "9 kB", "small"),
        (Size(1, 0), "0 kB, 1 row", "small"),
    ],
)
def test_what_is_large_and_how_it_is_said(size: Size, words: str, word: str) -> None:
    assert (in_words(size), size.word) == (words, word)


def test_a_name_without_a_schema_means_publics_or_the_largest() -> None:
    sizes = Sizes(TODAY, {"a.orders": Size(1, 1), "b.orders": Size(2, 2), "public.users": Size(3, 3)})
    assert sizes.of("orders") == Size(2, 2)
    assert sizes.of("a.orders") == Size(1, 1)
    assert sizes.of("users") == sizes.of("public.users") == Size(3, 3)
    assert sizes.of("c.orders") is None
    assert sizes.of("nothing") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "broken.json is not JSON: migration-gate doctor --save-sizes broken.json writes it anew"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no sizes of tables"),
        ('{"version": 2}', "broken.json is of version 2, and this gate reads version 1: migration-gate doctor"),
        ('{"version": 1, "taken": "yesterday", "tables": {}}', "holds no sizes"),
        ('{"version": 1, "taken": "2026-01-01", "tables": []}', "holds no sizes"),
        ('{"version": 1, "taken": "2026-01-01", "tables": {"a.b": {"rows": 1}}}', "holds no sizes"),
        ('{"version": 1, "taken": "2026-01-01", "tables": {"a.b": {"rows": 1, "bytes": "1"}}}', "holds no sizes"),
        ('{"version": 1, "taken": "2026-01-01", "tables": {"a.b": {"rows": -1, "bytes": 1}}}', "holds no sizes"),
        ('{"version": 1, "taken": "2026-01-01", "tables": {"a.b": {"rows": true, "bytes": 1}}}', "holds no sizes"),
        ("\x00", "is not JSON"),
    ],
)
def test_a_file_that_is_none_is_said_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(CannotJudge) as caught:
        load(tmp_path / "broken.json", "broken.json")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# ── what the gate makes of them ──────────────────────────────────────────────────────────────────────────

INDEX = 'op.create_index("ix", "{}", ["note"])'
LOOP = 'for name in ("orders", "lines"):\n    op.create_index("ix", name, ["note"])'
UNDER = 'op.add_column("{0}", sa.Column("a", sa.Text()))\nop.execute("UPDATE {0} SET a = note")'
SIZES = {
    "public.orders": Size(120 * MILLION, 48 << 30),
    "public.lines": Size(400 * MILLION, 90 << 30),
    "public.people": Size(200_000, 60 << 20),
    "public.kinds": Size(12, 16 << 10),
}


def project(folder: Path, body: str, settings: str = "", taken: str = TODAY, saved: bool = True) -> Path:
    """A project whose one new revision has a body, and its sizes."""
    revisions = {"a": revision("a", "pass"), "b": revision("b", body, "a")}
    alembic_project(folder, 'create_engine("postgresql://")', revisions)
    if saved:
        save(Sizes(taken, SIZES), folder / "sizes.json")
    table = f'[tool.migration-gate]\nstart-after = "a"\nsizes = "sizes.json"\n{settings}'
    (folder / "pyproject.toml").write_text(table)
    return folder


@pytest.mark.parametrize(
    ("body", "settings", "findings", "said"),
    [
        (INDEX.format("orders"), "", 1, "orders: 48 GB, 120 million rows in production."),
        (INDEX.format("people"), "", 1, "people: 60 MB, 200,000 rows in production.\nIf people is small, "),
        (INDEX.format("kinds"), "", 0, "kinds: 16 kB, 12 rows in production."),
        (INDEX.format("kinds"), 'large-tables = "kinds"', 1, "kinds: 16 kB, 12 rows in production."),
        (INDEX.format("orders"), 'small-tables = "orders"', 0, "orders: 48 GB"),
        (INDEX.format("nowhere"), "", 1, "If nowhere is small, "),
        (UNDER.format("orders"), "", 1, "orders: 48 GB, 120 million rows in production."),
        (UNDER.format("people"), "", 0, "people: 60 MB, 200,000 rows in production.\nIf people is large, "),
        (LOOP, "", 2, "orders: 48 GB, 120 million rows in production.\nThe same of lines (90 GB, 400 million rows), "),
        ('op.execute("DELETE FROM orders")', "", 1, "orders: 48 GB, 120 million rows in production."),
    ],
)
def test_the_sizes_decide_and_are_said(
    body: str, settings: str, findings: int, said: str, tmp_path: Path, gate: Gate
) -> None:
    result = gate("lint", "--format", "json", cwd=project(tmp_path, body, settings)).json
    assert len(result["findings"]) == findings
    assert [one["message"] for one in result["findings"] + result["notes"] if said in one["message"]]


def test_the_plan_says_them(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path, INDEX.format("orders"))
    held = gate("lint", "--plan", "--format", "json", cwd=place).json["plan"][0]["steps"][0]["held"][0]
    assert (held["table"], held["rows"], held["bytes"]) == ("orders", 120 * MILLION, 48 << 30)
    text = gate("lint", "--plan", cwd=place).out
    assert "orders (48 GB, 120 million rows): SHARE, writes wait, while an index is built" in text


def test_the_rehearsal_says_them(tmp_path: Path, gate: Gate) -> None:
    """Also of what reading did not show: `blocks-traffic` is a note on a small table."""
    body = """
op.execute("DO $$ BEGIN EXECUTE concat('ALTER TABLE ', 'kinds', ' ALTER id TYPE bigint'); END $$")
op.execute("DO $$ BEGIN EXECUTE concat('ALTER TABLE ', 'orders', ' ALTER id TYPE bigint'); END $$")
"""
    place = project(tmp_path, body, 'ignore = ["drift", "downgrade-leaves-trace"]')
    made = "\n".join(f'op.create_table("{name}", sa.Column("id", sa.Integer()))' for name in ("kinds", "orders"))
    (place / "migrations/versions/a.py").write_text(revision("a", made))
    result = gate("ci", "--plan", "--format", "json", cwd=place).json
    (finding,) = result["findings"]
    assert finding["rule"] == "blocks-traffic"
    assert "orders: 48 GB, 120 million rows in production." in finding["message"]
    assert any("kinds: 16 kB, 12 rows in production." in one["message"] for one in result["notes"])
    held = {one["table"]: one["bytes"] for plan in result["plan"] for step in plan["steps"] for one in step["held"]}
    assert held == {"kinds": 16 << 10, "orders": 48 << 30}


def test_a_file_that_is_not_there_is_no_green(tmp_path: Path, gate: Gate) -> None:
    said = gate("lint", cwd=project(tmp_path, "pass", saved=False))
    assert said.status == 2
    assert said.err == (
        "migration-gate: sizes in [tool.migration-gate] names sizes.json, which is no file: "
        "migration-gate doctor --save-sizes sizes.json writes it\n"
    )


@pytest.mark.parametrize(("days", "notes"), [(90, 0), (91, 1)])
def test_an_old_file_is_a_note(days: int, notes: int, tmp_path: Path, gate: Gate) -> None:
    taken = (date.today() - timedelta(days=days)).isoformat()
    said = gate("lint", cwd=project(tmp_path, INDEX.format("orders"), taken=taken))
    assert said.out.count(f"sizes.json: the sizes in it are {days} days old: migration-gate doctor") == notes


def test_nobody_reads_them_where_nothing_is_judged(tmp_path: Path, gate: Gate) -> None:
    place = project(tmp_path, "pass", saved=False)
    (place / "pyproject.toml").write_text('[tool.migration-gate]\nstart-after = "b"\nsizes = "sizes.json"\n')
    assert gate("lint", cwd=place).status == 0
