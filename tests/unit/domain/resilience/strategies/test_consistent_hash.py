"""Consistent hashing: the same key to the same target; little moves when targets come and go."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.resilience.strategies.consistent_hash import ConsistentHash, _fraction

KEYS = [f"tenant-{number}".encode() for number in range(4000)]


def names(count: int) -> list[str]:
    return [f"http://10.0.0.{number}:80" for number in range(count)]


def owners(
    weights: list[int], available: list[bool] | None = None, identities: list[str] | None = None
) -> list[int]:
    balancer = ConsistentHash(weights, identities or names(len(weights)))
    up = available or [True] * len(weights)
    return [balancer.choose(up, [0] * len(weights), key, 0.0) for key in KEYS]


@pytest.mark.parametrize("weights", [[1] * 5, [1, 2, 3, 4, 5]], ids=["equal", "weighted"])
def test_only_the_keys_of_what_left_move(weights: list[int]) -> None:
    before = owners(weights)
    after = owners(weights, [True, True, False, True, True])
    assert all(new == old for old, new in zip(before, after, strict=True) if old != 2)
    moved = Counter(new for old, new in zip(before, after, strict=True) if old == 2)
    assert set(moved) == {0, 1, 3, 4}


def test_a_newcomer_takes_its_share_and_nothing_else_moves() -> None:
    before, after = owners([1] * 4), owners([1] * 5)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {4}
    assert len(KEYS) / 5 * 0.85 < len(moved) < len(KEYS) / 5 * 1.15


def test_the_order_of_the_list_does_not_matter() -> None:
    identities = names(4)
    forwards = [identities[owner] for owner in owners([1, 2, 3, 4])]
    backwards = owners([4, 3, 2, 1], identities=identities[::-1])
    assert forwards == [identities[::-1][owner] for owner in backwards]


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], [1, 2, 3, 4], [0, 1, 3, 0]])
def test_keys_spread_by_weight(weights: list[int]) -> None:
    counts = Counter(owners(weights))
    for position, weight in enumerate(weights):
        share = len(KEYS) * weight / sum(weights)
        assert abs(counts[position] - share) <= 0.15 * share


@given(st.binary(min_size=1), st.lists(st.booleans(), min_size=1, max_size=6), st.data())
def test_the_answer_depends_on_key_and_targets_alone(
    key: bytes, available: list[bool], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(available), max_size=len(available)))
    busy = data.draw(st.lists(st.integers(0, 9), min_size=len(available), max_size=len(available)))
    one, other = (ConsistentHash(weights, names(len(weights))) for _ in range(2))
    other.choose(available, busy, b"another", 0.5)
    chosen = one.choose(available, busy, key, 0.1)
    assert chosen == other.choose(available, [0] * len(available), key, 0.9)


def test_known_answers_so_that_every_process_and_release_agrees() -> None:
    assert owners([1, 1, 1])[:8] == [0, 2, 1, 0, 2, 2, 0, 2]
    assert owners([1, 2, 3])[:8] == [2, 2, 1, 0, 2, 2, 2, 2]


def test_without_a_key_entropy_spreads() -> None:
    balancer = ConsistentHash([1] * 4, names(4))
    chosen = Counter(balancer.choose([True] * 4, [0] * 4, b"", step / 2000) for step in range(2000))
    assert all(400 < chosen[position] < 600 for position in range(4))


@pytest.mark.parametrize("mixed", [0, 1, 1 << 63, (1 << 64) - 1])
def test_a_fraction_is_never_nothing_nor_whole(mixed: int) -> None:
    assert 0.0 < _fraction(mixed) < 1.0
