"""The store of a process: opened without a connection, ready when the database answers with the right schema.

Its address may be known later than that, and the password in it may change: `addressing` has how connections follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from brain_gateway.application.ports.unit_of_work import UnitOfWork
from brain_gateway.application.scope import Scope
from brain_gateway.domain.errors import GatewayError
from brain_gateway.infrastructure.sql.addressing import Addressing
from brain_gateway.infrastructure.sql.engine import StoreTimes, make_engine
from brain_gateway.infrastructure.sql.failures import translated
from brain_gateway.infrastructure.sql.grants import role_faults
from brain_gateway.infrastructure.sql.schema import Revision, read_revision
from brain_gateway.infrastructure.sql.session import Database
from brain_gateway.infrastructure.sql.unit_of_work import SqlUnitsOfWork


class SqlStore:
    """UnitsOfWork, and what the process must know of its database before it uses it."""

    def __init__(self, addressing: Addressing, pool_size: int, times: StoreTimes) -> None:
        self._addressing = addressing
        self._pool_size = pool_size
        self._times = times

    @cached_property
    def _url(self) -> URL:
        """The address when it was first needed. Raises StoreUnavailable as long as it is not known."""
        return self._addressing.url()

    @cached_property
    def _postgresql(self) -> bool:
        return self._url.get_backend_name() == "postgresql"

    @cached_property
    def _engine(self) -> AsyncEngine:
        engine = make_engine(self._url, self._pool_size, self._times)
        if self._postgresql:
            self._addressing.lead(engine)
        return engine

    @cached_property
    def _units(self) -> SqlUnitsOfWork:
        relay = None if self._postgresql else f"{self._url.database}.relay"
        return SqlUnitsOfWork(Database(self._engine, self._times, asyncio.Lock(), relay, self._pool_size))

    async def close(self) -> None:
        """Close all connections."""
        if "_engine" in self.__dict__:  # else nothing was ever asked
            await self._engine.dispose()

    def __call__(self, scope: Scope, *, read_only: bool = False) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit of work in this scope."""
        return self._units(scope, read_only=read_only)

    @property
    def address(self) -> str:
        """The URL with its password masked, for logs."""
        return self._url.render_as_string(hide_password=True)

    async def ready(self) -> str | None:
        """None when the database answers and has the schema that this version needs."""
        try:
            return (await self._revision()).fault
        except GatewayError as error:
            return error.detail

    async def revision(self) -> str | None:
        """The schema that the database has; None: none. Raises StoreUnavailable."""
        return (await self._revision()).name

    async def prepare(self) -> None:
        """SQLite: make the file, and bring its schema up to date, under a lock; several workers may do so at once.
        PostgreSQL: nothing, another role does it (`brain-gateway db upgrade`). Raises StoreUnavailable.
        """
        if self._postgresql or not (await self._revision()).upgradable:
            return
        # Alembic takes a while to load, and is needed once in the life of a file.
        from brain_gateway.infrastructure.sql.migrating import upgrade

        await upgrade(self._url)

    async def role_faults(self) -> tuple[str, ...]:
        """Why the database would not hold tenants apart for this role (PostgreSQL); in production a reason not to
        start. Raises StoreUnavailable.
        """
        if not self._postgresql:
            return ()
        async with self._connection() as connection:
            return await role_faults(connection)

    async def _revision(self) -> Revision:
        if not self._postgresql and not await asyncio.to_thread(Path(self._url.database or "").exists):
            return Revision(None)  # to ask would make the file
        async with self._connection() as connection:
            return await connection.run_sync(read_revision)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self._engine.connect() as connection:
                yield connection


@asynccontextmanager
async def open_store(
    url: URL | Callable[[], URL],
    pool_size: int = 5,
    times: StoreTimes | None = None,
    renew: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[SqlStore]:
    """A store; nothing is connected until it is used, and everything is closed at the end. `url` and `renew` as of
    `Addressing`."""
    addressing = Addressing(url if callable(url) else lambda: url, renew)
    store = SqlStore(addressing, pool_size, times or StoreTimes())
    try:
        yield store
    finally:
        await store.close()
