"""Draws docs/pictures/page.svg, the page of a job as GitHub shows it: HTML inside an SVG, laid out by the reader's own
browser, in the colors that it prefers. ``python -m tests.page_picture``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options

from tests.pictures import FOLDER, copied, settled
from tests.under_git import OWN, Work

WIDTH, HEIGHT = 920, 890
LOOK = """
div { --ground: #fff; --front: #1f2328; --edge: #d1d9e0; --code: #f6f8fa }
@media (prefers-color-scheme: dark) { div { --ground: #0d1117; --front: #f0f6fc; --edge: #3d444d; --code: #151b23 } }
div { font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; color: var(--front);
  background: var(--ground); border: 1px solid var(--edge); border-radius: 6px; padding: 4px 24px;
  box-sizing: border-box; height: 100%; overflow: hidden }
h2, h3 { border-bottom: 1px solid var(--edge); padding-bottom: .2em; margin: 16px 0 12px }
h4 { margin: 12px 0 } p { margin: 0 0 10px }
table { border-collapse: collapse; margin-bottom: 12px }
td, th { border: 1px solid var(--edge); padding: 3px 12px; text-align: left }
code { font: 12px ui-monospace, SFMono-Regular, Menlo, monospace; background: var(--code); padding: 2px 5px }
pre { background: var(--code); padding: 12px; border-radius: 6px; margin: 0 } pre code { padding: 0; font-size: 11px }
"""
REVISION = '''"""index orders.status"""
from alembic import op

revision = "1f0e2d3c4b5a"
down_revision = "9bb0f9fbf117"


def upgrade():
    op.create_index("ix_orders_status", "orders", ["status"])


def downgrade():
    op.drop_index("ix_orders_status", table_name="orders")
'''


def page(folder: Path) -> str:
    """The report on a branch that builds an index while writes wait, in Markdown."""
    work = Work(copied("shop", folder))
    work.git("init", "--quiet", "-b", "main")
    work.commit()
    work.branch("status")
    models = (work.root / "shop/models.py").read_text(encoding="utf-8")
    mapped = 'Index("ix_orders_customer_id_placed_at", "customer_id", "placed_at"),'
    new = models.replace(mapped, f'{mapped} Index("ix_orders_status", "status")')
    work.commit({"shop/models.py": new, "migrations/versions/1f0e2d3c4b5a_index_orders_status.py": REVISION})
    command = [sys.executable, "-m", "migration_gate", "ci", "--base", "main", "--format", "markdown"]
    here = os.environ | OWN | {"PYTHONPATH": str(FOLDER.parent.parent)}
    done = subprocess.run(command, cwd=work.root, env=here, capture_output=True, encoding="utf-8")
    return settled(done.stdout)


def draw(markdown: str) -> str:
    """What is folded is left out, and so is the graph, which GitHub draws from its text."""
    text = re.sub(r"### The history\n\n```mermaid\n.*?```\n\n", "", markdown, flags=re.DOTALL)
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE).replace("<br>", "<br/>")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">
<style>{LOOK}</style>
<foreignObject width="{WIDTH}" height="{HEIGHT}"><div xmlns="http://www.w3.org/1999/xhtml">
{html}</div></foreignObject>
</svg>
"""


def drawn() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return draw(page(Path(folder)))


if __name__ == "__main__":
    (FOLDER / "page.svg").write_text(drawn(), encoding="utf-8")
