"""Round robin: everybody in turn."""

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.strategies.round_robin import RoundRobin


def picks(available: list[bool], count: int, weights: list[int] | None = None) -> list[int]:
    balancer = RoundRobin(weights or [1] * len(available), [])
    return [balancer.choose(available, [0] * len(available), b"", 0.0) for _ in range(count)]


def test_in_turn() -> None:
    assert picks([True, True, True], 7) == [0, 1, 2, 0, 1, 2, 0]
    assert picks([True, False, True], 4) == [0, 2, 0, 2]
    assert picks([True, True, True], 4, [1, 0, 5]) == [0, 2, 0, 2]


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(1, 60))
def test_counts_differ_by_one_at_most(available: list[bool], count: int) -> None:
    chosen = picks(available, count)
    counts = [chosen.count(position) for position, up in enumerate(available) if up]
    assert not counts or max(counts) - min(counts) <= 1


@given(st.integers(2, 5), st.lists(st.integers(0, 4), max_size=30))
def test_who_returns_waits_one_round_at_most(count: int, absent: list[int]) -> None:
    """Whatever came before, a target that is up again is chosen within the next round."""
    balancer = RoundRobin([1] * count, [])
    for away in absent:
        balancer.choose([position != away for position in range(count)], [0] * count, b"", 0.0)
    everybody = [balancer.choose([True] * count, [0] * count, b"", 0.0) for _ in range(count)]
    assert sorted(everybody) == list(range(count))
