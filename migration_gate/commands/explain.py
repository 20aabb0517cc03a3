"""``migration-gate explain RULE``: the rule's own page."""

from __future__ import annotations

from argparse import Namespace
from difflib import get_close_matches

from migration_gate.commands.emit import write
from migration_gate.findings import CannotJudge
from migration_gate.rules import ALL, ALLOWS, DRIFT, OFF, REHEARSAL
from migration_gate.rules.pages import page


def run(options: Namespace) -> int:
    if options.rule is None:
        write("".join(f"{name:<32} {page(name).summary}\n" for name in ALL))
        return 0
    if options.rule not in ALL:
        near = get_close_matches(options.rule, ALL, n=1)
        hint = f"did you mean {near[0]}?" if near else "`migration-gate explain` lists them all"
        raise CannotJudge(f"no rule is called {options.rule!r}: {hint}")
    write(f"{options.rule}\n\n{page(options.rule).text}\n{_ways(options.rule)}")
    return 0


def _ways(rule: str) -> str:
    """How to allow it, or turn it on or off."""
    if rule in ALLOWS:
        return ""
    turn, key = ("on", "extend-select") if rule in OFF else ("off", "ignore")
    text = f'To turn it {turn}:  {key} = ["{rule}"] in pyproject.toml, under [tool.migration-gate]\n'
    if rule in (*REHEARSAL, *DRIFT):  # no comment allows what is found by running
        return f"\n{text}"
    return f"\nTo allow it on one line:  # migration-gate: allow {rule} because …\n{text}"
