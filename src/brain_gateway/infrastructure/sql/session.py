"""One transaction on one connection, opened by its first statement."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, Executable, Row, Table, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from brain_gateway.application.scope import Scope
from brain_gateway.domain.errors import GatewayError, StoreUnavailable
from brain_gateway.infrastructure.sql import bulk
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.failures import AWAY, BUSY, translated
from brain_gateway.infrastructure.sql.tables import GLOBAL, configuration_head

SCOPE = "app.current_tenant_id"
CHUNK = 1_000  # rows in one statement of many; the event loop waits while they are encoded
_RELAY = 0x42524741544557  # an advisory lock that nobody else's application takes by chance
_BEGIN = text(
    "SELECT set_config(:name, :scope, true), set_config('statement_timeout', :statement, true),"
    " set_config('lock_timeout', :wait, true), set_config('idle_in_transaction_session_timeout', :idle, true)"
)

_HEAD = select(configuration_head.c.version, configuration_head.c.last_event)
_LOCKED_HEAD = _HEAD.with_for_update()
_MOVE_HEAD = update(configuration_head)

_CLOSING: set[asyncio.Future[None]] = set()  # the event loop itself keeps no reference to what it runs

Values = Mapping[str, Any]


@dataclass(slots=True)
class Database:
    """What the transactions of a process share. `writer`: its writers queue here, not at the database, so that those
    who wait hold no connections that readers need. `relay`: SQLite's stand-in for an advisory lock.
    """

    engine: AsyncEngine
    times: StoreTimes
    writer: asyncio.Lock
    relay: str | None
    pool_size: int

    @property
    def postgresql(self) -> bool:
        """Which of the two dialects it speaks."""
        return self.relay is None


class Head(NamedTuple):
    """The newest version of the configuration, and the newest event's id."""

    version: int
    event: int


class Session:
    """A transaction in a scope. Each method raises GatewayErrors only; after one the session is to be left.

    A session that writes begins by locking the row that counts versions: writers come one after the other on both
    databases, so that versions and events are numbered in the order in which they are committed, what was checked
    still holds when it is written, and no two of them ever wait for each other.
    """

    def __init__(self, database: Database, scope: Scope, read_only: bool) -> None:
        if scope.tenant_id is not None and scope.tenant_id in ("", GLOBAL):
            raise ValueError("a tenant's scope is a tenant's id")
        self.scope = scope
        self.owner = scope.tenant_id or GLOBAL
        self.read_only = read_only
        self._database = database
        self._connection: AsyncConnection | None = None
        self._begun = False
        self._queued = False
        self._ended = False
        self._head: Head | None = None
        self._moved = False
        self._relay = -1

    @property
    def postgresql(self) -> bool:
        """Which of the two dialects it speaks."""
        return self._database.postgresql

    async def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """All rows that a statement gives."""
        await self.lock()
        return (await self._execute(statement, values)).all()

    async def change(self, statement: Executable, values: Values | None = None) -> int:
        """How many rows a statement changed."""
        await self.lock()
        self._check_writes()
        return int((await self._execute(statement, values)).rowcount)

    async def insert_many(self, table: Table, rows: Sequence[Values]) -> None:
        """New rows, all with all columns."""
        for start in range(0, len(rows), CHUNK):
            await self._drive(*bulk.insert_many(table, rows[start : start + CHUNK], self.postgresql))

    async def update_many(self, table: Table, key: str, kept: Sequence[str], rows: Sequence[Values]) -> None:
        """Other values in the rows with these keys, but in the columns `kept`."""
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            await self._drive(*bulk.update_many(table, key, kept, chunk, self.postgresql))

    async def apart(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """Rows, or a change of one's own row, without holding up other writers."""
        if self._database.postgresql or self.read_only:
            await self._begin()
        return (await self._execute(statement, values)).all()

    async def change_apart(self, statement: Executable) -> int:
        """A change of few rows that no version counts, without holding up other writers (on PostgreSQL)."""
        self._check_writes()
        if not self._database.postgresql:
            await self._queue()
        await self._begin()
        return int((await self._execute(statement, None)).rowcount)

    async def lock(self) -> None:
        """Be the only writer from now on; a session that only reads: begin."""
        if self.read_only:
            await self._begin()
        elif self._head is None:
            await self._queue()
            await self._begin()
            self._head = await self._locked_head()

    async def head(self) -> Head:
        """What the versions and events are counted by; a session that writes has locked it."""
        if self.read_only:
            rows = await self.rows(_HEAD)
            return Head._make(rows[0]) if rows else Head(0, 0)
        await self.lock()
        return self._head or Head(0, 0)

    def move_head(self, head: Head) -> None:
        """This session has made versions or events; it is written once, before the commit."""
        self._head = head
        self._moved = True

    async def become_relay(self) -> bool:
        """Whether no other session, of any process, is the relay of events; it stays so until this one ends."""
        self._check_writes()
        if self._database.relay is None:
            await self._begin()
            found = await self._execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _RELAY})
            return bool(found.scalar())
        if self._relay < 0:
            with translated():
                self._relay = _flock(self._database.relay)
        return self._relay >= 0

    async def savepoint(self) -> None:
        """Where `back` returns to."""
        await self.lock()
        await self._driver("SAVEPOINT many")

    async def back(self) -> None:
        """Undo what was done since `savepoint`, so that the session can go on after a refusal."""
        with suppress(GatewayError):
            await self._driver("ROLLBACK TO SAVEPOINT many")

    async def commit(self) -> None:
        """Make it last."""
        self._check_open()
        if self._moved and self._head is not None:
            await self.change(_MOVE_HEAD, {"version": self._head.version, "last_event": self._head.event})
        if self._connection is not None:
            with translated():
                await self._connection.commit()
        await self.close()

    async def close(self) -> None:
        """Undo what was not committed, and let others on."""
        self._ended = True
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                await asyncio.shield(asyncio.ensure_future(_returned(connection)))
        finally:
            if self._queued:
                self._queued = False
                self._database.writer.release()
            if self._relay >= 0:
                os.close(self._relay)
                self._relay = -1

    async def _queue(self) -> None:
        self._check_open()
        if self._queued:
            return
        try:
            async with asyncio.timeout(self._database.times.wait):
                await self._database.writer.acquire()
        except TimeoutError:
            raise StoreUnavailable(BUSY) from None
        self._queued = True

    async def _connect(self) -> AsyncConnection:
        self._check_open()
        if self._connection is None:
            with translated():
                self._connection = await _connected(self._database.engine)
        return self._connection

    async def _begin(self) -> None:
        if self._begun:
            self._check_open()
            return
        if self._database.postgresql:
            await self._begin_postgresql()
        else:
            await self._driver("BEGIN" if self.read_only else "BEGIN IMMEDIATE")
        self._begun = True

    async def _begin_postgresql(self) -> None:
        """A connection that has died in the pool is replaced unnoticed; all that there are may have."""
        for _ in range(self._database.pool_size):
            connection = await self._connect()
            try:
                await self._begin_on(connection)
            except StoreUnavailable as error:
                if error.detail != AWAY or isinstance(error.__cause__, TimeoutError):
                    raise
                self._connection = None
                await connection.invalidate()
                await _returned(connection)
            else:
                return
        await self._begin_on(await self._connect())

    async def _begin_on(self, connection: AsyncConnection) -> None:
        if self.read_only:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        await self._execute(_BEGIN, self._begin_values())

    def _begin_values(self) -> dict[str, str]:
        times = self._database.times
        return {
            "name": SCOPE,
            "scope": self.owner,
            "statement": _milliseconds(times.statement),
            "wait": _milliseconds(times.wait),
            "idle": _milliseconds(times.idle),
        }

    async def _locked_head(self) -> Head:
        row = (await self._execute(_LOCKED_HEAD, None)).one_or_none()
        if row is None:
            raise StoreUnavailable("the database lacks its first row: run `brain-gateway db upgrade`")
        return Head._make(row)

    async def _execute(
        self, statement: Executable, values: Values | Sequence[Values] | None
    ) -> CursorResult[Any]:
        connection = await self._connect()
        try:
            with translated():
                return await connection.execute(statement, values)
        except StoreUnavailable as error:
            if isinstance(
                error.__cause__, TimeoutError
            ):  # nobody knows what such a connection still has to say
                await connection.invalidate()
            raise

    async def _drive(self, statement: str, values: Sequence[Values] | tuple[Any, ...]) -> None:
        await self.lock()
        self._check_writes()
        await self._driver(statement, values)

    async def _driver(self, statement: str, values: Sequence[Values] | tuple[Any, ...] = ()) -> None:
        connection = await self._connect()
        with translated():
            await connection.exec_driver_sql(statement, values)

    def _check_writes(self) -> None:
        if self.read_only:
            raise RuntimeError("this unit of work only reads")

    def _check_open(self) -> None:
        if self._ended:
            raise RuntimeError("this unit of work has ended")


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    """A connection of the pool. Who is cancelled while one is made leaves it to the pool: asyncpg, cancelled in the
    middle, complains to the event loop."""

    async def connect() -> AsyncConnection:
        return await engine.connect()

    task = asyncio.create_task(connect())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_give_back)
        raise


def _give_back(task: asyncio.Task[AsyncConnection]) -> None:
    if not task.cancelled() and task.exception() is None:
        closing = asyncio.ensure_future(_returned(task.result()))
        _CLOSING.add(closing)
        closing.add_done_callback(_CLOSING.discard)


async def _returned(connection: AsyncConnection) -> None:
    """Back to the pool, rolled back; a database that is away cannot keep what was not committed anyway."""
    with suppress(GatewayError), translated():
        await connection.close()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _flock(path: str) -> int:
    """A file descriptor that holds the lock file, or -1 when another has it; the lock goes with its process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return -1
    return descriptor
