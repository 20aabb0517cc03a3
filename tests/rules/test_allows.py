"""Allow comments: where they count, what they allow, and what is said of those that allow nothing."""

from __future__ import annotations

from textwrap import dedent

import pytest

from migration_gate.rules.allows import allows_in
from tests.conftest import revision
from tests.rules.conftest import Repository

RULE = "not-null-without-default"
ALLOW = f"# migration-gate: allow {RULE} because the table is empty"
ADD = 'op.add_column("users", sa.Column("phone", sa.Text(), nullable=False))'
LONG = """op.add_column(
    "users",
    sa.Column("phone", sa.Text(), nullable=False),{}
){}"""


def found(repository: Repository, body: str) -> list[str]:
    repository.write({"a1.py": revision("a1", body)})
    return sorted(one.rule for one in repository.findings())


@pytest.mark.parametrize(
    "body",
    [
        f"{ADD}  {ALLOW}",
        f"{ALLOW}\n{ADD}",
        LONG.format(f"  {ALLOW}", ""),
        LONG.format("", f"  {ALLOW}"),
        f"{ALLOW}\n{LONG.format('', '')}",
        f"{ADD}  #migration-gate:   allow {RULE}   because   größer",
        f"{ADD}  # noqa: E501  {ALLOW}",
        f"{ALLOW} of\n# each customer\n{ADD}",
        f"# migration-gate: allow {RULE} because\n#   the table is empty\n{ADD}",
        f"# migration-gate: allow {RULE}\n# because the table is empty\n{ADD}",
        f"# why\n# noqa: E501  {ALLOW}\n# more\n{LONG.format('', '')}",
    ],
    ids=[
        "on the line",
        "above",
        "on a later line",
        "on the last line",
        "above a long call",
        "blanks",
        "with another",
        "a wrapped reason",
        "a reason below",
        "because below",
        "among others",
    ],
)
def test_a_comment_with_a_reason_allows_its_rule(body: str, repository: Repository):
    assert found(repository, body) == []


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (f"{ALLOW}\n\n{ADD}", [RULE, "unused-allow"]),
        (f"{ADD}\n{ALLOW}", [RULE, "unused-allow"]),
        (f"{ADD}  {ALLOW.replace(RULE, 'set-not-null-without-backfill')}", [RULE, "unused-allow"]),
        (f"{ADD}  {ALLOW.replace(RULE, 'not-nul-without-default')}", [RULE, "unused-allow"]),
        (f"{ADD}  # migration-gate: allow {RULE}", ["allow-without-reason", RULE]),
        (f"{ADD}  # migration-gate: allow {RULE} because", ["allow-without-reason", RULE]),
        (f"{ADD}  # migration-gate: allow {RULE} becausewhatever", ["allow-without-reason", RULE]),
        (f"{ADD}  # migration-gate: allow {RULE}, multiple-heads because x", ["allow-without-reason", RULE]),
        (f"pass  {ALLOW}", ["unused-allow"]),
    ],
    ids=[
        "two lines above",
        "below",
        "another rule",
        "unknown rule",
        "no reason",
        "an empty reason",
        "no because",
        "two rules",
        "nothing to allow",
    ],
)
def test_a_comment_that_allows_nothing_is_a_finding_and_the_other_stays(
    body: str, rules: list[str], repository: Repository
):
    assert found(repository, body) == rules


def test_an_unknown_rule_gets_the_nearest_name(repository: Repository):
    assert found(repository, f"pass  {ALLOW.replace(RULE, 'not-nul-without-default')}") == ["unused-allow"]
    assert repository.only().message == f"No rule is called not-nul-without-default. The nearest is {RULE}."


def test_the_remedy_of_a_missing_reason_is_a_comment_that_counts(repository: Repository):
    found(repository, f"{ADD}  # migration-gate: allow {RULE}")
    remedy = next(one.remedy for one in repository.findings() if one.rule == "allow-without-reason") or ""
    assert found(repository, f"{ADD}  {remedy}") == []


def test_a_comment_on_a_line_does_not_allow_the_next_line(repository: Repository):
    other = ADD.replace("phone", "fax")
    assert found(repository, f"{ADD}  {ALLOW}\n{other}") == [RULE]


def test_a_string_is_no_comment(repository: Repository):
    assert found(repository, f'text = "{ALLOW}"\n{ADD}') == [RULE]


def test_a_comment_after_a_long_call_does_not_allow_the_next_line(repository: Repository):
    other = ADD.replace("phone", "fax")
    assert found(repository, f"{LONG.format('', f'  {ALLOW}')}\n{other}") == [RULE]


def test_a_comment_in_a_long_string_is_none(repository: Repository):
    assert found(repository, f'text = """\n{ALLOW}"""\n{ADD}') == [RULE]


def test_where_a_comment_stands():
    source = f"{ALLOW}\nif x:\n    {ALLOW}\n    f(  {ALLOW}\n        {ALLOW}\n    )\n{ALLOW}\n"
    assert [(one.line, one.last > one.line) for one in allows_in(source.encode())] == [
        (1, True),
        (3, True),
        (4, False),
        (5, True),
        (7, True),
    ]


@pytest.mark.parametrize("broken", [b"x = (\n", b"\xff\n", b"\0\n", b"  x\n y\n"])
def test_the_comments_of_a_file_that_is_no_python_are_found_by_their_form(broken: bytes):
    (one,) = allows_in(broken + ALLOW.encode())
    assert (one.rule, one.reason, one.last > one.line) == (RULE, "the table is empty", True)
    (one,) = allows_in(broken + b"x  " + ALLOW.encode())
    assert one.last == one.line


def test_a_comment_for_a_rule_that_is_off_says_nothing(repository: Repository):
    repository.write({"a1.py": revision("a1", f"pass  {ALLOW}")})
    assert repository.findings(ignore=(RULE,)) == ()


def test_a_graph_finding_can_be_allowed_on_its_line(repository: Repository):
    text = revision("b2", "pass")
    repository.write({"a1.py": revision("a1", "pass"), "b2.py": text})
    assert [one.rule for one in repository.findings()] == ["multiple-heads"]
    allow = "  # migration-gate: allow multiple-heads because they are two databases"
    repository.write({"b2.py": text.replace("down_revision = None", f"down_revision = None{allow}")})
    assert repository.findings() == ()


@pytest.mark.parametrize("rule", ["allow-without-reason", "unused-allow"])
def test_what_is_said_of_comments_can_be_turned_off(rule: str, repository: Repository):
    body = f"pass  {ALLOW}" if rule == "unused-allow" else f"pass  # migration-gate: allow {RULE}"
    assert found(repository, body) == [rule]
    assert repository.findings(ignore=(rule,)) == ()


def test_a_comment_above_a_with_is_about_its_block(repository: Repository):
    body = """
    # migration-gate: allow not-null-without-default because the table is empty everywhere
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("a", sa.Text()))
        batch_op.add_column(sa.Column("b", sa.Text(), nullable=False))
    """
    repository.write({"a1.py": revision("a1", dedent(body))})
    assert repository.findings() == ()
    repository.write(
        {"a1.py": revision("a1", dedent(body) + 'op.add_column("t", sa.Column("c", sa.Text(), nullable=False))')}
    )
    assert [one.rule for one in repository.findings()] == ["not-null-without-default"]


@pytest.mark.parametrize(
    "comment",
    ["# migration-gate: ignore", "# migration-gate allow drift because x", "# migration_gate: allow drift because x"],
)
def test_a_comment_that_is_meant_for_the_gate_and_not_of_its_form_is_told(comment: str, repository: Repository):
    repository.write({"a1.py": revision("a1", comment + '\nop.execute("SELECT 1")')})
    finding = repository.only()
    assert finding.rule == "unused-allow"
    assert "not of the form" in finding.message


TWO = 'op.add_column("users", sa.Column("key", sa.Text(), sa.ForeignKey("groups.id"), nullable=False))'
OTHER = "# migration-gate: allow constraint-without-not-valid because"


@pytest.mark.parametrize(
    "body",
    [
        f"{ALLOW}\n{OTHER} x\n{TWO}",
        f"{ALLOW}, and\n# stays so\n{OTHER}\n# of #12\n{TWO}",
        f"{ALLOW}\n{TWO}  {OTHER} x",
        f"{TWO}  {ALLOW} {OTHER} x",
    ],
    ids=["one below the other", "wrapped", "above and beside", "on one line"],
)
def test_several_comments_allow_several_rules(body: str, repository: Repository):
    assert found(repository, TWO) == ["constraint-without-not-valid", RULE]
    assert found(repository, body) == []


def test_a_reason_does_not_borrow_the_next_comments(repository: Repository):
    body = f"# migration-gate: allow {RULE} because\n{OTHER} x\n{TWO}"
    assert found(repository, body) == ["allow-without-reason", RULE]
