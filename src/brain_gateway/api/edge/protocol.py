"""The proxy entry: one client connection, spoken to in the callbacks of the event loop.

uvicorn makes one `EdgeProtocol` per connection (`Config(http=...)`). A request whose first path segment is the
gateway's own is handed to uvicorn's protocol and so to FastAPI (`own_side.py`); every other one is admitted,
rewritten and written to a pooled connection in the same callback, without an ASGI scope or a task.

The connection is a machine of states, each a function that takes the bytes that come (`_feed` is the present one):
    _read_head  a head is awaited (or part of it is in `_pending`)
    _read_body  a request's body is under way to a service
    _read_own   a request's body is under way to the gateway's own application
    _queue      a request is being answered; what comes belongs to the next one
    _tunnel     protocols were switched: bytes pass as they are
    _discard    the last answer is out and the connection is closing: what comes is thrown away
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from brain_gateway.api.edge.client_side import ClientSide
from brain_gateway.api.edge.dispatch import own_answer_to, status_of
from brain_gateway.api.edge.own_side import OwnSide
from brain_gateway.application.gateway.deferred import Deferred
from brain_gateway.application.gateway.exchange import ClientAddress, Exchange, Refusal, Reply
from brain_gateway.application.gateway.forwarding import plain_address
from brain_gateway.application.gateway.routing_table import RESERVED_BYTES
from brain_gateway.domain.errors import (
    BodyTooLarge,
    CallerError,
    HeadersTooLarge,
    MalformedRequest,
    RequestTimeout,
    UpstreamTimeout,
)
from brain_gateway.domain.http.chunked import body_decoder
from brain_gateway.domain.http.requests import Request, together

if TYPE_CHECKING:
    from brain_gateway.api.edge.runtime import EdgeRuntime


class EdgeProtocol(OwnSide, asyncio.Protocol):
    """One client connection."""

    __slots__ = ("_block", "_fields", "_received")

    def __init__(self, runtime: EdgeRuntime, **uvicorn: Any) -> None:
        super().__init__(runtime, **uvicorn)
        self._feed = _READ_HEAD
        self._block = (
            b""  # the fields of the last request, to the empty line: not parsed again when they repeat
        )
        self._fields = runtime.parser.fields(b"")
        self._received = 0  # bytes of body of the present request

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn who is at the other end."""
        self.transport = cast(asyncio.Transport, transport)
        runtime = self._runtime
        peer = transport.get_extra_info("peername")
        address, port = (
            (plain_address(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("127.0.0.1", 0)
        )
        scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._client = ClientAddress(address, port, scheme, runtime.trusts(address))
        self._since = runtime.clock()
        runtime.connections.add(self)
        if runtime.most_connections and len(runtime.connections) > runtime.most_connections:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Whatever the present state makes of it."""
        self._feed(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: the service's work for it is cancelled."""
        self._runtime.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        self._drop_own()
        exchange = self._exchange
        if exchange is not None:
            self._exchange = None
            if exchange.connection is not None:
                exchange.connection.abort()
                exchange.connection = None
            if exchange.status != 101:
                exchange.error = exchange.error or "ClientClosed"
            self._runtime.settlement.settle(exchange)
        self._feed = _DISCARD

    # Reading heads

    def _read_head(self, data: bytes) -> None:
        if self._pending:
            data = self._pending + data
            self._pending = b""
        elif self._head_since:
            self._head_since = 0.0
        line_end = data.find(b"\r\n")
        block = self._block
        if line_end > 0 and block and data.startswith(block, line_end):
            end = line_end + len(block)
        else:
            if line_end == 0:
                data = data[2:]  # RFC 9112 section 2.2: one empty line before a request is overlooked
            end = self._read_fields(data)
            if not end:
                return
            line_end = data.find(b"\r\n")
        runtime = self._runtime
        text = data[:line_end]
        try:
            line = runtime.parser.known.get(text) or runtime.parser.line(text)
            head = together(line, self._fields)
        except CallerError as error:
            self._refuse_unread(error)
            return
        rest = data[end:]
        if line.service in RESERVED_BYTES:
            own = own_answer_to(line)
            if own is None:
                self._start_own(head, data[:end], rest)
            else:
                self._refuse(own, head, rest)
            return
        admitted = runtime.router.admit(head, self._client)
        if type(admitted) is Exchange:
            self._carry(admitted, rest)
        else:
            self._not_admitted(admitted, head, rest)

    def _read_fields(self, data: bytes) -> int:
        """Parse fields that differ from the last ones; where the head ends, 0 when it does not go on."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > self._runtime.limits.header_bytes:
            self._part_of_head(data)
            return 0
        start = data.find(b"\r\n")
        self._block = b""
        try:
            self._fields = self._runtime.parser.fields(data[start:end])
        except CallerError as error:
            self._refuse_unread(error)
            return 0
        self._block = data[start : end + 4]
        return end + 4

    def _part_of_head(self, data: bytes) -> None:
        """A head that is not whole: refuse at once what can never become one."""
        most = self._runtime.limits.header_bytes
        if len(data) > most + 3:  # the empty line may be cut
            self._refuse_unread(HeadersTooLarge(f"the head is longer than {most} bytes"))
        elif data.count(b"\n") != data.count(b"\r\n") or b"\0" in data:
            self._refuse_unread(MalformedRequest("a bare LF or a NUL in the head"))
        elif data and data[0] != 0x0D and not (0x20 < data[0] < 0x7F):
            self._refuse_unread(MalformedRequest("this is not HTTP; if it is TLS, use an https address"))
        else:
            if not self._head_since:
                self._head_since = self._runtime.clock()
            self._pending = data

    # Proxied requests

    def _not_admitted(self, admitted: object, head: Request, body: bytes) -> None:
        if isinstance(admitted, Deferred):
            self._feed = _QUEUE
            self._pending = body
            self._task = asyncio.get_running_loop().create_task(self._decide(admitted, head))
        elif isinstance(admitted, (Refusal, Reply)):
            self._refuse(admitted, head, body)

    async def _decide(self, deferred: Deferred, head: Request) -> None:
        """Wait for what is missing; what the client sends meanwhile is kept."""
        admitted = await self._runtime.router.decide(deferred, head, self._client)
        self._task = None
        body, self._pending = self._pending, b""
        self.resume_body()
        if isinstance(admitted, Exchange):
            self._carry(admitted, body)
        else:
            self._refuse(admitted, head, body)

    def _carry(self, exchange: Exchange, body: bytes) -> None:
        self._exchange = exchange
        exchange.sink = self
        if exchange.body_done:
            self._feed = _QUEUE
            if body:
                self._pending = body
            (exchange.lane.carrier or exchange.target.pool).send(exchange)
            return
        self._decoder = body_decoder(exchange.head.fields.length)
        self._received = 0
        self._feed = _READ_BODY
        exchange.expires = self._runtime.clock() + self._runtime.limits.body_timeout
        if body:
            self._read_body(body)
        if self._exchange is exchange:
            (exchange.lane.carrier or exchange.target.pool).send(exchange)

    def _read_body(self, data: bytes) -> None:
        exchange, decoder = self._exchange, self._decoder
        assert exchange is not None
        assert decoder is not None
        try:
            pieces = decoder.feed(data)
        except MalformedRequest as error:
            exchange.head.keep_alive = False
            self._give_up(Refusal(error, lane=exchange.lane))
            return
        connection = exchange.connection if exchange.wire_sent else None
        for piece in pieces:
            self._received += len(piece)
            exchange.hold(piece)
            if connection is not None:
                connection.write_body(piece)
        entry = exchange.lane.entry
        most = entry.service.max_body
        if most and self._received > most:
            too_large = BodyTooLarge(f"this service takes at most {most} bytes")
            self._give_up(Refusal(too_large, lane=exchange.lane))
            return
        if decoder.done:
            exchange.body_done = True
            self._pending = decoder.rest
            self._decoder = None
            self._feed = _QUEUE
            if not exchange.status:
                exchange.expires = self._runtime.clock() + entry.response_timeout
            if connection is not None:
                connection.end_body()
        else:
            exchange.expires = self._runtime.clock() + self._runtime.limits.body_timeout
            if connection is None and exchange.held_bytes > self._runtime.limits.most_pending:
                self.pause_body()

    def _refuse(self, refusal: Refusal | Reply, head: Request, body: bytes) -> None:
        """Answer in a service's place. A body that is still to come makes it the last answer."""
        keep_alive = head.keep_alive and not self._runtime.draining and head.length == 0
        id_line = self._runtime.router.id_line(head)
        if isinstance(refusal, Refusal):
            self._write_refusal(refusal, head, id_line, keep_alive)
        else:
            self._write_reply(refusal, keep_alive)
        self._runtime.settlement.refused(refusal, head, id_line, self._client, status_of(refusal))
        self._pending = body
        self._since = self._runtime.clock()
        self._next(keep_alive)

    def _finished(self, keep_alive: bool) -> None:
        exchange = self._exchange
        assert exchange is not None
        self._exchange = None
        self._chunked_out = False
        self._since = self._runtime.settlement.settle(exchange)
        if keep_alive and not self._pending and not self._paused_reading and not self._write_paused:
            self._feed = _READ_HEAD
        else:
            self._next(keep_alive)

    # Tunnels

    def _enter_tunnel(self) -> None:
        self._feed = _TUNNEL
        assert self._exchange is not None
        self._runtime.settlement.tunnel_opened(self._exchange)
        if self._pending:
            data, self._pending = self._pending, b""
            self._tunnel(data)
        self.resume_body()

    def _tunnel(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.connection is not None:
            exchange.connection.tunnel(data)

    # Time

    def shutdown(self) -> None:
        """The server drains: an idle connection closes now, a busy one after its answer."""
        if self._own_busy():
            assert self._own is not None
            self._own.shutdown()
        elif self._exchange is None and self._task is None:
            if not self._pending:  # a request that has begun to come is awaited, as long as a head may take
                self.transport.close()
        elif self._exchange is not None and self._exchange.status == 101:
            self._exchange.expires = self._runtime.clock()

    def check(self, now: float) -> None:
        """Called several times a second: has anything taken too long?"""
        exchange = self._exchange
        if exchange is not None:
            if now > exchange.expires or now > exchange.deadline:
                self._overdue(exchange)
            elif exchange.status == 101 and exchange.lane.session.expires < now:
                self.transport.close()  # the tunnel's key or token is gone
        elif self._feed is _READ_OWN:
            if now - self._since > self._runtime.limits.body_timeout:
                self._own_overdue()
        elif self._task is not None or self._still_unsent(now) or self._own_busy():
            return  # also of a long answer of the application, what is not read for long is given up
        elif self._feed is _DISCARD:
            self._check_closing(now)
        else:
            self._check_waiting(now)

    def _check_waiting(self, now: float) -> None:
        limits = self._runtime.limits
        if self._pending and self._feed is _READ_HEAD:
            if now - self._head_since > limits.header_timeout:
                self._refuse_unread(RequestTimeout(f"the head took longer than {limits.header_timeout:g} s"))
        elif now - self._since > limits.keep_alive_timeout:
            self.transport.close()

    def _overdue(self, exchange: Exchange) -> None:
        """A time is over: whose fault decides what is said."""
        if exchange.status == 101:
            self.transport.close()
        elif exchange.status or self._write_paused:
            exchange.error = "ClientTooSlow" if self._write_paused else "UpstreamTimeout"
            exchange.failed_upstream = not self._write_paused
            self._break_off()
        elif not exchange.body_done and not self._paused_reading:
            self._give_up(Refusal(RequestTimeout("the body stopped coming"), lane=exchange.lane))
        else:
            if exchange.carriage is not None and exchange.carriage.overdue():
                return
            error = UpstreamTimeout("the service did not answer within its time")
            self._give_up(Refusal(error, lane=exchange.lane))


_READ_HEAD = EdgeProtocol._read_head
_READ_BODY = EdgeProtocol._read_body
_READ_OWN = OwnSide._read_own
_QUEUE = ClientSide._queue
_TUNNEL = EdgeProtocol._tunnel
_DISCARD = ClientSide._discard
