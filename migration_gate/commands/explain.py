"""``migration-gate explain RULE``: the rule's own page."""

from __future__ import annotations

import inspect
from argparse import Namespace
from difflib import get_close_matches

from migration_gate.findings import CannotJudge
from migration_gate.rules import ALL, ALLOWS, module


def run(options: Namespace) -> int:
    if options.rule is None:
        for name in ALL:
            print(f"{name:<32} {summary(name)}")
        return 0
    if options.rule not in ALL:
        near = get_close_matches(options.rule, ALL, n=1)
        hint = f"did you mean {near[0]}?" if near else "`migration-gate explain` lists them all"
        raise CannotJudge(f"no rule is called {options.rule!r}: {hint}")
    print(f"{options.rule}\n\n{inspect.cleandoc(module(options.rule).__doc__ or '')}")
    if options.rule not in ALLOWS:
        print(
            f"\nTo allow it on one line:  # migration-gate: allow {options.rule} because …\n"
            f'To turn it off:  ignore = ["{options.rule}"] in pyproject.toml, under [tool.migration-gate]'
        )
    return 0


def summary(name: str) -> str:
    """The first line of a rule's page."""
    return (module(name).__doc__ or "").strip().split("\n")[0]
