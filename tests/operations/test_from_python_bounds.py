"""Whatever a file holds, reading it ends soon, raises nothing, and is silent about nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import NotRead
from tests.operations.reading import AT, FILE, HEAD, short, upgrade

SECOND = 1.0
ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
LAST = '\nop.drop_table("x")'
UPGRADE = f'{HEAD}\ndef upgrade():\n    op.drop_table("x")\n'


def timed(source: str | bytes) -> list[str]:
    """What is read of a file, within a second."""
    began = time.process_time()
    found = read_upgrade(FILE, source if isinstance(source, bytes) else source.encode())
    assert time.process_time() - began < SECOND
    return [short(one) for one in found]


READ = {
    "a megabyte of comment": f"#{'x' * MEGABYTE}\n{UPGRADE}",
    "a megabyte of string": f'TEXT = "{"x" * MEGABYTE}"\n{UPGRADE}',
    "a megabyte of blank lines": "\n" * MEGABYTE + UPGRADE,
    "a long line": upgrade("x = " + " + ".join(["1"] * 800) + LAST),
    "a repetition": upgrade('x = "a" * 10**12' + LAST),
    "a power": upgrade("x = 9**9**9" + LAST),
    "a wide %d": upgrade('x = "%999999999d" % 1' + LAST),
    "a wide %*d": upgrade('x = "%*d" % (999999999, 1)' + LAST),
    "a wide .format": upgrade('x = "{:999999999}".format(1)' + LAST),
    "a wide f-string": upgrade('x = f"{1:999999999}"' + LAST),
    "a range": upgrade("x = list(range(10**12))" + LAST),
    "a text that doubles": upgrade('x = "ab"\n' + "x += x\n" * 60 + LAST),
    "a list that doubles": upgrade("x = [1]\n" + "x += x\n" * 60 + LAST),
    "a replacement that grows": upgrade('x = "a"\n' + 'x = x.replace("a", "aaaa")\n' * 20 + LAST),
    "a join that grows": upgrade('x = "a"\n' + 'x = x.join(["a", "b", "c", x])\n' * 20 + LAST),
    "an attribute chain": upgrade("x" + ".y" * 300 + LAST),
    "a long list": "ROWS = [" + "1, " * 30_000 + "]\n" + upgrade(LAST.strip()),
    "a list that holds itself": upgrade("x = []\nx.append(x)\nif x: pass" + LAST),
    "an endless loop": upgrade("while True:\n    pass" + LAST),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_large_and_harmless_hides_nothing(name: str):
    assert timed(READ[name]) == ["DropTable x"]


NOT_READ = {
    "statements": upgrade("x = 1\n" * 110_000 + LAST),
    "loops in loops": upgrade("for a in range(99):\n for b in range(99):\n  for c in range(99):\n   x = a" + LAST),
    "a long loop": upgrade(f"for i in {list(range(501))}:\n    op.drop_table(str(i))"),
    "elif": upgrade("if a: pass\n" + "elif b: pass\n" * 900 + LAST),
    "functions that call each other": upgrade("f0()")
    + "".join(f"def f{i}(): f{i + 1}(); f{i + 1}()\n" for i in range(30))
    + "def f30(): op.drop_table('x')\n",
    "a function that calls itself twice": upgrade("f(1)", HEAD + "\ndef f(n):\n    f(n)\n    op.vanish()\n    f(n)\n"),
    "parentheses": f"x = {'(' * 5000}1{')' * 5000}\n{UPGRADE}",
    "minus": f"x = {'-' * 100_000}1\n{UPGRADE}",
    "brackets that never close": "[" * 100_000,
    "blocks in blocks": "".join(" " * i + "if a:\n" for i in range(200)) + " " * 200 + "pass\n",
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_asks_for_too_much_is_not_read_and_says_so(name: str):
    assert [one for one in timed(NOT_READ[name]) if one.startswith("NotRead")]


RAISED = {
    "raise in the module": f"raise RuntimeError\n{UPGRADE}",
    "return in the module": f"return\n{UPGRADE}",
    "raise in an if of the module": f"X = True\nif X:\n    raise RuntimeError\n{UPGRADE}",
    "a dict taken apart": upgrade('a, b = {"x": 1, "y": 2}' + LAST),
    "a range past every size": upgrade(f"for i in range({10**30}): pass" + LAST),
    "int of infinity": upgrade("x = int(1e999)" + LAST),
    "a hexadecimal of 5,000 digits in an f-string": upgrade(f'x = f"{{0x{"f" * 5000}}}"' + LAST),
    "a hexadecimal of 5,000 digits in .format": upgrade(f'x = "{{}}".format(0x{"f" * 5000})' + LAST),
    "half a character in SQL": upgrade('op.execute("SELECT \\ud800")' + LAST),
    "newlines that an encoding makes": f"# coding: unicode_escape\n{HEAD}def upgrade():\\n    op.vanish()\n",
}


@pytest.mark.parametrize("name", RAISED)
def test_no_file_makes_the_reader_raise(name: str):
    assert timed(RAISED[name])


SLOW = {
    "a list of lists that doubles": upgrade("x = []\n" + "x = [x, x]\n" * 22 + "if x: pass" + LAST),
    "a wide %(name)d": upgrade('x = "%(a)999999999d" % {"a": 1}' + LAST),
    "a join of long texts": upgrade(
        'x = "' + "a" * 100_000 + '"\nl = []\nfor i in range(400): l.append(x)\n'
        'for i in range(40): y = "".join(l)' + LAST
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_file_takes_long(name: str):
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (2, 2))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))\n"
        "from tests.operations.test_from_python_bounds import SLOW, timed\n"
        "assert timed(SLOW[sys.argv[1]])[-1] == 'DropTable x'\n"
    )
    subprocess.run([sys.executable, "-c", code, name], check=True, capture_output=True, cwd=ROOT)


@pytest.mark.parametrize("module", ["x = 1\n" * 110_000])
def test_a_module_that_asks_for_too_much_is_not_read_and_says_so(module: str):
    assert [one for one in timed(module + UPGRADE) if one.startswith("NotRead")]


# ── SQL ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
        "SELECT " + "1+" * 5_000 + "1",
        "SELECT 1 WHERE " + "NOT " * 20_000 + "true",
        "SELECT " + "ARRAY[" * 20_000 + "1" + "]" * 20_000,
        "SELECT '" + "x" * 2 * MEGABYTE,
        "SELECT '" + "x" * MEGABYTE,
        "/*" * 20_000,
        "$" * 20_000,
        '"' * 20_001,
    ],
    ids=["parentheses", "plus", "not", "arrays", "too long", "never closed", "comments", "dollars", "quotes"],
)
def test_no_sql_takes_long_and_what_is_not_read_says_so(sql: str):
    began = time.process_time()
    (one,) = read_sql(sql, AT)
    assert time.process_time() - began < SECOND
    assert isinstance(one, NotRead)
    assert len(one.reason) < 300


def test_deep_sql_takes_no_longer_whether_python_reads_it_or_not():
    began = time.process_time()
    assert len(read_sql("SELECT 1" + " UNION SELECT 1" * 3_000, AT)) == 1
    assert time.process_time() - began < SECOND


@pytest.mark.parametrize("sql", ["INSERT INTO t VALUES " + "(1, 'x')," * 20_000 + "(1, 'x')", "SELECT 1;" * 10_000])
def test_long_sql_is_read(sql: str):
    began = time.process_time()
    assert not any(isinstance(one, NotRead) for one in read_sql(sql, AT))
    assert time.process_time() - began < SECOND


def test_no_sql_ends_the_process():
    code = (
        "from migration_gate.operations.from_sql import read_sql\n"
        "from migration_gate.operations.model import At\n"
        "assert read_sql('SELECT ' + '1+' * 300_000 + '1', At(None, 1, 1))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


# ── anything at all ──────────────────────────────────────────────────────────────────────────────────────


WORDS = st.sampled_from(
    [
        *("op", ".", "(", ")", "[", "]", "{", "}", "=", ",", ":", "\n    ", "\n        ", " ", '"', "'", "f'", '"""'),
        *("add_column", "alter_column", "execute", "batch_alter_table", "create_table", "get_bind()", "sa.Column"),
        *("nullable=False", "server_default=", "sa.text", "sa.Text()", "for x in ", "if ", "else:", "with ", " as b"),
        *("def f(x):", "return", "lambda x: ", "*x", "**x", "not ", " and ", " in ", "None", "True", "'t'", "'c'"),
        *("-1", "1", "0.5", "x", "%", "+", "\\", "\0", "é", "try:", "except:", "yield ", "await ", "class C:", "del "),
        *("ALTER TABLE t ADD c int NOT NULL", "UPDATE t SET c = :c", "SELECT", "DROP", "$$", "--", "/*", ";"),
    ]
)
PYTHON = st.lists(WORDS, max_size=25).map("".join)
LINES = st.lists(
    st.sampled_from(
        [
            "x = [1, 2]",
            "x, y = y, x",
            "for x in y: op.drop_table(x)",
            'x = f"{x}{y}"',
            'y = "%s %d" % (x, 1)',
            "y = {x: y, 'a': 1}",
            "x.append(y)",
            "x = x + y",
            "x = y[0]",
            "if x: op.execute(y)",
            "x = op.get_bind()",
            "x.execute(y)",
            "y = sa.Column(x, sa.Text(), nullable=y)",
            "op.add_column('t', y)",
            "x = sorted(y)",
            "y = str(x)",
            "x = int(y)",
            "y = x.join(y)",
            "op.alter_column('t', x, nullable=y)",
            "x = y or x",
            "y = -x",
            "x = y == x",
            "x = x in y",
            "with op.batch_alter_table(x) as y: y.drop_column('c')",
        ]
    ),
    max_size=12,
).map("\n".join)
SQL = st.lists(
    st.sampled_from(
        "ALTER TABLE COLUMN ADD DROP SET NOT NULL DEFAULT CHECK UPDATE DELETE FROM WHERE WITH x AS CREATE INDEX ON "
        "CONCURRENTLY t s.t \"T\" c ( ) , ; = 1 'x' :a ::int $1 $$ -- /* */ \\ \0 é INSERT INTO SELECT VALUES".split(
            " "
        )
    ),
    max_size=15,
).map(" ".join)
QUICK = settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@QUICK
@given(PYTHON)
def test_no_python_makes_the_reader_raise(text: str):
    read_upgrade(FILE, f"{HEAD}\ndef upgrade():\n    {text}\n".encode())


@QUICK
@given(LINES)
def test_no_known_statements_make_the_reader_raise(text: str):
    read_upgrade(FILE, upgrade("x = 'a'\ny = 'b'\n" + text).encode())


@QUICK
@given(st.one_of(SQL, st.text(max_size=60)))
def test_no_sql_makes_the_reader_raise(text: str):
    text = text.encode(errors="ignore").decode()
    for one in read_sql(text, AT):
        assert one.at == AT
