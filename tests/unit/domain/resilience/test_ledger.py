"""The ledger: never forgetful too early, bounded, exact for small limits to a millisecond."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.ledger import FINEST, GRAINS, Ledger, grain_of
from brain_gateway.domain.resilience.limits import RateLimit

ENTRIES = st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(1, 5)), max_size=40)
GRAIN = st.sampled_from([0.001, 0.1, 60 / 64, 7.3])


@pytest.mark.parametrize(
    ("requests", "window", "grain"), [(64, 60.0, FINEST), (65, 64.0, 1.0), (65, 0.01, FINEST)]
)
def test_large_limits_are_kept_more_coarsely(requests, window, grain):
    assert grain_of(RateLimit(requests, window)) == grain


@given(GRAIN, ENTRIES, st.floats(0.0, 120.0))
def test_what_counts_is_held_and_at_most_a_grain_longer(grain, entries, now):
    ledger = Ledger(grain)
    for expiry, count in entries:
        ledger.add(expiry, count)
    held = ledger.held(now)
    assert held >= sum(count for expiry, count in entries if expiry > now)
    assert held <= sum(count for expiry, count in entries if expiry + grain * 1.000001 > now)
    assert bool(ledger) is (held > 0)
    assert sum(count for _, count in ledger.entries(now)) == held
    assert all(expiry > now for expiry, _ in ledger.entries(now))
    assert ledger.next_expiry(now) == min((expiry for expiry, _ in ledger.entries(now)), default=inf)


@given(st.lists(st.floats(0.0, 60.0), max_size=300))
def test_a_window_takes_as_many_buckets_as_it_has_grains(expiries):
    ledger = Ledger(grain_of(RateLimit(1000, 60.0)))
    for expiry in expiries:
        ledger.add(expiry, 1)
    assert len(ledger.entries(-1.0)) <= GRAINS + 1


def test_what_was_not_used_is_taken_back_once():
    ledger = Ledger(1.0)
    bucket = ledger.add(9.5, 3)
    assert ledger.take_back(bucket, 2)
    assert not ledger.take_back(bucket, 2)
    assert not ledger.take_back(bucket, 0)
    assert not ledger.take_back(bucket + 1, 1)
    assert ledger.held(0.0) == 1
    assert ledger.take_back(bucket, 1)
    assert (ledger.held(0.0), ledger.entries(0.0), ledger.next_expiry(0.0)) == (0, (), inf)


@given(ENTRIES, ENTRIES, st.floats(0.0, 120.0))
def test_one_absorbs_the_other(some, more, now):
    one, other, both = Ledger(0.5), Ledger(0.5), Ledger(0.5)
    for expiry, count in some:
        one.add(expiry, count)
        both.add(expiry, count)
    for expiry, count in more:
        other.add(expiry, count)
        both.add(expiry, count)
    one.absorb(other)
    assert one.held(now) == both.held(now)
    assert one.next_expiry(now) == both.next_expiry(now)
