"""What every ConfigurationVersions does."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.infrastructure.sql import configuration_versions as sql_versions
from tests.builders.registry import NOW, new_id
from tests.fakes import memory_records

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()
EVERYTHING = [ConfigurationChange(ChangeKind.EVERYTHING)]


def change(number, kind=ChangeKind.SERVICE):
    """A change of something."""
    return ConfigurationChange(kind, f"id-{number}", f"key-{number}")


async def recorded(store, *changes, scope=PLATFORM):
    """A committed version with these changes."""
    async with store(scope) as unit:
        version = await unit.versions.record(changes, "ada", NOW)
        await unit.commit()
    return version


async def since(store, version, scope=PLATFORM):
    """As a process asks that has seen `version`."""
    async with store(scope, read_only=True) as unit:
        newest, changes = await unit.versions.since(version)
    return newest, list(changes)


async def test_nothing_was_ever_stored(store):
    assert await since(store, 0) == (0, [])
    async with store(PLATFORM) as unit:
        assert await unit.versions.current() == 0
        assert await unit.versions.lock() == 0


async def test_each_version_has_its_changes(store):
    assert await recorded(store, change(1), change(2, ChangeKind.API_KEY)) == 1
    assert await recorded(store, change(3, ChangeKind.TENANT)) == 2
    assert await recorded(store) == 3
    assert await recorded(store, change(4, ChangeKind.LIMITS)) == 4
    assert await since(store, 0) == (
        4,
        [
            change(1),
            change(2, ChangeKind.API_KEY),
            change(3, ChangeKind.TENANT),
            change(4, ChangeKind.LIMITS),
        ],
    )
    assert await since(store, 3) == (4, [change(4, ChangeKind.LIMITS)])
    assert await since(store, 4) == (4, [])


async def test_several_versions_in_one_unit_of_work(store):
    async with store(PLATFORM) as unit:
        assert await unit.versions.record([change(1)], "ada", NOW) == 1
        assert await unit.versions.lock() == 1
        assert await unit.versions.record([change(2)], "ada", NOW) == 2
        assert await unit.versions.current() == 2


async def test_a_version_from_the_future_asks_for_everything(store):
    """The database was put back to a backup."""
    await recorded(store, change(1))
    assert await since(store, 9) == (1, EVERYTHING)


async def test_too_many_changes_are_everything(store):
    many = [change(number) for number in range(sql_versions.MOST_CHANGES + 1)]
    await recorded(store, *many)
    assert await since(store, 0) == (1, EVERYTHING)
    await recorded(store, *many[1:])
    assert await since(store, 1) == (2, many[1:])


async def test_versions_that_are_no_longer_known_are_everything(store, monkeypatch):
    for module in (sql_versions, memory_records):
        monkeypatch.setattr(module, "KEPT_VERSIONS", 3)
    monkeypatch.setattr(sql_versions, "_FORGOTTEN_EVERY", 1)
    for number in range(1, 8):
        await recorded(store, change(number), scope=Scope(TENANT))
    assert await since(store, 3) == (7, EVERYTHING)
    assert await since(store, 5) == (7, [change(6), change(7)])
    assert await since(store, 3, Scope(TENANT)) == (7, EVERYTHING)
    assert await since(store, 5, Scope(TENANT)) == (7, [change(6), change(7)])


async def test_who_locks_keeps_others_waiting(store):
    waiting = asyncio.Event()

    async def other():
        async with store(PLATFORM) as unit:
            waiting.set()
            version = await unit.versions.record([change(2)], "bob", NOW)
            await unit.commit()
        return version

    async with store(PLATFORM) as unit:
        assert await unit.versions.lock() == 0
        task = asyncio.create_task(other())
        await waiting.wait()
        await asyncio.sleep(0.05)
        assert not task.done()
        assert await unit.versions.record([change(1)], "ada", NOW) == 1
        await unit.commit()
    assert await task == 2


async def test_fingerprints_of_files(store):
    async with store(PLATFORM) as unit:
        assert await unit.versions.declared("a.yaml") == ""
        await unit.versions.declare("a.yaml", "1")
        await unit.versions.declare("a.yaml", "2")
        await unit.versions.declare("b.yaml", "3")
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        assert [await unit.versions.declared(f"{name}.yaml") for name in "abc"] == ["2", "3", ""]


async def test_a_tenant_sees_what_was_changed_in_its_scope_alone(store):
    await recorded(store, change(1), scope=Scope(OTHER))
    await recorded(store, change(2), scope=Scope(TENANT))
    await recorded(store, change(3))
    assert await since(store, 0, Scope(TENANT)) == (3, [change(2)])
    assert await since(store, 0) == (3, [change(1), change(2), change(3)])
    for scope, fingerprint in ((Scope(OTHER), "other"), (PLATFORM, "platform")):
        async with store(scope) as unit:
            await unit.versions.declare("file", fingerprint)
            await unit.commit()
    async with store(Scope(TENANT)) as unit:
        assert await unit.versions.declared("file") == ""
        await unit.versions.declare("file", "own")
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        assert await unit.versions.declared("file") == "platform"
