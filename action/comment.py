"""One comment on the pull request has the page of the job, and is kept up to date.

It is known by the mark that its text begins with, and by its author, which is who the token stands for: with the mark
alone, anybody could have the page written into a comment of their own, and change it there. Nothing that goes wrong
here changes the verdict: one line says it.

Source: GitHub's documentation, "REST API endpoints for issue comments" (a pull request's comments are an issue's).
Who the token stands for only GraphQL tells: GET /user refuses the token of a workflow.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

LONGEST = 65_000  # characters of the page; GitHub takes 65,536 of a comment
AT_ONCE = 100  # comments, the most of one page
SECONDS = 20
MAY_NOT = (401, 403, 404)  # what is hidden from a token does not exist
NOT_JUDGED = "## migration-gate: the gate could not judge\n\nA step before it failed.\n"


class _Straight(urllib.request.HTTPRedirectHandler):
    """A token goes to GitHub alone, wherever an answer may point."""

    def redirect_request(self, *_: Any) -> None:
        return None


class GitHub:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.rest = environ["GITHUB_API_URL"]
        self.graphql = environ["GITHUB_GRAPHQL_URL"]
        self.token = environ["GATE_TOKEN"].strip()
        self.opener = urllib.request.build_opener(_Straight)

    def ask(self, method: str, url: str, body: object = None) -> Any:
        """The answer, read. Raises HTTPError, OSError, HTTPException, ValueError."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "User-Agent": "migration-gate",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        with self.opener.open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read())

    def myself(self) -> str:
        said = self.ask("POST", self.graphql, {"query": "query { viewer { login } }"})
        return str(said["data"]["viewer"]["login"])

    def put(self, repository: str, number: int, mark: str, body: str) -> None:
        """Write the comment with this mark anew, or write the first."""
        comments, page, me = f"{self.rest}/repos/{repository}/issues", 1, self.myself()
        while True:
            found = self.ask("GET", f"{comments}/{number}/comments?per_page={AT_ONCE}&page={page}")
            for one in found:
                if (one["user"] or {}).get("login") == me and (one["body"] or "").startswith(mark):
                    self.ask("PATCH", f"{comments}/comments/{int(one['id'])}", {"body": body})
                    return
            if len(found) < AT_ONCE:
                break
            page += 1
        self.ask("POST", f"{comments}/{number}/comments", {"body": body})


def main(environ: Mapping[str, str]) -> str:
    """The line for the log."""
    if not environ["GATE_TOKEN"].strip():
        return warning("no comment: github-token is empty; give it ${{ github.token }}")
    request = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())["pull_request"]
    mark = marked(environ)
    try:
        body = f"{mark}\n{page(environ)}\n{footer(environ, request['head']['sha'])}"
        GitHub(environ).put(environ["GITHUB_REPOSITORY"], int(request["number"]), mark, body)
    except urllib.error.HTTPError as error:
        if error.code in MAY_NOT:
            return line(
                "notice",
                f"no comment: the token may not write one ({error.code}). A fork's never may; elsewhere the job needs "
                "permissions: pull-requests: write. The page of the job says the same",
            )
        return warning(f"no comment: GitHub answered {error.code} {phrase(error.code)}")
    except (OSError, HTTPException) as error:
        cause = getattr(error, "reason", error)
        return warning(f"no comment: no answer from GitHub ({getattr(cause, 'strerror', '') or type(cause).__name__})")
    except (ValueError, KeyError, TypeError):  # not repeated: it may have the token
        return warning("no comment: GitHub's answer was not read, or the token is none")
    return "migration-gate: the comment on the pull request is up to date"


def marked(environ: Mapping[str, str]) -> str:
    """The mark of this use of the action: others, of other jobs and projects, have comments of their own. What may be a
    URL with a password is not part of it.
    """
    names = ("GITHUB_WORKFLOW", "GITHUB_JOB", "GATE_WORKING_DIRECTORY", "GATE_PROJECTS", "GATE_IMAGE")
    which = [environ.get(name, "") for name in names]
    postgres = environ.get("GATE_POSTGRES", "")
    which.append(postgres if postgres.isalnum() else "")
    return f"<!-- migration-gate {hashlib.sha256(json.dumps(which).encode()).hexdigest()[:16]} -->"


def page(environ: Mapping[str, str]) -> str:
    path = environ["GATE_SUMMARY"]
    return Path(path).read_text("utf-8")[:LONGEST] if path else NOT_JUDGED


def footer(environ: Mapping[str, str], commit: str) -> str:
    run = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    short = re.sub("[^0-9a-f]", "", commit)[:10]
    return f'<p><sub>Commit <code>{short}</code> · <a href="{escape(run)}">the run</a></sub></p>\n'


def phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else ""


def warning(text: str) -> str:
    return line("warning", text)


def line(kind: str, text: str) -> str:
    return f"::{kind} title=migration-gate::{text}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(main(os.environ))
