"""``[tool.migration-gate]`` in pyproject.toml, checked as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from migration_gate.findings import CannotJudge

POSTGRES = range(14, 19)  # the major versions that the rules were proven on: docs/facts.md
OBJECTS = (  # the kinds of objects that a schema has, in the setting unmanaged
    "table", "column", "constraint", "index", "type", "enum", "domain", "composite", "range", "sequence", "view",
    "materialized view", "function", "procedure", "trigger", "policy", "rule", "statistics", "extension", "schema",
    "default privileges",
)  # fmt: skip
FILLED = ("url", "host", "port", "user", "password", "database")  # in braces, in environment and upgrade-command


class Settings(NamedTuple):
    """What a project may set. Every field is a key of ``[tool.migration-gate]``, with ``-`` for ``_``.

    The comments are what docs/settings.md says of them.
    """

    # which projects, where there are several, or alembic.Config is built in code
    project: tuple[str, ...] = ()  # only these folders or ini files; else all that the repository has
    exclude: tuple[str, ...] = ()  # glob patterns of paths that are not looked at
    script_location: str | None = None  # the folder of env.py
    version_locations: tuple[str, ...] = ()  # the folders of the revisions, where env.py's has them not
    branches: tuple[str, ...] = ()  # branch labels that may each have a head of their own
    # which rules, on what
    select: tuple[str, ...] = ()  # only these rules
    extend_select: tuple[str, ...] = ()  # these besides those that are on anyway
    ignore: tuple[str, ...] = ()  # all rules but these
    base: str | None = None  # as --base: the git ref that this branch will merge into; what it has, has shipped
    start_after: tuple[str, ...] = ()  # revisions up to these have shipped, and are not judged
    small_tables: tuple[str, ...] = ()  # patterns of names: what blocks traffic there is a note
    large_tables: tuple[str, ...] = ()  # patterns of names: work under a lock there closes the gate
    sizes: str | None = None  # a file of `doctor --save-sizes`: production's sizes say it of all other tables
    postgres_version: int = 14  # the oldest major version that the migrations run on
    # the rehearsal
    rows: int = 20  # of each table, before the new revisions
    data_migrations_must_pass: bool = False  # on rows that are made up; else their failures are notes
    rows_from: str | None = None  # the project's own: an SQL file, or "module:function", given a connection
    flask_app: str | None = None  # as FLASK_APP
    upgrade_command: str | None = None  # in place of `alembic upgrade heads`
    python: str | None = None  # the project's interpreter, where the gate is installed in another environment
    setup_sql: str | None = None  # an SQL file that every throwaway database is made with: extensions, roles
    x: tuple[str, ...] = ()  # arguments of `alembic -x`
    environment: tuple[tuple[str, str], ...] = ()  # the project's variables; {url} and others are filled in
    allow_connections: tuple[str, ...] = ()  # "host:port" that the project's code may reach besides PostgreSQL
    start_from: str | None = None  # a pg_dump, or "create_all", where the history does not begin with nothing
    start_at: str | None = None  # the revision that start-from stands at
    unmanaged: tuple[str, ...] = ()  # a kind, a pattern of names, a reason: what the models are not to manage
    time_limit: int = 600  # seconds for the whole rehearsal
    postgres: str | None = None  # as --postgres: a bare major version names an image and local programs
    image: str | None = None  # as --image


def from_table(table: dict[str, Any], where: str) -> Settings:
    """Settings from the TOML table ``[tool.migration-gate]`` of the file ``where``.

    A string stands for a list of one; ``environment`` is a table of strings. Raises CannotJudge on
    an unknown key, naming the nearest one, and on a value of the wrong type.
    """
    if not isinstance(table, dict):
        raise CannotJudge(f"{where}: [tool.migration-gate] must be a table")
    values: dict[str, Any] = {}
    for key, value in table.items():
        field = key.replace("-", "_")
        if field not in Settings._fields or "_" in key:
            raise CannotJudge(_unknown(key, where))
        # The annotations are text here, and they say all that a check needs to know.
        wanted, checked = _check(value, Settings.__annotations__[field])
        if wanted:
            # The value is not repeated: an environment may hold a password.
            raise CannotJudge(f"{where}: {key} in [tool.migration-gate] must be {wanted}")
        values[field] = checked
    settings = Settings(**values)
    if wrong := next(_contradictions(settings), None):
        raise CannotJudge(f"{where}: {wrong}")
    return settings


def unmanaged_pattern(text: str) -> tuple[str, str, str]:
    """The kind, the pattern of names and the reason of one of ``unmanaged``: "index ix_legacy_* because …" """
    what, _, reason = text.partition(" because ")
    kind, _, name = what.strip().rpartition(" ")
    return kind.strip().lower(), name, reason.strip()


def _contradictions(settings: Settings) -> Iterator[str]:
    """What is of the right type, and cannot be meant."""
    if settings.postgres_version not in POSTGRES:
        known = f"{POSTGRES[0]} to {POSTGRES[-1]}"
        yield f"postgres-version is {settings.postgres_version}; the gate knows PostgreSQL {known}"
    for table in settings.small_tables:
        if table in settings.large_tables:
            yield f"small-tables and large-tables both name {table!r}: a table is one or the other"
    for text in settings.unmanaged:
        if unmanaged_pattern(text)[0] not in OBJECTS:
            yield (
                f"unmanaged has {text!r}: write a kind and a pattern of names, and why, as in "
                f'"index ix_legacy_* because the DBA makes them". The kinds are {", ".join(OBJECTS)}'
            )
    for name, value in settings.environment:
        if "{" in value and (word := _misspelt(value)):
            known = ", ".join(f"{{{one}}}" for one in FILLED)
            yield f"environment: {name} has {{{word}}}; what is filled in is {known}"


def _misspelt(value: str) -> str | None:
    """A word in braces that is nearly one that is filled in; other braces may be meant."""
    import difflib
    import re

    words = set(re.findall(r"\{(\w+)\}", value)) - set(FILLED)
    return next((one for one in sorted(words) if difflib.get_close_matches(one.lower(), FILLED, n=1)), None)


def _check(value: Any, kind: Any) -> tuple[str, Any]:
    """What the value should have been, or "" and the value as its field holds it."""
    kind = getattr(kind, "__forward_arg__", kind)  # how typing keeps the text of an annotation
    if kind == "int":
        # bool is an int to Python, and not to the person who writes `time-limit = true`.
        whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return ("" if whole else "a whole number above 0"), value
    if kind == "bool":
        return ("" if isinstance(value, bool) else "true or false"), value
    if kind == "str | None":
        return ("" if _is_text(value) else "a string, not empty"), value
    if kind == "tuple[str, ...]":
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(map(_is_text, values)):
            return "", tuple(values)
        return "a list of strings, none of them empty", value
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return "", tuple(value.items())
    return "a table of strings", value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _unknown(key: str, where: str) -> str:
    import difflib  # 5 ms, only for the person who mistyped

    keys = [field.replace("_", "-") for field in Settings._fields]
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(keys)}."
    return f"{where}: [tool.migration-gate] has no key {key!r}. {hint}"
