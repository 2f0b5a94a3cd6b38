"""Connections to the database: made late, given up early, never waited for without end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.sql.sqlite_connection import SqliteConnection


@dataclass(frozen=True, slots=True)
class StoreTimes:
    """Seconds. connect: until a connection stands. wait: for a free connection of the pool, and for other writers.
    statement: that one statement may take. idle: that a transaction may stand still before the database ends it, so
    that a process which hangs holds up no other.
    """

    connect: float = 2.0
    wait: float = 5.0
    statement: float = 10.0
    idle: float = 60.0


def make_engine(url: URL, pool_size: int, times: StoreTimes) -> AsyncEngine:
    """An engine; connects when it is first used. Whoever takes a connection of the pool finds out by the first
    statement whether it has died there: to ask each time takes three ways to the server and back."""
    shared: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": times.wait,
        "hide_parameters": True,  # values stay out of errors and logs
    }
    if url.get_backend_name() == "postgresql":
        limits = {"timeout": times.connect, "command_timeout": times.statement + 1.0}
        return create_async_engine(url, connect_args=limits, **shared)
    arguments: dict[str, Any] = {
        "timeout": times.wait,
        "isolation_level": None,
        "async_creator_fn": SqliteConnection,
    }
    # What was committed needs no rollback, and all else has one before the connection goes back to the pool.
    engine = create_async_engine(url, connect_args=arguments, pool_reset_on_return=None, **shared)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    same = _SameFile(url.database or "")
    event.listen(engine.sync_engine, "do_connect", same.check)  # to connect would make the file
    event.listen(engine.sync_engine, "connect", same.remember)
    event.listen(engine.sync_engine, "checkout", same.check)
    return engine


class _SameFile:
    """Whether the file that connections have open is still the one at its path: what is written to one that was deleted
    or replaced would be lost with the process, and nobody would know."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None

    def remember(self, *_: object) -> None:
        """The file of the first connection is the one."""
        self._known = self._known or self._present()

    def check(self, *_: object) -> None:
        """Before each transaction. Raises StoreUnavailable; once the file is back, all is well."""
        if self._known is not None and self._present() != self._known:
            raise StoreUnavailable(
                "the database file was deleted or replaced: put it back, or restart the gateway"
            )

    def _present(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _set_up_sqlite(connection: DBAPIConnection, _: object) -> None:
    """Per connection; the write-ahead log is a property of the file (`use_wal`). NORMAL loses no committed transaction
    when a process dies, and at worst the last ones when the machine does (sqlite.org/pragma.html#pragma_synchronous).
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()
