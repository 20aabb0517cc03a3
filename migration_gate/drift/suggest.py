"""A migration that closes the drift: Alembic's own code for what it knows, the catalogs' difference for the rest.

It is tried before it is given away: on a fork of the migrated database, which is then compared with the models once
more. What is still another there, a part of a table that Alembic's code does not make, is added.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Set
from typing import NamedTuple

from migration_gate.drift.compared import FIRST, Compared, compared
from migration_gate.drift.declared import Declared
from migration_gate.drift.keys import Said
from migration_gate.drift.remedies import calls
from migration_gate.drift.rest import rest
from migration_gate.findings import CannotJudge
from migration_gate.mending.plan import mends
from migration_gate.postgres.catalog_differences import Difference
from migration_gate.postgres.databases import create, drop, end_sessions
from migration_gate.postgres.server import Server
from migration_gate.project.base import Base
from migration_gate.project.model import Project
from migration_gate.rehearsal.child import Command, Event, Session
from migration_gate.rules.remedies import literal, makes_enum

ROUNDS = 4
NO_WAY_BACK = 'raise NotImplementedError("read upgrade(), and write here what takes it back")'  # where none is known


class Suggestion(NamedTuple):
    """The code of an ``upgrade()`` and of its ``downgrade()``, their imports, and what they leave of the drift, in
    sentences.
    """

    up: str = ""
    down: str = ""
    imports: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def suggest(
    project: Project,
    server: Server,
    primary: str,
    make: Callable[[str], None],
    hear: Callable[[Event], None],
    found: Compared,
    base: Base | None,
) -> Suggestion:
    """What closes the drift that was ``found`` in the database ``primary``, which has been upgraded. Raises CannotJudge
    where it cannot be tried (an upgrade-command runs as it will, several databases want several functions), or fails.
    """
    if project.settings.upgrade_command:
        raise CannotJudge(f"{project.name}: --suggest cannot try its migration by an upgrade-command")
    if len(found.schemas) > 1:
        raise CannotJudge(f"{project.name}: --suggest writes for one database, and env.py has {len(found.schemas)}")
    written: list[_Code] = []
    database, down, why = primary, _back(found), ""
    for number in range(ROUNDS):
        fork, ways = f"{primary}s{number}", (_alembics(found), _catalogs(found))
        for code in ways if ways[0].body else ():
            end_sessions(server, database)
            create(server, fork, database)
            declared = Declared(server, make)
            with Session(project, server, make, hear, answers=declared.answers) as session:
                session.made.add(fork)
                ran = session.run(Command("apply", ("\n".join(code.imports), code.body)), fork)
                if ran.status:
                    why = str((ran.ended_by or {}).get("message", "it took too long")).strip().split("\n")[0]
                    end_sessions(server, fork)
                    drop(server, fork)
                    continue
                written.append(code)
                found = compared(project, session.run(Command(compare=True), fork), declared.schemas, base)
                database = fork
                break
        if database != fork:
            break
    if not written:
        raise CannotJudge(f"{project.name}: --suggest knows no migration that closes this drift: {why or 'no code'}")
    return Suggestion(
        "\n".join(one.body for one in written),
        down,
        tuple(sorted({line for one in written for line in one.imports})),
        tuple(one.message for one in found.findings),
    )


class _Code(NamedTuple):
    body: str
    imports: tuple[str, ...] = ()


def _alembics(found: Compared) -> _Code:
    """Alembic's operations in its own order, after what columns are made of and before what is built on them."""
    schemas = next(iter(found.schemas.values()), None)
    cast = [item for item in found.items if " USING " in calls(item, schemas)]
    whole = [item for item in found.items if not (item.renamed or item.was or item in cast)]
    operations = sorted((one for item in whole for one in item.operations), key=lambda one: one["position"])
    before: list[Difference] = []
    after: list[Difference] = [item.difference for item in cast if item.difference]
    for item in whole:
        if one := rest(item.difference, item.operations):
            (before if one.kind in FIRST and one.after is not None else after).append(one)
        after += item.along
    parts = [
        *(mends(before, schemas.real, schemas.target) if schemas else ()),
        *(calls(item, schemas) for item in found.items if item.renamed or item.was),
        *map(_alembics_code, operations),
        *(mends(after, schemas.real, schemas.target) if schemas else ()),
    ]
    return _code("\n".join(filter(None, parts)), {line for one in operations for line in one.get("imports", ())})


def _alembics_code(one: Said) -> str:
    code = one.get("code") or ""
    filled = one.get("changes", {}).get("nullable", [True])[0] is False
    before = "# rows that hold NULL have to be given a value first\n" if filled else ""
    return before + makes_enum(code) + code


def _catalogs(found: Compared) -> _Code:
    """The same by the catalogs alone, for where Alembic's code does not run: a default of a function to come, say."""
    schemas = next(iter(found.schemas.values()), None)
    differing = [one for item in found.items if not item.was for one in (item.difference, *item.along) if one]
    lines = [calls(item, schemas) for item in found.items if item.renamed or item.was]
    return _code("\n".join([*lines, *(mends(differing, schemas.real, schemas.target) if schemas else ())]))


def _code(body: str, imports: Set[str] = frozenset()) -> _Code:
    return _Code(steady(body), tuple(sorted({*imports, *dialect(body)})))


def dialect(code: str) -> tuple[str, ...]:
    """The import that code of ``mends`` needs, if any."""
    return ("from sqlalchemy.dialects import postgresql",) if re.search(r"\bpostgresql\.", code) else ()


def _back(found: Compared) -> str:
    """What takes it back: the catalogs' difference the other way round."""
    schemas = next(iter(found.schemas.values()), None)
    if schemas is None:
        return ""
    names = [item._replace(key=item.renamed, renamed=item.key) for item in found.items if item.renamed]
    names += [item._replace(key=item.was, was=item.key) for item in found.items if item.was]
    differing = [
        one._replace(before=one.after, after=one.before)
        for item in found.items
        for one in (item.difference, *item.along)
        if one and not item.was
    ]
    lines = [*mends(differing, schemas.target, schemas.real), *(calls(item, schemas) for item in names)]
    return steady("\n".join(lines))


def steady(code: str) -> str:
    """Code whose texts of several lines stay what they are when it is indented: each line a string of its own."""
    lines = code.split("\n")
    tokens = [*tokenize.generate_tokens(io.StringIO(code).readline)]
    for one in reversed(tokens):
        if one.type == tokenize.STRING and one.start[0] != one.end[0]:
            (top, left), (bottom, right) = one.start, one.end
            parts = ast.literal_eval(one.string).splitlines(keepends=True)
            begin, end = lines[top - 1][:left], lines[bottom - 1][right:]
            lines[top - 1 : bottom] = [begin, *(f"    {literal(part)}" for part in parts), end]
    return "\n".join(lines)
