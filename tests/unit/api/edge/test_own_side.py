"""The gateway's own paths on a client connection, among proxied ones."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tests.builders.edge import Edge, settle
from tests.builders.gateway import TOKEN, FakeGateway
from tests.builders.pieces import every_cut
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio
HEALTH = wire("GET /health HTTP/1.1")
PROXIED = wire("GET /shop/items HTTP/1.1", TOKEN)
ECHO = "POST /api/echo HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"


class Application:
    """Stands for FastAPI. `gate`: what /api/slow waits for; `drained`: pieces of /api/large that were taken."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: list[tuple[str, str]] = []
        self.drained = 0
        self.disconnected = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.asked.append((scope["method"], scope["path"]))
        body = b""
        if scope["path"] == "/api/echo":
            body = await self._body(receive)
        elif scope["path"] == "/api/slow":
            await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/api/large":
            for _ in range(10):
                await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
                self.drained += 1
        await send({"type": "http.response.body", "body": scope["path"].encode() + b"|" + body})

    async def _body(self, receive: Any) -> bytes:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return body
            body += message["body"]
            if not message["more_body"]:
                return body


@pytest.fixture
async def app():
    return Application()


@pytest.fixture
async def edge(app):
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
    )
    parts = {"config": config, "server_state": ServerState(), "app_state": {}}
    return Edge(FakeGateway(), uvicorn=parts)


async def test_own_paths_are_answered_by_the_application(edge, app):
    (answer,) = await edge.ask(HEALTH)
    assert (answer.status, answer.body, edge.ended) == (200, b"/health|", False)
    assert app.asked == [("GET", "/health")]
    assert edge.sent == []
    assert "via" not in answer


OWN = [
    "/",
    "/health/live",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/api/v1/services",
    "/brain-gateway",
    "//shop",
    "/brain-gateway/health",
]


@pytest.mark.parametrize("path", OWN)
async def test_which_paths_are_the_gateways_own(edge, app, path):
    await edge.ask(wire(f"GET {path} HTTP/1.1"))
    assert app.asked == [("GET", path)]


async def test_own_and_proxied_requests_on_one_connection_are_answered_in_order(edge, app):
    answers = await edge.ask(HEALTH + PROXIED + wire("GET /metrics HTTP/1.1") + PROXIED + HEALTH)
    await settle()
    answers += edge.answers()
    assert [answer.body[:8] for answer in answers] == [
        b"/health|",
        b"GET /api",
        b"/metrics",
        b"GET /api",
        b"/health|",
    ]
    assert len(edge.sent) == 2


async def test_a_slow_own_answer_holds_the_next_request_back(edge, app):
    edge.receive(wire("GET /api/slow HTTP/1.1") + PROXIED)
    await settle()
    edge.protocol.pause_writing()
    edge.protocol.resume_writing()
    await settle()
    assert edge.sent == []
    app.gate.set()
    await settle()
    assert [answer.body[:9] for answer in edge.answers()] == [b"/api/slow", b"GET /api/"]


BODIES = [
    (wire(ECHO, "Content-Length: 5", body=b"hello"), b"hello"),
    (wire(ECHO, CHUNKED, body=b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"), b"hello"),
    (wire(ECHO, CHUNKED, body=b"0\r\n\r\n"), b""),
    (wire(ECHO, "Content-Length: 0"), b""),
]


@pytest.mark.parametrize(("data", "body"), BODIES)
async def test_bodies_for_the_application_however_they_are_cut(app, edge, data, body):
    for pieces in every_cut(data, most=1):
        (answer,) = await edge.ask(*pieces)
        assert answer.body == b"/api/echo|" + body
    assert not edge.ended
    assert [answer.status for answer in await edge.ask(PROXIED)] == [200]


async def test_an_answer_before_the_body_is_whole(edge, app):
    edge.receive(wire("POST /health HTTP/1.1", "Content-Length: 4", body=b"ab"))
    await settle()
    assert [answer.body for answer in edge.answers()] == [b"/health|"]
    edge.receive(b"cd" + PROXIED)
    await settle()
    assert [answer.status for answer in edge.answers()] == [200]


@pytest.mark.parametrize("data", [b"zz\r\n", b"1\r\nab\r\n"])
async def test_a_broken_body_is_refused_and_the_application_told(edge, app, data):
    (answer,) = await edge.ask(wire(ECHO, CHUNKED), data)
    assert (answer.status, answer["connection"], edge.ended, app.disconnected) == (400, "close", True, 1)


async def test_requests_with_smuggled_lengths_never_reach_the_application(edge, app):
    (answer,) = await edge.ask(wire(ECHO, CHUNKED, "Content-Length: 4", body=b"0\r\n\r\n"))
    assert (answer.status, app.asked, edge.ended) == (400, [], True)


@pytest.mark.parametrize("method", ["BREW", "TRACE", "get"])
async def test_methods_that_no_own_path_has(edge, app, method):
    (answer,) = await edge.ask(wire(f"{method} /health HTTP/1.1"))
    assert (answer.status, json.loads(answer.body)["type"], edge.ended) == (
        405,
        "urn:brain-gateway:problem:method-not-allowed",
        False,
    )
    assert "GET" in answer["allow"]
    assert app.asked == []


CLOSING = [
    (wire("GET /health HTTP/1.1", "Connection: close"), True),
    (wire("GET /health HTTP/1.0", host=None), True),
    (HEALTH, False),
]


@pytest.mark.parametrize(("data", "ends"), CLOSING)
async def test_the_connection_ends_when_the_client_says_so(edge, app, data, ends):
    edge.receive(data + PROXIED)
    await settle()
    answers = edge.answers()
    assert (len(answers), edge.ended) == ((1, True) if ends else (2, False))


# Times and ends


async def test_a_body_that_stops_coming(edge, app):
    edge.receive(wire(ECHO, "Content-Length: 10", body=b"half"))
    await settle()
    await edge.pass_time(29)
    assert not edge.ended
    await edge.pass_time(2)
    (answer,) = edge.answers()
    assert (answer.status, edge.ended, app.disconnected) == (408, True, 1)


async def test_a_body_that_stops_coming_after_the_answer(edge, app):
    edge.receive(wire("POST /health HTTP/1.1", "Content-Length: 10", body=b"half"))
    await settle()
    assert [answer.status for answer in edge.answers()] == [200]
    await edge.pass_time(31)
    assert edge.transport.aborted


async def test_each_piece_of_a_body_has_its_own_time(edge, app):
    edge.receive(wire(ECHO, "Content-Length: 3"))
    for byte in (b"a", b"b", b"c"):
        await edge.pass_time(20)
        edge.receive(byte)
    await settle()
    assert [answer.body for answer in edge.answers()] == [b"/api/echo|abc"]


async def test_a_slow_own_answer_is_not_timed_out(edge, app):
    edge.receive(wire("GET /api/slow HTTP/1.1"))
    await settle()
    await edge.pass_time(1000)
    assert not edge.ended
    app.gate.set()
    await settle()
    assert len(edge.answers()) == 1
    await edge.pass_time(76)
    assert edge.transport.closed  # idle since then


async def test_a_client_that_leaves_is_told_to_the_application(edge, app):
    edge.receive(wire(ECHO, "Content-Length: 10"))
    await settle()
    edge.transport.lose(ConnectionResetError())
    await settle()
    assert (app.disconnected, edge.gateway.runtime.connections) == (1, set())


async def test_a_client_that_reads_slowly_stops_the_application(edge, app):
    edge.transport.high_water = 250
    edge.receive(wire("GET /api/large HTTP/1.1"))
    await settle()
    assert app.drained <= 3
    edge.transport.high_water = 10_000
    edge.transport.drain()
    await settle()
    assert app.drained == 10
    assert len(edge.answers()[0].body) == 1000 + len("/api/large|")


@pytest.mark.parametrize("busy", [True, False])
async def test_draining(edge, app, busy):
    edge.receive(wire("GET /api/slow HTTP/1.1") if busy else HEALTH)
    await settle()
    edge.gateway.runtime.draining = True
    edge.protocol.shutdown()
    if busy:
        assert not edge.ended
        app.gate.set()
        await settle()
        (answer,) = edge.answers()
        assert answer.status == 200
    assert edge.ended


async def test_the_edge_is_the_only_connection_that_the_server_knows(edge, app):
    await edge.ask(HEALTH)
    assert edge.protocol._uvicorn["server_state"].connections == set()
    assert edge.gateway.runtime.connections == {edge.protocol}
