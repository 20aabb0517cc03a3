"""The summary of a job: what a reviewer finds in it, and that it is never too long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migration_gate.findings import Allowed, Evidence, Finding, Note, Planned, Step, Verdict
from migration_gate.project.sizes import Size, Sizes, save
from migration_gate.report.markdown import LONGEST, render
from tests.conftest import Gate, alembic_project, revision
from tests.report.conftest import FINDING, VERDICT, hostile
from tests.report.test_hostile import Page, commonmark
from tests.rules.watch import project
from tests.under_git import Work


def sections(text: str) -> dict[str, str]:
    """The page's sections by their titles."""
    parts = text.split("\n### ")
    return {one.partition("\n")[0]: one.partition("\n")[2].strip() for one in parts}


@pytest.mark.parametrize(
    ("verdict", "title"),
    [
        (Verdict(), "the gate is open"),
        (Verdict(problems=("p",)), "the gate could not judge"),
        (Verdict(findings=(FINDING, FINDING)), "2 findings: the gate is closed"),
        (
            Verdict(findings=(FINDING,), problems=("p",)),
            "1 finding: the gate is closed, and not all of it could be judged",
        ),
    ],
)
def test_the_title_is_the_verdict(verdict: Verdict, title: str) -> None:
    assert render(verdict).startswith(f"## migration-gate: {title}")


def test_stages_problems_findings_and_notes() -> None:
    said = sections(render(VERDICT._replace(allowed=(Allowed(FINDING, "it is empty"),))))
    (first, *_) = said.values()
    assert "<tr><td>✗</td><td>rows</td><td>a1 fails</td></tr>" in first
    assert "<p><b>Not judged:</b> no PostgreSQL to rehearse on</p>" in first
    assert said["Findings"].splitlines() == [
        "<h4><code>not-null-without-default</code> <code>migrations/versions/a1.py:3</code></h4>",
        "",
        "<p>users.phone is NOT NULL.<br>It has no server default.</p>",
        "",
        '<p>column "phone" contains null values</p>',
        "",
        "<p>Write instead:</p>",
        "",
        "```python",
        'op.add_column("users", …)',
        "# or",
        'op.execute("UPDATE …")',
        "```",
    ]
    assert "because it is empty" in said["Allowed by a comment"]
    assert "<summary>Notes: 2</summary>" in said["Allowed by a comment"]


def test_drift_has_a_section_of_its_own_and_statements_are_sql() -> None:
    evidence = (Evidence("statement", "ALTER TABLE users ADD x int"),)
    said = sections(render(Verdict(findings=(Finding("drift", "column users.x"), FINDING._replace(evidence=evidence)))))
    assert "column users.x" in said["Drift"]
    assert "column users.x" not in said["Findings"]
    assert "```sql\nALTER TABLE users ADD x int\n```" in said["Findings"]


def test_both_definitions_of_what_differs_stand_one_below_the_other() -> None:
    models, migrations = "models      CHECK (a > `0`)\n            NOT VALID", "migrations  CHECK (a > 1)"
    evidence = (Evidence("models", models), Evidence("migrations", migrations))
    said = sections(render(Verdict(findings=(Finding("drift", "check `born` & co", evidence=evidence),))))["Drift"]
    assert said.splitlines()[2:] == [
        "<p>check <code>born</code> &amp; co</p>", "", "```text", *models.split("\n"), migrations, "```",
    ]  # fmt: skip


def test_a_drawing_in_a_message_stays_one() -> None:
    said = render(Verdict(findings=(Finding("multiple-heads", "two heads.\n\n    ● a\n    │ ● b\n\nThat is it."),)))
    assert "<p>two heads.</p>\n\n```text\n    ● a\n    │ ● b\n```\n\n<p>That is it.</p>" in said


def test_notes_are_folded_ten_by_ten() -> None:
    said = render(Verdict(notes=tuple(Note(f"n{number}") for number in range(23))))
    assert said.count("<details>") == 3
    assert "Notes: 21 to 23 of 23" in said


# ── its length ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_is_too_long_says_what_it_leaves_out() -> None:
    findings = tuple(Finding("r", f"finding {number} " + "x" * 3_000) for number in range(40))
    said = render(Verdict(findings=findings, notes=tuple(Note("n" * 400) for _ in range(300))))
    assert len(said) <= LONGEST
    shown = said.count("<h4>")
    assert 15 < shown < 40
    assert f"finding {shown - 1} x" in said
    left = 300 - 10 * said.count("<details>")
    assert said.endswith(f"**Cut at 65,000 characters. Not shown: {40 - shown} findings, {left} notes.**\n")


def test_what_is_folded_and_read_elsewhere_goes_before_the_findings() -> None:
    steps = tuple(Step("a.py", 1, "ALTER", (), "", "x", "ALTER TABLE " + "y" * 3_900) for _ in range(40))
    verdict = hostile("x")._replace(findings=tuple(Finding("r", "m" * 3_900) for _ in range(15)))
    said = render(verdict._replace(plan=(Planned("shopx", ("x",), False, steps),)))
    assert len(said) <= LONGEST
    assert said.count("<p>mmm") == 15
    assert "listing of SQL" in said
    assert "```mermaid" in said
    Page(commonmark(said))


def test_the_longest_of_everything_is_a_whole_page() -> None:
    verdict = hostile("&" * 1_000_000)
    said = render(
        verdict._replace(findings=verdict.findings * 50, notes=verdict.notes * 500, problems=verdict.problems * 100)
    )
    assert len(said) <= LONGEST
    assert "**Cut at 65,000 characters." in said
    Page(commonmark(said))


def test_of_many_statements_the_first_are_shown_and_the_rest_is_counted() -> None:
    steps = tuple(
        Step("a.py", 1, f"INSERT {number}", (), "", "x", f"INSERT {number}" + "y" * 900) for number in range(99)
    )
    said = render(hostile("x")._replace(plan=(Planned("shopx", ("x",), False, steps),)))
    assert "<code>INSERT 49</code>" in said
    assert "<code>INSERT 50</code>" not in said
    assert "… and 49 rows more" in said
    shown = said.count("y;\n")
    assert 5 < shown < 20
    assert f"-- … and {99 - shown} more statements\n" in said


def test_a_statement_without_end_is_cut() -> None:
    step = Step("a.py", 1, "INSERT", (), "", "x", "INSERT" + "y" * 5_000)
    said = render(hostile("x")._replace(plan=(Planned("shopx", ("x",), False, (step,)),)))
    assert "yyy … (cut);\n```" in said


# ── what a run puts into it ──────────────────────────────────────────────────────────────────────────────

ADD = 'op.add_column("users", sa.Column("{}", sa.Text()))'


def test_the_history_as_it_will_be_after_the_merge(gate: Gate, tmp_path: Path) -> None:
    work = Work(tmp_path)
    old = {f"o{number}": revision(f"o{number}", "pass", f"o{number - 1}" if number else None) for number in range(9)}
    alembic_project(work.root, "None", {**old, "b": revision("b", "pass", "o8", "older [head]")})
    work.git("init", "--quiet", "-b", "main")
    work.commit()
    work.branch("feature")
    files = {
        "migrations/versions/c.py": revision("c", ADD.format("c"), "b", 'say "hi" twice'),
        "migrations/versions/d.py": revision("d", ADD.format("d"), "c", "last"),
    }
    work.commit(files)
    work.git("checkout", "--quiet", "main")
    work.commit({"migrations/versions/e.py": revision("e", "pass", "b", "theirs")})
    work.git("checkout", "--quiet", "feature")
    said = sections(gate("lint", "--base", "main", "--output", "markdown=-", cwd=work.root).out)
    assert [one.strip() for one in said["The history"].splitlines()] == [
        "```mermaid",
        "graph TD",
        'n4["#8230; 9 earlier revisions"]:::folded',
        'n3["b<br/>older #91;head#93;"]',
        'n2["e<br/>theirs<br/>only in main, head"]:::head',
        'n1["c<br/>say #34;hi#34; twice<br/>new"]:::own',
        'n0["d<br/>last<br/>new, head"]:::own',
        "n4 --> n3",
        "n3 --> n2",
        "n3 --> n1",
        "n1 --> n0",
        "classDef head stroke-width:3px",
        "classDef own fill:#fff3c4,color:#000",
        "classDef folded stroke-dasharray:3",
        "```",
    ]
    plan = said["What the new revisions do"]
    assert plan.index("<code>c</code>") < plan.index("<code>d</code>")
    assert "as it is written" in plan
    assert "older" not in plan
    assert "<td>ACCESS EXCLUSIVE</td><td>reads and writes</td><td></td><td><code>users</code></td>" in plan


def test_of_a_long_branch_the_end_is_drawn(gate: Gate, tmp_path: Path) -> None:
    links = {f"r{number}": revision(f"r{number}", "pass", f"r{number - 1}" if number else None) for number in range(50)}
    alembic_project(tmp_path, "None", links)
    (tmp_path / "pyproject.toml").write_text('[tool.migration-gate]\nstart-after = "r3"\n')
    drawn = sections(gate("lint", "--output", "markdown=-", cwd=tmp_path).out)["The history"]
    assert 'n30["#8230; 20 earlier revisions"]:::folded' in drawn
    assert 'n29["r20<br/>r20<br/>new"]:::own' in drawn
    assert 'n0["r49<br/>r49<br/>new, head"]:::own' in drawn
    assert drawn.count("-->") == 30


@pytest.mark.parametrize("name", ["broken/cycle", "broken/graph"])
def test_a_history_that_alembic_cannot_load_is_drawn_as_far_as_it_is_known(
    name: str, gate: Gate, example: Callable[[str], Path]
) -> None:
    said = gate("lint", "--output", "markdown=-", cwd=example(name))
    assert (said.status, said.err) == (1, "")
    assert "graph TD\n  n" in said.out


def test_a_rehearsal_shows_what_ran(gate: Gate, tmp_path: Path) -> None:
    from tests.rehearsal.test_stages import ENV, SETTINGS

    place = project(tmp_path / "repository", 'op.create_index("i", "users", ["age"])')
    (place / "migrations/env.py").write_text(ENV)
    (place / "pyproject.toml").write_text(f'{SETTINGS}sizes = "sizes.json"\n')
    save(Sizes("2026-01-01", {"public.users": Size(120_000_000, 48 << 30)}), place / "sizes.json")
    said = gate("ci", *(f"--output={form}=out.{form}" for form in ("markdown", "html", "junit", "sarif")), cwd=place)
    assert said.status == 1
    assert "CREATE INDEX" not in said.out
    page = sections((place / "out.markdown").read_text())
    (first, *_) = page.values()
    assert "<tr><td>✓</td><td>upgrade</td>" in first
    assert "as it ran on PostgreSQL" in page["What the new revisions do"]
    assert (
        "<td>SHARE</td><td>writes</td><td>an index is built</td><td><code>users</code> (48 GB, 120 million rows)</td>"
        in page["What the new revisions do"]
    )
    assert "```sql\nCREATE INDEX i ON users (age);\n```" in page["What the new revisions do"]
    assert "PostgreSQL" in page["Findings"]
    assert "One transaction, <small>as it ran on PostgreSQL</small>" in (place / "out.html").read_text()
    junit = (place / "out.junit").read_text()
    for rule in ("upgrade-fails", "fails-on-rows", "downgrade-fails"):
        assert f'name="{rule}" />' in junit
    Page(commonmark((place / "out.markdown").read_text()))
