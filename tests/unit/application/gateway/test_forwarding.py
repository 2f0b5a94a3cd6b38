"""Which client a trusted proxy speaks for."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.forwarding import TrustedProxies, caller_of
from tests.builders.requests import head

PROXIES = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
PEER = "10.0.0.1"

TRUST = [
    ("10.1.2.3", True), ("11.0.0.1", False), ("fd12::1", True), ("fd12::1%eth0", True), ("fe80::1", False),
    ("::ffff:10.0.0.1", True), ("::ffff:11.0.0.1", False),
    ("", False), ("unix:", False), ("10.0.0.1.example", False),
]  # fmt: skip


@pytest.mark.parametrize(("address", "trusted"), TRUST)
def test_who_is_trusted(address, trusted):
    assert PROXIES.trusts(address) is trusted
    assert not TrustedProxies(()).trusts(address)


CALLERS = [
    ((), PEER),
    (("X-Forwarded-For: 203.0.113.9",), "203.0.113.9"),
    (("X-Forwarded-For: 6.6.6.6, 203.0.113.9",), "203.0.113.9"),
    (("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2",), "203.0.113.9"),
    (("X-Forwarded-For: 6.6.6.6", "x-forwarded-for:203.0.113.9"), "203.0.113.9"),
    (("X-Forwarded-For: 10.0.0.3, 10.0.0.2",), "10.0.0.3"),
    (("X-Forwarded-For: 203.0.113.9:4711",), "203.0.113.9"),
    (("X-Forwarded-For: [2001:db8::1]:4711",), "2001:db8::1"),
    (("X-Forwarded-For: 2001:DB8::1",), "2001:db8::1"),
    (("X-Forwarded-For: 6.6.6.6, unknown",), PEER),
    (("X-Forwarded-For: 6.6.6.6, made-up, 10.0.0.2",), "10.0.0.2"),
    (("X-Forwarded-For: 6.6.6.6,",), PEER),
    (("X-Forwarded-Proto: https",), PEER),
    (("Forwarded: for=203.0.113.9;proto=https",), "203.0.113.9"),
    (('Forwarded: For="[2001:db8::1]:47011"',), "2001:db8::1"),
    (("Forwarded: for=6.6.6.6, for=203.0.113.9;by=10.0.0.2",), "203.0.113.9"),
    (("Forwarded: by=10.0.0.2;host=for=6.6.6.6;for=203.0.113.9",), "203.0.113.9"),
    (("Forwarded: for=6.6.6.6, for=_hidden",), PEER),
    (("Forwarded: proto=https",), PEER),
    (("Forwarded: for=6.6.6.6", "X-Forwarded-For: 203.0.113.9"), "203.0.113.9"),
]


@pytest.mark.parametrize(("fields", "caller"), CALLERS)
def test_the_nearest_hop_that_is_no_trusted_proxy(fields, caller):
    assert caller_of(head("GET /shop HTTP/1.1", *fields).fields, PEER, PROXIES.trusts) == caller


HOPS = st.lists(
    st.sampled_from(["6.6.6.6", "203.0.113.9", "10.0.0.2", "fd00::2", "unknown", "", "1.2.3", "2001:db8::9"]),
    max_size=6,
)


@given(HOPS, HOPS)
def test_nobody_before_the_first_untrusted_hop_changes_the_caller(forged, told):
    """What comes before an address that no trusted hop vouches for is the client's own invention."""
    chain = [*forged, "198.51.100.7", *told]
    found = caller_of(
        head("GET /shop HTTP/1.1", f"X-Forwarded-For: {', '.join(chain)}").fields, PEER, PROXIES.trusts
    )
    alone = caller_of(
        head("GET /shop HTTP/1.1", f"X-Forwarded-For: {', '.join(['198.51.100.7', *told])}").fields,
        PEER,
        PROXIES.trusts,
    )
    assert found == alone
    assert str(ip_address(found)) == found
