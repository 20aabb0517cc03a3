"""The examples are what they say: the healthy ones open the gate, each fault of a broken one closes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import EXAMPLES, Gate, Said

Example = Callable[[str], Path]
Judge = Callable[[str], Said]


@pytest.fixture(scope="module")
def known() -> dict[str, Said]:
    return {}


@pytest.fixture
def judge(known: dict[str, Said], example: Example, gate: Gate) -> Judge:
    """What `ci` says of an example as it stands; it is asked once for all tests."""

    def ask(name: str) -> Said:
        if name not in known:
            known[name] = gate("ci", "--format", "json", cwd=example(name))
        return known[name]

    return ask


@pytest.mark.parametrize("name", ["shop", "service", "asynchronous"])
def test_a_healthy_project_opens_the_gate(name: str, judge: Judge) -> None:
    is_open(judge(name))


def test_one_of_several_databases_does_and_none_is_left_on_the_server(judge: Judge, server: Server) -> None:
    def names() -> list[str]:
        with databases.connect(server, "postgres") as connection:
            rows = connection.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
        return [name for (name,) in rows]

    before = names()
    is_open(judge("multidb"))
    assert names() == before


def is_open(said: Said) -> None:
    assert said.json["findings"] == []
    assert said.json["problems"] == []
    assert (said.status, said.json["verdict"]) == (0, "open")


BROKEN = {
    "broken/graph": ["duplicate-revision", "missing-revision", "multiple-heads", "unreadable-revision"],
    "broken/cycle": ["revision-cycle"],
    "broken/shop": ["not-null-without-default", "set-not-null-without-backfill"],
    "broken/drift": ["drift", "drift", "drift", "drift"],
    "broken/fails": ["upgrade-fails"],
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_closes_it(name: str, judge: Judge) -> None:
    said = judge(name)
    assert said.rules == BROKEN[name]
    assert (said.status, said.json["verdict"]) == (1, "closed")


def test_drift_says_what_differs_and_where_it_is_declared(judge: Judge) -> None:
    said = judge("broken/drift")
    assert sorted((one["message"], one["path"], one["line"]) for one in said.json["findings"]) == [
        (
            "column `products.price` is numeric(12,2) in the models and numeric(10,2) in the migrations",
            "models.py",
            17,
        ),
        ("column `products.weight_grams` is in the models and in no migration", "models.py", 18),
        ("index `ix_products_name` on `products` is in the models and in no migration", "models.py", 16),
        ("table `reviews` is in the models and in no migration", "models.py", 21),
    ]


def test_the_remedy_for_drift_closes_it(judge: Judge, tmp_path: Path, gate: Gate) -> None:
    said = judge("broken/drift")
    project = shutil.copytree(EXAMPLES / "broken/drift", tmp_path / "mended")
    calls = [one["remedy"].split("by hand, in a new revision:\n")[1] for one in said.json["findings"]]
    body = "\n".join(calls).replace("\n", "\n    ")
    (project / "migrations/versions/mended.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = 'mended'\ndown_revision = '92e6b16c2c7e'\n\n\ndef upgrade():\n    {body}\n"
    )
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nselect = ["upgrade-fails", "drift"]\n')
    assert gate("ci", cwd=project).status == 0


def test_a_failing_upgrade_names_the_line_and_postgresqls_words(judge: Judge) -> None:
    said = judge("broken/fails")
    (finding,) = said.json["findings"]
    assert finding["path"] == "migrations/versions/97aadf1d8985_mark_settled_invoices_as_paid.py"
    assert (finding["line"], finding["revision"]) == (23, "97aadf1d8985")
    assert 'column "settled_at" does not exist' in finding["message"]
    assert [one["kind"] for one in finding["evidence"]] == ["error", "statement"]
