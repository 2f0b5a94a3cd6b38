"""Streams of events: resumed from the store, live from the bus, bounded, ended when they must."""

from __future__ import annotations

import asyncio
import json

import pytest

from brain_gateway.api.rest.admin.event_stream import EventStreams, Wanted, event_stream
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.queries.events import EventPage
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


def event(id_: int, tenant_id: str | None = TENANT, type_: str = "ServiceUpdated") -> EventEnvelope:
    return EventEnvelope(
        id=id_, type=type_, aggregate="a", tenant_id=tenant_id, occurred_at=1.0, data={"service": f"s{id_}"}
    )


class Stream:
    """One stream over `kept` events, two of which make a page."""

    def __init__(self, kept=(), after=0, tenant_id=TENANT, types=(), **streams):
        self.bus, self.clock, self.over = MemoryEventBus(), ManualClock(), False
        self.kept = list(kept)
        self.streams = EventStreams(poll=0.001, **streams)
        wanted = Wanted(caller="c", tenant_id=tenant_id, types=frozenset(types), after=after)
        self.messages = event_stream(
            self.bus, self.streams, wanted, self.earlier, lambda: self.over, self.clock
        )

    async def earlier(self, after: int) -> EventPage:
        found = [one for one in self.kept if one.id > after][:2]
        return EventPage(found, found[-1].id if found else after, len(found) == 2)

    async def begun(self):
        assert await anext(self.messages) == b"retry: 1000\n\n"
        return self

    async def next_id(self) -> int:
        message = (await anext(self.messages)).decode()
        return int(message.partition("\n")[0].removeprefix("id: "))

    async def rest(self) -> list[bytes]:
        return [message async for message in self.messages]


async def test_what_happened_comes_first_and_nothing_twice():
    stream = await Stream(map(event, range(1, 6)), after=1).begun()
    await stream.bus.publish([event(5), event(6)])
    assert [await stream.next_id() for _ in range(5)] == [2, 3, 4, 5, 6]
    await stream.bus.publish([event(6), event(7)])
    assert await stream.next_id() == 7
    stream.over = True
    assert await stream.rest() == []


async def test_an_event_is_written_as_the_standard_has_it():
    stream = await Stream([event(3, type_="ServiceRegistered")]).begun()
    lines = (await anext(stream.messages)).decode().split("\n")
    assert lines[:2] == ["id: 3", "event: ServiceRegistered"]
    assert lines[3:] == ["", ""]
    assert json.loads(lines[2].removeprefix("data: ")) == {
        "type": "ServiceRegistered",
        "occurred_at": "1970-01-01T00:00:01.000Z",
        "aggregate": "a",
        "tenant": TENANT,
        "service": "s3",
    }
    await stream.messages.aclose()


async def test_a_tenant_hears_of_itself_and_of_what_concerns_it():
    kept = [
        event(1, OTHER_TENANT), event(2), event(3, None), event(4, None, "TargetAdded"), event(5, type_="TargetAdded"),
        event(6, OTHER_TENANT, "TargetAdded"),
    ]  # fmt: skip
    stream = await Stream(kept).begun()
    await stream.bus.publish([event(7, OTHER_TENANT), event(8, None, "ConfigurationApplied"), event(9)])
    assert [await stream.next_id() for _ in range(4)] == [2, 3, 5, 9]
    everything = await Stream(kept, tenant_id=None).begun()
    assert [await everything.next_id() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    for one in (stream, everything):
        await one.messages.aclose()


async def test_types_can_be_chosen():
    stream = await Stream([event(1), event(2, type_="TargetAdded")], types=["TargetAdded"]).begun()
    assert await stream.next_id() == 2
    await stream.messages.aclose()


async def test_an_event_that_is_not_kept_has_no_id():
    stream = await Stream().begun()
    await stream.bus.publish([event(0)])
    assert (await anext(stream.messages)).startswith(b"event: ServiceUpdated\n")
    await stream.messages.aclose()


async def test_who_reads_too_slowly_is_cut_off():
    stream = await Stream([event(1)], most_waiting=3).begun()
    await stream.bus.publish([event(id_) for id_ in range(2, 7)])
    assert await stream.rest() != []
    assert stream.streams.open == {}
    resumed = await Stream(map(event, range(1, 7)), after=1).begun()
    assert [await resumed.next_id() for _ in range(5)] == [2, 3, 4, 5, 6]
    await resumed.messages.aclose()


async def test_a_quiet_stream_gives_signs_of_life():
    stream = await Stream().begun()
    waiting = asyncio.ensure_future(anext(stream.messages))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    stream.clock.tick(15)
    assert await waiting == b": alive\n\n"
    await stream.messages.aclose()


async def test_a_stream_that_is_left_leaves_nothing_behind():
    stream = await Stream().begun()
    assert stream.streams.open == {"c": 1}
    waiting = asyncio.ensure_future(anext(stream.messages))
    await asyncio.sleep(0.005)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert stream.streams.open == {}
    assert stream.bus._receivers == {}


def test_there_is_room_for_so_many():
    streams = EventStreams(most=3, most_of_caller=2)
    with streams.one_more("a"), streams.one_more("a"):
        assert streams.full_for("a")
        assert not streams.full_for("b")
        with streams.one_more("b"):
            assert streams.full_for("b")
    assert not streams.full_for("a")
