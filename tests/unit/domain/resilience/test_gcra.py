"""Spacing: never more than the burst at once, and the rest evenly spaced."""

from itertools import accumulate
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.gcra import Gcra
from brain_gateway.domain.resilience.limits import RateLimit

# One every 4 s and whole seconds: floats are exact, so the rule can be checked without a tolerance.
SPACING = 4


def spaced(requests: int, burst: int) -> Gcra:
    return Gcra(RateLimit(requests, float(requests * SPACING)), burst)


@given(st.integers(1, 8), st.lists(st.integers(-6, 9), max_size=60), st.data())
def test_no_span_holds_more_than_the_burst_and_its_share(
    burst: int, steps: list[int], data: st.DataObject
) -> None:
    gcra = spaced(data.draw(st.integers(burst, 20)), burst)
    admitted = [now for now in accumulate(steps) if gcra.admit(float(now))]
    for first, start in enumerate(admitted):
        for last, end in enumerate(admitted[first:], start=first):
            assert last - first + 1 <= burst + max(0, end - start) / SPACING


@given(st.integers(1, 8), st.lists(st.integers(0, 9), max_size=40))
def test_remaining_is_what_would_be_admitted(burst: int, steps: list[int]) -> None:
    gcra = spaced(10, burst)
    now = 0.0
    for step in steps:
        now += step
        gcra.admit(now)
    expected = gcra.remaining(now)
    assert [gcra.admit(now) for _ in range(expected)] == [True] * expected
    assert not gcra.admit(now)


@given(
    st.integers(1, 40),
    st.sampled_from([0.1, 0.7, 1.0, 7.3, 60.0]),
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=20),
)
def test_roundings_take_nothing_from_a_burst(burst: int, window: float, gaps: list[float]) -> None:
    gcra = Gcra(RateLimit(40, window), burst)
    now = 0.1
    for gap in gaps:
        now = max(now + gap, gcra.settled_at)
        assert gcra.remaining(now) == burst
        for left in reversed(range(burst)):
            assert gcra.admit(now)
            assert gcra.remaining(now) == left
        assert not gcra.admit(now)


@given(
    st.integers(2, 40),
    st.sampled_from([0.1, 0.7, 7.3, 60.0]),
    st.floats(0.0, 1e4),
    st.integers(1, 39),
    st.sampled_from([-inf, 0.0, inf]),
)
def test_remaining_holds_to_the_last_bit(
    burst: int, window: float, start: float, spacings: int, towards: float
) -> None:
    """Around each instant at which one more is allowed, where a division would round either way."""
    gcra = Gcra(RateLimit(40, window), burst)
    while gcra.admit(start):
        pass
    due = start + spacings * window / 40
    now = nextafter(due, towards) if towards else due
    expected = gcra.remaining(now)
    assert [gcra.admit(now) for _ in range(expected + 1)] == [True] * expected + [False]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_the_whole_burst_returns(steps: list[int]) -> None:
    gcra = spaced(10, 3)
    for now in accumulate(steps):
        gcra.admit(float(now))
    assert gcra.remaining(max(gcra.settled_at, float(sum(steps)))) == 3


def test_a_fresh_one_allows_everything_at_once() -> None:
    gcra = spaced(10, 3)
    assert (gcra.next_allowed, gcra.settled_at, gcra.remaining(0.0)) == (-inf, -inf, 3)
    assert [gcra.admit(0.0) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(("now", "allowed"), [(3.0, False), (4.0, True), (-100.0, False)])
def test_after_the_burst_one_per_interval(now: float, allowed: bool) -> None:
    gcra = spaced(10, 3)
    for _ in range(3):
        gcra.admit(0.0)
    assert gcra.next_allowed == 4.0
    assert gcra.allows(now) is allowed
    assert gcra.admit(now) is allowed
