"""What workers share is what they need, and all of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SQLITE, POSTGRESQL, REDIS, JWT = "sqlalchemy.dialects.sqlite", "asyncpg", "redis", "jwt"
FIELDS = (SQLITE, POSTGRESQL, REDIS, JWT)
DATABASE = {"DATABASE_URL": "postgresql://127.0.0.1/none"}


@pytest.mark.parametrize(
    ("environ", "there"),
    [
        ({}, {SQLITE}),
        ({"DATABASE_URL": "sqlite:////nowhere/at.db"}, {SQLITE}),
        (DATABASE, {POSTGRESQL}),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, {SQLITE, REDIS}),
        ({**DATABASE, "JWT_JWKS_URL": "https://issuer.example/jwks"}, {POSTGRESQL, JWT}),
    ],
)
def test_what_the_settings_need_is_imported(environ, there):
    code = (
        "import sys; from brain_gateway.bootstrap import preload; from brain_gateway.settings import load_settings\n"
        f"preload(load_settings()); print(*(name for name in {FIELDS} if name in sys.modules))"
    )
    own = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "JWT_SECRET": "aB3-" * 12,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=own | environ
    )
    assert set(done.stdout.split()) == there
