"""Clocks that come apart: sessions end when their credentials do."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.clock_watch import EVERY, JUMP, ClockWatch
from brain_gateway.application.gateway.sessions import Session, SessionCache
from tests.builders.gateway import TENANT, principal


class Clocks:
    """Two clocks that can be moved apart. `slow`: seconds that pass while the wall clock is read."""

    def __init__(self) -> None:
        self.mono, self.wall, self.slow = 1000.0, 1_800_000_000.0, 0.0
        self.told: list[float] = []

    def clock(self) -> float:
        return self.mono

    def unix(self) -> float:
        self.mono += self.slow
        self.wall += self.slow
        return self.wall

    def tick(self, seconds: float, wall: float | None = None) -> None:
        self.mono += seconds
        self.wall += seconds if wall is None else wall

    def watch(self) -> ClockWatch:
        return ClockWatch(self.clock, self.unix, self.told.append)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 0.6, -0.6])
def test_a_jump_is_told_once(jump):
    clocks = Clocks()
    watch = clocks.watch()
    clocks.tick(1.0)
    watch.look()
    assert clocks.told == []
    clocks.tick(1.0, 1.0 + jump)
    watch.look()
    clocks.tick(1.0)
    watch.look()
    assert clocks.told == [pytest.approx(1_800_000_000.0 - 1000.0 + jump)]


def test_a_machine_that_slept_counts_as_a_jump():
    clocks = Clocks()
    watch = clocks.watch()
    clocks.tick(0.0, 86_400.0)  # the monotonic clock stood still
    watch.look()
    assert len(clocks.told) == 1


def test_a_look_that_was_held_up_says_nothing():
    clocks = Clocks()
    watch = clocks.watch()
    clocks.slow = 2.0
    clocks.tick(1.0)
    watch.look()
    assert clocks.told == []
    clocks.slow = 0.0
    watch.look()
    assert clocks.told == []


@given(st.lists(st.floats(-0.01, 0.01), max_size=300))
def test_drift_is_told_when_it_has_added_up(steps):
    clocks = Clocks()
    watch = clocks.watch()
    for step in steps:
        clocks.tick(1.0, 1.0 + step)
        watch.look()
        known = clocks.told[-1] if clocks.told else 1_800_000_000.0 - 1000.0
        assert abs(clocks.wall - clocks.mono - known) <= JUMP + 1e-3


def session(expires_at: float, expires: float) -> Session:
    return Session(principal(TENANT, expires_at=expires_at), TENANT, expires)


def test_sessions_end_by_the_wall_clock_after_all():
    clocks, cache = Clocks(), SessionCache()
    watch = ClockWatch(clocks.clock, clocks.unix, cache.retime)
    soon = session(clocks.wall + 600, clocks.mono + 600)
    never = session(float("inf"), float("inf"))
    revoked = session(clocks.wall + 600, clocks.mono + 600)
    for line, one in ((b"a", soon), (b"b", never), (b"c", revoked)):
        cache.put(line, one)
    revoked.end()
    clocks.tick(0.0, 3600.0)
    made_meanwhile = session(clocks.wall + 60, clocks.mono + 60)
    cache.put(b"d", made_meanwhile)
    watch.look()
    assert soon.expires == clocks.mono - 3000
    assert (never.expires, revoked.expires) == (float("inf"), float("-inf"))
    assert made_meanwhile.expires == clocks.mono + 60
    clocks.tick(0.0, -3600.0)
    watch.look()
    assert soon.expires == clocks.mono + 600
    assert revoked.expires == float("-inf")


@pytest.mark.anyio
async def test_it_looks_now_and_then():
    clocks, pauses = Clocks(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 2:
            raise asyncio.CancelledError
        clocks.tick(seconds, seconds + 10)

    watch = ClockWatch(clocks.clock, clocks.unix, clocks.told.append, pause)
    with pytest.raises(asyncio.CancelledError):
        await watch.follow()
    assert (pauses, len(clocks.told)) == ([EVERY] * 3, 2)
