"""Shares of the checks: no tenant takes another's, none takes the platform's."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.health_shares import TenantShares, owner_of

KEYS = st.sampled_from(["crm", "shop", "a/crm", "a/shop", "b/crm", "c/crm"])


def test_whose_a_service_is():
    assert owner_of("crm") == ""
    assert owner_of("a/crm") == "a"


def test_the_platform_is_not_counted():
    shares: TenantShares[int] = TenantShares(1, 1)
    assert all(shares.take("crm", 0) for _ in range(100))
    assert shares.take("a/crm", 1)
    assert not shares.take("b/crm", 2)
    assert shares.take("crm", 0)


@given(st.lists(st.tuples(KEYS, st.booleans())))
def test_no_share_is_exceeded_and_what_is_given_back_can_be_taken(steps):
    shares: TenantShares[str] = TenantShares(4, 2)
    taken: Counter[str] = Counter()
    for key, begins in steps:
        owner = owner_of(key)
        if not begins:
            if taken[key]:
                shares.give_back(key)
                taken[key] -= 1
            continue
        of_one = sum(count for other, count in taken.items() if owner and owner_of(other) == owner)
        of_all = sum(count for other, count in taken.items() if owner_of(other))
        assert shares.take(key, key) is (not owner or (of_one < 2 and of_all < 4))
        if not owner or (of_one < 2 and of_all < 4):
            taken[key] += 1


def test_who_waits_is_let_in_in_turn():
    shares: TenantShares[str] = TenantShares(2, 1)
    for key in ("a/1", "a/2", "a/3", "b/1", "b/2", "c/1"):
        assert shares.take(key, key) is (key in ("a/1", "b/1"))
    assert shares.next() is None
    assert not shares.take("a/2", "a/2"), "it waits once"
    begun = ["a/1", "b/1"]
    for _ in range(4):
        shares.give_back(begun[-2])
        item = shares.next()
        assert item is not None
        assert shares.take(item, item)
        begun.append(item)
    assert begun == ["a/1", "b/1", "a/2", "b/2", "c/1", "a/3"]
    assert shares.next() is None
