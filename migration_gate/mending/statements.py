"""What makes, drops and changes one object: lines of a revision, for each kind of catalog_queries.py.

``makes`` and ``alters`` give what has to run where the object has its turn, ``settles`` what can run only when all
objects are there: who owns a sequence, what a table is clustered on, whose partition it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from migration_gate.mending import columns, privileges
from migration_gate.mending.sql import (
    call,
    escaped,
    execute,
    options,
    own_name,
    part_name,
    schema_of,
    table_name,
    with_options,
)
from migration_gate.operations.model import Table
from migration_gate.postgres.catalog import Key, Snapshot, facets, join, owner, split
from migration_gate.rules.remedies import literal, quoted, schema_keyword, sql_name

ROUTINES = ("function", "procedure")
VIEWS = ("view", "materialized view")
TYPES = ("enum", "domain", "composite", "range")
OF_A_TABLE = ("column", "constraint", "index", "trigger", "policy", "rule", "statistics")
# Their first facet is the object itself, and may begin with any word.
_WITH_A_BODY = (*TYPES, *VIEWS, *ROUTINES, *OF_A_TABLE, "sequence")


class Parts:
    """A definition by what its facets begin with: ``parts["OWNER "]`` is "ana", "" where there is none. ``body`` is the
    object itself, as its kind's query prints it.
    """

    def __init__(self, kind: str, definition: str | None) -> None:
        lines = facets(definition or "")
        self.body = lines[0] if lines and kind in _WITH_A_BODY and kind != "policy" else ""
        self.rest = lines[1:] if self.body else lines

    def __getitem__(self, prefix: str) -> str:
        found = next((one for one in self.rest if one.startswith(prefix)), prefix)
        return found.removeprefix(prefix)

    def has(self, line: str) -> bool:
        return line in self.rest

    def whole(self, prefix: str) -> str:
        return next((one for one in self.rest if one.startswith(prefix)), "")


def parts_of(key: Key, of: Snapshot) -> Parts:
    return Parts(key.kind, of.get(key))


def table_key(key: Key) -> Key:
    """The table that a part of it belongs to."""
    return Key("table", key.schema, split(key.name)[0])


# ── how an object is called ──────────────────────────────────────────────────────────────────────────────


def called(key: Key) -> str:
    """As COMMENT ON and DROP have it: "TABLE users", "TRIGGER touches ON notes", "FUNCTION shop.gross(net numeric)"."""
    match key.kind:
        case "column":
            return f"COLUMN {table_name(key)}.{quoted(split(key.name)[1])}"
        case "constraint" | "trigger" | "policy" | "rule":
            return f"{key.kind.upper()} {quoted(split(key.name)[1])} ON {table_name(key)}"
        case "index" | "statistics":
            return f"{key.kind.upper()} {part_name(key)}"
        case "function" | "procedure":
            return f"{key.kind.upper()} {routine(key)}"
        case "enum" | "composite" | "range":
            return f"TYPE {own_name(key)}"
        case "schema" | "extension":
            return f"{key.kind.upper()} {quoted(key.name)}"
        case "table" | "view" | "materialized view" | "sequence" | "domain":
            return f"{key.kind.upper()} {own_name(key)}"
    words = {"foreign-data wrapper": "FOREIGN DATA WRAPPER"}
    return f"{words.get(key.kind, key.kind.upper())} {key.name}"


def routine(key: Key) -> str:
    """With its arguments, which is how PostgreSQL tells it from others of its name."""
    name, _, arguments = key.name.partition("(")
    return f"{sql_name(Table(name, schema_of(key.schema)))}({arguments}"


def _granted_on(key: Key) -> privileges.Place:
    if key.kind == "column":
        return privileges.Place(f"TABLE {table_name(key)}", column=quoted(split(key.name)[1]))
    if key.kind in VIEWS:
        return privileges.Place(f"TABLE {own_name(key)}")
    return privileges.Place(called(key))


# ── what all objects have: an owner, privileges, a comment ───────────────────────────────────────────────


def _owned_kind(key: Key) -> bool:
    return key.kind in ("schema", "table", "sequence", *TYPES, *VIEWS, *ROUTINES)


def _common(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    old, new = parts_of(key, before), parts_of(key, after)
    ana, ben = old["OWNER "], new["OWNER "]
    goes_with_its_table = key.kind == "sequence" and owner(after[key]) and owner(after[key]) == owner(before[key])
    if ana != ben and not goes_with_its_table:
        yield execute(f"ALTER {called(key)} OWNER TO {ben}")
    if old["PRIVILEGES "] != new["PRIVILEGES "]:
        given = _privileges(key, old, old["OWNER "], new), _privileges(key, new, ben, old)
        first = {(_unquoted(ben) if role == _unquoted(ana) else role): had for role, had in given[0].items()}
        yield from map(execute, privileges.changes(first, given[1], _granted_on(key)))
        yield from _granted_again(key, first, given[1], after)
    yield from _comment(key, old, new)


def _granted_again(
    table: Key, before: privileges.Privileges, after: privileges.Privileges, of: Snapshot
) -> Iterator[str]:
    """REVOKE from a table revokes from its columns too ("REVOKE", Notes)."""
    lost = {role for role, had in before.items() if had.keys() - after.get(role, {}).keys()}
    for key in columns.of_table(table, of) if table.kind == "table" else ():
        given = privileges.read(parts_of(key, of)["PRIVILEGES "])
        again = {role: had for role, had in given.items() if role in lost}
        yield from map(execute, privileges.changes({}, again, _granted_on(key)))


def _unquoted(role: str) -> str:
    return role[1:-1].replace('""', '"') if role.startswith('"') else role


def _privileges(key: Key, parts: Parts, role: str, other: Parts) -> privileges.Privileges:
    """What is said, or, where nothing is, what PostgreSQL gives: since 17 MAINTAIN too, which ``other`` tells."""
    if said := parts["PRIVILEGES "]:
        return privileges.read(said)
    given = privileges.default(key.kind, _unquoted(role))
    more = {"m": False} if "m" in privileges.read(other["PRIVILEGES "]).get(_unquoted(role), {}) else {}
    return {one: {**had, **(more if one == _unquoted(role) else {})} for one, had in given.items()}


def _comment(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    if old["COMMENT "] != new["COMMENT "]:
        yield execute(f"COMMENT ON {called(key)} IS {new['COMMENT '] or 'NULL'}")


def _at_birth(key: Key, before: Snapshot, of: Snapshot) -> Iterator[str]:
    """What a new object wants of these. Its owner is who runs the migration, if that is who owns most. What ALTER
    DEFAULT PRIVILEGES gives away is in ``before``.
    """
    parts = parts_of(key, of)
    role = parts["OWNER "]
    if _owned_kind(key):
        owners = [text for text in of.values() if "OWNER " in text]
        usual = sum(f"OWNER {role}" in text for text in owners) * 2 >= len(owners)
        if not usual and not (key.kind == "sequence" and owner(of[key])):
            yield execute(f"ALTER {called(key)} OWNER TO {role}")
        born = _given_by_default(key, before, _unquoted(role), _privileges(key, Parts(key.kind, ""), role, parts))
        wanted = _privileges(key, parts, role, parts)
        yield from map(execute, privileges.changes(born, wanted, _granted_on(key)))
    elif given := parts["PRIVILEGES "]:
        yield from map(execute, privileges.changes({}, privileges.read(given), _granted_on(key)))
    yield from _comment(key, Parts(key.kind, ""), parts)


def _given_by_default(
    key: Key, before: Snapshot, role: str, usual: privileges.Privileges
) -> dict[str, dict[str, bool]]:
    found = {one: dict(had) for one, had in usual.items()}
    for word, kind in privileges.OF_DEFAULT_PRIVILEGES.items():
        same = {"function": ROUTINES, "enum": TYPES, "table": ("table", *VIEWS)}.get(kind, (kind,))
        if key.kind in same:
            if everywhere := before.get(Key("default privileges", "", f"{role} on {word}")):
                found = {one: dict(had) for one, had in privileges.read(everywhere).items()}
            for one, had in privileges.read(
                before.get(Key("default privileges", key.schema, f"{role} on {word}"), "")
            ).items():
                found[one] = found.get(one, {}) | dict(had)
    return found


# ── making ───────────────────────────────────────────────────────────────────────────────────────────────


def makes(key: Key, before: Snapshot, of: Snapshot, made: set[Key]) -> Iterator[str]:
    """The object as it is in ``of``; ``made`` is all that is made beside it. Nothing for kinds of which a snapshot
    knows only that they are there, for foreign tables and for tables of a type.
    """
    parts = parts_of(key, of)
    match key.kind:
        case "table":
            if parts["SERVER "] or parts["OF "]:
                return
            yield from _makes_table(key, parts, of, made)
        case "column":
            yield from columns.added(key, of, made)
            if (sequence := columns.owned_sequence(key, of)) and sequence not in made:
                yield from columns.counted_on(key, sequence)
        case "constraint":
            yield _adds_constraint(key, parts)
        case "index":
            text = parts.body
            yield execute(text if parts.has("INVALID") else text.replace(" ON ONLY ", " ON ", 1))
            if place := parts["TABLESPACE "]:
                yield execute(f"ALTER INDEX {part_name(key)} SET TABLESPACE {place}")
        case "view" | "materialized view":
            tail = " WITH NO DATA" if parts.has("WITH NO DATA") else ""
            given = with_options(parts["WITH "])
            yield execute(f"CREATE {key.kind.upper()} {own_name(key)}{given} AS\n{parts.body.rstrip(';')}{tail}")
        case "function" | "procedure" | "rule" | "statistics":
            yield execute(parts.body.replace("CREATE OR REPLACE ", "CREATE ", 1))
        case "trigger":
            yield execute(parts.body)
        case "policy":
            yield execute(f"CREATE POLICY {quoted(split(key.name)[1])} ON {table_name(key)}{_policy(parts)}")
        case "default privileges":
            yield from _default_privileges(key, None, of[key])
            return
        case _:
            statement = _simple(key, parts)
            if statement is None:
                return
            yield execute(statement)
    yield from _enabled(key, Parts(key.kind, ""), parts)
    yield from _at_birth(key, before, of)


def _simple(key: Key, parts: Parts) -> str | None:
    """Schemas, extensions, types and sequences."""
    name = own_name(key)
    match key.kind:
        case "schema":
            return f"CREATE SCHEMA {quoted(key.name)}"
        case "extension":
            schema = parts["SCHEMA "]
            return f"CREATE EXTENSION {quoted(key.name)}" + (f" SCHEMA {schema}" if schema_of(schema) else "")
        case "enum":
            return f"CREATE TYPE {name} AS ENUM {parts.body}"
        case "composite":
            return f"CREATE TYPE {name} AS {parts.body}"
        case "range":
            return f"CREATE TYPE {name} AS RANGE (SUBTYPE = {parts.body})"
        case "domain":
            checks = " ".join(f"CONSTRAINT {one} {check}" for one, check in domain_checks(parts).items())
            words = (parts.whole("COLLATE "), parts.whole("DEFAULT "), parts.whole("NOT NULL"), checks)
            return " ".join(filter(None, (f"CREATE DOMAIN {name} AS {parts.body}", *words)))
        case "sequence":
            kind = "UNLOGGED SEQUENCE" if parts.has("UNLOGGED") else "SEQUENCE"
            cycle = " CYCLE" if parts.has("CYCLE") else ""
            return f"CREATE {kind} {name} AS {parts.body} {parts.whole('START ')}{cycle}"
    return None


def domain_checks(parts: Parts) -> dict[str, str]:
    """A domain's constraints, by their names as SQL takes them."""
    listed = (
        re.fullmatch(r'("(?:[^"]|"")*"|[^\s"]+) (CHECK .*)', one, re.DOTALL)
        for facet in parts.rest
        if not facet.startswith(("DEFAULT ", "COMMENT "))
        for one in facet.split("\n")
    )
    return {one[1]: one[2] for one in listed if one}


def _makes_table(key: Key, parts: Parts, of: Snapshot, made: set[Key]) -> Iterator[str]:
    unlogged = "UNLOGGED " if parts.has("UNLOGGED") else ""
    begin = f"CREATE {unlogged}TABLE {own_name(key)}"
    whole = "".join(f" {one}" for one in (parts.whole("PARTITION BY "), parts.whole("USING ")) if one)
    whole += with_options(parts["WITH "]) + (f" TABLESPACE {place}" if (place := parts["TABLESPACE "]) else "")
    own = columns.of_table(key, of)
    if parent := parts["PARTITION OF "]:
        yield execute(f"{begin} PARTITION OF {parent}{whole}")
        for one in own:
            yield from differs_from_parents(one, of)
        return
    local = [one for one in own if "INHERITED" not in facets(of[one])]
    lines = [columns.in_sql(one, of, made) for one in local]
    lines += [f"CONSTRAINT {quoted(split(one.name)[1])} {of_parts.body}" for one, of_parts in inline(key, of)]
    inherits = f" INHERITS ({above})" if (above := parts["INHERITS "]) else ""
    body = "(\n    " + ",\n    ".join(lines) + "\n)" if lines else "()"
    yield execute(f"{begin} {body}{inherits}{whole}")
    yield from _security(key, Parts("table", ""), parts)
    for one in local:
        column = columns.read(of[one])
        yield from columns.settings(one, columns.Column(column.type), column)
        yield from _at_birth(one, {}, of)
    for one, of_parts in inline(key, of):
        yield from _comment(one, Parts(one.kind, ""), of_parts)


def inline(table: Key, of: Snapshot) -> list[tuple[Key, Parts]]:
    """The constraints that CREATE TABLE makes."""
    begin = join(table.name, "")
    own = (one for one in of if one.kind == "constraint" and one.schema == table.schema and one.name.startswith(begin))
    return [(one, parts_of(one, of)) for one in own if is_inline(one, of)]


def is_inline(constraint: Key, of: Snapshot) -> bool:
    """Not those that point to other tables, nor those that CREATE TABLE has no words for."""
    parts = parts_of(constraint, of)
    apart = parts.body.startswith("FOREIGN KEY") or parts.body.endswith("NOT VALID")
    return not (apart or parts["WITH ("] or parts["TABLESPACE "])


def differs_from_parents(column: Key, of: Snapshot) -> Iterator[str]:
    """What an inherited column has otherwise than its parent's, of which PostgreSQL has made it."""
    for parent in parents(table_key(column), of):
        theirs = of.get(Key("column", parent.schema, join(parent.name, split(column.name)[1])))
        if theirs is not None and theirs != _uninherited(of[column]):
            yield from columns.altered(column, {column: theirs}, of)
            yield from _common(column, {column: theirs}, of)


def _uninherited(definition: str) -> str:
    return "\n".join(one for one in definition.split("\n") if one != "INHERITED")


def lineage(table: Key, of: Snapshot) -> list[tuple[Key, str]]:
    """The tables that a table inherits from, or is a partition of, with the partition's bounds."""
    parts = parts_of(table, of)
    bound = parts["PARTITION OF "]
    names = [_parent(bound)] if bound else _listed(parts["INHERITS "])
    found = (_names(one) for one in names)
    return [(Key("table", *one), bound) for one in found if len(one) == 2]


def parents(table: Key, of: Snapshot) -> list[Key]:
    return [one for one, _ in lineage(table, of)]


_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_NAMES = rf"({_NAME}(?:, {_NAME})*)"
_KEY = re.compile(rf"(PRIMARY KEY|UNIQUE) \({_NAMES}\)")
_FOREIGN = re.compile(
    rf"FOREIGN KEY \({_NAMES}\) REFERENCES ({_NAME}(?:\.{_NAME})?)\({_NAMES}\)"
    r"(?: ON UPDATE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?(?: ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?"
)


def _names(listed: str) -> list[str]:
    return [_unquoted(one) for one in re.findall(_NAME, listed)]


def _python(names: list[str]) -> str:
    return f"[{', '.join(map(literal, names))}]"


def _adds_constraint(key: Key, parts: Parts) -> str:
    """By Alembic's own call where it has all words for it."""
    table, name = split(key.name)
    schema = schema_keyword(Table(table, schema_of(key.schema)))
    plain = not (parts["WITH ("] or parts["TABLESPACE "])
    if plain and (one := _KEY.fullmatch(parts.body)):
        what = "primary_key" if one[1] == "PRIMARY KEY" else "unique_constraint"
        return f"op.create_{what}({literal(name)}, {literal(table)}, {_python(_names(one[2]))}{schema})"
    if one := re.fullmatch(r"CHECK \((.*)\)", parts.body, re.DOTALL):  # op.f: it is the whole name, by any convention
        words = [f"op.f({literal(name)})", literal(table), literal(escaped(_bare(one[1])))]
        return f"op.create_check_constraint({', '.join(words)}{schema})"
    if one := _FOREIGN.fullmatch(parts.body):
        there = _names(one[2])
        words = [literal(name), literal(table), literal(there[-1]), _python(_names(one[1])), _python(_names(one[3]))]
        words += [f"onupdate={literal(one[4])}"] if one[4] else []
        words += [f"ondelete={literal(one[5])}"] if one[5] else []
        own = schema_keyword(Table(table, schema_of(key.schema)), "source_schema")
        other = schema_keyword(Table(there[-1], schema_of(there[0])), "referent_schema")
        return f"op.create_foreign_key({', '.join(words)}{own}{other})"
    tail = "".join(f" {one}" for one in (parts.whole("WITH ("),) if one)
    tail += f" USING INDEX TABLESPACE {place}" if (place := parts["TABLESPACE "]) else ""
    body = parts.body
    if tail:  # behind the columns, and before DEFERRABLE and WHERE
        cut = re.search(r" (?:DEFERRABLE|WHERE \()", body)
        at = cut.start() if cut else len(body)
        body = body[:at] + tail + body[at:]
    return execute(f"ALTER TABLE {table_name(key)} ADD CONSTRAINT {quoted(name)} {body}")


def _bare(expression: str) -> str:
    """Without the brackets around all of it."""
    inner = expression.removeprefix("(").removesuffix(")")
    depths = [*accumulate({"(": 1, ")": -1}.get(one, 0) for one in re.sub(r"'[^']*'|\"[^\"]*\"", "", inner))]
    return inner if expression.startswith("(") and min(depths, default=0) >= 0 else expression


def _policy(parts: Parts) -> str:
    kind = " AS RESTRICTIVE" if parts.has("RESTRICTIVE") else ""
    return kind + "".join(f" {one}" for one in map(parts.whole, ("FOR ", "TO ", "USING (", "WITH CHECK (")) if one)


# ── dropping ─────────────────────────────────────────────────────────────────────────────────────────────


def drops(key: Key, of: Snapshot) -> Iterator[str]:
    table, name = split(key.name) if key.kind in OF_A_TABLE else ("", "")
    at = schema_keyword(Table(table, schema_of(key.schema)))
    match key.kind:
        case "table" if parts_of(key, of)["SERVER "]:
            yield execute(f"DROP FOREIGN TABLE {own_name(key)}")
        case "table":
            yield f"op.drop_table({literal(key.name)}{at})"
        case "column":
            yield call("drop_column", key)
        case "index":
            yield f"op.drop_index({literal(name)}, table_name={literal(table)}{at})"
        case "constraint":
            yield f"op.drop_constraint({literal(name)}, {literal(table)}{at})"
        case "enum":
            yield f"sa.Enum(name={literal(key.name)}{at}).drop(op.get_bind())"
        case "default privileges":
            yield from _default_privileges(key, of[key], None)
        case _:
            yield execute(f"DROP {called(key)}")


# ── changing in place ────────────────────────────────────────────────────────────────────────────────────


def in_place(key: Key, before: Snapshot, after: Snapshot) -> bool:
    """Whether PostgreSQL can make one of the other; else it is dropped and made again."""
    old, new = parts_of(key, before), parts_of(key, after)
    match key.kind:
        case "column":
            return columns.in_place(before[key], after[key])
        case "table":
            kinds = ("PARTITION BY ", "OF ", "SERVER ")
            return all(old[one] == new[one] for one in kinds)
        case "constraint":
            same = old["WITH ("] == new["WITH ("] and old["TABLESPACE "] == new["TABLESPACE "]
            return same and (old.body == new.body or _validates(old.body, new.body) or _defers(old.body, new.body))
        case "index":
            return old.body == new.body and (new.has("INVALID") or not old.has("INVALID"))
        case "view":
            return _head(old.body) == _head(new.body)
        case "materialized view":
            return old.body == new.body
        case "function" | "procedure":
            return _signature(old.body) == _signature(new.body)
        case "policy":
            parts = ("FOR ", "RESTRICTIVE")
            kept = all(bool(old[one]) <= bool(new[one]) for one in ("USING (", "WITH CHECK ("))
            return kept and all(old.whole(one) == new.whole(one) for one in parts)
        case "trigger" | "statistics":
            return old.body == new.body
    return True


def _validates(old: str, new: str) -> bool:
    return old == f"{new} NOT VALID"


_DEFERRED = re.compile(r"(?: (NOT )?DEFERRABLE)?(?: INITIALLY (?:DEFERRED|IMMEDIATE))?$")


def _defers(old: str, new: str) -> bool:
    """Only a foreign key's can be changed ("ALTER TABLE", ALTER CONSTRAINT)."""
    return new.startswith("FOREIGN KEY") and _DEFERRED.sub("", old, 1) == _DEFERRED.sub("", new, 1)


def _head(query: str) -> str:
    """A view's columns and where they come from, which CREATE OR REPLACE VIEW cannot change."""
    return re.split(r"\n\s+(?:WHERE|GROUP BY|HAVING|ORDER BY|LIMIT)\b", query.rstrip(";"), maxsplit=1)[0]


def _signature(definition: str) -> str:
    """A routine's arguments and result, which CREATE OR REPLACE cannot change."""
    return definition.partition("\n LANGUAGE ")[0]


def alters(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """From one definition to the other; ``in_place`` says when."""
    old, new = parts_of(key, before), parts_of(key, after)
    match key.kind:
        case "table":
            yield from _alters_table(key, old, new)
        case "column":
            yield from columns.altered(key, before, after)
        case "constraint" if old.body != new.body:
            yield _alters_constraint(key, old, new)
        case "index" if old["TABLESPACE "] != new["TABLESPACE "]:
            yield execute(f"ALTER INDEX {part_name(key)} SET TABLESPACE {new['TABLESPACE '] or 'pg_default'}")
        case "view" | "materialized view":
            yield from _alters_view(key, old, new)
        case "function" | "procedure" | "rule" if old.body != new.body:
            yield execute(new.body.replace("CREATE RULE", "CREATE OR REPLACE RULE", 1))
        case "policy":
            changed = [one for one in ("TO ", "USING (", "WITH CHECK (") if old[one] != new[one]]
            if changed:
                yield execute(f"ALTER {called(key)} {' '.join(map(new.whole, changed))}")
        case "extension":
            if old["VERSION "] != new["VERSION "]:
                yield execute(f"ALTER EXTENSION {quoted(key.name)} UPDATE TO '{new['VERSION ']}'")
            if old["SCHEMA "] != new["SCHEMA "]:
                yield execute(f"ALTER EXTENSION {quoted(key.name)} SET SCHEMA {new['SCHEMA ']}")
        case "sequence":
            yield from _alters_sequence(key, old, new)
        case "domain":
            yield from _alters_domain(key, old, new)
        case "default privileges":
            yield from _default_privileges(key, before[key], after[key])
            return
    yield from _enabled(key, old, new)
    if parts_of(key, after).rest or parts_of(key, before).rest:
        yield from _common(key, before, after)


def _alters_table(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    at = f"ALTER TABLE {own_name(key)}"
    if old.has("UNLOGGED") != new.has("UNLOGGED"):
        yield execute(f"{at} SET {'UNLOGGED' if new.has('UNLOGGED') else 'LOGGED'}")
    for one in options(old["WITH "], new["WITH "]):
        yield execute(f"{at} {one}")
    if old["TABLESPACE "] != new["TABLESPACE "]:
        yield execute(f"{at} SET TABLESPACE {new['TABLESPACE '] or 'pg_default'}")
    if old["USING "] != new["USING "]:
        yield execute(f"{at} SET ACCESS METHOD {new['USING '] or 'heap'}")
    yield from _security(key, old, new)


def _security(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    for one, on, off in (("ROW LEVEL SECURITY", "ENABLE ", "DISABLE "), ("FORCE ROW LEVEL SECURITY", "", "NO ")):
        if old.has(one) != new.has(one):
            yield execute(f"ALTER TABLE {own_name(key)} {on if new.has(one) else off}{one}")


def _alters_constraint(key: Key, old: Parts, new: Parts) -> str:
    name = quoted(split(key.name)[1])
    if _validates(old.body, new.body):
        return execute(f"ALTER TABLE {table_name(key)} VALIDATE CONSTRAINT {name}")
    found = _DEFERRED.search(new.body)
    when = found[0].strip() if found and found[0] else "NOT DEFERRABLE"
    return execute(f"ALTER TABLE {table_name(key)} ALTER CONSTRAINT {name} {when}")


def _alters_view(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    if old.body != new.body:
        given = with_options(new["WITH "])
        yield execute(f"CREATE OR REPLACE VIEW {own_name(key)}{given} AS\n{new.body}")
    for one in options(old["WITH "], new["WITH "]):
        yield execute(f"ALTER {called(key)} {one}")
    if old.has("WITH NO DATA") != new.has("WITH NO DATA"):
        tail = " WITH NO DATA" if new.has("WITH NO DATA") else ""
        yield execute(f"REFRESH MATERIALIZED VIEW {own_name(key)}{tail}")


def _alters_sequence(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    words = [f"AS {new.body}"] if old.body != new.body else []
    if words or old["START "] != new["START "]:
        words.append(new.whole("START "))
    if old.has("CYCLE") != new.has("CYCLE"):
        words.append("CYCLE" if new.has("CYCLE") else "NO CYCLE")
    if words:
        # A position that is out of the new bounds would be refused.
        begin = new["START "].split()[0]
        yield execute(f"ALTER SEQUENCE {own_name(key)} {' '.join(words)}{_within(old, new, begin)}")
    if old.has("UNLOGGED") != new.has("UNLOGGED"):
        yield execute(f"ALTER SEQUENCE {own_name(key)} SET {'UNLOGGED' if new.has('UNLOGGED') else 'LOGGED'}")


def _within(old: Parts, new: Parts, begin: str) -> str:
    """RESTART where the old bounds were wider: what a snapshot does not know is where the sequence stands."""
    bounds = [re.search(r"MINVALUE (-?\d+) MAXVALUE (-?\d+)", one["START "]) for one in (old, new)]
    if not all(bounds):
        return ""
    return ""


def _alters_domain(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    at = f"ALTER DOMAIN {own_name(key)}"
    had, has = domain_checks(old), domain_checks(new)
    for name in had:
        if had[name] != has.get(name):
            yield execute(f"{at} DROP CONSTRAINT {name}")
    if old["DEFAULT "] != new["DEFAULT "]:
        yield execute(f"{at} {'SET ' + new.whole('DEFAULT ') if new['DEFAULT '] else 'DROP DEFAULT'}")
    if old.has("NOT NULL") != new.has("NOT NULL"):
        yield execute(f"{at} {'SET' if new.has('NOT NULL') else 'DROP'} NOT NULL")
    for name in has:
        if had.get(name) != has[name]:
            yield execute(f"{at} ADD CONSTRAINT {name} {has[name]}")


_STATES = ("DISABLED", "ENABLED REPLICA", "ENABLED ALWAYS")


def _enabled(key: Key, old: Parts, new: Parts) -> Iterator[str]:
    """Of a trigger or a rule."""
    if key.kind not in ("trigger", "rule"):
        return
    was, now = (next((one for one in _STATES if parts.has(one)), "ENABLED") for parts in (old, new))
    if was != now:
        verb = now.replace("ENABLED", "ENABLE").replace("DISABLED", "DISABLE")
        yield execute(f"ALTER TABLE {table_name(key)} {verb} {key.kind.upper()} {quoted(split(key.name)[1])}")


def _default_privileges(key: Key, old: str | None, new: str | None) -> Iterator[str]:
    role, _, what = key.name.rpartition(" on ")
    usual: privileges.Privileges = {}
    if not key.schema:
        usual = privileges.default(privileges.OF_DEFAULT_PRIVILEGES[what], role)
    schema = f" IN SCHEMA {quoted(key.schema)}" if key.schema else ""
    place = privileges.Place(what.upper(), f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(role)}{schema} ")
    given = [usual if one is None else privileges.read(one) for one in (old, new)]
    yield from map(execute, privileges.changes(given[0], given[1], place))


# ── when all is there ────────────────────────────────────────────────────────────────────────────────────


def frees(key: Key, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """What has to be let go before anything else: a sequence by its owner, a table by its parents."""
    if key.kind == "column":
        yield from columns.freed(key, before, after)
    if key.kind == "sequence" and owner(before[key]) != owner(after[key]) and owner(before[key]):
        yield execute(f"ALTER SEQUENCE {own_name(key)} OWNED BY NONE")
    if key.kind == "table":
        old, new = parts_of(key, before), parts_of(key, after)
        if (parent := old["PARTITION OF "]) and parent != new["PARTITION OF "]:
            yield execute(f"ALTER TABLE {_parent(parent)} DETACH PARTITION {own_name(key)}")
        for parent in _listed(old["INHERITS "]):
            if parent not in _listed(new["INHERITS "]):
                yield execute(f"ALTER TABLE {own_name(key)} NO INHERIT {parent}")


def settles(key: Key, before: Snapshot, after: Snapshot, again: set[str]) -> Iterator[str]:
    """What can be said only when all is there; of a table that is in ``before`` what is another now, or stands on an
    index that was made ``again`` (their names, as SQL takes them).
    """
    old, new = parts_of(key, before), parts_of(key, after)
    if (
        key.kind == "sequence"
        and (column := owner(after[key]))
        and column != (owner(before[key]) if key in before else None)
    ):
        yield execute(f"ALTER SEQUENCE {own_name(key)} OWNED BY {new['OWNED BY ']}")
    if key.kind != "table":
        return
    if key in before:
        if (parent := new["PARTITION OF "]) and parent != old["PARTITION OF "]:
            bound = parent.removeprefix(_parent(parent))
            yield execute(f"ALTER TABLE {_parent(parent)} ATTACH PARTITION {own_name(key)}{bound}")
        for parent in _listed(new["INHERITS "]):
            if parent not in _listed(old["INHERITS "]):
                yield execute(f"ALTER TABLE {own_name(key)} INHERIT {parent}")
    at = f"ALTER TABLE {own_name(key)}"
    identity, index = new["REPLICA IDENTITY "], new["CLUSTER ON "]
    if identity != old["REPLICA IDENTITY "] or identity.removeprefix("USING INDEX ") in again:
        yield execute(f"{at} REPLICA IDENTITY {_index(identity) or 'DEFAULT'}")
    if index != old["CLUSTER ON "] or index in again:
        yield execute(f"{at} CLUSTER ON {_index(index)}" if index else f"{at} SET WITHOUT CLUSTER")


def _parent(bound: str) -> str:
    found = re.match(r'(?:"(?:[^"]|"")*"|[^\s"])+', bound)
    return found[0] if found else bound


def _listed(names: str) -> list[str]:
    return re.findall(r'(?:"(?:[^"]|"")*"|[^\s",])+', names)


def _index(name: str) -> str:
    """Without its schema, which is the table's."""
    return re.sub(r'(?:"(?:[^"]|"")*"|[\w$]+)\.(?="|[\w$])', "", name)
