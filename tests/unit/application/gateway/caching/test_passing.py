"""Requests that wait for others (RFC 9211 section 2.6)."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.application.gateway.caching import carriage
from brain_gateway.domain.errors import UpstreamClosed
from tests.builders.cached import CachedShop, settle, status_of
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop():
    return CachedShop()


# One at a time


async def ask_together(shop, count, *fields):
    edges = [shop.another() for _ in range(count)]
    shop.silent = True
    for edge in edges:
        edge.receive(wire("GET /shop/items HTTP/1.1", *fields))
    return edges


async def test_requests_at_the_same_time_are_one(shop):
    edges = await ask_together(shop, 4)
    assert len(shop.asked) == 1
    shop.asked[0].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2", b"ok")
    answers = [edge.answers()[0] for edge in edges]
    assert [answer.body for answer in answers] == [b"ok"] * 4
    assert [status_of(answer) for answer in answers] == [
        "fwd=uri-miss; stored",
        *["fwd=uri-miss; collapsed"] * 3,
    ]


async def test_those_that_wait_are_let_go_when_the_answer_is_not_for_them(shop):
    edges = await ask_together(shop, 3)
    shop.silent = False
    shop.says("Cache-Control: private")
    shop.asked[0].answer(
        b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 2", b"ok", complete=False
    )
    await settle()
    answers = [edge.answers()[0] for edge in edges[1:]]
    assert [status_of(answer) for answer in answers] == ['fwd=uri-miss; collapsed=?0; detail="private"'] * 2
    assert len(shop.asked) == 3
    more = await ask_together(shop, 2)
    assert len(shop.asked) == 5, "nobody waits for such answers for a while"
    assert more


async def test_when_the_first_leaves_another_goes(shop):
    edges = await ask_together(shop, 3)
    edges[0].transport.lose()
    await settle()
    assert shop.asked[0].aborted
    assert len(shop.asked) == 2
    shop.asked[1].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2", b"ok")
    assert [status_of(edge.answers()[0]) for edge in edges[1:]] == [
        "fwd=uri-miss; stored",
        "fwd=uri-miss; collapsed",
    ]


async def test_one_that_waits_may_leave(shop):
    edges = await ask_together(shop, 3)
    edges[1].transport.lose()
    await settle()
    shop.asked[0].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2", b"ok")
    assert edges[2].answers()[0].body == b"ok"
    assert shop.gateway.target().in_flight == 0


async def test_when_the_service_fails_those_that_wait_try_once_more(shop):
    edges = await ask_together(shop, 3)
    for number in range(3):
        shop.asked[number].fail(UpstreamClosed(), answered=True)
        await settle()
    assert [edge.answers()[0].status for edge in edges] == [502] * 3
    assert len(shop.asked) == 3


async def test_one_that_insists_waits_for_nobody(shop):
    await ask_together(shop, 1)
    await ask_together(shop, 1, "Cache-Control: no-cache")
    assert len(shop.asked) == 2


async def test_variants_that_waited_for_the_wrong_one_go_alone(shop):
    first = await ask_together(shop, 1, "Accept-Language: en")
    second = await ask_together(shop, 1, "Accept-Language: de")
    assert len(shop.asked) == 1
    shop.silent = False
    shop.says("Cache-Control: max-age=60", "Vary: Accept-Language", body=b"de")
    shop.asked[0].answer(
        b"HTTP/1.1 200 OK\r\nVary: Accept-Language\r\nCache-Control: max-age=60\r\nContent-Length: 2", b"en"
    )
    assert first[0].answers()[0].body == b"en"
    assert second[0].answers()[0].body == b"de"


async def test_one_that_takes_long_is_overtaken(shop, monkeypatch):
    monkeypatch.setattr(carriage, "LONGEST_WAIT", 0.01)
    edges = await ask_together(shop, 4)
    monkeypatch.setattr(carriage, "LONGEST_WAIT", 60.0)
    for _ in range(10_000):
        if len(shop.asked) > 1:
            break
        await asyncio.sleep(0.002)
    assert len(shop.asked) == 2
    shop.asked[1].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2", b"ok")
    assert [status_of(edge.answers()[0]) for edge in edges[1:]] == [
        "fwd=uri-miss; stored",
        *["fwd=uri-miss; collapsed"] * 2,
    ]
    shop.asked[0].answer(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4", b"late")
    assert edges[0].answers()[0].body == b"late"
    assert shop.gateway.target().in_flight == 0
