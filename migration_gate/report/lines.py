"""What the formats that show a revision graph say of one revision."""

from __future__ import annotations

from migration_gate.findings import Node

LONGEST = 80  # characters of a message that a box of a graph has


def caption(one: Node) -> list[str]:
    """The lines of its box."""
    if one.folded:
        return [f"… {one.message}"]
    message = one.message if len(one.message) <= LONGEST else one.message[:LONGEST] + "…"
    labels = f"labels: {', '.join(one.labels)}" if one.labels else ""
    return list(filter(None, (one.id, message, labels, one.mark)))
