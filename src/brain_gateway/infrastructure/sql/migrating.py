"""The schema up and down, by Alembic. Imported only when there is something to migrate: Alembic takes a while to load.

Each command is one transaction under a lock, on both databases: what dies half-way leaves the schema as it was, and of
two at once the second finds the work done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.infrastructure.sql.engine import StoreTimes, make_engine
from brain_gateway.infrastructure.sql.failures import translated
from brain_gateway.infrastructure.sql.grants import check_role, grant
from brain_gateway.infrastructure.sql.schema import REVISIONS, read_revision
from brain_gateway.infrastructure.sql.session import SCOPE
from brain_gateway.infrastructure.sql.sqlite_file import use_wal
from brain_gateway.infrastructure.sql.tables import GLOBAL

_LOCK = 0x42524741544558
_PATIENCE = StoreTimes(wait=60.0, statement=600.0)
_FOLDER = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Migrated:
    """The revision before and after (None: no schema)."""

    before: str | None
    after: str | None


async def upgrade(url: URL, to: str = "head", app_role: str | None = None) -> Migrated:
    """Bring the schema to a revision, and let `app_role` work with it (PostgreSQL; None: nobody but who migrates).

    Raises StoreUnavailable, InternalError when who migrates may not, ConfigurationError when there is no such role or
    revision.
    """

    _check_revision(to)

    def migrate(connection: Connection) -> None:
        if app_role is not None:
            check_role(connection, app_role)
        command.upgrade(_config(connection), to)
        if app_role is not None:
            grant(connection, app_role)

    return await _in_transaction(url, migrate)


async def downgrade(url: URL, to: str = "base") -> Migrated:
    """Bring the schema back to a revision; what only newer ones keep is lost."""
    _check_revision(to)
    return await _in_transaction(url, lambda connection: command.downgrade(_config(connection), to))


async def _in_transaction(url: URL, migrate: Callable[[Connection], None]) -> Migrated:
    if url.get_backend_name() != "postgresql":
        await asyncio.to_thread(use_wal, Path(url.database or ""), _PATIENCE.wait)
    engine = make_engine(url, 1, _PATIENCE)
    try:
        with translated():
            async with engine.connect() as connection:
                await connection.run_sync(_lock)
                before = await connection.run_sync(read_revision)
                if not before.known:
                    raise ConfigurationError(before.fault or "")
                await connection.run_sync(migrate)
                after = await connection.run_sync(read_revision)
                await connection.commit()
                return Migrated(before.name, after.name)
    finally:
        await engine.dispose()


def _check_revision(to: str) -> None:
    known = ("base", *REVISIONS, "head")
    if to not in known:
        raise ConfigurationError(f'there is no revision "{to}"; known are {", ".join(known)}')


def _lock(connection: Connection) -> None:
    """Wait for others who migrate; what reads and writes rows meanwhile does so for the platform."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SELECT set_config(:name, :scope, true)"), {"name": SCOPE, "scope": GLOBAL})
    else:
        connection.execute(text("BEGIN IMMEDIATE"))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
