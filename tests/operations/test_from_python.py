"""upgrade() in every form that people write, and the operations that it comes to."""

from __future__ import annotations

import pytest

from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import AddColumn, CreateTable, NotRead, Table
from tests.operations.reading import FILE, HEAD, operations, read, short, upgrade

DROP = "DropTable x"


# ── how a directive is called ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("from alembic import op\n", 'op.drop_table("x")'),
        ("from alembic import op as operations\n", 'operations.drop_table("x")'),
        ("import alembic.op\n", 'alembic.op.drop_table("x")'),
        ("import alembic.op as o\n", 'o.drop_table("x")'),
        ("import alembic\n", 'alembic.op.drop_table("x")'),
        ("from alembic.op import drop_table\n", 'drop_table("x")'),
        ("from alembic.op import drop_table as drop\n", 'drop("x")'),
        ("", 'from alembic import op\nop.drop_table("x")'),
        (HEAD, 'drop = op.drop_table\ndrop("x")'),
        (HEAD, 'op.drop_table(table_name="x")'),
        (HEAD, 'op.drop_table(*["x"])'),
        (HEAD, 'op.drop_table(**{"table_name": "x"})'),
        (HEAD, 'op.drop_table(op.f("x"))'),
        (HEAD, 'getattr(op, "x"); op.drop_table("x")'),
    ],
)
def test_a_directive_is_found_however_it_is_called(head: str, body: str):
    assert read(body, head) == [DROP]


def test_an_import_in_a_try_is_known():
    head = "try:\n    from alembic import op\nexcept ImportError:\n    op = None\n"
    assert read('op.drop_table("x")', head) == [DROP]


def test_columns_that_are_not_known_hide_no_table():
    assert read('op.create_table("t", *columns, schema="s")', HEAD + "columns = build()\n") == ["CreateTable s.t"]


@pytest.mark.parametrize("define", ["def upgrade() -> None:", "async def upgrade():", "@decorated\ndef upgrade():"])
def test_upgrade_is_found_however_it_is_defined(define: str):
    source = f'{HEAD}\n{define}\n    op.drop_table("x")\n'
    assert [short(one) for one in read_upgrade(FILE, source.encode())] == [DROP]


def test_downgrade_and_the_module_itself_are_not_read():
    source = f'{HEAD}\nop.drop_table("y")\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    op.drop_table("x")\n'
    assert read_upgrade(FILE, source.encode()) == []


@pytest.mark.parametrize("source", ["", "revision = 'a'\n", "from .shared import upgrade\n", "upgrade = 1\n"])
def test_a_file_without_upgrade_is_not_read_and_says_so(source: str):
    (one,) = read_upgrade(FILE, source.encode())
    assert isinstance(one, NotRead)
    assert "no `upgrade()`" in one.reason


MULTI = """
def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()

def upgrade_():
    op.drop_table("x")

def upgrade_events():
    op.drop_table("y")

def downgrade_events():
    op.drop_table("z")
"""


def test_every_engine_of_a_multi_database_revision_is_read():
    assert [short(one) for one in read_upgrade(FILE, (HEAD + MULTI).encode())] == [DROP, "DropTable y"]


def test_a_helper_called_upgrade_something_is_read_where_it_is_called():
    head = HEAD + '\ndef upgrade_users():\n    op.drop_table("x")\n'
    assert read("pass", head) == []
    assert read("upgrade_users()", head) == [DROP]


# ── the directives ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        ('op.add_column("t", sa.Column("c", sa.Text()))', "AddColumn t c:sa.Text()"),
        ('op.add_column("t", sa.Column("c", sa.Text()), schema="s")', "AddColumn s.t c:sa.Text()"),
        ('op.add_column(column=sa.Column("c", sa.Text), table_name="t")', "AddColumn t c:sa.Text"),
        ('op.drop_column("t", "c")', "DropColumn t c"),
        ('op.drop_column(column_name="c", table_name="t", schema="s")', "DropColumn s.t c"),
        ('op.rename_table("t", "u")', "RenameTable t u"),
        ('op.rename_table("t", "u", schema="s")', "RenameTable s.t s.u"),
        ('op.drop_table("t", schema="s")', "DropTable s.t"),
        (
            'op.create_table("t", sa.Column("a", sa.Integer(), primary_key=True), '
            'sa.Column("b", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("a"))',
            "CreateTable t (a:sa.Integer() NOT NULL FILLED, b:sa.Text() NOT NULL)",
        ),
        ('op.create_index("i", "t", ["c"])', "CreateIndex t i (c)"),
        ('op.create_index(op.f("i"), "t", [sa.text("lower(c)")], unique=True)', "CreateIndex t i unique ()"),
        (
            'op.create_index("i", "t", ["c"], schema="s", postgresql_concurrently=True)',
            "CreateIndex s.t i concurrently (c)",
        ),
        ('op.create_index(index_name="i", table_name="t", columns=["c"])', "CreateIndex t i (c)"),
        ('op.drop_index("i")', "DropIndex i"),
        ('op.drop_index("i", "t")', "DropIndex i t"),
        ('op.drop_index("i", table_name="t", postgresql_concurrently=True)', "DropIndex i t concurrently"),
        ('op.create_unique_constraint("u", "t", ["a", "b"])', "AddConstraint t u unique (a, b)"),
        ('op.create_primary_key("p", "t", ["a"])', "AddConstraint t p primary key (a)"),
        ('op.create_foreign_key("f", "t", "r", ["a"], ["id"])', "AddConstraint t f foreign key (a) references=r"),
        (
            'op.create_foreign_key(None, source_table="t", referent_table="r", local_cols=["a"], remote_cols=["id"])',
            "AddConstraint t foreign key (a) references=r",
        ),
        (
            'op.create_foreign_key("f", "t", "r", ["a"], ["id"], source_schema="s", postgresql_not_valid=True)',
            "AddConstraint s.t f foreign key (a) references=r NOT VALID",
        ),
        ('op.create_check_constraint("k", "t", "a > 0")', "AddConstraint t k check condition=a > 0"),
        (
            'op.create_check_constraint("k", "t", "a IS NOT NULL", postgresql_not_valid=True)',
            "AddConstraint t k check proves_not_null=('a',) condition=a IS NOT NULL NOT VALID",
        ),
        (
            'op.create_check_constraint("k", "t", sa.column("a").isnot(None))',
            "AddConstraint t k check proves_not_null=('a',) condition=a IS NOT NULL",
        ),
        (
            'op.create_check_constraint("k", "t", condition=sa.text("a IS NOT NULL AND b > 0"))',
            "AddConstraint t k check proves_not_null=('a',) condition=a IS NOT NULL AND b > 0",
        ),
        ('op.create_exclude_constraint("x", "t", ("a", "&&"))', "AddConstraint t x exclude (a)"),
        ('op.drop_constraint("k", "t")', "DropConstraint t k"),
        ('op.drop_constraint("k", "t", type_="check", schema="s")', "DropConstraint s.t k check"),
        ('op.drop_constraint(None, "t")', "DropConstraint t unnamed"),
        ('op.bulk_insert(sa.table("t", sa.column("a")), [{"a": 1}])', "ChangeRows t INSERT"),
        ('op.execute("DELETE FROM t")', "ChangeRows t DELETE"),
        ('op.execute(sqltext="DELETE FROM t")', "ChangeRows t DELETE"),
        ('op.create_table_comment("t", "words")', "AlterTable t COMMENT lock=SHARE UPDATE EXCLUSIVE"),
    ],
)
def test_each_directive(call: str, operation: str):
    assert read(call, HEAD + "columns = build()\n") == [operation]


def test_the_constraints_of_an_added_column_are_operations_of_their_own():
    body = 'op.add_column("t", sa.Column("c", sa.Integer(), sa.ForeignKey("r.id"), unique=True, index=True))'
    assert read(body) == [
        "AddColumn t c:sa.Integer()",
        "AddConstraint t foreign key (c) references=r",
        "CreateIndex t unique (c)",
    ]


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ("nullable=False", ["SetNotNull t c"]),
        ("nullable=False, existing_type=sa.Text()", ["SetNotNull t c type=sa.Text()"]),
        ("nullable=False, existing_nullable=True", ["SetNotNull t c"]),
        ("nullable=False, existing_nullable=False", ["Other alter_column"]),
        ("nullable=True", ["DropNotNull t c"]),
        ("nullable=None", ["Other alter_column"]),
        ("existing_type=sa.Text()", ["Other alter_column"]),
        ("comment='x'", ["AlterTable t COMMENT lock=SHARE UPDATE EXCLUSIVE"]),
        (
            "type_=sa.Text(), existing_type=sa.String(9)",
            ["ChangeType t c sa.Text() existing=sa.String(9) to_type=text existing_type=character varying(9)"],
        ),
        ("type_=sa.Text", ["ChangeType t c sa.Text to_type=text"]),
        ("server_default='x'", ["SetDefault t c default='x'"]),
        ("server_default=sa.text('now()')", ["SetDefault t c default=now()"]),
        ("server_default=None", ["SetDefault t c"]),
        ("server_default=False", ["Other alter_column"]),
        ("new_column_name='d'", ["RenameColumn t c d"]),
        (
            "new_column_name='d', server_default='x', nullable=False, type_=sa.Text()",
            [
                "ChangeType t c sa.Text() to_type=text",
                "SetNotNull t c type=sa.Text()",
                "SetDefault t c default='x'",
                "RenameColumn t c d",
            ],
        ),
    ],
)
def test_alter_column_in_the_order_in_which_alembic_does_it(keywords: str, expected: list[str]):
    assert read(f'op.alter_column("t", "c", {keywords})') == expected
    assert read(f'op.alter_column(column_name="c", table_name="t", {keywords})') == expected
    assert read(f'with op.batch_alter_table("t") as b:\n    b.alter_column("c", {keywords})') == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"c", sa.Text()', "c:sa.Text()"),
        ('"c", sa.Text', "c:sa.Text"),
        ('"c"', "c:None"),
        ('name="c", type_=sa.String(length=9)', "c:sa.String(length=9)"),
        ('sa.Text(), name="c"', "c:sa.Text()"),
        ('op.f("c"), sa.Text()', "c:sa.Text()"),
        ('"c", sa.Text(), nullable=False', "c:sa.Text() NOT NULL"),
        ('"c", sa.Text(), nullable=True', "c:sa.Text()"),
        ('"c", sa.Text(), nullable=REQUIRED', "c:sa.Text() NOT NULL?"),
        ('"c", sa.Text(), **OPTIONS', "c:sa.Text() NOT NULL? FILLED?"),
        ('"c", sa.Text(), primary_key=True', "c:sa.Text() NOT NULL"),
        ('"c", sa.Integer(), primary_key=True', "c:sa.Integer() NOT NULL FILLED"),
        ('"c", sa.BigInteger, primary_key=True', "c:sa.BigInteger NOT NULL FILLED"),
        ('"c", sa.Integer(), primary_key=True, autoincrement=False', "c:sa.Integer() NOT NULL"),
        ('"c", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True', None),
        ('"c", sa.Integer(), sa.Identity(always=True), nullable=False', "c:sa.Integer() NOT NULL FILLED"),
        ('"c", sa.Integer(), sa.Computed("1"), nullable=False', "c:sa.Integer() NOT NULL FILLED"),
        ('"c", sa.Integer(), sa.FetchedValue(), nullable=False', "c:sa.Integer() NOT NULL"),
        ('"c", sa.Integer(), server_default=sa.FetchedValue(), nullable=False', "c:sa.Integer() NOT NULL"),
        ('"c", sa.Text(), server_default="x"', "c:sa.Text() DEFAULT 'x'"),
        ('"c", sa.Text(), server_default=""', "c:sa.Text() DEFAULT ''"),
        ('"c", sa.Text(), server_default="NULL"', "c:sa.Text() DEFAULT 'NULL'"),
        ('"c", sa.Text(), server_default=sa.text("NULL")', "c:sa.Text() DEFAULT NULL"),
        ('"c", sa.Text(), server_default=sa.text(" ( null )::text")', "c:sa.Text() DEFAULT NULL"),
        ('"c", sa.Text(), server_default=sa.text("now()")', "c:sa.Text() DEFAULT now()"),
        ('"c", sa.Text(), server_default=sa.null()', "c:sa.Text() DEFAULT NULL"),
        ('"c", sa.Text(), server_default=sa.literal_column("NULL")', "c:sa.Text() DEFAULT NULL"),
        ('"c", sa.Text(), server_default=sa.func.now()', "c:sa.Text() DEFAULT now()"),
        ('"c", sa.Text(), server_default=None', "c:sa.Text()"),
        ('"c", sa.Text(), default="x"', "c:sa.Text()"),
        ('"c", sa.ForeignKey("r.id")', None),
        ('"c", postgresql.ARRAY(sa.Text())', "c:postgresql.ARRAY(sa.Text())"),
        ('"c", app.types.Money(2)', "c:app.types.Money(2)"),
        ('"c", Money', "c:app.types.Money"),
    ],
)
def test_a_column_in_each_form(given: str, expected: str | None):
    head = HEAD + "from sqlalchemy.dialects import postgresql\nimport app.types\nfrom app.types import Money\n"
    found = operations(f'op.add_column("t", sa.Column({given}))', head + "OPTIONS = REQUIRED = load()\n")
    assert isinstance(found[0], AddColumn)
    if expected is not None:
        assert short(found[0]) == f"AddColumn t {expected}"


def test_a_variant_of_an_integer_is_an_integer():
    (one,) = operations(
        'op.add_column("t", sa.Column("c", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True))'
    )
    assert isinstance(one, AddColumn)
    assert one.column.fills_itself is True


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        ('b.add_column(sa.Column("c", sa.Text()))', "AddColumn s.t c:sa.Text()"),
        ('b.add_column(sa.Column("c", sa.Text()), insert_after="a")', "AddColumn s.t c:sa.Text()"),
        ('b.drop_column("c")', "DropColumn s.t c"),
        ('b.drop_column(column_name="c")', "DropColumn s.t c"),
        ('b.alter_column("c", nullable=False)', "SetNotNull s.t c"),
        ('b.create_index(b.f("i"), ["c"], unique=False)', "CreateIndex s.t i (c)"),
        ('b.drop_index("i")', "DropIndex i s.t"),
        ('b.create_unique_constraint("u", ["c"])', "AddConstraint s.t u unique (c)"),
        ('b.create_foreign_key("f", "r", ["c"], ["id"])', "AddConstraint s.t f foreign key (c) references=r"),
        ('b.create_primary_key("p", ["c"])', "AddConstraint s.t p primary key (c)"),
        (
            'b.create_check_constraint("k", "c IS NOT NULL")',
            "AddConstraint s.t k check proves_not_null=('c',) condition=c IS NOT NULL",
        ),
        ('b.drop_constraint("k", type_="check")', "DropConstraint s.t k check"),
        ('b.execute("DELETE FROM t")', "ChangeRows t DELETE"),
    ],
)
@pytest.mark.parametrize("table", ['"t", schema="s"', '"t", "s"', 'table_name="t", schema="s"'])
def test_a_batch_brings_its_table(call: str, operation: str, table: str):
    assert read(f"with op.batch_alter_table({table}) as b:\n    {call}") == [operation]


def test_batches_of_several_tables_do_not_mix_and_the_inner_one_ends_first():
    body = """
    with op.batch_alter_table("t") as b, op.batch_alter_table("u") as c:
        b.drop_column("x")
        c.drop_column("x")
    """
    assert read(body) == ["DropColumn u x", "DropColumn t x"]


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        'name = "x"\nop.drop_table(name)',
        "op.drop_table(NAME)",
        'name: str = "x"\nop.drop_table(name)',
        'a = b = "x"\nop.drop_table(b)',
        'a, (b, c) = "w", ("x", "y")\nop.drop_table(b)',
        'op.drop_table("" + NAME)',
        'name = ""\nname += "x"\nop.drop_table(name)',
        'op.drop_table(f"{NAME}")',
        'op.drop_table("%s" % NAME)',
        'op.drop_table("%(n)s" % {"n": NAME})',
        'op.drop_table("{}".format(NAME))',
        'op.drop_table("{n}".format(n=NAME))',
        'op.drop_table("".join(["x"]))',
        'op.drop_table(" X ".strip().lower())',
        'op.drop_table("y".replace("y", "x"))',
        'op.drop_table(TABLES["users"])',
        'op.drop_table(TABLES.get("users"))',
        'op.drop_table(TABLES.get("none", "x"))',
        'op.drop_table(["x", "y"][0])',
        'op.drop_table(("y", "x")[-1])',
        'op.drop_table("x" if True else "y")',
        'op.drop_table(None or "x")',
        'op.drop_table(str("x"))',
        'if (name := "x"):\n    op.drop_table(name)',
        'op.drop_table(sa.table("x"))',
        'op.drop_table(op.f("x"))',
        'op.drop_table(sa.quoted_name("x", True))',
        'd = {}\nd["a"] = "x"\nop.drop_table(d["a"])',
        'l = []\nl.append("x")\nop.drop_table(l[0])',
        'd = {**{"a": "x"}}\nop.drop_table(d["a"])',
    ],
)
def test_a_value_that_can_be_known_is_known(body: str):
    assert read(body, HEAD + 'NAME = "x"\nTABLES = {"users": "x"}\n') == [DROP]


@pytest.mark.parametrize(
    "loop",
    [
        'for t in ("x", "y"):\n    op.drop_table(t)',
        'for t in ["x", "y"]:\n    op.drop_table(t)',
        'for t, _ in zip(["x", "y"], [1, 2]):\n    op.drop_table(t)',
        'for _, t in enumerate(["x", "y"]):\n    op.drop_table(t)',
        'for t in {"x": 1, "y": 2}:\n    op.drop_table(t)',
        'for t, n in {"x": 1, "y": 2}.items():\n    op.drop_table(t)',
        'for t in {"x": 1, "y": 2}.keys():\n    op.drop_table(t)',
        'for t in {"a": "x", "b": "y"}.values():\n    op.drop_table(t)',
        'for t in sorted(["y", "x"]):\n    op.drop_table(t)',
        'for t in reversed(["y", "x"]):\n    op.drop_table(t)',
        'for t in "x y".split():\n    op.drop_table(t)',
        'for t in [*("x",), "y"]:\n    op.drop_table(t)',
        'for t in ["x"] + ["y"]:\n    op.drop_table(t)',
        'for t in [n.lower() for n in ("X", "Y")]:\n    op.drop_table(t)',
        '[op.drop_table(t) for t in ("x", "y")]',
        'for group in (("x",), ("y",)):\n    for t in group:\n        op.drop_table(t)',
        'for i in range(2):\n    op.drop_table(["x", "y"][i])',
        "for t in TABLES:\n    op.drop_table(t)",
    ],
)
def test_a_loop_over_what_is_known_is_followed(loop: str):
    assert read(loop, HEAD + 'TABLES = ("x", "y")\n') == [DROP, "DropTable y"]


@pytest.mark.parametrize("mapped", ["dict.update", "list.insert", "list[0] =", "enumerate(start=1)"])
def test_a_value_that_was_changed_is_not_the_old_one(mapped: str):
    bodies = {
        "dict.update": 'd = {}\nd.update({"x": 1})\nfor t in d: op.drop_table(t)',
        "list.insert": 'd = []\nd.insert(0, "x")\nfor t in d: op.drop_table(t)',
        "list[0] =": 'd = ["y"]\nd[0] = "x"\nfor t in d: op.drop_table(t)',
        "enumerate(start=1)": 'for i, t in enumerate(["t"], start=1): op.drop_table("x" if i == 1 else "y")',
    }
    found = read(bodies[mapped])
    assert found == [DROP] or (found and found[0].startswith("NotRead"))


# ── control flow ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('if unknown():\n    op.drop_table("x")\nelse:\n    op.drop_table("y")', [DROP, "DropTable y"]),
        ('if False:\n    op.drop_table("y")\nelse:\n    op.drop_table("x")', [DROP]),
        ('if not op.get_context().as_sql:\n    op.drop_table("x")', [DROP]),
        ('while unknown():\n    op.drop_table("x")', [DROP]),
        ('while unknown():\n    pass\nop.drop_table("x")', [DROP]),
        ('try:\n    op.drop_table("x")\nexcept Exception:\n    op.drop_table("y")', [DROP, "DropTable y"]),
        ('try:\n    pass\nfinally:\n    op.drop_table("x")', [DROP]),
        ('try:\n    pass\nexcept E:\n    raise\nop.drop_table("x")', [DROP]),
        ('return\nop.drop_table("x")', []),
        (
            'raise NotImplementedError\nop.drop_table("x")',
            ["NotRead raises here on PostgreSQL, as far as can be read: what comes after it is not read"],
        ),
        ('if op.get_bind().engine.name != "sqlite":\n    pass\nop.drop_table("x")', [DROP]),
        ('if unknown():\n    return\nop.drop_table("x")', [DROP]),
        ('if unknown():\n    return\nelse:\n    return\nop.drop_table("x")', []),
        ('if True:\n    return\nop.drop_table("x")', []),
        ('for t in ["y"]:\n    return\nop.drop_table("x")', []),
        ('for t in unknown():\n    return\nop.drop_table("x")', [DROP]),
        # What may be left early, or may not run, leaves nothing certain behind.
        (
            'def f():\n    if unknown(): return 1\n    return None\nif f() is None: pass\nelse: op.drop_table("x")',
            [DROP],
        ),
        ('c = False\nfor t in unknown(): c = True\nif c: op.drop_table("x")', [DROP]),
        ('c = False\nwhile unknown(): c = True\nif c: op.drop_table("x")', [DROP]),
        ('d = {}\nd[unknown()] = 1\nif d.get("k"): op.drop_table("x")', [DROP]),
        ('d = {"k": 1}\nif d.get(unknown()): op.drop_table("x")', [DROP]),
        ('if unknown(): t = "x"\nop.drop_table(t)', [DROP]),
        ('match unknown():\n    case 1:\n        op.drop_table("x")\n    case _:\n        op.drop_table("y")', None),
        ('name = "x" if unknown() else "x"\nop.drop_table(name)', [DROP]),
        ('name = "x"\nif unknown():\n    name = "x"\nop.drop_table(name)', [DROP]),
        ('name = "y"\nif unknown():\n    return\nelse:\n    name = "x"\nop.drop_table(name)', [DROP]),
        ('unknown() and op.drop_table("x")', [DROP]),
        ('x = op.drop_table("x")', [DROP]),
        ('return op.drop_table("x")', [DROP]),
        ('print(op.drop_table("x"))', [DROP]),
    ],
)
def test_both_ways_are_followed_where_it_is_not_known_which(body: str, expected: list[str] | None):
    assert read(body, HEAD + "from app import unknown\n") == (expected or [DROP, "DropTable y"] * (expected is None))


@pytest.mark.parametrize(
    "test",
    [
        'op.get_bind().dialect.name == "sqlite"',
        'op.get_bind().dialect.name != "postgresql"',
        'op.get_bind().dialect.name in ("sqlite", "mysql")',
        'op.get_context().dialect.name == "sqlite"',
        'not op.get_bind().dialect.name == "postgresql"',
        'bind.dialect.name == "mysql" and True',
        'dialect == "sqlite"',
    ],
)
def test_branches_of_other_dialects_are_not_read(test: str):
    body = f"""
    bind = op.get_bind()
    dialect = bind.dialect.name
    if {test}:
        op.drop_table("y")
    else:
        op.drop_table("x")
    """
    assert read(body) == [DROP]


def test_leaving_early_on_another_dialect_leaves_nothing_out():
    assert read('if op.get_bind().dialect.name != "postgresql":\n    return\nop.drop_table("x")') == [DROP]
    assert read('if op.get_bind().dialect.name == "postgresql":\n    return\nop.drop_table("x")') == []


def test_a_name_that_depends_on_the_way_is_not_known():
    assert read('name = "x"\nif unknown:\n    name = "y"\nop.drop_table(name)') == [
        "NotRead the table's name is computed"
    ]


# ── functions of the file ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("define", "call"),
    [
        ("def drop(t):\n    op.drop_table(t)", 'drop("x")'),
        ("def drop(t):\n    op.drop_table(t)", 'drop(t="x")'),
        ('def drop(t="x"):\n    op.drop_table(t)', "drop()"),
        ('def drop(*, t="x"):\n    op.drop_table(t)', "drop()"),
        ("def drop(u, /, t):\n    op.drop_table(t)", 'drop("y", "x")'),
        ("def drop(*tables):\n    for t in tables:\n        op.drop_table(t)", 'drop("x")'),
        ('def drop(**words):\n    op.drop_table(words["t"])', 'drop(t="x")'),
        ("def drop(o, t):\n    o.drop_table(t)", 'drop(op, "x")'),
        ('def name():\n    return "x"', "op.drop_table(name())"),
        ("def inner(t):\n    op.drop_table(t)\n\ndef drop(t):\n    inner(t)", 'drop("x")'),
        ("def drop(t):\n    op.drop_table(t)", 'for f in (drop,):\n    f("x")'),
        ("def run(b):\n    b.drop_column('c')", 'with op.batch_alter_table("x") as b:\n    run(b)'),
        ('def _drop():\n    op.drop_table("x")', "def local():\n    _drop()\nlocal()"),
        ("def drop(c):\n    c.execute('DROP TABLE x')", "drop(op.get_bind())"),
        ("def bind():\n    return op.get_bind()", "bind().execute(sa.text('DROP TABLE x'))"),
    ],
)
def test_a_function_of_the_file_is_followed_with_its_arguments(define: str, call: str):
    expected = ["DropColumn x c"] if "drop_column" in define else [DROP]
    assert read(call, f"{HEAD}\n{define}\n") == expected


def test_columns_of_the_module_and_of_functions_are_known():
    head = HEAD + 'C = sa.Column("c", sa.Text())\n\ndef col(name):\n    return sa.Column(name, sa.Text())\n'
    assert read('op.add_column("t", C)\nop.add_column("t", C.copy())\nop.add_column("t", col("d"))', head) == [
        "AddColumn t c:sa.Text()",
        "AddColumn t c:sa.Text()",
        "AddColumn t d:sa.Text()",
    ]


def test_an_operation_stands_where_it_is_written():
    source = upgrade('op.add_column(\n    "größe",\n    sa.Column("c", sa.Text()),\n)')
    (one,) = read_upgrade(FILE, source.encode())
    assert (one.at.path, one.at.line, one.at.end) == (FILE, 6, 9)
    assert one.call == 'op.add_column(\n        "größe",\n        sa.Column("c", sa.Text()),\n    )'


def test_an_operation_of_a_helper_stands_in_the_helper():
    (one,) = operations("drop()", HEAD + '\ndef drop():\n    op.drop_table("x")\n')
    assert one.at.line == 5


# ── SQL and Core ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "call",
    [
        'op.execute("DELETE FROM x")',
        'op.execute(sa.text("DELETE FROM x"))',
        'op.execute(sa.DDL("DELETE FROM x"))',
        'op.execute(sa.text("DELETE FROM x WHERE a = :a").bindparams(a=1))',
        'op.execute("""\n        DELETE\n        FROM x\n    """)',
        'op.execute("DELETE " "FROM x")',
        'op.execute(f"DELETE FROM {NAME}")',
        'op.get_bind().execute(sa.text("DELETE FROM x"))',
        "op.get_bind().exec_driver_sql(\"DELETE FROM x WHERE a = ':b'\")",
        'op.get_bind().scalar(sa.text("DELETE FROM x RETURNING 1"))',
        'run = op.get_bind().execute\nrun(sa.text("DELETE FROM x"))',
        'with op.get_bind().begin() as c:\n    c.execute(sa.text("DELETE FROM x"))',
        'c = op.get_bind().execution_options(stream_results=True)\nc.execute(sa.text("DELETE FROM x"))',
        'Session(bind=op.get_bind()).execute(sa.text("DELETE FROM x"))',
        'with Session(op.get_bind()) as s:\n    s.execute(sa.text("DELETE FROM x"))\n    s.commit()',
        'make = sessionmaker(bind=op.get_bind())\nmake().execute(sa.text("DELETE FROM x"))',
        'op.execute(sa.delete(sa.table("x")))',
        'op.execute(sa.table("x").delete())',
        't = sa.Table("x", sa.MetaData())\nop.get_bind().execute(t.delete().where(t.c.a == 1))',
        'op.get_bind().execute(sa.delete(sa.table("x")).where(sa.column("a") == 1).returning(sa.column("a")))',
        'x = op.create_table\nop.execute(sa.delete(sa.table("x")))',
    ],
)
def test_a_statement_is_read_however_it_is_executed(call: str):
    head = HEAD + 'from sqlalchemy.orm import Session, sessionmaker\nNAME = "x"\n'
    assert read(call, head) == ["ChangeRows x DELETE"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("t.update().values(a=1)", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("t.update().values({'a': 1, 'b': 2})", "ChangeRows s.t UPDATE (a, b) every_null=('a', 'b')"),
        ("t.update().values({t.c.a: 1})", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("t.update().values({t.columns.a: 1})", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("t.update().where(t.c.b.is_(None)).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().where(t.c.a.is_(None)).values(a=1)", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("t.update().where(t.c.a.is_(sa.null())).values(a=1)", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("sa.update(t).values(a=1).where(t.c.a == None)", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("sa.update(t).values(a=1, b=2).where(t.c.a == None)", "ChangeRows s.t UPDATE (a, b) every_null=('a',)"),
        ("t.update().where(t.c.a.is_(None), t.c.b == 1).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().where(t.c.a.is_(None)).where(t.c.b == 1).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().where(t.c.b == 1).where(t.c.a.is_(None)).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().where(t.c.a.is_(True)).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().where(t.c.a != None).values(a=1)", "ChangeRows s.t UPDATE (a)"),
        ("t.update().values(a=sa.func.now(), b=sa.func.f())", "ChangeRows s.t UPDATE (a, b) every_null=('a',)"),
        ("t.update().values(a=uuid.uuid4(), b=helper())", "ChangeRows s.t UPDATE (a, b) every_null=('a',)"),
        ("t.update().values(a=str(helper()))", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("t.update().values(a=f'x-{helper()}')", "ChangeRows s.t UPDATE (a) every_null=('a',)"),
        ("sa.update(t).values(a=sa.select(sa.func.max(t.c.b)).scalar_subquery())", "ChangeRows s.t UPDATE (a)"),
        ("sa.update(t)", "ChangeRows s.t UPDATE"),
        ("t.insert().values(a=1)", "ChangeRows s.t INSERT (a)"),
        ("sa.insert(t)", "ChangeRows s.t INSERT"),
        ("t.delete()", "ChangeRows s.t DELETE"),
        ("sa.select(t.c.a)", "Other select"),
        ("t.select()", "Other select"),
        ("sa.select(sa.func.count()).select_from(t)", "Other select"),
    ],
)
def test_core_statements(statement: str, expected: str):
    body = f't = sa.table("t", sa.column("a"), sa.column("b"), schema="s")\nop.get_bind().execute({statement})'
    assert read(body, HEAD + "import uuid\n") == [expected]


MAPPED = (
    HEAD + "from sqlalchemy.orm import Session, declarative_base\nBase = declarative_base()\n"
    "class T(Base):\n    __tablename__ = 't'\n    a = sa.Column(sa.Integer, primary_key=True)\n"
)


def test_what_is_merged_may_be_new_or_there():
    assert read("Session(op.get_bind()).merge(T(a=1))", MAPPED) == [
        "ChangeRows t INSERT (a)",
        "ChangeRows t UPDATE (a)",
    ]


def test_a_foreign_key_to_a_mapped_column():
    body = "op.create_table('u', sa.Column('b', sa.Integer(), sa.ForeignKey(T.a)), sa.Column('c', sa.ForeignKey(NAME)))"
    (one,) = operations(body, MAPPED)
    assert isinstance(one, CreateTable)
    assert one.references == (Table("t"),)


def test_bulk_insert_into_what_create_table_returns():
    assert read('t = op.create_table("t")\nop.bulk_insert(t, [{"a": 1}])') == ["CreateTable t", "ChangeRows t INSERT"]


# ── what is not read, and says so ────────────────────────────────────────────────────────────────────────

NOT_READ = {
    "computed table": ("op.drop_table(helper())", "the table's name is computed"),
    "computed schema": ('op.drop_table("x", schema=helper())', "the schema's name is computed"),
    "computed column name": ('op.drop_column("x", helper())', "the column's name is computed"),
    "computed column": ('op.add_column("x", helper())', "the column is computed"),
    "computed batch": ('with op.batch_alter_table(helper()) as b:\n    b.drop_column("c")', "the batch's table"),
    "computed nullable": ('op.alter_column("x", "c", nullable=helper())', "`nullable` is computed"),
    "computed keywords": ('op.alter_column("x", "c", **helper())', "keywords are computed"),
    "computed new name": ('op.alter_column("x", "c", new_column_name=helper())', "the new name is computed"),
    "computed SQL": ("op.execute(helper())", "the SQL is computed"),
    "file of SQL": ('op.execute(open("x.sql").read())', "the SQL is computed"),
    "half computed SQL": ('op.execute(f"DROP TABLE {helper()}")', "the SQL is computed"),
    "computed SQL on the connection": ("op.get_bind().execute(helper())", "the SQL is computed"),
    "no SQL": ("op.execute()", "the SQL is computed"),
    "invalid SQL": ('op.execute("DROP TABLE 1")', 'syntax error at or near "1", at character 12'),
    "DO block": ('op.execute("DO $$ BEGIN EXECUTE x; END $$")', "a DO block executes what it puts together"),
    "CALL": ('op.execute("CALL p()")', "procedure's body"),
    "unknown directive": ("op.create_entity(x)", "op.create_entity is not one of Alembic's own"),
    "unknown batch directive": ('with op.batch_alter_table("x") as b:\n    b.fly()', "op.fly is not one"),
    "imported helper as a statement": ("helper()", "app.helper() is another module's"),
    "imported module's function": ("app.helpers.fill()", "app.helpers.fill() is another module's"),
    "relative import": ("near()", ".near.near() is another module's"),
    "given op": ("x = helper(op)", "app.helper() is another module's"),
    "given the connection": ("x = helper(bind=op.get_bind())", "app.helper() is another module's"),
    "given a batch": ('with op.batch_alter_table("x") as b:\n    y = helper(b)', "app.helper() is another"),
    "given in a list": ("x = helper([op.get_bind()])", "app.helper() is another"),
    "an attribute of op": ('getattr(op, helper())("x")', "what is called here is not known"),
    "ORM add": ("Session(bind=op.get_bind()).add(User())", "rows changed through the ORM by .add()"),
    "ORM add_all": ("s = Session(op.get_bind())\ns.add_all([User()])", "rows changed through the ORM"),
    "ORM update": ("Session(op.get_bind()).query(User).update({})", "rows changed through the ORM by .update()"),
    "ORM delete": ("Session(op.get_bind()).query(User).filter(x).delete()", "rows changed through the ORM"),
    "ORM bulk": ("Session(op.get_bind()).bulk_insert_mappings(User, [])", "rows changed through the ORM"),
    "ORM attribute": ("for u in Session(op.get_bind()).query(User):\n    u.a = 1", "by setting an attribute"),
    "update of a class": ("op.execute(sa.update(User).values(a=1))", "the SQL is computed"),
    "create_all of Core": ("sa.MetaData().create_all(op.get_bind())", "MetaData.create_all() is given the database"),
    "create_all": ("User.metadata.create_all(op.get_bind())", "create_all() is another module's"),
    "computed Core table": ("op.execute(sa.table(helper()).delete())", "the table that it changes is computed"),
}


def test_a_function_that_calls_itself_is_followed_once_and_says_so_where_it_does_something():
    head = HEAD + "\ndef drop(names):\n    op.drop_table(names[0])\n    drop(names[1:])\n"
    assert read('drop(["x", "y"])', head) == [DROP, "NotRead drop() calls itself, and is followed only once"]
    assert read("count(3)", HEAD + "\ndef count(n):\n    return n and count(n - 1)\n") == []


@pytest.mark.parametrize("name", NOT_READ)
def test_what_cannot_be_followed_says_so_with_its_place_and_reason(name: str):
    body, reason = NOT_READ[name]
    head = HEAD + (
        "import app.helpers\nfrom app import User, helper\nfrom .near import near\nfrom sqlalchemy.orm import Session\n"
    )
    (one,) = operations(body, head)
    assert isinstance(one, NotRead)
    assert reason in one.reason
    assert one.at.path == FILE
    assert one.call.split("\n")[0] in upgrade(body, head).split("\n")[one.at.line - 1]


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (b"def upgrade(:\n", 1, "syntax error"),
        (b"x = 1\ndef upgrade():\n    pass\n  x\n", 4, "syntax error"),
        (b'"""\xff"""\n', None, "is not UTF-8"),
        (b"x = 1\0\n", 1, "null byte"),
        (b"# coding: nonsense\n", 1, "unknown encoding"),
        (b"# coding: rot13\n", 1, "not a text encoding"),
        (b"x = " + b"(" * 500 + b")" * 500, 1, "nest"),
    ],
)
def test_a_file_that_is_no_python_is_one_not_read(source: bytes, line: int | None, reason: str):
    (one,) = read_upgrade(FILE, source)
    assert isinstance(one, NotRead)
    assert reason in one.reason
    assert line is None or one.at.line == line


@pytest.mark.parametrize(
    "body",
    [
        'print("done")',
        'logging.getLogger("alembic").info("done")',
        "log.info('x')",
        "sa.inspect(op.get_bind()).get_columns('x')",
        "inspector = inspect(op.get_bind())\nif 'x' in inspector.get_table_names():\n    pass",
        "op.get_bind()",
        "bind = op.get_bind()\nname = bind.dialect.name",
        "from time import sleep\nsleep(1)",
        "x = helper()",
        "x = len([1, 2])",
        "if helper():\n    pass",
        "Session(bind=op.get_bind()).commit()",
        "for user in Session(bind=op.get_bind()).query(User).all():\n    print(user)",
        '"""A docstring."""',
        "...",
        "pass",
    ],
)
def test_what_changes_no_database_is_silent(body: str):
    head = HEAD + (
        "import logging\nfrom sqlalchemy import inspect\nfrom sqlalchemy.orm import Session\n"
        "from app import User, helper\nlog = logging.getLogger(__name__)\n"
    )
    assert read(body, head) == []


@pytest.mark.parametrize("type_", ["Money()", "Money", "app.types.Money(2)", "Choice(Kind, impl=sa.Integer())"])
def test_an_imported_type_in_a_column_is_only_a_type(type_: str):
    head = HEAD + "import app.types\nfrom app.types import Choice, Kind, Money\n"
    (one,) = operations(f'op.add_column("t", sa.Column("c", {type_}, nullable=False))', head)
    assert isinstance(one, AddColumn)
    assert one.column.not_null is True


def test_an_enum_that_is_made_on_the_connection_is_no_mystery():
    assert read('sa.Enum("a", name="e").create(op.get_bind(), checkfirst=True)') == ["Other CREATE TYPE"]


# Whatever may change the database must be an operation or a NotRead: each of these drops a table or changes rows.
SILENT = {
    "closure": 'bind = op.get_bind()\ndef run(sql):\n    bind.execute(sql)\nrun("DROP TABLE x")',
    "context.get_bind()": 'context.get_bind().execute("DROP TABLE x")',
    "op.get_context().bind": 'op.get_context().bind.execute("DROP TABLE x")',
    "op.get_context().connection": 'op.get_context().connection.execute("DROP TABLE x")',
    "bind.engine": 'op.get_bind().engine.execute("DROP TABLE x")',
    "cursor": 'op.get_bind().connection.cursor().execute("DROP TABLE x")',
    "batch.get_bind()": 'with op.batch_alter_table("x") as b:\n    b.get_bind().execute("DROP TABLE x")',
    "lambda": 'f = lambda: op.drop_table("x")\nf()',
    "map": 'list(map(op.drop_table, ["x"]))',
    "partial": 'functools.partial(op.drop_table, "x")()',
    "method": "Helper().run()",
    "static method": "Helper.run()",
    "assert": 'assert op.drop_table("x") is None',
    "dict comprehension": '{t: op.drop_table(t) for t in ["x"]}',
    "condition of a comprehension": '[t for t in ["x"] if op.drop_table(t)]',
    "MetaData.create_all(bind=…)": "sa.MetaData().create_all(bind=op.get_bind())",
    "Operations": 'Operations(op.get_context()).drop_table("x")',
    "star import": "vanish()",
    "importlib": 'importlib.import_module("app.fill").upgrade()',
    "exec": "exec('op.drop_table(\"x\")')",
    "helper that is returned": "return helper()",
    "helper that is awaited": "await helper()",
    "keyword of a helper's function": "x = helper(run=op.execute)",
    "deep inside": f'{"str(" * 45}op.drop_table("x"){")" * 45}',
    "second comparison": 'x = 1 < 2 < op.drop_table("x")',
    "else of while": 'while helper():\n    pass\nelse:\n    op.drop_table("x")',
    "guard of a case": 'match 1:\n    case 1 if op.drop_table("x"):\n        pass',
    "raise": 'raise RuntimeError(op.drop_table("x"))',
    "decorator": '@op.drop_table("x")\ndef f(): pass',
    "del": 'del {}[op.drop_table("x")]',
    "slice": '[][op.drop_table("x") :]',
    "yield": 'yield op.drop_table("x")',
}


@pytest.mark.parametrize("name", SILENT)
def test_what_may_change_the_database_is_never_passed_over(name: str):
    head = HEAD + (
        "import functools\nimport importlib\nfrom alembic import context\nfrom alembic.operations import Operations\n"
        "from sqlalchemy.orm import Session\nfrom app import User, helper\nfrom app.star import *\n\n"
        "class Helper:\n    @staticmethod\n    def run():\n        op.drop_table('x')\n"
    )
    found = read(SILENT[name], head)
    assert [one for one in found if not one.startswith("Other")], found


@pytest.mark.parametrize("leave", ['if t == "y":\n        continue', 'if t == "y":\n        break'])
def test_a_turn_that_is_left_is_not_read(leave: str):
    assert read(f'for t in ("x", "y"):\n    {leave}\n    op.drop_table(t)') == [DROP]


def test_the_dispatcher_of_a_multi_database_revision_is_read_too():
    source = HEAD + MULTI.replace("    globals()", '    op.drop_table("w")\n    globals()')
    assert "DropTable w" in [short(one) for one in read_upgrade(FILE, source.encode())]


PREFIXED = """
prefix = op.get_context().opts["table_prefix"]
op.create_table(f"{prefix}users", sa.Column("id", sa.Integer()))
op.create_index(op.f(f"ix_{prefix}users_id"), f"{prefix}users", ["id"])
with op.batch_alter_table(f"{prefix}users") as batch:
    batch.drop_column("bio")
"""


def test_a_foreign_key_to_a_table_whose_name_is_known_in_part():
    key = 'sa.ForeignKeyConstraint(["a"], [f"{prefix}users.id"])'
    one = operations(f'{PREFIXED}op.create_table(f"{{prefix}}tokens", sa.Column("a", sa.Integer()), {key})')[-1]
    assert isinstance(one, CreateTable)
    assert one.references == (Table("…users"),)


def test_a_name_that_is_known_in_part_is_the_same_wherever_it_is_written_so():
    assert [line.partition(" (")[0] for line in read(PREFIXED)] == [
        "CreateTable …users",
        "CreateIndex …users ix_…users_id",
        "DropColumn …users bio",
    ]


@pytest.mark.parametrize(
    "body",
    [
        'for name in op.get_bind().execute(sa.text("SELECT 1")):\n    op.drop_table(f"{name}_old")',
        'op.drop_table(f"{op.get_context().opts[0]}")',
        'op.drop_table(f"{op.get_context().opts[0]}_a")',
    ],
)
def test_a_name_that_says_too_little_or_stands_for_many_is_not_read(body: str):
    assert read(body)[-1].startswith("NotRead")
