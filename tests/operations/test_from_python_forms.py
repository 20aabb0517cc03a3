"""Forms of Python and of SQLAlchemy that migrations have: what is read of each is what PostgreSQL was sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.from_sql import read_sql
from migration_gate.operations.model import Boundary, Operation, Other
from migration_gate.operations.modules import Modules
from tests.operations.reading import AT, HEAD, operations, read, short, upgrade

HEADER = (
    HEAD
    + """import contextlib, functools, json, textwrap, typing, enum, dataclasses
from alembic.operations import ops
from sqlalchemy.orm import Session, declarative_base, sessionmaker
Base = declarative_base()
class T(Base):
    __tablename__ = "t"
    a = sa.Column(sa.Integer, primary_key=True)
    b = sa.Column(sa.Text)
class U(Base):
    __tablename__ = "u"
    a = sa.Column(sa.Integer, primary_key=True)
    b = sa.Column(sa.Text)
"""
)


def in_short(one: Operation) -> tuple[str, ...]:
    """What an operation read of Python has in common with one read of the SQL that was sent."""
    about = getattr(one, "column", None)
    name = about if isinstance(about, str) else getattr(about, "name", "")
    return (type(one).__name__, str(getattr(one, "table", "")), name, str(getattr(one, "verb", "")))


def changes(found: list[Operation]) -> list[tuple[str, ...]]:
    return [in_short(one) for one in found if not isinstance(one, Other | Boundary)]


PYTHON = {
    "functools.partial": 'add = functools.partial(op.add_column, "u")\nadd(sa.Column("c", sa.Text()))',
    "a keyword of partial": 'functools.partial(op.drop_column, table_name="u")(column_name="b")',
    "getattr": 'getattr(op, "drop_column")("u", "b")',
    "a lambda": 'drop = lambda t: op.drop_table(t)\ndrop("u")',
    "a lambda's default": 'drop = lambda t="u": op.drop_table(t)\ndrop()',
    "map": 'list(map(op.drop_table, ["u"]))',
    "a walrus": 'if (name := "u"):\n    op.drop_table(name)',
    "match": 'match "u":\n    case "u":\n        op.drop_table("u")',
    "a format": 'op.add_column(f"{\'u\':s}", sa.Column(f"c_{1:02d}", sa.Text()))',
    "a percent format": 'op.add_column("u", sa.Column("c_%02d" % 1, sa.Text()))',
    "str.format": 'op.add_column("u", sa.Column("c_{:02d}".format(1), sa.Text()))',
    "arithmetic": 'op.add_column("u", sa.Column("c" * 3 + str(7 // 2 - 1), sa.Text()))',
    "a slice": 'op.drop_table("xu"[1:])',
    "a comprehension of two loops": "[op.add_column(t, sa.Column(c, sa.Text())) "
    "for t in ('t', 'u') for c in ('c', 'd')]",
    "a comprehension with a condition": '[op.drop_table(n) for n in ("u", "") if n]',
    "a dict comprehension": 'for t, c in {n: "b" for n in ("u",)}.items(): op.drop_column(t, c)',
    "dict()": 'for t, c in dict(u="b").items(): op.drop_column(t, c)',
    "sorted in reverse": 'for n in sorted(["b", "a"], reverse=True)[:1]: op.drop_column("u", n)',
    "a generator": 'def names():\n    yield "u"\nfor n in names(): op.drop_table(n)',
    "yield from": 'def names():\n    yield from ("u",)\nfor n in names(): op.drop_table(n)',
    "a context manager": "@contextlib.contextmanager\ndef around():\n"
    '    op.add_column("u", sa.Column("c", sa.Text()))\n    yield "u"\n    op.drop_column("u", "c")\n'
    'with around() as t:\n    op.drop_column(t, "b")',
    "an object's context": "class Around:\n    def __enter__(self):\n        return 'u'\n"
    "    def __exit__(self, *a):\n        op.drop_table('u')\nwith Around() as t:\n    op.drop_column(t, 'b')",
    "leaving a context manager": "@contextlib.contextmanager\ndef around():\n    yield\n    op.drop_table('u')\n"
    "def f():\n    with around():\n        return\nf()",
    "nullcontext": "with contextlib.nullcontext(op) as o:\n    o.drop_table('u')",
    "an exit stack's batch": "with contextlib.ExitStack() as s:\n"
    "    b = s.enter_context(op.batch_alter_table('u'))\n    b.drop_column('b')",
    "a NamedTuple": "class Spec(typing.NamedTuple):\n    table: str\n    column: str = 'b'\n"
    "for one in [Spec('u')]: op.drop_column(one.table, one.column)",
    "a dataclass": "@dataclasses.dataclass\nclass Spec:\n    table: str\n    column: str = 'b'\n"
    "op.drop_column(Spec('u').table, Spec(table='u').column)",
    "an enum": "class Kind(enum.Enum):\n    B = 'b'\nfor k in Kind: op.drop_column('u', k.value)",
    "an enum's member": "class Kind(str, enum.Enum):\n    B = 'b'\nop.drop_column('u', Kind.B.value)",
    "an object": "class Drop:\n    def __init__(self, t):\n        self.t = t\n"
    "    def run(self):\n        op.drop_table(self.t)\nDrop('u').run()",
    "a property": "class Drop:\n    @property\n    def t(self):\n        return 'u'\nop.drop_table(Drop().t)",
    "an inherited method": "class A:\n    def run(self):\n        op.drop_table(self.t)\n"
    "class B(A):\n    t = 'u'\nB().run()",
    "an object that is called": "class Drop:\n    def __call__(self, t):\n        op.drop_table(t)\nDrop()('u')",
    "a decorator": "def twice(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        op.drop_column('u', 'b')\n"
    "        return f(*a, **k)\n    return g\n@twice\ndef run(t):\n    op.drop_table(t)\nrun('u')",
    "a decorator with arguments": "def first(c):\n    def around(f):\n        def g():\n"
    "            op.drop_column('u', c)\n"
    "            f()\n        return g\n    return around\n@first('b')\ndef run():\n    op.drop_table('u')\nrun()",
    "op.invoke": "op.invoke(ops.DropColumnOp('u', 'b'))",
    "op.invoke of SQL": "op.invoke(ops.ExecuteSQLOp('DROP TABLE u'))",
    "or": "bind = None or op.get_bind()\nbind.execute(sa.text('DROP TABLE u'))",
    "a conditional connection": "bind = op.get_bind() if op.get_context() else None\n"
    "bind.execute(sa.text('DROP TABLE u'))",
    "two columns of a list": "c = []\nc.append(sa.Column('a', sa.Text()))\nc.append(sa.Column('b', sa.Text()))\n"
    "op.create_table('v', *c)",
    "if has_table": "if sa.inspect(op.get_bind()).has_table('u'):\n    op.drop_table('u')",
    "if not has_column": "if 'c' not in [c['name'] for c in sa.inspect(op.get_bind()).get_columns('u')]:\n"
    "    op.add_column('u', sa.Column('c', sa.Text()))",
    "try": "try:\n    op.drop_table('u')\nexcept Exception:\n    raise",
}


@pytest.mark.parametrize("name", PYTHON)
def test_what_is_read_is_what_was_sent(name: str, migrate):
    found = operations(PYTHON[name], HEADER)
    sent = [one for sql in migrate(PYTHON[name], HEADER) for one in read_sql(sql, AT, binds=False)]
    assert changes(found) == changes(sent)
    assert changes(found)


S = "s = Session(bind=op.get_bind())\n"
ROWS = {
    "query.update": S + "s.query(T).update({'b': 'x'})",
    "query.update of a column": S + "s.query(T).filter(T.a > 0).update({T.b: 'x'}, synchronize_session=False)",
    "query.delete": S + "s.query(T).filter_by(a=1).delete()",
    "a new object": S + "s.add(T(b='x'))\ns.commit()",
    "new objects": S + "s.add_all([T(b='x'), U(b='y')])\ns.commit()",
    "new objects for each row": S + "s.add_all([U(b=t.b) for t in s.query(T)])\ns.commit()",
    "bulk_save_objects": S + "s.bulk_save_objects([T(b='x')])",
    "bulk_insert_mappings": S + "s.bulk_insert_mappings(T, [{'b': 'x'}])",
    "bulk_update_mappings": S + "s.bulk_update_mappings(T, [{'a': 1, 'b': 'x'}])",
    "an attribute": S + "for t in s.query(T):\n    t.b = 'x'\ns.commit()",
    "an attribute of the first": S + "t = s.query(T).order_by(T.a).first()\nt.b = 'x'\ns.commit()",
    "setattr": S + "for t in s.query(T).all():\n    setattr(t, 'b', 'x')\ns.commit()",
    "an attribute of a selected object": S + "for t in s.execute(sa.select(T)).scalars():\n    t.b = 'x'\ns.commit()",
    "an object that is got": S + "t = s.get(T, 1)\nt.b = 'x'\ns.flush()",
    "delete of an object": S + "s.delete(s.query(T).first())\ns.commit()",
    "update() of a class": S + "s.execute(sa.update(T).values(b='x'))",
    "insert() of a class": S + "s.execute(sa.insert(T).values(b='x'))",
    "a class's table": "op.execute(T.__table__.update().values(b='x'))",
    "sessionmaker": "s = sessionmaker(bind=op.get_bind())()\ns.query(T).delete()",
    "from_select": "op.execute(sa.table('u', sa.column('b')).insert().from_select(['b'], sa.select(T.b)))",
    "bulk_insert": "op.bulk_insert(sa.table('t', sa.column('b')), [{'b': 'x'}])",
    "a driver's parameters": "op.get_bind().exec_driver_sql('UPDATE t SET b = %s WHERE a = %s', ('x', 1))",
    "a cursor": "c = op.get_bind().connection.cursor()\nc.execute('SELECT 1')\nop.execute('DELETE FROM t')",
    "a value in quotes": "now = str(op.get_bind().scalar(sa.text('SELECT 1')))\n"
    "op.execute(f\"UPDATE t SET b = '{now}'\")",
    "a value": "n = op.get_bind().scalar(sa.text('SELECT 1'))\nop.execute(f'UPDATE t SET b = {n} WHERE a = {n}')",
    "a value by %": "n = op.get_bind().scalar(sa.text('SELECT 1'))\nop.execute('DELETE FROM t WHERE a = %d' % n)",
    "a value by format": "n = op.get_bind().scalar(sa.text('SELECT 1'))\n"
    "op.execute('DELETE FROM t WHERE a = {}'.format(n))",
    "json": "op.execute(\"UPDATE t SET b = '%s'\" % json.dumps({'a': 1}))",
    "dedent": "op.execute(textwrap.dedent('''\n    DELETE FROM t\n'''))",
    "a table's create()": "sa.Table('v', sa.MetaData(), sa.Column('a', sa.Integer)).create(op.get_bind())",
    "a table's drop()": "sa.Table('u', sa.MetaData()).drop(op.get_bind())",
    "an index's create()": "t = sa.Table('t', sa.MetaData(), autoload_with=op.get_bind())\n"
    "sa.Index('i', t.c.b).create(op.get_bind())",
    "CreateTable": "op.execute(sa.schema.CreateTable(sa.Table('v', sa.MetaData(), sa.Column('a', sa.Integer))))",
    "a reflected table": "m = sa.MetaData()\nm.reflect(bind=op.get_bind())\nop.execute(m.tables['t'].delete())",
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_are_read_as_changed_were(name: str, migrate):
    found = changes(operations(ROWS[name], HEADER))
    sent = changes([one for sql in migrate(ROWS[name], HEADER) for one in read_sql(sql, AT, binds=False)])
    assert set(found) == set(sent)
    assert found


def test_a_query_that_fills_every_null_is_known_to():
    body = S + "s.query(T).filter(T.b.is_(None)).update({'b': 'x'})"
    assert read(body, HEADER) == ["ChangeRows t UPDATE (b) every_null=('b',)"]
    body = S + "s.query(T).filter(T.b.is_(None)).filter(T.a == 1).update({'b': 'x'})"
    assert read(body, HEADER) == ["ChangeRows t UPDATE (b)"]


def test_a_batch_that_always_recreates_writes_the_table_anew(migrate):
    body = "with op.batch_alter_table('u', recreate='always') as b:\n    b.drop_column('b')"
    assert any(one.lstrip().startswith("INSERT INTO _alembic_tmp_u") for one in migrate(body))
    assert read(body) == ['RewriteTable u how=batch_alter_table(recreate="always")', "DropColumn u b"]


GAPS = [
    "f'DROP TABLE {x}'",
    "f'DELETE FROM t_{x}'",
    "f'DELETE FROM {x}'",
    "f'DELETE FROM \"{x}\"'",
    "f'DELETE FROM t {x}'",
    "f'UPDATE t SET {x} = 1'",
    "f\"ALTER TYPE e ADD VALUE '{x}'\"",
    "f'{x}'",
    "f'DELETE FROM t; {x}'",
    "'DROP TABLE %s' % x",
    "'DROP TABLE {}'.format(x)",
    "'DROP TABLE ' + x",
]


@pytest.mark.parametrize("sql", GAPS)
def test_sql_with_gaps_that_may_be_more_than_values_is_not_read(sql: str):
    assert read(f"op.execute({sql})", HEAD + "from app import x\n") == ["NotRead the SQL is computed"]


DOUBTS = {
    "a list": "c = []\nif unknown: c.append('y')\nif c: pass\nelse: op.drop_table('x')",
    "a list in a loop": "c = []\nfor x in unknown: c.append('y')\nif not c: op.drop_table('x')",
    "a dict": "c = {}\nwhile unknown: c['a'] = 1\nif len(c) == 0: op.drop_table('x')",
    "its items": "c = {}\nfor x in unknown: c[x] = []\n"
    "l = [y for k, v in c.items() for y in v]\nif l: op.drop_table('x')",
    "a handler": "c = []\ntry: f()\nexcept E: c.append('y')\nif any(c): pass\nelse: op.drop_table('x')",
    "a global": "def f():\n    global G\n    G = 2\nf()\nif G == 1: pass\nelse: op.drop_table('x')",
}


@pytest.mark.parametrize("name", DOUBTS)
def test_what_may_have_been_changed_decides_nothing(name: str):
    assert "DropTable x" in read(DOUBTS[name], HEAD + "from app import unknown\nG = 1\n")


FILES = [
    "open('{folder}/a.sql').read()",
    "open(os.path.join(os.path.dirname(__file__), 'a.sql')).read()",
    "(Path(__file__).parent / 'a.sql').read_text()",
    "Path(__file__).parent.joinpath('a.sql').read_text()",
    "Path(__file__).with_name('a.sql').read_text()",
    "(Path(__file__).resolve().parents[0] / 'a.sql').open().read()",
]


@pytest.mark.parametrize("expression", FILES)
def test_a_file_of_sql_in_the_repository_is_read(expression: str, tmp_path: Path):
    (tmp_path / "a.sql").write_text("DROP TABLE x")
    head = HEAD + "import os\nfrom pathlib import Path\n"
    modules = Modules(tmp_path, lambda: [tmp_path])
    for body in (f"op.execute({expression})", f"sql = {expression}\nop.execute(sa.text(sql))"):
        source = upgrade(body.format(folder=tmp_path), head).encode()
        assert [short(one) for one in read_upgrade(tmp_path / "v.py", source, modules)] == ["DropTable x"]


def test_a_file_of_sql_that_is_open_in_a_block_is_read(tmp_path: Path):
    (tmp_path / "a.sql").write_text("DROP TABLE x;\nDROP TABLE y")
    body = f"with open('{tmp_path}/a.sql') as f:\n    for one in f.readlines():\n        op.execute(one)"
    modules = Modules(tmp_path, lambda: [tmp_path])
    found = [short(one) for one in read_upgrade(tmp_path / "v.py", upgrade(body, HEAD).encode(), modules)]
    assert found == ["DropTable x", "DropTable y"]


@pytest.mark.parametrize("path", ["/etc/hostname", "gone.sql"])
def test_no_other_file_is(path: str, tmp_path: Path):
    modules = Modules(tmp_path, lambda: [tmp_path])
    source = upgrade(f"op.execute(open({path!r}).read())", HEAD).encode()
    assert [short(one) for one in read_upgrade(tmp_path / "v.py", source, modules)] == ["NotRead the SQL is computed"]


GIVEN = {
    "run_async": "async def f(c, t):\n    await c.execute(sa.text(f'DROP TABLE {t}'))\nop.run_async(f, 'x')",
    "run_sync": "async def f(c):\n    await c.run_sync(lambda s: s.execute(sa.text('DROP TABLE x')))\nop.run_async(f)",
    "run_callable": "op.get_bind().run_callable(lambda c: c.execute('DROP TABLE x'))",
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_function_that_is_given_the_connection_is_followed(name: str):
    assert read(GIVEN[name]) == ["DropTable x"]


QUIET = [
    "log = logging.getLogger(__name__)\nlog.info('%s', op.get_bind().scalar(sa.text('SELECT 1')))",
    "m = sa.MetaData()\nm.reflect(bind=op.get_bind(), only=['t'])",
    "x = sa.inspect(op.get_bind()).default_schema_name",
    "for t in Session(bind=op.get_bind()).query(T):\n    print(t.b)",
    "c = op.get_context()\nprint(c.as_sql, c.dialect)",
    "Session(bind=op.get_bind()).query(T).filter(T.a == 1).count()",
    "Session(bind=op.get_bind()).query(sa.func.count()).scalar()",
]


@pytest.mark.parametrize("body", QUIET)
def test_what_only_looks_is_no_mystery(body: str):
    found = read(body, HEADER + "import logging\n")
    assert [one for one in found if not one.startswith("Other")] == []


LOUD = {
    "subprocess": "import subprocess\nsubprocess.run(['psql'])",
    "os.system": "import os\nos.system('psql')",
    "Alembic itself": "from alembic import command\ncommand.stamp(None, 'head')",
    "op.impl": "op.impl.execute('DROP TABLE x')",
    "op.migration_context": "op.migration_context.connection.execute('DROP TABLE x')",
    "op, or another": "o = op if unknown else unknown\no.drop_table('x')",
    "a function for a thread": "import threading\nthreading.Thread(target=lambda: op.drop_table('x')).start()",
    "an engine": "sa.create_engine('postgresql://').execute('DROP TABLE x')",
    "an engine's connection": "with sa.create_engine('postgresql://').begin() as c:\n"
    "    c.execute(sa.text('DROP TABLE x'))",
    "Flask's session": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\ndb.session.execute('DROP TABLE x')",
    "a session of nobody": "s = Session()\ns.execute('DROP TABLE x')",
    "a method of a mapped object": "for t in Session(op.get_bind()).query(T):\n    t.rename()",
    "a related object": "for t in Session(op.get_bind()).query(T):\n    t.parent.b = 1",
}


@pytest.mark.parametrize("name", LOUD)
def test_what_may_change_the_database_is_never_passed_over(name: str):
    found = read(LOUD[name], HEADER + "from app import unknown\n")
    assert [one for one in found if not one.startswith("Other")], found
