"""What the formats that show a revision graph say of one revision."""

from __future__ import annotations

from migration_gate.findings import Node

LONGEST = 80  # characters of a line that a box of a graph has


def caption(one: Node) -> list[str]:
    """The lines of its box."""
    if one.folded:
        return [f"… {one.message}"]
    labels = f"labels: {', '.join(one.labels)}" if one.labels else ""
    lines = filter(None, (one.id, one.message, labels, one.mark))
    return [line if len(line) <= LONGEST else line[:LONGEST] + "…" for line in lines]
