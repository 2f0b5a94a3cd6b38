"""From credential lines to sessions; what they mean for a request is tested with the router."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.identification import credential_line, network_of, token_of
from tests.builders.gateway import KEY, TOKEN, FakeGateway
from tests.builders.requests import client, head

TOKENS = [
    ("Authorization: Bearer abc", b"abc"),
    ("authorization:bearer   abc  ", b"abc"),
    ("Authorization: BEARER a b", b"a b"),
    ("Authorization: Bearer", b""),
    ("Authorization: Basic abc", None),
    ("Authorization: bearerabc", None),
    ("Authorization: ", None),
    ("X-API-Key: abc", b"abc"),
    ("x-api-key:abc ", b"abc"),
    ("X-API-Key:", b""),
]


@pytest.mark.parametrize(("line", "token"), TOKENS)
def test_the_token_of_a_line(line, token):
    assert token_of(line.encode()) == token


def test_a_key_goes_before_a_token():
    assert credential_line(head("GET /shop HTTP/1.1", TOKEN, KEY)) == KEY.encode()
    assert credential_line(head("GET /shop HTTP/1.1", TOKEN)) == TOKEN.encode()
    assert credential_line(head()) is None


NETWORKS = [
    ("203.0.113.9", "address:203.0.113.9"),
    ("2001:db8:1:2:3:4:5:6", "address:20010db800010002"),
    ("2001:db8:1:2::ffff", "address:20010db800010002"),
    ("fe80::1%eth0", "address:fe80000000000000"),
    ("::1", "address:0000000000000000"),
    ("::ffff:203.0.113.9", "address:203.0.113.9"),
    ("not:an:address", "address:not:an:address"),
]


@pytest.mark.parametrize(("address", "network"), NETWORKS)
def test_a_household_is_one_caller(address, network):
    assert network_of(address) == network


def test_anonymous_callers_share_a_session_by_address():
    identification = FakeGateway().identification
    first = identification.anonymous(client("2001:db8::1"))
    assert identification.anonymous(client("2001:db8::2")) is first
    assert identification.anonymous(client("2001:db9::1")) is not first
    assert (first.principal, first.tenant_id, first.identity_lines) == (None, None, ())


def test_each_spelling_of_a_credential_is_verified_for_itself():
    gateway = FakeGateway()
    sessions = [
        gateway.identification.identify(head("GET /shop HTTP/1.1", line), client())
        for line in (TOKEN, TOKEN, TOKEN + " ", TOKEN.replace("Bearer", "bearer"))
    ]
    assert sessions[0] is sessions[1]
    assert len({id(session) for session in sessions}) == 3
    assert gateway.tokens.verified == [b"good-token"] * 3


def test_a_session_ends_when_its_token_does_by_the_gateways_own_clock():
    gateway = FakeGateway()
    session = gateway.admitted().lane.session
    assert session.expires == float("inf")
    principal = gateway.tokens.tokens[b"good-token"]
    from dataclasses import replace

    gateway.tokens.tokens[b"short"] = replace(principal, expires_at=gateway.clock.unix() + 12.5)
    short = gateway.identification.identify(
        head("GET /shop HTTP/1.1", "Authorization: Bearer short"), client()
    )
    assert short.expires == gateway.clock.now + 12.5


def test_a_credential_that_turned_wrong_is_forgotten():
    gateway = FakeGateway()
    gateway.admitted()
    del gateway.tokens.tokens[b"good-token"]
    gateway.sessions.end_all(lambda known: True)
    gateway.refused(TOKEN)
    assert gateway.sessions.get(TOKEN.encode()) is None
