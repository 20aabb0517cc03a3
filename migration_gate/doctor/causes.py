"""From facts to causes: what is wrong, why it is so, and the commands that mend it, in the order to run them.

Nothing here asks anybody anything. Commands are lines of a shell, to be run where the project's `alembic` or `flask` is
run; lines that begin with "#" say what is to be written into a file, or which of two ways follows.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from migration_gate.doctor.asked import Unset, Wanted
from migration_gate.doctor.database import Database, Holder, Size, VersionTable, in_the_way
from migration_gate.doctor.environment import Variable
from migration_gate.doctor.schema import REAL, Compared
from migration_gate.findings import Finding, Planned
from migration_gate.operations.model import Lock, Table
from migration_gate.postgres.catalog_differences import Difference, said
from migration_gate.project.history import History, build
from migration_gate.project.lost import Lost, Place
from migration_gate.project.model import Project, command
from migration_gate.rules.judging import shown
from migration_gate.rules.multiple_heads import branches

SHOWN = 12  # lines of one list
NOT_WRITTEN = "revisions that ran and are not written down"


class Cause(NamedTuple):
    """One of the five. ``commands`` mend it; ``otherwise`` are lines of another way, where which one is right is for a
    person to say.
    """

    number: int
    title: str
    message: str
    commands: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    path: Path | None = None
    line: int | None = None
    revision: str | None = None
    first: str = ""  # what is said above the commands, where there is another way


def in_order(causes: Sequence[Cause]) -> tuple[str, ...]:
    """One list of commands for all causes: a command that several need runs once, where the last of them needs it."""
    found: dict[str, None] = {}
    for one in causes:
        for line in one.commands:
            found.pop(line, None)
            found[line] = None
    return tuple(found)


def finding(cause: Cause, alone: bool, folder: str = ".") -> Finding:
    """The cause as the report has it; its own commands are shown where it is ``alone``, or where there is a choice. They
    are run in ``folder``.
    """
    lines: list[str] = []
    if alone or cause.otherwise:
        lines += [f"# in {folder}:"] if folder != "." and (cause.commands or cause.otherwise) else []
        lines += [cause.first] if cause.first and cause.otherwise else []
        lines += [*cause.commands, *cause.otherwise]
    return Finding(
        f"cause {cause.number}: {cause.title}",
        cause.message,
        shown(cause.path),
        cause.line,
        cause.revision,
        "\n".join(lines) or None,
    )


# ── 5: the environment ───────────────────────────────────────────────────────────────────────────────────────


def env_fails(
    project: Project,
    error: str,
    place: tuple[Path | None, int | None],
    unset: Sequence[Unset],
    read: Sequence[Variable],
) -> Cause:
    """env.py does not come as far as its migrations. ``unset`` was asked for while it ran, ``read`` is in its text."""
    names: dict[str, tuple[Path, int]] = {}
    for one in unset:
        names[one.name] = one.path, one.line
    for two in read:
        if two.needed and not two.is_set:
            names.setdefault(two.name, (two.path, two.line))
    at = f" ({shown(place[0])}:{place[1]})" if place[0] else ""
    message = f"env.py of {project.name} stops before it comes to a database: {error}{at}."
    if not names:
        return Cause(5, "the environment", message, path=place[0], line=place[1])
    which = [f"    {name}   {shown(path)}:{line}" for name, (path, line) in names.items()]
    message += f"\n{_are('It reads a variable that is', 'It reads variables that are', len(which))} not set here:\n"
    first = next(iter(names.values()))
    needed = [name for name in names if repr(name) in error] or list(names)[:1]
    lines = [f'export {name}="…"' for name in needed]
    return Cause(
        5,
        "a variable is not set",
        message + "\n".join(which),
        otherwise=(
            "# set it to what it is where the application runs, then look again:",
            *lines,
            "migration-gate doctor",
        ),
        path=place[0] or first[0],
        line=place[1] or first[1],
    )


def elsewhere(project: Project, wanted: Wanted, table: VersionTable) -> Cause:
    """The version table is in another schema than the one that env.py makes Alembic look in."""
    looks = f"the schema {wanted.version_schema}" if wanted.version_schema else "the search path"
    return Cause(
        5,
        "the version table is in another schema",
        f"Alembic looks for {wanted.version_table} in {looks}, as env.py has it, and finds no version there; the table "
        f"is {table}, and stands at {_list(table.rows or ())}. Alembic takes this database for an empty one: an upgrade "
        "would begin with the first revision, and stop at the first table that is there already.",
        (
            f'# in {_near(project, project.directory / "env.py")}, to context.configure: version_table_schema="{table.schema}"',
        ),
        path=project.directory / "env.py",
    )


def shared(
    project: Project, other: Project, wanted: Wanted, own: Sequence[str], others: Sequence[str], here: str
) -> Cause:
    """Two projects keep their versions in one table: ``own`` rows are this one's, ``others`` the other's."""
    mover, rows = (project, own) if not own or others else (other, others)
    stays, left = (other, others) if mover is project else (project, own)
    name = f"{wanted.version_table}_{_word(mover)}"
    lines = [
        f'# in {_near(project, mover.directory / "env.py")}, to context.configure: version_table="{name}"',
        *_stamped(project, mover, rows, purge=False),
        *(_stamped(project, stays, left, purge=True) if rows else ()),
    ]
    return Cause(
        5,
        "two projects keep their versions in one table",
        f"{here} is {_list((*own, *others))} in {wanted.version_table}, and {_list(others)} "
        f"{'is a revision' if len(others) == 1 else 'are revisions'} of {other.name}, not of {project.name}. Each of them "
        "takes the other's for a revision that it cannot locate. Give one of them a version table of its own.",
        tuple(lines),
        path=mover.directory / "env.py",
    )


def overlapping(project: Project, history: History, rows: Sequence[str], over: Sequence[str]) -> Cause:
    """Rows that other rows come after already."""
    kept = [one for one in rows if one not in over]
    return Cause(
        5,
        "the version table has rows too many",
        f"the version table has the rows {_list(rows)}; {_list(kept)} {_are('comes', 'come', len(kept))} after "
        f'{_list(over)} already, so that there is one version too many. Alembic stops with "overlaps with other requested '
        'revisions".',
        tuple(_stamped(project, project, kept, purge=True)),
    )


def no_version(project: Project, history: History, heads: Sequence[str], database: Database) -> Cause:
    """Tables, and no version: create_all(), or a restore that left the version table out."""
    return Cause(
        5,
        "the database has tables and no version",
        f"the database has {database.tables} {_are('table', 'tables', database.tables)} and no version: create_all() made "
        "them, or a restore that left the version table out. An upgrade would begin with the first revision, and stop at "
        f"the first table that is there already. Its schema is that of {_named(history, heads)}, object by object.",
        (*_stamped(project, project, heads, purge=False), *_upgrade_unless_there(project, history, heads)),
    )


# ── 3: a revision that no file has ───────────────────────────────────────────────────────────────────────────


class Equal(NamedTuple):
    """Which known state the real schema is: ``heads``, () for none. ``nearest`` is then the one with the fewest
    differences, ``compared`` these. ``not_tried`` says why not all were compared, "" where they were.
    """

    heads: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    compared: Compared = Compared()
    not_tried: str = ""


def in_git(project: Project, history: History, rows: Sequence[str], lost: Lost) -> Cause:
    """It stands in git: bring its file here, or take its change back."""
    first = lost.chain[0]
    paths = [_here(project, one) for one in lost.chain]
    restore = list(_restore(project, lost.chain))
    whole = build([*history.files, *(one.revision for one in lost.chain)])
    merge = [merging(project)] if len(whole.heads) > 1 and _needs_merge(project, whole) else []
    back = (lost.known or ("base",))[0]
    abandoned = [
        "# If it was abandoned, take its change back first:",
        *restore,
        command(project, f"downgrade {back}", f"downgrade {back}"),
        f"rm {' '.join(map(quote, paths))}",
    ]
    if set(history.heads) - history.ancestors(*lost.known):
        abandoned.append(upgrading(project, history))
    also = ""
    if len(lost.chain) > 1:
        also = "\nIt comes after others that no file here has either: " + _list(
            [one.revision.id for one in lost.chain[1:]]
        )
    title = f' "{first.revision.message}"' if first.revision.message else ""
    return Cause(
        3,
        "revision not found",
        f"{_at(project, lost.ident)}\n"
        f"It is in git{title}: {first.where}, commit {first.commit} ({first.author}, {first.ago}, {first.date}), "
        f"{first.path}{also}" + ("\nWith it this history has two heads, so they are merged." if merge else ""),
        (*restore, *merge, upgrading(project, whole if not merge else history)),
        tuple(abandoned),
        revision=lost.ident,
        first="# If it will be merged, bring the file here:",
    )


def nowhere(project: Project, history: History, kept: Sequence[str], lost: Lost, equal: Equal, why: str = "") -> Cause:
    """No commit has it, or none that can be restored: which known revision the schema equals decides. ``kept`` are the
    other rows of the version table, which are known.
    """
    looked = "branches, remotes' branches, tags, stashes, reflogs and commits that nothing points to"
    message = f"{_at(project, lost.ident)}\n" + (why or f"Git has it nowhere: {looked} were looked through")
    message += f" ({lost.cut})." if lost.cut and not why else "."
    if not why:
        message += " `git fetch --all` brings what others have pushed since."
    if equal.heads:
        message += (
            f"\nThe schema is that of {_named(history, equal.heads)}, object by object, so that it is safe to say so. Rows "
            "were not compared."
        )
        commands = (
            *_stamped(project, project, equal.heads, purge=True),
            *_upgrade_unless_there(project, history, equal.heads),
        )
        return Cause(3, "revision not found", message, commands, revision=lost.ident)
    if equal.not_tried:
        message += f"\nWhich known revision the schema equals is not known: {equal.not_tried}"
        return Cause(3, "revision not found", message, revision=lost.ident)
    message += (
        "\nThe schema is that of no revision here, so `stamp` is not safe: what the lost revision did would stay, and "
        f"nobody would know. The nearest is {_named(history, equal.nearest)}, which it differs from in "
        f"{len(equal.compared.found)} {_are('place', 'places', len(equal.compared.found))}:\n"
        + "\n".join(_sentences(equal.compared.found))
        + "\nAsk whoever ran it for the file, or write a revision of that id anew that does this."
    )
    return Cause(3, "revision not found", message, revision=lost.ident)


def _at(project: Project, ident: str) -> str:
    folders = ", ".join(shown(one) or "" for one in project.version_locations)
    return f"the database is at {ident}, and no file of {folders} has that revision."


def _restore(project: Project, chain: Sequence[Place]) -> Iterator[str]:
    """One command for each commit; where the file's folder is no version folder today, into one that is."""
    by_commit: dict[str, list[str]] = {}
    for one in chain:
        if _in_place(project, one):
            by_commit.setdefault(one.commit, []).append(_here(project, one))
    for commit, paths in by_commit.items():
        yield f"git restore --source={commit} -- {' '.join(map(quote, paths))}"
    for one in chain:
        if not _in_place(project, one):
            yield f"git show {quote(f'{one.commit}:{one.path}')} > {quote(_here(project, one))}"


def _in_place(project: Project, one: Place) -> bool:
    folder = one.revision.path.parent.resolve()
    return any(folder == place.resolve() for place in project.version_locations) or (
        project.recursive and any(folder.is_relative_to(place.resolve()) for place in project.version_locations)
    )


def _here(project: Project, one: Place) -> str:
    path = one.revision.path if _in_place(project, one) else project.version_locations[0] / one.revision.path.name
    return _near(project, path)


def occupied(project: Project, lost: Lost) -> Place | None:
    """The first of its files whose place another file has today: an id that was edited, as a rule."""
    folder = project.working_directory
    return next((one for one in lost.chain if (folder / _here(project, one)).exists()), None)


# ── 1: several heads ─────────────────────────────────────────────────────────────────────────────────────────


def several_heads(project: Project, history: History, message: str, path: Path | None, line: int | None) -> Cause:
    """``message`` is the rule's, with the drawing of the fork."""
    return Cause(1, "several heads", message, (merging(project), upgrading(project, history)), path=path, line=line)


def _needs_merge(project: Project, history: History) -> bool:
    return any(len(heads) > 1 for heads in branches(project, history).values())


def merging(project: Project) -> str:
    return command(project, 'merge heads -m "merge heads"', 'merge heads -m "merge heads"')


def upgrading(project: Project, history: History) -> str:
    """The command that brings a database to the end of a history: of one whose branches may each have a head, to all."""
    if len(history.heads) > 1 and not _needs_merge(project, history):
        return command(project, "upgrade heads", "upgrade heads")
    return command(project, "upgrade", "upgrade head")


def _upgrade_unless_there(project: Project, history: History, heads: Sequence[str]) -> tuple[str, ...]:
    left = set(history.revisions) - history.ancestors(*heads)
    return (upgrading(project, history),) if left else ()


# ── 2: behind ────────────────────────────────────────────────────────────────────────────────────────────────


class Traffic(NamedTuple):
    """What an upgrade meets now."""

    plan: tuple[Planned, ...] = ()
    sizes: Mapping[Table, Size] = {}
    held: tuple[Holder, ...] = ()
    refused: tuple[str, ...] = ()  # what `lint` says of the pending revisions, a line each


def strongest(plan: Sequence[Planned]) -> dict[Table, tuple[Lock, str | None, str]]:
    """By table: the strongest lock of a plan, the work under it, and where it is taken."""
    order = {lock: number for number, lock in enumerate(_ORDER)}
    found: dict[Table, tuple[Lock, str | None, str]] = {}
    for planned in plan:
        for step in planned.steps:
            for held in step.held:
                schema, _, name = held.table.rpartition(".")
                table = Table(name, schema or None)
                lock: Lock = held.lock  # type: ignore[assignment]
                if not held.since and (table not in found or order[lock] > order[found[table][0]]):
                    found[table] = lock, held.work, f"{Path(step.path).name}:{step.line}"
    return found


_ORDER: tuple[Lock, ...] = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)  # fmt: skip
_WORK = {
    "scan": "reads all of it",
    "index build": "builds an index",
    "rewrite": "writes all of it anew",
    "rows": "changes rows",
}


def behind(project: Project, history: History, rows: Sequence[str], pending: Sequence[str], traffic: Traffic) -> Cause:
    """Revisions wait to be run."""
    where = f"at {_list(rows)}" if rows else "at no revision yet"
    count = len(pending)
    lines = [f"the database is {where}, and {count} {_are('revision waits', 'revisions wait', count)}:"]
    lines += _some([f"    {one}  {history.revisions[one].message}".rstrip() for one in pending])
    locks = strongest(traffic.plan)
    if locks:
        lines += ["The upgrade takes these locks on tables that are there:"]
        lines += _some([_lock(table, *rest, traffic.sizes.get(table)) for table, rest in locks.items()])
        lines += _in_the_way(locks, traffic.held)
    unread = [f"{Path(step.path).name}:{step.line}" for one in traffic.plan for step in one.steps if step.not_read]
    if unread:
        lines += [f"What these lines do could not be read: {', '.join(dict.fromkeys(unread))}"]
    if traffic.refused:
        lines += ["Before it runs: `migration-gate lint --all` refuses these, with what to write instead:"]
        lines += _some([f"    {one}" for one in traffic.refused])
    return Cause(2, "behind", "\n".join(lines), (upgrading(project, history),))


def _lock(table: Table, lock: Lock, work: str | None, place: str, size: Size | None) -> str:
    words = [f"    {table}  {lock}"]
    words += [_WORK[work]] if work else []
    words += [size_words(size)] if size else []
    return ", ".join(words) + f"  ({place})"


def _in_the_way(locks: Mapping[Table, tuple[Lock, str | None, str]], held: Sequence[Holder]) -> list[str]:
    waits = in_the_way([(table, lock) for table, (lock, _, _) in locks.items()], held)
    lines = ["It would wait for these sessions, and whatever comes after it on the table waits too:"] if waits else []
    lines += _some([f"    {holder_words(one)}" for one in waits])
    told = {one.pid for one in waits}
    long = [one for one in held if one.table is None and one.pid not in told]
    if long:
        lines += ["Open for long, and so waited for by CREATE INDEX CONCURRENTLY:"]
        lines += _some([f"    {holder_words(one)}" for one in long])
    return lines


def size_words(size: Size) -> str:
    """ "48 GB, about 120,000,000 rows"."""
    amount, unit = float(size.bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1024 or unit == "TB":
            break
        amount /= 1024
    number = f"{amount:.0f}" if amount >= 10 or unit == "B" else f"{amount:.1f}"
    rows = "" if size.rows is None else f", about {size.rows:,} rows"
    return f"{number} {unit}{rows}"


def holder_words(one: Holder) -> str:
    """ "pid 4711 (web), idle in transaction for 12 min, ROW EXCLUSIVE on orders"."""
    who = (
        f"pid {one.pid}" + (f" ({one.application})" if one.application else "") if one.pid else "a prepared transaction"
    )
    since = f" for {_age(one.seconds)}" if one.seconds is not None else ""
    state = f", {one.state or 'in a transaction'}{since}" if one.state or since else ""
    return who + state + (f", {one.lock} on {one.table}" if one.table else "")


def _age(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


# ── 4: drift ─────────────────────────────────────────────────────────────────────────────────────────────────


def _no_code(difference: Difference) -> str | None:
    return None


def by_hand(
    project: Project,
    history: History,
    rows: Sequence[str],
    compared: Compared,
    write: object = None,
) -> Cause:
    """The real schema is not the one that its own revision builds. ``write`` gives the call that makes a difference in a
    migration, None where it knows none.
    """
    found = compared.found
    calls = [code for one in found if callable(write) and (code := write(one))]
    message = (
        f"the database is at {_list(rows) or 'no revision'}, and its schema differs from what the migrations build up to "
        f"there in {len(found)} {_are('place', 'places', len(found))}; it was changed by hand, as it seems:\n"
        + "\n".join(_sentences(found))
    )
    adopt = [
        "# To keep it, say it in a revision, which every other database then gets as well:",
        command(
            project, 'revision -m "adopt what was changed by hand"', 'revision -m "adopt what was changed by hand"'
        ),
        *(f"# in its upgrade(): {line}" for code in calls for line in code.split("\n")),
        *(() if calls else ("# write the change into its upgrade(), and the way back into its downgrade()",)),
        "# and here, where it is done already, only say so:",
        command(project, "stamp head", "stamp head"),
        "# To take it back, undo it on this database by hand, and look again:",
        "migration-gate doctor",
    ]
    ahead = set(history.revisions) - history.ancestors(*rows)
    first = ["# The pending revisions first:", upgrading(project, history)] if ahead else []
    return Cause(4, "the schema was changed by hand", message, (), (*first, *adopt))


def ran_by_hand(project: Project, history: History, rows: Sequence[str], heads: Sequence[str]) -> Cause:
    """The schema is that of later revisions than the version table says."""
    return Cause(
        4,
        NOT_WRITTEN,
        f"the database is at {_list(rows) or 'no revision'} by its version table, and its schema is that of "
        f"{_named(history, heads)}, object by object: what comes between was run by hand, or its version was not "
        "committed. An upgrade would do it a second time, and stop.",
        (*_stamped(project, project, heads, purge=True), *_upgrade_unless_there(project, history, heads)),
    )


def models(project: Project, sentences: Sequence[str]) -> Cause:
    """What autogenerate would still change after every migration has run: no matter of this database."""
    count = len(sentences)
    return Cause(
        4,
        "the models differ from the migrations",
        f"the models declare another schema than the migrations build, in {count} {_are('place', 'places', count)}; on every "
        "database, this one is not the reason:\n" + "\n".join(_some([f"    {one}" for one in sentences])),
        otherwise=(
            "# when the database is at its head:",
            command(project, 'migrate -m "…"', 'revision --autogenerate -m "…"'),
            "# each difference with the call to write:",
            "migration-gate ci",
        ),
    )


def _sentences(found: Sequence[Difference]) -> list[str]:
    return _some([f"    {said(one, REAL)}" for one in found])


# ── small things ─────────────────────────────────────────────────────────────────────────────────────────────


def _some(lines: Sequence[str]) -> list[str]:
    return [*lines[:SHOWN], f"    and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else list(lines)


def _stamped(run_from: Project, project: Project, heads: Sequence[str], purge: bool) -> Iterator[str]:
    """The commands that write these versions; `flask db stamp` takes one at a time. They are run in the working
    directory of ``run_from``.
    """
    there = os.path.relpath(project.working_directory, run_from.working_directory)
    before, after = ("", "") if there == "." else (f"(cd {quote(there)} && ", ")")
    option = "--purge " if purge else ""
    if project.kind != "flask":
        if heads:
            yield f"{before}{command(project, '', f'stamp {option}' + ' '.join(heads))}{after}"
        return
    for number, one in enumerate(heads):
        words = f"stamp {'' if number else option}{one}"
        yield f"{before}{command(project, words, words)}{after}"


def _near(project: Project, path: Path) -> str:
    """A path as it is typed where the project's commands are run."""
    return os.path.relpath(path, project.working_directory).replace(os.sep, "/")


def _word(project: Project) -> str:
    """A short word for a project that can stand in a table's name."""
    parts = [one for one in project.name.replace("\\", "/").split("/") if one not in ("migrations", "alembic", "")]
    word = parts[-1] if parts else project.working_directory.name
    return "".join(one if one.isalnum() else "_" for one in word).lower()


def _named(history: History, ids: Collection[str]) -> str:
    return " and ".join(f"{one} ({history.revisions[one].message})" if one in history.revisions else one for one in ids)


def _list(names: Sequence[str]) -> str:
    return " and ".join(names)


def _are(one: str, several: str, count: int) -> str:
    return one if count == 1 else several
