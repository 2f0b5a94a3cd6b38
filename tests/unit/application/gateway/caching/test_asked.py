"""Requests as the cache sees them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.application.gateway.caching.asked import Asked, Views, authenticated, key_of
from brain_gateway.application.ports.response_store import ANONYMOUS, ResourceKey
from brain_gateway.domain.http.requests import RequestParser
from brain_gateway.domain.routing.policies import CachePolicy
from tests.builders.gateway import KEY, TENANT, TOKEN, FakeGateway, route, service
from tests.builders.requests import client, head


def exchange_of(first="GET /shop/items?x=1 HTTP/1.1", *fields, caller=None, host="Host: GW.example"):
    gateway = FakeGateway(service(routes=(route("/{rest:path}", public=True),)))
    return gateway.admit(head(first, *fields, host=host), caller or client())


def asked(*fields, policy=None, **options):
    exchange = exchange_of("GET /shop/items HTTP/1.1", *fields, **options)
    return Asked(exchange, policy or CachePolicy(), Views())


def test_keys():
    assert key_of(exchange_of(), b"/items?x=1") == ResourceKey(ANONYMOUS, "shop", b"/items?x=1")
    known = exchange_of("GET /shop HTTP/1.1", TOKEN)
    assert key_of(known, known.head.line.rest) == ResourceKey(TENANT, "shop", b"/")
    assert key_of(known, b"/a", ANONYMOUS).tenant == ANONYMOUS


def test_who_shows_credentials():
    assert authenticated(exchange_of("GET /shop/a HTTP/1.1", TOKEN))
    assert authenticated(exchange_of("GET /shop/a HTTP/1.1", KEY))
    assert authenticated(exchange_of("GET /shop/a HTTP/1.1", "Authorization: Basic eDp5"))
    assert not authenticated(exchange_of())


def test_what_tells_requests_apart_whatever_vary_says():
    bases = {
        asked().base,
        asked(host="Host: other.example").base,
        asked(caller=client(scheme="https")).base,
        asked("X-Forwarded-Host: a.example", caller=client(trusted=True)).base,
        asked("X-Forwarded-Proto: https", caller=client(trusted=True)).base,
        asked("Forwarded: for=192.0.2.1;host=b.example", caller=client(trusted=True)).base,
        asked(TOKEN, policy=CachePolicy(per_user=True)).base,
    }
    assert len(bases) == 7
    assert asked(host="Host: gw.EXAMPLE").base == asked().base
    assert asked("X-Forwarded-Host: a.example").base == asked().base, "nobody's word"
    trusted = client(trusted=True)
    for line in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"):
        assert asked(line, caller=trusted).base == asked(caller=trusted).base


def test_who_the_caller_is_comes_from_the_gateway():
    known = asked(TOKEN, "X-User-ID: forged")
    assert known.value_of(b"x-user-id") == b"u-1"
    assert known.value_of(b"x-tenant-id") == TENANT.encode()
    assert asked().value_of(b"x-user-id") is None


BLOCKS = st.lists(
    st.sampled_from(["A: 1", "A: 2", "Cache-Control: no-cache", "Pragma: no-cache", "B:"]), max_size=4
)


@given(st.lists(BLOCKS, max_size=8))
def test_what_is_remembered_is_what_would_be_found(blocks):
    parser, remembering = RequestParser(), Views()
    remembering.MOST = 3
    for lines in blocks:
        block = parser.fields("".join(f"\r\n{line}" for line in lines).encode())
        assert remembering.of(block) == Views().of(block)
