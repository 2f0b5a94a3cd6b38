"""The registry of windows: bounded, and never forgetful of what counts.

Which limit a caller has is tested with the router.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.lanes import LimitRegistry
from brain_gateway.application.gateway.limit_leases import LimitDesk
from brain_gateway.domain.resilience.leases import LeasedWindow
from brain_gateway.domain.resilience.rate_limit import RateLimit
from tests.fakes.limit_store import MemoryLimits, StoredLimits
from tests.fakes.manual_clock import ManualClock

LIMIT = RateLimit(3, 60.0)


def test_one_window_per_caller_service_and_class():
    registry = LimitRegistry()
    window = registry.window("t", "shop", "default", LIMIT, 0.0)
    assert registry.window("t", "shop", "default", LIMIT, 1.0) is window
    others = [("u", "shop", "default"), ("t", "crm", "default"), ("t", "shop", "admin")]
    assert all(registry.window(*key, LIMIT, 0.0) is not window for key in others)


def test_a_changed_limit_starts_anew():
    registry = LimitRegistry()
    window = registry.window("t", "shop", "default", LIMIT, 0.0)
    changed = registry.window("t", "shop", "default", RateLimit(4, 60.0), 0.0)
    assert (changed is not window, changed.limit.requests) == (True, 4)


@pytest.mark.parametrize(
    ("requests", "shares", "share"), [(100, 1, 100), (100, 4, 25), (10, 4, 2), (4, 4, 1)]
)
def test_processes_that_count_side_by_side_admit_a_share_each(requests, shares, share):
    window = LimitRegistry(shares=shares).window("t", "shop", "default", RateLimit(requests, 60.0), 0.0)
    assert [window.admit(0.0) for _ in range(requests + 1)].count(True) == share


def test_a_burst_is_shared_too():
    window = LimitRegistry(shares=4).window("t", "shop", "default", RateLimit(100, 60.0, burst=60), 0.0)
    assert [window.admit(0.0) for _ in range(100)].count(True) == 15


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 15), st.booleans(), st.integers(0, 40)), max_size=40),
)
def test_what_counts_is_never_forgotten_and_what_rests_does_not_pile_up(most, steps):
    registry = LimitRegistry(most)
    counted: dict[int, list[float]] = {}
    now = 0.0
    for caller, admits, pause in steps:
        now += pause
        busy = sum(any(now - at < LIMIT.window for at in times) for times in counted.values())
        held = len(registry._windows)
        window = registry.window(str(caller), "shop", "default", LIMIT, now)
        assert len(registry._windows) in (held, held + 1) or len(registry._windows) <= busy + 1
        assert len(registry._windows) <= max(most, held, busy + 1)
        past = counted.setdefault(caller, [])
        assert window.remaining(now) == LIMIT.requests - sum(now - at < LIMIT.window for at in past)
        if admits and window.admit(now):
            past.append(now)


def test_lanes_are_told_when_windows_are_forgotten():
    registry = LimitRegistry(most=1)
    told: list[str] = []
    registry.on_forgotten = lambda: told.append("forgotten")
    registry.window("a", "shop", "default", LIMIT, 0.0)
    assert not told
    registry.window("b", "shop", "default", LIMIT, 0.0)
    assert told == ["forgotten"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.booleans()), max_size=40))
def test_tunnels_are_counted_and_nothing_is_left_of_none(steps):
    registry = LimitRegistry()
    model: dict[tuple[str, str], int] = {}
    for caller, name, opens in steps:
        if not opens and not model.get((caller, name)):
            continue
        model[caller, name] = model.get((caller, name), 0) + (1 if opens else -1)
        registry.tunnel(caller, name, 1 if opens else -1)
        assert registry.tunnels(caller, name) == model[caller, name]
    assert registry._tunnels == {key: count for key, count in model.items() if count}


def test_with_a_desk_windows_are_leased_and_nothing_is_divided():
    clock = ManualClock()
    registry = LimitRegistry(shares=4, desk=LimitDesk(MemoryLimits(StoredLimits(clock)), clock, "one"))
    window = registry.window("t", "shop", "default", LIMIT, clock())
    assert isinstance(window, LeasedWindow)
    assert (window.limit, window.key) == (LIMIT, "t|shop|default|3/60")
    assert registry.window("t", "shop", "default", LIMIT, clock()) is window
    assert registry.window("t", "shop", "default", RateLimit(4, 60.0), clock()) is not window


def test_leased_windows_at_rest_are_forgotten_too():
    clock = ManualClock()
    desk = LimitDesk(MemoryLimits(StoredLimits(clock)), clock, "one")
    registry = LimitRegistry(2, desk=desk)
    busy = registry.window("busy", "shop", "default", LIMIT, clock())
    assert busy.admit(clock()), "the store was never reached: its part"
    for caller in "abcdef":
        registry.window(caller, "shop", "default", LIMIT, clock())
        assert len(registry._windows) <= 3
    assert registry.window("busy", "shop", "default", LIMIT, clock()) is busy
