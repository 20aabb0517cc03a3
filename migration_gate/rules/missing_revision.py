"""A revision names a parent or a dependency that no file has.

Alembic cannot load such a history at all: every command stops with "Can't locate revision identified by …" or a
KeyError. The file was deleted, was never committed, stands on another branch, or its id was edited.

Bring the file back, or name another parent. Alembic takes whole ids and branch labels in `down_revision` and
`depends_on`; an abbreviated id, which its command line accepts, is not one.
"""

from __future__ import annotations

from collections.abc import Iterator

from migration_gate.project.git import commit_with
from migration_gate.project.history import History, Missing
from migration_gate.project.model import Project
from migration_gate.rules.base import Hazard


def check(project: Project, history: History) -> Iterator[Hazard]:
    for one in history.missing:
        reason, remedy = _explain(project, history, one)
        yield Hazard(
            message=f"{one.revision.id} names {one.named!r} in its {one.field}, and no file of {project.name} has "
            f"that revision. {reason}\nAlembic cannot load this history: every command stops.",
            path=one.revision.path,
            line=one.line,
            end=one.line,
            revision=one.revision.id,
            remedy=remedy,
        )


def _explain(project: Project, history: History, one: Missing) -> tuple[str, str]:
    longer = [ident for ident in history.revisions if ident.startswith(one.named)]
    if len(longer) == 1:
        return (
            "It abbreviates an id, which Alembic takes on its command line only.",
            f'{one.field} = "{longer[0]}"',
        )
    for path in sorted(project.directory.rglob("*.py")):
        if path.name.startswith(one.named):
            return f"{path} has it, as its name says, and is in none of the version locations.", (
                "# add its folder to version_locations; in [tool.migration-gate] version-locations replaces the default"
            )
    found = commit_with(project.directory, one.named)
    if found:
        return (
            f"It is in git: {found.path}, commit {found.commit} ({found.author}, {found.when}).",
            f"git restore --source={found.source} -- {found.path}",
        )
    from difflib import get_close_matches  # 3 ms, only where something is missing

    near = get_close_matches(one.named, history.revisions, n=1, cutoff=0.7)
    if near:
        return f"The nearest id is {near[0]}.", f'{one.field} = "{near[0]}"'
    return (
        "Git knows no commit that has it.",
        f'# bring the file of {one.named} back, or name the revision that this one really follows:\n{one.field} = "…"',
    )
