"""uvicorn's protocol behind an edge connection: what it sees of the transport, and when it takes it over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from brain_gateway.api.edge.own_paths import EdgeTransport, OwnPaths
from tests.builders.edge import PEER, Edge, settle
from tests.builders.gateway import FakeGateway
from tests.builders.requests import wire

pytestmark = pytest.mark.anyio


class WebSockets(asyncio.Protocol):
    """Stands for a WebSocket protocol of uvicorn; the last one made is `made`."""

    made: WebSockets

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
        self.received = b""
        WebSockets.made = self

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": scope["path"] == "/api/open"})


@pytest.fixture
async def edge():
    config = uvicorn.Config(application, lifespan="off", log_config=None, ws=WebSockets)
    return Edge(
        FakeGateway(),
        uvicorn={"config": config, "server_state": ServerState(), "app_state": {}},
        sockname=("127.0.0.1", 8001),
    )


async def test_a_websocket_takes_the_connection_over(edge):
    edge.receive(
        wire("GET /ws HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k")
    )
    taken = WebSockets.made
    assert taken.received.startswith(b"GET /ws HTTP/1.1\r\n")
    assert b"sec-websocket-key: k\r\n" in taken.received.lower()
    assert edge.transport.protocol is taken
    assert edge.gateway.runtime.connections == set()
    taken.transport.write(b"frame")
    assert edge.transport.written == b"frame"
    assert taken.transport.get_protocol() is taken


@pytest.mark.parametrize(("path", "answering", "busy"), [("/health", True, False), ("/api/open", True, True)])
async def test_what_the_edge_may_ask(edge, path, answering, busy):
    edge.receive(wire(f"GET {path} HTTP/1.1"))
    own = edge.protocol._own
    assert isinstance(own, OwnPaths)
    assert (own.answering, own.busy) == (False, True)
    await settle()
    assert (own.answering, own.busy) == (answering, busy)


async def test_the_transport_that_it_sees(edge):
    seen, real = EdgeTransport(edge.protocol), edge.transport
    assert seen.get_extra_info("peername") == PEER
    assert seen.get_extra_info("nothing", 3) == 3
    seen.pause_reading()
    assert not real.reading
    seen.resume_reading()
    assert real.reading
    seen.set_write_buffer_limits(high=5)
    seen.write(b"abc")
    assert (real.written, seen.get_write_buffer_size(), seen.is_closing()) == (b"abc", 3, False)
    seen.close()  # the edge decides on closing
    assert not real.is_closing()
    seen.abort()
    assert (real.aborted, seen.is_closing()) == (True, True)
