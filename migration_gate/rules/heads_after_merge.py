"""This branch has one head, and so has the branch that it will merge into; together they have two.

Two branches that each add a revision on the same parent merge without a conflict: git sees two new files. The fork
is there on the day when the second of them is merged, and `alembic upgrade head` and `flask db upgrade` stop with
"Multiple head revisions are present for given argument 'head'", in production first.

It is judged before that, by the revisions that git has of the base (`--base`, the setting `base`, the CI's own
variable for a pull request's target, or origin/HEAD), beside those that are here. It sees what was fetched last:
where the base is protected, let branches be up to date before they merge, or use a merge queue.

Merge the base into this branch, and put this branch's revisions behind the base's head:

    git merge origin/main
    migration-gate heads --rebase

Where a shared database has run them already, add a merge revision instead; it changes no schema:

    git merge origin/main
    migration-gate heads --merge

With `--dry-run` either of them shows the diff and writes nothing.

Silent where this history has several heads already (multiple-heads says that), on branches whose labels the
settings declare, and where the base is not known, which a note says.

Source: Alembic's documentation, "Working with Branches".
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.base import Base
from migration_gate.project.forks import branches, certain, merged, whose
from migration_gate.project.history import History
from migration_gate.project.model import Project, command
from migration_gate.rules.base import Hazard
from migration_gate.rules.multiple_heads import MERGE, rebase


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
        from migration_gate.project.drawing import fork  # only where there is one

        start = after.revisions[_start_of(after, base, own[0]) or own[0]]
        target = f"{label}@head" if label else "head"
        upgrade = command(project, f"upgrade {target}" if label else "upgrade", f"upgrade {target}")
        yield Hazard(
            message=f"{base.name} has moved on: one head here, {len(heads)} after the merge. `{upgrade}` will stop then"
            f" with\n\"Multiple head revisions are present for given argument '{target}'\".\n\n"
            + fork(after, heads, whose(after, heads)),
            path=start.path,
            line=start.down_line,
            end=start.down_line,
            revision=start.id,
            remedy=_remedy(project, after, base, heads),
        )


def _remedy(project: Project, after: History, base: Base, heads: tuple[str, ...]) -> str:
    from shlex import quote

    merge = f"git merge {quote(base.ref)}"
    if lines := rebase(project, after, heads):
        return "\n".join(
            [
                merge,
                *lines,
                "# or, where a shared database has run this branch already, join them without a change of schema:",
                MERGE,
            ]
        )
    return f"{merge}\n{MERGE}"


def _start_of(after: History, base: Base, head: str) -> str | None:
    """The first revision of this branch's own, where it has a straight line of them."""
    seen = {head}
    while new := [parent for parent in after.parents[head] if parent not in base.past.revisions]:
        if len(after.parents[head]) > 1 or new[0] in seen:
            return None
        head = new[0]
        seen.add(head)
    return head
