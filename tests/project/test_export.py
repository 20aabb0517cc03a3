"""A commit's files, written from git's objects into an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.project import git
from tests.under_git import start


def test_a_commit_s_files_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"app/models.py": "of main\n", "app/größe ä.txt": "1\r\n", "empty": "", "large": "x" * 200}
    work = start(tmp_path / "work", files)
    (work.root / "inside").symlink_to("app/models.py")
    (work.root / "app" / "up").symlink_to("../empty")
    (work.root / "outside").symlink_to("../../secret")
    (work.root / "absolute").symlink_to("/etc/passwd")
    (work.root / ".gitattributes").write_text("app/models.py export-ignore\n")
    commit = work.commit()
    work.commit({"app/models.py": "of the branch\n", "app/new.py": ""})
    monkeypatch.setattr(git, "LARGEST", 100)
    monkeypatch.setattr(git, "_AT_ONCE", 9)  # each in a part of its own
    export = tmp_path / "export"
    export.mkdir()
    git.export(work.root, commit, export)
    found = {str(one.relative_to(export)): one.read_bytes() for one in export.rglob("*") if one.is_file()}
    assert found == {
        ".gitattributes": b"app/models.py export-ignore\n",
        "app/models.py": b"of main\n",
        "app/größe ä.txt": b"1\r\n",
        "app/up": b"",
        "empty": b"",
        "inside": b"of main\n",
    }
    with pytest.raises(git.Silent):
        git.export(work.root, "nowhere", export)
