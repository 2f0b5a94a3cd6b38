"""The sliding window: never exceeded, whatever the clock does; exact where it promises to be."""

from copy import deepcopy
from fractions import Fraction
from itertools import accumulate
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.rate_limit import GRAINS, RateLimit, SlidingWindow

WINDOWS = st.sampled_from([0.001, 0.1, 1.0, 7.3, 60.0, 3600.0])
# Around the line between exact and merged limits, so that both are searched.
REQUESTS = st.one_of(st.integers(1, 12), st.integers(GRAINS - 1, GRAINS + 8))


@st.composite
def clocks(draw: st.DrawFn, window: float, backwards: bool = False) -> list[float]:
    """Readings of a clock: bursts, steps within a grain and about a window; perhaps backwards."""
    grain = window / GRAINS
    steps = [st.just(0.0), st.floats(0.0, grain), st.floats(0.0, window * 1.2)]
    steps.append(st.sampled_from([grain, window, window / 2, nextafter(window, 0.0), nextafter(window, inf)]))
    if backwards:
        steps.append(st.floats(-2.0 * window, 0.0))
    start = draw(st.sampled_from([0.0, 0.1, 1e3, 1e6]))
    runs = draw(st.lists(st.tuples(st.one_of(steps), st.integers(1, 30)), max_size=25))
    every = [
        step for step, count in runs for step in [step] + [0.0 if backwards else step / 50] * (count - 1)
    ]
    return list(accumulate(every, initial=start))


def admissions(window: SlidingWindow, readings: list[float]) -> list[float]:
    return [now for now in readings if window.admit(now)]


def assert_never_exceeded(admitted: list[float], requests: int, window: float) -> None:
    """The rule in exact arithmetic: of any requests + 1 admissions the outermost are a window apart."""
    ordered = sorted(admitted)
    for early, late in zip(ordered, ordered[requests:], strict=False):
        assert Fraction(late) - Fraction(early) >= Fraction(window)


class Exact:
    """The limiter that forgets nothing: the model. Its cost grows with its past."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.admitted: list[Fraction] = []

    def used(self, now: float, margin: float = 0.0) -> int:
        start = Fraction(now) - Fraction(self.limit.window) - Fraction(margin)
        return sum(1 for at in self.admitted if at > start)

    def admit(self, now: float) -> bool:
        free = self.used(now) < self.limit.requests
        if free:
            self.admitted.append(Fraction(now))
        return free


@given(REQUESTS, WINDOWS, st.booleans(), st.data())
def test_never_exceeded_in_any_window(
    requests: int, window: float, backwards: bool, data: st.DataObject
) -> None:
    readings = data.draw(clocks(window, backwards))
    admitted = admissions(SlidingWindow(RateLimit(requests, window)), readings)
    assert_never_exceeded(admitted, requests, window)


@given(st.integers(1, GRAINS), WINDOWS, st.data())
def test_limits_up_to_64_decide_like_the_model(requests: int, window: float, data: st.DataObject) -> None:
    limit = RateLimit(requests, window)
    ours, model = SlidingWindow(limit), Exact(limit)
    for now in data.draw(clocks(window)):
        assert ours.admit(now) == model.admit(now)
        assert ours.remaining(now) == requests - model.used(now)


@given(WINDOWS, st.data())
def test_larger_limits_give_back_a_grain_late_at_most(window: float, data: st.DataObject) -> None:
    limit = RateLimit(GRAINS + 6, window)
    ours, model = SlidingWindow(limit), Exact(limit)
    late = window / GRAINS * 1.000001
    for now in data.draw(clocks(window)):
        certain = model.used(now, late) < limit.requests
        admitted = ours.admit(now)
        assert admitted or not certain
        if admitted:
            assert model.admit(now)  # never more than the model allows after the same past


@given(st.sampled_from([GRAINS + 1, 100, 1000]), WINDOWS, st.lists(st.floats(1.01, 30.0), max_size=80))
def test_isolated_admissions_are_exact(requests: int, window: float, gaps: list[float]) -> None:
    """Also in a large limit: whoever never comes twice within a grain is counted to the instant."""
    limit = RateLimit(requests, window)
    ours, model = SlidingWindow(limit), Exact(limit)
    for now in accumulate(gap * window / GRAINS for gap in gaps):
        assert ours.admit(now) == model.admit(now)
        assert ours.remaining(now) == requests - model.used(now)


@given(REQUESTS, WINDOWS, st.floats(0.0, 1e6))
def test_all_at_once_when_fresh_and_all_back_a_window_later(
    requests: int, window: float, start: float
) -> None:
    ours = SlidingWindow(RateLimit(requests, window))
    back = start + ours.limit.window
    while Fraction(back) < Fraction(start) + Fraction(window):
        back = nextafter(back, inf)
    for now in (start, back):
        assert [ours.admit(now) for _ in range(requests + 1)] == [True] * requests + [False]
        assert ours.remaining(now) == 0
    just_before = nextafter(back, -inf)
    again = SlidingWindow(ours.limit)
    assert len(admissions(again, [start] * requests + [just_before] * requests)) == requests


@given(REQUESTS, WINDOWS, st.booleans(), st.one_of(st.none(), st.integers(1, 12)), st.data())
def test_remaining_is_what_would_be_admitted(
    requests: int, window: float, backwards: bool, burst: int | None, data: st.DataObject
) -> None:
    ours = SlidingWindow(RateLimit(requests, window, burst and min(burst, requests)))
    readings = data.draw(clocks(window, backwards))
    admissions(ours, readings[:-1])
    now = readings[-1]
    left = ours.remaining(now)
    assert [ours.admit(now) for _ in range(left + 1)] == [True] * left + [False]


@given(REQUESTS, WINDOWS, st.booleans(), st.one_of(st.none(), st.integers(1, 5)), st.data())
def test_retry_after_is_when_one_more_passes(
    requests: int, window: float, backwards: bool, burst: int | None, data: st.DataObject
) -> None:
    ours = SlidingWindow(RateLimit(requests, window, burst and min(burst, requests)))
    readings = data.draw(clocks(window, backwards))
    admissions(ours, readings)
    now = readings[-1]
    wait = ours.retry_after(now)
    assert (wait == 0.0) == deepcopy(ours).admit(now)
    if wait > 1e-6 * max(1.0, abs(now)):
        assert not deepcopy(ours).admit(now + wait * 0.999)
    assert ours.admit(now + wait)


@given(REQUESTS, WINDOWS, st.one_of(st.none(), st.integers(1, 5)), st.data())
def test_after_resets_in_it_is_as_good_as_new(
    requests: int, window: float, burst: int | None, data: st.DataObject
) -> None:
    limit = RateLimit(requests, window, burst and min(burst, requests))
    ours = SlidingWindow(limit)
    readings = data.draw(clocks(window))
    admissions(ours, readings)
    later = readings[-1] + ours.resets_in(readings[-1])
    assert ours.resets_in(later) == 0.0
    assert ours.remaining(later) == (limit.burst or requests)
    after = [later + step * window / 50 for step in range(100)]
    assert admissions(ours, after) == admissions(SlidingWindow(limit), after)


@given(st.integers(1, GRAINS), WINDOWS, st.data())
def test_a_clock_that_goes_back_never_admits_more(requests: int, window: float, data: st.DataObject) -> None:
    readings = data.draw(clocks(window, backwards=True))
    held = list(accumulate(readings, max))  # the same clock, held still where it went back
    limit = RateLimit(requests, window)
    assert len(admissions(SlidingWindow(limit), readings)) <= len(admissions(SlidingWindow(limit), held))


@given(WINDOWS, st.integers(1, 9), st.data())
def test_with_a_burst_both_rules_hold(window: float, burst: int, data: st.DataObject) -> None:
    requests = data.draw(st.integers(burst, 100))
    admitted = admissions(SlidingWindow(RateLimit(requests, window, burst)), data.draw(clocks(window, True)))
    assert_never_exceeded(admitted, requests, window)
    interval = window / requests
    for first, start in enumerate(admitted):
        for last, end in enumerate(admitted[first:], start=first):
            assert last - first + 1 <= burst + max(0.0, end - start) / interval + 1e-3


@given(st.sampled_from([1, 10, GRAINS, GRAINS + 1, 10_000]), st.floats(1e-5, 0.2))
def test_memory_is_bounded(requests: int, step: float) -> None:
    ours = SlidingWindow(RateLimit(requests, 1.0))
    for count in range(500):
        ours.admit(count * step)
        assert len(ours._closed) <= min(requests, GRAINS + 2)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([0.0, 0.0, 0.0], [True, True, False]),
        ([0.0, 5.0, 9.999, 10.0, 10.0, 15.0], [True, True, False, True, False, True]),
        ([0.0, 5.0, -3.0, 9.0], [True, True, False, False]),
        ([100.0, 50.0, 109.0, 110.0], [True, True, False, True]),
        ([1.0, 1.0, 1000.0, 2.0, 1000.0], [True, True, True, False, True]),
    ],
    ids=["at once", "slides", "back when full", "back when free", "back before what was dropped"],
)
def test_two_in_ten_seconds(readings: list[float], expected: list[bool]) -> None:
    ours = SlidingWindow(RateLimit(2, 10.0))
    assert [ours.admit(now) for now in readings] == expected


def test_a_large_limit_remembers_its_latest_when_the_clock_goes_back() -> None:
    """The short path of admit() must not date an entry back: it would be forgotten before its time."""
    ours = SlidingWindow(RateLimit(100, 64.0))
    readings = [100.0] * 99 + [50.0] + [120.0] * 100 + [163.9] * 100
    assert admissions(ours, readings) == [100.0] * 99 + [50.0]
    assert ours.admit(164.0)


def test_the_last_bit_of_the_spacing_is_waited_for() -> None:
    """41 * 0.1 / 41 is more than 0.1: the spacing settles one rounding after the window."""
    ours = SlidingWindow(RateLimit(41, 0.1, burst=41))
    assert len(admissions(ours, [0.0] * 42)) == 41
    assert ours.remaining(ours.resets_in(0.0)) == 41


def test_what_the_headers_tell() -> None:
    ours = SlidingWindow(RateLimit(100, 60.0))
    assert (ours.remaining(0.0), ours.retry_after(0.0), ours.resets_in(0.0)) == (100, 0.0, 0.0)
    for count in range(100):
        ours.admit(count / 8)
    assert (ours.remaining(12.5), ours.resets_in(12.5)) == (0, 59.875)
    assert 47.5 <= ours.retry_after(12.5) <= 47.5 + 60.0 / GRAINS


def test_a_long_crowd_gets_nearly_the_whole_limit() -> None:
    """What merging costs under constant pressure: less than one part in sixty."""
    ours = SlidingWindow(RateLimit(1000, 60.0))
    admitted = admissions(ours, [tick / 25 for tick in range(25 * 600)])
    assert 10_000 * 60 / 61 <= len(admitted) <= 10_000
