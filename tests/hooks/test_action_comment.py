"""The action's comment on a pull request, on a GitHub that is stood in for."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from action import comment
from tests.hooks.github import ME, TOKEN, Answer, GitHub, surroundings


@pytest.fixture
def environment(tmp_path: Path, github: GitHub) -> dict[str, str]:
    """What the runner and the action give to the script."""
    event = {"pull_request": {"number": 7, "head": {"sha": "0123456789abcdef0123"}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "summary.md").write_text("## migration-gate: the gate is open\n")
    return surroundings(github.address, tmp_path / "event.json") | {
        "GATE_SUMMARY": str(tmp_path / "summary.md"),
        "GATE_TOKEN": TOKEN,
        "GATE_WORKING_DIRECTORY": ".",
    }


def test_the_first_run_comments_and_the_next_ones_change_that(github: GitHub, environment: dict[str, str]) -> None:
    for text in ("## migration-gate: the gate is open\n", "## migration-gate: 1 finding: the gate is closed\n"):
        Path(environment["GATE_SUMMARY"]).write_text(text)
        assert comment.main(environment) == "migration-gate: the comment on the pull request is up to date"
        [body] = github.bodies()
        mark, shown, *_ = body.split("\n")
        assert (mark, shown + "\n") == (comment.marked(environment), text)
        assert "Commit <code>0123456789</code>" in body
        assert 'href="https://github.example/shop/app/actions/runs/42"' in body
    assert [one.method for one in github.asked] == ["GRAPHQL", "GET", "POST", "GRAPHQL", "GET", "PATCH"]
    assert {one.token for one in github.asked} == {f"Bearer {TOKEN}"}


def test_others_comments_are_left_alone(github: GitHub, environment: dict[str, str]) -> None:
    mark = comment.marked(environment)
    before = [
        github.write("mallory", f"{mark}\nthe gate is open"),
        github.write(None, f"{mark}\nthe gate is open"),
        github.write(ME, f"a page that quotes {mark}\n{mark}"),
        github.write(ME, comment.marked(environment | {"GITHUB_JOB": "another"}) + "\nanother job's"),
    ]
    kept = [dict(one) for one in before]
    comment.main(environment)
    assert github.comments[: len(kept)] == kept
    assert len(github.comments) == len(kept) + 1


@pytest.mark.parametrize("count", [99, 100, 250])
def test_a_comment_is_found_on_whichever_page_it_stands(
    github: GitHub, environment: dict[str, str], count: int
) -> None:
    for number in range(count):
        github.write("ana", f"remark {number}")
    comment.main(environment)
    comment.main(environment)
    assert len(github.comments) == count + 1
    assert [one.method for one in github.asked].count("PATCH") == 1


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("GITHUB_WORKFLOW", "nightly"),
        ("GITHUB_JOB", "other"),
        ("GATE_WORKING_DIRECTORY", "services/b"),
        ("GATE_PROJECTS", "b"),
        ("GATE_IMAGE", "postgres:14"),
        ("GATE_POSTGRES", "14"),
    ],
)
def test_each_use_of_the_action_has_a_comment_of_its_own(
    github: GitHub, environment: dict[str, str], name: str, other: str
) -> None:
    comment.main(environment)
    comment.main(environment | {name: other})
    comment.main(environment)
    assert len(github.comments) == 2


def test_a_url_is_no_part_of_the_mark(environment: dict[str, str]) -> None:
    url = environment | {"GATE_POSTGRES": "postgresql://ana:secret@db.example/shop"}
    assert comment.marked(url) == comment.marked(environment)


@pytest.mark.parametrize("method", ["GRAPHQL", "GET", "POST"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_token_that_may_not_is_told_and_passes(
    github: GitHub, environment: dict[str, str], method: str, status: int
) -> None:
    github.refuses[method] = status
    said = comment.main(environment)
    assert said.startswith(f"::notice title=migration-gate::no comment: the token may not write one ({status}). ")
    assert "\n" not in said
    assert github.comments == []


def test_what_else_github_answers_is_told(github: GitHub, environment: dict[str, str]) -> None:
    for status, words in ((502, "502 Bad Gateway"), (422, "422 Unprocessable"), (599, "599 ")):
        github.refuses["POST"] = status
        said = comment.main(environment)
        assert said.startswith(f"::warning title=migration-gate::no comment: GitHub answered {words}")
        assert "forged" not in said
    assert github.comments == []


def test_no_token_goes_where_an_answer_points(github: GitHub, environment: dict[str, str]) -> None:
    github.refuses["GET"] = 302
    said = comment.main(environment)
    assert said == "::warning title=migration-gate::no comment: GitHub answered 302 Found"
    assert not [one for one in github.asked if one.path == "/elsewhere"]


@pytest.mark.parametrize("says", [b"", b"<html>", b"[]", b'{"data": null}', b"\xff"])
def test_an_answer_that_is_none_is_told(github: GitHub, environment: dict[str, str], says: bytes) -> None:
    github.says = says
    assert comment.main(environment).startswith("::warning title=migration-gate::no comment: GitHub's answer was not ")


def test_no_answer_is_told(github: GitHub, environment: dict[str, str]) -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    closed.server_close()
    nowhere = f"http://127.0.0.1:{closed.server_port}/graphql"
    said = comment.main(environment | {"GITHUB_GRAPHQL_URL": nowhere})
    assert said == "::warning title=migration-gate::no comment: no answer from GitHub (Connection refused)"


def test_a_silent_github_is_given_up(
    github: GitHub, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comment, "SECONDS", 0.05)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as silent:  # it takes connections, and nobody answers
        said = comment.main(environment | {"GITHUB_GRAPHQL_URL": f"http://127.0.0.1:{silent.server_port}/graphql"})
    assert said.startswith("::warning title=migration-gate::no comment: no answer from GitHub (")


def test_a_token_is_needed_and_never_said(github: GitHub, environment: dict[str, str]) -> None:
    said = comment.main(environment | {"GATE_TOKEN": " \n"})
    assert said.startswith("::warning title=migration-gate::no comment: github-token is empty")
    said = comment.main(environment | {"GATE_TOKEN": "ghs_\nsecret"})  # no header may hold it
    assert said.startswith("::warning title=migration-gate::no comment: ")
    assert "secret" not in said
    assert github.comments == []


def test_a_run_that_reached_no_verdict_says_so(github: GitHub, environment: dict[str, str]) -> None:
    comment.main(environment)
    comment.main(environment | {"GATE_SUMMARY": ""})
    [body] = github.bodies()
    assert body.split("\n")[1] == "## migration-gate: the gate could not judge"


def test_the_longest_page_is_no_longer_than_github_takes(github: GitHub, environment: dict[str, str]) -> None:
    Path(environment["GATE_SUMMARY"]).write_text("é" * 100_000)
    comment.main(environment)
    [body] = github.bodies()
    assert 65_000 < len(body) < 65_536


def test_what_was_installed_is_not_near_the_token(environment: dict[str, str], tmp_path: Path) -> None:
    """As the action starts it: from a folder with modules of the project's, called like those that it imports."""
    for name in ("json", "hashlib", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken')")
    done = subprocess.run(
        [sys.executable, "-I", "-S", comment.__file__],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "migration-gate: the comment on the pull request is up to date\n"
