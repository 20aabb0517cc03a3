"""A verdict with one of everything, and one of everything that a hostile repository can put into it."""

from __future__ import annotations

from migration_gate.findings import Evidence, Finding, Note, Stage, Verdict

FINDING = Finding(
    rule="not-null-without-default",
    message="users.phone is NOT NULL.\nIt has no server default.",
    path="migrations/versions/a1.py",
    line=3,
    revision="a1",
    remedy='op.add_column("users", …)\n# or\nop.execute("UPDATE …")',
    evidence=(Evidence("error", 'column "phone" contains null values'),),
)
VERDICT = Verdict(
    findings=(FINDING,),
    notes=(Note("not read: the SQL is computed", "migrations/versions/a1.py", 4), Note("a word")),
    problems=("no PostgreSQL to rehearse on",),
    facts=("214 revisions, 1 new", "41 ms"),
    stages=(Stage("upgrade", True, "3.1 s"), Stage("rows", False, "a1 fails"), Stage("drift", None, "not compared")),
    title="migration-gate ci    shop/migrations",
)
HOSTILE = (
    "\n::error::forged",
    "\r::error::forged",
    "\r\n  ::add-mask::forged",
    " ::stop-commands::forged",
    "\u2028::error::forged",
    "\x85::error::forged",
    "##[error]forged",
    "%0A::error::forged",
    "\x1b]0;forged\x07",
    "\x1b[2J",
    "\x9b2J",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\x00",
    "\b\b\b\b",
    "\ufeff",
)


def hostile(text: str) -> Verdict:
    """A verdict in which all that comes from files, servers and revisions is, or holds, a text."""
    return Verdict(
        findings=(
            Finding("r", f"users{text} is", f"versions/a{text}.py", 3, text, f"ALTER{text}", (Evidence("e", text),)),
        ),
        notes=(Note(f"note{text}", f"versions/b{text}.py", 4),),
        problems=(f"problem{text}",),
        facts=(f"shop{text}: 2 revisions",),
        stages=(Stage("upgrade", False, f"users{text}"),),
        title=f"migration-gate ci  {text}",
    )
