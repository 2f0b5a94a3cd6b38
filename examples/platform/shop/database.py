"""One SQLite file, read and written asynchronously."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shop.models import Row


class Database:
    """Makes sessions; rows stay readable after a commit."""

    def __init__(self, data_dir: Path) -> None:
        self._engine = create_async_engine(
            f"sqlite+aiosqlite:///{data_dir / 'db.sqlite3'}", connect_args={"timeout": 20}
        )
        event.listen(self._engine.sync_engine, "connect", _configure)
        event.listen(self._engine.sync_engine, "begin", _begin)
        self._reading = async_sessionmaker(self._engine, expire_on_commit=False)
        writer = self._engine.execution_options(immediate=True)
        self._writing = async_sessionmaker(writer, expire_on_commit=False)

    def read(self) -> AsyncSession:
        """A session for reading; use it as `async with`."""
        return self._reading()

    def write(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session that holds the write lock from the start; commits on leaving, rolls back on an error."""
        return self._writing.begin()

    async def create_tables(self) -> None:
        """Add the tables that are missing."""
        async with self._engine.begin() as connection:
            await connection.run_sync(Row.metadata.create_all)

    async def check(self) -> None:
        """Raise SQLAlchemyError when the database does not answer."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT count(*) FROM channel"))

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def _configure(connection: Any, record: Any) -> None:
    """Leave the beginning of transactions to us: the driver's own begin too late, with the first write."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Whoever will write takes the lock before reading, so that two orders cannot both take the last bag."""
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
