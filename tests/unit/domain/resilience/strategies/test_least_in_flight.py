"""Least in flight: the least busy per weight, equals in turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.strategies.least_in_flight import LeastInFlight


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=7))
def test_never_busier_than_another(targets: list[tuple[bool, int, int]]) -> None:
    available, in_flight, weights = ([target[part] for target in targets] for part in range(3))
    chosen = LeastInFlight(weights, []).choose(available, in_flight, b"", 0.0)
    loads = {at: in_flight[at] / weights[at] for at, up in enumerate(available) if up and weights[at]}
    assert chosen == -1 if not loads else loads[chosen] == min(loads.values())


@given(st.integers(1, 6), st.integers(1, 40))
def test_equals_take_turns(count: int, requests: int) -> None:
    balancer = LeastInFlight([1] * count, [])
    chosen = [balancer.choose([True] * count, [3] * count, b"", 0.0) for _ in range(requests)]
    assert chosen == [number % count for number in range(requests)]


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(1, 60))
def test_requests_that_stay_fill_targets_by_weight(weights: list[int], requests: int) -> None:
    balancer = LeastInFlight(weights, [])
    in_flight = [0] * len(weights)
    for _ in range(requests):
        in_flight[balancer.choose([True] * len(weights), in_flight, b"", 0.0)] += 1
    loads = [count / weight for count, weight in zip(in_flight, weights, strict=True)]
    assert max(loads) - min(loads) <= 1.0


@pytest.mark.parametrize(
    ("in_flight", "weights", "chosen"), [([3, 1, 2], [1, 1, 1], 1), ([2, 3], [1, 2], 1), ([0, 9], [0, 1], 1)]
)
def test_examples(in_flight: list[int], weights: list[int], chosen: int) -> None:
    assert LeastInFlight(weights, []).choose([True] * len(weights), in_flight, b"", 0.0) == chosen
