"""Instants: promises about time hold to the last bit."""

from fractions import Fraction
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.instants import not_before, seconds_until

INSTANTS = st.floats(-1e9, 1e9, allow_subnormal=False)
SPANS = st.floats(0.001, 1e7)


@given(INSTANTS, SPANS)
def test_not_before_is_the_smallest_float_that_is_not_before_the_exact_sum(
    instant: float, span: float
) -> None:
    exact = Fraction(instant) + Fraction(span)
    result = not_before(instant, span)
    assert Fraction(result) >= exact
    assert Fraction(nextafter(result, -inf)) < exact


@given(INSTANTS, INSTANTS)
def test_waiting_is_enough(now: float, instant: float) -> None:
    wait = seconds_until(now, instant)
    assert wait >= 0.0
    assert now + wait >= instant
    assert (wait == 0.0) == (now >= instant)


@pytest.mark.parametrize(
    ("now", "instant", "wait"), [(5.0, 7.5, 2.5), (7.5, 5.0, 0.0), (5.0, 5.0, 0.0), (5.0, -inf, 0.0)]
)
def test_seconds_until(now: float, instant: float, wait: float) -> None:
    assert seconds_until(now, instant) == wait
