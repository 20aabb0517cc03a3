"""What the gate says: findings, notes, problems, and the verdict they add up to.

Named tuples, because a hook pays for every class that is built at import: a dataclass costs several
times as much (measured: 0.09 ms against 0.35 ms each).
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Evidence(NamedTuple):
    """One thing that was seen while a migration really ran, or one fact read from a file."""

    kind: str  # "error", "statement", "file"
    text: str


class Finding(NamedTuple):
    """A reason to keep the gate closed.

    ``path`` is relative to the folder where the gate was started, with forward slashes; ``line`` is 1-based.
    ``message`` is a paragraph in plain words; ``remedy`` is code or commands to paste.
    """

    rule: str
    message: str
    path: str | None = None
    line: int | None = None
    revision: str | None = None
    remedy: str | None = None
    evidence: tuple[Evidence, ...] = ()
    end: int | None = None  # the last line of the statement


class Allowed(NamedTuple):
    """A finding that a comment allows, and the reason that it gives."""

    finding: Finding
    reason: str


class Note(NamedTuple):
    """Something worth knowing that never closes the gate. ``rule`` is the one that says it, if one does."""

    message: str
    path: str | None = None
    line: int | None = None
    rule: str | None = None


class Held(NamedTuple):
    """A lock on a table that is there, from its statement to the end of the transaction. ``blocks`` is what of an
    application's traffic waits for it, "" for none; ``work`` what the statement does meanwhile that takes longer the
    larger the table is, "" for nothing, None where that is not known. ``since`` is the statement, "a1.py:9", of the
    same transaction that took it, "" for the one that it is listed with.
    """

    table: str
    lock: str
    blocks: str
    work: str | None
    since: str = ""
    rows: int | None = None  # of the table in production, as its sizes were saved; None where that is not known
    bytes: int | None = None


class Step(NamedTuple):
    """One statement of a plan. ``not_read`` is why nobody knows what it does, "" where that is known. ``sql`` is what
    PostgreSQL got, parameters left out; "" where it was read and has not run.
    """

    path: str
    line: int
    text: str
    held: tuple[Held, ...] = ()
    not_read: str = ""
    revision: str = ""
    sql: str = ""


class Planned(NamedTuple):
    """What one transaction will do. ``autocommit`` is true where each statement is committed by itself, and None after
    a COMMIT of the migration's own, where the driver decides.
    """

    project: str
    revisions: tuple[str, ...]
    autocommit: bool | None
    steps: tuple[Step, ...]


class Node(NamedTuple):
    """One revision of a graph. ``parents`` and ``depends_on`` are as its file has them, what is missing and labels too.
    ``own`` is whether this branch alone has it, None where nobody knows; ``mark`` says whose it is.
    ``folded`` is how many revisions this one stands for; 0: for itself.
    """

    id: str
    parents: tuple[str, ...]
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    message: str
    path: str
    head: bool
    base: bool  # no revision comes before it
    own: bool | None
    mark: str = ""
    folded: int = 0


class Graph(NamedTuple):
    """A project's history, or the end of it, the newest revision first; ``into`` is what the branch will merge into, if
    that is known.
    """

    project: str
    into: str | None
    nodes: tuple[Node, ...]


Word = Literal["open", "closed", "not judged"]


class Verdict(NamedTuple):
    """Everything one run has to say.

    ``problems`` are one-line reasons why something could not be judged; ``facts`` are the short phrases of
    the summary line ("214 revisions, 1 new"). ``stages`` are the lines that a long run shows as it goes, ``plan`` what
    will run, ``graphs`` the histories, ``endings`` where they end once this branch is merged. ``rules`` are those that
    were applied; ``home`` is the file that a finding without a path belongs to.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    title: str = ""
    plan: tuple[Planned, ...] | None = None  # None: nobody asked for it
    graphs: tuple[Graph, ...] | None = None  # likewise
    endings: tuple[Graph, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    rules: tuple[str, ...] = ()
    home: str = ""
    order: tuple[str, ...] = ()  # the commands that mend all of it, in the order to run them, where there are several
    of: Literal["migrations", "database"] = "migrations"  # what it is about

    @property
    def word(self) -> Word:
        """A finding closes the gate; without one, a problem leaves it unjudged: never a false green."""
        if self.findings:
            return "closed"
        return "not judged" if self.problems else "open"

    @property
    def exit_status(self) -> int:
        return {"open": 0, "closed": 1, "not judged": 2}[self.word]


class Stage(NamedTuple):
    """One line of a rehearsal's summary: what was tried, whether it went well, what was seen."""

    name: str
    passed: bool | None  # None: not judged
    text: str


class CannotJudge(Exception):  # noqa: N818 (it is a statement, and it reads as one where it is raised)
    """The gate cannot judge: one line that says what happened, where, and what to do. Exit status 2."""


class NoMigrations(CannotJudge):
    """Nothing was found to judge."""


class CannotWrite(CannotJudge):
    """The report's own file cannot be written."""
