"""The relay of events: at least once, in order, by one process at a time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.outbox_relay import BUSY, MOST, OutboxRelay
from brain_gateway.application.scope import PLATFORM
from brain_gateway.domain.errors import StoreUnavailable
from tests.builders.registry import an_event
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


class FailingBus:
    """Takes what it is given; `fails` of the next calls end badly, `after`: when the events are out already."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.calls = 0
        self.fails = 0
        self.after = False

    async def publish(self, events):
        self.calls += 1
        if self.fails:
            self.fails -= 1
            if self.after:
                self.sent += [event.id for event in events]
            raise StoreUnavailable
        self.sent += [event.id for event in events]

    def subscribe(self, receive):
        raise NotImplementedError


async def stored(store: MemoryStore, count: int) -> None:
    async with store(PLATFORM) as unit:
        await unit.outbox.add([an_event()] * count, 1)
        await unit.commit()


async def test_all_that_is_there_is_sent_once():
    store, bus = MemoryStore(), FailingBus()
    relay = OutboxRelay(store, bus)
    await stored(store, MOST + 3)
    assert await relay.run()
    assert bus.sent == list(range(1, MOST + 4))
    assert bus.calls == 2
    assert await relay.run()
    assert bus.calls == 2


@pytest.mark.parametrize("after", [False, True])
async def test_a_relay_that_dies_before_it_has_marked_sends_again(after):
    """Under the same ids and in their order, whether the bus had them or not."""
    store, bus = MemoryStore(), FailingBus()
    relay = OutboxRelay(store, bus)
    bus.fails, bus.after = 1, after
    await stored(store, 3)
    with pytest.raises(StoreUnavailable):
        await relay.run()
    await stored(store, 2)
    assert await relay.run()
    assert bus.sent == ([1, 2, 3] if after else []) + [1, 2, 3, 4, 5]


@given(st.lists(st.sampled_from(["write", "die", "die late", "run"]), max_size=12))
def test_whatever_dies_everything_comes_and_in_order(steps):
    async def play() -> None:
        store, bus = MemoryStore(), FailingBus()
        relay = OutboxRelay(store, bus)
        for step in steps:
            if step == "write":
                await stored(store, 2)
                continue
            bus.fails, bus.after = int(step != "run"), step == "die late"
            if step == "run" or not await waiting(store):
                bus.fails = 0
                await relay.run()
                continue
            with pytest.raises(StoreUnavailable):
                await relay.run()
        bus.fails = 0
        await relay.run()
        assert sorted(set(bus.sent)) == list(range(1, store.state.last_event + 1))
        assert all(new <= old + 1 for old, new in pairwise(bus.sent)), "nothing is left out on the way"

    asyncio.run(play())


async def waiting(store: MemoryStore) -> int:
    async with store(PLATFORM) as unit:
        return len(await unit.outbox.take(MOST) or ())


async def test_who_finds_another_at_it_says_so():
    store, bus = MemoryStore(), FailingBus()
    await stored(store, 1)
    async with store(PLATFORM) as other:
        assert await other.outbox.take(9)
        assert not await OutboxRelay(store, bus).run()
    assert bus.sent == []


async def followed(relay: OutboxRelay, until) -> None:
    """Let it follow until something is true."""
    task = asyncio.create_task(relay.follow(0.01))
    async with asyncio.timeout(5):
        while not until():  # noqa: ASYNC110 - what is waited for is a fake without events
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


async def test_what_was_committed_while_another_relayed_is_looked_for_again_at_once():
    """The other may have looked before that commit: nobody else would send the event before the next round."""
    store, bus = MemoryStore(), FailingBus()
    pauses: list[float] = []
    other = store(PLATFORM)
    unit = await other.__aenter__()
    assert await unit.outbox.take(9) == []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            await other.__aexit__(None, None, None)
        await asyncio.sleep(0)

    await stored(store, 1)
    relay = OutboxRelay(store, bus, pause)
    relay.kick()
    await followed(relay, lambda: bus.sent == [1])
    assert pauses == [BUSY] * 3


async def test_a_store_that_is_away_ends_nothing():
    store, bus = MemoryStore(), FailingBus()
    await stored(store, 1)
    store.away = True
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        store.away = False
        await asyncio.sleep(0)

    relay = OutboxRelay(store, bus, pause)
    relay.kick()
    await followed(relay, lambda: bus.sent == [1])
    assert pauses == [0.01]


async def test_without_a_kick_it_looks_now_and_then():
    store, bus = MemoryStore(), FailingBus()
    await stored(store, 1)
    await followed(OutboxRelay(store, bus), lambda: bus.sent == [1])
