"""Streams of events: resumed from the store, live from the bus, bounded, ended when they must."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from brain_gateway.api.rest.admin.event_stream import EventResponse, EventStream, EventStreams, Wanted
from brain_gateway.application.ports.outbox import EventEnvelope
from brain_gateway.application.queries.events import EventPage
from brain_gateway.infrastructure.memory.event_bus import MemoryEventBus
from tests.builders.gateway import OTHER_TENANT, TENANT
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


def event(id_: int, tenant_id: str | None = TENANT, type_: str = "ServiceUpdated", **data) -> EventEnvelope:
    data = {"service": f"s{id_}", "proxied": True, **data}
    return EventEnvelope(
        id=id_, type=type_, aggregate="a", tenant_id=tenant_id, occurred_at=1.0, data=data, version=7
    )


class Stream:
    """One stream over `kept` events, two of which make a page."""

    def __init__(self, kept=(), after=0, tenant_id=TENANT, types=(), streams=None, gap=False, **settings):
        self.bus, self.clock, self.over = MemoryEventBus(), ManualClock(), False
        self.kept = list(kept)
        self.streams = streams or EventStreams(poll=0.001, **settings)
        wanted = Wanted(caller="c", tenant_id=tenant_id, types=frozenset(types), after=after, gap=gap)
        self.stream = EventStream(self.bus, self.streams, wanted, lambda: self.over, self.clock)
        self.messages = self.stream.messages(self.earlier)

    async def earlier(self, after: int) -> EventPage:
        found = [one for one in self.kept if one.id > after][:2]
        return EventPage(found, found[-1].id if found else after, len(found) == 2)

    async def begun(self):
        assert self.stream.begin()
        assert await anext(self.messages) == b"retry: 1000\n\n"
        return self

    async def next_id(self) -> int:
        message = (await anext(self.messages)).decode()
        return int(message.partition("\n")[0].removeprefix("id: "))

    async def rest(self) -> list[bytes]:
        return [message async for message in self.messages]

    async def left(self) -> None:
        self.stream.close()
        await self.messages.aclose()


async def test_what_happened_comes_first_and_nothing_twice():
    stream = await Stream(map(event, range(1, 6)), after=1).begun()
    await stream.bus.publish([event(5), event(6)])
    assert [await stream.next_id() for _ in range(5)] == [2, 3, 4, 5, 6]
    await stream.bus.publish([event(6), event(7)])
    assert await stream.next_id() == 7
    stream.over = True
    assert await stream.rest() == []
    await stream.left()


@pytest.mark.parametrize("tenant_id", [TENANT, None])
async def test_an_event_is_written_as_the_standard_has_it(tenant_id):
    """How often the platform was changed is for the platform alone."""
    stream = await Stream([event(3, type_="ServiceRegistered")], tenant_id=tenant_id).begun()
    lines = (await anext(stream.messages)).decode().split("\n")
    assert lines[:2] == ["id: 3", "event: ServiceRegistered"]
    assert lines[3:] == ["", ""]
    assert json.loads(lines[2].removeprefix("data: ")) == {
        "type": "ServiceRegistered",
        "occurred_at": "1970-01-01T00:00:01.000Z",
        "aggregate": "a",
        "tenant": TENANT,
        **({} if tenant_id else {"version": 7}),
        "service": "s3",
    }
    await stream.left()


async def test_a_tenant_hears_of_itself_and_of_what_concerns_it():
    kept = [
        event(1, OTHER_TENANT), event(2), event(3, None), event(4, None, "TargetAdded"), event(5, type_="TargetAdded"),
        event(6, OTHER_TENANT, "TargetAdded"), event(7, None, proxied=False),
    ]  # fmt: skip
    stream = await Stream(kept).begun()
    await stream.bus.publish(
        [event(8, OTHER_TENANT), event(9, None, "ConfigurationApplied"), event(10, None, proxied=False), event(11)]
    )  # fmt: skip
    assert [await stream.next_id() for _ in range(4)] == [2, 3, 5, 11]
    everything = await Stream(kept, tenant_id=None).begun()
    assert [await everything.next_id() for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]
    for one in (stream, everything):
        await one.left()


async def test_types_can_be_chosen():
    stream = await Stream([event(1), event(2, type_="TargetAdded")], types=["TargetAdded"]).begun()
    assert await stream.next_id() == 2
    await stream.left()


async def test_what_is_no_longer_kept_is_told():
    stream = await Stream([event(9)], after=4, gap=True).begun()
    assert await anext(stream.messages) == b'event: Gap\ndata: {"type":"Gap","after":4}\n\n'
    assert await stream.next_id() == 9
    await stream.left()


async def test_an_event_that_is_not_kept_has_no_id():
    stream = await Stream().begun()
    await stream.bus.publish([event(0)])
    assert (await anext(stream.messages)).startswith(b"event: ServiceUpdated\n")
    await stream.left()


async def test_who_reads_too_slowly_is_told_and_cut_off_and_resumes_without_loss():
    stream = await Stream([event(1)], most_waiting=3).begun()
    await stream.bus.publish([event(id_) for id_ in range(2, 7)])
    assert stream.stream._waiting == type(stream.stream._waiting)(), "nothing is kept for it any more"
    last = await stream.next_id()
    assert (last, await stream.rest()) == (1, [b": read too slowly, resume after the last id\n\n"])
    await stream.left()
    resumed = await Stream(map(event, range(1, 7)), after=last).begun()
    assert [await resumed.next_id() for _ in range(5)] == [2, 3, 4, 5, 6]
    await resumed.left()


async def test_a_quiet_stream_gives_signs_of_life():
    stream = await Stream().begun()
    waiting = asyncio.ensure_future(anext(stream.messages))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    stream.clock.tick(15)
    assert await waiting == b": alive\n\n"
    await stream.left()


async def test_a_stream_that_must_end_does_not_wait_for_an_event():
    stream = await Stream().begun()
    waiting = asyncio.ensure_future(stream.rest())
    await asyncio.sleep(0)
    stream.over = True
    async with asyncio.timeout(30):
        assert await waiting == []
    await stream.left()


async def test_what_waits_is_not_told_to_whom_it_must_not_be_told_any_more():
    stream = await Stream().begun()
    await stream.bus.publish([event(1), event(2), event(3)])
    assert await stream.next_id() == 1
    stream.over = True
    assert await stream.rest() == []
    await stream.left()


async def test_of_many_that_come_at_once_no_more_get_in_than_there_is_room_for():
    """They are counted when they come, not when they are first written to."""
    streams = EventStreams(most=3, most_of_caller=2)
    some = [Stream(streams=streams) for _ in range(5)]
    assert [one.stream.begin() for one in some] == [True, True, False, False, False]
    assert streams.open == {"c": 2}
    for one in some:
        one.stream.close()
        one.stream.close()
    assert (streams.open, streams._streams, streams._timer) == ({}, {}, None)
    assert all(one.bus._receivers == {} for one in some)


async def test_there_is_room_for_so_many_in_all():
    streams = EventStreams(most=2)
    some = [Stream(streams=streams).stream for _ in range(3)]
    assert [one.begin() for one in some] == [True, True, False]
    some[0].close()
    assert some[2].begin()
    for one in some:
        one.close()


@pytest.mark.parametrize("broken", [OSError, asyncio.CancelledError])
async def test_a_response_that_breaks_off_leaves_nothing_behind(broken):
    stream = Stream()
    assert stream.stream.begin()
    response = EventResponse(stream.stream, stream.earlier)

    async def send(message):
        raise broken

    async def receive():
        await asyncio.Event().wait()

    with contextlib.suppress(OSError, ExceptionGroup, asyncio.CancelledError):
        await response({"type": "http", "asgi": {}}, receive, send)
    assert (stream.streams.open, stream.bus._receivers) == ({}, {})
