"""Writes docs/pictures/*.svg, what the gate prints as a terminal shows it, on light and on dark:
``python -m tests.pictures``.

The gate runs for real, on the examples. What differs from run to run is taken out of its output: times, commits,
PostgreSQL's version and where it is.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from migration_gate.postgres import databases
from migration_gate.postgres.throwaway import Choice, throwaway
from tests.conftest import EXAMPLES
from tests.under_git import OWN, Work

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
FONT = '13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
WIDTH, HEIGHT, MARGIN = 7.8, 19, 18  # of a character, of a line, around all of them, in px


class Theme(NamedTuple):
    ground: str
    edge: str
    colors: TerminalTheme


def _theme(ground: str, edge: str, front: str, red: str, green: str, yellow: str, cyan: str, dim: str) -> Theme:
    def rgb(color: str) -> tuple[int, int, int]:
        return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)

    normal = [rgb(one) for one in (front, red, green, yellow, cyan, cyan, cyan, dim)]
    return Theme(ground, edge, TerminalTheme(rgb(ground), rgb(front), normal))


# As GitHub's own pages have them, so that a picture stands in a README as a block of code does.
THEMES = {
    "light": _theme("#f6f8fa", "#d1d9e0", "#1f2328", "#cf222e", "#1a7f37", "#9a6700", "#0969da", "#59636e"),
    "dark": _theme("#151b23", "#3d444d", "#f0f6fc", "#ff7b72", "#3fb950", "#d29922", "#79c0ff", "#9198a1"),
}


class Picture(NamedTuple):
    command: str
    output: Callable[[Path], str]


def refusal(folder: Path) -> str:
    """A NOT NULL column on a table with rows."""
    place = copied("broken/shop", folder)
    (place / "migrations/versions/3f8a84f0e7c7_require_customers_phone.py").unlink()  # one finding is enough
    said = _said(place, "lint")
    return said.partition("\n\n  note: ")[0] + _last(said)


def rehearsal(folder: Path) -> str:
    """What ``ci`` says of its stages."""
    said = _said(copied("broken/shop", folder), "ci", "--all")
    return said.partition("\n\n\x1b[1;31m")[0] + _last(said)


def fork(folder: Path) -> str:
    """Two branches' revisions on the same parent, seen before the merge."""
    work = _forked(folder)
    work.git("switch", "--quiet", "country")
    return _said(work.root, "heads", "--base", "main")


def doctor(folder: Path) -> str:
    """A database that has run another branch's revision."""
    work = _forked(folder)
    with throwaway(Choice()) as server:
        name = f"{server.prefix}shop"
        databases.create(server, name)
        url = server.url(name, "psycopg")
        environment = os.environ | {"DATABASE_URL": url, "SQLALCHEMY_DATABASE_URI": url}
        work.git("switch", "--quiet", "country")
        upgrade = [sys.executable, "-m", "flask", "db", "upgrade"]
        subprocess.run(upgrade, cwd=work.root, env=environment, check=True, capture_output=True)
        work.git("switch", "--quiet", "main")
        said = _said(work.root, "doctor", "--postgres", server.url("postgres"), **environment)
    said = re.sub(r"postgresql://\S+", "postgresql://shop:***@localhost/shop", said)
    said = re.sub(r"(commit |--source=)\w+", r"\g<1>1a2b3c4", said)
    return re.sub(r"\([^()]* ago, [\d-]+\)", "(Ana, 3 days ago, 2026-11-21)", said)


def _forked(folder: Path) -> Work:
    """The shop, and on each of two branches a revision after its last one; main has the first of them."""
    work = Work(copied("shop", folder))
    work.git("init", "--quiet", "-b", "base")
    work.commit()
    for branch, ident, column in (("main", "2a1b3c4d5e6f", "nickname"), ("country", "1f0e2d3c4b5a", "country")):
        work.branch(branch, "base")
        work.commit({f"migrations/versions/{ident}.py": REVISION.format(id=ident, column=column)})
    return work


REVISION = '''"""add customers.{column}"""
import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = "9bb0f9fbf117"


def upgrade():
    op.add_column("customers", sa.Column("{column}", sa.Text()))


def downgrade():
    op.drop_column("customers", "{column}")
'''
PICTURES = {
    "refusal": Picture("migration-gate lint", refusal),
    "rehearsal": Picture("migration-gate ci", rehearsal),
    "fork": Picture("migration-gate heads", fork),
    "doctor": Picture("migration-gate doctor", doctor),
}


def _last(said: str) -> str:
    """The last line, below what was left out."""
    return "\n\n  …\n\n" + said.splitlines()[-1]


def copied(example: str, folder: Path) -> Path:
    """A copy of an example, below the folder."""
    return Path(shutil.copytree(EXAMPLES / example, folder / "project"))


def _said(place: Path, *words: str, **environment: str) -> str:
    """The output of one run on a terminal."""
    terminal, end = pty.openpty()
    with open(terminal, "rb", buffering=0) as reader:
        gate = subprocess.Popen(
            [sys.executable, "-m", "migration_gate", *words],
            cwd=place,
            env=os.environ | environment | OWN | {"TERM": "xterm", "PYTHONPATH": str(FOLDER.parent.parent)},
            stdout=end,
            stderr=subprocess.DEVNULL,
        )
        os.close(end)
        written = b""
        with suppress(OSError):  # how a terminal ends whose last writer has gone
            while part := reader.read(65536):
                written += part
        gate.wait()
    return settled(written.decode().replace("\r\n", "\n")).strip("\n")


def settled(text: str) -> str:
    """What the gate says, less what differs from run to run."""
    text = re.sub(r"PostgreSQL [\d.]+( \([^)]*\))?", "PostgreSQL 16", text)
    return re.sub(r"\b\d+\.\d s\b", "0.9 s", re.sub(r"\b\d+ ms\b", "41 ms", text))


def draw(picture: Picture, theme: Theme, output: str) -> str:
    """An SVG of a line of text each: every run of characters in one color is a ``tspan``, in the reader's own font."""
    text = Text.assemble((f"$ {picture.command}\n", "bold"), Text.from_ansi(output))
    parts = [list(line.render(Console())) for line in text.split("\n", allow_blank=True)]
    lines = ["".join(_span(one.text, one.style, theme) for one in line if one.text != "\n") for line in parts]
    columns = max(len(line.plain) for line in text.split("\n"))
    width, height = round(columns * WIDTH + 2 * MARGIN), len(lines) * HEIGHT + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + number * HEIGHT + 14}">{line}</text>'
        for number, line in enumerate(lines)
        if line.strip()
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>text {{ font: {FONT}; fill: {theme.colors.foreground_color.hex}; white-space: pre }}</style>
<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6" fill="{theme.ground}" stroke="{theme.edge}"/>
{rows}
</svg>
"""


def _span(text: str, style: Style | None, theme: Theme) -> str:
    look = []
    if style and style.color:
        look.append(f'fill="{style.color.get_truecolor(theme.colors).hex}"')
    if style and style.bold:
        look.append('font-weight="600"')
    if style and style.dim:
        look.append('opacity=".65"')
    body = escape(text, quote=False)
    return f"<tspan {' '.join(look)}>{body}</tspan>" if look and body.strip() else body


def files(name: str) -> dict[str, str]:
    """One picture's files: their texts by their names."""
    with tempfile.TemporaryDirectory() as folder:
        output = PICTURES[name].output(Path(folder))
    return {f"{name}-{look}.svg": draw(PICTURES[name], theme, output) for look, theme in THEMES.items()}


if __name__ == "__main__":
    for name in PICTURES:
        for file, text in files(name).items():
            (FOLDER / file).write_text(text, encoding="utf-8")
