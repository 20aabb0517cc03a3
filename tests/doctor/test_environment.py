"""Which variables env.py, and what it imports of the project, read: from their text."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_gate.doctor.environment import variables
from migration_gate.project import discovery
from tests.conftest import write

ENV = """
import os
from os import environ, getenv
from alembic import context
from shop.config import settings
import shop.db as db
from decouple import config

A = os.environ["SHOP_A"]
B = environ.get("SHOP_B")
C = getenv("SHOP_C", "none")
D = os.getenv("SHOP_D")
E = config("SHOP_E")
F = os.environ.get(name)
os.environ["SHOP_WRITTEN"] = "1"
"""
CONFIG = """
from pydantic_settings import BaseSettings, SettingsConfigDict

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_")
    url: str
    echo: bool = False

settings = Settings()
"""
DB = "from environs import Env\nenv = Env()\nURL = env.str('SHOP_G')\nPORT = env.int('SHOP_H', 5432)\n"


def test_what_is_read_and_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n",
        "migrations/env.py": ENV,
        "migrations/versions/a1.py": "revision = 'a1'\ndown_revision = None\ndef upgrade(): pass\n",
        "shop/__init__.py": "",
        "shop/config.py": CONFIG,
        "shop/db.py": DB,
    }
    (project,) = discovery.find(write(tmp_path, files))
    monkeypatch.setenv("SHOP_A", "1")
    found = {one.name: one for one in variables(project)}
    needed = {name for name, one in found.items() if one.needed}
    assert needed == {"SHOP_A", "SHOP_B", "SHOP_D", "SHOP_E", "SHOP_URL", "SHOP_G"}
    assert found.keys() - needed == {"SHOP_C", "SHOP_ECHO", "SHOP_H"}
    assert [name for name, one in found.items() if one.is_set] == ["SHOP_A"]
    assert (found["SHOP_G"].path.name, found["SHOP_G"].line) == ("db.py", 3)
