"""What the reports of one upgrade mean: findings, or reasons why it could not be judged."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from migration_gate.findings import Evidence, Finding, Note
from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import CreateTable, NotRead, RenameTable
from migration_gate.operations.modules import modules_of
from migration_gate.project.history import History
from migration_gate.project.model import Project
from migration_gate.rehearsal.child import Event, Ran
from migration_gate.rules.judging import shown

UNDEFINED_TABLE, UNDEFINED_OBJECT = "42P01", "42704"  # PostgreSQL's documentation, appendix A
UNGUARDED = 97  # injected/migration_gate_inside/start.py


class Outcome(NamedTuple):
    """Of one project's upgrade. ``went_through`` is true where every revision ran and was committed."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    went_through: bool = False


def outcome(project: Project, history: History, ran: Ran) -> Outcome:
    """Judge an upgrade by its events, its exit status, and which revisions really ran."""
    notes = (*_refused_notes(ran), *_tables_before(project, ran))
    if error := _first_error(ran):
        if _is_finding(project, error):
            return Outcome((_upgrade_fails(project, history, error),), notes)
        return Outcome(notes=notes, problems=(_problem(project, error),))
    for event in ran.of("too-long"):
        return Outcome(notes=notes, problems=(_too_long(project, ran, event),))
    if ran.status != 0:
        return Outcome(notes=notes, problems=(_ended(project, ran),))
    if other := _other_files(project, history, ran):
        return Outcome(notes=notes, problems=(other,))
    if left := _did_not_run(project, history, ran):
        return Outcome(notes=notes, problems=(left,))
    if behind := _behind(ran):
        return Outcome((_not_committed(project, behind),), notes)
    return Outcome(notes=notes, went_through=True)


def _first_error(ran: Ran) -> Event | None:
    """The error that ended the upgrade; one that the comparison met is not the upgrade's."""
    compared = {one["type"] + one["message"] for one in ran.of("error")} if ran.of("not-compared") else set()
    for one in ran.of("error"):
        if ran.status != 0 or one["type"] + one["message"] not in compared:
            return one
    return None


def _is_finding(project: Project, error: Event) -> bool:
    """A migration that fails is a finding; an environment in which it cannot be tried is a reason not to judge."""
    if error["type"] in ("Refused", "TimeoutError") or any(one.startswith("Refused:") for one in error["chain"]):
        return False
    if error["type"] == "ModuleNotFoundError":
        return False
    return error["revision"] is not None or _is_revision_file(project, error["path"])


def _is_revision_file(project: Project, path: str | None) -> bool:
    return path is not None and any(Path(path).is_relative_to(one.resolve()) for one in project.version_locations)


# ── a migration fails ────────────────────────────────────────────────────────────────────────────────────


def _upgrade_fails(project: Project, history: History, error: Event) -> Finding:
    revision = history.revisions.get(error["revision"] or "")
    path = Path(error["path"]) if error["path"] else revision.path if revision else None
    name = revision.id if revision else path.name if path else "the upgrade"
    words = [line for line in error["message"].strip().split("\n") if line.strip()]
    where = f"what {project.settings.start_from} makes" if project.settings.start_from else "an empty database"
    if error["code"] or error["sql"]:
        message = f"{name} fails on {where}: {words[0] if words else error['type']}"
    else:
        message = f"{name} fails: {_named(error)}"
    remedy = None
    table = _missing_table(error)
    settings = project.settings
    if settings.start_from and not settings.start_at and revision and not history.parents[revision.id]:
        message += (
            f"\nThe upgrade began with the first revision: {settings.start_from} has no row in Alembic's version "
            "table, as after pg_dump --schema-only. Say at which revision it stands."
        )
        remedy = '# in pyproject.toml\n[tool.migration-gate]\nstart-at = "…"  # what `current` prints there'
    elif table and revision and (near := _nearest(project, history, revision.id, table)):
        message += f"\nNo revision before it creates {table}; the nearest that one does is {near}."
    elif table and revision and not _creates(project, history, revision.id, table):
        message += (
            f"\n{revision.id} needs the table {table}, and no revision before it creates it: this history does not "
            "begin on an empty database. create_all() or a dump once made what it begins with."
        )
        remedy = (
            "# take production's schema as it is today, and say at which revision it stands:\n"
            "pg_dump --schema-only --file=schema.sql …\n"
            "# in pyproject.toml\n"
            '[tool.migration-gate]\nstart-from = "schema.sql"\nstart-at = "…"  # what `current` prints there'
        )
    elif error["code"] == UNDEFINED_OBJECT and (name_of := re.search(r'type "([^"]+)"', error["message"])):
        message += "\nAlembic makes an enum type with the table that it is in, and not with a column that is added."
        remedy = f'sa.Enum("…", name="{name_of[1]}").create(op.get_bind(), checkfirst=True)\n# and then what failed'
    evidence = [Evidence("error", "\n".join(words[1:8]))] if len(words) > 1 else []
    if error.get("sql"):
        evidence.append(Evidence("statement", shortened(error["sql"])))
    return Finding(
        "upgrade-fails",
        message,
        str(path) if path else None,
        error["line"],
        name,
        remedy,
        tuple(evidence),
    )


def _named(error: Event) -> str:
    """An exception's type and the first line of its message, without a full stop; the type alone, if that is all."""
    words = error["message"].strip().split("\n")[0].rstrip(".")
    return error["type"] if words in ("", error["type"]) else f"{error['type']}: {words}"


def shortened(sql: str) -> str:
    """A statement's first lines."""
    lines = sql.strip().split("\n")
    return "\n".join(lines[:8]) + ("\n…" if len(lines) > 8 else "")


def _missing_table(error: Event) -> str | None:
    if error["code"] != UNDEFINED_TABLE:
        return None
    named = re.search(r'["«„“]([^"»“”]+)["»“”]', error["message"])
    return named[1] if named else None


def _nearest(project: Project, history: History, revision: str, table: str) -> str | None:
    """The table of an earlier revision that a slip of the pen would have missed."""
    made = set()
    modules = modules_of(project)
    for ident in history.ancestors(revision):
        path = history.revisions[ident].path
        made |= {
            one.table.name for one in read_upgrade(path, path.read_bytes(), modules) if isinstance(one, CreateTable)
        }
    name = table.rpartition(".")[2]
    return None if name in made else next(iter(get_close_matches(name, made, n=1, cutoff=0.75)), None)


def _creates(project: Project, history: History, revision: str, table: str) -> bool:
    """Whether any revision up to this one may create the table, by reading them."""
    name = table.rpartition(".")[2]
    modules = modules_of(project)
    for ident in history.ancestors(revision):
        path = history.revisions[ident].path
        for one in read_upgrade(path, path.read_bytes(), modules):
            if isinstance(one, CreateTable) and one.table.name == name:
                return True
            if isinstance(one, RenameTable) and one.to.name == name:
                return True
            if isinstance(one, NotRead) and name in one.call:
                return True
    return False


def _not_committed(project: Project, event: Event) -> Finding:
    at = ", ".join(event["heads"]) or "no revision"
    return Finding(
        "upgrade-fails",
        f"Every revision ran without an error, and afterwards the database is at {at}: what they did was not "
        "committed. env.py opens a connection whose transaction nobody commits.",
        str(project.directory / "env.py"),
        remedy="with connectable.connect() as connection:\n"
        "    context.configure(connection=connection, target_metadata=target_metadata)\n"
        "    with context.begin_transaction():\n"
        "        context.run_migrations()",
    )


def _behind(ran: Ran) -> Event | None:
    """The last comparison found the database not at its heads."""
    last = [one for one in ran.events if one["event"] in ("behind", "compared")]
    return last[-1] if last and last[-1]["event"] == "behind" else None


# ── it could not be judged ───────────────────────────────────────────────────────────────────────────────


def _problem(project: Project, error: Event) -> str:
    place = f" ({_place(error)})" if error["path"] else ""
    words = error["message"].strip().split("\n")[0]
    refused = next((one for one in error["chain"] if one.startswith("Refused:")), None)
    if error["type"] == "Refused" or refused:
        return f"{project.name}{place}: {(refused or words).removeprefix('Refused: ')}"
    if error["type"] == "SystemExit":
        return f"{project.name}: the project's code called {words} before the upgrade had ended{place}"
    return f"{project.name} cannot be upgraded: {_named(error)}{place}.{_advice(error, words)}"


def _place(event: Event) -> str:
    return f"{shown(Path(event['path']))}:{event['line']}"


def _advice(error: Event, words: str) -> str:
    if error["type"] == "KeyError" and re.fullmatch(r"'[A-Z][A-Z0-9_]*'", words):
        name = words.strip("'")
        value = "{url}" if re.search(r"UR[IL]|DSN|DATABASE", name) else "…"
        return (
            " If that is a variable of the environment, set it in pyproject.toml, under [tool.migration-gate]: "
            f'environment = {{ {name} = "{value}" }}'
        )
    if error["type"] in ("ModuleNotFoundError", "ImportError"):
        return " Is the project installed in the environment that the gate runs in? pip install --editable ."
    return ""


def _too_long(project: Project, ran: Ran, event: Event) -> str:
    place = f" at {_place(event)}" if event["path"] else ""
    begun = [one["revision"] for one in ran.of("step")]
    done = [one["revision"] for one in ran.of("done")]
    where = f"in revision {begun[-1]}" if len(begun) > len(done) else "outside of any revision"
    limit = project.settings.time_limit
    return f"{project.name} did not end within {limit} s: it was {where}{place}. A longer limit: --time-limit SECONDS"


def _ended(project: Project, ran: Ran) -> str:
    if ran.status == UNGUARDED:
        return f"{project.name}: the guards could not be put up in the project's Python: {_last_line(ran)}"
    for refused in ran.of("refused"):
        place = f" ({_place(refused)})" if refused["path"] else ""
        return f"{project.name}{place}: refused a connection to {refused['target']}: {refused['what']}"
    how = f"by signal {-ran.status}" if ran.status < 0 else f"with status {ran.status}"
    return f"{project.name}: the upgrade's process ended {how} before it was done: {_last_line(ran)}"


def _last_line(ran: Ran) -> str:
    lines = [line.strip() for line in ran.log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"^[\w.]*(Error|Exception)\b", line)]
    return (telling or lines or ["it printed nothing"])[-1]


def _other_files(project: Project, history: History, ran: Ran) -> str | None:
    """What ran were not these files: an installed copy of the package, as a rule."""
    for one in ran.of("step"):
        known = history.revisions.get(one["revision"])
        if known and one["file"] and Path(one["file"]).resolve() != known.path:
            return (
                f"{project.name}: what ran is {one['file']}, not {shown(known.path)}: another copy of the project is "
                "installed. Install this one in its place: pip install --editable ."
            )
    return None


def _did_not_run(project: Project, history: History, ran: Ran) -> str | None:
    done = {one["revision"] for one in ran.of("done") if one["up"]}
    left = [one.id for one in history.in_order() if one.id not in done]
    if project.settings.start_from and not _behind(ran):
        return None  # what came before has not run, and the comparison has shown that the heads were reached
    if not left:
        return None
    some = ", ".join(left[:3]) + (" …" if len(left) > 3 else "")
    if not done and not ran.of("compared"):  # the database is not at its heads either: nothing was stamped
        what = "the upgrade-command" if project.settings.upgrade_command else "env.py"
        return f"{project.name}: no revision ran. {what} ended without context.run_migrations()"
    if not done:
        return (
            f"{project.name}: no revision ran. The upgrade made the schema in another way, by create_all and stamp as "
            "it seems, so the migrations were not rehearsed. In pyproject.toml, under [tool.migration-gate], "
            "upgrade-command names a command that runs them"
        )
    return f"{project.name}: {len(left)} of {len(history.revisions)} revisions did not run: {some}"


def _tables_before(project: Project, ran: Ran) -> list[Note]:
    """Tables that something made before the first revision: drift cannot see what no revision makes of them."""
    names = sorted({name for one in ran.of("tables-before") for name in one["names"]})
    if not names:
        return []
    some = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return [
        Note(
            f"{len(names)} table{'s were' if len(names) != 1 else ' was'} there before the first revision ran "
            f"({some}): create_all() in env.py or in the application, as it seems. A model that no revision creates "
            "is not seen as drift then",
            str(project.directory / "env.py"),
        )
    ]


def _refused_notes(ran: Ran) -> list[Note]:
    """Refusals that the project's code swallowed: it went on without that connection."""
    if ran.status != 0:
        return []
    told = {(one["target"], one["what"], one["path"], one["line"]) for one in ran.of("refused")}
    return [
        Note(f"refused a connection to {target}: {what}", path, line)
        for target, what, path, line in sorted(told, key=str)
    ]
