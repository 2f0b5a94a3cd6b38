"""What every Outbox does."""

from __future__ import annotations

import pytest

from brain_gateway.application.scope import PLATFORM, Scope
from brain_gateway.domain.errors import ResourceNotFound
from brain_gateway.domain.events import RouteRegistered, ServiceHealthChanged, TenantDeleted
from brain_gateway.domain.routing.service_status import ServiceStatus
from tests.builders.registry import NOW, an_event, new_id

pytestmark = pytest.mark.anyio
TENANT, OTHER = new_id(), new_id()


async def added(store, *events, version=0):
    """Events that are committed."""
    async with store(PLATFORM) as unit:
        await unit.outbox.add(events, version)
        await unit.commit()


async def test_an_event_comes_as_plain_values(store):
    await added(
        store,
        RouteRegistered(
            occurred_at=NOW + 0.1, tenant_id=TENANT, service="x", path="/a", methods=frozenset({"PUT", "GET"})
        ),
        ServiceHealthChanged(occurred_at=NOW, service="x", old=ServiceStatus.UNKNOWN, new=ServiceStatus.DOWN),
        version=7,
    )
    async with store(PLATFORM) as unit:
        route, health = await unit.outbox.take(10)
    assert (route.id, route.type, route.version) == (1, "RouteRegistered", 7)
    assert (route.tenant_id, route.occurred_at) == (TENANT, NOW + 0.1)
    assert route.aggregate == f"service/{TENANT}/x"
    assert route.data == {"service": "x", "path": "/a", "methods": ["GET", "PUT"]}
    assert (health.id, health.tenant_id) == (2, None)
    assert health.data == {"service": "x", "old": "unknown", "new": "down"}


async def test_what_is_published_is_not_taken_again(store):
    await added(store, *[an_event()] * 5)
    async with store(PLATFORM) as unit:
        taken = await unit.outbox.take(2)
        await unit.outbox.published([event.id for event in taken])
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert [event.id for event in await unit.outbox.take(10)] == [3, 4, 5]
        await unit.outbox.published([3])  # and is not committed
    async with store(PLATFORM) as unit:
        assert [event.id for event in await unit.outbox.take(10)] == [3, 4, 5]


async def test_there_is_one_relay_at_a_time(store):
    await added(store, an_event())
    async with store(PLATFORM) as first:
        assert len(await first.outbox.take(10)) == 1
        async with store(PLATFORM) as second:
            assert await second.outbox.take(10) is None
        assert len(await first.outbox.take(10)) == 1
    async with store(PLATFORM) as third:
        assert len(await third.outbox.take(10)) == 1


async def test_a_relay_that_is_slow_holds_up_no_writer(store):
    await added(store, an_event())
    async with store(PLATFORM) as relay:
        (event,) = await relay.outbox.take(10)
        await added(store, an_event())
        await relay.outbox.published([event.id])
        await relay.commit()
    async with store(PLATFORM) as unit:
        assert [event.id for event in await unit.outbox.take(10)] == [2]


async def test_who_was_away_catches_up(store):
    await added(store, *[an_event()] * 4)
    async with store(PLATFORM) as unit:
        await unit.outbox.published([1, 2])
        await unit.commit()
    async with store(PLATFORM, read_only=True) as unit:
        assert [event.id for event in await unit.outbox.after(1, 2)] == [2, 3]
        assert await unit.outbox.after(4, 2) == []
        assert await unit.outbox.last_id() == 4


async def test_those_that_belong_to_no_tenant_can_be_had_alone(store):
    await added(store, an_event(), an_event(TENANT), an_event(), an_event(OTHER), an_event())
    async with store(PLATFORM) as unit:
        assert [event.id for event in await unit.outbox.after(0, 2, shared=True)] == [1, 3]
        assert [event.id for event in await unit.outbox.after(3, 9, shared=True)] == [5]
    async with store(Scope(TENANT)) as unit:
        assert await unit.outbox.after(0, 9, shared=True) == []


async def test_those_of_some_types_can_be_had_alone(store):
    gone = TenantDeleted(occurred_at=NOW, tenant_id=TENANT)
    await added(store, an_event(), gone, an_event(TENANT), gone)
    async with store(PLATFORM) as unit:
        types = ("TenantDeleted", "IntegrationRemoved")
        assert [event.id for event in await unit.outbox.after(0, 1, types=types)] == [2]
        assert [event.id for event in await unit.outbox.after(2, 9, types=types)] == [4]
        assert await unit.outbox.after(0, 9, shared=True, types=types) == []


async def test_old_events_are_forgotten_when_they_are_out(store):
    await added(store, an_event(at=NOW - 9), an_event(at=NOW - 9), an_event(at=NOW))
    async with store(PLATFORM) as unit:
        await unit.outbox.published([1, 3])
        assert await unit.outbox.forget(NOW) == 1
        assert [event.id for event in await unit.outbox.after(0, 9)] == [2, 3]
        await unit.outbox.published([2])
        assert await unit.outbox.forget(NOW + 1) == 2
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert await unit.outbox.last_id() == 3
        await unit.outbox.add([an_event()], 0)
        assert await unit.outbox.last_id() == 4


async def test_no_events(store):
    async with store(PLATFORM) as unit:
        await unit.outbox.add([], 0)
        await unit.outbox.published([])
        assert await unit.outbox.take(1) == []
        assert await unit.outbox.last_id() == 0


async def test_a_tenant_has_its_own_events_alone(store):
    await added(store, an_event(OTHER), an_event(), an_event(TENANT), an_event(OTHER))
    async with store(Scope(TENANT)) as unit:
        assert [event.id for event in await unit.outbox.after(0, 9)] == [3]
        assert await unit.outbox.last_id() == 3
        assert [event.id for event in await unit.outbox.take(9)] == [3]
        await unit.outbox.published([1, 2, 4])
        assert await unit.outbox.forget(NOW + 1) == 0
        for owner in (None, OTHER):
            with pytest.raises(ResourceNotFound):
                await unit.outbox.add([an_event(TENANT), an_event(owner)], 0)
        await unit.commit()
    async with store(PLATFORM) as unit:
        assert len(await unit.outbox.take(9)) == 4
