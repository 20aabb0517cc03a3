"""The examples are what they say: the healthy ones open the gate, each fault of a broken one closes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migration_gate.postgres import databases
from migration_gate.postgres.server import Server
from tests.conftest import Gate

Example = Callable[[str], Path]


@pytest.mark.parametrize("name", ["shop", "service", "asynchronous", "multidb"])
def test_a_healthy_project_opens_the_gate(name: str, example: Example, gate: Gate) -> None:
    said = gate("ci", "--format", "json", cwd=example(name))
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
def test_each_fault_closes_it(name: str, example: Example, gate: Gate) -> None:
    said = gate("ci", "--format", "json", cwd=example(name))
    assert said.rules == BROKEN[name]
    assert (said.status, said.json["verdict"]) == (1, "closed")


def test_drift_says_what_differs_and_where_it_is_declared(example: Example, gate: Gate) -> None:
    said = gate("ci", "--format", "json", cwd=example("broken/drift"))
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


def test_the_remedy_for_drift_closes_it(example: Example, gate: Gate) -> None:
    project = example("broken/drift")
    said = gate("ci", "--format", "json", cwd=project)
    calls = [one["remedy"].split("by hand, in a new revision:\n")[1] for one in said.json["findings"]]
    body = "\n".join(calls).replace("\n", "\n    ")
    (project / "migrations/versions/mended.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = 'mended'\ndown_revision = '92e6b16c2c7e'\n\n\ndef upgrade():\n    {body}\n"
    )
    (project / "pyproject.toml").write_text('[tool.migration-gate]\nselect = ["upgrade-fails", "drift"]\n')
    assert gate("ci", cwd=project).status == 0


def test_a_failing_upgrade_names_the_line_and_postgresqls_words(example: Example, gate: Gate) -> None:
    said = gate("ci", "--format", "json", cwd=example("broken/fails"))
    (finding,) = said.json["findings"]
    assert finding["path"] == "migrations/versions/97aadf1d8985_mark_settled_invoices_as_paid.py"
    assert (finding["line"], finding["revision"]) == (23, "97aadf1d8985")
    assert 'column "settled_at" does not exist' in finding["message"]
    assert [one["kind"] for one in finding["evidence"]] == ["error", "statement"]


def test_no_database_is_left_on_the_server(example: Example, gate: Gate, server: Server) -> None:
    def names() -> list[str]:
        with databases.connect(server, "postgres") as connection:
            rows = connection.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
        return [name for (name,) in rows]

    before = names()
    assert gate("ci", cwd=example("multidb")).status == 0
    assert names() == before
