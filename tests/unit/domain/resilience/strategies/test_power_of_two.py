"""Power of two choices: two distinct draws, never the busier."""

from collections import Counter
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.strategies.power_of_two import PowerOfTwo, draw_two

ENTROPY = st.floats(0.0, 1.0, exclude_max=True)


@given(st.integers(2, 50), ENTROPY)
def test_two_distinct_draws(count: int, entropy: float) -> None:
    first, second = draw_two(count, entropy)
    assert first != second
    assert {first, second} <= set(range(count))


def test_every_ordered_pair_is_equally_likely() -> None:
    drawn = Counter(draw_two(5, (step + 0.5) / 20_000) for step in range(20_000))
    assert set(drawn) == set(permutations(range(5), 2))
    assert max(drawn.values()) - min(drawn.values()) <= 2


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=7), ENTROPY
)
def test_never_the_busier_of_its_two(targets: list[tuple[bool, int, int]], entropy: float) -> None:
    available, in_flight, weights = ([target[part] for target in targets] for part in range(3))
    chosen = PowerOfTwo(weights, []).choose(available, in_flight, b"", entropy)
    candidates = [at for at, up in enumerate(available) if up and weights[at]]
    if len(candidates) < 2:
        assert chosen == (candidates[0] if candidates else -1)
        return
    drawn = [candidates[number] for number in draw_two(len(candidates), entropy)]
    assert chosen in drawn
    assert in_flight[chosen] / weights[chosen] == min(in_flight[at] / weights[at] for at in drawn)


def test_without_load_all_are_chosen_alike() -> None:
    balancer = PowerOfTwo([1] * 4, [])
    chosen = Counter(balancer.choose([True] * 4, [0] * 4, b"", (step + 0.5) / 1200) for step in range(1200))
    assert [chosen[position] for position in range(4)] == [300] * 4
