"""No input makes the readers raise, hang or take more than a second: real forms, cut, doubled, swapped and mixed."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_gate.operations.from_python import read_downgrade, read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.modules import Modules
from tests.operations.reading import AT, HEAD, upgrade
from tests.operations.test_from_python import NOT_READ, SILENT
from tests.operations.test_from_python_forms import DOUBTS, HEADER, LOUD, PYTHON, ROWS
from tests.operations.test_from_python_order import ENDS, ORDER

SECOND = 1.0
BODIES = [
    *PYTHON.values(),
    *ROWS.values(),
    *DOUBTS.values(),
    *LOUD.values(),
    *ORDER.values(),
    *SILENT.values(),
    *(body for body, _ in (*NOT_READ.values(), *ENDS.values())),
]
LINES = [line for body in BODIES for line in body.split("\n")]
STATEMENTS = (
    "ALTER TABLE t ADD COLUMN c int NOT NULL DEFAULT 1 REFERENCES p (id)",
    "ALTER TABLE t ALTER c TYPE varchar(5) USING c::text, DROP COLUMN IF EXISTS d CASCADE",
    "ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t USING gin (lower(a), b DESC) WHERE c > 1",
    "CREATE TABLE t (id serial PRIMARY KEY, p int REFERENCES p, e text[] NOT NULL) PARTITION BY RANGE (id)",
    "WITH x AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM x ON CONFLICT DO NOTHING",
    "UPDATE t SET a = (SELECT max(b) FROM u WHERE u.id = t.id), c = NULL WHERE a IS NULL",
    "DO $$ BEGIN IF true THEN EXECUTE 'DROP TABLE x'; END IF; END $$",
    "ALTER TYPE e ADD VALUE IF NOT EXISTS 'x' BEFORE 'y'; COMMENT ON TABLE t IS 'it''s'",
    "SET LOCAL lock_timeout = '1s'; LOCK TABLE t IN SHARE MODE; SELECT set_config('a.b', :v, true)",
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def cut(text: str, places: list[int], piece: str) -> str:
    """A text with something at one place, and something else gone from another."""
    for place in places:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + (place % 7) :]
    return text


PLACES = st.lists(st.integers(0, 10_000), max_size=3)
PIECES = st.sampled_from(
    ["", "\n    ", "(", ")", "*", "**", "'", '"', "{", "}", "x", " = ", ".", ",", ":", "%s", "\\", "é", "\0"]
)
MIXED = st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)
NESTED = st.lists(
    st.sampled_from(["if a:", "for a in b:", "while a:", "with a as b:", "try:", "def f(a=1):", "class C:"]), max_size=5
)


def within_a_second(source: bytes, modules: Modules | None = None) -> None:
    began = time.process_time()
    more = (modules,) if modules else ()
    for one in read_upgrade(Path("a1.py"), source, *more):
        assert one.at.line >= 1
    read_downgrade(Path("a1.py"), source, *more)
    assert time.process_time() - began < 2 * SECOND


@QUICK
@given(st.sampled_from(BODIES), PLACES, PIECES)
def test_no_form_that_was_cut_makes_the_reader_raise(body: str, places: list[int], piece: str):
    within_a_second(cut(upgrade(body, HEADER), places, piece).encode())


@QUICK
@given(MIXED)
def test_no_mixture_of_forms_makes_the_reader_raise(body: str):
    within_a_second(f"{HEADER}\ndef upgrade():\n    {body.replace(chr(10), chr(10) + '    ')}\n".encode())


@QUICK
@given(NESTED, st.sampled_from(BODIES), st.integers(1, 3))
def test_no_nesting_makes_the_reader_raise(blocks: list[str], body: str, times: int):
    lines = [*blocks, *body.split("\n") * times]
    text = "\n".join("    " * (min(i, len(blocks)) + 1) + line for i, line in enumerate(lines))
    handlers = "".join("\n" + "    " * (i + 1) + "finally: pass" for i, one in enumerate(blocks) if one == "try:")
    within_a_second(f"{HEAD}\ndef upgrade():\n{text}{handlers}\n".encode())
    within_a_second(f"{HEAD}\n{text}\n\ndef upgrade():\n    f()\n\ndef downgrade():\n    C().f()\n".encode())


@QUICK
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode(errors="ignore")))
def test_no_text_at_all_makes_the_reader_raise(source: bytes):
    within_a_second(source)


def test_no_module_that_was_cut_makes_the_reader_raise(tmp_path: Path):
    helper = tmp_path / "helper.py"

    @QUICK
    @given(st.sampled_from(BODIES), PLACES, PIECES)
    def check(body: str, places: list[int], piece: str) -> None:
        helper.write_bytes(cut(upgrade(body, HEADER), places, piece).encode(errors="ignore"))
        modules = Modules(tmp_path, lambda: [tmp_path])
        source = "from helper import *\nimport helper\ndef upgrade():\n    helper.upgrade()\n    helper.T, helper.f()\n"
        within_a_second(source.encode(), modules)
        within_a_second(b"from helper import upgrade\n", modules)

    check()


@QUICK
@given(st.sampled_from(STATEMENTS), PLACES, PIECES, st.booleans())
def test_no_sql_that_was_cut_makes_the_reader_raise(sql: str, places: list[int], piece: str, binds: bool):
    began = time.process_time()
    for one in read_sql(cut(sql, places, piece), AT, binds):
        assert one.at == AT
    assert time.process_time() - began < SECOND
