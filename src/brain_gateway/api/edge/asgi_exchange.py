"""One exchange behind an ASGI server: callbacks from the service become messages, messages become body."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from brain_gateway.api import problems
from brain_gateway.api.edge import answers
from brain_gateway.api.edge.dispatch import status_of
from brain_gateway.application.gateway.exchange import NEVER, Exchange, Refusal, Reply
from brain_gateway.application.gateway.records import request_id
from brain_gateway.domain.errors import (
    BodyTooLarge,
    GatewayError,
    RequestTimeout,
    UpstreamFault,
    UpstreamProtocolError,
    UpstreamTimeout,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from brain_gateway.api.edge.runtime import EdgeRuntime
    from brain_gateway.domain.http.requests import Request
    from brain_gateway.domain.http.responses import ResponseHead

MOST_QUEUED = 16  # messages that wait for the server before the service is told to wait


class AsgiExchange:
    """A ResponseSink whose messages are sent by `run`."""

    def __init__(self, runtime: EdgeRuntime, exchange: Exchange) -> None:
        self._runtime = runtime
        self._exchange = exchange
        exchange.sink = self
        self._messages: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._refusal: Refusal | None = None
        self._broken = False
        self._gone = False
        self._paused = False
        self._unwritable = False  # the service reads the body slowly

    async def run(self, receive: Receive, send: Send) -> None:
        """Carry it to its end; returns when the response is complete, raises when it cannot be completed."""
        exchange = self._exchange
        (exchange.lane.carrier or exchange.target.pool).send(exchange)
        upload = asyncio.create_task(self._upload(receive))
        try:
            await self._download(send)
        finally:
            upload.cancel()
            if exchange.connection is not None:
                exchange.connection.abort()
                exchange.connection = None
            self._runtime.settlement.settle(exchange)
        if self._broken:
            raise ConnectionAbortedError("the service's answer broke off")  # the server closes the connection

    # From the client

    async def _upload(self, receive: Receive) -> None:
        exchange = self._exchange
        received = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                self._news.set()
                return
            piece = message.get("body", b"")
            received += len(piece)
            if piece and exchange.head.length:
                most = exchange.lane.entry.service.max_body
                if most and received > most:
                    self._refuse(
                        Refusal(BodyTooLarge(f"this service takes at most {most} bytes"), lane=exchange.lane)
                    )
                    return
                await self._pass_on(piece)
            if not exchange.body_done and not message.get("more_body", False):
                exchange.body_done = True
                exchange.expires = self._runtime.clock() + exchange.lane.entry.response_timeout
                if exchange.wire_sent and exchange.connection is not None:
                    exchange.connection.end_body()

    async def _pass_on(self, piece: bytes) -> None:
        exchange = self._exchange
        exchange.hold(piece)
        exchange.expires = self._runtime.clock() + self._runtime.limits.body_timeout
        if exchange.wire_sent and exchange.connection is not None:
            exchange.connection.write_body(piece)
            await self._writable.wait()
        elif exchange.held_bytes > self._runtime.limits.most_pending:
            await self._writable.wait()

    # To the client

    async def _download(self, send: Send) -> None:
        while not self._gone:
            while self._messages:
                message = self._messages.popleft()
                if not await self._sent(message, send):
                    return
                if message["type"] == "http.response.body" and not message["more_body"]:
                    return
            if self._refusal is not None:
                await send_answer(self._refusal, self._exchange.head, self._exchange.id_line, send)
                return
            if self._broken:
                return
            self._resume()
            await self._next_news()
        if not self._exchange.answered:
            self._exchange.status = 0
        self._exchange.error = "ClientClosed"

    async def _sent(self, message: dict[str, Any], send: Send) -> bool:
        """Whether the server took a message in time; a client that does not read is given up."""
        exchange = self._exchange
        idle = exchange.lane.entry.idle_timeout
        left = min(idle, exchange.deadline - self._runtime.clock())
        try:
            async with asyncio.timeout(None if left == NEVER else max(0.0, left)):
                await send(message)
        except TimeoutError:
            exchange.error = "ClientTooSlow"
            self._broken = True
            return False
        return True

    async def _next_news(self) -> None:
        exchange = self._exchange
        self._news.clear()
        if self._gone or self._broken or self._messages or self._refusal is not None:
            return  # it came while something was sent
        due = min(exchange.expires, exchange.deadline)
        try:
            async with asyncio.timeout(None if due == NEVER else max(0.0, due - self._runtime.clock())):
                await self._news.wait()
        except TimeoutError:
            if min(exchange.expires, exchange.deadline) <= self._runtime.clock():
                self._overdue()

    def _overdue(self) -> None:
        exchange = self._exchange
        if exchange.answered:
            self._break(UpstreamTimeout())
        elif not exchange.body_done and not self._unwritable:
            self._refuse(Refusal(RequestTimeout("the body stopped coming"), lane=exchange.lane))
        elif exchange.carriage is None or not exchange.carriage.overdue():
            self._refuse(
                Refusal(UpstreamTimeout("the service did not answer within its time"), lane=exchange.lane)
            )

    def _resume(self) -> None:
        if self._paused and self._exchange.connection is not None:
            self._paused = False
            self._wait_for_more()  # the time that the client took is not the service's
            self._exchange.connection.resume_reading()

    def _queue(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        self._news.set()
        connection = self._exchange.connection
        if len(self._messages) > MOST_QUEUED and not self._paused and connection is not None:
            self._paused = True
            connection.pause_reading()

    def _wait_for_more(self) -> None:
        exchange = self._exchange
        if not exchange.endless:
            exchange.expires = self._runtime.clock() + exchange.lane.entry.idle_timeout

    # ResponseSink

    def on_response(self, head: ResponseHead, pieces: list[bytes], complete: bool) -> None:
        """Queue the head and what there is of the body."""
        exchange = self._exchange
        exchange.status = head.status
        exchange.answered = True
        exchange.let_go()
        lines = b"".join(answers.response_head(exchange, head, b"")).split(b"\r\n")[1:-2]
        headers = [
            (name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)
        ]
        if head.status == 304:  # RFC 9110 8.6 allows a length here, ASGI servers take it for a promise
            headers = [header for header in headers if header[0] != b"content-length"]
        self._queue({"type": "http.response.start", "status": head.status, "headers": headers})
        exchange.endless = head.event_stream
        if head.event_stream:
            exchange.expires = NEVER
        self.on_body(pieces, complete)

    def on_body(self, pieces: list[bytes], complete: bool) -> None:
        """Queue pieces."""
        exchange = self._exchange
        body = b"".join(pieces)
        exchange.sent += len(body)
        self._wait_for_more()
        if body or complete:
            self._queue({"type": "http.response.body", "body": body, "more_body": not complete})

    def on_informational(self, head: ResponseHead) -> None:
        """ASGI servers send 100 themselves; the others are not for ASGI."""
        if head.status == 101:
            self._refuse(Refusal(UpstreamProtocolError("the service switched protocols unasked")))

    def on_tunnel(self, data: bytes) -> None:
        """There are no tunnels here."""

    def on_failure(self, error: GatewayError, answered: bool) -> None:
        """Try again, refuse, or break off."""
        exchange = self._exchange
        if exchange.status:
            self._break(error)
            return
        exchange.answered = exchange.answered or answered
        refusal = self._runtime.settlement.recover(exchange, error)
        if refusal is None:
            exchange.target.pool.send(exchange)
        else:
            self._refuse(refusal)

    def on_connected(self) -> None:
        """The body may follow."""
        self._writable.set()

    def pause_body(self) -> None:
        """The service reads slowly."""
        self._writable.clear()
        self._unwritable = True

    def resume_body(self) -> None:
        """The service has caught up."""
        self._writable.set()
        self._unwritable = False

    def _refuse(self, refusal: Refusal) -> None:
        exchange = self._exchange
        if exchange.answered and exchange.status:
            self._break(refusal.error)
            return
        exchange.status = status_of(refusal)
        exchange.error = type(refusal.error).__name__
        exchange.failed_upstream = isinstance(refusal.error, UpstreamFault)
        self._refusal = refusal
        self._news.set()

    def _break(self, error: GatewayError) -> None:
        self._exchange.error = type(error).__name__
        self._exchange.failed_upstream = isinstance(error, UpstreamFault)
        self._broken = True
        self._news.set()


async def send_answer(answer: Refusal | Reply, head: Request, id_line: bytes, send: Send) -> None:
    """A refusal's problem document, or a reply."""
    body = b""
    headers = list(answer.headers)
    if isinstance(answer, Refusal):
        identity = request_id(head, id_line)
        body = problems.document(answer.error, identity)
        headers = answers.refusal_headers(answer, body) + answers.cors_headers(answer, head)
        if identity:
            headers.append(("X-Request-ID", identity))
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status_of(answer), "headers": raw})
    bodiless = head.method == b"HEAD"
    await send({"type": "http.response.body", "body": b"" if bodiless else body})
