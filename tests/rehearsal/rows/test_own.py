"""What a setting that names a project's own rows means."""

from __future__ import annotations

import pytest

from migration_gate.findings import CannotJudge
from migration_gate.rehearsal.rows.own import Function, read


def test_function(tmp_path):
    assert read("shop.seeds.rows:fill", tmp_path) == Function("shop.seeds.rows", "fill")


def test_file(tmp_path):
    (tmp_path / "rows.sql").write_text("")
    assert read("rows.sql", tmp_path) == tmp_path / "rows.sql"


@pytest.mark.parametrize("text", ["", "no.sql", "a:b:c", "module:", ":function", "../x y:z", "1a:b", "."])
def test_neither(tmp_path, text):
    with pytest.raises(CannotJudge, match=r"neither an SQL file nor package\.module:function"):
        read(text, tmp_path)
