"""Writes docs/settings.md from the fields and comments of ``Settings``, and docs/cli.md from the parser:
``python -m tests.reference``.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from migration_gate.cli import parser
from migration_gate.project import settings
from migration_gate.project.settings import FILLED

DOCS = Path(__file__).parent.parent / "docs"

# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

TYPES = {
    "tuple[str, ...]": "strings, or one",
    "tuple[tuple[str, str], ...]": "a table of strings",
    "str | None": "a string",
    "int": "a number",
    "bool": "`true`, `false`",
}
FIELD = re.compile(r"    (\w+): (.+?) = (.+?)  # (.+)")
EXAMPLES = """
project = ["services/shop"]
exclude = ["vendored/*"]
script-location = "shop/migrations"
version-locations = ["shop/migrations/versions"]
branches = ["expand", "contract"]

select = ["multiple-heads", "drift"]
extend-select = ["missing-lock-timeout", "no-downgrade"]
ignore = ["drift"]
base = "origin/main"
start-after = "1a2b3c4d"
small-tables = ["country_*"]
large-tables = ["orders", "audit.*"]
sizes = "sizes.json"
postgres-version = 14

rows = 20
data-migrations-must-pass = false
rows-from = "rows.sql"
flask-app = "shop:create_app"
upgrade-command = "python -m shop db upgrade"
python = ".venv/bin/python"
setup-sql = "extensions.sql"
x = ["tenant=demo"]
environment = { SHOP_DSN = "{url}" }
allow-connections = ["vault.internal:443"]
start-from = "schema.sql"
start-at = "0f1e2d3c"
unmanaged = ["index ix_legacy_* because the DBA makes them"]
time-limit = 600
postgres = "16"
image = "postgres:16"
"""
SETTINGS = f"""# Settings

<!-- Written from migration_gate/project/settings.py by `make docs`. -->

All are optional, in `[tool.migration-gate]` of `pyproject.toml`. An unknown key is an error that names the nearest one.
A string stands for a list of one.

**On an existing project begin with `start-after`**: revisions that have shipped can no longer be mended.

```toml
[tool.migration-gate]
start-after = "1a2b3c4d" # today's head: `migration-gate heads` names it
```

`DATABASE_URL`, `SQLALCHEMY_DATABASE_URI`, `SQLALCHEMY_DATABASE_URL`, libpq's `PG…` variables and Alembic's
`sqlalchemy.url` lead to the throwaway database by themselves. Others are named in `environment`, where
{", ".join(f"`{{{one}}}`" for one in FILLED)} are filled in, as in `upgrade-command`.
"""


class Setting(NamedTuple):
    key: str
    type: str
    default: str
    comment: str


def sections() -> dict[str, list[Setting]]:
    """The settings by the comment that stands above each group of them."""
    text = Path(settings.__file__).read_text(encoding="utf-8")
    body = text.partition("class Settings(")[2].partition("\n\n\n")[0]
    found: dict[str, list[Setting]] = {}
    for line in body.splitlines():
        if line.startswith("    # "):
            found[line.removeprefix("    # ")] = rows = []
        elif match := FIELD.fullmatch(line):
            name, kind, default, comment = match.groups()
            rows.append(Setting(name.replace("_", "-"), TYPES[kind], default, comment))
    return found


def settings_page() -> str:
    parts = [SETTINGS]
    for title, rows in sections().items():
        table = ["| setting | takes | default | |", "|---|---|---|---|"]
        for one in rows:
            default = "" if one.default in ("()", "None") else f"`{one.default.lower()}`"
            table.append(f"| `{one.key}` | {one.type} | {default} | {_quoted(one.comment)} |")
        lines = [line for line in EXAMPLES.splitlines() if line.split(" = ")[0] in {one.key for one in rows}]
        example = "\n".join(["[tool.migration-gate]", *lines])
        parts.append(f"## {title[0].upper()}{title[1:]}\n\n" + "\n".join(table) + f"\n\n```toml\n{example}\n```\n")
    return "\n".join(parts)


def examples() -> dict[str, Any]:
    """A value for every key."""
    return tomllib.loads(EXAMPLES)


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────

CLI = """# Commands

<!-- Written from the command line's parser by `make docs`. -->

What `migration-gate COMMAND --help` says.

Exit status: **0** the gate is open, **1** findings, **2** it could not judge. It is never 0 when something was not
judged: "found no migrations" is a 2. `--exit-zero` reports findings and leaves the gate open, for the day on which you
adopt it.

`lint`, `heads`, `explain` and `init` read text: they import nothing of the project, run nothing and open no connection.
`ci` runs the project on a throwaway PostgreSQL ([which one](how-it-works.md#which-postgresql)). `doctor` reads one real
database.
"""


def cli_page() -> str:
    (commands,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    helps = {one.dest: one.help for one in commands._choices_actions}
    return "\n".join([CLI, *(_command(name, helps[name] or "", one) for name, one in commands.choices.items())])


def _command(name: str, help: str, one: argparse.ArgumentParser) -> str:
    rows = [f"| {spelled} | {_quoted(meaning)} |" for spelled, meaning in _arguments(one)]
    return f"## {name}\n\n{help[0].upper()}{help[1:]}.\n\n" + "\n".join(["| | |", "|---|---|", *rows]) + "\n"


def _arguments(one: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """How each is typed, and what it does. argparse keeps both in attributes of its own."""
    for action in one._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        value = action.metavar if isinstance(action.metavar, str) else ""
        if action.choices:
            value = ", ".join(map(str, action.choices))
        value = f"[{value}]" if action.nargs == "?" else value
        words = " ".join(filter(None, [", ".join(action.option_strings), value]))
        yield f"`{words}`", action.help or ""


def _quoted(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"settings.md": settings_page, "cli.md": cli_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
