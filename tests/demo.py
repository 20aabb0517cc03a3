"""``make demo``: the gate on a healthy project, and on the five of examples/broken, which it must refuse.

What it must say of those five is read from the table in examples/broken/README.md. Exit status 1: a healthy project was
refused, a broken one was let through, or a rule that should have closed the gate kept silent.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
HEALTHY = ("shop",)
# --all: in a clone of this repository its own main branch is the base, and has all of the examples.
GATE = [sys.executable, "-m", "migration_gate", "ci", "--all"]


def main() -> int:
    wrong = [*map(pass_healthy, HEALTHY)]
    expected = expectations((EXAMPLES / "broken" / "README.md").read_text(encoding="utf-8"))
    wrong += [refuse_broken(name, rules) for name, rules in expected.items()]
    found = [one for one in wrong if one]
    print("\n".join(["", *found, ""]) if found else "\nEach was judged as it should be.")
    return 1 if found else 0


def expectations(table: str) -> dict[str, set[str]]:
    """The rules that must close the gate, by project: from rows like ``| `graph/…` | 16 | `a-rule` | … |``."""
    expected: dict[str, set[str]] = {}
    for project, rule in re.findall(r"^\| `([\w-]+)/[^|]*\|[^|]*\| `([\w-]+)` \|", table, re.MULTILINE):
        expected.setdefault(project, set()).add(rule)
    folders = {one.parent.name for one in (EXAMPLES / "broken").glob("*/alembic.ini")}
    if set(expected) != folders:
        sys.exit(f"examples/broken/README.md describes {sorted(expected)}; the folders are {sorted(folders)}")
    return expected


def pass_healthy(name: str) -> str:
    """What is wrong with the gate's verdict on a healthy project; its report is shown as a person sees it."""
    print(f"$ cd examples/{name} && migration-gate ci --all\n", flush=True)
    status = subprocess.run(GATE, cwd=EXAMPLES / name, stderr=subprocess.STDOUT).returncode
    return "" if status == 0 else f"examples/{name} is healthy, and the gate is not open (exit status {status})"


def refuse_broken(name: str, rules: set[str]) -> str:
    """The same for a broken one; what closed the gate is shown, a line for each finding."""
    print(f"\n$ cd examples/broken/{name} && migration-gate ci --all", flush=True)
    done = subprocess.run(
        [*GATE, "--format", "json"], cwd=EXAMPLES / "broken" / name, capture_output=True, encoding="utf-8"
    )
    if done.returncode != 1:
        print(done.stdout + done.stderr)
        return f"examples/broken/{name} is broken, and the gate is not closed (exit status {done.returncode})"
    findings = json.loads(done.stdout)["findings"]
    for one in findings:
        place = f"{one['path']}:{one['line']}" if one["path"] else "–"
        print(f"  {one['rule']:<30}{place}")
    silent = rules - {one["rule"] for one in findings}
    print(f"  closed, by {', '.join(sorted({one['rule'] for one in findings}))}")
    return f"examples/broken/{name}: {', '.join(sorted(silent))} kept silent" if silent else ""


if __name__ == "__main__":
    sys.exit(main())
