"""A SQLite connection in a thread of its own, which a statement visits once: aiosqlite goes there and back for the
cursor, the statement, its rows and the cursor's end, and each way takes longer than most statements.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, Self, cast
from urllib.parse import quote

import aiosqlite


class SqliteConnection(aiosqlite.Connection):
    """aiosqlite's connection with another cursor; it is open once it was awaited.

    It makes no file: `use_wal` does, readable for its owner alone, and SQLite would make one that others can read.
    """

    def __init__(self, database: str, **options: Any) -> None:
        address = f"file:{quote(database)}?mode=rw"
        super().__init__(lambda: sqlite3.connect(address, uri=True, **options), iter_chunk_size=64)
        self._thread.daemon = True  # a process that ends waits for no statement

    def cursor(self) -> SqliteCursor:  # type: ignore[override]  # SQLAlchemy asks for what a cursor here is
        """A cursor for one statement."""
        return SqliteCursor(self)

    async def _connect(self) -> aiosqlite.Connection:
        """aiosqlite's; but when nothing opens, the thread has ended too: it has something to say to the event loop yet,
        and on one that is closed by then it would leave a traceback behind."""
        try:
            return await super()._connect()
        except sqlite3.Error:
            await asyncio.to_thread(self._thread.join)
            raise

    async def visit(self, method: str, *arguments: Any) -> tuple[sqlite3.Cursor, list[Any]]:
        """A new cursor after one of its methods, and its rows. Raises sqlite3.Error, and ValueError when closed."""
        execute = cast(Any, self._execute)  # which aiosqlite does not annotate
        return cast(tuple[sqlite3.Cursor, list[Any]], await execute(_visited, self._conn, method, arguments))


class SqliteCursor:
    """What SQLAlchemy asks of an asynchronous cursor (`AsyncIODBAPICursor`). All rows are there after `execute`."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement, and get its rows. Raises sqlite3.Error."""
        await self._visit("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many parameters. Raises sqlite3.Error."""
        await self._visit("executemany", statement, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open: the statement has ended."""

    async def _visit(self, method: str, *arguments: Any) -> None:
        cursor, self._rows = await self._connection.visit(method, *arguments)
        self.description, self.rowcount, self.lastrowid = (
            cursor.description,
            cursor.rowcount,
            cursor.lastrowid,
        )


def _visited(
    connection: sqlite3.Connection, method: str, arguments: tuple[Any, ...]
) -> tuple[sqlite3.Cursor, list[Any]]:
    """In the connection's thread."""
    cursor = connection.cursor()
    getattr(cursor, method)(*arguments)
    return cursor, cursor.fetchall()
