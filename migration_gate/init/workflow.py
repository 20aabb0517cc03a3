"""The rehearsal on every pull request: a workflow of GitHub's, or a job for GitLab."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from migration_gate import __version__
from migration_gate.init import install
from migration_gate.init.changes import Change, Paste, current
from migration_gate.init.hooks import without_comments
from migration_gate.project import git

_GITHUB = """\
name: migrations
on: pull_request
permissions:
  contents: read
jobs:
"""
_GITHUB_JOB = """\
  {name}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
          fetch-depth: 2 # the merge, and the base that it merges into
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      - uses: migration-gate/migration-gate@v{version}
"""
_GITLAB_JOB = """\
{name}:
  image: python:{python}
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
"""
_BASE = "refs/heads/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME:refs/remotes/origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
_PLAIN = re.compile(r"[A-Za-z][\w ./&|()=-]*[\w).]")  # what YAML takes for text without quotes


_WORDS = {"true", "false", "null", "yes", "no", "on", "off"}  # and these it does not


class Job(NamedTuple):
    """One run of ``migration-gate ci``: the folder that it runs in, which has the settings in it or below it, and the
    folders, at or below it, of what is to be installed before. All are absolute.
    """

    folder: Path
    installs: tuple[Path, ...]


def wanted(top: Path, jobs: Sequence[Job]) -> list[Change | Paste] | None:
    """What is to be done: nothing where a job runs the gate already. None where it is neither GitHub's nor GitLab's."""
    host = _host(git.origin(top))
    if (top / ".github").is_dir() or "github" in host:
        return list(_for_github(top, jobs))
    if (top / ".gitlab-ci.yml").is_file() or "gitlab" in host:
        return list(_for_gitlab(top, jobs))
    return None


def _host(url: str) -> str:
    """The host of git@github.com:a/b, ssh://git@github.com/a/b and https://github.com/a/b; "" for a path."""
    found = re.match(r"(?:\w[\w+.-]*://)?(?:[^/@]*@)?([\w.-]+)[:/]", url)
    return found[1].lower() if found and not url.startswith((".", "file:")) else ""


def _for_github(top: Path, jobs: Sequence[Job]) -> Iterator[Change | Paste]:
    folder = top / ".github" / "workflows"
    there = [one for one in sorted(folder.glob("*")) if one.suffix in (".yml", ".yaml")]
    if any("migration-gate" in without_comments(current(one) or "") for one in there):
        return
    text = _GITHUB + "".join(_github_job(top, job, name) for job, name in _named(top, jobs, "gate"))
    names = ("migrations.yml", "migration-gate.yml")
    free = [folder / name for name in names if current(folder / name) is None]
    yield Change(free[0], None, text) if free else Paste(folder, "both names are taken", text)


def _github_job(top: Path, job: Job, name: str) -> str:
    text = _GITHUB_JOB.format(name=name, python=install.python(job.installs[0], top), version=__version__)
    given = [("working-directory", "" if job.folder == top else job.folder.relative_to(top).as_posix())]
    given.append(("install", " && ".join(_commands(top, job))))
    lines = [f"          {key}: {_scalar(value)}\n" for key, value in given if value]
    return text + ("        with:\n" + "".join(lines) if lines else "")


def _for_gitlab(top: Path, jobs: Sequence[Job]) -> Iterator[Change | Paste]:
    path = top / ".gitlab-ci.yml"
    before = current(path)
    if "migration-gate" in without_comments(before or ""):
        return
    text = "\n".join(_gitlab_job(top, job, name) for job, name in _named(top, jobs, "migrations"))
    yield Change(path, None, text) if before is None else Paste(path, "what is in it decides where a job belongs", text)


def _gitlab_job(top: Path, job: Job, name: str) -> str:
    script = [] if job.folder == top else [f"cd {shlex.quote(job.folder.relative_to(top).as_posix())}"]
    script += [*_commands(top, job), f"pip install 'migration-gate[ci]=={__version__}'"]
    script += [f'git fetch --depth=1 origin "+{_BASE}"', "migration-gate ci"]
    text = _GITLAB_JOB.format(name=name, python=install.python(job.installs[0], top))
    return text + "".join(f"    - {_scalar(line)}\n" for line in script)


def _commands(top: Path, job: Job) -> list[str]:
    found = []
    for folder in job.installs:
        if words := install.command(folder, top):
            inner = shlex.quote(folder.relative_to(job.folder).as_posix())
            found.append(words if folder == job.folder else f"(cd {inner} && {words})")
    return found


def _named(top: Path, jobs: Sequence[Job], name: str) -> Iterator[tuple[Job, str]]:
    """Each job with a name of its own: one alone has the plain one, the others their folders' besides."""
    taken: set[str] = set()
    for number, job in enumerate(jobs, 1):
        words = re.sub(r"[^A-Za-z0-9]+", "-", job.folder.relative_to(top).as_posix()).strip("-")
        own = f"{name}-{words}" if len(jobs) > 1 and words else name
        own = f"{own}-{number}" if own in taken else own
        taken.add(own)
        yield job, own


def _scalar(text: str) -> str:
    """A text as YAML has it on one line."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
