"""This branch has one head, and so has the branch that it will merge into; together they have two.

Two branches that each add a revision on the same parent merge without a conflict: git sees two new files. The fork
is there on the day when the second of them is merged, and `alembic upgrade head` and `flask db upgrade` stop with
"Multiple head revisions are present for given argument 'head'", in production first.

It is judged before that, by the revisions that git has of the base (`--base`, the setting `base`, the CI's own
variable for a pull request's target, or origin/HEAD), beside those that are here. It sees what was fetched last:
where the base is protected, let branches be up to date before they merge, or use a merge queue.

Merge the base into this branch, and put this branch's first revision behind the base's head by its `down_revision`.
Where a shared database has run it already, add a merge revision instead; it changes no schema.

Silent where this history has several heads already (multiple-heads says that), on branches whose labels the
settings declare, and where the base is not known, which a note says.

Source: Alembic's documentation, "Working with Branches".
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.base import Base
from migration_gate.project.history import History, build
from migration_gate.project.model import Project, command
from migration_gate.rules.base import Hazard
from migration_gate.rules.multiple_heads import branches, certain, draw, whose


def check(project: Project, history: History) -> Iterator[Hazard]:
    base = history.base
    after = merged(history)
    if base is None or after is None:
        return
    here = branches(project, history)
    for label, heads in branches(project, after).items():
        heads = tuple(sorted(certain(after, heads), key=lambda head: head not in base.past.revisions))
        own = [head for head in heads if head not in base.past.revisions]
        if len(heads) < 2 or not own or len(certain(history, here.get(label, ()))) > 1:
            continue
        start = after.revisions[_start_of(after, base, own[0]) or own[0]]
        target = f"{label}@head" if label else "head"
        upgrade = command(project, f"upgrade {target}" if label else "upgrade", f"upgrade {target}")
        yield Hazard(
            message=f"{base.name} has moved on: one head here, {len(heads)} after the merge. `{upgrade}` will stop then"
            f" with\n\"Multiple head revisions are present for given argument '{target}'\".\n\n"
            + draw(after, heads, whose(after, heads)),
            path=start.path,
            line=start.down_line,
            end=start.down_line,
            revision=start.id,
            remedy=_remedy(project, after, base, heads, own),
        )


def merged(history: History) -> History | None:
    """The history as it will be when this branch has been merged. None where the base adds nothing to it."""
    base = history.base
    if base is None:
        return None
    theirs = {ident: one for ident, one in base.past.revisions.items() if ident not in history.revisions}
    fork = base.fork() if theirs else None
    if fork:  # what was there when this branch began, one of the two has deleted since
        theirs = {ident: one for ident, one in theirs.items() if ident not in fork.revisions}
    if not theirs:
        return None
    ours = []
    for ident, one in history.revisions.items():
        there, before = base.past.revisions.get(ident), fork.revisions.get(ident) if fork else None
        if there and before and before.down == one.down:
            one = one._replace(down=there.down)
        if there or not before:
            ours.append(one)
    return build([*theirs.values(), *ours])._replace(unreadable=history.unreadable, base=base)


def _remedy(project: Project, after: History, base: Base, heads: tuple[str, ...], own: list[str]) -> str:
    from shlex import quote

    lines = [f"git merge {quote(base.ref)}"]
    start = _start_of(after, base, own[0])
    # Behind their head it comes after all that it came after, or something else becomes a head in its place.
    if len(heads) == 2 and start and after.ancestors(heads[0]).issuperset(after.parents[start]):
        path = after.revisions[start].path
        near = path.relative_to(project.root) if path.is_relative_to(project.root) else path
        lines += [
            f"# then put this branch behind {heads[0]}, in {near.as_posix()}:",
            f'down_revision = "{heads[0]}"',
            "# or, where a shared database has run this branch already, join them without a change of schema:",
        ]
    join = f'merge {"heads" if set(heads) == set(after.heads) else " ".join(heads)} -m "merge heads"'
    return "\n".join([*lines, command(project, join, join)])


def _start_of(after: History, base: Base, head: str) -> str | None:
    """The first revision of this branch's own, where it has a straight line of them."""
    seen = {head}
    while new := [parent for parent in after.parents[head] if parent not in base.past.revisions]:
        if len(after.parents[head]) > 1 or new[0] in seen:
            return None
        head = new[0]
        seen.add(head)
    return head
