"""A store in a SQLite file."""

from __future__ import annotations

import pytest

from brain_gateway.infrastructure.sql.engine import StoreTimes
from tests.builders.stores import sqlite_store, sqlite_template
from tests.live.harness.postgres import in_thread


@pytest.fixture(scope="package")
def template(tmp_path_factory):
    """A file with the schema."""
    return in_thread(sqlite_template, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
async def store(template, tmp_path):
    """An empty store; who waits does so for half a second."""
    async with sqlite_store(template, tmp_path, times=StoreTimes(wait=0.5, statement=5.0)) as found:
        yield found
