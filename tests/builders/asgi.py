"""An ASGI server of a few lines: one request to an application, its messages kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from brain_gateway.api.edge.asgi import AsgiProxy
from tests.builders.edge import ok, settle
from tests.builders.gateway import FakeGateway
from tests.fakes.upstream import FakeConnection

DONE = {"type": "http.request", "body": b"", "more_body": False}


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    """A message with a piece of body."""
    return {"type": "http.request", "body": body, "more_body": more}


class Asgi:
    """`messages`: what the application sent. `sending`, if there is one, is awaited for each before it counts."""

    def __init__(self, gateway: FakeGateway | None = None, answering: Any = ok) -> None:
        self.gateway = gateway or FakeGateway()
        for pool in self.gateway.pools.made.values():
            pool.when_done = answering
        self.proxy = AsgiProxy(self.gateway.runtime)
        self.messages: list[dict[str, Any]] = []
        self.sending: Callable[[dict[str, Any]], Any] | None = None
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    async def start(
        self, method: str, target: str, *fields: str, body: bytes | None = b"", **scope: Any
    ) -> None:
        """Begin a request; `body` None: the messages with it are still to come."""
        path, _, query = target.partition("?")
        pairs = [field.split(": ", 1) for field in ("Host: gw.example", *fields)]
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        usual = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(),
            "headers": headers, "client": ("203.0.113.9", 40000),
        }  # fmt: skip
        if body is not None:
            self.give(piece(body, more=False))
        self.task = asyncio.ensure_future(self.proxy({**usual, **scope}, self.incoming.get, self._send))
        await settle()

    async def ask(
        self, method: str, target: str, *fields: str, body: bytes = b"", **scope: Any
    ) -> tuple[int, dict[str, str], bytes]:
        """A whole request, and its whole answer: status, headers, body."""
        await self.start(method, target, *fields, body=body, **scope)
        await self.finished()
        return self.answer()

    async def finished(self) -> None:
        """Wait for the application's end; raises what it raises."""
        assert self.task is not None
        await self.task

    def give(self, *messages: dict[str, Any]) -> None:
        """Messages from the client."""
        for message in messages:
            self.incoming.put_nowait(message)

    def leave(self) -> None:
        """The client is gone."""
        self.give({"type": "http.disconnect"})

    async def _send(self, message: dict[str, Any]) -> None:
        if self.sending is not None:
            await self.sending(message)
        self.messages.append(message)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """What has been sent so far."""
        start, *rest = self.messages
        assert start["type"] == "http.response.start"
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return start["status"], headers, b"".join(message["body"] for message in rest)

    @property
    def sent(self) -> list[FakeConnection]:
        """What the service shop has got."""
        return self.gateway.sent()
