"""What it means that a revision, taken back and applied again, did not lead where it should have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from migration_gate.findings import Evidence, Finding, Note
from migration_gate.mending.plan import mends
from migration_gate.postgres.catalog import Snapshot
from migration_gate.postgres.catalog_differences import Difference, Words, differences, said
from migration_gate.project.revision import Revision, SyntaxProblem, parse_python
from migration_gate.rehearsal.child import Event
from migration_gate.rehearsal.outcome import Outcome, shortened

MANY = 6  # differences that one message still tells
OF_THE_ENVIRONMENT = ("Refused", "TimeoutError", "ModuleNotFoundError")

AGAIN = Words(
    "is there after the second time alone",
    "is not there after the second time",
    "is another one after the second time",
    " after the second time",
    "",
    "",
    " after the first",
)
# How people say that there is no way back, where they do not raise NotImplementedError.
_IRREVERSIBLE = re.compile(
    r"irreversib|\bnot\s+(?:be\s+)?(?:reversib|revers|revert|undo|undone|downgrad|support|possible|implement)"
    r"|(?:can\s?not|can't|unable\s+to|impossible\s+to)\s+(?:be\s+)?(?:revers|revert|undo|undone|downgrad|roll|go\s+back)"
    r"|\b(?:no|one)[\s-](?:way|downgrade|return)",
    re.IGNORECASE,
)


class Step(NamedTuple):
    """A revision that was taken back and applied again: the schema before it, with it, after its downgrade, and with
    it once more. None where it was not reached: ``error`` says why, as rehearsal/child.py reports it ("error" or
    "too-long"), and ``failed`` in which direction.
    """

    revision: Revision
    before: Snapshot
    up: Snapshot
    down: Snapshot | None = None
    again: Snapshot | None = None
    failed: Literal["", "down", "up"] = ""
    error: Event | None = None


def judge(steps: Iterable[Step]) -> Outcome:
    """Findings of ``downgrade-fails`` and ``downgrade-leaves-trace``, one for a revision, and notes of those that say
    that there is no way back. A problem is a way back that could not be tried. Rows are not compared.
    """
    whole = Outcome(went_through=True)
    for step in steps:
        one = _judge(step)
        whole = Outcome(
            whole.findings + one.findings,
            whole.notes + one.notes,
            whole.problems + one.problems,
            whole.went_through and not (one.findings or one.problems),
        )
    return whole


def _judge(step: Step) -> Outcome:
    if step.error and (step.error["event"] == "too-long" or step.error["type"] in OF_THE_ENVIRONMENT):
        return Outcome(problems=(_not_tried(step, step.error),))
    if step.failed == "down" and step.error:
        if _says_irreversible(step, step.error):
            return Outcome(notes=(_irreversible(step, step.error),))
        return Outcome((_fails(step, step.error),))
    if step.down is None:
        return Outcome()
    return _traces(step, step.down)


# ── it fails ─────────────────────────────────────────────────────────────────────────────────────────────


def _not_tried(step: Step, error: Event) -> str:
    what = f"{step.revision.id} was not tried {'back and up again' if step.failed == 'up' else 'back'}"
    if error["event"] == "too-long":
        return f"{what}: it did not end in time. A longer limit: --time-limit SECONDS"
    return f"{what}: {words_of(error)[0]}"


def _says_irreversible(step: Step, error: Event) -> bool:
    """The migration's own code raised, and says that this is meant: a library that says "not supported" does not."""
    if error["code"] or error["sql"]:
        return False
    words = f"{_spaced(error['type'])} {error['message']}"
    line = _place(step, error)[1]
    if error["line"] != line or not _line(step.revision.path, line).startswith("raise"):
        return "irreversib" in words.lower()
    return error["type"] == "NotImplementedError" or bool(_IRREVERSIBLE.search(words))


def _line(path: Path, number: int) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return lines[number - 1].strip() if number <= len(lines) else ""


def _spaced(name: str) -> str:
    """ "IrreversibleMigrationError" → "Irreversible Migration Error"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _irreversible(step: Step, error: Event) -> Note:
    path, line = _place(step, error)
    words = error["message"].strip().split("\n")[0]
    tail = f": {words}" if words and words != error["type"] else ""
    return Note(f"{step.revision.id} says that it cannot be taken back{tail}", path, line)


def _fails(step: Step, error: Event) -> Finding:
    path, line = _place(step, error)
    words = words_of(error)
    ident = step.revision.id
    if _has_none(error):
        message = (
            f"{ident} has no downgrade(): Alembic stops with an AttributeError where it should go back, and no "
            "revision before it can be reached either."
        )
        return Finding("downgrade-fails", message, path, line, ident)
    what = words[0] if error["code"] or error["sql"] else f"{error['type']}: {words[0]}"
    evidence = [Evidence("error", "\n".join(words[1:8]))] if len(words) > 1 else []
    if error["sql"]:
        evidence.append(Evidence("statement", shortened(error["sql"])))
    return Finding("downgrade-fails", f"{ident} cannot be taken back: {what}", path, line, ident, None, tuple(evidence))


def _has_none(error: Event) -> bool:
    """Alembic found no function to call (``alembic.script.base.Script.module.downgrade``)."""
    return error["type"] == "AttributeError" and bool(re.search(r"no attribute 'downgrade\w*'", error["message"]))


def words_of(error: Event) -> list[str]:
    """What an error says, line by line; at least one."""
    return [one for one in error["message"].strip().split("\n") if one.strip()] or [error["type"]]


def _place(step: Step, error: Event | None = None) -> tuple[str, int]:
    """Where the error was, if it was in the revision's file; else where downgrade() begins, or the revision does."""
    path = step.revision.path
    if error and error["line"] and error["path"] and Path(error["path"]).resolve() == path.resolve():
        return str(path), error["line"]
    function = _downgrade(step.revision)
    return str(path), function.lineno if function else step.revision.line


def _downgrade(revision: Revision) -> ast.FunctionDef | None:
    """The file's downgrade(), or the first of Flask-Migrate's ``downgrade_<engine>()`` beside it."""
    try:
        tree = parse_python(revision.path.read_bytes())
    except OSError:
        return None
    if isinstance(tree, SyntaxProblem):
        return None
    named = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("downgrade")]
    several = [one for one in named if one.name != "downgrade"]
    return next(iter(several or named), None)


# ── it leaves something ──────────────────────────────────────────────────────────────────────────────────


def _traces(step: Step, down: Snapshot) -> Outcome:
    left = differences(step.before, down)
    lasting = [one for one in left if not _may_stay(one)]
    error = step.error if step.failed == "up" else None
    other = differences(step.up, step.again) if step.again is not None else ()
    if error is None and not lasting and not other:
        return Outcome(notes=(_stays(step, left),) if left else ())
    path, line = _place(step)
    ident = step.revision.id
    if left and _does_nothing(step):  # a way of saying that there is no way back, which is no-downgrade's business
        text = f"downgrade() of {ident} does nothing, and Alembic notes the revision as gone: {_told(left)}"
        return Outcome(notes=(Note(text, path, line),))
    if lasting or left:
        message = f"{ident} up and down again is not the schema before it: {_told(lasting or left)}."
        remedy = _remedy(lasting or left, step.before, down)
    elif other:
        message = f"{ident} up, down and up again is another schema: {_told(other, AGAIN)}."
        remedy = None
    else:
        message = f"{ident} cannot be applied again once it was taken back."
        remedy = None
    evidence: tuple[Evidence, ...] = ()
    if error:
        message += f" The next upgrade fails: {words_of(error)[0]}"
        evidence = (Evidence("statement", shortened(error["sql"])),) if error["sql"] else ()
    return Outcome((Finding("downgrade-leaves-trace", message, path, line, ident, remedy, evidence),))


def _told(found: Iterable[Difference], words: Words | None = None) -> str:
    sentences = [said(one, words) if words else said(one) for one in found]
    more = f"; and {len(sentences) - MANY} more" if len(sentences) > MANY else ""
    return "; ".join(sentences[:MANY]) + more


def _may_stay(one: Difference) -> bool:
    """What is left on purpose, as a rule: an extension, which others may use by now, and an enum's new value, which
    PostgreSQL cannot take away ("ALTER TYPE", Notes).
    """
    if one.kind == "extension":
        return one.before is None
    if one.kind != "enum" or one.before is None or one.after is None:
        return False
    (was, *was_else), (now, *now_else) = (text.split("\n") for text in (one.before, one.after))
    known, labels = (re.findall(r"'(?:[^']|'')*'", text) for text in (was, now))
    return was_else == now_else and [label for label in labels if label in known] == known


def _stays(step: Step, left: Iterable[Difference]) -> Note:
    path, line = _place(step)
    return Note(
        f"{step.revision.id} up and down again: {_told(left)}. Applied again it reaches the same schema", path, line
    )


def _does_nothing(step: Step) -> bool:
    if step.down != step.up:
        return False
    function = _downgrade(step.revision)
    return function is not None and all(_is_nothing(one) for one in function.body)


def _is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)  # a docstring, "…"
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Return) and statement.value is None)


# ── what to write ────────────────────────────────────────────────────────────────────────────────────────


def _remedy(found: Sequence[Difference], before: Snapshot, down: Snapshot) -> str | None:
    """The end of downgrade(), from what it leaves to what was there. None where nothing mends that."""
    backwards = [one._replace(before=one.after, after=one.before) for one in found]
    lines = mends(backwards, down, before)
    return "\n".join(["# at the end of downgrade()", *lines]) if lines else None
