"""Requests that nobody waits for."""

from __future__ import annotations

import pytest

from brain_gateway.application.gateway.caching import refreshing
from brain_gateway.application.gateway.caching.refreshing import background
from brain_gateway.domain.errors import UpstreamClosed
from brain_gateway.domain.http.responses import parse_response
from tests.builders.edge import settle
from tests.builders.gateway import FakeGateway

pytestmark = pytest.mark.anyio


@pytest.fixture
async def made():
    gateway = FakeGateway()
    exchange = gateway.admitted()
    settled = []
    again, nobody = background(exchange, gateway.clock(), settled.append)
    nobody.start()
    again.target.pool.send(again)
    return gateway, exchange, again, settled


async def test_it_is_the_same_request(made):
    gateway, exchange, again, _ = made
    assert gateway.sent()[0].head.startswith(b"GET /api/items HTTP/1.1\r\n")
    assert exchange.id_line in gateway.sent()[0].head
    assert gateway.target().in_flight == 2
    assert again.carriage is None


async def test_its_books_are_closed_once(made):
    gateway, _, again, settled = made
    connection = gateway.sent()[0]
    again.sink.on_informational(parse_response(b"HTTP/1.1 103 Early Hints", False))
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4", b"ab", complete=False)
    assert settled == []
    connection.more(b"cd", complete=True)
    again.sink.on_failure(UpstreamClosed(), True)
    assert settled == [again]
    assert again.status == 200


async def test_a_failure_is_the_targets(made):
    gateway, _, again, settled = made
    gateway.sent()[0].fail(UpstreamClosed())
    assert settled == [again]
    assert (again.failed_upstream, again.error) == (True, "UpstreamClosed")


async def test_it_does_not_last_for_ever(monkeypatch):
    monkeypatch.setattr(refreshing, "LONGEST", 0.0)
    gateway = FakeGateway()
    settled = []
    again, nobody = background(gateway.admitted(), gateway.clock(), settled.append)
    nobody.start()
    again.target.pool.send(again)
    await settle()
    assert settled == [again]
    assert gateway.sent()[0].aborted
