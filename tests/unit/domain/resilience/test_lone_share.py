"""A process without the store: its part of what was left, then what it held, then its part of the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.lease_terms import LeaseTerms
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.resilience.lone_share import AT_ONCE, LoneShare

LIMIT = RateLimit(40, 20.0)
SINCE = 100.0


def share(members: int = 4, held: int = 0, free: int | None = None, limit: RateLimit = LIMIT) -> LoneShare:
    return LoneShare(limit, LeaseTerms(members, alone_since=SINCE), held, free)


def admitted(lone: LoneShare, now: float, held: int, tries: int = 50) -> int:
    """How many of so many requests pass, if what passes counts."""
    count = 0
    for _ in range(tries):
        count += lone.admit(now, held + count)
    return count


@pytest.mark.parametrize(
    ("held", "free", "passes"), [(0, None, 10), (0, 40, 10), (0, 12, 3), (4, 40, 6), (0, 3, 0), (12, 40, 0)]
)
def test_at_once_there_is_a_part_of_what_was_left(held, free, passes):
    assert admitted(share(held=held, free=free), SINCE, held) == passes


def test_at_once_nothing_that_expires_is_used_anew():
    assert admitted(share(held=8, free=0), SINCE + AT_ONCE / 2, 0) == 0


@pytest.mark.parametrize(
    ("held", "free", "passes"), [(8, 0, 8), (8, 4, 9), (8, 40, 10), (15, 0, 10), (0, 0, 0)]
)
def test_then_what_was_held_comes_back_up_to_the_share(held, free, passes):
    assert admitted(share(held=held, free=free), SINCE + AT_ONCE, 0) == passes


def test_a_window_later_there_is_the_share():
    assert admitted(share(held=0, free=0), SINCE + 21.0, 0) == 10
    assert admitted(share(held=0, free=0), SINCE + 21.0, 7) == 3


def test_more_processes_than_requests_have_nothing():
    assert admitted(share(members=41), SINCE + 100.0, 0) == 0
    assert admitted(share(members=41, limit=RateLimit(40, 20.0, burst=3)), SINCE + 100.0, 0) == 0


def test_a_burst_is_divided():
    lone = share(members=2, limit=RateLimit(40, 20.0, burst=6))
    assert admitted(lone, SINCE, 0) == 3
    assert admitted(lone, SINCE + 1.0, 3, 1) == 1


@given(st.integers(1, 200), st.integers(1, 9), st.data())
def test_the_parts_of_what_all_heard_are_no_more_than_it(requests, members, data):
    limit = RateLimit(requests, 20.0)
    held, left = [], requests
    for _ in range(members):
        held.append(data.draw(st.integers(0, left)))
        left -= held[-1]
    for late in (0.0, AT_ONCE, 30.0):
        more = [admitted(share(members, mine, left, limit), SINCE + late, mine, 250) for mine in held]
        assert sum(held) + sum(more) <= requests or late == 30.0
    assert sum(admitted(share(members, 0, left, limit), SINCE + 30.0, 0, 250) for _ in held) <= requests
