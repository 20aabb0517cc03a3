"""Small repositories, written out where the tests use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ENV = "from alembic import context\n"
REVISION = 'revision = "a1"\ndown_revision = None\n'


@pytest.fixture
def make(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Write files below a root and return it. A name that ends in ``/`` is a script folder, with
    versions/a1_first.py and an env.py of the given content.
    """

    def write(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            if name.endswith("/"):
                (path / "versions").mkdir(parents=True, exist_ok=True)
                (path / "env.py").write_text(str(content) or ENV)
                (path / "versions" / "a1_first.py").write_text(REVISION)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write
