"""Stores for tests: in memory, in a SQLite file, in a database of the run's PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg

from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.store import SqlStore, open_store
from brain_gateway.infrastructure.sql.tables import metadata

PATIENT = StoreTimes(connect=30.0, wait=30.0, statement=30.0, idle=90.0)


@cache
def _migrated(folder: Path) -> Path:
    """A database file with the schema, to copy: migrating one takes longer than a test."""
    url = database_url(f"sqlite:///{folder}/template.db", folder)

    async def make() -> None:
        async with open_store(url) as store:
            await store.prepare()

    asyncio.run(make())
    return folder / "template.db"


def sqlite_template(folder: Path) -> Path:
    """The file; `folder` is the run's."""
    return _migrated(folder)


@asynccontextmanager
async def sqlite_store(template: Path, folder: Path, **options) -> AsyncIterator[SqlStore]:
    """A store in a new file, with the schema."""
    file = folder / "gateway.db"
    shutil.copy(template, file)
    async with open_store(database_url(f"sqlite:///{file}", folder), **options) as store:
        yield store


@asynccontextmanager
async def postgres_store(url: str, **options) -> AsyncIterator[SqlStore]:
    """A store in a PostgreSQL database."""
    async with open_store(database_url(url, Path()), **{"times": PATIENT, **options}) as store:
        yield store


async def emptied(url: str) -> None:
    """Make a database as it was after its migration; `url` is of a superuser's."""
    connection = await asyncpg.connect(url)
    try:
        tables = [table for table in metadata.tables if table != "configuration_head"]
        statements = [f"DELETE FROM {table}" for table in tables]
        await connection.execute(
            "; ".join((*statements, "UPDATE configuration_head SET version = 0, last_event = 0"))
        )
    finally:
        await connection.close()
