"""EventBus: one suite over the process's own and the stream on a real Valkey or a Cluster."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.domain.errors import StoreUnavailable
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from brain_gateway.infrastructure.valkey.connection import make_client
from brain_gateway.infrastructure.valkey.event_bus import STREAM, ValkeyEventBus
from tests.live.harness.gateway import eventually
from tests.live.harness.valkey import running_valkey

pytestmark = pytest.mark.anyio


def event(number: int, **changes: object) -> EventEnvelope:
    values = {
        "id": number, "type": "ServiceUpdated", "aggregate": "service/platform/crm", "tenant_id": None,
        "occurred_at": 1_700_000_000.123456, "data": {"service": "crm", "settings": ["limit"]}, "version": number,
    }  # fmt: skip
    return EventEnvelope(**{**values, **changes})


@contextlib.asynccontextmanager
async def valkey_bus(server):
    client = make_client(server.url, 5.0)
    async with ValkeyEventBus(client) as bus:
        yield bus
    await client.aclose()


@pytest.fixture(params=["memory", "valkey", "cluster"])
async def bus(request):
    if request.param == "memory":
        yield MemoryEventBus()
        return
    async with valkey_bus(request.getfixturevalue(request.param)) as bus:
        yield bus


async def test_events_come_back_whole_and_in_order(bus):
    heard: list[EventEnvelope] = []
    bus.subscribe(heard.append)
    sent = [
        event(1),
        event(2, tenant_id="0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a", data={}),
        event(3, version=0),
    ]
    await bus.publish(sent[:2])
    await bus.publish(sent[2:])
    await eventually(lambda: len(heard) == 3, "all are heard")
    assert heard == sent


async def test_who_has_left_hears_nothing_more(bus):
    first: list[EventEnvelope] = []
    second: list[EventEnvelope] = []
    leave = bus.subscribe(first.append)
    bus.subscribe(second.append)
    leave()
    leave()
    await bus.publish([event(7)])
    await eventually(lambda: second, "the other one hears")
    assert first == []


async def test_other_processes_hear_and_what_was_before_is_not_told(shared_server):
    async with valkey_bus(shared_server) as one:
        await one.publish([event(1)])
        async with valkey_bus(shared_server) as other:
            heard: list[EventEnvelope] = []
            other.subscribe(heard.append)
            await one.publish([event(2)])
            await eventually(lambda: heard, "the other process hears")
            assert [item.id for item in heard] == [2]


async def test_what_is_no_event_is_passed_over(shared_server):
    async with valkey_bus(shared_server) as bus:
        heard: list[EventEnvelope] = []
        bus.subscribe(heard.append)
        client = make_client(shared_server.url, 5.0)
        await client.xadd(STREAM, {"id": "x"})
        await client.aclose()
        await bus.publish([event(3)])
        await eventually(lambda: heard, "the next is heard")
        assert [item.id for item in heard] == [3]


async def test_a_store_that_is_away_is_told_and_listening_goes_on_when_it_is_back(tmp_path):
    with running_valkey(tmp_path) as server:
        async with valkey_bus(server) as bus:
            heard: list[EventEnvelope] = []
            bus.subscribe(heard.append)
            server.kill()
            with pytest.raises(StoreUnavailable):
                await bus.publish([event(1)])
            server.start()

            async def again() -> bool:
                with contextlib.suppress(StoreUnavailable):
                    await bus.publish([event(1)])
                return bool(heard)

            await eventually(again, "the event comes")
            assert heard[0] == event(1)


async def test_events_of_a_store_that_lost_its_data_and_is_behind_are_heard(tmp_path):
    """As after a start on a machine whose clock is slow: new entries have smaller ids than those that are known."""
    with running_valkey(tmp_path) as server:
        async with valkey_bus(server) as bus:
            heard: list[EventEnvelope] = []
            bus.subscribe(heard.append)
            bus._last = b"99999999999999-0"  # a time that has not come yet
            server.restart()

            async def again() -> bool:
                with contextlib.suppress(StoreUnavailable):
                    await bus.publish([event(1)])
                return bool(heard)

            await eventually(again, "the event comes")


async def test_a_receiver_that_breaks_ends_nothing(tmp_path):
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: broken.append(context["exception"])
    )

    def breaks(found: EventEnvelope) -> None:
        raise ValueError(found.id)

    with running_valkey(tmp_path) as server:
        async with valkey_bus(server) as bus:
            heard: list[EventEnvelope] = []
            bus.subscribe(breaks)
            bus.subscribe(heard.append)
            await bus.publish([event(1), event(2)])
            await eventually(lambda: len(heard) == 2, "both are heard")
    assert len(broken) == 2
