"""What every store does with transactions: all or nothing, one writer at a time, readers undisturbed."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.ports.configuration_versions import ChangeKind, ConfigurationChange
from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import Conflict, PreconditionFailed
from tests.builders.registry import (
    NOW,
    a_draft,
    a_key,
    a_limit,
    a_record,
    a_service,
    a_tenant,
    an_event,
    an_integration,
    changed,
    new_id,
)

pytestmark = pytest.mark.anyio


async def names(store, scope=PLATFORM):
    async with store(scope, read_only=True) as unit:
        return [item.service.name for item in await unit.services.all()]


async def test_a_store_that_answers_is_ready(store):
    assert await store.ready() is None


async def test_what_is_not_committed_is_undone(store):
    tenant = new_id()
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service())
        await unit.tenants.add(a_tenant())
        await unit.api_keys.add(a_key(tenant))
        await unit.limits.add(a_limit())
        await unit.integrations.add(an_integration(tenant))
        await unit.audit.append([a_draft()])
        await unit.outbox.add([an_event()], 1)
        await unit.idempotency.add(a_record())
        await unit.versions.declare("file", "f")
        assert await unit.versions.record([], "ada", NOW) == 1
    async with store(PLATFORM) as unit:
        found = [await getattr(unit, name).all() for name in ("services", "tenants", "api_keys", "limits")]
        assert found == [[], [], [], []]
        assert await unit.integrations.list_page(tenant, limit=9) == []
        assert await unit.audit.chains() == []
        assert await unit.outbox.last_id() == 0
        assert await unit.idempotency.find("ada", "k-1") is None
        assert await unit.versions.declared("file") == ""
        assert await unit.versions.current() == 0


async def test_an_error_undoes_everything(store):
    async def fail():
        async with store(PLATFORM) as unit:
            await unit.services.add(a_service())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(store) == []


async def test_a_unit_of_work_reads_what_it_wrote(store):
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service("a"))
        assert [item.service.name for item in await unit.services.all()] == ["a"]
        assert await names(store) == []
        await unit.commit()
    assert await names(store) == ["a"]


async def test_after_a_refusal_it_can_go_on(store):
    first, key = a_service("a"), a_key(new_id())
    async with store(PLATFORM) as unit:
        await unit.services.add(first)
        await unit.api_keys.add(key)
        await unit.idempotency.add(a_record())
        for again in (
            unit.services.add(a_service("a")),
            unit.services.write_many([a_service("b"), a_service("a")], [], []),
            unit.api_keys.add(a_key(new_id(), hash=key.hash)),
            unit.idempotency.add(a_record()),
        ):
            with pytest.raises(Conflict):
                await again
        with pytest.raises(PreconditionFailed):
            await unit.services.save(first, 7)
        await unit.services.add(a_service("c"))
        await unit.commit()
    assert await names(store) == ["a", "c"]


async def test_it_ends_with_its_commit(store):
    async with store(PLATFORM) as unit:
        await unit.services.add(a_service())
        await unit.commit()
        with pytest.raises(RuntimeError, match="has ended"):
            await unit.services.all()
        with pytest.raises(RuntimeError, match="has ended"):
            await unit.commit()


async def test_one_that_did_nothing_commits_nothing(store):
    async with store(PLATFORM) as unit:
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        await unit.commit()


@pytest.mark.parametrize(
    "write",
    [
        lambda unit: unit.services.add(a_service()),
        lambda unit: unit.services.renew("lease", NOW),
        lambda unit: unit.versions.record([], "ada", NOW),
        lambda unit: unit.outbox.take(1),
        lambda unit: unit.outbox.forget(NOW),
        lambda unit: unit.idempotency.forget(NOW),
        lambda unit: unit.audit.append([a_draft()]),
    ],
)
async def test_who_only_reads_cannot_write(store, write):
    async with store(PLATFORM, read_only=True) as unit:
        with pytest.raises(RuntimeError, match="only reads"):
            await write(unit)


async def test_a_reader_sees_one_state_whatever_is_committed_meanwhile(store):
    async with store(PLATFORM, read_only=True) as reader:
        assert await reader.versions.current() == 0
        async with store(PLATFORM) as unit:
            await unit.services.add(a_service())
            await unit.versions.record([], "ada", NOW)
            await unit.commit()
        assert await reader.services.all() == []
        assert await reader.versions.current() == 0
    assert await names(store) == ["reports"]


async def test_of_two_registrations_of_one_name_at_once_one_wins(store):
    async def register():
        async with store(PLATFORM) as unit:
            await unit.services.add(a_service("reports", routes=["/a"]))
            await unit.commit()

    outcomes = await asyncio.gather(*(register() for _ in range(6)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert [type(one) for one in outcomes if one] == [Conflict] * 5
    assert await names(store) == ["reports"]


async def test_of_two_changes_of_one_version_at_once_one_wins(store):
    item = a_service()
    async with store(PLATFORM) as unit:
        await unit.services.add(item)
        await unit.commit()

    async def change(number):
        async with store(PLATFORM) as unit:
            found = await unit.services.get(item.id)
            await asyncio.sleep(0)
            await unit.services.save(changed(item, max_body=number), found.version if number else 1)
            await unit.commit()

    outcomes = await asyncio.gather(*(change(0) for _ in range(6)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert {type(one) for one in outcomes if one} == {PreconditionFailed}


async def test_no_change_is_lost_when_many_count_up_at_once(store):
    """Read, add one, write: who writes has been alone since it read."""
    async with store(PLATFORM) as unit:
        await unit.versions.declare("counter", "0")
        await unit.commit()

    async def count():
        async with store(PLATFORM) as unit:
            known = int(await unit.versions.declared("counter"))
            await asyncio.sleep(0)
            await unit.versions.declare("counter", str(known + 1))
            await unit.commit()

    await asyncio.gather(*(count() for _ in range(12)))
    async with store(PLATFORM, read_only=True) as unit:
        assert await unit.versions.declared("counter") == "12"


async def test_who_polls_versions_and_events_misses_nothing(store):
    """Writers at once, some of which give up: whatever a reader has seen as the newest, nothing appears below it."""
    done = asyncio.Event()
    tenants = [new_id() for _ in range(3)]

    async def write(number):
        async with store(Scope(tenants[number % 3])) as unit:
            change = ConfigurationChange(ChangeKind.SERVICE, str(number))
            version = await unit.versions.record([change], "ada", NOW)
            await unit.outbox.add([an_event(tenants[number % 3], f"s-{number}")] * (number % 3 + 1), version)
            await asyncio.sleep(0)
            if number % 4:
                await unit.commit()

    async def read():
        version = event = 0
        seen, events = [], []
        while True:
            last = done.is_set()
            async with store(PLATFORM, read_only=True) as unit:
                version, changes = await unit.versions.since(version)
                fresh = await unit.outbox.after(event, 2)
            seen += [change.id for change in changes]
            events += fresh
            event = events[-1].id if events else 0
            if last and not fresh:
                return seen, events, version
            await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    await asyncio.gather(*map(write, range(24)))
    done.set()
    seen, events, version = await reader
    kept = [number for number in range(24) if number % 4]
    assert sorted(map(int, seen)) == kept
    assert len(events) == sum(number % 3 + 1 for number in kept)
    assert [one.id for one in events] == sorted({one.id for one in events})
    assert [one.version for one in events] == sorted(one.version for one in events)
    assert version == len(kept)
