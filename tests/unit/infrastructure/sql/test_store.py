"""A SQLite file on bad days: full, busy, damaged, in the way of a directory."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest
from sqlalchemy import event

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import ConfigurationError, Conflict, StoreUnavailable
from brain_gateway.infrastructure.sql.addresses import database_url
from brain_gateway.infrastructure.sql.engine import StoreTimes
from brain_gateway.infrastructure.sql.failures import BUSY
from brain_gateway.infrastructure.sql.schema import REVISIONS
from brain_gateway.infrastructure.sql.store import open_store
from tests.builders.registry import NOW, a_service, an_event

pytestmark = pytest.mark.anyio


async def names(store):
    async with store(PLATFORM, read_only=True) as unit:
        return [item.service.name for item in await unit.services.all()]


async def added(store, *items):
    async with store(PLATFORM) as unit:
        await unit.services.write_many(items, [], [])
        await unit.commit()


async def test_the_first_start_makes_the_file(tmp_path):
    url = database_url(None, tmp_path / "data")
    async with open_store(url) as store:
        assert "no schema" in await store.ready()
        assert not (tmp_path / "data").exists()
        await store.prepare()
        assert await store.ready() is None
        assert await store.role_faults() == ()
        await added(store, a_service())
        assert await store.revision() == REVISIONS[-1]
    file = tmp_path / "data" / "gateway.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    async with open_store(url) as store:
        await store.prepare()
        assert await names(store) == ["reports"]


def test_several_workers_start_at_once(tmp_path):
    code = (
        "import asyncio, pathlib, sys\n"
        "from brain_gateway.infrastructure.sql.addresses import database_url\n"
        "from brain_gateway.infrastructure.sql.store import open_store\n"
        "async def main():\n"
        "    async with open_store(database_url(None, pathlib.Path(sys.argv[1]))) as store:\n"
        "        await store.prepare()\n"
        "        print(await store.ready())\n"
        "asyncio.run(main())\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "data"], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [worker.communicate()[0] for worker in workers] == ["None\n"] * 3


def test_a_start_with_a_known_schema_loads_no_alembic(template, tmp_path):
    shutil.copy(template, tmp_path / "gateway.db")
    code = (
        "import asyncio, pathlib, sys\n"
        "from brain_gateway.infrastructure.sql.addresses import database_url\n"
        "from brain_gateway.infrastructure.sql.store import open_store\n"
        "async def main():\n"
        "    async with open_store(database_url(None, pathlib.Path(sys.argv[1]))) as store:\n"
        "        await store.prepare()\n"
        "        print(await store.ready(), 'alembic' in sys.modules, 'asyncpg' in sys.modules)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "None False False\n"


async def test_a_newer_schema_is_left_alone(store, tmp_path):
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    await store.prepare()
    assert await store.revision() == "9999"
    assert "upgrade the gateway" in await store.ready()


async def test_a_full_disk_loses_nothing_and_room_is_used_again(store):
    limit = [0]

    def confine(connection, *_):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count = {limit[0]}")
        cursor.close()

    await added(store, a_service("before"))
    limit[0] = 60
    event.listen(
        store._engine.sync_engine, "checkout", lambda connection, record, proxy: confine(connection, 0)
    )
    big = [a_service(f"s-{number}", routes=[f"/{at}" for at in range(50)]) for number in range(40)]
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await added(store, *big)
    assert await names(store) == ["before"]
    assert await store.ready() is None
    await added(store, a_service("small"))
    limit[0] = 100_000
    await added(store, *big)
    assert len(await names(store)) == 42


async def test_it_is_busy_while_another_process_writes(store, tmp_path):
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=BUSY):
        await added(store, a_service())
    assert await names(store) == []
    other.execute("ROLLBACK")
    other.close()
    await added(store, a_service())
    assert await names(store) == ["reports"]


async def test_writers_of_one_process_wait_for_one_another_and_not_for_ever(store):
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service())
        with pytest.raises(StoreUnavailable, match=BUSY):
            await added(store, a_service())
        await unit.commit()
    with pytest.raises(Conflict):
        await added(store, a_service())


async def test_a_damaged_file(store, tmp_path):
    await store._engine.dispose()
    (tmp_path / "gateway.db").write_bytes(b"no database" * 1000)
    for name in ("gateway.db-wal", "gateway.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(StoreUnavailable):
        await names(store)
    assert "no SQLite database" in await store.ready()


async def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "data").touch()
    async with open_store(database_url(None, tmp_path / "data")) as store:
        with pytest.raises(StoreUnavailable, match="cannot be made or opened"):
            await store.prepare()


async def test_a_file_that_was_taken_away_comes_back_empty_never_wrong(store, tmp_path):
    await added(store, a_service())
    await store._engine.dispose()
    (tmp_path / "gateway.db").unlink()
    assert "no schema" in await store.ready()


async def test_a_caller_who_leaves_leaves_nothing_behind(store):
    """More of them than there are connections, each in the middle of something."""

    async def leave(number):
        async with store(PLATFORM) as unit:
            await unit.services.write_many(
                [a_service(f"s-{number}-{at}", routes=["/a", "/b"]) for at in range(300)], [], []
            )
            await unit.commit()

    for number in range(8):
        task = asyncio.create_task(leave(number))
        for _ in range(number * 7):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    found = await names(store)
    assert len(found) % 300 == 0
    await added(store, a_service("last"))
    assert "last" in await names(store)


async def test_the_relay_is_one_over_all_processes(store, template, tmp_path):
    async with open_store(database_url(f"sqlite:///{tmp_path}/gateway.db", tmp_path)) as other:
        async with store(PLATFORM) as unit:
            await unit.outbox.add([an_event()], 0)
            await unit.commit()
        async with store(PLATFORM) as first, other(PLATFORM) as second:
            assert len(await first.outbox.take(9)) == 1
            assert await second.outbox.take(9) is None
        async with other(PLATFORM) as second:
            assert len(await second.outbox.take(9)) == 1


async def test_renewals_are_committed_or_undone_as_all_else(store):
    async with store(PLATFORM) as unit:
        assert not await unit.services.renew("lease", NOW)
        assert await unit.outbox.forget(NOW) == 0


async def test_the_address_hides_its_password():
    async with open_store(database_url("postgresql://u:hunter2@h/d", None)) as store:
        assert store.address == "postgresql+asyncpg://u:***@h/d"


@pytest.mark.parametrize("name", ["platform", ""])
async def test_a_tenant_cannot_be_called_like_the_platform(store, name):
    with pytest.raises(ValueError, match="a tenant's id"):
        async with store(Scope(name)):
            pass


def test_times_are_sane():
    times = StoreTimes()
    assert times.connect <= times.wait <= times.statement <= times.idle


def test_memory_is_no_database():
    with pytest.raises(ConfigurationError):
        database_url("sqlite://", None)


@pytest.mark.parametrize("other", [False, True], ids=["deleted", "replaced"])
async def test_a_file_that_is_taken_away_takes_nothing_that_would_be_lost(tmp_path, other):
    file, elsewhere = tmp_path / "gateway.db", tmp_path / "elsewhere"
    async with open_store(database_url(None, tmp_path)) as store:
        await store.prepare()
        await added(store, a_service())
        file.rename(elsewhere)
        if other:
            shutil.copy(elsewhere, file)
        for attempt in (names(store), added(store, a_service(name="late"))):
            with pytest.raises(StoreUnavailable, match="deleted or replaced"):
                await attempt
        assert file.exists() is other, "no empty one is made in its place"
        elsewhere.rename(file)
        assert await names(store) == ["reports"]
