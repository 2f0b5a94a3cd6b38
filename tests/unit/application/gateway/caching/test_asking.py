"""What becomes of answers: kept, passed on, or replaced by what was stored (RFC 9111 section 3, RFC 5861)."""

from __future__ import annotations

import pytest

from brain_gateway.domain.errors import UpstreamClosed, UpstreamUnreachable
from tests.builders.cached import CachedShop, settle, status_of, stored
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop():
    return CachedShop()


# What of an answer is kept


async def test_fields_are_kept_and_what_is_the_hops_is_not(shop):
    shop.says(
        "Cache-Control: max-age=60", "Connection: x-hop", "X-Hop: 1", "X-A: 1", "X-A: 2", "Keep-Alive: 5"
    )
    await shop.get()
    again = await shop.get()
    assert [value for name, value in again.headers if name == "x-a"] == ["1", "2"]
    assert "x-hop" not in again
    assert again["content-length"] == "2"
    assert again["date"] == shop.date()


async def test_named_fields_of_private_and_no_cache_are_left_out(shop):
    shop.says('Cache-Control: max-age=60, private="x-a", no-cache="x-b"', "X-A: 1", "X-B: 1", "X-C: 1")
    assert "x-a" in await shop.get()
    again = await shop.get()
    assert ("x-a" in again, "x-b" in again, "x-c" in again) == (False, False, True)


async def test_each_request_has_an_id_of_its_own(shop):
    first, second = await shop.get(), await shop.get()
    assert first["x-request-id"] != second["x-request-id"]
    assert (await shop.get("X-Request-ID: mine"))["x-request-id"] == "mine"


async def test_a_cookie_is_shared_only_where_the_service_says_so(shop):
    assert await stored(shop, "Cache-Control: max-age=60, public", "Set-Cookie: a=1")


# Bodies


async def test_long_bodies_pass_and_are_not_kept():
    shop = CachedShop(max_body=10)
    assert await stored(shop, "Cache-Control: max-age=60", body=b"x" * 10)
    shop = CachedShop(max_body=10)
    assert not await stored(shop, "Cache-Control: max-age=60", body=b"x" * 11)
    assert status_of(await shop.get()) == 'fwd=uri-miss; detail="too-large"'


async def test_a_body_that_turns_out_too_long_passes_piece_by_piece():
    shop = CachedShop(max_body=10)
    shop.silent = True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    service = shop.asked[0]
    service.answer(
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked",
        b"12345678",
        complete=False,
    )
    assert b"12345678" in bytes(shop.edge.transport.take())
    service.more(b"90123")
    assert b"90123" in bytes(shop.edge.transport.take())
    service.more(b"", complete=True)
    shop.silent = False
    assert status_of(await shop.get(edge=shop.another())) == "fwd=uri-miss; stored"


async def test_a_chunked_body_is_kept_whole_with_its_length(shop):
    shop.silent = True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    service = shop.asked[0]
    service.answer(
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked", b"1", complete=False
    )
    service.more(b"2", b"3")
    service.more(complete=True)
    await settle()
    answer = await shop.get(edge=shop.another())
    assert (answer.body, answer["content-length"], status_of(answer)) == (b"123", "3", "hit")


async def test_half_a_body_is_not_kept(shop):
    shop.silent = True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    service = shop.asked[0]
    service.answer(
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10", b"12345", complete=False
    )
    service.fail(UpstreamClosed(), answered=True)
    await settle()
    shop.silent = False
    assert status_of(await shop.get(edge=shop.another())) == "fwd=uri-miss; stored"


async def test_event_streams_are_not_kept(shop):
    assert not await stored(shop, "Cache-Control: max-age=60", "Content-Type: text/event-stream")


# Errors of the service


async def test_a_stale_answer_stands_in_for_an_error(shop):
    shop.says("Cache-Control: max-age=60, stale-if-error=100")
    await shop.get()
    shop.pass_time(90.0)
    shop.says(status="HTTP/1.1 503 Service Unavailable", body=b"no")
    answer = await shop.get()
    assert (answer.status, answer.body) == (200, b"ok")
    assert status_of(answer) == 'fwd=stale; fwd-status=503; detail="stale-if-error"'
    assert not shop.gateway.target().breaker.calm, "the error counts"
    shop.pass_time(70.0)
    assert (await shop.get()).status == 503


async def test_and_for_a_service_that_is_away():
    shop = CachedShop(stale_if_error=100.0)
    await shop.get()
    shop.pass_time(90.0)
    shop.gateway.pool().connects, shop.silent = False, True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    shop.asked[-1].fail(UpstreamUnreachable())
    (answer,) = shop.edge.answers()
    assert (answer.status, status_of(answer)) == (200, 'fwd=stale; detail="stale-if-error"')


async def test_and_for_one_that_is_too_slow():
    shop = CachedShop(stale_if_error=100.0)
    await shop.get()
    shop.pass_time(90.0)
    shop.silent = True
    shop.edge.receive(wire("GET /shop/items HTTP/1.1"))
    await shop.edge.pass_time(31.0)
    (answer,) = shop.edge.answers()
    assert answer.status == 200
    assert shop.asked[-1].aborted


@pytest.mark.parametrize("control", ["must-revalidate", "s-maxage=60", "no-cache"])
async def test_but_not_against_the_services_own_word(shop, control):
    shop.says(f"Cache-Control: max-age=60, stale-if-error=100, {control}", 'ETag: "a"')
    await shop.get()
    shop.pass_time(70.0)
    shop.says(status="HTTP/1.1 503 Service Unavailable", body=b"no")
    assert (await shop.get()).status == 503


async def test_an_open_breaker_does_not_close_the_store():
    shop = CachedShop(stale_if_error=100.0)
    shop.says("Cache-Control: max-age=10")
    await shop.get()
    shop.gateway.target().breaker.trip(shop.gateway.clock())
    answer = await shop.get()
    assert (answer.status, status_of(answer)) == (200, "hit")
    shop.pass_time(20.0)
    answer = await shop.get()
    assert (answer.status, status_of(answer)) == (200, 'fwd=stale; detail="stale-if-error"')
    refused = await shop.get(target="/shop/unknown")
    assert (refused.status, refused["retry-after"]) == (503, "40")
    assert shop.gateway.target().in_flight == 0


async def test_a_hit_is_no_success_of_the_target(shop):
    await shop.get()
    breaker = shop.gateway.target().breaker
    breaker.failed(shop.gateway.clock())
    await shop.get()
    assert breaker.failures == 1
    assert shop.gateway.target().in_flight == 0
