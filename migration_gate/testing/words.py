"""Why something could not be judged, as pytest says it."""

from __future__ import annotations

import re

from migration_gate.findings import CannotJudge
from migration_gate.report.clean import clean

_OPTION = re.compile(r"(?:migration-gate lint )?(?<!\S)--(project|base|postgres)\b")


def in_pytests_words(reason: CannotJudge) -> str:
    """One line, clean, with the options as pytest has them."""
    return clean(_OPTION.sub(r"--migration-gate-\1", str(reason)))
