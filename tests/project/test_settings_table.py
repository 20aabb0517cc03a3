"""[tool.migration-gate], checked as it is read."""

from __future__ import annotations

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.project.settings import Settings, from_table


def test_nothing_is_the_default():
    assert from_table({}, "pyproject.toml") == Settings()


def test_every_kind_of_value():
    table = {
        "select": ["a", "b"],
        "start-after": "41c0aa2",
        "flask-app": "shop:create_app()",
        "environment": {"DATABASE_URL": "{url}", "EMPTY": ""},
        "time-limit": 30,
    }
    assert from_table(table, "pyproject.toml") == Settings(
        select=("a", "b"),
        start_after=("41c0aa2",),
        flask_app="shop:create_app()",
        environment=(("DATABASE_URL", "{url}"), ("EMPTY", "")),
        time_limit=30,
    )


def test_every_field_is_a_key():
    for field in Settings._fields:
        value = {
            "environment": {},
            "time_limit": 1,
            "postgres_version": 16,
            "rows": 5,
            "unmanaged": "view *",
            "data_migrations_must_pass": True,
        }.get(field, "x")
        assert from_table({field.replace("_", "-"): value}, "p")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"selct": []}, "has no key 'selct'. Did you mean select?"),
        ({"start_after": "x"}, "has no key 'start_after'. Did you mean start-after?"),
        ({"qqq": 1}, "has no key 'qqq'. It knows project, exclude, "),
        ({"select": 1}, "select in [tool.migration-gate] must be a list of strings"),
        ({"select": ["a", 1]}, "must be a list of strings"),
        ({"project": ""}, "must be a list of strings, none of them empty"),
        ({"flask-app": ["a"]}, "flask-app in [tool.migration-gate] must be a string"),
        ({"time-limit": True}, "must be a whole number above 0"),
        ({"time-limit": 0}, "must be a whole number above 0"),
        ({"time-limit": "10"}, "must be a whole number above 0"),
        ({"environment": {"PASSWORD": 1}}, "environment in [tool.migration-gate] must be a table"),
        ({"environment": "A=secret"}, "must be a table of strings"),
        ({"environment": {"A": "secret{ur}"}}, "environment: A has {ur}; what is filled in is {url}, {host}, {port}, "),
        ({"environment": {"A": "{URL}"}}, "environment: A has {URL}; "),
        ({"postgres-version": 9}, "postgres-version is 9; the gate knows PostgreSQL 14 to 18"),
        ({"postgres-version": 99}, "postgres-version is 99; the gate knows PostgreSQL 14 to 18"),
        ({"small-tables": ["a", "b"], "large-tables": "b"}, "small-tables and large-tables both name 'b'"),
    ],
)
def test_what_is_refused(table, said):
    with pytest.raises(CannotJudge) as caught:
        from_table(table, "shop/pyproject.toml")
    message = str(caught.value)
    assert message.startswith("shop/pyproject.toml: ")
    assert said in message
    assert "secret" not in message


def test_other_braces_may_be_meant():
    assert from_table({"environment": {"A": '{"tenant": {}, "{id}": 1}{host}'}}, "p").environment


def test_a_table_that_is_none():
    with pytest.raises(CannotJudge, match="must be a table"):
        from_table([], "pyproject.toml")  # type: ignore[arg-type]
