"""A GitHub that answers what the action asks as the documentation of its REST API says."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

ME = "github-actions[bot]"
TOKEN = "ghs_secret"


class Asked(NamedTuple):
    method: str
    path: str
    token: str | None


class GitHub(ThreadingHTTPServer):
    """One pull request, number 7 of shop/app, and its comments."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.comments: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.refuses: dict[str, int] = {}  # status by method
        self.says: bytes | None = None  # in place of every answer

    def write(self, login: str | None, body: str) -> dict[str, Any]:
        user = None if login is None else {"login": login}  # None: an account that is gone
        self.comments.append({"id": 5_000_000_000 + len(self.comments), "user": user, "body": body})
        return self.comments[-1]

    def bodies(self, login: str = ME) -> list[str]:
        return [one["body"] for one in self.comments if one["user"] == {"login": login}]


class Answer(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: int(found) for name, [found] in parse_qs(url.query).items()}
        first = query["per_page"] * (query["page"] - 1)
        assert url.path == "/repos/shop/app/issues/7/comments"
        self.answer(200, self.server.comments[first : first + min(query["per_page"], 100)])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/graphql":
            assert "viewer" in body["query"]
            self.answer(200, {"data": {"viewer": {"login": ME}}}, method="GRAPHQL")
            return
        assert self.path == "/repos/shop/app/issues/7/comments"
        self.answer(201, body, lambda: self.server.write(ME, body["body"]))

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        [one] = [one for one in self.server.comments if self.path == f"/repos/shop/app/issues/comments/{one['id']}"]
        self.answer(200, body, lambda: one.update(body))

    def answer(
        self, status: int, body: object, change: Callable[[], object] = lambda: None, method: str | None = None
    ) -> None:
        method = method or self.command
        self.server.asked.append(Asked(method, self.path, self.headers["Authorization"]))
        status = self.server.refuses.get(method, status)
        if status < 300:
            change()
        said = json.dumps(body if status < 300 else {"message": "::error::forged"}).encode()
        said = said if self.server.says is None else self.server.says
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.address}/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


def surroundings(address: str, event: Path) -> dict[str, str]:
    return {
        "GITHUB_API_URL": address,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_GRAPHQL_URL": f"{address}/graphql",
        "GITHUB_JOB": "gate",
        "GITHUB_REPOSITORY": "shop/app",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_WORKFLOW": "migrations",
    }
