"""``migration-gate heads --merge`` and ``--rebase``: one head again, in the files or, with ``--dry-run``, as a diff."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from migration_gate.commands import heads
from migration_gate.commands.emit import asked, emit, hand_out
from migration_gate.findings import CannotJudge, CannotWrite, Note
from migration_gate.operations.from_python import read_upgrade
from migration_gate.operations.model import NotRead, Operation, Table
from migration_gate.operations.modules import modules_of
from migration_gate.project import git, rebase
from migration_gate.project.forks import branches, merged
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.project.rebase import Plan, listed
from migration_gate.project.revision import Revision
from migration_gate.report.clean import clean_line
from migration_gate.report.diff import Change, diff
from migration_gate.rules.base import same
from migration_gate.rules.judging import shown

Graphs = Sequence[tuple[Project, History]]


class Mended(NamedTuple):
    """What changes in the files, and what there is to say of it."""

    changes: tuple[Change, ...]
    notes: tuple[Note, ...]


def run(options: Namespace, graphs: Graphs, notes: Sequence[Note], started: float) -> int:
    """Mend every project that has a fork. Exit status: that of the verdict afterwards; with ``--dry-run`` 0."""
    for project, graph in graphs:
        _refuse_unsound(project, graph)
    mended = (_joined if options.merge else _moved)(options, graphs)
    if not mended.changes:
        done = Note(f"one head already: nothing to {'merge' if options.merge else 'rebase'}")
        notes = (*notes, done)
    if options.dry_run:
        return _show(options, mended._replace(notes=(*notes, *mended.notes)))
    if options.rebase:
        _write(mended.changes)
    if mended.changes:
        graphs, _ = heads.gather(options)
    verdict = heads.judge(options, graphs, notes, started)
    return emit(verdict._replace(notes=mended.notes + verdict.notes), options)


def _refuse_unsound(project: Project, history: History) -> None:
    """Nothing is written on ground that is not sound."""
    reason = ""
    if history.unreadable:
        one = history.unreadable[0]
        reason = f"{shown(one.path)}{f':{one.line}' if one.line else ''} {one.reason}"
    elif history.missing:
        gone = history.missing[0]
        reason = f"{shown(gone.revision.path)}:{gone.line} names {gone.named}, which no file has"
    elif history.duplicates:
        ident, files = next(iter(history.duplicates.items()))
        reason = f"{' and '.join(str(shown(file.path)) for file in files)} both are {ident}"
    elif history.cycles:
        reason = f"{', '.join(history.cycles[0])} come after each other"
    if reason:
        raise CannotJudge(f"{project.name}: {reason}. Mend that first, then type this again")


# --- --merge -----------------------------------------------------------------------------------------------------


def _joined(options: Namespace, graphs: Graphs) -> Mended:
    from migration_gate.rehearsal.writing import written

    message = options.message if options.message is not None else "merge heads"
    changes: list[Change] = []
    notes: list[Note] = []
    for project, history in graphs:
        forks = [found for found in branches(project, history).values() if len(found) > 1]
        if not forks:
            _refuse_what_is_not_here(project, history, "--merge")
        for found in forks:
            one = written(project, history, message, found, keep=not options.dry_run)
            changes.append(Change(one.path, None, one.text))
            would = "would join" if options.dry_run else "joins"
            notes.append(Note(f"{one.revision} {would} {listed(found)}", shown(one.path)))
    return Mended(tuple(changes), tuple(notes))


def _refuse_what_is_not_here(project: Project, history: History, option: str) -> None:
    """Where the base has moved on, its revisions have to be in the work tree first."""
    base, after = history.base, merged(history)
    if base is None or after is None or history.revisions.keys() <= base.past.revisions.keys():
        return
    if any(len(found) > 1 for found in branches(project, after).values()):
        new = [one for one in base.past.revisions if one not in history.revisions]
        ref = quote(base.ref)
        raise CannotJudge(
            f"{project.name}: {base.name} has moved on, and {listed(new)} {'are' if len(new) > 1 else 'is'} not in "
            f"this work tree yet. First: git merge {ref} (or git rebase {ref}); then migration-gate heads {option}"
        )


# --- --rebase ----------------------------------------------------------------------------------------------------


def _moved(options: Namespace, graphs: Graphs) -> Mended:
    changes: list[Change] = []
    notes: list[Note] = []
    for project, history in graphs:
        _refuse_what_is_not_here(project, history, "--rebase")
        for plan in rebase.plan(project, history):
            for move in plan.moves:
                path = move.revision.path
                changes.append(Change(path, history.contents[path], move.text))
                notes.append(Note(f"{move.revision.id} comes after {listed(move.down)} now", shown(path)))
            notes += _on_both_sides(project, history, plan)
            notes.append(_has_run_it(project, plan))
    return Mended(tuple(changes), tuple(notes))


def _has_run_it(project: Project, plan: Plan) -> Note:
    """What a database needs that has run this branch's side, and not the other: Alembic would take it to be at the head
    already.
    """
    first = plan.own[0].id if len(plan.own) == 1 else f"{plan.own[0].id} to {plan.own[-1].id}"
    parted = " ".join(plan.parted) or "base"
    words = (f"downgrade {plan.behind}", f"stamp {parted}", f"upgrade {plan.own[-1].id}")
    lines = " && ".join(command(project, word, word) for word in words)
    others = listed([one.id for one in plan.theirs])
    return Note(f"a database that has run {first} already, your own perhaps, lacks {others}: {lines}")


def _on_both_sides(project: Project, history: History, plan: Plan) -> Iterator[Note]:
    """The tables that both sides touch: what was written side by side runs one after the other now."""
    modules = modules_of(project)

    def read(revisions: Sequence[Revision]) -> list[tuple[str, Operation]]:
        return [
            (one.id, operation)
            for one in revisions
            for operation in read_upgrade(one.path, history.contents.get(one.path, b""), modules)
        ]

    ours, theirs = read(plan.own), read(plan.theirs)
    seen: dict[str, tuple[list[str], list[str]]] = {}
    for ident, operation in ours:
        for table in _tables(operation):
            others = [name for name, other in theirs if any(same(table, one) for one in _tables(other))]
            if others:
                pair = seen.setdefault(str(table), ([], []))
                pair[0].append(ident)
                pair[1].extend(others)
    for name, (mine, others) in seen.items():
        yield Note(
            f"both sides touch {name}: {listed(_once(mine))} here, {listed(_once(others))} there. Read them together: "
            "they run one after the other now"
        )
    unread = _once([ident for ident, operation in ours + theirs if isinstance(operation, NotRead)])
    if unread:
        yield Note(f"not all of {listed(unread)} could be read: whether both sides touch one table, only you can tell")


def _tables(operation: Operation) -> list[Table]:
    """The tables that an operation changes: not those that a foreign key points to."""
    values = (getattr(operation, name, None) for name in ("table", "to", "partition", "partition_of"))
    return [one for one in values if isinstance(one, Table)]


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


# --- out ---------------------------------------------------------------------------------------------------------


def _write(changes: Sequence[Change]) -> None:
    for one in changes:
        try:
            one.path.write_bytes(one.after)
        except OSError as error:
            raise CannotWrite(f"cannot write {shown(one.path)}: {error.strerror}") from error


def _show(options: Namespace, mended: Mended) -> int:
    """The diff, to the byte, so that `git apply` takes it. The notes go where they are not in its way."""
    for note in mended.notes:
        place = f"{note.path}: " if note.path else ""
        print(f"migration-gate: {clean_line(place + note.message)}", file=sys.stderr)
    patch = diff(mended.changes, git.top_of(Path.cwd()) or Path.cwd())
    for _, file in asked(options):
        hand_out(patch, file)
    return 0
