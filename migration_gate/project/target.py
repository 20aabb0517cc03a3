"""Which git ref the branch will merge into: the option, the setting, the CI's own word, or origin's default branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from migration_gate.project import git

# The branch that a pull request is to be merged into, by the services' own documentation of their variables.
VARIABLES = (
    "GITHUB_BASE_REF",  # Gitea and Forgejo as well
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",  # GitLab
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",  # Azure Pipelines: "refs/heads/main"
    "CHANGE_TARGET",  # Jenkins, multibranch pipelines
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    "DRONE_TARGET_BRANCH",
)
# Set for a push too, where it names the pushed branch itself: it counts beside a pull request's number alone.
_ONLY_WITH = {"DRONE_TARGET_BRANCH": "DRONE_PULL_REQUEST"}
# GitHub's merge queue runs on a branch of its own, named after the target, and sets no other variable.
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]+")


class Target(NamedTuple):
    """A base that something names. ``refs`` are tried in turn. ``named_by`` says who names it, None for origin's
    default branch; ``must`` is true of a person, whose word is not passed over.
    """

    name: str
    refs: tuple[str, ...]
    named_by: str | None
    must: bool = False
    merge: str | None = None  # the id of a commit that merges the branch into it: the first parent serves then


def target(option: str | None, setting: str | None, top: Path | None, environment: Mapping[str, str]) -> Target:
    """The first that applies: ``--base``, the setting ``base``, the CI's variables, origin/HEAD."""
    for name, who in ((option, "--base"), (setting, "base in [tool.migration-gate]")):
        if name:
            return Target(name, (name, f"origin/{name}"), who, must=True)
    for variable in VARIABLES:
        beside = _ONLY_WITH.get(variable, variable)
        if environment.get(variable) and environment.get(beside):
            branch = environment[variable].removeprefix("refs/heads/")
            # What actions/checkout leaves: HEAD is a merge that GitHub made, with the base as its first parent.
            made = re.fullmatch(r"refs/pull/\d+/merge", environment.get("GITHUB_REF", ""))
            merge = environment.get("GITHUB_SHA") if made else None
            return Target(branch, (f"origin/{branch}", branch), variable, merge=merge)
    queued = _QUEUE.fullmatch(environment.get("GITHUB_REF", ""))
    if queued:
        return Target(queued[1], (f"origin/{queued[1]}", queued[1]), "GITHUB_REF")
    name = git.default_branch(top) if top else "origin/HEAD"
    return Target(name, ("origin/HEAD",), None)


def how_to_get(name: str, top: Path) -> str:
    """The command that brings a ref here. It names both ends: a clone of one branch keeps no other by itself. Its depth
    is limited in a shallow clone alone, because elsewhere that would cut the history that is there.
    """
    depth = " --depth=1" if git.is_shallow(top) else ""
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name):
        return f"git fetch{depth} origin {name}"
    if not re.fullmatch(r"[\w.+-]+(?:/[\w.+-]+)*", name):
        return "git fetch --unshallow" if depth else "git fetch"
    remote, _, branch = name.partition("/")
    if not branch or remote not in {"origin", *git.remotes(top)}:
        remote, branch = "origin", name
    return f"git fetch{depth} {remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}"
