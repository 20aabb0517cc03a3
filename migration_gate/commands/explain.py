"""``migration-gate explain RULE``: the rule's own page."""

from __future__ import annotations

from argparse import Namespace
from difflib import get_close_matches

from migration_gate.findings import CannotJudge
from migration_gate.rules import ALL, ALLOWS, DRIFT, OFF, REHEARSAL
from migration_gate.rules.pages import page


def run(options: Namespace) -> int:
    if options.rule is None:
        for name in ALL:
            print(f"{name:<32} {page(name).summary}")
        return 0
    if options.rule not in ALL:
        near = get_close_matches(options.rule, ALL, n=1)
        hint = f"did you mean {near[0]}?" if near else "`migration-gate explain` lists them all"
        raise CannotJudge(f"no rule is called {options.rule!r}: {hint}")
    print(f"{options.rule}\n\n{page(options.rule).text}")
    if options.rule in ALLOWS:
        return 0
    print()
    if options.rule not in (*REHEARSAL, *DRIFT):  # no comment allows what is found by running
        print(f"To allow it on one line:  # migration-gate: allow {options.rule} because …")
    turn, key = ("on", "extend-select") if options.rule in OFF else ("off", "ignore")
    print(f'To turn it {turn}:  {key} = ["{options.rule}"] in pyproject.toml, under [tool.migration-gate]')
    return 0
