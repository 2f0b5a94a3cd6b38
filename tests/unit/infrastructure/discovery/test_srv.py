"""SRV records: priorities, weights, and the record that says no."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.infrastructure.discovery.srv import FINEST, SrvRecord, first_choice, no_service, shares

WEIGHTS = st.lists(st.integers(0, 65_535), min_size=1, max_size=20)


def record(priority: int = 0, weight: int = 0, port: int = 80, target: str = "a.test.") -> SrvRecord:
    return SrvRecord(priority, weight, port, target)


def test_the_root_alone_means_that_there_is_no_such_service():
    assert no_service([record(target=".")])
    assert not no_service([])
    assert not no_service([record()])
    assert not no_service([record(target="."), record()])


def test_the_least_priority_comes_first_and_what_leads_nowhere_never():
    one, two, later = record(1, target="a."), record(1, target="b."), record(2, target="c.")
    nowhere = [record(0, target="."), record(0, port=0)]
    assert first_choice([later, one, *nowhere, two]) == [one, two]
    assert first_choice(nowhere) == []
    assert first_choice([]) == []


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([], []),
        ([0, 0, 0], [1, 1, 1]),
        ([5, 5], [1, 1]),
        ([10, 20, 30], [1, 2, 3]),
        ([60, 40], [3, 2]),
        ([0, 1], [1, 100]),
        ([0, 50, 100], [1, 50, 100]),
        ([65_535, 1], [100, 1]),
        ([200, 100], [2, 1]),
    ],
)
def test_shares(weights, expected):
    assert shares(weights) == expected


@given(WEIGHTS)
def test_shares_keep_order_and_are_never_nothing(weights):
    found = shares(weights)
    assert len(found) == len(weights)
    assert all(1 <= share <= FINEST for share in found)
    for one, share in zip(weights, found, strict=True):
        for other, another in zip(weights, found, strict=True):
            assert one <= other or share >= another


@given(st.lists(st.integers(1, FINEST), min_size=1, max_size=20))
def test_small_weights_keep_their_proportions(weights):
    found = shares(weights)
    assert all(one * found[0] == share * weights[0] for one, share in zip(weights, found, strict=True))
