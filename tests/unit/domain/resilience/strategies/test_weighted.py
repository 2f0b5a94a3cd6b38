"""Weighted: in proportion, and smoothly."""

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.strategies.weighted import Weighted


def picks(weights: list[int], available: list[bool], count: int) -> list[int]:
    balancer = Weighted(weights, [])
    return [balancer.choose(available, [0] * len(weights), b"", 0.0) for _ in range(count)]


def test_five_to_one_to_one_is_mixed_evenly() -> None:
    assert picks([5, 1, 1], [True] * 3, 7) == [0, 0, 1, 0, 2, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), min_size=1, max_size=6), st.integers(1, 3))
def test_exactly_proportional_over_each_round(targets: list[tuple[int, bool]], rounds: int) -> None:
    weights = [weight for weight, _ in targets]
    available = [up for _, up in targets]
    offered = [weight if up else 0 for weight, up in targets]
    chosen = picks(weights, available, rounds * sum(offered))
    assert [chosen.count(position) for position in range(len(targets))] == [
        rounds * weight for weight in offered
    ]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_nobody_waits_for_much_more_than_a_share(weights: list[int]) -> None:
    """Never in a lump: at every moment each is within one request per target of its exact share."""
    total = sum(weights)
    chosen = picks(weights, [True] * len(weights), total)
    for count in range(1, total + 1):
        for position, weight in enumerate(weights):
            share = count * weight / total
            assert abs(chosen[:count].count(position) - share) < len(weights)
