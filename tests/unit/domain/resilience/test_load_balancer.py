"""What holds for every strategy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.resilience.load_balancer import STRATEGIES, LoadBalancer

ENTROPY = st.floats(0.0, 1.0, exclude_max=True)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(weights=st.lists(st.integers(0, 4), max_size=6), data=st.data())
def test_never_an_unavailable_or_drained_target(
    strategy: str, weights: list[int], data: st.DataObject
) -> None:
    balancer = LoadBalancer(strategy, weights)
    sized = {"min_size": len(weights), "max_size": len(weights)}
    for _ in range(8):
        available = data.draw(st.lists(st.booleans(), **sized))
        in_flight = data.draw(st.lists(st.integers(0, 5), **sized))
        chosen = balancer.choose(available, in_flight, data.draw(st.binary(max_size=8)), data.draw(ENTROPY))
        possible = [at for at, weight in enumerate(weights) if weight and available[at]]
        assert chosen in possible if possible else chosen == -1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_target_gets_everything(strategy: str) -> None:
    balancer = LoadBalancer(strategy, [3])
    assert [balancer.choose([True], [9], b"key", 0.99) for _ in range(5)] == [0] * 5


def test_the_five_strategies() -> None:
    expected = ["round_robin", "weighted", "least_in_flight", "power_of_two", "consistent_hash"]
    assert list(STRATEGIES) == expected
    assert [LoadBalancer(name, [1]).strategy for name in STRATEGIES] == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("roundrobin", [1]), 'unknown strategy "roundrobin"; use one of round_robin'),
        (("weighted", [1, -1]), "less than 0"),
        (("consistent_hash", [1, 1], ["a"]), "name of its own"),
        (("consistent_hash", [1, 1], ["a", "a"]), "name of its own"),
    ],
)
def test_what_is_refused(arguments: tuple, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        LoadBalancer(*arguments)


def test_identities_keep_keys_in_place_when_the_list_shrinks() -> None:
    before, after = (
        LoadBalancer("consistent_hash", [1, 1, 1], "abc"),
        LoadBalancer("consistent_hash", [1, 1], "bc"),
    )
    for number in range(200):
        key = str(number).encode()
        old = before.choose([True] * 3, [0] * 3, key, 0.0)
        if old > 0:
            assert after.choose([True] * 2, [0] * 2, key, 0.0) == old - 1
