"""Python imports this at the start of every process of a rehearsal, whatever started it: the folder comes first on
PYTHONPATH. It puts the guards up before any of the project's code runs, then lets the environment's own
``sitecustomize`` have its turn.
"""

import os
import sys

if os.environ.get("MIGRATION_GATE_JOB"):
    from migration_gate_inside import start

    start.start()

_here = os.path.dirname(os.path.abspath(__file__))
_rest = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]
from importlib.machinery import PathFinder  # noqa: E402

_spec = PathFinder.find_spec("sitecustomize", _rest)
if _spec is not None and _spec.loader is not None:
    from importlib.util import module_from_spec

    _spec.loader.exec_module(module_from_spec(_spec))
