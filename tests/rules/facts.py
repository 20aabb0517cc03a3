"""What PostgreSQL does for each statement that a migration may hold, measured, and docs/facts.md, the table of it.

``python -m tests.rules.facts`` measures on every major and writes the page.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from migration_gate.operations.effects import STRENGTH, Known, Work, blocks
from migration_gate.operations.model import Lock, SqlType
from migration_gate.postgres.databases import connect
from migration_gate.postgres.throwaway import Choice, throwaway
from tests.majors import MAJORS, TOP, environment
from tests.rules.watch import Lab, Seen, Statement, fork, laboratory, project, upgrade

DOCUMENT = TOP / "docs/facts.md"
HEADER = "| statement | PostgreSQL | locks | waits | work |"


class Fact(NamedTuple):
    """A statement on production.py. ``before`` has been committed when it runs, and ``given`` says so on the page;
    ``session`` runs in its transaction. ``outside`` is true where it runs outside of one. ``since`` is the first major
    that knows it. ``known`` is what the statement does not say and lint may know, ``unsaid`` the tables that it locks
    and whose names nobody can read from it, ``blind`` why lint takes something else for granted.
    """

    sql: str
    given: str = ""
    before: str = ""
    session: str = ""
    outside: bool = False
    since: int = 0
    known: Known = Known()
    unsaid: frozenset[str] = frozenset()
    blind: str = ""

    @property
    def shown(self) -> str:
        return f"`{self.sql}`" + f", {self.given}" * bool(self.given)


class Measured(NamedTuple):
    """``tables`` has each table's strongest lock, ``indexes`` those that are locked ACCESS EXCLUSIVE, ``work`` what is
    done to which table. ``error`` is a SQLSTATE.
    """

    tables: tuple[tuple[str, Lock], ...]
    indexes: tuple[str, ...]
    work: tuple[tuple[str, Work], ...]
    error: str | None = None

    @property
    def cells(self) -> str:
        """The page's columns but the first two."""
        locks = [
            f"{lock}: {', '.join(name for name, its in self.tables if its == lock)}"
            + f", {', '.join(self.indexes)}" * (lock == "ACCESS EXCLUSIVE" and bool(self.indexes))
            for lock in sorted({lock for _, lock in self.tables}, key=STRENGTH.__getitem__, reverse=True)
        ]
        if self.indexes and "ACCESS EXCLUSIVE" not in {lock for _, lock in self.tables}:
            locks.insert(0, f"ACCESS EXCLUSIVE: {', '.join(self.indexes)}")
        waits = max((blocks(lock) for _, lock in self.tables), key=len, default="")
        work = "<br>".join(f"{what}: {table}" for table, what in self.work)
        if self.error:
            return f"| – | – | fails, {self.error} |"
        return f"| {'<br>'.join(locks) or '–'} | {waits or '–'} | {work or '–'} |"


def column(text: str, **how: object) -> Fact:
    return Fact(f"ALTER TABLE users ADD COLUMN {text}", **how)  # type: ignore[arg-type]


def change(what: str, existing: SqlType | None = None, **how: object) -> Fact:
    return Fact(f"ALTER TABLE users ALTER COLUMN {what}", known=Known(existing), **how)  # type: ignore[arg-type]


TEXT, VARCHAR50, INTEGER = SqlType("text"), SqlType("character varying", (50,)), SqlType("integer")
NUMERIC, TIMESTAMP = SqlType("numeric", (10, 2)), SqlType("timestamp without time zone")
SHORT = "UPDATE users SET nickname = 'x', name = 'x', bio = 'x', balance = 1"
PROVEN = "ALTER TABLE users ADD CONSTRAINT c CHECK (age IS NOT NULL)"
TRIGGER = """
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER g BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()
"""
RANGE = "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
FUNCTION = "CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'"
DOMAIN = "it does not know what a domain checks"
NEW_GRAMMAR = "it reads PostgreSQL 17's grammar"
REST = "CREATE TABLE events_rest PARTITION OF events DEFAULT"
DEFAULT = "it does not know of a default partition"
VIEWS = "it keeps no account of views without rows"
CHECKED = "ALTER TABLE events_2025 ADD CHECK (day IS NOT NULL AND day >= '2025-01-01' AND day < '2026-01-01')"

FACTS: dict[str, tuple[Fact, ...]] = {
    "Columns": (
        column("c integer"),
        column("c integer DEFAULT 7"),
        column("c integer NOT NULL DEFAULT 7"),
        column("c timestamptz NOT NULL DEFAULT now()"),
        column("c timestamp DEFAULT (now() AT TIME ZONE 'utc')"),
        column("c text DEFAULT CURRENT_USER"),
        column("c jsonb DEFAULT '{}'::jsonb"),
        column("c order_status NOT NULL DEFAULT 'new'"),
        column("c integer NOT NULL"),
        column("c uuid DEFAULT gen_random_uuid()"),
        column("c timestamptz DEFAULT clock_timestamp()"),
        column("c double precision DEFAULT random()"),
        column("c integer DEFAULT nextval('s')", before="CREATE SEQUENCE s"),
        column("c uuid DEFAULT uuidv7()", since=18),
        column("c integer DEFAULT f()", given="f VOLATILE, as functions are", before=FUNCTION),
        column("c integer DEFAULT f()", given="f STABLE", before=f"{FUNCTION} STABLE"),
        column(
            "c d", given="a domain with a CHECK", before="CREATE DOMAIN d AS integer CHECK (VALUE > 0)", blind=DOMAIN
        ),
        column("c d", given="a domain without one", before="CREATE DOMAIN d AS integer"),
        column("c serial"),
        column("c bigserial"),
        column("c integer GENERATED BY DEFAULT AS IDENTITY"),
        column("c text GENERATED ALWAYS AS (upper(name)) STORED"),
        column("c text GENERATED ALWAYS AS (upper(name)) VIRTUAL", since=18, blind=NEW_GRAMMAR),
        column("c integer REFERENCES groups"),
        column("c integer UNIQUE"),
        column("c integer CHECK (c > 0)"),
        Fact("ALTER TABLE users DROP COLUMN bio"),
        Fact("ALTER TABLE users DROP COLUMN name"),
        Fact("ALTER TABLE users RENAME COLUMN bio TO about"),
        change("age SET DEFAULT 7"),
        change("age DROP DEFAULT"),
        change("name DROP NOT NULL"),
        change("age SET NOT NULL"),
        change("email SET NOT NULL", given="with NULLs in it"),
        Fact(
            "ALTER TABLE users ALTER COLUMN age SET NOT NULL",
            "where a valid CHECK proves it",
            PROVEN,
            known=Known(proven=True),
        ),
        Fact("ALTER TABLE users ALTER COLUMN age SET NOT NULL", "where the CHECK is NOT VALID", f"{PROVEN} NOT VALID"),
        Fact("ALTER TABLE users ADD CONSTRAINT c NOT NULL age NOT VALID", since=18, blind=NEW_GRAMMAR),
        Fact(
            "ALTER TABLE users VALIDATE CONSTRAINT c",
            "a NOT NULL constraint",
            "ALTER TABLE users ADD CONSTRAINT c NOT NULL age NOT VALID",
            since=18,
        ),
        change("age SET STATISTICS 100"),
        change("bio SET STORAGE EXTERNAL"),
        change("bio SET COMPRESSION pglz"),
        change(
            "c SET EXPRESSION AS (lower(name))",
            given="of a stored generated column",
            before="ALTER TABLE users ADD COLUMN c text GENERATED ALWAYS AS (upper(name)) STORED",
            since=17,
        ),
        change(
            "c DROP EXPRESSION",
            given="of a stored generated column",
            before="ALTER TABLE users ADD COLUMN c text GENERATED ALWAYS AS (upper(name)) STORED",
        ),
        change("id ADD GENERATED BY DEFAULT AS IDENTITY", before="ALTER TABLE users ALTER COLUMN id DROP DEFAULT"),
    ),
    "Types": (
        change("nickname TYPE varchar(100)", VARCHAR50, given="from varchar(50)"),
        change("nickname TYPE text", VARCHAR50, given="from varchar(50)"),
        change("nickname TYPE varchar(20)", VARCHAR50, given="from varchar(50)", before=SHORT),
        change("bio TYPE varchar", TEXT, given="from text"),
        change("bio TYPE varchar(200)", TEXT, given="from text", before=SHORT),
        change("name TYPE varchar", TEXT, given="from text, with an index"),
        change('name TYPE text COLLATE "C"', TEXT, given="with an index", blind="it does not know a column's indexes"),
        change("balance TYPE numeric(12, 2)", NUMERIC, given="from numeric(10, 2)"),
        change("balance TYPE numeric", NUMERIC, given="from numeric(10, 2)"),
        change("balance TYPE numeric(12, 3)", NUMERIC, given="from numeric(10, 2)"),
        change("balance TYPE numeric(8, 2)", NUMERIC, given="from numeric(10, 2)", before=SHORT),
        change("age TYPE bigint", INTEGER, given="from integer"),
        change("age TYPE text", INTEGER, given="from integer"),
        change("id TYPE bigint", INTEGER, given="from integer, with a foreign key to it", unsaid=frozenset({"orders"})),
        change("nickname TYPE text USING nickname::text", VARCHAR50, given="from varchar(50)"),
        change("nickname TYPE text USING lower(nickname)", VARCHAR50, given="from varchar(50)"),
        change(
            "created_at TYPE timestamptz",
            TIMESTAMP,
            given="from timestamp, TimeZone UTC",
            session="SET LOCAL TimeZone = 'UTC'",
        ),
        change(
            "created_at TYPE timestamptz",
            TIMESTAMP,
            given="from timestamp, another TimeZone",
            session="SET LOCAL TimeZone = 'Europe/Paris'",
        ),
        change("created_at TYPE timestamp(3)", TIMESTAMP, given="from timestamp"),
        change("created_at TYPE date", TIMESTAMP, given="from timestamp"),
        change("net TYPE inet", SqlType("cidr"), given="from cidr", before="ALTER TABLE users ADD COLUMN net cidr"),
        change("data TYPE jsonb", SqlType("json"), given="from json", before="ALTER TABLE users ADD COLUMN data json"),
        Fact("ALTER TABLE orders ALTER COLUMN status TYPE text", "from an enum"),
    ),
    "Constraints": (
        Fact("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)"),
        Fact("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID"),
        Fact(
            "ALTER TABLE users VALIDATE CONSTRAINT c",
            "a CHECK",
            "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID",
        ),
        Fact("ALTER TABLE memberships ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users"),
        Fact("ALTER TABLE memberships ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID"),
        Fact(
            "ALTER TABLE memberships VALIDATE CONSTRAINT f",
            "a foreign key",
            "ALTER TABLE memberships ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID",
        ),
        Fact("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT ENFORCED", since=18, blind=NEW_GRAMMAR),
        Fact(
            "ALTER TABLE memberships ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT ENFORCED",
            since=18,
            blind=NEW_GRAMMAR,
        ),
        Fact("ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)"),
        Fact(
            "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX u",
            before="CREATE UNIQUE INDEX u ON users (email)",
        ),
        Fact("ALTER TABLE events_2025 ADD PRIMARY KEY (id)", "of a nullable column"),
        Fact(
            "ALTER TABLE events_2025 ADD CONSTRAINT u PRIMARY KEY USING INDEX u",
            "of a NOT NULL column",
            "ALTER TABLE events_2025 ALTER id SET NOT NULL; CREATE UNIQUE INDEX u ON events_2025 (id)",
        ),
        Fact("ALTER TABLE users ADD CONSTRAINT x EXCLUDE USING btree (age WITH =)"),
        Fact("ALTER TABLE orders DROP CONSTRAINT orders_total_positive", "a CHECK"),
        Fact("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey", "a foreign key", unsaid=frozenset({"users"})),
        Fact("ALTER TABLE groups DROP CONSTRAINT groups_pkey", "a primary key"),
        Fact("ALTER TABLE orders RENAME CONSTRAINT orders_total_positive TO c"),
        Fact("ALTER TABLE orders ALTER CONSTRAINT orders_user_id_fkey DEFERRABLE"),
    ),
    "Indexes": (
        Fact("CREATE INDEX i ON users (age)"),
        Fact("CREATE UNIQUE INDEX i ON users (email)"),
        Fact("CREATE INDEX CONCURRENTLY i ON users (age)", outside=True),
        Fact("CREATE INDEX i ON events (day)", "a partitioned table", unsaid=frozenset({"events_2024"})),
        Fact("CREATE INDEX i ON ONLY events (day)", "a partitioned table"),
        Fact("DROP INDEX ix_users_name", unsaid=frozenset({"users"})),
        Fact("DROP INDEX CONCURRENTLY ix_users_name", outside=True, unsaid=frozenset({"users"})),
        Fact("REINDEX INDEX ix_users_name", unsaid=frozenset({"users"})),
        Fact("REINDEX TABLE users"),
        Fact("REINDEX TABLE CONCURRENTLY users", outside=True),
        Fact("ALTER INDEX ix_users_name RENAME TO i", unsaid=frozenset({"users"})),
    ),
    "Tables": (
        Fact("ALTER TABLE users RENAME TO people"),
        Fact("ALTER TABLE groups SET SCHEMA crm"),
        Fact("DROP TABLE groups"),
        Fact(
            "DROP TABLE orders",
            "with a foreign key to users",
            "DROP MATERIALIZED VIEW order_totals",
            unsaid=frozenset({"users"}),
        ),
        Fact("CREATE TABLE carts (id integer, user_id integer REFERENCES users)"),
        Fact("CREATE TABLE copies (LIKE users)"),
        Fact("CREATE TABLE copies AS SELECT * FROM users"),
        Fact("ALTER TABLE memberships SET UNLOGGED"),
        Fact("ALTER TABLE memberships SET LOGGED", before="ALTER TABLE memberships SET UNLOGGED"),
        Fact("ALTER TABLE users SET (fillfactor = 70)"),
        Fact("ALTER TABLE users SET (autovacuum_enabled = off)"),
        Fact("ALTER TABLE users CLUSTER ON users_pkey"),
        Fact("ALTER TABLE users OWNER TO CURRENT_USER"),
        Fact("ALTER TABLE users REPLICA IDENTITY FULL"),
        Fact("ALTER TABLE users ENABLE ROW LEVEL SECURITY"),
        Fact("CREATE POLICY p ON users USING (true)"),
        Fact("CLUSTER users USING users_pkey"),
        Fact("VACUUM FULL users", outside=True),
        Fact("ANALYZE users"),
        Fact("CREATE STATISTICS s ON name, age FROM users"),
        Fact("COMMENT ON TABLE users IS 'people'"),
        Fact("COMMENT ON COLUMN users.age IS 'years'"),
        Fact("GRANT SELECT ON users TO PUBLIC"),
        Fact("LOCK TABLE users"),
        Fact("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"),
        Fact("CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()", before=TRIGGER),
        Fact("DROP TRIGGER g ON users", before=TRIGGER),
        Fact("ALTER TABLE users DISABLE TRIGGER g", before=TRIGGER),
        Fact("ALTER TABLE users DISABLE TRIGGER ALL"),
        Fact("CREATE RULE r AS ON INSERT TO groups DO ALSO NOTHING"),
    ),
    "Partitions": (
        Fact("ALTER TABLE events ADD COLUMN c integer", unsaid=frozenset({"events_2024"})),
        Fact("CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"),
        Fact(f"ALTER TABLE events ATTACH PARTITION events_2025 {RANGE}"),
        Fact(
            f"ALTER TABLE events ATTACH PARTITION events_2025 {RANGE}",
            "where a valid CHECK proves it",
            CHECKED,
            known=Known(proven=True),
        ),
        Fact(
            "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
            "beside a default partition",
            REST,
            unsaid=frozenset({"events_rest"}),
            blind=DEFAULT,
        ),
        Fact(
            f"ALTER TABLE events ATTACH PARTITION events_2025 {RANGE}",
            "where a valid CHECK proves it, beside a default partition",
            f"{CHECKED}; {REST}",
            known=Known(proven=True),
            unsaid=frozenset({"events_rest"}),
            blind=DEFAULT,
        ),
        Fact("ALTER TABLE events DETACH PARTITION events_2024"),
        Fact("ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY", outside=True),
        Fact("DROP TABLE events_2024", "a partition", unsaid=frozenset({"events"})),
    ),
    "Views, types and domains": (
        Fact("CREATE VIEW v AS SELECT id FROM users"),
        Fact(
            "CREATE OR REPLACE VIEW v AS SELECT id FROM users",
            before="CREATE VIEW v AS SELECT id FROM users",
            blind=VIEWS,
        ),
        Fact("DROP VIEW v", before="CREATE VIEW v AS SELECT id FROM users", blind=VIEWS),
        Fact("REFRESH MATERIALIZED VIEW order_totals"),
        Fact(
            "REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals",
            blind="what it compares row by row is not to be seen from outside",
        ),
        Fact("ALTER TYPE order_status ADD VALUE 'sent'"),
        Fact("ALTER TYPE order_status RENAME VALUE 'new' TO 'open'"),
        Fact("ALTER SCHEMA crm RENAME TO sales"),
        Fact(
            "ALTER DOMAIN d ADD CHECK (VALUE > 0)",
            "of users.n",
            "CREATE DOMAIN d AS integer; ALTER TABLE users ADD COLUMN n d",
            unsaid=frozenset({"users"}),
        ),
        Fact(
            "ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID",
            "of users.n",
            "CREATE DOMAIN d AS integer; ALTER TABLE users ADD COLUMN n d",
        ),
    ),
    "Rows": (
        Fact("INSERT INTO groups (name) VALUES ('x')"),
        Fact("INSERT INTO memberships (user_id) SELECT id FROM users"),
        Fact("UPDATE users SET age = 1"),
        Fact("UPDATE users SET age = 1 WHERE id = 1"),
        Fact("INSERT INTO groups (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x'"),
        Fact("DELETE FROM memberships"),
        Fact("TRUNCATE memberships"),
        Fact("SELECT * FROM users FOR UPDATE"),
    ),
}


def measure(lab: Lab, fact: Fact, folder: Path) -> Measured:
    """What one statement does on a fork of production."""
    runs = [f"op.get_bind().exec_driver_sql({one!r})" for one in (fact.session, fact.sql) if one]
    body = "\n".join(runs)
    if fact.outside:
        body = "with op.get_context().autocommit_block():\n    " + body
    with fork(lab) as database:
        if fact.before:
            with connect(lab.server, database) as connection:
                connection.execute(fact.before)
        seen = upgrade(lab, database, project(folder, body))
    return _measured(seen, seen.statements[-1], fact)


def _measured(seen: Seen, one: Statement, fact: Fact) -> Measured:
    if one.error:
        return Measured((), (), (), one.error)
    strongest: dict[str, Lock] = {}
    for name, lock in one.locks:
        if name not in strongest or STRENGTH[lock] > STRENGTH[strongest[name]]:
            strongest[name] = lock
    # What an index is locked by at the end of a statement outside of a transaction is over before anybody can see it.
    indexes = [name for name in seen.indexes if strongest.pop(name, "") == "ACCESS EXCLUSIVE" and not fact.outside]
    return Measured(tuple(sorted(strongest.items())), tuple(sorted(indexes)), tuple(sorted(_work(seen, one))))


def _work(seen: Seen, one: Statement) -> Iterator[tuple[str, Work]]:
    rewritten = one.rewrote - seen.indexes
    yield from ((name, "rewrite") for name in rewritten)
    yield from ((name, "index build") for name in one.built - rewritten)
    yield from ((name, "scan") for name in one.scanned - rewritten)
    # An INSERT is about rows that are not there yet.
    if one.rows and (not one.sql.startswith("INSERT") or "DO UPDATE" in one.sql):
        yield from ((name, "rows") for name, lock in one.locks if lock == "ROW EXCLUSIVE" and name not in seen.indexes)


def measure_all(major: int) -> Iterator[tuple[str, str]]:
    """The page's row of each statement, as (statement, the rest), on the server that is found."""
    with (
        throwaway(Choice("local")) as server,
        laboratory(server) as lab,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.major == major, server.origin
        for number, fact in enumerate(every()):
            if major >= fact.since:
                yield fact.shown, measure(lab, fact, Path(folder) / str(number)).cells


def every() -> tuple[Fact, ...]:
    return tuple(fact for facts in FACTS.values() for fact in facts)


HEAD = """# What PostgreSQL does

<!-- Written by `make facts` from what it measures. -->

Each statement ran on PostgreSQL {majors}, on the tables of tests/rules/production.py, all of which have rows. *Locks*
are the strongest that it takes on each table and view that was there before, and the indexes that it locks ACCESS
EXCLUSIVE; all are held until the transaction ends. What only reads (ACCESS SHARE) is left out. *Waits* is what of an
application's traffic waits for them. *Work* is what takes longer the more rows are there: a rewrite of the table and
all its indexes, an index build, a scan for a constraint, rows that are written one by one.

A test measures each row again on the server at hand, and holds it against what `migration-gate lint` takes for granted
(`migration_gate/operations/effects.py`). `make majors` does so on every major.
"""

BLIND = """## What lint takes otherwise

From the text of a migration alone `migration-gate lint` cannot tell all of this:
"""


def document(measured: dict[int, dict[str, str]]) -> str:
    """The page, from each major's rows."""
    majors = sorted(measured)
    lines = [HEAD.format(majors=_span(majors))]
    for title, facts in FACTS.items():
        lines += [f"## {title}\n", HEADER, "|---|---|---|---|---|"]
        for fact in facts:
            lines += _rows(fact, measured)
        lines.append("")
    return "\n".join([*lines, blind()])


def blind() -> str:
    """The page's last section."""
    return "\n".join([BLIND, *(f"- {fact.shown}: {fact.blind}" for fact in every() if fact.blind), ""])


def _rows(fact: Fact, measured: dict[int, dict[str, str]]) -> Iterator[str]:
    """One row, or one for each span of majors that agree."""
    span: list[int] = []
    for major in sorted(measured):
        cells = measured[major].get(fact.shown)
        if span and cells != measured[span[-1]].get(fact.shown):
            yield from _row(fact, span, measured)
            span = []
        span.append(major)
    yield from _row(fact, span, measured)


def _row(fact: Fact, span: list[int], measured: dict[int, dict[str, str]]) -> Iterator[str]:
    cells = measured[span[0]].get(fact.shown)
    if cells is not None:
        yield f"| {fact.shown} | {_span(span)} {cells}"


def _span(majors: list[int]) -> str:
    return f"{majors[0]}–{majors[-1]}" if len(majors) > 1 else str(majors[0])


def written(text: str, major: int) -> dict[str, str]:
    """The rows that the page has for a major, as (statement, the rest)."""
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            shown, span, cells = line.removeprefix("| ").split(" | ", 2)
            first, _, last = span.partition("–")
            if int(first) <= major <= int(last or first):
                found[shown] = f"| {cells}"
    return found


def main(majors: Iterable[int]) -> None:
    """Measure on each major, in a process that finds its programs first, and write the page."""
    measured = {}
    for major in majors:
        words = [sys.executable, "-m", "tests.rules.facts", str(major)]
        said = subprocess.run(
            words, cwd=TOP, env=environment(major), stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        measured[major] = dict(line.split("\t") for line in said.splitlines())
    DOCUMENT.write_text(document(measured), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        for row in measure_all(int(sys.argv[1])):
            print(*row, sep="\t")
    else:
        main(MAJORS)
