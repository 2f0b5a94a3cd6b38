"""What is revoked stays revoked for as long as it could be used, and no longer than that in memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import InternalError
from brain_gateway.infrastructure.identity.denylist import Denylist


def test_a_revocation_holds_until_its_end():
    denylist = Denylist()
    denylist.revoke("a", now_unix=0, until=10)
    assert [denylist.revoked("a", now) for now in (0, 9.9, 10)] == [True, True, False]
    assert not denylist.revoked("b", 0)


def test_the_later_end_counts():
    denylist = Denylist()
    denylist.revoke("a", 0, until=10)
    denylist.revoke("a", 0, until=20)
    denylist.revoke("a", 0, until=15)
    denylist.revoke("b", 12, until=30)  # clears what has expired by then
    assert denylist.revoked("a", 19)
    denylist.revoke("c", 20, until=30)
    assert len(denylist) == 2


def test_what_has_expired_makes_room():
    denylist = Denylist(capacity=2)
    denylist.revoke("a", 0, until=10)
    denylist.revoke("b", 0, until=20)
    denylist.revoke("c", 10, until=30)
    assert len(denylist) == 2


def test_a_full_list_refuses_rather_than_forgets():
    denylist = Denylist(capacity=2)
    denylist.revoke("a", 0)
    denylist.revoke("b", 0, until=20)
    with pytest.raises(InternalError, match="revoked already"):
        denylist.revoke("c", 0)
    denylist.revoke("b", 0, until=math.inf)
    assert denylist.revoked("a", 1e12)
    assert denylist.revoked("b", 1e12)


def test_the_listener_hears_each_revocation():
    heard: list[str] = []
    denylist = Denylist(on_revoked=heard.append)
    denylist.revoke("a", 0, until=10)
    denylist.revoke("late", 20, until=10)
    assert heard == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 50), st.integers(1, 50)), max_size=40))
def test_it_agrees_with_a_list_that_never_forgets(revocations):
    denylist, longest, now = Denylist(), {}, 0
    for identifier, later, lasting in revocations:
        now += later
        denylist.revoke(identifier, now, now + lasting)
        longest[identifier] = max(longest.get(identifier, 0), now + lasting)
        for name in "abcd":
            assert denylist.revoked(name, now) == (longest.get(name, 0) > now)
