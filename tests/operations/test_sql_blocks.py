"""DO blocks: what stands in them is read, and what they put together says that it is not."""

from __future__ import annotations

import random

import pytest

from migration_gate.operations.from_sql import read_sql
from tests.operations.reading import AT, read_statement

DYNAMIC = "NotRead a DO block executes what it puts together"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("BEGIN UPDATE t SET a = 1; END", ["ChangeRows t UPDATE (a) every_null=('a',)"]),
        ("BEGIN ALTER TABLE t ADD c int; DROP TABLE u; END", ["AddColumn t c:integer", "DropTable u"]),
        ("BEGIN NULL; END", ["Other DO"]),
        ("BEGIN RAISE NOTICE 'x'; END", ["Other DO"]),
        ("BEGIN PERFORM pg_sleep(1); END", ["Other DO"]),
        ("BEGIN PERFORM audit_table('t'); END", ["NotRead what the function audit_table() does is not read"]),
        ("BEGIN PERFORM set_config('lock_timeout', '1s', true); END", ["Set lock_timeout value=1s local"]),
        (
            "BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN "
            "CREATE TYPE mood AS ENUM ('a'); END IF; END",
            ["Other DO"],
        ),
        (
            "BEGIN ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0); "
            "EXCEPTION WHEN duplicate_object THEN DROP TABLE u; END",
            ["AddConstraint t k check condition=a > 0", "DropTable u"],
        ),
        (
            "DECLARE n int := 0; BEGIN IF n > 1 THEN DROP TABLE x; ELSIF n > 2 THEN DROP TABLE y; "
            "ELSE DROP TABLE z; END IF; END",
            ["DropTable x", "DropTable y", "DropTable z"],
        ),
        (
            "DECLARE r record; BEGIN FOR r IN SELECT * FROM t LOOP UPDATE u SET a = r.a WHERE id = r.id; END LOOP; END",
            ["ChangeRows u UPDATE (a)"],
        ),
        ("BEGIN WHILE true LOOP DELETE FROM t; EXIT; END LOOP; END", ["ChangeRows t DELETE"]),
        ("BEGIN EXECUTE 'DROP TABLE x'; END", ["DropTable x"]),
        ("DECLARE n text; BEGIN EXECUTE format('DROP TABLE %I', n); END", [DYNAMIC]),
        ("DECLARE n text; BEGIN EXECUTE 'DROP TABLE ' || n; END", [DYNAMIC]),
        ("BEGIN EXECUTE 'DELETE FROM t WHERE a = $1' USING 1; END", ["ChangeRows t DELETE"]),
        ("BEGIN UPDATE t SET a = 1; COMMIT; END", ["ChangeRows t UPDATE (a) every_null=('a',)", "Boundary commit"]),
        ("BEGIN CALL p(); END", ["NotRead a procedure's body is not read"]),
        ("DECLARE n t.a%TYPE; r t%ROWTYPE; BEGIN SELECT a INTO n FROM t; DROP TABLE x; END", ["DropTable x"]),
        ("DECLARE c CURSOR FOR SELECT 1; BEGIN OPEN c; CLOSE c; DROP TABLE x; END", ["DropTable x"]),
        ("BEGIN BEGIN DROP TABLE x; END; END", ["DropTable x"]),
    ],
)
def test_a_block_is_read(body: str, expected: list[str]):
    assert read_statement(f"DO $$ {body} $$") == expected
    assert read_statement(f"DO LANGUAGE plpgsql $x$ {body} $x$") == expected


def test_a_block_that_cannot_be_read_says_why():
    (said,) = read_statement("DO $$ BEGIN UPDATE t SET; END $$")
    assert said.startswith("NotRead")


def test_no_block_is_too_much():
    """Blocks that are cut short or mixed up, and one that is very long."""
    whole = (
        "DECLARE r record; n int; BEGIN FOR r IN SELECT * FROM t LOOP IF r.a > 1 THEN UPDATE u SET b = 1; "
        "EXECUTE format('x %s', n); ELSE CASE n WHEN 1 THEN NULL; ELSE DELETE FROM t; END CASE; END IF; END LOOP; "
        "EXCEPTION WHEN OTHERS THEN RAISE; END"
    )
    chance = random.Random(7)
    words = whole.split()
    for length in range(0, len(whole), 3):
        read_sql(f"DO $$ {whole[:length]} $$", AT)
    for _ in range(300):
        chance.shuffle(words)
        read_sql(f"DO $$ {' '.join(words)} $$", AT)
    assert read_statement(f"DO $$ BEGIN {'DELETE FROM t; ' * 3000} END $$") == [
        "NotRead a DO block of 3000 statements is not read"
    ]
