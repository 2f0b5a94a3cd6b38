"""When a token is renewed, and when nothing but another one helps."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.lease import Lease

TOKEN = Secret("t")


def lease(ttl: float, since: float = 100.0, renewable: bool = True) -> Lease:
    return Lease.granted(TOKEN, since, ttl, renewable)


def test_a_root_token_never_ends():
    root = lease(0)
    assert (root.ttl, root.renewable, root.due(1e12), root.expired(1e12), root.ending(1e12)) == (
        inf, False, False, False, False,
    )  # fmt: skip


def test_a_third_is_left_when_it_is_renewed():
    assert (lease(90).due(159), lease(90).due(160)) == (False, True)
    assert (lease(90).expired(189), lease(90).expired(190)) == (False, True)


def test_it_ends_when_it_cannot_be_renewed():
    assert not lease(30).ending(100)
    assert lease(30, renewable=False).ending(100)
    assert not lease(300, renewable=False).ending(100)
    assert lease(300, renewable=False).ending(341)


def test_a_renewal_that_gives_little_tells_of_the_greatest_age():
    assert lease(40).shortened(lease(90))
    assert not lease(45).shortened(lease(90))
    assert not lease(120).shortened(lease(90))


@given(st.floats(0.1, 1e6), st.floats(0, 1e6))
def test_it_is_renewed_before_it_expires(ttl, later):
    one = lease(ttl, 0.0)
    assert not one.expired(later) or one.due(later)
    assert one.left(later) == max(0.0, ttl - later)


def test_it_does_not_show_its_token():
    assert "t)" not in repr(Lease.granted(Secret("t"), 0, 1, True)).replace("Secret(****)", "")
