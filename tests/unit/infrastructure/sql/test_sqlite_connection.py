"""A statement is one way to the connection's thread and back, whatever it is."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import pytest

from brain_gateway.infrastructure.sql.sqlite_connection import SqliteConnection

pytestmark = pytest.mark.anyio


class Counting(SqliteConnection):
    """Counts the ways."""

    ways = 0

    async def _execute(self, fn, *arguments, **options):
        self.ways += 1
        return await super()._execute(fn, *arguments, **options)


@asynccontextmanager
async def opened(tmp_path):
    (tmp_path / "x.db").touch()
    connection = await Counting(str(tmp_path / "x.db"), isolation_level=None)
    try:
        yield connection
    finally:
        await connection.close()


async def rows(connection, statement, *parameters):
    cursor = await connection.cursor().__aenter__()
    await cursor.execute(statement, parameters)
    found = await cursor.fetchall()
    await cursor.close()
    return found, cursor


async def test_one_way_for_a_statement_and_its_rows(tmp_path):
    async with opened(tmp_path) as connection:
        found, cursor = await rows(connection, "SELECT ? AS a, 2 AS b", 1)
        assert connection.ways == 1
        assert found == [(1, 2)]
        assert [column[0] for column in cursor.description] == ["a", "b"]
        assert await cursor.fetchall() == [], "rows are given once"


async def test_one_way_for_many_rows(tmp_path):
    async with opened(tmp_path) as connection:
        _, cursor = await rows(connection, "CREATE TABLE t (x)")
        assert (cursor.description, cursor.rowcount) == (None, -1)
        many = connection.cursor()
        await many.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
        assert (many.rowcount, connection.ways) == (3, 2)
        _, cursor = await rows(connection, "UPDATE t SET x = 0 WHERE x > ?", 1)
        assert (cursor.rowcount, connection.ways) == (2, 3)
        assert (await rows(connection, "SELECT x FROM t"))[0] == [(1,), (0,), (0,)]


async def test_an_error_is_the_drivers(tmp_path):
    async with opened(tmp_path) as connection:
        with pytest.raises(sqlite3.OperationalError) as caught:
            await rows(connection, "SELECT * FROM t")
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_ERROR
        assert (await rows(connection, "SELECT 1"))[0] == [(1,)]


async def test_statements_come_one_after_the_other(tmp_path):
    """Also when who asked for one has left: what it did is done before the next."""
    async with opened(tmp_path) as connection:
        await rows(connection, "CREATE TABLE t (x)")
        leaving = asyncio.ensure_future(rows(connection, "INSERT INTO t VALUES (1)"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert (await rows(connection, "SELECT x FROM t"))[0] == [(1,)]


async def test_a_closed_one_says_so(tmp_path):
    async with opened(tmp_path) as connection:
        pass
    with pytest.raises(ValueError, match=r"closed|no active"):
        await rows(connection, "SELECT 1")


async def test_its_thread_holds_up_no_end(tmp_path):
    async with opened(tmp_path) as connection:
        assert connection._thread.daemon


async def test_it_makes_no_file(tmp_path):
    connection = SqliteConnection(str(tmp_path / "none.db"), isolation_level=None)
    with pytest.raises(sqlite3.OperationalError) as caught:
        await connection
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN
    assert list(tmp_path.iterdir()) == []
    assert not connection._thread.is_alive(), "it would speak to an event loop that is closed by then"


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "x?mode=ro.db", "#1.db", "\u00fc.db"])
async def test_a_file_may_have_any_name(tmp_path, name):
    (tmp_path / name).touch()
    connection = await SqliteConnection(str(tmp_path / name), isolation_level=None)
    await connection.visit("execute", "CREATE TABLE t (x)")
    await connection.close()
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_size > 0
