"""DATABASE_URL in the spellings that people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.sql.addresses import database_url

DATA = Path("/var/lib/gateway")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "sqlite+aiosqlite:////var/lib/gateway/gateway.db"),
        ("sqlite:////srv/x.db", "sqlite+aiosqlite:////srv/x.db"),
        ("sqlite+aiosqlite:////srv/x.db", "sqlite+aiosqlite:////srv/x.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d"),
        ("postgresql+psycopg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql://u:p%40%2F@h/d", "postgresql+asyncpg://u:p%40%2F@h/d"),
        ("postgresql://u@/d?host=/run/postgresql", "postgresql+asyncpg://u@/d?host=%2Frun%2Fpostgresql"),
        ("postgresql://h/d?sslmode=verify-full", "postgresql+asyncpg://h/d?ssl=verify-full"),
    ],
)
def test_spellings(text, expected):
    assert database_url(text, DATA).render_as_string(hide_password=False) == expected


def test_a_relative_file_is_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_url("sqlite:///x.db", DATA).database == str(tmp_path / "x.db")
    assert database_url(None, Path("data")).database == str(tmp_path / "data" / "gateway.db")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("mysql://h/d", "postgresql://"),
        ("no url", "postgresql://"),
        ("postgresql://h:port/d", "postgresql://"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "needs a file"),
        ("postgresql://secret:hunter2@h", "name of the database"),
        ("postgresql://u:hunter2@h/d?sslmode=maybe", "sslmode must be one of"),
    ],
)
def test_what_cannot_be_meant(text, word):
    with pytest.raises(ConfigurationError, match=word) as caught:
        database_url(text, DATA)
    assert "hunter2" not in caught.value.detail
