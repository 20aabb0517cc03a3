"""Makes text from files, revisions and servers safe to print: it can forge nothing."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
LONGEST = 4_000  # characters of one text; what is longer is cut, and says so


def clean(text: str) -> str:
    """Control characters (but newline and tab) and direction marks shown as escapes; long text cut."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … (+{len(text) - LONGEST:,} characters)"
    return _CONTROL.sub(lambda one: f"\\x{ord(one[0]):02x}", text)
