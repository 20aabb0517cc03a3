"""In which order tables are filled: those that others point to come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def groups(nodes: Sequence[int], hard: Mapping[int, set[int]], soft: Mapping[int, set[int]]) -> list[list[int]]:
    """The nodes in an order in which each comes after those that it points to.

    ``hard`` pointers have to point to something, ``soft`` ones may be NULL at first: where a circle cannot be walked
    otherwise, a node comes before what it softly points to. A group of several nodes is a circle of hard pointers.
    """
    left = dict.fromkeys(nodes)
    found: list[list[int]] = []
    while left:
        waits = {node: {other for other in hard[node] if other in left and other != node} for node in left}
        ready = [
            node for node in left if not waits[node] and not any(one in left and one != node for one in soft[node])
        ]
        if ready:
            found += [[node] for node in ready]
        else:
            free = [node for node in left if not waits[node]]
            # Whoever needs the fewest others: what is NULL at first has to be put right afterwards.
            first = min(free, key=lambda node: len(soft[node] & left.keys())) if free else None
            ready = [first] if first is not None else min((_reached(node, waits) for node in left), key=len)
            found.append(ready)
        for node in ready:
            del left[node]
    return found


def _reached(start: int, waits: Mapping[int, set[int]]) -> list[int]:
    """What a node waits for, and what that waits for. The smallest of all such sets is a circle."""
    seen, todo = {start: None}, [start]
    while todo:
        for other in waits[todo.pop()]:
            if other not in seen:
                seen[other] = None
                todo.append(other)
    return list(seen)
