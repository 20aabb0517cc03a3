"""A verdict with one of everything, and one of everything that a hostile repository can put into it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from migration_gate.findings import (
    Allowed,
    Evidence,
    Finding,
    Graph,
    Held,
    Node,
    Note,
    Planned,
    Stage,
    Step,
    Verdict,
)

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
# What is markup somewhere: Markdown, HTML, XML, mermaid, SARIF's links, GitHub's mentions.
MARKUP = (
    "|",
    "\\|",
    "`",
    "```",
    "\n````\n",
    "\n\n",
    "\n# forged\n",
    "\n- forged\n",
    "\n    forged\n",
    "[forged](https://example.org)",
    "![forged](https://example.org/x.png)",
    "https://example.org",
    "@forged",
    "#1",
    "GH-1",
    "</details>",
    "</code></td></tr></table>",
    "</pre>",
    "<!--",
    "-->",
    "<script>alert(1)</script>",
    '<a href="https://example.org">forged</a>',
    "]]>",
    "<![CDATA[",
    "&lt;b&gt;",
    "&#96;",
    "*forged*",
    "~~forged~~",
    "$$x$$",
    '"]',
    '"] --> n9["forged"]',
    ":::forged",
    "%%{init: {}}%%",
    "\nend\n",
    "click n0 href",
    ";",
    "#34;",
    "{0}",
    "\udcff",
    "\ufffe",
)


def hostile(text: str) -> Verdict:
    """A verdict in which all that comes from files, servers and revisions is, or holds, a text."""
    finding = Finding(
        "r", f"users{text} is", f"versions/a{text}.py", 3, text, f"ALTER{text}", (Evidence("e", text),), 5
    )
    name = f"shop{text}"
    held = Held(f"users{text}", "ACCESS EXCLUSIVE", "reads and writes", "scan", rows=120_000_000, bytes=48 << 30)
    steps = (
        Step(f"versions/a{text}.py", 3, f"ALTER{text}", (held,), "", text, f"ALTER TABLE{text}"),
        Step("", 4, text, (held._replace(since=f"a{text}.py:3"),), text, text),
        Step("versions/b.py", 5, text, (), "", "b"),
    )
    graph = Graph(
        name,
        f"origin/main{text}",
        (
            Node("b", ("0",), ("0",), (), "second", "versions/b.py", True, False, False, f"only in {text}"),
            Node(text, ("0",), (), (f"l{text}",), text, f"versions/a{text}.py", True, False, True, "new, head"),
            Node("0", ("\0earlier",), (), (), f"first{text}", "versions/0.py", False, False, False),
            Node("\0earlier", (), (), (), "12 earlier revisions", "", False, True, False, folded=12),
        ),
    )
    definitions = (Evidence("models", f"models      CHECK {text}"), Evidence("migrations", f"migrations  {text}"))
    return Verdict(
        findings=(finding, finding._replace(rule="drift", path=None, line=None, evidence=definitions)),
        notes=(Note(f"note{text}", f"versions/b{text}.py", 4),),
        problems=(f"problem{text}",),
        facts=(f"shop{text}: 2 revisions",),
        stages=(Stage("upgrade", False, f"users{text}"),),
        title=f"migration-gate ci  {text}",
        plan=(Planned(name, (text, "b"), False, steps),),
        allowed=(Allowed(finding, f"because{text}"),),
        rules=("multiple-heads", "drift"),
        home=f"migrations{text}/env.py",
        graphs=(graph,),
        endings=(graph,),
        order=(f"alembic{text}",),
    )


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to install packages of npm's in, for readers that there are nowhere else."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    return folder


def install(folder: Path, *packages: str) -> Path:
    """Install packages into a folder of the fixture ``npm``."""
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages]
    subprocess.run(words, cwd=folder, check=True, timeout=300)
    return folder
