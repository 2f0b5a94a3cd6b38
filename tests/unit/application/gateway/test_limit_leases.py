"""The desk: windows are supplied beside the path, who waits is always decided on, nothing is asked without need."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from brain_gateway.application.gateway import limit_leases
from brain_gateway.application.gateway.limit_leases import LimitDesk
from brain_gateway.domain.resilience.leases import LeasedWindow
from brain_gateway.domain.resilience.limits import RateLimit
from tests.fakes.limit_store import MemoryLimits, StoredLimits
from tests.fakes.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

TEN = RateLimit(10, 60.0)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def stored(clock):
    return StoredLimits(clock)


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """The desk looks again after each turn of the loop: time is the manual clock's."""
    for name in ("PULSE", "PULSE_ALONE", "TIDY", "OPENING"):
        monkeypatch.setattr(limit_leases, name, 0.0)


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(desk: LimitDesk) -> AsyncIterator[LimitDesk]:
    await desk.open()
    task = asyncio.create_task(desk.run())
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def new_desk(stored: StoredLimits, clock: ManualClock, member: str = "one", **options) -> LimitDesk:
    return LimitDesk(MemoryLimits(stored), clock, member, **options)


async def request(desk: LimitDesk, window: LeasedWindow, clock: ManualClock) -> bool | None:
    """One request as the router treats it: admitted, refused, or None when it waited in vain."""
    for _ in range(4):
        if window.admit(clock()):
            return True
        if not window.undecided(clock()):
            return False
        await desk.awaited(window).wait()
    return None


async def test_requests_wait_for_the_store_and_the_limit_holds(stored, clock):
    async with running(new_desk(stored, clock)) as desk:
        window = desk.window("t|crm|default", TEN)
        answers = await asyncio.gather(*(request(desk, window, clock) for _ in range(40)))
        assert answers.count(True) == 10
        assert answers.count(False) == 30


async def test_two_processes_share_one_limit(stored, clock):
    one, other = new_desk(stored, clock), new_desk(stored, clock, "other")
    async with running(one), running(other):
        await settled()
        assert (one.terms.members, other.terms.members) == (2, 2)
        windows = [(desk, desk.window("k", TEN)) for desk in (one, other)]
        answers = await asyncio.gather(
            *(request(desk, window, clock) for _ in range(10) for desk, window in windows)
        )
        assert answers.count(True) == 10


async def test_many_windows_go_in_one_call(stored, clock, monkeypatch):
    monkeypatch.setattr(limit_leases, "PULSE", 60.0)
    async with running(new_desk(stored, clock)) as desk:
        windows = [desk.window(f"k{number}", TEN) for number in range(100)]
        before = stored.calls
        assert set(await asyncio.gather(*(request(desk, window, clock) for window in windows))) == {True}
        assert stored.calls == before + 1


async def test_refused_requests_ask_nobody(stored, clock, monkeypatch):
    monkeypatch.setattr(limit_leases, "PULSE", 60.0)
    async with running(new_desk(stored, clock)) as desk:
        window = desk.window("k", TEN)
        for _ in range(12):
            await request(desk, window, clock)
        before = stored.calls
        for _ in range(1000):
            assert await request(desk, window, clock) is False
        assert stored.calls == before


async def test_limits_of_one_key_are_apart(stored, clock):
    async with running(new_desk(stored, clock)) as desk:
        keys = {desk.window("k", limit).key for limit in (TEN, RateLimit(9, 60.0), RateLimit(9, 60.0, 3))}
        assert len(keys) == 3


async def test_who_leaves_takes_no_token_with_him(stored, clock):
    """The client is gone while it waits, or in the moment in which it is decided on."""
    async with running(new_desk(stored, clock)) as desk:
        window = desk.window("k", TEN)
        early = asyncio.create_task(desk.awaited(window).wait())
        await asyncio.sleep(0)
        early.cancel()
        await settled()
        assert (window.waiting, early.cancelled()) == (0, True)
        late = asyncio.create_task(desk.awaited(window).wait())
        while window.waiting or not late.done():
            await asyncio.sleep(0)
            if not window.waiting:
                late.cancel()
        answers = [await request(desk, window, clock) for _ in range(12)]
        assert answers.count(True) == 10


async def test_what_lies_unused_goes_back(stored, clock):
    async with running(new_desk(stored, clock)) as desk:
        window = desk.window("k", TEN)
        await desk.awaited(window).wait()
        await settled()
        clock.now += window.life / 2
        await settled()
        assert window.remaining(clock()) == 0
        assert next(iter(stored.ledgers.values())).held(clock()) == 0
        assert not desk._supplied


async def test_at_the_end_everything_goes_back(stored, clock):
    desk = new_desk(stored, clock)
    async with running(desk):
        window = desk.window("k", TEN)
        await asyncio.gather(*(desk.awaited(window).wait() for _ in range(6)))
        assert window.admit(clock())
    await desk.close()
    assert next(iter(stored.ledgers.values())).held(clock()) == 1
    assert stored.members == {}


# Without the store


async def test_who_waits_when_the_store_goes_is_decided_on(stored, clock):
    async with running(new_desk(stored, clock, members=2)) as desk:
        window = desk.window("k", TEN)
        stored.away = True
        answers = await asyncio.gather(*(request(desk, window, clock) for _ in range(20)))
        assert answers.count(True) == 5
        assert answers.count(False) == 15
        calls = stored.calls
        assert await request(desk, window, clock) is False
        assert stored.calls == calls, "the path asks a store that is away for nothing"


async def test_refusing_when_the_store_is_away(stored, clock):
    async with running(new_desk(stored, clock, refuses=True)) as desk:
        window = desk.window("k", TEN)
        stored.away = True
        assert set(await asyncio.gather(*(request(desk, window, clock) for _ in range(5)))) == {False}
        assert window.unavailable()
        stored.away = False
        await settled()
        assert await request(desk, window, clock) is True


async def test_what_was_admitted_alone_is_reported_when_it_is_back(stored, clock):
    async with running(new_desk(stored, clock)) as desk:
        window = desk.window("k", TEN)
        stored.away = True
        answers = [await request(desk, window, clock) for _ in range(12)]
        assert answers.count(True) == 10
        stored.away = False
        await settled()
        assert stored.ledgers[window.key].held(clock()) == 10
        assert not window.has_unreported


async def test_a_start_without_the_store_ends(stored, clock):
    stored.away = True
    async with running(new_desk(stored, clock, members=4)) as desk:
        assert desk.terms.alone_since is not None
        assert desk.terms.members == 4
        stored.away = False
        await settled()
        assert desk.terms.alone_since is None


async def test_a_loss_is_reported_before_anybody_is_granted_anything(stored, clock):
    one, other = new_desk(stored, clock), new_desk(stored, clock, "other")
    async with running(one), running(other):
        window, elsewhere = one.window("k", TEN), other.window("k", TEN)
        for _ in range(10):
            assert await request(one, window, clock) is True
        assert await request(other, elsewhere, clock) is False
        stored.lose()
        await settled()
        assert (one.terms.alone_since, other.terms.alone_since) == (None, None), "both have reported"
        assert stored.ledgers[window.key].held(clock()) == 10
        clock.now += elsewhere.life
        await settled()
        assert await request(other, elsewhere, clock) is False


async def test_after_a_loss_who_does_not_report_is_waited_for_in_vain(stored, clock):
    one = new_desk(stored, clock, members=2)
    other = MemoryLimits(stored)
    other.pulse_now("other")
    async with running(one):
        window = one.window("k", TEN)
        assert await request(one, window, clock) is True
        stored.lose()
        await settled()
        assert one.terms.alone_since is not None
        assert stored.ledgers[window.key].held(clock()) == 1
        clock.now += 0.75
        await settled()
        assert one.terms.alone_since is None


async def test_members_that_are_missed_for_a_moment_still_have_their_share(stored, clock):
    one, other = new_desk(stored, clock), new_desk(stored, clock, "other")
    async with running(one):
        async with running(other):
            await settled()
        stored.lose()
        await settled()
        assert one.terms.members == 2
        clock.now += limit_leases.FEWER_AFTER + 0.1
        await settled()
        assert one.terms.members == 1


async def test_the_others_are_not_forgotten_while_the_store_is_away(stored, clock):
    """The first to find it again would have the limits to itself."""
    one, other = new_desk(stored, clock), new_desk(stored, clock, "other")
    async with running(one), running(other):
        await settled()
        assert one.terms.members == 2
    stored.members.clear()
    stored.away = True
    async with running(one):
        clock.now += 10 * limit_leases.FEWER_AFTER
        stored.away = False
        await settled()
        assert one.terms.alone_since is None
        assert one.terms.members == 2
        clock.now += limit_leases.FEWER_AFTER + 0.1
        await settled()
        assert one.terms.members == 1


async def test_a_store_that_is_not_there_at_the_start_is_told_once(stored, clock, caplog):
    stored.away = True
    async with running(new_desk(stored, clock)):
        await settled()
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 1
    assert "REDIS_URL" in told[0]
