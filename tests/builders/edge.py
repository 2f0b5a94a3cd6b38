"""One client connection to a gateway of fakes."""

from __future__ import annotations

import asyncio
from typing import Any

from brain_gateway.api.edge.protocol import EdgeProtocol
from tests.builders.answers import Answer, read_answers
from tests.builders.gateway import FakeGateway
from tests.fakes.transport import FakeTransport
from tests.fakes.upstream import FakeConnection

PEER = ("203.0.113.9", 40000)


def ok(connection: FakeConnection) -> None:
    """Answer 200 with the request's line and body."""
    line = connection.head.split(b"\r\n")[0]
    body = line + b"|" + connection.body
    length = b"HTTP/1.1 200 OK\r\nContent-Length: %d" % len(body)
    connection.answer(length, b"" if line.startswith(b"HEAD") else body)


async def settle() -> None:
    """Let the event loop do what it was asked to."""
    for _ in range(8):
        await asyncio.sleep(0)


class Edge:
    """`answering`: what the service does with each whole request; None leaves it to the test."""

    def __init__(
        self, gateway: FakeGateway | None = None, answering: Any = ok, peer: Any = PEER, **extra: Any
    ) -> None:
        self.gateway = gateway or FakeGateway()
        for pool in self.gateway.pools.made.values():
            pool.when_done = answering
        self.protocol = EdgeProtocol(self.gateway.runtime, **extra.pop("uvicorn", {}))
        self.transport = FakeTransport(self.protocol, peername=peer, **extra)
        self.protocol.connection_made(self.transport)

    def receive(self, *pieces: bytes) -> None:
        """Bytes from the client; a connection that is paused or closing delivers none."""
        for piece in pieces:
            if piece and not self.transport.is_closing():
                assert self.transport.reading, "read while paused"
                self.protocol.data_received(piece)

    async def ask(self, *pieces: bytes) -> list[Answer]:
        """Bytes from the client, and what it gets for them."""
        self.transport.take()
        for piece in pieces:
            self.receive(piece)
            await settle()
        return self.answers(*_methods(pieces))

    def answers(self, *methods: str) -> list[Answer]:
        """What the client has got since the last look."""
        return read_answers(self.transport.take(), *methods)

    @property
    def sent(self) -> list[FakeConnection]:
        """What the service shop has got."""
        return self.gateway.sent()

    @property
    def ended(self) -> bool:
        """Whether the client was told that nothing more comes."""
        return self.transport.eof_written or self.transport.is_closing()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and the sweeper look."""
        self.gateway.clock.tick(seconds)
        self.protocol.check(self.gateway.clock.now)
        if self.transport.is_closing():
            self.transport.lose()
        await settle()


def _methods(pieces: tuple[bytes, ...]) -> list[str]:
    """The methods of requests without bodies in these bytes."""
    heads = b"".join(pieces).split(b"\r\n\r\n")
    return [head.lstrip(b"\r\n").split(b" ")[0].decode("latin-1") for head in heads if b" HTTP/1." in head]
