"""``pytest --migration-gate`` collects each check of ``migration-gate ci`` as an item; the fixture ``migrations`` makes
databases at any revision.

Every pytest loads this where the gate is installed: until one of the two is asked for, it imports nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from migration_gate.project.model import Project
    from migration_gate.testing.gate import Gate
    from migration_gate.testing.migrations import Migrations
    from migration_gate.testing.workshops import Workshops

PLAIN = "migration-gate: a rehearsal needs more than the plain install: pip install 'migration-gate[ci]'"
FOLDER = "migration_gate_folder"  # what xdist's workers are told of the one that they share
_gate: pytest.StashKey[Gate] = pytest.StashKey()
_wanted: pytest.StashKey[list[str]] = pytest.StashKey()
_shared: pytest.StashKey[TemporaryDirectory[str]] = pytest.StashKey()
_workshops: pytest.StashKey[Workshops] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("migration-gate", "migrations (Alembic, Flask-Migrate)")
    group.addoption(
        "--migration-gate", action="store_true", help="judge the migrations, as `migration-gate ci` does: a test each"
    )
    group.addoption(
        "--migration-gate-project",
        action="append",
        default=[],
        metavar="PATH",
        help="only this project (its folder or ini file)",
    )
    group.addoption("--migration-gate-base", metavar="REF", help="the git ref that this branch will merge into")
    group.addoption(
        "--migration-gate-postgres",
        metavar="WHERE",
        help="auto (the default), local, embedded, docker, a postgresql:// URL, or a major version such as 16",
    )
    parser.addini("migration_gate", "as --migration-gate, in every run but those of single tests", "bool", False)


# ── the checks, an item each ─────────────────────────────────────────────────────────────────────────────────


def pytest_configure(config: pytest.Config) -> None:
    """Find the projects. Raises UsageError where there is none."""
    if not (config.getoption("migration_gate") or (config.getini("migration_gate") and not _single_tests(config))):
        return
    if not _installed():
        raise pytest.UsageError(PLAIN)
    from migration_gate.findings import CannotJudge
    from migration_gate.testing.gate import Gate
    from migration_gate.testing.words import in_pytests_words

    told = getattr(config, "workerinput", {}).get(FOLDER)
    try:
        config.stash[_gate] = Gate(
            config.invocation_params.dir,
            _top(config),
            config.getoption("migration_gate_project"),
            config.getoption("migration_gate_base"),
            config.getoption("migration_gate_postgres"),
            Path(told) if told else None,
        )
    except CannotJudge as reason:
        raise pytest.UsageError(f"migration-gate: {in_pytests_words(reason)}") from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Before one of xdist's workers starts: all of them share one verdict, in a folder that nobody else may enter."""
    if _gate in node.config.stash:
        if _shared not in node.config.stash:
            node.config.stash[_shared] = TemporaryDirectory(prefix="migration-gate-")
        node.workerinput[FOLDER] = node.config.stash[_shared].name


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Take the ids of checks out of the arguments: to pytest they would name something in a file."""
    if gate := session.config.stash.get(_gate, None):
        names = tuple(f"{project.name}::" for project in gate.projects)
        given = session.config.args
        wanted = [one for one in given if one.startswith(names)]
        known = {f"{project.name}::{check.name}" for project in gate.projects for check in gate.checks[project.name]}
        if missing := [one for one in wanted if one not in known]:
            raise pytest.UsageError(f"migration-gate: no such check: {', '.join(missing)}")
        session.config.stash[_wanted] = wanted
        session.config.args = [one for one in given if one not in wanted]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    if gate := config.stash.get(_gate, None):
        wanted = config.stash[_wanted]
        for project in gate.projects:
            collector = Checks.from_parent(session, gate=gate, project=project)
            found = list(session.genitems(collector))
            items += [one for one in found if not wanted or one.nodeid in wanted]


def pytest_unconfigure(config: pytest.Config) -> None:
    if _workshops in config.stash:
        config.stash[_workshops].close()
    if _shared in config.stash:
        config.stash[_shared].cleanup()


class Checks(pytest.Collector):
    """One project."""

    def __init__(self, *, gate: Gate, project: Project, **given: Any) -> None:
        super().__init__(**given)
        self.gate, self.project = gate, project

    @classmethod
    def from_parent(cls, parent: Any, *, gate: Gate, project: Project) -> Checks:  # type: ignore[override]
        return super().from_parent(
            parent, name=project.name, nodeid=project.name, path=project.directory, gate=gate, project=project
        )

    def collect(self) -> Iterator[pytest.Item]:
        for check in self.gate.checks[self.project.name]:
            one = Check.from_parent(self, name=check.name)
            if hasattr(self.config, "workerinput"):  # a worker of xdist's
                one.add_marker(pytest.mark.xdist_group(self.project.name))
            yield one


class Check(pytest.Item):
    """One check of a project. The first that runs waits for the whole verdict."""

    parent: Checks

    def runtest(self) -> None:
        said = self.parent.gate.said(self.parent.project, self.name)
        if not said.well:
            pytest.fail(said.text, pytrace=False)
        if said.text:
            self.add_report_section("call", "migration-gate", said.text)
        if said.state == "not tried":
            pytest.skip(f"{self.name}: {said.why}")

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.nodeid


# ── databases for tests of one's own ─────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def migration_gate_project() -> str | None:
    """The project of the fixture `migrations`: its folder or ini file. Override it where there are several."""
    return None


@pytest.fixture
def migrations(request: pytest.FixtureRequest, migration_gate_project: str | None) -> Iterator[Migrations]:
    """Databases at any revision: `migrations.at("1a2b3c4d")`, to put rows into, upgrade, and look at."""
    if not _installed():
        pytest.fail(PLAIN, pytrace=False)
    from migration_gate.findings import CannotJudge
    from migration_gate.testing.migrations import Migrations
    from migration_gate.testing.words import in_pytests_words
    from migration_gate.testing.workshops import Workshops

    config = request.config
    if _workshops not in config.stash:
        config.stash[_workshops] = Workshops(_top(config), config.getoption("migration_gate_postgres"))
    only = [migration_gate_project] if migration_gate_project else config.getoption("migration_gate_project")
    refusal = ""
    try:
        made = Migrations(config.stash[_workshops].of(only))
    except CannotJudge as reason:
        refusal = in_pytests_words(reason)
    if refusal:  # outside of the handler: pytest would show both, one in the wake of the other
        pytest.fail(f"migration-gate: {refusal}", pytrace=False)
    yield made
    made.close()


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _top(config: pytest.Config) -> Path:
    """The folder that projects are looked for below: the one that has pytest's settings, if any has."""
    return config.rootpath if config.inipath else config.invocation_params.dir


def _single_tests(config: pytest.Config) -> bool:
    """Whether nothing but tests inside files was asked for."""
    named: Sequence[tuple[str, str, str]] = [str(one).partition("::") for one in config.args]
    where = config.invocation_params.dir
    return bool(named) and all(test and (where / file).is_file() for file, _, test in named)


def _installed() -> bool:
    """Whether there is more than the plain install."""
    from importlib.util import find_spec

    return find_spec("psycopg") is not None
